"""Sites of the form ``lambda``: whatever callable is handed to LambdaLR or MultiplicativeLR."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.findings import Span
from lrfix.names import Argument, Assigned, Binding, Defined, Imported, Names, Opaquely
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS, call_argument, optimizer_call, torch_scheduler
from lrfix.source import Source

_MAX_HOPS = 6


def lambda_sites(source: Source, names: Names, subclasses: set[ast.AST]) -> list[ScheduleSite]:
    """One site a definition; several constructions may share it."""
    found: dict[tuple[ast.AST, ...], tuple[str, list[Construction]]] = {}
    for node in names.nodes:
        if not isinstance(node, ast.Call):
            continue
        base = torch_scheduler(names, node.func)
        if base not in FACTOR_SCHEDULERS or base is None:
            continue
        function = call_argument(node, 1, "lr_lambda")
        if function is None:
            continue
        definitions = tuple(dict.fromkeys(_definitions(names, function, node, 0)))
        if not definitions or any(d in subclasses for d in definitions):
            continue
        optimizer = call_argument(node, 0, "optimizer")
        construction = Construction(node, optimizer, optimizer_call(names, optimizer))
        found.setdefault(definitions, (base, []))[1].append(construction)
    return [
        ScheduleSite(
            form="lambda",
            name=_name(names, definitions[0]),
            base=base,
            nodes=definitions,
            span=_span(source, names, definitions[0]),
            constructions=tuple(constructions),
        )
        for definitions, (base, constructions) in found.items()
    ]


def _definitions(names: Names, node: ast.expr, at: ast.AST, hops: int) -> Sequence[ast.AST]:
    """The functions, lambdas or classes that decide what calling ``node`` returns."""
    if hops > _MAX_HOPS:
        return []
    if isinstance(node, ast.Lambda):
        return [node]
    if isinstance(node, ast.List | ast.Tuple):
        return [d for element in node.elts for d in _definitions(names, element, at, hops + 1)]
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return _definitions(names, node.elt, at, hops + 1)
    if isinstance(node, ast.BinOp):
        return [d for side in (node.left, node.right) for d in _definitions(names, side, at, hops + 1)]
    if isinstance(node, ast.IfExp):
        return [d for side in (node.body, node.orelse) for d in _definitions(names, side, at, hops + 1)]
    if isinstance(node, ast.Name):
        scope = names.owner(node.id, names.scope_of(node))
        binding = names.reaching(node.id, scope, at) if scope else None
        return [*_from_binding(names, binding, hops), *_appended(names, node, binding, hops)]
    if isinstance(node, ast.Attribute):
        return _method(names, node)
    if isinstance(node, ast.Call):
        return _from_call(names, node, at, hops)
    return []


def _from_binding(names: Names, binding: Binding | None, hops: int) -> Sequence[ast.AST]:
    if isinstance(binding, Defined):
        return [binding.node]
    if isinstance(binding, Assigned) and not binding.index:
        return _definitions(names, binding.value, binding.node, hops + 1)
    if isinstance(binding, Opaquely):
        return [d for inner in binding.alternatives for d in _from_binding(names, inner, hops + 1)]
    return []


def _appended(names: Names, node: ast.Name, binding: Binding | None, hops: int) -> Sequence[ast.AST]:
    """What ``node.append(...)`` puts into a list that is written out where it is bound."""
    if not isinstance(binding, Assigned) or binding.index or not isinstance(binding.value, ast.List):
        return []
    scope = names.scope_of(binding.node)
    calls = [
        n
        for n in names.nodes
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "append"
        and isinstance(n.func.value, ast.Name)
        and n.func.value.id == node.id
        and len(n.args) == 1
        and names.scope_of(n) is scope
    ]
    return [d for call in calls for d in _definitions(names, call.args[0], call, hops + 1)]


def _from_call(names: Names, node: ast.Call, at: ast.AST, hops: int) -> Sequence[ast.AST]:
    qualified = names.qualified(node.func)
    if qualified & {"functools.partial", "partial"} and node.args:
        return _definitions(names, node.args[0], at, hops + 1)
    if isinstance(node.func, ast.Lambda):
        return [node.func]
    if isinstance(node.func, ast.Name) and node.func.id in ("list", "tuple") and len(node.args) == 1:
        return _definitions(names, node.args[0], at, hops + 1)
    return _definitions(names, node.func, at, hops + 1) if isinstance(node.func, ast.Name | ast.Attribute) else []


def _method(names: Names, node: ast.Attribute) -> Sequence[ast.AST]:
    """``self.method`` inside a class, ``Class.method`` and ``Class(...).method`` anywhere."""
    owner: ast.AST | None = None
    if isinstance(node.value, ast.Name):
        scope = names.owner(node.value.id, names.scope_of(node))
        binding = names.reaching(node.value.id, scope, node) if scope else None
        if isinstance(binding, Argument):
            owner = names.parents.get(binding.function)
        elif isinstance(binding, Defined):
            owner = binding.node
        elif isinstance(binding, Assigned) and isinstance(binding.value, ast.Call):
            owner = _made(names, binding.value, node)
        elif isinstance(binding, Imported):
            owner = None
    elif isinstance(node.value, ast.Call):
        owner = _made(names, node.value, node)
    if isinstance(owner, ast.ClassDef):
        return [s for s in owner.body if isinstance(s, ast.FunctionDef) and s.name == node.attr][:1]
    return []


def _made(names: Names, call: ast.Call, at: ast.AST) -> ast.AST | None:
    """The class of the file that a call makes an object of."""
    inner = _definitions(names, call.func, at, _MAX_HOPS - 1) if isinstance(call.func, ast.Name) else []
    return inner[0] if inner else None


def _name(names: Names, node: ast.AST) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    statement = names.statement_of(node)
    if isinstance(statement, ast.Assign) and statement.value is node and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _span(source: Source, names: Names, node: ast.AST) -> Span:
    """A definition whole; for a lambda the statement that holds it, unless that is a whole block."""
    if isinstance(node, ast.Lambda):
        statement = names.statement_of(node)
        if statement is not None and not hasattr(statement, "body"):
            return source.span(statement)
        return source.span(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.decorator_list:
        first = source.span(node.decorator_list[0])
        return Span(first.start, source.span(node).end)
    return source.span(node)
