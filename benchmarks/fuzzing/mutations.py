"""Small changes to Python code that keep most of it: what a hurried hand, a merge or a generator may leave behind.

Every change is drawn from a ``random.Random`` alone, so a seed names a mutant.
"""

from __future__ import annotations

import ast
import io
import random
import re
import tokenize
from collections.abc import Callable, Sequence

#: Values that schedules meet in the wild and formulas do not expect.
EXPRESSIONS = (
    *("0", "1", "-1", "0.0", "1e308", "5e-324", "10 ** 30", "-10 ** 30", "2 ** 70", "True", "None", "''", "'cosine'"),
    *("()", "[]", "{}", "[0, 1]", "(1,)", "float('nan')", "float('inf')", "-float('inf')", "1j", "...", "b'x'"),
    *("lambda *a, **k: 0", "lambda: None", "[x for x in range(9)]", "range(3)", "object()", "int", "math", "self"),
    *("args", "optimizer", "optimizer.param_groups", "optimizer.param_groups[0]['lr']", "self.last_epoch"),
    *("self.base_lrs", "epoch", "step", "yield_", "(lambda f: f(f))(lambda f: f(f))", "'%s' % 1", "f'{1}'", "set()"),
    *("self.optimizer", "super().get_lr()", "next(iter(()))", "1 if 0 else 2", "(y := 3)", "not 1", "1 < 2 < 3"),
)
STATEMENTS = (
    *("pass", "return", "return None", "return []", "return [0.0]", "raise ValueError('no')", "assert False", "del x"),
    *("break", "continue", "global step", "x = 1", "self.x = self", "self.T_0 = 0", "self.last_epoch = -5"),
    *("while True:\n    pass", "for g in optimizer.param_groups:\n    g['lr'] = None", "import math as torch"),
    *("optimizer.param_groups.append({})", "optimizer.param_groups[0].pop('lr')", "assert lr"),
    *("def f():\n    return f()", "class A(A):\n    pass", "with open('x') as f:\n    pass", "yield 1", "x: int = 'a'"),
    *("try:\n    x\nexcept Exception:\n    raise", "match 1:\n    case 1:\n        pass", "x = [x] * 10 ** 8"),
    *("x, *y = 1, 2", "for i in range(10 ** 9):\n    pass"),
)
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.BitAnd)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.Is, ast.In, ast.NotIn)
_TOKENS = (*"()[]{}:,.=+-*/%<>@~^&|;", "==", "**", "//", "->", ":=", "lambda", "def", "class", "if", "else", "for")


def mutant(text: str, draw: random.Random, changes: int = 3) -> str:
    """``text`` with one to ``changes`` changes. The result need not parse: half of the changes are made to tokens."""
    for _ in range(draw.randint(1, changes)):
        change = draw.choice(_CHANGES)
        text = change(text, draw)
    return text


def spliced(text: str, other: str, draw: random.Random) -> str:
    """``text`` with a statement of ``other`` put somewhere into it."""
    try:
        theirs = [node for node in ast.walk(ast.parse(other)) if isinstance(node, ast.stmt)]
    except (SyntaxError, ValueError, RecursionError):
        return text
    if not theirs:
        return text
    return _on_tree(text, lambda tree: _insert(tree, draw.choice(theirs), draw))


def _on_tree(text: str, change: Callable[[ast.Module], None]) -> str:
    try:
        tree = ast.parse(text)
        change(tree)
        return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except (SyntaxError, ValueError, RecursionError, AttributeError, TypeError, IndexError):
        # No tree, one without a place for the change, or one that cannot be written: the text is mutant enough.
        return text


def _fields(tree: ast.AST, kind: type[ast.AST]) -> list[tuple[ast.AST, str, int | None]]:
    """The places of a tree that hold a node of a kind: parent, field, position in a list."""
    found: list[tuple[ast.AST, str, int | None]] = []
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, kind):
                found.append((node, name, None))
            elif isinstance(value, list):
                found += [(node, name, index) for index, item in enumerate(value) if isinstance(item, kind)]
    return found


def _get(place: tuple[ast.AST, str, int | None]) -> ast.AST:
    value = getattr(place[0], place[1])
    found = value if place[2] is None else value[place[2]]
    assert isinstance(found, ast.AST)
    return found


def _put(place: tuple[ast.AST, str, int | None], node: ast.AST) -> None:
    if place[2] is None:
        setattr(place[0], place[1], node)
    else:
        getattr(place[0], place[1])[place[2]] = node


def _replace_expression(text: str, draw: random.Random) -> str:
    def change(tree: ast.Module) -> None:
        places = [p for p in _fields(tree, ast.expr) if isinstance(getattr(_get(p), "ctx", ast.Load()), ast.Load)]
        own = draw.random() < 0.4
        other = _get(draw.choice(places)) if own else ast.parse(draw.choice(EXPRESSIONS), mode="eval").body
        _put(draw.choice(places), other)

    return _on_tree(text, change)


def _change_operator(text: str, draw: random.Random) -> str:
    def change(tree: ast.Module) -> None:
        node = draw.choice([n for n in ast.walk(tree) if isinstance(n, ast.BinOp | ast.Compare | ast.AugAssign)])
        if isinstance(node, ast.Compare):
            node.ops[0] = draw.choice(_COMPARISONS)()
        else:
            node.op = draw.choice(_OPERATORS)()

    return _on_tree(text, lambda tree: change(tree) if any(isinstance(n, ast.BinOp) for n in ast.walk(tree)) else None)


def _bodies(tree: ast.Module) -> list[list[ast.stmt]]:
    found = []
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and all(isinstance(item, ast.stmt) for item in value):
                found.append(value)
    return found


def _insert(tree: ast.Module, statement: ast.stmt, draw: random.Random) -> None:
    body = draw.choice(_bodies(tree))
    body.insert(draw.randint(0, len(body)), statement)


def _insert_statement(text: str, draw: random.Random) -> str:
    return _on_tree(text, lambda tree: _insert(tree, ast.parse(draw.choice(STATEMENTS)).body[0], draw))


def _move_statement(text: str, draw: random.Random) -> str:
    def change(tree: ast.Module) -> None:
        body = draw.choice(_bodies(tree))
        statement = draw.choice(body)
        if draw.random() < 0.6 and len(body) > 1:
            body.remove(statement)
        if draw.random() < 0.6:
            _insert(tree, statement, draw)

    return _on_tree(text, change)


#: What a statement may find itself in.
_AROUND = (
    *("if step:\n    pass", "if step:\n    pass\nelif lr:\n    x = 1\nelse:\n    x = 2"),
    *("for epoch in range(3):\n    pass", "while step < 5:\n    pass", "with torch.no_grad():\n    pass"),
    "try:\n    pass\nexcept (KeyError, ZeroDivisionError):\n    pass\nfinally:\n    x = 1",
    *("def inner(step=1, *, lr=None, **rest):\n    pass", "async def f():\n    pass"),
    "class Inner(LRScheduler):\n    pass",
    "match lr:\n    case {'lr': x}:\n        pass\n    case [x, *_]:\n        x",
)


def _wrap_statement(text: str, draw: random.Random) -> str:
    def change(tree: ast.Module) -> None:
        body = draw.choice(_bodies(tree))
        index = draw.randrange(len(body))
        around = ast.parse(draw.choice(_AROUND)).body[0]
        draw.choice(_bodies(ast.Module([around], [])))[:] = [body[index]]
        body[index] = around

    return _on_tree(text, change)


def _change_signature(text: str, draw: random.Random) -> str:
    """A function takes more, less, or in another way; a call gives so."""

    def function(node: ast.FunctionDef) -> None:
        arguments = node.args
        kind = draw.randrange(6)
        if kind == 0 and arguments.args:
            arguments.args.pop(draw.randrange(len(arguments.args)))
            arguments.defaults = arguments.defaults[-len(arguments.args) :] if arguments.args else []
        elif kind == 1:
            arguments.vararg = arguments.vararg or ast.arg("rest")
        elif kind == 2 and not arguments.kwarg:
            arguments.kwarg = ast.arg("more")
        elif kind == 3 and not arguments.defaults and arguments.args:
            arguments.defaults = [ast.parse(draw.choice(EXPRESSIONS), mode="eval").body]
        elif kind == 4:
            decorators = ("property", "staticmethod", "classmethod", "functools.wraps(f)", "torch.no_grad()", node.name)
            node.decorator_list.append(ast.parse(draw.choice(decorators), mode="eval").body)
        else:
            node.body.append(ast.parse(draw.choice(("yield 0.1", "return", "return 0, 1"))).body[0])

    def call(node: ast.Call) -> None:
        kind = draw.randrange(5)
        if kind == 0 and node.args:
            node.args.pop()
        elif kind == 1 and node.keywords:
            node.keywords.pop()
        elif kind == 2 and node.args:
            node.args.insert(0, node.args[-1])
        elif kind == 3 and node.args:
            node.keywords.insert(0, ast.keyword(draw.choice(("lr", "last_epoch", "step", "x")), node.args.pop()))
        elif node.args:
            node.args[-1] = ast.Starred(node.args[-1], ast.Load())

    def change(tree: ast.Module) -> None:
        node = draw.choice([n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Call)])
        if isinstance(node, ast.FunctionDef):
            function(node)
        else:
            call(node)

    return _on_tree(text, change)


def _drop_statement(text: str, draw: random.Random) -> str:
    def change(tree: ast.Module) -> None:
        body = draw.choice(_bodies(tree))
        body[draw.randrange(len(body))] = ast.Pass()

    return _on_tree(text, change)


def _rename(text: str, draw: random.Random) -> str:
    names = sorted(set(re.findall(r"[A-Za-z_]\w*", text)))
    if len(names) < 2:
        return text
    return re.sub(rf"\b{draw.choice(names)}\b", draw.choice(names), text, count=draw.choice((0, 1)))


def _change_number(text: str, draw: random.Random) -> str:
    numbers = list(re.finditer(r"(?<![\w.])\d+(?:\.\d*)?(?:e-?\d+)?", text))
    if not numbers:
        return text
    match = draw.choice(numbers)
    values = ("0", "1", "-1", "2", "3.7", "1e-9", "1e9", "1e400", "0x7fffffffffffffff", "9" * 40, "0.1", "100000")
    return text[: match.start()] + draw.choice(values) + text[match.end() :]


def _change_tokens(text: str, draw: random.Random) -> str:
    tokens = _tokens(text)
    if not tokens:
        return text
    start, end = draw.choice(tokens)
    kind = draw.randrange(4)
    if kind == 0:
        return text[:start] + text[end:]
    if kind == 1:
        return text[:end] + " " + text[start:end] + text[end:]
    if kind == 2:
        return text[:start] + draw.choice(_TOKENS) + text[end:]
    other = draw.choice(tokens)
    return text[:start] + text[other[0] : other[1]] + text[end:]


def _tokens(text: str) -> list[tuple[int, int]]:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    try:
        found = [
            (starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1])
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.string.strip()
        ]
    except (tokenize.TokenError, SyntaxError, IndexError):
        found = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    return [(start, end) for start, end in found if 0 <= start < end <= len(text)]


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


_CHANGES: Sequence[Callable[[str, random.Random], str]] = (
    *(_replace_expression, _replace_expression, _replace_expression, _change_operator, _insert_statement),
    *(_move_statement, _rename, _rename, _change_number, _change_number, _change_tokens),
    *(_wrap_statement, _change_signature, _change_signature, _drop_statement),
)
_ROUGH: Sequence[Callable[[str, random.Random], str]] = (_cut, _change_tokens)


def rough_mutant(text: str, draw: random.Random) -> str:
    """``text`` cut off or with broken tokens: rarely Python any more."""
    return draw.choice(_ROUGH)(text, draw)


__all__ = ["EXPRESSIONS", "STATEMENTS", "mutant", "rough_mutant", "spliced"]
