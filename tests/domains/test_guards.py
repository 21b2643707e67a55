"""Settings that the code's own guards accept are found, and then simulated."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.source import parse_source

WRAPPER = """
    import torch

    class Schedule:
        def __init__(self, optimizer, lr, {parameters}):
            {guard}
            self.optimizer = optimizer
            self.lr = lr
            self.k = 0

        def step(self):
            self.k += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr / self.k
"""


def analysed(parameters: str, guard: str, text: str = WRAPPER):
    source = textwrap.dedent(text).format(parameters=parameters, guard=guard)
    (analysis,) = analyse(parse_source(source.encode(), "train.py"))
    return analysis


@pytest.mark.parametrize(
    ("parameters", "guard"),
    [
        ("first, second", "assert first == second"),
        ("first, second", "assert first > second"),
        ("first, second", "assert second > 2 * 1 and second < first"),
        ("max_lr", "assert max_lr < lr"),
        ("size", "assert size == 3"),
        ("size", "assert size < 1"),
        ("decay_steps=None", "assert decay_steps is not None"),
        ("periods, weights=(1,)", "assert len(periods) == len(weights)"),
        ("beta", "if beta >= 1: raise ValueError('beta')"),
    ],
)
def test_values_that_a_guard_asks_for_are_found(parameters, guard):
    analysis = analysed(parameters, guard)
    assert analysis.reason is None or "fails" not in analysis.reason, analysis.reason
    assert len(analysis.curve) > 100


def test_what_no_single_change_satisfies_stays_refused():
    analysis = analysed("first", "assert hash(first) == 1.5, 'never'")
    assert not analysis.curve


def test_code_for_one_parameter_group_is_run_with_one():
    text = """
        import torch

        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def adjust_learning_rate(optimizer, epoch):
            assert len(optimizer.param_groups) == 1
            optimizer.param_groups[0]["lr"] = 0.1 / (1 + epoch)

        for epoch in range(100):
            adjust_learning_rate(optimizer, epoch)
    """
    (analysis,) = analyse(parse_source(textwrap.dedent(text).encode(), "train.py"))
    assert list(analysis.curve[:3]) == pytest.approx([0.1, 0.05, 0.1 / 3])


def test_equal_values_stay_equal_in_every_scenario():
    analysis = analysed("first, second", "assert first == second")
    assert all(run.ran for run in analysis.study.runs)


@pytest.mark.parametrize(
    "guard", ["assert epoch > 0 and epoch <= 1000", "assert epoch >= 1", "if epoch < 1: raise ValueError('epoch')"]
)
def test_epochs_that_are_numbered_from_one_start_with_one(guard):
    text = """
        class Schedule:
            def __init__(self, optimizer, lr):
                self.optimizer, self.lr = optimizer, lr

            def step_epoch(self, epoch):
                {guard}
                for group in self.optimizer.param_groups:
                    group["lr"] = self.lr / epoch
    """
    (analysis,) = analyse(parse_source(textwrap.dedent(text).format(guard=guard).encode(), "train.py"))
    assert analysis.curve[1] == pytest.approx(analysis.curve[0] / 2)


def test_settings_that_are_lists_stand_beside_numbers_of_the_same_role():
    analysis = analysed("periods, period_length, weights=(1,)", "assert len(periods) == len(weights)")
    assert len(analysis.curve) > 100


def test_a_share_between_two_ends_is_drawn_inside_them():
    text = """
        class Schedule:
            def __init__(self, optimizer, lr, {parameters}):
                {guard}
                self.optimizer, self.lr, self.warmup, self.k = optimizer, lr, warmup, 0

            def step(self):
                self.k += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.lr * (1 - self.warmup**self.k)
        """
    analysis = analysed("warmup=0.0", "assert 0.0 <= warmup < 1", text)
    assert 0 < analysis.scenarios[0].values["warmup"] < 1
    assert analysis.curve[1] > analysis.curve[0]
