"""composer: its Trainer steps torch's schedulers once an epoch, its own with every batch."""

from __future__ import annotations

from lrfix.clocks.model import Argument, Builder, Choice, Library, Past, Stepping, TakeOver, Unit, Who

_DOCS = "https://docs.mosaicml.com/projects/composer/en/stable/trainer/schedulers.html"
_READ = "trainer/trainer.py of mosaicml 0.32.1, read"
_OWN = "composer.optim."

#: None: by what the schedulers are.
EVERY_BATCH = Choice(
    "step_schedulers_every_batch", {None: Unit.EPOCH, False: Unit.EPOCH, True: Unit.UPDATE}, default=None
)

COMPOSER = Library(
    name="mosaicml",
    modules=("composer",),
    checked=(),
    builders=(
        # Functions of the run's time; lengths carry their own unit ("10ep", "0.5dur") and are no numbers.
        Builder(
            tuple(
                _OWN + name
                for name in (
                    "CosineAnnealingScheduler",
                    "CosineAnnealingWithWarmupScheduler",
                    "LinearScheduler",
                    "LinearWithWarmupScheduler",
                    "PolynomialScheduler",
                    "PolynomialWithWarmupScheduler",
                )
            ),
            source=_DOCS,
            optimizer=None,
            horizon=(Argument("t_max"),),
            unit=Unit.UPDATE,
            warmup=Argument("t_warmup"),
        ),
        Builder(
            tuple(_OWN + name for name in ("StepScheduler", "MultiStepScheduler", "ExponentialScheduler")),
            source=_DOCS,
            optimizer=None,
            unit=Unit.UPDATE,
            past=Past.GOES_ON,
        ),
    ),
    take_overs=(
        # scale_schedule_ratio shortens the ramp and not the hand-over (measured on 0.32)
        TakeOver(
            ("composer.Trainer", "composer.trainer.Trainer"),
            Stepping(Who.LIBRARY, Unit.EPOCH, source=_READ, chosen_by=EVERY_BATCH),
            optimizers=(Argument("optimizers"),),
            schedulers=(Argument("schedulers"),),
        ),
    ),
)
