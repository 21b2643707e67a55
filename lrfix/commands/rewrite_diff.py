"""A change as a unified diff that ``git apply`` and ``patch`` take."""

from __future__ import annotations

import difflib

from lrfix.output.terminal import Style

_COLOURS = {"@": "cyan", "+": "green", "-": "red"}


def unified_diff(name: str, before: str, after: str, style: Style) -> str:
    """What turns ``before`` into ``after``; only line feeds end lines, and a last line without one is marked."""
    old, new = ("", "") if name.startswith("/") else ("a/", "b/")
    parts = []
    for line in difflib.unified_diff(_lines(before), _lines(after), old + name, new + name):
        # The line break is not painted: a colour that is open at the end of a line runs on to the margin.
        text = line.rstrip("\r\n")
        parts.append(style.paint(text, *_COLOURS.get(line[0], "").split()) + line[len(text) :])
        if not line.endswith("\n"):
            parts.append("\n\\ No newline at end of file\n")
    return "".join(parts)


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


__all__ = ["unified_diff"]
