"""The names a piece of code sees: resolved lazily, only as far as the simulation asks.

Nothing of the user's module runs here but what a schedule needs: definitions, literal assignments and their
arithmetic. What cannot be resolved becomes an ``Unknown`` named by the user's own expression.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import copy
from typing import Any
from weakref import WeakKeyDictionary

from lrfix.domains.facts import fallback_of, literal
from lrfix.domains.kinds import is_number
from lrfix.domains.lengths import LONGEST, is_drawn, length_of_lengths, open_lengths, opened
from lrfix.domains.options import options_of
from lrfix.domains.roles import LENGTHS, names_optimizer, role_of
from lrfix.driving.host import Host, optimizer_named
from lrfix.driving.imported import by_star, imported, starred_modules
from lrfix.interpreter.builtins import BUILTINS
from lrfix.interpreter.calls import ALLOWANCE, names_dataclass
from lrfix.interpreter.environment import Environment, Passing
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.values import MISSING, ClassValue, Function, Instance, NativeFunction, Unknown
from lrfix.names import Argument, Assigned, Augmented, Binding, Defined, Elsewhere, Imported, Names, Opaquely, Scope
from lrfix.sites.blocks import block_of
from lrfix.sites.vocabulary import SCHEDULE_WORDS, speaks_of_rate, words
from lrfix.stand_ins.torch_classes import stand_in

_MAX_DEPTH = 40
#: The plain names that a file calls.
_CALLED: WeakKeyDictionary[Names, frozenset[str]] = WeakKeyDictionary()
MODULE = ClassValue("module", None, (), {})


def _about_rates(cls: ClassValue) -> bool:
    """Whether the objects of a class can matter to a schedule: plain data, a scheduler, a class that says so."""
    if len(cls.mro) > 1 or (cls.node is not None and any(names_dataclass(d) for d in cls.node.decorator_list)):
        return True
    return speaks_of_rate(cls.name) or bool(SCHEDULE_WORDS & set(words(cls.name)))


class World:
    """Environments for the scopes of one file under one scenario."""

    def __init__(self, names: Names, interpreter: Interpreter, host: Host) -> None:
        self.names = names
        self.interpreter = interpreter
        self.host = host
        self.fixed: dict[tuple[Scope, str], Any] = {}
        self.loops: set[ast.AST] = set()
        self._now: dict[tuple[Scope, str, int], Passing] = {}
        self._steady: dict[tuple[Scope, str, int], Any] = {}
        self._made_up: set[tuple[Scope, str, int]] = set()
        self._environments: dict[tuple[Scope, int], Environment] = {}
        self._resolving: set[tuple[str, int]] = set()
        self._beside: dict[Names, World] = {names: self}
        self.star_imports = starred_modules(names)

    def environment(self, scope: Scope, at: ast.AST | None) -> Environment:
        """What code standing at ``at`` in ``scope`` sees."""
        statement = self.names.statement_of(at) if at is not None else None
        key = (scope, id(statement))
        if key not in self._environments:
            owner = scope.parent
            while owner is not None and isinstance(owner.node, ast.ClassDef):
                owner = owner.parent
            parent = self.environment(owner, at) if owner is not None else None
            self._environments[key] = Environment(parent=parent, missing=lambda name: self._kept(name, scope, at))
        return self._environments[key]

    def turn(self) -> None:
        """Begin the next step: what depends on the clock, or stands inside ``loops``, is worked out anew."""
        self._now.clear()

    def evaluate(self, node: ast.expr) -> Any:
        return self.interpreter.evaluate(node, self.environment(self.names.scope_of(node), node))

    def resolve(self, name: str, scope: Scope, at: ast.AST | None) -> Any:
        """The value ``name`` has in ``scope`` at ``at``; raises KeyError when the scope does not bind it."""
        value = self._kept(name, scope, at)
        return value.value if type(value) is Passing else value

    def _kept(self, name: str, scope: Scope, at: ast.AST | None) -> Any:
        host = self.host
        if (scope, name) in self.fixed:
            host.readings += 1
            return Passing(self.fixed[(scope, name)])
        statement = self.names.statement_of(at) if at is not None else None
        key = (scope, name, id(statement))
        if key in self._now:
            host.readings += 1
            return self._now[key]
        if key in self._made_up:
            host.inventions += 1
            return Passing(self._steady[key])
        if key in self._steady:
            return self._steady[key]
        before, invented = host.readings, host.inventions
        value = self._optimizer(self._resolved(name, scope, at))
        if host.inventions != invented and is_number(value):
            if role_of(name) in LENGTHS and not self._moves(name, scope, at):
                # Arithmetic on invented numbers gives no plausible length; the name itself says more.
                value = Unknown(name)
                # What is worked out with it is worked out with that, and no longer with the invented numbers.
                host.inventions = invented
            elif host.readings == before:
                self._made_up.add(key)
        if host.readings == before:
            self._steady[key] = value
            return Passing(value) if key in self._made_up else value
        self._now[key] = Passing(value)
        return self._now[key]

    def _optimizer(self, value: Any) -> Any:
        """The experiment's optimizer in the place of any that the code builds or is given."""
        optimizer = self.host.optimizer
        if optimizer is None:
            return value
        if isinstance(value, Unknown) and value.path in options_of(self.names):
            return value
        if isinstance(value, Unknown) and names_optimizer(value.path.rpartition(".")[2]):
            return optimizer_named(optimizer, value.path.rpartition(".")[2])
        return optimizer if isinstance(value, Instance) and value.cls.derives(optimizer.cls) else value

    def _resolved(self, name: str, scope: Scope, at: ast.AST | None) -> Any:
        if name not in scope.bindings or name in scope.outer_names:
            if name == "globals" and isinstance(scope.node, ast.Module):
                return self._globals()
            if isinstance(scope.node, ast.Module) and self.star_imports and name not in BUILTINS:
                value = by_star(name, self.star_imports)
                neighbours = self.names.neighbours
                found = neighbours.starred(name) if neighbours is not None and isinstance(value, Unknown) else None
                return self._in_another_file(found, value) if found is not None else value
            raise KeyError(name)
        key = (name, id(scope.node))
        binding = self.names.reaching(name, scope, at)
        if key in self._resolving or len(self._resolving) > _MAX_DEPTH:
            self.host.readings += 1
            return Unknown(name)
        if binding is None:
            return Unknown(name)
        if self.loops and self._inside_loops(binding):
            self.host.readings += 1
        self._resolving.add(key)
        try:
            return self._value(name, binding, scope, at)
        finally:
            self._resolving.discard(key)

    def _moves(self, name: str, scope: Scope, at: ast.AST | None) -> bool:
        """Whether a name is bound anew at every turn: it says where training stands, and is no length."""
        binding = self.names.reaching(name, scope, at) if name in scope.bindings else None
        return binding is not None and self._inside_loops(binding)

    def _inside_loops(self, binding: Binding) -> bool:
        node = getattr(binding, "node", None)
        return node is not None and any(outer in self.loops for outer in self.names.ancestors(node))

    def _value(self, name: str, binding: Binding, scope: Scope, at: ast.AST | None) -> Any:
        if isinstance(binding, Imported):
            return self._imported(name, binding)
        if isinstance(binding, Defined):
            environment = self.environment(scope, at)
            self.interpreter.execute([binding.node, *self._attributes_given(binding.node)], environment)
            defined = environment.get(name)
            if self.host.draws_lengths and isinstance(defined, ClassValue) and not self._built(name):
                return open_lengths(self.names, name, defined, self.host.scenario, self.host.defaults)
            return defined
        if isinstance(binding, Argument):
            return self._argument(binding, scope)
        if isinstance(binding, Assigned) and not binding.index:
            stated = literal(binding.value)
            if name in self.host.scenario.overrides and is_number(stated):
                return Unknown(name)
            if self._draws(name, stated):
                return opened(self.names, name, stated, self.host.scenario, self.host.defaults)
        try:
            if isinstance(binding, Assigned):
                return self._assigned(name, binding, scope)
            if isinstance(binding, Augmented):
                return self._augmented(name, binding, scope)
        except (Opaque, UserError):
            return Unknown(name)
        assert isinstance(binding, Opaquely)
        return self._ambiguous(name, binding, scope)

    def _built(self, name: str) -> bool:
        """Whether the file makes objects of a class; else the class itself is the table of its constants."""
        known = _CALLED.get(self.names)
        if known is None:
            calls = (n.func for n in self.names.nodes if isinstance(n, ast.Call))
            known = _CALLED[self.names] = frozenset(f.id for f in calls if isinstance(f, ast.Name))
        return name in known

    def _attributes_given(self, node: ast.AST) -> list[ast.stmt]:
        """``f.calls = 0`` beside the ``def``: what a function is given before it is first called."""
        block = block_of(self.names, node) if isinstance(node, ast.FunctionDef) else []
        return [
            s
            for s in block
            if isinstance(s, ast.Assign)
            and isinstance(t := s.targets[0], ast.Attribute)
            and isinstance(t.value, ast.Name)
            and t.value.id == getattr(node, "name", None)
        ]

    def _draws(self, name: str, stated: object) -> bool:
        long = isinstance(stated, int | float) and stated > LONGEST
        return (self.host.draws_lengths or (long and self.host.clock is not None)) and is_drawn(
            self.names, name, stated
        )

    def _globals(self) -> NativeFunction:
        """``globals()``: the functions and plain values of the module, to be looked up by their names."""
        scope = self.names.scopes[self.names.tree]

        def known() -> dict[str, Any]:
            named = {}
            for name, bindings in scope.bindings.items():
                if isinstance(bindings[-1], Defined) and isinstance(bindings[-1].node, ast.FunctionDef):
                    named[name] = self.resolve(name, scope, None)
            return named

        return NativeFunction("globals", known)

    def _imported(self, name: str, binding: Imported) -> Any:
        value = imported(binding.qualified, name)
        neighbours = self.names.neighbours
        if isinstance(value, Unknown) and name == "Scheduler" and self._speaks_timm:
            # A copy of timm's base class, which those who copy its schedulers bring along.
            return stand_in("timm.scheduler.scheduler.Scheduler") or value
        if neighbours is None or not isinstance(value, Unknown):
            return value
        found = neighbours.meaning(name, binding.node)
        return self._in_another_file(found, value) if found is not None else value

    @property
    def _speaks_timm(self) -> bool:
        """Whether the file reads off itself what timm's base class provides."""
        read = {n.attr for n in self.names.nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
        return {"base_values", "update_groups"} <= read

    def beside(self, names: Names) -> World:
        """The world of another file in the same run: what is known and fixed there is kept with what is known here."""
        if names is self.names:
            return self
        if names not in self._beside:
            other = self._beside[names] = copy(self)
            other.names = names
            other.star_imports = starred_modules(names)
        return self._beside[names]

    def _in_another_file(self, found: Elsewhere, unknown: Unknown) -> Any:
        """The value of an import; ``unknown``, the name it goes by here, where it cannot be worked out."""
        self.host.looked = True
        if found.name is None:
            return self._module(found.names, unknown.path)
        other = self.beside(found.names)
        depth = self.interpreter.depth
        try:
            with self.interpreter.limited(ALLOWANCE, (found.names.tree, found.name)):
                value = other.resolve(found.name, found.names.scopes[found.names.tree], None)
        except (Opaque, UserError, KeyError):
            self.interpreter.depth = depth
            return unknown
        if isinstance(value, Function) and value.node in found.names.parents:
            value.elsewhere = True
        elif isinstance(value, ClassValue) and value.node in found.names.parents:
            value.remote = not _about_rates(value)
        if isinstance(value, Unknown):
            return unknown
        self.host.borrowed = True
        return value

    def _module(self, names: Names, path: str) -> Any:
        """A module of the project as a value: its names, and its submodules where it is a package."""

        def answer(attribute: str) -> Any:
            unknown = Unknown(f"{path}.{attribute}")
            neighbours = self.names.neighbours
            found = neighbours.member(names, attribute) if neighbours is not None else None
            return self._in_another_file(found, unknown) if found is not None else unknown

        return Instance(MODULE, fallback=answer)

    def _assigned(self, name: str, binding: Assigned, scope: Scope) -> Any:
        key = (name, id(scope.node))
        self._resolving.discard(key)
        try:
            value = self.interpreter.evaluate(binding.value, self.environment(scope, binding.node))
        finally:
            self._resolving.add(key)
        if self.host.draws_lengths and isinstance(binding.value, ast.Call | ast.Dict) and not binding.index:
            value = open_lengths(self.names, name, value, self.host.scenario, self.host.defaults)
        for position in binding.index:
            if isinstance(value, Unknown) or not isinstance(value, list | tuple) or position >= len(value):
                return Unknown(name)
            value = value[position]
        if isinstance(value, Unknown) and value.path.endswith(")"):
            # The user's own name for what a call returned reads better than the call, and is evaluated once.
            self.host.falls_back(Unknown(name), binding.value, self._otherwise(binding.value, scope, binding.node))
            return Unknown(name)
        return value

    def _otherwise(self, lookup: ast.expr, scope: Scope, at: ast.AST) -> Any:
        """What a lookup gives where nothing is found; None where it is none, or nothing asks."""
        default = fallback_of(lookup) if self.host.scenario.ordinary else None
        return self.interpreter.evaluate(default, self.environment(scope, at)) if default is not None else None

    def _augmented(self, name: str, binding: Augmented, scope: Scope) -> Any:
        before = self.names.reaching(name, scope, binding.node)
        if before is None or before is binding:
            return Unknown(name)
        left = self._value(name, before, scope, binding.node)
        environment = Environment(parent=self.environment(scope, binding.node))
        environment.set("left operand", left)
        operation = ast.BinOp(ast.Name("left operand", ast.Load()), binding.node.op, binding.node.value)
        ast.copy_location(operation, binding.node)
        ast.fix_missing_locations(operation)
        return self.interpreter.evaluate(operation, environment)

    def _argument(self, binding: Argument, scope: Scope) -> Any:
        owner = self.names.parents.get(binding.function)
        if isinstance(owner, ast.ClassDef) and isinstance(binding.function, ast.FunctionDef):
            first = [*binding.function.args.posonlyargs, *binding.function.args.args][:1]
            if first and first[0].arg == binding.name:
                return self._self(binding.name, owner)
        self.host.defaults.remember(binding)
        return Unknown(binding.name)

    def _self(self, name: str, owner: ast.ClassDef) -> Any:
        """``self`` of a method outside any call: its methods are known, its attributes are free."""
        environment = self.environment(self.names.scope_of(owner), owner)
        try:
            cls = environment.get(owner.name)
        except (Opaque, UserError):
            return Unknown(name)
        if isinstance(cls, Unknown):
            return Unknown(name)
        return Instance(cls, fallback=self._attribute_of(name, owner))

    def stranger(self, owner: ast.ClassDef) -> Any:
        """An object of a class that nobody built: its methods are known, its attributes are free."""
        return self._self("self", owner)

    def _attribute_of(self, name: str, owner: ast.ClassDef) -> Callable[[str], Any]:
        def answer(attribute: str) -> Any:
            known = self.host.unknown_attribute(Unknown(name), attribute)
            if known is not MISSING:
                return known
            path = f"{name}.{attribute}"
            formula = length_of_lengths(owner, name, attribute) if path not in self.host.scenario.overrides else None
            if formula is None or (path, id(owner)) in self._resolving:
                return Unknown(path)
            self._resolving.add((path, id(owner)))
            try:
                return self.evaluate(formula)
            except (Opaque, UserError):
                return Unknown(path)
            finally:
                self._resolving.discard((path, id(owner)))

        return answer

    def _ambiguous(self, name: str, binding: Opaquely, scope: Scope) -> Any:
        functions = [
            b
            for b in binding.alternatives
            if isinstance(b, Defined) or (isinstance(b, Assigned) and isinstance(b.value, ast.Lambda | ast.Call))
        ]
        if functions and len(functions) == len(binding.alternatives):
            # A definition in this file before a call of something that may stand elsewhere.
            functions.sort(key=lambda b: isinstance(b, Assigned) and isinstance(b.value, ast.Call))
            self.host.variants = max(self.host.variants, len(functions))
            chosen = functions[self.host.scenario.variant % len(functions)]
            return self._value(name, chosen, scope, getattr(chosen, "node", None))
        for alternative in binding.alternatives:
            value = literal(alternative.value) if isinstance(alternative, Assigned) and not alternative.index else None
            if value is not None:
                self.host.defaults.own.setdefault(name, value)
                break
        return Unknown(name)
