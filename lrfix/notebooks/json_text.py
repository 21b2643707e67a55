"""Where the values of a JSON text stand in it: what Python's own ``json`` does not tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Piece:
    """A text in the file: its value, and the offsets of its opening quote and just past its closing one."""

    value: str
    start: int
    end: int


def members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """The keys of the object that begins at ``at``, each with the offset of its value. Raises ValueError."""
    for position in _parts(text, at, "{", "}"):
        key = piece(text, position)
        after = skip(text, key.end)
        if text[after : after + 1] != ":":
            raise ValueError(f"a colon is expected at offset {after}")
        yield key.value, skip(text, after + 1)


def items(text: str, at: int) -> Iterator[int]:
    """The offsets of the elements of the array that begins at ``at``. Raises ValueError."""
    return _parts(text, at, "[", "]")


def value(text: str, at: int) -> tuple[object, int]:
    """The value that begins at ``at``, and the offset just past it. Raises ValueError."""
    parsed, end = _DECODER.raw_decode(text, at)
    return parsed, end


def piece(text: str, at: int) -> Piece:
    """The text that begins at ``at``. Raises ValueError where it is none."""
    if text[at : at + 1] != '"':
        raise ValueError(f"a text is expected at offset {at}")
    decoded, end = value(text, at)
    assert isinstance(decoded, str)
    return Piece(decoded, at, end)


def offset_in(text: str, found: Piece, index: int) -> int:
    """The offset of the character ``index`` of a text's value, in the file."""
    at = found.start + 1
    for _ in range(index):
        if text[at] != "\\":
            at += 1
            continue
        step = 6 if text[at + 1] == "u" else 2
        # A character beyond the basic plane is written as two.
        pair = (
            step == 6 and text[at + 2 : at + 4].lower() in ("d8", "d9", "da", "db") and text[at + 6 : at + 8] == "\\u"
        )
        at += 12 if pair else step
    return at


def skip(text: str, at: int) -> int:
    """The offset of the first character from ``at`` that is no space."""
    while text[at : at + 1] in _SPACE and at < len(text):
        at += 1
    return at


def _parts(text: str, at: int, opening: str, closing: str) -> Iterator[int]:
    if text[at : at + 1] != opening:
        raise ValueError(f"{opening} is expected at offset {at}")
    at = skip(text, at + 1)
    if text[at : at + 1] == closing:
        return
    while True:
        yield at
        if opening == "{":
            at = skip(text, skip(text, piece(text, at).end) + 1)
        _, at = value(text, at)
        at = skip(text, at)
        if text[at : at + 1] == closing:
            return
        if text[at : at + 1] != ",":
            raise ValueError(f"a comma or {closing} is expected at offset {at}")
        at = skip(text, at + 1)


__all__ = ["Piece", "items", "members", "offset_in", "piece", "skip", "value"]
