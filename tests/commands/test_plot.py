"""``lrfix plot``: in the terminal, and as files."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrfix.cli import main
from lrfix.pages import load_pages


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all tests: what a check of the schedule says is kept beside it."""
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(autouse=True)
def _beside_a_broken_schedule(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LRFIX_NO_CACHE")
    monkeypatch.setenv("LRFIX_CACHE_DIR", "kept")
    Path("train.py").write_text(load_pages()["LR202"].bad[0].code, encoding="utf-8")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plot", *arguments])


def test_in_the_terminal_with_what_is_wrong():
    pytest.importorskip("plotille")
    result = run("train.py")
    assert result.exit_code == 0
    assert result.stdout.startswith("train.py:7 factor (linear-warmup+cosine)\n")
    assert "LR202" in result.stdout and "example values chosen by lrfix" in result.stdout


def test_nothing_to_draw_is_said():
    Path("train.py").write_text("warmup = 1\n")
    assert run("train.py").stdout == "no schedule to draw\n"


def test_a_file_that_does_not_parse_is_told_of():
    Path("old.py").write_text("print 'x'\n")
    result = run("old.py")
    assert result.exit_code == 1 and "old.py: syntax error" in result.stderr


def test_the_kind_of_picture_is_the_files_suffix():
    result = run("train.py", "-o", "a.gif")
    assert result.exit_code == 2 and ".html, .pdf, .png, .svg" in result.stderr


class TestPictures:
    @pytest.fixture(autouse=True)
    def _with_matplotlib(self):
        pytest.importorskip("matplotlib")

    @pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
    def test_a_picture(self, name, begins):
        result = run("train.py", "-o", name)
        assert (result.exit_code, result.stdout) == (0, f"{name}: 1 of 1 schedules drawn\n")
        assert Path(name).read_bytes().startswith(begins)

    def test_a_page_needs_no_network_and_is_the_same_each_time(self):
        assert run("train.py", "-o", "a.html").exit_code == 0
        page = Path("a.html").read_text(encoding="utf-8")
        assert "<svg" in page and "LR202" in page
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page) and "<script" not in page
        assert run("train.py", "-o", "b.html").exit_code == 0
        assert Path("b.html").read_text(encoding="utf-8") == page

    @pytest.mark.skipif(sys.platform == "win32", reason="such a name")
    @pytest.mark.parametrize("kind", ["svg", "html"])
    def test_a_name_is_drawn_whatever_is_in_it(self, kind):
        Path("train.py").rename("n\udcff\x1b$\\x$.py")
        assert run(".", "-o", f"a.{kind}").exit_code == 0
        drawn = Path(f"a.{kind}").read_text(encoding="utf-8")
        assert r"n\udcff\x1b$\x$.py" in drawn and "\x1b" not in drawn

    def test_where_it_cannot_be_written_that_is_said(self):
        result = run("train.py", "-o", "no/where.png")
        assert result.exit_code == 2 and "cannot be written" in result.stderr


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("train.py", "-o", "a.png")
    assert result.exit_code == 2 and "lrfix[plot]" in result.stderr


def test_without_plotille_the_extra_is_named_and_where_curves_are_shown_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotille", None)
    result = run("train.py")
    assert result.exit_code == 2
    assert "pip install 'lrfix[plot]'" in result.stderr and "lrfix sites" in result.stderr
    Path("train.py").write_text("warmup = 1\n")
    assert run("train.py").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_are_used_where_they_are_wanted(arguments, environment, coloured, monkeypatch):
    pytest.importorskip("plotille")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[36m" in run("train.py", *arguments).stdout) is coloured
    assert {name: os.environ[name] for name in ("NO_COLOR", "FORCE_COLOR") if name in os.environ} == environment


def test_old_and_new_are_those_that_torch_runs():
    pytest.importorskip("torch")
    pytest.importorskip("plotille")
    Path("train.py").write_text(load_pages()["LR401"].bad[0].code, encoding="utf-8")
    result = run("--rewrite", "train.py")
    assert result.exit_code == 0
    assert "-> WarmupCosineLR (limited)" in result.stdout
    assert "  o old\n" in result.stdout and "  x new\n" in result.stdout
