"""The values every layer exchanges: positions, findings, sites as reported, file results.

This module imports nothing of lrfix. Lines and columns are 1-based; columns count characters, not bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Severity(str, Enum):
    """How sure and how harmful. ``info`` findings alone leave the exit status at 0."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Status(str, Enum):
    """What a rewrite of a site would be, as far as the analysis knows.

    ``opaque``: it cannot be simulated. ``failed``: it can, and every attempt ended before there was a curve, on values
    that nothing in the code states. Neither was judged; ``unsupported`` was, and no scheduler known here has its curve.
    """

    EQUIVALENT = "equivalent"
    REPAIR = "repair"
    LIBRARY = "library"
    OPAQUE = "opaque"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"

    @property
    def judged(self) -> bool:
        """Whether the analysis has seen what the schedule does."""
        return self not in (Status.OPAQUE, Status.FAILED)


@dataclass(frozen=True, order=True)
class Position:
    line: int
    column: int


@dataclass(frozen=True, order=True)
class Span:
    """From the first character to just past the last one."""

    start: Position
    end: Position

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True)
class CellPlace:
    """Where a place of a notebook is: its cell (``number`` counts all cells from 1), whose lines and columns the span
    beside it counts; ``first``, the line of the notebook's program that the cell begins with; and ``file``, the same
    place in the lines of the file itself, which is JSON.
    """

    number: int
    first: int
    file: Span


@dataclass(frozen=True)
class Evidence:
    """The steps and the learning rates at those steps that show the fault.

    ``steps`` and ``lr`` have the same length. ``scenario`` names the values of the free parameters
    under which the rates were computed, by the user's own expressions; ``shortened`` the lengths among them that
    the file states, as it states them, and ``stated`` the defaults that it has for them, whether these were used or
    not. ``base_lr`` is the optimizer's rate where no code in sight gives it one. ``curve`` is the whole sampled
    schedule of the first parameter group, one rate a step from step 0, and ``end`` the step at which it is meant to
    end. ``unit`` is what a step of the schedule is: a step of training, or an epoch.
    """

    steps: tuple[int, ...] = ()
    lr: tuple[float, ...] = ()
    scenario: Mapping[str, object] = field(default_factory=dict)
    curve: tuple[float, ...] = ()
    shortened: Mapping[str, object] = field(default_factory=dict)
    stated: Mapping[str, object] = field(default_factory=dict)
    end: int | None = None
    base_lr: float | None = None
    unit: str = "step"

    @property
    def chosen(self) -> dict[str, object]:
        """The values of ``scenario`` that the code does not have: examples."""
        known = {**self.stated, **{name: self.scenario.get(name) for name in self.shortened}}
        return {name: value for name, value in self.scenario.items() if name not in known or known[name] != value}

    @property
    def replaced(self) -> dict[str, object]:
        """What the code states for expressions that have another value in ``scenario``: the user's own numbers."""
        return {name: self.stated[name] for name in self.chosen if name in self.stated}


@dataclass(frozen=True)
class Related:
    """Another place that shows the fault: the loop, the step, the optimizer, with a few words on it.

    ``path`` is empty where a rule speaks of the file that it judges.
    """

    span: Span
    text: str
    path: str = ""
    cell: CellPlace | None = None


@dataclass(frozen=True)
class Violation:
    """What a rule yields: a place, a sentence, the evidence. Rules know neither paths nor settings.

    ``advice``: true, and worth telling, but whether it matters only the author knows; it is reported as info.
    ``mendable``: advice that a repair is offered for all the same: the formula is wrong, under a setting of nobody's.
    ``since``: the version of torch from which on it holds; a project that stays below is not told.
    """

    span: Span
    message: str
    evidence: Evidence | None = None
    advice: bool = False
    mendable: bool = False
    related: tuple[Related, ...] = ()
    since: str | None = None

    @property
    def to_mend(self) -> bool:
        """Whether a repair is looked for: of every fault, and of advice that says so."""
        return self.mendable or not self.advice


@dataclass(frozen=True)
class Finding:
    """A violation joined with its rule, file and site (index into the document's ``sites``).

    ``fingerprint`` is what it is known by in another run, wherever its lines have moved (``lrfix.fingerprints``).
    ``mendable``: a repair is offered although it is only told as info.
    """

    path: str
    code: str
    name: str
    severity: Severity
    message: str
    span: Span
    evidence: Evidence | None = None
    fix: str | None = None
    site: int | None = None
    related: tuple[Related, ...] = ()
    fingerprint: str = ""
    mendable: bool = False
    cell: CellPlace | None = None


def span_in_file(place: Finding | Related) -> Span:
    """Where a place stands in the lines of its file, for who looks at the file itself: a notebook's is JSON."""
    return place.span if place.cell is None else place.cell.file


@dataclass(frozen=True)
class ScheduleReport:
    """One of several schedules that a site holds, with the settings that choose it (``{"args.mode": "cos"}``)."""

    settings: Mapping[str, str]
    family: str
    parameters: Mapping[str, str]
    curve: tuple[float, ...] = ()


@dataclass(frozen=True)
class SiteReport:
    """A schedule as the inventory and the JSON document show it.

    ``parameters`` maps a schedule parameter (``warmup_steps``) to the user's own expression
    (``args.warmup``). ``curve`` is the sampled rate of the first group under the first scenario. ``horizon`` is the
    user's expression for the step at which the schedule is meant to end, None where it has no end or none shows.
    ``schedules`` tells the branches of a site that holds several apart. ``shown`` is the curve with its end and the
    values that it came out under.
    """

    path: str
    span: Span
    form: str
    family: str
    parameters: Mapping[str, str]
    handrolled: bool
    status: Status
    reason: str | None = None
    curve: tuple[float, ...] = ()
    name: str | None = None
    horizon: str | None = None
    schedules: tuple[ScheduleReport, ...] = ()
    cell: CellPlace | None = None
    shown: Evidence | None = None


@dataclass(frozen=True)
class FileError:
    """A file that could not be analysed. ``kind`` is ``syntax``, ``encoding``, ``io`` or ``internal``."""

    path: str
    kind: str
    message: str


@dataclass(frozen=True)
class FileResult:
    """Everything one file gave.

    ``skipped`` says why a file was left out on purpose (``generated``, ``link-outside``, ``not-python``, ``too-large``,
    ``skip-file``); ``counters`` feed ``--statistics`` (``fuel-spent``, ``opaque`` ...). ``known`` counts the findings
    that a baseline left out, ``gone`` those of the baseline that do not occur any more. ``kept``: by an earlier run,
    whose result still holds; nothing was simulated in this one.
    """

    path: str
    parsed: bool
    findings: tuple[Finding, ...] = ()
    sites: tuple[SiteReport, ...] = ()
    errors: tuple[FileError, ...] = ()
    skipped: str | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    known: int = 0
    gone: int = 0
    kept: bool = field(default=False, compare=False)
