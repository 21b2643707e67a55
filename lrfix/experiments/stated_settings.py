"""Numbers that a file states and a schedule reads: the author's knobs, which a replacement must not lose.

``warmup_iters: int = 0`` of a dataclass hides a warmup, ``power = 1.0`` of a module a polynomial, and a parameter
``low=0.0`` a floor: the runs show none of them. Here such a number is given other values, to see whether it is a part
of the schedule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

from lrfix.domains.lengths import stated_values
from lrfix.domains.roles import Role, role_of
from lrfix.domains.scenarios import Freed
from lrfix.domains.switches import inherited
from lrfix.experiments.study import Study
from lrfix.names import Assigned, Names
from lrfix.trees import walk

_FREED: WeakKeyDictionary[Study, Study] = WeakKeyDictionary()


def stated_settings(study: Study) -> dict[str, float]:
    """The expressions by which the schedule reads a number that the file states, and that no run moves."""
    roots = inherited(study.names, study.site.nodes)
    inside = {node for root in roots for node in walk(root)}
    first, second = (study.run(index, use=study.described_by) for index in (0, 1))
    moved = first.leaves
    found: dict[str, float] = {}
    for leaf, number in moved.items():
        unmoved = second.leaves.get(leaf) == number and role_of(leaf) is Role.UNKNOWN
        if unmoved and leaf not in study.settings and isinstance(number, int | float) and not isinstance(number, bool):
            found[leaf] = number
    for node in inside:
        path = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else None
        if path is None or path in found or path in moved or path in study.settings:
            continue
        for stated in _stated(study.names, node, inside):
            if isinstance(stated, int | float) and not isinstance(stated, bool):
                found[path] = stated
    return dict(sorted(found.items()))


def _stated(names: Names, node: ast.AST, inside: set[ast.AST]) -> Iterator[object]:
    """What the file says that an expression of the schedule is worth, where that stands outside of the schedule."""
    root: ast.AST = node
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if not isinstance(root, ast.Name) or not isinstance(getattr(node, "ctx", None), ast.Load):
        return
    owner = names.owner(root.id, names.scope_of(root))
    if owner is None or owner.node in inside:
        return
    if isinstance(node, ast.Name):
        binding = names.reaching(node.id, owner, node)
        if isinstance(binding, Assigned) and not binding.index:
            yield getattr(binding.value, "value", None)
    elif isinstance(node, ast.Attribute):
        yield from stated_values(names, node.attr)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        yield from stated_values(names, node.slice.value)


def freed(study: Study, numbers: Mapping[str, float]) -> Study:
    """The same study with the numbers drawn anew in every scenario."""
    settings = {**study.settings, **{path: Freed(stated) for path, stated in numbers.items()}}
    other = Study(study.source, study.names, study.site, settings, study.by_itself, study.laboratory)
    other.groups = study.groups
    other.rewritable = study.rewritable
    return other


def take_for(study: Study, other: Study) -> None:
    """From now on the schedule of ``study`` is told by the runs of ``other``."""
    _FREED[study] = other


def told_by(study: Study) -> Study:
    """The study by whose runs a schedule is told: itself, or one in which numbers that the file states are open."""
    return _FREED.get(study, study)


def opened_settings(study: Study) -> frozenset[str]:
    """The expressions that the schedule is told by although the file states a number for each."""
    return frozenset(path for path, value in told_by(study).settings.items() if isinstance(value, Freed))


__all__ = ["freed", "opened_settings", "stated_settings", "take_for", "told_by"]
