"""A schedule put together for an experiment that goes its own way through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrfix.domains.scenarios import Scenario
from lrfix.driving.bench import Bench
from lrfix.driving.forms import build
from lrfix.driving.laboratory import Laboratory
from lrfix.driving.trace import Trace
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.values import Instance
from lrfix.sites.model import Construction


@dataclass(frozen=True)
class Assembly:
    """The schedule, built, and the machine that runs it."""

    bench: Bench
    interpreter: Interpreter
    running: Any

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call a method of the scheduler's object; raises Opaque where there is none."""
        scheduler = self.running.scheduler
        if not isinstance(scheduler, Instance):
            raise Opaque("has no object to ask", self.bench.site.node)
        return self.interpreter.call(self.interpreter.attribute(scheduler, name), *arguments)


def assembled(
    laboratory: Laboratory,
    index: int,
    overrides: Mapping[str, object],
    construction: Construction | None,
    *,
    fill_none: bool = False,
) -> Assembly:
    """The schedule of a laboratory's site under the draw ``index``. Raises what its construction raises."""
    scenario = Scenario(index, overrides=overrides)
    scenario.fill_none = fill_none
    bench = laboratory.prepared(scenario, construction, Trace({}))
    return Assembly(bench, bench.interpreter, build(bench, construction, 2, None))


__all__ = ["Assembly", "assembled"]
