"""The steps at which the phases of a schedule may meet, told by its lengths: where a long run is looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, role_of
from lrfix.finite import finite
from lrfix.names import Names
from lrfix.trees import walk

_AROUND = range(-5, 6)
_LEAST = 20
_FAR = 10_000_000
_MOST = 60


def meetings(roots: Iterable[ast.AST], settings: Mapping[str, object]) -> list[int]:
    """The steps around every length that the settings or the numbers of the code make, in order, the first included."""
    constants = (n.value for root in roots for n in walk(root) if isinstance(n, ast.Constant))
    numbers = [number for number in map(finite, constants) if number is not None]
    told = {path: number for path, value in settings.items() if (number := finite(value)) is not None}
    lengths = {v for p, v in told.items() if role_of(p) is not Role.LOADER_LENGTH and v > _LEAST}
    lengths |= {n for n in numbers if n > _LEAST}
    shares = {v for v in (*told.values(), *numbers) if 0 < v < 1}
    epochs = {v for p, v in told.items() if role_of(p) is Role.LOADER_LENGTH}
    places = set(lengths)
    places |= {length * per for length in lengths for per in epochs}
    places |= {length * share for length in lengths for share in shares}
    places |= {a + sign * b for a in lengths for b in lengths for sign in (1, -1)}
    wanted = sorted({int(place) for place in places if _LEAST < place < _FAR})[:_MOST]
    found = {0, 1, 2, 3, 4} | {place + k for place in wanted for k in _AROUND}
    return sorted(found) if wanted else []


def read_numbers(names: Names, roots: Iterable[ast.AST]) -> dict[str, float]:
    """The numbers that the names which some code reads stand for."""
    found: dict[str, float] = {}
    for node in (n for root in roots for n in walk(root) if isinstance(n, ast.Name)):
        for binding in names.bindings(node.id, node) if isinstance(node.ctx, ast.Load) else ():
            value = literal(getattr(binding, "value", None))
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(node.id, value)
    return found


__all__ = ["meetings", "read_numbers"]
