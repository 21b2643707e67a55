"""What a verification is asked and what it answers: plain values, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FEW_STEPS = 3
"""At so many steps old and new may differ in a setting that is merely legal: beside the end of a phase, no phase."""
BETWEEN = "at fractions of a step"

Device = Literal["auto", "cpu", "cuda"]
Expectation = Literal["equivalent", "repair"]
Verdict = Literal["equivalent", "different", "failed", "refused"]


@dataclass(frozen=True)
class Scenario:
    """Values of the free parameters (handed to ``build`` as its dict ``p``; numbers, strings, booleans, None and
    lists or dicts of them) and the base rate of each parameter group, in the optimizer's units. One group is
    possible, two or more show what depends on the number of groups. ``end`` is how many steps training takes under
    these values: what the curves do from that step on is told and not judged; None judges all of it.
    ``words`` name the setting to a reader: "with `warmup` = 0". ``legal``: nobody is seen to choose it. That
    the new version raises in it, or differs at a handful of steps, is told and not judged; nor is ``cut_short``, a run
    that ends before its last phase has room, however far the two are apart."""

    values: Mapping[str, object]
    base_lrs: tuple[float, ...] = (0.1, 0.003)
    end: int | None = None
    words: str = ""
    legal: bool = False
    cut_short: bool = False


@dataclass(frozen=True)
class VerificationRequest:
    """``old`` and ``new`` are the texts of two self-contained modules, each defining ``build(optimizer, p)``, which
    returns an object with ``step()`` (and, to be resumed, ``state_dict()`` and ``load_state_dict()``).

    ``steps`` is the horizon; the curves go on beyond it. ``expect`` says what the rewrite claims to be: for a
    ``repair`` the old version may raise, and the weights after training are not compared. ``curves_only`` leaves out
    resume and training, which other requests for the same programs show; with ``old_may_raise`` nothing is compared
    from where the old version raises. With ``ends_itself`` a scenario without an end has the one that the new version's
    scheduler was given.
    """

    old: str
    new: str
    scenarios: tuple[Scenario, ...]
    steps: int
    expect: Expectation = "equivalent"
    device: Device = "auto"
    curves_only: bool = False
    old_may_raise: bool = False
    ends_itself: bool = False


@dataclass(frozen=True)
class CallSetting:
    """Values for the programs of a ``CallRequest`` (their dict ``p``), and the positions to ask at, in this order.

    ``end``: past it the two may differ, and the answer says where they begin to; None where they may nowhere.
    ``base_lrs`` and ``extras`` are the base rates and further keys of the groups, for programs that set rates.
    ``legal`` is as in ``Scenario``, the words that name the setting. ``between``: nobody is seen to ask at a fraction
    of a step.
    """

    values: Mapping[str, object]
    positions: tuple[float, ...]
    end: float | None = None
    base_lrs: tuple[float, ...] = (0.1, 0.003)
    extras: tuple[Mapping[str, object], ...] = ()
    legal: str = ""
    between: bool = False

    @property
    def plain(self) -> dict[str, Any]:
        """The setting as JSON has it."""
        return {
            "values": dict(self.values),
            "positions": list(self.positions),
            "end": self.end,
            "base_lrs": list(self.base_lrs),
            "extras": [dict(extra) for extra in self.extras],
        }


@dataclass(frozen=True)
class CallRequest:
    """``old`` and ``new`` are texts of modules whose ``build(optimizer, p)`` returns a function of the position in
    training. What it returns, and what it does to the groups of a real optimizer, has to be the same."""

    old: str
    new: str
    settings: tuple[CallSetting, ...]

    @property
    def steps(self) -> int:
        """The furthest position that is asked for."""
        return int(max((max(s.positions, default=0) for s in self.settings), default=0))


@dataclass(frozen=True)
class Row:
    """The rates of all groups at one step or position; None where that version had already raised."""

    step: float
    old: tuple[float, ...] | None
    new: tuple[float, ...] | None


@dataclass(frozen=True)
class Difference:
    """The largest difference of a pair of curves as a share of the group's peak, and where it stands; ``inf`` where
    only one of the two has a finite rate."""

    relative: float
    step: int
    group: int


@dataclass(frozen=True)
class ResumeOutcome:
    """Whether stopping and going on equals never having stopped, bit for bit. ``exact`` is None where it could not
    be tried, with the reason as ``note``; ``stopped_at`` and ``wrong_from`` name the first case that failed."""

    exact: bool | None
    stopped_at: int | None = None
    wrong_from: int | None = None
    note: str | None = None


@dataclass(frozen=True)
class ScenarioOutcome:
    """One scenario: the table to show, both whole curves (a tuple of rates, one a group, for each step from 0), and
    the checks. ``largest`` is the largest difference before the scenario's end, ``beyond`` the first one past it that
    counts as one. ``weights_equal`` says whether the weights after training agree bit for bit, ``weights_apart`` by how
    much they differ at most, relative; both and ``tensor_rates`` are None where they were not compared. ``handover``
    says what becomes of a checkpoint of the old version in the new one: "" where it goes on as if nothing had changed,
    None where it was not tried."""

    scenario: Scenario
    rows: tuple[Row, ...]
    old_curve: tuple[tuple[float, ...], ...]
    new_curve: tuple[tuple[float, ...], ...]
    largest: Difference | None
    beyond: Difference | None
    old_error: str | None
    new_error: str | None
    old_resume: ResumeOutcome
    new_resume: ResumeOutcome
    weights_equal: bool | None
    weights_apart: float | None
    tensor_rates: bool | None
    devices: tuple[str, ...]
    handover: str | None = None


@dataclass(frozen=True)
class Verification:
    """``equivalent``, ``different`` (``reason`` says in what), ``failed`` (``reason`` says why there is no proof) or
    ``refused`` (``reason`` says what a version wants that no schedule may have). ``notes`` say where the two differ
    without being less equal for it: where the old one raises, or past the end. ``seconds`` is the wall clock of this
    request, the start of the server not included. ``missing_fences`` says what the kernel did not have. ``apart`` are
    the settings in which the two differ and that nobody is seen to choose, by their places in the request, with the
    words for them and what differs; ``scenarios`` leaves them out. At -1 stands what differs between two steps."""

    verdict: Verdict
    reason: str | None = None
    scenarios: tuple[ScenarioOutcome, ...] = ()
    largest: Difference | None = None
    devices: tuple[str, ...] = ()
    torch_version: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    missing_fences: tuple[str, ...] = ()
    apart: Mapping[int, tuple[str, str]] = field(default_factory=dict)
