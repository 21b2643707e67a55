"""SECURITY.md: each promise names its test, and the test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|") and not set(line) <= set("| -")][1:]

#: What `lrfix check` promises, a paragraph each.
PROMISES = re.split(r"\n(?=- )", PAGE.split("## What `lrfix check` promises")[1].split("\n## ")[0].strip())


def test_there_are_promises() -> None:
    assert len(ROWS) > 8 and len(PROMISES) > 5


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:50])
def test_a_promise_names_its_test(row: str) -> None:
    held = row.split("|")[3]
    assert "test" in held or held.strip() == "the same", row


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[4:40])
def test_so_does_each_of_check(promise: str) -> None:
    assert re.search(r"`tests/[\w/]+", promise), promise


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]*test_\w+\.py)", PAGE))))
def test_a_named_file_is_there(name: str) -> None:
    assert (ROOT / name).exists() or (ROOT / "tests" / "verification" / name).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b((?:test|Test)_?[A-Za-z]\w+)(?!\.py)\b(?!\w*\.py)", PAGE))))
def test_a_named_test_is_there(name: str) -> None:
    if (ROOT / "tests" / f"{name}.py").exists() or list((ROOT / "tests").rglob(f"{name}.py")):
        return
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    assert any(re.search(rf"\b(?:def|class) {name}\b", text) for text in texts)


@pytest.mark.parametrize("folder", sorted(set(re.findall(r"`(tests/\w+/)`", PAGE))))
def test_a_named_folder_has_tests(folder: str) -> None:
    assert list((ROOT / folder).rglob("test_*.py"))


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(\w+\.py::\w+)`", PAGE))))
def test_a_test_named_with_its_file_is_in_that_file(named: str) -> None:
    file, _, name = named.partition("::")
    (path,) = (ROOT / "tests").rglob(file)
    assert re.search(rf"\b(?:def|class) {name}\b", path.read_text(encoding="utf-8"))
