"""What a schedule gives to the code around it besides rates: where a bundled scheduler would not, it is left alone."""

from __future__ import annotations

import textwrap

import pytest

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")

_LINEAR = """
from torch.optim.lr_scheduler import LRScheduler


class Linear(LRScheduler):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * max(0.0, 1 - self.last_epoch / self.total) for base in self.base_lrs]
"""


def _linear(method: str) -> str:
    return _LINEAR + "\n" + textwrap.indent(textwrap.dedent(method), "    ")


def test_a_function_that_sets_a_name_of_the_code_around_it_is_left_alone(rewrite):
    result = rewrite(
        """
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, total):
    last = 0

    def factor(step):
        nonlocal last
        last = step
        return max(0.0, 1 - step / total)

    return LambdaLR(optimizer, factor), lambda: last
"""
    )
    assert not result.changed
    assert result.left[0].reason == "it changes `last` at line 10 as well, which the bundled scheduler would not do"


def test_a_name_of_a_comprehension_is_its_own_whatever_the_module_calls_so(rewrite):
    module = """

if __name__ == "__main__":
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = Linear(optimizer, 100)
    for base in (1, 2):
        print(base)
"""
    result = rewrite(_LINEAR + module)
    assert result.left == ()
    assert "class Linear(WarmupLinearLR):" in result.after


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        pytest.param(
            """
            def state_dict(self):
                state = super().state_dict()
                state["config"] = {"lr": 0.1}
                return state
            """,
            "`Linear.state_dict` saves 'config', which the bundled scheduler would not",
            id="an entry of its own in the checkpoint",
        ),
        pytest.param(
            """
            def state_dict(self):
                return {"step": self.last_epoch, "total": self.total}
            """,
            "`Linear.state_dict` saves 'step', which the bundled scheduler would not",
            id="an attribute under another name",
        ),
        pytest.param(
            """
            def step(self, epoch=None, loss=None):
                super().step(epoch)
            """,
            "`Linear.step` takes `loss`, which that of the bundled scheduler does not",
            id="an argument that torch's step does not take",
        ),
    ],
)
def test_a_class_that_callers_use_in_a_way_of_its_own_is_left_alone(rewrite, method, reason):
    result = rewrite(_linear(method))
    assert not result.changed
    assert result.left[0].reason == reason


def test_a_state_of_nothing_but_its_attributes_is_what_torch_saves_and_goes(rewrite):
    result = rewrite(
        _linear(
            """
            def state_dict(self):
                return {"total": self.total, "last_epoch": self.last_epoch, "base_lrs": self.base_lrs}

            def load_state_dict(self, state):
                self.__dict__.update(state)
            """
        )
    )
    assert "class Linear(WarmupLinearLR)" in result.after


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("wandb.log({'factor': factor})", "wandb.log"),
        ("writer.add_scalar('factor', factor, step)", "writer.add_scalar"),
        ("told(factor)", "told"),
    ],
)
def test_a_schedule_that_hands_its_rates_to_others_is_left_alone(rewrite, call, reason):
    result = rewrite(
        f"""
import wandb
from torch.optim.lr_scheduler import LambdaLR
from mine import told, writer


def build(optimizer, total):
    def factor(step):
        factor = max(0.0, 1 - step / total)
        {call}
        return factor

    return LambdaLR(optimizer, factor)
"""
    )
    assert not result.changed
    assert result.left[0].reason == f"it calls `{reason}` at line 10 as well, which the bundled scheduler would not do"


@pytest.mark.parametrize("call", ["print(rates)", "logger.info('%s', rates)"])
def test_a_line_of_a_log_goes_with_a_note(rewrite, call):
    text = _LINEAR.replace(
        "        return [base",
        "        rates = [base",
    )
    text = text.replace("\nfrom", "from mine import logger\nfrom", 1)
    result = rewrite(text + f"        {call}\n        return rates\n")
    assert "class Linear(WarmupLinearLR):" in result.after
    assert f"`{call.partition('(')[0]}(...)` at line 12 goes with the old code" in result.sites[0].notes


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (
            "def __call__(self, step):\n    return step",
            "it has a `__call__` at line 13, which the bundled scheduler has not",
        ),
        (
            "def __len__(self):\n    return self.total",
            "it has a `__len__` at line 13, which the bundled scheduler has not",
        ),
    ],
)
def test_a_class_that_is_more_than_a_scheduler_is_left_alone(rewrite, method, reason):
    result = rewrite(_linear(method))
    assert not result.changed
    assert result.left[0].reason == reason


_BUILT = """
import torch
from torch.optim.lr_scheduler import LambdaLR


def train(model, head, total):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    for epoch in range(total):
        optimizer.step()
        scheduler.step()
"""


#: Not in one word with its scheduler: other files are looked at as text, and this is one, to the fixtures.
BASES = "base_lrs"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            f"scheduler.{BASES} = [0.5 * rate for rate in scheduler.{BASES}]",
            "line 12 sets the base rates, which the bundled scheduler reads once",
        ),
        (f"scheduler.{BASES}[0] *= 0.5", "line 12 sets the base rates, which the bundled scheduler reads once"),
        (
            "optimizer.add_param_group({'params': head.parameters()})",
            "line 12 adds a parameter group, which the old scheduler, built by then, leaves alone and the new one "
            "would not",
        ),
        ("print(type(scheduler).__name__ == 'LambdaLR')", "line 12 tests whether a scheduler is a LambdaLR"),
    ],
)
def test_a_scheduler_whose_rates_or_groups_are_changed_later_is_left_alone(rewrite, line, reason):
    result = rewrite(_BUILT + f"        {line}\n")
    assert not result.changed
    assert result.left[0].reason == reason


@pytest.mark.parametrize(
    "other",
    [
        """
class Lookahead:
    def add_param_group(self, group):
        self.optimizer.add_param_group(group)
""",
        """
class Halved(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        self.base_lrs = [base / 2 for base in self.base_lrs]
        return self.base_lrs
""",
    ],
    ids=["an optimizer that hands groups on", "another scheduler"],
)
def test_other_classes_that_do_so_with_their_own_do_not_matter(rewrite, other):
    assert "WarmupLinearLR(optimizer, total)" in rewrite(_BUILT + "\n" + other).after


def test_groups_that_are_there_before_the_scheduler_do_not_matter(rewrite):
    added = "    optimizer.add_param_group({'params': head.parameters()})\n    scheduler ="
    assert rewrite(_BUILT.replace("    scheduler =", added)).changed
