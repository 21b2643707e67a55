"""Patterns in the syntax of ``.gitignore``, as ignore files and the configuration hold them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def compiled(lines: Sequence[str]) -> GitIgnoreSpec | None:
    """The patterns that are patterns, in order; None where there are none. Lines that are none are left out, as by
    git."""
    return _compiled(tuple(lines))


@lru_cache(maxsize=256)
def _compiled(lines: tuple[str, ...]) -> GitIgnoreSpec | None:
    # The same patterns are asked about every file of a run.
    legal = [line for line in lines if line.strip() and is_pattern(line)]
    if not legal:
        return None
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(legal)


@lru_cache(maxsize=1024)
def is_pattern(line: str) -> bool:
    """Whether a line of an ignore file can be matched with anything (comments and empty lines can)."""
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error, OverflowError, RecursionError):
        return False
    return True


__all__ = ["compiled", "is_pattern"]
