"""Magics and shell lines become lines that do nothing; Python stays Python, line by line."""

from __future__ import annotations

import ast

import pytest

from lrfix.notebooks.magics import as_python


def python(text: str) -> str:
    lines, _ = as_python(text)
    assert "\n".join(line.original for line in lines) == text
    assert len(lines) == text.count("\n") + 1
    joined = "\n".join(line.python for line in lines)
    ast.parse(joined)
    return joined


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%matplotlib inline", "pass"),
        ("!pip install torch", "pass"),
        ("!echo 'unclosed (", "pass"),
        ("  %load_ext autoreload", None),
        ("torch.optim?", "pass"),
        ("?print", "pass"),
        ("%timeit?", "pass"),
        ("pip install torch", "pass"),
        ("cd ..", "pass"),
        ("ls", "ls"),
        ("files = !ls *.py", "files = get_ipython()"),
        ("a, b = %sql select", "a, b = get_ipython()"),
        ("%time train(model)", "train(model)"),
        ("%timeit -n 10 -r 3 f(1)", "f(1)"),
        ("%time", "pass"),
        ("x = 7 % 3", "x = 7 % 3"),
        ("x = a if b else c", "x = a if b else c"),
    ],
)
def test_a_line(line, expected):
    if expected is None:
        assert python(f"if x:\n{line}") == "if x:\n  pass"
    else:
        assert python(f"{line}\ny = 1\n%load x") == f"{expected}\ny = 1\npass"


def test_a_percent_sign_inside_a_statement_is_an_operator():
    code = "print('%d'\n      % 3)\nx = 7 \\\n    % 2\ny = '''\n%time x\n!ls\n'''\n"
    assert python(code) == code
    assert python("!ls\n" + code) == "pass\n" + code


def test_brackets_and_quotes_of_a_shell_line_hide_nothing():
    assert python("!echo ( '\n%time x = 1\n# it's (\n!ls") == "pass\nx = 1\n# it's (\npass"


def test_a_shell_line_goes_on_behind_a_backslash():
    assert python("!pip install \\\n    torch \\\n    'numpy\nx = 1\n%time y = 2") == "pass\n\n\nx = 1\ny = 2"
    assert python("out = !ls \\\n    (\nx = 1") == "out = get_ipython()\n\nx = 1"


def test_what_a_line_magic_runs_is_known_to_stand_further_right():
    lines, _ = as_python("if x:\n    %time y = 1")
    assert (lines[1].python, lines[1].shift) == ("    y = 1", len("%time "))


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n 3"])
def test_cells_that_are_timed_or_captured_are_python(magic):
    assert python(f"\n{magic}\nx = 1") == "\npass\nx = 1"


@pytest.mark.parametrize("magic", ["%%bash", "%%writefile a.py", "%%html", "%%"])
def test_cells_of_another_language_are_empty(magic):
    lines, is_python = as_python(f"{magic}\nls 'x\n<b>")
    assert not is_python
    assert [line.python for line in lines] == ["", "", ""]


def test_carriage_returns_are_no_lines():
    assert python("x = 1\r\ny = 2\r\n") == "x = 1\ny = 2\n"


def test_what_is_neither_is_left_for_the_parser_to_complain_of():
    lines, is_python = as_python("def f(:\n%time x")
    assert is_python and lines[0].python == "def f(:"
