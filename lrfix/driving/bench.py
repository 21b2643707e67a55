"""One simulated construction: the optimizer, the arguments a definition is given, the names a caller could use."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, TypeVar

from lrfix.domains.clock import Clock, Tick, counts_in_epochs, first_of, parameter_ticks
from lrfix.domains.facts import boundless, literal
from lrfix.domains.kinds import POSITION_GIVEN, is_number
from lrfix.domains.options import options_of
from lrfix.domains.overrides import starting
from lrfix.domains.roles import LENGTHS, Role, last_word, names_optimizer, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.sequences import beside_groups, sequences, several
from lrfix.domains.signatures import Parameter, arguments_of, stated_rate
from lrfix.driving.group_keys import OF_GROUP, key_of, keys_read, option_of
from lrfix.driving.host import optimizer_named
from lrfix.driving.length_objects import length_object
from lrfix.driving.world import MODULE, World
from lrfix.finite import finite
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.quantities import plain
from lrfix.interpreter.values import MISSING, Instance, NativeFunction, Unknown
from lrfix.names import Assigned, Names, Scope
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.vocabulary import names_rate_key
from lrfix.stand_ins.torch_classes import optimizer_class
from lrfix.trees import walk

T = TypeVar("T")
_MOST_FOLLOWED = 4
_BATCHES, _STEPS = 3, 97
#: What torch's optimizers keep in every group beside the rate: schedulers of the momentum ask for it.
_OPTIONS = {"momentum": 0.9, "betas": (0.9, 0.999), "weight_decay": 0.0}
#: What every construction is given, whatever a setting says.
NEUTRAL = {"last_epoch": -1, "verbose": False}
_MODULES = ("model", "net", "network", "module", "params", "parameters", "loader", "train_loader", "logger")
_FLOATS = frozenset({float})
_DICTIONARY = frozenset({dict})
_PLAIN = frozenset({int, float, bool, str, type(None), Unknown})


class _Omit:
    """No argument: the default holds."""


_GROUPS = frozenset({"group", "param_group", "pg", "params_group", "parameter_group"})
OMIT = _Omit()


def groups_of(optimizer: Instance) -> list[dict[str, Any]]:
    """The parameter groups of an optimizer; raises Opaque where the code has put something else in their place."""
    groups = optimizer.attributes.get("param_groups")
    if not isinstance(groups, list) or not (
        _DICTIONARY.issuperset(map(type, groups)) or all(isinstance(group, dict) for group in groups)
    ):
        raise Opaque("puts something else in the place of the optimizer's parameter groups", None)
    return groups


class Bench:
    """Everything one run of one site needs, inside one interpreter."""

    def __init__(
        self,
        names: Names,
        site: ScheduleSite,
        world: World,
        interpreter: Interpreter,
        scenario: Scenario,
        learnt: dict[str, Any] | None = None,
    ) -> None:
        #: What the text of the site says, worked out for all of its runs.
        self.learnt: dict[str, Any] = {} if learnt is None else learnt
        self.names = names
        self.site = site
        self.world = world
        self.interpreter = interpreter
        self.scenario = scenario
        self.base_lrs: list[float] = []
        self.parameters: dict[str, object] = {}
        #: The names of what a class was built from: what its methods may be told under such a name is another thing.
        self.held: frozenset[str] = frozenset()
        self._numbers: dict[tuple[str, ast.expr | None, bool], int | float] = {}
        #: Arguments that stay from step to step, and the names of those that do not, by the list of parameters.
        self._bound: dict[int, tuple[dict[str, Any], list[str]]] = {}
        self.clock: Clock | None = None
        self.built: Instance | None = None

    def once(self, what: str, work: Callable[[], T]) -> T:
        """Something that only the site's text decides, worked out by the first run that asks for it."""
        if what not in self.learnt:
            self.learnt[what] = work()
        found: T = self.learnt[what]
        return found

    @property
    def sequences(self) -> frozenset[str]:
        return self.once("sequences", lambda: sequences(self.site.nodes))

    def _note_given(self, name: str, value: Any) -> None:
        """A value that a parameter of the site is given, where it holds one for each group."""
        several = isinstance(value, list | tuple) and len(value) > 0
        if several and name in self.once("beside groups", lambda: beside_groups(self.site.nodes)):
            host = self.world.host
            host.given_for = min(len(value), host.given_for or len(value))

    @property
    def epoch_lengths(self) -> frozenset[str]:
        """The names that the code uses as the batches of an epoch."""
        return frozenset(name for name, role in self.scenario.meant.items() if role is Role.LOADER_LENGTH)

    def ticks_of(self, parameters: Sequence[Parameter]) -> dict[str, Tick]:
        """Which parameters are the present position; what the code divides that by is an interval."""
        intervals = {name for name, role in self.scenario.meant.items() if role is Role.STEP_SIZE}
        told = [name for name, _, _ in parameters if name not in intervals and not self.scenario.ends(name)]
        in_epochs = self.once("in epochs", lambda: counts_in_epochs(self.site.nodes))
        return parameter_ticks(told, self.epoch_lengths, in_epochs)

    def start_clock(self, nested: bool) -> Clock:
        """From now on words for the present position are answered by a clock."""
        drawn = [v for path, v in self.world.host.leaves.items() if role_of(path) is Role.LOADER_LENGTH]
        per_epoch = drawn[0] if drawn else self.scenario.value("len(loader)")
        horizon = self.scenario.value("total_steps")
        if not isinstance(per_epoch, int) or per_epoch < 1:
            per_epoch = self.scenario.value("len(loader)")
        # A setting may leave a length out, or make a list of it; the clock goes on all the same.
        per_epoch = per_epoch if isinstance(per_epoch, int) and per_epoch > 0 else _BATCHES
        horizon = horizon if isinstance(horizon, int) and horizon > 0 else _STEPS
        known = self.scenario.overrides
        first = {tick: start for tick in Tick if isinstance(start := known.get(first_of(tick)), int)}
        self.clock = Clock(per_epoch, horizon, nested=nested, first=first)
        self.world.host.clock = self.clock
        return self.clock

    def optimizer(self, count: int, base_lrs: Sequence[float] | None) -> Instance:
        """An optimizer of ``count`` groups; code that reaches for one it did not build finds this one."""
        rates = list(base_lrs or self.scenario.base_lrs)
        while len(rates) < count:
            rates.append(rates[-1] * 0.7)
        self.base_lrs = rates[:count]
        groups = [{"params": [], "lr": rate, **self.group_options(rate)} for rate in self.base_lrs]
        optimizer = self.interpreter.call(optimizer_class(), groups, {"lr": self.base_lrs[0], **_OPTIONS})
        assert isinstance(optimizer, Instance)
        self.built = optimizer
        return optimizer

    def halve_rates(self) -> None:
        """What another scheduler on the same optimizer, or a line of the loop, may do between two steps."""
        for group in groups_of(self.built) if self.built is not None else ():
            if is_number(group.get("lr")):
                group["lr"] = group["lr"] * 0.5

    def group_options(self, rate: float) -> dict[str, object]:
        """Options of one's own that the site reads off a parameter group (``group["lr_scale"]``)."""
        # torch's own schedulers note the first rate themselves.
        found: dict[str, object] = {} if self.site.form in ("lambda", "subclass") else {"initial_lr": rate}
        fixed = starting(self.scenario.overrides, OF_GROUP).items()
        found |= {key: value for path, value in fixed if (key := key_of(path)) is not None}
        if self.site.form in ("lambda", "subclass"):
            return found
        for node, named in self.once("keys", lambda: list(keys_read(self.site.nodes))):
            option = option_of(node, named, rate)
            if option is not None:
                found.setdefault(named, option)
        return found

    def shared_optimizer(self, count: int, base_lrs: Sequence[float] | None) -> Instance:
        """Like ``optimizer``; code that reaches for an optimizer it was not given finds this one."""
        optimizer = self.optimizer(count, base_lrs)
        optimizer.fallback = self._interface(optimizer)
        self.world.host.optimizer = optimizer
        return optimizer

    def _interface(self, optimizer: Instance) -> Callable[[str], Any]:
        """What wrapped optimizers commonly offer beside torch's own: ``set_lr``, ``get_lr``, the optimizer inside."""
        groups = optimizer.attributes["param_groups"]

        def set_lr(rate: Any) -> None:
            for group in groups:
                group["lr"] = rate

        def answer(name: str) -> Any:
            if name == "set_lr":
                return NativeFunction(name, set_lr)
            if name == "get_lr":
                return NativeFunction(name, lambda: groups[0]["lr"])
            if name.startswith("["):
                return optimizer
            return optimizer_named(optimizer, name) if names_optimizer(name) else Unknown(f"optimizer.{name}")

        return answer

    def rates_of(self, optimizer: Instance) -> list[Any]:
        """The present rate of every group; raises Opaque when one is unknown."""
        groups = optimizer.attributes.get("param_groups")
        if type(groups) is list and len(groups) == len(self.base_lrs) and _DICTIONARY.issuperset(map(type, groups)):
            # As nearly always, at every step.
            found = [group.get("lr") for group in groups]
            if _FLOATS.issuperset(map(type, found)):
                return found
        found = self.written(optimizer)
        return found if _FLOATS.issuperset(map(type, found)) else [self.rate(rate) for rate in found]

    def written(self, optimizer: Instance) -> list[Any]:
        """What stands for the rate of every group; raises Opaque where nothing does."""
        wanted = len(self.base_lrs)
        found = [group["lr"] for group in groups_of(optimizer)[:wanted] if "lr" in group]
        if len(found) < wanted:
            raise Opaque("leaves a parameter group without a rate", None)
        return found

    def rate(self, value: Any) -> Any:
        if isinstance(value, Unknown):
            role = role_of(value.path)
            if role is Role.UNKNOWN or (role in LENGTHS and value.path.endswith(")")):
                raise Opaque(f"the rate becomes `{value.path}`, which this file does not fix", None)
            return plain(self.world.host.concretise(value, None, "number"))
        return plain(value)

    def value(self, node: ast.expr) -> Any:
        return self.world.evaluate(node)

    def call_arguments(
        self, call: ast.Call, optimizer: ast.expr | None, environment: Environment
    ) -> tuple[list[Any], dict[str, Any], list[int | str]]:
        """The arguments of a call of the user's file, and the slots that the optimizer belongs in."""
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        slots: list[int | str] = []
        for position, argument in enumerate(call.args):
            if argument is optimizer:
                slots.append(position)
                positional.append(None)
            elif isinstance(argument, ast.Starred):
                raise Opaque("is built with `*` arguments", call)
            else:
                positional.append(self.given(self.interpreter.evaluate(argument, environment)))
        for keyword in call.keywords:
            if keyword.arg is None:
                raise Opaque("is built with `**` arguments", call)
            if keyword.value is optimizer:
                slots.append(keyword.arg)
            elif keyword.arg in NEUTRAL:
                keywords[keyword.arg] = NEUTRAL[keyword.arg]
            else:
                keywords[keyword.arg] = self.given(self.interpreter.evaluate(keyword.value, environment))
        values = dict(zip(call.args, positional, strict=True))
        values |= {k.value: keywords[k.arg] for k in call.keywords if k.arg in keywords}
        for name, argument in arguments_of(call, self.site.node).items():
            self._note_given(name, values.get(argument))
        return positional, keywords, slots

    def given(self, value: Any) -> Any:
        """An argument as the callee will see it: a plain number where its role is known."""
        if isinstance(value, Unknown) and role_of(value.path) is not Role.UNKNOWN and not value.path.endswith(")"):
            number = self.world.host.concretise(value, None, "number")
            if last_word(value.path) in self.sequences:
                number = self.world.host.leaves[value.path] = several(number)
            return number
        return value

    def at(self, construction: Construction | None) -> Bench:
        """This bench as the file in which a construction stands sees it."""
        if construction is None or construction.names is None or construction.names is self.names:
            return self
        other = copy(self)
        other.names = construction.names
        other.world = self.world.beside(construction.names)
        return other

    def stated_rates(self, construction: Construction, groups: int) -> list[float] | None:
        """The base rate where the optimizer's own call states it (``SGD(params, lr=args.lr)``)."""
        rate = stated_rate(construction, self.names)
        if rate is None:
            return None
        try:
            value = self.at(construction).world.evaluate(rate)
            if isinstance(value, Unknown):
                value = self.world.host.concretise(value, rate, "number")
        except (Opaque, UserError):
            return None
        base = finite(value)
        if base is None or not base > 0:
            return None
        self.scenario.base = base
        return [base * 0.3**index for index in range(groups)]

    def parameter(self, name: str, default: ast.expr | None, required: bool) -> Any:
        """A value for a parameter by its role, or ``OMIT`` where its default should hold."""
        key = (name, default, required)
        if key in self._numbers:
            # A function is asked at every step, and a number is what it was.
            value = self.world.host.leaves[name] = self._numbers[key]
            return value
        value = self._parameter(name, default, required)
        if type(value) in (int, float) and self.world.host.leaves.get(name) is value and name in self.parameters:
            self._numbers[key] = value
        return value

    def _parameter(self, name: str, default: ast.expr | None, required: bool) -> Any:
        # A class that is none of torch's has its own first position, which its callers say.
        own = self.site.form == "wrapper" and type(self.scenario.said.get(name)) is int
        if name in NEUTRAL and not own:
            return NEUTRAL[name] if required or name == "last_epoch" else OMIT
        stated = literal(default)
        role = role_of(name)
        overridden, absent = name in self.scenario.overrides, False
        if boundless(self.names, default) and not overridden and role in (*LENGTHS, Role.UNKNOWN):
            # "Without end" states no length: any that training may have will do.
            stated = None
            if role is Role.UNKNOWN:
                self.scenario.values.setdefault(name, self.scenario.value("total_steps"))
                role = Role.HORIZON
        elif not overridden and default is not None:
            if isinstance(default, ast.Constant) and default.value is None:
                if not self.scenario.fill_none or role not in (*LENGTHS, Role.FLOOR, Role.FLOOR_RATIO, Role.PEAK):
                    return OMIT
                stated, absent = 0, True
            if stated is None or isinstance(stated, bool | str) or role is Role.LAST_EPOCH:
                return OMIT
        if stated is not None and not absent and (not self.scenario.fill_none or role is Role.UNKNOWN):
            self.world.host.defaults.own.setdefault(name, stated)
        if required and names_rate_key(name) and not overridden:
            return "lr"
        if role is Role.UNKNOWN and stated is None and not overridden:
            self.parameters.setdefault(name, None)
            return Unknown(name)
        value = self.scenario.value(name)
        if absent and role is Role.DECAY_LENGTH and isinstance(value, int):
            # What is optional is a part of the whole: shorter than it.
            value //= 3
        if isinstance(value, Unknown):
            return value
        if not overridden and stated is None and last_word(name) in self.sequences:
            value = several(value)
        self.world.host.leaves[name] = value
        self.parameters[name] = value
        made = length_object(self.interpreter, self.world, self.site.node, name, value)
        if made is not MISSING:
            self.world.host.measured = True
            return made
        return self.world.host.dressed(name, value)

    def bound(
        self, parameters: Sequence[Parameter], optimizer: Instance | None, ticks: dict[str, Tick] | None = None
    ) -> dict[str, Any]:
        """Arguments for all parameters: the optimizer, the clock, the rest by their roles."""
        found: dict[str, Any] = {}
        given = POSITION_GIVEN in self.scenario.overrides
        for name, default, required in parameters:
            chosen = isinstance(self.scenario.overrides.get(name), str)  # `optimizer="adam"`: its name
            if optimizer is not None and names_optimizer(name) and not chosen and name not in options_of(self.names):
                found[name] = optimizer_named(optimizer, name)
            elif ticks and name in ticks and name not in self.scenario.overrides:
                asked = given and not any(other in found for other in ticks)
                if required or asked or not (isinstance(default, ast.Constant) and default.value is None):
                    found[name] = self.moment(name, ticks[name])
            elif name.lower() in _MODULES:
                if required:
                    found[name] = Unknown(name)
            elif name in self.held and isinstance(default, ast.Constant) and default.value is None:
                pass
            else:
                value = self.parameter(name, default, required)
                if value is not OMIT:
                    found[name] = value
                    self._note_given(name, value)
        return found

    def bound_now(
        self, parameters: Sequence[Parameter], optimizer: Instance | None, ticks: dict[str, Tick]
    ) -> dict[str, Any]:
        """What ``bound`` finds, step after step: where all else is plain, only the position is another each time."""
        if id(parameters) in self._bound:
            kept, moving = self._bound[id(parameters)]
            return {**kept, **{name: self.moment(name, ticks[name]) for name in moving}}
        found = self.bound(parameters, optimizer, ticks)
        still = {name for name, value in found.items() if value is optimizer or type(value) in _PLAIN}
        moving = [n for n in found if n in ticks and n not in self.scenario.overrides and found[n] is not optimizer]
        if still.union(moving) == found.keys():
            self._bound[id(parameters)] = found, moving
        return found

    def turns(self, parameters: Sequence[Parameter], optimizer: Instance) -> list[dict[str, Any]]:
        """What a function is given in each of the calls of one step: one a group, where it takes a group."""
        taken = next((name for name, _, required in parameters if required and name in _GROUPS), None)
        if taken is None:
            return [{}]
        return [{taken: group} for group in groups_of(optimizer)]

    def moment(self, name: str, tick: Tick) -> Any:
        """The present position for a parameter, with a unit where its type is a class that has one."""
        assert self.clock is not None
        host = self.world.host
        typed = host.measures is not None and name in host.measures.named
        return host.dressed(name, self.clock.read(tick)) if typed else self.clock.read(tick)

    def visible(self, construction: Construction | None) -> dict[str, object]:
        """The numbers that the user's own names have where the scheduler is built."""
        if construction is None or self.site.form not in ("lambda", "subclass"):
            leaves = self.world.host.leaves
            own = self.parameters if self.site.form == "subclass" else {**leaves, **self.parameters}
            return {**own, **{k: v for k, v in leaves.items() if k in own}}
        there = self.at(construction)
        if there is not self:
            return there.visible(construction)
        found: dict[str, object] = {}
        scope = self.names.scope_of(construction.call)
        environment = self.world.environment(scope, construction.call)
        parts = self._assembled(construction, scope)
        bound = {
            a.arg for part in parts if isinstance(part, ast.Lambda) for a in walk(part.args) if isinstance(a, ast.arg)
        }
        for part in parts:
            if any(isinstance(n, ast.Name) and n.id in bound for n in walk(part)):
                continue
            if isinstance(part, ast.BinOp | ast.Call | ast.Attribute | ast.Subscript) and part is not construction.call:
                number = self._number(part, environment)
                if number is not None:
                    found[ast.unparse(part)] = number
        wanted = [n.id for node in self.site.nodes for n in walk(node) if isinstance(n, ast.Name)]
        wanted += [n.id for n in parts if isinstance(n, ast.Name)]
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
        nested = {n.arg for node in self.site.nodes for n in walk(node) if isinstance(n, ast.arg)}
        seen = {name for name in nested if self.names.owner(name, scope) is not None}
        for part in (n for node in self.site.nodes for n in walk(node) if isinstance(n, ast.Attribute)):
            if self._of_another_file(part, environment) and (number := self._number(part, environment)) is not None:
                found[ast.unparse(part)] = number
        for path, value in self.world.host.leaves.items():
            if path.split(".")[0].split("[")[0].split("(")[0] not in nested - seen:
                found.setdefault(path, value)
        return found

    def _assembled(self, construction: Construction, scope: Scope) -> list[ast.AST]:
        """The parts of a construction, and of what was put together before and is handed over under a name."""
        parts = list(walk(construction.call))
        followed: set[ast.expr] = set()
        for part in parts:
            if part is construction.optimizer or not isinstance(part, ast.Name):
                continue
            if self.names.owner(part.id, scope) is not scope:
                continue
            binding = self.names.reaching(part.id, scope, construction.call)
            if not isinstance(binding, Assigned) or binding.index or binding.value in followed:
                continue
            if isinstance(binding.value, ast.Call) and len(followed) < _MOST_FOLLOWED:
                followed.add(binding.value)
                parts += walk(binding.value)
        return parts

    def _of_another_file(self, part: ast.Attribute, environment: Environment) -> bool:
        """Whether an expression is a member of an imported module of the project (``config.EPOCHS``)."""
        if not isinstance(part.value, ast.Name) or self.names.neighbours is None or part not in self.names.parents:
            return False
        value = environment.lookup(part.value.id)
        return isinstance(value, Instance) and value.cls is MODULE

    def _number(self, part: ast.expr, environment: Environment) -> float | None:
        """The value of a part of the construction, when it is a number that needs no new assumption."""
        if any(isinstance(n, ast.Lambda | ast.Starred) for n in walk(part)):
            return None
        try:
            value = self.interpreter.evaluate(part, environment)
        except (Opaque, UserError):
            return None
        if isinstance(value, Unknown):
            value = self.world.host.leaves.get(value.path)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


__all__ = ["OMIT", "Bench", "groups_of"]
