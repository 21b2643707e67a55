"""Schedulers whose caller counts: told the epoch or the update by the training loop, as timm's are."""

from __future__ import annotations

import math
import textwrap

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.source import parse_source

STRAIGHT = """
    from timm.scheduler.scheduler import Scheduler
    class StraightScheduler(Scheduler):
        def __init__(self, optimizer, t_initial, lr_min_rate, warmup_t=0, warmup_lr_init=0.0, t_in_epochs=True):
            super().__init__(optimizer, param_group_field="lr")
            self.t_initial, self.lr_min_rate, self.warmup_t = t_initial, lr_min_rate, warmup_t
            self.warmup_lr_init, self.t_in_epochs = warmup_lr_init, t_in_epochs
            if self.warmup_t:
                self.warmup_steps = [(v - warmup_lr_init) / self.warmup_t for v in self.base_values]
                super().update_groups(self.warmup_lr_init)
        def _get_lr(self, t):
            if t < self.warmup_t:
                return [self.warmup_lr_init + t * s for s in self.warmup_steps]
            t = min(t, self.t_initial) - self.warmup_t
            total_t = self.t_initial - self.warmup_t
            return [v - (v - v * self.lr_min_rate) * (t / total_t) for v in self.base_values]
"""
OLDER = """
        def get_epoch_values(self, epoch):
            return self._get_lr(epoch) if self.t_in_epochs else None
        def get_update_values(self, num_updates):
            return self._get_lr(num_updates) if not self.t_in_epochs else None
"""


def only(code: str) -> SiteAnalysis:
    (found,) = analyse(parse_source(textwrap.dedent(code).encode(), "train.py"))
    return found


def test_a_subclass_of_timms_scheduler_is_told_the_epoch() -> None:
    straight = only(STRAIGHT)
    warm = straight.scenarios[0].values["warmup_t"]

    assert straight.family == "linear-warmup+linear"
    assert isinstance(warm, int)
    assert straight.curve[warm] == max(straight.curve)


def test_one_written_for_older_versions_says_its_values_itself() -> None:
    older = only(STRAIGHT + OLDER)

    assert older.family == "linear-warmup+linear"
    assert older.curve == only(STRAIGHT).curve


def test_one_that_counts_updates_is_told_the_update() -> None:
    by_update = only(STRAIGHT.replace("t_in_epochs=True", "t_in_epochs=False") + OLDER)

    assert by_update.family == "linear-warmup+linear"


def test_a_subclass_of_a_concrete_scheduler_has_the_parameters_that_it_hands_on() -> None:
    damped = only("""
        from timm.scheduler.cosine_lr import CosineLRScheduler
        class Damped(CosineLRScheduler):
            def __init__(self, *args, factor=0.5, **kwargs):
                super().__init__(*args, **kwargs)
                self.factor = factor
            def _get_lr(self, t):
                return [self.factor * lr for lr in super()._get_lr(t)]
    """)
    values = damped.scenarios[0].values

    assert {"t_initial", "warmup_t", "lr_min"} <= set(values)
    assert "cosine" in damped.family


def test_what_the_loop_tells_it_before_the_first_step_is_not_judged() -> None:
    code = """
        import math
        from timm.scheduler.scheduler import Scheduler
        class Warm(Scheduler):
            def __init__(self, optimizer, total_steps, warmup_steps=10, **kwargs):
                super().__init__(optimizer, **kwargs)
                self.total, self.warm = total_steps, warmup_steps
            def _get_lr(self, t):
                if t < self.warm:
                    return [(t + 1) / self.warm * v for v in self.base_values]
                share = min(1.0, (t - self.warm) / (self.total - self.warm))
                return [v * 0.5 * (1 + math.cos(math.pi * share)) for v in self.base_values]
    """
    warm = only(code)
    length = warm.scenarios[0].values["warmup_steps"]

    assert isinstance(length, int)
    assert math.isclose(warm.curve[0], warm.curve[length] / length)
    assert not check_source(textwrap.dedent(code).encode(), "train.py", Settings(frozenset({"LR203"}))).findings


def test_a_scheduler_that_counts_itself_is_run_as_any_other() -> None:
    own = only("""
        from timm.scheduler.scheduler import Scheduler
        class Halving(Scheduler):
            def __init__(self, optimizer, decay_every=10):
                super().__init__(optimizer, "lr")
                self.count, self.decay_every = 0, decay_every
            def step(self):
                self.count += 1
                for group, base in zip(self.optimizer.param_groups, self.base_values):
                    group["lr"] = base * 0.5 ** (self.count // self.decay_every)
    """)

    assert own.family == "step"


PREFIXED = """
    import math
    from .scheduler import Scheduler
    class CosineScheduler(Scheduler):
        def __init__(self, optimizer, t_initial, lr_min=0.0, warmup_t=0, warmup_lr_init=0, warmup_prefix=False):
            super().__init__(optimizer, param_group_field="lr")
            self.t_initial, self.lr_min, self.warmup_prefix = t_initial, lr_min, warmup_prefix
            self.warmup_t, self.warmup_lr_init = warmup_t, warmup_lr_init
            if self.warmup_t:
                self.warmup_steps = [(v - warmup_lr_init) / self.warmup_t for v in self.base_values]
                super().update_groups(self.warmup_lr_init)
        def _get_lr(self, t):
            if t < self.warmup_t:
                return [self.warmup_lr_init + t * s for s in self.warmup_steps]
            if self.warmup_prefix:
                t = t - self.warmup_t
            share = min(1.0, t / self.t_initial)
            return [self.lr_min + 0.5 * (v - self.lr_min) * (1 + math.cos(math.pi * share)) for v in self.base_values]
"""


def test_a_copy_of_timms_base_class_beside_the_file_has_timms_contract() -> None:
    assert only(PREFIXED).family == "linear-warmup+cosine"


def test_where_the_decay_is_counted_from_is_the_callers_choice_where_a_switch_says_so() -> None:
    settings = Settings(frozenset({"LR202"}))
    without = PREFIXED.replace("if self.warmup_prefix:", "if False:")

    assert not check_source(textwrap.dedent(PREFIXED).encode(), "train.py", settings).findings
    assert [f.code for f in check_source(textwrap.dedent(without).encode(), "train.py", settings).findings] == ["LR202"]
