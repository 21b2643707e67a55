"""What the code around a scheduler does with it that its replacement would not bear: attributes and classes that it
asks for, base rates that it sets, parameter groups that it adds. Other files are looked at as text, where imports or
a configuration connect them with this one: in no other can the scheduler be."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import TypeGuard

from lrfix.names import FUNCTION_NODES, Names
from lrfix.rewriting.effects import bases_in
from lrfix.rewriting.liveness import External, done_elsewhere
from lrfix.rewriting.model import NotRewritten
from lrfix.sites.model import ScheduleSite
from lrfix.sites.vocabulary import optimizer_call, torch_scheduler
from lrfix.tracing.library import names_scheduler

#: What users of a torch scheduler may ask of it.
API = frozenset(
    {
        "optimizer", "base_lrs", "last_epoch", "step", "get_lr", "get_last_lr", "state_dict", "load_state_dict",
        "_last_lr", "_step_count", "_get_closed_form_lr", "_update_lr", "print_lr", "verbose", "lr_lambdas",
    }
)  # fmt: skip

#: In the text of another file, what says by its name that it is a scheduler, or gives one.
SCHEDULER = r"\w*[Ss]ched\w*(?:\(\))?"
_BUILDS_OPTIMIZER = r"(?:\boptim\.\w+|\w+_optimizer|\w*(?:SGD|Adam\w*|RMSprop|Lion|Optimizer))\("


def check_own_attributes(names: Names, site: ScheduleSite, node: ast.ClassDef, external: External) -> None:
    """The class may give callers more than a torch scheduler does: then it cannot be exchanged."""
    family = [node, *bases_in(names, node)]
    for method in (s for cls in family for s in cls.body if isinstance(s, ast.FunctionDef)):
        # torch calls what LambdaLR is given.
        known = ("__init__", "__call__") if site.form == "lambda" else ("__init__",)
        if method.name.startswith("__") and method.name.endswith("__") and method.name not in known:
            raise NotRewritten(f"it has a `{method.name}` at line {method.lineno}, which the bundled scheduler has not")
    given = sorted({name for cls in family for name in _attributes(cls)} - API - {"__init__"})
    holders = {last_name(t) for c in site.constructions for t in targets_of(names, c.call)} | {node.name}
    inside = {n for cls in family for n in ast.walk(cls)}
    for inner in names.nodes:
        if not isinstance(inner, ast.Attribute) or inner.attr not in given or inner in inside:
            continue
        if (holder := last_name(inner.value)) in holders or names_scheduler(holder):
            raise NotRewritten(
                f"line {inner.lineno} uses `{ast.unparse(inner)}`, which the bundled scheduler does not have"
            )
    for attribute in given:
        built = rf"(\w+)\s*=\s*[\w.]*\b{node.name}\([\s\S]*\b\1\.{attribute}"
        used = (*(rf"{holder}\.{attribute}" for holder in (SCHEDULER, node.name)), built)
        if any(done_elsewhere(external, pattern) for pattern in used):
            raise NotRewritten(f"another file uses `{attribute}` of a scheduler, which the bundled one does not have")


def _attributes(cls: ast.ClassDef) -> Iterator[str]:
    """What a class, or an object of it, has: methods, names of the class, and what its methods set."""
    for statement in cls.body:
        if isinstance(statement, ast.FunctionDef):
            yield statement.name
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            yield node.attr


def last_name(holder: ast.expr) -> str:
    """The name by which a holder goes wherever it is held: `scheduler` of `self.scheduler`."""
    return ast.unparse(holder).rpartition(".")[2]


def targets_of(names: Names, call: ast.Call) -> list[ast.expr]:
    parent = names.parents.get(call)
    if isinstance(parent, ast.Assign):
        return parent.targets
    return [parent.target] if isinstance(parent, ast.AnnAssign) else []


def check_parts_unknown(names: Names, external: External) -> None:
    """Whoever asks a composition for its parts would find none."""
    for attribute in ("_schedulers", "_milestones"):
        _check_unread(names, external, attribute)


def check_functions_unknown(names: Names, external: External) -> None:
    """Whoever asks a scheduler for the functions that it was given would find none."""
    _check_unread(names, external, "lr_lambdas")


def _check_unread(names: Names, external: External, attribute: str) -> None:
    for node in names.nodes:
        if isinstance(node, ast.Attribute) and node.attr == attribute:
            raise NotRewritten(f"line {node.lineno} reads `{attribute}`, which the bundled scheduler does not have")
    if done_elsewhere(external, rf"{SCHEDULER}\.{attribute}"):
        raise NotRewritten(f"another file reads `{attribute}`, which the bundled scheduler does not have")


def check_class_unknown(names: Names, function: ast.expr, external: External) -> None:
    """Whoever asks whether a scheduler is of the class that torch's ``function`` builds would hear something else."""
    wanted = torch_scheduler(names, function)
    if wanted is not None:
        _check_untested(names, {wanted}, set(), external)


def check_bases_unknown(names: Names, node: ast.ClassDef, external: External) -> None:
    """The bundled schedulers are derived from torch's base class alone."""
    torchs = {found for base in node.bases if (found := torch_scheduler(names, base)) is not None}
    own = {cls.name for cls in bases_in(names, node)}
    _check_untested(names, torchs - {"LRScheduler", "_LRScheduler"}, own, external)


def _check_untested(names: Names, torchs: Collection[str], own: Collection[str], external: External) -> None:
    for line, cls in _tested_classes(names):
        if ast.unparse(cls) in own or torch_scheduler(names, cls) in torchs:
            raise NotRewritten(f"line {line} tests whether a scheduler is a {ast.unparse(cls).rpartition('.')[2]}")
    for line, text in _compared_names(names):
        if text in own or text in torchs:
            raise NotRewritten(f"line {line} tests whether a scheduler is a {text}")
    for name in sorted({*torchs, *own}):
        asked = (rf"(?:isinstance|issubclass)\s*\([^\n]*\b{name}", rf"__name__[^\n]*['\"]{name}")
        if any(done_elsewhere(external, pattern) for pattern in asked):
            raise NotRewritten(f"another file of the project tests whether a scheduler is a {name}")


def _tested_classes(names: Names) -> Iterator[tuple[int, ast.expr]]:
    """The classes that the file asks about with ``isinstance`` or ``issubclass``, each with the line."""
    for node in names.nodes:
        if not isinstance(node, ast.Call) or len(node.args) != 2:
            continue
        if ast.unparse(node.func) in ("isinstance", "issubclass"):
            classes = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            yield from ((node.lineno, cls) for cls in classes)


def _compared_names(names: Names) -> Iterator[tuple[int, str]]:
    """The texts that the name of some class is compared with, each with the line."""
    for node in names.nodes:
        if not isinstance(node, ast.Compare):
            continue
        parts = list(ast.walk(node))
        if any(isinstance(part, ast.Attribute) and part.attr in ("__name__", "__qualname__") for part in parts):
            yield from (
                (node.lineno, part.value)
                for part in parts
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


def check_groups_settled(names: Names, site: ScheduleSite, external: External) -> None:
    """Raises NotRewritten where base rates are set, or groups added, once the scheduler is there: torch's schedulers
    follow the one and know nothing of the other, the bundled ones do neither."""
    inside = {n for node in site.nodes for n in ast.walk(node)}
    for node in (n for n in names.nodes if n not in inside):
        if _sets_base_rates(node):
            line = getattr(node, "lineno", 0)
            raise NotRewritten(f"line {line} sets the base rates, which the bundled scheduler reads once")
        if _adds_group(node) and not _before(names, node, site):
            raise NotRewritten(
                f"line {node.lineno} adds a parameter group, which the old scheduler, built by then, leaves alone and "
                "the new one would not"
            )
    # What an object says of its own base rates (`self.base_lrs = ...`) is no business of this one's.
    if done_elsewhere(external, SCHEDULER + r"\.base_lrs(?:\[[^]\n]*\])?\s*[-+*/]?=(?!=)"):
        raise NotRewritten("another file sets the base rates, which the bundled scheduler reads once")
    if done_elsewhere(external, rf"\A(?![\s\S]*(?:{_BUILDS_OPTIMIZER}|def\s+add_param_group))[\s\S]*\.add_param_group"):
        raise NotRewritten(
            "another file adds parameter groups, which the old scheduler leaves alone and the new one would not"
        )


def _sets_base_rates(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        node = node.value
    elif not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
        return False
    # Another scheduler class of the file sets its own.
    return isinstance(node, ast.Attribute) and node.attr == "base_lrs" and ast.unparse(node.value) != "self"


def _adds_group(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_param_group"


def _before(names: Names, adding: ast.Call, site: ScheduleSite) -> bool:
    """Whether a group is added before any scheduler of the site is built on the optimizer."""
    around = names.enclosing(adding, FUNCTION_NODES)
    if isinstance(around, ast.FunctionDef) and around.name == "add_param_group":
        return True  # an optimizer that hands on what it is given adds nothing by itself
    here = [c.call for c in site.constructions if names.enclosing(c.call, FUNCTION_NODES) is around]
    if here:
        return all(adding.lineno < call.lineno for call in here)
    return isinstance(adding.func, ast.Attribute) and optimizer_call(names, adding.func.value) is not None


__all__ = [
    "API",
    "SCHEDULER",
    "check_bases_unknown",
    "check_class_unknown",
    "check_functions_unknown",
    "check_groups_settled",
    "check_own_attributes",
    "check_parts_unknown",
    "last_name",
    "targets_of",
]
