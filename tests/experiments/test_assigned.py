"""Which functions may read a variable of their own that nothing has assigned: those alone can fail so."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.experiments.assigned import may_read_unassigned

SURE = {
    "both branches": """
        if x:
            y = 1
        else:
            y = 2
        return y
        """,
    "the other branch leaves": """
        if x:
            y = 1
        else:
            raise ValueError
        return y
        """,
    "a loop's own": """
        for i in range(x):
            z = i
            print(z)
        return x
        """,
    "a parameter, changed": """
        while x:
            x -= 1
        return x
        """,
    "a comprehension's": "return [y for y in x]",
    "what a with binds": """
        with x as y:
            z = y
        return z
        """,
    "a function of its own": """
        def y():
            return z
        return y
        """,
}
OPEN = {
    "one branch": """
        if x:
            y = 1
        elif x > 2:
            y = 2
        return y
        """,
    "after a loop": """
        for i in range(x):
            z = i
        return z
        """,
    "changed before it is set": "y += 1",
    "read before it is set": """
        z = y
        y = 1
        """,
    "deleted": """
        del x
        return x
        """,
    "set in a try": """
        try:
            y = 1
        except ValueError:
            pass
        return y
        """,
}


def function(body: str) -> ast.FunctionDef:
    node = ast.parse("def f(x):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


@pytest.mark.parametrize("body", SURE.values(), ids=SURE)
def test_what_every_way_assigns_is_there(body: str) -> None:
    assert not may_read_unassigned(function(body))


@pytest.mark.parametrize("body", OPEN.values(), ids=OPEN)
def test_what_a_way_leaves_out_may_not_be(body: str) -> None:
    assert may_read_unassigned(function(body))
