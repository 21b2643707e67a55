"""Draws docs/screens, what the pages show of lrfix at work, from real runs.

    python docs/make_screens.py

It needs the extra ``docs``, and torch. The files are those of docs/tutorials. Pictures of text carry it in their
description, which tests/test_docs.py compares with what the pages print.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path

from make_tutorials import FOLDER, ROOT, File, steps
from rich import _export_format
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

PICTURES = ROOT / "docs" / "screens"
WIDTH = 112
#: Without the fonts that rich would fetch from the network.
FORMAT = re.sub(r"@font-face \{.*?\}\s*(?=@font-face|\.)", "", _export_format.CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": str(WIDTH)}


def lrfix(folder: Path, *arguments: str) -> str:
    """What a command prints, in colours where it has them."""
    command = [sys.executable, "-m", "lrfix", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def drawn(name: str, title: str, shown: Iterable[RenderableType]) -> None:
    """One picture of a terminal."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for each in shown:
        console.print(each)
    text = console.export_text(clear=False)
    svg = console.export_svg(title=title, unique_id=name, code_format=FORMAT)
    if re.search(r"url\([\"']?https?:|@import", svg):
        raise SystemExit(f"{name}.svg loads something from the network")
    described = "\n".join(line.rstrip() for line in text.splitlines())
    svg = re.sub(r"(<svg[^>]*>)", lambda tag: f"{tag[1]}<desc>\n{escape(described)}\n</desc>", svg, count=1)
    (PICTURES / f"{name}.svg").write_text(svg.rstrip() + "\n", encoding="utf-8", newline="\n")


def terminal(name: str, folder: Path, *arguments: str) -> None:
    """A picture of a command and what it prints."""
    output = lrfix(folder, *arguments, "--color", "always")
    prompt = Text(f"$ lrfix {' '.join(arguments)}", style="bold")
    drawn(name, f"lrfix {arguments[0]}", [prompt, Text.from_ansi(output.rstrip("\n"))])


async def hovered(path: Path, line: int) -> str:
    """What the server shows an editor whose pointer rests on a line, counted from 1, in Markdown."""
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    client = LanguageClient("screens", "1")
    client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: None)
    client.feature(types.WINDOW_LOG_MESSAGE)(lambda params: None)
    await client.start_io(sys.executable, "-m", "lrfix", "server", env=environment())
    await client.initialize_async(types.InitializeParams(types.ClientCapabilities(), process_id=os.getpid()))
    client.initialized(types.InitializedParams())
    document = types.TextDocumentItem(path.as_uri(), "python", 1, path.read_text(encoding="utf-8"))
    client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    place = types.HoverParams(types.TextDocumentIdentifier(document.uri), types.Position(line - 1, 4))
    hover = await client.text_document_hover_async(place)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    assert hover is not None and isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value


def editor(name: str, path: Path, first: int, last: int, at: int) -> None:
    """A picture of an editor: some lines of a file, and the hover on one of them."""
    markdown = asyncio.run(hovered(path, at))
    text = path.read_text(encoding="utf-8")
    code = Syntax(text, "python", line_numbers=True, line_range=(first, last), highlight_lines={at}, theme="ansi_dark")
    drawn(name, path.name, [Group(code, Panel(Markdown(markdown, code_theme="ansi_dark"), width=WIDTH - 8))])


def files_of(page: str, folder: Path) -> Path:
    """The files that a tutorial shows first, in a folder of their own."""
    where = folder / page
    for step in steps((FOLDER / f"{page}.md").read_text(encoding="utf-8")):
        if isinstance(step, File):
            path = where / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(step.text, encoding="utf-8")
    return where


def main() -> None:
    """All pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        gpt = files_of("nanogpt", Path(scratch))
        terminal("check", gpt, "check", "train.py")
        lines = (gpt / "train.py").read_text(encoding="utf-8").splitlines()
        at = next(number for number, line in enumerate(lines, 1) if line.startswith("def get_lr"))
        editor("hover", gpt / "train.py", at - 1, at + 8, at)
        terminal("terminal-plot", gpt, "plot", "train.py")
        talk = files_of("plot", Path(scratch))
        lrfix(talk, "plot", "-o", str(PICTURES / "plot.svg"), "train.py")
        customer = ROOT / "fixtures" / "buggy" / "warm_restarts_per_batch.py"
        lrfix(ROOT, "plot", "-o", str(PICTURES / "plot.html"), str(customer.relative_to(ROOT)))
        lrfix(ROOT, "plot", "--rewrite", "-o", str(PICTURES / "before-after.png"), str(customer.relative_to(ROOT)))
        terminal("rewrite", ROOT, "rewrite", "--device", "cpu", str(customer.relative_to(ROOT)))


if __name__ == "__main__":
    main()
