"""What notebooks hold beside Python: magics, shell lines, questions. Each line of it becomes one harmless line.

What a line magic runs as Python (``%time train()``) stays. A cell of another language is left empty.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Cell magics whose cells are Python that runs here.
_PYTHON_CELLS = frozenset({"capture", "memit", "prun", "python", "python3", "time", "timeit"})
#: Line magics whose rest is a Python statement.
_RUNS = re.compile(r"%(?:time|timeit|prun|memit)(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]+(?=[^-\s])")
_ESCAPED = re.compile(r"[%!?]")
_ASSIGNED = re.compile(r"(?P<to>[\w.\[\], \t]+=[ \t]*)(?:%\w|!)")
_QUESTION = re.compile(r"%{0,2}[\w.*]+\?{1,2}$")
#: What IPython takes for a magic without its percent sign, where it is no Python.
_AUTOMAGIC = re.compile(
    r"(?:apt|apt-get|cat|cd|conda|cp|git|ls|mamba|mkdir|mv|pip3?|pwd|python|rm|uv|wget)(?:[ \t]+\S|$)"
)
_CELL = re.compile(r"%%(\w*)")


@dataclass(frozen=True)
class Line:
    """One line of a cell: as it stands, as Python, and by how many characters the Python stands further left."""

    original: str
    python: str
    shift: int = 0

    @property
    def kept(self) -> bool:
        return self.original == self.python


def as_python(text: str) -> tuple[tuple[Line, ...], bool]:
    """The lines of a cell, and whether the cell is Python at all."""
    lines = text.split("\n")
    plain = [line.rstrip("\r").replace("\r", " ") for line in lines]
    first = next((index for index, line in enumerate(plain) if line.strip()), None)
    magic = _CELL.match(plain[first]) if first is not None else None
    if magic and magic.group(1) not in _PYTHON_CELLS:
        return tuple(Line(line, "") for line in lines), False
    if magic is None and _parses("\n".join(plain)):
        return tuple(Line(old, new) for old, new in zip(lines, plain, strict=True)), True
    found: list[Line] = []
    for index, (old, (new, fresh)) in enumerate(zip(lines, _fresh(plain), strict=True)):
        if magic and index == first:
            found.append(Line(old, "pass"))
        elif fresh is None:
            found.append(Line(old, ""))
        else:
            found.append(_line(old, new) if fresh else Line(old, new))
    return tuple(found), True


def _line(old: str, plain: str) -> Line:
    indent = plain[: len(plain) - len(plain.lstrip())]
    code = plain[len(indent) :].rstrip()
    runs = _RUNS.match(code)
    if runs is not None and _parses(code[runs.end() :]):
        return Line(old, indent + code[runs.end() :], runs.end())
    if _ESCAPED.match(code) or _QUESTION.match(code):
        return Line(old, f"{indent}pass")
    assigned = _ASSIGNED.match(code)
    if assigned is not None and not _parses(code):
        return Line(old, f"{indent}{assigned.group('to')}get_ipython()")
    if _AUTOMAGIC.match(code) and not _parses(code):
        return Line(old, f"{indent}pass")
    return Line(old, plain)


def _parses(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _fresh(lines: Sequence[str]) -> Iterator[tuple[str, bool | None]]:
    """Each line, and whether a statement may begin in it: not within brackets, a text, or behind a backslash. None of a
    line that goes on from a magic or shell line."""
    depth, quote, joined, command = 0, "", False, False
    for line in lines:
        if command:
            yield line, None
            command = line.endswith("\\")
            continue
        fresh = depth == 0 and not quote and not joined
        yield line, fresh
        joined = False
        code = line.lstrip()
        if fresh and (_ESCAPED.match(code) or _ASSIGNED.match(code)):
            # It has brackets and quotes of its own.
            command = line.endswith("\\")
            continue
        depth, quote, joined = _after(line, depth, quote)


def _after(line: str, depth: int, quote: str) -> tuple[int, str, bool]:
    """How deep in brackets the line ends, in which text, and whether a backslash joins it to the next."""
    at = 0
    while at < len(line):
        if quote:
            if line[at] == "\\":
                at += 2
                continue
            if line.startswith(quote, at):
                at += len(quote)
                quote = ""
                continue
        elif line[at] == "#":
            return depth, "", False
        elif line[at] in "\"'":
            quote = line[at] * 3 if line.startswith(line[at] * 3, at) else line[at]
            at += len(quote)
            continue
        elif line[at] in "([{":
            depth += 1
        elif line[at] in ")]}":
            depth = max(0, depth - 1)
        at += 1
    joined = line.endswith("\\")
    return depth, quote if len(quote) == 3 or joined else "", joined and not quote


__all__ = ["Line", "as_python"]
