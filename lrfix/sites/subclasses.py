"""Sites of the form ``subclass``: classes derived, directly or not, from one of torch's schedulers."""

from __future__ import annotations

import ast

from lrfix.names import Defined, Names
from lrfix.sites.imported import torch_base_elsewhere
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.vocabulary import OPTIMIZER_NAMES, call_argument, optimizer_call, torch_scheduler
from lrfix.source import Source
from lrfix.trees import walk

_ABSTRACT = frozenset({"LRScheduler", "_LRScheduler"})
_NEUTRAL_BASES = frozenset({"ABC", "object", "Generic", "Protocol"})
_RATES = frozenset({"get_lr", "_get_closed_form_lr"})
SCHEDULE_METHODS = frozenset({"get_lr", "step", "_get_closed_form_lr", "_update_lr"})


def subclass_sites(source: Source, names: Names) -> list[ScheduleSite]:
    classes = [node for node in names.nodes if isinstance(node, ast.ClassDef)]
    bases: dict[ast.ClassDef, str] = {}
    derived: set[ast.ClassDef] = set()
    for _ in range(4):
        for node in classes:
            if node in bases:
                continue
            base = _torch_base(names, node, bases)
            if base:
                bases[node] = base
                if not any(torch_scheduler(names, b) for b in node.bases):
                    derived.add(node)
    found = []
    for node, base in bases.items():
        orphan = base in _ABSTRACT and _without_rates(names, node) and heir_of(names, node) is None
        if orphan and unasked_rates(node) is None:
            continue
        if not orphan and not _defines_a_schedule(node, base) and not (node in derived and _has_methods(node)):
            continue
        found.append(
            ScheduleSite(
                form="subclass",
                name=node.name,
                base=base,
                nodes=(node,),
                span=source.span(node),
                constructions=tuple(_constructions(names, node)),
            )
        )
    return found


def _torch_base(names: Names, node: ast.ClassDef, known: dict[ast.ClassDef, str]) -> str | None:
    for base in node.bases:
        direct = torch_scheduler(names, base)
        if direct:
            return direct
        if isinstance(base, ast.Name):
            scope = names.owner(base.id, names.scope_of(base))
            binding = names.reaching(base.id, scope, base) if scope else None
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node in known:
                return known[binding.node]
        gives_rates = any(isinstance(s, ast.FunctionDef) and s.name in _RATES for s in node.body)
        imported = torch_base_elsewhere(names, base, gives_rates=gives_rates)
        if imported:
            return imported
    return None


def _defines_a_schedule(node: ast.ClassDef, base: str) -> bool:
    methods = [s for s in node.body if isinstance(s, ast.FunctionDef)]
    if any(m.name in SCHEDULE_METHODS and not _abstract(m) for m in methods):
        return True
    return base in ("LambdaLR", "MultiplicativeLR") and any(m.name == "__init__" for m in methods)


def _without_rates(names: Names, node: ast.ClassDef) -> bool:
    """Whether no class of this file gives rates to a class of torch's own abstract kind, as far as this file shows."""
    own = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "get_lr"), None)
    if own is not None:
        return _abstract(own)
    if any(isinstance(s, ast.FunctionDef) and s.name == "step" and _sets_rates(s) for s in node.body):
        return False
    for base in node.bases:
        if torch_scheduler(names, base) or ast.unparse(base).rpartition(".")[2].partition("[")[0] in _NEUTRAL_BASES:
            continue
        bindings = names.bindings(base.id, base) if isinstance(base, ast.Name) else []
        outer = next((b.node for b in bindings if isinstance(b, Defined)), None)
        if not isinstance(outer, ast.ClassDef) or outer is node or not _without_rates(names, outer):
            return False
    return True


def unasked_rates(node: ast.ClassDef) -> ast.FunctionDef | None:
    """The method of a class that gives no ``get_lr`` that has one rate for each base rate, and that nothing calls.

    A class that others derive from, calls, or refuses to be one by itself, leaves ``get_lr`` to them.
    """
    own = [s for s in node.body if isinstance(s, ast.FunctionDef)]
    if any(m.name in ("get_lr", "step") or _abstract(m) for m in own):
        return None
    if not any(m.name == "__init__" for m in own):
        return None
    named = {n.attr for n in walk(node) if isinstance(n, ast.Attribute)}
    for method in own:
        alone = len(method.args.args) == 1 and not method.decorator_list and not method.name.startswith("_")
        if alone and method.name not in named and _returns_rates(method):
            return method
    return None


def _returns_rates(method: ast.FunctionDef) -> bool:
    """Whether a method returns what it makes of the base rates, or of the step."""
    returned = [n.value for n in walk(method) if isinstance(n, ast.Return) and n.value is not None]
    read = any(isinstance(n, ast.Attribute) and n.attr in ("base_lrs", "last_epoch") for n in walk(method))
    return read and any(isinstance(value, ast.ListComp | ast.List | ast.Name) for value in returned)


def _sets_rates(method: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.Constant) and n.value == "lr" for n in walk(method))


def heir_of(names: Names, node: ast.ClassDef) -> ast.ClassDef | None:
    """The first class of the file that derives from an abstract one and says what the rates are."""
    for other in names.nodes:
        if not isinstance(other, ast.ClassDef) or other is node:
            continue
        derives = any(
            isinstance(b, Defined) and b.node is node
            for base in other.bases
            if isinstance(base, ast.Name)
            for b in names.bindings(base.id, base)
        )
        if derives and any(isinstance(s, ast.FunctionDef) and s.name == "get_lr" for s in other.body):
            return other
    return None


def gives_no_rates(node: ast.ClassDef) -> bool:
    """Whether a class leaves it to others to say what its rates are: its own ``get_lr`` only refuses."""
    return any(isinstance(s, ast.FunctionDef) and s.name == "get_lr" and _abstract(s) for s in node.body)


def _has_methods(node: ast.ClassDef) -> bool:
    return any(isinstance(s, ast.FunctionDef) and not _abstract(s) for s in node.body)


def _abstract(method: ast.FunctionDef) -> bool:
    """A body that only documents or refuses: nothing is scheduled here."""
    if any("abstract" in ast.unparse(d) for d in method.decorator_list):
        return True
    return all(
        isinstance(s, ast.Raise | ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in method.body
    )


def _constructions(names: Names, node: ast.ClassDef) -> list[Construction]:
    found = []
    position, keyword = optimizer_parameter(node)
    for call in names.nodes:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != node.name:
            continue
        scope = names.owner(call.func.id, names.scope_of(call))
        if scope is None or not any(isinstance(b, Defined) and b.node is node for b in scope.bindings[call.func.id]):
            continue
        optimizer = call_argument(call, position, keyword)
        found.append(Construction(call, optimizer, optimizer_call(names, optimizer)))
    return found


def optimizer_parameter(node: ast.ClassDef) -> tuple[int, str]:
    """Position (after ``self``) and name of the constructor's optimizer."""
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            parameters = [a.arg for a in (*method.args.posonlyargs, *method.args.args)][1:]
            for position, parameter in enumerate(parameters):
                if parameter.lower() in OPTIMIZER_NAMES or "optim" in parameter.lower():
                    return position, parameter
            return 0, parameters[0] if parameters else "optimizer"
    return 0, "optimizer"
