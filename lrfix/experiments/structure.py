"""Shared reading of a site's code: its schedule functions, hyperparameters and counters. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.study import Study
from lrfix.findings import Span
from lrfix.trees import children, terminates, walk

EVALUATIONS = frozenset({"get_lr", "_get_closed_form_lr", "__call__"})
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def methods(node: ast.AST) -> list[ast.FunctionDef]:
    return [s for s in node.body if isinstance(s, ast.FunctionDef)] if isinstance(node, ast.ClassDef) else []


def method(node: ast.AST, name: str) -> ast.FunctionDef | None:
    return next((m for m in methods(node) if m.name == name), None)


def writes_rates(function: ast.AST) -> bool:
    """Whether a function stores something under the key ``lr``."""
    return any(
        isinstance(n, ast.Subscript)
        and isinstance(n.ctx, ast.Store)
        and isinstance(n.slice, ast.Constant)
        and n.slice.value == "lr"
        for n in walk(function)
    )


def functions_of(study: Study) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every ``def`` inside the site, itself included."""
    for node in study.site.nodes:
        for inner in walk(node):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield inner


def schedule_functions(study: Study) -> list[Function]:
    """The functions whose return value is the rate or the factor: asked, not stepped."""
    found: list[Function] = []
    for node in study.site.nodes:
        if isinstance(node, ast.ClassDef):
            found += [m for m in methods(node) if m.name in EVALUATIONS]
            found += handed_over(node)
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            inner = [n for n in walk(node) if isinstance(n, ast.FunctionDef | ast.Lambda)]
            found += inner
    return list(dict.fromkeys(found))


def handed_over(node: ast.ClassDef) -> list[Function]:
    """Methods, nested functions and lambdas given to ``super().__init__``: the schedule of a LambdaLR subclass."""
    initialiser = method(node, "__init__")
    if initialiser is None:
        return []
    found: list[Function] = []
    nested = {n.name: n for n in walk(initialiser) if isinstance(n, ast.FunctionDef) and n is not initialiser}
    for call in walk(initialiser):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "__init__":
            continue
        for argument in [*call.args, *(k.value for k in call.keywords)]:
            for part in _given(argument):
                if isinstance(part, ast.Lambda):
                    found.append(part)
                elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                    named = method(node, part.attr)
                    found += [named] if named else []
                elif isinstance(part, ast.Name) and part.id in nested:
                    found.append(nested[part.id])
    return list(dict.fromkeys(found))


def _given(argument: ast.AST) -> Iterator[ast.AST]:
    """The parts of an argument that may be the function itself, those of ``[f] * n`` and ``lambda k: self.f(k)`` too.

    A function that is called outside a lambda is not handed over; its result is.
    """
    yield argument
    for child in children(argument):
        if isinstance(argument, ast.Lambda):
            yield from walk(child)
        elif not (isinstance(argument, ast.Call) and child is argument.func):
            yield from _given(child)


@dataclass(frozen=True)
class Update:
    """A statement that changes a variable which outlives the call; ``own`` when the new value depends on the old."""

    statement: ast.stmt
    name: str
    own: bool
    kind: str


def updates(function: Function) -> Iterator[Update]:
    """Assignments in ``function`` (not in functions nested in it) to attributes, elements and outer variables."""
    if isinstance(function, ast.Lambda):
        return
    outer = {n for s in walk(function) if isinstance(s, ast.Nonlocal | ast.Global) for n in s.names}
    for statement in statements(function.body):
        bound: list[tuple[ast.expr, ast.expr]] = list(assignments(statement))
        if isinstance(statement, ast.AugAssign):
            bound = [(statement.target, statement.value)]
        for target, value in bound:
            name = _target_name(target, outer)
            if name is None:
                continue
            own = isinstance(statement, ast.AugAssign) or any(
                ast.unparse(n) == ast.unparse(target) for n in walk(value) if isinstance(n, ast.expr)
            )
            kind = (
                "attribute"
                if isinstance(target, ast.Attribute)
                else "item"
                if isinstance(target, ast.Subscript)
                else "outer"
            )
            yield Update(statement, name, own, kind)


def assignments(statement: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of an assignment, annotated ones too; ``a, b = x, y`` gives two pairs."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield statement.target, statement.value
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _paired(target, statement.value)


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if not isinstance(target, ast.Tuple | ast.List):
        yield target, value
        return
    values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    starred = any(isinstance(part, ast.Starred) for part in (*target.elts, *values))
    apart = len(values) == len(target.elts) and not starred
    for index, part in enumerate(target.elts):
        yield from _paired(part, values[index] if apart else value)


def _target_name(target: ast.expr, outer: set[str]) -> str | None:
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript):
        return ast.unparse(target.value)
    if isinstance(target, ast.Name) and target.id in outer:
        return target.id
    return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a body, nested blocks included, nested definitions not."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for attribute in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, attribute, []))
        for handler in getattr(statement, "handlers", []):
            yield from statements(handler.body)
        for case in getattr(statement, "cases", []):
            yield from statements(case.body)


def hyperparameters(study: Study) -> dict[str, str]:
    """State name -> constructor (or factory) parameter it holds: ``self.T_0 = T_0``."""
    found: dict[str, str] = {}
    for node in study.site.nodes:
        if isinstance(node, ast.ClassDef):
            initialiser = method(node, "__init__")
            if initialiser is None:
                continue
            parameters = {
                a.arg for a in (*initialiser.args.posonlyargs, *initialiser.args.args, *initialiser.args.kwonlyargs)
            }
            for statement in statements(initialiser.body):
                for target, given in assignments(statement):
                    value = _unwrapped(given)
                    if isinstance(target, ast.Attribute) and isinstance(value, ast.Name) and value.id in parameters:
                        found[target.attr] = value.id
        else:
            for outer in study.names.ancestors(node):
                if isinstance(outer, ast.FunctionDef):
                    for a in (*outer.args.args, *outer.args.kwonlyargs):
                        found.setdefault(a.arg, a.arg)
    return found


def _unwrapped(value: ast.expr) -> ast.expr:
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in ("int", "float")
        and value.args
    ):
        return value.args[0]
    return value


def unreachable(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.stmt]:
    """Statements that stand after one that always leaves their block."""
    yield from _unreachable(function.body)


def _unreachable(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    ended = False
    for statement in body:
        if ended:
            yield from statements([statement])
            continue
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for attribute in ("body", "orelse", "finalbody"):
                yield from _unreachable(getattr(statement, attribute, []))
            for handler in getattr(statement, "handlers", []):
                yield from _unreachable(handler.body)
        ended = terminates(statement)


def _computed_in_a_branch(study: Study, function: ast.FunctionDef, returns: list[ast.Return]) -> ast.stmt | None:
    """The last statement that ran and worked out what is returned, a clamp apart, where branches set it differently."""
    value = max(returns, key=lambda s: s.lineno).value if returns else None
    while isinstance(value, ast.Call) and ast.unparse(value.func) in ("max", "min", "float") and value.args:
        named = [a for a in value.args if isinstance(a, ast.Name)]
        value = named[0] if named else value.args[0]
    if not isinstance(value, ast.Name):
        return None
    setting = [
        s
        for s in statements(function.body)
        if isinstance(s, ast.Assign) and [ast.unparse(t) for t in s.targets] == [value.id]
    ]
    ran = {s for trace in (study.runs[0].built, study.runs[0].stepped) if trace is not None for s in trace.statements}
    done = [s for s in setting if s in ran and any(isinstance(n, ast.BinOp) for n in walk(s.value))]
    return max(done, key=lambda s: s.lineno) if len(setting) > 1 and done else None


def decay_span(study: Study) -> Span:
    """The statement that computes the decay: the branch that ran, the last ``return`` that does, or the whole site."""
    functions = schedule_functions(study)
    chosen = next((f for f in functions if isinstance(f, ast.FunctionDef) and f.name != "__call__"), None)
    chosen = chosen or next((f for f in functions if isinstance(f, ast.FunctionDef)), None)
    if chosen is None:
        return study.site.span
    returns = [
        s
        for s in walk(chosen)
        if isinstance(s, ast.Return)
        and s.value is not None
        and study.names.enclosing(s, (ast.FunctionDef, ast.Lambda)) is chosen
    ]
    branch = _computed_in_a_branch(study, chosen, returns)
    if branch is not None:
        return study.span(branch)
    # A plain value at the end is the floor, or the rate that was computed further up.
    computed = [s for s in returns if not isinstance(s.value, ast.Name | ast.Constant | ast.Attribute)]
    return study.span(max(computed or returns, key=lambda s: s.lineno)) if returns else study.site.span
