"""Counts that carry their units."""

from __future__ import annotations

from fractions import Fraction

from lrfix.tracing import amounts
from lrfix.tracing.amounts import amount
from lrfix.tracing.values import Unknown

EPOCHS, BATCHES = Unknown("epochs", stated=90), Unknown("len(loader)")


def test_a_ratio_names_the_unit_that_was_left_out():
    epochs, batches = amount(EPOCHS), amount(BATCHES)
    steps = amounts.multiply(epochs, batches)
    assert str(steps) == "epochs * len(loader)"
    assert amounts.divide(steps, epochs).same(batches)
    assert str(amounts.divide(epochs, steps)) == "1 / len(loader)"


def test_sums_keep_what_was_taken_off():
    warmup = amount(Unknown("warmup"))
    total = amount(EPOCHS)
    assert str(amounts.add(total, warmup, -1)) == "epochs + -1 * warmup"
    assert amounts.add(amounts.add(total, warmup, -1), warmup).same(total)


def test_numbers_are_exact_and_rounding_leaves_a_mark():
    share = amounts.multiply(amount(0.1), amount(EPOCHS))
    assert share.stated == Fraction(9)
    assert amounts.rounded(share).rounded
    assert not amounts.rounded(amount(7)).rounded


def test_two_units_of_one_name_are_two_units():
    assert not amount(Unknown("n")).same(amount(Unknown("n")))


def test_what_is_no_count_is_none():
    assert amount("90") is None
    assert amount(True) is None
    assert amount(None) is None


def test_a_power_that_no_training_is_counted_in_is_none():
    found = amount(EPOCHS)
    for _ in range(60):
        found = amounts.multiply(found, found) if found is not None else None
    assert found is None
