"""Where curves break, told by what is reported and what is left alone."""

from __future__ import annotations


def test_a_long_warmup_is_not_tried_where_the_decay_has_a_length_of_its_own(codes):
    assert (
        codes(
            """
            from torch.optim.lr_scheduler import LambdaLR

            def warmup_stable_decay(optimizer, num_warmup_steps, num_training_steps, num_decay_steps):
                decay_start = num_training_steps - num_decay_steps

                def factor(step):
                    if step < num_warmup_steps:
                        return step / max(1, num_warmup_steps)
                    if step < decay_start:
                        return 1.0
                    return max(0.0, (num_training_steps - step) / max(1, num_decay_steps))

                return LambdaLR(optimizer, factor)
            """
        )
        == []
    )


CLASS = """
    from torch.optim.lr_scheduler import LRScheduler

    class Poly(LRScheduler):
        def __init__(self, optimizer, max_iters, power=0.9):
            self.max_iters = max_iters
            self.power = power
            super().__init__(optimizer)

        def get_lr(self):
            done = {done}
            return [base * (1 - done) ** self.power for base in self.base_lrs]
    """


def test_a_class_for_unknown_loops_must_survive_the_step_after_its_last(codes):
    assert codes(CLASS.format(done="self.last_epoch / self.max_iters")) == ["LR204"]
    assert codes(CLASS.format(done="min(1.0, self.last_epoch / self.max_iters)")) == []


THREE_PHASES = """
    import math

    def adjust(optimizer, step, warmup_steps, cooldown_steps, total_steps, lr):
        start = total_steps - cooldown_steps
        if step < warmup_steps:
            rate = lr * step / warmup_steps
        elif step < start:
            rate = lr * math.exp(-0.03 * (step - warmup_steps))
        else:
            rate = lr * math.exp(-0.03 * {reached}) * (1 - (step - start) / cooldown_steps)
        for group in optimizer.param_groups:
            group["lr"] = max(rate, 0.0)
    """


def test_later_phases_have_to_meet_as_well(codes):
    assert codes(THREE_PHASES.format(reached="(start - warmup_steps)")) == []
    assert codes(THREE_PHASES.format(reached="start")) == ["LR202"]


STRETCHED = """
    class LinearWarmupLR:
        def __init__(self, warmup_steps, total_steps, scale_warmup=False):
            self.warmup_steps, self.total_steps, self.scale_warmup = warmup_steps, total_steps, scale_warmup

        def __call__(self, step, stretch=1.0):
            end = self.total_steps * stretch
            ramp = self.warmup_steps * (stretch if self.scale_warmup else 1.0)
            if step < {handed_over}:
                return (step + 1) / (ramp + 1)
            return max(0.0, 1.0 - (step - ramp) / (end - ramp))
    """


def test_two_settings_that_tear_the_phases_apart_together_are_told_of(codes, advice):
    source = STRETCHED.format(handed_over="self.warmup_steps")
    assert codes(source) == []
    told = [f for f in advice(source) if f.code == "LR202"]
    assert len(told) == 1
    assert "`scale_warmup` = True and `stretch` = 2.0 together" in told[0].message


def test_two_settings_that_keep_the_phases_together_are_not(advice):
    assert [f for f in advice(STRETCHED.format(handed_over="ramp")) if f.code == "LR202"] == []


def test_a_setting_that_is_a_jump_by_itself_is_meant_as_one(advice):
    source = STRETCHED.format(handed_over="ramp").replace("return max(0.0, ", "return (1.0 / stretch) * max(0.0, ")
    assert [f for f in advice(source) if f.code == "LR202"] == []
