"""Accelerate: the caller steps a prepared scheduler, and it moves once a process, when its optimizer really did."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Library, Stepping, TakeOver, Unit, Who

_RUN = "run on accelerate 1.15.0"

#: ``AcceleratedScheduler.step`` does nothing while gradients are only gathered, and nothing after a skipped update.
#: Else it steps ``num_processes`` times: so the horizon of a prepared scheduler is updates * processes. Not so with
#: ``split_batches=True``; with ``step_scheduler_with_optimizer=False`` every call is one step. ``adjust_scheduler`` has
#: no effect on the rate.
_STEPPING = Stepping(
    Who.CALLER,
    Unit.UPDATE,
    source=_RUN,
    factor="num_processes",
    unless=("split_batches=True", "step_scheduler_with_optimizer=False"),
)

ACCELERATE = Library(
    name="accelerate",
    modules=("accelerate",),
    checked=("1.15.0",),
    take_overs=(
        TakeOver(("accelerate.Accelerator.prepare",), _STEPPING, everything=True, gives="same"),
        TakeOver(
            ("accelerate.Accelerator.prepare_scheduler",),
            _STEPPING,
            schedulers=(Argument("scheduler", 0),),
            gives="same",
        ),
        TakeOver(
            ("accelerate.Accelerator.prepare_optimizer",),
            _STEPPING,
            optimizers=(Argument("optimizer", 0),),
            gives="same",
        ),
        TakeOver(
            ("accelerate.Accelerator.register_for_checkpointing",),
            Stepping(Who.CALLER, Unit.CHOSEN, source="https://huggingface.co/docs/accelerate/usage_guides/checkpoint"),
            everything=True,
        ),
    ),
)

#: What ``len(loader)`` counts: batches of one process after ``prepare``, of all before it (not with split_batches).
LOADER_LENGTH_AFTER = "len(loader) / num_processes"
#: ``save_state`` and ``load_state`` save and load every prepared model, optimizer and scheduler.
SAVES_ALL = ("accelerate.Accelerator.save_state", "accelerate.Accelerator.load_state")
