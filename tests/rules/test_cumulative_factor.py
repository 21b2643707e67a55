"""Factors that pile up, and those that rightly multiply the current rate."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix.experiments.accumulation import piled_up


def multiplicative(function: str) -> str:
    return f"""
import math
from torch.optim.lr_scheduler import MultiplicativeLR

def build(optimizer, total_steps, warmup_steps):
    return MultiplicativeLR(optimizer, {function})
"""


def found(source: str) -> set[str]:
    return {finding.code for finding in reported("LR207", source)}


@settings(max_examples=8, deadline=None)
@given(gamma=st.floats(0.85, 0.99).map(lambda value: round(value, 3)))
def test_a_power_of_the_step_given_to_multiplicative_is_cumulative_and_the_same_ratio_is_not(gamma):
    assert "LR207" in found(multiplicative(f"lambda epoch: {gamma} ** epoch"))
    assert "LR207" not in found(multiplicative(f"lambda epoch: {gamma}"))


@settings(max_examples=8, deadline=None)
@given(power=st.sampled_from([1, 2, 3]), floor=st.sampled_from([0.0, 0.01, 0.1]))
def test_a_ratio_of_two_values_of_a_schedule_telescopes(power, floor):
    value = f"({floor} + {1 - floor} * max(0.0001, 1 - (k + {{}}) / total_steps) ** {power})"
    source = multiplicative(f"lambda k: {value.format(0)} / {value.format(-1)}")
    assert "LR207" not in found(source)


@pytest.mark.parametrize(
    "function",
    [
        "lambda k: 0.5 * (1 + math.cos(math.pi * k / total_steps))",
        "lambda k: 1 - k / total_steps",
        "lambda k: min(1.0, k / warmup_steps)",
        "lambda k: 0.5 ** (k // 30)",
    ],
)
def test_whole_schedules_given_to_multiplicative_are_reported(function):
    assert "LR207" in found(multiplicative(function))


def test_the_message_names_factor_and_rate_that_can_be_checked_by_hand(check):
    # The lengths that the function takes and never reads are told too.
    [finding] = [f for f in check(multiplicative("lambda epoch: 0.9 ** epoch")) if f.code == "LR207"]
    step = finding.evidence.steps[-1]
    assert finding.evidence.lr[-1] == pytest.approx(0.1 * 0.9 ** (step * (step + 1) / 2))
    assert f"and not {0.1 * 0.9**step:.4g}, the factor {0.9**step:.4g} of the base rate." in finding.message


@pytest.mark.parametrize(("factor", "reported"), [("0.95", True), ("1.0", False), ("0.1", False), ("gamma", True)])
def test_a_constant_near_one_given_to_lambdalr_is_a_ratio(codes, factor, reported):
    source = f"""
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, gamma):
            return LambdaLR(optimizer, lambda epoch: {factor})
        """
    assert [code for code in codes(source) if code != "LR106"] == (["LR207"] if reported else [])


IN_PLACE = """
def adjust(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] {how}
"""


@pytest.mark.parametrize(
    ("how", "reported"),
    [
        ("*= 0.98 ** epoch", True),
        ('= group["lr"] * 0.98 ** epoch', True),
        ("*= 0.5 ** (epoch // 30)", True),
        ("*= 0.98", False),
        ("*= 0.1 if epoch in (30, 60) else 1.0", False),
        ("= 0.1 * 0.98 ** epoch", False),
        ('= group["initial_lr"] * 0.98 ** epoch', False),
    ],
)
def test_a_factor_of_the_epoch_applied_in_place_is_cumulative(how, reported):
    assert found(IN_PLACE.format(how=how)) == ({"LR207"} if reported else set())


WARMUP = """
class Warmup:
    def __init__(self, optimizer, warmup_steps):
        self.optimizer = optimizer
        self.warmup_steps = warmup_steps
        self.last_step = -1

    def dampen(self):
        self.last_step += 1
        for group in self.optimizer.param_groups:
            {reset}omega = self.warmup_factor(self.last_step)
            group["lr"] *= omega

    def warmup_factor(self, step):
        return min(1.0, (step + 1) / self.warmup_steps)
"""


@pytest.mark.parametrize(
    ("reset", "reported"), [("", True), ('group["lr"] = group["initial_lr"]\n            ', False)]
)
def test_a_ramp_multiplied_onto_the_current_rate_lowers_it(reset, reported):
    assert found(textwrap.dedent(WARMUP.format(reset=reset))) == ({"LR207"} if reported else set())


SET_BACK = """
    @contextmanager
    def dampening(self):
        for group, lr in zip(self.optimizer.param_groups, self.lrs):
            set_lr(group, lr)
        yield
        self.dampen()


def set_lr(group, lr):
    {how}
"""


@pytest.mark.parametrize(
    "how",
    [
        'group["lr"] = lr',
        'group["lr"].fill_(lr)',
        'if isinstance(group["lr"], Tensor):\n        group["lr"].fill_(lr)\n    else:\n        group["lr"] = lr',
    ],
)
def test_a_warmup_whose_helper_sets_the_rate_back_is_sound(how):
    assert found(textwrap.dedent(WARMUP.format(reset="")) + SET_BACK.format(how=how)) == set()


STAIRS = """
def adjust(optimizer, epoch, lr):
    for group in optimizer.param_groups:
        group["lr"] = {factor}
"""


@pytest.mark.parametrize(
    ("factor", "reported"),
    [
        ('group["lr"] * 0.1 ** (epoch // 30)', True),
        ('group["initial_lr"] * 0.1 ** (epoch // 30)', False),
        ("lr * 0.1 ** (epoch // 30)", False),
        ('group["lr"] * (0.1 if epoch % 30 == 29 else 1.0)', False),
    ],
)
def test_a_power_of_whole_periods_on_the_current_rate_piles_up(factor, reported):
    assert found(STAIRS.format(factor=factor)) == ({"LR207"} if reported else set())


LOOP = """
import math

def get_lr(learning_rate, step, warmup_steps, max_steps, min_lr):
    if step < warmup_steps:
        return learning_rate * step / warmup_steps
    if step > max_steps:
        return min_lr
    share = (step - warmup_steps) / (max_steps - warmup_steps)
    return min_lr + 0.5 * (1 + math.cos(math.pi * share)) * (learning_rate - min_lr)

def train(model, optimizer, loader, args):
    step = 0
    for batch in loader:
        lr = get_lr({base}, step, args.warmup_steps, args.max_steps, args.min_lr)
        for group in optimizer.param_groups:
            group["lr"] = {written}
        optimizer.step()
        step += 1
"""
MILESTONES = """
def decay(lr, epoch):
    if epoch in (30, 60):
        return lr * 0.1
    return lr

def train(optimizer, args):
    for epoch in range(args.epochs):
        lr = decay(optimizer.param_groups[0]["lr"], epoch)
        for group in optimizer.param_groups:
            group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("base", "written", "reported"),
    [
        ('optimizer.param_groups[0]["lr"]', "lr", True),
        ('optimizer.defaults["lr"]', "lr", False),
        ('optimizer.param_groups[0]["initial_lr"]', "lr", False),
        ("args.lr", "lr", False),
        ('optimizer.param_groups[0]["lr"]', "args.lr", False),
    ],
)
def test_a_schedule_of_the_present_rate_that_is_written_back_piles_up(base, written, reported):
    assert found(LOOP.format(base=base, written=written)) == ({"LR207"} if reported else set())


def test_a_function_that_lowers_the_present_rate_at_milestones_is_sound():
    assert found(MILESTONES) == set()


PHASES = """
from torch.optim.lr_scheduler import LRScheduler

class Warmed(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, last_epoch=-1):
        self.warmup_steps, self.total_steps = warmup_steps, total_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch < self.warmup_steps:
            return [{rising} * (self.last_epoch + 1) / self.warmup_steps for base, group in self.pairs()]
        factor = 0.97 ** (self.last_epoch - self.warmup_steps)
        return [{falling} * factor for base, group in self.pairs()]

    def pairs(self):
        return zip(self.base_lrs, self.optimizer.param_groups)
"""


@pytest.mark.parametrize(
    ("rising", "falling", "reported"),
    [
        ("base", "base", False),
        ('group["lr"]', "base", True),
        ("base", 'group["lr"]', True),
        ('group["lr"]', 'group["lr"]', True),
    ],
)
def test_factors_pile_up_in_one_phase_alone(rising, falling, reported):
    assert found(PHASES.format(rising=rising, falling=falling)) == ({"LR207"} if reported else set())


def test_a_plateau_and_a_ramp_down_given_to_multiplicative():
    ramp = "lambda k: 1.0 if k < total_steps // 2 else max(0.0, (total_steps - k) / (total_steps - total_steps // 2))"
    assert "LR207" in found(multiplicative(ramp))


RAMP_OVER_MILESTONES = """
from torch.optim.lr_scheduler import MultiStepLR

class RampedMultiStep(MultiStepLR):
    def __init__(self, optimizer, milestones, gamma=0.1, ramp_start=0.25, ramp_iters=400, last_epoch=-1):
        self.ramp_start = ramp_start
        self.ramp_iters = ramp_iters
        super().__init__(optimizer, milestones, gamma, last_epoch)

    def get_lr(self):
        factor = 1.0
        if self.last_epoch < self.ramp_iters:
            factor = self.ramp_start + (1 - self.ramp_start) * self.last_epoch / self.ramp_iters
        return [{rate} * factor for {over}]
"""


@pytest.mark.parametrize(
    ("rate", "over", "expected"),
    [
        ("rate", "rate in super().get_lr()", {"LR207"}),
        # The rates of the milestones worked out anew each time: nothing piles up.
        ("base * self.gamma ** sum(m <= self.last_epoch for m in self.milestones)", "base in self.base_lrs", set()),
    ],
)
def test_a_ramp_on_the_present_rate_piles_up_with_milestones_inside_it_too(rate, over, expected):
    assert found(RAMP_OVER_MILESTONES.replace("{rate}", rate).replace("{over}", over)) == expected


ASKED = """
def adjust(optimizer, init_lr, epoch, max_epoch, power=0.9):
    optimizer.param_groups[0]["lr"] = init_lr * (1 - epoch / max_epoch) ** power

def train(optimizer, args):
    for epoch in range(args.epochs):
        optimizer.step()
        adjust(optimizer, {base}, epoch, max_epoch=args.epochs, power=args.power)
"""


@pytest.mark.parametrize(
    ("base", "reported"),
    [('optimizer.param_groups[0]["lr"]', True), ('optimizer.defaults["lr"]', False), ("args.lr", False)],
)
def test_a_setter_asked_with_the_present_rate_piles_up_over_a_few_epochs_too(asked, base, reported):
    violations = asked("LR207", ASKED.format(base=base))
    assert ["param_groups[0]" in violation.message for violation in violations] == ([True] if reported else [])


@pytest.mark.parametrize("length", [20, 31, 97])
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
def test_what_telescopes_to_a_power_is_never_too_steep(length, power):
    curve = [(1 - k / length) ** power for k in range(length + 1)]
    assert piled_up([*curve, *[0.0] * 40]) is None
    assert piled_up([*curve[:-1], *curve[-2:-1] * 40]) is None


@pytest.mark.parametrize(("rate", "expected"), [('group["lr"]', True), ("base", False)])
@pytest.mark.parametrize("test", ["self.start == 1.0", "self.start != 0.5"])
def test_the_branch_for_one_number_is_judged_like_any_other(rate, expected, test):
    source = f"""
        from torch.optim.lr_scheduler import LRScheduler

        class Warmup(LRScheduler):
            def __init__(self, optimizer, start, warmup_steps, last_epoch=-1):
                self.start, self.warmup_steps = start, warmup_steps
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                done = min(1.0, self.last_epoch / self.warmup_steps)
                if {test}:
                    return [{rate} * done for group, base in zip(self.optimizer.param_groups, self.base_lrs)]
                return [base * (self.start + (1 - self.start) * done) for base in self.base_lrs]
        """
    assert ("LR207" in found(source)) is expected


def test_a_ramp_of_tiny_factors_is_no_ratio():
    assert "LR207" in found(multiplicative("lambda k: 1e-4 * min((k + 1) ** -0.5, (k + 1) * 400 ** -1.5)"))
    assert "LR207" not in found(multiplicative("lambda k: 0.04"))


@pytest.mark.parametrize(("write", "expected"), [('group["lr"] *= lr', True), ('group["lr"] = lr', False)])
def test_a_present_rate_that_is_only_looked_at_is_not_multiplied(write, expected):
    source = f"""
        class Warmup:
            def __init__(self, lr, warmup_steps):
                self.lr, self.warmup_steps = lr, warmup_steps

            def __call__(self, optimizer, step):
                lr = self.lr * min(1.0, step / self.warmup_steps)
                for group in optimizer.param_groups:
                    if group["lr"] > 0:
                        {write}
        """
    assert ("LR207" in found(source)) is expected


RESTORED = """
def update_rates(optimizer, mult):
    for group in optimizer.param_groups:
        group["lr"] *= mult

def reset_rates(optimizer, rates):
    for index, group in enumerate(optimizer.param_groups):
        {reset}

def train(model, loader, optimizer, warmup_iters):
    rates = [group["lr"] for group in optimizer.param_groups]
    for step, batch in enumerate(loader):
        update_rates(optimizer, min(1.0, step / warmup_iters))
        model(batch).backward()
        optimizer.step()
        reset_rates(optimizer, rates)
"""


@pytest.mark.parametrize(("reset", "expected"), [('group["lr"] = rates[index]', set()), ("pass", {"LR207"})])
def test_rates_that_another_function_brings_back_do_not_pile_up(reset, expected):
    assert found(RESTORED.format(reset=reset)) == expected
