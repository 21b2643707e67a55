"""Rules and pages: found by walking, joined, refused with a place when they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrfix.findings import Severity
from lrfix.pages import Page
from lrfix.registry import ENGINE_RULES, RegistryError, join, load_rules, rule


def page(code: str) -> Page:
    path = Path(f"rules/{code}-some-rule.md")
    return Page(code, "some-rule", Severity.ERROR, "a summary", "0.1.0", "", path, ())


PAGES = {"LR001": page("LR001"), "LR202": page("LR202")}


@rule("LR202")
def boundary_jump(study):
    yield from ()


def test_a_rule_is_joined_with_its_page():
    rules = join([boundary_jump], PAGES)
    assert list(rules) == ["LR001", "LR202"]
    assert rules["LR202"].function is boundary_jump
    assert (rules["LR202"].name, rules["LR202"].severity) == ("some-rule", Severity.ERROR)


def test_the_engine_s_own_rule_has_a_page_and_no_function():
    assert join([boundary_jump], PAGES)["LR001"].function is None
    with pytest.raises(RegistryError, match="LR001 has no page"):
        join([boundary_jump], {"LR202": page("LR202")})


def test_a_rule_without_a_page_is_refused_at_its_line():
    @rule("LR203")
    def orphan(study):
        yield from ()

    with pytest.raises(RegistryError, match=r"test_registry\.py:\d+: LR203 has no page; write rules/LR203-"):
        join([boundary_jump, orphan], PAGES)


def test_a_page_without_a_rule_is_refused_by_its_file():
    with pytest.raises(RegistryError, match=r"LR203-some-rule\.md:1: LR203 has no rule"):
        join([boundary_jump], {**PAGES, "LR203": page("LR203")})


def test_two_rules_with_one_code_are_refused():
    @rule("LR202")
    def second(study):
        yield from ()

    with pytest.raises(RegistryError, match="LR202 is already the rule at"):
        join([boundary_jump, second], PAGES)


@pytest.mark.parametrize("code", ["LR2", "lr202", "LR001", "W202"])
def test_a_malformed_code_is_refused(code):
    @rule(code)
    def malformed(study):
        yield from ()

    with pytest.raises(RegistryError, match="not a rule's code"):
        join([malformed], PAGES)


def test_a_rule_takes_the_study_and_nothing_else():
    @rule("LR202")
    def curious(study, settings):
        yield from ()

    with pytest.raises(RegistryError, match="takes one argument"):
        join([curious], PAGES)


def test_the_rules_of_this_release_fit_their_pages():
    rules = load_rules()
    assert {"LR001", "LR101", "LR102", "LR104", "LR105", "LR202", "LR401"} <= set(rules)
    assert [code for code, entry in rules.items() if entry.function is None] == sorted(ENGINE_RULES)
