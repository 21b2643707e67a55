"""For LR211: a rate meant for the biases that goes to another parameter group. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.facts import literal
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.vocabulary import call_argument, words

_BIAS = frozenset({"bias", "biases"})


def meant_for_another_group(study: Study) -> Iterator[Violation]:
    """``bias_lr if j == 2 else ...`` over the groups of an optimizer whose third group holds no biases."""
    for node in study.names.nodes:
        picked = _picked(study, node) if isinstance(node, ast.IfExp) else None
        if picked is None or not isinstance(node, ast.IfExp):
            continue
        optimizer, index = picked
        groups = _groups(study, optimizer)
        holders = [place for place, group in enumerate(groups) if group in _filled_with_biases(study)]
        if len(holders) == 1 and index < len(groups) and holders[0] != index:
            yield Violation(
                study.span(node),
                f"`{ast.unparse(node.body)}` goes to group {index}, which holds `{groups[index]}`; the biases, "
                f"`{groups[holders[0]]}`, are group {holders[0]}: each of the two has the other's rate.",
            )


def _picked(study: Study, choice: ast.IfExp) -> tuple[str, int] | None:
    """The optimizer and the index of the group that a rate named for biases is chosen for."""
    test = choice.test
    spoken = {word for n in ast.walk(choice.body) for word in words(_said(n))}
    if not _BIAS & spoken or not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return None
    index, loop = literal(test.comparators[0]), study.names.enclosing(choice, ast.For)
    if not isinstance(index, int) or not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Tuple):
        return None
    if ast.unparse(loop.target.elts[0]) != ast.unparse(test.left) or not isinstance(loop.iter, ast.Call):
        return None
    groups = loop.iter.args[0] if loop.iter.args and ast.unparse(loop.iter.func) == "enumerate" else None
    if isinstance(groups, ast.Attribute) and groups.attr == "param_groups":
        return ast.unparse(groups.value), index
    return None


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _groups(study: Study, optimizer: str) -> list[str]:
    """What each group is made of, in order; nothing where branches build it from different parameters."""
    first: set[str] = set()
    added: list[str] = []
    for node in study.names.nodes:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.targets[0]) == optimizer
        ):
            given = call_argument(node.value, 0, "params")
            first.add(ast.unparse(given) if given is not None else "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{optimizer}.add_param_group" and node.args:
            group = node.args[0]
            keys = dict(zip(map(_key, group.keys), group.values, strict=True)) if isinstance(group, ast.Dict) else {}
            added.append(ast.unparse(keys["params"]) if "params" in keys else "")
    return [*first, *added] if len(first) == 1 and "" not in (*first, *added) else []


def _key(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _filled_with_biases(study: Study) -> set[str]:
    """The lists that get biases, and nothing else, appended."""
    biases: set[str] = set()
    others: set[str] = set()
    for node in study.names.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "append":
            continue
        statement = study.names.statement_of(node)
        if statement is None or not node.args:
            continue
        test = study.names.parents.get(statement)
        asked = isinstance(test, ast.If) and statement in test.body and _asks_for_bias(test.test)
        bias = node.args[0].attr == "bias" if isinstance(node.args[0], ast.Attribute) else asked
        (biases if bias else others).add(ast.unparse(node.func.value))
    return biases - others


def _asks_for_bias(test: ast.expr) -> bool:
    """``".bias" in name``, alone."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.In)
        and isinstance(test.left, ast.Constant)
        and str(test.left.value).strip(".") == "bias"
    )


__all__ = ["meant_for_another_group"]
