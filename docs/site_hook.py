"""A hook of mkdocs: what the site takes from outside docs/, and its links, which are written as they work on GitHub.

Every page stands once in the repository. The site shows README.md as its first page, the rules' pages with their
curves, and some others; a link from page to page, or to a file of the repository, leads to the same place in both.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lrfix.pages import Page, load_pages

ROOT = Path(__file__).resolve().parent.parent

#: Pages outside docs/ -> where they stand in the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
    **{f"rules/{path.name}": f"rules/{path.name}" for path in sorted((ROOT / "rules").glob("LR*.md"))},
}

#: How the rules are grouped in the navigation.
GROUPS = {
    "LR0": "Comments",
    "LR1": "State and structure",
    "LR2": "Formulas",
    "LR3": "Training loops",
    "LR4": "Advice",
}

FENCE = re.compile(r"^(?P<fence>`{3,})[^`\n]*\n.*?^(?P=fence)[ \t]*$\n?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s]+)(?=\))")
EXAMPLE = re.compile(r"^```python (bad|good)$", re.MULTILINE)
SENT_AWAY = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//[^">]*|<link[^>]*\shref=["']?(?:https?:)?//[^">]*"""
)


def site_path(path: str) -> str:
    """Where a file of the repository stands in the site."""
    return PAGES.get(path) or (path[len("docs/") :] if path.startswith("docs/") else path)


def repository_path(path: str) -> str:
    """Where a page of the site stands in the repository."""
    return {there: here for here, there in PAGES.items()}.get(path, f"docs/{path}")


def prose(text: str) -> Iterator[tuple[bool, str]]:
    """A page in pieces, in order: whether a piece is prose or fenced code, and its text."""
    end = 0
    for fence in FENCE.finditer(text):
        yield True, text[end : fence.start()]
        yield False, fence.group()
        end = fence.end()
    yield True, text[end:]


def targets(text: str) -> list[str]:
    """Where the links and pictures of a page lead to within the repository, as they are written."""
    found = [match["target"] for is_prose, piece in prose(text) if is_prose for match in LINK.finditer(piece)]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def resolved(target: str, page: str) -> tuple[str, str]:
    """The file of the repository that a link on ``page`` means, and the anchor in it with its ``#``."""
    path, mark, anchor = target.partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page, mark + anchor


def for_site(text: str, page: str) -> tuple[str, set[str]]:
    """The text of a page of the repository with the links of the site, and the files that they lead to."""
    files: set[str] = set()
    folder = posixpath.dirname(site_path(page)) or "."

    def moved(match: re.Match[str]) -> str:
        if re.match(r"[a-z]+:", match["target"]) or match["target"].startswith("#"):
            return match["target"]
        path, anchor = resolved(match["target"], page)
        files.add(path)
        return posixpath.relpath(site_path(path), folder) + anchor

    moved_text = "".join(LINK.sub(moved, piece) if is_prose else piece for is_prose, piece in prose(text))
    if page.startswith("rules/"):
        moved_text = EXAMPLE.sub(lambda match: f'```python title="{_TITLES[match[1]]}"', moved_text)
    return moved_text, files


_TITLES = {"bad": "Reported", "good": "Not reported"}


def nav_of_rules() -> list[dict[str, list[str]]]:
    """The rules' pages by group."""
    pages = [there for here, there in PAGES.items() if here.startswith("rules/")]
    return [{title: [page for page in pages if page.startswith(f"rules/{prefix}")]} for prefix, title in GROUPS.items()]


def on_config(config: Any) -> Any:
    for entry in config.nav:
        if "Rules" in entry:
            entry["Rules"] = [*entry["Rules"], *nav_of_rules()]
    return config


def on_files(files: Any, config: Any) -> Any:
    from mkdocs.structure.files import File

    for here, there in PAGES.items():
        files.append(File.generated(config, there, abs_src_path=str(ROOT / here)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    from mkdocs.structure.files import File

    here = repository_path(page.file.src_uri)
    rule = load_pages().get(posixpath.basename(here)[:5]) if here.startswith("rules/") else None
    # lrfix reads the front matter of a rule's page itself: it is no YAML.
    text, linked = for_site(rule.body if rule else markdown, here)
    for path in sorted(linked):
        if files.get_file_from_path(site_path(path)) is None and (ROOT / path).is_file():
            files.append(File.generated(config, site_path(path), abs_src_path=str(ROOT / path)))
    return _with_head(text, rule) if rule else text


def _with_head(text: str, rule: Page) -> str:
    """A rule's page with what its front matter says, and its picture, below the title."""
    title, _, rest = text.lstrip().partition("\n")
    head = f"{rule.severity.value.capitalize()} · since {rule.since}\n\n**{rule.summary}**\n"
    picture = f"pictures/rules/{rule.code}.svg"
    if (ROOT / "docs" / picture).is_file():
        head += f"\n![The rates of the examples below](../{picture})\n"
    return f"{title}\n\n{head}\n{rest}"


def on_post_page(output: str, page: Any, config: Any) -> str:
    from mkdocs.exceptions import PluginError

    if away := SENT_AWAY.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from the network: {away.group()}")
    return output
