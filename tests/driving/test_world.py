"""What the names around a schedule stand for, turn by turn of a training loop."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.source import parse_source


def curve_of(text: str) -> list[float]:
    analyses = analyse(parse_source(textwrap.dedent(text).encode(), "train.py"))
    assert len(analyses) == 1, [a.name for a in analyses]
    assert analyses[0].reason is None or analyses[0].curve, analyses[0].reason
    return list(analyses[0].curve)


LOOP = """
    import torch
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    {before}
    for epoch in range(100):
        {inside}
        for group in optimizer.param_groups:
            group["lr"] = {rate}
        train(epoch)
"""


def loop(before: str = "pass", inside: str = "pass", rate: str = "0.1") -> str:
    return textwrap.dedent(LOOP).format(before=before, inside=inside, rate=rate)


def test_a_value_worked_out_from_the_loop_variable_changes_with_it():
    curve = curve_of(loop(inside="share = epoch / 100", rate="0.1 * (1 - share)"))
    assert curve[:3] == pytest.approx([0.1, 0.099, 0.098])


def test_a_value_worked_out_from_another_that_changes_changes_too():
    curve = curve_of(loop(inside="share = epoch / 100; left = 1 - share", rate="0.1 * left * left"))
    assert curve[:3] == pytest.approx([0.1, 0.1 * 0.99**2, 0.1 * 0.98**2])


def test_a_list_made_before_the_loop_keeps_what_the_loop_puts_into_it():
    # Two parameter groups: it grows by two a turn.
    curve = curve_of(loop(before="seen = []", rate="0.1 / (1 + (seen.append(epoch) or len(seen)))"))
    assert curve[:3] == pytest.approx([0.1 / 2, 0.1 / 4, 0.1 / 6])


def test_a_list_made_inside_the_loop_is_new_at_every_turn():
    curve = curve_of(loop(inside="seen = [epoch]", rate="0.1 / (1 + (seen.append(epoch) or len(seen)) + epoch)"))
    assert curve[:3] == pytest.approx([0.1 / 3, 0.1 / 4, 0.1 / 5])


def test_an_object_built_before_the_loop_keeps_its_state():
    curve = curve_of("""
        import torch

        class Meter:
            def __init__(self):
                self.count = 0

            def next(self):
                self.count += 1
                return self.count

        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        meter = Meter()
        for epoch in range(100):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 / (epoch + meter.next())
            train(epoch)
    """)
    assert curve[:3] == pytest.approx([0.1, 0.1 / 4, 0.1 / 7])


FRACTIONAL_EPOCHS = """
    import torch

    class Batches:
        def __init__(self, data, size):
            self.data, self.size = data, size

        def __len__(self):
            return len(self.data) // self.size

    batches = Batches(list(pad(load(), 4) / 255.0), 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def rate_at(t):
        return 0.1 * (t + 1) / 5 if t < 5 else 0.1

    for epoch in range(40):
        for i, batch in enumerate(batches):
            epoch_now = epoch + i / len(batches)
            optimizer.param_groups[0].update(lr=rate_at(epoch_now))
            optimizer.step()
"""


def test_a_position_made_with_the_length_of_unknown_data_is_no_length():
    assert curve_of(FRACTIONAL_EPOCHS)[0] == pytest.approx(0.02)
