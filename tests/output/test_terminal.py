"""What is written obeys whoever reads it: no name of a file and no line of code gives orders to a terminal or a log."""

from __future__ import annotations

import io

import pytest

from lrfix.output.terminal import in_one_line, write


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb\n", "a\\x1b[2Jb\n"),
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
        ("over\rwritten", "over\\x0dwritten"),
        ("back\x08space", "back\\x08space"),
        ("\x1b[1;31mcolours\x1b[0m, \ttabs\r\nand lines\n", "\x1b[1;31mcolours\x1b[0m, \ttabs\r\nand lines\n"),
    ],
)
def test_what_a_terminal_would_obey_becomes_an_escape(text, shown):
    stream = io.StringIO(newline="")
    write(stream, text)
    assert stream.getvalue() == shown


def test_a_name_with_a_line_break_passes_for_no_line():
    assert in_one_line("x\n::error::y\r.py") == "x\\n::error::y\\r.py"
