"""The other files of a project: whether any of them mentions a name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache, partial
from pathlib import Path

from lrfix.reading import SMALL, Unreadable, read_file
from lrfix.rewriting.import_graph import within_reach
from lrfix.rewriting.liveness import OtherFiles

_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist", "venv", "env"})
_CODE = (".py", ".pyi", ".ipynb")
#: Files that name classes to build: `_target_: project.schedulers.Warmup`.
_CONFIGURATION = (".yaml", ".yml", ".toml", ".json", ".gin", ".cfg", ".ini")
_MOST_FILES = 20_000
_MOST_BYTES = 256 << 20


class Project:
    """The Python files under one root, and its configuration."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._near: dict[str, frozenset[str]] = {}

    @classmethod
    def around(cls, path: str) -> Project:
        """The project of a file: the nearest directory upwards with a project file or repository, else its own."""
        start = Path(path).absolute().parent
        for directory in (start, *start.parents):
            if any((directory / marker).exists() for marker in _MARKERS):
                return cls(directory)
        return cls(start)

    def mentions(self, name: str, apart_from: str) -> bool:
        """Whether a file other than ``apart_from`` has the word ``name`` (or a pattern that ends in one).

        True, to be safe, where there are too many files to read.
        """
        if self.root is None:
            return False
        files = self._contents
        return files is None or any(self._mentioning(name, apart_from, files))

    def does(self, pattern: str, apart_from: str) -> bool:
        """As ``mentions``, of the files that imports connect with ``apart_from``."""
        if self.root is None:
            return False
        files = self._contents
        if files is None:
            return True
        found = set(self._mentioning(pattern, apart_from, files))
        return bool(found and found & self._connected(os.path.realpath(apart_from)))

    def external_to(self, path: str) -> OtherFiles:
        """What the files other than ``path`` say."""
        return OtherFiles(partial(self.mentions, apart_from=path), partial(self.does, apart_from=path))

    @staticmethod
    def _mentioning(name: str, apart_from: str, files: dict[str, bytes]) -> Iterator[str]:
        own = os.path.realpath(apart_from)
        word = re.compile(rb"(?<!\w)" + name.encode("utf-8", "surrogateescape") + rb"(?!\w)")
        needed = [part.encode("utf-8", "surrogateescape") for part in needed_words(name)]
        likely = (path for path, content in files.items() if all(part in content for part in needed))
        return (path for path in likely if path != own and word.search(files[path]))

    def _connected(self, path: str) -> frozenset[str]:
        if path not in self._near:
            assert self.root is not None and self._contents is not None
            self._near[path] = within_reach(path, self._contents, os.path.realpath(self.root))
        return self._near[path]

    @cached_property
    def _contents(self) -> dict[str, bytes] | None:
        found: dict[str, bytes] = {}
        size = 0
        for path in self._files():
            configuration = path.suffix in _CONFIGURATION
            try:
                content = read_file(path, SMALL if configuration else _MOST_BYTES)
            except Unreadable:
                continue
            if configuration and len(content) > SMALL:
                continue  # data, whatever it is called
            size += len(content)
            if len(found) >= _MOST_FILES or size > _MOST_BYTES:
                return None
            found[os.path.realpath(path)] = content
        return found

    def _files(self) -> Iterator[Path]:
        assert self.root is not None
        for directory, subdirectories, files in os.walk(self.root):
            subdirectories[:] = sorted(
                d
                for d in subdirectories
                if not d.startswith(".")
                and d not in _SKIPPED
                and not os.path.exists(os.path.join(directory, d, "pyvenv.cfg"))
            )
            for name in sorted(files):
                if name.endswith((*_CODE, *_CONFIGURATION)):
                    yield Path(directory, name)


@lru_cache(maxsize=256)
def needed_words(pattern: str) -> tuple[str, ...]:
    """Words that a text must have for a pattern to match: most files are told by them, and they are found fast."""
    plain = re.sub(r"\\.[*+?]*|\[\^?\]?[^]]*\][*+?]*", " ", pattern)
    while plain != (without := re.sub(r"\([^()]*\)[*+?]*", " ", plain)):
        plain = without
    return () if "|" in plain else tuple(dict.fromkeys(re.findall(r"\w{3,}(?![\w*?{])", plain)))


__all__ = ["Project", "needed_words"]
