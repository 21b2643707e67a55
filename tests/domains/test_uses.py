"""Roles by what the code does with a value, where its name says less or something else."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.domains.roles import Role
from lrfix.domains.uses import roles_by_use


def roles(source):
    return dict(roles_by_use(ast.parse(textwrap.dedent(source)).body))


@pytest.mark.parametrize(
    "source",
    [
        "factor = 1.0 if step < decay[0] else 0.1",
        "if decay[-1] <= epoch: factor = 0.1",
        "for end in decay:\n    if epoch >= end: factor *= 0.1",
    ],
)
def test_a_list_that_the_position_is_compared_with_holds_milestones(source):
    assert roles(source)["decay"] is Role.MILESTONES


@pytest.mark.parametrize(
    "source",
    [
        "factor = decay[0] if step < 10 else decay[1]",
        "if settings['decay'] <= epoch: factor = 0.1",
        "for epoch in decay:\n    if epoch >= 10: factor *= 0.1",
        "for end in decay:\n    if rate >= end: factor *= 0.1",
    ],
)
def test_other_elements_are_no_positions(source):
    assert "decay" not in roles(source) and "settings" not in roles(source)


def test_what_is_stored_under_another_name_plays_the_same_part():
    source = """
    class Schedule:
        def __init__(self, lr_decay):
            self.decay = lr_decay

        def factor(self, step):
            return 1.0 if step < self.decay[0] else 0.1
    """
    assert roles(source)["lr_decay"] is Role.MILESTONES


@pytest.mark.parametrize("divisor", ["warmup[0]", "max(1, warmup[0])"])
def test_a_list_whose_element_the_position_is_divided_by_holds_lengths(divisor):
    assert "warmup" not in roles(f"factor = step / {divisor} if step < warmup[0] else 1.0")


@pytest.mark.parametrize(
    ("source", "role"),
    [
        ("ramp = total_steps * warmup_rate", Role.WARMUP_FRACTION),
        ("ramp = self.warmup_rate * (epochs * len_loader)", Role.WARMUP_FRACTION),
        ("lr = warmup_rate * step", None),
        ("lr = base_lr * epochs", None),
    ],
)
def test_a_rate_that_a_length_is_multiplied_with_is_a_share_of_it(source, role):
    assert roles(source).get("warmup_rate") is role


@pytest.mark.parametrize("exponent", ["step // interval", "int(step / interval)", "math.floor(epoch / 30)"])
def test_what_is_raised_to_a_count_of_stairs_is_a_factor_whatever_its_name(exponent):
    assert roles(f"rate = power ** ({exponent})")["power"] is Role.GAMMA
    assert "power" not in roles(f"rate = (1 - step / total) ** power * ({exponent})")


RAMP = """
class Schedule:
    def step(self):
        if self.count < {until}:
            progress = self.count / self.warmup_steps
            rate = {rate}
"""


@pytest.mark.parametrize(
    "rate",
    ["self.start_lr + progress * (self.ref_lr - self.start_lr)", "(lr - self.start_lr) * progress + self.start_lr"],
)
def test_what_a_warmup_climbs_from_is_where_it_starts(rate):
    assert roles(RAMP.format(until="self.warmup_steps", rate=rate))["start_lr"] is Role.WARMUP_START
    assert "start_lr" not in roles(RAMP.format(until="self.hold", rate=rate))


def test_what_a_warmup_goes_to_is_its_peak_where_the_name_says_nothing():
    found = roles(RAMP.format(until="self.warmup_steps", rate="start_lr + progress * (goal - start_lr)"))
    assert found["goal"] is Role.PEAK


def test_what_is_named_like_the_position_and_divides_it_is_an_interval_though_it_may_be_a_list():
    source = """
    if isinstance(self.step, int):
        return rate * gamma ** (epoch // self.step)
    for i, moment in enumerate(self.step):
        print(i, moment)
    """
    assert roles(source)["step"] is Role.STEP_SIZE


def test_what_is_added_to_the_position_is_where_training_begins():
    assert roles("factor = 1.0 - (epoch + opt.epoch_count) / total")["epoch_count"] is Role.INCREMENT
    assert "num_epochs" not in roles("factor = 1.0 - (epoch + num_epochs) / total")


def test_a_decay_that_the_position_is_compared_with_is_the_moment_of_it():
    assert roles("if epoch > decay:\n    rate = floor")["decay"] is Role.EPOCHS
    assert roles("self.n += 1\nif self.n > self.decay:\n    rate = floor")["decay"] is Role.HORIZON
    assert "decay" not in roles("rate = rate * decay if progress > decay else rate")


@pytest.mark.parametrize(
    ("source", "role"),
    [
        ("factor = epoch / peak if epoch < peak else 1.0", Role.WARMUP_EPOCHS),
        ("factor = np.interp([step], [0, peak, total], [0, 1, 0])[0]", Role.WARMUP),
        ("xs = [0, peak, total]\nfactor = np.interp(step, xs, [0, 1, 0])", Role.WARMUP),
    ],
)
def test_a_peak_that_the_position_is_compared_with_is_its_moment(source, role):
    assert roles(source)["peak"] is role
