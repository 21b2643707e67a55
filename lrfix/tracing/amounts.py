"""Counts that carry their units: sums of products of named numbers (``args.epochs * len(loader)``), and their ratios.

A unit is an unknown that is counted, told apart by its identity, so two counts are equal only where the same objects
make them. What rounds (``//``, ``ceil``, ``int``) leaves the amount and marks it as rounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from lrfix.finite import finite
from lrfix.tracing.values import Unknown, Value

Monomial = tuple[tuple[Unknown, int], ...]
_MOST_TERMS = 6
_MOST_DIGITS = 60
_MOST_POWER = 12


class Amount:
    """A sum of products of units, with exact coefficients."""

    __slots__ = ("rounded", "terms")

    def __init__(self, terms: Mapping[Monomial, Fraction], rounded: bool = False) -> None:
        self.terms = {m: c for m, c in terms.items() if c}
        self.rounded = rounded

    def __repr__(self) -> str:
        return f"<amount {self}>"

    def __str__(self) -> str:
        return " + ".join(_text(m, c) for m, c in self.terms.items()) or "0"

    @property
    def constant(self) -> Fraction | None:
        """The number that it is, where no unit is in it."""
        if not self.terms:
            return Fraction(0)
        return self.terms.get(()) if set(self.terms) == {()} else None

    @property
    def stated(self) -> Fraction | None:
        """The number that it is with each unit at the value that the file states for it."""
        total = Fraction(0)
        for monomial, coefficient in self.terms.items():
            for unit, power in monomial:
                number = unit.stated
                if finite(number) is None:
                    return None
                if number == 0 and power < 0:
                    return None
                coefficient *= Fraction(number) ** power
            total += coefficient
        return total

    @property
    def units(self) -> frozenset[Unknown]:
        return frozenset(unit for monomial in self.terms for unit, _ in monomial)

    def same(self, other: Amount) -> bool:
        return self.terms == other.terms

    def key(self) -> object:
        return frozenset(self.terms.items())


def amount(value: Value) -> Amount | None:
    """A value as an amount; None for what is no number."""
    if isinstance(value, Amount):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Amount({(): Fraction(value)}) if abs(value) < 10**_MOST_DIGITS else None
    if isinstance(value, float):
        exact = Fraction(value).limit_denominator(10**6) if abs(value) < 1e15 else None
        return Amount({(): exact}) if exact is not None else None
    if isinstance(value, Unknown):
        return Amount({((value, 1),): Fraction(1)})
    return None


def add(left: Amount, right: Amount, sign: int = 1) -> Amount | None:
    terms = dict(left.terms)
    for monomial, coefficient in right.terms.items():
        terms[monomial] = terms.get(monomial, Fraction(0)) + sign * coefficient
    return _bounded(terms, left.rounded or right.rounded)


def multiply(left: Amount, right: Amount) -> Amount | None:
    terms: dict[Monomial, Fraction] = {}
    for m, c in left.terms.items():
        for n, d in right.terms.items():
            product = _product(m, n, 1)
            terms[product] = terms.get(product, Fraction(0)) + c * d
    return _bounded(terms, left.rounded or right.rounded)


def divide(left: Amount, right: Amount) -> Amount | None:
    """The ratio, where the divisor is one product."""
    if len(right.terms) != 1:
        return Amount({(): Fraction(1)}) if left.same(right) and left.terms else None
    (monomial, coefficient), *_ = right.terms.items()
    terms = {_product(m, monomial, -1): c / coefficient for m, c in left.terms.items()}
    return _bounded(terms, left.rounded or right.rounded)


def rounded(value: Amount) -> Amount:
    """What ``int``, ``ceil`` or ``//`` makes of it: a whole number where it is one, else the same amount, marked."""
    if value.constant is not None and value.constant.denominator == 1:
        return value
    return Amount(value.terms, True)


def rounded_up(value: Amount) -> Amount:
    """The whole number that ``ceil`` makes of a number; else what ``rounded`` does."""
    whole = value.constant
    return rounded(value) if whole is None else Amount({(): Fraction(math.ceil(whole))})


def _product(left: Monomial, right: Monomial, sign: int) -> Monomial:
    powers = dict(left)
    for unit, power in right:
        powers[unit] = powers.get(unit, 0) + sign * power
    return tuple(sorted(((u, p) for u, p in powers.items() if p), key=lambda pair: pair[0].serial))


def _bounded(terms: Mapping[Monomial, Fraction], was_rounded: bool) -> Amount | None:
    if len(terms) > _MOST_TERMS or any(len(m) > _MOST_TERMS for m in terms):
        return None
    if any(abs(power) > _MOST_POWER for m in terms for _, power in m):
        return None
    if any(max(c.numerator.bit_length(), c.denominator.bit_length()) > 400 for c in terms.values()):
        return None
    return Amount(terms, was_rounded)


def _text(monomial: Monomial, coefficient: Fraction) -> str:
    above = [f"{u.path}" + (f"^{p}" if p > 1 else "") for u, p in monomial if p > 0]
    below = [f"{u.path}" + (f"^{-p}" if p < -1 else "") for u, p in monomial if p < 0]
    number = str(coefficient) if coefficient.denominator == 1 else f"{float(coefficient):g}"
    top = " * ".join(above if above and coefficient == 1 else [number, *above])
    return " / ".join([top, *below])
