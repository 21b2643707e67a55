"""Which versions of torch a project may run on, from what its own packaging says; nothing of it is run."""

from __future__ import annotations

import ast
import configparser
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lrfix.reading import read_small_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Minor versions that an upper bound is tried with; the last one stands for all that come.
_RELEASES = (*(f"1.{minor}" for minor in range(14)), *(f"2.{minor}" for minor in range(40)), "99")
_LINE = re.compile(r"torch\s*(?:\[[^\]]*\])?\s*\(?\s*([<>=!~][^;#)]*)?\s*\)?\s*(?:[;#].*)?", re.IGNORECASE)
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def torch_requirement(start: Path) -> str | None:
    """What the nearest project upwards of ``start`` requires of torch (``>=1.10,<2.1``); None where it says nothing.

    Asked in this order: ``pyproject.toml``, ``setup.cfg``, ``setup.py``, ``requirements.txt``. A folder that has one
    of them, or a ``.git``, ends the search.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        files = [folder / name for name in _READERS if os.path.isfile(folder / name)]
        for file in files:
            for line in _lines(file):
                match = _LINE.fullmatch(line.strip())
                if match is not None:
                    return (match[1] or "").replace(" ", "").rstrip("\\") or None
        if files or os.path.exists(folder / ".git"):
            return None
    return None


def reaches(torch: str | None, version: str) -> bool:
    """Whether a project may meet ``version`` of torch or a later one.

    ``torch`` is a version (``2.7``), a requirement (``>=1.10,<2.1``), or None, which allows everything; so does a
    requirement that cannot be read.
    """
    if torch is None:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    if torch[0].isdigit():
        torch = f"=={torch}.*"
    try:
        allowed = SpecifierSet(torch)
    except InvalidSpecifier:
        return True
    named = [Version(text) for text in _VERSION.findall(torch)]
    tried = [Version(version), *named, *map(Version, _RELEASES)]
    return any(candidate >= Version(version) and candidate in allowed for candidate in tried)


def _lines(file: Path) -> Iterator[str]:
    text = read_small_text(file)
    if text is not None and "torch" in text:
        yield from _READERS[file.name](text)


def _of_pyproject(text: str) -> Iterator[str]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    project: Any = document.get("project")
    found = project.get("dependencies") if isinstance(project, dict) else None
    yield from (line for line in found if isinstance(line, str)) if isinstance(found, list) else ()


def _of_setup_cfg(text: str) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    yield from parser.get("options", "install_requires", fallback="").splitlines()


def _of_setup_py(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires" and isinstance(node.value, ast.List):
            for element in node.value.elts:
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    yield element.value


def _of_requirements(text: str) -> Iterator[str]:
    yield from text.splitlines()


_READERS = {
    "pyproject.toml": _of_pyproject,
    "setup.cfg": _of_setup_cfg,
    "setup.py": _of_setup_py,
    "requirements.txt": _of_requirements,
}

__all__ = ["reaches", "torch_requirement"]
