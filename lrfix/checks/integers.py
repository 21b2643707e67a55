"""LR208: a progress that ``//`` or ``int()`` cuts down to 0 or 1, shown by running the schedule without the cut."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.domains.roles import Role, last_word, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.driving.laboratory import Laboratory, Run
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.registry import rule

_RUNS = (Role.HORIZON, Role.EPOCHS)
_WHOLES = (*_RUNS, Role.WARMUP, Role.WARMUP_EPOCHS, Role.DECAY_LENGTH)
#: Names of the run as a whole; ``decay_epochs``, ``lr_epochs`` or ``steps`` may be an interval.
_THE_RUN = re.compile(
    r"^((num|n|nb)_)?epochs$|^(max|total)_((num|train|training)_)?(epochs?|steps?|iters?|iterations)$"
)
_ENOUGH = 4


@rule("LR208")
def integer_division(study: Study) -> Iterator[Violation]:
    cuts = [cut for cut in _cuts(study) if _divides_by_a_whole(study, cut)]
    if not cuts or not study.ran or not all(all_real(run.curve) for run in study.runs):
        return
    for cut in cuts:
        smooth = [_uncut(study, cut, index) for index in range(len(study.runs))]
        pairs = [(run, other) for run, other in zip(study.runs, smooth, strict=True) if other is not None]
        if len(pairs) == len(study.runs) and all(_collapses(run, other) for run, other in pairs):
            run, other = pairs[0]
            middle = next(k for k, rate in enumerate(other.curve) if rate != run.curve[k]) + _ENOUGH // 2
            yield Violation(
                study.span(cut),
                f"`{ast.unparse(cut)}` is cut down to a whole number, 0 for all of its range but the end: the rate is "
                f"{run.curve[middle]:.6g} at step {middle}, without the cut {other.curve[middle]:.6g}.",
                study.evidence(run, [0, middle, len(run.curve) - 1]),
            )
            return


def _cuts(study: Study) -> Iterator[ast.expr]:
    """``a // b`` and ``int(a / b)`` in the site, but for those that mean a staircase."""
    for root in study.site.nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.BinOp | ast.Call) and _cuts_off(node) and not _staircase(study, node):
                yield node


def _cuts_off(node: ast.BinOp | ast.Call) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.FloorDiv)
    whole = isinstance(node.func, ast.Name) and node.func.id == "int" and len(node.args) == 1
    return whole and isinstance(node.args[0], ast.BinOp) and isinstance(node.args[0].op, ast.Div)


def _staircase(study: Study, node: ast.expr) -> bool:
    """Whether ``node`` counts stairs: as an exponent (unless the run as a whole is the one stair), or compared."""
    child: ast.AST = node
    for outer in study.names.ancestors(node):
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Pow) and outer.right is child:
            return not _is_the_run(_divisor(node))
        if isinstance(outer, ast.Compare | ast.Subscript):
            return True
        if isinstance(outer, ast.stmt):
            return False
        child = outer
    return False


def _is_the_run(parts: list[ast.expr]) -> bool:
    """Whether a divisor can be nothing but the run: by its name, or as what is left of it after the warmup."""
    words = [last_word(ast.unparse(part)) for part in parts]
    if len(parts) == 1:
        return _THE_RUN.match(words[0]) is not None
    return role_of(words[0]) in _RUNS and role_of(words[1]) in (Role.WARMUP, Role.WARMUP_EPOCHS)


def _divides_by_a_whole(study: Study, cut: ast.expr) -> bool:
    """Whether the divisor is a whole length, or a difference of two: a part of one makes stairs on purpose."""
    parts = _divisor(cut)
    known = all(_is_whole(part) or isinstance(part, ast.Constant) for part in parts)
    return known and not isinstance(parts[0], ast.Constant)


def _divisor(cut: ast.expr) -> list[ast.expr]:
    """What the cut divides by: one length, or the two of which it takes the difference."""
    division = cut.args[0] if isinstance(cut, ast.Call) else cut
    assert isinstance(division, ast.BinOp)
    divisor = division.right
    while isinstance(divisor, ast.Call) and ast.unparse(divisor.func) in ("max", "float", "int") and divisor.args:
        divisor = divisor.args[-1]
    if isinstance(divisor, ast.BinOp) and isinstance(divisor.op, ast.Sub):
        return [divisor.left, divisor.right]
    return [divisor]


def _is_whole(part: ast.expr) -> bool:
    """A whole length by its name; or epochs times the steps of one."""
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
        roles = [role_of(ast.unparse(side)) for side in (part.left, part.right)]
        return Role.LOADER_LENGTH in roles and any(role in _WHOLES for role in roles)
    return role_of(ast.unparse(part)) in _WHOLES


def _uncut(study: Study, cut: ast.expr, index: int) -> Run | None:
    """The run of scenario ``index`` had the code divided without cutting; None where that fails."""
    forget(cut, study)
    try:
        if isinstance(cut, ast.BinOp):
            cut.op = ast.Div()
        else:
            assert isinstance(cut, ast.Call) and isinstance(cut.func, ast.Name)
            cut.func.id = "float"
        scenario = Scenario(index, overrides=study.settings)
        run = Laboratory(study.names, study.site).run(
            scenario, construction=study.use, steps=min(study.steps, 160), groups=study.groups
        )
    finally:
        if isinstance(cut, ast.BinOp):
            cut.op = ast.FloorDiv()
        elif isinstance(cut, ast.Call) and isinstance(cut.func, ast.Name):
            cut.func.id = "int"
        forget(cut, study)
    return run if run.ran and all_real(run.curve) and len(run.curve) > 4 * _ENOUGH else None


def forget(node: ast.AST, study: Study) -> None:
    """Drop what the interpreter remembers of ``node`` and of everything around it."""
    for around in (node, *ast.iter_child_nodes(node), *study.names.ancestors(node)):
        for kept in ("lrfix_closure", "lrfix_shape"):
            around.__dict__.pop(kept, None)


def _collapses(run: Run, other: Run) -> bool:
    """Whether the cut leaves two levels where the curve without it moves at every step."""
    length = min(len(run.curve), len(other.curve))
    cut, smooth = run.curve[:length], other.curve[:length]
    close = 1e-9 * max(map(abs, smooth))
    first = next((k for k in range(length) if abs(cut[k] - smooth[k]) > close), None)
    if first is None:
        return False
    again = next((k for k in range(first, length) if abs(cut[k] - smooth[k]) <= close), length)
    moving = sum(1 for k in range(first + 1, again) if abs(smooth[k] - smooth[k - 1]) > close)
    return moving >= _ENOUGH and len({round(rate, 12) for rate in cut[first:again]}) == 1


__all__ = ["integer_division"]
