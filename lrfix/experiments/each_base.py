"""Lists with a rate for each base rate, judged by their text: in every branch, those that no run comes to as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.domains.roles import LENGTHS, RATES, Role, last_word, role_of
from lrfix.experiments.structure import method
from lrfix.experiments.study import Study
from lrfix.trees import walk

_FORMULAS = ("get_lr", "_get_closed_form_lr")
_FACTORS = re.compile(r"ratio|factor|frac|scale|mult|share|gamma|power|exponent")
_PLAIN_CALLS = frozenset({"float", "int", "max", "min", "math.cos", "math.sin", "math.exp", "math.sqrt", "math.pow"})


def _lists(study: Study) -> Iterator[tuple[ast.ListComp, str]]:
    """The lists over ``self.base_lrs`` that a class returns as rates or gives another scheduler for its own.

    Each with the name that goes through them.
    """
    node = study.node
    formulas = [method(node, name) for name in _FORMULAS] if isinstance(node, ast.ClassDef) else []
    for formula in formulas:
        for comprehension in walk(formula) if formula is not None else ():
            if not isinstance(comprehension, ast.ListComp) or len(comprehension.generators) != 1:
                continue
            user = study.names.parents.get(comprehension)
            handed = isinstance(user, ast.Assign) and ast.unparse(user.targets[0]).endswith(".base_lrs")
            if not isinstance(user, ast.Return) and not handed:
                continue
            (generator,) = comprehension.generators
            if isinstance(generator.target, ast.Name) and ast.unparse(generator.iter) == "self.base_lrs":
                yield comprehension, generator.target.id


def first_base_for_all(study: Study) -> ast.ListComp | None:
    """A list whose elements are worked out from one base rate by its number, whichever group they are for."""
    for comprehension, name in _lists(study):
        items = (n for n in walk(comprehension.elt) if isinstance(n, ast.Subscript))
        numbered = (ast.unparse(n.value) == "self.base_lrs" and isinstance(n.slice, ast.Constant) for n in items)
        if any(numbered) and not _reads(comprehension.elt, name):
            return comprehension
    return None


def factor_for_a_rate(study: Study) -> ast.ListComp | None:
    """A list of plain factors in a formula that multiplies the base rates elsewhere."""
    lists = list(_lists(study))
    if not any(_multiplies(comprehension.elt, name) for comprehension, name in lists):
        return None
    bare = (c for c, name in lists if not _reads(c.elt, name) and _is_a_factor(study, c.elt))
    return next(bare, None)


def _reads(node: ast.expr, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in walk(node))


def _multiplies(node: ast.expr, name: str) -> bool:
    products = (n for n in walk(node) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult))
    return any(isinstance(side, ast.Name) and side.id == name for n in products for side in (n.left, n.right))


def _is_a_factor(study: Study, node: ast.expr) -> bool:
    """Whether an expression is made of positions, lengths, factors and plain numbers alone."""
    if isinstance(node, ast.Constant):
        return False
    functions = {n.func for n in walk(node) if isinstance(n, ast.Call)}
    if any(ast.unparse(function) not in _PLAIN_CALLS for function in functions):
        return False
    inside = {n.value for n in walk(node) if isinstance(n, ast.Attribute)} | functions
    terms = [n for n in walk(node) if isinstance(n, ast.Attribute | ast.Name | ast.Subscript) and n not in inside]
    return bool(terms) and all(_without_unit(ast.unparse(term)) for term in terms)


def _without_unit(path: str) -> bool:
    role, word = role_of(path), last_word(path)
    if role in RATES:
        return False
    return role in (*LENGTHS, Role.LAST_EPOCH, Role.GAMMA, Role.POWER) or _FACTORS.search(word) is not None


__all__ = ["factor_for_a_rate", "first_base_for_all"]
