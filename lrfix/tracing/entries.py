"""Where a file's training begins, and the traces from there: its module, then each function that nothing else runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from lrfix.names import Names
from lrfix.tracing.events import Trace
from lrfix.tracing.holding import objects_in
from lrfix.tracing.library import names_optimizer, names_scheduler
from lrfix.tracing.machine import FUEL, OutOfFuel, Raised
from lrfix.tracing.reach import STRONG, Reach, keeps_state, trains
from lrfix.tracing.statements import Statements
from lrfix.tracing.values import (
    MISSING,
    ClassValue,
    Function,
    Given,
    Imported,
    Instance,
    Scope,
    Unknown,
    Value,
)
from lrfix.trees import walk

MOST_TRACES = 24
_MOST_BRANCHES = 9
_MOST_FUEL = 6 * FUEL


class Tracer(Statements):
    """One run of a file from one entry."""

    def __init__(self, reach: Reach, options: Mapping[str, Value], flips: frozenset[int] = frozenset()) -> None:
        super().__init__(reach, options, flips)
        self._frames = []
        self.foreign = reach.added

    def module(self, tree: ast.Module, *, quiet: bool, names: Names | None = None) -> Scope:
        """Run the code of the module; ``quiet``: only what defines names, nothing that comes by an event."""
        scope = Scope(names=names)
        if names is not None:
            self.modules[names] = scope
        scope.variables["__name__"] = "module" if quiet else "__main__"
        if not quiet:
            self.block(tree.body, scope)
            return scope
        for statement in tree.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.If | ast.Try | ast.With):
                if self.reach.statement(statement):
                    continue
            elif not isinstance(
                statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
            ):
                continue
            self.statement(statement, scope, ())
        return scope

    def follow(self, imported: Imported) -> Value:
        """What an imported name stands for in another file of the project, ``MISSING`` where that cannot be seen."""
        source = imported.source
        around = source.module.neighbours if source is not None else None
        if source is None or around is None:
            return MISSING
        found, trail = around.meaning(source.name, source.node), [*source.trail]
        while trail and found is not None and found.name is None:
            found = around.member(found.names, trail.pop(0))
        if found is None or found.name is None or len(trail) > 1:
            return MISSING
        if found.names not in self.modules:
            beyond = found.names.neighbours
            self.reach.add(found.names.tree, beyond.file if beyond is not None else "another file")
            self.foreign = self.reach.added
            self.module(found.names.tree, quiet=True, names=found.names)
        value = self.modules[found.names].get(found.name)
        if trail:  # a method that is called on its class
            value = value.find(trail[0]) if isinstance(value, ClassValue) else MISSING
            return value if isinstance(value, Function) else MISSING
        return value

    def is_module(self, imported: Imported) -> bool:
        """Whether an imported name is another file as a whole, or may be one: ``import config``."""
        source = imported.source
        if source is None or isinstance(source.node, ast.Import):
            return True
        found = source.module.neighbours.meaning(source.name, source.node) if source.module.neighbours else None
        return found is not None and found.name is None

    def enter(self, function: Function, receiver: Value) -> None:
        """Run a function with arguments that nobody states; what it returns outlives the trace."""
        result = self.run_body(function, self._bind(function, Given(), receiver, entry=True))
        self.outlives(result)
        self.trace.returned = result

    def outlives(self, value: Value) -> None:
        """Others come by a value when the run is over."""
        into = self.trace.held if isinstance(value, Instance) else self.trace.kept
        into += objects_in(value)

    def receiver(self, cls: ClassValue) -> Instance:
        """An object of a class, built from arguments that nobody states."""
        instance = Instance(cls)
        initialiser = cls.find("__init__")
        if isinstance(initialiser, Function):
            self.enter(initialiser, instance)
        return instance


@dataclass
class _Entry:
    name: str
    function: Function | None = None
    cls: str | None = None


def traces_of(tree: ast.Module, names: Names | None = None) -> list[Trace]:
    """The traces of a file, a bounded number of them, in a fixed order.

    ``names`` are the file's own; where they know the other files of the project, those are followed.
    """
    reach = Reach(tree)
    if not any(reach.function(f) == STRONG for f in reach.functions) and reach.block(tree.body) < STRONG:
        return []
    options = stated_options(tree)
    found: list[Trace] = []
    entered: set[int] = set()
    fuel = _MOST_FUEL
    for path in _entries(tree, reach, names):
        node = path[-1] if path else None
        if node is not None and id(node) in entered:
            continue
        if node is None and reach.block(tree.body) == 0:
            continue
        pending: list[frozenset[int]] = [frozenset()]
        tried: set[frozenset[int]] = set()
        noted: set[int] = set()
        while pending and len(tried) <= _MOST_BRANCHES and len(found) < MOST_TRACES and fuel > 0:
            flips = pending.pop(0)
            if flips in tried:
                continue
            tried.add(flips)
            tracer = Tracer(reach, options, flips)
            tracer.trace.aside = node is not None and reach.function(node) < STRONG
            _run(tracer, tree, path, names)
            fuel -= FUEL - tracer.fuel
            found.append(tracer.trace)
            entered |= tracer.trace.functions
            # A branch that only this trace came by is tried together with what led to it.
            fresh = [choice for choice in tracer.choices if choice not in noted and choice not in flips]
            pending += [flips | {choice} for choice in fresh]
            noted |= set(fresh)
    return found


def _run(tracer: Tracer, tree: ast.Module, path: tuple[ast.AST, ...], names: Names | None) -> None:
    """One trace; ``path`` is the class (if any) and the function to enter, empty for the module itself."""
    trace = tracer.trace
    trace.entry = ".".join(getattr(node, "name", "") for node in path) or "__main__"
    try:
        scope = tracer.module(tree, quiet=bool(path), names=names)
        if path:
            first = scope.get(getattr(path[0], "name", ""))
            if isinstance(first, ClassValue) and len(path) == 2:
                method = first.find(getattr(path[1], "name", ""))
                if isinstance(method, Function) and method.node is path[1]:
                    receiver = None if method.kind in ("static", "class") else tracer.receiver(first)
                    trace.receiver = receiver
                    if method.name != "__init__":
                        for builder in _builders(first, method, receiver, tracer.reach):
                            tracer.enter(builder, receiver)
                        tracer.enter(method, receiver)
                    tracer.outlives(receiver)
                else:
                    trace.ended = "the method is not there"
            elif isinstance(first, Function):
                tracer.enter(first, None)
            else:
                trace.ended = "the function is not there"
            for value in scope.variables.values():
                tracer.outlives(value)
    except OutOfFuel:
        trace.ended = "fuel spent"
    except Raised:
        trace.ended = "raised"
    except RecursionError:
        trace.ended = "nests too deeply"


def _builders(cls: ClassValue, method: Function, receiver: Value, reach: Reach) -> list[Function]:
    """The methods that have to run before another one does: they alone build the optimizer or the scheduler that it
    reads off its object, train nothing, and nobody in the class calls them where it would be built again."""
    if not isinstance(receiver, Instance):
        return []
    members = {m.name: m for m in cls.namespace.values() if isinstance(m, Function)}
    run, pending = set[str](), [method.name]
    while pending:
        name = pending.pop()
        if name in members and name not in run:
            run.add(name)
            pending += reach.calls(members[name].node) or ()
    read = {attribute for name in run for attribute in _own_attributes(members[name].node, ast.Load)}
    wanted = {attribute for attribute in read if names_optimizer(attribute) or names_scheduler(attribute)}
    found: dict[str, list[Function]] = {}
    for member in members.values():
        for name in sorted(_own_attributes(member.node, ast.Store) & wanted):
            found.setdefault(name, []).append(member)
    alone = {name: makers[0] for name, makers in found.items() if len(makers) == 1 and name not in receiver.attributes}
    fit = [m for m in alone.values() if m.name not in run | {"__init__"} and not trains(m.node) and not m.kind]
    order = sorted(alone, key=names_scheduler)  # an optimizer is there before its scheduler
    return list(dict.fromkeys(alone[name] for name in order if alone[name] in fit))


def _own_attributes(node: ast.AST, context: type[ast.expr_context]) -> frozenset[str]:
    """The object's own attributes that a method reads or sets, kept on its node: every trace of a file asks again."""
    key = f"lrfix_own_{context.__name__}"
    known: frozenset[str] | None = node.__dict__.get(key)
    if known is None:
        known = node.__dict__[key] = frozenset(n.attr for n in walk(node) if _is_own(n, context))
    return known


def _is_own(node: ast.AST, context: type[ast.expr_context]) -> TypeGuard[ast.Attribute]:
    """Whether a node is an attribute of the object itself: ``self.optimizer``."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.ctx, context)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _entries(tree: ast.Module, reach: Reach, names: Names | None) -> Iterator[tuple[ast.AST, ...]]:
    """The module; then functions and methods that come by a step and that no other one calls; then the others, but for
    those that are only called where a test of an object's class says so: by themselves they would not know of it."""
    yield ()
    members: list[tuple[ast.AST, ...]] = []
    for statement in _definitions(tree.body):
        if isinstance(statement, ast.ClassDef):
            members += [(statement, inner) for inner in statement.body if isinstance(inner, _FUNCTIONS)]
        else:
            members.append((statement,))
    strong = [path for path in members if reach.function(path[-1]) == STRONG]
    called = {name for path in strong for name in reach.calls(path[-1]) if name != getattr(path[-1], "name", "")}
    roots = [path for path in strong if getattr(path[-1], "name", "") not in called]
    yield from sorted(roots, key=lambda path: getattr(path[-1], "name", "") == "__init__")
    others = [path for path in strong if path not in roots]
    chosen = _called_by_class(tree, names) if others and names is not None else frozenset[str]()
    yield from (path for path in others if getattr(path[-1], "name", "") not in chosen)
    yield from _aside(members, strong)


def _called_by_class(tree: ast.Module, names: Names) -> frozenset[str]:
    """The names of functions that are called in branches of tests of classes alone: ``if type(self.after) is ...``."""
    everywhere: dict[str, bool] = {}
    for node in walk(tree):
        if isinstance(node, ast.Call):
            name = str(getattr(node.func, "attr", None) or getattr(node.func, "id", ""))
            tested = any(_asks_for_class(above.test) for above in names.ancestors(node) if isinstance(above, ast.If))
            everywhere[name] = tested and everywhere.get(name, True)
    return frozenset(name for name, tested in everywhere.items() if tested)


def _asks_for_class(test: ast.expr) -> bool:
    return any(
        node.attr == "__class__"
        if isinstance(node, ast.Attribute)
        else isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass", "type")
        for node in walk(test)
    )


def _aside(members: list[tuple[ast.AST, ...]], strong: list[tuple[ast.AST, ...]]) -> Iterator[tuple[ast.AST, ...]]:
    """The methods of a class that trains which only save or restore the state of what trains."""
    classes = {path[0] for path in strong if len(path) == 2}
    others = (path for path in members if len(path) == 2 and path[0] in classes and path not in strong)
    yield from (path for path in others if keeps_state(path[-1]))


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _definitions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
        elif isinstance(statement, ast.If | ast.Try):
            yield from _definitions(statement.body)


def stated_options(tree: ast.Module) -> dict[str, Value]:
    """The defaults of the command line's options, by the name that they are read under."""
    found: dict[str, Value] = {}
    for node in walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "add_argument":
            continue
        flags = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        keywords = {k.arg: k.value for k in node.keywords if k.arg is not None}
        dest = keywords.get("dest")
        name = dest.value if isinstance(dest, ast.Constant) else next((f for f in flags if f.startswith("--")), None)
        if not isinstance(name, str):
            continue
        value = _default(keywords)
        if not isinstance(value, Unknown):
            found[name.lstrip("-").replace("-", "_")] = value
    return found


def _default(keywords: Mapping[str, ast.expr]) -> Value:
    stated = keywords.get("default")
    if stated is None:
        action = keywords.get("action")
        kind = action.value if isinstance(action, ast.Constant) else None
        unset = Unknown("") if "required" in keywords else None
        return {"store_true": False, "store_false": True}.get(str(kind), unset)
    try:
        value = ast.literal_eval(stated)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return Unknown("")
    return value if isinstance(value, bool | int | float | str | type(None)) else Unknown("")


__all__ = ["stated_options", "traces_of"]
