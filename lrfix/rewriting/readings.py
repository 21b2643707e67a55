"""What the author of a site meant: the readings of broken code, in the order of a documented rule (docs/repairs.md).

Each fault has a counterfactual: the curve as it would be without that fault. A counterfactual curve that recognition
takes for a bundled schedule is a reading. Where no curve is left to read (the rate never moves), the names of the
parameters say what the schedule was to be, and every reading that they allow is given.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lrfix.analysis import SiteAnalysis
from lrfix.domains.roles import Role, role_of
from lrfix.experiments.study import Study
from lrfix.findings import Status
from lrfix.recognition import Sample, ScheduleSpec, recognise
from lrfix.rewriting.counterfactuals import (
    constant_after_warmup,
    decay_alone,
    first_step_extended,
    samples_of,
    scaled_by_base,
    scaled_to_absolute,
    truncated,
    warmup_lengths,
    without_override,
)
from lrfix.rewriting.intent import readings_from_roles
from lrfix.rewriting.model import NotRewritten, Reading
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS

_HIDDEN_STATE = frozenset({"LR101", "LR103"})
_BYPASSED = frozenset({"LR104", "LR105"})
_CLASS_FACTOR = (
    "peak-factor",
    "the class's values are factors: they multiply the optimizer's own rate",
    "`get_lr` has to return rates, and these numbers do not depend on the optimizer's rate at all",
)
_CLASS_ABSOLUTE = (
    "peak-absolute",
    "the class's values are rates, whatever rate the optimizer was given",
    "this is what the code does today",
)
_FUNCTION_ABSOLUTE = (
    "peak-absolute",
    "the function's values are rates: they are kept, the optimizer's own rate no longer counts",
    "the function returns rates by its own numbers, and torch multiplied them by the base rate once more",
)
_FUNCTION_FACTOR = (
    "peak-factor",
    "the function's values are factors on the optimizer's rate, small as the product is",
    "LambdaLR multiplies whatever the function returns by the base rate; this is what the code does today",
)
_UNCHANGED_CURVE = frozenset({"LR106", "LR205"})


def readings_of(analysis: SiteAnalysis) -> list[Reading]:
    """The readings of a site, the one to choose first. Raises NotRewritten where there is none, with the reason."""
    recognition = analysis.recognition
    if analysis.status is Status.EQUIVALENT:
        assert recognition is not None and recognition.spec is not None
        return [Reading("as-written", "the same curve", recognition.spec, 0, "old and new agree at every step")]
    study = analysis.study
    assert isinstance(study, Study)
    if study.unvaried is not None:
        raise NotRewritten(
            f"`{study.unvaried}` may choose another curve, which was not simulated and a repair would lose"
        )
    found: dict[tuple[object, ...], Reading] = {}
    for reading in sorted(_repairs(study, analysis), key=lambda r: r.rank):
        found.setdefault(_same(reading.spec), reading)
    if not found:
        codes = ", ".join(sorted(study.faults))
        because = f" ({recognition.reason})" if recognition is not None and recognition.reason else ""
        raise NotRewritten(f"what the schedule was meant to be cannot be told from the code: {codes}{because}")
    return list(found.values())


def readings_past_the_end(analysis: SiteAnalysis) -> list[Reading]:
    """What a site without faults means if only its curve up to the end counts.

    Nobody is known to go past the end, so what comes there is no fault, and this reading is taken only on request.
    """
    study, recognition = analysis.study, analysis.recognition
    if analysis.status is not Status.UNSUPPORTED or recognition is None or recognition.family in ("other", "constant"):
        return []
    assert isinstance(study, Study)
    samples = samples_of(study)
    if samples is None or study.unvaried is not None:
        return []
    return [r for r in _shapes(study, samples, frozenset(), offset=0) if r.key == "stays-at-floor"]


def _same(spec: ScheduleSpec) -> tuple[object, ...]:
    return spec.scheduler, spec.positional, tuple(sorted(spec.keywords.items()))


def _repairs(study: Study, analysis: SiteAnalysis) -> Iterator[Reading]:
    faults = study.faults
    if faults & _BYPASSED:
        yield from _without_bypass(study)
        yield from readings_from_roles(study, analysis)
        return
    samples = samples_of(study, groups=1 if faults & _HIDDEN_STATE else 2)
    recovered = list(_recovered(study, samples, faults)) if samples is not None else []
    yield from recovered
    if not recovered and faults & _HIDDEN_STATE:
        yield from readings_from_roles(study, analysis)


def _without_bypass(study: Study) -> Iterator[Reading]:
    analysis = without_override(study) if "LR104" in study.faults else None
    if analysis is None or not isinstance(analysis.study, Study) or analysis.study.faults & _BYPASSED:
        return
    spec = analysis.recognition.spec if analysis.recognition is not None else None
    if analysis.status is Status.EQUIVALENT and spec is not None:
        yield Reading(
            "schedule-in-force",
            "the schedule that the class defines, no longer bypassed",
            spec,
            0,
            "without the method that bypasses it, the class's own code gives this curve",
        )
    elif analysis.study.faults:
        yield from _repairs(analysis.study, analysis)


def _recovered(study: Study, samples: Sequence[Sample], faults: frozenset[str]) -> Iterator[Reading]:
    if "LR201" not in faults:
        yield from _shapes(study, samples, faults, offset=0)
        return
    if study.site.form == "subclass" and study.site.base not in FACTOR_SCHEDULERS:
        for reading in _shapes(study, scaled_by_base(samples), faults, offset=0):
            yield _named(reading, *_CLASS_FACTOR)
        for reading in _shapes(study, samples, faults, offset=10):
            yield _named(reading, *_CLASS_ABSOLUTE)
        return
    for reading in _shapes(study, scaled_to_absolute(samples), faults, offset=0):
        yield _named(reading, *_FUNCTION_ABSOLUTE)
    for reading in _shapes(study, samples, faults, offset=10):
        yield _named(reading, *_FUNCTION_FACTOR)


def _named(reading: Reading, key: str, description: str, because: str) -> Reading:
    """A reading of a scaled curve; where the scaled curve had a fault of its own, both are told."""
    if reading.key == "as-written":
        return replace(reading, key=key, description=description, because=because)
    return replace(
        reading,
        key=f"{key}-{reading.key}",
        description=f"{description}; {reading.description}",
        because=f"{because}; {reading.because}",
    )


def _shapes(study: Study, samples: Sequence[Sample], faults: frozenset[str], offset: int) -> Iterator[Reading]:
    spec = _spec(samples)
    ended = False
    if spec is None:
        for cut in truncated(study, samples):
            spec = _spec(cut)
            if spec is not None:
                samples, ended = cut, True
                break
    suffix = ", then the floor" if ended else ""
    if "LR203" in faults:
        for reading in _first_steps(spec, samples, offset):
            yield replace(reading, description=reading.description + suffix)
    if "LR202" in faults:
        yield from _joined(study, samples, offset)
    if spec is None or faults & {"LR202", "LR203"}:
        return
    if ended:
        yield Reading(
            "stays-at-floor",
            "the curve as written up to its end, then the floor",
            spec,
            offset,
            "up to its end the curve is sound; past it the rate was to stay where the decay ends",
        )
        return
    because = "the schedule is kept as it is"
    if faults & _HIDDEN_STATE:
        because = "this is the curve of one parameter group; a function of the step gives it to all, and after a resume"
    elif faults & _UNCHANGED_CURVE:
        because = "the curve is kept; the bundled scheduler has no forbidden settings"
    yield Reading("as-written", "the curve as written", spec, offset, because)
    if "LR106" in faults:
        yield from _unused_floor(study, spec, offset + 1)


def _unused_floor(study: Study, spec: ScheduleSpec, rank: int) -> Iterator[Reading]:
    """A floor that the code takes and never applies, applied."""
    run = study.run(0, use=None if study.site.form == "subclass" else study.use)
    for role, name in ((Role.FLOOR, "eta_min"), (Role.FLOOR_RATIO, "eta_min_ratio")):
        floors = [path for path in run.names if role_of(path) is role]
        if len(floors) == 1 and not {"eta_min", "eta_min_ratio", "eta_min_factor"} & set(spec.keywords):
            applied = replace(spec, keywords={**spec.keywords, name: floors[0]})
            because = "it is named like a floor and has no effect today"
            yield Reading("floor-applied", f"`{floors[0]}` is the floor", applied, rank, because)


def _first_steps(spec: ScheduleSpec | None, samples: Sequence[Sample], offset: int) -> Iterator[Reading]:
    progress = spec.keywords.get("warmup_progress", "k/W").strip("'\"") if spec is not None else ""
    if spec is not None and "warmup_steps" in spec.keywords and progress == "k/W":
        shifted = replace(spec, keywords={**spec.keywords, "warmup_progress": '"(k+1)/W"'})
        yield Reading(
            "starts-above-zero",
            "the warmup's first step already has a rate",
            shifted,
            offset,
            "a first step (or epoch) at rate 0 trains nothing; the warmup is as long as before",
        )
        return
    extended = first_step_extended(samples)
    found = _spec(extended) if extended is not None else None
    if found is not None:
        yield Reading(
            "first-step-in-line",
            "the first step follows the same line as the warmup after it",
            found,
            offset,
            "only the first step is out of line with the warmup",
        )


def _joined(study: Study, samples: Sequence[Sample], offset: int) -> Iterator[Reading]:
    """The decay as it is without warmup, put behind the warmup as it is without decay."""
    for path in warmup_lengths(study):
        alone = decay_alone(study, path)
        if alone is None:
            continue
        decay = _spec(alone)
        warmup_samples = constant_after_warmup(samples, alone)
        warmup = _spec(warmup_samples) if warmup_samples is not None else None
        if decay is None or warmup is None or "warmup_steps" not in warmup.keywords:
            continue
        own = {k: v for k, v in warmup.keywords.items() if k.startswith("warmup")}
        if any(_mentions(text, path) for text in (*decay.positional, *decay.keywords.values())):
            continue
        kept = ScheduleSpec(decay.scheduler, decay.positional, {**own, **decay.keywords})
        yield Reading(
            "horizon-kept",
            "the decay starts at the end of the warmup and ends at the horizon as written",
            kept,
            offset,
            "the decay was counted from step 0, not from the end of the warmup; the end of training stays where it was",
        )
        if decay.scheduler in ("WarmupCosineLR", "WarmupLinearLR", "WarmupPolynomialLR"):
            total = decay.positional[0]
            longer = f"{total} + {own['warmup_steps']}"
            yield Reading(
                "length-kept",
                "the decay starts at the end of the warmup, takes as many steps as written, and ends later",
                ScheduleSpec(decay.scheduler, (longer, *decay.positional[1:]), {**own, **decay.keywords}),
                offset + 1,
                "the decay keeps its length, so the whole schedule is longer by the warmup",
            )
        return


def _mentions(text: str, path: str) -> bool:
    return any(isinstance(n, ast.expr) and ast.unparse(n) == path for n in ast.walk(ast.parse(text, mode="eval")))


def _spec(samples: Sequence[Sample]) -> ScheduleSpec | None:
    try:
        return recognise(samples).spec
    except ValueError:
        return None


__all__ = ["readings_of"]
