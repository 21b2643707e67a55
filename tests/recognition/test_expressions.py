"""Numbers come back as the simplest of the user's expressions that has them in every scenario."""

from __future__ import annotations

import math

import pytest

from lrfix.recognition.evaluation import NotArithmetic, evaluate
from lrfix.recognition.expressions import Expressions

ENVIRONMENTS: list[dict[str, object]] = [
    {"epochs": 31, "len(loader)": 7, "args.warmup": 3, "args.ratio": 0.13, "accum": 3, "lr": 0.3, "power": 0.9, "n": 2},
    {
        "epochs": 47,
        "len(loader)": 11,
        "args.warmup": 5,
        "args.ratio": 0.29,
        "accum": 2,
        "lr": 0.7,
        "power": 0.9,
        "n": 2,
    },
    {
        "epochs": 53,
        "len(loader)": 15,
        "args.warmup": 8,
        "args.ratio": 0.07,
        "accum": 5,
        "lr": 0.1,
        "power": 0.9,
        "n": 2,
    },
]


def found(wanted: str, parameter: str = "") -> str | None:
    """The expression found for the values that Python gives ``wanted``."""
    values = [
        eval(wanted, {"math": math}, {name.replace("len(loader)", "batches").replace("args.", ""): value
                                      for name, value in environment.items()})
        for environment in ENVIRONMENTS
    ]  # fmt: skip
    expression = Expressions(ENVIRONMENTS).find(values, parameter)
    return None if expression is None else expression.text


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("epochs", "epochs"),
        ("epochs + 1", "epochs + 1"),
        ("epochs - 1", "epochs - 1"),
        ("epochs * batches", "epochs * len(loader)"),
        ("epochs - warmup", "epochs - args.warmup"),
        ("epochs // accum", "epochs // accum"),
        ("0.1 * lr", "lr * 0.1"),
        ("int(0.3 * epochs)", "int(epochs * 0.3)"),
        ("int(ratio * epochs)", "int(epochs * args.ratio)"),
        ("epochs * batches // accum", "epochs * len(loader) // accum"),
        ("(epochs - warmup) * batches", "(epochs - args.warmup) * len(loader)"),
        ("epochs * batches - warmup", "epochs * len(loader) - args.warmup"),
        ("int(ratio * epochs * batches)", "int(len(loader) * args.ratio * epochs)"),
        ("epochs * batches - 1", "epochs * len(loader) - 1"),
        ("math.ceil(batches / accum)", "math.ceil(len(loader) / accum)"),
        ("500", "500"),
        ("1e-9", "1e-09"),
        ("0", "0"),
        ("2.5e-5", "2.5e-05"),
    ],
)
def test_the_simplest_expression(wanted: str, text: str) -> None:
    assert found(wanted) == text


def test_a_constant_is_a_name_only_where_the_name_says_what_it_is_for() -> None:
    assert found("0.9", "power") == "power"
    assert found("2", "T_mult") == "2"


def test_a_number_that_nothing_gives() -> None:
    assert Expressions(ENVIRONMENTS).find([101.5, 7.25, 33.125]) is None


def test_names_are_whole_expressions_however_they_are_spaced() -> None:
    assert evaluate("2 * len( loader )+1", {"len(loader)": 7}) == 15


@pytest.mark.parametrize("text", ["unknown", "open('x')", "'a' * 3", "2 **", "x.y", "__import__('os')", "9 ** 9999"])
def test_nothing_but_arithmetic_over_the_names_is_evaluated(text: str) -> None:
    with pytest.raises(NotArithmetic):
        evaluate(text, {"x": 1})
