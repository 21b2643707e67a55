"""For LR106: settings that are read at every step and that no rate depends on. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.class_reading import own_attribute
from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import hyperparameters
from lrfix.experiments.study import Study, constant
from lrfix.findings import Violation

_FLOORS = {Role.FLOOR: (0.2, 0.4), Role.FLOOR_RATIO: (0.2, 0.4)}


def pinned(run: Run) -> dict[str, object]:
    """The values of a run, so that giving one setting another value does not change how the others are drawn."""
    return {path: value for path, value in run.leaves.items() if isinstance(value, int | float)}


def without_effect(study: Study, node: ast.ClassDef, name: str, default: ast.expr | None) -> Iterator[Violation]:
    """A floor that the rate falls through whatever it is; a power that always loses against something else."""
    reads = _reads(study, node, name)
    ran = {s for run in study.runs for trace in (run.built, run.stepped) if trace for s in trace.statements}
    if not reads or not all(s in ran for s in reads):
        return
    stated = literal(default) if default is not None else None
    if role_of(name) in _FLOORS:
        yield from _floor(study, reads[-1], name)
    elif role_of(name) is Role.POWER and isinstance(stated, int | float) and stated > 0:
        yield from _power(study, reads[-1], name, float(stated))


def _reads(study: Study, node: ast.ClassDef, name: str) -> list[ast.stmt]:
    """The statements that read a setting, in the order of the text."""
    held = {attribute for attribute, parameter in hyperparameters(study).items() if parameter == name}
    found = [
        statement
        for n in ast.walk(node)
        if own_attribute(n) in held and isinstance(getattr(n, "ctx", None), ast.Load)
        if (statement := study.names.statement_of(n)) is not None
    ]
    return sorted(found, key=lambda statement: statement.lineno)


def _floor(study: Study, read: ast.stmt, name: str) -> Iterator[Violation]:
    shown: tuple[float, float, float] | None = None
    for index in range(len(study.runs)):
        base = study.run(index, use=None)
        if not base.ran or not base.base_lrs or base.failure is not None:
            return
        unit = base.base_lrs[0] if role_of(name) is Role.FLOOR else 1.0
        shares = _FLOORS[role_of(name)]
        low, high = (share * unit for share in shares)
        one = study.run(index, use=None, overrides={**pinned(base), name: low})
        two = study.run(index, use=None, overrides={**pinned(base), name: high})
        if not one.ran or not two.ran or one.curve != two.curve or constant(one.curve):
            return
        least = min(one.curve)
        if not least < 0.9 * shares[0] * one.base_lrs[0] or one.curve[0] < least * 2:
            return
        shown = shown or (low, high, least)
    if shown is not None:
        yield Violation(
            study.span(read),
            f"`{name}` has no effect: with {shown[0]:.6g} and with {shown[1]:.6g} the rate is the same at every step, "
            f"and falls to {shown[2]:.6g}.",
            study.evidence(study.runs[0], [0, len(study.runs[0].curve) - 1]),
        )


def _power(study: Study, read: ast.stmt, name: str, stated: float) -> Iterator[Violation]:
    """Half the default and the default give one curve, a larger power another."""
    for index in range(len(study.runs)):
        base = study.run(index, use=None)
        if not base.ran or base.failure is not None:
            return
        tried = [study.run(index, use=None, overrides={**pinned(base), name: p}) for p in (stated, stated / 2)]
        if not all(run.ran for run in tried) or tried[0].curve != tried[1].curve or constant(tried[0].curve):
            return
    yield Violation(
        study.span(read),
        f"`{name}` has no effect: with {stated:.6g}, its default, and with {stated / 2:.6g} the rate is the same "
        "at every step, because what is worked out with it always loses against the other formula.",
        study.evidence(study.runs[0], [0, len(study.runs[0].curve) - 1]),
    )


__all__ = ["pinned", "without_effect"]
