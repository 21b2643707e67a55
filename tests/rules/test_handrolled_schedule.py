"""LR401 names the call that is the same schedule, and promises of a rewrite only what the rewrite does."""

from __future__ import annotations

FACTOR = """
import math

from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, warmup_steps, total_steps):
    def factor(step):
        if step < warmup_steps:
            return step / warmup_steps
        progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return LambdaLR(optimizer, factor)
"""
RATE = """
import math


def get_lr(step, learning_rate, warmup_steps, total_steps):
    if step < warmup_steps:
        return learning_rate * step / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * learning_rate * (1 + math.cos(math.pi * min(1.0, progress)))


def train(optimizer, loader, args):
    for step, batch in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = get_lr(step, args.lr, args.warmup_steps, args.total_steps)
"""


def test_a_form_that_rewrite_replaces_is_promised_a_proof_or_a_reason(handrolled) -> None:
    (message,) = handrolled(FACTOR)
    assert "`WarmupCosineLR(optimizer, total_steps, warmup_steps=warmup_steps)`" in message
    assert "`lrfix rewrite` shows the change with its proof" in message


def test_a_formula_that_rewrite_replaces_in_place_is_promised_a_proof_too(handrolled) -> None:
    messages = handrolled(RATE)
    assert messages
    assert any("`lrfix rewrite` shows the change with its proof" in message for message in messages)


def test_a_floor_that_no_scenario_reaches_is_a_part_of_the_schedule(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, config):
        return LambdaLR(optimizer, lambda k: {factor})
    """
    decay = "config.gamma ** (k / config.decay_step)"
    assert handrolled(source.format(factor=decay))
    assert handrolled(source.format(factor=f"max({decay}, config.lowest_decay)")) == []


def test_a_setting_that_a_formula_rounds_away_is_a_part_of_it(handrolled) -> None:
    source = """
    import math

    def adjust_learning_rate(initial_lr, optimizer, epoch, {setting}):
        lr = initial_lr * 0.1 ** (epoch // {size})
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert handrolled(source.format(setting="n_repeats", size="30"))
    assert handrolled(source.format(setting="n_repeats", size="int(math.ceil(30.0 / n_repeats))")) == []


def test_what_has_no_effect_stands_in_no_schedule_s_way(handrolled) -> None:
    assert handrolled("""
    from torch.optim.lr_scheduler import LRScheduler

    class Noam(LRScheduler):
        def __init__(self, optimizer, model_size, warm_step, log_interval=7.0, last_epoch=-1):
            self.model_size, self.warm_step, self.log_interval = model_size, warm_step, log_interval
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            k = self.last_epoch + 1
            rate = self.model_size**-0.5 * min(k**-0.5, k * self.warm_step**-1.5)
            return [rate for _ in self.base_lrs]
    """)


def test_a_flag_that_gives_another_curve_speaks_against_it(handrolled) -> None:
    source = """
    def set_rate(optimizer, lr, step, period=15, factor=0.2, straight=False, length=80):
        if straight:
            now = lr * max(0.0, 1 - step / length)
        else:
            now = lr * factor ** (step // period)
        {more}
        for group in optimizer.param_groups:
            group["lr"] = now
    """
    assert handrolled(source.format(more="")) == []
    alike = source.replace("lr * max(0.0, 1 - step / length)", "lr * factor ** (step // period)")
    alike = alike.replace(", length=80", "")
    assert len(handrolled(alike.format(more=""))) == 1


def test_a_text_that_chooses_another_curve_speaks_against_it(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, policy, total_steps):
        def factor(k):
            if policy == "straight":
                return max(0.0, 1 - k / total_steps)
            return {other}

        return LambdaLR(optimizer, factor)
    """
    assert handrolled(source.format(other="0.9 ** k")) == []
    assert len(handrolled(source.format(other="max(0.0, 1 - k / total_steps)"))) == 1


def test_an_option_that_nobody_sets_is_tried(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LRScheduler

    class Decay(LRScheduler):
        def __init__(self, optimizer, gamma{option}, last_epoch=-1):
            self.gamma{kept} = gamma{given}
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            k = self.last_epoch
            {held}
            return [base * self.gamma**k for base in self.base_lrs]
    """
    held = "k = k if self.hold_steps is None else max(0, k - self.hold_steps)"
    option = {"option": ", hold_steps=None", "kept": ", self.hold_steps", "given": ", hold_steps"}
    assert handrolled(source.format(held=held, **option)) == []
    assert len(handrolled(source.format(held="k += 0", option="", kept="", given=""))) == 1


def test_groups_that_follow_curves_of_their_own_speak_against_it(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LRScheduler

    class Ramp(LRScheduler):
        def __init__(self, optimizer, warmup_steps, last_epoch=-1):
            self.warmup_steps = max(1, warmup_steps)
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            share = min(1.0, (self.last_epoch + 1) / self.warmup_steps)
            return [base * {factor} for place, base in enumerate(self.base_lrs)]
    """
    for factor in ("(share if place == 0 else 1.0)", "(share if place < 2 else share**2)"):
        assert handrolled(source.format(factor=factor)) == []
    assert len(handrolled(source.format(factor="share"))) == 1


ALONE = """
import torch
from torch.optim.lr_scheduler import ConstantLR, LambdaLR, MultiplicativeLR, SequentialLR


def build(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    decay = {decay}
    {company}
    return optimizer, decay
"""
PRESENT = "MultiplicativeLR(optimizer, lambda k: 0.9)"
COUNTED = "LambdaLR(optimizer, lambda k: 0.9**k)"
COMPANY = {
    "behind a constant": "decay = SequentialLR(optimizer, [ConstantLR(optimizer, 0.2, 10), decay], [10])",
    "beside a plateau": "plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)",
    "beside a line that writes": 'optimizer.param_groups[0]["lr"] = 0.1',
}


def test_what_goes_on_from_the_present_rate_is_a_closed_form_only_alone(handrolled) -> None:
    assert len(handrolled(ALONE.format(decay=PRESENT, company=""))) == 1
    for company in COMPANY.values():
        assert handrolled(ALONE.format(decay=PRESENT, company=company)) == []


def test_what_counts_its_steps_may_be_in_company(handrolled) -> None:
    beside = ALONE.format(decay=COUNTED, company=COMPANY["beside a plateau"])
    assert len([message for message in handrolled(beside) if "WarmupExponentialLR" in message]) == 1


def test_a_phase_beyond_what_is_simulated_is_a_part_of_the_schedule(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps=50, flat={flat}, last=60):
        def factor(k):
            if k < warmup_steps:
                return k / warmup_steps
            return 1.0 {then}

        return LambdaLR(optimizer, factor)
    """
    falls = "if k < warmup_steps + flat else 0.5"
    for flat in (5, 900, 20000):
        assert not any("WarmupConstantLR" in m for m in handrolled(source.format(flat=flat, then=falls)))
    constant = source.replace(", flat={flat}, last=60", "").format(then="")
    assert any("WarmupConstantLR" in m for m in handrolled(constant))


def test_a_rate_that_stands_up_to_the_end_and_drops_there_is_no_staircase(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, total_steps):
        return LambdaLR(optimizer, lambda k: {factor})
    """
    assert handrolled(source.format(factor="max(0.0, 1.0 - k // total_steps)")) == []
    assert handrolled(source.format(factor="1.0 if k < total_steps else 0.1")) == []


def test_a_rate_times_a_rate_is_told_as_no_factor(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps):
        return LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / warmup_steps) * optimizer.defaults["lr"])
    """
    assert handrolled(source) == []


def test_a_sound_formula_that_is_used_wrongly_is_not_praised(handrolled):
    source = """
        import math

        import torch
        from torch.optim.lr_scheduler import LambdaLR


        def train(model, loader, epochs):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = LambdaLR(optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * min(1, epoch / epochs))))
            for epoch in range(epochs):
                for batch in loader:
                    model(batch).backward()
                    optimizer.step()
                    optimizer.zero_grad()
                {step}
        """
    (praise,) = handrolled(source.format(step="scheduler.step()"))
    assert praise.startswith("No bug found")
    assert not handrolled(source.format(step="pass"))


NUMBER_OR_LIST = """
class StepHook:
    def __init__(self, step, gamma=0.1):
        self.step = step
        self.gamma = gamma

    def before_epoch(self, runner):
        count = runner.epoch // self.step if isinstance(self.step, int) else sum(runner.epoch >= s for s in self.step)
        for group in runner.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self.gamma ** count
"""


def test_a_setting_that_may_be_a_number_or_a_list_is_two_schedules(handrolled) -> None:
    assert handrolled(NUMBER_OR_LIST) == []
    alone = NUMBER_OR_LIST.replace(" if isinstance(self.step, int) else sum(runner.epoch >= s for s in self.step)", "")
    assert len(handrolled(alone)) == 1


def test_a_length_that_is_below_zero_with_the_numbers_of_the_file_is_none(handrolled) -> None:
    source = """
    import math

    def rate(step, total={total}, hold=500):
        return 0.1 * 0.5 * (1 + math.cos(math.pi * min(1, step / (total - hold)))) + 1e-4

    for step in range({total}):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
    """
    assert not any("hold - total" in message for message in handrolled(source.format(total=3000)))


def test_a_scheduler_that_is_told_to_begin_anew_is_no_bundled_one(handrolled) -> None:
    source = """
    import math
    from torch.optim.lr_scheduler import LRScheduler

    class Wave(LRScheduler):
        def __init__(self, optimizer, period, last_epoch=-1):
            self.period, self.anchor = period, 0
            super().__init__(optimizer, last_epoch)
        {more}
        def get_lr(self):
            share = (self.last_epoch - self.anchor) / self.period
            return [base * (1 + math.cos(math.pi * min(share, 1))) / 2 for base in self.base_lrs]
    """
    assert len(handrolled(source.format(more=""))) == 1
    assert not handrolled(source.format(more="def restart(self):\n            self.anchor = self.last_epoch\n"))


def test_a_count_in_the_groups_begins_with_what_the_file_puts_there(handrolled) -> None:
    source = """
    def train(optimizer, loader):
        {before}
        for batch in loader:
            for group in optimizer.param_groups:
                group["k"] += 1
                group["lr"] = 0.1 * min(1, group["k"] / 200)
            optimizer.step()
    """
    (message,) = handrolled(source.format(before='for group in optimizer.param_groups: group["k"] = 0'))
    assert 'warmup_steps=199, eta_max=0.1, warmup_progress="(k+1)/(W+1)")' in message
    assert not handrolled(source.format(before=""))
