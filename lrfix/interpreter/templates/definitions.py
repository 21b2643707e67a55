"""The template of a whole definition: what is written, compiled and given its values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from lrfix.interpreter.templates.expressions import expression
from lrfix.interpreter.templates.guards import NAMES
from lrfix.interpreter.templates.source import NotCovered, Source
from lrfix.interpreter.templates.statements import block

_LONGEST = 60_000
"""Characters of a source: beyond, compiling it costs more than a definition is called for."""


def template_of(
    node: ast.FunctionDef | ast.Lambda, parameters: Sequence[str], stored: Collection[str], first: str | None
) -> Callable[..., Any] | None:
    """What runs a definition when it is given the machine, its function and the values of its parameters; None where
    the closures have to. ``stored``: the names that its statements assign, ``first`` its first parameter."""
    own = [*parameters, *sorted(set(stored) - set(parameters))]
    source = Source(own, list(parameters))
    try:
        if isinstance(node, ast.Lambda):
            source.line(f"return {expression(source, node.body)}")
        else:
            block(source, node.body)
        text = _text(source, own[len(parameters) :], first)
        if len(text) > _LONGEST:
            return None
        code = _compiled(text)
    except (NotCovered, SyntaxError, RecursionError, MemoryError):
        return None
    namespace = {"__builtins__": {}, **NAMES, **source.values}
    exec(code, namespace)
    template: Callable[..., Any] = namespace["template"]
    return template


def _text(source: Source, others: Sequence[str], first: str | None) -> str:
    given = ", ".join(source.variables[name] for name in source.parameters)
    lines = [f"def template(machine, function, {given}):", "    F = function.environment", "    G = F.variables.get"]
    lines.append("    ran = machine.recorder.statements.add")
    lines += [f"    {source.variables[name]} = M" for name in others]
    if source.uses_parent:
        lines.append(f"    receiver = {source.variables[first] if first is not None else 'None'}")
    return "\n".join([*lines, *source.functions, *source.lines, ""])


@lru_cache(maxsize=256)
def _compiled(text: str) -> CodeType:
    return compile(text, "<template>", "exec", dont_inherit=True)


__all__ = ["template_of"]
