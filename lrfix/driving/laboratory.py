"""Builds a schedule under a scenario, steps it, and keeps what happened: a ``Run``.

The optimizer is a stand-in with as many parameter groups as the experiment asks for; the scheduler is the user's own
code on top of stand-ins of torch's classes. Rates are in the optimizer's units; step 0 is the rate that the first
optimizer step uses.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lrfix.domains.clock import counts_items
from lrfix.domains.facts import Defaults, literal
from lrfix.domains.inferred import inferred
from lrfix.domains.kinds import is_number
from lrfix.domains.lengths import holds_lengths
from lrfix.domains.measures import measures_of
from lrfix.domains.overrides import Overrides
from lrfix.domains.roles import Role, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.signatures import arguments_of, stated_rate
from lrfix.domains.uses import roles_by_use
from lrfix.driving.bench import Bench
from lrfix.driving.budget import RUN, reserve_of
from lrfix.driving.forms import build
from lrfix.driving.forms.running import Running
from lrfix.driving.host import Host
from lrfix.driving.rehearsal import Rehearsal
from lrfix.driving.trace import Trace, Write
from lrfix.driving.world import World
from lrfix.finite import finite
from lrfix.interpreter.errors import Finished, FuelSpent, Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.recorder import Recorder
from lrfix.interpreter.reserve import SPENT
from lrfix.interpreter.stack import roomy
from lrfix.interpreter.values import Instance
from lrfix.names import Names
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.trees import written
from lrfix.wording import num


@dataclass(frozen=True)
class Failure:
    """An exception of the user's own code: its type and message, and the step at which it came (-1: construction)."""

    kind: str
    message: str
    step: int
    node: ast.AST | None


@dataclass
class Run:
    """One simulated training run. ``lr[g][k]`` is the rate of group ``g`` at step ``k``, or at step ``at[k]``.

    ``refused``: the expression that no value could be drawn for, and what was wanted of it, where that ended the run.
    ``parted``: it was ended where it gave another rate than the run beside it. ``ended``: it came to an end
    by itself, and more steps of it there are none; ``walk``: what goes on with it, where it did not. ``borrowed``:
    another file of the project was needed; ``alone``: none was looked at, in this run or for it.
    """

    scenario: Scenario
    base_lrs: tuple[float, ...]
    lr: list[list[Any]] = field(default_factory=list)
    failure: Failure | None = None
    opaque: str | None = None
    endless: bool = False
    built: Trace | None = None
    stepped: Trace | None = None
    leaves: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, object] = field(default_factory=dict)
    scheduler: Any = None
    borrowed: bool = False
    alone: bool = False
    measured: bool = False
    variants: int = 1
    invented: frozenset[str] = frozenset()
    at: tuple[int, ...] = ()
    refused: tuple[str, str] | None = None
    parted: bool = False
    ended: bool = False
    walk: Walk | None = field(default=None, repr=False, compare=False)

    @property
    def curve(self) -> list[Any]:
        return self.lr[0] if self.lr else []

    @property
    def ran(self) -> bool:
        return self.opaque is None and bool(self.lr)

    def parts_from(self, rates: Sequence[Any], step: int) -> bool:
        """Whether some other rates at a step are not this run's."""
        return step < len(self.curve) and any(own[step] != rate for own, rate in zip(self.lr, rates, strict=False))

    def writes(self) -> list[Write]:
        """State written while the schedule was stepped, after construction."""
        return self.stepped.writes if self.stepped else []

    def repeated(self, groups: int) -> Run:
        """The run with the rates of its first group, of which all are copies, as often as that."""
        return replace(self, lr=[list(rates) for rates in self.lr[:1] * groups], base_lrs=self.base_lrs[:1] * groups)

    def first(self, steps: int) -> Run:
        """What the run was after so many steps; its traces tell of the later ones too."""
        if steps > len(self.curve) or (steps == len(self.curve) and not self.ended):
            return self
        lr = [rates[:steps] for rates in self.lr]
        return replace(self, lr=lr, failure=None, opaque=None, endless=False, refused=None, ended=False, walk=None)


#: What a call states beyond this may be a length that no simulation reaches; what is below 0 often says "none".
_MOST_SAID = 400


@dataclass(frozen=True)
class Laboratory:
    """Everything needed to run one site again and again."""

    names: Names
    site: ScheduleSite
    #: Runs by what they were asked beside their settings: see ``run_before``.
    remembered: dict[Hashable, list[Run]] = field(default_factory=dict, compare=False)
    #: What the text of the site says of how it is run: see ``Bench.once``.
    learnt: dict[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def gives_values(self) -> bool:
        """Whether the site gives its rate as a value: no optimizer has a part in its runs."""
        return self.site.form not in ("lambda", "subclass", "wrapper", "setter", "composition")

    def same_alone(self, construction: Construction) -> bool:
        """Whether a call of the site tells its runs nothing.

        Where schedulers are put together it is what is run anyway, and a function that does so is given what its
        parameters are by their names, wherever it is called.
        """
        site = self.site
        itself = getattr(site.nodes[-1], "value", None) is construction.call
        if site.form != "composition" or construction.names is not None:
            return False
        if not (itself or isinstance(site.node, ast.FunctionDef)):
            return False
        return not _lengths_in(construction, site.node) and stated_rate(construction, self.names) is None

    @cached_property
    def counts_items(self) -> bool:
        return counts_items(self.site.nodes)

    @cached_property
    def roles_by_use(self) -> Mapping[str, Role]:
        return roles_by_use(self.site.nodes)

    @cached_property
    def said(self) -> Mapping[str, object]:
        """The numbers that calls state for parameters of the site: the first of each, no length beyond a simulated run.

        Of a method's calls those by name alone: whether one gives ``self`` as well is not looked up.
        """
        site = self.site
        method = isinstance(self.names.parents.get(site.node), ast.ClassDef)
        found: dict[str, object] = {}
        for call in (*site.calls, *(use.call for use in (*site.constructions, *site.elsewhere))):
            keywords = {keyword.arg for keyword in call.keywords}
            for name, value in arguments_of(call, site.node).items():
                said = literal(value)
                number = finite(said)
                if number is not None and 0 <= number <= _MOST_SAID and (not method or name in keywords):
                    found.setdefault(name, said)
        return found

    @cached_property
    def draws_lengths(self) -> bool:
        """Whether lengths that the file states are replaced where they are too long to be simulated."""
        return not holds_lengths(self.site.nodes)

    def prepared(self, scenario: Scenario, construction: Construction | None, recorder: Recorder) -> Bench:
        """Where the site can be built under a scenario, in a world of its own."""
        defaults = Defaults(self.names)
        if construction is not None:
            if construction.names is not None:
                defaults.join(construction.names)
            scenario.overrides = Overrides(_as_given(scenario.overrides, construction, self.site.node))
        host = Host(scenario, defaults, measures_of(self.names))
        host.in_items = self.counts_items
        host.draws_lengths = self.draws_lengths
        scenario.defaults = defaults
        scenario.inferred = inferred(self.names)
        scenario.meant = self.roles_by_use
        scenario.stated = _lengths_in(construction, self.site.node)
        scenario.said = Overrides(self.said)
        reserve = reserve_of(self.names.tree, self.site.node)
        interpreter = Interpreter(host=host, recorder=recorder, fuel=RUN, reserve=reserve)
        world = World(self.names, interpreter, host)
        return Bench(self.names, self.site, world, interpreter, scenario, self.learnt)

    def run_before(
        self,
        kind: Hashable,
        construction: Construction | None,
        overrides: Mapping[str, object],
        steps: int,
        vary_unknown: bool = False,
    ) -> Run | None:
        """A run of a kind that was made under other settings and asked for nothing in which these differ.

        It has so many steps at least, or has come to an end by itself.
        """
        overrides = _as_given(overrides, construction, self.site.node)
        for run in self.remembered.get(kind, ()):
            known, scenario = run.scenario.overrides, run.scenario
            enough = run.ended or len(run.curve) >= steps
            enough = enough and (scenario.vary_unknown is vary_unknown or not scenario.varies)
            if enough and isinstance(known, Overrides) and known.answers_alike(overrides):
                values = dict(scenario.values)
                scenario = replace(scenario, overrides=overrides, vary_unknown=vary_unknown, values=values)
                return replace(run, scenario=scenario, walk=None)
        return None

    def remember(self, kind: Hashable, run: Run) -> None:
        """Know a run; one that there was no more fuel for says nothing of what comes when there is."""
        if run.opaque != SPENT:
            self.remembered.setdefault(kind, []).append(run)

    def take_over(self, beside: Laboratory) -> None:
        """Know the runs of the same site beside other files that would be the same without them."""
        if self.site != replace(beside.site, elsewhere=()):
            return
        for kind, runs in beside.remembered.items():
            found = (run for run in runs if self._the_same_here(run))
            self.remembered[kind] = [replace(run, scenario=replace(run.scenario, said=self.said)) for run in found]

    def _the_same_here(self, run: Run) -> bool:
        said = run.scenario.said
        return run.alone and isinstance(said, Overrides) and said.answers_alike(self.said)

    @roomy
    def run(
        self,
        scenario: Scenario,
        *,
        construction: Construction | None,
        steps: int,
        groups: int = 2,
        base_lrs: Sequence[float] | None = None,
        jump: int | None = None,
        meddled: int | None = None,
        rehearsal: Rehearsal | None = None,
        at: Sequence[int] = (),
        beside: Run | None = None,
    ) -> Run:
        """Build the scheduler and step it ``steps`` times; with ``jump`` go straight to that step and look once.

        With ``at`` it is asked at these steps alone, each gone to at once, however far apart they lie.

        Before step ``meddled`` somebody else halves every rate: what reads the present one goes on from there.

        ``construction`` is the call of the user's file that builds it; None builds a class from the parameters of its
        own constructor. ``base_lrs`` override the scenario's base rates (one a group). With ``rehearsal`` a function is
        asked once more before each of its calls. ``beside`` another run it ends with the first rate that is another.
        """
        again = replace(scenario, values=dict(scenario.values), shortened=dict(scenario.shortened))
        built, stepped = Trace(self.names.parents), Trace(self.names.parents)
        bench = self.prepared(scenario, construction, built)
        if rehearsal is not None:
            bench.interpreter.before_call = rehearsal.on(bench.interpreter)
        walk = Walk(bench, construction, built, stepped, jump, meddled, tuple(at), beside)
        walk.begin(groups, base_lrs)
        run = walk.to(len(at) or steps)
        fewer = bench.world.host.given_for
        if fewer is None or fewer >= len(run.lr):
            return run
        # An optimizer with more groups than that is none that the code is ever given.
        return self.run(
            again,
            construction=construction,
            steps=steps,
            groups=fewer,
            base_lrs=base_lrs[:fewer] if base_lrs else None,
            jump=jump,
            meddled=meddled,
            rehearsal=rehearsal,
            at=at,
            beside=beside,
        )

    @roomy
    def further(self, run: Run, steps: int, beside: Run | None = None) -> Run:
        """A run again, gone on with to so many steps, or to the first rate that is another than ``beside`` it."""
        if run.walk is None:
            return run
        run.walk.beside = beside
        return run.walk.to(steps)


class Walk:
    """A run that is being made, and may be gone on with later."""

    def __init__(
        self,
        bench: Bench,
        construction: Construction | None,
        built: Trace,
        stepped: Trace,
        jump: int | None,
        meddled: int | None,
        at: tuple[int, ...],
        beside: Run | None,
    ) -> None:
        self.bench = bench
        self.construction = construction
        self.built, self.stepped = built, stepped
        self.jump, self.meddled, self.at, self.beside = jump, meddled, at, beside
        self.lr: list[list[Any]] = []
        self.step = -1
        self.failure: Failure | None = None
        self.opaque: Opaque | None = None
        self.parted = self.ended = False
        self.running: Running | None = None
        self._drawn: tuple[dict[str, object], dict[str, object], set[str]] | None = None
        if bench.interpreter.reserve is not None:
            bench.interpreter.reserve.runs += 1

    def begin(self, groups: int, base_lrs: Sequence[float] | None) -> None:
        """Build the schedule."""
        with self._watched():
            self.running = build(self.bench, self.construction, groups, base_lrs)
            self.lr = [[] for _ in self.bench.base_lrs]

    def to(self, steps: int) -> Run:
        """Go on until so many rates are known, or to the end; the run as it is then."""
        before = len(self.lr[0]) if self.lr else 0
        if self._drawn is not None:
            # What was looked at when the run stopped here, it has not asked for itself.
            host, scenario = self.bench.world.host, self.bench.scenario
            leaves, values, invented = self._drawn
            host.leaves, scenario.values, host.invented = dict(leaves), dict(values), set(invented)
        with self._watched():
            for count in range(before, steps if not self.ended else before):
                self._take(self.at[count] if self.at else count)
        reserve = self.bench.interpreter.reserve
        run = self._run()
        if reserve is not None:
            reserve.steps += len(run.curve) - before
        return run

    def _take(self, step: int) -> None:
        """One step."""
        running, bench = self.running, self.bench
        assert running is not None
        self.step = self.built.step = self.stepped.step = step
        if step == 1:
            bench.interpreter.recorder = self.stepped
            if self.jump is not None:
                running.jump(self.jump)
        if self.at and step:
            running.jump(step)
        if step == self.meddled:
            bench.halve_rates()
        found = running.rates(step)
        for rates, rate in zip(self.lr, found, strict=True):
            rates.append(rate)
        if self.beside is not None and self.beside.parts_from(found, step):
            self.parted = True
            raise Finished
        if step == 0 and running.scheduler is None:
            bench.interpreter.recorder = self.stepped

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Whatever ends the run is noted."""
        try:
            yield
        except Finished:
            self.ended = True
        except Opaque as opaque:
            self.opaque, self.ended = opaque, True
        except UserError as error:
            self.failure = Failure(error.kind, error.message, self.step, error.node)
            self.ended = True

    def _run(self) -> Run:
        bench, host, opaque = self.bench, self.bench.world.host, self.opaque
        from_elsewhere = self.construction is not None and self.construction.names is not None
        run = Run(
            bench.scenario,
            tuple(bench.base_lrs) if self.running is not None else (),
            [list(rates) for rates in self.lr],
            self.failure,
            opaque.reason if opaque is not None else None,
            isinstance(opaque, FuelSpent),
            self.built,
            self.stepped,
            dict(host.leaves),
            scheduler=self.running.scheduler if self.running is not None else None,
            borrowed=host.borrowed or from_elsewhere,
            alone=not (host.looked or from_elsewhere or host.defaults.from_elsewhere),
            measured=host.measured,
            variants=host.variants,
            invented=frozenset(host.invented),
            refused=host.refused if opaque is not None else None,
            parted=self.parted,
        )
        _cut(run)
        run.at = self.at[: len(run.curve)]
        self._drawn = (dict(host.leaves), dict(bench.scenario.values), set(host.invented))
        run.names = bench.visible(self.construction)
        self.ended = self.ended or run.failure is not None
        run.ended = self.ended
        run.walk = self if not (self.ended or self.at) else None
        return run


def _lengths_in(construction: Construction | None, node: ast.AST) -> dict[Role, float]:
    """The lengths that a call states as numbers, by the roles of the parameters that it gives them to."""
    found: dict[Role, float] = {}
    for name, value in arguments_of(construction.call, node).items() if construction is not None else ():
        number = literal(value)
        if is_number(number) and isinstance(number, int | float):
            found[role_of(name)] = max(found.get(role_of(name), 0), number)
    return found


def _as_given(
    overrides: Mapping[str, object], construction: Construction | None, node: ast.AST
) -> Mapping[str, object]:
    """What is fixed for a parameter of the definition (``args.mode``) is fixed for what a call gives it as well."""
    if construction is None or not overrides:
        return overrides
    found = dict(overrides)
    given = {name: written(value) for name, value in arguments_of(construction.call, node).items()}
    for path, value in overrides.items():
        root, dot, rest = path.partition(".")
        if root in given:
            found.setdefault(f"{given[root]}{dot}{rest}", value)
    return found


_FLOATS = frozenset({float})


def _cut(run: Run) -> None:
    """Keep the rates before the first that is no real number, and say what it was."""
    ordinary = all(_FLOATS.issuperset(map(type, rates)) and all(map(math.isfinite, rates)) for rates in run.lr)
    for step, rates in enumerate(zip(*run.lr, strict=False)) if not ordinary else ():
        wrong = [r for r in rates if finite(r) is None]
        if wrong:
            run.failure = _no_rate(wrong[0], step)
            run.lr = [list(group[:step]) for group in run.lr]
            return
    shortest = min((len(group) for group in run.lr), default=0)
    run.lr = [list(group[:shortest]) for group in run.lr]


def _no_rate(value: object, step: int) -> Failure:
    """What ends a run at something that is no real number: a fault of a formula, or, where it is an object, a sign that
    what was run works out no rate (it builds a scheduler, say)."""
    if isinstance(value, Instance):
        return Failure("NotARate", f"gives a {value.cls.name} where a rate is due", step, None)
    kind = "ComplexRate" if isinstance(value, complex) else "InvalidRate"
    return Failure(kind, f"the rate is {num(value) if isinstance(value, int) else repr(value)}", step, None)


__all__ = ["Failure", "Laboratory", "Run"]
