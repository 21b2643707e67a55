"""What the text says about calls: parameters of constructors and functions, the base rate of an optimizer."""

from __future__ import annotations

import ast

from lrfix.names import Assigned, Defined, Names
from lrfix.sites.model import Construction

#: Optimizers whose second argument is the rate.
_RATE_SECOND = frozenset({"SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Rprop", "ASGD"})

Parameter = tuple[str, "ast.expr | None", bool]


def constructor_parameters(names: Names, node: ast.ClassDef) -> list[Parameter] | None:
    """The parameters of a class's constructor, its own or inherited in this file; ``**kwargs`` brings in those of the
    base class they are passed on to. None when the file does not show a constructor."""
    own = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
    inherited = None
    for base in node.bases:
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                inherited = inherited or constructor_parameters(names, binding.node)
    if own is None:
        fields = _fields(node)
        if fields is None:
            return inherited
        known = {name for name, _, _ in fields}
        return [p for p in inherited or [] if p[0] not in known] + fields
    found = signature(own)
    if own.args.kwarg is not None and inherited:
        known = {name for name, _, _ in found}
        found += [parameter for parameter in inherited if parameter[0] not in known]
    return found


def _fields(node: ast.ClassDef) -> list[Parameter] | None:
    """The fields of a dataclass, which are what its constructor takes; None for another class."""
    if not any(ast.unparse(d).partition("(")[0].rpartition(".")[2] == "dataclass" for d in node.decorator_list):
        return None
    found: list[Parameter] = []
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            if isinstance(statement.value, ast.Call) and "init=False" in ast.unparse(statement.value):
                continue
            found.append((statement.target.id, statement.value, statement.value is None))
    return found


def signature(function: ast.FunctionDef) -> list[Parameter]:
    """The parameters after ``self``: name, default, whether it must be given."""
    found = parameters(function)
    positional = [*function.args.posonlyargs, *function.args.args]
    return found[1:] if positional else found


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[Parameter]:
    """All named parameters: name, default, whether it must be given."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    found = [(a.arg, d, d is None) for a, d in zip(positional, defaults, strict=True)]
    found += [(a.arg, d, d is None) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return found


def arguments_of(call: ast.Call, node: ast.AST) -> dict[str, ast.expr]:
    """What a call gives the parameters of a function, or of a class's own constructor, by their names."""
    if isinstance(node, ast.ClassDef):
        own = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
        taken = signature(own) if own is not None else []
    else:
        taken = parameters(node) if isinstance(node, ast.FunctionDef) else []
    plain = call.args[: next((i for i, a in enumerate(call.args) if isinstance(a, ast.Starred)), None)]
    found = dict(zip((name for name, _, _ in taken), plain, strict=False))
    return found | {k.arg: k.value for k in call.keywords if k.arg is not None}


def stated_rate(construction: Construction, names: Names) -> ast.expr | None:
    """The expression given as ``lr=`` where the optimizer is built, unless its groups carry rates of their own."""
    call = construction.optimizer_call
    if call is None:
        return None
    rate = next((k.value for k in call.keywords if k.arg == "lr"), None)
    if rate is None and len(call.args) > 1 and ast.unparse(call.func).rpartition(".")[2] in _RATE_SECOND:
        rate = call.args[1]
    if rate is None or isinstance(rate, ast.Starred):
        return None
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "params"), None)
    return rate if given is not None and _plain(given, construction.names or names) else None


def _plain(given: ast.expr, names: Names) -> bool:
    """Whether an optimizer is given parameters and not groups, which may carry rates of their own.

    Where a caller may give something else instead (``model.parameters() if params is None else params``), it counts
    as parameters.
    """
    if isinstance(given, ast.Name):
        scope = names.owner(given.id, names.scope_of(given))
        binding = names.reaching(given.id, scope, given) if scope is not None else None
        if not isinstance(binding, Assigned) or binding.index or isinstance(binding.value, ast.Name):
            return False
        given = binding.value
    if isinstance(given, ast.IfExp):
        sides = (given.body, given.orelse)
        return any(_plain(side, names) for side in sides) and any(isinstance(side, ast.Name) for side in sides)
    return isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr == "parameters"


__all__ = ["Parameter", "arguments_of", "constructor_parameters", "parameters", "signature", "stated_rate"]
