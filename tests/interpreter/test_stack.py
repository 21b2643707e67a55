"""A function called with room on the stack is the same function."""

from __future__ import annotations

import sys

import pytest

from lrfix.interpreter.stack import roomy


def down(levels: int, *, fail: bool = False) -> int:
    """How deep it got."""
    if levels == 0:
        if fail:
            raise LookupError("at the bottom")
        return 0
    return 1 + down(levels - 1, fail=fail)


depth = roomy(down)


def test_it_gives_what_the_function_gives() -> None:
    assert depth(50) == 50
    assert depth.__name__ == "down" and depth.__doc__ == "How deep it got."


def test_errors_pass_through() -> None:
    with pytest.raises(LookupError, match="at the bottom"):
        depth(3, fail=True)


def test_endless_recursion_still_ends() -> None:
    with pytest.raises(RecursionError):
        depth(10 * sys.getrecursionlimit())
