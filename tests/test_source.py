"""Reading bytes as Python: encodings, line endings, positions, and what cannot be read."""

from __future__ import annotations

import ast
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.findings import Position, Span
from lrfix.source import SourceError, parse_source


def failure(raw: bytes) -> SourceError:
    with pytest.raises(SourceError) as caught:
        parse_source(raw, "train.py")
    return caught.value


def test_an_empty_file_is_a_module_without_statements():
    source = parse_source(b"", "empty.py")
    assert source.tree.body == []
    assert source.lines == ("",)
    assert (source.encoding, source.newline, source.has_bom) == ("utf-8", "\n", False)


def test_a_byte_order_mark_is_remembered_and_not_part_of_the_text():
    source = parse_source(b"\xef\xbb\xbflr = 1\n", "train.py")
    assert source.has_bom
    assert source.text == "lr = 1\n"
    assert source.encoding == "utf-8"
    assert source.span(source.tree.body[0]) == Span(Position(1, 1), Position(1, 7))


def test_a_coding_comment_is_followed():
    source = parse_source("# -*- coding: latin-1 -*-\nname = 'é'; lr = 1\n".encode("latin-1"), "train.py")
    assert source.encoding == "iso-8859-1"
    assert source.segment(source.tree.body[1]) == "lr = 1"


def test_a_new_text_is_encoded_as_the_file_was():
    raw = b"\xef\xbb\xbflr = 1\n"
    assert parse_source(raw, "train.py").encoded("lr = 1\n") == raw
    latin = parse_source(b"# coding: latin-1\nlr = 1\n", "train.py")
    assert latin.encoded("é") == b"\xe9"
    with pytest.raises(SourceError, match="the new text cannot be written in iso-8859-1") as raised:
        latin.encoded("π")
    assert raised.value.kind == "encoding"


def test_bytes_that_are_not_utf8_are_an_encoding_error_with_line_and_remedy():
    error = failure("lr = 1\nname = 'é'\n".encode("latin-1"))
    assert (error.kind, error.line) == ("encoding", 2)
    assert "UTF-8" in error.message and "coding comment" in error.message


def test_bytes_that_are_not_utf8_on_the_first_line_are_an_encoding_error():
    error = failure("name = 'é'\n".encode("latin-1"))
    assert (error.kind, error.line) == ("encoding", 1)


@pytest.mark.parametrize("cookie", ["no-such-codec", "rot13", "hex"])
def test_a_coding_comment_that_names_no_text_encoding_is_an_encoding_error(cookie):
    error = failure(f"# coding: {cookie}\nlr = 1\n".encode())
    assert error.kind == "encoding"
    assert "coding comment" in error.message


def test_a_coding_comment_that_lies_is_an_encoding_error():
    error = failure("# coding: ascii\nname = 'é'\n".encode())
    assert (error.kind, error.line) == ("encoding", 2)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_utf16_is_an_encoding_error(codec):
    prefix = b"\xfe\xff" if codec == "utf-16-be" else b""
    assert failure(prefix + "lr = 1\n".encode(codec)).kind == "encoding"


def test_nul_bytes_are_a_syntax_error_with_their_line():
    error = failure(b"lr = 1\nx = '\0'\n")
    assert (error.kind, error.line) == ("syntax", 2)
    assert "NUL" in error.message


def test_a_syntax_error_names_its_line():
    error = failure(b"lr = 1\ndef f(:\n")
    assert (error.kind, error.line) == ("syntax", 2)
    assert error.message.startswith("line 2: ")


@pytest.mark.parametrize(
    "code",
    [
        'print "lr is", lr',
        'exec "lr = 1"',
        "try:\n    f()\nexcept ValueError, e:\n    pass",
        'raise ValueError, "negative rate"',
        "mode = 0777",
        "steps = 10L",
        "if a <> b: pass",
        'name = ur"lr"',
    ],
)
def test_python_2_is_called_by_its_name(code):
    error = failure(code.encode())
    assert error.kind == "syntax"
    assert "Python 2" in error.message


@pytest.mark.parametrize("code", ["def f(:", "x = (1,", "for k in range(3) print(k)", "class A\n  pass"])
def test_an_ordinary_mistake_is_not_called_python_2(code):
    assert "Python 2" not in failure(code.encode()).message


@pytest.mark.parametrize("code", ["(" * 5000 + ")" * 5000, "-" * 200_000 + "1", "not " * 200_000 + "1"])
def test_absurd_nesting_is_a_syntax_error_not_a_crash(code):
    assert failure(code.encode()).kind == "syntax"


@pytest.mark.parametrize(
    "code", ["x" + ".a" * 200_000, "1" + "+1" * 200_000, "(1" + "\n+1" * 200_000 + ")", "f" + "()" * 200_000]
)
def test_an_absurd_chain_is_parsed_or_a_syntax_error_not_a_crash(code):
    try:
        source = parse_source(code.encode(), "train.py")
    except SourceError as error:
        assert (error.kind, "deeply" in error.message) == ("syntax", True)
    else:
        assert len(source.tree.body) == 1


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_endings_are_kept_and_positions_do_not_depend_on_them(newline):
    source = parse_source(f"def f(k):{newline}    return k{newline}".encode(), "train.py")
    function = source.tree.body[0]
    assert source.newline == newline
    assert source.lines == ("def f(k):", "    return k", "")
    assert source.span(function) == Span(Position(1, 1), Position(2, 13))
    assert source.segment(function) == f"def f(k):{newline}    return k"


def test_a_form_feed_ends_no_line():
    source = parse_source(b"a = 1\n\x0cb = 2\n", "train.py")
    assert source.lines == ("a = 1", "\x0cb = 2", "")
    assert source.segment(source.tree.body[1]) == "b = 2"


def test_unicode_line_separators_end_no_line():
    source = parse_source("a = 'x\u2028y\x85z'\nb = 2\n".encode(), "train.py")
    assert source.segment(source.tree.body[1]) == "b = 2"
    assert source.span(source.tree.body[1]).start.line == 2


def test_a_module_has_no_span():
    source = parse_source(b"lr = 1\n", "train.py")
    with pytest.raises(ValueError, match="Module"):
        source.span(source.tree)


def test_questionable_escapes_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_source(b"pattern = '\\d'\nassert (1, 'x')\n", "train.py")


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n'\\"), max_size=20))
def test_columns_count_characters_whatever_stands_before(text):
    source = parse_source(f"name = '{text}'; rate = 1\n".encode(), "train.py")
    statement = source.tree.body[1]
    assert source.span(statement).start == Position(1, len(f"name = '{text}'; ") + 1)
    assert source.segment(statement) == "rate = 1"


@given(st.binary(max_size=200))
def test_any_bytes_give_a_source_or_a_source_error(raw):
    try:
        source = parse_source(raw, "train.py")
    except SourceError as error:
        assert error.kind in ("syntax", "encoding")
        assert error.message
    else:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.stmt):
                assert source.segment(node)
