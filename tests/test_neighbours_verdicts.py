"""The other files of a run may add a finding or raise its severity; they never remove or lower one.

Each file is checked alone, in pairs and in its tree. What says that a schedule is sound (LR401, LR402) is the reverse:
another file may show that it is not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from lrfix.config import Settings
from lrfix.discovery import discover
from lrfix.driving.laboratory import Laboratory
from lrfix.engine import check_paths, check_source
from lrfix.findings import Finding, Severity
from lrfix.registry import load_rules

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
EVERY_RULE = Settings(selected=frozenset(load_rules()))
SOUND = ("LR401", "LR402")
LOUD = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
Verdicts = dict[tuple[str, str, int], int]

ROOT_DECAY = """
    from torch.optim.lr_scheduler import LRScheduler

    class RootDecay(LRScheduler):
        def __init__(self, optimizer, max_steps, warmup_steps=0, last_epoch=-1):
            self.max_steps, self.warmup_steps = max_steps, warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            k = self.last_epoch
            if k < self.warmup_steps:
                return [base * (k + 1) / self.warmup_steps for base in self.base_lrs]
            return [base * max(0.0, 1 - k / self.max_steps) ** 0.5 for base in self.base_lrs]
"""
NO_WARMUP = """
    import torch
    from decay import RootDecay

    def quick(model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
        scheduler = RootDecay(optimizer, 60)
        for x in loader:
            optimizer.step()
            scheduler.step()
"""
BY_NAME = """
    from decay import RootDecay

    KNOWN = {"root": RootDecay}

    def build(name, optimizer, **options):
        return KNOWN[name](optimizer, **options)
"""
RATE = """
    import math

    def rate_at(step, warmup, total, lr):
        if step < warmup:
            return lr * step / warmup
        return lr * math.cos(0.5 * math.pi * (step - warmup) / total)
"""
HANDED = """
    import torch
    from rate import rate_at

    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: rate_at(k, 10, 90, 0.3))
"""
ASKED = """
    from rate import rate_at

    def train(optimizer, batches):
        for step, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, 0, 90, 0.3)
            optimizer.step()
"""
STATED = """
    import torch
    from numbers_of_ours import LONG, SHORT

    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 - k / LONG if k > SHORT else (k + 1) / SHORT)
    for k in range(2 * LONG):
        optimizer.step()
        scheduler.step()
"""
PROJECTS = {
    "a class, a caller without a warmup and a registry": {
        "decay.py": ROOT_DECAY,
        "quick.py": NO_WARMUP,
        "by_name.py": BY_NAME,
    },
    "a rate handed over as a factor and asked as a rate": {"rate.py": RATE, "handed.py": HANDED, "asked.py": ASKED},
    "numbers in a file of their own": {"stated.py": STATED, "numbers_of_ours.py": "LONG = 50\nSHORT = 5\n"},
    "files that know nothing of each other": {"rate.py": RATE, "decay.py": ROOT_DECAY},
}


def verdicts(findings: Iterator[Finding] | tuple[Finding, ...]) -> Verdicts:
    found: Verdicts = {}
    for finding in findings:
        if finding.code not in SOUND:
            key = Path(finding.path).name, finding.code, finding.span.start.line
            found[key] = max(found.get(key, 0), LOUD[finding.severity])
    return found


def alone(path: Path) -> Verdicts:
    return verdicts(check_source(path.read_bytes(), str(path), EVERY_RULE).findings)


def together(*paths: Path) -> Verdicts:
    results = list(check_paths(discover([str(path) for path in paths]), EVERY_RULE, jobs=1))
    assert not [error for result in results for error in result.errors]
    return verdicts(finding for result in results for finding in result.findings)


def kept(before: Verdicts, after: Verdicts) -> bool:
    return all(after.get(key, -1) >= loud for key, loud in before.items())


@pytest.mark.parametrize("name", PROJECTS)
def test_files_of_a_project_alone_in_pairs_and_in_their_tree(tmp_path, name):
    (tmp_path / "pyproject.toml").touch()
    files = []
    for file, text in PROJECTS[name].items():
        files.append(tmp_path / file)
        files[-1].write_text(textwrap.dedent(text))
    by_itself = {path: alone(path) for path in files}
    tree = together(tmp_path)
    for one, other in combinations(files, 2):
        pair = together(one, other)
        assert kept(by_itself[one] | by_itself[other], pair)
        assert kept(pair, tree)


def test_a_caller_without_a_warmup_acquits_no_class(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    for file, text in PROJECTS["a class, a caller without a warmup and a registry"].items():
        (tmp_path / file).write_text(textwrap.dedent(text))
    assert "LR202" in {code for _, code, _ in together(tmp_path)}
    one_file = tmp_path / "alone.py"
    one_file.write_text(textwrap.dedent(ROOT_DECAY) + textwrap.dedent(NO_WARMUP).replace("from decay", "# from decay"))
    assert "LR202" in {code for _, code, _ in alone(one_file)}


def test_fixtures_alone_and_in_one_tree(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    files = []
    for path in sorted((FIXTURES / "buggy").glob("*.py"))[::12]:
        files.append(tmp_path / path.name)
        files[-1].write_bytes(path.read_bytes())
    stems = [path.stem for path in files]
    names = "\n".join(f"from {stem} import *" for stem in stems)
    (tmp_path / "uses.py").write_text(f"{names}\n\noptimizer = scheduler = None\n")
    before: Verdicts = {}
    for path in files:
        before |= alone(path)
    assert kept(before, together(tmp_path))


def test_a_run_that_looks_at_no_other_file_is_made_once_for_both_ways_to_judge(tmp_path, monkeypatch):
    """The definition is judged with its caller of another file and alone; by itself it is the same in both."""
    (tmp_path / "pyproject.toml").touch()
    for file, text in PROJECTS["a class, a caller without a warmup and a registry"].items():
        (tmp_path / file).write_text(textwrap.dedent(text))
    runs: list[object] = []
    run = Laboratory.run

    def noted(laboratory, scenario, *, construction, steps, **more):
        runs.append(laboratory.site)
        return run(laboratory, scenario, construction=construction, steps=steps, **more)

    monkeypatch.setattr(Laboratory, "run", noted)
    shared, made = together(tmp_path), len(runs)
    runs.clear()
    monkeypatch.setattr(Laboratory, "take_over", lambda laboratory, beside: None)
    assert together(tmp_path) == shared
    assert made < 0.8 * len(runs)
