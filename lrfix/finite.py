"""Numbers that can be reckoned with: code may state infinities, NaN, and integers that no float can hold."""

from __future__ import annotations

import math
from fractions import Fraction


def finite(value: object) -> float | None:
    """A number as a finite float; None for what is no number (True and False are none) or has no such float."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


__all__ = ["finite"]
