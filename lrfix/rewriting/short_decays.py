"""A decay of less than one step: where ``max(1, total - warmup)`` and a bundled schedule part."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from lrfix.domains.whole import WholeNumbers, is_whole
from lrfix.names import Assigned, Names

LIMIT = "for decays of a step or more"


def short_decay(names: Names, nodes: Sequence[ast.AST], arguments: Mapping[str, str]) -> tuple[str, ...]:
    """What to say of it, where the code guards the length of its decay and fractional lengths may be passed.

    No horizon makes the two alike: the guarded line falls by one a step from less than the peak. So the rewrite is
    equivalent ``LIMIT``.
    """
    lengths = [arguments.get("total_steps"), arguments.get("warmup_steps")]
    whole = WholeNumbers(names)
    told = [length for length in lengths if length is not None]
    if len(told) < len(lengths) or all(is_whole(names, whole, ast.parse(t, mode="eval").body) for t in told):
        return ()
    for node in (inner for root in nodes for inner in ast.walk(root)):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "max" or len(node.args) != 2:
            continue
        if any(isinstance(a, ast.Constant) and a.value == 1 for a in node.args):
            for argument in node.args:
                if any(isinstance(v, ast.BinOp) and isinstance(v.op, ast.Sub) for v in _meant(names, argument)):
                    return (
                        f"where `{ast.unparse(argument)}` is less than one step, which takes fractional lengths, the "
                        "old curve counts it as one and the new one as what it is",
                    )
    return ()


def _meant(names: Names, argument: ast.expr) -> list[ast.expr]:
    """An expression, or what a local name of it was assigned."""
    if not isinstance(argument, ast.Name) or argument not in names.parents:
        return [argument]
    return [b.value for b in names.bindings(argument.id, argument) if isinstance(b, Assigned)]


__all__ = ["LIMIT", "short_decay"]
