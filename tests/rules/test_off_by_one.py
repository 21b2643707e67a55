"""One step too many or too few, and the ways of counting that are sound."""

from __future__ import annotations

import pytest
from asking import reported


def found(source: str) -> list[str]:
    return [f.code for f in reported("LR209", source)]


@pytest.mark.parametrize(
    ("test", "count", "reported"),
    [("<=", "step + 1", True), ("<", "step + 1", False), ("<", "step", False), ("<=", "step", False)],
)
def test_a_ramp_past_its_peak(test, count, reported):
    source = f"""
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup_steps):
            return LambdaLR(optimizer, lambda step: ({count}) / warmup_steps if step {test} warmup_steps else 1.0)
        """
    assert found(source) == (["LR209"] if reported else [])


WARMUP_ALONE = """
    def warm_up(optimizer, step, args):
        if step {test} args.warmup_steps:
            for group in optimizer.param_groups:
                group["lr"] = args.lr * step / args.warmup_steps
    {more}
    """


@pytest.mark.parametrize(
    ("test", "more", "reported"),
    [
        ("<", "", True),
        ("<=", "", False),
        ("<", "def reset(optimizer, args): optimizer.param_groups[0]['lr'] = args.lr", False),
    ],
)
def test_a_warmup_that_nothing_completes(test, more, reported):
    assert set(found(WARMUP_ALONE.format(test=test, more=more))) == ({"LR209"} if reported else set())


STAIRS = """
    def adjust(optimizer, epoch):
        if {test}:
            for group in optimizer.param_groups:
                group["lr"] *= 0.1
    """


@pytest.mark.parametrize(
    ("test", "reported"), [("epoch > 0 and epoch % 30 == 0", False), ("(epoch + 1) % 30 == 0", False)]
)
def test_stairs_that_begin_after_a_whole_interval_are_sound(test, reported):
    assert found(STAIRS.format(test=test)) == (["LR209"] if reported else [])


HELD = """
    from torch.optim.lr_scheduler import LRScheduler

    class Warm(LRScheduler):
        def __init__(self, optimizer, warmup_steps, last_epoch=-1):
            self.warmup_steps = warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            reached = min(self.last_epoch{count}, self.warmup_steps{less})
            return [base * reached / self.warmup_steps for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("count", "less", "reported"), [("", " - 1", True), ("", "", False), (" + 1", "", False), (" + 1", " + 1", True)]
)
def test_a_warmup_holds_at_its_peak(count, less, reported):
    assert found(HELD.format(count=count, less=less)) == (["LR209"] if reported else [])


STARTED = """
    from torch.optim.lr_scheduler import LRScheduler

    class Decay(LRScheduler):
        def __init__(self, optimizer, total_steps):
            self.total_steps = total_steps
            super().__init__(optimizer)
            self.last_epoch = {start}

        def get_lr(self):
            return [base * (1 - min(self.last_epoch, self.total_steps) / self.total_steps) for base in self.base_lrs]
    """


@pytest.mark.parametrize(("start", "reported"), [("-1", True), ("0", False)])
def test_a_count_that_is_set_back_once_it_is_built(start, reported):
    assert found(STARTED.format(start=start)) == (["LR209"] if reported else [])


GROWING = """
    import math

    def cosine_rate(step, base_lr, cycle_len, cycle_mult={mult}, num_cycles=4):
        n, begin, length = 0, 0, cycle_len
        {find}
        if n >= num_cycles:
            return 0.0
        return base_lr * 0.5 * (1 + math.cos(math.pi * (step - begin) / length))

    def adjust(optimizer, step, args):
        for group in optimizer.param_groups:
            group["lr"] = cosine_rate(step, args.lr, args.cycle_len, args.cycle_mult)
    """
LOGARITHM = """if cycle_mult > 1:
            n = int(math.log(step / cycle_len * (cycle_mult - 1) + 1, cycle_mult))
            begin, length = cycle_len * (cycle_mult**n - 1) / (cycle_mult - 1), cycle_len * cycle_mult**n"""
COUNTING = """while step >= begin + length and n < num_cycles:
            n, begin, length = n + 1, begin + length, length * cycle_mult"""


@pytest.mark.parametrize(
    ("find", "mult", "told"), [(LOGARITHM, 2, ["info"]), (COUNTING, 2, []), (LOGARITHM, 10, ["info"])]
)
def test_cycles_are_not_found_by_a_floating_logarithm(find, mult, told):
    source = GROWING.format(find=find, mult=mult)
    assert [f.severity.value for f in reported("LR209", source)][:1] == told


def test_a_warmup_that_hands_over_to_a_scheduler_that_sets_the_peak():
    assert not found("""
        from torch.optim.lr_scheduler import LRScheduler

        class Warmup(LRScheduler):
            def __init__(self, optimizer, warmup_steps, scheduler, lr_start, last_epoch=-1):
                self.warmup_steps, self.scheduler, self.lr_start = warmup_steps, scheduler, lr_start
                self.current_step = 0
                super().__init__(optimizer, last_epoch)

            def step(self, epoch=None):
                self.current_step += 1
                if self.current_step < self.warmup_steps:
                    for group in self.optimizer.param_groups:
                        group["lr"] = self.lr_start * self.current_step / self.warmup_steps
                else:
                    self.scheduler.step(self.current_step - self.warmup_steps)

            def get_lr(self):
                return [group["lr"] for group in self.optimizer.param_groups]
    """)


@pytest.mark.parametrize(("count", "expected"), [("k - 1", ["LR209"]), ("k", []), ("k + 1", [])])
@pytest.mark.parametrize("power", [1, 0.9])
def test_a_decay_that_counts_step_0_as_minus_1_begins_above_its_peak(count, expected, power):
    source = f"""
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, total_steps):
            return LambdaLR(optimizer, lambda k: max(0.0, 1 - ({count}) / total_steps) ** {power})
        """
    assert found(source) == expected
