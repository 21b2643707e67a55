"""The commands on notebooks: what they say is in cells, and what they write leaves everything else alone."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrfix.cli import main
from lrfix.pages import load_pages

nbformat = pytest.importorskip("nbformat")


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin)


def made(code: str, path: str = "train.ipynb") -> Path:
    """A notebook with a page's example: its imports, beside a shell line, in one cell and the rest in another."""
    imports, _, rest = code.partition("\n\n\n")
    cell = nbformat.v4.new_code_cell
    output = nbformat.v4.new_output("stream", text="0.1\n")
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Training\n\nwarmup"),
            cell(f"!pip install torch\n{imports}", outputs=[output], execution_count=1),
            cell(f"%%time\n{rest.rstrip()}"),
        ]
    )
    nbformat.write(book, path)
    return Path(path)


@pytest.fixture
def buggy() -> str:
    return load_pages()["LR202"].bad[0].code.replace("  # LR202", "")


def test_findings_are_named_by_cell_and_framed_as_they_stand_there(buggy):
    made(buggy)
    result = run("check")
    assert result.exit_code == 1
    assert "train.ipynb:cell 3:6:9: error LR202" in result.stdout
    assert "6 |         return 0.5 * (1" in result.stdout


def test_machines_get_the_line_of_the_file(buggy):
    path = made(buggy)
    lines = path.read_text().splitlines()
    (located,) = (line for line in run("check", "--output-format", "github").stdout.splitlines() if "LR202" in line)
    number = int(located.partition(",line=")[2].partition(",")[0])
    assert "return 0.5 * (1" in lines[number - 1]
    (finding, *_) = (
        f for f in json.loads(run("check", "--output-format", "json").stdout)["findings"] if f["code"] == "LR202"
    )
    assert (finding["cell"], finding["start"]) == (3, {"line": 6, "column": 9})


def test_sites_and_standard_input(buggy):
    path = made(buggy)
    assert "train.ipynb:cell 3:3" in run("sites").stdout
    result = run("check", "-", "--stdin-filename", "a.ipynb", stdin=path.read_text())
    assert "a.ipynb:cell 3:6:9" in result.stdout and "6 |" in result.stdout


def test_comments_are_written_into_cells(buggy):
    path = made(buggy)
    before = json.loads(path.read_text())
    assert run("check", "--add-ignore").exit_code == 0
    after = json.loads(path.read_text())
    assert after["cells"][2]["source"][5].endswith("  # lrfix: ignore[LR202]\n")
    after["cells"][2]["source"][5] = after["cells"][2]["source"][5].replace("  # lrfix: ignore[LR202]", "")
    assert after == before
    assert run("check").exit_code == 0


def test_a_broken_cell_and_another_language_are_told_of(buggy):
    path = made("def f(:\n    pass\n\n\nwarmup = 1")
    assert "cell 2, line 2: " in run("check").stdout
    path.write_text(
        path.read_text().replace(
            '"metadata": {},\n "nbformat"', '"metadata": {"language_info": {"name": "R"}},\n "nbformat"'
        )
    )
    assert "1 file skipped (1 not-python)" in run("check").stdout
    assert "a notebook in R" in run("rewrite").stdout


def test_pictures_make_no_notebook_too_large(buggy):
    path = made(buggy)
    path.write_text(path.read_text().replace("0.1\\n", "x" * 1_200_000))
    assert run("check").exit_code == 1
    Path("pyproject.toml").write_text("[tool.lrfix]\nmax-file-size = 500\n")
    assert "too-large" in run("check").stdout


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_a_rewrite_changes_the_cells_of_the_schedule_and_nothing_else():
    path = made(load_pages()["LR401"].bad[0].code)
    before = path.read_text()
    shown = run("rewrite", "--device", "cpu")
    assert shown.exit_code == 1 and path.read_text() == before
    assert "train.ipynb:cell 3:" in shown.stdout and "+++ b/train.ipynb:cell 2" in shown.stdout
    assert run("rewrite", "--apply", "--device", "cpu").exit_code == 0
    after = path.read_text()
    old, new = nbformat.reads(before, 4), nbformat.reads(after, 4)
    nbformat.validate(new)
    assert new.cells[1].source.startswith("!pip install torch\n") and "lrfix.schedulers" in new.cells[1].source
    assert new.cells[2].source.startswith("%%time\n")
    for one, other in zip(old.cells, new.cells, strict=True):
        one.source = other.source
    assert old == new
    nbformat.write(new, "again.ipynb")
    assert Path("again.ipynb").read_text() == after
    assert run("rewrite", "--apply").exit_code == 0 and path.read_text() == after


def test_a_repair_of_ones_own_code_is_shown_by_cell(buggy):
    made(buggy)
    result = run("rewrite", "--repair")
    assert "train.ipynb:cell 3:6:9: LR202 repaired" in result.stdout
    assert "+++ b/train.ipynb:cell 3\n" in result.stdout
    assert result.stdout.endswith("1 finding would be repaired in 1 file (--apply writes)\n")
