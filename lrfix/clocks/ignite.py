"""ignite: a scheduler is a handler, and moves with the event that it is attached to."""

from __future__ import annotations

from lrfix.clocks.model import (
    Argument,
    Builder,
    Choice,
    EventLoop,
    Library,
    Moment,
    Past,
    Stepping,
    TakeOver,
    Unit,
    Who,
)

_RUN = "run on pytorch-ignite 0.5.5"
_HOMES = ("ignite.handlers.", "ignite.handlers.param_scheduler.", "ignite.contrib.handlers.")


def _named(*names: str) -> tuple[str, ...]:
    return tuple(home + name for home in _HOMES for name in names)


#: An iteration is one call of the engine's process function: a batch, under accumulation a micro-batch.
EVENTS = Choice(
    "event_name",
    {
        "ITERATION_STARTED": Unit.BATCH,
        "ITERATION_COMPLETED": Unit.BATCH,
        "EPOCH_STARTED": Unit.EPOCH,
        "EPOCH_COMPLETED": Unit.EPOCH,
        "COMPLETED": Unit.EVALUATION,
        None: Unit.EVENT,
    },
    default=None,
)

_MOMENTS = {
    "STARTED": Moment.START,
    "EPOCH_STARTED": Moment.EPOCH_START,
    "GET_BATCH_STARTED": Moment.BATCH_START,
    "GET_BATCH_COMPLETED": Moment.BATCH_START,
    "ITERATION_STARTED": Moment.BATCH_START,
    "ITERATION_COMPLETED": Moment.BATCH_END,
    "EPOCH_COMPLETED": Moment.EPOCH_END,
    "COMPLETED": Moment.END,
}

IGNITE = Library(
    name="pytorch-ignite",
    modules=("ignite",),
    checked=("0.5.5",),
    builders=(
        # Lengths in events; a full cycle goes down and up again.
        Builder(
            _named("CosineAnnealingScheduler", "LinearCyclicalScheduler"),
            source=_RUN,
            horizon=(Argument("cycle_size", 4),),
            unit=Unit.EVENT,
            chosen_by=EVENTS,
            past=Past.REPEATS,
        ),
        Builder(_named("PiecewiseLinear"), source=_RUN, unit=Unit.EVENT, chosen_by=EVENTS),
        Builder(
            _named("create_lr_scheduler_with_warmup"),
            source=_RUN,
            optimizer=None,
            unit=Unit.EVENT,
            chosen_by=EVENTS,
            warmup=Argument("warmup_duration", 2),
        ),
    ),
    loops=(
        EventLoop(
            ("ignite.engine.Engine", "ignite.engine.engine.Engine"),
            _MOMENTS,
            source=_RUN,
            process=Argument("process_function", 0),
        ),
        EventLoop(
            ("ignite.engine.create_supervised_trainer",), _MOMENTS, source=_RUN, optimizer=Argument("optimizer", 1)
        ),
    ),
    take_overs=(
        # It asks torch's schedulers for ``get_lr()`` from outside: ExponentialLR loses its first value, a cosine begins
        # above the base, LinearLR applies its start factor twice.
        TakeOver(
            _named("LRScheduler"),
            Stepping(Who.LIBRARY, Unit.EVENT, source=_RUN, chosen_by=EVENTS),
            schedulers=(Argument("lr_scheduler", 0),),
            gives="itself",
        ),
        # A plain function may be attached too; a scheduler's own bound ``step`` is one.
        TakeOver(
            ("ignite.engine.Engine.add_event_handler",),
            Stepping(Who.LIBRARY, Unit.EVENT, source=_RUN, chosen_by=EVENTS),
            schedulers=(Argument("handler", 1),),
        ),
    ),
)
