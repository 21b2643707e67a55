"""``yield`` and ``match`` do what they do in Python, statement by statement."""

from __future__ import annotations

import ast
import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import FuelSpent, Opaque, UserError
from lrfix.interpreter.machine import Interpreter

GENERATORS = {
    "an endless one is asked as often as needed": """
        def rates(start, factor):
            rate = start
            while True:
                yield rate
                rate *= factor
        made = rates(1.0, 0.5)
        result = [next(made) for _ in range(4)]
    """,
    "nothing runs before the first next": """
        seen = []
        def count():
            seen.append("begun")
            yield 1
        made = count()
        before = list(seen)
        result = (before, next(made), seen)
    """,
    "values are sent in": """
        def total():
            sum_ = 0
            while True:
                given = yield sum_
                sum_ += given
        made = total()
        next(made)
        result = [made.send(n) for n in (3, 4, 5)]
    """,
    "one hands over to another": """
        def ramp(n):
            for i in range(n):
                yield i / n
        def whole(n):
            yield from ramp(n)
            yield from [1.0, 0.5]
        result = list(whole(4))
    """,
    "branches, else of a loop, return": """
        def steps(n):
            for i in range(n):
                if i % 2:
                    yield ("odd", i)
                elif i == 4:
                    return
                else:
                    yield ("even", i)
            else:
                yield "whole"
        result = (list(steps(3)), list(steps(9)))
    """,
    "what fails inside is caught inside": """
        def careful():
            try:
                yield 1
                yield 1 / 0
            except ZeroDivisionError as error:
                yield type(error).__name__ if False else "caught"
            finally:
                yield "closed"
        result = list(careful())
    """,
    "what fails inside is seen outside": """
        def careless():
            yield 1
            yield [].pop()
        result = list(careless())
    """,
    "its end is StopIteration": """
        def one():
            yield 1
        made = one()
        result = (next(made), next(made, "none"))
        next(made)
    """,
    "a method keeps its object": """
        class Table:
            def __init__(self, rates):
                self.rates = rates
            def __iter__(self):
                for rate in self.rates:
                    yield rate * 2
        result = [rate for rate in Table([1, 2, 3])]
    """,
}
PATTERNS = {
    "texts": """
        def kind(name):
            match name:
                case "cosine" | "cos":
                    return 1
                case "step":
                    return 2
            return 3
        result = [kind(name) for name in ("cos", "cosine", "step", "other")]
    """,
    "numbers, None and truth": """
        def kind(value):
            match value:
                case None:
                    return "none"
                case True:
                    return "true"
                case 0:
                    return "zero"
                case -1.5:
                    return "negative"
                case _:
                    return "else"
        result = [kind(value) for value in (None, True, 0, False, 0.0, -1.5, 2)]
    """,
    "sequences": """
        def kind(value):
            match value:
                case []:
                    return "empty"
                case [one]:
                    return one
                case (first, *middle, last):
                    return (first, middle, last)
        result = [kind(value) for value in ([], [7], (1, 2), [1, 2, 3, 4], "text")]
    """,
    "mappings": """
        def kind(value):
            match value:
                case {"type": "warm", "steps": steps}:
                    return steps
                case {"type": name, **rest}:
                    return (name, rest)
        result = [kind(v) for v in ({"type": "warm", "steps": 3}, {"type": "cos", "T": 4}, {"x": 1})]
    """,
    "classes and guards": """
        class Point:
            __match_args__ = ("x", "y")
            def __init__(self, x, y):
                self.x, self.y = x, y
        def kind(value):
            match value:
                case Point(0, y):
                    return ("on the axis", y)
                case Point(x=a, y=b) if a == b:
                    return ("diagonal", a)
                case Point():
                    return "point"
                case int(n) if n > 3:
                    return n
                case int() | float():
                    return "number"
                case str() as text:
                    return text
        result = [kind(v) for v in (Point(0, 2), Point(3, 3), Point(1, 2), 5, 2, 1.5, "t", [])]
    """,
    "a name that fits stays bound": """
        match (1, 2):
            case (a, 3):
                pass
            case (b, c):
                pass
        result = (b, c)
    """,
}


def outcome(source: str, run: Any) -> tuple[str, Any]:
    try:
        return "gives", repr(run(source))
    except UserError as error:
        return "raises", error.kind
    except Exception as error:  # what the program itself raises, run by Python
        return "raises", type(error).__name__


def by_python(source: str) -> Any:
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(source, "program", "exec"), names)
    return names["result"]


def by_interpreter(source: str) -> Any:
    environment = Environment()
    Interpreter().execute(ast.parse(source).body, environment)
    return environment.get("result")


@pytest.mark.parametrize("program", [*GENERATORS.values(), *PATTERNS.values()], ids=[*GENERATORS, *PATTERNS])
def test_agrees_with_python(program: str) -> None:
    source = textwrap.dedent(program)
    assert outcome(source, by_interpreter) == outcome(source, by_python)


@given(st.lists(st.one_of(st.integers(-3, 3), st.none(), st.booleans(), st.lists(st.integers(0, 2), max_size=3))))
def test_any_value_finds_the_case_that_python_finds(values: list[Any]) -> None:
    source = textwrap.dedent(
        f"""
        def case(value):
            match value:
                case 0 | 1:
                    return "small"
                case None:
                    return "none"
                case [0, *rest]:
                    return rest
                case [x, y] if x > y:
                    return (x, y)
                case bool(b):
                    return b
                case n:
                    return [n]
        result = [case(value) for value in {values!r}]
        """
    )
    assert by_interpreter(source) == by_python(source)


def test_a_yield_in_the_middle_of_a_sum_is_refused_not_guessed() -> None:
    with pytest.raises(Opaque, match="yields in the middle"):
        by_interpreter("def f():\n    x = 1 + (yield)\nresult = list(f())")


def test_an_endless_generator_that_is_listed_ends() -> None:
    with pytest.raises(FuelSpent):
        by_interpreter("def f():\n    while True:\n        yield 1\nresult = list(f())")
