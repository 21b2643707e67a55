"""skorch: the ``LRScheduler`` callback builds a scheduler of torch and steps it, by default once an epoch."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Choice, Library, Stepping, TakeOver, Unit, Who

_RUN = "run on skorch 1.4.0"

STEP_EVERY = Choice("step_every", {"epoch": Unit.EPOCH, "batch": Unit.BATCH}, default="epoch")

#: ``policy`` is the scheduler's class or its name; the other arguments go to its constructor. ``partial_fit`` builds it
#: anew with an epoch's index, even where it steps per batch.
SKORCH = Library(
    name="skorch",
    modules=("skorch",),
    checked=("1.4.0",),
    take_overs=(
        TakeOver(
            ("skorch.callbacks.LRScheduler", "skorch.callbacks.lr_scheduler.LRScheduler"),
            Stepping(Who.LIBRARY, Unit.EPOCH, source=_RUN, chosen_by=STEP_EVERY),
            schedulers=(Argument("policy", 0),),
        ),
    ),
)
