"""Whatever lies in ``.lrfix_cache``, ``check`` answers: an entry whose result no run can have had is none, and one that
is taken can be shown in every format."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix import looks
from lrfix.cache import Cache, Recall
from lrfix.commands.check import FORMATS
from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_file
from lrfix.findings import FileResult
from lrfix.looks import digest_of
from lrfix.output import emit
from lrfix.output.document import Document
from lrfix.registry import load_rules
from lrfix.usage import Place

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(frozenset(load_rules()))
#: Findings with evidence and related places.
SOURCES = ("buggy/lr202_spike.py", "buggy/lr110_warmup_over_decay.py")
ODD = (
    *(None, True, False, 0, -1, 1, 2, 9, 10**12, 10**400, -0.5, 1e308),
    *("", "x", "\x1b[2J\n", "\ud800", "LR999", "..", "0"),
    *([], {}, [0], [1], [2], [3], [4], [5], [0, 1.0], [5, 0], [3, 0, 1, 1], [4, 0, "error"], [2, "a", [0]], [1] * 200),
    *(float("nan"), float("inf")),
)
"""Values in the place of others, some of them the codec's own marks."""


@dataclass
class Kept:
    """A file and what is kept of it: the entry's head and result as JSON."""

    path: str
    raw: bytes
    cache: Cache
    entry: Path
    head: Any
    result: Any

    @cached_property
    def ways(self) -> list[tuple[Any, ...]]:
        return [way for way in places([self.head, self.result]) if way]

    def recalled(self, head: Any, result: Any) -> FileResult | None:
        """What a run makes of an entry that somebody has made up, with a checksum as it has to be."""
        body = f"{json.dumps(head)}\n{json.dumps(result)}\n".encode()
        self.entry.write_bytes(f"{digest_of(body)}\n".encode() + body)
        recall = Recall(self.cache, SETTINGS)
        recall.saw(self.path, self.raw)
        recall.mentions(self.path, self.raw)
        return recall.result(self.path, Place(self.path))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> list[Kept]:
    found = []
    for source in SOURCES:
        folder = tmp_path_factory.mktemp("kept")
        path = folder / "train.py"
        path.write_bytes((ROOT / "fixtures" / source).read_bytes())
        cache = Cache.at(str(folder / ".lrfix_cache"))
        assert cache is not None
        result = check_file(Target(str(path)), SETTINGS, cache=cache)
        assert result.findings and result.sites and not result.errors
        (entry,) = (folder / ".lrfix_cache").glob("*/*")
        _, head, text, _ = entry.read_text(encoding="utf-8").split("\n")
        found.append(Kept(str(path), path.read_bytes(), cache, entry, json.loads(head), json.loads(text)))
        assert found[-1].recalled(found[-1].head, found[-1].result) == result
    return found


def shown(result: FileResult) -> None:
    """In every format, without an end to the output that a page could not hold."""
    for form in FORMATS:
        stream = io.StringIO()
        emit.report(Document.of([result]), form, stream, statistics=True, curves=True)
        assert len(stream.getvalue()) < 1_000_000
        assert "\x1b[2J" not in stream.getvalue()


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a JSON value; of long rows to a few."""
    yield way
    parts = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, part in list(parts)[:40]:
        yield from places(part, (*way, key))


def changed(value: Any, way: tuple[Any, ...], other: Any) -> Any:
    if not way:
        return other
    copied = list(value) if isinstance(value, tuple) else value.copy()
    copied[way[0]] = changed(value[way[0]], way[1:], other)
    return copied


@settings(max_examples=80)
@given(st.integers(0, len(SOURCES) - 1), st.integers(0, 1 << 20), st.sampled_from(ODD))
def test_an_entry_that_somebody_has_made_up_is_none_or_can_be_shown(
    kept: list[Kept], file: int, place: int, other: Any
) -> None:
    one = kept[file]
    head, result = changed((one.head, one.result), one.ways[place % len(one.ways)], other)
    recalled = one.recalled(head, result)
    if recalled is not None:
        shown(recalled)


def test_a_made_up_entry_asks_for_nothing_outside_of_the_project(
    kept: list[Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(looks, "_kind", lambda path: asked.append(path) or "file")
    for path in ("/etc/passwd", "//elsewhere/share", f"{os.path.dirname(kept[0].path)}/../../x.py", 3):
        head = [*kept[0].head[:3], [["kind", path, "file"]]]
        assert kept[0].recalled(head, kept[0].result) is None
        assert path not in asked


@settings(max_examples=60)
@given(st.binary(max_size=60), st.integers(0, 3))
def test_bytes_that_are_no_entry_are_none(kept: list[Kept], noise: bytes, lines: int) -> None:
    one = kept[0]
    body = noise + b"\n" * lines
    for content in (body, f"{digest_of(body)}\n".encode() + body):
        one.entry.write_bytes(content)
        recall = Recall(one.cache, SETTINGS)
        recall.saw(one.path, one.raw)
        assert recall.result(one.path, Place(one.path)) is None
