"""Divisions that cut: where they make two levels of a ramp, and where stairs are meant."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source

FUNCTION = """
import math

def adjust(optimizer, epoch, epochs, lr, decay_every=30, lr_epochs=30, warmup_epochs=3, steps_per_epoch=3):
    rate = lr * ({factor})
    for group in optimizer.param_groups:
        group["lr"] = rate
"""


def found(source: str) -> list[str]:
    selected = Settings(selected=frozenset({"LR208"}))
    return [f.code for f in check_source(textwrap.dedent(source).encode(), "train.py", selected).findings]


@pytest.mark.parametrize(
    ("factor", "reported"),
    [
        ("1 - epoch // epochs", True),
        ("1 - int(epoch / epochs)", True),
        ("1 - int(epoch * steps_per_epoch / (epochs * steps_per_epoch))", True),
        ("0.5 * (1 + math.cos(math.pi * (epoch // (epochs - 1))))", True),
        ("1 - epoch / epochs", False),
        ("0.1 ** (epoch // epochs)", True),
        ("0.1 ** (max(0, epoch - warmup_epochs) // (epochs - warmup_epochs))", True),
        ("0.1 ** (epoch // decay_every)", False),
        ("0.1 ** (epoch // lr_epochs)", False),
        ("0.1 ** (epoch // (epochs // 3))", False),
        ("1 - 0.3 * (epoch // (epochs / 4))", False),
        ("1 - int(epoch / 2) / epochs", False),
    ],
)
def test_a_share_of_the_run_is_not_to_be_cut(factor, reported):
    assert found(FUNCTION.format(factor=factor)) == (["LR208"] if reported else [])


def test_the_code_is_as_before_after_the_experiment():
    source = FUNCTION.format(factor="1 - epoch // epochs")
    assert found(source) == found(source) == ["LR208"]
