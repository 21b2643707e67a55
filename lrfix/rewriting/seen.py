"""What a file is seen to give its numbers: a fraction or nothing that somebody passes has to be kept, whoever does it.

A setting that is merely legal and that nobody is seen to use may be the one in which old and new part; the rewrite is
then no equivalent one, and says so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.facts import literal
from lrfix.domains.roles import last_word
from lrfix.domains.signatures import arguments_of
from lrfix.domains.whole import WHOLE_CALLS
from lrfix.names import Names

_WHOLE_CALLS = WHOLE_CALLS | {"round", "ceil", "floor", "np.ceil", "np.floor"}


class Seen:
    """The values that the code of a file gives its names, as defaults, arguments, options and assignments."""

    def __init__(self, names: Names) -> None:
        self._values: dict[str, list[ast.expr]] = {}
        for name, value in _given(names):
            self._values.setdefault(last_word(name), []).append(value)

    def fraction(self, path: str) -> bool:
        """Whether anything that a name is given may be a fraction of a step."""
        return any(may_be_fraction(value) for value in self._values.get(last_word(path), ()))

    def none(self, path: str) -> bool:
        """Whether a name is given None anywhere."""
        return any(isinstance(v, ast.Constant) and v.value is None for v in self._values.get(last_word(path), ()))

    def zero(self, path: str) -> bool:
        """Whether a name is given 0 anywhere."""
        return any(literal(value) == 0 for value in self._values.get(last_word(path), ()))


def _given(names: Names) -> Iterator[tuple[str, ast.expr]]:
    functions: dict[str, ast.AST] = {n.name: n for n in names.nodes if isinstance(n, ast.FunctionDef)}
    classes: dict[str, ast.AST] = {n.name: n for n in names.nodes if isinstance(n, ast.ClassDef)}
    for node in names.nodes:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            yield from _defaults(node.args)
        elif isinstance(node, ast.Call):
            yield from ((k.arg, k.value) for k in node.keywords if k.arg is not None)
            called = ast.unparse(node.func).rpartition(".")[2]
            definition = functions.get(called) or classes.get(called)
            if definition is not None:
                yield from arguments_of(node, definition).items()
            if called == "add_argument":
                flags = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                yield from (
                    (flag.lstrip("-").replace("-", "_"), k.value)
                    for flag in flags
                    for k in node.keywords
                    if k.arg == "default"
                )
        elif isinstance(node, ast.Assign):
            yield from ((ast.unparse(t), node.value) for t in node.targets if isinstance(t, ast.Name | ast.Attribute))
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield ast.unparse(node.target), node.value


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    yield from zip(reversed(positional), reversed(arguments.defaults), strict=False)
    yield from ((a.arg, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None)


def may_be_fraction(node: ast.expr) -> bool:
    """Whether an expression may give a fraction, as far as it shows by itself."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) not in _WHOLE_CALLS and any(map(may_be_fraction, node.args))
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float) and not node.value.is_integer()
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.FloorDiv):
            return False
        return isinstance(node.op, ast.Div) or may_be_fraction(node.left) or may_be_fraction(node.right)
    if isinstance(node, ast.IfExp):
        return may_be_fraction(node.body) or may_be_fraction(node.orelse)
    return isinstance(node, ast.UnaryOp) and may_be_fraction(node.operand)


__all__ = ["Seen", "may_be_fraction"]
