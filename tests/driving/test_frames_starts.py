"""Loops whose first number another loop decides."""

from __future__ import annotations

import textwrap

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
