"""The text of a call that builds a bundled scheduler, and expressions carried from one place to another."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from lrfix.recognition.model import POSITIONAL, ScheduleSpec, says_nothing
from lrfix.rewriting.model import NotRewritten
from lrfix.source import Source

LINE_LENGTH = 88
_REQUIRED = {"WarmupInverseSqrtLR": ("warmup_steps",)}
_ATOMS = (ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Call, ast.List, ast.Tuple, ast.Dict, ast.Set)
_PURE_CALLS = frozenset(
    {"len", "int", "float", "max", "min", "round", "abs", "sum", "range", "math.ceil", "math.floor", "math.sqrt"}
)


def arguments_of(spec: ScheduleSpec, last_epoch: str | None = None) -> list[str]:
    """The texts that follow ``optimizer``; ``last_epoch`` only where the old code gave it."""
    given: list[str] = []
    named = False
    for name, text in zip(POSITIONAL.get(spec.scheduler, ()), spec.positional, strict=False):
        # A bare number says nothing: it goes by its name, and so does all that follows it.
        named = named or isinstance(ast.parse(text, mode="eval").body, ast.Constant)
        given.append(f"{name}={text}" if named else text)
    required = _REQUIRED.get(spec.scheduler, ())
    given += [
        f"{name}={text}" for name, text in spec.keywords.items() if name in required or not says_nothing(name, text)
    ]
    if last_epoch is not None and "last_epoch" not in spec.keywords:
        given.append(f"last_epoch={last_epoch}")
    return given


def in_quotes_of(text: str, spec: ScheduleSpec) -> ScheduleSpec:
    """``spec`` with keys quoted as the file quotes them: ``cfg["warmup"]`` where it writes so."""

    return ScheduleSpec(
        scheduler=spec.scheduler,
        positional=tuple(in_quotes_of_text(text, expression) for expression in spec.positional),
        keywords={name: in_quotes_of_text(text, expression) for name, expression in spec.keywords.items()},
    )


def in_numbers_of(source: Source, nodes: Sequence[ast.AST], spec: ScheduleSpec) -> ScheduleSpec:
    """``spec`` with numbers spelled as the schedule spells them: ``1e-6``, not ``1e-06``."""
    return ScheduleSpec(
        scheduler=spec.scheduler,
        positional=tuple(in_numbers_of_text(source, nodes, text) for text in spec.positional),
        keywords={name: in_numbers_of_text(source, nodes, text) for name, text in spec.keywords.items()},
    )


def in_numbers_of_text(source: Source, nodes: Sequence[ast.AST], text: str) -> str:
    """An expression with numbers spelled as the code has them."""
    numbers = (n for root in nodes for n in ast.walk(root) if isinstance(n, ast.Constant) and type(n.value) is float)
    spelled = {n.value: source.segment(n) for n in numbers}
    raw = text.encode("utf-8")
    told = [n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Constant) and n.value in spelled]
    for node in sorted((n for n in told if type(n.value) is float), key=lambda n: n.col_offset, reverse=True):
        raw = raw[: node.col_offset] + spelled[node.value].encode() + raw[node.end_col_offset :]
    return raw.decode("utf-8")


def in_quotes_of_text(text: str, argument: str) -> str:
    """An argument (``expression`` or ``name=expression``) with keys quoted as ``text`` quotes them."""
    for node in ast.walk(ast.parse(f"f({argument})", mode="eval")):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            single, double = repr(node.value), f'"{node.value}"'
            if double in text and single not in text:
                argument = argument.replace(single, double)
    return argument


def call_text(callee: str, arguments: Sequence[str], column: int, trailing: int, limit: int, unit: str) -> str:
    """The call on one line where it fits, else one argument a line, indented relative to the statement's own block.

    ``column`` is where the call starts (from 0), ``trailing`` how many characters follow it and ``unit`` one level of
    the file's indentation.
    """
    line = f"{callee}({', '.join(arguments)})"
    if column + len(line) + trailing <= limit or "\n" in line:
        return line
    inner = "".join(f"{unit}{argument},\n" for argument in arguments)
    return f"{callee}(\n{inner})"


def names_in(text: str) -> set[str]:
    """The names that an expression text reads."""
    return {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}


def substituted(spec: ScheduleSpec, values: Mapping[str, tuple[str, ast.expr]]) -> ScheduleSpec:
    """``spec`` with the parameters of a constructor replaced by what a call gives for them.

    ``values`` maps a parameter to the text and node of its argument or default. Raises NotRewritten where a replacement
    would evaluate something twice, or no longer at all, that may have an effect.
    """
    uses: dict[str, int] = {}
    for text in (*spec.positional, *spec.keywords.values()):
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name):
                uses[node.id] = uses.get(node.id, 0) + 1
    for name, (text, node) in values.items():
        if not pure(node) and uses.get(name, 0) != 1:
            raise NotRewritten(
                f"the argument `{text}` of `{name}` may have an effect and would be evaluated {uses.get(name, 0)} times"
            )
    return ScheduleSpec(
        scheduler=spec.scheduler,
        positional=tuple(substitute(text, values) for text in spec.positional),
        keywords={key: substitute(text, values) for key, text in spec.keywords.items()},
    )


def substitute(text: str, values: Mapping[str, tuple[str, ast.expr]]) -> str:
    """``text`` with names replaced, in parentheses where precedence asks for them."""
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Name):
        return values[tree.id][0] if tree.id in values else text
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in values]
    raw = text.encode("utf-8")
    for node in sorted(found, key=lambda n: n.col_offset, reverse=True):
        new, expression = values[node.id]
        if not isinstance(expression, _ATOMS) or (isinstance(expression, ast.Constant) and new.startswith("-")):
            new = f"({new})"
        raw = raw[: node.col_offset] + new.encode("utf-8") + raw[node.end_col_offset :]
    return raw.decode("utf-8")


def pure(node: ast.expr) -> bool:
    """Whether evaluating an expression twice, or not at all, changes nothing (attributes are taken to be plain)."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) not in _PURE_CALLS:
            return False
        if isinstance(inner, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
    return True


__all__ = [
    "LINE_LENGTH",
    "arguments_of",
    "call_text",
    "in_quotes_of",
    "in_quotes_of_text",
    "names_in",
    "pure",
    "substitute",
    "substituted",
]
