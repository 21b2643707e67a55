"""The first number of a count: what another loop decides, and what callers pass on."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.source import parse_source


def test_batches_that_are_numbered_through_all_epochs():
    source = """
        def train(optimizer, loader, args):
            for epoch in range(args.epochs):
                for step, batch in enumerate(loader, start=epoch * len(loader)):
                    for group in optimizer.param_groups:
                        group["lr"] = args.lr / (1 + step)
                    optimizer.step()
        """
    analysis = analyse(parse_source(textwrap.dedent(source).encode(), "train.py"))[0]
    curve = analysis.study.runs[0].curve
    assert [round(curve[0] / rate) for rate in curve[:12]] == list(range(1, 13))


ADJUST = """
import torch

loader = torch.utils.data.DataLoader([])
optimizer = torch.optim.SGD([], 0.1)

def adjust(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = 1 / (10 + epoch)
"""


@pytest.mark.parametrize(
    ("first", "loop"),
    [
        (0, "for epoch in range(50):\n    adjust(optimizer, epoch)"),
        (1, "for epoch in range(1, 51):\n    adjust(optimizer, epoch)"),
        (0, "for epoch in range(1, 51):\n    adjust(optimizer, epoch - 1)"),
        (1, "def train(epoch):\n    adjust(optimizer, epoch)\nfor e in range(1, 51):\n    train(e)"),
        (0, "def train(epoch):\n    adjust(optimizer, epoch - 1)\nfor e in range(1, 51):\n    train(e)"),
        (1, "epoch = 0\nwhile epoch < 50:\n    epoch += 1\n    adjust(optimizer, epoch)"),
        (0, "epoch = 0\nwhile epoch < 50:\n    adjust(optimizer, epoch)\n    epoch += 1"),
        (40, "START = 40\nepoch = START\nwhile epoch < 90:\n    adjust(optimizer, epoch)\n    epoch += 1"),
        (40, "i = 40\nfor e in range(9):\n    for batch in loader:\n        adjust(optimizer, i)\n        i += 1"),
        (5, "for i, batch in enumerate(loader, 5):\n    adjust(optimizer, epoch=i)"),
        (0, "for e in range(9):\n    adjust(optimizer, e)\nfor e in range(1, 9):\n    adjust(optimizer, e)"),
    ],
)
def test_a_setter_begins_where_its_callers_begin(first: int, loop: str):
    study = analyse(parse_source(f"{ADJUST}\n{loop}\n".encode(), "train.py"))[0].study
    for run in (study.runs[0], study.run(0, use=None)):
        assert [round(1 / rate) - 10 for rate in run.curve[:3]] == [first, first + 1, first + 2]
