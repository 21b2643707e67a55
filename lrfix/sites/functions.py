"""Sites of the form ``function``: functions of the step whose result is a rate, or a factor of one.

Who sets the rate from it may stand in another file. So a function is taken by where its result goes, where the file
shows that, and otherwise by what it does: it calculates from the position in training, and speaks of a rate.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from lrfix.findings import Span
from lrfix.names import FUNCTION_NODES, Assigned, Defined, Names
from lrfix.sites.effects import FUNCTIONS, Effects, Function, RateWrite
from lrfix.sites.formulas import RateFormula
from lrfix.sites.model import ScheduleSite
from lrfix.sites.tables import is_table
from lrfix.sites.vocabulary import (
    OTHER_QUANTITIES,
    SCHEDULE_WORDS,
    called_name,
    foreign_framework,
    identifiers,
    names_position,
    names_rate,
    torch_scheduler,
    words,
)
from lrfix.source import Source
from lrfix.trees import children, walk

#: A function of more statements than this does more than to work out a rate.
_LONG = 80
_MAX_HOPS = 3
_NOT_NUMBERS = (ast.Dict, ast.List, ast.ListComp, ast.DictComp, ast.SetComp, ast.JoinedStr, ast.Compare, ast.Set)
_PARTIAL = frozenset({"partial", "functools.partial"})
_DECAYING = frozenset({"cos", "cosine", "decay", "cooldown", "noam", "rsqrt", "annealing", "sqrt", "invsqrt", "poly"})
_WEIGHTS = frozenset({"weight", "weights", "coef", "coefficient", "lam", "lambda", "penalty", "prob"})
#: What a position in training is called by those who spare letters.
_LETTERS = frozenset("eiknpsux")
#: Who calls these does not only work out a rate.
_WORK = frozenset({"backward", "zero_grad", "step", "append", "write", "save", "add_scalar", "load_state_dict"})


def function_sites(
    source: Source, names: Names, effects: Effects, taken: Iterable[ast.AST], others: Sequence[ScheduleSite]
) -> list[ScheduleSite]:
    """One site a function; ``taken`` are the classes, ``others`` the sites that are of another form."""
    if foreign_framework(names):
        return []
    owned = set(taken)
    whole = owned | {n for site in others for n in site.nodes if not site.inline}
    holding = {a for n in (*whole, *(w.statement for w in effects.writes)) for a in names.ancestors(n)}
    setters = {site.node for site in others if site.form == "setter" and not site.inline}
    nesting = {a for n in names.scopes if isinstance(n, FUNCTION_NODES) for a in names.ancestors(n)}
    partials = _partials(names)
    used: set[ast.AST] = set(_used(names, effects, others))
    found: dict[Function, ScheduleSite] = {}
    for node in names.nodes:
        if not isinstance(node, ast.FunctionDef) or node in whole or node in holding:
            continue
        if any(a in whole or a in found for a in names.ancestors(node)):
            continue
        if node not in used and node not in nesting and not _positions(node, names_rate(node.name)):
            continue
        known = node in used or _of_rates(names, node)
        calls = [*effects.calls_of(node), *partials.get(node, ())] if known or _speaks(node) else []
        if calls and all(any(a in setters for a in names.ancestors(call)) for call in calls):
            continue
        if _gives_rates(names, node, known):
            # What a class asks of it is guarded there, and its arguments are the class's own.
            outside = [c for c in calls if not any(a in owned for a in names.ancestors(c))]
            found[node] = _site(source, node, outside)
    free = [n for n in names.nodes if isinstance(n, ast.Assign) and isinstance(n.value, ast.Lambda)]
    inside = whole | set(found)
    named = [_lambda_site(source, names, n, used) for n in free if not any(a in inside for a in names.ancestors(n))]
    return [*found.values(), *(site for site in named if site is not None and site.node not in whole)]


def _lambda_site(source: Source, names: Names, statement: ast.Assign, used: set[ast.AST]) -> ScheduleSite | None:
    """``lr_at = lambda step: ...``, where its name or its use says that it gives rates."""
    target, node = statement.targets[0], statement.value
    name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
    assert isinstance(node, ast.Lambda)
    if OTHER_QUANTITIES & set(words(name)) or not (node in used or names_rate(name)):
        return None
    if not _positions(node, known=True) and node not in used:
        return None
    if not _calculates(names, node, known=True):
        return None
    return ScheduleSite(form="function", name=name, base="", nodes=(node,), span=source.span(statement))


def _site(source: Source, node: Function, calls: Sequence[ast.Call]) -> ScheduleSite:
    span = source.span(node)
    if node.decorator_list:
        span = Span(source.span(node.decorator_list[0]).start, span.end)
    return ScheduleSite(form="function", name=node.name, base="", nodes=(node,), span=span, calls=tuple(calls))


def _used(names: Names, effects: Effects, others: Sequence[ScheduleSite]) -> Iterator[Function | ast.Lambda]:
    """The file's functions whose result goes into a rate: into a write, or into a callable that LambdaLR is given."""
    for write in effects.writes:
        for call in _calls_in(RateFormula(names, [write]).expressions):
            yield from called(names, call)
    for site in others:
        if site.form == "lambda":
            for node in site.nodes:
                for call in _calls_in([node]):
                    yield from called(names, call)


def _partials(names: Names) -> dict[ast.AST, list[ast.Call]]:
    """The calls of ``partial`` by the function that they are given."""
    found: dict[ast.AST, list[ast.Call]] = {}
    for node in names.nodes:
        if isinstance(node, ast.Call) and called_name(node) == "partial" and names.qualified(node.func) & _PARTIAL:
            for function in _named(names, node.args[0]) if node.args else ():
                found.setdefault(function, []).append(node)
    return found


def _named(names: Names, node: ast.expr) -> Iterator[Function | ast.Lambda]:
    for binding in names.bindings(node.id, node) if isinstance(node, ast.Name) else ():
        if isinstance(binding, Defined) and isinstance(binding.node, FUNCTIONS):
            yield binding.node
        elif isinstance(binding, Assigned) and isinstance(binding.value, ast.Lambda):
            yield binding.value


def _calls_in(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    return (n for root in nodes for n in walk(root) if isinstance(n, ast.Call))


def called(names: Names, call: ast.Call) -> Iterator[Function | ast.Lambda]:
    """The file's functions that a call may run: by name, or as a method of the class it stands in."""
    function = call.func
    if called_name(call) == "partial" and call.args:
        yield from _named(names, call.args[0])
    elif isinstance(function, ast.Name):
        yield from _named(names, function)
    elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        around = names.enclosing(call, ast.ClassDef)
        if function.value.id in ("self", "cls") and isinstance(around, ast.ClassDef):
            yield from (m for m in around.body if isinstance(m, FUNCTIONS) and m.name == function.attr)


def _gives_rates(names: Names, node: ast.FunctionDef, used: bool) -> bool:
    if node.name.startswith("test") or OTHER_QUANTITIES & set(words(node.name)):
        return False
    if not used and (not _speaks(node) or _of_another_quantity(names, node)):
        return False
    if sum(isinstance(n, ast.stmt) for n in walk(node)) > _LONG or _works(node) or _returns_scheduler(names, node):
        return False
    made = list(_made(names, node))
    if made:
        return any(_calculates(names, inner, used or _speaks(inner) or _speaks(node)) for inner in made)
    return _calculates(names, node, used)


def _returns_scheduler(names: Names, node: ast.FunctionDef) -> bool:
    """Whether a function builds a scheduler of torch, or of a class of the file that is one, and returns that."""
    return any(
        isinstance(n, ast.Return) and isinstance(n.value, ast.Call) and _makes_scheduler(names, n.value.func)
        for n in walk(node)
    )


def _makes_scheduler(names: Names, function: ast.expr) -> bool:
    if torch_scheduler(names, function):
        return True
    bindings = names.bindings(function.id, function) if isinstance(function, ast.Name) else []
    classes = [b.node for b in bindings if isinstance(b, Defined) and isinstance(b.node, ast.ClassDef)]
    return any(torch_scheduler(names, base) for cls in classes for base in cls.bases)


def _speaks(node: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether a function, by its words, is about a learning rate: cheap, and true of too many."""
    spoken = {word for name in identifiers(node) for word in words(name)}
    return bool(spoken & {"lr", "lrs", "lrate", "warmup", "rate", "learning"}) or _documented(node)


def _of_rates(names: Names, node: ast.FunctionDef) -> bool:
    """A method of the position in training, in a class that is by its name about learning rates (``LambdaLR``)."""
    owner = names.parents.get(node)
    return isinstance(owner, ast.ClassDef) and names_rate(owner.name) and any(map(names_position, parameters_of(node)))


def _documented(node: ast.FunctionDef | ast.Lambda) -> bool:
    documentation = (ast.get_docstring(node) or "").lower() if isinstance(node, ast.FunctionDef) else ""
    return "learning rate" in documentation or "learning-rate" in documentation


def _of_another_quantity(names: Names, node: ast.FunctionDef) -> bool:
    """Whether the classes and functions around a definition are about something else than a rate."""
    around = [a.name for a in names.ancestors(node) if isinstance(a, (*FUNCTIONS, ast.ClassDef))]
    return bool(OTHER_QUANTITIES & {word for name in around for word in words(name)})


def _works(node: ast.FunctionDef) -> bool:
    """Whether a function does things besides working out a value."""
    for inner in walk(node):
        if isinstance(inner, ast.Yield | ast.YieldFrom | ast.Await | ast.With):
            return True
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _WORK:
            return True
    return False


def _made(names: Names, node: ast.FunctionDef) -> Iterator[ast.FunctionDef | ast.Lambda]:
    """The functions of the step that a factory returns."""
    for value in _returned(node):
        yield from _functions(names, value, node, 0)


def _functions(
    names: Names, value: ast.expr, within: ast.FunctionDef, hops: int
) -> Iterator[ast.FunctionDef | ast.Lambda]:
    if isinstance(value, ast.Lambda):
        yield value
    elif isinstance(value, ast.IfExp):
        yield from _functions(names, value.body, within, hops)
        yield from _functions(names, value.orelse, within, hops)
    elif isinstance(value, ast.Name) and hops < _MAX_HOPS:
        for binding in names.bindings(value.id, value):
            if isinstance(binding, Defined) and isinstance(binding.node, ast.FunctionDef):
                yield binding.node
            elif isinstance(binding, Assigned) and not binding.index:
                yield from _functions(names, binding.value, within, hops + 1)
    elif isinstance(value, ast.Call) and names.qualified(value.func) & _PARTIAL and value.args:
        yield from _functions(names, value.args[0], within, hops + 1)


def _returned(node: ast.FunctionDef | ast.Lambda) -> list[ast.expr]:
    """What a function returns itself; the functions inside of it have returns of their own."""
    if isinstance(node, ast.Lambda):
        return [node.body]
    found: list[ast.expr] = []
    stack: list[ast.AST] = list(node.body)
    while stack:
        inner = stack.pop()
        if isinstance(inner, (*FUNCTION_NODES, ast.ClassDef)):
            continue
        if isinstance(inner, ast.Return) and inner.value is not None:
            found.append(inner.value)
        stack.extend(children(inner))
    return found


def _calculates(names: Names, node: ast.FunctionDef | ast.Lambda, known: bool) -> bool:
    """Whether what a function returns is a number worked out from the position in training, and a rate.

    ``known``: its use, or the factory around it, says that it is one.
    """
    returned = _returned(node)
    if not returned or any(_no_number(value) or is_table(names, value) for value in returned):
        return False
    statement = node if isinstance(node, ast.FunctionDef) else names.statement_of(node)
    assert statement is not None
    writes = [RateWrite(names.statement_of(v) or statement, v) for v in returned]
    formula = RateFormula(names, writes)
    mentioned = {i for e in (*formula.expressions, *_tests(node)) for i in identifiers(e)}
    mentioned |= {i for e in _bound_to(names, _tests(node)) for i in identifiers(e)}
    parameters = parameters_of(node)
    positions = _positions(node, known or names_rate(getattr(node, "name", "")))
    if known and not any(map(names_position, parameters)):
        positions |= {i for i in mentioned if names_position(i)}
    if not positions & mentioned or not formula.computed:
        return False
    return known or _about_rate(node, returned, mentioned, parameters)


def _about_rate(
    node: ast.FunctionDef | ast.Lambda, returned: Sequence[ast.expr], mentioned: set[str], parameters: Sequence[str]
) -> bool:
    name = node.name if isinstance(node, ast.FunctionDef) else ""
    results = {value.id for value in returned if isinstance(value, ast.Name)}
    spoken = {word for said in (name, *results, *parameters) for word in words(said)}
    if OTHER_QUANTITIES & spoken:
        return False
    if names_rate(name) or name == "rate" or any(names_rate(r) for r in results):
        return True
    if any(names_rate(p) for p in parameters) and _scales(returned):
        return True
    by_words = bool(SCHEDULE_WORDS & set(words(name))) or "rate" in words(name)
    if by_words and any(names_rate(i) for i in mentioned):
        return True
    if by_words and _documented(node):
        return True
    # Weights of losses are warmed up too, and then stay; what is warmed up and decays again is a rate.
    said = spoken | {word for i in mentioned for word in words(i)}
    return by_words and "warmup" in said and bool(_DECAYING & said) and not _WEIGHTS & said


def _scales(returned: Iterable[ast.expr]) -> bool:
    """Whether what is returned is, at least once, something times a rate that the function is given by that name."""
    products = (n for value in returned for n in walk(value) if isinstance(n, ast.BinOp))
    return any(
        isinstance(n.op, ast.Mult) and any(names_rate(i) for side in (n.left, n.right) for i in _plain(side))
        for n in products
    )


def _plain(node: ast.expr) -> Iterator[str]:
    """The names in a sum or a product, but for what is given to calls."""
    if isinstance(node, ast.BinOp):
        yield from _plain(node.left)
        yield from _plain(node.right)
    elif isinstance(node, ast.Name):
        yield node.id


def _positions(node: ast.FunctionDef | ast.Lambda, known: bool) -> set[str]:
    """The parameters that are the position in training; a bare letter is one only where ``known`` to give rates."""
    parameters = parameters_of(node)
    found = {p for p in parameters if names_position(p)}
    return found or ({*parameters} & _LETTERS if known else set())


def parameters_of(node: ast.FunctionDef | ast.Lambda) -> list[str]:
    """The names of a function's parameters."""
    return [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def _no_number(value: ast.expr) -> bool:
    if isinstance(value, _NOT_NUMBERS):
        return True
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return value.value.id[:1].isupper()
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str | bytes | bool) or value.value is None
    if isinstance(value, ast.Tuple):
        return not any(isinstance(e, ast.Name) and names_rate(e.id) for e in value.elts)
    return False


def _tests(node: ast.AST) -> Iterator[ast.expr]:
    return (n.test for n in walk(node) if isinstance(n, ast.If | ast.IfExp | ast.While))


def _bound_to(names: Names, tests: Iterable[ast.expr]) -> Iterator[ast.expr]:
    """What the variables that are tested were set to: ``ratio = epoch / epochs``."""
    for test in tests:
        for name in walk(test):
            if isinstance(name, ast.Name):
                yield from (b.value for b in names.bindings(name.id, name) if isinstance(b, Assigned) and not b.index)


__all__ = ["called", "function_sites", "parameters_of"]
