"""The rules' pages: one Markdown file a rule, the truth about its name, severity and meaning.

A page opens with flat front matter, ``key: value`` lines between two ``---`` lines. Nothing nested, no quoting: what
stands after the colon is the value. The body is Markdown with ``python bad`` and ``python good`` examples.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lrfix.findings import Severity

_REQUIRED = ("code", "name", "severity", "summary", "since")
_CODE = re.compile(r"LR\d{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FENCE = re.compile(r"^```(\w+)[ \t]+(bad|good)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


class PageError(Exception):
    """A page that breaks the format; the message begins with ``file:line``."""


@dataclass(frozen=True)
class Example:
    """A fenced block of a page: ``kind`` is ``bad`` or ``good``, ``line`` the line of its first line of code."""

    kind: str
    code: str
    line: int


@dataclass(frozen=True)
class Page:
    """What one page says about its rule."""

    code: str
    name: str
    severity: Severity
    summary: str
    since: str
    body: str
    path: Path
    examples: tuple[Example, ...]

    @property
    def bad(self) -> tuple[Example, ...]:
        """Examples that must give this rule's code."""
        return tuple(example for example in self.examples if example.kind == "bad")

    @property
    def good(self) -> tuple[Example, ...]:
        """Examples that must give nothing."""
        return tuple(example for example in self.examples if example.kind == "good")


def rules_dir() -> Path:
    """The folder of the pages: inside the installed package, or beside it in a checkout.

    Raises FileNotFoundError when neither holds a page.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_rules", package.parent / "rules"):
        if any(folder.glob("LR*.md")):
            return folder
    raise FileNotFoundError(
        f"no rule pages (LR*.md) in {package / '_rules'} or {package.parent / 'rules'}; reinstall lrfix"
    )


@lru_cache(maxsize=1)
def load_pages() -> Mapping[str, Page]:
    """Every page by code, in the order of the codes. Raises PageError, FileNotFoundError."""
    return read_pages(rules_dir())


def read_pages(folder: Path) -> Mapping[str, Page]:
    """The pages of one folder by code, in the order of the codes. Raises PageError."""
    pages: dict[str, Page] = {}
    for path in sorted(folder.glob("LR*.md")):
        page = parse_page(path.read_text(encoding="utf-8"), path)
        if page.code in pages:
            raise PageError(f"{path}:1: {page.code} already has a page, {pages[page.code].path.name}")
        pages[page.code] = page
    return pages


def parse_page(text: str, path: Path) -> Page:
    """One page from its text. Raises PageError with ``path`` and line."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise PageError(f"{path}:1: a page begins with '---' and its front matter")
    fields, end = _front_matter(lines, path)
    for key in _REQUIRED:
        if key not in fields:
            raise PageError(f"{path}:{end + 1}: the front matter lacks '{key}'")
    code, name, severity = fields["code"], fields["name"], fields["severity"]
    if not _CODE.fullmatch(code):
        raise PageError(f"{path}:1: code {code!r} is not of the form LR123")
    if not _NAME.fullmatch(name):
        raise PageError(f"{path}:1: name {name!r} is not in kebab-case")
    if path.name != f"{code}-{name}.md":
        raise PageError(f"{path}:1: the file of {code} {name} must be called {code}-{name}.md")
    if severity not in [member.value for member in Severity]:
        raise PageError(f"{path}:1: severity {severity!r} is none of error, warning, info")
    body = "\n".join(lines[end + 1 :])
    return Page(
        code=code,
        name=name,
        severity=Severity(severity),
        summary=fields["summary"],
        since=fields["since"],
        body=body.strip("\n") + "\n",
        path=path,
        examples=tuple(
            Example(match.group(2), match.group(3), end + 2 + body.count("\n", 0, match.start(3)))
            for match in _FENCE.finditer(body)
            if match.group(1) == "python"
        ),
    )


def _front_matter(lines: list[str], path: Path) -> tuple[dict[str, str], int]:
    fields: dict[str, str] = {}
    for index, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return fields, index
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not colon or not value or key != line[: len(key)]:
            raise PageError(f"{path}:{index + 1}: expected 'key: value', got {line!r}")
        if key not in _REQUIRED:
            raise PageError(f"{path}:{index + 1}: unknown key {key!r}; legal are {', '.join(_REQUIRED)}")
        if key in fields:
            raise PageError(f"{path}:{index + 1}: {key!r} stands twice")
        fields[key] = value
    raise PageError(f"{path}:1: the front matter has no closing '---'")


__all__ = ["Example", "Page", "PageError", "load_pages", "parse_page", "read_pages", "rules_dir"]
