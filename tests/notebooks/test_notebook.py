"""A notebook as one program, and back: byte for byte what it was, but for the cells that change."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.findings import FileError, FileResult, Finding, Position, Related, Severity, Span
from lrfix.notebooks.notebook import NotebookError, read_notebook


def cell(source: object, kind: str = "code", **rest: object) -> dict[str, object]:
    own = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, **own, **rest, "source": source}


def notebook(*cells: dict[str, object], indent: int | None = 1, ascii_only: bool = False, **rest: object) -> bytes:
    document = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **rest}
    return (json.dumps(document, indent=indent, ensure_ascii=ascii_only) + "\n").encode()


BASE = notebook(
    cell(["# warmup\n", "text"], "markdown"),
    cell(["import math\n", "%time x = 1\n", "s = 'é\"'"], outputs=[{"text": "0.1"}], id="a1"),
    cell("%%bash\nls"),
    cell(["def f(x):\n", "    return x\n"]),
)


def test_the_program_is_the_code_cells_in_order():
    read = read_notebook(BASE)
    assert [each.number for each in read.cells] == [2, 3, 4]
    assert read.program == (
        'import math\nx = 1\ns = \'é"\'\n"end of cell 2"\n\n\n"end of cell 3"\n'
        'def f(x):\n    return x\n\n"end of cell 4"\n'
    )
    assert len(read.lines) == read.program.count("\n")
    assert read.lines[1] == "%time x = 1"


def test_places_are_cells_and_the_lines_of_the_file():
    read = read_notebook(BASE)
    text = BASE.decode().split("\n")
    span = Span(Position(3, 1), Position(3, 2))
    far = Span(Position(9, 5), Position(9, 11))
    finding = Finding(
        "a.ipynb",
        "LR202",
        "n",
        Severity.ERROR,
        "set (line 2) as `line 3` says",
        span,
        related=(Related(far, "here"), Related(span, "there", "b.py")),
    )
    (found,) = read.located(FileResult("a.ipynb", True, (finding,))).findings
    assert found.message == "set (cell 2, line 2) as `line 3` says"
    assert found.cell is not None and (found.cell.number, found.span.start) == (2, Position(3, 1))
    start = found.cell.file.start
    assert text[start.line - 1][start.column - 1 :].startswith("s = 'é")
    here, there = found.related
    assert here.cell is not None and (here.cell.number, here.span.start) == (4, Position(2, 5))
    start, end = here.cell.file.start, here.cell.file.end
    assert text[start.line - 1][start.column - 1 : end.column - 1] == "return"
    assert (there.cell, there.span) == (None, span)


def test_a_place_behind_a_magic_stands_as_far_right_as_in_the_cell():
    assert read_notebook(BASE).place(Position(2, 1)) == (2, Position(2, 7))


def test_errors_speak_of_cells():
    read = read_notebook(BASE)
    result = FileResult("a.ipynb", False, errors=(FileError("a.ipynb", "syntax", "line 9: invalid syntax"),))
    assert read.located(result).errors[0].message == "cell 4, line 2: invalid syntax"


@pytest.mark.parametrize("indent", [None, 1, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_only_the_cells_that_change_do(indent, ascii_only):
    cells = json.loads(BASE)["cells"]
    raw = notebook(*cells, indent=indent, ascii_only=ascii_only)
    read = read_notebook(raw)
    assert read.renewed(raw, read.program) == raw
    new = read.renewed(raw, read.program.replace("import math\n", "import os\nimport math\n"))
    cells[1]["source"] = ["import os\n", *cells[1]["source"]]
    assert new == notebook(*cells, indent=indent, ascii_only=ascii_only)


def test_a_source_that_is_one_text_stays_one():
    raw = notebook(cell("x = 1\ny = 'é'"))
    read = read_notebook(raw)
    assert read.renewed(raw, read.program.replace("x = 1", "x = 2")) == notebook(cell("x = 2\ny = 'é'"))


def test_escapes_of_lines_that_stay_and_what_is_no_canonical_json_stay():
    raw = BASE.replace(b'"import math\\n"', b'"import m\\u0061th\\n"').replace(b'"nbformat": 4', b'"nbformat" :  4')
    read = read_notebook(raw)
    new = read.renewed(raw, read.program.replace("s = ", "t = "))
    assert new == raw.replace(b"s = '", b"t = '")


def test_a_cell_may_become_empty():
    read = read_notebook(BASE)
    new = json.loads(read.with_program(read.program.replace("def f(x):\n    return x\n\n", "")))
    assert new["cells"][3]["source"] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"end of cell 2"\n', ""),
        ("x = 1\n", "x = 2\n"),
        ("\n\n\n", "\ny = 1\n\n"),
        ('"end of cell 4"\n', '"end of cell 4"\nz = 1\n'),
        ('s = \'é"\'\n"end of cell 2"\n', '"end of cell 2"\ns = \'é"\'\n'),
    ],
)
def test_a_change_across_cells_or_of_a_magic_is_refused(old, new):
    read = read_notebook(BASE)
    program = read.program.replace(old, new, 1)
    assert program != read.program
    with pytest.raises(NotebookError):
        read.with_program(program)


def test_a_line_like_what_stands_between_cells_is_no_trap():
    read = read_notebook(notebook(cell('"end of cell 2"'), cell("x = 1")))
    with pytest.raises(NotebookError):
        read.with_program(read.program)


@given(st.lists(st.text(), max_size=4), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_any_texts_come_back(sources, listed, indent):
    raw = notebook(
        *(cell(each.splitlines(keepends=True) if listed else each) for each in sources), indent=indent, ascii_only=True
    )
    read = read_notebook(raw)
    assert [each.text for each in read.cells] == sources
    assert "".join(f"{line}\n" for line in read.lines).count("\n") == read.program.count("\n")
    marks = {each.mark for each in read.cells}
    if not marks & {line.python for each in read.cells for line in each.lines}:
        assert read.with_program(read.program) == raw.decode()


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "not"),
        (b"{", "not"),
        (b'{"cells": [], "x": tru}', "not valid JSON"),
        (b"[]", "not a notebook"),
        (b"{}", "it has no cells"),
        (b'{"cells": 3}', "not a notebook"),
        (b'{"cells": [3]}', "not a notebook"),
        (b'{"cells": [{"cell_type": "code", "source": [3]}]}', "not a notebook"),
        (b'{"worksheets": [], "nbformat": 3}', "nbconvert"),
        (b'{"cells": [' + b"[" * 5000, "not"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_notebook_is_said(raw, complaint):
    with pytest.raises(NotebookError, match=complaint):
        read_notebook(raw)


def test_the_language_is_the_kernels():
    assert read_notebook(notebook()).language == "python"
    assert read_notebook(notebook(metadata={"kernelspec": {"language": "julia"}})).language == "julia"
    assert read_notebook(notebook(metadata={"language_info": {"name": "R"}})).language == "R"


def test_a_cell_whose_beginning_is_gone_does_not_begin_with_blank_lines():
    read = read_notebook(notebook(cell("def f(x):\n    return x\n\ny = f(1)")))
    ((_, text),) = read.changes(read.program.replace("def f(x):\n    return x\n", "").replace("f(1)", "1"))
    assert text == "y = 1"
