"""Classes of one's own that build several torch schedulers on one optimizer and decide which of them moves."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from lrfix.names import Names
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.subclasses import optimizer_parameter
from lrfix.sites.vocabulary import call_argument, optimizer_call, torch_scheduler
from lrfix.source import Source
from lrfix.trees import walk

_FEWEST = 2
_TRAINS = frozenset(
    {"train", "fit", "forward", "training_step", "train_step", "train_epoch", "backward", "configure_optimizers"}
    | {"validate", "evaluate", "test", "predict", "run", "train_one_epoch", "optimize_parameters", "run_step"}
)
_NO_METRIC = "ReduceLROnPlateau"


def driving_classes(source: Source, names: Names, taken: Iterable[ast.AST]) -> list[ScheduleSite]:
    """One site a class; ``taken`` are the classes of other forms."""
    owned = set(taken)
    found = []
    for node in names.nodes:
        if not isinstance(node, ast.ClassDef) or node in owned or not _drives(names, node):
            continue
        position, keyword = optimizer_parameter(node)
        calls = [n for n in names.nodes if isinstance(n, ast.Call) and _builds(n, node)]
        given = [(call, call_argument(call, position, keyword)) for call in calls]
        found.append(
            ScheduleSite(
                form="composition",
                name=node.name,
                base="",
                nodes=(node,),
                span=source.span(node),
                constructions=tuple(Construction(call, o, optimizer_call(names, o)) for call, o in given),
            )
        )
    return found


def _builds(call: ast.Call, node: ast.ClassDef) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == node.name


def _drives(names: Names, node: ast.ClassDef) -> bool:
    methods = [s for s in node.body if isinstance(s, ast.FunctionDef)]
    if _TRAINS & {method.name for method in methods}:
        return False
    built: dict[str, set[str]] = {}
    for method in methods:
        for attribute, optimizer in _built(names, method):
            built.setdefault(optimizer, set()).add(attribute)
    several = next((attributes for attributes in built.values() if len(attributes) >= _FEWEST), set())
    return any(_moves(method, several) for method in methods if method.name != "__init__")


def _built(names: Names, method: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """The attributes that keep a torch scheduler, each with the optimizer that it stands on, as it is written."""
    for statement in walk(method):
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
            continue
        base = torch_scheduler(names, statement.value.func)
        optimizer = call_argument(statement.value, 0, "optimizer") if base not in (None, _NO_METRIC) else None
        for target in statement.targets if optimizer is not None else ():
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                yield target.attr, ast.unparse(optimizer).removeprefix("self.") if optimizer is not None else ""


def _moves(method: ast.FunctionDef, attributes: set[str]) -> bool:
    """Whether a method steps one of the schedulers that the class keeps."""
    return any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "step"
        and isinstance(n.func.value, ast.Attribute)
        and n.func.value.attr in attributes
        for n in walk(method)
    )


__all__ = ["driving_classes"]
