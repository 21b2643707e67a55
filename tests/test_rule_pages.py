"""Bad examples of the rule pages give the rule's code on the marked line, good ones nothing but advice.

A mark is ``# LR205``, or ``# LR205 info`` where the finding is advice.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache, partial

import pytest
from asking import SOUND, unrecognised

from lrfix.analysis import SiteAnalysis, examine
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import Finding, Severity
from lrfix.pages import Example, Page, load_pages
from lrfix.registry import load_rules
from lrfix.source import parse_source

SECTIONS = [
    "What goes wrong",
    "Why it costs training runs",
    "How lrfix sees it",
    "Example",
    "When to ignore it",
    "References",
]
PAGES = list(load_pages().values())
BAD = [pytest.param(p, e, id=f"{p.code}-bad-{n}") for p in PAGES for n, e in enumerate(p.bad, 1)]
GOOD = [pytest.param(p, e, id=f"{p.code}-good-{n}") for p in PAGES for n, e in enumerate(p.good, 1)]


@cache
def analysed(code: str, whole: bool) -> Sequence[SiteAnalysis]:
    source = parse_source(code.encode(), "page.py")
    return examine(source) if whole else unrecognised(source)


def findings(page: Page, example: Example, code: str | None = None) -> tuple[Finding, ...]:
    """``code``: the same with another comment. Its schedules are those of the example, which are analysed once.

    What a schedule is recognised as is asked where the page is about that, or about comments, which ask every rule."""
    whole = page.code in (*SOUND, "LR001")
    selected = frozenset(load_rules()).difference(() if whole else SOUND)
    sites = partial(analysed, example.code, whole)
    path = f"{page.path.name}:{example.line}"
    result = check_source(
        (code or example.code).encode(),
        path,
        Settings(selected, described=False),
        analyse=lambda source, torch: sites(),
    )
    assert result.errors == ()
    return result.findings


def shown(found: list[Finding]) -> list[str]:
    return [f"{f.code} line {f.span.start.line}: {f.message}" for f in found]


@pytest.mark.parametrize(("page", "example"), BAD)
def test_a_bad_example_gives_the_rule_s_code_on_the_marked_line(page, example):
    marks = [(n, re.search(rf"# {page.code}( info)?$", line)) for n, line in enumerate(example.code.splitlines(), 1)]
    marked = [(n, Severity.INFO if mark[1] else page.severity) for n, mark in marks if mark]
    found = [f for f in findings(page, example) if f.severity is not Severity.INFO or f.code == page.code]
    assert marked, "no line of the example is marked"
    expected = [(page.code, line, severity) for line, severity in marked]
    assert [(f.code, f.span.start.line, f.severity) for f in found] == expected, shown(found)


@pytest.mark.parametrize(("page", "example"), GOOD)
def test_a_good_example_gives_nothing_but_advice(page, example):
    found = [f for f in findings(page, example) if f.severity is not Severity.INFO or f.code == page.code]
    assert found == [], shown(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_a_page_has_its_sections_and_its_examples(page):
    assert re.findall(r"^## (.+)$", page.body, re.MULTILINE) == SECTIONS
    assert page.bad
    assert len(page.good) >= 2, "a rule needs near misses that it leaves alone"
    assert re.search(rf"# lrfix: ignore\[(LR\d+, )?{page.code}\]", page.body)


# What a comment takes away does not depend on the example: one a page.
@pytest.mark.parametrize(("page", "example"), [pytest.param(p, p.bad[0], id=p.code) for p in PAGES])
def test_the_comment_that_the_page_names_takes_the_finding_away(page, example):
    code = example.code.replace("ignore[LR202]  # LR001", "ignore[LR202, LR001]")
    code = re.sub(rf"# {page.code}(?: info)?$", f"# lrfix: ignore[{page.code}]", code, flags=re.MULTILINE)
    assert code != example.code
    assert ast.dump(ast.parse(code)) == ast.dump(ast.parse(example.code))
    found = findings(page, example, code)
    found = [f for f in found if f.severity is not Severity.INFO or f.code == page.code]
    assert found == [], shown(found)
