"""Lengths that a file states as numbers beyond what is simulated: settings like any other, and simulated as such.

``total_steps = 100000`` is replaced by a shorter length, and so are the file's other lengths in the same unit, in the
same proportion: what is told of the short schedule holds for the long one. A formula that holds such numbers itself
keeps all of them.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from lrfix.domains.facts import Defaults, field_default, literal
from lrfix.domains.kinds import is_number
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.signatures import parameters
from lrfix.finite import finite
from lrfix.interpreter.values import ClassValue, Instance, Unknown
from lrfix.names import Names
from lrfix.trees import walk

LONGEST = 600
_FACTORS = 20
_ROUNDING = frozenset({"int", "round", "float", "max", "min"})
#: What stays as stated: how many batches an epoch has is no part of the schedule's proportions.
_KEPT = frozenset({Role.LOADER_LENGTH})

_EPOCHS = frozenset({Role.EPOCHS, Role.WARMUP_EPOCHS})
#: What the longest length becomes in each scenario, and the least that any length becomes.
_TARGETS = (307, 613, 419)
_LEAST = (7, 3, 5)
#: Scenarios from this one on tell equal lengths apart: each that is asked for is so much longer than the one before.
_APART = 2
_STEPS_APART = 2

#: What a class's node remembers: objects of it are asked for the same lengths at every step.
FORMULAS = "lrfix_formulas"
_STATED: WeakKeyDictionary[Names, list[tuple[str, object]]] = WeakKeyDictionary()
_LONGEST: WeakKeyDictionary[Names, dict[bool, float]] = WeakKeyDictionary()


def is_drawn(names: Names, name: str, value: object) -> bool:
    """Whether a length stated as ``value`` under ``name`` is replaced by one that can be simulated."""
    role = role_of(name)
    number = finite(value)
    if number is None or role not in LENGTHS or number <= 1:
        return False
    return number > LONGEST or (role not in _KEPT and _longest(names, role) > LONGEST)


def proportional(names: Names, path: str, value: float, index: int) -> int:
    """The length that stands for ``value`` in a scenario, in proportion to the others of its unit."""
    return in_proportion(value, max(_longest(names, role_of(path)), value), index)


def in_proportion(value: float, longest: float, index: int = 0) -> int:
    """The length that stands for ``value`` where ``longest`` is shortened to what a scenario has for it."""
    column = index % len(_TARGETS)
    return max(round(value / longest * _TARGETS[column]), min(int(value), _LEAST[column]))


def holds_lengths(roots: Iterable[ast.AST]) -> bool:
    """Whether some code has numbers in it that may be lengths: what goes with them cannot be replaced.

    What a length among its parameters is given by default can: scenarios give it something else.
    """
    nodes = [n for root in roots for n in walk(root)]
    functions = (n for n in nodes if isinstance(n, ast.FunctionDef | ast.Lambda))
    free = {d for f in functions for name, d, _ in parameters(f) if d is not None and role_of(name) in LENGTHS}
    numbers = (n.value for n in nodes if isinstance(n, ast.Constant) and n not in free)
    return any(isinstance(n, int | float) and _FACTORS < n < math.inf for n in numbers)


def open_lengths(names: Names, name: str, value: object, scenario: Scenario, defaults: Defaults) -> object:
    """``value``, kept under ``name``, with its long lengths made free: ``args.max_iters``, ``cfg["max_steps"]``; and
    with every number that the scenario sets otherwise."""
    if isinstance(value, Instance):
        entries = {key: f"{name}.{key}" for key in (*value.attributes, *_class_constants(value))}
        holder: dict[str, object] = value.attributes
    elif isinstance(value, ClassValue):
        entries = {key: f"{name}.{key}" for key, stated in value.namespace.items() if is_number(stated)}
        holder = value.namespace
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        entries = {key: f"{name}[{key!r}]" for key in value}
        holder = value
    else:
        return value
    for key, path in entries.items():
        stated = holder[key] if key in holder else _class_constants(value)[key]
        if path in scenario.overrides and is_number(stated):
            holder[key] = Unknown(path)
        elif is_drawn(names, key, stated):
            holder[key] = opened(names, path, stated, scenario, defaults)
    return value


def _class_constants(value: object) -> dict[str, object]:
    """The numbers that the classes of an object hold, and it does not hold itself."""
    classes = value.cls.mro if isinstance(value, Instance) else ()
    found: dict[str, object] = {}
    for cls in classes:
        for key, number in cls.namespace.items():
            if isinstance(number, int | float) and isinstance(value, Instance) and key not in value.attributes:
                found.setdefault(key, number)
    return found


def opened(names: Names, path: str, stated: object, scenario: Scenario, defaults: Defaults) -> Unknown:
    """A stated length as a free expression."""
    assert isinstance(stated, int | float)
    defaults.own.setdefault(path, stated)
    if role_of(path) not in _KEPT and path not in scenario.overrides and path not in scenario.values:
        apart = _STEPS_APART * len(scenario.values) if scenario.index >= _APART else 0
        scenario.values[path] = proportional(names, path, stated, scenario.index) + apart
        scenario.shortened[path] = stated
    return Unknown(path)


def length_of_lengths(owner: ast.ClassDef, name: str, attribute: str) -> ast.expr | None:
    """The formula of a length that a class works out from its other lengths alone, once (``self`` being ``name``).

    ``self.warmup_steps = int(0.05 * self.total_steps)``: drawn by itself it would not fit the other.
    """
    if role_of(attribute) not in LENGTHS:
        return None
    known: dict[tuple[str, str], ast.expr | None] = owner.__dict__.setdefault(FORMULAS, {})
    if (name, attribute) not in known:
        known[name, attribute] = _formula(owner, name, attribute)
    return known[name, attribute]


def _formula(owner: ast.ClassDef, name: str, attribute: str) -> ast.expr | None:
    values = [
        n.value
        for n in walk(owner)
        if isinstance(n, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if isinstance(target, ast.Attribute) and target.attr == attribute
    ]
    formula = values[0] if len(values) == 1 else None
    if formula is None or isinstance(formula, ast.Constant | ast.Attribute):
        return None
    read = [n for n in walk(formula) if isinstance(n, ast.Attribute)]
    own = [n for n in read if isinstance(n.value, ast.Name) and n.value.id == name and role_of(n.attr) in LENGTHS]
    rounding = {n.func for n in walk(formula) if isinstance(n, ast.Call)}
    named = {n.id for n in walk(formula) if isinstance(n, ast.Name)} - {name}
    plain = all(isinstance(f, ast.Name) and f.id in _ROUNDING for f in rounding) and named <= _ROUNDING
    return formula if own and len(own) == len(read) and plain else None


def stated_lengths(names: Names, name: str) -> set[float]:
    """The numbers that a file gives a length under ``name``: of a setting, a field, an entry of a dictionary."""
    return {number for n in stated_values(names, name) if (number := finite(n)) is not None}


def stated_values(names: Names, name: str) -> list[object]:
    """All that a file gives a value under ``name``, None for what is no literal."""
    return [value for n, value in _all_stated(names) if n == name]


def _longest(names: Names, role: Role) -> float:
    """The longest length that a file states in the unit of ``role``, epochs or steps; 0 without any."""
    if names not in _LONGEST:
        found = {True: 0.0, False: 0.0}
        for name, number in _all_stated(names):
            length = finite(number)
            if role_of(name) in LENGTHS - _KEPT and length is not None:
                unit = role_of(name) in _EPOCHS
                found[unit] = max(found[unit], length)
        _LONGEST[names] = found
    return _LONGEST[names][role in _EPOCHS]


def _all_stated(names: Names) -> list[tuple[str, object]]:
    """Every name that the file gives a literal value, with that value."""
    if names not in _STATED:
        _STATED[names] = [(name, literal(value)) for node in names.nodes for name, value in _stated(node)]
    return _STATED[names]


def _stated(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """What a node gives a value under a name: an assignment, a field, an entry of a dictionary."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, field_default(node.value)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple | ast.List) and isinstance(node.value, ast.Tuple | ast.List):
                pairs = zip(target.elts, node.value.elts, strict=False)
                yield from ((name.id, value) for name, value in pairs if isinstance(name, ast.Name))
