"""Rule pages: strict front matter, examples, and where the pages are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrfix import pages
from lrfix.findings import Severity
from lrfix.pages import PageError, parse_page, read_pages

TEXT = """---
code: LR202
name: boundary-jump
severity: error
summary: the curve jumps where phases meet: warmup and decay
since: 0.1.0
---

Why it matters.

```python bad
lr = 1
```

```python
not an example
```

```python good
lr = 2
lr = 3
```
"""
PATH = Path("LR202-boundary-jump.md")


def test_a_page_holds_what_its_front_matter_says():
    page = parse_page(TEXT, PATH)
    assert (page.code, page.name, page.severity, page.since) == ("LR202", "boundary-jump", Severity.ERROR, "0.1.0")
    assert page.summary == "the curve jumps where phases meet: warmup and decay"
    assert page.body.startswith("Why it matters.\n")


def test_examples_are_the_fences_marked_bad_and_good_with_their_lines():
    page = parse_page(TEXT, PATH)
    assert [(example.code, example.line) for example in page.bad] == [("lr = 1\n", 12)]
    assert [(example.code, example.line) for example in page.good] == [("lr = 2\nlr = 3\n", 20)]
    for example in page.examples:
        assert TEXT.splitlines()[example.line - 1] == example.code.splitlines()[0]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("---\ncode", "code", r":1: .*begins with '---'"),
        ("since: 0.1.0\n---", "since: 0.1.0", "no closing|expected 'key: value'"),
        ("since: 0.1.0\n", "", "lacks 'since'"),
        ("since:", "author:", r":6: unknown key 'author'"),
        ("since: 0.1.0", "since: 0.1.0\nsince: 0.2.0", r":7: 'since' stands twice"),
        ("since: 0.1.0", "since:", r":6: expected 'key: value'"),
        ("since: 0.1.0", "  since: 0.1.0", r":6: expected 'key: value'"),
        ("severity: error", "severity: fatal", "none of error, warning, info"),
        ("code: LR202", "code: LR20", "LR123"),
        ("name: boundary-jump", "name: Boundary Jump", "kebab-case"),
        ("name: boundary-jump", "name: boundary", "must be called LR202-boundary.md"),
        ("since: 0.1.0", "since: 0.1.0\nstatus: planned", "unknown key 'status'"),
    ],
)
def test_a_page_that_breaks_the_format_is_refused_with_its_place(old, new, complaint):
    assert old in TEXT
    with pytest.raises(PageError, match=complaint) as caught:
        parse_page(TEXT.replace(old, new), PATH)
    assert str(caught.value).startswith("LR202-boundary-jump.md:")


def test_pages_come_in_the_order_of_their_codes(tmp_path):
    for code in ("LR203", "LR202"):
        text = TEXT.replace("LR202", code)
        (tmp_path / f"{code}-boundary-jump.md").write_text(text, encoding="utf-8")
    (tmp_path / "README.md").write_text("no page", encoding="utf-8")
    assert list(read_pages(tmp_path)) == ["LR202", "LR203"]


def test_pages_are_found_in_the_installed_package_before_the_checkout(tmp_path, monkeypatch):
    package = tmp_path / "site" / "lrfix"
    (package / "_rules").mkdir(parents=True)
    (tmp_path / "site" / "rules").mkdir()
    monkeypatch.setattr(pages, "__file__", str(package / "pages.py"))
    with pytest.raises(FileNotFoundError, match="no rule pages"):
        pages.rules_dir()
    (tmp_path / "site" / "rules" / PATH.name).write_text(TEXT, encoding="utf-8")
    assert pages.rules_dir() == tmp_path / "site" / "rules"
    (package / "_rules" / PATH.name).write_text(TEXT, encoding="utf-8")
    assert pages.rules_dir() == package / "_rules"


def test_every_page_of_this_release_parses_and_has_examples():
    loaded = pages.load_pages()
    assert "LR001" in loaded
    for page in loaded.values():
        assert page.bad and page.good, page.path
