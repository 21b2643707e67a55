"""Edits of what is given and read by the wrong name: arguments exchanged, attributes misspelt, imports forgotten."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from itertools import combinations

from lrfix.findings import Finding
from lrfix.rewriting.own_code.formulas import over_its_own_length
from lrfix.rewriting.own_code.text import Candidate, Insert, Text
from lrfix.sites.vocabulary import words

_CLOSE = 0.8
#: Words that tell two counts of one thing from each other for nobody.
_IDLE = frozenset({"n", "num", "cur", "current", "now"})
#: What formulas are written with, by the name that everybody gives it.
_IMPORTS = {
    "math": "import math",
    "np": "import numpy as np",
    "torch": "import torch",
    "bisect_right": "from bisect import bisect_right",
    "Optimizer": "from torch.optim import Optimizer",
}


def in_its_place(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR211: two values that stand in each other's place; what is kept, or imported, under the name that is meant."""
    yield from over_its_own_length(text, finding)
    for node in text.within(finding):
        if text.source.span(node) != finding.span:
            continue
        if isinstance(node, ast.Call):
            given = [*node.args, *(k.value for k in node.keywords if k.arg is not None)]
            for one, other in combinations([v for v in given if f"`{ast.unparse(v)}`" in finding.message], 2):
                edits = Insert(*text.bounds(one), text.of(other)), Insert(*text.bounds(other), text.of(one))
                yield Candidate(edits, f"puts `{text.of(one)}` and `{text.of(other)}` in each other's place")
        if isinstance(node, ast.Name):
            yield from _imported(text, node)
            if node.id in _set_on_self(text, node):
                start, _ = text.bounds(node)
                yield Candidate((Insert(start, start, "self."),), f"reads `self.{node.id}`, where it is kept")
        if isinstance(node, ast.Attribute) and text.of(node.value) == "self":
            yield from _kept(text, node)


def _imported(text: Text, node: ast.Name) -> Iterator[Candidate]:
    first = next((s for s in text.source.tree.body if _imports(s)), None)
    needed = _IMPORTS.get(node.id)
    if needed is not None and first is not None:
        start, _ = text.bounds(first)
        yield Candidate((Insert(start, start, f"{needed}\n"),), f"adds `{needed}`")


def _imports(statement: ast.stmt) -> bool:
    future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    return isinstance(statement, ast.Import | ast.ImportFrom) and not future


def _set_on_self(text: Text, read: ast.expr) -> set[str]:
    """The attributes that the class around a read gives a value."""
    owner = text.names.enclosing(read, ast.ClassDef)
    nodes = list(ast.walk(owner)) if owner is not None else []
    raised = {n.target for n in nodes if isinstance(n, ast.AugAssign)}
    own = (n for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and n not in raised)
    return {n.attr for n in own if text.of(n.value) == "self"}


def _kept(text: Text, read: ast.Attribute) -> Iterator[Candidate]:
    """The one attribute of the class that is spelt almost like what nothing sets, or but for words that say nothing."""
    known = _set_on_self(text, read)
    close = set(difflib.get_close_matches(read.attr, known, cutoff=_CLOSE))
    meaning = set(words(read.attr)) - _IDLE
    close |= {name for name in known if meaning and set(words(name)) - _IDLE == meaning and _counts(text, read, name)}
    if len(close) == 1:
        (meant,) = close
        owner = text.names.enclosing(read, ast.ClassDef)
        same = [n for n in ast.walk(owner or read) if isinstance(n, ast.Attribute) and text.of(n) == text.of(read)]
        ends = [text.bounds(n)[1] for n in same]
        edits = tuple(Insert(end - len(read.attr), end, meant) for end in ends)
        yield Candidate(edits, f"calls it `self.{meant}`, as the class does where it sets it")


def _counts(text: Text, read: ast.expr, name: str) -> bool:
    """Whether an attribute begins as a number that the class states: a count, and no length that is given to it."""
    owner = text.names.enclosing(read, ast.ClassDef)
    given = (n for n in ast.walk(owner or read) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant))
    return any(text.of(target) == f"self.{name}" for statement in given for target in statement.targets)


__all__ = ["in_its_place"]
