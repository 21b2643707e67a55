"""Which versions of torch a project may run on, from what its own packaging says; nothing of it is run."""

from __future__ import annotations

import ast
import configparser
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lrfix.reading import read_small_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Minor versions that an upper bound is tried with; the last one stands for all that come.
_RELEASES = (*(f"1.{minor}" for minor in range(14)), *(f"2.{minor}" for minor in range(40)), "99")
#: The same in conda's words: ``pytorch=1.11``, a channel before it, a build behind it.
_CONDA = re.compile(r"(?:[\w./-]+::)?pytorch\s*(?:([<>=!~]=?|==)\s*([^\s=]+)(?:=[^\s=]+)?)?", re.IGNORECASE)
_IMAGE = re.compile(r"(?:\S+/)?pytorch/pytorch:(\d+(?:\.\d+)*)", re.IGNORECASE)
_INSTALLERS = frozenset({"pip", "pip3", "conda", "mamba", "micromamba", "uv"})
_DEPENDENCIES = re.compile(r"^dependencies\s*:", re.MULTILINE)
_LINE = re.compile(r"torch\s*(?:\[[^\]]*\])?\s*\(?\s*([<>=!~][^;#)]*)?\s*\)?\s*(?:[;#].*)?", re.IGNORECASE)
#: A line of its own in a list of requirements: ``- PyTorch 1.7.1``, ``* torch >= 1.4``, ``PyTorch 1.5+``.
_LISTED = re.compile(
    r"\s*(?:[-*+•]|\d+[.)])?[\s\[*`]*(?:py)?torch[\s\]*`:=(v]{0,6}([<>~]=?|[≥≤])?\s*(\d+(?:\.\d+)+)[`*\])]*\s*"
    r"(\+|or (?:higher|above|later|newer)|and (?:above|later))?[^\d]*",
    re.IGNORECASE,
)
_SIGNS = {"≥": ">=", "≤": "<="}
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def torch_requirement(start: Path) -> str | None:
    """What the nearest project upwards of ``start`` requires of torch (``>=1.10,<2.1``); None where it says nothing.

    Asked in this order: ``pyproject.toml``, ``setup.cfg``, ``setup.py``, files of requirements, environments of conda,
    Dockerfiles, shell scripts that install, the README's list of what is needed. A folder that has one of them, or a
    ``.git``, ends the search.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        said = False
        for file, reader in _files(folder):
            text = read_small_text(file)
            if text is None or not _says(reader, text):
                continue
            said = True
            for line in reader(text) if "torch" in text.lower() else ():
                match = _LINE.fullmatch(line.strip())
                if match is not None:
                    return (match[1] or "").replace(" ", "").rstrip("\\") or None
        if said or os.path.exists(folder / ".git"):
            return None
    return None


def _says(reader: Callable[[str], Iterator[str]], text: str) -> bool:
    """Whether a file is what its name may be: not every YAML file is an environment, few scripts install anything."""
    if reader is _of_environment:
        return _DEPENDENCIES.search(text) is not None
    return reader not in (_of_script, _of_readme) or any(True for _ in reader(text))


def _files(folder: Path) -> Iterator[tuple[Path, Callable[[str], Iterator[str]]]]:
    """The files of a folder that say what is installed, each with what reads it, in their order."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return
    for pattern, reader in _READERS:
        # The plain name first: `requirements.txt` before `requirements-dev.txt`.
        found = sorted((name for name in names if pattern.fullmatch(name)), key=len)
        yield from ((folder / name, reader) for name in found)


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


def _of_pyproject(text: str) -> Iterator[str]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    project = _table(document, "project")
    listed = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    for found in listed:
        yield from (line for line in found if isinstance(line, str)) if isinstance(found, list) else ()
    stated = _table(document, "tool", "poetry", "dependencies").get("torch")
    version = stated.get("version") if isinstance(stated, dict) else stated
    if isinstance(version, str):
        yield f"torch{_of_poetry(version)}"


def _table(document: Any, *names: str) -> dict[str, Any]:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _of_poetry(version: str) -> str:
    """Poetry's own signs in those of packaging: ``^1.11`` stays below 2, ``~1.11`` below 1.12."""
    match = re.fullmatch(r"([~^]?)\s*(\d+)(?:\.(\d+))?(.*)", version.strip())
    if match is None:
        return "" if version.strip() == "*" else version
    sign, major, minor, rest = match[1], int(match[2]), match[3], match[4]
    lowest = f"{major}.{minor}{rest}" if minor is not None else str(major)
    if sign == "^" or (sign == "~" and minor is None):
        return f">={lowest},<{major + 1}"
    return f">={lowest},<{major}.{int(minor) + 1}" if sign == "~" else f"=={lowest}"


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
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            listed = node.value if not isinstance(node.value, ast.Name) else _assigned(tree, node.value.id)
            for element in listed.elts if isinstance(listed, ast.List | ast.Tuple) else ():
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    yield element.value


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node.value
    return None


def _of_requirements(text: str) -> Iterator[str]:
    yield from text.splitlines()


def _of_environment(text: str) -> Iterator[str]:
    # A channel of conda's is called ``pytorch`` as well.
    begin = _DEPENDENCIES.search(text)
    for line in text[begin.end() :].splitlines() if begin is not None else ():
        item = line.split("#")[0].strip()
        if item.startswith("-"):
            yield _in_pips_words(item[1:].strip().strip("'\""))


def _of_dockerfile(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        verb, _, rest = line.strip().partition(" ")
        if verb.upper() == "FROM":
            yield from (f"torch=={match[1]}" for match in _IMAGE.finditer(rest))
        elif verb.upper() == "RUN":
            yield from _of_script(rest)


def _of_script(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        for command in re.split(r"[;&|]+", line.partition("#")[0]):
            words = [word.strip("'\"") for word in command.split()]
            if "install" in words and _INSTALLERS.intersection(words):
                yield from (_in_pips_words(word) for word in words if "=" in word or "<" in word)


def _of_readme(text: str) -> Iterator[str]:
    for line in text.splitlines():
        match = _LISTED.fullmatch(line)
        if match is None:
            continue
        sign, version, onwards = match.groups()
        if sign is not None:
            yield f"torch{_SIGNS.get(sign, sign)}{version}"
        else:
            yield f"torch>={version}" if onwards else f"torch=={version}.*"


def _in_pips_words(item: str) -> str:
    """What conda calls ``pytorch=1.11`` is ``torch==1.11.*``."""
    match = _CONDA.fullmatch(item)
    if match is None:
        return item
    sign, version = match[1], match[2]
    if sign is None:
        return "torch"
    return f"torch=={version.removesuffix('.*').removesuffix('*')}.*" if sign == "=" else f"torch{sign}{version}"


_READERS: tuple[tuple[re.Pattern[str], Callable[[str], Iterator[str]]], ...] = (
    (re.compile(r"pyproject\.toml"), _of_pyproject),
    (re.compile(r"setup\.cfg"), _of_setup_cfg),
    (re.compile(r"setup\.py"), _of_setup_py),
    (re.compile(r"[\w.-]*requirements?[\w.-]*\.(txt|in)", re.IGNORECASE), _of_requirements),
    (re.compile(r"[\w.-]+\.ya?ml", re.IGNORECASE), _of_environment),
    (re.compile(r"(?:[\w.-]+\.)?Dockerfile(?:\.[\w.-]+)?", re.IGNORECASE), _of_dockerfile),
    (re.compile(r"[\w.-]+\.sh", re.IGNORECASE), _of_script),
    (re.compile(r"readme(\.(md|rst|txt))?", re.IGNORECASE), _of_readme),
)

__all__ = ["reaches", "torch_requirement"]
