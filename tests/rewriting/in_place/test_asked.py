"""Where a scheduler has to stay, the function that it asks may hold a call of a bundled one."""

from __future__ import annotations

import textwrap

import pytest

pytest.importorskip("torch")


def text(code: str) -> str:
    return textwrap.dedent(code).lstrip()


#: A group that joins later keeps its rate under torch's scheduler, and would be scheduled by the bundled one.
LATE = text(
    """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def train(optimizer, args, model):
        if args.cos:
            lf = lambda x: ((1 + math.cos(x * math.pi / args.epochs)) / 2) * (1 - args.lrf) + args.lrf  # cosine
        else:
            def lf(x):
                return (1 - x / args.epochs) * (1.0 - args.lrf) + args.lrf
        scheduler = LambdaLR(optimizer, lr_lambda=lf)
        optimizer.add_param_group({"params": model.head.parameters()})
        for epoch in range(args.epochs):
            step(model)
            scheduler.step()
    """
)
GROUPS = text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, total_steps, warmup):
        return LambdaLR(optimizer, [lambda k: min(1.0, (k + 1) / warmup), lambda k: max(0.0, 1 - k / total_steps)])
    """
)


def test_both_branches_of_a_function_hold_a_call(rewrite):
    result = rewrite(LATE, verify=True)
    (site,) = result.sites
    assert site.standing == "equivalent up to its end at `args.epochs`"
    assert "lf = lambda x: warmup_cosine(x, total_steps=args.epochs, eta_min=args.lrf)  # cosine" in result.after
    assert "return warmup_linear(x, total_steps=args.epochs, eta_min=args.lrf)" in result.after
    assert "scheduler = LambdaLR(optimizer, lr_lambda=lf)" in result.after and "import math" not in result.after
    assert not rewrite(result.after).changed


def test_each_group_keeps_a_function_of_its_own(rewrite):
    after = rewrite(GROUPS, verify=True).after
    assert 'lambda k: warmup_constant(k, warmup_steps=warmup, warmup_progress="(k+1)/W")' in after
    assert "lambda k: warmup_linear(" in after and "total_steps=total_steps" in after


FAR = text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, gamma):
        return LambdaLR(optimizer, [lambda k: gamma**k if k < 70000 else 0.3, lambda k: 1.0])
    """
)
EACH = text(
    """
    from torch.optim.lr_scheduler import LRScheduler

    class Poly(LRScheduler):
        def __init__(self, optimizer, warmup, total, power, floor):
            self.warmup, self.total, self.power, self.floor = warmup, total, power, floor
            super().__init__(optimizer)

        def __repr__(self):
            return "Poly"

        def get_lr(self):
            if self.last_epoch < self.warmup:
                up = self.last_epoch / self.warmup
                return [self.floor + (base - self.floor) * up for base in self.base_lrs]
            done = min(1.0, (self.last_epoch - self.warmup) / (self.total - self.warmup))
            return [self.floor + (base - self.floor) * (1 - done) ** self.power for base in self.base_lrs]
    """
)


def test_a_number_that_is_written_far_away_is_tried(rewrite):
    assert "lambda k: warmup_exponential(k, gamma=gamma)" in rewrite(FAR.replace(" if k < 70000 else 0.3", "")).after
    result = rewrite(FAR, verify=True)
    assert not result.changed


def test_a_value_that_may_be_none_is_tried_so(rewrite):
    code = FAR.replace("gamma):", "total, floor=None):").replace(
        "gamma**k if k < 70000 else 0.3", "max(floor or 0.0, 1 - k / total)"
    )
    assert "eta_min=floor" in rewrite(code).after
    assert not rewrite(code, verify=True).changed


def test_a_list_of_each_group_is_one_of_calls(rewrite):
    result = rewrite(EACH, verify=True)
    assert [site.kind for site in result.sites] == ["equivalent"]
    assert result.after.endswith(
        """
    def get_lr(self):
        return [
            warmup_polynomial(
                self.last_epoch,
                total_steps=self.total,
                power=self.power,
                warmup_steps=self.warmup,
                warmup_start=self.floor,
                peak=base,
                eta_min=self.floor,
            )
            for base in self.base_lrs
        ]
"""
    )
    assert not rewrite(result.after).changed


@pytest.mark.parametrize(
    "code",
    [
        LATE.replace("range(args.epochs)", "range(args.epochs + 50)"),
        GROUPS.replace("1 - k / total_steps", "1 - optimizer.done / total_steps").replace("(k + 1)", "k.value"),
        LATE.replace("scheduler.step()", "scheduler.step(epoch + args.done / len(args.batches))"),
        LATE.replace("scheduler.step()", "scheduler.step(epoch - args.warmup)"),
        LATE.replace("import LambdaLR", "import LambdaLR, MultiplicativeLR").replace(
            "    optimizer.add", "    beside = MultiplicativeLR(optimizer, lambda k: 0.99)\n    optimizer.add"
        ),
        LATE.replace("scheduler.step()", "scheduler.step()\n        args.log(lf(epoch + 0.5))"),
        EACH.replace("for base in self.base_lrs]\n        done", "for base in self.base_lrs[:1]]\n        done"),
        EACH.replace("self.last_epoch", "self.counted"),
        EACH.replace("self.last_epoch", "step").replace(
            "(self):\n        if", "(self):\n        step = self.at\n        if"
        ),
    ],
    ids=[
        "training goes on past the end",
        "the position is not what the scheduler tells",
        "fractions of a step",
        "steps below 0",
        "beside one that goes on from its rates",
        "a fraction by hand",
        "two lists",
        "a count of its own",
        "a count of its own under a name",
    ],
)
def test_what_is_left(rewrite, code):
    assert code not in (LATE, GROUPS, EACH)
    assert not rewrite(code, verify=True).changed
