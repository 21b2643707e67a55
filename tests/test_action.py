"""The GitHub Action, as far as it goes without GitHub: its script in a repository with a pull request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrfix.pages import load_pages

ROOT = Path(__file__).resolve().parent.parent
BUGGY = load_pages()["LR202"].bad[0].code

pytestmark = pytest.mark.skipif(
    os.name == "nt" or shutil.which("git") is None or shutil.which("bash") is None, reason="needs bash and git"
)


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository with a broken schedule from before, and lrfix on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    (programs / "lrfix").write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec "{sys.executable}" -m lrfix "$@"\n')
    (programs / "lrfix").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q")
    (folder / "old.py").write_text(BUGGY)
    commit()
    return folder


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit() -> str:
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "x")
    return git("rev-parse", "HEAD")


def act(**environment: str) -> tuple[int, set[str], str]:
    """The status of the script, the files with results, and the summary."""
    summary = Path("../summary.md")
    done = subprocess.run(
        ["bash", str(ROOT / "action/check.sh")],
        env={**os.environ, "LRFIX_SARIF": "../out.sarif", "GITHUB_STEP_SUMMARY": str(summary), **environment},
        timeout=120,
    )
    (run,) = json.loads(Path("../out.sarif").read_text())["runs"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    return done.returncode, set(places), summary.read_text() if summary.exists() else ""


def test_only_what_a_pull_request_changes_is_checked(repository):
    base = git("rev-parse", "HEAD")
    (repository / "a new.py").write_text(BUGGY)
    commit()
    status, places, summary = act(LRFIX_BASE=base)
    assert (status, places) == (1, {"a%20new.py"})
    assert summary.startswith("### lrfix\n```text\na new.py:") and "LR202" in summary


def test_nothing_changed_is_an_empty_report(repository):
    assert act(LRFIX_BASE=git("rev-parse", "HEAD")) == (0, set(), "")


def test_without_a_pull_request_the_paths_are_checked(repository):
    (repository / "pyproject.toml").write_text('[tool.lrfix]\nexclude = ["old.py"]\n')
    (repository / "train.py").write_text(BUGGY)
    assert act(LRFIX_PATHS="old.py\ntrain.py")[:2] == (1, {"train.py"})


def test_the_action_says_what_its_script_reads():
    yaml = pytest.importorskip("yaml")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    steps = action["runs"]["steps"]
    assert action["runs"]["using"] == "composite"
    assert all("shell" in step for step in steps if "run" in step)
    for name in ("check", "comment"):
        (step,) = (step for step in steps if step.get("id") == name)
        script = (ROOT / f"action/{name}.sh").read_text(encoding="utf-8")
        assert f"action/{name}.sh" in step["run"]
        assert all(variable in script for variable in step["env"] if variable != "GH_TOKEN")
    assert action["inputs"]["comment"]["default"] == "false" and "== 'pull_request'" in step["if"]
    used = {part for part in str(steps).replace(".", " ").split() if part in action["inputs"]}
    assert used == set(action["inputs"])


GH = """#!/bin/sh
# Keeps what it is asked, and the body that it is to send; answers with the comments that there are.
printf '%s\\n' "$*" >>"$CALLS"
for argument; do
  case "$argument" in body=@*) cp "${argument#body=@}" "$BODY" ;; esac
  filter=$argument
done
case "$*" in
*--jq*) [ -z "$REFUSED" ] && jq -r "$filter" "$COMMENTS" ;;
*) [ -z "$READ_ONLY" ] ;;
esac
"""
FOUND = '{"ruleId": "LR202"}'
OWN = {"id": 7, "user": {"login": "github-actions[bot]"}, "body": "<!-- lrfix -->\nof before"}
FOREIGN = {"id": 6, "user": {"login": "somebody"}, "body": "<!-- lrfix -->\nnot ours"}
OTHER = {"id": 5, "user": {"login": "github-actions[bot]"}, "body": "coverage"}


class TestComment:
    @pytest.fixture(autouse=True)
    def _gh(self, tmp_path, monkeypatch):
        if shutil.which("jq") is None:
            pytest.skip("needs jq")
        monkeypatch.chdir(tmp_path)
        Path("bin").mkdir()
        Path("bin/gh").write_text(GH)
        Path("bin/gh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")

    def comment(self, *comments: dict, found: str = FOUND, report: str = "train.py: LR202\n", **more: str):
        """Status, the calls of gh but for the first, which asks for the comments, the body, and what is printed."""
        files = {"out.sarif": found, "report.txt": report, "comments.json": json.dumps(comments)}
        for name, text in files.items():
            Path(name).write_text(text, encoding="utf-8")
        given = {
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "3",
            "LRFIX_PULL": "12",
            "LRFIX_SARIF": "out.sarif",
            "LRFIX_REPORT": "report.txt",
            "LRFIX_STATUS": "1",
            "CALLS": "calls",
            "BODY": "body",
            "COMMENTS": "comments.json",
            "READ_ONLY": "",
            "REFUSED": "",
        }
        done = subprocess.run(
            ["bash", str(ROOT / "action/comment.sh")],
            env={**os.environ, **given, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        first, *calls = Path("calls").read_text().splitlines()
        assert first.startswith("api --paginate repos/o/r/issues/12/comments?per_page=100 --jq ")
        body = Path("body").read_text(encoding="utf-8") if Path("body").exists() else ""
        return done.returncode, [call.partition(" -F ")[0] for call in calls], body, done.stdout

    def test_what_is_found_is_one_comment(self):
        status, calls, body, printed = self.comment(FOREIGN, OTHER)
        assert (status, calls, printed) == (0, ["api --method POST repos/o/r/issues/12/comments"], "")
        assert body.startswith("<!-- lrfix -->\n### lrfix\n```text\ntrain.py: LR202\n```\n")
        assert "https://github.example/o/r/actions/runs/3" in body

    def test_the_next_run_writes_it_anew(self):
        _, calls, body, _ = self.comment(FOREIGN, OTHER, OWN, report="▁▄█ now\n")
        assert calls == ["api --method PATCH repos/o/r/issues/comments/7"] and "▁▄█ now" in body

    def test_nothing_found_is_said_where_there_was_something(self):
        nothing = {"found": "{}", "LRFIX_STATUS": "0"}
        assert self.comment(OTHER, **nothing)[:3] == (0, [], "")
        Path("calls").unlink()
        _, calls, body, _ = self.comment(OWN, **nothing)
        assert calls == ["api --method PATCH repos/o/r/issues/comments/7"] and "any more" in body

    def test_advice_is_found_too(self):
        assert self.comment(LRFIX_STATUS="0")[1] == ["api --method POST repos/o/r/issues/12/comments"]

    @pytest.mark.parametrize("how", ["REFUSED", "READ_ONLY"])
    def test_a_token_that_may_not_write_is_a_warning(self, how):
        status, _, _, printed = self.comment(**{how: "yes"})
        assert status == 0 and printed.startswith("::warning title=lrfix::") and "pull-requests: write" in printed

    def test_no_code_of_the_pull_request_ends_the_fence(self):
        body = self.comment(report="a\n````\n@everybody\n")[2]
        assert "\n`````text\na\n````\n@everybody\n`````\n" in body

    def test_a_long_report_is_cut_off_at_a_line(self):
        body = self.comment(report=f"{'é' * 99}\n" * 1000)[2]
        assert len(body) < 65536 and "é\n... (cut off here)\n```\n" in body
