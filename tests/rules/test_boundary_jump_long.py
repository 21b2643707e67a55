"""Schedules that are too long to walk, judged at the lengths that the code states."""

from __future__ import annotations

import pytest

LONG = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    WARMUP = 3000


    def build(optimizer):
        def factor(step):
            if step < WARMUP:
                return {top} * (step + 1) / WARMUP
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step{less}) / {length})))

        return LambdaLR(optimizer, factor)
    """


@pytest.mark.parametrize(
    ("top", "less", "length", "fault"),
    [
        ("1.0", " - WARMUP", "(80000 - WARMUP)", False),
        ("1.0", "", "9000", True),
        # A cosine over the whole run has lost a hundredth at the end of so short a warmup.
        ("1.0", "", "50000", False),
        ("0.8", " - WARMUP", "(80000 - WARMUP)", True),
        ("1.0", " - WARMUP", "80000", False),
    ],
)
def test_lengths_that_are_too_long_to_walk_are_judged_as_they_stand(check, top, less, length, fault):
    found = [f for f in check(LONG.format(top=top, less=less, length=length)) if f.code == "LR202"]
    assert [f.evidence.steps for f in found] == ([(2998, 2999, 3000, 3001)] if fault else [])


def test_it_says_why_in_the_users_own_lengths(findings):
    source = LONG.format(top="1.0", less="", length="TOTAL").replace("WARMUP = 3000", "WARMUP, TOTAL = 3000, 50000")
    (found,) = (f for f in findings(source) if f.code == "LR202")
    assert "where warmup ends, because the decay is counted from step 0: from 0.1 at step 2999" in found.message
    assert found.message.endswith("Use `(step - WARMUP) / (TOTAL - WARMUP)`.")
    assert (found.evidence.chosen, found.evidence.base_lr) == ({}, 0.1)


def test_a_schedule_that_counts_for_itself_cannot_be_taken_to_a_step(codes):
    source = """
        class Warm:
            def __init__(self, optimizer, peak):
                self.optimizer, self.peak, self.count = optimizer, peak, 0

            def step(self):
                self.count += 1
                rate = self.peak * (min(1.0, self.count / 3000) if self.count < 3000 else 0.5)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
        """
    assert "LR202" not in codes(source)


@pytest.mark.parametrize(("base", "advice"), [("=0.01", [False]), ("", [False]), ("=0.0", [])])
def test_a_ramp_that_adds_the_whole_peak_to_its_base_overshoots_it_unless_that_is_nothing(asked, base, advice):
    source = f"""
        from torch.optim.lr_scheduler import LRScheduler

        class Ramp(LRScheduler):
            def __init__(self, optimizer, base_lr{base}, max_lr=0.001, warmup_steps=1000, last_epoch=-1):
                self.base_lr, self.max_lr, self.warmup_steps = base_lr, max_lr, warmup_steps
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                step = self.last_epoch
                lr = self.max_lr
                if step <= self.warmup_steps:
                    lr = self.base_lr + step / self.warmup_steps * self.max_lr
                return [lr for _ in self.optimizer.param_groups]
        """
    assert [violation.advice for violation in asked("LR202", source)] == advice


TWO_RATES = """
    import math

    class WarmCosine:
        def __init__(self, optimizer, warmup_steps, start_lr, ref_lr, total_steps, final_lr=0.0):
            self.optimizer, self.warmup_steps = optimizer, warmup_steps
            self.start_lr, self.ref_lr, self.final_lr = start_lr, ref_lr, final_lr
            self.decay_steps = total_steps - warmup_steps
            self.count = 0

        def step(self):
            self.count += 1
            if self.count < self.warmup_steps:
                rate = self.start_lr + self.count / self.warmup_steps * (self.ref_lr - self.start_lr)
            else:
                share = min(1.0, {counted} / self.decay_steps)
                rate = self.final_lr + (self.ref_lr - self.final_lr) * 0.5 * (1 + math.cos(math.pi * share))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
    """


@pytest.mark.parametrize(("counted", "fault"), [("(self.count - self.warmup_steps)", False), ("self.count", True)])
def test_a_start_and_a_peak_are_two_rates_whatever_they_are_called(check, counted, fault):
    found = [f.message for f in check(TWO_RATES.format(counted=counted)) if f.code == "LR202"]
    assert ["ends as many steps early as the warmup takes" in message for message in found] == ([True] if fault else [])


STAIRS = """
    from collections import Counter
    from torch.optim.lr_scheduler import LRScheduler

    class WarmedStairs(LRScheduler):
        def __init__(self, optimizer, warmup, milestones, gamma=0.5):
            self.warmup, self.milestones, self.gamma = warmup, Counter(milestones), gamma
            super().__init__(optimizer)

        def get_lr(self):
            if self.last_epoch <= self.warmup:
                return [base * (0.1 + 0.9 * self.last_epoch / self.warmup) for base in self.base_lrs]
            factor = self.gamma ** {factor}
            return [group["lr"] * factor for group in self.optimizer.param_groups]

    def build(optimizer):
        return WarmedStairs(optimizer, 5, [6, 14])
    """


@pytest.mark.parametrize(
    ("factor", "found"), [("self.milestones[self.last_epoch]", False), ("(self.last_epoch == self.warmup + 1)", True)]
)
def test_a_milestone_right_behind_the_warmup_is_where_the_rate_is_to_drop(factor, found, codes):
    assert ("LR202" in codes(STAIRS.format(factor=factor))) is found
