"""Lengths in whole steps: torch's own schedulers begin their phases at whole steps, whatever they are given."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from lrfix.domains.whole import WholeNumbers, is_whole
from lrfix.names import Names
from lrfix.rewriting.in_place.calls import LENGTH_ARGUMENTS
from lrfix.rewriting.seen import Seen

LIMIT = "for whole numbers of steps"


class CountedWhole:
    """The lengths that a file declares to be whole, and those of which nobody is seen to pass a fraction."""

    def __init__(self, names: Names) -> None:
        self._declared = WholeNumbers(names)
        self._seen = Seen(names)

    def __contains__(self, path: object) -> bool:
        return path in self._declared or (isinstance(path, str) and not self._seen.fraction(path))


def between_steps(names: Names, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """What to say of fractional lengths, where nothing declares that a composition of torch's schedulers gets none."""
    declared = WholeNumbers(names)
    for name, text in arguments.items():
        if name in LENGTH_ARGUMENTS and not is_whole(names, declared, ast.parse(text, mode="eval").body):
            return (
                f"where `{text}` is a fraction, the old schedule counts whole steps and the new one takes it as it is",
            )
    return ()


__all__ = ["LIMIT", "CountedWhole", "between_steps"]
