"""torch: a scheduler steps when the caller steps it, and the caller decides whether that is per update or per epoch."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Builder, Gone, Library, Method, Past, Stepping, TakeOver, Unit, Versions, Who

_SCHEDULERS = "torch.optim.lr_scheduler."
_RUN = "run on torch 2.13.0 and 2.14.1"
_DOCS = "https://docs.pytorch.org/docs/stable/optim.html"


def _named(*names: str) -> tuple[str, ...]:
    return tuple(_SCHEDULERS + name for name in names)


_BUILDERS = (
    Builder(
        _named("LambdaLR", "MultiplicativeLR", "ExponentialLR"),
        source=_RUN,
        past=Past.GOES_ON,
    ),
    Builder(_named("StepLR", "MultiStepLR"), source=_RUN, past=Past.GOES_ON),
    Builder(_named("ConstantLR"), source=_RUN, horizon=(Argument("total_iters", 2),)),
    Builder(_named("LinearLR"), source=_RUN, horizon=(Argument("total_iters", 3),)),
    Builder(_named("PolynomialLR"), source=_RUN, horizon=(Argument("total_iters", 1),)),
    Builder(_named("CosineAnnealingLR"), source=_RUN, horizon=(Argument("T_max", 1),), past=Past.REBOUNDS),
    Builder(_named("CosineAnnealingWarmRestarts"), source=_RUN, horizon=(Argument("T_0", 1),), past=Past.REPEATS),
    # Its documentation says that it is to be stepped after every batch; the two ways to state its length exclude each
    # other, total_steps first.
    Builder(
        _named("OneCycleLR"),
        source=_RUN,
        horizon=(Argument("total_steps", 2),),
        unit=Unit.UPDATE,
        past=Past.RAISES,
    ),
    Builder(
        _named("OneCycleLR"),
        source=_RUN,
        horizon=(Argument("epochs", 3), Argument("steps_per_epoch", 4)),
        unit=Unit.UPDATE,
        past=Past.RAISES,
    ),
    Builder(
        _named("CyclicLR"), source=_RUN, horizon=(Argument("step_size_up", 3),), unit=Unit.UPDATE, past=Past.REPEATS
    ),
    Builder(_named("ReduceLROnPlateau"), source=_RUN, unit=Unit.EVALUATION, past=Past.GOES_ON, wants_metric=True),
    Builder(("torch.optim.swa_utils.SWALR",), source=_DOCS, horizon=(Argument("anneal_epochs", 2),)),
)

#: A composition steps its children: the caller steps the composition alone.
_COMPOSED = Stepping(Who.CALLER, Unit.CHOSEN, source=_RUN)

TORCH = Library(
    name="torch",
    modules=("torch", "torch_xla"),
    checked=("2.13.0", "2.14.1"),
    builders=_BUILDERS,
    take_overs=(
        TakeOver(
            _named("SequentialLR"),
            _COMPOSED,
            optimizers=(Argument("optimizer", 0),),
            schedulers=(Argument("schedulers", 1),),
            gives="itself",
        ),
        TakeOver(_named("ChainedScheduler"), _COMPOSED, schedulers=(Argument("schedulers", 0),), gives="itself"),
    ),
    methods=(
        Method(
            _named("LRScheduler", "_LRScheduler"),
            "step",
            moves="scheduler",
            source=_RUN,
            position=Argument("epoch", 0),
        ),
        Method(_named("ReduceLROnPlateau"), "step", moves="scheduler", source=_RUN, metric=Argument("metrics", 0)),
        Method(("torch.optim.Optimizer",), "step", moves="optimizer", source=_RUN, unit=Unit.UPDATE),
        # A skipped first step gives a warning about the order of the calls that is false (with fused=True none).
        Method(
            ("torch.amp.GradScaler", "torch.cuda.amp.GradScaler", "torch.amp.grad_scaler.GradScaler"),
            "step",
            moves="optimizer",
            source=_RUN,
            unit=Unit.UPDATE,
            optimizer=Argument("optimizer", 0),
            may_skip=True,
        ),
        # Steps the optimizer it is given, after it has gathered the gradients of all devices.
        Method(
            ("torch_xla.core.xla_model",),
            "optimizer_step",
            moves="optimizer",
            source="https://docs.pytorch.org/xla/release/2.2/index.html and torch_xla/core/xla_model.py, read",
            unit=Unit.UPDATE,
            optimizer=Argument("optimizer", 0),
        ),
    ),
    gone=(
        Gone(_SCHEDULERS + "*:verbose", "2.2", "2.7", "get_last_lr()", "lr_scheduler.py of 19 releases, run"),
        Gone(_SCHEDULERS + "*.print_lr", "2.4", "2.7", "get_last_lr()", "lr_scheduler.py of 19 releases, run"),
        Gone(_SCHEDULERS + "LRScheduler.step:epoch", "1.4", "", "step()", "deprecated and at work to 2.15"),
        Gone(_SCHEDULERS + "ReduceLROnPlateau.is_better", "", "2.9", "_is_better", "lr_scheduler.py of 19 releases"),
    ),
)

#: ``add_param_group`` behind a scheduler that computes from ``base_lrs``: ignored before, a ValueError since.
STRICT_GROUPS = Versions(since="2.10")
