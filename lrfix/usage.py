"""How other files of a project use what a file defines: which of them may, told by their bytes, and what they show.

The index is made once for all files that are checked, from words alone; whether an import really means the definition
is decided where the file is analysed.
"""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from lrfix.names import Names
from lrfix.neighbours import Neighbourhood
from lrfix.sites.imported import definition_elsewhere
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.subclasses import optimizer_parameter
from lrfix.sites.vocabulary import (
    FACTOR_SCHEDULERS,
    call_argument,
    looks_like_optimizer,
    optimizer_call,
    torch_scheduler,
)
from lrfix.source import Source
from lrfix.trees import walk
from lrfix.whereabouts import absolute

MOST_USERS = 4
_MOST_LEVELS = 4
_DEFINED = re.compile(rb"^(?:class|def)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_FROM = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|(?:[^\n#;\\]|\\\r?\n)*)", re.MULTILINE)
_IMPORT = re.compile(rb"^[ \t]*import[ \t]+([^\n#;]+)", re.MULTILINE)
_COMMENT = re.compile(rb"#[^\n]*")
_CALLED = re.compile(rb"\b([A-Za-z_]\w*)\(")
_HANDED = re.compile(rb"(?:Lambda|Multiplicative)LR\(([^#]{0,300})")
_WORD = re.compile(rb"[A-Za-z_]\w*")
_TEST = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")


@dataclass(frozen=True)
class Mentions:
    """The words of one file that say what it defines and what it may use."""

    defined: frozenset[bytes]
    imported: frozenset[bytes]
    used: frozenset[bytes]
    handed: frozenset[bytes] = frozenset()


@dataclass(frozen=True)
class Place:
    """Where a file stands in its project: its path, and for each name it defines the files that may use it.

    ``handed`` are the names that one of them may hand to LambdaLR.
    """

    path: str
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    handed: frozenset[str] = frozenset()


def mentions(raw: bytes) -> Mentions:
    imported: set[bytes] = set()
    used = set(_CALLED.findall(raw))
    renamed: dict[bytes, bytes] = {}
    for module, listed in _FROM.findall(raw):
        for words in (part.split() for part in _COMMENT.sub(b"", listed).strip(b"()").split(b",")):
            imported.update([module.rpartition(b".")[2] if words[0] == b"*" else words[0]] if words else [])
            if len(words) > 2:
                renamed[words[0]] = words[2]
                used.add(words[0])
    for listed in _IMPORT.findall(raw):
        imported.update(part.split()[0].rpartition(b".")[2] for part in listed.split(b",") if part.split())
    handed = {word for arguments in _HANDED.findall(raw) for word in _WORD.findall(arguments)}
    if handed:
        handed |= {old for old, new in renamed.items() if new in handed}
    return Mentions(frozenset(_DEFINED.findall(raw)), frozenset(imported), frozenset(used | handed), frozenset(handed))


def places(files: Mapping[str, Mentions]) -> dict[str, Place]:
    """A place for each path. Tests are no users: they build schedules that no training has."""
    by_import: dict[bytes, set[str]] = defaultdict(set)
    for path, words in files.items():
        if not _TEST.search(path.replace(os.sep, "/")):
            for word in words.imported:
                by_import[word].add(path)
    parts = {path: os.path.abspath(path).split(os.sep) for path in files}
    found = {}
    for path, words in files.items():
        # A file is reached under its own name, or that of a package that hands its names on.
        modules = (os.path.splitext(parts[path][-1])[0], *parts[path][-_MOST_LEVELS:-1])
        through = set().union(*(by_import.get(os.fsencode(module), set()) for module in modules))
        users: dict[str, tuple[str, ...]] = {}
        for name in words.defined:
            near = {p for p in by_import.get(name, set()) | through if name in files[p].used and p != path}
            if near:
                apart = {p: _distance(parts[p], parts[path]) for p in near}
                closest = sorted(near, key=lambda p: (apart[p], p))
                users[name.decode()] = tuple(closest[:MOST_USERS])
        handed = {name for name in users if any(name.encode() in files[p].handed for p in users[name])}
        found[path] = Place(path, users, frozenset(handed))
    return found


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    """How many directories lie between two files."""
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return len(one) + len(other) - 2 * common


def sites_with_uses(
    source: Source, names: Names, sites: Sequence[ScheduleSite], around: Neighbourhood, place: Place
) -> list[ScheduleSite]:
    """The sites of a file with what other files show of their use, and the functions that these hand to LambdaLR."""
    found = [_with_uses(site, names, around, place) for site in sites]
    known = {node for site in sites for root in site.nodes for node in walk(root)}
    for node in names.tree.body:
        if isinstance(node, ast.FunctionDef) and node not in known and node.name in place.handed:
            base, handed, called = _handed(names, node, around, place)
            if base and not called:
                site = ScheduleSite("lambda", node.name, base, (node,), source.span(node))
                found.append(replace(site, elsewhere=tuple(handed)))
    return sorted(found, key=lambda site: site.span)


def _with_uses(site: ScheduleSite, names: Names, around: Neighbourhood, place: Place) -> ScheduleSite:
    node = site.node
    if site.constructions or site.calls or len(site.nodes) != 1 or names.parents.get(node) is not names.tree:
        return site
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name not in place.users:
        return site
    if site.form == "function" and isinstance(node, ast.FunctionDef) and node.name in place.handed:
        base, handed, called = _handed(names, node, around, place)
        if base and not called:
            return replace(site, form="lambda", base=base, elsewhere=tuple(handed))
        if base:
            return site  # a factor in one file and a rate, or whatever, in another
    if site.form in ("function", "setter", "subclass", "wrapper"):
        return replace(site, elsewhere=tuple(_calls(names, node, around, place)))
    return site


def _calls(
    names: Names, node: ast.FunctionDef | ast.ClassDef, around: Neighbourhood, place: Place
) -> Iterator[Construction]:
    for path, other in _users(names, node, around, place):
        for call in other.nodes:
            if isinstance(call, ast.Call) and _means(other, call.func, names, node):
                optimizer = _optimizer(call, node)
                yield Construction(call, optimizer, optimizer_call(other, optimizer), other, path)


def _optimizer(call: ast.Call, node: ast.FunctionDef | ast.ClassDef) -> ast.expr | None:
    """The argument of a call that is the optimizer: by the parameter's name, where the definition shows it."""
    if isinstance(node, ast.ClassDef) and any(
        isinstance(s, ast.FunctionDef) and s.name == "__init__" for s in node.body
    ):
        position, name = optimizer_parameter(node)
        return call_argument(call, position, name) if looks_like_optimizer(ast.Name(name)) else None
    given = [*call.args, *(k.value for k in call.keywords)]
    return next((a for a in given if looks_like_optimizer(a)), None)


def _handed(
    names: Names, node: ast.FunctionDef, around: Neighbourhood, place: Place
) -> tuple[str, list[Construction], bool]:
    """The torch class that other files hand a function to, where it is one, the calls that do, and whether the
    function is called somewhere else too."""
    bases: set[str] = set()
    found: list[Construction] = []
    called = False
    for path, other in _users(names, node, around, place):
        given: set[ast.AST] = set()
        calls = [n for n in other.nodes if isinstance(n, ast.Call)]
        for call in calls:
            base = torch_scheduler(other, call.func)
            function = call_argument(call, 1, "lr_lambda") if base in FACTOR_SCHEDULERS else None
            if base is None or function is None:
                continue
            if isinstance(function, ast.Call) and function.args and _is_partial(other, function):
                function = function.args[0]
            if _means(other, function, names, node):
                optimizer = call_argument(call, 0, "optimizer")
                found.append(Construction(call, optimizer, optimizer_call(other, optimizer), other, path))
                bases.add(base)
                given.update(walk(call))
        called = called or any(c not in given and _means(other, c.func, names, node) for c in calls)
    return (bases.pop() if len(bases) == 1 else ""), found, called


def _is_partial(names: Names, call: ast.Call) -> bool:
    return bool(names.qualified(call.func) & {"functools.partial", "partial"})


def _users(
    names: Names, node: ast.FunctionDef | ast.ClassDef, around: Neighbourhood, place: Place
) -> Iterator[tuple[str, Names]]:
    for path in place.users.get(node.name, ()):
        other = around.names_of(Path(around.looks.real(absolute(path))))
        if other is not None and other is not names:
            yield path, other


def _means(other: Names, expression: ast.expr, names: Names, node: ast.FunctionDef | ast.ClassDef) -> bool:
    if not isinstance(expression, ast.Name | ast.Attribute):
        return False
    found = definition_elsewhere(other, expression)
    return found is not None and found[0] is names and found[1].node is node


__all__ = ["Mentions", "Place", "mentions", "places", "sites_with_uses"]
