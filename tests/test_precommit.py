"""The hooks as users get them: the real pre-commit program, a clone of this repository, a scratch repository."""

from __future__ import annotations

import importlib.util
import os
import re
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
HOOKS = """\
repos:
  - repo: {repository}
    rev: {revision}
    hooks: [{{id: lrfix-check}}, {{id: lrfix-rewrite}}]
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


@pytest.fixture(scope="module")
def scratch(tmp_path_factory, lrfix_repository):
    """A repository that uses both hooks of the clone, as the documentation tells its users to."""
    folder = tmp_path_factory.mktemp("scratch")
    git("init", "--quiet", cwd=folder)
    (folder / "third_party").mkdir()
    configuration = '[tool.lrfix]\nexclude = ["third_party/"]\n'
    hooks = HOOKS.format(repository=lrfix_repository, revision=git("rev-parse", "HEAD", cwd=lrfix_repository).strip())
    texts = {"clean.py": CLEAN, "broken.py": BROKEN, "third_party/broken.py": BROKEN, "pyproject.toml": configuration}
    texts[".pre-commit-config.yaml"] = hooks
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    git("add", ".", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def run_hooks(environment, scratch):
    """Both hooks of the repository on some files, in the environment that pre-commit builds for them once."""

    def run(*files: str) -> tuple[int, dict[str, str]]:
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--verbose", "--files", *files],
            cwd=scratch,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        parts = re.split(r"^lrfix (check|rewrite)\.*", done.stdout, flags=re.MULTILINE)
        assert parts[1::2] == ["check", "rewrite"], done.stdout + done.stderr
        return done.returncode, dict(zip(parts[1::2], parts[2::2], strict=True))

    return run


@pytest.fixture(scope="module")
def on_clean(run_hooks):
    return run_hooks("clean.py", "third_party/broken.py")


@pytest.fixture(scope="module")
def on_both(run_hooks):
    return run_hooks("clean.py", "broken.py")


def test_a_clean_script_and_an_excluded_one_pass_both_hooks(on_clean):
    status, output = on_clean
    assert status == 0
    for hook in ("check", "rewrite"):
        assert output[hook].startswith("Passed"), output[hook]


def test_check_stops_a_broken_script_and_says_what_is_wrong(on_both):
    status, output = on_both
    assert status == 1
    assert output["check"].startswith("Failed")
    for code in ("LR101", "LR102", "LR104", "LR105"):
        assert f"error {code} " in output["check"]


def test_rewrite_without_torch_stops_a_broken_script_untouched_and_names_torch(on_both, scratch):
    status, output = on_both
    assert status == 1
    assert output["rewrite"].startswith("Failed")
    assert "torch cannot be imported" in output["rewrite"]
    assert (scratch / "broken.py").read_text(encoding="utf-8") == BROKEN
