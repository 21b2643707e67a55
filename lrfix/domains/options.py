"""Which names that could stand for an optimizer hold the options of the run instead: ``opt.epochs``, ``opt.lr``."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from lrfix.domains.roles import names_optimizer
from lrfix.names import Names

#: What is read off an optimizer and off no options.
_OPTIMIZERS_OWN = frozenset({"step", "zero_grad", "param_groups", "state_dict", "load_state_dict", "state", "defaults"})
_FEWEST = 2
_KNOWN: WeakKeyDictionary[Names, frozenset[str]] = WeakKeyDictionary()


def options_of(names: Names) -> frozenset[str]:
    """The plain names of a file that sound like an optimizer, and off which it reads settings alone."""
    if names not in _KNOWN:
        read: dict[str, set[str]] = {}
        for node in names.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and names_optimizer(node.value.id):
                read.setdefault(node.value.id, set()).add(node.attr)
        _KNOWN[names] = frozenset(
            name for name, fields in read.items() if len(fields) >= _FEWEST and not fields & _OPTIMIZERS_OWN
        )
    return _KNOWN[names]


__all__ = ["options_of"]
