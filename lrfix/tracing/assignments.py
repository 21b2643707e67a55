"""Assignments of a traced program: what a name, an attribute or an element stands for from there on."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.tracing.amounts import Amount
from lrfix.tracing.calls import Calls
from lrfix.tracing.events import Kind
from lrfix.tracing.machine import named
from lrfix.tracing.objects import made, made_together, plain_optimizer
from lrfix.tracing.values import ClassValue, Groups, Instance, Optimizer, Scope, Unknown, Value, known
from lrfix.trees import written

#: The class of yacs, fvcore and Detectron2.
_MERGED = "CfgNode"


class Assignments(Calls):
    """Everything that binds a value to a target."""

    def assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        """Run a statement that binds."""
        if isinstance(node, ast.Assign):
            self._plain(node, scope)
        elif isinstance(node, ast.AugAssign):
            self._augmented(node, scope)
        elif node.value is not None:
            self.assign(node.target, self._name_constant(node.target, node.value, scope), scope)

    def _plain(self, node: ast.Assign, scope: Scope) -> None:
        if self._counts(node):
            value: Value = Unknown(written(node.targets[0]), moving=True)
            self.evaluate(node.value, scope)
        else:
            value = self._name_constant(node.targets[0], node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _counts(self, node: ast.Assign) -> bool:
        """``step = step + 1`` in a turn that stands for all but the first."""
        value = node.value
        return (
            self.later
            and isinstance(value, ast.BinOp)
            and isinstance(value.op, ast.Add)
            and isinstance(value.right, ast.Constant)
            and ast.dump(value.left).replace("Load()", "") == ast.dump(node.targets[0]).replace("Store()", "")
        )

    def _name_constant(self, target: ast.expr, node: ast.expr, scope: Scope) -> Value:
        """What ``target`` is given; a whole number keeps the name that the file gives it: ``EPOCHS = 90``."""
        value = self.evaluate(node, scope)
        plain = isinstance(node, ast.Constant) and isinstance(value, int) and not isinstance(value, bool)
        if plain and isinstance(target, ast.Name | ast.Attribute) and value > 1 and not self.turns:
            replaced = isinstance(target, ast.Attribute) and self._is_replaced(target.value, scope)
            return Unknown(written(target)) if replaced else Unknown(written(target), stated=value)
        return value

    def _is_replaced(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an object is a tree of settings that files are merged into: few runs have what the code says."""
        value = self.evaluate(node, scope)
        return isinstance(value, Unknown) and value.maker.rpartition(".")[2] == _MERGED

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        # Evaluation does not look at contexts, so a target can be read as it stands.
        old, change = self.evaluate(node.target, scope), self.evaluate(node.value, scope)
        if isinstance(node.target, ast.Subscript) and self._writes_rate(node.target, scope):
            self.assign(node.target, Unknown(written(node)), scope)
            return
        if self.later and isinstance(node.op, ast.Add | ast.Sub) and not isinstance(old, list | str | dict):
            counts = isinstance(change, int | float | Amount)
            new: Value = Unknown(written(node.target), moving=counts, measured=not counts)
        else:
            new = self.operation(node.op, old, change, node)
        self.assign(node.target, new, scope)

    def _writes_rate(self, target: ast.Subscript, scope: Scope) -> bool:
        return isinstance(target.slice, ast.Constant) and isinstance(self.evaluate(target.value, scope), Groups)

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind a value to a target."""
        if isinstance(target, ast.Name):
            made(self, value, target.id)
            named(value, target.id)
            scope.set(target.id, value)
        elif isinstance(target, ast.Attribute):
            made(self, value, written(target))
            named(value, written(target))
            self._set_attribute(self.evaluate(target.value, scope), target.attr, value, target)
        elif isinstance(target, ast.Subscript):
            self._set_item(self.evaluate(target.value, scope), self.evaluate(target.slice, scope), value, target)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value, scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, Unknown(written(target.value)), scope)

    def _unpack(self, targets: Sequence[ast.expr], value: Value, scope: Scope) -> None:
        if isinstance(value, list | tuple) and len(value) == len(targets):
            for target, element in zip(targets, value, strict=True):
                self.assign(target, element, scope)
            return
        elements: list[Value] = []
        for position, target in enumerate(targets):
            element = self.item(value, position, target) if isinstance(value, Unknown) else Unknown("")
            if isinstance(element, Unknown) and element.known is None and not isinstance(target, ast.Starred):
                text = written(target)
                if element.path != text and not isinstance(target, ast.Tuple | ast.List):
                    element.path = text
                if isinstance(value, Unknown):
                    element.given = element.given or value.given
                    element.origin, element.caller = element.origin or value.origin, element.caller or value.caller
            elements.append(element)
        made_together(self, value, elements)
        for target, element in zip(targets, elements, strict=True):
            self.assign(target, element, scope)

    def _set_attribute(self, receiver: Value, name: str, value: Value, node: ast.AST) -> None:
        if isinstance(receiver, Instance):
            receiver.attributes[name] = value
            return
        thing = known(receiver)
        if thing is None and name == "lr" and isinstance(receiver, Unknown):
            thing = plain_optimizer(receiver)
        if isinstance(thing, Optimizer) and name == "lr":
            self.emit(Kind.WRITE_RATE, node, thing, detail="attribute")
        elif thing is not None:
            thing.parts[name] = value
        elif isinstance(receiver, Unknown):
            receiver.parts[f".{name}"] = value
        elif isinstance(receiver, ClassValue):
            receiver.namespace[name] = value
        kept = known(value)
        if kept is not None and isinstance(receiver, Unknown):
            self.trace.kept.append(kept)

    def _set_item(self, container: Value, index: Value, value: Value, node: ast.AST) -> None:
        if isinstance(container, Groups):
            if index == "lr":
                which = "each" if container.index is None else f"group {container.index}"
                self.emit(Kind.WRITE_RATE, node, container.optimizer, (value,), which)
            return
        if isinstance(container, list) and isinstance(index, int):
            if -len(container) <= index < len(container):
                container[index] = value
        elif isinstance(container, dict) and isinstance(index, str | int):
            container[index] = value
        elif isinstance(container, Unknown) and isinstance(index, str | int):
            container.parts[f"[{index!r}]"] = value
            kept = known(value)
            if kept is not None:
                self.trace.kept.append(kept)


__all__ = ["Assignments"]
