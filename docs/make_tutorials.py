"""The sessions of docs/tutorials: files that a page shows, commands that it runs, and what they print.

    python docs/make_tutorials.py [--check] [PAGE...]

A block with a title is a file: ```` ```python title="train.py" ````. A ``console`` block is a session in the folder of
these files: lines that begin with ``$ `` are commands, what follows is their output, and a line ``...`` stands for any
lines. Blocks of a page share one folder, in the order of the page. A comment before a block says who runs it:
``<!-- long -->``, this script and no test: it needs torch or takes its time; ``<!-- by hand -->``, the reader alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "tutorials"

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>long|by hand) -->\n)?"
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ELIDED = "..."


@dataclass(frozen=True)
class File:
    """A file that the page shows."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a session; ``start`` and ``end`` are where its output stands in the page."""

    line: str
    output: str
    start: int
    end: int
    long: bool


def steps(page: str) -> Iterator[File | Command]:
    """What a reader who does everything that can be done here does, in order."""
    for block in _BLOCK.finditer(page):
        if block["title"]:
            yield File(block["title"], block["body"])
        elif block["language"] == "console" and block["mark"] != "by hand":
            at = block.start("body")
            for part in re.split(r"(?m)^(?=\$ )", block["body"]):
                line, _, output = part.partition("\n")
                if line:
                    begin = at + len(line) + 1
                    yield Command(line[2:], output, begin, at + len(part), block["mark"] == "long")
                at += len(part)


def agrees(shown: str, real: str) -> bool:
    """Whether an output is what the page shows, up to what it leaves out."""
    parts = re.split(rf"(?m)^{re.escape(_ELIDED)}\n", shown)
    if len(parts) == 1:
        return shown == real
    pattern = r"(?:.*\n)*?".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, real) is not None


def run(folder: Path, command: str) -> str:
    """What a shell prints for a command; ``lrfix`` is the one of this checkout."""
    shell = f'lrfix() {{ "{sys.executable}" -m lrfix "$@"; }}\n{command}'
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", shell], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def differences(
    page: str, folder: Path, run: Callable[[Path, str], str] = run, long: bool = True
) -> Iterator[tuple[Command, str]]:
    """The commands of a page, done in a folder, that print something else than it shows, with what they print."""
    for step in steps(page):
        if isinstance(step, File):
            path = folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif long or not step.long:
            real = run(folder, step.line)
            if not agrees(step.output, real):
                yield step, real


def main(arguments: list[str]) -> int:
    """Write what the commands print into the pages, or with ``--check`` say where it differs."""
    check = "--check" in arguments
    named = [argument for argument in arguments if argument != "--check"]
    status = 0
    for path in sorted(FOLDER.glob("*.md")):
        if named and path.stem not in named:
            continue
        page = text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            found = list(differences(page, Path(folder)))
        for command, real in reversed(found):
            if check:
                print(f"{path.name}: $ {command.line}\n{real}", end="")
            text = text[: command.start] + real + text[command.end :]
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
        status |= bool(found) and check
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
