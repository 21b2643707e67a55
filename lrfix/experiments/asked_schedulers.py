"""Schedulers that a scheduler of the file holds, asks for their rates and never steps. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.class_reading import own_attribute, stored_in, torch_named
from lrfix.experiments.structure import method, statements
from lrfix.experiments.study import Study
from lrfix.sites.vocabulary import words
from lrfix.trees import walk

_RATES = frozenset({"get_lr", "get_last_lr"})


@dataclass(frozen=True)
class Asked:
    """``read`` asks ``self.name`` for its rates, in the class ``owner``."""

    name: str
    read: ast.Attribute
    owner: ast.ClassDef


def asked_and_never_stepped(study: Study) -> Iterator[Asked]:
    """Only what the constructor is given counts: what a class builds is in the trace."""
    for node in study.names.nodes:
        initialiser = method(node, "__init__") if isinstance(node, ast.ClassDef) else None
        if not isinstance(node, ast.ClassDef) or initialiser is None:
            continue
        if not any(torch_named(study, base) for base in node.bases):
            continue
        given = {argument.arg for argument in (*initialiser.args.args, *initialiser.args.kwonlyargs)}
        for statement in statements(initialiser.body):
            for name, value in stored_in(statement):
                if isinstance(value, ast.Name) and value.id in given and _speaks(name):
                    read = _only_asked(study, node, name)
                    if read is not None:
                        yield Asked(name, read, node)


def _only_asked(study: Study, node: ast.ClassDef, name: str) -> ast.Attribute | None:
    """Where the class asks ``self.name`` for its rates; None where it does anything else with it than look at it."""
    asked: list[ast.Attribute] = []
    for inner in walk(node):
        if own_attribute(inner) != name or not isinstance(getattr(inner, "ctx", None), ast.Load):
            continue
        around = study.names.parents.get(inner)
        if isinstance(around, ast.If | ast.BoolOp | ast.Compare | ast.UnaryOp | ast.IfExp):
            continue
        if not isinstance(around, ast.Attribute):
            return None
        if around.attr in _RATES:
            asked.append(around)
        elif around.attr != "base_lrs":
            return None
    return asked[0] if asked else None


def _speaks(name: str) -> bool:
    return any(word.startswith("sched") for word in words(name))


__all__ = ["Asked", "asked_and_never_stepped"]
