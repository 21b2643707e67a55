"""Lengths and moments that carry units: trainers' timestamps, imported time classes, durations as texts."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.findings import Status
from lrfix.source import parse_source

HEAD = """
    import math
    from datetime import timedelta
    from typing import Union
    from trainers import Clockwork, Duration, State, Time, TimeUnit, LinearScheduler, convert_time
"""
SCHEDULE = """
    class LRScheduler:
        def __init__(self, t_warmup: Union[str, Time], t_max: Union[str, Time] = "1dur", floor: float = 0.0):
            self.t_warmup, self.t_max, self.floor = t_warmup, t_max, floor
        def __call__(self, state: State):
            {body}
"""
STEPPED = """
            warmup = {warmup}
            end = {end}
            now = {now}
            if now < warmup:
                return (now / warmup).value
            share = min(1.0, ((now - warmup) / (end - warmup)).value)
            return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * share)) / 2
"""


def analysed(text: str) -> SiteAnalysis:
    analyses = analyse(parse_source((textwrap.dedent(HEAD) + textwrap.dedent(text)).encode(), "schedule.py"))
    return analyses[-1]


def schedule(now: str = "state.timestamp.batch", warmup: str = "self.t_warmup", end: str = "state.max_duration") -> str:
    body = STEPPED.format(now=now, warmup=warmup, end=end).strip()
    return SCHEDULE.replace("{body}", body).replace('"1dur"', '"1dur"')


def assert_warmup_then_cosine(found: SiteAnalysis) -> None:
    assert found.family == "linear-warmup+cosine", (found.family, found.reason)
    (warmup,) = [v for path, v in found.scenarios[0].values.items() if "warmup" in path]
    assert isinstance(warmup, int)
    assert found.curve[:2] == pytest.approx([0, 1 / warmup])
    assert found.curve[warmup] == 1


@pytest.mark.parametrize(
    "now",
    [
        "state.timestamp",
        "state.timestamp.batch",
        "state.timestamp.get(self.t_warmup.unit)",
        "state.timestamp.get('ba')",
        "state.timestamp.get(TimeUnit.BATCH)",
        "Time(state.timestamp.batch.value, TimeUnit.BATCH)",
        "Time(value=int(state.timestamp.batch), unit='batch')",
    ],
)
def test_a_trainer_s_timestamp_is_the_present_moment(now):
    assert_warmup_then_cosine(analysed(schedule(now=now)))


@pytest.mark.parametrize(
    "end", ["convert_time(self.t_max, state)", "Time.from_timestring(self.t_max) * state.max_duration"]
)
def test_texts_with_a_share_are_a_share_of_the_run(end):
    assert_warmup_then_cosine(analysed(schedule(end=end)))


def test_what_an_unseen_conversion_gives_is_the_length_that_it_was_given():
    assert_warmup_then_cosine(analysed(schedule(warmup="convert_time(self.t_warmup, state)")))


CONVERTED = """
    def in_batches(time: Union[str, Time], state: State) -> Time:
        if isinstance(time, str):
            time = Time.from_timestring(time)
        if time.unit == TimeUnit.SECOND:
            raise ValueError("no wall clock")
        if time.unit == TimeUnit.DURATION:
            return Time(int(time.value * state.max_duration.value), state.max_duration.unit)
        if time.unit == TimeUnit("epoch"):
            return Time(time.value * int(state.dataloader_len), TimeUnit.BATCH)
        return time
"""


def test_a_conversion_in_the_file_is_simulated_branch_by_branch():
    text = CONVERTED + schedule(warmup="in_batches(self.t_warmup, state)", end="in_batches(self.t_max, state)")
    assert_warmup_then_cosine(analysed(text))


def test_lengths_in_epochs_become_batches_by_the_loader_s_length():
    found = analysed(
        CONVERTED
        + """
    class PeriodicLR:
        def __init__(self, gamma: float, decay_period: Union[str, Time] = "1ep"):
            self.gamma, self.decay_period = gamma, decay_period
        def __call__(self, state: State):
            period = in_batches(self.decay_period, state)
            return self.gamma ** int(state.timestamp.get(period.unit) / period)
    """
    )
    values = found.scenarios[0].values
    assert found.curve[values["state.dataloader_len"] - 1] == 1
    assert found.curve[values["state.dataloader_len"]] == pytest.approx(values["gamma"])


def test_wall_clock_lengths_are_lengths_as_well():
    found = analysed("""
        class BudgetLR:
            def __init__(self, optimizer, warmup: timedelta, total: timedelta):
                self.optimizer, self.warmup, self.total = optimizer, warmup, total
            def step(self, elapsed: timedelta):
                lr = min(elapsed.total_seconds() / self.warmup.total_seconds(), 1 - elapsed / self.total)
                for group in self.optimizer.param_groups:
                    group["lr"] = lr
        """)
    warmup, total = found.scenarios[0].values["warmup"], found.scenarios[0].values["total"]
    assert found.curve[1] == pytest.approx(1 / warmup)
    assert found.curve[2 * warmup] == pytest.approx(1 - 2 * warmup / total)


def test_an_unseen_schedule_that_says_it_is_linear_goes_straight_from_end_to_end():
    found = analysed("""
        class WarmupLR:
            def __init__(self, t_warmup: Time, t_max: Time):
                self.t_warmup, self.t_max = t_warmup, t_max
                self.ramp = LinearScheduler(alpha_i=0.0, alpha_f=1.0, t_max=t_warmup)
            def __call__(self, state: State):
                if state.timestamp < self.t_warmup:
                    return self.ramp(state)
                return 1 - ((state.timestamp - self.t_warmup) / (self.t_max - self.t_warmup)).value
        """)
    assert found.family == "linear-warmup+linear", (found.family, found.reason)


def test_an_unseen_schedule_of_unknown_course_is_not_guessed():
    found = analysed("""
        class WarmupLR:
            def __init__(self, t_warmup: Time, t_max: Time):
                self.t_warmup, self.t_max = t_warmup, t_max
                self.warmup_schedule = Clockwork(t_warmup)
            def __call__(self, state: State):
                if state.timestamp < self.t_warmup:
                    return self.warmup_schedule(state)
                return 1 - ((state.timestamp - self.t_warmup) / (self.t_max - self.t_warmup)).value
        """)
    assert found.status is Status.OPAQUE


def test_a_schedule_of_units_is_offered_no_rewrite():
    """The bundled schedules count steps; what unit the lengths come in, only their class knows."""
    found = analysed("""
        class DecayLR:
            def __init__(self, step_size: Time, gamma: float):
                self.step_size, self.gamma = step_size, gamma
            def __call__(self, state: State):
                return self.gamma ** int(state.timestamp.get(self.step_size.unit) / self.step_size)
        """)
    assert found.family == "step"
    assert found.status is Status.UNSUPPORTED
    assert found.reason is not None and "unit" in found.reason


def test_lengths_of_files_that_read_no_unit_stay_numbers():
    found = analysed("""
        class DecayLR:
            def __init__(self, warmup_steps: Time, total_steps: Time):
                self.warmup_steps, self.total_steps = warmup_steps, total_steps
            def __call__(self, step):
                assert isinstance(self.warmup_steps, int)
                return min(step / self.warmup_steps, 1 - step / self.total_steps)
        """)
    assert found.curve[:2] == pytest.approx([0, 1 / found.scenarios[0].values["warmup_steps"]])
