"""What a stream can show, and writing to it without ever failing on a character."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TextIO, TypeVar

from lrfix.output.sparkline import ASCII, BLOCKS

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36, "bold": 1, "dim": 2}

#: What a terminal obeys, but for line breaks and colours: names of files and lines of code may hold any of it.
_OBEYED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]|\r(?!\n)|\x1b(?!\[[0-9;]*m)")

Colour = Literal["auto", "always", "never"]
_Result = TypeVar("_Result")

PATIENCE = 2.0
"""How long nothing is said of files that are checked, in seconds."""


@dataclass(frozen=True)
class Style:
    """``colour``: ANSI escapes may be used; ``blocks``: the eight levels of a sparkline."""

    colour: bool = False
    blocks: str = BLOCKS

    @classmethod
    def of(cls, stream: TextIO | None, colour: Colour = "auto") -> Style:
        """Block characters only where the encoding has them. ``auto`` is colour on a terminal; NO_COLOR says no and
        FORCE_COLOR says yes where nobody says ``always`` or ``never``."""
        coloured = colour == "always" or (colour == "auto" and _wants_colour(stream))
        encoding = getattr(stream, "encoding", None) or "ascii"
        try:
            BLOCKS.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return cls(coloured, ASCII)
        return cls(coloured)

    def paint(self, text: str, *names: str) -> str:
        """The text in the given colours, or as it is."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(str(_COLOURS[name]) for name in names)}m{text}\x1b[0m"


def _wants_colour(stream: TextIO | None) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


class Progress:
    """A line on a terminal that says which of so many files is at work; silent on anything else, and in CI."""

    def __init__(self, stream: TextIO | None, files: int, clock: Callable[[], float] = time.monotonic) -> None:
        for_people = stream is not None and stream.isatty() and not os.environ.get("CI")
        self._stream = stream if for_people and os.environ.get("TERM") != "dumb" and files > 1 else None
        self._clock = clock
        self._files = files
        self._begun = 0
        self._width = 0

    def file(self, path: str) -> None:
        self._begun += 1
        self._show(f"{self._begun}/{self._files} {path}")

    def counting(self, results: Iterable[_Result]) -> Iterator[_Result]:
        """The results of the files as they come, told of once that has taken a while."""
        due = self._clock() + PATIENCE
        try:
            for number, result in enumerate(results, 1):
                yield result
                if number < self._files and self._clock() >= due:
                    self._show(f"{number}/{self._files} files")
        finally:
            self.done()

    def proofs(self, number: int) -> None:
        self._show(f"running {number} proof{'' if number == 1 else 's'}, old and new side by side")

    def done(self) -> None:
        if self._width:
            self._show("")

    def _show(self, text: str) -> None:
        if self._stream is None:
            return
        text = text[-100:].encode("ascii", "replace").decode()
        with contextlib.suppress(OSError, ValueError):
            self._stream.write("\r" + text.ljust(self._width) + ("\r" if not text else ""))
            self._stream.flush()
        self._width = len(text)


class OutputError(Exception):
    """What was to be said could not be written: a full disk, a stream that is closed."""


def in_one_line(path: str) -> str:
    """The name of a file without line breaks: what follows one would pass for a line of lrfix's own."""
    return path.replace("\r", "\\r").replace("\n", "\\n")


def write(stream: TextIO | None, text: str) -> None:
    """Writes and flushes; characters that the stream cannot encode, or that a terminal would obey, become escapes.

    Raises OutputError where nothing can be written, BrokenPipeError where nobody reads any more.
    """
    if stream is None:
        raise OutputError("there is nothing to write to, the stream is closed")
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    text = _OBEYED.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
    try:
        stream.write(text)
        # Here and not at exit, so that a closed pipe is noticed where it can be handled.
        stream.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(getattr(error, "strerror", None) or str(error)) from None


__all__ = ["Colour", "OutputError", "Progress", "Style", "in_one_line", "write"]
