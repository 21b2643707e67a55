"""What annotations and docstrings say of a scheduler that becomes another class: they follow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.names import FUNCTION_NODES, Imported, Names
from lrfix.rewriting.model import NewImport, TextReplacement
from lrfix.sites.vocabulary import torch_scheduler

_MODULE = "torch.optim.lr_scheduler"
_BASE = "LRScheduler"


@dataclass(frozen=True)
class TypesTold:
    """The expressions to replace, and what they need to be imported."""

    texts: tuple[TextReplacement, ...] = ()
    imports: tuple[NewImport, ...] = ()
    note: str | None = None


def types_told(names: Names, call: ast.Call, local: str, module: str) -> TypesTold:
    """What becomes untrue when ``call`` builds ``local`` of ``module``: annotations with torch's class, and docstrings.

    Where the same function, or the file, goes on building other schedulers, an annotation becomes torch's base class.
    """
    old = torch_scheduler(names, call.func)
    if old is None:
        return TypesTold()
    around = next((a for a in names.ancestors(call) if isinstance(a, FUNCTION_NODES)), None)
    others = [node for node in names.nodes if isinstance(node, ast.Call) and node is not call]
    others = [node for node in others if torch_scheduler(names, node.func) or _builds(names, node, module)]
    beside = [node for node in others if around is not None and any(a is around for a in names.ancestors(node))]
    last = not any(torch_scheduler(names, node.func) == old for node in others)
    texts: list[TextReplacement] = []
    needs_base = False
    for annotation in _annotations(names):
        own = any(a is around for a in names.ancestors(annotation))
        if not own and not last:
            continue
        for node in _naming(names, annotation, old):
            many = bool(beside if own else others)
            needs_base = needs_base or many
            texts.append(TextReplacement(node, _BASE if many else local))
    if around is not None and not isinstance(around, ast.Lambda):
        texts += _docstring(around, old, local, module)
    if not needs_base:
        return TypesTold(tuple(texts))
    bound = [b for scope in names.scopes.values() for b in scope.bindings.get(_BASE, ())]
    if any(not isinstance(b, Imported) or b.qualified != f"{_MODULE}.{_BASE}" for b in bound):
        return TypesTold(note=f"annotations that say `{old}` are not the whole truth any more")
    wanted = () if bound else (NewImport(_MODULE, _BASE, _BASE),)
    return TypesTold(tuple(texts), wanted)


def _builds(names: Names, node: ast.Call, module: str) -> bool:
    return any(qualified.rpartition(".")[0] == module for qualified in names.qualified(node.func))


def _annotations(names: Names) -> Iterator[ast.expr]:
    for node in names.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            yield node.annotation


def _naming(names: Names, annotation: ast.expr, old: str) -> Iterator[ast.expr]:
    """The parts of an annotation that name torch's class, also where it is quoted as a whole."""
    if isinstance(annotation, ast.Name | ast.Attribute) and torch_scheduler(names, annotation) == old:
        yield annotation
        return
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        if annotation.value.rpartition(".")[2] == old:
            yield annotation
        return
    for child in ast.iter_child_nodes(annotation):
        if isinstance(child, ast.expr):
            yield from _naming(names, child, old)


def _docstring(function: ast.AST, old: str, local: str, module: str) -> Iterator[TextReplacement]:
    body = getattr(function, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return
    if isinstance(first.value.value, str) and re.search(rf"\b{old}\b", first.value.value):
        pattern = rf"(?<![\w.])(?:torch\.optim\.)?lr_scheduler\.{old}\b"
        yield TextReplacement(first.value, "", ((pattern, f"{module}.{local}"), (rf"(?<![\w.]){old}\b", local)))


__all__ = ["TypesTold", "types_told"]
