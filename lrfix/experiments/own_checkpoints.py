"""Whether a program can read the checkpoints that it writes. No rules here.

A resume that asks a checkpoint for what none of the file's own holds fails before anything is restored: nothing that
could be said of the resumed run comes true.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from lrfix.names import Assigned, Names
from lrfix.sites.blocks import block_of
from lrfix.sites.vocabulary import called_name, looks_like_optimizer
from lrfix.trees import walk, written

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: Four rules ask.
_KNOWN: WeakKeyDictionary[Names, Unreadable | None] = WeakKeyDictionary()


@dataclass(frozen=True)
class Unreadable:
    """``read`` asks a checkpoint for a key, and the file's own hold those in ``saved``."""

    read: ast.Subscript
    saved: tuple[str, ...]


def unreadable(names: Names) -> Unreadable | None:
    """What a resume asks for in vain, where every resume of the file does; None where one may find all of it."""
    if names not in _KNOWN:
        _KNOWN[names] = _unreadable(names)
    return _KNOWN[names]


def _unreadable(names: Names) -> Unreadable | None:
    saved = _saved(names)
    if saved is None:
        return None
    found = [_missing(names, load, saved) for load in _resumes(names)]
    return found[0] if found and all(found) else None


def _saved(names: Names) -> tuple[str, ...] | None:
    """The keys of all checkpoints that a file saves; None where it does not show one, or not all of it."""
    dicts: list[ast.Dict] = []
    for call in (n for n in names.nodes if isinstance(n, ast.Call)):
        if "save" not in called_name(call).lower():
            continue
        given = [*call.args, *(k.value for k in call.keywords)]
        shown = [found for part in given if (found := _dict(names, part)) is not None]
        if called_name(call) == "save" and not shown and given and not _plain_state(names, given[0]):
            return None
        dicts += shown
    if not any(_is_call(value, "state_dict") for each in dicts for value in each.values):
        return None
    keys = [key for each in dicts for key in each.keys]
    if not all(isinstance(key, ast.Constant) for key in keys):
        return None
    return tuple(dict.fromkeys(str(key.value) for key in keys if isinstance(key, ast.Constant)))


def _dict(names: Names, node: ast.expr) -> ast.Dict | None:
    """A dict that is written out in the call, or bound to the name that stands there."""
    if isinstance(node, ast.Name):
        bound = names.bindings(node.id, node)
        values = [b.value for b in bound if isinstance(b, Assigned) and not b.index]
        node = values[0] if len(values) == len(bound) == 1 else node
    return node if isinstance(node, ast.Dict) else None


def _plain_state(names: Names, node: ast.expr) -> bool:
    """Whether what is saved is no dict of several things: one thing's state, or what a function is given."""
    if isinstance(node, ast.Name):
        function = names.enclosing(node, _FUNCTIONS)
        return function is not None and any(a.arg == node.id for a in walk(function) if isinstance(a, ast.arg))
    return _is_call(node, "state_dict")


def _keys_written(node: ast.AST) -> Iterator[str]:
    """The texts under which anything is put into a dict."""
    if isinstance(node, ast.Dict):
        yield from (k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            yield node.slice.value
    elif isinstance(node, ast.Call) and called_name(node) in ("dict", "update"):
        yield from (k.arg for k in node.keywords if k.arg is not None)


def _resumes(names: Names) -> Iterator[ast.Assign]:
    """Where something is loaded that an optimizer then gets its state from."""
    restored = {
        written(part.value)
        for call in names.nodes
        if isinstance(call, ast.Call)
        and called_name(call) == "load_state_dict"
        and call.args
        and isinstance(call.func, ast.Attribute)
        and looks_like_optimizer(call.func.value)
        for part in walk(call.args[0])
        if isinstance(part, ast.Subscript)
    }
    for node in names.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if "load" in called_name(node.value) and any(written(target) in restored for target in node.targets):
            yield node


def _missing(names: Names, load: ast.Assign, saved: tuple[str, ...]) -> Unreadable | None:
    """What is read from a loaded checkpoint, whatever it holds, in the statements behind the load."""
    if any(isinstance(around, ast.Try) for around in names.ancestors(load)):
        return None
    put = {key for node in names.nodes for key in _keys_written(node)}
    loaded = {written(target) for target in load.targets}
    block = block_of(names, load)
    for statement in block[block.index(load) + 1 :]:
        if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
            continue
        for part in walk(statement):
            if not isinstance(part, ast.Subscript) or written(part.value) not in loaded:
                continue
            key = part.slice.value if isinstance(part.slice, ast.Constant) else None
            if isinstance(key, str) and isinstance(part.ctx, ast.Load) and key not in put:
                return Unreadable(part, saved)
    return None


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and called_name(node) == name


__all__ = ["Unreadable", "unreadable"]
