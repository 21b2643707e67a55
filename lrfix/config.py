"""``[tool.lrfix]`` and the command line's selection, resolved to what the engine needs.

The configuration is the nearest ``pyproject.toml`` upwards that has a ``[tool.lrfix]`` table. A mistake in it is an
error, never a default.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lrfix.meant import did_you_mean
from lrfix.patterns import compiled, is_pattern
from lrfix.reading import SMALL, Unreadable, read_file
from lrfix.torch_requirement import torch_requirement
from lrfix.whereabouts import absolute

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Bytes. A larger file is no schedule anyone wrote by hand; it is skipped, and counted.
DEFAULT_MAX_FILE_SIZE = 1_000_000
_NOTEBOOKS_MORE = 64

#: What ``[tool.lrfix]`` may say.
KEYS = (
    "select",
    "ignore",
    "extend-select",
    "exclude",
    "per-file-ignores",
    "baseline",
    "torch",
    "jobs",
    "max-file-size",
)
_TORCH_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


class ConfigError(Exception):
    """A configuration that cannot be used; the message names the file, the key and what is legal."""


@dataclass(frozen=True)
class Settings:
    """What one file is checked with. Plain data: it travels to worker processes.

    ``selected`` are whole codes; ``per_file_ignores`` pairs of a gitignore-style pattern, relative to ``root``, and
    codes; ``max_file_size`` is in bytes; ``jobs`` None means one worker a processor; ``baseline`` is the path of
    the file of known findings; ``described``: whether results hold what an inventory tells of each schedule (family,
    parameters, curve) beside its place and status.
    """

    selected: frozenset[str]
    per_file_ignores: tuple[tuple[str, frozenset[str]], ...] = ()
    root: str | None = None
    exclude: tuple[str, ...] = ()
    torch: str | None = None
    jobs: int | None = None
    max_file_size: int = DEFAULT_MAX_FILE_SIZE
    baseline: str | None = None
    described: bool = True

    def most_bytes(self, path: str) -> int:
        """How much of a file is read: a notebook may be large for its pictures, and its code alone is measured."""
        return self.max_file_size * (_NOTEBOOKS_MORE if path.endswith(".ipynb") else 1)

    def selected_for(self, path: str) -> frozenset[str]:
        """The codes to report for the file at ``path``."""
        if not self.per_file_ignores:
            return self.selected
        relative = _relative(path, self.root)
        ignored: set[str] = set()
        for pattern, codes in self.per_file_ignores:
            if _matches(pattern, relative):
                ignored |= codes
        return self.selected - ignored


@dataclass(frozen=True)
class Selection:
    """Codes, prefixes or names of rules as given: ``select`` None means not given."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """One ``[tool.lrfix]`` table, checked. ``path`` is its file, None for the defaults."""

    path: Path | None = None
    selection: Selection = Selection()
    exclude: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    torch: str | None = None
    jobs: int | None = None
    max_file_size: int = DEFAULT_MAX_FILE_SIZE
    baseline: str | None = None

    def settings(
        self, codes: Collection[str], override: Selection | None = None, names: Mapping[str, str] | None = None
    ) -> Settings:
        """The settings with the command line's selection laid over the file's.

        ``codes`` are all rules, ``names`` their codes by name. Raises ConfigError for a word that is no rule's.
        """
        known = _Known(tuple(codes), names or {})
        base = Settings(
            selected=_select(self.selection, known, frozenset(codes), self._where),
            root=str(self.path.parent) if self.path else None,
            exclude=self.exclude,
            torch=self.torch,
            jobs=self.jobs,
            max_file_size=self.max_file_size,
            baseline=self.baseline,
            per_file_ignores=tuple(
                (pattern, frozenset(known.expand(prefixes, f"{self._where('per-file-ignores')} for {pattern!r}")))
                for pattern, prefixes in self.per_file_ignores.items()
            ),
        )
        if override is None:
            return base
        selected = _select(override, known, base.selected, lambda key: f"--{key}")
        return replace(base, selected=selected)

    def _where(self, key: str) -> str:
        return f"{self.path}: [tool.lrfix] {key}"


def find_config(start: Path) -> Config:
    """The configuration for a file or directory: the nearest one upwards, or the defaults. Raises ConfigError.

    Where it names no version of torch, ``torch`` is what the project's own packaging requires.
    """
    start = start.absolute()
    found = Config()
    for folder in (start, *start.parents):
        candidate = folder / "pyproject.toml"
        if os.path.isfile(candidate):
            config = read_config(candidate)
            if config is not None:
                found = config
                break
    return found if found.torch is not None else replace(found, torch=torch_requirement(start))


def read_config(path: Path) -> Config | None:
    """The ``[tool.lrfix]`` table of one file, None where it has none. Raises ConfigError."""
    try:
        raw = read_file(path, SMALL)
    except Unreadable as error:
        raise ConfigError(f"{path}: {error.message}") from None
    if len(raw) > SMALL:
        raise ConfigError(f"{path}: larger than {SMALL} bytes")
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply to be read") from None
    except ValueError as error:
        # Not only TOMLDecodeError: numbers of thousands of digits, dates that there are not, other encodings.
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    tool = document.get("tool")
    if not isinstance(tool, dict) or "lrfix" not in tool:
        return None
    table = tool["lrfix"]
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.lrfix] must be a table")
    for key in table:
        if key not in KEYS:
            meant = did_you_mean(key, KEYS) or f"legal are {', '.join(KEYS)}"
            raise ConfigError(f"{path}: [tool.lrfix] has no key {key!r}; {meant}")
    return Config(
        path=path,
        selection=Selection(
            select=_strings(table, "select", path) if "select" in table else None,
            ignore=_strings(table, "ignore", path),
            extend_select=_strings(table, "extend-select", path),
        ),
        exclude=_exclude(table, path),
        per_file_ignores=_per_file_ignores(table, path),
        baseline=_baseline(table, path),
        torch=_torch(table, path),
        jobs=_whole_number(table, "jobs", path),
        max_file_size=_whole_number(table, "max-file-size", path) or DEFAULT_MAX_FILE_SIZE,
    )


def _strings(table: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    return _string_list(table.get(key, []), f"{path}: [tool.lrfix] {key}")


def _string_list(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigError(f"{where} must be a list of strings, not {value!r}")
    return tuple(value)


def _per_file_ignores(table: Mapping[str, Any], path: Path) -> dict[str, tuple[str, ...]]:
    value = table.get("per-file-ignores", {})
    where = f"{path}: [tool.lrfix] per-file-ignores"
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table of patterns and lists of codes, not {value!r}")
    for pattern in value:
        _check_pattern(pattern, where)
    return {pattern: _string_list(codes, f"{where} for {pattern!r}") for pattern, codes in value.items()}


def _exclude(table: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    patterns = _strings(table, "exclude", path)
    for pattern in patterns:
        _check_pattern(pattern, f"{path}: [tool.lrfix] exclude")
    return patterns


def _check_pattern(pattern: str, where: str) -> None:
    if not is_pattern(pattern):
        raise ConfigError(f"{where}: {pattern!r} is no pattern in the syntax of .gitignore")


def _baseline(table: Mapping[str, Any], path: Path) -> str | None:
    value = table.get("baseline")
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{path}: [tool.lrfix] baseline must be the path of a file, not {value!r}")
    return str(path.parent / value)


def _torch(table: Mapping[str, Any], path: Path) -> str | None:
    value = table.get("torch")
    if value is None:
        return None
    if not isinstance(value, str) or not _TORCH_VERSION.fullmatch(value):
        raise ConfigError(f'{path}: [tool.lrfix] torch must be a version such as "2.7" or "2.7.1", not {value!r}')
    return value


def _whole_number(table: Mapping[str, Any], key: str, path: Path) -> int | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{path}: [tool.lrfix] {key} must be a whole number from 1, not {value!r}")
    return value


@dataclass(frozen=True)
class _Known:
    """The rules that there are: codes, and codes by name."""

    codes: tuple[str, ...]
    names: Mapping[str, str]

    def expand(self, words: Iterable[str], where: str) -> dict[str, int]:
        """Each code that a word names, with the length of the longest prefix of it among them; a name is the code."""
        expanded: dict[str, int] = {}
        for word in words:
            prefix = self.names.get(word, word)
            matching = [code for code in self.codes if prefix and code.startswith(prefix)]
            if not matching:
                raise ConfigError(f"{where}: no rule has the code, prefix or name {word!r}; {self._instead(word)}")
            for code in matching:
                expanded[code] = max(len(prefix), expanded.get(code, 0))
        return expanded

    def _instead(self, word: str) -> str:
        prefixes = sorted({code[:3] for code in self.codes})
        meant = did_you_mean(word, [*self.codes, *self.names])
        return meant or f"legal prefixes are LR, {', '.join(prefixes)}, and `lrfix rule` lists the rules"


def _select(selection: Selection, known: _Known, base: frozenset[str], where: Callable[[str], str]) -> frozenset[str]:
    extended = known.expand(selection.extend_select, where("extend-select"))
    ignored = known.expand(selection.ignore, where("ignore"))
    chosen = dict.fromkeys(base, 0)
    if selection.select is not None:
        chosen = known.expand(selection.select, where("select"))
    for code, length in extended.items():
        chosen[code] = max(length, chosen.get(code, 0))
    # The longer prefix wins, so that `select LR202, ignore LR2` keeps LR202.
    return frozenset(code for code, length in chosen.items() if length > ignored.get(code, -1))


def split_codes(values: Sequence[str]) -> tuple[str, ...]:
    """``("LR1,LR202", "LR3")``, as options are given, as single codes."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _relative(path: str, root: str | None) -> str:
    if root is None:
        return Path(path).as_posix()
    try:
        return Path(absolute(path)).relative_to(root).as_posix()
    except ValueError:
        return Path(absolute(path)).as_posix().lstrip("/")


def _matches(pattern: str, relative: str) -> bool:
    spec = compiled((pattern,))
    return spec is not None and spec.match_file(relative)


__all__ = [
    "DEFAULT_MAX_FILE_SIZE",
    "KEYS",
    "Config",
    "ConfigError",
    "Selection",
    "Settings",
    "find_config",
    "read_config",
    "split_codes",
]
