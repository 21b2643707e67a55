"""timm: the caller says where training stands, by ``step(epoch)`` after an epoch and ``step_update(n)`` per update."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Builder, Choice, Library, Method, Past, Unit

_RUN = "run on timm 1.0.31"
#: The module that defines each class; timm.scheduler has them all.
_MODULES = {
    "Scheduler": "scheduler",
    "CosineLRScheduler": "cosine_lr",
    "TanhLRScheduler": "tanh_lr",
    "StepLRScheduler": "step_lr",
    "MultiStepLRScheduler": "multistep_lr",
    "PolyLRScheduler": "poly_lr",
    "PlateauLRScheduler": "plateau_lr",
    "WSDLRScheduler": "wsd_lr",
}


def _named(*names: str) -> tuple[str, ...]:
    inner = tuple(f"timm.scheduler.{_MODULES[name]}.{name}" for name in names)
    return (*(f"timm.scheduler.{name}" for name in names if name != "Scheduler"), *inner)


#: Which of the two calls moves the rate: the other one does nothing.
IN_EPOCHS = Choice("t_in_epochs", {True: Unit.EPOCH, False: Unit.UPDATE}, default=True)

TIMM = Library(
    name="timm",
    modules=("timm",),
    checked=("1.0.31",),
    builders=(
        # One cycle by default; past its end the floor holds.
        Builder(
            _named("CosineLRScheduler", "TanhLRScheduler", "PolyLRScheduler"),
            source=_RUN,
            horizon=(Argument("t_initial", 1),),
            unit=IN_EPOCHS.unit,
            chosen_by=IN_EPOCHS,
            warmup=Argument("warmup_t"),
        ),
        # Milestones take effect one earlier than torch's, since the caller says epoch + 1.
        Builder(
            _named("StepLRScheduler", "MultiStepLRScheduler"),
            source=_RUN,
            unit=IN_EPOCHS.unit,
            chosen_by=IN_EPOCHS,
            warmup=Argument("warmup_t"),
            past=Past.GOES_ON,
        ),
        Builder(
            ("timm.scheduler.create_scheduler_v2", "timm.scheduler.scheduler_factory.create_scheduler_v2"),
            source=_RUN,
            horizon=(Argument("num_epochs", 2),),
            unit=Unit.EPOCH,
            chosen_by=Choice("step_on_epochs", {True: Unit.EPOCH, False: Unit.UPDATE}, default=True),
            warmup=Argument("warmup_epochs"),
        ),
        Builder(
            ("timm.scheduler.create_scheduler", "timm.scheduler.scheduler_factory.create_scheduler"),
            source=_RUN,
            optimizer=Argument("optimizer", 1),
            unit=Unit.EPOCH,
        ),
    ),
    methods=(
        # Called with the loss and the optimizer: backward and update in one; ``need_update=False`` only gathers.
        Method(
            ("timm.utils.NativeScaler", "timm.utils.cuda.NativeScaler"),
            "__call__",
            moves="optimizer",
            source=_RUN,
            unit=Unit.UPDATE,
            optimizer=Argument("optimizer", 1),
            may_skip=True,
        ),
        Method(
            _named(*_MODULES),
            "step",
            moves="scheduler",
            source=_RUN,
            unit=Unit.EPOCH,
            position=Argument("epoch", 0),
            metric=Argument("metric", 1),
        ),
        Method(
            _named(*_MODULES),
            "step_update",
            moves="scheduler",
            source=_RUN,
            unit=Unit.UPDATE,
            position=Argument("num_updates", 0),
            metric=Argument("metric", 1),
        ),
    ),
)
