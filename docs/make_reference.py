"""Fills in what docs/commands.md, docs/settings.md and docs/rules.md take from the commands, the schema and the rules.

    python docs/make_reference.py [--check]

What it writes stands between ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->``; the rest is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lrfix.cli import COMMANDS, main
from lrfix.pages import load_pages

DOCS = Path(__file__).resolve().parent
SCHEMA = DOCS / "schemas" / "configuration.json"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def commands() -> str:
    """Every command with its arguments and options, as click knows them."""
    parts = []
    for name in sorted(COMMANDS):
        command = main.get_command(click.Context(main, info_name="lrfix"), name)
        assert command is not None
        arguments = [
            f"[{p.human_readable_name.upper()}]{'...' if p.nargs == -1 else ''}"
            for p in command.params
            if isinstance(p, click.Argument)
        ]
        options = [[_option(p), _help(p)] for p in command.params if isinstance(p, click.Option)]
        usage = " ".join([f"lrfix {name}", *(["[OPTIONS]"] if options else []), *arguments])
        parts.append(f"## lrfix {name}\n\n{_prose(command.help or '')}\n\n```text\n{usage}\n```\n")
        if options:
            parts.append(table(["option", "what it does"], options))
    return "\n".join(parts)


def _option(option: click.Option) -> str:
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    value = option.metavar or ("|".join(str(choice) for choice in choices) if choices else "")
    names = ", ".join(sorted(option.opts, key=len))
    return f"`{names}{' ' + value if value else ''}`"


def _help(option: click.Option) -> str:
    default = f"Default: `{option.default}`." if option.show_default else ""
    return " ".join(part for part in (_prose(option.help or ""), default) if part)


def _prose(text: str) -> str:
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(re.sub(r"(?<!\S)(--?[a-z][a-z-]*)", r"`\1`", part) for part in paragraphs)


def settings() -> str:
    """Every key of the configuration, as its schema has it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    rows = [[f"`{key}`", _kind(of), of["description"]] for key, of in schema["properties"].items()]
    return table(["key", "value", "what it says"], rows)


def _kind(of: dict[str, Any]) -> str:
    if "$ref" in of:
        return "list of rules"
    if of["type"] == "array":
        return "list of texts"
    if of["type"] == "object":
        return "table of pattern = list of rules"
    return {"string": "text", "integer": f"whole number from {of.get('minimum')}"}[of["type"]]


def rules() -> str:
    """Every rule with its summary."""
    rows = [[f"[{p.code}](../rules/{p.path.name})", p.name, p.severity.value, p.summary] for p in load_pages().values()]
    return table(["code", "name", "severity", "what it finds"], rows)


PARTS: dict[str, Callable[[], str]] = {"commands": commands, "settings": settings, "rules": rules}


def filled(text: str, name: str, part: str) -> str:
    """A page with the part of that name put in its place."""
    place = re.compile(rf"(?<=<!-- {name}:begin -->\n).*?(?=<!-- {name}:end -->)", re.DOTALL)
    text, times = place.subn(lambda _: f"\n{part}\n", text)
    if times != 1:
        raise SystemExit(f"docs/{name}.md needs one place from {name}:begin to {name}:end")
    return text


def run(check: bool) -> int:
    """Fill in the pages, or with ``check`` say which are not current."""
    status = 0
    for name, part in PARTS.items():
        path = DOCS / f"{name}.md"
        before = path.read_text(encoding="utf-8")
        after = filled(before, name, part())
        if not check:
            path.write_text(after, encoding="utf-8", newline="\n")
        elif after != before:
            print(f"docs/{name}.md is stale; run python docs/make_reference.py")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))
