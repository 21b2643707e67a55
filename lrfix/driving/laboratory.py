"""Builds a schedule under a scenario, steps it, and keeps what happened: a ``Run``.

The optimizer is a stand-in with as many parameter groups as the experiment asks for; the scheduler is the user's own
code on top of stand-ins of torch's classes. Rates are in the optimizer's units; step 0 is the rate that the first
optimizer step uses.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Hashable, Mapping, Sequence
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
from lrfix.domains.signatures import arguments_of
from lrfix.domains.uses import roles_by_use
from lrfix.driving.bench import Bench
from lrfix.driving.budget import RUN, reserve_of
from lrfix.driving.forms import build
from lrfix.driving.host import Host
from lrfix.driving.rehearsal import Rehearsal
from lrfix.driving.trace import Trace, Write
from lrfix.driving.world import World
from lrfix.interpreter.errors import Finished, FuelSpent, Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.recorder import Recorder
from lrfix.interpreter.stack import roomy
from lrfix.names import Names
from lrfix.sites.model import Construction, ScheduleSite


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
    ``parted``: it was ended where it gave another rate than the run beside it.
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
    measured: bool = False
    variants: int = 1
    invented: frozenset[str] = frozenset()
    at: tuple[int, ...] = ()
    refused: tuple[str, str] | None = None
    parted: bool = False

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


@dataclass(frozen=True)
class Laboratory:
    """Everything needed to run one site again and again."""

    names: Names
    site: ScheduleSite
    #: Runs by what they were asked beside their settings: see ``run_before``.
    remembered: dict[Hashable, list[Run]] = field(default_factory=dict, compare=False)

    @cached_property
    def counts_items(self) -> bool:
        return counts_items(self.site.nodes)

    @cached_property
    def roles_by_use(self) -> Mapping[str, Role]:
        return roles_by_use(self.site.nodes)

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
        reserve = reserve_of(self.names.tree, self.site.node)
        interpreter = Interpreter(host=host, recorder=recorder, fuel=RUN, reserve=reserve)
        return Bench(self.names, self.site, World(self.names, interpreter, host), interpreter, scenario)

    def run_before(
        self, kind: Hashable, construction: Construction | None, overrides: Mapping[str, object]
    ) -> Run | None:
        """A run of a kind that was made under other settings and asked for nothing in which these differ."""
        overrides = _as_given(overrides, construction, self.site.node)
        for run in self.remembered.get(kind, ()):
            known = run.scenario.overrides
            if isinstance(known, Overrides) and known.answers_alike(overrides):
                return replace(run, scenario=replace(run.scenario, overrides=overrides))
        return None

    def remember(self, kind: Hashable, run: Run) -> None:
        self.remembered.setdefault(kind, []).append(run)

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
        built, stepped = Trace(self.names.parents), Trace(self.names.parents)
        bench = self.prepared(scenario, construction, built)
        interpreter, host = bench.interpreter, bench.world.host
        if rehearsal is not None:
            interpreter.before_call = rehearsal.on(interpreter)
        run = Run(scenario, (), built=built, stepped=stepped)
        step = -1
        try:
            running = build(bench, construction, groups, base_lrs)
            run.base_lrs = tuple(bench.base_lrs)
            run.scheduler = running.scheduler
            run.lr = [[] for _ in bench.base_lrs]
            for step in at or range(steps):
                built.step = stepped.step = step
                if step == 1:
                    interpreter.recorder = stepped
                    if jump is not None:
                        running.jump(jump)
                if at and step:
                    running.jump(step)
                if step == meddled:
                    bench.halve_rates()
                found = running.rates(step)
                for rates, rate in zip(run.lr, found, strict=True):
                    rates.append(rate)
                if beside is not None and beside.parts_from(found, step):
                    run.parted = True
                    break
                if step == 0 and running.scheduler is None:
                    interpreter.recorder = stepped
        except Finished:
            pass
        except Opaque as opaque:
            run.opaque = opaque.reason
            run.endless = isinstance(opaque, FuelSpent)
        except UserError as error:
            run.failure = Failure(error.kind, error.message, step, error.node)
        if interpreter.reserve is not None:
            interpreter.reserve.runs += 1
            interpreter.reserve.steps += len(run.curve)
        _cut(run)
        run.at = tuple(at[: len(run.curve)])
        run.leaves = dict(host.leaves)
        run.variants = host.variants
        run.invented = frozenset(host.invented)
        run.refused = host.refused if run.opaque is not None else None
        run.borrowed = host.borrowed or (construction is not None and construction.names is not None)
        run.measured = host.measured
        run.names = bench.visible(construction)
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
    given = {name: ast.unparse(value) for name, value in arguments_of(construction.call, node).items()}
    for path, value in overrides.items():
        root, dot, rest = path.partition(".")
        if root in given:
            found.setdefault(f"{given[root]}{dot}{rest}", value)
    return found


def _cut(run: Run) -> None:
    """Keep the rates before the first that is no real number, and say what it was."""
    for step, rates in enumerate(zip(*run.lr, strict=False)):
        wrong = [r for r in rates if not _real(r)]
        if wrong:
            kind = "ComplexRate" if isinstance(wrong[0], complex) else "InvalidRate"
            run.failure = Failure(kind, f"the rate is {wrong[0]!r}", step, None)
            run.lr = [list(group[:step]) for group in run.lr]
            return
    shortest = min((len(group) for group in run.lr), default=0)
    run.lr = [list(group[:shortest]) for group in run.lr]


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


__all__ = ["Failure", "Laboratory", "Run"]
