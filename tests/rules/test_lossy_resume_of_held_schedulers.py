"""LR109: a class that takes the scheduler it holds apart when it saves it."""

from __future__ import annotations

import textwrap

import pytest

HOLDER = """
    from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

    class Holder:
        def __init__(self, optimizer, patience):
            self.inner = {built}

        def step(self, epoch, loss=None):
            {step}

        def state_dict(self):
            return {saved}

        def load_state_dict(self, state):
            {loaded}
"""

STEP = "StepLR(optimizer, 30)"
PLATEAU = "ReduceLROnPlateau(optimizer, patience=patience)"


def holder(built=PLATEAU, step="self.inner.step(loss)", saved="{'best': self.inner.best}", loaded=None):
    loaded = loaded or "self.inner.best = state['best']"
    text = textwrap.dedent(HOLDER).format(built=built, step=step, saved=saved, loaded=loaded)
    return text + "\n\ndef save(scheduler, path):\n    return scheduler.state_dict()\n"


@pytest.fixture
def missing(check):
    def found(**parts):
        return [f.message.split("`")[3] for f in check(holder(**parts)) if f.code == "LR109"]

    return found


@pytest.mark.parametrize(
    ("parts", "lost"),
    [
        ({}, "num_bad_epochs"),
        ({"saved": "dict(best=self.inner.best, last_epoch=self.inner.last_epoch)"}, "num_bad_epochs"),
        ({"saved": "{'bad': self.inner.num_bad_epochs}", "loaded": "self.inner.cooldown_counter = 0"}, "best"),
        ({"built": STEP, "step": "self.inner.step()", "saved": "{'g': self.inner.gamma}"}, "last_epoch"),
    ],
)
def test_a_state_that_keeps_parts_of_the_scheduler(missing, parts, lost):
    assert missing(**parts) == [lost]


@pytest.mark.parametrize(
    "parts",
    [
        {"saved": "{'inner': self.inner.state_dict()}", "loaded": "self.inner.load_state_dict(state['inner'])"},
        {"saved": "{'best': self.inner.best, 'bad': self.inner.num_bad_epochs}"},
        {"saved": "{'best': self.inner.best, **vars(self.inner)}"},
        {"saved": "{'best': self.inner.best, **self.inner.__dict__}"},
        {"saved": "{**super().state_dict(), 'best': self.inner.best}"},
        {"loaded": "self.inner.best, self.inner.num_bad_epochs = state['best'], 0"},
        {"built": "ReduceLROnPlateau(optimizer, patience=0)"},
        {"built": STEP, "step": "self.inner.step(epoch)", "saved": "{'g': self.inner.gamma}"},
        {"step": "pass"},
        {"built": "build_scheduler(optimizer)"},
    ],
)
def test_states_that_lose_nothing_that_can_be_seen(missing, parts):
    assert missing(**parts) == []
