"""Pure functions of the step and precomputed tables: what they give is the rate, or the factor, itself."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from lrfix.domains.clock import parameter_ticks
from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, role_of
from lrfix.domains.signatures import Parameter, constructor_parameters, parameters, signature
from lrfix.driving.bench import Bench
from lrfix.driving.forms.beginnings import start_asked
from lrfix.driving.forms.running import Running
from lrfix.driving.forms.schedulers import class_value
from lrfix.driving.forms.setters import FromCall, asked_parameters, function_value, returns_function
from lrfix.driving.forms.wrappers import ADVANCES
from lrfix.interpreter.errors import Finished, Opaque, UserError
from lrfix.interpreter.values import BoundMethod, Function, Instance, Partial, Unknown
from lrfix.sites.model import Construction

#: What a function's node remembers from run to run: the number that its caller counts from.
_FIRST = "lrfix_first"
_ASKED = ("__call__", "get_lr", "lr", "get", "value", "compute", "get_rate", "rate", "at", *ADVANCES)


class Valued:
    """A function asked at every step. Without a base rate among its parameters the values are factors of 1."""

    scheduler: Any = None

    def __init__(self, bench: Bench, function: Any, given: Sequence[Parameter], groups: int) -> None:
        self.bench = bench
        self.function = function
        self.groups = groups
        self.parameters = list(given)
        self.ticks = bench.ticks_of(self.parameters)
        if not self.ticks:
            raise Opaque("takes no step", bench.site.node)
        start_asked(bench, self.ticks)

    def rates(self, step: int) -> list[Any]:
        node = self.bench.site.node
        first = node.__dict__.get(_FIRST, 0)
        try:
            return self._ask(step + first)
        except UserError as error:
            # Nobody here asks it for step 0, and it has no value there: whoever asks counts from 1.
            plain = all(isinstance(value, str | bool) for value in self.bench.scenario.overrides.values())
            if step + first or error.kind != "ZeroDivisionError" or not plain:
                raise
            try:
                found = self._ask(1)
            except UserError:
                raise error from None
            node.__dict__[_FIRST] = 1
            return found

    def _ask(self, step: int) -> list[Any]:
        bench = self.bench
        assert bench.clock is not None
        bench.clock.step = step
        result = bench.interpreter.call(self.function, **bench.bound_now(self.parameters, None, self.ticks))
        return values(bench, result, self.groups)

    def jump(self, step: int) -> None:
        return None


class Placed:
    """A function asked at one place of the file."""

    scheduler: Any = None

    def __init__(self, bench: Bench, function: Any, call: ast.Call, groups: int) -> None:
        self.bench = bench
        self.groups = groups
        self.asking = FromCall(bench, function, None, call)

    def rates(self, step: int) -> list[Any]:
        return values(self.bench, self.asking.ask(step), self.groups)

    def jump(self, step: int) -> None:
        return None


class Table:
    """A precomputed table; it ends where it ends."""

    scheduler: Any = None

    def __init__(self, bench: Bench, table: Sequence[Any], groups: int) -> None:
        self.bench = bench
        self.table = table
        self.groups = groups

    def rates(self, step: int) -> list[Any]:
        if step >= len(self.table):
            raise Finished
        return [self.bench.rate(self.table[step])] * self.groups

    def jump(self, step: int) -> None:
        return None


def values(bench: Bench, result: Any, groups: int) -> list[Any]:
    """One value a group; a function that returns several is taken by its first."""
    if isinstance(result, tuple | list) and result:
        result = result[0]
    if isinstance(result, bool | str | dict):
        raise Opaque("returns no rate", bench.site.node)
    return [bench.rate(result)] * groups


def build_function(bench: Bench, construction: Construction | None, groups: int) -> Running:
    running = _build(bench, construction, groups)
    stated = [v for p, v in bench.parameters.items() if role_of(p) in (Role.BASE_RATE, Role.PEAK)]
    base = next((v for v in stated if isinstance(v, int | float)), 1.0)
    bench.base_lrs = [float(base)] * groups
    return running


def _build(bench: Bench, construction: Construction | None, groups: int) -> Running:
    node = bench.site.node
    if isinstance(node, ast.ClassDef):
        return _object(bench, node, groups)
    if isinstance(node, ast.Lambda):
        environment = bench.world.environment(bench.names.scope_of(node), node)
        return Valued(bench, bench.interpreter.evaluate(node, environment), parameters(node), groups)
    if isinstance(node, ast.FunctionDef):
        function = function_value(bench, node)
        given = parameters(node)[1:] if isinstance(function, BoundMethod) else parameters(node)
        _learn_defaults(bench, [name for name, _, _ in given])
        if returns_function(node):
            inner = bench.interpreter.call(function, **bench.bound(given, None))
            if not isinstance(inner, Function | BoundMethod | Partial | Instance):
                raise Opaque("returns no function of the step", node)
            return Valued(bench, inner, asked_parameters(inner), groups)
        if bench.site.form == "array":
            bench.start_clock(False)
            return _table(bench, bench.interpreter.call(function, **bench.bound(given, None)), groups)
        if construction is not None and ast.unparse(construction.call.func).rpartition(".")[2] == "partial":
            made = bench.value(construction.call)
            return Valued(bench, made, asked_parameters(made), groups)
        if construction is not None:
            return Placed(bench.at(construction), function, construction.call, groups)
        if not parameter_ticks([name for name, _, _ in given]):
            return _unasked(bench, function, given, groups)
        return Valued(bench, function, given, groups)
    if isinstance(node, ast.stmt):
        return _statement(bench, node, groups)
    raise Opaque("is of a kind lrfix cannot run", node)


def _learn_defaults(bench: Bench, given: Sequence[str]) -> None:
    """What the file's own calls pass for a parameter, where that is a number or a setting with a default."""
    defaults = bench.world.host.defaults
    for call in bench.site.calls:
        partial = ast.unparse(call.func).rpartition(".")[2] == "partial"
        passed: dict[str, ast.expr] = dict(zip(given, call.args[1:] if partial else call.args, strict=False))
        passed |= {k.arg: k.value for k in call.keywords if k.arg in given and k.arg is not None}
        for name, value in passed.items():
            stated = literal(value)
            stated = defaults.get(ast.unparse(value)) if stated is None else stated
            if isinstance(stated, int | float) and not isinstance(stated, bool):
                defaults.own.setdefault(name, stated)


def _unasked(bench: Bench, function: Any, given: Sequence[Parameter], groups: int) -> Running:
    """A function without a step of its own: a table, or it asks for the present step by name."""
    bench.start_clock(False)
    result = bench.interpreter.call(function, **bench.bound(given, None))
    if isinstance(result, int | float):
        return Reading(bench, function, given, groups)
    return _table(bench, result, groups)


class Reading:
    """A function that reads the present step from its surroundings (``self.step``)."""

    scheduler: Any = None

    def __init__(self, bench: Bench, function: Any, given: Sequence[Parameter], groups: int) -> None:
        self.bench = bench
        self.function = function
        self.given = given
        self.groups = groups

    def rates(self, step: int) -> list[Any]:
        bench = self.bench
        assert bench.clock is not None
        bench.clock.step = step
        result = bench.interpreter.call(self.function, **bench.bound(self.given, None))
        return values(bench, result, self.groups)

    def jump(self, step: int) -> None:
        return None


def _object(bench: Bench, node: ast.ClassDef, groups: int) -> Running:
    bench.world.host.foreign.add(node)
    cls = class_value(bench, node)
    given = constructor_parameters(bench.names, node) or []
    made = bench.interpreter.call(cls, **bench.bound(given, None))
    methods = {s.name: s for s in node.body if isinstance(s, ast.FunctionDef)}
    name = next((n for n in _ASKED if n in methods), None)
    if bench.site.form == "array" or name is None:
        tables = [v for v in made.attributes.values() if _is_table(bench, v)]
        if tables and (name is None or not parameter_ticks([p for p, _, _ in signature(methods[name])])):
            return _table(bench, tables[-1], groups)
    if name is None:
        raise Opaque("has no method that gives a rate", node)
    return Valued(bench, bench.interpreter.attribute(made, name), signature(methods[name]), groups)


def _statement(bench: Bench, node: ast.stmt, groups: int) -> Running:
    last = bench.site.nodes[-1]
    value = getattr(last, "value", None)
    if not isinstance(value, ast.expr):
        raise Opaque("is of a kind lrfix cannot run", node)
    bench.start_clock(False)
    environment = bench.world.environment(bench.names.scope_of(last), last)
    result = bench.interpreter.evaluate(value, environment)
    if isinstance(result, Function | Partial):
        return Valued(bench, result, asked_parameters(result), groups)
    return _table(bench, result, groups)


def _is_table(bench: Bench, value: Any) -> bool:
    if isinstance(value, Unknown | Instance | str | dict | int | float) or value is None or callable(value):
        return False
    try:
        return len(list(bench.interpreter.iterate(value, None))) > 4
    except Exception:  # whatever is not iterable is no table
        return False


def _table(bench: Bench, value: Any, groups: int) -> Table:
    if isinstance(value, Unknown | Instance | str | dict | int | float) or value is None:
        raise Opaque("makes no table of rates", bench.site.node)
    return Table(bench, list(bench.interpreter.iterate(value, None)), groups)


__all__ = ["Placed", "Reading", "Table", "Valued", "build_function"]
