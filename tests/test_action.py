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
    (check,) = (step for step in steps if step.get("id") == "check")
    script = (ROOT / "action/check.sh").read_text(encoding="utf-8")
    assert all(name in script for name in check["env"])
    used = {part for part in str(steps).replace(".", " ").split() if part in action["inputs"]}
    assert used == set(action["inputs"])
