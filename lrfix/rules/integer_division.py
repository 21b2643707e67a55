"""LR208: a progress that ``//`` or ``int()`` cuts down to 0 or 1, shown by running the schedule without the cut."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import pairwise
from typing import Any

from lrfix.domains.clock import tick_of
from lrfix.domains.roles import Role, last_word, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.altered import Evaluation, evaluations, replaced, run_altered
from lrfix.experiments.grid import Case, Grid
from lrfix.experiments.study import MAX_STEPS, Study, all_real
from lrfix.findings import Violation
from lrfix.finite import finite
from lrfix.registry import rule
from lrfix.sites.vocabulary import called_name
from lrfix.wording import num

_CUTS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "floor": math.floor,
    "trunc": math.trunc,
    "round": round,
    "rint": round,
}
Cut = ast.BinOp | ast.AugAssign | ast.Call
_MOST_CUTS = 8
_MOVES = 3
#: A run is compared with one that stops so many steps earlier: what is no longer evaluated then has come to its end.
_EARLIER = 6
#: Names of the run as a whole; ``decay_epochs``, ``lr_epochs`` or ``steps`` may be an interval.
_THE_RUN = re.compile(
    r"^((num|n|nb)_)?epochs$|^(max|total)_((num|train|training)_)?(epochs?|steps?|iters?|iterations)$"
)


@rule("LR208")
def integer_division(study: Study) -> Iterator[Violation]:
    if not study.ran or not all(all_real(rates) for run in study.runs for rates in run.lr):
        return
    grid = Grid(study)
    cases = [case for case in (grid.nominal(), grid.warmed_up()) if case is not None]
    for cut in list(_cuts(study))[:_MOST_CUTS]:
        asked = _Asked(study, cut)
        for case in cases:
            for group in range(len(study.runs[0].lr)):
                told = _cut_down(study, asked, group, case)
                if told is not None:
                    yield told
                    return


class _Asked:
    """What a cut does in the runs of a study, each asked once: the answer is the same for every group."""

    def __init__(self, study: Study, cut: Cut) -> None:
        self.study = study
        self.cut = cut
        self._uncut: dict[int, Run | None] = {}
        self._seen: dict[tuple[int, int], list[Evaluation]] = {}

    def ran(self, run: Run) -> bool:
        """Whether a run may have come by the cut: only the statements of functions that were called tell."""
        names = self.study.names
        statement = names.statement_of(self.cut) if self.cut in names.parents else None
        function = names.enclosing(self.cut, (ast.FunctionDef, ast.Lambda)) if statement is not None else None
        traces = [trace for trace in (run.built, run.stepped) if trace is not None]
        if not isinstance(function, ast.FunctionDef) or not any(function in trace.calls for trace in traces):
            return True
        return any(statement in trace.statements for trace in traces)

    def uncut(self, run: Run) -> Run | None:
        if id(run) not in self._uncut:
            self._uncut[id(run)] = _uncut(self.study, self.cut, run)
        return self._uncut[id(run)]

    def seen(self, run: Run, steps: int) -> list[Evaluation]:
        """What is cut in so many steps of a run."""
        if (id(run), steps) not in self._seen:
            operands, meaning = _operands(self.cut), _meaning(self.cut)
            self._seen[id(run), steps] = evaluations(self.study, self.cut, operands, meaning, run, steps)
        return self._seen[id(run), steps]


def _cut_down(study: Study, asked: _Asked, group: int, case: Case) -> Violation | None:
    """The finding on a cut that takes a share of a whole to 0 or 1 in every run of a case."""
    cut = asked.cut
    smooth: list[Run] = []
    for run in case.runs:
        other = asked.uncut(run) if asked.ran(run) else None
        if other is None or not _moves_instead(run.lr[group], other.lr[group]):
            return None
        if not _collapses(study, asked, run, group):
            return None
        smooth.append(other)
    run = case.run
    words = case.setting.aside
    without = smooth[0].lr[group]
    differing = _differing(run.lr[group], without)
    middle = differing[min(2, len(differing) - 1)]
    return Violation(
        study.span(cut),
        f"`{ast.unparse(cut)}` is cut down to a whole number, 0 or 1 over all of its range{words}: the rate is "
        f"{num(run.lr[group][middle])} at step {middle}, without the cut {num(without[middle])}.",
        study.evidence(run, [0, middle, len(run.curve) - 1]),
    )


def _cuts(study: Study) -> Iterator[Cut]:
    """What the schedule cuts to whole numbers, its helpers included, but for what is an ordinary staircase."""
    called = {d for run in study.runs for trace in (run.built, run.stepped) if trace is not None for d in trace.calls}
    roots = [*study.site.nodes, *(d for d in called if d in study.names.parents)]
    inside = {node for root in roots for node in ast.walk(root)}
    found = [n for n in inside if isinstance(n, Cut) and _operands(n) and not _staircase(study, n)]
    yield from sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _operands(node: Cut) -> list[ast.expr]:
    """What is cut: both sides of ``//``, the argument of ``int()``; nothing where nothing is."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right] if isinstance(node.op, ast.FloorDiv) else []
    if isinstance(node, ast.AugAssign):
        target = copy(node.target)
        target.ctx = ast.Load()
        return [target, node.value] if isinstance(node.op, ast.FloorDiv) else []
    known = called_name(node) in _CUTS and len(node.args) == 1 and not node.keywords
    return list(node.args) if known and not isinstance(node.args[0], ast.Constant | ast.Starred) else []


def _meaning(node: Cut) -> Callable[..., Any]:
    return _CUTS[called_name(node)] if isinstance(node, ast.Call) else lambda left, right: left // right


def _staircase(study: Study, node: Cut) -> bool:
    """Whether ``node`` counts stairs: as an exponent (unless the run as a whole is the one stair), or compared."""
    child: ast.AST = node
    for outer in study.names.ancestors(node):
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Pow) and outer.right is child:
            return not _by_the_run(node)
        if isinstance(outer, ast.Compare | ast.Subscript | ast.Slice):
            return True
        if isinstance(outer, ast.Call) and child in outer.args[1:] and called_name(outer) in ("pow", "power"):
            return not _by_the_run(node)
        if isinstance(outer, ast.stmt):
            return False
        child = outer
    return False


def _by_the_run(cut: Cut) -> bool:
    """Whether a cut divides by what can be nothing but the run or its warmup, by name: nothing is repeated so often."""
    division: ast.AST = cut.args[0] if isinstance(cut, ast.Call) else cut
    if isinstance(division, ast.AugAssign):
        divisor = division.value
    elif isinstance(division, ast.BinOp) and isinstance(division.op, ast.Div | ast.FloorDiv):
        divisor = division.right
        if _several(division.left):
            return False  # so many equal parts of the run
    else:
        return False
    while isinstance(divisor, ast.Call) and called_name(divisor) in ("max", "float", "int") and divisor.args:
        divisor = divisor.args[-1]
    if isinstance(divisor, ast.BinOp) and isinstance(divisor.op, ast.Sub):
        whole, part = (role_of(ast.unparse(side)) for side in (divisor.left, divisor.right))
        return whole in (Role.HORIZON, Role.EPOCHS) and part in (Role.WARMUP, Role.WARMUP_EPOCHS)
    phase = role_of(ast.unparse(divisor)) in (Role.WARMUP, Role.WARMUP_EPOCHS)
    return phase or _THE_RUN.match(last_word(ast.unparse(divisor))) is not None


def _several(node: ast.expr) -> bool:
    """``3 * epoch``, ``self.parts * self.last_epoch``: several times what is counted."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return False
    for times, counted in ((node.left, node.right), (node.right, node.left)):
        if isinstance(times, ast.Constant) and isinstance(times.value, int) and times.value > 1:
            return True
        named = isinstance(times, ast.Name | ast.Attribute) and role_of(ast.unparse(times)) is Role.UNKNOWN
        if named and tick_of(ast.unparse(times)) is None and tick_of(ast.unparse(counted)) is not None:
            return True
    return False


def _uncut(study: Study, cut: Cut, run: Run) -> Run | None:
    """``run`` had the code not cut; None where that fails."""
    other: ast.AST
    if isinstance(cut, ast.Call):
        other = ast.BinOp(cut.args[0], ast.Mult(), ast.Constant(1.0))
    elif isinstance(cut, ast.AugAssign):
        other = ast.AugAssign(cut.target, ast.Div(), cut.value)
    else:
        other = ast.BinOp(cut.left, ast.Div(), cut.right)
    with replaced(study.names, cut, other):
        other_run = run_altered(study, run.scenario.index, overrides=run.scenario.overrides)
    return other_run if other_run.ran and all(all_real(rates) for rates in other_run.lr) else None


def _differing(curve: Sequence[float], other: Sequence[float]) -> list[int]:
    """The steps at which two curves have other rates, before the first rate below zero."""
    close = 1e-9 * max(map(abs, other), default=0)
    rates = list(zip(curve, other, strict=False))
    until = next((k for k, (rate, _) in enumerate(rates) if rate < 0), len(rates))
    return [k for k, (rate, smooth) in enumerate(rates[:until]) if abs(rate - smooth) > close]


def _moves_instead(curve: Sequence[float], other: Sequence[float]) -> bool:
    """Whether without the cut the rate moves on and on where it has other values with it."""
    return len({round(other[k], 15) for k in _differing(curve, other)}) >= _MOVES


def _collapses(study: Study, asked: _Asked, run: Run, group: int) -> bool:
    """Whether a share of a whole, which goes from 0 to 1 or back, is cut, and not a number of stairs."""
    cut = asked.cut
    steps = study.steps
    for _ in range(2):
        curve = study.run(run.scenario.index, steps=steps, overrides=run.scenario.overrides).lr[group]
        until = next((k for k, rate in enumerate(curve) if rate < 0), len(curve))
        seen = asked.seen(run, until)
        shares = [share for e in seen if (share := _share(e.operands)) is not None]
        wholes = {e.value for e in seen}
        if len(shares) < len(seen) or len({round(s, 12) for s in shares if 0 < s < 1}) < _MOVES - 1:
            return False
        missing = abs(1 - shares[-1]) / max(_pace(shares), 1e-9)
        longer = until + math.ceil(min(missing, MAX_STEPS)) + 2 * _EARLIER
        if max(shares) >= 1 or until < steps or not steps < longer <= MAX_STEPS:
            break
        steps = longer
    over = next((k for k, share in enumerate(shares) if share >= 1), None)
    to_zero = until < steps and wholes <= {0, 1} and curve[until - 1] == 0
    if over is not None and shares[0] < 1 and (_by_the_run(cut) or to_zero):
        # Training ends where the share is 1, or the rate does: one stair takes it to 0, the next one below.
        return _comes_to_an_end(shares[: over + 1], True)
    under = next((k for k, share in enumerate(shares) if share < 0), None)
    if under and shares[0] <= 1 and wholes <= {0, 1, -1}:
        return _comes_to_an_end(shares[:under], True)  # what is left of the whole, asked for when nothing is
    if wholes <= {0, 1}:
        earlier = len(asked.seen(run, max(until - _EARLIER, 1)))
        return _comes_to_an_end(shares, earlier == len(seen) or until < steps)
    levels = {round(rate, 12) for rate in curve[:until]}
    return len(wholes) > 2 and len(levels) <= 2


def _pace(shares: Sequence[float]) -> float:
    return max(abs(b - a) for a, b in pairwise(shares))


def _share(operands: tuple[Any, ...]) -> float | None:
    try:
        return finite(operands[0] / operands[1] if len(operands) == 2 else operands[0])
    except (ZeroDivisionError, TypeError, OverflowError):
        return None


def _comes_to_an_end(shares: list[float], ended: bool) -> bool:
    """Whether a share runs from one end of [0, 1] to the other: held there, or asked for no further."""
    first, last = shares[0], shares[-1]
    end = 1.0 if last > first else 0.0
    pace = _pace(shares)
    held = len(shares) > 2 and shares[-2] == last == end
    if min(shares) < 0 or max(shares) > 1 + pace:
        return False
    return held or (ended and abs(first - (1 - end)) <= 2.5 * pace and abs(last - end) <= 1.5 * pace)


__all__ = ["integer_division"]
