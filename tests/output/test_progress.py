"""The line that says how far a run has come."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from lrfix.output.terminal import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_person_looks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def every(seconds: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += seconds


def run(stream: io.StringIO, seconds: float, items: int = 5) -> str:
    """What is said of a run in which the clock goes on by so much whenever it is looked at."""
    times = every(seconds)
    assert list(Progress(stream, items, lambda: next(times)).counting(range(items))) == list(range(items))
    return stream.getvalue()


def test_nothing_is_said_of_a_short_run() -> None:
    assert run(Terminal(), 0.3) == ""


def test_a_long_one_is_told_of_and_nothing_is_left_of_the_line() -> None:
    said = run(Terminal(), 1.5)
    assert "2/5 files" in said
    assert said.endswith("\r         \r") and "\n" not in said


def test_whoever_stops_taking_finds_a_clean_line() -> None:
    stream, times = Terminal(), every(3.0)
    items = Progress(stream, 5, lambda: next(times)).counting(range(5))
    assert [next(items), next(items)] == [0, 1]
    items.close()
    assert "1/5 files" in stream.getvalue() and stream.getvalue().endswith("\r         \r")


def test_nothing_is_said_in_pipes_and_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(io.StringIO(), 3.0) == ""
    monkeypatch.setenv("CI", "true")
    assert run(Terminal(), 3.0) == ""
