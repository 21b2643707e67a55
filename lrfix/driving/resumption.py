"""Stop training at a step, build everything anew, load what was saved, go on: the resume experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lrfix.driving.assembly import assembled
from lrfix.driving.bench import groups_of
from lrfix.driving.laboratory import Laboratory
from lrfix.interpreter.cloning import clone
from lrfix.interpreter.errors import Finished, Opaque, UserError
from lrfix.interpreter.stack import roomy
from lrfix.sites.model import Construction


@dataclass(frozen=True)
class Resumption:
    """The rates of the first group from step ``at`` on: in a run that never stopped, and in one that was resumed.

    ``told`` is whether the schedule is given the step, and could be resumed without any state of its own.
    """

    at: int
    walked: tuple[float, ...]
    resumed: tuple[float, ...]
    told: bool

    @property
    def lost(self) -> int | None:
        """The first step at which the two runs part; None where they agree."""
        for offset, (a, b) in enumerate(zip(self.walked, self.resumed, strict=False)):
            if abs(a - b) > 1e-6 * max(abs(a), abs(b)):
                return self.at + offset
        return None


@roomy
def resume(
    laboratory: Laboratory,
    index: int,
    *,
    overrides: Mapping[str, object],
    construction: Construction | None,
    at: int,
    steps: int,
    saved: bool,
) -> Resumption | None:
    """Compare a run with one that is stopped before step ``at`` and resumed; None where that cannot be simulated.

    The optimizer's rates are restored, as its own ``load_state_dict`` does; with ``saved`` so is what the scheduler's
    ``state_dict`` gave.
    """
    try:
        first = assembled(laboratory, index, overrides, construction)
        for step in range(at):
            first.running.rates(step)
        rates = [group.get("lr") for group in groups_of(first.running.optimizer)]
        state = first.ask("state_dict") if saved else None
        # One copy for the checkpoint: what the run goes on to change is not in it.
        state = clone(state)
        walked = [first.running.rates(step)[0] for step in range(at, at + steps)]
        # The second process is given what the first was, in whatever order it asks.
        leaves = first.bench.world.host.leaves
        # What has attributes of its own is an object again, whatever it was taken for once.
        drawn = {p: v for p, v in leaves.items() if not any(other.startswith(f"{p}.") for other in leaves)}
        second = assembled(laboratory, index, {**overrides, **drawn}, construction)
        for group, rate in zip(second.running.optimizer.attributes["param_groups"], rates, strict=False):
            group["lr"] = rate
        if saved:
            second.ask("load_state_dict", state)
        if hasattr(second.running, "resumed"):
            second.running.resumed = True
        resumed = [second.running.rates(step)[0] for step in range(at, at + steps)]
    except (Opaque, UserError, Finished, AttributeError):
        return None
    if not all(isinstance(rate, int | float) for rate in (*walked, *resumed)):
        return None
    running = first.running
    told = bool(getattr(running, "told", False)) and bool(getattr(running, "sets", False))
    return Resumption(at, tuple(map(float, walked)), tuple(map(float, resumed)), told)


__all__ = ["Resumption", "resume"]
