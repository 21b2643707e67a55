"""What a region computes: run in lrfix's own interpreter under drawn values, and told by its curve."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lrfix.domains.clock import is_object
from lrfix.domains.facts import literal, numbers_written
from lrfix.domains.inferred import inferred
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.signatures import arguments_of
from lrfix.domains.uses import roles_by_use
from lrfix.driving.imported import imported
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter, Refusing
from lrfix.interpreter.stack import roomy
from lrfix.interpreter.values import Unknown
from lrfix.names import Argument, Assigned, Imported, Names
from lrfix.recognition import Sample, recognise
from lrfix.rewriting.in_place.calls import LENGTH_ARGUMENTS, RATE_ARGUMENTS, Call, as_written, call_of
from lrfix.rewriting.in_place.positions import put_together
from lrfix.rewriting.in_place.reads import root_of
from lrfix.rewriting.in_place.regions import Region
from lrfix.rewriting.in_place.shares import LENGTHS as WALKED
from lrfix.rewriting.in_place.shares import WHOLE, held_at_one, in_shares, is_share
from lrfix.rewriting.in_place.staircases import with_drops_in_warmup

SAMPLES = 4
_FUEL = 4_000_000
_LONGEST = 700
_SHORTEST = 40
_FEWEST = 8
_BEYOND = 1.6
_NONES = "several of the values that it reads may be None"


@dataclass(frozen=True)
class Formula:
    """A region whose value one call gives. ``open_end``: past the horizon the two are not the same.

    ``values`` are the leaves in each draw that it was recognised by, the position left out. ``counted``: the position
    is a difference of others, so it may be negative. A table has a ``length``, and is an ``array`` of the module of
    that name, or a list; the position is then the counter of its entries. ``share``: the position goes from 0 to 1.
    """

    region: Region
    call: Call
    open_end: bool
    values: tuple[dict[str, Any], ...]
    counted: bool = False
    length: str | None = None
    array: str | None = None
    share: bool = False

    @property
    def step(self) -> str:
        """The position in the user's own terms."""
        return self.region.position or self.call.step

    @property
    def texts(self) -> tuple[str, ...]:
        """What the call reads, in the user's own terms."""
        if self.length is not None:
            return (*self.call.arguments.values(), self.length, *([self.array] if self.array is not None else ()))
        return self.step, *self.call.arguments.values()


class Curve:
    """A region's value as a function of the position and the other leaves, in lrfix's own interpreter."""

    def __init__(self, names: Names, region: Region, step: str) -> None:
        self.names = names
        self.region = region
        self.step = step

    @roomy
    def made(self, values: dict[str, Any]) -> Any:
        """What the region makes, whatever it is. Raises Opaque, and UserError for the code's own exception."""
        host = _Given(values)
        interpreter = Interpreter(host=host, fuel=_FUEL)
        return self._value(interpreter, self._environment(interpreter, host))

    @roomy
    def sampled(self, values: dict[str, Any], positions: Sequence[float]) -> list[float]:
        """The values at ``positions``, ended early by the code's own exception. Raises Opaque."""
        host = _Given(values)
        interpreter = Interpreter(host=host, fuel=_FUEL)
        found: list[float] = []
        for position in positions:
            host.values[self.step] = position
            environment = self._environment(interpreter, host)
            try:
                value = self._value(interpreter, environment)
            except UserError:
                break
            if isinstance(value, Unknown):
                value = host.concretise(value, None, "number")
            if isinstance(value, complex):
                break  # a root of what has become negative: past the end
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Opaque("gives no number", self.region.first)
            found.append(float(value))
        return found

    def _environment(self, interpreter: Interpreter, host: _Given) -> Environment:
        module = Environment(missing=self._module_name)
        for helper in self.region.helpers:
            interpreter.execute([helper], module)
        environment = Environment(parent=module)
        for name in self.region.forgotten:
            environment.set(name, None)
        for leaf in self.region.leaves:
            root = root_of(leaf)
            environment.set(root, host.values[leaf] if leaf == root else Unknown(root))
            # A helper reads the module's own names.
            module.set(root, host.values[leaf] if leaf == root else Unknown(root))
        return environment

    def _value(self, interpreter: Interpreter, environment: Environment) -> Any:
        region = self.region
        first = region.computed[0]
        if isinstance(first, ast.Assign) and isinstance(first.targets[0], ast.Attribute | ast.Subscript):
            return interpreter.evaluate(first.value, environment)
        if region.target is None:
            inner = Environment(parent=environment)
            interpreter.execute([self._function], inner)
            given = (environment.get(parameter.arg) for parameter in self._function.args.args)
            return interpreter.call(inner.get("region"), *given)
        interpreter.execute(list(region.computed), environment)
        return environment.get(region.target)

    @cached_property
    def _function(self) -> ast.FunctionDef:
        """The region as a function: what it reads may be bound anew in it, as a parameter may."""
        region = self.region
        roots = dict.fromkeys((*map(root_of, region.leaves), *sorted(region.forgotten)))
        taken = ast.arguments([], [ast.arg(root) for root in roots], None, [], [], None, [])
        function = ast.FunctionDef("region", taken, list(region.computed), [], None)
        vars(function).setdefault("type_params", [])
        ast.copy_location(function, region.first)
        return ast.fix_missing_locations(function)

    def _module_name(self, name: str) -> Any:
        bindings = self.names.scopes[self.names.tree].bindings.get(name, [])
        found = [b for b in bindings if isinstance(b, Imported)]
        if not found:
            raise KeyError(name)
        return imported(found[0].qualified, name)


class _Given(Refusing):
    """Answers with the drawn values alone."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = dict(values)

    def concretise(self, unknown: Unknown, node: ast.AST | None, wanted: str) -> Any:
        if unknown.path in self.values:
            return self.values[unknown.path]
        raise Opaque(f"depends on `{unknown.path}`", node)


def formula_of(names: Names, region: Region) -> Formula | str:
    """The call that a region's curve is recognised as, or why there is none."""
    together = put_together(region)
    found = _formula_of(names, together or region)
    if isinstance(found, str) and together is None and not any(_is_difference(names, region, s) for s in region.steps):
        moved = put_together(region, constants=True)
        other = _formula_of(names, moved) if moved is not None else found
        found = found if isinstance(other, str) else other
    return found


def _formula_of(names: Names, region: Region) -> Formula | str:
    reason = "nothing that it reads is the position in training"
    for step in region.steps[:2]:
        if is_object(step):
            reason = f"`{step}` is an object of the trainer's, and no number"
            continue
        if not region.nones and is_share(names, step, region.leaves[step]):
            draws = [drawn(names, region, step, index) for index in range(SAMPLES)]
            found = _recognised(names, region, draws, step, share=True)
            if isinstance(found, Formula):
                return found
        found = _recognised(names, region, [drawn(names, region, step, index) for index in range(SAMPLES)], step)
        if isinstance(found, str) and (small := _small(names, region, step)) is not None:
            other = _recognised(names, region, small, step)
            found = found if isinstance(other, str) else other
        if region.nones:
            found = _with_or_without(names, region, step, *region.nones) if len(region.nones) == 1 else _NONES
        if isinstance(found, Formula):
            return found
        reason = found
    return reason


def _with_or_without(names: Names, region: Region, step: str, leaf: str) -> Formula | str:
    """The call whose arguments a leaf chooses by being None or not, where both sides are schedules of one kind."""
    draws = [drawn(names, region, step, index) for index in range(SAMPLES)]
    without = [{**values, leaf: None} for values in draws]
    everything = tuple(region.leaves)
    given, left_out = (_recognised(names, region, each, step, everything) for each in (draws, without))
    if isinstance(given, str) or isinstance(left_out, str):
        return given if isinstance(given, str) else str(left_out)
    first, second = given.call, left_out.call
    if first.function != second.function or set(first.arguments) != set(second.arguments):
        return f"with and without `{leaf}` it is another schedule"
    arguments = {
        name: text if text == (other := second.arguments[name]) else f"{text} if {leaf} is not None else {other}"
        for name, text in first.arguments.items()
    }
    read = {ast.unparse(n) for text in arguments.values() for n in ast.walk(ast.parse(text)) if isinstance(n, ast.expr)}
    unread = [each for each in region.leaves if each not in read and each != step]
    if unread:
        return f"`{unread[0]}` has no part in the curve, and may have one at another value"
    values = (*given.values, *left_out.values)
    call = replace(first, arguments=arguments)
    return replace(given, call=call, values=values, open_end=given.open_end or left_out.open_end)


def _small(names: Names, region: Region, step: str) -> list[dict[str, Any]] | None:
    """The draws with what no name tells as small rates: a floor by another word. None where the names tell all."""
    draws = [drawn(names, region, step, index) for index in range(SAMPLES)]
    untold = [leaf for leaf, value in draws[0].items() if type(value) is int and role_of(leaf) is Role.UNKNOWN]
    if not untold:
        return None
    for index, values in enumerate(draws):
        values.update({leaf: 0.0017 * (1 + 0.31 * index + 0.23 * place) for place, leaf in enumerate(untold)})
    return draws


def _recognised(
    names: Names,
    region: Region,
    draws: Sequence[dict[str, Any]],
    step: str,
    more: Sequence[str] = (),
    share: bool = False,
) -> Formula | str:
    curve = Curve(names, region, step)
    samples = []
    ended = False
    written = numbers_written([*region.statements, *region.helpers])
    for values, whole in zip(draws, WALKED, strict=False):
        length = int(whole * _BEYOND) if share else _length(values, region)
        try:
            rates = curve.sampled(values, [k / whole for k in range(length)] if share else range(length))
        except Opaque as opaque:
            return f"it cannot be simulated: {opaque.reason}"
        if not rates and not share:
            rates = _from_one(curve, values, length)
        if len(rates) < _FEWEST:
            return f"it has no value at step {len(rates)} with {_shown(values)}"
        ended = ended or len(rates) < length
        numbers = {k: v for k, v in values.items() if isinstance(v, int | float | list) and not isinstance(v, bool)}
        samples.append(Sample(tuple(rates), 1.0, {**numbers, WHOLE: whole} if share else numbers, written))
    reason: str | None = None
    counted = _is_difference(names, region, step)
    ends = [[held_at_one(s) for s in samples]] if share and not ended else []
    for cut in (samples, *ends, *_cuts(samples), *_held(samples)):
        call = call_for(cut, step, region, more)
        open_end = ended or cut is not samples
        if share and isinstance(call, Call):
            call = in_shares(call) or f"`{step}` does not go from 0 to 1 in it"
        if isinstance(call, str):
            reason = reason or call
        elif share:
            return Formula(region, call, open_end, tuple(draws), counted, share=True)
        else:
            call = with_drops_in_warmup(call, draws[0], curve.sampled)
            return Formula(region, call, open_end, tuple(draws), counted)
    return reason or "it shows no curve"


def _from_one(curve: Curve, values: dict[str, Any], length: int) -> list[float]:
    """The rates of a formula that has none at 0, as if it went on there in line with the two after it."""
    try:
        rates = curve.sampled(values, range(1, length))
    except Opaque:
        return []
    if len(rates) < _FEWEST:
        return []
    first = 2 * rates[0] - rates[1]
    return [first if abs(first) > 1e-12 * max(map(abs, rates)) else 0.0, *rates]


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _of_two_kinds(call: Call, region: Region) -> str | None:
    """A leaf that would stand in a length and in a rate: then the value is no rate, whatever its curve looks like."""
    read: dict[bool, set[str]] = {True: set(), False: set()}
    for name, text in call.arguments.items():
        if name in LENGTH_ARGUMENTS or name in RATE_ARGUMENTS:
            read[name in LENGTH_ARGUMENTS] |= {ast.unparse(n) for n in ast.walk(ast.parse(text, mode="eval"))}
    width = call.function == "warmup_inverse_sqrt"  # its peak is made of its warmup
    return next((leaf for leaf in region.leaves if leaf in read[True] & read[False] and not width), None)


def _is_difference(names: Names, region: Region, leaf: str) -> bool:
    step = region.leaves[leaf]
    if not isinstance(step, ast.Name):
        return False
    # What the formula itself makes of the position is not what it is told.
    own = {n for s in region.statements for n in ast.walk(s)}
    values = [b.value for b in names.bindings(step.id, step) if isinstance(b, Assigned) and b.value not in own]
    return any(isinstance(n, ast.Sub | ast.USub) for value in values for n in ast.walk(value))


def call_for(samples: Sequence[Sample], step: str, region: Region, more: Sequence[str] = ()) -> Call | str:
    """The call that gives the samples and reads all that the region reads, ``more`` texts counted in; else why not."""
    try:
        found = recognise(samples)
    except ValueError as error:
        return str(error)
    if found.spec is None:
        return found.reason or "the bundled functions have no such curve"
    if found.family == "constant":
        return "its value never moves"
    call = call_of(found.spec, step)
    call = replace(call, arguments={n: as_written(t, region.computed) for n, t in call.arguments.items()})
    read = {
        ast.unparse(n)
        for t in (*call.texts, *more)
        for n in ast.walk(ast.parse(t, mode="eval"))
        if isinstance(n, ast.expr)
    }
    # What the formula reads and the call does not may matter at another value.
    doubled = _of_two_kinds(call, region)
    if doubled is not None:
        return f"`{doubled}` would be a length and a rate at once"
    unread = [leaf for leaf in region.leaves if leaf not in read]
    return f"`{unread[0]}` has no part in the curve, and may have one at another value" if unread else call


def _cuts(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The curves up to where they fall below zero, or up to their lowest point: with all of a clamp there, with it and
    without.

    Where nobody goes on, nobody sees what comes then.
    """
    below = [next((k for k, rate in enumerate(s.lr) if rate < 0), len(s.lr)) for s in samples]
    if all(_FEWEST < k < len(s.lr) for k, s in zip(below, samples, strict=True)):
        return [[replace(s, lr=s.lr[:k]) for k, s in zip(below, samples, strict=True)]]
    lowest, held = [], []
    for sample in samples:
        top = max(range(len(sample.lr)), key=sample.lr.__getitem__)
        rest = sample.lr[top:]
        lowest.append(top + min(range(len(rest)), key=rest.__getitem__))
        level = sample.lr[lowest[-1]]
        held.append(next((k for k in range(lowest[-1], len(sample.lr)) if sample.lr[k] != level), len(sample.lr)))
    ends = [[low + 1 for low in lowest], lowest]
    if held != ends[0]:
        ends.insert(0, held)
    return [
        [replace(s, lr=s.lr[:end]) for end, s in zip(each, samples, strict=True)]
        for each in ends
        if all(_FEWEST < end < len(s.lr) for end, s in zip(each, samples, strict=True))
    ]


def _held(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """The curves held from where a length of the run ends, whatever they do beyond: a line has no end of its own."""
    for leaf in samples[0].names:
        told = [(sample, sample.names.get(leaf)) for sample in samples]
        ends = [(s, end) for s, end in told if type(end) is int and _FEWEST < end < len(s.lr)]
        if role_of(leaf) in (Role.EPOCHS, Role.HORIZON) and len(ends) == len(samples):
            yield [replace(s, lr=(*s.lr[:end], *[s.lr[end]] * (end // 2))) for s, end in ends]


def drawn(names: Names, region: Region, step: str, index: int) -> dict[str, Any]:
    """Values of the leaves other than the position: by their use, then by their names."""
    scenario = Scenario(index)
    scenario.meant = roles_by_use(region.computed)
    scenario.inferred = inferred(names)
    found = {leaf: scenario.value(leaf) for leaf in region.leaves if leaf != step}
    rates = {leaf: value for leaf in found if isinstance(value := stated(names, region.leaves[leaf]), float)}
    for place, (leaf, value) in enumerate(rates.items()):
        if isinstance(found[leaf], int) and not isinstance(found[leaf], bool):
            # The code states a fraction where the name says nothing: near to it, and in no proportion to the others.
            near = value or 0.013 * max((abs(v) for v in rates.values()), default=0.0) or 0.0013
            found[leaf] = near * (1 + (0.31 + 0.17 * place) * index)
    return found


def stated(names: Names, leaf: ast.expr) -> float | int | None:
    """A number that the code states for a plain name: what a call of the file gives for it, or its default."""
    if not isinstance(leaf, ast.Name):
        return None
    found: list[object] = []
    for binding in names.bindings(leaf.id, leaf):
        if isinstance(binding, Assigned):
            found.append(literal(binding.value))
        elif isinstance(binding, Argument) and isinstance(binding.function, ast.FunctionDef):
            function = binding.function
            given = (
                arguments_of(n, function).get(leaf.id)
                for n in names.nodes
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == function.name
            )
            found += [literal(value) for value in (*given, binding.default)]
    numbers = [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]
    return next((v for v in numbers if isinstance(v, float)), next(iter(numbers), None))


def _length(values: dict[str, Any], region: Region) -> int:
    """How many positions show the whole curve."""
    written = (n.value for s in region.computed for n in ast.walk(s) if isinstance(n, ast.Constant))
    lengths = [v for v in written if isinstance(v, int) and not isinstance(v, bool) and v < _LONGEST]
    lengths += [v for k, v in values.items() if isinstance(v, int) and not isinstance(v, bool)]
    lengths += [max(v) for v in values.values() if isinstance(v, list) and v and all(isinstance(n, int) for n in v)]
    epochs = max(
        (v for k, v in values.items() if role_of(k) in (Role.EPOCHS, *LENGTHS) and isinstance(v, int)), default=0
    )
    turns = max((v for k, v in values.items() if role_of(k) is Role.LOADER_LENGTH and isinstance(v, int)), default=1)
    longest = max([*lengths, epochs * turns, _SHORTEST])
    return int(min(longest * _BEYOND + 12, _LONGEST))


__all__ = ["SAMPLES", "Curve", "Formula", "call_for", "drawn", "formula_of"]
