"""For LR202: phases after the warmup that do not meet. No rules here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrfix.checks.ramps import ramp_end
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.interpreter.values import Instance, Unknown

#: What makes stairs: drops that are meant.
_STAIRS = (Role.MILESTONES, Role.CYCLE, Role.CYCLES)
#: Schedules that do not restart: whoever puts one after a decay means to go on from there.
_ONWARD = frozenset({"LinearLR", "ConstantLR", "PolynomialLR", "ExponentialLR"})


def phases_apart(study: Study) -> Iterator[Violation]:
    """Two phases after the warmup that do not meet."""
    if any(role_of(p) in _STAIRS for run in study.runs for p in (*run.leaves, *run.names)):
        return
    if study.site.base == "SequentialLR":
        leaps = [_leap(run) for run in study.runs]
        if leaps and all(leap is not None for leap in leaps):
            yield from _told(study, leaps[0], "leaps back")
            return
    drops = [_drop(study, run) for run in study.runs]
    shown = [(run, drop) for run, drop in zip(study.runs, drops, strict=True) if drop is not None]
    # One scenario may be a stair by chance; the others tell.
    if len(shown) > 1 and all(
        drop is not None or _chance(study, run) for run, drop in zip(study.runs, drops, strict=True)
    ):
        yield from _told(study, shown[0][1], "drops", shown[0][0])


def _told(study: Study, step: int | None, moves: str, run: Run | None = None) -> Iterator[Violation]:
    run = run or study.runs[0]
    assert step is not None
    before, after = run.curve[step], run.curve[step + 1]
    yield Violation(
        study.site.span,
        f"The rate {moves} where two phases meet: {before:.6g} at step {step}, {after:.6g} at step {step + 1} "
        f"({100 * (after / before - 1):+.0f} %), while it moves by {abs(before - run.curve[step - 1]):.2g} a step "
        f"before and {abs(run.curve[step + 2] - after):.2g} after.",
        study.evidence(run, [step - 1, step, step + 1, step + 2]),
    )


def _drop(study: Study, run: Run) -> int | None:
    """The one drop in a curve that falls evenly before and after it."""
    found = _drops(study, run)
    return found[0] if len(found) == 1 and not _on_a_stair(study, run, found[0]) else None


def _chance(study: Study, run: Run) -> bool:
    found = _drops(study, run)
    return len(found) == 1 and _on_a_stair(study, run, found[0])


def _on_a_stair(study: Study, run: Run, step: int) -> bool:
    intervals = [int(v) for v in study.lengths(run, Role.STEP_SIZE).values() if v >= 1]
    return any((step + 1) % interval == 0 for interval in intervals)


def _drops(study: Study, run: Run) -> list[int]:
    horizon = study.horizon(run)
    if horizon is None or not all_real(run.curve):
        return []
    curve = run.curve[: min(horizon, len(run.curve) - 3)]
    peak = max(curve, default=0.0)
    found = []
    for k in range(3, len(curve) - 4):
        move = curve[k] - curve[k + 1]
        around = [curve[j] - curve[j + 1] for j in (k - 2, k - 1, k + 1, k + 2)]
        even = abs(around[0] - around[1]) < 0.2 * around[1] and abs(around[2] - around[3]) < 0.2 * around[2]
        if move > 0.02 * peak and min(around) > 0 and even and move > 2.2 * max(around):
            found.append(k)
    return found


def _leap(run: Run) -> int | None:
    """The last step of a phase that has come down, where the next one, which never restarts, begins at the peak."""
    parts = _parts(run, "_schedulers")
    milestones = [run.leaves.get(m.path) if isinstance(m, Unknown) else m for m in _parts(run, "_milestones")]
    if len(parts) != len(milestones) + 1:
        return None
    for part, start in list(zip(parts[1:], milestones, strict=True))[1:]:
        if not isinstance(part, Instance) or part.cls.name not in _ONWARD:
            continue
        if not isinstance(start, int) or not 3 < start < len(run.curve) - 2:
            continue
        peak, before, after = max(run.curve[:start]), run.curve[start - 1], run.curve[start]
        falling = run.curve[start - 3] >= run.curve[start - 2] >= before
        if 0 < before < 0.5 * peak and falling and after >= 0.9 * peak:
            return start - 1
    return None


@dataclass(frozen=True)
class Resumed:
    """A run that goes on from ``start`` = ``value``: after its warmup the rate drops to where it stood."""

    run: Run
    start: str
    value: int
    step: int


def resumed_apart(study: Study) -> Resumed | None:
    """A warmup after a resume that climbs to the rate of the beginning, and not to the one that is due there.

    Shown by a setting that says where the run goes on: past the warmup the curve is that of a whole run, that much
    later, and the warmup does not end where it begins.
    """
    starts = [p for p, v in study.runs[0].leaves.items() if role_of(p) is Role.LAST_EPOCH and v == 0]
    for start in starts:
        for plain in ({}, _without_unknown(study)):
            found = [_resumed(study, index, start, plain) for index in range(len(study.runs))]
            if found and all(found):
                return found[0]
    return None


def _without_unknown(study: Study) -> dict[str, object]:
    leaves = study.runs[0].leaves.items()
    return {p: 0 for p, v in leaves if role_of(p) is Role.UNKNOWN and isinstance(v, int) and not isinstance(v, bool)}


def _resumed(study: Study, index: int, start: str, overrides: dict[str, object]) -> Resumed | None:
    whole = study.run(index, overrides=overrides)
    end = ramp_end(whole.curve) if whole.ran and all_real(whole.curve) else None
    horizon = study.horizon(whole)
    if end is None or horizon is None or horizon < 2 * end:
        return None
    lengths = [int(v) for v in study.lengths(whole, Role.LOADER_LENGTH).values() if v >= 1]
    for length in (*lengths, 1):
        later = horizon // 2 // length
        run = study.run(index, overrides={**overrides, start: later})
        shift = later * length
        if not run.ran or not all_real(run.curve) or ramp_end(run.curve) not in (end, end - 1, end + 1):
            continue
        step = ramp_end(run.curve) or 0
        after = run.curve[step + 1 : step + 9]
        there = whole.curve[step + 1 + shift : step + 9 + shift]
        top = run.curve[step]
        alike = len(there) == 8 and all(abs(a - b) <= 1e-9 * top for a, b in zip(after, there, strict=True))
        if alike and after[0] < 0.9 * top and after[0] < top - 3 * abs(after[1] - after[0]):
            return Resumed(run, start, later, step)
    return None


def _parts(run: Run, attribute: str) -> Sequence[object]:
    found = run.scheduler.attributes.get(attribute) if isinstance(run.scheduler, Instance) else None
    return found if isinstance(found, list | tuple) else []


__all__ = ["Resumed", "phases_apart", "resumed_apart"]
