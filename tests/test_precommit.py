"""The hooks as users get them: the real pre-commit program, a clone of this repository, a scratch repository."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BROKEN = (ROOT / "fixtures/buggy/warm_restarts_per_batch.py").read_text(encoding="utf-8")
CLEAN = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR


def build(model, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return optimizer, CosineAnnealingLR(optimizer, T_max=steps)
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pre_commit") is None or shutil.which("git") is None,
    reason="needs pre-commit and git",
)


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lrfix_repository(tmp_path_factory):
    """A clone of the committed state: pre-commit would otherwise pack up uncommitted changes as well."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=False)
    if head.returncode != 0:
        pytest.skip("not a git checkout with a commit: there is nothing for pre-commit to clone")
    target = tmp_path_factory.mktemp("hooks") / "lrfix"
    git("clone", "--quiet", str(ROOT), str(target), cwd=ROOT)
    return target


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """pre-commit with a cache of its own. Skips where pip cannot get what the hook's environment needs."""
    folder = tmp_path_factory.mktemp("index")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "click", "hatchling"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    if done.returncode != 0:
        pytest.skip(f"the package index cannot be reached: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return inherited | {"PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def scratch(tmp_path):
    git("init", "--quiet", cwd=tmp_path)
    for name, text in {"clean.py": CLEAN, "broken.py": BROKEN}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    git("add", ".", cwd=tmp_path)
    return tmp_path


@pytest.fixture
def hook(lrfix_repository, environment, scratch):
    def run(name: str, *files: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(lrfix_repository), name, "--verbose", "--files"]
        return subprocess.run(
            [*command, *files],
            cwd=scratch,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )

    return run


@pytest.mark.parametrize("name", ["lrfix-check", "lrfix-rewrite"])
def test_a_clean_script_passes(hook, name):
    done = hook(name, "clean.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


def test_check_stops_a_broken_script_and_says_what_is_wrong(hook):
    done = hook("lrfix-check", "clean.py", "broken.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Failed" in done.stdout
    for code in ("LR101", "LR102", "LR104", "LR105"):
        assert f"error {code} " in done.stdout


def test_rewrite_without_torch_stops_a_broken_script_untouched_and_names_torch(hook, scratch):
    done = hook("lrfix-rewrite", "clean.py", "broken.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "torch cannot be imported" in done.stdout
    assert (scratch / "broken.py").read_text(encoding="utf-8") == BROKEN
