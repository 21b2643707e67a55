"""What the code around a region does with its value and with the position.

A region is a formula only where its value is the rate, or a factor of it, and where the position decides nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.clock import tick_of
from lrfix.domains.roles import Role, role_of
from lrfix.names import FUNCTION_NODES, Assigned, Names
from lrfix.rewriting.in_place.regions import Region, other_arm
from lrfix.rewriting.in_place.sampling import Formula

_COMPUTES = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return
_SCALES = ast.Mult | ast.Div
_ENDS = frozenset({Role.HORIZON, Role.EPOCHS})
_BESIDE_ENDS = frozenset({Role.LOADER_LENGTH, Role.WARMUP, Role.WARMUP_EPOCHS, Role.COUNT, Role.LAST_EPOCH})
_UNITS = frozenset({Role.LOADER_LENGTH, Role.COUNT})
_CUTTING = frozenset({"int", "round", "floor", "ceil", "trunc", "rint", "max", "min", "abs", "clip", "pow"})


def why_not_alone(names: Names, formula: Formula) -> str | None:
    """Why a region is a part of something larger; None where it is the whole of what the position decides."""
    region, step = formula.region, formula.call.step
    function = names.enclosing(region.first, FUNCTION_NODES)
    body = function if isinstance(function, ast.FunctionDef) else names.tree
    inside = {n for s in region.statements for n in ast.walk(s)}
    own = [s for s in ast.walk(body) if isinstance(s, _COMPUTES) and s not in inside]
    own = [s for s in own if names.enclosing(s, FUNCTION_NODES) is function]
    own = [s for s in own if not other_arm(names, region.first, s) and not other_arm(names, s, region.first)]
    moving = {step, *_parts(names, region, step)} - (set(region.leaves) - {step})
    for statement in sorted(own, key=lambda s: s.lineno):
        if statement.lineno < region.first.lineno and _reads(statement, moving):
            moving |= _sets(statement)
    beside = [leaf for leaf in region.leaves if leaf != step and leaf in moving]
    if beside:
        return f"`{beside[0]}` follows from the position as well"
    if region.target is None:
        return None
    end = region.statements[-1].end_lineno or region.first.lineno
    after = [s for s in own if s.lineno > end and not (_is_a_decay(formula) and _is_ramp(names, region, s, moving))]
    return _why_not_plain(names, region.target, after, moving)


def _is_a_decay(formula: Formula) -> bool:
    """Whether a formula comes down from its peak at once: a whole schedule but for a warmup."""
    return formula.call.function != "warmup_constant" and "warmup_steps" not in formula.call.arguments


def _is_ramp(names: Names, region: Region, statement: ast.stmt, moving: set[str]) -> bool:
    """``lr = lr * step / warmup`` where a test of the position chooses it: a warmup that scales the decay."""
    around = names.parents[statement]
    if not isinstance(around, ast.If) or around.body != [statement] or around.orelse or not _reads(around.test, moving):
        return False
    value = statement.value if isinstance(statement, ast.Assign | ast.AugAssign) else None
    if value is None or _sets(statement) != {region.target}:
        return False
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, _SCALES)
    uses = [n for n in _loads(value) if ast.unparse(n) == region.target]
    return len(uses) == 1 and _is_plain(names, uses[0], statement)


def _parts(names: Names, region: Region, step: str) -> set[str]:
    """What the position is put together from, on the spot or where it is assigned."""
    sources: list[ast.AST] = [ast.parse(region.position)] if region.position is not None else []
    leaf = region.leaves.get(step)
    if isinstance(leaf, ast.Name) and leaf in names.parents:
        sources += [b.value for b in names.bindings(leaf.id, leaf) if isinstance(b, Assigned)]
    spelled = (ast.unparse(n) for s in sources for n in ast.walk(s) if isinstance(n, ast.Name | ast.Attribute))
    return {text for text in spelled if tick_of(text) is not None}


def _why_not_plain(names: Names, target: str, after: Sequence[ast.stmt], moving: set[str]) -> str | None:
    """Why what becomes of a value is more than handing it on and scaling it: a sum, a cut, the position once more."""
    carriers = {target}
    for statement in sorted(after, key=lambda s: s.lineno):
        uses = [n for n in _loads(statement) if ast.unparse(n) in carriers]
        if not uses:
            continue
        if _reads(statement, moving - carriers):
            return f"line {statement.lineno} goes on with the position"
        if isinstance(statement, ast.AugAssign) and not isinstance(statement.op, _SCALES):
            return f"line {statement.lineno} does more than scale the value"
        for use in uses:
            if not _is_plain(names, use, statement):
                return f"line {statement.lineno} does more than scale the value"
        carriers |= {text for text in _sets(statement) if text.isidentifier()}
    return None


def _is_plain(names: Names, node: ast.expr, statement: ast.stmt) -> bool:
    current: ast.AST = node
    while current is not statement:
        parent = names.parents[current]
        if isinstance(parent, ast.BinOp) and not isinstance(parent.op, _SCALES):
            return False
        if isinstance(parent, ast.Compare | ast.BoolOp | ast.UnaryOp):
            return False
        if isinstance(parent, ast.IfExp) and parent.test is current:
            return False
        if isinstance(parent, ast.Call):
            return ast.unparse(parent.func).rpartition(".")[2] not in _CUTTING
        if isinstance(parent, ast.JoinedStr):
            return True
        current = parent
    return True


def _loads(statement: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Store):
            yield node
    if isinstance(statement, ast.AugAssign):
        yield statement.target


def _reads(statement: ast.AST, texts: set[str]) -> bool:
    return any(ast.unparse(node) in texts for node in _loads(statement))


def _sets(statement: ast.AST) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
    return {ast.unparse(p) for p in parts if isinstance(p, ast.expr)}


def why_not_ended(names: Names, formula: Formula) -> str | None:
    """Why training may go on past an end after which the old curve goes its own way.

    The end has to be what training counts up to: by its name, or because a loop of the file ends there.
    """
    horizon = formula.call.horizon
    if not formula.open_end or horizon is None or formula.share:
        return None
    read = {ast.unparse(n) for n in ast.walk(ast.parse(horizon, mode="eval")) if isinstance(n, ast.expr)}
    leaves = [leaf for leaf in formula.region.leaves if leaf in read]
    roles = [role for leaf in leaves for role in _roles_of(names, leaf, formula.region.first)]
    told = any(role in _ENDS for role in roles) and all(role in _ENDS | _BESIDE_ENDS for role in roles)
    part = next((leaf for leaf in leaves if _is_part(names, formula.region.leaves[leaf])), None)
    if (told and part is None) or _ends_a_loop(names, horizon):
        return None
    return f"past `{horizon}` the curve goes its own way, and nothing says that training ends there"


def _is_part(names: Names, leaf: ast.expr) -> bool:
    """Whether a length is a longer one in parts: ``steps // periods``, and not the same in other units."""
    if not isinstance(leaf, ast.Name):
        return False
    values = [b.value for b in names.bindings(leaf.id, leaf) if isinstance(b, Assigned)]
    quotients = (v for v in values if isinstance(v, ast.BinOp) and isinstance(v.op, ast.Div | ast.FloorDiv))
    return any(role_of(ast.unparse(quotient.right)) not in _UNITS for quotient in quotients)


def _roles_of(names: Names, leaf: str, at: ast.stmt) -> list[Role]:
    """The role of a value by its name; where that says nothing, of what its class puts it together from, once."""
    role = role_of(leaf)
    holder = names.enclosing(at, ast.ClassDef)
    if role is not Role.UNKNOWN or not leaf.startswith("self.") or not isinstance(holder, ast.ClassDef):
        return [role]
    set_to = [n for n in ast.walk(holder) if isinstance(n, ast.Assign | ast.AugAssign) and leaf in _sets(n)]
    if len(set_to) != 1 or not isinstance(set_to[0], ast.Assign):
        return [role]
    nodes = list(ast.walk(set_to[0].value))
    if not all(isinstance(n, ast.BinOp | ast.Mult | ast.Name | ast.Load) for n in nodes):
        return [role]
    return [role_of(n.id) for n in nodes if isinstance(n, ast.Name)]


def kept_below_end(names: Names, formula: Formula) -> bool:
    """Whether a loop around the formula keeps the position below its end: no other code is asked at another."""
    region, horizon = formula.region, formula.call.horizon
    if not formula.step.isidentifier() or horizon is None:
        return False
    for loop in names.ancestors(region.first):
        if isinstance(loop, FUNCTION_NODES):
            return False
        if not isinstance(loop, ast.For | ast.While):
            continue
        ends_there = _bounds(loop, formula.step, horizon)
        # What an inner loop sets anywhere, its next turn finds; of the loop that ends there only what comes before.
        written = {
            ast.unparse(n)
            for s in loop.body
            for n in ast.walk(s)
            if isinstance(n, ast.expr) and isinstance(getattr(n, "ctx", None), ast.Store)
            if not ends_there or n.lineno < region.first.lineno
        }
        if not ends_there and isinstance(loop, ast.For):
            written |= {ast.unparse(n) for n in ast.walk(loop.target)}
        if written & {formula.step, horizon}:
            return False
        if ends_there:
            return True
    return False


def _bounds(loop: ast.For | ast.While, step: str, horizon: str) -> bool:
    if isinstance(loop, ast.While):
        both = isinstance(loop.test, ast.BoolOp) and isinstance(loop.test.op, ast.And)
        tests = loop.test.values if both and isinstance(loop.test, ast.BoolOp) else [loop.test]
        return f"{step} < {horizon}" in map(ast.unparse, tests)
    turns = loop.iter
    if ast.unparse(loop.target) != step or not isinstance(turns, ast.Call) or ast.unparse(turns.func) != "range":
        return False
    return len(turns.args) in (1, 2) and ast.unparse(turns.args[-1]) == horizon


def _ends_a_loop(names: Names, text: str) -> bool:
    for node in names.nodes:
        bound: ast.expr | None = None
        if isinstance(node, ast.While):
            bound = node.test
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Call):
            bound = node.iter
        if bound is not None and any(ast.unparse(n) == text for n in ast.walk(bound) if isinstance(n, ast.expr)):
            return True
    return False


__all__ = ["kept_below_end", "why_not_alone", "why_not_ended"]
