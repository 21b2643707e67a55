"""LR306: ReduceLROnPlateau is stepped without a metric, or another scheduler with one."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from lrfix.experiments.lightning import stepped_without_metric
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Told, built_in, conducts, here, once_a_place, told_at
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event, Guard, Kind
from lrfix.tracing.metrics import is_metric, is_position, text_of
from lrfix.trees import walk, written

#: Their ``step`` takes nothing at all.
_TAKES_NOTHING = frozenset({"SequentialLR", "ChainedScheduler"})


@rule("LR306", uses=True)
def plateau_metric(study: Study) -> Iterator[Violation]:
    steps = ((conduct, event) for conduct in conducts(study) if conduct.is_torch for event in conduct.steps)
    yield from once_a_place(study, (_told(study, conduct, event) for conduct, event in steps))
    yield from once_a_place(study, _in_hooks(study))


def _in_hooks(study: Study) -> Iterator[Told]:
    for step, configured in stepped_without_metric(study):
        message = (
            f"The module builds a ReduceLROnPlateau (line {built_in(configured.scheduler)}), and this hook leaves out "
            "the metric that it is given: the call raises TypeError. Pass it on."
        )
        yield step, message, [(configured.scheduler.node, f"`{configured.name}` is built")]


def _told(study: Study, conduct: Conduct, event: Event) -> Told:
    place, where = told_at(study, conduct, event)
    return place, _fault(study, conduct, event, where)


def _is_told_apart(study: Study, conduct: Conduct, event: Event) -> bool:
    """Whether the file gives what has the scheduler's name a metric where it is a plateau: by its class,
    ``if isinstance(scheduler, ReduceLROnPlateau): scheduler.step(loss)``, or by the setting that keeps it from this
    step, ``if kind == "plateau": scheduler.step(loss) else: scheduler.step()``."""
    chosen = {asked for built in conduct.trace.of(Kind.BUILD, conduct.scheduler) for asked in _asked(built.guards)}
    free = here(event.node, study) and not chosen & _asked(event.guards)  # else the choice is the same, and known
    around = set(study.names.ancestors(event.node)) if free else set()
    for call in (node for node in study.names.nodes if isinstance(node, ast.Call) and (node.args or node.keywords)):
        if written(call.func) != f"{conduct.name}.step":
            continue
        tested = [outer for outer in study.names.ancestors(call) if isinstance(outer, ast.If | ast.IfExp)]
        if any(isinstance(outer.test, ast.Constant) for outer in tested):
            continue  # `if False:` gives nothing its metric
        if any("ReduceLROnPlateau" in written(outer.test) or outer in around for outer in tested):
            return True
    return False


def _asked(guards: Iterable[Guard]) -> set[str]:
    """What conditions ask for: ``args.kind`` of ``args.kind in ("step", "cosine")``."""
    tests = (guard.node for guard in guards)
    return {written(node.left) for test in tests for node in walk(test) if isinstance(node, ast.Compare)}


def _written_out(event: Event) -> bool:
    """Whether the argument is a number as it stands there, and no name that had one before the loop."""
    call = event.node
    given = [*call.args, *(keyword.value for keyword in call.keywords)] if isinstance(call, ast.Call) else []
    return bool(given) and isinstance(given[0], ast.Constant)


def _may_watch(conduct: Conduct) -> bool:
    """Whether the scheduler may wait for a metric: of those that transformers builds by name, one does."""
    name = conduct.scheduler.arguments.get("name")
    return conduct.class_name == "get_scheduler" and (not isinstance(name, str) or "plateau" in name)


def _fault(study: Study, conduct: Conduct, event: Event, where: str) -> str | None:
    given = event.arguments[0] if event.arguments else None
    if event.detail:
        return None
    if conduct.is_plateau:
        if not event.arguments:
            if event.decided and _is_told_apart(study, conduct, event):
                return None  # a setting may keep this step to other schedulers
            return (
                f"`{conduct.name}` is a ReduceLROnPlateau and gets no metric{where}: the call raises TypeError. Pass "
                "the one that it watches."
            )
        if is_position(given) and (not isinstance(given, int) or _written_out(event)):
            waits = "that never improves" if isinstance(given, int) else "it waits for the epoch to fall"
            return (
                f"`{conduct.name}` is a ReduceLROnPlateau and gets `{text_of(given)}` for its metric{where}: {waits}, "
                "and the rate is cut every few epochs."
            )
        return None
    if event.arguments and not _may_watch(conduct) and is_metric(given):
        done = "raises TypeError" if conduct.class_name in _TAKES_NOTHING else "takes it for the epoch"
        return (
            f"`{conduct.name}` is a {conduct.class_name} and gets the metric `{text_of(given)}`{where}: `step` {done}. "
            "Only ReduceLROnPlateau waits for a metric."
        )
    return None
