"""Edits of checkpoints: what is saved and loaded beside the optimizer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.findings import Finding
from lrfix.names import FUNCTION_NODES
from lrfix.rewriting.own_code.text import Candidate, Insert, Text, alone, indent, lines


def saved_beside(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR308: the scheduler's state beside the optimizer's, in the checkpoint and back from it."""
    inside = text.within(finding)
    built = text.names.enclosing(inside[0], ast.Assign) if inside else None
    if not isinstance(built, ast.Assign) or len(built.targets) != 1:
        return
    if not isinstance(built.targets[0], ast.Name | ast.Attribute):
        return
    scheduler = text.of(built.targets[0])
    nodes = _in_reach(text, built.targets[0], finding)
    saved = [(d, k, v) for d in nodes if isinstance(d, ast.Dict) for k, v in _optimizers_in(d)]
    driven = _driven(text, built.value)
    saved = [each for each in saved if text.of(each[2]).startswith(f"{driven}.")] or saved
    loads = [s for s in nodes if isinstance(s, ast.Expr) and _is_built_before(text, built, s)]
    loaded = [(s, state) for s in loads if (state := _loaded(s)) is not None]
    keys = {text.of(key) for _, key, _ in saved}
    loaded = [each for each in loaded if any(text.of(each[1]).endswith(f"[{key}]") for key in keys)]
    if len(keys) != 1 or len(loaded) != 1 or not alone(text, loaded[0][0]):
        return
    (load, given), (key,) = loaded[0], keys
    name = re.sub("optim(izer)?", "scheduler", key)
    taken = {text.of(k) for checkpoint, _, _ in saved for k in checkpoint.keys if k is not None}
    if not isinstance(given, ast.Subscript) or name == key or name in taken:
        return
    edits = []
    for checkpoint, entry, value in saved:
        behind = text.bounds(value)[1]
        apart = ", " if entry.lineno == checkpoint.lineno else f",\n{indent(text, entry)}"
        edits.append(Insert(behind, behind, f"{apart}{name}: {scheduler}.state_dict()"))
    start, end = lines(text, load)
    margin = indent(text, load)
    step = "\t" if "\t" in margin else "    "
    read = text.of(given.value)
    back = (
        f"{margin}if {name} in {read}:  # checkpoints of before have none\n"
        f"{margin}{step}{scheduler}.load_state_dict({read}[{name}])\n"
    )
    ending = "" if text.source.text[start:end].endswith(("\n", "\r")) else "\n"
    yield Candidate(
        (*edits, Insert(end, end, ending + back)),
        f"saves `{scheduler}` beside the optimizer and loads it with it; checkpoints of before are read as they were",
    )


def _in_reach(text: Text, kept: ast.expr, finding: Finding) -> list[ast.AST]:
    """Where a scheduler is at hand by the name that it is kept under: the class, of an attribute of ``self``."""
    owner = text.names.enclosing(kept, ast.ClassDef)
    own = isinstance(kept, ast.Attribute) and text.of(kept.value) == "self"
    return list(ast.walk(owner)) if own and owner is not None else text.around(finding)


def _is_built_before(text: Text, built: ast.Assign, node: ast.stmt) -> bool:
    """Whether a scheduler is there where a statement runs: in the function that builds it, only further down."""
    same = text.names.enclosing(built, FUNCTION_NODES) is text.names.enclosing(node, FUNCTION_NODES)
    return node.lineno > built.lineno or not same


def _driven(text: Text, built: ast.expr) -> str:
    """The optimizer that a scheduler is built on."""
    named = [k.value for k in built.keywords if k.arg == "optimizer"] if isinstance(built, ast.Call) else []
    given = [*(built.args[:1] if isinstance(built, ast.Call) else []), *named]
    return text.of(given[0]) if given else ""


def _optimizers_in(node: ast.Dict) -> Iterator[tuple[ast.expr, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        named = isinstance(key, ast.Constant) and isinstance(key.value, str) and "optim" in key.value.lower()
        saved = isinstance(value, ast.Call) and ast.unparse(value.func).endswith(".state_dict")
        if key is not None and named and saved:
            yield key, value


def _loaded(node: ast.Expr) -> ast.expr | None:
    """What a statement loads into an optimizer; None for any other."""
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or len(call.args) != 1:
        return None
    loads = call.func.attr == "load_state_dict" and "optim" in ast.unparse(call.func.value).lower()
    return call.args[0] if loads else None


__all__ = ["saved_beside"]
