"""The standard library's functions that take or keep interpreted values: ``itertools``, ``operator`` and others.

Every iterator burns fuel for what it gives, so that an endless one ends wherever it is consumed.
"""

from __future__ import annotations

import ast
import collections
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lrfix.interpreter.cloning import clone
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.operations import OPERATIONS_OF
from lrfix.interpreter.values import (
    MISSING,
    BoundMethod,
    ClassValue,
    Instance,
    NativeFunction,
    Partial,
    Unknown,
)

Machine = Any
_NAMESPACE = ClassValue("SimpleNamespace", None, (), {})
_NAMESPACE.mro = (_NAMESPACE,)


@dataclass(frozen=True, eq=False)
class Field:
    """``dataclasses.field(...)``: a default, or what makes one; ``given`` where the constructor takes it."""

    default: Any = MISSING
    factory: Any = MISSING
    given: bool = True


def _partial(machine: Machine, node: ast.AST | None, function: Any, /, *arguments: Any, **keywords: Any) -> Partial:
    return Partial(function, arguments, keywords)


def _reduce(machine: Machine, node: ast.AST | None, function: Any, values: Any, *start: Any) -> Any:
    items = machine.iterate(values, node)
    result = start[0] if start else next(items, MISSING)
    if result is MISSING:
        raise UserError(TypeError("reduce() of empty iterable with no initial value"), node)
    for item in items:
        result = machine.invoke(function, [result, item], {}, node)
    return result


def _deepcopy(machine: Machine, node: ast.AST | None, value: Any, memo: Any = None) -> Any:
    return clone(value)


def _copy(machine: Machine, node: ast.AST | None, value: Any) -> Any:
    if isinstance(value, Instance):
        if value.cls.find("__copy__") is not MISSING:
            raise Opaque("copies an object with a method of its own", node)
        return Instance(value.cls, dict(value.attributes), value.fallback)
    if isinstance(value, list | dict | set | collections.deque):
        return value.copy()
    if isinstance(value, tuple | int | float | str | None):
        return value
    raise Opaque("copies an object", node)


def _nothing(machine: Machine, node: ast.AST | None, /, *arguments: Any, **keywords: Any) -> None:
    return None


def _burning(machine: Machine, node: ast.AST | None, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        machine.burn(node)
        yield value


def _iterator(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """A function of iterables, read through the interpreter."""

    def run(machine: Machine, node: ast.AST | None, /, *sources: Any, **keywords: Any) -> Iterator[Any]:
        found = [machine.iterate(s, node) for s in sources]
        return _burning(machine, node, function(*found, **keywords))

    return run


def _sized(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """The same, where the sources are read to their end first."""

    def run(machine: Machine, node: ast.AST | None, /, *sources: Any, **keywords: Any) -> Iterator[Any]:
        found = [s if isinstance(s, int) else list(_burning(machine, node, machine.iterate(s, node))) for s in sources]
        return _burning(machine, node, function(*found, **keywords))

    return run


def _chained(machine: Machine, node: ast.AST | None, sources: Any) -> Iterator[Any]:
    parts = (machine.iterate(s, node) for s in machine.iterate(sources, node))
    return _burning(machine, node, itertools.chain.from_iterable(parts))


def _accumulate(
    machine: Machine, node: ast.AST | None, values: Any, func: Any = None, *, initial: Any = None
) -> Iterator[Any]:
    add = _arithmetic(ast.Add())

    def combine(a: Any, b: Any) -> Any:
        return add(machine, node, a, b) if func is None else machine.invoke(func, [a, b], {}, node)

    return _burning(machine, node, itertools.accumulate(machine.iterate(values, node), combine, initial=initial))


def _counted(machine: Machine, node: ast.AST | None, start: Any = 0, step: Any = 1) -> Iterator[Any]:
    first, rise = machine.concrete(start, node, "number"), machine.concrete(step, node, "number")
    return _burning(machine, node, itertools.count(first, rise))


def _repeated(machine: Machine, node: ast.AST | None, value: Any, times: Any = None) -> Iterator[Any]:
    if times is None:
        return _burning(machine, node, itertools.repeat(value))
    return _burning(machine, node, itertools.repeat(value, machine.concrete(times, node, "number")))


def _islice(machine: Machine, node: ast.AST | None, values: Any, *bounds: Any) -> Iterator[Any]:
    plain = [machine.concrete(b, node, "number") for b in bounds]
    return _burning(machine, node, itertools.islice(machine.iterate(values, node), *plain))


def _while(function: Callable[[Callable[[Any], bool], Iterator[Any]], Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    def run(machine: Machine, node: ast.AST | None, test: Any, values: Any) -> Iterator[Any]:
        def holds(value: Any) -> bool:
            return bool(machine.truth(machine.invoke(test, [value], {}, node), node))

        return _burning(machine, node, function(holds, machine.iterate(values, node)))

    return run


def _starmap(machine: Machine, node: ast.AST | None, function: Any, values: Any) -> Iterator[Any]:
    return (
        machine.invoke(function, list(machine.iterate(group, node)), {}, node)
        for group in _burning(machine, node, machine.iterate(values, node))
    )


def _arithmetic(op: ast.operator) -> Callable[..., Any]:
    operation = OPERATIONS_OF[type(op)]
    return lambda machine, node, left, right: operation(machine, left, right, node or ast.Pass())


def _compared(op: type[ast.cmpop]) -> Callable[..., Any]:
    return lambda machine, node, left, right: machine.relation(op, left, right, node or ast.Pass())


def _itemgetter(machine: Machine, node: ast.AST | None, /, *keys: Any) -> NativeFunction:
    def run(machine: Machine, at: ast.AST | None, value: Any) -> Any:
        found = [machine.item(value, key, at or ast.Pass()) for key in keys]
        return found[0] if len(found) == 1 else tuple(found)

    return NativeFunction("itemgetter", run, accepts_callables=True)


def _attrgetter(machine: Machine, node: ast.AST | None, name: str) -> NativeFunction:
    def run(machine: Machine, at: ast.AST | None, value: Any) -> Any:
        for part in name.split("."):
            value = machine.attribute(value, part, at)
        return value

    return NativeFunction("attrgetter", run, accepts_callables=True)


def _counter(machine: Machine, node: ast.AST | None, values: Any = (), /, **keywords: Any) -> Any:
    values = machine.concrete(values, node, "iterable")
    if isinstance(values, dict):
        return collections.Counter(values, **keywords)
    return collections.Counter(
        [machine.hashable(v, node) for v in _burning(machine, node, machine.iterate(values, node))], **keywords
    )


def _defaultdict(
    machine: Machine, node: ast.AST | None, factory: Any = None, values: Any = (), /, **keywords: Any
) -> Any:
    if isinstance(factory, Unknown):
        raise Opaque("makes a dictionary with a default that lrfix cannot see", node)
    make = None if factory is None else lambda: machine.invoke(factory, [], {}, node)
    return collections.defaultdict(make, values, **keywords)


def _deque(machine: Machine, node: ast.AST | None, values: Any = (), maxlen: Any = None) -> Any:
    return collections.deque(
        _burning(machine, node, machine.iterate(values, node)), machine.concrete(maxlen, node, "number")
    )


def _field(machine: Machine, node: ast.AST | None, /, *, default: Any = MISSING, **keywords: Any) -> Field:
    if set(keywords) - {"default_factory", "repr", "compare", "hash", "metadata", "init"}:
        raise Opaque("declares a field in a way that is not simulated", node)
    return Field(default, keywords.get("default_factory", MISSING), keywords.get("init", True) is not False)


def _replace(machine: Machine, node: ast.AST | None, value: Any, /, **changes: Any) -> Any:
    if not isinstance(value, Instance) or value.cls.find("__post_init__") is not MISSING:
        raise Opaque("replaces fields of an object", node)
    if set(changes) - set(value.attributes):
        raise UserError(TypeError("__init__() got an unexpected keyword argument"), node)
    return Instance(value.cls, {**value.attributes, **changes})


def _as_dictionary(machine: Machine, node: ast.AST | None, value: Any) -> Any:
    if not isinstance(value, Instance) or any(isinstance(v, Instance) for v in value.attributes.values()):
        raise Opaque("turns an object into a dictionary", node)
    return clone(value.attributes)


def _namespace(machine: Machine, node: ast.AST | None, /, **attributes: Any) -> Instance:
    return Instance(_NAMESPACE, attributes)


def _method(machine: Machine, node: ast.AST | None, function: Any, receiver: Any) -> BoundMethod:
    return BoundMethod(function, receiver)


_ARITHMETIC = {
    "add": ast.Add,
    "sub": ast.Sub,
    "mul": ast.Mult,
    "truediv": ast.Div,
    "floordiv": ast.FloorDiv,
    "mod": ast.Mod,
    "pow": ast.Pow,
}
_RELATIONS: dict[str, type[ast.cmpop]] = {
    "lt": ast.Lt,
    "le": ast.LtE,
    "gt": ast.Gt,
    "ge": ast.GtE,
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "is_": ast.Is,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "functools.lru_cache": lambda machine, node, function=None, **keywords: function,
    "functools.cache": lambda machine, node, function: function,
    "weakref.ref": lambda machine, node, target: NativeFunction("weak reference", lambda m, n: target, True),
    "weakref.proxy": lambda machine, node, target: target,
    "copy.deepcopy": _deepcopy,
    "copy.copy": _copy,
    "warnings.warn": _nothing,
    "warnings.filterwarnings": _nothing,
    "warnings.simplefilter": _nothing,
    "itertools.chain": _iterator(itertools.chain),
    "itertools.chain.from_iterable": _chained,
    "itertools.accumulate": _accumulate,
    "itertools.count": _counted,
    "itertools.cycle": _iterator(itertools.cycle),
    "itertools.repeat": _repeated,
    "itertools.islice": _islice,
    "itertools.takewhile": _while(itertools.takewhile),
    "itertools.dropwhile": _while(itertools.dropwhile),
    "itertools.starmap": _starmap,
    "itertools.pairwise": _iterator(itertools.pairwise),
    "itertools.zip_longest": _iterator(itertools.zip_longest),
    "itertools.product": _sized(itertools.product),
    "itertools.combinations": _sized(itertools.combinations),
    "itertools.permutations": _sized(itertools.permutations),
    **{f"operator.{name}": _arithmetic(op()) for name, op in _ARITHMETIC.items()},
    **{f"operator.{name}": _compared(op) for name, op in _RELATIONS.items()},
    "operator.itemgetter": _itemgetter,
    "operator.attrgetter": _attrgetter,
    "collections.Counter": _counter,
    "collections.defaultdict": _defaultdict,
    "collections.deque": _deque,
    "dataclasses.field": _field,
    "dataclasses.replace": _replace,
    "dataclasses.asdict": _as_dictionary,
    "types.SimpleNamespace": _namespace,
    "argparse.Namespace": _namespace,
    "types.MethodType": _method,
    "typing.cast": lambda machine, node, kind, value: value,
}


def standard_functions() -> dict[str, NativeFunction]:
    """All of them by qualified name."""
    return {name: NativeFunction(name, function, accepts_callables=True) for name, function in _FUNCTIONS.items()}
