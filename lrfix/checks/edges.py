"""LR205: settings at the edge of what the code calls legal that divide by zero."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lrfix.domains.facts import sets_its_names
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import Same
from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_WHOLE = (Role.HORIZON, Role.EPOCHS)
_CLASSES = ("subclass", "wrapper")
_OTHER_INVENTIONS = (7, 0.1)
#: A schedule that divides by zero as the file builds it does so within so many steps.
_SOON = 240
#: Forms with an object that is stepped after the optimizer: its last step asks for the rate at the horizon itself.
_STEPPED_AFTER = ("lambda", "subclass")


@dataclass(frozen=True)
class _Edge:
    """A setting to try: what it fixes, in words why it is legal, and the last step at which a failure counts.

    ``declared``: the file itself says that it is legal; otherwise whether anyone chooses it, its author knows.
    """

    overrides: Mapping[str, object]
    why: str
    latest: int
    declared: bool = True


@rule("LR205")
def zero_division(study: Study) -> Iterator[Violation]:
    if study.opaque is not None:
        return
    run = study.runs[0]
    if run.failure is not None and run.failure.kind == "ZeroDivisionError":
        failed = study.everywhere_failed("ZeroDivisionError") and _own(study, run.failure)
        if failed and not _invented(study, run):
            yield _division(study, run.failure, "as it is built here")
        return
    if run.failure is not None and run.failure.step <= 0:
        return
    advice: Violation | None = None
    uses = _uses(study)
    for use in uses:
        for edge in _edges(study, use, use is uses[0]):
            if advice is not None and not edge.declared:
                continue
            failures = [_divides(study, edge, index, use) for index in (0, 1)]
            if failures[0] is not None and failures[1] is not None:
                if edge.declared:
                    yield _division(study, failures[0], edge.why)
                    return
                advice = advice or replace(_division(study, failures[0], edge.why), advice=True)
    if advice is not None:
        yield advice


def _uses(study: Study) -> list[Construction | None]:
    if study.use is not None and study.use.names is not None and study.site.form not in _CLASSES:
        return [study.use]  # the project shows what the function is called with
    if study.site.form in _CLASSES and _is_part(study):
        return [None]
    return [study.use] if study.site.form == "lambda" or study.use is None else [study.use, None]


def _invented(study: Study, run: Run) -> bool:
    """Whether the division fails only with numbers of ours: for what nobody can name, or for what the file states."""
    known = {path: study.defaults.get(path) for path, value in run.leaves.items() if study.defaults.get(path) != value}
    stated = {p: v for p, v in known.items() if isinstance(v, int | float) and not isinstance(v, bool) and v > 0}
    if stated:
        as_written = study.run(0, overrides=stated, steps=_SOON)
        if as_written.failure is None or as_written.failure.kind != "ZeroDivisionError":
            return True
    for path, value in run.leaves.items():
        if role_of(path) is not Role.UNKNOWN or path in study.defaults or not isinstance(value, int | float):
            continue
        for factor in _OTHER_INVENTIONS:
            other = study.run(0, overrides={path: type(value)(value * factor)})
            if other.failure is None or other.failure.kind != "ZeroDivisionError":
                return True
    return False


def _is_part(study: Study) -> bool:
    """Whether the object is built in a method of another class, which says when it is asked."""
    if study.use is None:
        return False
    owner = (study.use.names or study.names).enclosing(study.use.call, ast.ClassDef)
    return owner is not None and owner is not study.node


def _edges(study: Study, use: Construction | None, first: bool) -> Iterator[_Edge]:
    run = study.run(0, use=use)
    values = {
        path: value
        for path, value in {**run.names, **run.leaves}.items()
        if isinstance(value, int) and not isinstance(value, bool) and value > 0
    }
    zero = {name for name, stated, _ in study.constructor if isinstance(stated, ast.Constant) and stated.value == 0}
    own = {name for name, _, _ in study.constructor}
    # What decides a value is a leaf; names that only hold one cannot be set.
    paths = [path for path in sorted(values) if path in run.leaves or path in own]
    paths = [path for path in paths if path not in study.constants]
    for path in paths:
        role = role_of(path)
        default = study.defaults.get(path)
        stated = path in zero or (isinstance(default, int | float) and not isinstance(default, bool) and default == 0)
        if stated and (_is_loop_bound(study, path) or _is_tested(study, path)):
            continue
        if stated and (role in _WARMUPS or (role in LENGTHS and not _assigned(study, path))):
            yield _Edge({path: 0}, f"with `{path}` = 0, its default", 1)
        elif study.site.form in _CLASSES and _is_warmup(study, run, path) and not _is_part(study):
            yield _Edge({path: 0}, f"with `{path}` = 0, no warmup", 1, declared=False)
            if _vanishes_at_one(study, path):
                yield _Edge({path: 1}, f"with `{path}` = 1, a warmup of one step", 1, declared=False)
        if role is Role.EPOCHS and "warm" not in path.lower():
            if not stated:
                yield _Edge({path: 1}, f"with `{path}` = 1, a run of one epoch", 1)
            for loader in (p for p in paths if role_of(p) is Role.LOADER_LENGTH and _counts_gaps(study)):
                why = f"with `{path}` = 1 and `{loader}` = 1, a run of one step"
                yield _Edge({path: 1, loader: 1}, why, 1, declared=False)
        elif role is Role.HORIZON and _counts_gaps(study):
            yield _Edge({path: 1}, f"with `{path}` = 1, a run of one step", 1, declared=False)
        elif role is Role.HOLD and study.site.form in _CLASSES:
            yield _Edge({path: 0}, f"with `{path}` = 0, nothing held", 1, declared=False)
    if not first:
        return
    for warmup in (path for path in paths if role_of(path) in _WARMUPS):
        for whole in (path for path in paths if _is_whole(study, path) and role_of(path) is _unit(warmup, path)):
            if study.defaults.get(warmup) and study.defaults.get(whole) and not sets_its_names(study.names):
                continue  # the file states both, far from each other
            why = f"with `{warmup}` = `{whole}`, a warmup as long as the whole"
            yield _Edge({warmup: Same(whole)}, why, _reach(study, use, warmup, whole), declared=False)


def _counts_gaps(study: Study) -> bool:
    """Whether a definition takes one from the length of the whole: ``T = total_steps - 1``."""
    return not study.site.inline and any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.right, ast.Constant)
        and node.right.value == 1
        and role_of(ast.unparse(node.left)) in _WHOLE
        for root in study.site.nodes
        for node in ast.walk(root)
    )


def _vanishes_at_one(study: Study, path: str) -> bool:
    """Whether a definition works with what a length of one makes zero: ``warmup - 1``, ``log(warmup)``."""
    last = path.rpartition(".")[2]
    for root in study.site.nodes:
        for node in ast.walk(root):
            part: ast.expr | None = None
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                part = node.left if isinstance(node.right, ast.Constant) and node.right.value == 1 else None
            elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "log" and node.args:
                part = node.args[0]
            if part is not None and ast.unparse(part).rpartition(".")[2] == last:
                return True
    return False


def _is_loop_bound(study: Study, path: str) -> bool:
    """Whether the site stands in a loop as long as the value says: with 0 it never runs."""
    loops = [node for node in study.names.ancestors(study.site.node) if isinstance(node, ast.For)]
    bounds = [node for loop in loops for node in ast.walk(loop.iter) if isinstance(node, ast.expr)]
    return any(ast.unparse(node) == path for node in bounds)


def _is_tested(study: Study, path: str) -> bool:
    """Whether the loop comes to the site only under a test of the value: ``if step < args.warmup``."""
    branches = [node for node in study.names.ancestors(study.site.node) if isinstance(node, ast.If)]
    return any(ast.unparse(node) == path for branch in branches for node in ast.walk(branch.test))


def _assigned(study: Study, path: str) -> bool:
    """Whether the file works the value out after all: ``args.num_iterations = total // batch``."""
    return any(
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node) == path
        for node in study.names.nodes
    )


def _is_warmup(study: Study, run: Run, path: str) -> bool:
    """A warmup length, also the only length that a class of warmups takes, whatever it is called."""
    if role_of(path) in _WARMUPS:
        return "after" not in path
    lengths = {p for p in (*run.names, *run.leaves) if role_of(p) in LENGTHS or role_of(p) is Role.WARMUP_FRACTION}
    return "warm" in (study.site.name or "").lower() and lengths == {path} and role_of(path) in _WHOLE


def _is_whole(study: Study, path: str) -> bool:
    """A length that the schedule has to survive: its horizon where that is asked for, a decay that ends early."""
    if role_of(path) in _WHOLE:
        # A trainer that tells where it stands asks after its last batch as well.
        told = study.site.form == "wrapper" and study.runs[0].measured and not study.site.writes
        return told or study.site.form in _STEPPED_AFTER
    return role_of(path) is Role.DECAY_LENGTH


def _unit(warmup: str, whole: str) -> Role:
    """The role a whole must have to be counted like the warmup: epochs with epochs, steps with steps."""
    if role_of(warmup) is Role.WARMUP_EPOCHS:
        return Role.EPOCHS
    return role_of(whole) if role_of(whole) is not Role.EPOCHS else Role.HORIZON


def _reach(study: Study, use: Construction | None, warmup: str, whole: str) -> int:
    run = study.run(0, use=use)
    horizon = study.horizon(run) or 0
    value = {**run.names, **run.leaves}.get(whole)
    return max(horizon, value if isinstance(value, int) else 0)


def _divides(study: Study, edge: _Edge, index: int, use: Construction | None) -> Failure | None:
    sound = study.run(index, use=use)
    if sound.opaque is not None or (sound.failure is not None and sound.failure.step <= edge.latest):
        return None
    steps = min(_latest(study, sound, edge, index) + 2, study.steps)
    tried: Run = study.run(index, use=use, overrides=edge.overrides, steps=steps)
    failure = tried.failure
    if failure is None or failure.kind != "ZeroDivisionError" or not _own(study, failure):
        return None
    return failure if failure.step <= steps - 2 else None


def _latest(study: Study, run: Run, edge: _Edge, index: int) -> int:
    if edge.latest <= 1 or index == 0:
        return edge.latest
    wholes = [v.path for v in edge.overrides.values() if isinstance(v, Same)]
    values = [v for p in wholes if isinstance(v := {**run.names, **run.leaves}.get(p), int)]
    return max([study.horizon(run) or 0, *values])


def _own(study: Study, failure: Failure) -> bool:
    """Whether the division stands in the site: what another function divides is that function's fault."""
    node = failure.node
    if node is None or study.site.form in _CLASSES:
        return True
    if any(node is n for root in study.site.nodes for n in ast.walk(root)):
        return True
    if study.names.neighbours is not None and study.names.neighbours.holds(node):
        return False
    owner = study.names.enclosing(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef))
    return owner is None or any(owner is n for n in study.names.ancestors(study.site.node))


def _division(study: Study, failure: Failure, when: str) -> Violation:
    node = failure.node
    inside = node is not None and any(node is n for root in study.site.nodes for n in ast.walk(root))
    statement = study.names.statement_of(node) if inside and node is not None else None
    place = study.span(statement) if statement is not None and not hasattr(statement, "body") else study.site.span
    at = "when the schedule is built" if failure.step < 0 else f"at step {failure.step}"
    return Violation(place, f"Division by zero {when}: training fails {at} ({failure.message}).")
