"""Families behind branches that list no texts: a flag the other way, a number at its border, another definition.

What the plain run leaves out is a schedule of the site as well, if some setting leads there: each setting that a test
of an untaken branch compares is tried on the other side of that test.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, last_word, role_of
from lrfix.domains.scenarios import Same, Scenario
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, all_real
from lrfix.families.runs import ENOUGH, curve_of, long_lengths
from lrfix.recognition.shapes import shape_of
from lrfix.sites.blocks import block_of
from lrfix.trees import walk

_MOST_SWITCHES = 4
_MOST_BORDERS = 12
_ANOTHER = "another"
"""A text that no code compares a setting with: it leads to the last ``else``."""
_SHAPES_ONLY = frozenset({Role.POWER, Role.GAMMA, Role.LAST_EPOCH})
"""A border value of these bends the same schedule: an exponent of 1 makes no second family."""


def behind_branches(study: Study, alternatives: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The families of what the plain run of ``study`` leaves out, ``alternatives`` being the texts compared."""
    about = long_lengths(study)
    steps = min(study.steps, ENOUGH)
    first = study.run(0, use=study.described_by, overrides=about, steps=steps)
    if not first.ran:
        return
    for overrides, variant in _switched(study, first, alternatives):
        run = study.run(0, use=study.described_by, overrides={**about, **overrides}, steps=steps, variant=variant)
        yield from _named(study, run)
    known = [first.curve]
    tried = [{path: value} for path, value in _across(study, first)]
    for number, overrides in enumerate(tried):
        if number >= _MOST_BORDERS:
            return
        run = study.run(0, use=study.described_by, overrides={**about, **overrides}, steps=steps)
        if not run.ran or run.curve in known:
            continue
        known.append(run.curve)
        names = list(_named(study, run))
        if run.invented and (not names or "constant" in names[0].split("+")):
            # A number that nothing speaks of may shift the schedule out of sight.
            nothing: dict[str, object] = {path: 0 for path in run.invented if path not in overrides}
            run = study.run(0, use=study.described_by, overrides={**about, **overrides, **nothing}, steps=steps)
            if shown := list(_named(study, run)):
                names, overrides = [*names, *shown], {**overrides, **nothing}
        for name in names:
            # Two settings that happen to be equal make a schedule stand still: that is no family of the site.
            yield "+".join(part for part in name.split("+") if part != "constant")
        # What one setting opens may hold a choice of its own.
        tried += [
            more for p, v in _across(study, run) if p not in overrides and (more := {**overrides, p: v}) not in tried
        ]


def _switched(
    study: Study, first: Run, alternatives: Mapping[str, Sequence[str]]
) -> Iterator[tuple[dict[str, object], int]]:
    tried: list[dict[str, object]] = [{path: _ANOTHER} for path, texts in alternatives.items() if len(texts) == 1]
    for path, value in first.leaves.items():
        if isinstance(value, bool) and path not in study.settings:
            tried.append({path: not value})
    yield from ((overrides, 0) for overrides in tried[:_MOST_SWITCHES])
    yield from (({}, variant) for variant in range(1, min(first.variants, _MOST_SWITCHES)))


def _named(study: Study, run: Run) -> Iterator[str]:
    if not run.ran or not run.curve or not all_real(run.curve) or run.failure is not None:
        return
    shape = shape_of([curve_of(study, run)])
    if shape is not None and not {"other", "cyclic"} & set(shape.family.split("+")) and shape.family != "constant":
        yield shape.family


def _ran(run: Run) -> set[ast.AST]:
    return {node for trace in (run.built, run.stepped) if trace is not None for node in trace.statements}


def _across(study: Study, run: Run) -> list[tuple[str, object]]:
    """A setting and its value on the other side of each test that a run answered one way only."""
    known = {last_word(path): path for path in {**run.names, **run.leaves} if role_of(path) not in _SHAPES_ONLY}
    optional = {
        last_word(name): name
        for name, default, _ in study.constructor
        if isinstance(default, ast.Constant) and default.value is None and role_of(name) is not Role.UNKNOWN
    }
    found: list[tuple[str, object]] = []
    for test in _one_sided(study, _ran(run)):
        for flip in _flips(test, run, known, optional):
            if flip not in found and flip[0] not in study.settings:
                found.append(flip)
    return found


def _one_sided(study: Study, ran: set[ast.AST]) -> Iterator[ast.expr]:
    """The tests with a branch that did not run, of statements whose other branch did."""
    for root in study.site.nodes:
        for node in walk(root):
            if isinstance(node, ast.If) and node in ran:
                after = node.orelse or _rest(study, node)
                skipped = not after and _compares_equal(node.test)
                if skipped or (node.body[0] in ran) != (bool(after) and after[0] in ran):
                    yield node.test


def _compares_equal(test: ast.expr) -> bool:
    """Whether a test asks for one value: what it guards may replace what was worked out before."""
    return isinstance(test, ast.Compare) and all(isinstance(op, ast.Eq | ast.NotEq) for op in test.ops)


def _rest(study: Study, node: ast.If) -> list[ast.stmt]:
    """What runs where a test fails and there is no ``else``: the statements after one that leaves the function."""
    beside = block_of(study.names, node)
    return beside[beside.index(node) + 1 :] if isinstance(node.body[-1], ast.Return) else []


def _flips(
    test: ast.expr, run: Run, known: Mapping[str, str], optional: Mapping[str, str]
) -> Iterator[tuple[str, object]]:
    values = {**run.names, **run.leaves}
    for node in walk(test):
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            continue
        sides = [node.left, node.comparators[0]]
        words = [last_word(ast.unparse(side)) if isinstance(side, ast.Name | ast.Attribute) else "" for side in sides]
        if any(isinstance(side, ast.Constant) and side.value is None for side in sides):
            yield from ((optional[w], Scenario(0).value(optional[w])) for w in words if w in optional)
            continue
        paths = [known.get(word) for word in words]
        if paths[0] is not None and paths[1] is not None:
            yield paths[0], Same(paths[1])
            continue
        for path, other in ((paths[0], sides[1]), (paths[1], sides[0])):
            border = literal(other)
            if path is not None and isinstance(border, int | float) and not isinstance(border, bool):
                yield from _beyond(path, values[path], border)


def _beyond(path: str, value: object, border: float) -> Iterator[tuple[str, object]]:
    """A value at the border, or on its other side."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    yield path, border if value != border else border + 1


__all__ = ["behind_branches"]
