"""How numbers stand in a sentence: one place, so that a rate looks the same in every message and every format."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from lrfix.finite import finite

_DIGITS = 4
_MOST_DIGITS = 9
_MOST_BITS = 1024
_STEPS = re.compile(r"\b(?:steps?(?= \d)|(?<=\d )steps?\b|a step(?= before)|update (?=has|runs)|one step\b)")
_EPOCHS = {
    "step": "epoch",
    "steps": "epochs",
    "a step": "an epoch",
    "one step": "one epoch",
    "update ": "epoch ",
}


def num(value: object, *beside: object) -> str:
    """A number to four significant digits; to as many more as it takes to tell it from the numbers beside it.

    What is no float is shown as it is; of a complex number both parts are num. Python writes out no integer of
    thousands of digits; of one that no float can hold only the size is told.
    """
    if isinstance(value, complex):
        sign = "-" if value.imag < 0 else "+"
        return f"{num(value.real)} {sign} {num(abs(value.imag))}j"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"{'-' if value < 0 else ''}1e{int(math.log10(abs(value)))}"
    if not isinstance(value, float):
        return str(value)
    others = [number for other in beside if other != value and (number := finite(other)) is not None]
    for digits in range(_DIGITS, _MOST_DIGITS):
        text = f"{value:.{digits}g}"
        if all(text != f"{other:.{digits}g}" for other in others):
            return text
    return f"{value:.{_DIGITS}g}"


def together(values: Iterable[object]) -> list[str]:
    """Numbers that are compared: with as many digits as tell them apart, four at least."""
    listed = list(values)
    return [num(value, *listed) for value in listed]


def assigned(values: Mapping[str, object]) -> str:
    """``a = 1, b = 0.5``."""
    return ", ".join(f"{name} = {num(value)}" for name, value in values.items())


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def in_epochs(message: str) -> str:
    """A message whose steps are epochs, in these words; what it quotes from the code stays as it is."""
    parts = message.split("`")
    parts[::2] = [_STEPS.sub(lambda found: _EPOCHS[found.group()], part) for part in parts[::2]]
    return "`".join(parts)


def change(before: float, after: float) -> str:
    """``drops by 33 %``, ``rises by 50 %``, ``rises to 12 times``: how one rate becomes another."""
    if before <= 0 or after > 3 * before:
        times = f"{after / before:.3g} times" if before > 0 else num(after)
        return f"rises to {times}"
    share = abs(after / before - 1) * 100
    if after < before and share >= 99.5:
        return f"drops to {num(after)}"
    return f"{'drops' if after < before else 'rises'} by {share:{'.0f' if share >= 10 else '.2g'}} %"


__all__ = ["assigned", "change", "counted", "in_epochs", "num", "together"]
