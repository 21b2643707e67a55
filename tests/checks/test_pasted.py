"""LR211: stages pasted from one another, overrides that the choice does not ask; LR105 and LR101 beside them."""

from __future__ import annotations

import pytest


@pytest.fixture
def lines(check):
    return lambda code, source: [f.span.start.line for f in check(source) if f.code == code]


STAGES = """
    from torch.optim import Adam
    from torch.optim.lr_scheduler import StepLR

    frozen_lr = 1e-3
    unfrozen_lr = {other}

    def train(model, lr): ...

    if True:
        lr = frozen_lr
        scheduler = StepLR(Adam(model.parameters(), lr), 1)
        train(model, scheduler)

    if True:
        lr = {second}
        scheduler = StepLR(Adam(model.parameters(), lr), 1)
        train(model, scheduler)
"""


class TestStages:
    def test_the_second_takes_the_setting_of_the_first_and_its_own_is_never_read(self, lines):
        assert lines("LR211", STAGES.format(other="1e-4", second="frozen_lr")) == [16]

    def test_each_takes_its_own(self, lines):
        assert lines("LR211", STAGES.format(other="1e-4", second="unfrozen_lr")) == []

    def test_a_setting_that_others_may_read(self, lines):
        assert lines("LR211", STAGES.format(other="1e-4", second="frozen_lr") + "\n    print(unfrozen_lr)") == []
        assert lines("LR211", STAGES.format(other="choose()", second="frozen_lr")) == []


BUILD = """
    def build_scheduler(config, override=None):
        {stands_in}
        if {asked}.name == "cosine":
            return Cosine(override.warmup, override.length)
        if {asked}.name == "longest":
            return Longest(build_scheduler(config, replace(override, name="cosine")))
        raise ValueError({asked}.name)
"""


class TestOverrides:
    @pytest.mark.parametrize(
        "stands_in",
        [
            "override = override if override is not None else config.scheduler",
            "override = override or config.scheduler",
            "if override is None: override = config.scheduler",
        ],
    )
    def test_the_choice_is_made_by_what_was_overridden(self, lines, stands_in):
        assert lines("LR211", BUILD.format(stands_in=stands_in, asked="config.scheduler")) == [4]
        assert lines("LR211", BUILD.format(stands_in=stands_in, asked="override")) == []

    def test_two_settings_that_have_nothing_to_do_with_one_another(self, lines):
        assert lines("LR211", BUILD.format(stands_in="override = config.other", asked="config.scheduler")) == []


class TestRatesThatReachNoOptimizer:
    STAGE = """
        class Brain:
            def on_stage_end(self, loss):
                old_lr, new_lr = {asked}
                {after}
                self.log(old_lr)
    """

    def test_a_new_rate_that_is_never_used(self, lines):
        assert lines("LR105", self.STAGE.format(asked="self.lr_annealing(loss)", after="pass")) == [4]

    @pytest.mark.parametrize(
        ("asked", "after"),
        [
            ("self.lr_annealing(loss)", "update_learning_rate(self.optimizer, new_lr)"),
            ("self.lr_annealing(loss)", "self.optimizer.param_groups[0]['lr'] = 1.0"),
            ("self.lr_annealing([self.optimizer], loss)", "pass"),
            ("self.scheduler.step(loss)", "pass"),
            ("self.read(loss)", "pass"),
        ],
    )
    def test_rates_that_are_written_here_or_by_what_was_asked(self, lines, asked, after):
        assert lines("LR105", self.STAGE.format(asked=asked, after=after)) == []
