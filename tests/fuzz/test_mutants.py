"""Whatever a file holds, ``check`` answers: mutants of fixtures and rule pages, and every file that ever broke it.

``benchmarks/fuzzing/fuzz.py`` looks further; what it finds is a file in ``fixtures/fuzzed`` first and mended then.
"""

from __future__ import annotations

import copy
import functools
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix.config import ConfigError, Settings, read_config
from lrfix.engine import check_source
from lrfix.findings import FileResult
from lrfix.registry import load_rules

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "fuzzing"))

from fuzz import drawn, seeds

FOUND = Path(__file__).resolve().parents[2] / "fixtures" / "fuzzed"
TEXTS = seeds(())


def checked(text: str) -> FileResult:
    return check_source(text.encode("utf-8", "surrogatepass"), "train.py", Settings(frozenset(load_rules())))


def answered(result: FileResult) -> bool:
    """Whether everything that was to be said is there: findings and sites, or why the file cannot be read."""
    return all(error.kind != "internal" for error in result.errors)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.py")), ids=lambda path: path.stem)
def test_what_once_broke_it_is_answered(path):
    result = checked(path.read_text(encoding="utf-8"))
    assert answered(result), result.errors
    assert result.parsed and result.sites


@pytest.mark.parametrize("name", ["function", "node", "values", "library"])
def test_the_names_of_parameters_are_the_users_own(name):
    result = checked(f"""
from functools import partial
from types import SimpleNamespace

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def factor(step, {name}, total):
    options = SimpleNamespace({name}={name}, total=total)
    held = dict({name}=options.{name})
    return min(1.0, (step + 1) / held["{name}"]) * max(0.0, 1 - step / total)


class Warmup(LRScheduler):
    def __init__(self, optimizer, {name}=10, total=100):
        self.{name} = {name}
        self.total = total
        super().__init__(optimizer)

    def get_lr(self):
        return [base * factor(self.last_epoch, {name}=self.{name}, total=self.total) for base in self.base_lrs]


def build(optimizer):
    Warmup(optimizer, {name}=5, total=50)
    return LambdaLR(optimizer, partial(factor, {name}=10, total=100))
""")
    assert answered(result)
    assert len(result.sites) == 2 and all(site.status.judged and len(site.curve) > 9 for site in result.sites)
    assert [site.curve[2] > site.curve[0] > 0 for site in result.sites] == [True, True]


def test_there_is_something_to_mutate():
    assert len(TEXTS) > 100
    assert drawn(7, 1, TEXTS) == drawn(7, 1, TEXTS) != drawn(8, 1, TEXTS)


@settings(max_examples=12)
@given(st.integers(0, 1 << 30))
def test_mutants_are_answered(number):
    name, text = drawn(number, 0, TEXTS)
    result = checked(text)
    assert answered(result), (name, result.errors)


def test_a_schedule_without_end_costs_a_bounded_amount_of_work_and_says_so():
    result = checked((FOUND / "step_without_end.py").read_text(encoding="utf-8"))
    assert result.counters["fuel-spent"] == 1
    assert result.counters["fuel"] <= 5_000_000


def test_a_file_full_of_schedules_costs_a_bounded_amount_of_work(monkeypatch):
    from lrfix.driving import budget

    monkeypatch.setattr(budget, "FILE", 30_000)
    build = "def build_{0}(optimizer, total):\n    return LambdaLR(optimizer, lambda step: 1 - step / total)\n\n\n"
    text = "from torch.optim.lr_scheduler import LambdaLR\n\n\n" + "".join(map(build.format, range(12)))
    result = checked(text)
    assert len(result.sites) == 12 and answered(result)
    assert result.counters["fuel"] == 30_000 and result.counters["fuel-spent"] > 0
    spent = [site for site in result.sites if site.reason is not None and "more work than lrfix spends" in site.reason]
    assert spent


@settings(max_examples=60)
@given(st.text(alphabet="[]{}=\"'.#,\n abtool.lrfixexcludeselect0123456789-_\\", max_size=80))
def test_configurations_are_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "pyproject.toml"
    path.write_text("[tool.lrfix]\n" + text, encoding="utf-8")
    try:
        config = read_config(path)
    except ConfigError as error:
        assert str(path) in str(error)
    else:
        assert config is not None


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["# lrfix:", " ignore", "[", "LR202", "]", ",", "skip-file", "\n", "x = 1", "(", ")"])))
def test_comments_to_lrfix_are_followed_or_complained_of(pieces):
    assert answered(checked("".join(pieces) + "\n"))


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Train\n"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%matplotlib inline\n", "lr_scheduler = 1\n"]},
    ],
    "metadata": {"kernelspec": {"language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
ODD = (
    *(None, True, 0, -1, 10**400, 0.5, "", "\ud800", "%%", "!", "%%bash\n", "x = (\n"),
    *([], {}, [0], ["%%", None], {"a": 1}),
)


def places(value, way=()):
    yield way
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*way, key))


@settings(max_examples=80)
@given(st.sampled_from(list(places(NOTEBOOK))), st.sampled_from(ODD), st.integers(0, 500), st.booleans())
def test_notebooks_are_answered_whatever_is_in_them(way, other, cut, whole):
    broken = copy.deepcopy(NOTEBOOK)
    if way:
        *before, last = way
        functools.reduce(lambda value, key: value[key], before, broken)[last] = other
    raw = json.dumps(broken if way else other).encode()
    result = check_source(raw if whole else raw[:cut], "train.ipynb", Settings(frozenset(load_rules())))
    assert answered(result), result.errors
