"""Rates that no update reads: those of an optimizer that looks at its rate in the first step only."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.clocks import reads_first_rate_only
from lrfix.experiments.study import Study
from lrfix.experiments.training import (
    Shown,
    built_in,
    conducts,
    line,
    once_a_place,
    places,
    shares_loop,
    spot,
    traces,
)
from lrfix.findings import Violation
from lrfix.tracing.events import Kind
from lrfix.tracing.values import Optimizer


def unread(study: Study) -> Iterator[Violation]:
    """A schedule on such an optimizer, in every way through the file that builds it or writes the rate."""
    found: dict[ast.AST | None, list[tuple[Optimizer, str, tuple[Shown, ...]]]] = {}
    for conduct in conducts(study):
        if conduct.optimizer is not None and conduct.steps and conduct.updates:
            what = f"What `{conduct.name}` sets after that (line {line(conduct.steps[-1])})"
            told = (conduct.optimizer, what, tuple(places(conduct)))
            found.setdefault(spot(study, conduct), []).append(told)
    for trace in traces(study):
        for write in trace.of(Kind.WRITE_RATE):
            thing = write.thing
            if isinstance(thing, Optimizer) and any(shares_loop(write, step) for step in trace.of(Kind.STEP, thing)):
                found.setdefault(write.node, []).append((thing, "What is written here after that", ()))
    for node, seen in found.items():
        optimizer, what, shown = seen[-1]
        if all(reads_first_rate_only(f"{each.package}.{each.cls}") for each, _, _ in seen):
            message = (
                f"{optimizer.cls} (line {built_in(optimizer)}) reads its rate in the first update only, as the size of "
                f"the steps that it begins with. {what} changes nothing. Take the schedule away, or another optimizer."
            )
            yield from once_a_place(study, [(node, message, shown)])


def drives_what_reads_no_rate(study: Study) -> bool:
    """Whether a scheduler is built on such an optimizer, wherever it is seen to be built."""
    calls = [(use.names or study.names, use.optimizer_call) for use in study.site.constructions]
    return bool(calls) and all(
        call is not None and any(map(reads_first_rate_only, names.qualified(call.func))) for names, call in calls
    )


__all__ = ["drives_what_reads_no_rate", "unread"]
