"""For LR211: names that nothing sets, starts that depend on a length. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, as_float
from lrfix.findings import Violation
from lrfix.names import Defined

_APART = 1.1
_DYNAMIC = frozenset({"__getattr__", "__getattribute__", "__dict__", "setattr", "vars"})


def exchanged(study: Study) -> Iterator[Violation]:
    """A name for another, a start that a length decides."""
    yield from _misnamed(study)
    yield from _starts_by_its_length(study)


def _misnamed(study: Study) -> Iterator[Violation]:
    """A name that nothing binds while the object has an attribute of that name, or the reverse."""
    failures = [run.failure for run in study.runs]
    first = failures[0] if failures else None
    if first is None or any(f is None or f.kind != first.kind or f.node is not first.node for f in failures):
        return
    owner = next((n for n in study.site.nodes if isinstance(n, ast.ClassDef)), None)
    if owner is None or first.node is None:
        return
    family = _family(study, owner)
    if family is None or any(_text(n) in _DYNAMIC for cls in family for n in ast.walk(cls)):
        return
    kept = {name for cls in family for node in ast.walk(cls) for name in _set(node)}
    if first.kind == "NameError" and isinstance(first.node, ast.Name) and first.node.id in kept:
        yield Violation(
            study.span(first.node),
            f"`{first.node.id}` is no variable here: every rate fails with a NameError. The value is kept as "
            f"`self.{first.node.id}`.",
        )
    if first.kind == "AttributeError" and _is_own(first.node):
        known = kept | {n.name for cls in family for n in cls.body if isinstance(n, ast.FunctionDef)}
        known |= {n.id for cls in family for s in cls.body for n in ast.walk(s) if isinstance(n, ast.Name)}
        known |= {name for node in study.names.nodes for name in _set(node, own=False)}
        name = _text(first.node)
        heirs = [n for n in study.names.nodes if isinstance(n, ast.ClassDef) and n not in family]
        if any(_text(part) == name for heir in heirs for part in heir.body):
            # An abstract class: those derived from it bring the method along.
            return
        if name not in known:
            close = _closest(name, kept)
            meant = f" The class keeps `self.{close}`." if close else ""
            yield Violation(
                study.span(first.node),
                f"`self.{name}` is read and nothing ever sets it: the schedule stops with an AttributeError at step "
                f"{max(first.step, 0)}.{meant}",
            )


def _family(study: Study, owner: ast.ClassDef) -> list[ast.ClassDef] | None:
    """The class and all its bases; None where one of them stands in another file."""
    found, waiting = [], [owner]
    while waiting:
        cls = waiting.pop()
        found.append(cls)
        for base in cls.bases:
            if isinstance(base, ast.Name) and base.id == "object":
                continue
            known = study.names.bindings(base.id, cls) if isinstance(base, ast.Name) else []
            if len(known) != 1 or not isinstance(known[0], Defined) or not isinstance(known[0].node, ast.ClassDef):
                return None
            if known[0].node not in found:
                waiting.append(known[0].node)
    return found


def _set(node: ast.AST, own: bool = True) -> Iterator[str]:
    """The attributes that a statement gives a value; ``+=`` needs one to be there already."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    if isinstance(node, ast.For | ast.NamedExpr):
        targets = [node.target]
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and (_is_own(part) or not own):
                yield part.attr


def _is_own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _text(node: ast.AST) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None) or ""


def _closest(name: str, known: set[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)), None)


def _starts_by_its_length(study: Study) -> Iterator[Violation]:
    """A decay from the first step on whose start depends on how long it lasts: ``N / (k + N) ** p``."""
    if study.site.form != "lambda" or not study.ran or study.site.base != "LambdaLR":
        return
    if not study.everywhere(_falls_from_the_start):
        return
    for path in study.lengths(study.runs[0], Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH):
        starts = [_starts(study, index, path) for index in range(len(study.runs))]
        if all(pair is not None and max(pair) > min(pair) * _APART for pair in starts) and starts[0] is not None:
            value = study.runs[0].leaves[path]
            yield Violation(
                study.site.span,
                f"The decay starts at {starts[0][0]:.4g} times the base rate when `{path}` is {value}, at "
                f"{starts[0][1]:.4g} times when it is four times as long: the start of a decay cannot depend on its "
                "length. Check the precedence of `**` and `/`.",
                study.evidence(study.runs[0], [0, 1, 2]),
            )
            return


def _starts(study: Study, index: int, path: str) -> tuple[float, float] | None:
    """The first factor of a scenario, and that of the same with the length ``path`` four times as long."""
    run = study.runs[index]
    value = run.leaves.get(path)
    if not isinstance(value, int):
        return None
    others = study.lengths(run, Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH, Role.WARMUP)
    if any(other < 4 * value for name, other in others.items() if name != path):
        return None
    longer = study.run(index, overrides={path: 4 * value})
    return (_factor(run), _factor(longer)) if longer.ran and _falls_from_the_start(longer) else None


def _factor(run: Run) -> float:
    return as_float(run.curve[0]) / run.base_lrs[0]


def _falls_from_the_start(run: Run) -> bool:
    curve = [as_float(rate) for rate in run.curve]
    return len(curve) > 1 and max(curve) == curve[0] > curve[1] >= curve[-1] and run.base_lrs[0] > 0


__all__ = ["exchanged"]
