"""Builds a schedule under a scenario, steps it, and keeps what happened: a ``Run``.

The optimizer is a stand-in with as many parameter groups as the experiment asks for; the scheduler is the user's own
code on top of stand-ins of torch's classes. Rates are in the optimizer's units; step 0 is the rate that the first
optimizer step uses.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrfix.names import Defined, Names
from lrfix.simulation.environment import Environment
from lrfix.simulation.errors import Opaque, UserError
from lrfix.simulation.facts import Defaults, literal
from lrfix.simulation.interpreter import Interpreter
from lrfix.simulation.roles import LENGTHS, Role, role_of
from lrfix.simulation.scenarios import Scenario
from lrfix.simulation.torch_classes import optimizer_class
from lrfix.simulation.trace import Trace, Write
from lrfix.simulation.values import Instance, Unknown
from lrfix.simulation.world import Host, World
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.subclasses import optimizer_parameter

FUEL = 6_000_000
Parameter = tuple[str, "ast.expr | None", bool]
_NEUTRAL = {"last_epoch": -1, "verbose": False}


@dataclass(frozen=True)
class Failure:
    """An exception of the user's own code: its type and message, and the step at which it came (-1: construction)."""

    kind: str
    message: str
    step: int
    node: ast.AST | None


@dataclass
class Run:
    """One simulated training run. ``lr[g][k]`` is the rate of group ``g`` at step ``k``."""

    scenario: Scenario
    base_lrs: tuple[float, ...]
    lr: list[list[Any]] = field(default_factory=list)
    failure: Failure | None = None
    opaque: str | None = None
    built: Trace | None = None
    stepped: Trace | None = None
    leaves: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, object] = field(default_factory=dict)
    scheduler: Any = None

    @property
    def curve(self) -> list[Any]:
        return self.lr[0] if self.lr else []

    @property
    def ran(self) -> bool:
        return self.opaque is None and bool(self.lr)

    def writes(self) -> list[Write]:
        """State written while the schedule was stepped, after construction."""
        return self.stepped.writes if self.stepped else []


@dataclass(frozen=True)
class Laboratory:
    """Everything needed to run one site again and again."""

    names: Names
    site: ScheduleSite

    def run(
        self,
        scenario: Scenario,
        *,
        construction: Construction | None,
        steps: int,
        groups: int = 2,
        base_lrs: Sequence[float] | None = None,
        jump: int | None = None,
    ) -> Run:
        """Build the scheduler and step it ``steps`` times; with ``jump`` go straight to that step and look once.

        ``construction`` is the call of the user's file that builds it; None builds a class from the parameters of its
        own constructor. ``base_lrs`` override the scenario's base rates (one a group).
        """
        defaults = Defaults(self.names)
        host = Host(scenario, defaults)
        scenario.defaults = defaults
        built, stepped = Trace(self.names.parents), Trace(self.names.parents)
        interpreter = Interpreter(host=host, recorder=built, fuel=FUEL)
        world = World(self.names, interpreter, host)
        bench = _Bench(self, world, interpreter, scenario)
        run = Run(scenario, (), built=built, stepped=stepped)
        step = -1
        try:
            scheduler, optimizer = bench.build(construction, groups, base_lrs)
            run.base_lrs = tuple(bench.base_lrs)
            run.scheduler = scheduler
            run.lr = [[] for _ in bench.base_lrs]
            bench.read(optimizer, run.lr)
            interpreter.recorder = stepped
            advance = interpreter.attribute(scheduler, "step")
            if jump is not None:
                interpreter.set_attribute(scheduler, "last_epoch", jump - 1, ast.Pass())
            for _ in range(1, steps):
                interpreter.call(advance)
                bench.read(optimizer, run.lr)
        except Opaque as opaque:
            run.opaque = opaque.reason
        except UserError as error:
            run.failure = Failure(error.kind, error.message, step, error.node)
        _cut(run)
        run.leaves = dict(host.leaves)
        run.names = bench.visible(construction)
        return run


def _cut(run: Run) -> None:
    """Keep the rates before the first that is no real number, and say what it was."""
    for step, rates in enumerate(zip(*run.lr, strict=False)):
        wrong = next((r for r in rates if not _real(r)), None)
        if wrong is not None:
            kind = "ComplexRate" if isinstance(wrong, complex) else "InvalidRate"
            run.failure = Failure(kind, f"the rate is {wrong!r}", step, None)
            run.lr = [list(group[:step]) for group in run.lr]
            return
    shortest = min((len(group) for group in run.lr), default=0)
    run.lr = [list(group[:shortest]) for group in run.lr]


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class _Bench:
    """One construction of the scheduler inside one interpreter."""

    def __init__(self, laboratory: Laboratory, world: World, interpreter: Interpreter, scenario: Scenario) -> None:
        self.names = laboratory.names
        self.site = laboratory.site
        self.world = world
        self.interpreter = interpreter
        self.scenario = scenario
        self.base_lrs: list[float] = []
        self.parameters: dict[str, object] = {}

    def build(
        self, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None
    ) -> tuple[Any, Any]:
        if self.site.form not in ("lambda", "subclass"):
            raise Opaque(f"schedules of the form {self.site.form} are not simulated", self.site.node)
        if construction is None:
            return self._from_class(groups, base_lrs)
        return self._from_call(construction, groups, base_lrs)

    def read(self, optimizer: Instance, lr: list[list[Any]]) -> None:
        for rates, group in zip(lr, optimizer.attributes["param_groups"], strict=True):
            rate = group["lr"]
            if isinstance(rate, Unknown):
                raise Opaque(f"the rate becomes `{rate.path}`, which this file does not fix", None)
            rates.append(rate)

    def visible(self, construction: Construction | None) -> dict[str, object]:
        """The numbers that the user's own names have where the scheduler is built."""
        if construction is None:
            return {**self.parameters, **{k: v for k, v in self.world.host.leaves.items() if k in self.parameters}}
        found: dict[str, object] = {}
        scope = self.names.scope_of(construction.call)
        environment = self.world.environment(scope, construction.call)
        for part in ast.walk(construction.call):
            if isinstance(part, ast.BinOp | ast.Call | ast.Attribute | ast.Subscript) and part is not construction.call:
                number = self._number(part, environment)
                if number is not None:
                    found[ast.unparse(part)] = number
        wanted = [n.id for node in self.site.nodes for n in ast.walk(node) if isinstance(n, ast.Name)]
        wanted += [n.id for n in ast.walk(construction.call) if isinstance(n, ast.Name)]
        for name in dict.fromkeys(wanted):
            if self.names.owner(name, scope) is None:
                continue
            try:
                value = environment.get(name)
            except (Opaque, UserError, KeyError, NameError):
                continue
            if isinstance(value, Unknown):
                value = self.world.host.leaves.get(value.path)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[name] = value
        nested = {n.arg for node in self.site.nodes for n in ast.walk(node) if isinstance(n, ast.arg)}
        for path, value in self.world.host.leaves.items():
            if path.split(".")[0].split("[")[0].split("(")[0] not in nested:
                found.setdefault(path, value)
        return found

    def _number(self, part: ast.expr, environment: Environment) -> float | None:
        """The value of a part of the construction, when it is a number that needs no new assumption."""
        if any(isinstance(n, ast.Lambda | ast.Starred) for n in ast.walk(part)):
            return None
        try:
            value = self.interpreter.evaluate(part, environment)
        except (Opaque, UserError):
            return None
        if isinstance(value, Unknown):
            value = self.world.host.leaves.get(value.path)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def _optimizer(self, count: int, base_lrs: Sequence[float] | None) -> Instance:
        rates = list(base_lrs or self.scenario.base_lrs)
        while len(rates) < count:
            rates.append(rates[-1] * 0.7)
        self.base_lrs = rates[:count]
        cls = optimizer_class()
        groups = [{"params": [], "lr": rate} for rate in self.base_lrs]
        optimizer = self.interpreter.call(cls, groups, {"lr": self.base_lrs[0]})
        assert isinstance(optimizer, Instance)
        return optimizer

    def _from_call(self, construction: Construction, groups: int, base_lrs: Sequence[float] | None) -> tuple[Any, Any]:
        call = construction.call
        environment = self.world.environment(self.names.scope_of(call), call)
        target = self.interpreter.evaluate(call.func, environment)
        if isinstance(target, Unknown):
            raise Opaque(f"`{target.path}` is defined elsewhere", call)
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        slots: list[int | str] = []
        for position, argument in enumerate(call.args):
            if argument is construction.optimizer:
                slots.append(position)
                positional.append(None)
            elif isinstance(argument, ast.Starred):
                raise Opaque("is built with `*` arguments", call)
            else:
                positional.append(self.interpreter.evaluate(argument, environment))
        for keyword in call.keywords:
            if keyword.arg is None:
                raise Opaque("is built with `**` arguments", call)
            if keyword.value is construction.optimizer:
                slots.append(keyword.arg)
            elif keyword.arg in _NEUTRAL:
                keywords[keyword.arg] = _NEUTRAL[keyword.arg]
            else:
                keywords[keyword.arg] = self._given(self.interpreter.evaluate(keyword.value, environment))
        positional = [self._given(value) for value in positional]
        functions = keywords.get("lr_lambda", positional[1] if len(positional) > 1 else None)
        if self.site.form == "lambda" and isinstance(functions, list | tuple):
            groups = len(functions)
        if self.site.form == "lambda" and len(positional) > 2:
            positional = positional[:2]
        rates = base_lrs or self._stated_rates(construction, groups)
        optimizer = self._optimizer(groups, rates)
        for slot in slots:
            if isinstance(slot, int):
                positional[slot] = optimizer
            else:
                keywords[slot] = optimizer
        return self.interpreter.call(target, *positional, **keywords), optimizer

    def _given(self, value: Any) -> Any:
        """An argument as the class will see it: a plain number where its role is known."""
        if isinstance(value, Unknown) and role_of(value.path) is not Role.UNKNOWN and not value.path.endswith(")"):
            return self.world.host.concretise(value, None, "number")
        return value

    def _stated_rates(self, construction: Construction, groups: int) -> list[float] | None:
        """The base rate where the optimizer's own call states it (``SGD(params, lr=args.lr)``)."""
        rate = stated_rate(construction)
        if rate is None:
            return None
        try:
            value = self.world.evaluate(rate)
            if isinstance(value, Unknown):
                value = self.world.host.concretise(value, rate, "number")
        except (Opaque, UserError):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            return None
        return [float(value) * 0.3**index for index in range(groups)]

    def _from_class(self, groups: int, base_lrs: Sequence[float] | None) -> tuple[Any, Any]:
        node = self.site.node
        assert isinstance(node, ast.ClassDef)
        environment: Environment = self.world.environment(self.names.scope_of(node), None)
        cls = environment.get(node.name)
        if isinstance(cls, Unknown):
            raise Opaque(f"`{node.name}` could not be built", node)
        optimizer = self._optimizer(groups, base_lrs)
        given = constructor_parameters(self.names, node)
        if given is None:
            function = getattr(self.interpreter.attribute(cls, "__init__"), "node", None)
            if not isinstance(function, ast.FunctionDef):
                raise Opaque("has no constructor lrfix can read", node)
            given = signature(function)
        arguments: dict[str, Any] = {}
        _, optimizer_name = optimizer_parameter(node)
        for name, default, required in given:
            if name in (optimizer_name, "optimizer"):
                arguments[name] = optimizer
                continue
            value = self._parameter(name, default, required)
            if value is not _OMIT:
                arguments[name] = value
        return self.interpreter.call(cls, **arguments), optimizer

    def _parameter(self, name: str, default: ast.expr | None, required: bool) -> Any:
        if name in _NEUTRAL:
            return _NEUTRAL[name] if required or name == "last_epoch" else _OMIT
        stated = literal(default)
        role = role_of(name)
        overridden = name in self.scenario.overrides
        if not overridden and default is not None:
            if isinstance(default, ast.Constant) and default.value is None:
                if not self.scenario.fill_none or role not in (*LENGTHS, Role.FLOOR, Role.FLOOR_RATIO, Role.PEAK):
                    return _OMIT
                stated = 0
            if stated is None or isinstance(stated, bool | str) or role is Role.LAST_EPOCH:
                return _OMIT
        if stated is not None and not self.scenario.fill_none:
            self.world.host.defaults.own.setdefault(name, stated)
        if role is Role.UNKNOWN and stated is None and not overridden:
            self.parameters.setdefault(name, None)
            return Unknown(name)
        value = self.scenario.value(name)
        self.world.host.leaves[name] = value
        self.parameters[name] = value
        return value


_OMIT = object()


def constructor_parameters(names: Names, node: ast.ClassDef) -> list[Parameter] | None:
    """The parameters of a class's constructor, its own or inherited in this file; ``**kwargs`` brings in those of the
    base class they are passed on to. None when the file does not show a constructor."""
    own = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
    inherited = None
    for base in node.bases:
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                inherited = inherited or constructor_parameters(names, binding.node)
    if own is None:
        return inherited
    found = signature(own)
    if own.args.kwarg is not None and inherited:
        known = {name for name, _, _ in found}
        found += [parameter for parameter in inherited if parameter[0] not in known]
    return found


def signature(function: ast.FunctionDef) -> list[Parameter]:
    """The parameters after ``self``: name, default, whether it must be given."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    found = [(a.arg, d, d is None) for a, d in zip(positional, defaults, strict=True)][1:]
    found += [(a.arg, d, d is None) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return found


def stated_rate(construction: Construction) -> ast.expr | None:
    """The expression given as ``lr=`` where the optimizer is built, unless its groups carry rates of their own."""
    call = construction.optimizer_call
    if call is None:
        return None
    rate = next((k.value for k in call.keywords if k.arg == "lr"), None)
    if rate is None:
        return None
    parameters = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "params"), None)
    plain = (
        isinstance(parameters, ast.Call)
        and isinstance(parameters.func, ast.Attribute)
        and parameters.func.attr == "parameters"
    )
    return rate if plain else None
