"""What a schedule gives to the code around it besides rates: where a bundled scheduler would not, it is left alone."""

from __future__ import annotations

import textwrap

import pytest

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
