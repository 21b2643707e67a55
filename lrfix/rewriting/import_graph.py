"""Which files of a project can hand objects to each other: those that imports, or a configuration, connect."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping

#: `from a.b import (c, d)`, with its dots, and `import a.b, c`; cells of notebooks hold lines in quotes.
_FROM = re.compile(rb"^[\s\"]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)", re.MULTILINE)
_IMPORT = re.compile(rb"^[\s\"]*import[ \t]+([\w., \t]+)", re.MULTILINE)
_WORD = re.compile(r"\w+")
#: What a configuration says is to be built: `_target_: project.schedulers.Warmup`.
_DOTTED = re.compile(rb"\w+(?:\.\w+)+")


def within_reach(path: str, contents: Mapping[str, bytes], root: str) -> frozenset[str]:
    """The files that may run together with ``path``: what a file that leads to it by imports leads to, configurations
    that name modules among them. Two programs of a project that only share a library never meet. What is not among the
    files neither gets an object of the file nor a call that leads to one. Paths are real and absolute."""
    imports = {file: set(_imported(file, content, contents, root)) for file, content in contents.items()}
    importers: dict[str, set[str]] = {}
    for file, others in imports.items():
        for other in others:
            importers.setdefault(other, set()).add(file)
    return _closure(imports, _closure(importers, {path}))


def _closure(edges: Mapping[str, Collection[str]], start: Collection[str]) -> frozenset[str]:
    reached, waiting = set(start), list(start)
    while waiting:
        found = set(edges.get(waiting.pop(), ())) - reached
        reached |= found
        waiting += found
    return frozenset(reached)


def _imported(file: str, content: bytes, files: Collection[str], root: str) -> Iterator[str]:
    if not file.endswith((".py", ".pyi", ".ipynb")):
        named = {match.decode() for match in _DOTTED.findall(content)}
        yield from (found for target in named for base in _bases(file, root) for found in _modules(base, target, files))
        return
    for dots, module, names in _FROM.findall(content):
        targets = [module.decode()] if module else []
        targets += [f"{module.decode()}.{name}".lstrip(".") for name in _WORD.findall(names.decode(errors="replace"))]
        bases = [_upwards(file, len(dots))] if dots else list(_bases(file, root))
        yield from (found for target in targets for base in bases for found in _modules(base, target, files))
    for names in _IMPORT.findall(content):
        whole = [part.split()[0] for part in names.decode().split(",") if part.split()]
        yield from (found for target in whole for base in _bases(file, root) for found in _modules(base, target, files))


def _upwards(file: str, dots: int) -> str:
    for _ in range(dots):
        file = os.path.dirname(file)
    return file


def _bases(file: str, root: str) -> Iterator[str]:
    """Where absolute imports of a file may begin: its folder, those around it, and the project's `src`."""
    folder = os.path.dirname(file)
    yield folder
    while folder != root and len(folder) > len(root):
        folder = os.path.dirname(folder)
        yield folder
    yield os.path.join(root, "src")


def _modules(base: str, dotted: str, files: Collection[str]) -> Iterator[str]:
    """A module and the packages around it."""
    here = base
    for part in dotted.split("."):
        here = os.path.join(here, part)
        yield from (name for name in (f"{here}.py", os.path.join(here, "__init__.py")) if name in files)


__all__ = ["within_reach"]
