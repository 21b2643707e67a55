"""What outlives a call that asks for a rate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lrfix.experiments import asking
from lrfix.findings import Finding

WRAPPER = """
class Warmup:
    def __init__(self, optimizer, warmup, total):
        self.optimizer, self.warmup, self.total, self.count = optimizer, warmup, total, 0

    def rate(self):
        return min(1.0, (self.count + 1) / self.warmup) * max(0.0, 1 - self.count / self.total)

    def step(self):
        self.count += 1
        for group in self.optimizer.param_groups:
            group["lr"] = 0.1 * self.rate()
"""


def test_it_is_asked_for_each_place_that_writes_and_not_for_each_write(
    findings: Callable[[str], tuple[Finding, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[object] = []
    asked = asking._asked

    def spying(study, run, within):
        runs.append((id(run), within))
        return asked(study, run, within)

    monkeypatch.setattr(asking, "_asked", spying)
    findings(WRAPPER)
    assert runs and len(runs) == len(set(runs))
