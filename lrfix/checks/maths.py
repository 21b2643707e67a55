"""LR202: where the curve breaks between phases."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from lrfix.checks.hand_overs import handed_over_late
from lrfix.checks.interplay import torn_apart
from lrfix.checks.phases import phases_apart, resumed_apart
from lrfix.checks.ramps import overshoots, ramp_end
from lrfix.domains.roles import Role, last_word, role_of
from lrfix.domains.scenarios import Same
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import decay_span, methods
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.registry import rule

_TIMM_FORMULAS = frozenset({"_get_lr", "_get_values", "get_epoch_values", "get_update_values"})
_SHARES = re.compile(r"ratio|factor|frac|scale|mult|share|gamma|power")
_DEVICES = re.compile(r"gpu|device|world|replica|process|node")


@rule("LR202", uses=True)
def boundary_jump(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from handed_over_late(study)
        return
    if not study.ran or (study.site.base == "MultiplicativeLR" and study.site.form == "lambda"):
        return
    if study.everywhere(overshoots):
        return  # one step too many: LR209
    if _formula_of_a_library(study):
        return
    for runs in (study.runs, _long_warmups(study), _plain_cycles(study)):
        jumps = [_jump(run.curve) for run in runs]
        if jumps and jumps[0] is not None and all(jump is not None for jump in jumps):
            if _meets_when_told_where(study, runs) or _meets_by_choice(study, runs[0]):
                break
            yield _on_one_device(study) or _boundary(study, runs[0], jumps[0], "")
            return
    found = [*phases_apart(study), *_after_a_resume(study)][:1]
    yield from found or _together(study)


def _formula_of_a_library(study: Study) -> bool:
    """Whether a class counts for one of timm's schedulers and leaves the formula, its warmup included, to timm."""
    node = study.node
    if not isinstance(node, ast.ClassDef):
        return False
    derived = any(name.startswith("timm.") for base in node.bases for name in study.names.qualified(base))
    return derived and not any(m.name in _TIMM_FORMULAS for m in methods(node))


def _on_one_device(study: Study) -> Violation | None:
    """The jump as advice, where a number of devices makes it: on one of them the phases meet."""
    counts = [p for p in study.runs[0].leaves if role_of(p) is Role.COUNT and _DEVICES.search(last_word(p))]
    if not counts:
        return None
    alone = [study.run(index, overrides=dict.fromkeys(counts, 1)) for index in range(len(study.runs))]
    step = _jump(study.runs[0].curve)
    if step is None or any(run.ran and all_real(run.curve) and _jump(run.curve) is not None for run in alone):
        return None
    under = f" with `{counts[0]}` above 1, which only one of the phases is multiplied by"
    return replace(_boundary(study, study.runs[0], step, under), advice=True)


def _boundary(study: Study, run: Run, step: int, under: str) -> Violation:
    before, after = run.curve[step], run.curve[step + 1]
    direction = "drops" if after < before else "leaps"
    return Violation(
        decay_span(study),
        f"The rate {direction} where warmup ends{under}: {before:.6g} at step {step}, {after:.6g} at step {step + 1} "
        f"({100 * (after / before - 1):+.0f} %), while it moves by {abs(before - run.curve[step - 1]):.2g} a step "
        "before "
        f"and {abs(run.curve[step + 2] - after):.2g} after.",
        study.evidence(run, [step - 1, step, step + 1, step + 2]),
    )


def _after_a_resume(study: Study) -> Iterator[Violation]:
    """A warmup that is counted from the resume over a decay that is counted from the beginning."""
    resumed = resumed_apart(study)
    if resumed is not None:
        where = f" in a run that goes on from `{resumed.start}` = {resumed.value}"
        yield _boundary(study, resumed.run, resumed.step, where)


def _together(study: Study) -> Iterator[Violation]:
    """Phases that two settings of the schedule move apart, each of which alone keeps them together."""
    for settings, run, step in torn_apart(study, _jump):
        named = " and ".join(f"`{path}` = {value}" for path, value in settings.items())
        yield replace(_boundary(study, run, step, f" with {named} together"), advice=True)


def _jump(curve: list[float]) -> int | None:
    """The last step of a warmup ramp that is followed by a jump; None when the phases meet."""
    end = ramp_end(curve)
    if end is None or end + 4 >= len(curve):
        return None
    top = curve[end]
    slope = top - curve[end - 1]
    move = curve[end + 1] - top
    later = abs(curve[end + 3] - curve[end + 2])
    if move < 0:
        return end if -move > 0.02 * top and -move > 2 * later else None
    return end if move > 0.02 * top and move > 2.5 * slope and move > 4 * later else None


def _meets_by_choice(study: Study, run: Run) -> bool:
    """Whether a switch of the constructor joins the phases: where the decay is counted from is the caller's choice."""
    for name, default, _ in study.constructor:
        if isinstance(default, ast.Constant) and isinstance(default.value, bool):
            other = study.run(0, overrides={**run.scenario.overrides, name: not default.value})
            if other.ran and _jump(other.curve) is None and len(set(other.curve)) > 1 and other.curve != run.curve:
                return True
    return False


def _meets_when_told_where(study: Study, runs: list[Run]) -> bool:
    """Whether a free number that may say where the decay begins joins the phases once it is the warmup's length.

    Two base rates of one optimizer that were drawn apart are made equal for the same reason.
    """
    leaves = runs[0].leaves
    warmups = [p for p in leaves if role_of(p) in (Role.WARMUP, Role.WARMUP_EPOCHS)]
    starts = [
        p
        for p, v in leaves.items()
        if role_of(p) in (Role.UNKNOWN, Role.LAST_EPOCH) and isinstance(v, int) and not isinstance(v, bool)
        if not _SHARES.search(last_word(p))
    ]
    for start in starts:
        for warmup in warmups:
            told = [
                study.run(i, overrides={**run.scenario.overrides, start: Same(warmup)}) for i, run in enumerate(runs)
            ]
            if all(run.ran and _jump(run.curve) is None for run in told):
                return True
    rates = [p for p, v in leaves.items() if role_of(p) is Role.BASE_RATE and isinstance(v, float)]
    if len(rates) < 2:
        return False
    alike = [
        study.run(
            i,
            overrides={**run.scenario.overrides, **dict.fromkeys(rates, run.base_lrs[0])},
            base_lrs=(run.base_lrs[0],) * len(run.base_lrs),
        )
        for i, run in enumerate(runs)
    ]
    return all(run.ran and _jump(run.curve) is None for run in alike)


def _plain_cycles(study: Study) -> list[Run]:
    """The generic scenarios with cycles of even length, where the code offers others and says that even is usual."""
    found = []
    for index, run in enumerate(study.runs):
        mults = [p for p in run.leaves if role_of(p) is Role.CYCLE_MULT and study.defaults.get(p) == 1]
        if not mults:
            return []
        # With a warmup of half a cycle, what is counted from the wrong step stands out most.
        halves = [int(v) // 2 for v in study.lengths(run, Role.CYCLE).values()]
        warmups = study.lengths(run, Role.WARMUP) if halves else {}
        even = study.run(index, overrides={**dict.fromkeys(mults, 1), **dict.fromkeys(warmups, max(halves, default=0))})
        if not even.ran or not all_real(even.curve):
            return []
        found.append(even)
    return found


def _long_warmups(study: Study) -> list[Run]:
    """The generic scenarios with a warmup of two fifths of the run: a jump that a short warmup hides shows there."""
    found = []
    for index, run in enumerate(study.runs):
        horizon = study.horizon(run)
        leaves = {**run.leaves, **run.names}
        # A decay of a length of its own begins at `horizon - decay`: a longer warmup would run into it.
        if any(role_of(p) is Role.DECAY_LENGTH for p in leaves):
            return []
        lengths = [
            p for p, v in leaves.items() if role_of(p) in (Role.WARMUP, Role.WARMUP_EPOCHS) and isinstance(v, int)
        ]
        inputs = [p for p in lengths if p in run.leaves] or lengths
        if horizon is None or len(inputs) != 1 or inputs[0] in study.constants:
            return []
        epochs = [v for p, v in run.leaves.items() if role_of(p) is Role.EPOCHS and isinstance(v, int)]
        whole = epochs[0] if role_of(inputs[0]) is Role.WARMUP_EPOCHS and epochs else horizon
        longer = study.run(index, overrides={inputs[0]: int(0.4 * whole)})
        if not longer.ran or not all_real(longer.curve):
            return []
        found.append(longer)
    return found
