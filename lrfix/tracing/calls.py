"""Calls of a traced program: functions of the file are followed, known objects know their methods, the rest absorbs."""

from __future__ import annotations

import ast

from lrfix import clocks
from lrfix.tracing import library
from lrfix.tracing.amounts import amount, rounded
from lrfix.tracing.builtins import Builtins
from lrfix.tracing.containers import answer_of, method_of_container
from lrfix.tracing.engines import engine_of_class, moved, settings_object, taken_over
from lrfix.tracing.event_engines import event_engine, method_of_engine
from lrfix.tracing.events import Kind
from lrfix.tracing.holding import objects_in
from lrfix.tracing.lookups import holds_options
from lrfix.tracing.machine import MOST_CALLS, named
from lrfix.tracing.objects import build_optimizer, build_scheduler, handed, own_object, role
from lrfix.tracing.reach import STRONG, sets_up
from lrfix.tracing.values import (
    MISSING,
    Bound,
    Builtin,
    ClassValue,
    Engine,
    EventEngine,
    Function,
    Given,
    Imported,
    Instance,
    Known,
    KnownMethod,
    Many,
    Optimizer,
    Partial,
    Scaler,
    Scheduler,
    Scope,
    StateOf,
    Super,
    Unknown,
    Value,
    known,
)

_SMALL = 6


class Calls(Builtins):
    """What calls do."""

    def call(self, callee: Value, given: Given, node: ast.AST, name: str) -> Value:
        """``callee(...)``; ``name`` is what the file calls it."""
        self.burn()
        if isinstance(callee, Function):
            return self._call_function(callee, given, node, None)
        if isinstance(callee, Bound):
            return self._call_function(callee.function, given, node, callee.receiver)
        if isinstance(callee, Partial):
            joined = Given([*callee.arguments, *given.arguments], {**callee.keywords, **given.keywords}, given.hidden)
            return self.call(callee.function, joined, node, name)
        if isinstance(callee, KnownMethod):
            return self._method_of_known(callee.thing, callee.name, given, node)
        if isinstance(callee, Builtin):
            return self.call_builtin(callee.name, given, node)
        if isinstance(callee, ClassValue):
            return self._construct(callee, given, node)
        if isinstance(callee, Imported):
            return self._call_imported(callee, given, node)
        if isinstance(callee, Instance):
            method = callee.cls.find("__call__")
            if isinstance(method, Function):
                return self._call_function(method, given, node, callee)
        thing = known(callee)
        if isinstance(thing, Scheduler):
            self.emit(Kind.USED, node, thing, detail="__call__")
        return self.unknown_call(name, given, node)

    def call_method(self, receiver: Value, name: str, given: Given, node: ast.AST) -> Value:
        """``receiver.name(...)``."""
        self.burn()
        thing = known(receiver)
        if thing is None and isinstance(receiver, Unknown):
            thing = role(self, receiver, name, given)
        if thing is not None:
            return self._method_of_known(thing, name, given, node)
        if isinstance(receiver, Imported | ClassValue):
            return self.call(self.attribute_of(receiver, name, node), given, node, name)
        if isinstance(receiver, Instance | Super):
            return self._method_of_object(receiver, name, given, node)
        if isinstance(receiver, list | dict | Many):
            found = method_of_container(self, receiver, name, given)
            return found if found is not MISSING else self.unknown_call(name, given, node)
        if isinstance(receiver, EventEngine):
            found = method_of_engine(self, receiver, name, given, node)
            return found if found is not MISSING else self.unknown_call(name, given, node)
        if name in ("backward", "manual_backward"):
            self.emit(Kind.BACKWARD, node, None)
            return None
        if name == "zero_grad":
            self.emit(Kind.ZERO_GRAD, node, None)
            return None
        if name == "item" or (name in ("detach", "cpu", "mean", "sum") and not given.all):
            return Unknown(f"{getattr(receiver, 'path', '')}.{name}()", measured=True)
        answer = answer_of(receiver, name, given, node)
        if answer is not MISSING:
            return answer
        if isinstance(receiver, Unknown) and name == "fit":
            self._fitted(receiver, given.get(0, "model"), node)
        if isinstance(receiver, Unknown) and isinstance(receiver.parts.get(f".{name}"), Function | Bound | Partial):
            return self.call(receiver.parts[f".{name}"], given, node, name)
        return self.unknown_call(name, given, node, receiver)

    def _fitted(self, trainer: Unknown, model: Value, node: ast.AST) -> None:
        """A trainer of Lightning's asks the module what to train by, and has itself for its trainer."""
        configure = model.cls.find("configure_optimizers") if isinstance(model, Instance) else None
        if not isinstance(model, Instance) or not isinstance(configure, Function) or not hooks_of(model):
            return
        trainer.parts |= {f".{name}": value for name, value in trainer.keywords.items()}
        model.attributes.setdefault("trainer", trainer)
        result = self._call_function(configure, Given(), node, model)
        self.trace.fitted.append((model, result, trainer.keywords))
        self.trace.functions.discard(id(configure.node))  # by itself it is asked with arguments that nobody states

    # Functions of the file.

    def _call_function(self, function: Function, given: Given, node: ast.AST, receiver: Value) -> Value:
        definition = function.node
        if isinstance(definition, ast.Lambda):
            scope = self._bind(function, given, receiver, entry=False)
            return self.evaluate(definition.body, scope)
        if not self._worth(function, given, receiver) or definition in self.running or len(self.calls) >= MOST_CALLS:
            return self._absorb(function, given, node)
        if function.kept is not MISSING:
            return function.kept
        scope = self._bind(function, given, receiver, entry=False)
        self.calls.append(node)
        guards = list(self.guards)
        try:
            found = self.run_body(function, scope)
            if function.kind == "once":
                function.kept = found
            return found
        finally:
            self.calls.pop()
            self.guards[:] = guards

    def _follows(self, function: Function) -> bool:
        return self.reach.function(function.node) > 0

    def _worth(self, function: Function, given: Given, receiver: Value) -> bool:
        """Whether running a function can matter: it comes by an event, sets up what others read, has a known object in
        hand, or is short."""
        if function.kind == "generator" or isinstance(function.node, ast.Lambda):
            return False
        if self.reach.function(function.node) or len(function.node.body) <= _SMALL or sets_up(function.node):
            return True
        return bool(objects_in(given.all))

    def _absorb(self, function: Function, given: Given, node: ast.AST) -> Value:
        found = Unknown(f"{function.name}(...)", measured=bool(self.turns))
        found.given = tuple(given.all)
        return found

    def _bind(self, function: Function, given: Given, receiver: Value, *, entry: bool) -> Scope:
        """The parameters of a call; what is not given has its default, in an entry one that may be another."""
        scope = Scope(function.scope)
        parameters = function.node.args
        names = [a.arg for a in (*parameters.posonlyargs, *parameters.args)]
        arguments = list(given.arguments)
        if function.kind == "class" and function.owner is not None:
            arguments.insert(0, function.owner)
        elif receiver is not None and function.kind != "static":
            arguments.insert(0, receiver)
        if function.owner is not None:
            scope.variables["__class__"] = function.owner
            if arguments:
                scope.variables["__receiver__"] = arguments[0]
        defaults: dict[str, ast.expr] = dict(zip(reversed(names), reversed(parameters.defaults), strict=False))
        defaults |= {
            a.arg: d for a, d in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if d is not None
        }
        for name, value in zip(names, arguments, strict=False):
            scope.variables[name] = _counted(value, name)
        rest = dict(given.keywords)
        for name in (*names, *(a.arg for a in parameters.kwonlyargs)):
            if name in rest:
                scope.variables[name] = _counted(rest.pop(name), name)
            elif name not in scope.variables:
                scope.variables[name] = self._default(name, defaults.get(name), function.scope, entry or given.hidden)
            named(scope.variables[name], name)
        if parameters.vararg is not None:
            more = arguments[len(names) :]
            scope.variables[parameters.vararg.arg] = (
                Unknown(parameters.vararg.arg) if (entry or given.hidden) and not more else tuple(more)
            )
        if parameters.kwarg is not None:
            unseen = Unknown(parameters.kwarg.arg)
            unseen.parts["by name"] = True
            scope.variables[parameters.kwarg.arg] = unseen if entry or given.hidden else rest
        return scope

    def _default(self, name: str, node: ast.expr | None, scope: Scope, free: bool) -> Value:
        if node is None:
            return Unknown(name)
        value = self.evaluate(node, scope)
        if free and isinstance(value, bool | int | float | str | type(None)):
            return Unknown(name, stated=value)
        return value

    def _construct(self, cls: ClassValue, given: Given, node: ast.AST) -> Value:
        built = own_object(self, cls, given, node)
        if built is not None:
            return built
        engine = engine_of_class(self, cls, given, node)
        if engine is not None:
            return engine
        instance = Instance(cls)
        if any(isinstance(m, Function) and id(m.node) in self.foreign for m in cls.namespace.values()):
            for thing in objects_in(given.all):
                thing.handed_on = True
        initialiser = cls.find("__init__")
        if isinstance(initialiser, Function):
            if self._matters(cls) or objects_in(given.all):
                self._call_function(initialiser, given, node, instance)
            else:
                for position, value in enumerate(given.arguments):
                    instance.attributes[f"argument {position}"] = value
        else:
            fields = [
                s.target.id for s in cls.node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
            ]
            instance.attributes.update(zip(fields, given.arguments, strict=False))
            instance.attributes.update(given.keywords)
        return instance

    def _matters(self, cls: ClassValue) -> bool:
        """Whether a method of a class, or of its bases in the file, comes by an event."""
        return any(
            isinstance(member, Function) and self.reach.function(member.node) == STRONG
            for each in cls.lineage()
            if isinstance(each, ClassValue)
            for member in each.namespace.values()
        )

    # Known objects.

    def _method_of_known(self, thing: Known, name: str, given: Given, node: ast.AST) -> Value:
        if name == "state_dict":
            self.emit(Kind.STATE, node, thing)
            return StateOf(thing)
        if name == "load_state_dict":
            self.emit(Kind.LOAD, node, thing, tuple(given.all))
            return None
        if isinstance(thing, Scaler):
            return self._scaled(thing, name, given, node)
        if isinstance(thing, Optimizer):
            return self._method_of_optimizer(thing, name, given, node)
        if isinstance(thing, Scheduler):
            return self._method_of_scheduler(thing, name, given, node)
        if isinstance(thing, Engine) and moved(self, thing, name, node):
            return Unknown(f"{name}(...)", measured=True)
        if isinstance(thing, Engine) and name in ("backward", "zero_grad"):
            self.emit(Kind.BACKWARD if name == "backward" else Kind.ZERO_GRAD, node, None)
            return None
        return self.unknown_call(name, given, node)

    def _method_of_optimizer(self, thing: Optimizer, name: str, given: Given, node: ast.AST) -> Value:
        if name == "step" or name.endswith("_step"):
            closure = given.get(0, "closure")
            if isinstance(closure, Function | Bound):
                self.call(closure, Given(), node, "closure")
            self.emit(Kind.STEP, node, thing, tuple(given.all))
            return Unknown("loss", measured=True)
        if name == "zero_grad":
            self.emit(Kind.ZERO_GRAD, node, thing)
            return None
        if name == "backward":
            self.emit(Kind.BACKWARD, node, thing)
            return None
        return Unknown(f"{thing.path}.{name}()")

    def _method_of_scheduler(self, thing: Scheduler, name: str, given: Given, node: ast.AST) -> Value:
        if name == "step":
            self.emit(Kind.STEP, node, thing, tuple(given.all), "hidden" if given.hidden else "")
            return None
        own = thing.own.find(name) if thing.own is not None else MISSING
        if name in ("get_lr", "get_last_lr", "_get_closed_form_lr"):
            self.emit(Kind.READ_RATE, node, thing, detail=name)
        elif name.startswith(("step", "update", "batch_step", "epoch_step")) or isinstance(own, Function):
            self.emit(Kind.ESCAPE, node, thing, detail=name)
        elif not thing.built:
            self.emit(Kind.USED, node, thing, detail=name)
        return Unknown(f"{thing.path}.{name}()", measured=True)

    def _scaled(self, thing: Scaler, name: str, given: Given, node: ast.AST) -> Value:
        target = given.get(0, "optimizer")
        stepped = known(target) or (role(self, target, "step", Given()) if isinstance(target, Unknown) else None)
        if name == "step" and isinstance(stepped, Optimizer):
            self.emit(Kind.STEP, node, stepped, detail="scaled")
        if name == "scale":
            return Unknown("scaled loss", measured=True)
        if name == "__call__":
            self.emit(Kind.BACKWARD, node, None)
        return Unknown(f"{thing.path}.{name}()")

    def _method_of_object(self, receiver: Instance | Super, name: str, given: Given, node: ast.AST) -> Value:
        if isinstance(receiver, Instance) and name in receiver.attributes:
            return self.call(receiver.attributes[name], given, node, name)
        after = receiver.cls if isinstance(receiver, Super) else None
        instance = receiver.receiver if isinstance(receiver, Super) else receiver
        cls = instance.cls if isinstance(instance, Instance) else receiver.cls
        found = cls.find(name, after=after)
        if not isinstance(found, Function) or _does_nothing(found):
            self._hooked(instance, name, node)
        if isinstance(found, Function):
            if _is_abstract(found):
                return self._absorb(found, given, node)
            return self._call_function(found, given, node, instance)
        if name == "manual_backward":
            self.emit(Kind.BACKWARD, node, None)
        return self.unknown_call(name, given, node)

    def _hooked(self, instance: Value, name: str, node: ast.AST) -> None:
        """A method that cannot be seen has its object in hand, and what that holds."""
        for thing in objects_in(instance):
            if isinstance(thing, Scheduler):
                self.emit(Kind.HOOK, node, thing, detail=name)

    # Libraries.

    def _call_imported(self, callee: Imported, given: Given, node: ast.AST) -> Value:
        qualified, last = callee.qualified, callee.last
        if library.scheduler_class(qualified) or library.scheduler_factory(qualified):
            return build_scheduler(self, last, given, node)
        if qualified.startswith("torch.optim.lr_scheduler.?"):
            return build_scheduler(self, None, given, node)
        if library.is_optimizer(qualified) or qualified.startswith("torch.optim.?"):
            package = qualified.rpartition(".")[0]
            return build_optimizer(self, None if last == "?" else last, given, node, package)
        if library.is_scaler(qualified):
            return Scaler("", last, node)
        if library.is_loader(qualified):
            return _loader(given)
        engine = event_engine(qualified, given)
        if engine is not None:
            return engine
        taken = taken_over(self, qualified, given, node)
        if taken is not MISSING:
            return taken
        settings = settings_object(qualified, given, node)
        if settings is not None:
            return settings
        if last in ("trange", "arange"):
            return self.call_builtin("range", given, node)
        if last == "partial" and given.arguments:
            return Partial(given.arguments[0], tuple(given.arguments[1:]), dict(given.keywords))
        if last in ("deepcopy", "copy") and given.arguments and isinstance(given.arguments[0], StateOf):
            return given.arguments[0]
        if last in ("ceil", "floor", "deepcopy", "copy", "int64", "chain") and len(given.arguments) == 1:
            number = amount(given.arguments[0]) if last in ("ceil", "floor") else None
            return rounded(number) if number is not None else Unknown(ast.unparse(node))
        leads_on = self._leads_on(last, given)
        if callee.source is not None and (leads_on or any(map(holds_options, given.all))):
            target = self.follow(callee)
            leads_on = leads_on or (isinstance(target, Function) and sets_up(target.node))
            if isinstance(target, Function | ClassValue) and leads_on:
                return self.call(target, given, node, last)
        unseen = self.unknown_call(last, given, node)
        if isinstance(unseen, Unknown):
            unseen.maker = qualified
        return unseen

    def _leads_on(self, name: str, given: Given) -> bool:
        """Whether a function of another file is followed: it builds, or trains, or is given what a trace is about."""
        if library.makes_scheduler(name) or library.trains(name):
            return True
        if library.only_looks(name):
            return False
        named_so = (
            isinstance(v, Unknown) and (library.names_optimizer(v.path) or library.names_scheduler(v.path))
            for v in given.all
        )
        return bool(objects_in(given.all)) or any(named_so)

    def unknown_call(self, name: str, given: Given, node: ast.AST, receiver: Value = None) -> Value:
        """A call of what cannot be seen: known objects that it is given may be stepped there from now on."""
        values = given.all
        if library.is_transparent(name) and given.arguments:
            return given.arguments[0]
        if library.prepares(name) and any(known(v) is not None for v in values):
            return self._prepared(name, given, node, receiver)
        builds = library.makes_scheduler(name)
        for value in values:
            if isinstance(value, Unknown) and not library.only_looks(name):
                handed(self, value, given)
        looks = library.only_looks(name)
        if isinstance(receiver, Unknown) and library.trains(name):
            values = [*values, *(v for v in receiver.given if isinstance(known(v), Optimizer))]  # a trainer given it
        if looks or not builds:
            for thing in objects_in(values):
                self.emit(Kind.SHOWN if looks else Kind.ESCAPE, node, thing, detail=name)
        elif builds:
            for thing in objects_in(values):
                if isinstance(thing, Scheduler):
                    self.emit(Kind.ESCAPE, node, thing, detail=name)
        for value in values:
            if isinstance(value, Function) and self.reach.function(value.node) == STRONG:
                self._handed(value, node)
        # What is called in a loop comes out of training; before any, it sets it up.
        found = Unknown(f"{name}(...)", measured=bool(self.turns) and not builds)
        found.given, found.origin, found.caller = (*values, receiver), node, self.led_here()
        found.keywords = given.keywords
        if name == "Accelerator" and "gradient_accumulation_steps" in given.keywords:
            found.parts[".gradient_accumulation_steps"] = given.keywords["gradient_accumulation_steps"]
        return found

    def _handed(self, function: Function, node: ast.AST) -> None:
        """A function handed to unknown code is called there, with arguments that cannot be seen."""
        if isinstance(function.node, ast.Lambda) or function.node in self.running or len(self.calls) >= MOST_CALLS:
            return
        scope = self._bind(function, Given(hidden=True), None, entry=True)
        self.calls.append(node)
        try:
            self.run_body(function, scope)
        finally:
            self.calls.pop()

    def _prepared(self, name: str, given: Given, node: ast.AST, receiver: Value) -> Value:
        """What a library wraps and gives back is the same object, stepped on the library's terms."""
        processes = library.processes_of(receiver) if name == "prepare" else None
        for thing in objects_in(given.all):
            thing.library = thing.library or name
            thing.parts["waits"] = library.may_wait(receiver)
            if processes is not None and isinstance(thing, Scheduler):
                thing.parts |= {"processes": processes, "gathers": receiver.parts.get(".gradient_accumulation_steps")}
        for value in given.all if processes is not None else ():
            if isinstance(value, Unknown) and value.known is None:
                value.parts["processes"] = processes
        values = list(given.arguments) or list(given.keywords.values())
        if any(isinstance(v, Unknown) and not v.path for v in values):
            values = [Unknown("prepared", measured=False) if isinstance(v, Unknown) else v for v in values]
        return values[0] if len(values) == 1 else tuple(values)


def hooks_of(instance: Instance) -> bool:
    """Whether an object is one of those that hand their schedulers over to a library's trainer."""
    return any(isinstance(base, Imported) and clocks.hooks(base.qualified) for base in instance.cls.lineage())


def _does_nothing(function: Function) -> bool:
    """Whether the body of a method is there for a derived class to fill in."""
    body = getattr(function.node, "body", ())
    return isinstance(body, list) and all(
        isinstance(s, ast.Pass | ast.Raise) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )


def _is_abstract(function: Function) -> bool:
    """Whether all that a method does is to say that a derived class has to."""
    body = getattr(function.node, "body", ())
    return _does_nothing(function) and any(isinstance(s, ast.Raise) for s in body)


def _counted(value: Value, name: str) -> Value:
    """A whole number that is given a name keeps it."""
    plain = isinstance(value, int) and not isinstance(value, bool) and value > 1
    return Unknown(name, stated=value) if plain else value


def _loader(given: Given) -> Unknown:
    """A loader: its dataset is the one it was given, and so is the size of its batches."""
    found = Unknown("")
    dataset, size = given.get(0, "dataset"), given.get(1, "batch_size")
    if isinstance(dataset, Unknown):
        found.parts[".dataset"] = dataset
    if isinstance(size, Unknown | int):
        found.parts[".batch_size"] = size
    return found
