"""The machine: runs a small, safe subset of Python over its own syntax tree.

Nothing is executed by Python itself but allow-listed natives (``lrfix.interpreter.modules``, ``builtins``). Fuel bounds
time, ``max_depth`` bounds nesting, ``limits`` bounds memory. See docs/architecture.md for the contract.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from types import GeneratorType
from typing import Any, Protocol

from lrfix.interpreter.arrays import values as arrays
from lrfix.interpreter.attributes import attribute_of, attribute_of_instance, set_attribute_of
from lrfix.interpreter.builtins import BUILTINS
from lrfix.interpreter.calls import call_function, invoke
from lrfix.interpreter.comparisons import compared
from lrfix.interpreter.compilation import EXPRESSIONS, STATEMENTS, block, compiled
from lrfix.interpreter.enums import is_enumeration, iterate_members, member_of_name
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import PYTHON_ERRORS, FuelSpent, Opaque, ReserveSpent, TooDeep, UserError
from lrfix.interpreter.expressions import EXPRESSION_MAKERS
from lrfix.interpreter.limits import PLAIN_NUMBERS, check_comparable, check_length, check_path
from lrfix.interpreter.operations import relation
from lrfix.interpreter.recorder import Recorder
from lrfix.interpreter.reserve import SPENT, Reserve
from lrfix.interpreter.statements import STATEMENT_MAKERS
from lrfix.interpreter.values import (
    MISSING,
    BoundMethod,
    ClassValue,
    Function,
    Instance,
    ModuleValue,
    NativeFunction,
    Partial,
    SuperValue,
    Unknown,
)

EXPRESSIONS.update(EXPRESSION_MAKERS)
STATEMENTS.update(STATEMENT_MAKERS)

_INTERPRETED = (Function, NativeFunction, BoundMethod, Partial, ClassValue, ModuleValue, SuperValue)
_ENDLESS = "runs longer than lrfix simulates; it may never end"
#: Fuel that a program takes from its reserve at a time.
_PORTION = 2_000
_ITERABLES = frozenset({list, tuple, range, dict, zip, enumerate, GeneratorType})


class HostProtocol(Protocol):
    """Answers for what the code does not fix."""

    def concretise(self, unknown: Unknown, node: ast.AST | None, wanted: str) -> Any: ...

    def unknown_write(self, unknown: Unknown, name: str, value: Any, node: ast.AST | None) -> None: ...

    def import_name(self, module: str, name: str | None) -> Any: ...

    def unknown_attribute(self, unknown: Unknown, name: str) -> Any:
        """The value of an attribute of an unknown, or ``MISSING``: it is then unknown too."""

    def unknown_call(self, unknown: Unknown, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """What calling an unknown gives, or ``MISSING``: the result is then unknown too."""

    def falls_back(self, unknown: Unknown, node: ast.AST | None, default: Any) -> None:
        """A lookup with a default gave an unknown: ``getattr(cfg, "hold", 0.6)``."""

    def foreign_bases(self, node: ast.ClassDef) -> bool:
        """Whether a class may be simulated although a base of it cannot be seen."""

    def kept(self, unknown: Unknown, node: ast.AST) -> Any:
        """What an object keeps of an unknown that is assigned to it: where training stands now moves on."""


class Refusing:
    """A host for closed programs: every unknown is opaque, every import is resolved from the allow-list or refused."""

    def concretise(self, unknown: Unknown, node: ast.AST | None, wanted: str) -> Any:
        raise Opaque(f"depends on `{unknown.path}`", node)

    def unknown_write(self, unknown: Unknown, name: str, value: Any, node: ast.AST | None) -> None:
        return None

    def import_name(self, module: str, name: str | None) -> Any:
        from lrfix.interpreter.modules import resolve_qualified

        value = resolve_qualified(f"{module}.{name}" if name else module)
        return Unknown(name or module) if value is None else value

    def unknown_attribute(self, unknown: Unknown, name: str) -> Any:
        return MISSING

    def unknown_call(self, unknown: Unknown, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        return MISSING

    def falls_back(self, unknown: Unknown, node: ast.AST | None, default: Any) -> None:
        return None

    def foreign_bases(self, node: ast.ClassDef) -> bool:
        return False

    def kept(self, unknown: Unknown, node: ast.AST) -> Any:
        return unknown


class Interpreter:
    """One simulated program. ``fuel`` counts statements, calls and loop turns; with ``reserve`` it is taken from what
    several programs share."""

    def __init__(
        self,
        host: HostProtocol | None = None,
        recorder: Recorder | None = None,
        fuel: int = 200_000,
        max_depth: int = 80,
        reserve: Reserve | None = None,
    ) -> None:
        self.host: HostProtocol = host or Refusing()
        self.recorder = recorder or Recorder()
        self.fuel = fuel if reserve is None else 0
        self.reserve = reserve
        self.may_take = fuel
        self.depth = 0
        self.max_depth = max_depth
        #: Told of every call of an interpreted function before its body runs, with a way to run it once more.
        self.before_call: Callable[[ast.AST, Callable[[], Any]], None] | None = None
        self.handled: list[UserError] = []
        #: What the members of modules are, where that is known.
        self.members: dict[tuple[str, str], Any] = {}

    def execute(self, statements: Sequence[ast.stmt], environment: Environment) -> None:
        """Run statements. Raises UserError for the program's own exceptions, Opaque where it cannot be simulated."""
        self._guarded(lambda: block(list(statements))(self, environment))

    def evaluate(self, expression: ast.expr, environment: Environment) -> Any:
        return self._guarded(lambda: compiled(expression)(self, environment))

    def call(self, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        """Call any callable value from outside."""
        try:
            return invoke(self, function, list(arguments), keywords, None)
        except (RecursionError, MemoryError) as error:
            raise _of_python(error) from None

    def _guarded(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except (RecursionError, MemoryError) as error:
            raise _of_python(error) from None

    def burn(self, node: ast.AST | None) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            self.refuel(node)

    def refuel(self, node: ast.AST | None) -> None:
        if self.reserve is None or self.may_take < -self.fuel:
            raise FuelSpent(_ENDLESS, node)
        granted = self.reserve.take(min(self.may_take, _PORTION - self.fuel))
        self.may_take -= granted
        self.fuel += granted
        if self.fuel < 0:
            raise ReserveSpent(SPENT, node)

    @contextmanager
    def limited(self, most: int, what: Hashable) -> Iterator[None]:
        """A part of the program that may take ``most`` fuel at most; it counts as the program's own.

        ``what`` is done in it: where that took all of it once, in any program of the reserve, it takes all of it again,
        and is not run for that.
        """
        fuel, reserve = self.fuel, self.reserve
        allowed = min(most, fuel + self.may_take if reserve is not None else fuel)
        self.fuel, self.reserve = allowed, None
        try:
            if reserve is not None and what in reserve.endless:
                self.fuel = -1
                raise FuelSpent(_ENDLESS, None)
            yield
        except FuelSpent:
            if reserve is not None and allowed == most:
                reserve.endless.add(what)
            raise
        finally:
            self.fuel, self.reserve = fuel - (allowed - self.fuel), reserve

    def name(self, name: str, environment: Environment, node: ast.AST) -> Any:
        if name in environment.locals:
            raise UserError(
                UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value"),
                node,
            )
        value = environment.lookup(name)
        if value is MISSING:
            value = BUILTINS.get(name, MISSING)
            if value is MISSING:
                raise UserError(NameError(f"name '{name}' is not defined"), node)
        return value

    def concrete(self, value: Any, node: ast.AST | None, wanted: str) -> Any:
        return self.host.concretise(value, node, wanted) if isinstance(value, Unknown) else value

    def native(
        self, function: Callable[..., Any], arguments: Sequence[Any], node: ast.AST | None, /, **keywords: Any
    ) -> Any:
        """Run a Python callable on plain values; its exceptions become the program's own."""
        try:
            value = function(*arguments, **keywords)
        except UserError:
            raise
        except PYTHON_ERRORS as error:
            raise UserError(error, node) from None
        return value if type(value) in PLAIN_NUMBERS else self.bounded(value, node)

    def bounded(self, value: Any, node: ast.AST | None) -> Any:
        """What Python made, unless it is too long; the elements of an array cost fuel."""
        check_length(value, node)
        if isinstance(value, arrays.Array):
            self.charge(value, node)
        return value

    def charge(self, value: Any, node: ast.AST | None) -> None:
        """Burn fuel for the elements of an array, a list or a tuple."""
        if isinstance(value, arrays.Array | list | tuple):
            self.fuel -= len(value) // arrays.ELEMENTS_PER_FUEL
            if self.fuel < 0:
                self.burn(node)

    def binary(
        self,
        operation: Callable[[Any, Any], Any],
        left: Any,
        right: Any,
        forward: str,
        backward: str,
        guard: Callable[[Any, Any, ast.AST], None] | None,
        node: ast.AST,
    ) -> Any:
        if arrays.are_doubles(left, right):
            return self.native(arrays.binary, (arrays.operation_name(forward), left, right), node)
        if isinstance(left, str) and forward == "__mod__" and _holds_unknown(right):
            return left  # a text about something the code does not fix, for a log
        left, right = self.concrete(left, node, "number"), self.concrete(right, node, "number")
        if type(left) in PLAIN_NUMBERS and type(right) in PLAIN_NUMBERS:
            if guard is not None and type(left) is not float and type(right) is not float:
                guard(left, right, node)
            try:
                return operation(left, right)
            except PYTHON_ERRORS as error:
                raise UserError(error, node) from None
        if isinstance(left, Instance):
            value = self.dunder(left, forward, right, node)
            if value is not NotImplemented:
                return value
        if isinstance(right, Instance):
            value = self.dunder(right, backward, left, node)
            if value is not NotImplemented:
                return value
        if isinstance(left, Instance) or isinstance(right, Instance):
            raise UserError(TypeError("unsupported operand type(s)"), node)
        if arrays.is_array_like(left) or (arrays.is_array_like(right) and not isinstance(left, str)):
            return self.native(arrays.binary, (arrays.operation_name(forward), left, right), node)
        if guard is not None:
            guard(left, right, node)
        return self.native(operation, (left, right), node)

    def compare(self, operation: Callable[[Any, Any], Any], left: Any, right: Any, dunder: str, node: ast.AST) -> Any:
        left, right = self.concrete(left, node, "any"), self.concrete(right, node, "any")
        if type(left) in PLAIN_NUMBERS and type(right) in PLAIN_NUMBERS:
            return operation(left, right)
        if isinstance(left, Instance) or isinstance(right, Instance):
            return compared(self, left, right, dunder, node)
        if arrays.comparable(left, right):
            return self.native(arrays.binary, (arrays.operation_name(dunder), left, right), node)
        check_comparable(left, node)
        check_comparable(right, node)
        return self.native(operation, (left, right), node)

    def relation(self, op: type[ast.cmpop], left: Any, right: Any, node: ast.AST) -> Any:
        return relation(self, op, left, right, node)

    def dunder(self, receiver: Instance, name: str, argument: Any, node: ast.AST) -> Any:
        method = receiver.cls.find(name)
        if method is MISSING:
            return NotImplemented
        return self.invoke(BoundMethod(method, receiver), [argument], {}, node)

    def call_method(self, receiver: Instance, name: str, arguments: tuple[Any, ...], node: ast.AST) -> Any:
        method = receiver.cls.find(name)
        if method is MISSING:
            raise UserError(TypeError(f"'{receiver.cls.name}' object has no {name}"), node)
        return self.invoke(BoundMethod(method, receiver), list(arguments), {}, node)

    def truth(self, value: Any, node: ast.AST) -> bool:
        if type(value) is bool:
            return value
        value = self.concrete(value, node, "bool")
        if isinstance(value, Instance):
            for name in ("__bool__", "__len__"):
                if value.cls.find(name) is not MISSING:
                    return bool(self.call_method(value, name, (), node))
            return True
        if isinstance(value, arrays.Array):
            return bool(self.native(bool, (value,), node))
        return True if isinstance(value, _INTERPRETED) else bool(value)

    def spread(self, value: Any, node: ast.AST | None) -> Iterator[Any]:
        """What ``*value`` stands for, bounded, or each ``[*x, *x]`` would be twice as long as the last."""
        check_length(value, node)
        self.charge(value, node)
        return self.iterate(value, node)

    def iterate(self, value: Any, node: ast.AST | None) -> Iterator[Any]:
        if type(value) in _ITERABLES:
            return iter(value)
        value = self.concrete(value, node, "iterable")
        if isinstance(value, Instance):
            if value.cls.find("__iter__") is not MISSING:
                found = self.call_method(value, "__iter__", (), node or ast.Pass())
                if isinstance(found, Instance):
                    raise Opaque("iterates over an object with a hand-written iterator", node)
                return self.iterate(found, node)
            raise UserError(TypeError(f"'{value.cls.name}' object is not iterable"), node)
        if is_enumeration(value):
            return iterate_members(value)
        if isinstance(value, _INTERPRETED):
            raise UserError(TypeError(f"'{type(value).__name__}' object is not iterable"), node)
        try:
            return iter(value)
        except TypeError as error:
            raise UserError(error, node) from None

    def hashable(self, value: Any, node: ast.AST) -> Any:
        value = self.concrete(value, node, "any")
        check_comparable(value, node)
        self.native(hash, (value,), node)
        return value

    def item(self, container: Any, index: Any, node: ast.AST) -> Any:
        if isinstance(container, Unknown):
            text = index.path if isinstance(index, Unknown) else repr(index)
            known = container.assigned.get(f"[{text}]", MISSING)
            return known if known is not MISSING else Unknown(check_path(f"{container.path}[{text}]", node))
        if isinstance(container, Instance):
            if container.fallback is not None and container.cls.find("__getitem__") is MISSING:
                return container.fallback(f"[{index!r}]")
            return self.call_method(container, "__getitem__", (index,), node)
        if is_enumeration(container):
            return member_of_name(container, self.concrete(index, node, "str"), node)
        if isinstance(container, ClassValue | type):
            return container
        index = self.concrete(index, node, "number")
        if container is None or isinstance(container, int | float):
            raise UserError(TypeError(f"'{type(container).__name__}' object is not subscriptable"), node)
        if isinstance(container, arrays.Array):
            return self.native(arrays.item, (container, index), node)
        if not isinstance(container, list | tuple | dict | str | range | bytes | deque):
            raise Opaque(f"reads an element of `{_text(node)}`, which lrfix cannot see", node)
        return self.native(lambda: container[index], (), node)

    def set_item(self, container: Any, index: Any, value: Any, node: ast.AST) -> None:
        if type(container) is dict and type(index) is str:
            self.recorder.item_write(container, index, container.get(index), value, node)
            container[index] = value
            return
        if isinstance(container, Unknown):
            text = index.path if isinstance(index, Unknown) else repr(index)
            container.assigned[f"[{text}]"] = value
            self.host.unknown_write(container, f"[{text}]", value, node)
            return
        if isinstance(container, Instance):
            self.call_method(container, "__setitem__", (index, value), node)
            return
        index = self.concrete(index, node, "number")
        if isinstance(container, arrays.Array):
            self.record_item(container, index, None, value, node)
            self.native(arrays.assign, (container, index, self.concrete(value, node, "number")), node)
            return
        if not isinstance(container, (list, dict, deque)):
            raise UserError(TypeError(f"'{type(container).__name__}' object does not support item assignment"), node)
        self.record_item(container, index, None, value, node)
        self.native(container.__setitem__, (index, value), node)
        if type(index) is slice:
            check_length(container, node)

    def record_item(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None:
        if old is None and isinstance(container, dict):
            try:
                old = container.get(key)
            except TypeError:
                old = None
        self.recorder.item_write(container, key, old, new, node)

    # Functions of other modules that are methods here: no frame in between.
    attribute = attribute_of
    attribute_of_instance = attribute_of_instance
    set_attribute = set_attribute_of
    invoke = invoke
    call_function = call_function

    def write_outer(self, environment: Environment, name: str, value: Any, node: ast.AST) -> None:
        assert environment.outer is not None
        kind = environment.outer[name]
        if kind == "global":
            holder = environment.root()
        else:
            found = environment.parent.holder(name) if environment.parent is not None else None
            holder = found if found is not None else environment.root()
        old = holder.variables.get(name, MISSING)
        self.recorder.variable_write(holder, name, None if old is MISSING else old, value, node, kind)
        holder.variables[name] = value

    def super(self, arguments: list[Any], environment: Environment, node: ast.AST) -> SuperValue:
        if len(arguments) == 2 and isinstance(arguments[0], ClassValue):
            return SuperValue(arguments[0], arguments[1])
        scope: Environment | None = environment
        while scope is not None and scope.owner is None:
            scope = scope.parent
        if scope is None or arguments:
            raise UserError(RuntimeError("super(): no arguments"), node)
        return SuperValue(scope.owner, scope.receiver)

    def exception(self, value: Any, node: ast.AST) -> Any:
        """What ``raise value`` raises: an instance of an exception class."""
        if isinstance(value, type) and issubclass(value, BaseException):
            return value()
        if isinstance(value, ClassValue) and value.native is not None:
            return self.invoke(value, [], {}, node)
        if isinstance(value, BaseException) or (isinstance(value, Instance) and value.cls.native is not None):
            return value
        raise UserError(TypeError("exceptions must derive from BaseException"), node)

    def matches(self, error: UserError, kinds: Any, node: ast.AST) -> bool:
        for kind in kinds if isinstance(kinds, tuple) else (kinds,):
            if isinstance(error.value, Instance):
                if isinstance(kind, ClassValue) and error.value.cls.derives(kind):
                    return True
                if (
                    isinstance(kind, type)
                    and error.value.cls.native is not None
                    and issubclass(error.value.cls.native, kind)
                ):
                    return True
            elif isinstance(kind, type) and isinstance(error.value, kind):
                return True
            if isinstance(kind, Unknown):
                raise Opaque(f"catches `{kind.path}`", node)
        return False


def _of_python(error: Exception) -> Opaque:
    """What a limit of Python's own means for a simulation."""
    if isinstance(error, RecursionError):
        return TooDeep("nests too deeply to simulate")
    return Opaque("needs too much memory to simulate")


def _holds_unknown(value: Any) -> bool:
    return isinstance(value, Unknown) or (isinstance(value, tuple) and any(isinstance(v, Unknown) for v in value))


def _text(node: ast.AST) -> str:
    return ast.unparse(node.value) if isinstance(node, ast.Subscript) else "something"
