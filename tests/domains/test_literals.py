"""What a literal is worth, as Python's own reading has it, and what plain arithmetic on literals gives."""

from __future__ import annotations

import ast

import pytest

from lrfix.domains.facts import literal

LITERALS = ("1", "-1", "1.5", "'a'", "None", "True", "[1, 2]", "(1, 'a')", "{1: 2}", "{1, 2}", "set()", "1 + 2j", "-2j")
NONE = ("a", "a.b", "a[0]", "a < 1", "a or 1", "1 if a else 2", "lambda: 1", "f'{a}'", "f()", "[a]", "-a", "not 1")
WORKED_OUT = {"3 * 4": 12, "1 - 2": -1, "6 / 4": 1.5, "2 * (3 + 4)": 14, "a * 2": None, "'a' * 2": None}


def value(text: str) -> object:
    return literal(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("text", LITERALS)
def test_a_literal_is_what_python_reads(text: str) -> None:
    assert value(text) == ast.literal_eval(text)
    assert type(value(text)) is type(ast.literal_eval(text))


@pytest.mark.parametrize("text", NONE)
def test_what_is_none_has_no_value(text: str) -> None:
    assert value(text) is None


@pytest.mark.parametrize(("text", "worth"), WORKED_OUT.items())
def test_arithmetic_on_numbers_is_worked_out(text: str, worth: object) -> None:
    assert value(text) == worth
