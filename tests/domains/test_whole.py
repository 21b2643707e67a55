"""Which lengths are whole numbers by what a file declares."""

from __future__ import annotations

import ast

from lrfix.domains.whole import WholeNumbers
from lrfix.names import Names

TEXT = """
parser.add_argument("--warmup-epochs", type=int, default=5)
parser.add_argument("--share", type=float)
class Config:
    max_steps: int = 100
    ratio: float = 0.1
def build(optimizer, warmup: int, total):
    for epoch in range(args.rounds):
        pass
def other(warmup_steps: int, total_steps: float): ...
def third(warmup_steps: float): ...
"""


def test_annotations_options_loops_and_lengths_of_containers_say_it() -> None:
    whole = WholeNumbers(Names(ast.parse(TEXT)))
    for path in ("args.warmup_epochs", "cfg.max_steps", "warmup", "args.rounds", "len(loader)"):
        assert path in whole, path


def test_what_nobody_declares_or_what_is_declared_twice_may_be_a_fraction() -> None:
    whole = WholeNumbers(Names(ast.parse(TEXT)))
    for path in ("total", "args.share", "cfg.ratio", "warmup_steps", "total_steps", "rounds"):
        assert path not in whole, path
