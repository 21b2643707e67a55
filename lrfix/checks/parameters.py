"""LR211: the wrong variable: names that do not exist, numbers compared with texts, lengths in each other's place."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from lrfix.checks.exchanged import exchanged
from lrfix.checks.given_arguments import misgiven
from lrfix.checks.group_order import meant_for_another_group
from lrfix.checks.pasted import pasted
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import assignments, decay_span, methods
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Span, Violation
from lrfix.registry import rule

_CYCLIC = (Role.CYCLES, Role.CYCLE_MULT, Role.MILESTONES, Role.STEP_SIZE, Role.GAMMA)


@rule("LR211", uses=True)
def wrong_parameter(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from misgiven(study)
        yield from pasted(study)
        yield from meant_for_another_group(study)
        return
    for judge in (_text_compared_with_number, exchanged, _bare_attribute, _short):
        found = list(judge(study))
        if found:
            yield from found
            return


def _text_compared_with_number(study: Study) -> Iterator[Violation]:
    """``self.warmup_factor == "linear"``, where ``warmup_factor`` holds a number and a sibling holds the text."""
    numbers = {name: default for name, default, _ in study.constructor if default is not None and _numeric(default)}
    if not isinstance(study.node, ast.ClassDef) or not numbers:
        return
    for root in methods(study.node):
        for node in ast.walk(root):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            left, right = node.left, node.comparators[0]
            if not (isinstance(right, ast.Constant) and isinstance(right.value, str)):
                continue
            name = left.attr if isinstance(left, ast.Attribute) else left.id if isinstance(left, ast.Name) else None
            if name in numbers and not _rebound(study.node, name):
                yield Violation(
                    study.span(node),
                    f"`{ast.unparse(left)}` is compared with the text {right.value!r}, and it is a number "
                    f"(`{ast.unparse(numbers[name])}` by default): what stands under this condition never runs.",
                )


def _numeric(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _numeric(node.left) and _numeric(node.right)
    if isinstance(node, ast.UnaryOp):
        return _numeric(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _rebound(node: ast.ClassDef, name: str) -> bool:
    """Whether an attribute of this name is set to anything but the parameter of the same name."""
    for statement in ast.walk(node):
        for target, value in assignments(statement):
            if isinstance(target, ast.Attribute) and target.attr == name:
                known = isinstance(value, ast.Name) and value.id == name
                if not known:
                    return True
    return False


def _bare_attribute(study: Study) -> Iterator[Violation]:
    """``min_factor`` read as a variable that nothing defines, in a class that keeps it as ``self.min_factor``.

    In a class of torch's contract so is any other name that the whole file defines nowhere.
    """
    if not isinstance(study.node, ast.ClassDef) or _open_module(study):
        return
    kept = _stored(study.node)
    for root in methods(study.node):
        for node in ast.walk(root):
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load) or not _nowhere(study, node):
                continue
            if node.id in kept and root.name != "__init__":
                kept_as = f" The class keeps `self.{node.id}`."
            elif study.site.form == "subclass" and _fails_at(study, node):
                kept_as = ""
            else:
                continue
            yield Violation(
                study.span(node),
                f"`{node.id}` is defined nowhere: this fails with a NameError when it is first run.{kept_as}",
            )
            return


def _nowhere(study: Study, node: ast.Name) -> bool:
    names = study.names
    known = hasattr(builtins, node.id) or names.bindings(node.id, node)
    return not known and names.owner(node.id, names.scope_of(node)) is None


def _fails_at(study: Study, node: ast.Name) -> bool:
    """Whether every simulated run of the schedule ends at this very name."""
    failures = [run.failure for run in study.runs]
    return bool(failures) and all(
        failure is not None and failure.kind == "NameError" and f"'{node.id}'" in failure.message
        for failure in failures
    )


def _open_module(study: Study) -> bool:
    """Whether names may come from where the file does not show: star imports, ``globals()``, ``exec``."""
    for node in study.names.nodes:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("globals", "exec"):
            return True
    return False


def _stored(node: ast.ClassDef) -> set[str]:
    return {
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)
    }


def _short(study: Study) -> Iterator[Violation]:
    """A decay that stops far above the floor it is computed with, at the very end: it is measured by another length."""
    if not study.ran or study.site.base == "MultiplicativeLR":
        return
    shown = [_stops_short(study, index, run) for index, run in enumerate(study.runs)]
    if not shown or any(each is None for each in shown):
        return
    run, (path, floor, end) = study.runs[0], shown[0] or ("", 0.0, 0)
    yield Violation(
        _last_phase(study, run, end),
        f"The decay ends far above its floor: at step {end}, the last one, the rate is {run.curve[end]:.4g} and still "
        f"falling, and `{path}` asks for {floor:.4g}. The progress is divided by a length that is not the "
        "decay's.",
        study.evidence(run, [max(0, end - 10), end - 1, end, end + 1]),
    )


def _last_phase(study: Study, run: Run, end: int) -> Span:
    """The statement that gives the rate from the peak's last step to ``end``, and no rate before."""
    top = max(k for k in range(end) if run.curve[k] == max(run.curve[:end]))
    before, until = study.run(0, steps=top + 1).stepped, study.run(0, steps=end + 1).stepped
    ran = (until.statements if until else set()) - (before.statements if before else set())
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    plain = [s for s in ran & inside if isinstance(s, ast.Assign | ast.AugAssign | ast.Return)]
    return study.span(max(plain, key=lambda s: s.lineno)) if plain else decay_span(study)


def _stops_short(study: Study, index: int, run: Run) -> tuple[str, float, int] | None:
    leaves = {**run.names, **run.leaves}
    horizon = study.horizon(run)
    if horizon is None or not 12 < horizon < len(run.curve) or any(role_of(p) in _CYCLIC for p in leaves):
        return None
    if any(role_of(p) is Role.CYCLE and v != 1 for p, v in leaves.items()) or not all_real(run.curve):
        return None
    curve, end = run.curve, horizon - 1
    peak = max(curve[:horizon])
    top = max(k for k in range(horizon) if curve[k] == peak)
    falling = all(curve[k + 1] < curve[k] for k in range(max(top, end - 8), end))
    if top > end - 8 or not falling or any(curve[k + 1] > curve[k] for k in range(top, end)):
        return None
    if abs(curve[end + 1] - curve[end]) < 4 * abs(curve[end] - curve[end - 1]):
        return None  # it goes on as before: nothing says that this is its end
    for path, value in run.leaves.items():
        role = role_of(path)
        if role not in (Role.FLOOR, Role.FLOOR_RATIO) or not isinstance(value, float):
            continue
        floor = value if role is Role.FLOOR else value * peak
        missing = curve[end] - floor
        if not floor < 0.3 * peak or missing < 0.03 * peak or missing < 5 * (curve[end - 1] - curve[end]):
            continue
        moved = study.run(index, overrides={path: 1.7 * value})
        if moved.ran and len(moved.curve) > end and abs(moved.curve[end] - curve[end]) > 1e-3 * peak:
            return path, floor, end
    return None


__all__ = ["wrong_parameter"]
