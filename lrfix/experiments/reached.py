"""Whether a schedule comes to an exception as its code states it, or only with what was drawn in place of a default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrfix.driving.laboratory import Failure
from lrfix.experiments.study import Study


def spared_by(study: Study, ended: Failure) -> str | None:
    """The defaults under which a schedule goes on where every drawn run ends; None where it ends with them as well.

    Each is tried by itself and then all together, one may decide only beside another. Settings that choose between
    schedules are left out: each of those is there to be chosen.
    """
    defaults = dict(_defaults(study))
    alone = next((path for path in defaults if _goes_on(study, ended, {path: defaults[path]})), None)
    if alone is not None:
        return f"`{alone}` is {defaults[alone]!r}, its default"
    if len(defaults) > 1 and _goes_on(study, ended, defaults):
        return "the settings have the defaults that the code states"
    return None


def _defaults(study: Study) -> Iterator[tuple[str, object]]:
    """What the code states for what a run drew otherwise; no greater count, with which all comes later and no less."""
    run = study.runs[0]
    for path, value in run.leaves.items():
        stated = study.defaults.get(path)
        if path in study.settings or stated == value or not isinstance(stated, bool | int | float | str):
            continue
        later = type(stated) is int and isinstance(value, int | float) and stated > value
        if not later:
            yield path, stated


def _goes_on(study: Study, ended: Failure, values: Mapping[str, object]) -> bool:
    """Whether a run with these values comes to its end, or further than the other."""
    run = study.run(0, overrides=values)
    if run.opaque is not None:
        return False
    return run.failure is None or (run.failure.node is not ended.node and run.failure.step > ended.step)


__all__ = ["spared_by"]
