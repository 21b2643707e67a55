"""For LR106: settings of a schedule under which its warmup, asked for all the same, does nothing. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, all_real, as_float, constant
from lrfix.findings import Violation

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_SHORTEST = 3
_CLEAR = 0.9


def lost_warmup(study: Study) -> Iterator[Violation]:
    """A warmup that the default start, or equal rates at both ends, turn into a constant."""
    if not study.ran or not any(role_of(p) in _WARMUPS for p in study.runs[0].leaves):
        return
    for override, place, why in (*_default_start(study), *_equal_ends(study)):
        tried = [_flat(study, index, dict(override)) for index in range(len(study.runs))]
        if all(each is not None for each in tried) and tried[0] is not None:
            path, length = tried[0]
            yield Violation(
                study.span(place),
                f"{why}, nothing warms up in the steps of `{path}`: the rate is the same from step 0 to step {length}.",
            )
            return


def _flat(study: Study, index: int, override: dict[str, object]) -> tuple[str, int] | None:
    """The warmup and its length where it climbs under a scenario, and is flat under the same with ``override``."""
    base = study.runs[index]
    warmups = study.lengths(base, *_WARMUPS)
    if len(warmups) != 1 or not all_real(base.curve):
        return None
    path, value = next(iter(warmups.items()))
    length = int(value)
    if not _SHORTEST <= length < len(base.curve) - 2 or not _climbs(base, length):
        return None
    values = {p: v for p, v in base.leaves.items() if isinstance(v, int | float)}
    other = study.run(index, overrides={**values, **override})
    if not other.ran or other.failure is not None or not all_real(other.curve):
        return None
    return (path, length) if constant(other.curve[: length + 1]) and other.curve[0] > 0 else None


def _climbs(run: Run, length: int) -> bool:
    """Whether the warmup is a ramp to the highest rate; the first step may be another, where a run is set up."""
    top = as_float(run.curve[length])
    return top > 0 and all(as_float(rate) < _CLEAR * top for rate in run.curve[1 : length // 2 + 1])


def _default_start(study: Study) -> Iterator[tuple[dict[str, object], ast.AST, str]]:
    """A start of the ramp whose stated default is negative, and is replaced by something else."""
    for path in study.runs[0].leaves:
        if role_of(path) is not Role.WARMUP_START:
            continue
        default = study.defaults.get(path)
        place = _replaced(study, path)
        if isinstance(default, int | float) and default < 0 and place is not None:
            yield {path: default}, place, f"With the default of `{path}`, {default}"


def _replaced(study: Study, path: str) -> ast.stmt | None:
    """The statement that puts something in the place of a negative setting."""
    for node in study.site.nodes:
        for test in ast.walk(node):
            if isinstance(test, ast.If) and any(ast.unparse(n) == path for n in ast.walk(test.test)):
                for statement in test.body:
                    if isinstance(statement, ast.Assign) and any(ast.unparse(t) == path for t in statement.targets):
                        return statement
    return None


def _equal_ends(study: Study) -> Iterator[tuple[dict[str, object], ast.AST, str]]:
    """A branch of its own for a schedule that ends at the rate it began with."""
    for node in study.site.nodes:
        for test in ast.walk(node):
            if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
                continue
            ends = {role_of(text): text for text in (ast.unparse(test.left), ast.unparse(test.comparators[0]))}
            top = ends.get(Role.BASE_RATE) or ends.get(Role.PEAK)
            if top is None or Role.FLOOR not in ends:
                continue
            given = {text: _leaf(study, text) for text in (top, ends[Role.FLOOR])}
            value = study.runs[0].leaves.get(given[top] or "")
            if isinstance(value, float) and given[ends[Role.FLOOR]] is not None:
                for_all: dict[str, object] = {given[ends[Role.FLOOR]] or "": value, given[top] or "": value}
                yield for_all, test, f"With `{ast.unparse(test)}`"


def _leaf(study: Study, text: str) -> str | None:
    """The free expression that a name in the code stands for: itself, or the one that ends alike."""
    if text in study.runs[0].leaves:
        return text
    return next((path for path in study.runs[0].leaves if path.endswith("." + text.removeprefix("self."))), None)


__all__ = ["lost_warmup"]
