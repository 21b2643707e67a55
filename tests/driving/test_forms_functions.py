"""Functions of the step: asked alone, where the file calls them, and as partials."""

from __future__ import annotations

import math
import textwrap

import pytest
from asking import reported

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.source import parse_source


def only(code: str) -> SiteAnalysis:
    analyses = analyse(parse_source(textwrap.dedent(code).encode(), "train.py"))
    (found,) = [a for a in analyses if a.form == "function"]
    return found


SHARES = """
    from dataclasses import dataclass
    from functools import partial
    @dataclass
    class Config:
        warmup: int = 10
        shape: float = 0.5
        cycle_length: float = 1.0
    def lr_inverse(step, warmup, shape):
        if step < warmup:
            return step / warmup
        return warmup**shape / step**shape
    def build(args: Config):
        return {"lr": partial(lr_inverse, warmup=args.warmup, shape=args.shape)}
"""


def test_a_parameter_of_no_known_role_has_the_value_that_the_files_own_use_gives_it() -> None:
    analysis = only(SHARES)
    curve, warmup = analysis.curve, analysis.curve.index(max(analysis.curve))

    assert curve[0] == 0.0
    assert math.isclose(curve[4 * warmup], 0.5)
    assert analysis.family == "linear-warmup+inverse-sqrt"


def test_a_share_of_the_run_is_no_number_of_steps() -> None:
    analysis = only("""
        def get_lr(step, total_steps, cooldown_frac):
            x = step / total_steps
            if x < 1 - cooldown_frac:
                return 1.0
            return max(1 - x, 0) / cooldown_frac
    """)

    assert analysis.curve[0] == analysis.curve[20] == 1.0
    assert analysis.curve[95] < 0.5


def test_a_factory_is_asked_through_what_it_returns() -> None:
    analysis = only("""
        import math
        from functools import partial
        def get_lr_schedule(kind, lr, min_lr, total_iters):
            def cosine(lr, min_lr, total_iters, iters):
                return min_lr + 0.5 * (lr - min_lr) * (1 + math.cos(math.pi * iters / total_iters))
            def fixed(lr, iters):
                return lr * 0.5 ** (iters // 10)
            if kind == "cos":
                return partial(cosine, lr, min_lr, total_iters)
            return partial(fixed, lr)
    """)

    assert set(analysis.family.split("+")) == {"cosine", "step"}


@pytest.mark.parametrize("position", ["step", "it", "cur_iter", "epoch", "global_step"])
def test_the_position_is_known_by_its_name(position: str) -> None:
    analysis = only(
        f"def poly_lr(base_lr, {position}, max_iter):\n    return base_lr * (1 - {position} / max_iter) ** 0.9\n"
    )

    assert analysis.family == "poly"


NOAM = "def noam_decay(step, warmup_steps):\n    return min(step ** -0.5, step * warmup_steps ** -1.5)\n"


def test_a_function_without_a_value_at_0_that_nobody_asks_for_it_counts_from_1() -> None:
    analysis = only(NOAM)

    assert analysis.family == "linear-warmup+inverse-sqrt"
    assert reported("LR205", NOAM) == []
    assert analysis.curve[1] == pytest.approx(2 * analysis.curve[0])


def test_a_loop_that_begins_with_0_fails_as_it_does_in_training() -> None:
    loop = """
for step in range(100):
    for group in optimizer.param_groups:
        group["lr"] = noam_decay(step, 4000)
    train()
"""
    assert [finding.code for finding in reported("LR205", NOAM + loop)] == ["LR205"]


BRANCHES = """
import math

def main(args, optimizer, loader):
    if args.lr_schedule == "constant":
        def lr_schedule(epoch):
            return args.lr_max
    elif args.lr_schedule == "linear":
        def lr_schedule(epoch):
            return args.lr_max * (1 - epoch / args.epochs)
    else:
        def lr_schedule(epoch):
            return args.lr_max * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))
    for epoch in range(args.epochs):
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(epoch)
        train(loader)
"""


def test_functions_of_one_name_in_the_branches_of_a_switch_are_each_their_own() -> None:
    found = {site.site.node.lineno: site.family for site in analyse(parse_source(BRANCHES.encode(), "train.py"))}
    assert (found.get(9), found.get(12)) == ("linear", "cosine")


def test_what_the_optimizer_is_handed_to_out_of_sight_may_write_the_rate() -> None:
    code = """
        class Setter:
            def adjust(self, optimizer, lr):
                for group in optimizer.param_groups:
                    group["lr"] = lr

        class Trainer:
            def __init__(self, config, model, optimizer):
                self.model, self.optimizer = model, optimizer
                self.setter = Setter()

            def train(self, loader, epochs):
                for epoch in range(epochs):
                    for i, batch in enumerate(loader):
                        lr = 0.1 / (1 + epoch * len(loader) + i)
                        self.setter.adjust(self.optimizer, lr)
                        self.model(batch).backward()
                        self.optimizer.step()
        """
    (found,) = analyse(parse_source(textwrap.dedent(code).encode(), "train.py"))
    assert found.status == "opaque" and "`self.setter.adjust` writes the rate" in (found.reason or "")
