"""Numbers with units: they do arithmetic as numbers do, and say their number and their unit."""

from __future__ import annotations

import ast
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.quantities import EPOCHS, SHARE, STEPS, Quantity, parsed, unit_named
from lrfix.interpreter.values import Unknown

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
NUMBERS = st.integers(-1000, 1000) | st.floats(-1e3, 1e3, allow_subnormal=False)


def outcome(operation, left, right):
    try:
        return operation(left, right)
    except ZeroDivisionError:
        return ZeroDivisionError


@given(
    left=NUMBERS, right=NUMBERS, operation=st.sampled_from(OPERATORS), sides=st.sampled_from(["left", "right", "both"])
)
def test_arithmetic_gives_what_plain_numbers_give_with_a_unit(left, right, operation, sides):
    expected = outcome(operation, left, right)
    found = outcome(
        operation, Quantity(left) if sides != "right" else left, Quantity(right) if sides != "left" else right
    )
    assert found == expected
    if expected is not ZeroDivisionError:
        assert type(found) is Quantity
        assert type(found.number) is type(expected)


@given(left=NUMBERS, right=NUMBERS, operation=st.sampled_from(COMPARISONS))
def test_comparisons_are_those_of_numbers(left, right, operation):
    assert operation(Quantity(left), Quantity(right)) == operation(left, right)
    assert operation(left, Quantity(right)) == operation(left, right)


def test_a_ratio_of_two_lengths_is_a_share_and_a_multiple_of_one_is_a_length():
    length = Quantity(30, EPOCHS)
    assert (length / Quantity(10, EPOCHS)).unit == SHARE
    assert (length * 2).unit == EPOCHS == (2 * length).unit
    assert (length / 2).unit == EPOCHS


def test_a_fractional_power_of_a_negative_share_is_complex_as_in_python():
    assert Quantity(-0.5) ** 0.5 == (-0.5) ** 0.5
    assert isinstance(Quantity(-0.5) ** 0.5, complex)


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("10ba", 10, STEPS),
        ("5 epochs", 5, EPOCHS),
        ("1dur", 1, SHARE),
        ("0.1dur", 0.1, SHARE),
        ("3%", 0.03, SHARE),
        ("1_000 steps", 1000, STEPS),
    ],
)
def test_texts_of_a_number_and_a_unit_are_read(text, number, unit):
    found = parsed(text)
    assert found is not None
    assert (found.number, found.unit) == (number, unit)


@pytest.mark.parametrize("text", ["cosine", "1e5", "10", "2x", "resnet50", "3d", "1.2.3 steps"])
def test_other_texts_are_no_quantities(text):
    assert parsed(text) is None


def test_units_are_told_apart_by_what_their_words_mean():
    assert unit_named("BATCH") == unit_named("steps") == "ba"
    assert unit_named("epoch") != unit_named("batch")
    assert unit_named("furlong") == unit_named("FURLONG") != unit_named("step")


def evaluated(expression: str):
    environment = Environment()
    environment.set("length", Quantity(30, EPOCHS))
    environment.set("Time", Unknown("Time"))
    return Interpreter().evaluate(ast.parse(expression, mode="eval").body, environment)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("length.value", 30),
        ("(length / 4).value", 7.5),
        ("length.unit == 'epoch'", True),
        ("int(length / 4)", 7),
        ("max(length, 40)", 40),
        ("sum([length, length])", 60),
        ("list(range(length))[-1]", 29),
        ("length.total_seconds()", 30),
        ("length.to('steps').magnitude", 30),
        ("isinstance(length, str)", False),
        ("isinstance(length, (int, float))", False),
        ("isinstance(length, Time)", True),
        ("isinstance(length, object)", True),
        ("f'{length:.0f}'", "30"),
        ("not length", False),
    ],
)
def test_programs_use_a_quantity_as_a_number_or_as_an_object(expression, expected):
    assert evaluated(expression) == expected


def test_a_share_of_a_length_is_no_index():
    with pytest.raises(UserError, match="cannot be interpreted as an integer"):
        evaluated("list(range(length / 4))")


def test_what_only_its_own_class_could_tell_is_not_simulated():
    with pytest.raises(Opaque, match="unit"):
        evaluated("length.calendar")
