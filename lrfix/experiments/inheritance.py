"""LR107's readings of what a class takes over from its bases. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.class_reading import (
    base_constructor_call,
    on_class,
    own_attribute,
    stored_in,
    stores_in,
    torch_named,
)
from lrfix.experiments.structure import method, methods, statements
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Defined
from lrfix.trees import children, walk

#: What torch's classes had under another name: class and old name, what became of it, in which version.
RENAMED = {
    ("ReduceLROnPlateau", "is_better"): ("called `_is_better`", "2.9"),
    ("LRScheduler", "print_lr"): ("gone", "2.7"),
    ("_LRScheduler", "print_lr"): ("gone", "2.7"),
}
#: What ``LRScheduler.__init__`` creates, across torch's versions.
TORCH_STATE = ("optimizer", "base_lrs", "last_epoch", "_step_count", "_last_lr")
_SCOPES = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def bases(study: Study, node: ast.ClassDef) -> tuple[list[ast.ClassDef], bool]:
    """The classes of this file that a class derives from, and whether that is all but torch's and ``object``."""
    found: list[ast.ClassDef] = []
    whole = True
    for known in (node,):
        for base in known.bases:
            here = [
                b.node
                for b in (study.names.bindings(base.id, known) if isinstance(base, ast.Name) else ())
                if isinstance(b, Defined) and isinstance(b.node, ast.ClassDef)
            ]
            found += [c for c in here if c not in found and c is not node]
            whole = whole and (bool(here) or torch_named(study, base) or ast.unparse(base) == "object")
    for known in list(found):
        more, all_of_it = bases(study, known)
        found += [c for c in more if c not in found]
        whole = whole and all_of_it
    return found, whole


def made_by_base(study: Study, node: ast.ClassDef, name: str) -> bool:
    """Whether the constructor of a base in this file creates ``self.name``."""
    for base in bases(study, node)[0]:
        constructor = method(base, "__init__")
        if constructor is not None and any(attribute == name for attribute, _ in stores_in(constructor)):
            return True
    return False


def foreign_super(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """``super(Other, self)`` in a class that does not derive from ``Other``: a copied line."""
    above, whole = bases(study, node)
    if not whole:
        return
    own = {node.name, *(c.name for c in above)}
    known = {n.name for n in study.names.nodes if isinstance(n, ast.ClassDef)}
    for function in methods(node):
        for call in walk(function):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id == "super"
                and len(call.args) == 2
                and isinstance(call.args[0], ast.Name)
                and call.args[0].id in known - own
            ):
                yield Violation(
                    study.span(call),
                    f"`{node.name}` is no `{call.args[0].id}`: this raises TypeError when `{function.name}` runs. "
                    "Write `super()`.",
                )


def read_too_early(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """An attribute that the base's constructor creates, read in a line before that constructor is called."""
    initialiser, call = method(node, "__init__"), base_constructor_call(node)
    if initialiser is None or call is None:
        return
    above, _ = bases(study, node)
    created = set(TORCH_STATE) if any(torch_named(study, base) for c in (node, *above) for base in c.bases) else set()
    own: set[str] = set()
    for statement in statements(initialiser.body):
        if statement.lineno >= call.lineno:
            return
        for read in _reads(statement):
            name = read.attr
            if name in own or any(on_class(c, name) or method(c, "__getattr__") for c in (node, *above)):
                continue
            if name in created or made_by_base(study, node, name):
                yield Violation(
                    study.span(read),
                    f"`self.{name}` is read before the base class's constructor creates it (line {call.lineno}): "
                    "whenever this line runs, building the scheduler raises AttributeError.",
                )
                return
        own |= {name for name, _ in stored_in(statement)}


def _reads(statement: ast.stmt) -> Iterator[ast.Attribute]:
    """Reads of own attributes by a statement itself: not by the blocks in it, nor by functions that run later."""
    waiting: list[ast.AST] = [c for c in children(statement) if not isinstance(c, ast.stmt)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, _SCOPES):
            continue
        if isinstance(part, ast.Attribute) and own_attribute(part) is not None and isinstance(part.ctx, ast.Load):
            yield part
        waiting += [c for c in children(part) if not isinstance(c, ast.stmt)]
