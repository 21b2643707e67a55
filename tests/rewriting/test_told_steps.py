"""Where a scheduler is told the step, `scheduler.step(epoch + i / batches)`, old and new agree there too."""

from __future__ import annotations

import re

import pytest

from lrfix.rewriting.liveness import OtherFiles

pytest.importorskip("torch")

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")

# Between its last whole steps the old warmup overshoots: 4.75 of 4.
WARMUP = """
import torch
from torch.optim.lr_scheduler import LambdaLR


def train(model, loader, warmup: int, epochs: int):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = LambdaLR(optimizer, lambda step: (step + 1) / warmup if step < warmup else 1.0)
    for epoch in range(epochs):
        for i, batch in enumerate(loader):
            optimizer.step()
            STEP
"""
SMOOTH = WARMUP.replace("(step + 1) / warmup", "step / warmup")
APART = "verification failed: the rates differ"


@pytest.mark.parametrize(
    "step",
    ["scheduler.step(epoch + i / len(loader))", "now = epoch + i / len(loader)\n            scheduler.step(now)"],
    ids=["as it is", "by a name"],
)
def test_a_schedule_that_differs_between_the_steps_it_is_told_is_left_alone(rewrite, step):
    result = rewrite(WARMUP.replace("STEP", step), verify=True)
    assert not result.changed
    assert result.left[0].reason.startswith(APART)
    assert "where `step()` is told the step" in result.left[0].reason


def test_one_that_does_not_is_equivalent(rewrite):
    (site,) = rewrite(SMOOTH.replace("STEP", "scheduler.step(epoch + i / len(loader))"), verify=True).sites
    assert (site.kind, site.limits) == ("equivalent", ())
    assert any(proof.label == "where `step()` is told the step" for proof in site.proofs)


@pytest.mark.parametrize("step", ["scheduler.step()", "scheduler.step(epoch)", "plateau.step(loss / len(loader))"])
def test_what_lies_between_the_steps_does_not_matter_to_others(rewrite, step):
    (site,) = rewrite(WARMUP.replace("STEP", step), verify=True).sites
    assert (site.kind, site.limits) == ("equivalent", ())


def test_another_file_may_tell_the_step(rewrite):
    build = WARMUP[: WARMUP.index("    for epoch")] + "    return optimizer, scheduler\n"
    elsewhere = "def train(scheduler, loader):\n    scheduler.step(epoch + i / len(loader))\n"
    result = rewrite(
        build, verify=True, external=lambda name: re.search(rf"(?<!\w){name}(?!\w)", elsewhere) is not None
    )
    assert not result.changed
    assert result.left[0].reason.startswith(APART)


def test_what_no_import_leads_to_tells_it_nothing(rewrite):
    build = WARMUP[: WARMUP.index("    for epoch")] + "    return optimizer, scheduler\n"
    unconnected = OtherFiles(mentioned=lambda pattern: True, done=lambda pattern: False)
    (site,) = rewrite(build, verify=True, external=unconnected).sites
    assert (site.kind, site.limits) == ("equivalent", ())


# It forgets what it was told: told a step, it goes on from where it stood.
CLASS = """
from torch.optim.lr_scheduler import LRScheduler


class Linear(LRScheduler):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * max(0.0, 1 - self.last_epoch / self.total) for base in self.base_lrs]

    def step(self, epoch=None):
        super().step()
"""


def test_a_class_that_takes_the_step_in_a_way_of_its_own_is_left_alone(rewrite):
    result = rewrite(CLASS, verify=True)
    assert not result.changed
    assert result.left[0].reason.startswith(APART)


def test_a_class_that_takes_it_as_torch_does_is_rewritten(rewrite):
    result = rewrite(CLASS.replace("super().step()", "super().step(epoch)"), verify=True)
    assert "class Linear(WarmupLinearLR):" in result.after
