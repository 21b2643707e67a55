"""Vendored files as modules: what a rewritten script imports, which is often one name of the bundle."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

from lrfix.vendoring import public_names, vendored_source


def loaded(path: Path) -> ModuleType:
    """A file as a module that pickles find by its name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@cache
def _text(name: str) -> str:
    return vendored_source([name])


def each_alone(folder: Path, names: Sequence[str] | None = None) -> SimpleNamespace:
    """Each name (None: all of them) as it is in the file that holds it alone, which is cut the most."""
    found = {}
    for name in names or public_names():
        path = folder / f"vendored_{name}.py"
        path.write_text(_text(name), encoding="utf-8")
        found[name] = getattr(loaded(path), name)
    return SimpleNamespace(**found)
