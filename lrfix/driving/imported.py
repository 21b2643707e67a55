"""What an imported name stands for: a stand-in, an allow-listed function, or something unknown."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from lrfix.interpreter.modules import resolve_qualified
from lrfix.interpreter.values import Unknown
from lrfix.names import Names
from lrfix.sites.vocabulary import words
from lrfix.stand_ins.torch_classes import stand_in

_KEY_WORDS = frozenset({"lr", "initial", "init", "field", "key", "name"})
# What a star import is known to bring along under these names.
_USUAL = {"np": "numpy", "optim": "torch.optim", "lr_scheduler": "torch.optim.lr_scheduler"}
_STARRED: WeakKeyDictionary[Names, tuple[str, ...]] = WeakKeyDictionary()


def imported(qualified: str, local: str) -> Any:
    """The value of an imported name: a stand-in, an allow-listed native, or unknown."""
    value = _known(qualified)
    if value is None and local.isupper() and {"lr"} < (spoken := set(words(local))) <= _KEY_WORDS:
        return "initial_lr" if spoken & {"initial", "init"} else "lr"
    return Unknown(local) if value is None else value


@lru_cache(maxsize=4096)
def _known(qualified: str) -> Any:
    """The stand-in or the allow-listed value of a name; None without one."""
    value = stand_in(qualified)
    return resolve_qualified(qualified) if value is None else value


def starred_modules(names: Names) -> tuple[str, ...]:
    """The modules that a file takes everything from, as it names them, the last first."""
    if names not in _STARRED:
        found = [n.module or "" for n in names.nodes if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"]
        _STARRED[names] = tuple(reversed(found))
    return _STARRED[names]


def by_star(name: str, modules: Sequence[str]) -> Any:
    """What a name means that only ``from module import *`` can have brought."""
    told = (imported(f"{module}.{name}", name) for module in modules)
    known = next((value for value in told if not isinstance(value, Unknown)), None)
    return known if known is not None else imported(_USUAL.get(name, name), name)


__all__ = ["by_star", "imported", "starred_modules"]
