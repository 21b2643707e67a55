"""The words in which the clock of a library is told. Plain data: nothing here knows a file or a trace.

A clock answers four questions of a scheduler: who steps it, in what its steps count, how many of them are one update of
the optimizer, and in what its horizon is stated. Every name is qualified (``torch.optim.lr_scheduler.StepLR``), every
place of an argument is counted without ``self``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Who(Enum):
    """Who calls ``step()``."""

    CALLER = "the caller"
    LIBRARY = "the library"


class Unit(Enum):
    """What one step of a scheduler is one of."""

    UPDATE = "an update: the optimizer really stepped"
    BATCH = "a micro-batch, whether or not the optimizer stepped"
    EPOCH = "an epoch of training"
    EVALUATION = "an evaluation that gives a metric"
    EVENT = "an event that the caller names"
    CHOSEN = "what the caller chooses to step it with"


class Moment(Enum):
    """When a handler of an event loop is called."""

    START = "before the first epoch"
    EPOCH_START = "before the batches of an epoch"
    BATCH_START = "before a batch is processed"
    BATCH_END = "after a batch is processed"
    EPOCH_END = "after the batches of an epoch"
    END = "after the last epoch"


class Past(Enum):
    """What the rate does when the scheduler is stepped past its horizon."""

    HOLDS = "stays where it ended"
    REBOUNDS = "rises again"
    REPEATS = "begins anew"
    RAISES = "the step raises"
    GOES_ON = "there is no horizon: it goes on as before"


@dataclass(frozen=True)
class Versions:
    """The versions of the library that a fact holds of, from ``since`` to before ``until``; empty where it is open."""

    since: str = ""
    until: str = ""

    def hold(self, version: str) -> bool:
        """Whether the fact holds of a version, compared by its leading numbers."""
        asked = numbers(version)
        return (not self.since or numbers(self.since) <= asked) and (not self.until or asked < numbers(self.until))


ALWAYS = Versions()


def numbers(version: str) -> tuple[int, ...]:
    """``(2, 7)`` of ``2.7.0rc1+cpu``: what a version is compared by, without zeros at its end."""
    parts: list[int] = []
    for part in version.split("+")[0].split("."):
        digits = "".join(c for c in part if c.isdigit()) if part.isdigit() else _leading(part)
        if not digits:
            break
        parts.append(int(digits))
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _leading(part: str) -> str:
    for i, character in enumerate(part):
        if not character.isdigit():
            return part[:i]
    return part


@dataclass(frozen=True)
class Argument:
    """An argument by its name, and by its place where it may be given without a name."""

    name: str
    place: int | None = None


@dataclass(frozen=True)
class Choice:
    """A setting that decides in what a scheduler counts: an argument, or a key of a dict."""

    name: str
    units: Mapping[object, Unit]
    default: object

    @property
    def unit(self) -> Unit:
        """What holds where the setting is not given."""
        return self.units[self.default]


@dataclass(frozen=True)
class Stepping:
    """How a scheduler moves once a library has it.

    ``factor`` is how many steps are one ``unit``: a name of the library for a count (``num_processes``), or nothing.
    ``unless`` names settings under which the factor is 1. ``source`` says where the fact is from.
    """

    who: Who
    unit: Unit
    source: str
    chosen_by: Choice | None = None
    factor: str = ""
    unless: tuple[str, ...] = ()
    versions: Versions = ALWAYS


@dataclass(frozen=True)
class Builder:
    """A class or a function that builds a scheduler.

    ``horizon`` are the arguments whose product is its length, ``unit`` in what that is counted. ``warmup`` is the
    length of its ramp, in the same unit. ``starts_at_zero``: where there is a warmup the first update has a rate of 0.
    """

    names: tuple[str, ...]
    source: str
    optimizer: Argument | None = field(default_factory=lambda: Argument("optimizer", 0))
    horizon: tuple[Argument, ...] = ()
    unit: Unit = Unit.CHOSEN
    chosen_by: Choice | None = None
    warmup: Argument | None = None
    past: Past = Past.HOLDS
    starts_at_zero: bool = False
    wants_metric: bool = False
    versions: Versions = ALWAYS


@dataclass(frozen=True)
class TakeOver:
    """A call that takes optimizers or schedulers over.

    ``everything``: any positional argument may be one. ``gives`` says what comes back: ``same`` the arguments in their
    order, ``positions`` a tuple whose places are in ``places``, ``nothing`` no object of interest, ``itself`` an object
    that stands for the scheduler and is stepped in its place. ``owner`` is the class of the object whose methods move
    what was taken over: what comes back, or the one among ``places`` that is called ``engine``; where there is none,
    nothing can be said of when they move. ``settings`` is the argument that holds how training is set up.
    """

    names: tuple[str, ...]
    stepping: Stepping
    optimizers: tuple[Argument, ...] = ()
    schedulers: tuple[Argument, ...] = ()
    everything: bool = False
    gives: str = "nothing"
    places: Mapping[str, int] = field(default_factory=dict)
    owner: str = ""
    settings: Argument | None = None
    versions: Versions = ALWAYS


@dataclass(frozen=True)
class Hook:
    """A method that a subclass of the library's defines, and whose result hands optimizers and schedulers over.

    ``replaced_by`` are methods that, where the subclass has them, step in the library's place; ``off_by`` an attribute
    that, set to this value, leaves all stepping to the caller.
    """

    bases: tuple[str, ...]
    method: str
    stepping: Stepping
    keys: Mapping[str, str] = field(default_factory=dict)
    replaced_by: tuple[str, ...] = ()
    off_by: tuple[str, object] | None = None
    source: str = ""
    versions: Versions = ALWAYS


@dataclass(frozen=True)
class Method:
    """A method of the library's objects that moves a clock, or the weights.

    ``moves`` is ``scheduler`` or ``optimizer`` or ``both``. ``position`` is the argument that says where training
    stands, ``optimizer`` the one that names the optimizer that steps. Where ``epochs`` names a setting, the method is a
    whole training of so many epochs, unless one of ``ended_by`` is set.
    """

    owners: tuple[str, ...]
    name: str
    moves: str
    source: str
    unit: Unit = Unit.CHOSEN
    position: Argument | None = None
    metric: Argument | None = None
    optimizer: Argument | None = None
    may_skip: bool = False
    epochs: str = ""
    ended_by: tuple[str, ...] = ()
    versions: Versions = ALWAYS


@dataclass(frozen=True)
class EventLoop:
    """A class whose objects run a function for each batch, and handlers around it.

    ``process`` is the function; where there is none, a batch is one update of ``optimizer``, if that is given. Handlers
    are attached by the method ``attach`` (the event, the handler, what it is given besides) and by the decorator ``on``
    (the event), ``events`` says when each is called. ``run`` starts the loop over ``data``, ``epochs`` times.
    """

    names: tuple[str, ...]
    events: Mapping[str, Moment]
    source: str
    process: Argument | None = None
    optimizer: Argument | None = None
    attach: str = "add_event_handler"
    on: str = "on"
    run: str = "run"
    data: Argument = field(default_factory=lambda: Argument("data", 0))
    epochs: Argument = field(default_factory=lambda: Argument("max_epochs", 1))


@dataclass(frozen=True)
class Gone:
    """API that was deprecated and removed: using it warns from the one version, and raises from the other."""

    name: str  # a qualified function or class, or one of its arguments behind a colon
    deprecated: str
    removed: str
    instead: str
    source: str


@dataclass(frozen=True)
class Library:
    """What is known of one library. ``checked`` are the versions that the facts were run on, ``settings`` classes that
    hold what they are given by keyword, with ``defaults`` for what they are not given."""

    name: str
    modules: tuple[str, ...]
    checked: tuple[str, ...]
    builders: tuple[Builder, ...] = ()
    take_overs: tuple[TakeOver, ...] = ()
    hooks: tuple[Hook, ...] = ()
    methods: tuple[Method, ...] = ()
    loops: tuple[EventLoop, ...] = ()
    gone: tuple[Gone, ...] = ()
    settings: tuple[str, ...] = ()
    defaults: Mapping[str, object] = field(default_factory=dict)
    no_rates: tuple[str, ...] = ()  # modules whose "schedulers" move no learning rate
