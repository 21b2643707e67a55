"""One site under experiment: what the rules look at.

Every experiment is a question with one answer, asked once and remembered. A rule states a property that a sound
schedule has, and reports only where the property fails in every plausible scenario.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from lrfix.domains.clock import last_epoch_by_batches, told_epochs_alone
from lrfix.domains.facts import Defaults, largest_number, literal, sets_its_names
from lrfix.domains.lengths import is_drawn
from lrfix.domains.overrides import Overrides
from lrfix.domains.roles import LENGTHS, Role, last_word, role_of
from lrfix.domains.scenarios import GENERIC, Scenario
from lrfix.domains.signatures import Parameter, constructor_parameters, parameters
from lrfix.driving.laboratory import Laboratory, Run
from lrfix.driving.rehearsal import Rehearsal
from lrfix.findings import Evidence, Span
from lrfix.finite import finite
from lrfix.names import Names
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.vocabulary import built_upon, looks_like_optimizer, optimizer_call
from lrfix.source import Source
from lrfix.trees import walk

STEPS = 240
MAX_STEPS = 1400
ENOUGH = 40
MOST_USES = 4
_WORD = re.compile(r"\w+")
_FLOATS = frozenset({float})
REACH = 2.2
#: Forms whose rates are the optimizer's times something.
_SCALED = ("lambda", "subclass", "composition")
#: Lengths of a schedule as it counts itself.
_WHOLE = (Role.HORIZON, Role.WARMUP, Role.DECAY_LENGTH)


class _Asked(NamedTuple):
    """What a run is asked for beside its settings and its length."""

    draw: int
    construction: Construction | None
    groups: int
    base_lrs: tuple[float, ...]
    vary_unknown: bool
    variant: int
    meddled: int | None


class Study:
    """The experiments on one site, run lazily and memoised.

    ``settings`` fix the expressions that choose between several schedules of one site (``{"mode": "cos"}``);
    ``by_itself``: judged as its definition stands, whoever uses it. Studies of one site share a ``laboratory``, which
    remembers what they ran. ``rewritable`` says whether the file alone shows
    what a rewrite needs. ``like``: the study of the same schedule under other settings; ``ordinary``: whether the
    draws are those of ordinary runs. ``shortened``: lengths of the file that ``settings`` hold shorter ones for.
    """

    def __init__(
        self,
        source: Source,
        names: Names,
        site: ScheduleSite,
        settings: Mapping[str, object] | None = None,
        by_itself: bool = False,
        laboratory: Laboratory | None = None,
    ) -> None:
        self.source = source
        self.names = names
        self.site = site
        self.settings = dict(settings or {})
        self.by_itself = by_itself
        self.groups = 2
        self.laboratory = laboratory or Laboratory(names, site)
        #: The longest run of each kind, and what was told of it by how many steps of it were asked for.
        self._runs: dict[object, Run] = {}
        self._seen: dict[tuple[object, int], Run] = {}
        self.counters: dict[str, int] = {}
        self.faults: frozenset[str] = frozenset()
        self.rewritable = True
        self.like: Study | None = None
        self.ordinary = False
        self.shortened: Mapping[str, object] = {}

    def span(self, node: ast.AST) -> Span:
        """Where a node of the file stands; what stands in another file is told of at the schedule."""
        around = self.names.neighbours
        if node not in self.names.parents and around is not None and around.holds(node):
            return self.site.span
        return self.source.span(node)

    @property
    def node(self) -> ast.AST:
        return self.site.node

    def run(
        self,
        index: int = 0,
        *,
        use: Construction | str | None = "chosen",
        groups: int | None = None,
        overrides: Mapping[str, object] | None = None,
        steps: int | None = None,
        base_lrs: Sequence[float] | None = None,
        vary_unknown: bool = False,
        variant: int = 0,
        meddled: int | None = None,
        beside: Run | None = None,
    ) -> Run:
        """The run of scenario ``index``; ``overrides`` fix the values of some of the user's expressions.

        Before step ``meddled`` somebody else halves every rate. Of who only wants to know whether a run is another than
        the one ``beside`` it, it need not go on once it is.
        """
        construction = self.use if isinstance(use, str) else use
        overrides = {**self.settings, **(overrides or {})}
        if self.laboratory.gives_values and (base_lrs or meddled is not None or groups not in (None, self.groups)):
            alike = self.run(
                index, use=construction, overrides=overrides, steps=steps, vary_unknown=vary_unknown, variant=variant
            )
            return alike.repeated(groups or self.groups)
        if construction is not None and not overrides and self.laboratory.same_alone(construction):
            construction = None
        rates = tuple(base_lrs or ())
        asked = _Asked(index, construction, groups or self.groups, rates, vary_unknown, variant, meddled)
        key = (asked, repr(sorted(overrides.items(), key=repr)) if overrides else "")
        wanted = steps or self.steps
        if (key, wanted) not in self._seen:
            run = self._runs.get(key)
            if run is None or (len(run.curve) < wanted and not run.ended):
                run = self._run(run, asked, wanted, overrides, beside)
                if run.parted:
                    self._runs.pop(key, None)
                    return run
                self._runs[key] = run
            self._seen[key, wanted] = run.first(wanted)
        return self._seen[key, wanted]

    def _run(
        self, known: Run | None, asked: _Asked, steps: int, overrides: Mapping[str, object], beside: Run | None
    ) -> Run:
        """A run of so many steps: ``known`` gone on with, one that another study made, or a new one."""
        if known is not None and known.walk is not None:
            run = self.laboratory.further(known, steps, beside)
        else:
            kind = asked._replace(vary_unknown=False)
            before = self.laboratory.run_before(kind, asked.construction, overrides, steps, asked.vary_unknown)
            if before is not None:
                return before
            fill_none = asked.construction is None and bool(self.optional_lengths)
            run = self._made(asked, steps, overrides, beside, fill_none)
        if run.scenario.fill_none and not run.parted and not usable(run):
            run = self._made(asked._replace(meddled=None), steps, overrides, None, False)
        if not run.parted:
            self.laboratory.remember(asked._replace(vary_unknown=False), run)
        return run

    def _made(
        self, asked: _Asked, steps: int, overrides: Mapping[str, object], beside: Run | None, fill_none: bool
    ) -> Run:
        scenario = Scenario(
            asked.draw,
            overrides=Overrides(overrides),
            vary_unknown=asked.vary_unknown,
            variant=asked.variant,
            fill_none=fill_none,
            ordinary=self.ordinary,
        )
        return self.laboratory.run(
            scenario,
            construction=asked.construction,
            steps=steps,
            groups=asked.groups,
            base_lrs=asked.base_lrs or None,
            meddled=asked.meddled,
            beside=beside,
        )

    def sampled(self, index: int, at: Sequence[int], overrides: Mapping[str, object]) -> Run:
        """The run of scenario ``index`` at some steps alone, each gone to at once."""
        key = repr((index, tuple(at), tuple(sorted(overrides.items(), key=repr))))
        if key not in self._runs:
            scenario = Scenario(index, overrides={**self.settings, **overrides}, ordinary=self.ordinary)
            self._runs[key] = self.laboratory.run(
                scenario, construction=self.use, steps=0, groups=self.groups, at=tuple(at)
            )
        return self._runs[key]

    def jump(self, index: int, step: int) -> float | None:
        """The rate at ``step`` when the scheduler is taken there at once, not step by step; None when it fails."""
        scenario = Scenario(index, overrides=self.settings, ordinary=self.ordinary)
        run = self.laboratory.run(scenario, construction=self.use, steps=2, jump=step)
        return as_float(run.curve[1]) if run.ran and len(run.curve) == 2 else None

    def asked_twice(self, index: int, function: ast.AST, kept: str | None = None) -> Run:
        """The run in which ``function`` is asked once more before each of its calls, the answer thrown away.

        With ``kept`` only that state stays as the extra call left it; the rest is put back.
        """
        scenario = Scenario(index, overrides=self.settings, ordinary=self.ordinary)
        scenario.fill_none = self.run(index).scenario.fill_none
        rehearsal = Rehearsal(function, kept)
        return self.laboratory.run(
            scenario, construction=self.use, steps=self.steps, groups=self.groups, rehearsal=rehearsal
        )

    @cached_property
    def steps(self) -> int:
        """How long to simulate: past every length that the code states, within reason."""
        return min(max(STEPS, int(REACH * self.longest_literal) + 8), MAX_STEPS)

    @cached_property
    def longest_literal(self) -> int:
        roots = [*self.site.nodes, *(c.call for c in self.site.constructions)]
        own = largest_number(self.names, roots, drawn=self._is_drawn)
        return max([own, *(largest_number(c.names, [c.call]) for c in self.site.elsewhere if c.names is not None)])

    def _is_drawn(self, name: str, value: ast.expr) -> bool:
        """Whether scenarios replace a number that the file states."""
        return self.laboratory.draws_lengths and is_drawn(self.names, name, literal(value))

    @cached_property
    def unseen(self) -> int:
        """The largest number of the schedule's own code where that lies beyond what is simulated, else 0.

        What the constructor of a class is given by default does not count: scenarios give it something else.
        """
        roots: list[ast.AST] = list(self.site.nodes)
        if self.site.form != "subclass":
            roots += [c.call for c in self.site.constructions]
        replaced = {default for _, default, _ in self.constructor if default is not None}
        free = {words[-1] for run in self.runs for path in run.leaves if (words := _WORD.findall(path))}
        functions = (n for root in roots for n in walk(root) if isinstance(n, ast.FunctionDef | ast.Lambda))
        replaced |= {default for f in functions for name, default, _ in parameters(f) if default and name in free}
        longest = largest_number(self.names, roots, replaced, lambda name, value: name in free)
        return longest if longest >= self.steps else 0

    @cached_property
    def constructor(self) -> list[Parameter]:
        """What the constructor of a class site takes; empty for other forms."""
        if not isinstance(self.node, ast.ClassDef):
            return []
        return constructor_parameters(self.names, self.node) or []

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of what the definition takes: the constructor's parameters, or the function's own."""
        if isinstance(self.node, ast.FunctionDef | ast.Lambda):
            return frozenset(name for name, _, _ in parameters(self.node))
        return frozenset(name for name, _, _ in self.constructor)

    @cached_property
    def constants(self) -> frozenset[str]:
        """Names that the module itself sets to a number other than zero: whoever changes one sees the formula."""
        found: set[str] = set()
        for statement in [] if sets_its_names(self.names) else self.source.tree.body:
            if (
                isinstance(statement, ast.Assign)
                and isinstance(statement.value, ast.Constant)
                and statement.value.value
            ):
                found |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        return frozenset(found)

    @cached_property
    def optional_lengths(self) -> tuple[str, ...]:
        """Constructor parameters that are lengths and may be None."""
        return tuple(
            name
            for name, default, _ in self.constructor
            if isinstance(default, ast.Constant) and default.value is None and role_of(name) in LENGTHS
        )

    @cached_property
    def unvaried(self) -> str | None:
        """A setting that no scenario varies (a switch, a name, an optional object) and that may change the curve."""
        for run in self.runs:
            for path, value in run.leaves.items():
                if isinstance(value, bool | str) or value is None:
                    return path
        for name, default, required in self.constructor:
            if required or name in ("last_epoch", "verbose") or not isinstance(default, ast.Constant):
                continue
            if default.value is None or isinstance(default.value, bool | str):
                return name
        return None

    @property
    def truncated(self) -> bool:
        """Whether the code states a length that the simulation does not reach."""
        return self.longest_literal >= self.steps

    @cached_property
    def uses(self) -> tuple[Construction, ...]:
        """The places that build the schedule, or that call it where it is a function: of its own file, or of others."""
        if self.site.constructions or not self.site.calls:
            return self.site.constructions or self.site.elsewhere
        found = []
        for call in self.site.calls:
            given = [*call.args, *(k.value for k in call.keywords)]
            optimizer = next((a for a in given if looks_like_optimizer(a)), None)
            found.append(Construction(call, optimizer, optimizer_call(self.names, optimizer)))
        return tuple(found)

    @property
    def used_in(self) -> Names:
        """The names of the file in which the site is used: its own, unless only another file shows a use."""
        use = self.use
        return use.names if use is not None and use.names is not None else self.names

    @property
    def borrows(self) -> bool:
        """Whether an experiment needed another file of the project."""
        return any(run.borrowed for run in self._runs.values())

    @cached_property
    def described_by(self) -> Construction | None:
        """The use in whose terms family and parameters are told: none where the definition's own parameters do."""
        if self.site.form == "lambda":
            return self.use
        if self.site.form != "subclass" and not all(usable(self.run(index, use=None)) for index in range(GENERIC)):
            return self.use
        return None

    @cached_property
    def use(self) -> Construction | None:
        """The construction the site is judged by: the first that the file shows and that can be simulated."""
        for construction in self.uses[:MOST_USES] if not self.by_itself else ():
            run = self.run(0, use=construction)
            built = run.opaque is None and (run.failure is None or run.failure.step >= 0)
            if self.site.form == "lambda" or built:
                return construction
        return None

    @cached_property
    def runs(self) -> list[Run]:
        """The site under every generic scenario, two parameter groups."""
        runs: list[Run] = []
        while len(runs) < GENERIC and not any(run.endless for run in runs):
            runs.append(self.run(len(runs)))
        longest = max((self._longest(run) for run in runs if run.ran), default=0)
        if REACH * longest > self.steps:
            self.__dict__["steps"] = min(int(REACH * longest) + 8, MAX_STEPS)
            runs = [self.run(index) for index in range(GENERIC)]
        return runs

    @cached_property
    def opaque(self) -> str | None:
        """Why the site cannot be simulated, or None."""
        return next((run.opaque for run in self.runs if run.opaque is not None), None)

    @cached_property
    def ran(self) -> bool:
        """Whether every generic scenario gave a curve to judge; one that fails long past its start counts."""
        return all(usable(run) for run in self.runs)

    def everywhere(self, holds: Callable[[Run], bool]) -> bool:
        """Whether a property holds in every generic scenario; False when none ran."""
        return self.opaque is None and bool(self.runs) and all(run.ran and holds(run) for run in self.runs)

    def everywhere_failed(self, kind: str) -> bool:
        """Whether every generic scenario ended with an exception of this type."""
        return all(run.failure is not None and run.failure.kind == kind for run in self.runs)

    def horizon(self, run: Run) -> int | None:
        """The step at which the schedule is meant to end under ``run``, from the values that play that part."""
        by_role: dict[Role, list[float]] = {}
        for path, value in {**run.names, **run.leaves}.items():
            number = finite(value)
            if number is not None:
                by_role.setdefault(run.scenario.role(path), []).append(number)
        if by_role.get(Role.HORIZON):
            return int(max(by_role[Role.HORIZON]))
        if by_role.get(Role.EPOCHS):
            batches = [1.0] if self._told_epochs else by_role.get(Role.LOADER_LENGTH, [1])
            return int(max(by_role[Role.EPOCHS]) * max(batches))
        return None

    @cached_property
    def _told_epochs(self) -> bool:
        """Whether the schedule moves on once an epoch by what it is told."""
        if self.site.form in ("setter", "function") and isinstance(self.node, ast.FunctionDef):
            return told_epochs_alone(self.parameters, self.node)
        return last_epoch_by_batches(self.site.nodes)

    def _longest(self, run: Run) -> float:
        """The longest length that ``run`` was given."""
        lengths = self.lengths(run, *(LENGTHS - {Role.LOADER_LENGTH, Role.EPOCHS, Role.WARMUP_EPOCHS}))
        return max(self.horizon(run) or 0, *lengths.values(), 0)

    def lengths(self, run: Run, *roles: Role) -> dict[str, float]:
        """The free expressions of ``run`` that play one of ``roles``."""
        return {
            path: value
            for path, value in run.leaves.items()
            if run.scenario.role(path) in roles and isinstance(value, int | float) and finite(value) is not None
        }

    def evidence(self, run: Run, steps: Sequence[int]) -> Evidence:
        chosen = [k for k in steps if 0 <= k < len(run.curve)]
        return Evidence(
            steps=tuple(chosen),
            lr=tuple(as_float(run.curve[k]) for k in chosen),
            scenario={p: v for p, v in run.leaves.items() if self._tells(p, v)},
            curve=tuple(as_float(v) for v in run.curve),
            shortened={p: v for p, v in {**run.scenario.shortened, **self.shortened}.items() if p in run.leaves},
            stated={p: v for p in run.leaves if (v := run.scenario.states(p)) is not None},
            end=self.horizon(run),
            unit="epoch" if self._counts_epochs(run) else "step",
            base_lr=run.base_lrs[0] if self.site.form in _SCALED and run.scenario.base is None else None,
        )

    def _tells(self, path: str, value: object) -> bool:
        """Whether a value says something to the user: none that was drawn for a model's parameters does."""
        plain = isinstance(value, int | float | str | list)
        return plain and (role_of(path) is not Role.UNKNOWN or path not in self._built_upon)

    @cached_property
    def _built_upon(self) -> frozenset[str]:
        return built_upon(self.names.tree)

    def _counts_epochs(self, run: Run) -> bool:
        """Whether all lengths that ``run`` was given are epochs, no length of an epoch is among them, and the code
        makes none of these lengths longer, as by the length of a loader that it states."""
        if self._told_epochs:
            return True
        given = self.lengths(run, *LENGTHS)
        roles = {run.scenario.role(path) for path in given}
        if Role.LOADER_LENGTH in roles or not given or not all("epoch" in last_word(path) for path in given):
            return False
        known = {name: number for name, value in run.names.items() if (number := finite(value)) is not None}
        epochs = [value for name, value in known.items() if "epoch" in last_word(name)]
        made = [v for n, v in known.items() if "epoch" not in last_word(n) and run.scenario.role(n) in _WHOLE]
        return max(self.horizon(run) or 0, *made, 0) <= max(*epochs, *given.values())

    @cached_property
    def defaults(self) -> Defaults:
        defaults = Defaults(self.names)
        for other in {use.names: None for use in self.uses if use.names is not None}:
            defaults.join(other)
        if self.runs:
            known = self.runs[0].scenario.defaults
            defaults.own.update(getattr(known, "own", {}))
        return defaults


def usable(run: Run) -> bool:
    """Whether a run gave real rates, enough of them to tell a schedule by where it did not end by itself."""
    return run.ran and all_real(run.curve) and (run.failure is None or len(run.curve) >= ENOUGH)


def all_real(curve: Sequence[Any]) -> bool:
    """Whether every rate is a finite real number."""
    if _FLOATS.issuperset(map(type, curve)):
        return all(map(math.isfinite, curve))
    return all(finite(v) is not None for v in curve)


def as_float(value: Any) -> float:
    """A rate as a float: NaN for what is no number, infinity for integers that no float can hold."""
    if isinstance(value, int) and finite(value) is None and not isinstance(value, bool):
        return math.inf if value > 0 else -math.inf
    return float(value) if isinstance(value, int | float) else math.nan


def constant(curve: Sequence[Any]) -> bool:
    """Whether a curve never moves by more than rounding."""
    if not curve:
        return False
    first = curve[0]
    return all(abs(v - first) <= 1e-12 * max(abs(first), abs(v)) for v in curve)


__all__ = ["LENGTHS", "MAX_STEPS", "STEPS", "Study", "all_real", "as_float", "constant", "usable"]
