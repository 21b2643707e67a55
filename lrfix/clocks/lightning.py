"""Lightning: the trainer steps what ``configure_optimizers`` returns, once an epoch where nothing else is said."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Choice, Hook, Library, Method, Stepping, TakeOver, Unit, Versions, Who

_RUN = "run on pytorch-lightning 1.9.5 and 2.6.6"
_MODULES = ("pytorch_lightning", "lightning", "lightning.pytorch")


def _each(name: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for module in _MODULES)


#: ``{"scheduler": ..., "interval": "step"}``. The key stands beside the scheduler, in the inner dict; in the outer one
#: it is ignored (issue 9300). ``interval="step"`` counts updates: under accumulation a scheduler moves when the
#: optimizer did. ``frequency`` is compared with ``batch_idx + 1``: it counts micro-batches, anew every epoch.
INTERVAL = Choice("interval", {"epoch": Unit.EPOCH, "step": Unit.UPDATE}, default="epoch")
FREQUENCY = Argument("frequency")  # of the same dict, 1 by default

_STEPPING = Stepping(Who.LIBRARY, Unit.EPOCH, source=_RUN, chosen_by=INTERVAL)

LIGHTNING = Library(
    name="lightning",
    modules=_MODULES,
    checked=("1.9.5", "2.6.6"),
    hooks=(
        Hook(
            bases=_each("LightningModule"),
            method="configure_optimizers",
            stepping=_STEPPING,
            keys={
                "optimizer": "optimizer",
                "scheduler": "lr_scheduler",
                "scheduler_in_its_dict": "scheduler",
                "metric": "monitor",
            },
            replaced_by=("lr_scheduler_step",),
            off_by=("automatic_optimization", False),
            source=_RUN,
        ),
    ),
    take_overs=(
        # Fabric wraps optimizers; a scheduler it is given comes back last, and stays the caller's to step. (setup takes
        # none in 1.9.5, 2.0.9, 2.4.0, 2.5.0 and 2.5.5, read.)
        TakeOver(
            ("lightning.Fabric.setup", "lightning.fabric.Fabric.setup", "lightning_fabric.Fabric.setup"),
            Stepping(Who.CALLER, Unit.CHOSEN, source="lightning_fabric/fabric.py of 2.6.6, read and run"),
            schedulers=(Argument("scheduler"),),
            everything=True,
            gives="same",
            versions=Versions(since="2.6"),
        ),
    ),
    methods=(
        # Under manual optimization ``self.optimizers()`` and ``self.lr_schedulers()`` give what the caller steps.
        Method(_each("LightningModule"), "lr_schedulers", moves="scheduler", source=_RUN),
        Method(_each("LightningModule"), "optimizers", moves="optimizer", source=_RUN, unit=Unit.UPDATE),
    ),
)

#: ``trainer.estimated_stepping_batches`` is a number of updates, with the accumulation of the moment it is asked.
STEPPING_BATCHES = ("estimated_stepping_batches", Unit.UPDATE)
