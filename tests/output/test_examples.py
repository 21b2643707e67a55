"""Numbers that lrfix chose are said to be so, beside the user's own; the curve ends where the schedule does."""

from __future__ import annotations

import pytest

from lrfix.findings import Evidence, Finding, Position, Severity, Span
from lrfix.output.examples import lines, told
from lrfix.output.sparkline import ASCII, drawn

CHOSEN = Evidence(
    (3, 4),
    (0.1, 0.2),
    {"args.warmup": 11, "args.lr": 0.0003, "total": 97},
    stated={"args.warmup": 100, "args.lr": 0.0003},
)


def finding(message: str, evidence: Evidence | None) -> Finding:
    return Finding("a.py", "LR202", "n", Severity.ERROR, message, Span(Position(1, 1), Position(1, 2)), evidence)


def test_what_is_the_users_and_what_is_not():
    assert lines(CHOSEN) == [
        "with your values: args.lr = 0.0003",
        "example values chosen by lrfix: args.warmup = 11, total = 97 (your default: args.warmup = 100)",
    ]


def test_a_message_that_has_numbers_says_whose_they_are():
    shown = told(finding("The rate is 0.2 at step 4.", CHOSEN))
    assert shown == (
        "The rate is 0.2 at step 4. (Example values chosen by lrfix: args.warmup = 11, total = 97 "
        "(your default: args.warmup = 100).)"
    )


@pytest.mark.parametrize("evidence", [None, Evidence(scenario={"a": 1}, stated={"a": 1}), Evidence()])
def test_a_message_by_the_users_own_values_stands_alone(evidence):
    assert told(finding("The rate is 0.2.", evidence)) == "The rate is 0.2."


def test_a_message_without_numbers_stands_alone():
    assert told(finding("`x2` is never read.", CHOSEN)) == "`x2` is never read."


def test_lengths_that_were_shortened_are_the_users():
    shortened = Evidence(scenario={"n": 1000}, shortened={"n": 200_000})
    assert lines(shortened) == ["with your lengths, simulated shorter in proportion: n = 1000 for 200000"]
    assert told(finding("The rate is 0.2 at step 4.", shortened)).endswith(
        "(With your lengths, simulated shorter in proportion: n = 1000 for 200000.)"
    )


def test_the_optimizers_rate_is_an_example_where_nobody_gives_it():
    assert lines(Evidence(base_lr=0.1)) == ["example values chosen by lrfix: the optimizer's lr = 0.1"]


RAMP = tuple(float(min(k, 20 - k)) for k in range(21))


def test_a_curve_ends_where_the_schedule_does_and_warmup_is_marked():
    assert drawn(Evidence((4,), (4.0,), curve=(*RAMP, *RAMP), end=20), ASCII) == [
        "__.-=++*#@@@#*++=-.__  0 .. 10, steps 0 .. 20",
        "          ^ warmup ends at step 10",
    ]


def test_a_curve_whose_end_nobody_knows_ends_behind_its_last_move():
    assert drawn(Evidence((4,), (4.0,), curve=(*RAMP, *[0.0] * 200)), ASCII)[0].endswith("steps 0 .. 23")


def test_what_comes_past_the_end_is_shown_where_that_is_the_fault():
    curve, marks = drawn(Evidence((25,), (4.0,), curve=(*RAMP, *RAMP[1:]), end=20), ASCII)
    assert curve.endswith("steps 0 .. 27")
    assert marks == "          ^ warmup ends at step 10" or marks.startswith("          ^ warmup")
    falling = tuple(10.0 - k for k in range(11)) + (5.0,) * 5
    assert drawn(Evidence((12,), (5.0,), curve=falling, end=10), ASCII)[1] == "          ^ its end, step 10"


def test_no_curve_draws_nothing():
    assert drawn(Evidence()) == []
