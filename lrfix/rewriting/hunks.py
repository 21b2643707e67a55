"""Where two versions of a text differ, in characters: the places of the old one, and what takes their place."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lrfix.findings import Position, Span

#: Line breaks as Python has them; one of two characters is never taken apart.
_AFTER_BREAK = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_LAST_BREAK = re.compile(r"\r?\n\Z|\r\Z")


@dataclass(frozen=True, order=True)
class Hunk:
    """``text`` in place of the characters from ``start`` to ``end`` of the old text."""

    start: int
    end: int
    text: str


def hunks(before: str, after: str) -> tuple[Hunk, ...]:
    """What turns ``before`` into ``after``, in the order of the text and apart from each other: as the hunks of a diff,
    without what stays at their ends. None begins or ends behind the last line break, where no line is."""
    old, new = lines_of(before), lines_of(after)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    same = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    found: list[Hunk] = []
    # All that is alike at the beginning is left out first: what is compared is short then.
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old[same:], new[same:]).get_opcodes():
        if tag != "equal":
            hunk = Hunk(starts[same + i1], starts[same + i2], "".join(new[same + j1 : same + j2]))
            hunk = _without_what_stays(before, hunk)
            if found and found[-1].end == hunk.start:
                last = found.pop()
                hunk = Hunk(last.start, hunk.end, last.text + hunk.text)
            found.append(hunk)
    return tuple(found)


def applied(before: str, changes: Iterable[Hunk]) -> str:
    """``before`` with changes that do not overlap."""
    for hunk in sorted(changes, reverse=True):
        before = before[: hunk.start] + hunk.text + before[hunk.end :]
    return before


def offset_before(offset: int, changes: Sequence[Hunk]) -> int:
    """The offset in the old text of a character of the new one; of what is new, that of what it took the place of."""
    shift = 0
    for hunk in changes:
        start = hunk.start + shift
        if offset < start:
            break
        if offset < start + len(hunk.text):
            return hunk.start
        shift += len(hunk.text) - (hunk.end - hunk.start)
    return offset - shift


def spans(before: str, changes: Sequence[Hunk]) -> list[Span]:
    """The lines and columns that changes take the place of."""
    starts = [0, *(match.start() for match in _AFTER_BREAK.finditer(before))]

    def position(offset: int) -> Position:
        line = bisect_right(starts, offset)
        return Position(line, offset - starts[line - 1] + 1)

    return [Span(position(hunk.start), position(hunk.end)) for hunk in changes]


def lines_of(text: str) -> list[str]:
    """The lines with their breaks: those of Python, and no form feeds."""
    return [line for line in _AFTER_BREAK.split(text) if line]


def _without_what_stays(before: str, hunk: Hunk) -> Hunk:
    start, end, text = hunk.start, hunk.end, hunk.text
    if end == len(before) and (start == end or not text):
        # With the line break before it, so that the one at the end of the text stays.
        taken = _LAST_BREAK.search(before, 0, start)
        if taken is not None:
            start, text = taken.start(), taken.group() + text
    while start < end and text and before[end - 1] == text[-1]:
        end, text = end - 1, text[:-1]
    if before[end - 1 : end + 1] == "\r\n" and end < hunk.end:
        end, text = end + 1, text + "\n"
    while start < end and text and before[start] == text[0]:
        start, text = start + 1, text[1:]
    if start and before[start - 1 : start + 1] == "\r\n":
        start, text = start - 1, "\r" + text
    return Hunk(start, end, text)


__all__ = ["Hunk", "applied", "hunks", "lines_of", "offset_before", "spans"]
