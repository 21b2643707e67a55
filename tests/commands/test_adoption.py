"""A project with old findings begins with lrfix: what is there is set aside, what comes new is reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrfix.cli import main
from lrfix.pages import load_pages


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def train() -> Path:
    path = Path("train.py")
    path.write_text(load_pages()["LR202"].bad[0].code.replace("  # LR202", ""), encoding="utf-8")
    return path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], input=stdin)


class TestBaseline:
    def test_written_once_the_build_passes_until_something_new_comes(self, train):
        written = run("--baseline", "known.json", "--write-baseline")
        assert (written.exit_code, written.stdout) == (0, "known.json: 2 findings in 1 file\n")
        train.write_text("import os\n\n\n" + train.read_text())
        known = run("--baseline", "known.json")
        assert known.exit_code == 0
        assert "no new findings" in known.stdout and "2 known findings left out by the baseline" in known.stdout
        Path("new.py").write_text(train.read_text())
        new = run("--baseline", "known.json", "--output-format", "concise")
        assert new.exit_code == 1 and new.stdout.startswith("new.py:")

    def test_the_configuration_may_name_it_relative_to_itself(self, train, monkeypatch):
        Path("pyproject.toml").write_text('[tool.lrfix]\nbaseline = "known.json"\n')
        assert "--write-baseline" in run().stderr
        assert run("--write-baseline").exit_code == 0
        Path("inner").mkdir()
        monkeypatch.chdir("inner")
        assert run("../train.py").exit_code == 0
        assert run("-", "--stdin-filename", "../train.py", stdin=Path("../train.py").read_text()).exit_code == 0

    def test_repaired_findings_are_told_of(self, train):
        run("--baseline", "known.json", "--write-baseline")
        train.write_text("warmup = 3\n")
        assert (
            "2 findings of the baseline gone (--write-baseline forgets them)" in run("--baseline", "known.json").stdout
        )

    def test_a_file_that_is_no_baseline_is_left_alone(self, train):
        result = run("--baseline", "train.py", "--write-baseline")
        assert result.exit_code == 2 and "not a baseline" in result.stderr
        assert "LambdaLR" in train.read_text()

    def test_writing_needs_a_place(self, train):
        assert run("--write-baseline").exit_code == 2
        assert "cannot be written" in run("--baseline", "no/where.json", "--write-baseline").stderr


class TestAddIgnore:
    def test_afterwards_the_build_passes_and_nothing_else_has_changed(self, train):
        before = train.read_text()
        result = run("--add-ignore")
        assert (result.exit_code, result.stdout) == (0, "1 finding ignored from now on, in 1 file\n")
        assert train.read_text().replace("  # lrfix: ignore[LR202]", "") == before
        assert run().exit_code == 0
        assert run("--add-ignore").stdout == "0 findings ignored from now on, in 0 files\n"

    def test_a_read_only_file_is_told_of(self, train):
        train.chmod(0o444)
        result = run("--add-ignore")
        if os.access(train, os.W_OK):  # root may write every file
            assert (result.exit_code, "lrfix: ignore" in train.read_text()) == (0, True)
        else:
            assert result.exit_code == 2 and "read-only" in result.stderr

    def test_standard_input_cannot_be_written_to(self):
        assert run("-", "--add-ignore", stdin="x = 1").exit_code == 2


class TestShow:
    def test_files(self, train):
        Path("pyproject.toml").write_text('[tool.lrfix]\nexclude = ["old/"]\n')
        Path("old").mkdir()
        Path("old/a.py").write_text("lr_ = 1\n")
        assert run("--show-files").stdout == "train.py\n"
        assert run("--show-files", "old/a.py").stdout == "old/a.py\n"
        assert run("--show-files", "--force-exclude", "old/a.py").stdout == ""

    def test_settings_are_what_one_could_write_down(self, train):
        Path("pyproject.toml").write_text('[tool.lrfix]\nselect = ["LR2"]\nper-file-ignores = {"a*.py" = ["LR203"]}\n')
        shown = run("--show-settings", "--ignore", "boundary-jump").stdout
        assert "pyproject.toml: 1 file" in shown
        assert '"LR201", "LR203"' in shown and 'per-file-ignores."a*.py" = ["LR203"]' in shown
        assert "no configuration" not in shown

    def test_one_at_a_time(self):
        assert run("--show-files", "--show-settings").exit_code == 2


def test_forced_exclusion_holds_for_standard_input_of_a_name(train):
    Path("pyproject.toml").write_text('[tool.lrfix]\nexclude = ["train.py"]\n')
    code = train.read_text()
    assert run("-", "--stdin-filename", "train.py", stdin=code).exit_code == 1
    assert run("-", "--stdin-filename", "train.py", "--force-exclude", stdin=code).exit_code == 0
