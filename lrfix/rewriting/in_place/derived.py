"""What an object keeps of its own settings: ``self.pace = (peak - start) / warmup``, worked out when it is made.

A formula that reads it is told in the settings themselves: as if it were worked out on the spot.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from lrfix.domains.switches import inherited
from lrfix.names import FUNCTION_NODES, Names
from lrfix.rewriting.in_place.methods import copied, receiver
from lrfix.trees import stored_names, walk

_DEEPEST = 3
_GROWS = frozenset({"append", "extend", "insert", "clear", "pop", "remove", "sort", "reverse"})


def in_settings(names: Names, statements: Sequence[ast.stmt]) -> tuple[ast.stmt, ...] | None:
    """Copies of the statements of a method in which everything that the constructor works out is worked out in them;
    None where they read nothing of the kind."""
    method = names.enclosing(statements[0], FUNCTION_NODES)
    if not isinstance(method, ast.FunctionDef):
        return None
    kept = _worked_out(names, method)
    if not kept or not any(_attribute(n, kept) for s in statements for n in ast.walk(s)):
        return None
    made = []
    for statement in statements:
        told = _Told(kept).visit(copied(statement))
        _adopt(names, told, statement)
        made.append(told)
    return tuple(made)


def _adopt(names: Names, made: ast.stmt, original: ast.stmt) -> None:
    """Give copies the scope of what they are copies of."""
    names.parents[made] = original
    for outer in ast.walk(made):
        for inner in ast.iter_child_nodes(outer):
            names.parents[inner] = outer


def _worked_out(names: Names, method: ast.FunctionDef) -> dict[str, ast.expr]:
    """What the attributes are that the constructor works out, told in attributes that are set once and never again."""
    holder, owner = names.parents.get(method), receiver(method)
    if not isinstance(holder, ast.ClassDef) or owner is None:
        return {}
    made = next((s for s in holder.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
    if made is None or made is method or made.decorator_list or receiver(made) != owner:
        return {}
    values = dict(_set_once(made.body, owner))
    changed = _changed(names, holder, made)
    taken = [a.arg for a in (*made.args.posonlyargs, *made.args.args, *made.args.kwonlyargs)]
    rebound = {name for s in made.body for name in stored_names(s)}
    parameters: dict[str, str] = {}
    for attribute, value in values.items():
        if isinstance(value, ast.Name) and value.id in taken and value.id not in rebound and attribute not in changed:
            parameters.setdefault(value.id, attribute)
    kept: dict[str, ast.expr] = {}
    for attribute, value in values.items():
        if isinstance(value, ast.Name | ast.Constant | ast.Attribute) or attribute in changed:
            continue
        told = _in_attributes(value, owner, parameters)
        read = {n.attr for n in walk(told) if isinstance(n, ast.Attribute)} if told is not None else changed
        if told is not None and not read & changed:
            kept[attribute] = told
    for _ in range(_DEEPEST):
        kept = {attribute: _Told(kept).visit(copied_expression(value)) for attribute, value in kept.items()}
    return kept


def _set_once(block: Sequence[ast.stmt], owner: str) -> Iterator[tuple[str, ast.expr]]:
    """Attributes with the value that a constructor gives them: one statement each, or one in each arm of a test."""
    found: dict[str, list[ast.expr]] = {}
    for statement in block:
        if isinstance(statement, ast.Assign) and (name := _own(statement.targets[0], owner)) is not None:
            found.setdefault(name, []).append(statement.value)
        elif isinstance(statement, ast.If):
            first, second = (dict(_set_once(side, owner)) for side in (statement.body, statement.orelse))
            for name in first.keys() & second.keys():
                chosen = ast.copy_location(ast.IfExp(statement.test, first[name], second[name]), statement)
                found.setdefault(name, []).append(chosen)
    stores = [n.attr for s in block for n in walk(s) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    for name, values in found.items():
        sides = 2 if len(values) == 1 and isinstance(values[0], ast.IfExp) and stores.count(name) == 2 else 1
        if len(values) == 1 and stores.count(name) == sides:
            yield name, values[0]


def _own(target: ast.expr, owner: str) -> str | None:
    plain = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == owner
    return target.attr if plain and isinstance(target, ast.Attribute) else None


def _changed(names: Names, holder: ast.ClassDef, made: ast.FunctionDef) -> set[str]:
    """Attributes that anything but the constructor sets, on this object or on one that nobody knows, or that grow."""
    own = set(walk(made))
    found = set()
    for node in names.nodes:
        if isinstance(node, ast.Attribute) and node not in own:
            outer = names.parents.get(node)
            grows = isinstance(outer, ast.Attribute) and outer.attr in _GROWS
            if (grows or not isinstance(node.ctx, ast.Load)) and not _of_another(names, node, holder):
                found.add(node.attr)
    return found


def _of_another(names: Names, node: ast.Attribute, holder: ast.ClassDef) -> bool:
    """Whether an attribute is one of an object of another class: of ``self``, in a class that is no kin."""
    cls = names.enclosing(node, ast.ClassDef)
    method = names.enclosing(node, FUNCTION_NODES)
    if not isinstance(cls, ast.ClassDef) or not isinstance(method, ast.FunctionDef):
        return False
    if not isinstance(node.value, ast.Name) or node.value.id != receiver(method):
        return False
    return cls not in inherited(names, [holder]) and holder not in inherited(names, [cls])


def _in_attributes(value: ast.expr, owner: str, parameters: Mapping[str, str]) -> ast.expr | None:
    """A value told in the object's attributes alone; None where it reads anything else."""
    told: ast.expr = _AsAttributes(owner, parameters).visit(copied_expression(value))
    targets = {name for n in walk(told) if isinstance(n, ast.comprehension) for name in stored_names(n.target)}
    for node in walk(told):
        if isinstance(node, ast.Attribute):
            if not isinstance(node.value, ast.Name) or node.value.id != owner:
                return None
        elif isinstance(node, ast.Name):
            if node.id != owner and node.id not in targets:
                return None
        elif isinstance(node, ast.Call | ast.Lambda | ast.Subscript | ast.NamedExpr):
            return None
    return told


class _AsAttributes(ast.NodeTransformer):
    def __init__(self, owner: str, parameters: Mapping[str, str]) -> None:
        self.owner = owner
        self.parameters = parameters

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.parameters or not isinstance(node.ctx, ast.Load):
            return node
        owner = ast.copy_location(ast.Name(self.owner, ast.Load()), node)
        return ast.copy_location(ast.Attribute(owner, self.parameters[node.id], ast.Load()), node)


class _Told(ast.NodeTransformer):
    """Puts what attributes are in their place; what goes through a list of them goes through that it was made of."""

    def __init__(self, kept: Mapping[str, ast.expr]) -> None:
        self.kept = kept

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if not _attribute(node, self.kept):
            self.generic_visit(node)
            return node
        return copied_expression(self.kept[node.attr], node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        self.generic_visit(node)
        (first, *more) = node.generators
        made = first.iter
        if more or first.ifs or not isinstance(first.target, ast.Name):
            return node
        one = _one(made)
        if one is None:
            return node
        value, target, source = one
        element = _Renamed({first.target.id: value}).visit(node.elt)
        through = ast.comprehension(ast.Name(target, ast.Store()), source, [], 0)
        return ast.fix_missing_locations(ast.copy_location(ast.ListComp(element, [through]), node))


def _one(made: ast.expr) -> tuple[ast.expr, str, ast.expr] | None:
    """One value of a list that is made of another, with the name of one value of that and the list."""
    if isinstance(made, ast.IfExp):
        first, second = _one(made.body), _one(made.orelse)
        if first is None or second is None or ast.unparse(first[2]) != ast.unparse(second[2]):
            return None
        names = [first[1], second[1]]
        target = next((name for name in names if name != "_"), names[0])
        sides = [_Renamed({side[1]: ast.Name(target, ast.Load())}).visit(side[0]) for side in (first, second)]
        return ast.copy_location(ast.IfExp(made.test, *sides), made), target, first[2]
    if not isinstance(made, ast.ListComp) or len(made.generators) != 1 or made.generators[0].ifs:
        return None
    (through,) = made.generators
    if not isinstance(through.target, ast.Name):
        return None
    return made.elt, through.target.id, through.iter


class _Renamed(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copied_expression(self.values[node.id], node) if node.id in self.values else node


def copied_expression(value: ast.expr, at: ast.expr | None = None) -> ast.expr:
    statement = copied(ast.Expr(value))
    assert isinstance(statement, ast.Expr)
    if at is not None:
        for node in ast.walk(statement.value):
            ast.copy_location(node, at)
    return statement.value


def _attribute(node: ast.AST, kept: Mapping[str, ast.expr]) -> bool:
    plain = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load)
    return plain and isinstance(node, ast.Attribute) and node.attr in kept


__all__ = ["in_settings"]
