"""Plausible values for what the code does not fix.

A scenario gives every free expression a value by its role. Lengths are mutually prime, so that a number read off
a curve can be traced back to one expression; a value asked for twice is the same both times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from lrfix.domains.clock import tick_of
from lrfix.domains.inferred import Inferred
from lrfix.domains.kinds import Drawn, Kind, is_number, rises
from lrfix.domains.roles import LENGTHS, RATES, Role, last_word, role_of
from lrfix.interpreter.values import Unknown

_TABLE: Mapping[Role, tuple[object, ...]] = {
    Role.WARMUP: (11, 7, 13, 17),
    Role.WARMUP_EPOCHS: (5, 4, 7, 3),
    Role.WARMUP_FRACTION: (0.11, 0.13, 0.17, 0.19),
    Role.WARMUP_START: (0.0013, 0.0007, 0.0021, 0.0017),
    Role.WARMUP_FACTOR: (0.05, 0.11, 0.07, 0.13),
    Role.HORIZON: (97, 89, 101, 83),
    Role.EPOCHS: (31, 43, 29, 37),
    Role.DECAY_LENGTH: (71, 67, 73, 61),
    Role.LOADER_LENGTH: (3, 2, 5, 4),
    Role.CYCLE: (23, 29, 19, 31),
    Role.CYCLE_MULT: (2, 3, 2, 3),
    Role.CYCLES: (2, 3, 2, 3),
    Role.STEP_SIZE: (23, 19, 29, 31),
    Role.HOLD: (15, 21, 25, 33),
    Role.MILESTONES: ([23, 41, 59], [19, 37, 61], [29, 47, 53], [31, 43, 67]),
    Role.BASE_RATE: (0.1, 0.3, 0.07, 0.2),
    Role.PEAK: (0.37, 0.53, 0.41, 0.47),
    Role.FLOOR: (0.0009, 0.0015, 0.0004, 0.0011),
    Role.FLOOR_RATIO: (0.05, 0.08, 0.03, 0.02),
    Role.POWER: (0.9, 1.7, 0.8, 2.3),
    Role.GAMMA: (0.83, 0.91, 0.79, 0.87),
    Role.WIDTH: (64, 96, 48, 80),
    Role.COUNT: (8, 12, 6, 10),
    Role.FRACTION: (0.43, 0.37, 0.31, 0.47),
    Role.INCREMENT: (1, 1, 1, 1),
    Role.LAST_EPOCH: (-1, -1, -1, -1),
}
#: The same for a run as most are: long, with a short warmup, and one rate for all that may be the peak.
_ORDINARY: Mapping[Role, tuple[object, ...]] = {
    Role.WARMUP: (9, 7, 11, 8),
    Role.WARMUP_EPOCHS: (4, 5, 6, 4),
    Role.WARMUP_FRACTION: (0.04, 0.05, 0.06, 0.03),
    Role.HORIZON: (211, 193, 227, 181),
    Role.EPOCHS: (83, 97, 71, 79),
    Role.DECAY_LENGTH: (173, 157, 191, 151),
    # As good as the base rate, and told apart from it where somebody looks whether a rate was written.
    Role.PEAK: (0.1004, 0.3012, 0.0703, 0.2008),
}
_EPOCH_LENGTH = "len(loader)"
#: One entry of a list that only its entries are read of: `config.steps[0]`.
_ELEMENT = re.compile(r"\[(-?\d+)\]$")
_DESCENDING = ((0.7, 0.5, 0.3), (0.6, 0.45, 0.2), (0.8, 0.55, 0.25), (0.9, 0.5, 0.4))
_IN_STEPS = ((23, 41), (19, 37), (29, 47), (31, 43))
_IN_EPOCHS = ((9, 19), (13, 29), (8, 17), (11, 23))
#: What a name says of a rate or a factor, and its use may say of a moment.
_MOMENTS = frozenset({Role.PEAK, Role.GAMMA})
_LOW = frozenset({Role.FLOOR, Role.WARMUP_START})
BASE_RATES = ((0.1, 0.03), (0.3, 0.11), (0.07, 0.9), (0.2, 0.013))
GENERIC = 3
_LONG = 400
_BEGINS = re.compile(r"(^|_)(start|begin)(_|$)")
_SPREAD = (0, 2, 6, 8, 12, 18, 20, 26)


@dataclass(frozen=True)
class Same:
    """An override: ``factor`` times the value that another expression has in the same scenario."""

    path: str
    factor: float = 1

    def of(self, value: object) -> object:
        if self.factor == 1 or isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return int(value * self.factor) if isinstance(value, int) else value * self.factor


@dataclass(frozen=True)
class Freed:
    """An override: the number that the file states for an expression is another in every scenario."""

    stated: float


@dataclass
class Scenario:
    """One assignment of values. ``index`` picks the column of the table; ``overrides`` fix some values beforehand.

    ``shortened``: lengths by expression as the file states them, where ``values`` holds a shorter one. ``inferred``:
    what the code's use of its names says of them; ``meant``: the roles that follow, by the last word of an expression.
    ``ordinary``: lengths and rates as in most runs, and every other number as the code states it, where it does.
    ``stated``: the longest length of a role that the call states; ``base``: the base rate that the optimizer's call
    states, below which floors are drawn; ``said``: the numbers that calls state for parameters, drawn where a name says
    nothing.
    """

    index: int
    overrides: Mapping[str, object] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    vary_unknown: bool = False
    variant: int = 0
    fill_none: bool = False
    values: dict[str, object] = field(default_factory=dict)
    shortened: dict[str, object] = field(default_factory=dict)
    inferred: Inferred = field(default_factory=Inferred)
    meant: Mapping[str, Role] = field(default_factory=dict)
    stated: Mapping[Role, float] = field(default_factory=dict)
    base: float | None = None
    said: Mapping[str, object] = field(default_factory=dict)
    #: Whether something was asked for that ``vary_unknown`` decides.
    varies: bool = False
    ordinary: bool = False
    _noted: int = field(default=0, init=False, repr=False)
    _taken: set[str] = field(default_factory=set, init=False, repr=False)
    _by_role: dict[Role, list[object]] = field(default_factory=dict, init=False, repr=False)

    @property
    def base_lrs(self) -> tuple[float, float]:
        first, second = BASE_RATES[self.index % len(BASE_RATES)]
        return (first, first) if self.ordinary else (first, second)

    def knows(self, path: str) -> bool:
        """Whether a plausible value can be given: by override, by default, or by role."""
        told = path in self.overrides or path in self.values or path in self.defaults
        return told or self._role(path, None) is not Role.UNKNOWN

    def value(self, path: str, wanted: str = "number") -> object:
        """The value of a free expression; the same each time it is asked for."""
        if path in self.overrides and path not in self.values:
            chosen = self.overrides[path]
            if isinstance(chosen, Drawn):
                self.values[path] = self._of_kind(path, chosen.kind)
            elif isinstance(chosen, Freed):
                self.values[path] = self._another(path, chosen.stated)
            else:
                self.values[path] = chosen.of(self.value(chosen.path, wanted)) if isinstance(chosen, Same) else chosen
        if path not in self.values:
            self.values[path] = self._draw(path, wanted)
        return self.values[path]

    def _of_kind(self, path: str, kind: Kind) -> object:
        """A value of a kind that the code asked for, near to what the name speaks of."""
        if kind is Kind.NOTHING:
            return None
        if kind is Kind.OBJECT:
            return Unknown(path)
        role, column = role_of(path), self.index % 4
        if kind is Kind.SHARE:
            return self._drawn(Role.FRACTION)
        if kind is Kind.FACTORS:
            return list(_DESCENDING[column])
        if kind in (Kind.LENGTHS, Kind.PAIRS):
            epochs = any(role_of(other) is Role.EPOCHS for other in self.values)
            lengths = (_IN_EPOCHS if epochs else _IN_STEPS)[column]
            return list(lengths) if kind is Kind.LENGTHS else list(zip(lengths, _DESCENDING[column], strict=False))
        return self._draw(path, "number") if role in LENGTHS else self._unknown(None, "number")

    def _another(self, path: str, stated: float) -> object:
        """A value of the part that a name plays, and where it says nothing a number near the one that is stated."""
        if role_of(path) is not Role.UNKNOWN:
            return self._draw(path, "number")
        if isinstance(stated, int):
            return stated + 2 + self.index
        return stated * (1.3 + 0.2 * self.index) if stated else 0.02 * (1 + self.index)

    def _draw(self, path: str, wanted: str) -> object:
        default = self.defaults.get(path)
        role = self._role(path, default)
        if default is None and last_word(path) in self.inferred.flags:
            return True
        if path.startswith("len(") and role_of(path[4:-1]) in RATES:
            return 1
        fixed = role in (Role.CYCLES, Role.LAST_EPOCH, Role.STEP_SIZE)
        if fixed and isinstance(default, int | float) and (role is not Role.STEP_SIZE or 0 < default < _LONG):
            self.varies = self.varies or role is Role.CYCLES
            return default + 1 if self.vary_unknown and role is Role.CYCLES else default
        if isinstance(default, bool | str):
            return default
        if (
            role is Role.LOADER_LENGTH
            and path != _EPOCH_LENGTH
            and (role_of(path) is not role or _EPOCH_LENGTH in self.values)
        ):
            # One clock counts the batches: every name for what an epoch has of them says the same.
            return self.value(_EPOCH_LENGTH)
        if role is Role.UNKNOWN and default is None and last_word(path) in self.inferred.choices:
            return self.inferred.choices[last_word(path)]
        if role is Role.UNKNOWN:
            return self._unknown(self.said.get(path) if default is None and wanted == "number" else default, wanted)
        if role is Role.LAST_EPOCH and (type(self.said.get(path)) is int or _BEGINS.search(last_word(path))):
            return self.said.get(path, 0)
        if self.ordinary and is_number(default) and default and role not in LENGTHS | RATES:
            return default
        value = self._drawn(role)
        if role is Role.BASE_RATE and is_number(default) and not default and path not in self.overrides:
            return default  # what others are added to, and nothing unless somebody sets it
        if isinstance(default, float) and isinstance(value, int) and role in LENGTHS and 0 <= default < 1:
            return self._drawn(Role.WARMUP_FRACTION)
        if default is None and role in LENGTHS and last_word(path) in self.inferred.shares:
            return self._drawn(Role.WARMUP_FRACTION)
        if role is Role.CYCLE and isinstance(default, float) and default == 1:
            return default  # a cycle of the whole run, as a share of it
        if isinstance(default, list | tuple) and not isinstance(value, list):
            return [value, value]
        if isinstance(value, list):
            # A drop inside a warmup that the code states would be no plausible setting.
            past = int(self.stated.get(Role.WARMUP, 0))
            drawn = [place + past for place in value] if past >= value[0] else list(value)
            element = _ELEMENT.search(path)
            if element is not None and -len(drawn) <= int(element[1]) < len(drawn):
                return drawn[int(element[1])]
            # As many as the default has: another list may go with it, one entry each.
            return drawn[: len(default)] if isinstance(default, list | tuple) and default else drawn
        if isinstance(value, int):
            value += self._room(role, value)
        if role in _LOW and self.base is not None and isinstance(value, float):
            value *= min(self.base / BASE_RATES[self.index % len(BASE_RATES)][0], 1.0)
        if isinstance(value, int) and role in LENGTHS:
            taken = self._drawn_as(role)
            for extra in _SPREAD:
                if value + extra not in taken:
                    return value + extra
        if isinstance(value, float):
            taken = self._drawn_as(role)
            while value in taken:
                value *= 1.1
        return value

    def _note(self) -> None:
        """Look at what has been drawn since the last time: code may ask for a value of its own at every step."""
        for path, value in islice(self.values.items(), self._noted, None):
            self._taken.add(repr(value))
            self._by_role.setdefault(role_of(path), []).append(value)
        self._noted = len(self.values)

    def _drawn_as(self, role: Role) -> list[object]:
        """The values of all expressions that play a part by their names."""
        self._note()
        return self._by_role.get(role, [])

    def _drawn(self, role: Role) -> object:
        """What the table has for a role in this scenario."""
        table = {**_TABLE, **_ORDINARY} if self.ordinary else _TABLE
        return table[role][self.index % 4]

    def _room(self, role: Role, value: int) -> int:
        """How much longer than drawn a whole has to be, for the warmup that the call states to end within it."""
        steps, epochs = self.stated.get(Role.WARMUP, 0), self.stated.get(Role.WARMUP_EPOCHS, 0)
        if role is Role.HORIZON and steps >= value:
            return int(steps)
        if role is Role.EPOCHS and epochs >= value:
            return int(epochs)
        drawn = self._drawn(Role.EPOCHS)
        if role is Role.LOADER_LENGTH and isinstance(drawn, int) and steps >= drawn * value:
            return int(steps) // drawn + 1
        return 0

    def states(self, path: str) -> object:
        """The user's own value of a free expression: its default, or what a call gives where the name says nothing."""
        default = self.defaults.get(path)
        return self.said.get(path) if default is None and self._role(path, None) is Role.UNKNOWN else default

    def ends(self, path: str) -> bool:
        """Whether a name that could be the present position is what a loop counts up to, or has a number of its own."""
        stated = self.defaults.get(path)
        several = isinstance(stated, int | float) and stated > 1
        return path in self.inferred.bounds or (several and tick_of(path) is not None)

    def role(self, path: str) -> Role:
        """The part that a free expression plays: by what the code does with it, then by its name."""
        return self._role(path, self.defaults.get(path))

    def _role(self, path: str, default: object) -> Role:
        role = role_of(path)
        if self.ends(path):
            return Role.EPOCHS
        if role is Role.MILESTONES and is_number(default):
            return Role.STEP_SIZE
        if role in LENGTHS and rises(default):
            return Role.MILESTONES
        meant = self.meant.get(last_word(path), role)
        if not isinstance(default, int) or default <= 1 or (role in _MOMENTS and meant in LENGTHS):
            role = meant
        if role in RATES | {Role.UNKNOWN} and last_word(path) in self.inferred.milestones:
            return Role.MILESTONES
        part = role is Role.UNKNOWN and default is None and last_word(path) in self.inferred.parts
        return Role.FRACTION if part else role

    def _unknown(self, default: object, wanted: str) -> object:
        if isinstance(default, int | float):
            self.varies = True
            if not self.vary_unknown:
                return default
            return default + 2 if isinstance(default, int) else default * 1.3 if default else 0.2
        if default is not None:
            return default
        if wanted == "bool":
            return True
        if wanted == "iterable":
            return [23 + self.index, 41 + self.index]
        if self.ordinary:
            # Of what nobody can name the other draws have a count: a fault holds if it holds for a share as well.
            return self._drawn(Role.FRACTION)
        self._note()
        value = 37 + 2 * self.index
        while repr(value) in self._taken:
            value += 4
        return value
