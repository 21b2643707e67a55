"""Statements of a program as lines of a template's source."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.compilation import attribute_name, imports
from lrfix.interpreter.templates.expressions import arithmetic, expression, stated_number, truth
from lrfix.interpreter.templates.source import NotCovered, Source


def block(source: Source, body: list[ast.stmt]) -> None:
    """Statements in their order, each with the fuel it burns and the note that it ran."""
    for node in body:
        maker = _MAKERS.get(type(node))
        if maker is None:
            raise NotCovered
        at = source.value(node)
        source.line("machine.fuel -= 1")
        source.line(f"if machine.fuel < 0: machine.burn({at})")
        source.line(f"ran({at})")
        maker(source, node)


def _expression(source: Source, node: ast.Expr) -> None:
    source.line(expression(source, node.value))


def _store(source: Source, target: ast.expr, code: str) -> None:
    """Store the value of ``code``, which is evaluated first, in a target."""
    if isinstance(target, ast.Name):
        source.line(f"{source.store(target.id)} = {code}")
        return
    value = source.fresh()
    source.line(f"{value} = {code}")
    at = source.value(target)
    if isinstance(target, ast.Attribute):
        name = source.value(attribute_name(target))
        source.line(f"machine.set_attribute({expression(source, target.value)}, {name}, {value}, {at})")
    elif isinstance(target, ast.Subscript):
        holder, index = expression(source, target.value), expression(source, target.slice)
        source.line(f"machine.set_item({holder}, {index}, {value}, {at})")
    elif isinstance(target, ast.Tuple | ast.List) and target.elts:
        if any(isinstance(element, ast.Starred) for element in target.elts):
            raise NotCovered
        parts = [source.fresh() for _ in target.elts]
        source.line(f"{', '.join(parts)}, = unpacked(machine, {value}, {len(parts)}, None, {at})")
        for element, part in zip(target.elts, parts, strict=True):
            _store(source, element, part)
    else:
        raise NotCovered


def _assign(source: Source, node: ast.Assign) -> None:
    code = expression(source, node.value)
    if len(node.targets) > 1:
        value = source.fresh()
        source.line(f"{value} = {code}")
        code = value
    for target in node.targets:
        _store(source, target, code)


def _annotated(source: Source, node: ast.AnnAssign) -> None:
    if node.value is not None:
        _store(source, node.target, expression(source, node.value))


def _augmented(source: Source, node: ast.AugAssign) -> None:
    """The old value is read first; what it is stored in is worked out once."""
    target, old, new = node.target, source.fresh(), source.fresh()
    at, of = source.value(node), source.value(target)
    if isinstance(target, ast.Name):
        loaded = ast.copy_location(ast.Name(target.id, ast.Load()), target)
        source.line(f"{old} = {source.name(target.id, loaded)}")
        store = f"{source.store(target.id)} = {{}}"
    elif isinstance(target, ast.Attribute):
        receiver, name = source.fresh(), source.value(attribute_name(target))
        source.line(f"{receiver} = {expression(source, target.value)}")
        source.line(f"{old} = read(machine, {receiver}, {name}, {of})")
        store = f"machine.set_attribute({receiver}, {name}, {{}}, {of})"
    else:
        holder, index = source.fresh(), source.fresh()
        source.line(f"{holder} = {expression(source, target.value)}")
        source.line(f"{index} = {expression(source, target.slice)}")
        source.line(f"{old} = item(machine, {holder}, {index}, {of})")
        store = f"machine.set_item({holder}, {index}, {{}}, {of})"
    source.line(f"{new} = {expression(source, node.value)}")
    guarded = f"augmented(machine, {old}, {new}, {source.value(node.op)}, {at})"
    # A name stands on both sides: what is stated of it stands in the value handed over.
    result = arithmetic(node.op, (old, old, None), (new, new, stated_number(node.value)), guarded)
    source.line(store.format(result))


def _if(source: Source, node: ast.If) -> None:
    source.line(f"if {truth(source, node.test, node.test)}:")
    with source.block():
        block(source, node.body)
        after = _left(source, node.body)
    if node.orelse:
        source.line("else:")
        with source.block():
            block(source, node.orelse)
            after = _met(after, _left(source, node.orelse))
        source.assigned |= after if after is not None else set(source.variables)


def _left(source: Source, body: list[ast.stmt]) -> set[str] | None:
    """What is assigned where a block ends; None for one that never comes to its end."""
    leaves = isinstance(body[-1], ast.Return | ast.Raise | ast.Break | ast.Continue)
    return None if leaves else set(source.assigned)


def _met(one: set[str] | None, other: set[str] | None) -> set[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _turn(source: Source, node: ast.AST) -> None:
    """The fuel of one turn of a loop."""
    source.line("machine.fuel -= 1")
    source.line(f"if machine.fuel < 0: machine.refuel({source.value(node)})")


def _while(source: Source, node: ast.While) -> None:
    source.line(f"while {truth(source, node.test, node.test)}:")
    with source.block():
        _turn(source, node)
        block(source, node.body)
    _otherwise(source, node.orelse)


def _for(source: Source, node: ast.For) -> None:
    one = source.fresh()
    source.line(f"for {one} in machine.iterate({expression(source, node.iter)}, {source.value(node.iter)}):")
    with source.block():
        _turn(source, node)
        _store(source, node.target, one)
        block(source, node.body)
    _otherwise(source, node.orelse)


def _otherwise(source: Source, orelse: list[ast.stmt]) -> None:
    if orelse:
        source.line("else:")
        with source.block():
            block(source, orelse)


def _return(source: Source, node: ast.Return) -> None:
    source.line(f"return {expression(source, node.value) if node.value is not None else 'None'}")


def _raise(source: Source, node: ast.Raise) -> None:
    at = source.value(node)
    if node.exc is None:
        source.line(f"raise raised_again(machine, {at})")
    else:
        source.line(f"raise UserError(machine.exception({expression(source, node.exc)}, {at}), {at})")


def _assert(source: Source, node: ast.Assert) -> None:
    value, at = source.fresh(), source.value(node)
    source.line(f"{value} = {expression(source, node.test)}")
    # What an assertion on something unseen says, the code relies on.
    source.line(f"if not isinstance({value}, Unknown) and not machine.truth({value}, {at}):")
    message = expression(source, node.msg) if node.msg is not None else ""
    with source.block():
        source.line(f"raise UserError(AssertionError({message}), {at})")


def _try(source: Source, node: ast.Try) -> None:
    if node.finalbody or not node.handlers or any(h.name for h in node.handlers):
        raise NotCovered
    at, error = source.value(node), source.fresh()
    source.line("try:")
    with source.block():
        block(source, node.body)
    source.line(f"except UserError as {error}:")
    with source.block():
        for position, handler in enumerate(node.handlers):
            kinds = "True"
            if handler.type is not None:
                kinds = f"machine.matches({error}, {expression(source, handler.type)}, {at})"
            source.line(f"{'if' if position == 0 else 'elif'} {kinds}:")
            with source.block():
                source.line(f"machine.handled.append({error})")
                source.line("try:")
                with source.block():
                    block(source, handler.body)
                source.line("finally: machine.handled.pop()")
        source.line("else: raise")
    _otherwise(source, node.orelse)


def _import(source: Source, node: ast.Import | ast.ImportFrom) -> None:
    for name, module, member in imports(node):
        found = f"machine.host.import_name({source.value(module)}, {source.value(member)})"
        source.line(f"{source.store(name)} = {found}")


def _nothing(source: Source, node: ast.stmt) -> None:
    return None


_MAKERS: dict[type[ast.stmt], Callable[[Source, Any], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Try: _try,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Pass: _nothing,
    ast.Break: lambda source, node: source.line("break"),
    ast.Continue: lambda source, node: source.line("continue"),
}

__all__ = ["block"]
