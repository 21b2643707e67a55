"""DeepSpeed: a scheduler given to ``initialize``, or named in its configuration, is stepped by the engine."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Builder, Library, Method, Past, Stepping, TakeOver, Unit, Who

_DOCS = "https://deepspeed.readthedocs.io/en/latest/schedulers.html"
_RUN = "run on deepspeed 0.19.8"
_HOME = "deepspeed.runtime.lr_schedules."

DEEPSPEED = Library(
    name="deepspeed",
    modules=("deepspeed",),
    checked=("0.19.8",),
    builders=(
        # Two updates at 0: its warmup counts from a step before the first. A warmup of 1 is raised to 2.
        Builder(
            (_HOME + "WarmupLR",),
            source=_RUN,
            unit=Unit.UPDATE,
            warmup=Argument("warmup_num_steps", 3),
            past=Past.GOES_ON,
            starts_at_zero=True,
        ),
        Builder(
            (_HOME + "WarmupDecayLR",),
            source=_RUN,
            horizon=(Argument("total_num_steps", 1),),
            unit=Unit.UPDATE,
            warmup=Argument("warmup_num_steps", 4),
            starts_at_zero=True,
        ),
        # warmup_type="linear" never reaches its peak; past its end it gives 0
        Builder(
            (_HOME + "WarmupCosineLR",),
            source=_RUN,
            horizon=(Argument("total_num_steps", 1),),
            unit=Unit.UPDATE,
            warmup=Argument("warmup_num_steps", 3),
            starts_at_zero=True,
        ),
        Builder((_HOME + "OneCycle", _HOME + "LRRangeTest"), source=_DOCS, unit=Unit.UPDATE, past=Past.GOES_ON),
    ),
    take_overs=(
        # "if the schedule is supposed to execute at any other interval, the user should NOT pass it"
        TakeOver(
            ("deepspeed.initialize",),
            Stepping(Who.LIBRARY, Unit.UPDATE, source=_DOCS),
            optimizers=(Argument("optimizer", 2),),
            schedulers=(Argument("lr_scheduler", 5),),
            gives="positions",
            places={"engine": 0, "optimizer": 1, "loader": 2, "scheduler": 3},
            owner="deepspeed.DeepSpeedEngine",
            settings=Argument("config", 10),
        ),
    ),
    methods=(
        # Called once a micro-batch; the optimizer and the scheduler move at the boundary of the accumulation.
        Method(
            ("deepspeed.DeepSpeedEngine", "deepspeed.runtime.engine.DeepSpeedEngine"),
            "step",
            moves="both",
            source=_DOCS,
            unit=Unit.UPDATE,
            may_skip=True,
        ),
        Method(
            ("deepspeed.DeepSpeedEngine", "deepspeed.runtime.pipe.engine.PipelineEngine"),
            "train_batch",
            moves="both",
            source=_DOCS,
            unit=Unit.UPDATE,
        ),
    ),
)

#: The section of the configuration that names a scheduler, and where in it its length stands.
CONFIGURED = {"section": "scheduler", "type": "type", "arguments": "params", "horizon": "total_num_steps"}
