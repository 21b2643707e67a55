"""The other files of a project, as far as a file's imports lead to them: read and parsed when the simulation asks.

Nothing is imported or run. What is ambiguous, outside the project, too large or one file too many is not there.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lrfix.looks import FILE, FOLDER, NEITHER, Looks, digest_of, read_at_most
from lrfix.names import Elsewhere, Imported, Names
from lrfix.source import SourceError, parse_source
from lrfix.whereabouts import absolute

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
MOST_FILES = 20
MOST_BYTES = 1_000_000
_KEPT = 32
_SETTINGS = frozenset(
    {"arg", "args", "argument", "arguments", "parser", "option", "options", "opt", "opts", "config", "configs", "conf"}
    | {"configuration", "cfg", "setting", "settings", "param", "params", "hyperparameters", "hparams", "flags"}
)


@dataclass(frozen=True)
class _Module:
    """A module or package: its file, if it has one, and the directory of its submodules, if it is a package."""

    file: Path | None
    folder: Path | None


def project_root(path: str, looks: Looks | None = None) -> Path:
    """The project of a file: the nearest directory upwards with a project file or repository.

    Without one it is the directory that its outermost package stands in, where absolute imports begin.
    """
    looks = looks if looks is not None else Looks(MOST_BYTES)
    start = Path(looks.real(absolute(path))).parent
    for directory in (start, *start.parents):
        if any(looks.kind(os.path.join(directory, marker)) != NEITHER for marker in MARKERS):
            return directory
    while looks.kind(str(start / "__init__.py")) != NEITHER and start.parent != start:
        start = start.parent
    return start


class Neighbourhood:
    """The files that can be reached from one file. ``names`` are those of that file, already read."""

    def __init__(self, path: str, names: Names, looks: Looks | None = None) -> None:
        """``looks`` writes down what is asked about other files."""
        self.looks = looks if looks is not None else Looks(MOST_BYTES)
        self.root = project_root(path, self.looks)
        self.home = Path(self.looks.real(absolute(path)))
        self._read: dict[Path, Names | None] = {self.home: names}
        self._paths: dict[Names, Path] = {names: self.home}
        self.known_settings: dict[Names, list[Names]] = {}
        self._modules: dict[tuple[Path, int, str], _Module | None] = {}
        self._bound: dict[tuple[Names, str], Elsewhere | None] = {}
        names.neighbours = _From(self, self.home)

    def names_of(self, path: Path) -> Names | None:
        """The names of a file of the project; None where it cannot be had."""
        if path not in self._read:
            if len(self._read) > MOST_FILES or not self._inside(path.parent):
                return None
            names, digest = _parsed(path)
            self.looks.saw(str(path), digest)
            self._read[path] = names
            if names is not None:
                self._paths[names] = path
                names.neighbours = _From(self, path)
        return self._read[path]

    def path_of(self, names: Names) -> Path | None:
        return self._paths.get(names)

    def holds(self, node: ast.AST, apart_from: Path) -> bool:
        """Whether a file other than ``apart_from`` that was read has the node."""
        return any(node in names.parents for names, path in self._paths.items() if path != apart_from)

    def module(self, importer: Path, level: int, dotted: str) -> _Module | None:
        """The module that an import statement in ``importer`` speaks of, where exactly one in the project can be it."""
        key = (importer.parent, level, dotted)
        if key not in self._modules:
            self._modules[key] = self._found_module(importer, level, dotted)
        return self._modules[key]

    def _found_module(self, importer: Path, level: int, dotted: str) -> _Module | None:
        parts = dotted.split(".") if dotted else []
        if level:
            base = importer.parent
            for _ in range(level - 1):
                base = base.parent
            return self._located(base, parts) if self._inside(base) else None
        if not parts or parts[0] in sys.stdlib_module_names:
            return None
        found = [m for base in self._bases(importer) if (m := self._located(base, parts)) is not None]
        with_files = [m for m in found if m.file is not None] or found
        return with_files[0] if len(with_files) == 1 else None

    def _bases(self, importer: Path) -> Iterator[Path]:
        for base in importer.parents:
            if not self._inside(base):
                return
            yield base

    def _inside(self, path: Path) -> bool:
        return path == self.root or self.root in path.parents

    def _located(self, base: Path, parts: list[str]) -> _Module | None:
        if not all(part.isidentifier() for part in parts):
            return None
        target = base.joinpath(*parts)
        package = target / "__init__.py"
        if self.looks.kind(str(package)) == FILE:
            return _Module(package, target)
        if parts and self.looks.kind(str(file := target.with_name(f"{parts[-1]}.py"))) == FILE:
            return _Module(file, None)
        return _Module(None, target) if self.looks.kind(str(target)) == FOLDER else None

    def within(self, module: _Module, name: str) -> Elsewhere | None:
        """What ``name`` means in a module: bound there, brought along by a star, or a submodule."""
        names = self._names_in(module)
        if names is not None:
            found = self.bound(names, name)
            if found is not None:
                return found
        inner = self._located(module.folder, [name]) if module.folder is not None else None
        return self.whole(inner) if inner is not None else None

    def _names_in(self, module: _Module) -> Names | None:
        return self.names_of(Path(self.looks.real(str(module.file)))) if module.file is not None else None

    def whole(self, module: _Module) -> Elsewhere | None:
        names = self._names_in(module)
        return Elsewhere(names, None) if names is not None else None

    def bound(self, names: Names, name: str) -> Elsewhere | None:
        """Where a name of a module is really defined, through what that module itself only imports."""
        key = (names, name)
        if key not in self._bound:
            self._bound[key] = None  # what leads back here finds nothing
            self._bound[key] = self._followed(names, name)
        return self._bound[key]

    def _followed(self, names: Names, name: str) -> Elsewhere | None:
        scope = names.scopes[names.tree]
        importer = self._paths[names]
        if name not in scope.bindings:
            return self.starred(importer, names, name)
        binding = names.reaching(name, scope, None)
        further = self.imported(importer, name, binding.node) if isinstance(binding, Imported) else None
        return further or Elsewhere(names, name)

    def imported(self, importer: Path, name: str, node: ast.stmt) -> Elsewhere | None:
        if isinstance(node, ast.ImportFrom):
            alias = next((a for a in node.names if (a.asname or a.name) == name), None)
            module = self.module(importer, node.level, node.module or "") if alias is not None else None
            return self.within(module, alias.name) if module is not None and alias is not None else None
        if isinstance(node, ast.Import):
            for alias in node.names:
                plain = alias.name.partition(".")[0]
                if (alias.asname or plain) == name:
                    module = self.module(importer, 0, alias.name if alias.asname else plain)
                    return self.whole(module) if module is not None else None
        return None

    def settings(self, importer: Path, names: Names) -> list[Names]:
        """The files a file imports from that, by their name or what is taken from them, hold settings."""
        found: dict[Names, None] = {}
        for node in names.nodes:
            if isinstance(node, ast.ImportFrom):
                module = self.module(importer, node.level, node.module or "") if _speaks_of_settings(node) else None
                origins = [self._names_in(module)] if module is not None else []
                origins += [m.names for a in node.names if module and (m := self.within(module, a.name)) is not None]
            elif isinstance(node, ast.Import) and _speaks_of_settings(node):
                modules = [self.module(importer, 0, alias.name) for alias in node.names]
                origins = [self._names_in(module) for module in modules if module is not None]
            else:
                continue
            found.update({origin: None for origin in origins if origin is not None and origin is not names})
        return list(found)

    def starred(self, importer: Path, names: Names, name: str) -> Elsewhere | None:
        for node in names.tree.body:
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                module = self.module(importer, node.level, node.module or "")
                origin = self._names_in(module) if module is not None else None
                if origin is not None and origin is not names and not name.startswith("_"):
                    found = self.bound(origin, name)
                    if found is not None:
                        return found
        return None


@dataclass(frozen=True)
class _From:
    """The neighbourhood as one of its files sees it."""

    around: Neighbourhood
    path: Path

    @property
    def file(self) -> str:
        return self.path.name

    def meaning(self, name: str, node: ast.stmt) -> Elsewhere | None:
        return self.around.imported(self.path, name, node)

    def starred(self, name: str) -> Elsewhere | None:
        names = self.around.names_of(self.path)
        return self.around.starred(self.path, names, name) if names is not None else None

    def holds(self, node: ast.AST) -> bool:
        return self.around.holds(node, self.path)

    def settings(self) -> list[Names]:
        names = self.around.names_of(self.path)
        if names is None:
            return []
        if names not in self.around.known_settings:
            self.around.known_settings[names] = self.around.settings(self.path, names)
        return self.around.known_settings[names]

    def member(self, module: Names, name: str) -> Elsewhere | None:
        path = self.around.path_of(module)
        if path is None:
            return None
        return self.around.within(_Module(path, path.parent if path.name == "__init__.py" else None), name)


def _speaks_of_settings(node: ast.Import | ast.ImportFrom) -> bool:
    spoken = [*(alias.name for alias in node.names), getattr(node, "module", None) or ""]
    return any(_SETTINGS & set(re.split(r"[^a-z]+", name.lower())) for name in spoken)


def _parsed(path: Path) -> tuple[Names | None, str | None]:
    """The names of a file, where it can be read and parsed, and the digest of its content, where it can be read."""
    try:
        status = path.stat()
        if status.st_size > MOST_BYTES:
            return None, None
        tree, digest = _tree(str(path), status.st_mtime_ns, status.st_size)
        return (Names(tree) if tree is not None else None), digest
    except (OSError, RecursionError):
        return None, None


@lru_cache(maxsize=_KEPT)
def _tree(path: str, changed: int, size: int) -> tuple[ast.Module | None, str | None]:
    """The syntax tree of a file as it was when it last changed; shared by all files that import it."""
    del changed, size
    raw = read_at_most(path, MOST_BYTES)
    if raw is None:
        return None, None
    try:
        return parse_source(raw, path).tree, digest_of(raw)
    except SourceError:
        return None, digest_of(raw)


__all__ = ["MARKERS", "Neighbourhood", "project_root"]
