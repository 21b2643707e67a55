"""transformers: the Trainer steps its scheduler once an update; its ``get_*`` functions count updates."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Builder, Hook, Library, Method, Past, Stepping, TakeOver, Unit, Versions, Who

_RUN = "run on transformers 5.24.0"
_HOMES = ("transformers", "transformers.optimization", "diffusers.optimization", "pytorch_transformers")


def _named(*names: str) -> tuple[str, ...]:
    return tuple(f"{home}.{name}" for home in _HOMES for name in names)


_STEPS = (Argument("num_training_steps", 2),)
_WARMUP = Argument("num_warmup_steps", 1)

_BUILDERS = (
    Builder(_named("get_constant_schedule"), source=_RUN, unit=Unit.UPDATE, past=Past.GOES_ON),
    Builder(
        _named("get_constant_schedule_with_warmup", "get_inverse_sqrt_schedule"),
        source=_RUN,
        unit=Unit.UPDATE,
        warmup=_WARMUP,
        past=Past.GOES_ON,
        starts_at_zero=True,
    ),
    Builder(
        _named("get_linear_schedule_with_warmup", "get_polynomial_decay_schedule_with_warmup"),
        source=_RUN,
        horizon=_STEPS,
        unit=Unit.UPDATE,
        warmup=_WARMUP,
        starts_at_zero=True,
    ),
    # Half a period by default; past the end the cosine comes back up.
    Builder(
        _named("get_cosine_schedule_with_warmup", "get_cosine_with_min_lr_schedule_with_warmup"),
        source=_RUN,
        horizon=_STEPS,
        unit=Unit.UPDATE,
        warmup=_WARMUP,
        past=Past.REBOUNDS,
        starts_at_zero=True,
    ),
    Builder(
        _named("get_cosine_with_hard_restarts_schedule_with_warmup"),
        source=_RUN,
        horizon=_STEPS,
        unit=Unit.UPDATE,
        warmup=_WARMUP,
        starts_at_zero=True,
    ),
    Builder(
        _named("get_wsd_schedule"),
        source=_RUN,
        horizon=(Argument("num_training_steps", 3),),
        unit=Unit.UPDATE,
        warmup=_WARMUP,
        starts_at_zero=True,
    ),
    Builder(
        _named("get_scheduler"),
        source=_RUN,
        optimizer=Argument("optimizer", 1),
        horizon=(Argument("num_training_steps", 3),),
        unit=Unit.UPDATE,
        warmup=Argument("num_warmup_steps", 2),
        starts_at_zero=True,
    ),
    Builder(
        _named("get_reduce_on_plateau_schedule"),
        source=_RUN,
        unit=Unit.EVALUATION,
        past=Past.GOES_ON,
        wants_metric=True,
    ),
    # pytorch-transformers, before the functions; t_total counts updates
    Builder(
        ("pytorch_transformers.WarmupLinearSchedule", "transformers.WarmupLinearSchedule"),
        source="pytorch-transformers 1.2.0, optimization.py, read",
        horizon=(Argument("t_total", 2),),
        unit=Unit.UPDATE,
        warmup=Argument("warmup_steps", 1),
        starts_at_zero=True,
        versions=Versions(until="2.2"),
    ),
)

_STEPPING = Stepping(Who.LIBRARY, Unit.UPDATE, source=_RUN)
_TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer")

#: ``TrainingArguments``, and the classes of trl that are derived from it (trl, trainer/*_config.py, read).
_SETTINGS = (
    *("transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments", "trl.SFTConfig", "trl.DPOConfig"),
    *("trl.GRPOConfig", "trl.KTOConfig", "trl.RewardConfig", "trl.RLOOConfig", "trl.ORPOConfig", "trl.CPOConfig"),
)

#: What ``TrainingArguments`` states where it is given nothing; with these the horizon is the Trainer's own number of
#: updates, so it is right by construction. ``warmup_ratio`` gave way to a fractional ``warmup_steps`` in version 5.
DEFAULTS = {
    "learning_rate": 5e-5,
    "lr_scheduler_type": "linear",
    "num_train_epochs": 3.0,
    "max_steps": -1,
    "warmup_steps": 0,
    "gradient_accumulation_steps": 1,
}

TRANSFORMERS = Library(
    name="transformers",
    modules=("transformers", "pytorch_transformers", "diffusers"),
    checked=("5.24.0",),
    builders=_BUILDERS,
    # ``optimizers`` is the pair of both
    take_overs=(
        TakeOver(
            _TRAINERS,
            _STEPPING,
            optimizers=(Argument("optimizers"),),
            schedulers=(Argument("optimizers"),),
            owner="transformers.Trainer",
            settings=Argument("args", 1),
        ),
    ),
    methods=(
        Method(
            ("transformers.Trainer",),
            "train",
            moves="both",
            source=_RUN,
            unit=Unit.UPDATE,
            epochs="num_train_epochs",
            ended_by=("max_steps",),
        ),
    ),
    settings=_SETTINGS,
    defaults=DEFAULTS,
    hooks=(
        Hook(_TRAINERS, "create_scheduler", _STEPPING, source=_RUN),
        Hook(_TRAINERS, "create_optimizer_and_scheduler", _STEPPING, source=_RUN),
    ),
    # Diffusion's noise schedulers have a ``step`` too.
    no_rates=("diffusers.schedulers", "diffusers"),
)
