"""The grid of experiments: the settings under which one schedule is run, the same table for every form.

A ``Setting`` is one assignment of values; a ``Case`` is the runs of one setting, one a draw of what the setting leaves
open. A property is a question to a run with one answer; a rule asks it of the cases of some axes and reports where
every run of a case shows the fault. How loud it is follows from where the setting comes from (``Standing``), not from
the rule. The study remembers every run, so that rules share them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar, overload

from lrfix.domains.clock import is_of_items
from lrfix.domains.facts import numbers_written
from lrfix.domains.kinds import is_number, rises
from lrfix.domains.lengths import stated_lengths
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import GENERIC, Same
from lrfix.driving.bench import NEUTRAL
from lrfix.driving.laboratory import Run
from lrfix.experiments.edges import edges
from lrfix.experiments.meetings import meetings, read_numbers
from lrfix.experiments.study import Study
from lrfix.findings import Span, Violation
from lrfix.sites.model import Construction
from lrfix.trees import walk, written

T = TypeVar("T")
_WHOLES = (Role.HORIZON, Role.EPOCHS)
#: Lengths at which something ends.
ENDS = (*_WHOLES, Role.DECAY_LENGTH)
_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
#: Warmups to try where the code states none.
_WARM = (11, 23)
_DRAWS = 2
_MOST_CALLERS = 4
_MOST_FLAGS = 4
_CLASSES = ("subclass", "wrapper")
_PROBES = (0, 1, 2, 3, 5, 9, 17, 33, 61, 97, 140, 201)
#: So many tokens a step are more than any code states.
_A_STEP = 10**7
_SAME = 1e-9
#: A number of steps that a formula may hold, and a run can be longer than.
_WRITTEN = 1000


class Standing(Enum):
    """Where a setting comes from: the code states it, it is plausible in every draw, or it is merely legal."""

    STATED = "stated"
    PLAUSIBLE = "plausible"
    LEGAL = "legal"


@dataclass(frozen=True)
class Setting:
    """What is fixed in a case. ``words`` say it to the user, after a message: "with `warmup` = 0, its default".

    ``draws`` are the columns of drawn values to run; ``groups`` and ``base_lrs`` describe the optimizer;
    ``vary_unknown`` moves the defaults of numbers whose part in the schedule is not known; ``lasts`` is a length past
    which training goes on.
    """

    axis: str
    standing: Standing
    words: str = ""
    overrides: Mapping[str, object] = field(default_factory=dict)
    use: Construction | str | None = "chosen"
    groups: int | None = None
    base_lrs: Sequence[float] | None = None
    draws: tuple[int, ...] = tuple(range(GENERIC))
    steps: int | None = None
    vary_unknown: bool = False
    lasts: str | None = None

    @property
    def aside(self) -> str:
        """The words as they stand in the middle of a sentence."""
        return f" ({self.words})" if self.words else ""


class _WhenAsked(Sequence[Run]):
    """The runs of a setting, each made when it is first looked at: the first one often decides."""

    def __init__(self, draws: Sequence[int], make: Callable[[int], Run]) -> None:
        self._draws = draws
        self._make = make

    def __len__(self) -> int:
        return len(self._draws)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        if isinstance(index, slice):
            return [self._make(draw) for draw in self._draws[index]]
        return self._make(self._draws[index])


@dataclass(frozen=True)
class Case:
    """One setting and its runs."""

    setting: Setting
    runs: Sequence[Run]

    @property
    def run(self) -> Run:
        return self.runs[0]

    @property
    def ran(self) -> bool:
        """Whether every run gave rates to judge."""
        return bool(self.runs) and all(run.ran and bool(run.curve) for run in self.runs)

    def shown(self, question: Callable[[Run], T | None]) -> T | None:
        """The answer on the first run where every run of the case has one; None where one is sound or none ran."""
        first: T | None = None
        for run in self.runs:
            answer = question(run) if run.opaque is None else None
            if answer is None:
                return None
            first = answer if first is None else first
        return first

    def violation(self, study: Study, span: Span, message: str, steps: Sequence[int] = ()) -> Violation:
        """A finding on this case: as info where the setting is only legal."""
        evidence = study.evidence(self.run, steps) if self.run.curve else None
        return Violation(span, message, evidence, advice=self.setting.standing is Standing.LEGAL)


class Grid:
    """The cases of one schedule, run when they are asked for and remembered by the study.

    ``use`` is the place that builds or asks it, where a setting names none: the one it is judged by, or None for the
    definition by itself.
    """

    def __init__(self, study: Study, use: Construction | str | None = "chosen") -> None:
        self.study = study
        self.use = use

    @property
    def first(self) -> Run:
        """The run whose free expressions the axes move."""
        return self.study.runs[0] if isinstance(self.use, str) else self.study.run(0, use=self.use)

    def case(self, setting: Setting) -> Case:
        def make(draw: int) -> Run:
            return self.study.run(
                draw,
                use=self.use if isinstance(setting.use, str) else setting.use,
                groups=setting.groups,
                overrides=setting.overrides,
                base_lrs=setting.base_lrs,
                steps=setting.steps,
                vary_unknown=setting.vary_unknown,
            )

        return Case(setting, _WhenAsked(setting.draws, make))

    def nominal(self) -> Case:
        """Several draws of everything that the code leaves open, at the first use that can be simulated."""
        return Case(Setting("values", Standing.PLAUSIBLE), tuple(self.study.runs))

    def values(self) -> Iterator[Case]:
        """The draws, then every stated default as it stands, then the other uses that the project shows."""
        yield self.nominal()
        stated = self.stated()
        if stated is not None:
            yield stated
        yield from self.callers()
        warm = self.warmed_up()
        if warm is not None:
            yield warm

    def warmed_up(self) -> Case | None:
        """A warmup where the code states one of length 0: whoever changes that number sees the branch for it."""
        study = self.study
        nodes = [n for root in study.site.nodes for n in walk(root) if isinstance(n, ast.Name | ast.Attribute)]
        for path in dict.fromkeys(written(n) for n in nodes if isinstance(n.ctx, ast.Load)):
            if role_of(path) not in _WARMUPS or path in self.first.leaves:
                continue
            if stated_lengths(study.names, path.rpartition(".")[2]) == {0.0}:
                runs = [study.run(0, use=self.use, overrides={path: length}) for length in _WARM]
                if all(path in run.leaves for run in runs):
                    words = f"with a warmup, `{path}` = {_WARM[0]}"
                    return Case(Setting("values", Standing.PLAUSIBLE, words, {path: _WARM[0]}, draws=(0,)), runs)
        return None

    def stated(self) -> Case | None:
        """Every default that the code states as it stands; None where the draws have them all already."""
        values = self.stated_values()
        differs = any(self.first.leaves.get(path) != value for path, value in values.items())
        if not values or not differs:
            return None
        # A definition judged by itself is built with its own defaults; what has none is drawn, twice.
        free = set(self.first.leaves) - set(values)
        draws = tuple(range(_DRAWS)) if free else (0,)
        standing = Standing.PLAUSIBLE if free else Standing.STATED
        words = "with the defaults that the code states"
        steps = self._steps_for(values)
        return self.case(Setting("defaults", standing, words, values, draws=draws, steps=steps))

    def at_full_length(self) -> Case | None:
        """The beginning of a run in which every number is the one that the code states, however long; None where it
        leaves one open, or states none that ``stated`` does not run."""
        study = self.study
        values = {path: study.defaults.get(path) for path in self.first.leaves}
        if not values or not all(map(is_number, values.values())) or self.stated_values():
            return None
        words = "with the numbers that the code states"
        case = self.case(Setting("defaults", Standing.STATED, words, values, draws=(0,)))
        # What comes later than all that is simulated is never read there.
        return replace(case, runs=[replace(run, names={**values, **run.names}) for run in case.runs])

    def stated_values(self) -> dict[str, object]:
        """The numbers that the code gives its free expressions by default, lengths only as far as they can be run."""
        study = self.study
        found: dict[str, object] = {}
        for path in self.first.leaves:
            value = study.defaults.get(path)
            moments = value[-1] if rises(value) else value if role_of(path) in LENGTHS else 0
            if isinstance(value, bool) or not (isinstance(value, int | float) or rises(value)):
                continue
            if isinstance(moments, int | float) and moments > study.steps:
                return {}  # one length at its real size beside others that are not says nothing
            found[path] = value
        return found

    def callers(self) -> Iterator[Case]:
        """The other places that build or ask the schedule, each with the arguments that stand there."""
        study = self.study
        for use in study.uses[:_MOST_CALLERS]:
            if use is not study.use:
                yield self.case(Setting("callers", Standing.STATED, use=use, draws=tuple(range(_DRAWS))))

    def flags(self, unused: Standing = Standing.PLAUSIBLE) -> Iterator[Case]:
        """Each flag the other way round; ``unused`` says how a side counts that is not the stated default.

        A branch that stands in the code is stated; where the two sides are two conventions, one that nobody is seen to
        choose is merely legal, and no case where it leaves every rate of a run as it is.
        """
        study = self.study
        run = self.first
        flags = [path for path, value in run.leaves.items() if isinstance(value, bool)]
        named = {name: default for name, default, _ in study.constructor}
        flags += [n for n, d in named.items() if n not in flags and isinstance(getattr(d, "value", None), bool)]
        for path in flags[:_MOST_FLAGS]:
            if path in NEUTRAL:
                continue  # no setting reaches it
            default = getattr(named.get(path), "value", study.defaults.get(path))
            value = run.leaves.get(path, default)
            words = f"with `{path}` = {not value}"
            standing = unused if isinstance(default, bool) else Standing.PLAUSIBLE
            case = self.case(Setting("flags", standing, words, {path: not value}, draws=tuple(range(_DRAWS))))
            if standing is not Standing.LEGAL or (case.run.lr, case.run.ended) != (run.lr, run.ended):
                yield case

    def alone(self) -> Case | None:
        """The definition by itself, with what its own parameters may be: no caller acquits it. None where it is so."""
        study = self.study
        if study.use is None or study.site.form not in (*_CLASSES, "function", "setter") or study.site.inline:
            return None
        return self.case(Setting("alone", Standing.PLAUSIBLE, use=None, draws=tuple(range(_DRAWS))))

    def left_out(self) -> Iterator[Case]:
        """Each parameter that is None by default left out, the others given."""
        study = self.study
        for name in study.optional_lengths[:_MOST_FLAGS]:
            words = f"without `{name}`, as by default"
            setting = Setting("flags", Standing.PLAUSIBLE, words, {name: None}, use=None, draws=tuple(range(_DRAWS)))
            yield self.case(setting)

    def changed(self, case: Case, run: Run, steps: int | None = None, /, **values: object) -> Run:
        """The run of a case again, with some of its values changed, of fewer ``steps`` where so many will do."""
        overrides = {**run.scenario.overrides, **values}
        setting = case.setting
        return self.study.run(
            run.scenario.index,
            use=setting.use,
            groups=setting.groups,
            overrides=overrides,
            base_lrs=setting.base_lrs,
            steps=steps or setting.steps,
        )

    def nones(self) -> Iterator[Case]:
        """Each length that is None by default left None, the rest given.

        Stated where the code itself asks whether it is None, for then it may be; else merely legal.
        """
        study = self.study
        for name in study.optional_lengths[:_MOST_FLAGS]:
            asked = any(
                isinstance(n, ast.Compare)
                and isinstance(n.left, ast.Name)
                and n.left.id == name
                and isinstance(n.comparators[0], ast.Constant)
                and n.comparators[0].value is None
                for n in walk(study.node)
            )
            standing = Standing.STATED if asked else Standing.LEGAL
            words = f"with `{name}` left None"
            yield self.case(Setting("nones", standing, words, {name: None}, use=None, draws=tuple(range(_DRAWS))))

    def groups(self) -> Iterator[Case]:
        """One and three parameter groups, each with a base rate of its own, one of them above 1."""
        bases = {1: (0.1,), 3: (2.5, 0.03, 0.007)}
        for count, rates in bases.items():
            words = f"with {count} parameter group{'s' if count > 1 else ''}"
            yield self.case(Setting("groups", Standing.PLAUSIBLE, words, groups=count, base_lrs=rates, draws=(0,)))

    def edges(self, legal: bool = True) -> Iterator[Case]:
        """Each length at 0, at 1 and as long as another; stated where the code's own default is that.

        Without ``legal`` the others are left out.
        """
        use = self.study.use if isinstance(self.use, str) else self.use
        for edge in edges(self.study, self.first, use):
            if not (edge.stated or legal):
                continue
            standing = Standing.STATED if edge.stated else Standing.LEGAL
            draws = tuple(range(_DRAWS))
            yield self.case(Setting("edges", standing, edge.words, edge.overrides, draws=draws, lasts=edge.lasts))

    def _steps_for(self, values: Mapping[str, object]) -> int | None:
        lengths = [v for p, v in values.items() if role_of(p) in LENGTHS and isinstance(v, int | float)]
        product = max(lengths, default=0)
        return None if product * 2.2 < self.study.steps else self.study.steps

    def real(self) -> Case | None:
        """The lengths that the code states, at the steps where phases may meet; None where nothing is too long to walk.

        Only code that can be taken to a step at once is asked so: where a walk of the nominal run agrees.
        """
        study, run = self.study, self.study.runs[0]
        stated = {p: v for p, v in ((p, study.defaults.get(p)) for p in run.leaves) if is_number(v) or rises(v)}
        stated |= {p: v for p, v in run.scenario.shortened.items() if p in run.leaves and is_number(v)}
        drawn = [(p, v) for p, v in run.leaves.items() if p not in stated]
        free = [p for p, v in drawn if rises(v) or (is_number(v) and role_of(p) in LENGTHS)]
        numbers = {p: v for p, v in stated.items() if is_number(v)}
        at = meetings(study.site.nodes, {**read_numbers(study.names, study.site.nodes), **numbers})
        if free or not at or at[-1] < len(run.curve) or not run.ran or not self._closed(run):
            return None
        setting = Setting("clock", Standing.STATED, "at the lengths that the code states", stated, draws=(0,))
        return Case(setting, (study.sampled(0, at, stated),))

    def _closed(self, run: Run) -> bool:
        """Whether going to a step at once gives the rate that walking there does."""
        at = [k for k in _PROBES if k < len(run.curve)]
        there = self.study.sampled(0, at, run.scenario.overrides)
        return there.at == tuple(at) and all(
            abs(rate - walked[k]) <= _SAME * abs(walked[k])
            for rates, walked in zip(there.lr, run.lr, strict=True)
            for k, rate in zip(at, rates, strict=True)
        )


def loudest_first(cases: Iterable[Case]) -> Iterator[Case]:
    """The cases in their order, those that are merely legal behind all others."""
    quiet: list[Case] = []
    for case in cases:
        if case.setting.standing is Standing.LEGAL:
            quiet.append(case)
        else:
            yield case
    yield from quiet


def by_a_drawn_relation(grid: Grid, case: Case, question: Callable[[Run], object | None]) -> bool:
    """Whether what a case shows is gone once lengths that were drawn apart, and may be one and the same, are equal.

    Numbers that nobody can name may be lengths too: they are tried at the length of the whole.
    """
    leaves = case.run.leaves
    whole = grid.study.horizon(case.run)
    ends = {p: v for p, v in leaves.items() if role_of(p) in ENDS and isinstance(v, int)}
    tried: list[Mapping[str, object]] = [
        {path: Same(other)}
        for path in ends
        for other in ends
        if path != other and (role_of(path) is Role.EPOCHS) == (role_of(other) is Role.EPOCHS)
    ]
    stated = grid.study.defaults
    unnamed = [p for p, v in leaves.items() if type(v) is int and role_of(p) is Role.UNKNOWN and p not in stated]
    tried += [{path: max(whole or 0, len(case.run.curve))} for path in unnamed]
    # A run of so many tokens has fewer steps by far, where the code says how many of them a step takes.
    tried += [{path: _A_STEP * number} for path, number in ends.items() if is_of_items(path)]
    # A formula that counts 100 steps itself is meant for runs that are longer.
    written = max(numbers_written(grid.study.site.nodes), default=0)
    tried += [{path: number + 2 * int(written)} for path, number in ends.items() if number < written <= _WRITTEN]
    for overrides in tried:
        overrides = {**case.setting.overrides, **overrides}
        alike = Setting("relations", Standing.PLAUSIBLE, "", overrides, use=case.setting.use, draws=(0,))
        if grid.case(alike).shown(question) is None:
            return True
    return False


__all__ = ["ENDS", "Case", "Grid", "Setting", "Standing", "by_a_drawn_relation", "loudest_first"]
