"""Settings at the edge: which of them are legal, and which the code refuses or survives."""

from __future__ import annotations

import pytest

WARMUP = """
    from torch.optim.lr_scheduler import LRScheduler

    class Ramp(LRScheduler):
        def __init__(self, optimizer, warmup_steps{default}, last_epoch=-1):
            {guard}
            self.warmup_steps = warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            scale = min(1.0, (self.last_epoch + 1) / {length})
            return [base * scale for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("default", "guard", "length", "reported"),
    [
        ("=0", "pass", "self.warmup_steps", True),
        ("", "pass", "self.warmup_steps", True),
        ("=100", "pass", "self.warmup_steps", True),
        ("=0", "pass", "max(1, self.warmup_steps)", False),
        ("", "assert warmup_steps > 0", "self.warmup_steps", False),
    ],
)
def test_no_warmup_is_a_setting_of_a_class_of_schedules_unless_it_refuses(codes, default, guard, length, reported):
    assert codes(WARMUP.format(default=default, guard=guard, length=length)) == (["LR205"] if reported else [])


WHOLE = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps, total_steps):
        def factor(step):
            if step < warmup_steps:
                return step / warmup_steps
            if step {test} total_steps:
                return 0.0
            return 1 - (step - warmup_steps) / (total_steps - warmup_steps)

        return LambdaLR(optimizer, factor)
    """


@pytest.mark.parametrize(("test", "reported"), [(">", True), (">=", False)])
def test_a_warmup_as_long_as_the_run_divides_where_the_end_itself_is_asked_for(check, test, reported):
    found = check(WHOLE.format(test=test))
    assert [f.code for f in found] == (["LR205"] if reported else [])
    if reported:
        assert "`warmup_steps` = `total_steps`" in found[0].message


def test_a_function_asked_up_to_its_horizon_never_reaches_the_division(codes):
    assert (
        codes(
            """
            def adjust(optimizer, step, warmup_steps, total_steps, lr):
                if step < warmup_steps:
                    rate = lr * step / warmup_steps
                else:
                    rate = lr * (1 - (step - warmup_steps) / (total_steps - warmup_steps))
                for group in optimizer.param_groups:
                    group["lr"] = max(rate, 0.0)
            """
        )
        == []
    )


def test_numbers_that_the_module_states_are_not_moved(codes):
    source = """
        warmup_steps = {warmup}
        decay_steps = 600

        def rate(step):
            if step < warmup_steps:
                return 0.1 * step / warmup_steps
            if step > decay_steps:
                return 0.0
            return 0.1 * (1 - (step - warmup_steps) / (decay_steps - warmup_steps))

        def adjust(optimizer, step):
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
        """
    assert codes(source.format(warmup=200)) == []
