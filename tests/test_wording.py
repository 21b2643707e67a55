"""How numbers stand in messages."""

from __future__ import annotations

import math

import pytest

from lrfix.wording import assigned, change, counted, in_epochs, num, together


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0973684, "0.09737"),
        (3e-4, "0.0003"),
        (1.5492e-07, "1.549e-07"),
        (0.0, "0"),
        (12345.678, "1.235e+04"),
        (12, "12"),
        (123456, "123456"),
        (True, "True"),
        ("cos", "cos"),
        ([1, 2], "[1, 2]"),
        (math.nan, "nan"),
        (-0.0016090578 + 0.00052281463j, "-0.001609 + 0.0005228j"),
        (0.1 - 0.5j, "0.1 - 0.5j"),
    ],
)
def test_a_number_has_four_digits(value, shown):
    assert num(value) == shown


def test_numbers_that_are_compared_are_told_apart():
    assert num(0.100001, 0.1) == "0.100001"
    assert num(0.1, 10**400) == "0.1"
    assert together([0.1, 0.1000004, 0.2]) == ["0.1", "0.1000004", "0.2"]
    assert together([0.1, 0.1]) == ["0.1", "0.1"]


def test_of_an_integer_that_python_does_not_write_out_the_size_is_told():
    assert num(10**400) == "1e400"
    assert num(-(10**9000)) == "-1e9000"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.1, 0.0667, "drops by 33 %"),
        (0.1, 0.0, "drops to 0"),
        (0.1, 0.0001, "drops to 0.0001"),
        (0.1, 0.0975, "drops by 2.5 %"),
        (0.1, 0.15, "rises by 50 %"),
        (0.1, 0.2, "rises by 100 %"),
        (0.01, 0.12, "rises to 12 times"),
        (0.0, 0.1, "rises to 0.1"),
    ],
)
def test_a_change_is_a_share_or_a_multiple(before, after, words):
    assert change(before, after) == words


def test_lists():
    assert assigned({"a": 0.123456, "b": 3}) == "a = 0.1235, b = 3"
    assert (counted(1, "file"), counted(2, "file")) == ("1 file", "2 files")


def test_a_schedule_of_epochs_is_told_in_epochs():
    message = "It falls at step 3, for 5 steps, by `step 3` and a step before; steps 0 and 1. One step late, `steps`."
    assert in_epochs(message) == (
        "It falls at epoch 3, for 5 epochs, by `step 3` and an epoch before; epochs 0 and 1. One step late, `steps`."
    )
