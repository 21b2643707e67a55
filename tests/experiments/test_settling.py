"""A value whose kind the code refuses is drawn again; what the code states, and what is really wrong, stays."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.findings import Status
from lrfix.source import parse_source

HEAD = "import math\nfrom torch.optim.lr_scheduler import LambdaLR, LRScheduler, MultiStepLR\n"


def analysed(code: str) -> list[SiteAnalysis]:
    return list(analyse(parse_source((HEAD + textwrap.dedent(code)).encode(), "train.py")))


def only(code: str) -> SiteAnalysis:
    (found,) = analysed(code)
    return found


SETTER = """
    def adjust(optimizer, epoch, args):
        rate = {rate}
        for group in optimizer.param_groups:
            group["lr"] = rate
"""


@pytest.mark.parametrize(
    ("rate", "family"),
    [
        # Each name speaks of something else than the code does with it.
        ("args.lr * (1 - epoch / args.lr_steps) if epoch < args.lr_steps else 0.0", "linear"),
        ("args.lr * 0.5 ** (epoch // args.milestone)", "step"),
        ("args.lr * 0.1 ** sum(epoch >= m for m in args.total_epochs)", "multistep"),
        ("args.lr * 0.1 ** sum(epoch >= m for m in args.when)", "multistep"),
    ],
)
def test_use_decides_the_kind_whatever_the_name(rate: str, family: str) -> None:
    found = only(SETTER.format(rate=rate))
    assert found.status.judged, found.reason
    assert found.family == family


def test_pairs_are_drawn_where_the_elements_of_a_list_are_taken_apart() -> None:
    found = only(
        """
        class StepSchedule:
            def __init__(self, initial_lr, steps):
                self.initial_lr, self.steps = initial_lr, steps

            def get_learning_rate(self, epoch):
                lr = self.initial_lr
                for (drop_epoch, factor) in self.steps:
                    if epoch >= drop_epoch:
                        lr *= factor
                return lr
        """
    )
    assert found.status.judged and len(set(found.curve)) == 3


def test_one_of_two_names_for_an_epoch_says_how_many_there_are() -> None:
    found = only(
        """
        def poly(base_lr, iter, max_iter, power):
            return base_lr * (1 - float(iter) / max_iter) ** power

        def adjust(optimizer, i_iter, lr, epoch_num, power):
            optimizer.param_groups[0]["lr"] = poly(lr, i_iter, epoch_num, power)

        epoch_num, power = parse("config.yml")
        for epoch in range(epoch_num):
            adjust(optimizer, epoch, 1e-3, epoch_num, power)
        """
    )
    assert found.status.judged and found.family == "poly"


@pytest.mark.parametrize(
    "use",
    [
        'group["lr"] = rate * group["layer_decay"]',
        'group["lr"] = rate if not group["is_frozen"] else 0.0',
        'group["lr"] = rate * (0.1 if group["head"] else 1.0)',
    ],
)
@pytest.mark.parametrize(
    "loop", ["for group in optimizer.param_groups:", "for i, group in enumerate(optimizer.param_groups):"]
)
def test_a_key_of_the_author_s_own_in_every_group(use: str, loop: str) -> None:
    found = only(
        f"""
        def adjust(optimizer, epoch, args):
            rate = args.lr * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))
            {loop}
                {use}
        """
    )
    assert (found.status.judged, found.family) == (True, "cosine")


def test_a_position_that_may_be_left_out_is_given_where_nothing_runs_without_it() -> None:
    found = only(
        """
        class StepDecay:
            def __init__(self, every, gamma=0.1):
                self.every, self.gamma, self.base = every, gamma, None

            def __call__(self, optimizer, batch=None, epoch=None):
                if self.base is None:
                    self.base = optimizer.param_groups[0]["lr"]
                if batch is not None:
                    now = batch
                elif epoch is not None:
                    now = epoch
                else:
                    raise RuntimeError("no position")
                for group in optimizer.param_groups:
                    group["lr"] = self.base * self.gamma ** (now // self.every)
        """
    )
    assert (found.status.judged, found.family) == (True, "step")


def test_a_text_that_the_code_looks_up_is_one_it_knows() -> None:
    found = next(
        site
        for site in analysed(
            """
            def lr_by_cosine(args, epoch):
                return args.lr * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))

            def lr_by_line(args, epoch):
                return args.lr * (1 - epoch / args.epochs)

            def lookup(kind):
                name = "lr_by_" + kind
                if name not in globals():
                    raise NotImplementedError(kind)
                return globals()[name]

            def get_lr_at_epoch(args, epoch):
                    lr = lookup(args.policy)(args, epoch)
                    if epoch < args.warmup_epochs:
                        lr = lr * epoch / args.warmup_epochs
                    return lr
            """
        )
        if site.name == "get_lr_at_epoch"
    )
    assert (found.status.judged, set(found.family.split("+"))) == (True, {"linear-warmup", "cosine", "linear"})


def test_an_alias_of_the_options_is_the_options() -> None:
    found = only(
        """
        class Trainer:
            def adjust_lr(self, now, total):
                cfg = self.cfg
                if cfg.kind == "flat":
                    factor = 1.0
                elif cfg.kind == "cos":
                    factor = 0.5 * (1 + math.cos(math.pi * now / total))
                else:
                    raise NotImplementedError(cfg.kind)
                for group in self.optimizer.param_groups:
                    group["lr"] = cfg.lr * factor
        """
    )
    assert found.status.judged
    assert "cosine" in found.family


@pytest.mark.parametrize("divided", ["args.clip / args.lr", "args.lowest / args.base_lr"])
def test_a_rate_over_a_rate_stays_below_one(divided: str) -> None:
    found = only(
        f"""
        def build(optimizer, args):
            return LambdaLR(optimizer, lambda k: max(0.9 ** k, {divided}))
        """
    )
    assert 0 < found.curve[-1] < 0.1 * found.curve[0]


def test_a_drop_is_drawn_past_a_warmup_that_the_call_states() -> None:
    found = only(
        """
        class Stairs(LRScheduler):
            def __init__(self, optimizer, milestones, warmup_iters=300, last_epoch=-1):
                self.milestones, self.warmup_iters = milestones, warmup_iters
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                ramp = min(1.0, (self.last_epoch + 1) / self.warmup_iters)
                return [b * ramp * 0.1 ** sum(self.last_epoch >= m for m in self.milestones) for b in self.base_lrs]

        def train(optimizer, loader, args):
            drops = [len(loader) * int(epoch) for epoch in args.drops.split(",")]
            return Stairs(optimizer, drops, warmup_iters=300)
        """
    )
    assert found.family == "linear-warmup+multistep"
    peak = max(range(len(found.curve)), key=found.curve.__getitem__)
    assert peak >= 299 or found.study.use is None


def test_floors_are_drawn_below_the_rate_that_the_optimizer_s_call_states() -> None:
    found = only(
        """
        import torch

        def build(model, args):
            optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
            return LambdaLR(optimizer, lambda k: max(args.min_lr / 2e-5, 0.97 ** k))
        """
    )
    assert found.curve[0] == pytest.approx(2e-5)
    assert 0 < found.curve[-1] < found.curve[0] / 10


def test_what_the_code_states_is_not_replaced() -> None:
    found = only(
        """
        class Broken(LRScheduler):
            def __init__(self, optimizer, drops=(10, 20), last_epoch=-1):
                self.drops = drops
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return [base * 0.5 ** (self.last_epoch / self.drops) for base in self.base_lrs]
        """
    )
    assert found.status in (Status.FAILED, Status.REPAIR)
    assert "TypeError" in (found.reason or "")


def test_an_abstract_class_is_judged_by_what_derives_from_it_and_is_no_schedule_alone() -> None:
    abstract = """
        class Base(LRScheduler):
            def get_lr(self):
                raise NotImplementedError

            def step(self, epoch=None):
                super().step(epoch)
    """
    heir = """
        class Halving(Base):
            def get_lr(self):
                return [base * 0.5 ** (self.last_epoch // 7) for base in self.base_lrs]
    """
    assert analysed(abstract) == []
    assert [site.family for site in analysed(abstract + heir)] == ["step", "step"]


def test_one_clock_counts_the_batches_of_an_epoch() -> None:
    found = only(
        """
        def main(args, optimizer, dataset_loader):
            max_iter = args.epochs * len(dataset_loader)
            for epoch in range(args.start, args.epochs):
                for i, batch in enumerate(dataset_loader):
                    now = epoch * len(dataset_loader) + i
                    rate = args.base_lr * (1 - now / max_iter) ** 0.9
                    optimizer.param_groups[0]["lr"] = rate
                    optimizer.param_groups[1]["lr"] = rate * 10
        """
    )
    assert (found.family, found.study.faults) == ("poly", frozenset())
    steps = len(found.curve)
    assert steps == found.study.horizon(found.study.runs[0]) + 1


@pytest.mark.parametrize("form", ["setter", "function"])
def test_what_takes_1_away_counts_from_1(form: str) -> None:
    body = {
        "setter": "for group in optimizer.param_groups:\n        group['lr'] = lr",
        "function": "return lr",
    }[form]
    (found,) = analysed(
        "def get_lr(args, epoch, batch, total_batches, optimizer):\n"
        "    p = (batch + (epoch - 1) * total_batches) / (args.warm_epochs * total_batches)\n"
        "    lr = args.warm_from + p * (args.warm_to - args.warm_from) if epoch <= args.warm_epochs else args.lr\n"
        f"    {body}\n"
    )
    assert all(rate >= 0 for rate in found.curve)
    assert not found.study.faults & {"LR212", "LR204"}


def test_a_loop_that_counts_from_0_is_believed() -> None:
    found = only(
        """
        def train(args, optimizer):
            for epoch in range(args.epochs):
                rate = args.lr * (epoch - 1) / args.epochs
                for group in optimizer.param_groups:
                    group["lr"] = rate
        """
    )
    assert found.curve[0] < 0


def test_a_list_is_as_long_as_its_default() -> None:
    found = only(
        """
        class Restarting(LRScheduler):
            def __init__(self, optimizer, milestones, restarts=(0,), weights=(1,), gamma=0.5, last_epoch=-1):
                self.milestones, self.gamma = milestones, gamma
                self.restarts, self.weights = restarts, weights
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                if self.last_epoch in self.restarts:
                    weight = self.weights[self.restarts.index(self.last_epoch)]
                    return [base * weight for base in self.base_lrs]
                factor = self.gamma if self.last_epoch in self.milestones else 1
                return [group["lr"] * factor for group in self.optimizer.param_groups]
        """
    )
    assert all(run.failure is None for run in found.study.runs)
    assert found.family == "multistep"


def test_a_run_that_is_divided_into_dozens_of_parts_is_drawn_long_enough():
    found = only(
        """
        class Waves(LRScheduler):
            def __init__(self, optimizer, total_steps, last_epoch=-1):
                self.total_steps = total_steps
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                half = self.total_steps // 80 // 2
                share = self.last_epoch % (2 * half) / half
                return [base * (share if share < 1 else 2 - share) for base in self.base_lrs]
        """
    )
    assert found.status is not Status.FAILED and len(found.curve) > 100
