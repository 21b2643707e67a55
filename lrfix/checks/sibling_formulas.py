"""For LR106: a method with one half of a choice that its sibling makes between two formulas. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.class_reading import own_attribute
from lrfix.domains.facts import literal
from lrfix.experiments.structure import EVALUATIONS, methods
from lrfix.experiments.study import Study
from lrfix.findings import Violation


def half_a_choice(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """``get_lr`` has a formula of its own for one value of a setting; another method always writes the other one."""
    for asked in methods(node):
        if asked.name not in EVALUATIONS:
            continue
        for choice in ast.walk(asked):
            setting = _special(choice.test) if isinstance(choice, ast.If) else None
            if setting is None or not isinstance(choice, ast.If):
                continue
            apart, usual = _returned(choice.body), _returned(choice.orelse)
            if apart is None or usual is None or ast.unparse(apart) == ast.unparse(usual):
                continue
            for other in methods(node):
                for statement in ast.walk(other) if other is not asked else ():
                    if _holds(statement, usual) and not _asks(study, statement, setting):
                        yield Violation(
                            study.span(statement),
                            f"`{asked.name}` has a formula of its own where `{ast.unparse(choice.test)}` (line "
                            f"{choice.lineno}), and this has the other one alone: with that value it does not warm up "
                            "or decay as the schedule does elsewhere.",
                        )
                        return


def _special(test: ast.expr) -> str | None:
    """The setting in ``self.multiplier == 1.0``."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        number = literal(test.comparators[0])
        if isinstance(number, int | float) and not isinstance(number, bool):
            return own_attribute(test.left)
    return None


def _returned(body: list[ast.stmt]) -> ast.expr | None:
    """The list of rates that a branch returns at once."""
    only = body[0] if len(body) == 1 else None
    return only.value if isinstance(only, ast.Return) and isinstance(only.value, ast.ListComp) else None


def _holds(statement: ast.AST, formula: ast.expr) -> bool:
    return isinstance(statement, ast.Assign) and ast.unparse(statement.value) == ast.unparse(formula)


def _asks(study: Study, statement: ast.AST, setting: str) -> bool:
    """Whether some test around a statement looks at the setting."""
    return any(
        own_attribute(n) == setting
        for around in study.names.ancestors(statement)
        if isinstance(around, ast.If)
        for n in ast.walk(around.test)
    )


__all__ = ["half_a_choice"]
