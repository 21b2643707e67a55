"""Who steps a scheduler, when, and in what its horizon counts: what libraries do for their users, as data.

    from lrfix.clocks import hooks, take_over

    take_over("accelerate.Accelerator.prepare").stepping.factor    # "num_processes"
    hooks("lightning.LightningModule")[0].stepping.chosen_by.unit      # Unit.EPOCH

A name that is in no table is unknown: nothing may be concluded from a scheduler that was given to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from lrfix.clocks.accelerate import ACCELERATE
from lrfix.clocks.composer import COMPOSER
from lrfix.clocks.deepspeed import DEEPSPEED
from lrfix.clocks.ignite import IGNITE
from lrfix.clocks.lightning import LIGHTNING
from lrfix.clocks.mmengine import MMENGINE
from lrfix.clocks.model import Builder, EventLoop, Hook, Library, Method, TakeOver
from lrfix.clocks.skorch import SKORCH
from lrfix.clocks.timm import TIMM
from lrfix.clocks.torch import TORCH
from lrfix.clocks.transformers import TRANSFORMERS

LIBRARIES: tuple[Library, ...] = (
    TORCH,
    LIGHTNING,
    ACCELERATE,
    TRANSFORMERS,
    DEEPSPEED,
    TIMM,
    IGNITE,
    SKORCH,
    MMENGINE,
    COMPOSER,
)

_LIBRARIES: Mapping[str, Library] = {module: known for known in LIBRARIES for module in known.modules}
_TAKE_OVERS: Mapping[str, TakeOver] = {
    name: taken for known in LIBRARIES for taken in known.take_overs for name in taken.names
}
#: The methods that decorate a handler of an event.
EVENT_DECORATORS = frozenset(loop.on for known in LIBRARIES for loop in known.loops)


def library(qualified: str) -> Library | None:
    """The library that a qualified name belongs to."""
    return _LIBRARIES.get(qualified.split(".")[0])


def builders(qualified: str) -> tuple[Builder, ...]:
    """What a call of the name builds: several where its length can be stated in several ways."""
    return tuple(b for known in LIBRARIES for b in known.builders if qualified in b.names)


def take_over(qualified: str) -> TakeOver | None:
    """What happens to the schedulers and optimizers that are given to a call of the name."""
    return _TAKE_OVERS.get(qualified)


def hooks(base: str) -> tuple[Hook, ...]:
    """The methods by which a subclass of the name hands its schedulers over."""
    return tuple(h for known in LIBRARIES for h in known.hooks if base in h.bases)


def event_loop(qualified: str) -> EventLoop | None:
    """How the objects that a call of the name builds run training, where they do that by events."""
    return next((loop for known in LIBRARIES for loop in known.loops if qualified in loop.names), None)


def methods(owner: str, name: str) -> tuple[Method, ...]:
    """What a method of the library's objects moves."""
    return tuple(m for known in LIBRARIES for m in known.methods if owner in m.owners and name == m.name)


def settings(qualified: str) -> Mapping[str, object] | None:
    """What a class of the name holds where it is given nothing, where the class is one of a library's settings."""
    return next((known.defaults for known in LIBRARIES if qualified in known.settings), None)


def moves_no_rate(qualified: str) -> bool:
    """Whether a class of the name is a "scheduler" of something else than a learning rate."""
    home, _, last = qualified.rpartition(".")
    places = {place for known in LIBRARIES for place in known.no_rates}
    return any(home == place or home.startswith(f"{place}.") for place in places) and last.endswith("Scheduler")
