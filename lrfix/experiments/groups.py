"""How the curves of several parameter groups relate: equals treated alike, and each by a base rate of its own.

Both are questions to pairs of curves and know nothing of how the groups are written. What tells groups apart on purpose
is the code's to say: an index that is looked at, a key of the group, a list of functions.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.driving.forms.loops import numbered
from lrfix.driving.laboratory import Run
from lrfix.experiments.base_rates import sound
from lrfix.experiments.study import Study
from lrfix.names import Assigned
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import GROUP_NAMES, called_name
from lrfix.trees import walk, written

_BASES = (0.1, 0.03, 0.007)
_OTHER = 1.7
_OWN_KEYS = frozenset({"lr", "initial_lr", "params"})
_MUST_FOLLOW = 8
_STEPS = 120
#: What says how long something takes, how often it comes, and where it begins.
_COUNTED = LENGTHS | {Role.CYCLES, Role.CYCLE_MULT, Role.MILESTONES}
#: At so many steps another group's rate decides: in a part of the schedule, a warmup say, or in all of it.
_FEW = 3


@dataclass(frozen=True)
class Setting:
    """How the schedule is built: the use, the values that are fixed, the draw."""

    use: Construction | None
    fixed: Mapping[str, object]
    draw: int


@dataclass(frozen=True)
class Apart:
    """Two groups of one base rate that are treated unlike: the run, the group, the first and the last such step."""

    run: Run
    group: int
    first: int
    last: int

    @property
    def stays(self) -> bool:
        """Whether the group keeps its rate to the end while the first group moves."""
        rates = self.run.lr[self.group]
        return all(_same(rate, self.run.base_lrs[self.group]) for rate in rates)

    @property
    def late(self) -> bool:
        """Whether the group keeps its rate at the first updates alone, and follows from then on."""
        rates = self.run.lr[self.group]
        kept = all(_same(rate, self.run.base_lrs[self.group]) for rate in rates[: self.last + 1])
        return self.first == 0 and kept and not self.stays and self.last + _MUST_FOLLOW < len(rates)


def unlike(study: Study, setting: Setting, count: int = 3) -> Apart | None:
    """The first group that fares otherwise than group 0 although all have one base rate; None where none does."""
    run = _run(study, setting, (_BASES[0],) * count)
    if run is None or len(run.lr) < 2:
        return None
    for group, rates in enumerate(run.lr):
        steps = [k for k, (one, other) in enumerate(zip(run.curve, rates, strict=True)) if not _same(one, other)]
        if steps:
            return Apart(run, group, steps[0], steps[-1])
    return None


def borrowed(study: Study, setting: Setting) -> Run | None:
    """A run in which another group follows the base rate of group 0 and not its own; None where each has its own."""
    plain = _run(study, setting, _BASES)
    second = _run(study, setting, (_BASES[0], _OTHER * _BASES[1], _BASES[2]))
    if plain is None or second is None or len(plain.lr) < 2 or len(second.lr) < 2:
        return None
    if sum(_same(a, b) for a, b in zip(plain.lr[1], second.lr[1], strict=False)) < _FEW:
        return None  # its own base rate decides
    first = _run(study, setting, (_OTHER * _BASES[0], *_BASES[1:]))
    if first is None or len(first.lr) < 2:
        return None
    taken: list[float] = []
    fixed: set[float] = set()
    for before, by_first, by_own in zip(plain.lr[1], first.lr[1], second.lr[1], strict=False):
        if _same(before, by_own):
            # A level or two that no base rate moves are a start and a floor; many are a schedule of absolute rates.
            if _same(before, by_first):
                fixed.add(before)
            else:
                taken.append(before)
    return plain if len(taken) >= _FEW and len(fixed) < _FEW else None


def _run(study: Study, setting: Setting, bases: tuple[float, ...]) -> Run | None:
    run = study.run(
        setting.draw,
        use=setting.use,
        groups=len(bases),
        base_lrs=bases,
        overrides=setting.fixed,
        steps=min(study.steps, _STEPS),
    )
    # What the code builds itself has the groups that it has.
    return run if sound(run) and run.base_lrs == bases else None


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def told_apart(study: Study) -> bool:
    """Whether the code looks at which group it has: an index that is more than a place in a list, or one of a list of
    its own, a key, a slice."""
    nodes = [node for root in study.site.nodes for node in walk(root)]
    loops = [node for node in nodes if isinstance(node, ast.For | ast.comprehension)]
    indices = {name for loop in loops if not _counts_lengths(study, loop) for name in _indices(loop)}
    listed = {loop.target.id for loop in loops if isinstance(loop.target, ast.Name) and _is_plain(loop.iter)}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in indices and isinstance(node.ctx, ast.Load):
            place = study.names.parents.get(node)
            if not (isinstance(place, ast.Subscript) and place.slice is node):
                return True
        elif isinstance(node, ast.Subscript) and _is_groups(node.value):
            if isinstance(node.slice, ast.Slice) or literal(node.slice) not in (0, None):
                return True
            if isinstance(node.slice, ast.Name) and node.slice.id in listed:
                return True
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in GROUP_NAMES:
            if isinstance(node.slice, ast.Constant) and node.slice.value not in _OWN_KEYS:
                return True
        elif isinstance(node, ast.Compare | ast.Call) and _asks_group(node):
            return True
    return any(_stated_apart(study, part) for loop in loops for part in _zipped(loop))


def _is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _zipped(loop: ast.For | ast.comprehension) -> list[ast.expr]:
    """What goes along with the groups, one a group: ``zip(optimizer.param_groups, rates)``."""
    call = loop.iter
    zips = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "zip"
    parts = call.args if isinstance(call, ast.Call) and zips else []
    return [part for part in parts if not _is_groups(part)] if any(_is_groups(part) for part in parts) else []


def _stated_apart(study: Study, node: ast.expr) -> bool:
    """Whether a list is stated with other numbers for other groups."""
    if isinstance(node, ast.Name):
        found = [b.value for b in study.names.bindings(node.id, node) if isinstance(b, Assigned) and not b.index]
        return len(found) == 1 and not isinstance(found[0], ast.Name) and _stated_apart(study, found[0])
    return isinstance(node, ast.List | ast.Tuple) and len({ast.unparse(part) for part in node.elts}) > 1


def _indices(loop: ast.For | ast.comprehension) -> set[str]:
    """The names that count the turns of a loop over groups, or over what belongs to them."""
    counted = loop.iter
    if not isinstance(counted, ast.Call) or not isinstance(counted.func, ast.Name):
        return set()
    number = numbered(loop.target) if counted.func.id == "enumerate" else None
    if number is not None:
        return {n.id for n in walk(number) if isinstance(n, ast.Name)}
    if counted.func.id == "range" and isinstance(loop.target, ast.Name):
        return {loop.target.id}
    return set()


def _counts_lengths(study: Study, loop: ast.For | ast.comprehension) -> bool:
    """Whether a loop turns over lengths alone, ``[sum(periods[: i + 1]) for i in range(len(periods))]``, and over no
    groups."""
    inside = list(walk(study.names.parents[loop] if isinstance(loop, ast.comprehension) else loop))
    # What is called, and what attributes are read off, is no number.
    called = {n.func for n in inside if isinstance(n, ast.Call)}
    called |= {n.value for n in inside if isinstance(n, ast.Attribute)}
    numbers = [n for n in inside if isinstance(n, ast.Name | ast.Attribute) and n not in called]
    read = [n for n in numbers if isinstance(n.ctx, ast.Load) and written(n) not in _indices(loop)]
    return bool(read) and all(role_of(written(n)) in _COUNTED for n in read)


def _asks_group(node: ast.Compare | ast.Call) -> bool:
    """``"head" in group``, ``group.get("scale")``."""
    if isinstance(node, ast.Compare):
        return any(isinstance(part, ast.Name) and part.id in GROUP_NAMES for part in node.comparators)
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return (
        isinstance(owner, ast.Name)
        and owner.id in GROUP_NAMES
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr == "get")
    )


def _is_groups(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "param_groups"


def walks_groups(study: Study) -> bool:
    """Whether the code goes through the groups one by one, so that all are meant."""
    return any(
        isinstance(node, ast.For | ast.comprehension) and any(_is_groups(part) for part in walk(node.iter))
        for root in study.site.nodes
        for node in walk(root)
    )


def groups_shown(study: Study) -> int | None:
    """How many rates of their own the optimizers that the file shows have: 1, several (2), or not known (None)."""
    found = [_rates_of(study, use) for use in study.uses]
    return max((n for n in found if n is not None), default=None)


def _rates_of(study: Study, use: Construction) -> int | None:
    """The rates of the optimizer that a schedule is built on; where branches build it, those of all of them."""
    if use.optimizer_call is not None:
        return _rates_in(use.optimizer_call)
    names = use.names or study.names
    target = ast.unparse(use.optimizer) if isinstance(use.optimizer, ast.Name | ast.Attribute) else None
    owner = names.enclosing(use.call, (ast.FunctionDef, ast.AsyncFunctionDef))
    built = [
        node.value
        for node in walk(owner if owner is not None else names.tree)
        if isinstance(node, ast.Assign) and target is not None and [ast.unparse(t) for t in node.targets] == [target]
    ]
    rates = [_rates_in(value) if isinstance(value, ast.Call) else None for value in built]
    known = [n for n in rates if n is not None]
    return max(known) if known and len(known) == len(rates) else None


def _rates_in(call: ast.Call) -> int | None:
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "params"), None)
    if isinstance(given, ast.List | ast.Tuple):
        dicts = [element for element in given.elts if isinstance(element, ast.Dict)]
        own = [d for d in dicts if any(isinstance(k, ast.Constant) and k.value == "lr" for k in d.keys)]
        return 2 if own and len(dicts) > 1 else 1
    if isinstance(given, ast.Call):
        return 1 if called_name(given) in ("parameters", "filter", "list") else None
    return None


__all__ = ["Apart", "Setting", "borrowed", "groups_shown", "told_apart", "unlike", "walks_groups"]
