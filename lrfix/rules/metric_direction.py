"""LR314: ReduceLROnPlateau watches the wrong way."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, line, once_a_place, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event
from lrfix.tracing.metrics import direction


@rule("LR314", uses=True)
def metric_direction(study: Study) -> Iterator[Violation]:
    yield from once_a_place(study, ((spot(study, conduct), _fault(conduct)) for conduct in conducts(study)))


def _fault(conduct: Conduct) -> str | None:
    mode = conduct.scheduler.arguments.get("mode", "min") if conduct.is_plateau else None
    if mode not in ("min", "max") or conduct.scheduler.hidden:
        return None
    for event in conduct.steps:
        found = _watched(conduct, event)
        if found is not None and found[1] != mode:
            way = "rises" if found[1] == "max" else "falls"
            return (
                f'`{conduct.name}` waits for `{found[0]}` (line {line(event)}) with `mode="{mode}"`, and that {way} '
                "while training gets better: every improvement counts as none, and the rate is cut. Use "
                f'`mode="{found[1]}"`.'
            )
    return None


def _watched(conduct: Conduct, event: Event) -> tuple[str, str] | None:
    """The metric that a step is given, and the mode that it needs."""
    if not event.arguments or event.detail or not isinstance(event.node, ast.Call):
        return None
    given = next(iter((*event.node.args, *(k.value for k in event.node.keywords))), None)
    if given is None:
        return None  # given beforehand, `partial(scheduler.step, loss)`
    needed = direction(given, event.arguments[0])
    return (ast.unparse(given), needed) if needed is not None else None
