"""A rule is asked once about a schedule, whoever wants to know."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asking import SOUND, reported, unrecognised

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import Position, Severity, Span, Violation
from lrfix.judging import Verdicts
from lrfix.pages import Page, load_pages
from lrfix.registry import Rule, load_rules

HERE = Span(Position(1, 1), Position(1, 2))


def rule(function) -> Rule:
    return Rule(Page("LR101", "mutated-parameter", Severity.ERROR, "", "0.1.0", "", None, ()), function)  # type: ignore[arg-type]


def test_a_rule_runs_once_however_often_it_is_asked():
    asked = []

    def counting(study):
        asked.append(study)
        yield Violation(HERE, "found")

    verdicts, counted = Verdicts("the study"), rule(counting)
    assert [v.message for v in verdicts.of(counted)] == ["found"]
    assert [v.message for v in verdicts.of(counted)] == ["found"]
    assert asked == ["the study"]


def test_what_a_rule_found_before_it_crashed_is_kept_and_the_crash_raised_each_time():
    def crashing(study):
        yield Violation(HERE, "found")
        raise ZeroDivisionError("no steps")

    verdicts, fragile = Verdicts("the study"), rule(crashing)
    for _ in range(2):
        found = verdicts.of(fragile)
        assert next(found).message == "found"
        with pytest.raises(ZeroDivisionError):
            next(found)


def test_rules_that_crash_on_a_study_count_as_silent():
    assert Verdicts(object()).faults <= set(load_rules())


AFTER = "(step - warmup_steps) / (total_steps - warmup_steps)"


@pytest.mark.parametrize(
    ("code", "formula"),
    [("LR206", f"1 - math.cos(math.pi * {AFTER})"), ("LR202", "2 * (1 - step / total_steps)")],
)
def test_a_rule_asked_alone_says_what_it_says_among_the_others(code, formula):
    source = (
        "import math\n\ndef get_lr(step, warmup_steps, total_steps, base_lr, min_lr):\n"
        "    if step < warmup_steps:\n        return base_lr * (step + 1) / warmup_steps\n"
        f"    return min_lr + (base_lr - min_lr) * 0.5 * ({formula})\n"
    )
    found = check_source(source.encode(), "train.py", Settings(selected=frozenset(load_rules()))).findings
    among = [(f.code, f.severity, f.message, f.span) for f in found if f.code == code]
    assert among and [tuple(r[:4]) for r in reported(code, source)] == among


NEGATIVE = """
parser.add_argument("--{stated}", type=int, default=90)

def adjust_learning_rate(optimizer, epoch, args):
    for group in optimizer.param_groups:
        group["lr"] = args.lr * (1 - 2 * epoch / args.epochs)
"""


@pytest.mark.parametrize(
    ("stated", "severity"),
    [("workers", Severity.INFO), ("epochs", Severity.ERROR)],
    ids=["a length that its callers choose", "a length that is stated"],
)
def test_a_function_is_wrong_at_some_moments_for_certain_only_with_lengths_that_are_stated(stated, severity):
    (found,) = reported("LR212", NEGATIVE.format(stated=stated))
    assert found.severity is severity


@pytest.mark.parametrize("code", ["LR101", "LR202", "LR206", "LR303"])
def test_what_is_said_of_a_schedule_does_not_depend_on_whether_it_is_recognised(code):
    for example in (*load_pages()[code].bad[:1], *load_pages()[code].good[:1]):
        whole = check_source(example.code.encode(), "train.py", Settings(selected=frozenset(load_rules())))
        rest = Settings(selected=frozenset(load_rules()).difference(SOUND), described=False)
        part = check_source(example.code.encode(), "train.py", rest, analyse=unrecognised)
        said = [replace(found, site=None) for found in whole.findings if found.code not in SOUND]
        assert [replace(found, site=None) for found in part.findings] == said
