"""mmengine: the Runner's hook steps ``param_scheduler``, after each epoch where nothing else is said."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Builder, Choice, Library, Past, Stepping, TakeOver, Unit, Who

_RUN = "run on mmengine 0.10.7"
_DOCS = "https://mmengine.readthedocs.io/en/latest/tutorials/param_scheduler.html"
_HOMES = ("mmengine.optim.", "mmengine.optim.scheduler.", "mmengine.optim.scheduler.lr_scheduler.")


def _named(*names: str) -> tuple[str, ...]:
    return tuple(home + name for home in _HOMES for name in names)


#: Of each scheduler's own configuration. An iteration is a batch, also where ``accumulative_counts`` gathers several.
#: ``convert_to_iter_based=True`` multiplies the lengths by the epoch's and counts iterations from then on.
BY_EPOCH = Choice("by_epoch", {True: Unit.EPOCH, False: Unit.BATCH}, default=True)

MMENGINE = Library(
    name="mmengine",
    modules=("mmengine",),
    checked=("0.10.7",),
    builders=(
        # Where end - begin equals T_max the peak stands for two epochs and the floor is never reached.
        Builder(
            _named("CosineAnnealingLR"),
            source=_RUN,
            horizon=(Argument("T_max", 1),),
            unit=Unit.EPOCH,
            chosen_by=BY_EPOCH,
        ),
        Builder(
            _named("LinearLR", "ConstantLR", "PolyLR", "ExponentialLR", "OneCycleLR"),
            source=_DOCS,
            horizon=(Argument("end"),),
            unit=Unit.EPOCH,
            chosen_by=BY_EPOCH,
        ),
        Builder(_named("StepLR", "MultiStepLR"), source=_DOCS, unit=Unit.EPOCH, chosen_by=BY_EPOCH, past=Past.GOES_ON),
    ),
    take_overs=(
        TakeOver(
            ("mmengine.runner.Runner", "mmengine.runner.runner.Runner"),
            Stepping(Who.LIBRARY, Unit.EPOCH, source=_RUN, chosen_by=BY_EPOCH),
            optimizers=(Argument("optim_wrapper", 9),),
            schedulers=(Argument("param_scheduler", 10),),
        ),
    ),
)
