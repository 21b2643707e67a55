"""For LR106 and LR211: arguments of a constructor that do not arrive where they belong. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.class_reading import base_constructor_call, stored_in, torch_named
from lrfix.experiments.structure import method, statements
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Defined
from lrfix.sites.vocabulary import looks_like_optimizer, words

_SCHEDULERS = frozenset({"scheduler", "lr", "lrscheduler"})


def start_kept_back(study: Study) -> Iterator[Violation]:
    """``last_epoch`` taken by a scheduler class that gives it to a scheduler inside and not to its own base class."""
    for node in study.names.nodes:
        initialiser = method(node, "__init__") if isinstance(node, ast.ClassDef) else None
        call = base_constructor_call(node) if isinstance(node, ast.ClassDef) else None
        if initialiser is None or call is None or not isinstance(node, ast.ClassDef):
            continue
        taken = [a.arg for a in (*initialiser.args.args, *initialiser.args.kwonlyargs)]
        if "last_epoch" not in taken or not _hands_on_optimizer_alone(call) or not _takes_a_start(study, node):
            continue
        read = [n for n in ast.walk(initialiser) if isinstance(n, ast.Name) and n.id == "last_epoch"]
        inner = {
            k.value
            for n in ast.walk(initialiser)
            if isinstance(n, ast.Call)
            for k in n.keywords
            if k.arg == "last_epoch"
        }
        if read and all(n in inner for n in read):
            yield Violation(
                study.span(call),
                "`last_epoch` goes to the scheduler inside and not to this class's own base: built to go on at a later "
                "step, the schedule as a whole begins again at its first. Pass `last_epoch=last_epoch` here too.",
            )


def _hands_on_optimizer_alone(call: ast.Call) -> bool:
    given = [*call.args, *(k.value for k in call.keywords)]
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return False
    names = {n.id for a in given for n in ast.walk(a) if isinstance(n, ast.Name)}
    return any(looks_like_optimizer(a) for a in given) and "last_epoch" not in names


def _takes_a_start(study: Study, node: ast.ClassDef) -> bool:
    """Whether the one base of a class is a scheduler that can begin at a later step."""
    if len(node.bases) != 1:
        return False
    base = node.bases[0]
    if torch_named(study, base):
        return True
    known = (
        [b.node for b in study.names.bindings(base.id, node) if isinstance(b, Defined)]
        if isinstance(base, ast.Name)
        else []
    )
    if known:
        made = [method(b, "__init__") for b in known if isinstance(b, ast.ClassDef)]
        return bool(made) and all(m is not None and any(a.arg == "last_epoch" for a in m.args.args) for m in made)
    return bool(_SCHEDULERS & set(words(ast.unparse(base).rpartition(".")[2])))


def uncorrected(study: Study) -> Iterator[Violation]:
    """A parameter read where its stand-in is meant: ``self.gamma`` is put right for a ``gamma`` that was not given, and
    ``gamma`` is used."""
    owner = study.node if isinstance(study.node, ast.ClassDef) else study.names.enclosing(study.node, ast.ClassDef)
    initialiser = method(owner, "__init__") if owner is not None else None
    if initialiser is None:
        return
    parameters = {a.arg for a in (*initialiser.args.args, *initialiser.args.kwonlyargs)}
    for position, statement in enumerate(initialiser.body):
        name = _not_given(statement.test) if isinstance(statement, ast.If) and not statement.orelse else None
        if name not in parameters or name is None or not isinstance(statement, ast.If):
            continue
        if not any(a == name and _is(v, name) for s in initialiser.body[:position] for a, v in stored_in(s)):
            continue
        if not any(a == name and not _reads(v, name) for s in statements(statement.body) for a, v in stored_in(s)):
            continue
        if any(_is(n, name) and isinstance(n.ctx, ast.Store) for n in ast.walk(initialiser) if isinstance(n, ast.Name)):
            continue
        for later in initialiser.body[position + 1 :]:
            for target, value in stored_in(later):
                if target != name and _calculated_with(value, name):
                    yield Violation(
                        study.span(later),
                        f"`{name}` is calculated with here as it was given, also where it was not: what stands in for "
                        f"it then is `self.{name}` (line {statement.lineno}).",
                    )
                    return


def _not_given(test: ast.expr) -> str | None:
    """``gamma`` in ``gamma <= 0``, ``gamma == -1``, ``gamma is None`` and ``not gamma``: it stands for nothing."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and isinstance(test.operand, ast.Name):
        return test.operand.id
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name)):
        return None
    operator, other = test.ops[0], test.comparators[0]
    nothing = ast.unparse(other) in ("None", "0", "-1", "0.0", "-1.0")
    return test.left.id if nothing and isinstance(operator, ast.Is | ast.Eq | ast.Lt | ast.LtE) else None


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _reads(value: ast.expr, name: str) -> bool:
    return any(_is(n, name) for n in ast.walk(value))


def _calculated_with(value: ast.expr, name: str) -> bool:
    """Whether a calculation uses the name outside of any choice that asks after it."""
    if any(isinstance(n, ast.IfExp | ast.BoolOp | ast.Compare | ast.Lambda) for n in ast.walk(value)):
        return False
    inside = (n for n in ast.walk(value) if isinstance(n, ast.BinOp | ast.Call))
    parts = (p for n in inside for p in ([n.left, n.right] if isinstance(n, ast.BinOp) else n.args))
    return any(_is(p, name) for p in parts)


__all__ = ["start_kept_back", "uncorrected"]
