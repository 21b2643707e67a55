"""A finding keeps its fingerprint wherever its lines go, and gets another where its statement changes."""

from __future__ import annotations

import textwrap

from lrfix import fingerprints
from lrfix.findings import Finding, Position, Severity, Span
from lrfix.fingerprints import fingerprinted
from lrfix.source import parse_source

CODE = """
    def build(optimizer, warmup):
        def factor(step):
            if step < warmup: return step / warmup
            return decay(step, 'cos')
        return LambdaLR(optimizer, factor)
"""


def marks(code: str, *places: str, rule: str = "LR202") -> list[str]:
    """The fingerprints of findings at the first line that holds each of the texts."""
    source = parse_source(textwrap.dedent(code).encode(), "train.py")
    found = []
    for text in places:
        line = next(number for number, each in enumerate(source.lines, 1) if text in each)
        column = source.lines[line - 1].index(text) + 1
        span = Span(Position(line, column), Position(line, column + len(text)))
        found.append(Finding("train.py", rule, "name", Severity.ERROR, "message", span))
    return [finding.fingerprint for finding in fingerprinted(source, found)]


BASE = marks(CODE, "return decay")


def test_code_above_moves_nothing():
    assert marks("import torch\n\n\nx = 1\n" + textwrap.dedent(CODE), "return decay") == BASE


def test_indentation_a_comment_and_a_formatter_change_nothing():
    assert marks(CODE.replace("    ", "  "), "return decay") == BASE
    assert marks(CODE.replace("'cos')", "'cos')  # why not"), "return decay") == BASE
    reflowed = 'decay(\n                step,\n                "cos",\n            )'
    assert marks(CODE.replace("decay(step, 'cos')", reflowed), "return decay") == BASE


def test_another_statement_another_function_and_another_rule_are_others():
    assert marks(CODE.replace("'cos'", "'sin'"), "return decay") != BASE
    assert marks(CODE.replace("def build", "def make"), "return decay") != BASE
    assert marks(CODE, "return decay", rule="LR203") != BASE


def test_the_body_of_a_definition_is_no_part_of_its_own_fingerprint():
    assert marks(CODE, "def factor") == marks(CODE.replace("'cos'", "'sin'"), "def factor")
    assert marks(CODE, "def factor") != marks(CODE, "def build")


def test_other_findings_of_the_file_change_nothing():
    places = ("def build", "def factor", "step / warmup", "return decay", "return LambdaLR")
    assert marks(CODE, *places) == [mark for place in places for mark in marks(CODE, place)]


def test_decorators_classes_and_match_statements_have_heads():
    code = "@once\n@twice(1)\nclass A(B):\n  def f(self): return 1\n\nmatch x:\n  case 1:\n    y = 2\n"
    assert len(set(marks(code, "@once", "def f", "match x", "y = 2"))) == 4
    assert marks(code, "@once") == marks(code, "class A")


def test_two_findings_of_one_statement_are_numbered():
    first, second = marks(CODE, "step / warmup", "step < warmup")
    assert second != first
    same, numbered = marks(CODE, "decay(", "return decay")
    assert numbered == f"{same}:2"


def test_strings_over_lines_and_what_is_no_statement():
    assert len(marks('"""a\nb"""\nx = """c\n  d"""\n', "b", "x =")) == 2
    assert len(marks("x = 1\n# lrfix: ignore\n", "# lrfix")) == 1


def test_many_findings_cost_linear_work(monkeypatch):
    looked_at = []
    first_line = fingerprints.first_line
    monkeypatch.setattr(fingerprints, "first_line", lambda node: looked_at.append(node) or first_line(node))
    count = 200
    code = "".join(f"x{index} = 1\n" for index in range(count))
    found = marks(code, *(f"x{index} =" for index in range(count)))
    assert len(set(found)) == count
    assert len(looked_at) < 12 * count
