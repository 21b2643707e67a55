"""Two settings that leave the phases of a schedule together, each by itself, and tear them apart when both are used."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, all_real

_MOST = 3
_SCENARIOS = (0, 1)
#: Past every warmup of the scenarios, twice as long.
_STEPS = 72
#: A neutral ratio is tried at this value: twice as long, twice as high.
_RATIO = 2.0


def torn_apart(
    study: Study, jump: Callable[[list[float]], int | None]
) -> Iterator[tuple[Mapping[str, object], Run, int]]:
    """The settings of a flag that is off and of a ratio that is 1 by default under which ``jump`` finds a step, first
    of all; with the run that shows it. Neither of the two alone makes one."""
    flags = [
        name
        for name, default, _ in study.constructor
        if isinstance(default, ast.Constant) and default.value is False and name not in study.settings
    ][:_MOST]
    ratios = [
        path
        for path, value in study.runs[0].leaves.items()
        if isinstance(value, float) and value == 1 and role_of(path) is Role.UNKNOWN and path not in study.settings
    ][:_MOST]
    for flag, ratio in product(flags, ratios):
        on: dict[str, object] = {flag: True}
        scaled: dict[str, object] = {ratio: _RATIO}
        both = [_curve(study, index, {**on, **scaled}) for index in _SCENARIOS]
        steps = [jump(run.curve) if run is not None else None for run in both]
        if any(step is None for step in steps):
            continue
        apart = [_curve(study, index, alone) for alone in (on, scaled) for index in _SCENARIOS]
        if all(run is not None and jump(run.curve) is None for run in apart):
            assert both[0] is not None and steps[0] is not None
            yield {**on, **scaled}, both[0], steps[0]
            return


def _curve(study: Study, index: int, overrides: Mapping[str, object]) -> Run | None:
    run = study.run(index, overrides=overrides, steps=min(_STEPS, study.steps))
    return run if run.ran and run.failure is None and all_real(run.curve) else None


__all__ = ["torn_apart"]
