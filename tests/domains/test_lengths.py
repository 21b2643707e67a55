"""Lengths that a file states beyond what is simulated: shortened in proportion, kept where the formula holds others."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported, studies

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.registry import load_rules

CONSTANTS = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    epochs = 90
    warmup_steps = {warmup}
    total_steps = {total}

    def factor(step):
        if step < warmup_steps:
            return step / warmup_steps
        progress = (step - warmup_steps) / (total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    def build(optimizer):
        return LambdaLR(optimizer, factor)
    """
FIELDS = """
    from dataclasses import dataclass
    from torch.optim.lr_scheduler import LambdaLR

    @dataclass
    class Config:
        warmup_steps: int = 2000
        total_steps: int = 100000

    cfg = Config()
    LambdaLR(optimizer, lambda step: min((step + 1) / cfg.warmup_steps, max(0.0, 1 - step / cfg.total_steps)))
    """
CLASS = """
    from torch.optim.lr_scheduler import LambdaLR

    class Config:
        warmup_steps = 2000
        total_steps = 100000

    cfg = Config()
    LambdaLR(optimizer, lambda step: min((step + 1) / cfg.warmup_steps, max(0.0, 1 - step / cfg.total_steps)))
    """
ENTRIES = """
    from torch.optim.lr_scheduler import LambdaLR

    cfg = {"warmup_steps": 2000, "total_steps": 100000}
    LambdaLR(optimizer, lambda step: min((step + 1) / cfg["warmup_steps"], max(0.0, 1 - step / cfg["total_steps"])))
    """
LITERAL = """
    from torch.optim.lr_scheduler import LambdaLR

    total_steps = 100000
    LambdaLR(optimizer, lambda step: min((step + 1) / 250, max(0.0, 1 - step / total_steps)))
    """


def leaves(source: str) -> list[dict[str, object]]:
    """What each scenario puts in the place of the free expressions of the only schedule."""
    (study,) = [study for study in studies(source) if study.site.form == "lambda"]
    return [dict(run.leaves) for run in study.runs]


def test_scenarios_keep_the_proportions_and_one_tells_lengths_apart():
    first, second, third = leaves(CONSTANTS.format(warmup=10_000, total=100_000))
    assert first == {"warmup_steps": 31, "total_steps": 307}
    assert second == {"warmup_steps": 61, "total_steps": 613}
    assert third == {"warmup_steps": 42, "total_steps": 421}


def test_a_short_length_goes_with_the_long_one_of_its_unit_and_keeps_a_few_steps():
    first, second, _ = leaves(CONSTANTS.format(warmup=50, total=100_000))
    assert (first["warmup_steps"], second["warmup_steps"]) == (7, 3)


def test_lengths_that_can_be_simulated_stay_as_they_are():
    assert leaves(CONSTANTS.format(warmup=50, total=500)) == [{}, {}, {}]


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        (FIELDS, ("cfg.warmup_steps", "cfg.total_steps")),
        (CLASS, ("cfg.warmup_steps", "cfg.total_steps")),
        (ENTRIES, ("cfg['warmup_steps']", "cfg['total_steps']")),
    ],
)
def test_fields_and_entries_of_settings_are_shortened_alike(source, paths):
    first = leaves(source)[0]
    assert [first[path] for path in paths] == [7, 307]


def test_lengths_that_are_stated_in_one_line_are_shortened_alike():
    apart = leaves(CONSTANTS.format(warmup=100, total=1000))
    stated = "warmup_steps = 100\n    total_steps = 1000\n"
    together = CONSTANTS.format(warmup=100, total=1000).replace(stated, "warmup_steps, total_steps = 100, 1000\n")
    assert "warmup_steps, total_steps = 100, 1000" in together
    assert leaves(together) == apart and apart[0] == {"warmup_steps": 31, "total_steps": 307}


def test_a_formula_with_a_length_of_its_own_keeps_all_lengths():
    assert leaves(LITERAL) == [{}, {}, {}]


def found(source: str) -> list[str]:
    result = check_source(textwrap.dedent(source).encode(), "train.py", Settings(selected=frozenset(load_rules())))
    return [finding.code for finding in result.findings if finding.severity.value != "info"]


@pytest.mark.parametrize(("warmup", "codes"), [(30_000, ["LR202"]), (300, [])])
def test_a_fault_is_reported_where_it_shows_in_the_file_s_own_proportions(warmup, codes):
    source = CONSTANTS.format(warmup=warmup, total=100_000)
    assert found(source.replace("(step - warmup_steps) / (total_steps - warmup_steps)", "step / total_steps")) == codes


def test_the_evidence_names_the_lengths_as_the_file_states_them():
    source = CONSTANTS.format(warmup=30_000, total=100_000)
    source = source.replace("(step - warmup_steps) / (total_steps - warmup_steps)", "step / total_steps")
    (finding,) = reported("LR202", source)
    assert finding.evidence.scenario == {"warmup_steps": 92, "total_steps": 307}
    assert finding.evidence.shortened == {"warmup_steps": 30_000, "total_steps": 100_000}


FUNCTION = """
    def get_lr(step, base_lr=0.1, warmup_steps=250, total_steps=100000):
        return base_lr * min((step + 1) / warmup_steps, max(0.0, 1 - step / total_steps))
    """
CONSTANTS_OF_A_CLASS = """
    from torch.optim.lr_scheduler import LambdaLR

    class Options:
        warmup_steps = 250
        total_steps = 100000

    LambdaLR(optimizer, lambda step: min(step / Options.warmup_steps, max(0.0, 1 - step / Options.total_steps)))
    """


def test_constants_of_a_class_that_is_never_built_are_shortened_alike():
    first = leaves(CONSTANTS_OF_A_CLASS)[0]
    assert [first[path] for path in ("Options.warmup_steps", "Options.total_steps")] == [7, 307]


def test_lengths_that_are_defaults_of_parameters_are_no_numbers_of_the_formula():
    assert not any(study.unseen for study in studies(FUNCTION))
