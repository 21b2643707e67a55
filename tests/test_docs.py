"""The documentation holds together without being built: its navigation, its links, what it takes from the code."""

from __future__ import annotations

import html
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.config import read_config
from lrfix.pages import load_pages
from lrfix.registry import load_rules

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))
import make_reference
import make_rule_pictures
import make_tutorials
import site_hook

sys.path.remove(str(DOCS))

#: Every page, by its path in the repository.
PAGES = sorted({*site_hook.PAGES, *(path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md"))})


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """What the headings of a page are called in links, on GitHub and in the site."""
    prose = "".join(text for is_prose, text in site_hook.prose(text_of(page)) if is_prose)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {"#" + re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def in_nav(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from in_nav(below if isinstance(below, list) else [below])


def test_every_page_stands_once_in_the_navigation():
    yaml = pytest.importorskip("yaml")
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    shown = [*in_nav(nav), *in_nav(site_hook.nav_of_rules())]
    assert sorted(shown) == sorted(site_hook.site_path(page) for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading_of_it(page):
    broken = []
    for target in site_hook.targets(text_of(page)):
        path, anchor = site_hook.resolved(target, page)
        if not (ROOT / path).exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_links_lead_to_the_same_place_in_the_site():
    text = "[a](../rules/LR202-boundary-jump.md#example) ![b](pictures/x.svg) [c](../README.md) [d](https://x.org)\n"
    moved, files = site_hook.for_site(text, "docs/repairs.md")
    assert moved == "[a](rules/LR202-boundary-jump.md#example) ![b](pictures/x.svg) [c](index.md) [d](https://x.org)\n"
    assert files == {"rules/LR202-boundary-jump.md", "docs/pictures/x.svg", "README.md"}
    assert site_hook.for_site("[a](docs/ci.md)", "README.md")[0] == "[a](ci.md)"
    assert site_hook.for_site("[a](../docs/ci.md)", "rules/LR202-boundary-jump.md")[0] == "[a](../ci.md)"


def test_code_is_no_link_and_examples_say_what_they_are():
    text = "```python bad\nx[0](y)\n```\n"
    assert site_hook.targets(text) == []
    assert site_hook.targets("```` ```python ```` is [code](ci.md)\n" + text) == ["ci.md"]
    assert site_hook.for_site(text, "docs/ci.md")[0] == text
    shown = site_hook.for_site(text, "rules/LR202-boundary-jump.md")[0]
    assert shown == '```python title="Reported"\nx[0](y)\n```\n'


def test_commands_settings_and_rules_are_those_of_the_code(capsys):
    assert make_reference.run(check=True) == 0, capsys.readouterr().out


def test_the_configuration_shown_is_accepted(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", text_of("docs/settings.md"), re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")
    config = read_config(tmp_path / "pyproject.toml")
    assert config is not None
    assert config.settings(frozenset(load_rules())).torch == "2.7"


def in_this_process(folder: Path, command: str) -> str:
    """What a shell would print; ``lrfix`` itself is not started anew for each command."""
    words = shlex.split(command)
    if words[0] != "lrfix" or any(word in (">", "|") for word in words):
        return make_tutorials.run(folder, command)
    here = os.getcwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(main, words[1:]).output
    finally:
        os.chdir(here)


@pytest.mark.parametrize("page", sorted(path.stem for path in make_tutorials.FOLDER.glob("*.md")))
def test_a_tutorial_prints_what_it_shows(page, tmp_path):
    text = text_of(f"docs/tutorials/{page}.md")
    found = list(make_tutorials.differences(text, tmp_path, in_this_process, long=False))
    assert [(command.line, real) for command, real in found] == []


def test_the_pictures_of_rules_are_those_of_their_examples():
    pages = load_pages()
    stale = [
        path.stem
        for path in make_rule_pictures.FOLDER.glob("*.svg")
        if path.stem not in pages
        or f"<!-- {make_rule_pictures.drawn_from(pages[path.stem])} -->" not in path.read_text(encoding="utf-8")
    ]
    assert stale == [], "run python docs/make_rule_pictures.py"
    assert (make_rule_pictures.FOLDER / "LR202.svg").is_file()


def described(picture: str) -> str:
    """The text of a picture of text, its line breaks and marks of code left out."""
    (text,) = re.findall(r"<desc>\n(.*?)</desc>", text_of(f"docs/screens/{picture}.svg"), re.DOTALL)
    return re.sub(r"[\s│`]", "", html.unescape(text))


def test_pictures_of_text_show_what_the_tutorial_prints():
    steps = make_tutorials.steps(text_of("docs/tutorials/nanogpt.md"))
    check = next(step for step in steps if isinstance(step, make_tutorials.Command))
    assert described("check") == re.sub(r"[\s`]", "", f"$ {check.line}\n{check.output}")
    messages = re.findall(r"(LR\d+) [a-z-]+(: .*)", check.output)
    assert len(messages) == 2
    assert all(re.sub(r"[\s`]", "", "".join(message)) in described("hover") for message in messages)


def test_the_picture_of_the_terminal_shows_what_is_drawn_there(tmp_path):
    pytest.importorskip("plotille")
    steps = make_tutorials.steps(text_of("docs/tutorials/nanogpt.md"))
    (script,) = [step for step in steps if isinstance(step, make_tutorials.File) and step.path == "train.py"][:1]
    (tmp_path / "train.py").write_text(script.text, encoding="utf-8")
    drawn = in_this_process(tmp_path, "lrfix plot train.py")
    assert described("terminal-plot") == re.sub(r"[\s│`]", "", f"$ lrfix plot train.py\n{drawn}")


def test_an_output_may_leave_lines_out():
    assert make_tutorials.agrees("a\n...\nd\n", "a\nb\nc\nd\n") and make_tutorials.agrees("a\n...\n", "a\n")
    assert not make_tutorials.agrees("a\n...\nd\n", "a\nb\n") and not make_tutorials.agrees("a\n", "a\nb\n")
