"""Functions and inline code that write ``param_group["lr"]`` from a formula, run at every step of their loop."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from lrfix.domains.clock import Tick, tick_of
from lrfix.domains.kinds import is_number
from lrfix.domains.signatures import Parameter, arguments_of, parameters
from lrfix.driving.bench import Bench
from lrfix.driving.forms.beginnings import start_asked
from lrfix.driving.forms.frames import frame_of
from lrfix.driving.forms.loops import loops_around
from lrfix.driving.forms.running import Running
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import BoundMethod, Function, Instance, Partial, Unknown
from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.model import Construction
from lrfix.trees import walk


class Asked:
    """A function called at every step with the present position; the rate at step k is what stands after its call."""

    scheduler: Any = None

    def __init__(self, bench: Bench, function: Any, optimizer: Instance, given: Sequence[Parameter]) -> None:
        self.bench = bench
        self.function = function
        self.optimizer = optimizer
        self.parameters = list(given)
        self.ticks = bench.ticks_of(self.parameters) or _told(bench)
        start_asked(bench, self.ticks)

    def rates(self, step: int) -> list[Any]:
        bench = self.bench
        assert bench.clock is not None
        bench.clock.step = step
        arguments = bench.bound_now(self.parameters, self.optimizer, self.ticks)
        for group in bench.turns(self.parameters, self.optimizer):
            bench.interpreter.call(self.function, **{**arguments, **group})
        return bench.rates_of(self.optimizer)

    def jump(self, step: int) -> None:
        return None


def _told(bench: Bench) -> dict[str, Tick]:
    """The parameter that a call of the file gives the present position, whatever its name says."""
    for call in bench.site.calls:
        for name, value in arguments_of(call, bench.site.node).items():
            tick = tick_of(value.id) if isinstance(value, ast.Name) else None
            if tick is not None:
                return {name: tick}
    return {}


class Inline:
    """Statements of the training loop; what they write stays for the next turn."""

    scheduler: Any = None

    def __init__(self, bench: Bench, optimizer: Instance) -> None:
        self.bench = bench
        self.optimizer = optimizer
        self.statements = [node for node in bench.site.nodes if isinstance(node, ast.stmt)]
        first = self.statements[0]
        self.scope = bench.names.scope_of(first)
        self.frame = frame_of(bench, first, list(self.statements))
        self.kept: dict[str, Any] = {}
        self.absent: set[str] = set()
        self.stored = stored_names(self.statements)
        loops = loops_around(bench.names, first)
        self.before: ast.AST = loops[-1] if loops else first
        self.writes = any(
            isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) for s in self.statements for n in walk(s)
        )

    def rates(self, step: int) -> list[Any]:
        bench = self.bench
        assert bench.clock is not None
        bench.clock.step = step
        self.frame.set(bench, bench.clock)
        around = bench.world.environment(self.scope, self.statements[0])
        environment = Environment(parent=around.parent, missing=self._missing, absent=self.absent)
        environment.variables.update(self.kept)
        bench.interpreter.execute(self.statements, environment)
        if not self.writes and bench.world.host.handed is not None:
            raise Opaque(f"`{bench.world.host.handed}` writes the rate, and cannot be seen", self.statements[0])
        self.kept = {
            name: value
            for name, value in environment.variables.items()
            if name in self.stored or isinstance(value, Instance | Unknown)
        }
        return bench.rates_of(self.optimizer)

    def jump(self, step: int) -> None:
        return None

    def _missing(self, name: str) -> Any:
        at = self.before if name in self.stored else self.statements[0]
        return self.bench.world.resolve(name, self.scope, at)


def stored_names(statements: Sequence[ast.stmt]) -> set[str]:
    return {n.id for s in statements for n in walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def build_setter(
    bench: Bench, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None
) -> Running:
    rates = base_lrs
    if construction is not None and rates is None:
        rates = bench.stated_rates(construction, groups)
    optimizer = bench.shared_optimizer(groups, rates)
    node = bench.site.node
    if bench.site.inline:
        return Inline(bench, optimizer)
    if not isinstance(node, ast.FunctionDef):
        raise Opaque("is no function lrfix can run", node)
    function = function_value(bench, node)
    if construction is not None and not returns_function(node):
        return FromCall(bench.at(construction), function, optimizer, construction.call)
    given = parameters(node)[1:] if isinstance(function, BoundMethod) else parameters(node)
    if not returns_function(node):
        return Asked(bench, function, optimizer, given)
    inner = bench.interpreter.call(function, **bench.bound(given, optimizer))
    if not isinstance(inner, Function | BoundMethod | Partial | Instance):
        raise Opaque("returns no function of the step", node)
    return Asked(bench, inner, optimizer, asked_parameters(inner))


class FromCall:
    """A function called at one place of the file; its arguments are worked out there at every step."""

    scheduler: Any = None

    def __init__(self, bench: Bench, function: Any, optimizer: Instance | None, call: ast.Call) -> None:
        self.bench = bench
        self.function = function
        self.optimizer = optimizer
        self.call = call
        self.frame = frame_of(bench, call)
        self.around = {name: Unknown(name) for name in comprehension_variables(bench.names, call)}
        self.result: Any = None
        #: Whether some steps return before they come to the call: one that gives a position below 0 is not made.
        self.guarded = not self.frame.loops and _after_a_return(bench.names, call)

    def rates(self, step: int) -> list[Any]:
        self.result = self.ask(step)
        assert self.optimizer is not None
        return self.bench.rates_of(self.optimizer)

    def ask(self, step: int) -> Any:
        bench = self.bench
        assert bench.clock is not None
        bench.clock.step = step
        self.frame.set(bench, bench.clock)
        environment = Environment(parent=bench.world.environment(self.frame.scope, self.call))
        environment.variables.update(self.around)
        positional, keywords, _ = bench.call_arguments(self.call, None, environment)
        if self.guarded and self._below_zero(positional, keywords):
            raise Opaque("is called after a return that the first steps take", self.call)
        return bench.interpreter.call(self.function, *positional, **keywords)

    def _below_zero(self, positional: Sequence[Any], keywords: Mapping[str, Any]) -> bool:
        """Whether the call gives a position that comes before the first."""
        given = dict(zip(self.call.args, positional, strict=False))
        given |= {k.value: keywords[k.arg] for k in self.call.keywords if k.arg is not None and k.arg in keywords}
        told = arguments_of(self.call, self.bench.site.node).items()
        positions: list[Any] = [given.get(node) for name, node in told if tick_of(name) is not None]
        return any(is_number(position) and position < 0 for position in positions)

    def jump(self, step: int) -> None:
        return None


def _after_a_return(names: Names, call: ast.Call) -> bool:
    """Whether a branch before a call leaves the function that it stands in."""
    function = names.enclosing(call, FUNCTION_NODES)
    return isinstance(function, ast.FunctionDef) and any(
        isinstance(statement, ast.If) and any(isinstance(n, ast.Return) for n in walk(statement))
        for statement in function.body
        if statement.lineno < call.lineno
    )


def comprehension_variables(names: Names, node: ast.AST) -> set[str]:
    """What the comprehensions around a place bind."""
    found: set[str] = set()
    for outer in names.ancestors(node):
        if isinstance(outer, ast.stmt):
            break
        for generator in getattr(outer, "generators", []):
            found |= {n.id for n in walk(generator.target) if isinstance(n, ast.Name)}
    return found


def asked_parameters(function: Any) -> list[Parameter]:
    """The parameters a caller still has to give to a function value."""
    if isinstance(function, Instance):
        method = function.cls.find("__call__")
        return asked_parameters(BoundMethod(method, function)) if isinstance(method, Function) else []
    if isinstance(function, BoundMethod):
        return asked_parameters(function.function)[1:]
    if isinstance(function, Partial):
        rest = asked_parameters(function.function)[len(function.arguments) :]
        return [parameter for parameter in rest if parameter[0] not in function.keywords]
    return parameters(function.node) if isinstance(function, Function) else []


def returns_function(node: ast.FunctionDef) -> bool:
    """Whether a function builds another one that its caller asks at every step."""
    inner = {s.name for s in walk(node) if isinstance(s, ast.FunctionDef | ast.ClassDef) and s is not node}
    for statement in walk(node):
        if isinstance(statement, ast.Return) and statement.value is not None:
            value = statement.value
            if isinstance(value, ast.Lambda) or (isinstance(value, ast.Name) and value.id in inner):
                return True
            if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "partial":
                return True
            if isinstance(value, ast.Name) and _holds_function(node, value.id):
                return True
    return False


def _holds_function(node: ast.FunctionDef, name: str) -> bool:
    for statement in walk(node):
        if isinstance(statement, ast.Assign) and name in [t.id for t in statement.targets if isinstance(t, ast.Name)]:
            value = statement.value
            if isinstance(value, ast.Lambda):
                return True
            if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "partial":
                return True
    return False


def function_value(bench: Bench, node: ast.FunctionDef) -> Any:
    """The function itself; a method bound to an object whose attributes are free."""
    names: Names = bench.names
    owner = names.parents.get(node)
    if isinstance(owner, ast.ClassDef):
        bench.world.host.foreign.add(owner)
        environment = bench.world.environment(names.scope_of(owner), None)
        cls = environment.get(owner.name)
        if isinstance(cls, Unknown):
            raise Opaque(f"`{owner.name}` could not be read", node)
        value = bench.interpreter.attribute(cls, node.name)
        static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
        if static or not isinstance(value, Function):
            return value
        return BoundMethod(value, bench.world.stranger(owner))
    scope = names.scope_of(node)
    environment = bench.world.environment(scope, None)
    if len(scope.bindings.get(node.name, ())) > 1 and not node.decorator_list:
        # Of several that share a name, in the branches of a switch, the one that is asked for.
        environment = Environment(parent=environment)
        bench.interpreter.execute([node], environment)
    value = environment.get(node.name)
    if isinstance(value, Unknown):
        raise Opaque(f"`{node.name}` could not be read", node)
    return value


__all__ = ["Asked", "FromCall", "Inline", "asked_parameters", "build_setter", "function_value", "returns_function"]
