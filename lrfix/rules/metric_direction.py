"""LR314: ReduceLROnPlateau watches the wrong way."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, line, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event
from lrfix.tracing.metrics import direction


@rule("LR314", uses=True)
def metric_direction(study: Study) -> Iterator[Violation]:
    told: set[int] = set()
    for conduct in conducts(study):
        mode = conduct.scheduler.arguments.get("mode", "min") if conduct.is_plateau else None
        node = spot(study, conduct)
        if node is None or mode not in ("min", "max") or conduct.scheduler.hidden:
            continue
        for event in conduct.steps:
            found = _watched(conduct, event)
            if found is not None and found[1] != mode and id(node) not in told:
                told.add(id(node))
                way = "rises" if found[1] == "max" else "falls"
                yield Violation(
                    study.span(node),
                    f'`{conduct.name}` waits for `{found[0]}` (line {line(event)}) with `mode="{mode}"`, and that '
                    f"{way} while training gets better: every improvement counts as none, and the rate is cut.",
                )


def _watched(conduct: Conduct, event: Event) -> tuple[str, str] | None:
    """The metric that a step is given, and the mode that it needs."""
    if not event.arguments or event.detail or not isinstance(event.node, ast.Call):
        return None
    given = event.node.args[0] if event.node.args else event.node.keywords[0].value
    needed = direction(given, event.arguments[0])
    return (ast.unparse(given), needed) if needed is not None else None
