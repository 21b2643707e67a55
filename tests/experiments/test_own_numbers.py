"""A fault is told with the numbers that the file states, where it shows with these too."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import FileResult, Finding
from lrfix.output.examples import lines
from lrfix.registry import load_rules

FORMULA = """
    if step < {warmup}:
        return step / {warmup}
    return 0.5 * (1 + math.cos(math.pi * step / {total}))
"""


def checked(text: str) -> FileResult:
    source = "import argparse, math\nfrom dataclasses import dataclass\nfrom torch.optim.lr_scheduler import LambdaLR\n"
    return check_source((source + textwrap.dedent(text)).encode(), "train.py", Settings(frozenset(load_rules())))


def formula(warmup: str, total: str) -> str:
    return textwrap.indent(FORMULA.format(warmup=warmup, total=total), "    ")


def found(text: str, code: str) -> Finding:
    (finding,) = [each for each in checked(text).findings if each.code == code]
    return finding


def values(finding: Finding) -> list[str]:
    assert finding.evidence is not None
    return lines(finding.evidence)


EXAMPLE_RATE = "example values chosen by lrfix: the optimizer's lr = 0.1"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "def build(optimizer, warmup=40, total=100):\n    def factor(step):\n"
            + formula("warmup", "total")
            + "    return LambdaLR(optimizer, factor)\n",
            ("warmup", "total"),
        ),
        (
            "parser = argparse.ArgumentParser()\nparser.add_argument('--warmup', type=int, default=40)\n"
            "parser.add_argument('--total-steps', type=int, default=100)\nargs = parser.parse_args()\n"
            "def factor(step):\n" + FORMULA.format(warmup="args.warmup", total="args.total_steps") + "\n"
            "def build(optimizer):\n    return LambdaLR(optimizer, factor)\n",
            ("args.warmup", "args.total_steps"),
        ),
        (
            "@dataclass\nclass Config:\n    warmup: int = 40\n    total_steps: int = 100\n\n"
            "def build(optimizer, config: Config):\n    def factor(step):\n"
            + formula("config.warmup", "config.total_steps")
            + "    return LambdaLR(optimizer, factor)\n",
            ("config.warmup", "config.total_steps"),
        ),
    ],
    ids=["parameters", "argparse", "dataclass"],
)
def test_defaults_are_told_wherever_the_file_states_them(text, names):
    finding = found(text, "LR202")
    assert "at step 39 to 0.06545 at step 40" in finding.message
    assert values(finding) == [f"with your values: {names[0]} = 40, {names[1]} = 100", EXAMPLE_RATE]


def test_the_curve_of_the_schedule_is_that_of_the_defaults_beside_a_choice_by_name():
    result = checked(
        """
        def build(optimizer, kind="cosine", warmup=10, total=100):
            def factor(step):
                if step < warmup:
                    return (step + 1) / warmup
                if kind == "cosine":
                    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
                elif kind == "linear":
                    return (total - step) / (total - warmup)
                raise ValueError(kind)
            return LambdaLR(optimizer, factor)
        """
    )
    (site,) = result.sites
    assert site.shown is not None
    assert (site.shown.scenario["warmup"], site.shown.scenario["total"]) == (10, 100)
    assert [branch.curve.index(max(branch.curve)) for branch in site.schedules] == [9, 9]
    assert site.schedules[0].curve == site.shown.curve


def test_long_lengths_are_shortened_in_proportion():
    finding = found(
        """
        def build(optimizer, warmup_steps=4000, total_steps=20000):
            def factor(step):
                if step < warmup_steps:
                    return step / warmup_steps
                return max(0.0, (total_steps - step) / (total_steps - warmup_steps))
            return LambdaLR(optimizer, factor)
        """,
        "LR203",
    )
    assert values(finding)[0] == (
        "with your lengths, simulated shorter in proportion: warmup_steps = 61 for 4000, total_steps = 307 for 20000"
    )


def test_a_stated_warmup_is_not_put_into_a_drawn_run_that_is_shorter_and_other_numbers_are_the_authors():
    finding = found(
        """
        def build(optimizer, total_steps, warmup_steps=2000, power=2.0):
            def factor(step):
                if step < warmup_steps:
                    return step / warmup_steps
                return max(0.0, (total_steps - step) / (total_steps - warmup_steps)) ** power
            return LambdaLR(optimizer, factor)
        """,
        "LR203",
    )
    assert finding.evidence is not None
    assert finding.evidence.scenario == {"warmup_steps": 11, "total_steps": 97, "power": 2.0}
    assert finding.evidence.replaced == {"warmup_steps": 2000}


def test_a_stated_warmup_that_fits_into_a_drawn_run_is_used():
    text = """
        def build(optimizer, total_steps, warmup_steps=20):
            def factor(step):
                if step < warmup_steps:
                    return step / warmup_steps
                return max(0.0, (total_steps - step) / (total_steps - warmup_steps))
            return LambdaLR(optimizer, factor)
        """
    assert "step 1 has 0.005" in found(text, "LR203").message


@pytest.mark.parametrize(("warmup", "used"), [(20, 20), (50, 11)])
def test_a_stated_warmup_ends_before_the_drops_that_are_drawn(warmup, used):
    finding = found(
        f"""
        def build(optimizer, milestones, warmup_steps={warmup}, gamma=0.1):
            def factor(step):
                if step < warmup_steps:
                    return step / warmup_steps
                return gamma ** sum(step >= milestone for milestone in milestones)
            return LambdaLR(optimizer, factor)
        """,
        "LR203",
    )
    assert finding.evidence is not None
    assert finding.evidence.scenario == {"warmup_steps": used, "milestones": [23, 41, 59], "gamma": 0.1}


def test_what_shows_in_drawn_numbers_alone_is_told_with_these_and_names_the_authors():
    finding = found(
        """
        def build(optimizer, total, warmup=0):
            def factor(step):
                if step < warmup:
                    return (step + 1) / warmup
                return max(0.0, 1 - step / total)
            return LambdaLR(optimizer, factor)
        """,
        "LR202",
    )
    assert finding.evidence is not None and finding.evidence.scenario["warmup"] == 11
    assert "(your default: warmup = 0)" in values(finding)[-1]


def test_what_the_bundled_scheduler_takes_the_place_of_keeps_its_parameters_and_shows_the_authors_curve():
    text = """
        def build(optimizer, total, warmup=0, power=1.0):
            def factor(step):
                if step < warmup:
                    return (step + 1) / warmup
                return max(0.0, (total - step) / (total - warmup)) ** power
            return LambdaLR(optimizer, factor)
        """
    finding = found(text, "LR401")
    assert "warmup_steps=warmup" in finding.message and "power=power" in finding.message
    assert finding.evidence is not None and finding.evidence.scenario["power"] == 1.0
