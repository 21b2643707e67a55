"""The settings that a definition accepts, and what in the file reads them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.structure import assignments, hyperparameters, method, methods
from lrfix.experiments.study import Study
from lrfix.names import Defined
from lrfix.sites.vocabulary import words
from lrfix.stand_ins.torch_classes import attributes_read
from lrfix.trees import walk

#: Methods that carry settings about without using them.
_BOOKKEEPING = frozenset({"state_dict", "load_state_dict", "save", "load", "extra_repr"})
_CONFIGURATION = frozenset({"cfg", "config", "conf", "args", "hparams", "opts", "flags", "options", "settings"})
_BY_NAME = frozenset({"getattr", "vars", "locals", "asdict", "fields", "eval", "exec"})
#: What a clock may be set by: no epoch ends inside a warmup that the code states.
_OF_AN_EPOCH = frozenset({Role.WARMUP, Role.LOADER_LENGTH})
#: Methods that nothing but a reader asks.
_SHOWN = frozenset({"__repr__", "__str__", "__getstate__", "__setstate__"})
_PLAIN_BASES = frozenset({"object", "ABC", "Protocol", "Generic"})


@dataclass(frozen=True)
class Given:
    """A parameter of a function or constructor, or a field of a dataclass."""

    place: ast.AST
    name: str
    default: ast.expr | None
    annotation: str


def settings_of(node: ast.AST) -> Iterator[Given]:
    """What a function takes, or the constructor of a class; the fields of a dataclass where it has none of its own."""
    function = method(node, "__init__") if isinstance(node, ast.ClassDef) else node
    if isinstance(function, ast.FunctionDef):
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        pairs = [
            *zip(positional, [*missing, *arguments.defaults], strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        for argument, default in pairs[1:] if function is not node else pairs:
            annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
            yield Given(argument, argument.arg, default, annotation)
    elif isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(d) for d in node.decorator_list):
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                annotation = ast.unparse(statement.annotation)
                if "ClassVar" not in annotation:
                    yield Given(statement, statement.target.id, statement.value, annotation)


def kept_as(study: Study) -> dict[str, str]:
    """The attributes of a class by the parameter that each holds; a field of a dataclass holds itself."""
    node = study.node
    if isinstance(node, ast.ClassDef) and method(node, "__init__") is None:
        return {setting.name: setting.name for setting in settings_of(node)}
    return hyperparameters(study)


def family(study: Study, node: ast.ClassDef) -> list[ast.ClassDef] | None:
    """The class with all that it derives from and that derives from it here; None where a base is out of sight."""
    found = [node]
    for known in found:
        for base in known.bases:
            bindings = study.names.bindings(base.id, known) if isinstance(base, ast.Name) else []
            here = [b.node for b in bindings if isinstance(b, Defined)]
            qualified = study.names.qualified(base) | {ast.unparse(base)}
            if not here and any(q.startswith("torch.optim") for q in qualified):
                continue
            if ast.unparse(base).split(".")[-1].split("[")[0] in _PLAIN_BASES:
                continue
            if not here:
                return None
            found += [c for c in here if isinstance(c, ast.ClassDef) and c not in found]
    below = [node]
    for known in below:
        below += [
            n
            for n in study.names.nodes
            if isinstance(n, ast.ClassDef)
            and n not in below
            and any(isinstance(b, ast.Name) and b.id == known.name for b in n.bases)
        ]
    return found + below[1:]


def reads_by_name(node: ast.ClassDef) -> bool:
    """Whether a class may read attributes in ways that syntax does not show."""
    for function in methods(node):
        if not _carries(function):
            for inner in walk(function):
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in _BY_NAME:
                    return True
                if isinstance(inner, ast.Attribute) and inner.attr == "__dict__":
                    return True
    return False


def never_read(study: Study, node: ast.ClassDef, related: list[ast.ClassDef], name: str) -> bool:
    """The setting is stored at most, and what it is stored in decides nothing in the file."""
    held = {attribute for attribute, parameter in kept_as(study).items() if parameter == name}
    initialiser = method(node, "__init__")
    if initialiser is not None:
        stored = {
            n
            for statement in walk(initialiser)
            for target, value in assignments(statement)
            if isinstance(target, ast.Attribute) and target.attr in held
            for n in walk(value)
        }
        for n in walk(initialiser):
            if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load | ast.Del) and n not in stored:
                return False
    return not any(True for _ in _readers(study, related, held))


def out_of_reach(study: Study, related: list[ast.ClassDef], name: str) -> bool:
    """Whether nothing that a run calls can come by what a setting is stored in: no method of the classes, whatever it
    does with it, no class of torch's, and nobody who looks for the length of an epoch."""
    if role_of(name) in _OF_AN_EPOCH:
        return False
    held = {attribute for attribute, parameter in kept_as(study).items() if parameter == name}
    if not held.isdisjoint(attributes_read()):
        return False
    functions = [f for c in related for f in methods(c) if f.name not in _SHOWN | _BOOKKEEPING]
    read = {n.attr for f in functions for n in walk(f) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    return held.isdisjoint(read)


def read_elsewhere(study: Study, node: ast.ClassDef, related: list[ast.ClassDef], name: str) -> bool:
    """Whether what a setting is stored in is read outside of the class: by one derived from it, by its callers."""
    held = {attribute for attribute, parameter in kept_as(study).items() if parameter == name}
    return any(study.names.enclosing(n, ast.ClassDef) is not node for n in _readers(study, related, held))


def _readers(study: Study, related: list[ast.ClassDef], held: set[str]) -> Iterator[ast.Attribute]:
    """Every read of an attribute that may decide something."""
    for n in study.names.nodes:
        read = isinstance(n, ast.Attribute) and n.attr in held and isinstance(n.ctx, ast.Load)
        if read and isinstance(n, ast.Attribute) and not _only_carried(study, n, related):
            yield n


def _only_carried(study: Study, read: ast.Attribute, related: list[ast.ClassDef]) -> bool:
    """A read that is another object's, or that only saves, loads or prints."""
    if not isinstance(read.value, ast.Name) or read.value.id != "self":
        owner_name = ast.unparse(read.value).split(".")[-1]
        return bool(_CONFIGURATION & set(words(owner_name)))
    if study.names.enclosing(read, ast.ClassDef) not in related:
        return True
    function = study.names.enclosing(read, ast.FunctionDef)
    return isinstance(function, ast.FunctionDef) and _carries(function)


def _carries(function: ast.FunctionDef) -> bool:
    special = function.name.startswith("__") and function.name not in ("__init__", "__call__", "__post_init__")
    return function.name in _BOOKKEEPING or special


__all__ = ["Given", "family", "kept_as", "never_read", "out_of_reach", "read_elsewhere", "reads_by_name", "settings_of"]
