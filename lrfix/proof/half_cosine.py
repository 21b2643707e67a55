"""The half cosine to some 60 digits, with nothing but the standard library: what the rates are measured against."""

from __future__ import annotations

from decimal import Decimal

_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899863")


def half_cosine(k: int, total: int) -> Decimal:
    """``(1 + cos(pi * k / total)) / 2`` to some 60 digits: the square of the sine of the rest, by its series."""
    x = _PI * (total - k) / (2 * total)
    term = result = x
    j = 1
    while abs(term) > abs(result).scaleb(-62):
        term *= -x * x / ((j + 1) * (j + 2))
        result += term
        j += 2
    return result * result
