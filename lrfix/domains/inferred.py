"""What the use of a name says of it that the name does not: shares of the whole, lists of milestones."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from lrfix.domains.clock import Tick, tick_of
from lrfix.domains.facts import option_name
from lrfix.domains.roles import LENGTHS, RATES, Role, last_word, role_of
from lrfix.domains.signatures import arguments_of, parameters
from lrfix.names import Argument, Assigned, Names
from lrfix.sites.vocabulary import names_position, speaks_of_step
from lrfix.trees import walk, written

_WHOLES = frozenset({Role.HORIZON, Role.EPOCHS})
_HOPS = 3
_ARRAYS = frozenset({"array", "asarray", "tensor", "as_tensor"})
_ROUNDING = frozenset({"int", "round", "floor", "ceil"})
_PARTS = frozenset({"ratio", "frac", "fraction", "portion", "proportion", "part", "share", "pct", "percent"})
_KNOWN: WeakKeyDictionary[Names, Inferred] = WeakKeyDictionary()


@dataclass(frozen=True)
class Inferred:
    """Last words of expressions, by what they stand for.

    ``shares``: lengths given as a part of the whole (``step / total < warmup``, ``int(warmup * total_steps)``);
    ``milestones``: lists of steps at which the rate falls (``epoch in args.schedule``); ``flags``: what is tested for
    truth and used for nothing else (``if cfg.cosine_after_warmup``) or is an option that is off or on, whatever length
    or rate its name speaks of; ``parts``: numbers whose name says nothing, of which the rest to 1 is taken, or which
    a whole length is multiplied by (``1 - held``, ``int(held * total_steps)``); ``choices``: numbers that choose among
    several schedules (``if mode == 1: ... elif mode == 2: ...``), each with the first that the code knows;
    ``bounds``: what a loop counts up to, or a count is divided by, and nothing counts up itself (``range(E)``,
    ``self.n / self.iteration``), in full and whatever its name.
    """

    shares: frozenset[str] = frozenset()
    milestones: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    choices: Mapping[str, int] = field(default_factory=dict)
    bounds: frozenset[str] = frozenset()


def inferred(names: Names) -> Inferred:
    """What a file's code says of its names by the way it uses them."""
    if names not in _KNOWN:
        _KNOWN[names] = Inferred(
            frozenset(_shares(names)),
            frozenset(_milestones(names)),
            _flags(names),
            frozenset(_parts(names)),
            _choices(names),
            _bounds(names),
        )
    return _KNOWN[names]


def _milestones(names: Names) -> Iterator[str]:
    """Names without a role in which the position is looked up, or from which a loop takes milestones."""
    for node in names.nodes:
        listed: ast.expr | None = None
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In):
            listed = node.comparators[0] if names_position(_name(node.left)) else None
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            # ``np.array(steps) <= epoch``
            listed = next(filter(None, map(_entries, (node.left, *node.comparators))), None)
        elif isinstance(node, ast.For | ast.comprehension) and role_of(_name(node.target)) is Role.MILESTONES:
            listed = node.iter
        if isinstance(listed, ast.Name | ast.Attribute) and role_of(_name(listed)) in RATES | {Role.UNKNOWN}:
            yield _name(listed)


def _entries(node: ast.expr) -> ast.expr | None:
    """What an array is made of whose entries are compared all at once."""
    made = isinstance(node, ast.Call) and len(node.args) == 1 and _name(node.func) in _ARRAYS
    return node.args[0] if isinstance(node, ast.Call) and made else None


def _choices(names: Names) -> dict[str, int]:
    found: dict[str, list[int]] = {}
    for node in names.nodes:
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            number: object = getattr(node.comparators[0], "value", None)
            if not isinstance(number, int) or isinstance(number, bool):
                continue
            for name in map(_name, _also_given(names, node.left)):
                if name and role_of(name) is Role.UNKNOWN and tick_of(name) is None:
                    found.setdefault(name, []).append(number)
    return {name: numbers[0] for name, numbers in found.items() if len(set(numbers)) > 1}


def _bounds(names: Names) -> frozenset[str]:
    counted: set[str] = set()
    found: set[str] = set()
    for node in names.nodes:
        if isinstance(node, ast.AugAssign | ast.For | ast.comprehension):
            counted |= {written(n) for n in walk(node.target) if isinstance(n, ast.Name | ast.Attribute)}
    for node in names.nodes:
        if isinstance(node, ast.Call) and _name(node.func) == "range":
            found |= _speaks_of_a_count(node.args[:2][-1:])
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            read = {written(n) for n in walk(node.left) if isinstance(n, ast.Name | ast.Attribute)}
            found |= _speaks_of_a_count([node.right]) if read & counted else set()
        elif isinstance(node, ast.FunctionDef):
            found |= _several(node)
    found -= counted
    for _ in range(_HOPS if found else 0):
        found |= {text for text in _alike(names, found) if tick_of(text) is not None} - counted
    return frozenset(found)


def _several(function: ast.FunctionDef) -> set[str]:
    """Parameters that say how many steps there are, beside the one for the step: ``f(step, global_steps)``."""
    steps = {name for name, _, _ in parameters(function) if tick_of(name) is Tick.STEP}
    found = {name for name in steps if name.endswith("s")}
    return found if steps - found else set()


def _speaks_of_a_count(nodes: list[ast.expr]) -> set[str]:
    texts = {written(node) for node in nodes if isinstance(node, ast.Name | ast.Attribute)}
    return {text for text in texts if tick_of(text) is not None}


def _alike(names: Names, found: Collection[str]) -> Iterator[str]:
    """What is stored under one of the names that were found, and the parameters that are given it wherever the file
    calls their function."""
    given: dict[tuple[ast.FunctionDef, str], list[bool]] = {}
    for node in names.nodes:
        if isinstance(node, ast.Assign) and any(written(target) in found for target in node.targets):
            yield written(node.value)
        elif isinstance(node, ast.Call):
            for function in names.functions.get(_name(node.func), ()):
                for parameter, value in arguments_of(node, function).items():
                    given.setdefault((function, parameter), []).append(written(value) in found)
    yield from (parameter for (_, parameter), answers in given.items() if all(answers))


def _also_given(names: Names, node: ast.expr) -> Iterator[ast.expr]:
    """An expression, and what the calls of the file give where it is a parameter."""
    yield node
    for binding in names.bindings(node.id, node) if isinstance(node, ast.Name) else ():
        if isinstance(binding, Argument):
            yield from _given(names, binding)


def _flags(names: Names) -> frozenset[str]:
    tested: set[str] = set()
    otherwise: set[str] = set()
    for node in names.nodes:
        if not isinstance(node, ast.Name | ast.Attribute) or role_of(_name(node)) not in LENGTHS:
            continue
        if isinstance(node.ctx, ast.Load) and _is_tested(names, node):
            tested.add(_name(node))
        elif not isinstance(names.parents.get(node), ast.Attribute):
            otherwise.add(_name(node))
    return frozenset(tested - otherwise) | frozenset(_switches(names))


def _switches(names: Names) -> Iterator[str]:
    """Options of the command line that are off or on: ``add_argument("--warmup", action="store_true")``."""
    for node in names.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        action = next((k.value for k in node.keywords if k.arg == "action"), None)
        if node.func.attr != "add_argument" or not isinstance(action, ast.Constant):
            continue
        name = option_name(node) if action.value in ("store_true", "store_false") else None
        if name is not None:
            yield last_word(name)


def _is_tested(names: Names, node: ast.expr) -> bool:
    around = names.parents.get(node)
    if isinstance(around, ast.BoolOp) or (isinstance(around, ast.UnaryOp) and isinstance(around.op, ast.Not)):
        return _is_tested(names, around)
    return isinstance(around, ast.If | ast.IfExp | ast.While | ast.Assert) and around.test is node


def _shares(names: Names) -> set[str]:
    """Names of lengths without a unit in them."""
    found: set[str] = set()
    for node in names.nodes:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sides = (node.left, node.comparators[0])
            found |= {_name(b) for a, b in (sides, sides[::-1]) if _may_be_share(b) and _is_progress(names, a)}
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for part, whole in _sides(node):
                if role_of(_name(part)) is Role.WARMUP and _may_be_share(part) and _is_whole(whole):
                    found.add(_name(part))
    return found


def _parts(names: Names) -> Iterator[str]:
    for node in names.nodes:
        if not isinstance(node, ast.BinOp):
            continue
        pairs: list[tuple[ast.expr, bool]] = []
        if isinstance(node.op, ast.Sub):
            pairs = [(node.right, isinstance(node.left, ast.Constant) and node.left.value == 1)]
        elif isinstance(node.op, ast.Mult):
            rounded = _is_rounded(names, node)
            pairs = [(a, _is_whole(b) and (rounded or _says_part(a))) for a, b in _sides(node)]
        for part, whole in pairs:
            name = _name(part)
            if whole and name and role_of(name) is Role.UNKNOWN and tick_of(name) is None:
                yield name


def _sides(node: ast.BinOp) -> tuple[tuple[ast.expr, ast.expr], ...]:
    return (node.left, node.right), (node.right, node.left)


def _is_rounded(names: Names, node: ast.BinOp) -> bool:
    """Whether a product is cut to a whole number, as that of counts need not be."""
    around = names.parents.get(node)
    return isinstance(around, ast.Call) and _name(around.func) in _ROUNDING and len(around.args) == 1


def _says_part(node: ast.expr) -> bool:
    return bool(_PARTS & set(_name(node).split("_")))


def _is_whole(node: ast.expr) -> bool:
    """Whether an expression is the length of all of training; epochs are multiplied by what an epoch has."""
    return isinstance(node, ast.Name | ast.Attribute) and role_of(_name(node)) is Role.HORIZON


def _name(node: ast.expr) -> str:
    """The name of an expression as roles are told by, in snake case."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return last_word(name) if name else ""


def _may_be_share(node: ast.expr) -> bool:
    name = _name(node)
    return role_of(name) in LENGTHS - _WHOLES and not speaks_of_step(name)


def _is_progress(names: Names, node: ast.expr, hops: int = 0) -> bool:
    """Whether an expression runs from 0 to 1: a position over the whole, by name or by what it is given."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return role_of(_name(node.right)) in _WHOLES and not isinstance(node.left, ast.Constant)
    if not isinstance(node, ast.Name) or hops >= _HOPS:
        return False
    if tick_of(node.id) is Tick.PROGRESS:
        return True
    for binding in names.bindings(node.id, node):
        if isinstance(binding, Assigned):
            given = [binding.value]
        elif isinstance(binding, Argument):
            given = _given(names, binding)
        else:
            return False
        if not given or not all(_is_progress(names, value, hops + 1) for value in given):
            return False
    return bool(names.bindings(node.id, node))


def _given(names: Names, parameter: Argument) -> list[ast.expr]:
    """What the calls of a file hand to a parameter of one of its functions, by position or by name."""
    function = parameter.function
    if not isinstance(function, ast.FunctionDef):
        return []
    order = [a.arg for a in function.args.args]
    found = []
    for node in names.nodes:
        if isinstance(node, ast.Call) and _name(node.func) == function.name and parameter.name in order:
            position = order.index(parameter.name)
            found += node.args[position : position + 1] or [k.value for k in node.keywords if k.arg == parameter.name]
    return found


__all__ = ["Inferred", "inferred"]
