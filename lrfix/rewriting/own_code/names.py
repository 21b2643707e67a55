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
    if finding.evidence is not None:  # it runs, and the curve shows it
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


def _kept(text: Text, read: ast.Attribute) -> Iterator[Candidate]:
    """The one attribute of the class that is spelt almost like what nothing sets, or has a word less or more."""
    owner = text.names.enclosing(read, ast.ClassDef)
    own = [n for n in ast.walk(owner or read) if isinstance(n, ast.Attribute) and text.of(n.value) == "self"]
    raised = {n.target for n in ast.walk(owner or read) if isinstance(n, ast.AugAssign)}
    known = {n.attr for n in own if isinstance(n.ctx, ast.Store) and n not in raised}
    if isinstance(owner, ast.ClassDef):
        known |= {s.name for s in owner.body if isinstance(s, ast.FunctionDef)}
    asked = set(words(read.attr))
    close = set(difflib.get_close_matches(read.attr, known, cutoff=_CLOSE))
    close |= {name for name in known if set(words(name)) < asked and len(words(name)) > 1}
    if len(close) == 1:
        (meant,) = close
        ends = [text.bounds(n)[1] for n in own if n.attr == read.attr]
        edits = tuple(Insert(end - len(read.attr), end, meant) for end in ends)
        yield Candidate(edits, f"calls it `self.{meant}`, as the class does where it sets it")


__all__ = ["in_its_place"]
