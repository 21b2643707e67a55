"""Ignore comments: what they cover, and LR001 for those that cover nothing."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.findings import Position, Span
from lrfix.source import parse_source
from lrfix.suppression import Part, Suppression, Suppressions, read_suppressions

CODES = ("LR001", "LR101", "LR105", "LR202")

SCRIPT = """\
    import math

    # lrfix: ignore[LR202]
    @register
    class Cosine(LRScheduler):
        def get_lr(self):
            return [0.1]

    def factor(
        k,
    ):  # lrfix: ignore
        return k

    scheduler = LambdaLR(
        optimizer,
        # lrfix: ignore[LR105]
        factor,
    )

    scheduler = LambdaLR(
        optimizer,
        factor,
    )  # lrfix: ignore[LR101, LR105] the rate is meant to be flat
    for k in range(10):
        # lrfix: ignore[LR105]
        scheduler.step()
    print(1)  # lrfix: ignore[LR105]
    """


def suppressions(code: str):
    return read_suppressions(parse_source(dedent(code).encode(), "train.py"), CODES)


def covered(code: str, rule: str = "LR105") -> list[int]:
    found = suppressions(code)
    return [line for line in range(1, code.count("\n") + 2) if found.covering(rule, line)]


def complaints(code: str) -> list[tuple[int, int, int, str]]:
    return [
        (violation.span.start.line, violation.span.start.column, violation.span.end.column, violation.message)
        for violation in suppressions(code).unused(())
    ]


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ("LR202", [4, 5, 6, 7, 9, 10, 11, 12]),
        ("LR105", [9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 26, 27]),
        ("LR101", [9, 10, 11, 12, 20, 21, 22, 23]),
        ("LR001", []),
    ],
)
def test_a_comment_covers_its_statement_or_the_whole_definition(rule, lines):
    assert covered(SCRIPT, rule) == lines


@pytest.mark.parametrize(
    "code",
    [
        "# lrfix: ignore[LR105]\ndef f(k):\n    return 1\n",
        "# lrfix: ignore[LR105]\n# why: it is flat\ndef f(k):\n    return 1\n",
        "# noqa  # lrfix: ignore[LR105]\ndef f(k):\n    return 1\n",
        "#lrfix:ignore[LR105]\nasync def f(k):\n    return 1\n",
        "@decorator  # lrfix: ignore\ndef f(k):\n    return 1\n",
        "def f(k):  # lrfix: ignore [ LR105 ]: flat on purpose\n    return 1\n",
        "def f(k): return 1  # lrfix: ignore\n",
    ],
)
def test_ways_to_write_a_comment_for_a_definition(code):
    last = code.count("\n")
    first = next(n for n, line in enumerate(code.split("\n"), 1) if not line.startswith("#"))
    assert covered(code) == list(range(first, last + 1))


def test_a_comment_separated_by_a_blank_line_covers_nothing_but_itself():
    assert covered("# lrfix: ignore[LR105]\n\ndef f(k):\n    return 1\n") == [1]


def test_a_comment_at_a_loop_covers_its_first_line_only():
    assert covered("for k in steps:  # lrfix: ignore\n    lr = 1\n") == [1]


def test_a_comment_inside_a_body_does_not_cover_the_definition():
    assert covered("def f(k):\n    # lrfix: ignore\n    lr = 1\n    return lr\n") == [3]


def test_a_comment_after_the_last_statement_covers_itself():
    assert covered("lr = 1\n# lrfix: ignore\n") == [2]


def test_match_statements_are_understood():
    assert covered("match k:\n    case 0:\n        lr = 1  # lrfix: ignore\n        lr = 2\n") == [3]


def test_strings_are_no_comments():
    found = suppressions('text = "# lrfix: ignore"\n"""\n# lrfix: skip-file\n"""\n')
    assert not found.skip_file and not found.ignores and not found.malformed


def test_skip_file_may_stand_anywhere():
    assert suppressions("import math\n\n# lrfix: skip-file, generated from the paper\n").skip_file


def test_line_endings_do_not_move_comments():
    source = parse_source(b"a = 1\r\nlr = 1  # lrfix: ignore\r\nb = 2\r\n", "train.py")
    assert [ignore.first for ignore in read_suppressions(source, CODES).ignores] == [2]


def test_each_unused_part_is_reported_at_its_own_place():
    assert complaints("lr = 1  # lrfix: ignore[LR101, LR105]\n") == [
        (1, 25, 30, "LR101 does not occur here; remove it from the comment"),
        (1, 32, 37, "LR105 does not occur here; remove it from the comment"),
    ]
    assert complaints("lr = 1  # lrfix: ignore because\n") == [
        (1, 9, 24, "this comment suppresses nothing here; remove it")
    ]


def test_columns_count_characters():
    assert complaints("é = 'ü'  # lrfix: ignore[LR101]\n")[0][1:3] == (26, 31)


def test_a_used_part_is_not_reported():
    found = suppressions("lr = 1  # lrfix: ignore[LR101, LR105]\n")
    used = found.covering("LR105", 1)
    assert [violation.message.split()[0] for violation in found.unused(used)] == ["LR101"]


def test_what_could_not_be_checked_is_not_called_unused():
    found = suppressions("lr = 1  # lrfix: ignore[LR101, LR105]\nlr = 2  # lrfix: ignore\n")
    assert [violation.message.split()[0] for violation in found.unused((), undecided={"LR101"})] == ["LR105"]


@pytest.mark.parametrize(
    ("comment", "complaint"),
    [
        ("# lrfix: ignore[LR999]", "LR999 is not the code or name of a rule"),
        ("# lrfix: ignore[LR2]", "LR2 is not the code or name of a rule"),
        ("# lrfix: ignore[]", "the list of codes is empty"),
        ("# lrfix: ignroe[LR202]", "not understood: 'ignroe[LR202]'"),
        ("# lrfix: ignore[LR202", "not understood"),
        ("# lrfix:", "not understood"),
        ("# lrfix: ignored", "not understood"),
        ("# lrfix: skip", "not understood"),
        ("# lrfix: ignore[LR2O2]", "did you mean LR202?"),
        ("# lrfix: ignore LR202", "write `ignore[LR202]`"),
        ("# lrfix: ignore: LR202 the recipe", "write `ignore[LR202]`"),
        ("# lrfix: ignore lr999", "write `ignore[lr999]`"),
    ],
)
def test_a_comment_that_cannot_be_followed_is_reported(comment, complaint):
    found = suppressions(f"lr = 1  {comment}\n")
    assert not found.covering("LR202", 1)
    assert len(found.malformed) == 1
    assert complaint in found.malformed[0].message


def test_a_reason_behind_a_bare_ignore_is_a_reason():
    assert suppressions("lr = 1  # lrfix: ignore the published recipe\n").covering("LR202", 1)


def test_a_rule_may_be_called_by_its_name():
    @dataclass(frozen=True)
    class Rule:
        name: str

    rules = {"LR101": Rule("mutated-parameter"), "LR202": Rule("boundary-jump")}
    source = parse_source(b"x = 1  # lrfix: ignore[boundary-jump]\ny = 1  # lrfix: ignore boundary-jump\n", "a.py")
    found = read_suppressions(source, rules)
    assert found.covering("LR202", 1) and not found.covering("LR202", 2)
    assert ["write `ignore[boundary-jump]`" in each.message for each in found.malformed] == [True]


def test_a_wrong_code_does_not_spoil_its_neighbours():
    found = suppressions("lr = 1  # lrfix: ignore[LR999, LR105]\n")
    assert found.covering("LR105", 1)
    assert len(found.malformed) == 1


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 60)), max_size=12), st.integers(1, 130))
def test_a_line_is_covered_by_the_comments_whose_lines_hold_it(extents, line):
    ignores = tuple(
        Suppression((Part("LR202", Span(Position(number, 1), Position(number, 2))),), first, first + more)
        for number, (first, more) in enumerate(extents, 1)
    )
    covering = Suppressions(ignores=ignores).covering("LR202", line)
    expected = [ignore.parts[0] for ignore in ignores if ignore.first <= line <= ignore.last]
    assert sorted(part.span.start.line for part in covering) == sorted(part.span.start.line for part in expected)


def test_a_comment_in_a_block_of_comments_speaks_of_the_statement_below_the_block():
    text = "# lrfix: ignore[LR202]\n# why\n" * 3 + "x = 1\n\n# lrfix: ignore[LR105]\n\ny = 1\n"
    found = read_suppressions(parse_source(text.encode(), "a.py"), CODES)
    assert [(ignore.first, ignore.last) for ignore in found.ignores] == [(7, 7)] * 3 + [(9, 9)]
