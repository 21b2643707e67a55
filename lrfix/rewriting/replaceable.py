"""What stands in the way of replacing a schedule, as far as the text alone shows it: nothing is simulated for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.names import Names
from lrfix.rewriting.effects import (
    bases_in,
    check_changes_nothing,
    check_drives_nothing,
    check_reads_no_group,
    check_used_as_torchs,
)
from lrfix.rewriting.liveness import External
from lrfix.rewriting.model import NotRewritten
from lrfix.sites.model import IN_PLACE, REWRITTEN, ScheduleSite
from lrfix.sites.vocabulary import torch_scheduler

#: What users of a torch scheduler may ask of it.
API = frozenset(
    {
        "optimizer", "base_lrs", "last_epoch", "step", "get_lr", "get_last_lr", "state_dict", "load_state_dict",
        "_last_lr", "_step_count", "_get_closed_form_lr", "_update_lr", "print_lr", "verbose", "lr_lambdas",
    }
)  # fmt: skip


def check_replaceable(names: Names, site: ScheduleSite, external: External) -> None:
    """Raises NotRewritten for what no edit is planned for, or none may be made: a form of schedule, or what the code
    around it does with the scheduler."""
    if site.form not in REWRITTEN:
        raise NotRewritten("this is a schedule of another form than any that rewrite replaces")
    if site.form in IN_PLACE:
        return
    if site.form == "composition":
        _check_parts_unknown(names)
        _check_class_tests(names, site.constructions[0].call.func)
        return
    if isinstance(site.node, ast.ClassDef):
        _check_foreign_attributes(names, site, site.node)
        check_drives_nothing(site.node)
        check_used_as_torchs(names, site.node)
    elif len(site.nodes) > 1:
        raise NotRewritten("each parameter group has a function of its own")
    check_changes_nothing(names, site.nodes)
    check_reads_no_group(site.nodes)
    if site.form == "subclass" and isinstance(site.node, ast.ClassDef):
        _check_base_tests(names, site.node, external)
    else:
        _check_class_tests(names, site.constructions[0].call.func)


def _check_foreign_attributes(names: Names, site: ScheduleSite, node: ast.ClassDef) -> None:
    """The class may give callers more than a torch scheduler does: then it cannot be exchanged."""
    own = {s.name for s in node.body if isinstance(s, ast.FunctionDef)}
    own |= {
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)
    }
    holders = {ast.unparse(t) for c in site.constructions for t in _targets(names, c.call)}
    for inner in names.nodes:
        if (
            isinstance(inner, ast.Attribute)
            and inner.attr in own - API
            and ast.unparse(inner.value) in holders
            and node not in names.ancestors(inner)
        ):
            raise NotRewritten(
                f"line {inner.lineno} uses `{ast.unparse(inner)}`, which the bundled scheduler does not have"
            )


def _targets(names: Names, call: ast.Call) -> list[ast.expr]:
    parent = names.parents.get(call)
    if isinstance(parent, ast.Assign):
        return parent.targets
    return [parent.target] if isinstance(parent, ast.AnnAssign) else []


def _check_parts_unknown(names: Names) -> None:
    """Whoever asks a composition for its parts would find none."""
    for node in names.nodes:
        if isinstance(node, ast.Attribute) and node.attr in ("_schedulers", "_milestones"):
            raise NotRewritten(f"line {node.lineno} reads `{node.attr}`, which the bundled scheduler does not have")


def _check_class_tests(names: Names, function: ast.expr) -> None:
    wanted = torch_scheduler(names, function)
    for line, cls in _tested_classes(names):
        if torch_scheduler(names, cls) == wanted:
            raise NotRewritten(f"line {line} tests whether a scheduler is a {wanted}")
    for node in names.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "lr_lambdas":
            raise NotRewritten(f"line {node.lineno} reads `lr_lambdas`, which the bundled scheduler does not have")


def _check_base_tests(names: Names, node: ast.ClassDef, external: External) -> None:
    """The bundled schedulers are derived from torch's base class alone."""
    own = {cls.name for cls in bases_in(names, node)}
    torchs = {torch_scheduler(names, base) for base in node.bases} - {None, "LRScheduler", "_LRScheduler"}
    for line, cls in _tested_classes(names):
        if ast.unparse(cls) in own or torch_scheduler(names, cls) in torchs:
            raise NotRewritten(f"line {line} tests whether a scheduler is a {ast.unparse(cls)}")
    for name in sorted(own):
        if external(rf"(isinstance|issubclass)\s*\([^)]*\b{name}"):
            raise NotRewritten(f"another file of the project tests whether a scheduler is a {name}")


def _tested_classes(names: Names) -> Iterator[tuple[int, ast.expr]]:
    """The classes that the file asks about with ``isinstance`` or ``issubclass``, each with the line."""
    for node in names.nodes:
        if not isinstance(node, ast.Call) or len(node.args) != 2:
            continue
        if ast.unparse(node.func) in ("isinstance", "issubclass"):
            classes = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            yield from ((node.lineno, cls) for cls in classes)


__all__ = ["API", "check_replaceable"]
