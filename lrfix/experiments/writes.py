"""Where the value of a function goes that knows no optimizer: what its callers write into the groups."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from lrfix.experiments.study import Study
from lrfix.findings import Span
from lrfix.trees import stored_names, walk

_WALLS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)


def written_as_it_is(study: Study) -> Span | None:
    """The statement that writes the function's value as the rate of a group, unchanged, if every caller does so."""
    calls = [call for call in study.site.calls if study.names.statement_of(call) is not None]
    places = [next(_writes_of(study, call), None) for call in calls]
    return study.span(places[0]) if places and places[0] is not None and None not in places else None


def _writes_of(study: Study, call: ast.Call) -> Iterator[ast.stmt]:
    statement = study.names.statement_of(call)
    if not isinstance(statement, ast.Assign) or statement.value is not call:
        return
    if any(is_rate_key(target) for target in statement.targets):
        yield statement
        return
    function = study.names.enclosing(call, _WALLS)
    names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
    for node in walk(function) if function is not None else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield from [node] if any(is_rate_key(target) for target in node.targets) else []
        elif isinstance(node, ast.Assign | ast.AugAssign) and node is not statement and stored_names(node) & names:
            return  # changed on the way


def reads_present_rate(study: Study) -> bool:
    """Whether the schedule looks at the rate that stands in a group, elsewhere than where it is built."""
    for root in study.site.nodes:
        for node in walk(root):
            if is_rate_key(node) and isinstance(getattr(node, "ctx", None), ast.Load):
                function = study.names.enclosing(node, ast.FunctionDef)
                if getattr(function, "name", "") != "__init__":
                    return True
    return False


def is_rate_key(node: ast.AST) -> TypeGuard[ast.Subscript]:
    """``anything["lr"]``."""
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "lr"


__all__ = ["is_rate_key", "reads_present_rate", "written_as_it_is"]
