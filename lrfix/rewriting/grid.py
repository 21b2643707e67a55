"""The settings under which old and new run side by side: each open value moved along its axis, the others kept.

What a caller may legally pass, whether or not anyone is seen to: lengths of nothing, of one step, fractional, as long
as the whole and longer; rates and factors of nothing, small, large; every flag both ways, every text that the code
asks for; one, two and three parameter groups.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.rewriting.seen import Seen

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_WHOLES = (Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH)
_IN_EPOCHS = (Role.EPOCHS, Role.WARMUP_EPOCHS)
#: Numbers that are no settings of their own: the optimizer's rate, where training stands.
_KEPT = frozenset({Role.BASE_RATE, Role.LAST_EPOCH})
_REPEATED = (Role.CYCLE, Role.STEP_SIZE)
UNEVEN = 2.2
"""A stair of which five are eleven steps by a division that rounds, and a little more in truth."""
_FROM_NOTHING = (*_WHOLES, *_REPEATED, Role.WARMUP_FACTOR, Role.WARMUP_FRACTION)
_GROUPS = ((1.0,), (25.0, 0.3, 0.07))
_LONGER = 7
_BEYOND = 3
_ANOTHER = "another"
"""A text that no code compares a setting with: it leads to the last ``else``."""
_OTHER_NUMBERS: Mapping[Role, Sequence[float]] = {
    Role.GAMMA: (1, 0.5, 1.02),
    Role.POWER: (0, 1, 0.5, 2),
    Role.FLOOR_RATIO: (0, 1, 1.5),
    Role.WARMUP_FACTOR: (0, 1),
    Role.WARMUP_FRACTION: (0, 0.5, 1),
    Role.FRACTION: (0, 0.5, 1),
    Role.CYCLE_MULT: (1, 2, 3),
}


Change = Mapping[str, object]


@dataclass(frozen=True)
class Tried:
    """One setting. ``words`` say it to the user: "with `warmup` = 0". ``legal``: nobody is seen to choose it.
    ``cut_short``: the run ends before its last phase has room."""

    words: str
    values: Mapping[str, object]
    base_lrs: tuple[float, ...]
    legal: bool = False
    cut_short: bool = False


def settings(
    values: Mapping[str, object],
    base_lrs: Sequence[float],
    texts: Mapping[str, Sequence[str]],
    optional: Sequence[str],
    whole: Container[str],
    seen: Seen,
    repeated: Container[str] = (),
) -> Iterator[Tried]:
    """All settings around ``values``, one axis at a time. ``texts`` are what the code compares a value with;
    ``optional`` are values that may be None, ``whole`` lengths that are whole numbers by what the file declares,
    ``repeated`` those that are a cycle or a stair, whatever they are called."""
    bases = tuple(base_lrs)
    first = bases[0]
    for shares in _GROUPS:
        told = _base_of(values, first)
        rates = tuple(first * share for share in shares) if told is None else (first, *(first * s for s in shares[1:]))
        plural = "s" if len(rates) > 1 else ""
        yield Tried(f"with {len(rates)} parameter group{plural}", values, rates)
    for change in _changes(values, texts, optional, whole):
        # Cycles and stairs of no length are nothing: code that looks for the cycle of a step never ends.
        if any(value == 0 and (key in repeated or role_of(key) in _REPEATED) for key, value in change.items()):
            continue
        words = ", ".join(f"`{key}` = {_shown(value)}" for key, value in change.items())
        short = _outlasted({**values, **change})
        yield Tried(f"with {words}", {**values, **change}, bases, short or _merely_legal(change, seen), short)


def is_long(values: Mapping[str, object], usual: Mapping[str, object]) -> bool:
    """Whether a setting has lengths far beyond the usual ones."""
    return any(
        role_of(key) in LENGTHS
        and isinstance(value, int)
        and isinstance(old := usual.get(key), int)
        and value > 4 * old > 0
        for key, value in values.items()
    )


def _outlasted(values: Mapping[str, object]) -> bool:
    """Whether a run is shorter than its last phase, which then has to begin before the run does."""
    lengths = {key: value for key, value in values.items() if isinstance(value, int | float)}
    wholes = [value for key, value in lengths.items() if role_of(key) is Role.HORIZON]
    ends = [value for key, value in lengths.items() if role_of(key) is Role.DECAY_LENGTH]
    return bool(wholes and ends) and max(ends) > min(wholes)


def _merely_legal(change: Change, seen: Seen) -> bool:
    """Whether a change is a fraction of a step, a run or a cycle of nothing, or a warmup from nothing, that nobody is
    seen to choose."""
    for path, value in change.items():
        if isinstance(value, float) and role_of(path) in LENGTHS and not value.is_integer() and not seen.fraction(path):
            return True
        if value == 0 and role_of(path) in _FROM_NOTHING and not seen.zero(path):
            return True
    return False


def _changes(
    values: Mapping[str, object], texts: Mapping[str, Sequence[str]], optional: Sequence[str], whole: Container[str]
) -> Iterator[Change]:
    lengths = {
        key: value
        for key, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and role_of(key) in LENGTHS
    }
    yield from _of_lengths({key: value for key, value in lengths.items() if not key.startswith("len(")}, whole)
    for key, value in values.items():
        if key not in lengths and role_of(key) not in _KEPT:
            yield from _of_one(key, value, texts.get(key, ()))
    for key in optional:
        if values.get(key) is not None:
            yield {key: None}


def _of_lengths(lengths: Mapping[str, float], whole: Container[str]) -> Iterator[Change]:
    fractional = {key: value for key, value in lengths.items() if key not in whole}
    if fractional:
        yield {key: value + 0.5 for key, value in fractional.items()}
        yield {key: round(value * 1.37 + 0.06 * place, 2) for place, (key, value) in enumerate(fractional.items())}
    if lengths:
        yield {key: value * _LONGER for key, value in lengths.items()}
    for key, value in lengths.items():
        others = [0, 1, max(round(value * 0.37), 2), *((0.5, value * 0.37) if key in fractional else ())]
        if key in fractional and role_of(key) is Role.STEP_SIZE:
            others.append(UNEVEN)
        yield from ({key: other} for other in others)
    for warmup in (key for key in lengths if role_of(key) in _WARMUPS):
        for total in (key for key in lengths if role_of(key) in _WHOLES and _one_unit(warmup, key)):
            yield {warmup: lengths[total]}
            yield {warmup: lengths[total] + _BEYOND}
            yield {warmup: 0, total: 1}
            yield {warmup: 0, total: 0}


def _of_one(key: str, value: object, texts: Sequence[str]) -> Iterator[Change]:
    if isinstance(value, bool):
        yield {key: not value}
    elif isinstance(value, str):
        yield from ({key: text} for text in (*texts, _ANOTHER) if text != value)
    elif isinstance(value, int | float):
        usual = [type(value)(value * factor) for factor in (0, 0.2, 3, 40)] if value else [0.05, 0.6, 1.5]
        yield from ({key: other} for other in _OTHER_NUMBERS.get(role_of(key), usual) if other != value)
    elif isinstance(value, list) and value and all(isinstance(n, int | float) for n in value):
        yield {key: value[:1]}
        yield {key: [*value, value[-1] + 5]}
        yield {key: [n + 0.5 for n in value]}


def _one_unit(one: str, other: str) -> bool:
    return (role_of(one) in _IN_EPOCHS) == (role_of(other) in _IN_EPOCHS)


def _base_of(values: Mapping[str, object], rate: float) -> str | None:
    """The value that is the optimizer's own rate: the two move together or not at all."""
    return next((key for key, value in values.items() if role_of(key) is Role.BASE_RATE and value == rate), None)


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


__all__ = ["Tried", "is_long", "settings"]
