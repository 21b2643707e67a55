"""What a class does with its own attributes, and with its base class's constructor. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.structure import method, methods, statements
from lrfix.experiments.study import Study
from lrfix.findings import Position, Span
from lrfix.names import Defined
from lrfix.trees import walk

_NUMERIC_CALLS = frozenset({"max", "min", "float", "abs", "pow", "round"})


def base_constructor_call(node: ast.ClassDef) -> ast.Call | None:
    """``super().__init__(...)`` or ``Base.__init__(self, ...)`` in the constructor."""
    initialiser = method(node, "__init__")
    if initialiser is None:
        return None
    for inner in walk(initialiser):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "__init__":
            return inner
    return None


def assigned_after_base(node: ast.ClassDef, name: str) -> ast.stmt | None:
    """The statement of ``__init__`` after the base constructor's call that assigns ``self.name``; None where an
    assignment before it does so too, unless the later one changes what is there."""
    initialiser, call = method(node, "__init__"), base_constructor_call(node)
    if initialiser is None or call is None:
        return None
    stored = [s for s in statements(initialiser.body) if any(a == name for a, _ in stored_in(s))]
    return next((s for s in stored if s.lineno > (call.end_lineno or call.lineno)), None)


def stands_before(node: ast.AST, call: ast.Call) -> bool:
    return getattr(node, "lineno", call.lineno) < call.lineno


def created_elsewhere(study: Study, node: ast.ClassDef, name: str) -> bool:
    """Whether anything but the class's own methods may create the attribute."""
    own = {n for m in methods(node) if m.name != "__init__" for n in walk(m)}
    for inner in study.names.nodes:
        if inner in own:
            continue
        if isinstance(inner, ast.Attribute) and inner.attr == name and not isinstance(inner.ctx, ast.Load):
            return True
        if isinstance(inner, ast.Constant) and inner.value == name:
            return True
        if isinstance(inner, ast.ClassDef) and on_class(inner, name):
            return True
    return False


def on_class(node: ast.ClassDef, name: str) -> bool:
    """Whether the class body itself binds the name: an attribute of the class, or a property."""
    for statement in node.body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return True
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            return True
    return False


def stored_in(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """``self.name = value`` in a statement, every target of it."""
    targets: list[ast.expr] = []
    value: ast.expr | None = None
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets, value = [statement.target], statement.value
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            name = own_attribute(part)
            if name is not None and value is not None:
                yield name, value


def stores_in(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    for statement in statements(function.body):
        yield from stored_in(statement)


def stored_outside_constructor(study: Study, name: str) -> bool:
    for node in study.names.nodes:
        if isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load):
            owner = study.names.enclosing(node, ast.FunctionDef)
            if not isinstance(owner, ast.FunctionDef) or owner.name != "__init__":
                return True
    return False


def reads(function: ast.FunctionDef | None, name: str) -> Iterator[ast.Attribute]:
    for node in walk(function) if function is not None else ():
        if isinstance(node, ast.Attribute) and own_attribute(node) == name and isinstance(node.ctx, ast.Load):
            yield node


def always_read(body: list[ast.stmt]) -> Iterator[str]:
    """Attributes of ``self`` read on every way through the beginning of a body."""
    for statement in body:
        part: ast.AST = statement.test if isinstance(statement, ast.If | ast.While) else statement
        if not isinstance(statement, ast.If | ast.Assign | ast.Return | ast.AugAssign | ast.Expr):
            return
        for node in walk(part):
            if isinstance(node, ast.IfExp | ast.BoolOp | ast.Lambda):
                break
            name = own_attribute(node) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) else None
            if name is not None:
                yield name
        if isinstance(statement, ast.If | ast.Return):
            return


def own_attribute(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return None


def fixed_length(value: ast.expr | None) -> bool:
    return isinstance(value, ast.List | ast.Tuple) and not any(isinstance(e, ast.Starred) for e in value.elts)


def is_number(value: ast.expr | None) -> bool:
    if isinstance(value, ast.BinOp):
        return not any(isinstance(n, ast.List | ast.ListComp | ast.Starred) for n in walk(value))
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in _NUMERIC_CALLS
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float)


def drives_others(node: ast.ClassDef) -> bool:
    """Whether the class steps other schedulers: then its own count is theirs."""
    for inner in walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "step":
            receiver = inner.func.value
            if not (isinstance(receiver, ast.Name) and receiver.id == "self") and not (
                isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Name) and receiver.func.id == "super"
            ):
                return True
    return False


def calls_on_self(node: ast.ClassDef, name: str) -> bool:
    return any(isinstance(n, ast.Call) and own_attribute(n.func) == name for n in walk(node))


def torch_named(study: Study, base: ast.expr) -> bool:
    """Whether a base is, by its qualified name, one of torch's schedulers."""
    last = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
    if not last or (
        isinstance(base, ast.Name) and any(isinstance(b, Defined) for b in study.names.bindings(base.id, study.node))
    ):
        return False
    qualified = study.names.qualified(base) | {ast.unparse(base)}
    return any(q.startswith("torch.optim") for q in qualified)


def name_span(study: Study, function: ast.FunctionDef) -> Span:
    """The name after ``def``: what is missing in a function belongs to no statement of it."""
    start = Position(function.lineno, study.span(function).start.column + len("def "))
    return Span(start, Position(start.line, start.column + len(function.name)))
