"""What the experiments' optimizer has in its groups, and what code that looks into them is told."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest
from asking import asked

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.findings import Status
from lrfix.source import parse_source

HEAD = "import math\nimport torch\nfrom torch.optim.lr_scheduler import *\n"


def only(code: str) -> SiteAnalysis:
    (found,) = analyse(parse_source((HEAD + textwrap.dedent(code)).encode(), "train.py"))
    return found


@pytest.mark.parametrize(
    "main", ["OneCycleLR(optimizer, max_lr=0.1, total_steps=900)", "CyclicLR(optimizer, base_lr=0.01, max_lr=0.1)"]
)
def test_schedulers_of_the_momentum_find_one(main: str) -> None:
    found = only(
        f"""
        def build(optimizer):
            warm = LinearLR(optimizer, start_factor=0.1, total_iters=50)
            main = {main}
            return SequentialLR(optimizer, [warm, main], milestones=[50])
        """
    )
    assert found.status.judged
    assert len(set(found.curve)) > 10


@pytest.mark.parametrize("test", ['"lr_scale" in group', '"lr_scale" not in group', 'group.get("lr_scale") is None'])
def test_a_group_is_asked_for_its_keys(test: str) -> None:
    found = only(
        f"""
        def adjust(optimizer, epoch, args):
            lr = args.lr * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))
            for group in optimizer.param_groups:
                if {test}:
                    group["lr"] = lr
                else:
                    group["lr"] = lr
        """
    )
    assert (found.status.judged, found.family) == (True, "cosine")


@pytest.mark.parametrize("decorator", ["torch.jit.ignore", "torch.jit.export", "torch.no_grad()", "torch.compile"])
def test_decorators_of_torch_give_back_what_they_are_given(decorator: str) -> None:
    found = only(
        f"""
        class Halving(LRScheduler):
            def __init__(self, optimizer, every, last_epoch=-1):
                self.every = every
                super().__init__(optimizer, last_epoch)

            @{decorator}
            def get_lr(self):
                return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]
        """
    )
    assert (found.status.judged, found.family) == (True, "step")


def test_a_run_of_one_step_has_no_shape() -> None:
    found = only(
        """
        def listify(p=None, q=None):
            if len(p) == 1:
                p = p * q
            return list(p)

        class Wrapper:
            @classmethod
            def create(cls, opt, lr, layer_groups):
                opt.lr, opt.groups = (listify(lr, layer_groups), layer_groups)
        """
    )
    assert found.status is not Status.EQUIVALENT


def torn(last: str, *calls: str) -> Mapping[str, object]:
    """What a jump between warmup and decay (LR202) was shown with, where calls give the last parameter a number."""
    code = f"""
        def adjust(optimizer, epoch, warmup, epochs, {last}):
            if epoch < warmup:
                lr = {last} * (epoch + 1) / warmup
            else:
                lr = {last} * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
            for group in optimizer.param_groups:
                group["lr"] = lr

        def main(optimizer):
            for epoch in range(10):
    """
    told = "\n".join(f"                adjust(optimizer, epoch, 3, 10, {call})" for call in calls)
    (found,) = asked("LR202", HEAD + textwrap.dedent(code.rstrip() + "\n" + told))
    assert found.evidence is not None
    return found.evidence.scenario


@pytest.mark.parametrize(("last", "call"), [("base", "0.1"), ("a", "a=0.1"), ("b", "1e-1")])
def test_what_a_call_states_stands_for_a_parameter_whose_name_says_nothing(last: str, call: str) -> None:
    assert torn(last, call)[last] == 0.1


def test_a_number_below_0_is_passed_over() -> None:
    assert torn("a", "-1", "0.2")["a"] == 0.2


def test_a_number_that_may_be_a_length_beyond_simulation_is_passed_over() -> None:
    assert torn("a", "100000", "0.2")["a"] == 0.2
