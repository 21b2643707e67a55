"""The command line as its users meet it: exit statuses, formats, bad input. The scripts are the rules' own examples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrfix import __version__
from lrfix.cli import COMMANDS, main
from lrfix.pages import load_pages

REPOSITORY = Path(__file__).resolve().parent.parent
CLEAN = "import torch\nlearning_rate = 0.1\n"


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def buggy() -> str:
    return load_pages()["LR202"].bad[0].code


@pytest.fixture
def sound() -> str:
    return load_pages()["LR401"].bad[0].code


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin)


def process(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "lrfix", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
        timeout=120,
    )


def write(path: str, content: str | bytes) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def document(result: Result) -> dict:
    return json.loads(result.stdout)


class TestExitStatus:
    def test_0_for_a_clean_file(self):
        result = run("check", write("train.py", CLEAN))
        assert (result.exit_code, result.stdout) == (0, "no findings in 1 file, 0 schedules\n")

    def test_1_for_findings(self, buggy):
        result = run("check", write("train.py", buggy))
        assert result.exit_code == 1
        assert "LR202 boundary-jump" in result.stdout

    def test_0_for_findings_with_exit_zero(self, buggy):
        result = run("check", "--exit-zero", write("train.py", buggy))
        assert result.exit_code == 0
        assert "LR202" in result.stdout

    def test_0_for_info_alone(self, sound):
        result = run("check", write("train.py", sound))
        assert "LR401" in result.stdout
        assert result.exit_code == 0

    def test_1_for_a_file_that_does_not_parse(self):
        assert run("check", write("train.py", "def f(:\n")).exit_code == 1

    def test_2_for_an_internal_error_after_everything_was_reported(self, buggy, monkeypatch):
        from lrfix import engine

        analyse = engine._analyse()

        def fragile(source, torch, **places):
            if "trap" in source.path:
                raise RuntimeError("planted")
            return analyse(source, torch)

        monkeypatch.setattr(engine, "_analyse", lambda: fragile)
        write("a_trap.py", buggy)
        write("train.py", buggy)
        result = run("check", "--exit-zero")
        assert result.exit_code == 2
        assert "a_trap.py: internal error" in result.stdout and "planted" in result.stdout
        assert "train.py" in result.stdout and "LR202" in result.stdout

    def test_2_for_a_bug_of_lrfix(self, monkeypatch):
        from lrfix.commands import common

        def broken(*arguments, **options):
            raise RuntimeError("planted")

        monkeypatch.setattr(common, "check", broken)
        result = run("check", "--exit-zero")
        assert result.exit_code == 2
        assert "planted" in result.stderr and "report" in result.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            ("check", "no_such.py"),
            ("check", "--no-such-option"),
            ("check", "--output-format", "xml"),
            ("check", "--select", "LR9"),
            ("check", "--jobs", "0"),
            ("check", "-", "train.py"),
            ("check", "--stdin-filename", "train.py"),
            ("no-such-command",),
            ("rule", "LR999"),
            ("sites", "no_such.py"),
            ("rewrite", "--apply", "--no-verify"),
        ],
    )
    def test_2_for_bad_usage(self, arguments):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "Error" in result.stderr
        assert result.stdout == ""

    @pytest.mark.parametrize(
        ("word", "said"),
        [("chekc", "did you mean check?"), ("rules", "did you mean rule?"), ("explain", "there are check, clean")],
    )
    def test_a_command_that_does_not_exist_is_answered_with_one_that_does(self, word, said):
        result = run(word)
        assert result.exit_code == 2
        assert f"no command {word!r}; {said}" in result.output

    def test_0_for_nothing_to_look_at(self):
        assert run("check").exit_code == 0
        os.mkdir("empty")
        assert run("check", "empty").exit_code == 0
        assert run("sites").exit_code == 0


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "kind", "hint"),
        [
            ("def f(:\n", "syntax", "line 1"),
            ("print 'lr is', lr\n", "syntax", "Python 2"),
            ("lr = 1\nname = 'é'\n".encode("latin-1"), "encoding", "line 2"),
            (b"lr = '\0'\n", "syntax", "NUL"),
            ("(" * 3000, "syntax", "nest"),
        ],
    )
    def test_a_file_that_is_no_python_is_an_error_and_stops_nothing(self, content, kind, hint, buggy):
        write("a.py", content)
        write("b.py", buggy)
        result = run("check", "a.py", "b.py", "--output-format", "json")
        assert result.exit_code == 1
        report = document(result)
        assert [(error["path"], error["kind"]) for error in report["errors"]] == [("a.py", kind)]
        assert hint in report["errors"][0]["message"]
        assert "LR202" in {finding["code"] for finding in report["findings"]}

    def test_an_empty_file_is_fine(self):
        assert run("check", write("train.py", "")).exit_code == 0

    @pytest.mark.parametrize(
        ("prefix", "reason"), [("# @generated\n", "generated"), ("#" * 1_000_001 + "\n", "too-large")]
    )
    def test_generated_and_huge_files_are_skipped_and_counted(self, prefix, reason, buggy):
        write("train.py", prefix + buggy)
        for arguments in (("check", "train.py"), ("check",)):
            result = run(*arguments, "--statistics")
            assert result.exit_code == 0
            assert f"1  files skipped: {reason}" in result.stdout
        assert f"1 file skipped (1 {reason})" in run("check").stdout

    def test_the_size_limit_is_a_setting(self, buggy):
        write("pyproject.toml", "[tool.lrfix]\nmax-file-size = 20\n")
        write("train.py", buggy)
        assert "too-large" in run("check").stdout

    def test_a_path_that_does_not_exist_is_named(self):
        assert "no_such.py: no such file or directory" in run("check", "no_such.py").stderr

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
    def test_a_file_that_may_not_be_read_is_an_error(self):
        os.chmod(write("train.py", CLEAN), 0)
        result = run("check", "train.py")
        assert (result.exit_code, "io error: cannot be read" in result.stdout) == (1, True)

    def test_a_file_that_is_no_notebook_is_an_error(self):
        result = run("check", write("train.ipynb", "{}"))
        assert result.exit_code == 1
        assert "train.ipynb: syntax error: not a notebook that lrfix can read: it has no cells" in result.stdout

    @pytest.mark.parametrize(
        ("config", "complaint"),
        [
            ('selct = ["LR1"]', "'selct'"),
            ('select = ["LR9"]', "'LR9'"),
            ('[tool.lrfix.per-file-ignores]\n"a.py" = ["E501"]', "'E501'"),
            ("select = [", "TOML"),
        ],
    )
    def test_a_wrong_configuration_is_named_with_its_file(self, config, complaint):
        write("pyproject.toml", f"[tool.lrfix]\n{config}\n")
        write("train.py", CLEAN)
        for arguments in (("check",), ("sites",), ("check", "train.py")):
            result = run(*arguments)
            assert result.exit_code == 2
            assert complaint in result.stderr and "pyproject.toml" in result.stderr

    def test_nothing_of_the_checked_module_runs(self, buggy):
        write("precious.txt", "data")
        write("train.py", "import os\nos.remove('precious.txt')\n" + buggy)
        assert run("check", "train.py").exit_code == 1
        assert Path("precious.txt").exists()


class TestSelection:
    def test_select_ignore_and_extend_select(self, buggy):
        write("train.py", buggy)
        assert run("check", "--select", "LR1").exit_code == 0
        assert run("check", "--ignore", "LR2,LR4").exit_code == 0
        assert run("check", "--select", "LR1", "--extend-select", "LR202").exit_code == 1

    def test_the_configuration_beside_the_files_counts_not_the_one_here(self, buggy):
        write("pyproject.toml", '[tool.lrfix]\nselect = ["LR1"]\n')
        write("inner/pyproject.toml", '[tool.lrfix]\nselect = ["LR2"]\n')
        write("train.py", buggy)
        write("inner/train.py", buggy)
        result = run("check", "train.py", "inner/train.py", "--output-format", "json")
        assert {finding["path"] for finding in document(result)["findings"]} == {"inner/train.py"}

    def test_per_file_ignores_and_exclude(self, buggy):
        write("pyproject.toml", '[tool.lrfix]\nexclude = ["third_party"]\nper-file-ignores = {"a.py" = ["LR"]}\n')
        for path in ("a.py", "b.py", "third_party/c.py"):
            write(path, buggy)
        report = document(run("check", "--output-format", "json"))
        assert {finding["path"] for finding in report["findings"]} == {"b.py"}

    def test_a_comment_suppresses_and_an_unused_one_is_LR001(self, buggy):
        write("train.py", "# lrfix: skip-file\n" + buggy)
        assert run("check").exit_code == 0
        write("train.py", CLEAN + "learning_rate = 1  # lrfix: ignore[LR202]\n")
        result = run("check", "--output-format", "concise", "--quiet")
        assert result.exit_code == 1
        said = "LR202 does not occur here; remove it from the comment"
        assert result.stdout == f"train.py:3:36: warning LR001 unused-suppression: {said}\n"
        assert run("check", "--ignore", "LR001").exit_code == 0


class TestFormats:
    def test_standard_input_is_checked_under_its_given_name(self, buggy):
        write("project/pyproject.toml", '[tool.lrfix]\nselect = ["LR202"]\n')
        result = run("check", "-", "--stdin-filename", "project/train.py", stdin=buggy)
        assert result.exit_code == 1
        assert result.stdout.startswith("project/train.py:")
        assert "^" in result.stdout
        assert run("check", "-", stdin=buggy).stdout.startswith("<stdin>:")
        assert run("check", "-", stdin="").exit_code == 0

    def test_json_findings_lie_in_their_sites(self, buggy):
        write("a.py", buggy)
        write("b.py", buggy)
        report = document(run("check", "--output-format", "json"))
        assert report["version"] == 1
        assert report["files"]["seen"] == report["files"]["parsed"] == 2
        assert report["findings"] and report["sites"]
        for finding in report["findings"]:
            site = report["sites"][finding["site"]]
            assert site["path"] == finding["path"]
            first, last = ((place["line"], place["column"]) for place in (site["start"], site["end"]))
            assert first <= (finding["start"]["line"], finding["start"]["column"]) <= last

    def test_github_annotations(self, buggy):
        write("train.py", buggy)
        assert run("check", "--output-format", "github", "--select", "LR202").stdout.startswith(
            "::error file=train.py,line="
        )

    def test_the_inventory(self, buggy, sound):
        write("a.py", buggy)
        write("b.py", sound)
        result = run("sites")
        assert result.exit_code == 0
        assert result.stdout.splitlines()[0].split() == ["place", "name", "form", "family", "status", "curve"]
        report = document(run("sites", "--output-format", "json"))
        assert report["findings"] == []
        assert {site["path"] for site in report["sites"]} == {"a.py", "b.py"}

    def test_rule_prints_the_table_or_a_page(self):
        pages = load_pages()
        table = run("rule").stdout
        assert all(f"{page.code}  {page.name}" in table for page in pages.values())
        for name in ("LR202", "lr202", "boundary-jump"):
            result = run("rule", name)
            assert result.exit_code == 0
            assert result.stdout.startswith("LR202 boundary-jump (error") and pages["LR202"].body in result.stdout

    def test_the_version_and_the_help(self):
        assert run("--version").stdout == f"lrfix, version {__version__}\n"
        listing = run("--help").stdout
        for name in COMMANDS:
            assert name in listing
            assert run(name, "--help").exit_code == 0


class TestProcess:
    def test_statuses_reach_the_shell(self, buggy):
        write("train.py", buggy)
        found = process("check")
        assert found.returncode == 1
        assert b"LR202" in found.stdout and found.stderr == b""
        assert process("check", "--exit-zero").returncode == 0
        missing = process("check", "no_such.py")
        assert missing.returncode == 2
        assert b"no_such.py" in missing.stderr and b"Traceback" not in missing.stderr

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
    def test_any_output_encoding_will_do(self, encoding, buggy):
        write("train.py", "# é ▁ 中\n" + buggy)
        found = process("check", PYTHONIOENCODING=encoding)
        assert found.returncode == 1
        assert found.stderr == b""
        found.stdout.decode(encoding)

    def test_a_reader_that_goes_away_is_no_crash(self):
        write("train.py", "learning_rate = 1  # lrfix: ignore[LR999]\n" * 2000)
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        reader, writer = os.pipe()
        os.close(reader)
        try:
            found = subprocess.run(
                [sys.executable, "-m", "lrfix", "check", "--select", "LR001", "--output-format", "json"],
                stdout=writer,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                timeout=120,
            )
        finally:
            os.close(writer)
        assert b"Traceback" not in found.stderr and b"BrokenPipe" not in found.stderr

    def test_the_output_is_the_same_under_any_hash_seed_and_number_of_jobs(self, buggy, sound):
        for number in range(4):
            write(f"f{number}.py", buggy if number % 2 else sound)
        outputs = {
            process("check", "--output-format", "json", "--jobs", jobs, PYTHONHASHSEED=seed).stdout
            for seed, jobs in (("0", "1"), ("1", "2"))
        }
        assert len(outputs) == 1
        assert json.loads(outputs.pop())["findings"]

    def test_standard_input_in_any_encoding(self):
        found = process("check", "-", stdin="lr = 'é'".encode("latin-1"))
        assert found.returncode == 1
        assert b"not UTF-8" in found.stdout
