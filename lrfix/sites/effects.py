"""What a statement does to a learning rate: the writes of ``param_group["lr"]`` however it is spelled."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lrfix.names import FUNCTION_NODES, Argument, Assigned, Defined, Names
from lrfix.sites.vocabulary import GROUP_NAMES, looks_like_optimizer, names_rate_key, speaks_of_rate, speaks_of_step
from lrfix.trees import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IN_PLACE = frozenset({"fill_", "copy_"})
_IN_PLACE_FACTORS = frozenset({"mul_", "div_"})
_SETTER_METHODS = frozenset({"set_lr", "set_learning_rate", "update_lr", "set_lrs"})
_MAX_HOPS = 4


@dataclass(frozen=True)
class RateWrite:
    """One statement that gives an optimizer's group a rate.

    ``value`` is what is written (the factor where ``scales``: ``group["lr"] *= 0.1``); ``certain`` says that the
    group itself was seen, and not only an interface that by its name sets rates (``optimizer.set_lr(...)``).
    ``helper`` is the function of the file that does the writing, where the statement only calls it.
    """

    statement: ast.stmt
    value: ast.expr
    scales: bool = False
    certain: bool = True
    helper: Function | None = None


class Effects:
    """All writes of a rate in one module, direct or through the module's own helper functions."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.direct: list[RateWrite] = [
            write for node in names.nodes if isinstance(node, ast.stmt) for write in self._direct(node)
        ]
        self.helpers: dict[Function, str] = self._find_helpers()
        self.writes: list[RateWrite] = [
            write
            for write in (*self.direct, *self._through_helpers())
            if not (isinstance(write.value, ast.Name) and self._hands_over(write))
        ]

    def inside(self, node: ast.AST) -> list[RateWrite]:
        """The writes that stand inside ``node``."""
        return [w for w in self.writes if w.statement is node or node in self._names.ancestors(w.statement)]

    def setting_calls(self, node: ast.AST) -> list[ast.stmt]:
        """The statements inside ``node`` that call one of the file's functions outside of it that set the rate."""
        found: list[ast.stmt] = []
        for function in self._setting_functions:
            if node in self._names.ancestors(function):
                continue
            for call in self.calls_of(function):
                statement = self._names.statement_of(call)
                if statement is not None and node in self._names.ancestors(statement):
                    found.append(statement)
        return found

    @cached_property
    def _setting_functions(self) -> list[Function]:
        around = (self._names.enclosing(w.statement, FUNCTION_NODES) for w in self.writes if w.certain)
        plain = [f for f in around if isinstance(f, FUNCTIONS) and self._names.parents.get(f) is self._names.tree]
        return list(dict.fromkeys(plain))

    def calls_of(self, function: Function) -> list[ast.Call]:
        """The calls in the module that run ``function``, by its name or as a method."""
        names = self._names
        calls = self._calls.get(function.name, [])
        if isinstance(names.parents.get(function), ast.ClassDef):
            return [c for c in calls if isinstance(c.func, ast.Attribute) and self._means_method(c, c.func, function)]
        return [c for c in calls if isinstance(c.func, ast.Name) and self._names_function(c.func, function)]

    def _means_method(self, call: ast.Call, named: ast.Attribute, function: Function) -> bool:
        """Whether ``x.method()`` may mean the method: on ``self`` in its class, on any object outside of it."""
        names = self._names
        if named.attr != function.name:
            return False
        inside = names.parents[function] in names.ancestors(call)
        if isinstance(named.value, ast.Name) and named.value.id in ("self", "cls"):
            return inside
        return not inside and self._definitions[function.name] == 1 and _is_given_enough(call, function)

    @cached_property
    def _calls(self) -> dict[str, list[ast.Call]]:
        """All calls by the last name of what they call."""
        found: dict[str, list[ast.Call]] = {}
        for node in self._names.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def _definitions(self) -> Counter[str]:
        return Counter(n.name for n in self._names.nodes if isinstance(n, FUNCTIONS))

    def _names_function(self, node: ast.Name, function: Function) -> bool:
        return node.id == function.name and any(
            isinstance(b, Defined) and b.node is function for b in self._names.bindings(node.id, node)
        )

    def _direct(self, node: ast.stmt) -> Iterator[RateWrite]:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from self._assignment(node, target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from self._assignment(node, node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            if self._is_rate(node.target):
                yield RateWrite(node, node.value, scales=True)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from self._call(node, node.value)

    def _assignment(self, node: ast.stmt, target: ast.expr, value: ast.expr) -> Iterator[RateWrite]:
        if self._is_rate(target):
            yield RateWrite(node, value)
        elif (
            isinstance(target, ast.Attribute)
            and target.attr in ("lr", "learning_rate")
            and looks_like_optimizer(target.value)
        ):
            yield RateWrite(node, value, certain=False)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, its in zip(target.elts, value.elts, strict=True):
                yield from self._assignment(node, one, its)

    def _call(self, node: ast.stmt, call: ast.Call) -> Iterator[RateWrite]:
        if not isinstance(call.func, ast.Attribute):
            return
        method, receiver = call.func.attr, call.func.value
        if method in _IN_PLACE | _IN_PLACE_FACTORS and len(call.args) == 1 and self._reads_rate(receiver):
            yield RateWrite(node, call.args[0], scales=method in _IN_PLACE_FACTORS)
        elif method == "update" and self.is_group(receiver):
            for keyword in call.keywords:
                if keyword.arg == "lr":
                    yield RateWrite(node, keyword.value)
            for argument in call.args:
                if isinstance(argument, ast.Dict):
                    for key, value in zip(argument.keys, argument.values, strict=True):
                        if isinstance(key, ast.Constant) and key.value == "lr":
                            yield RateWrite(node, value)
        elif method in _SETTER_METHODS and call.args and looks_like_optimizer(receiver):
            yield RateWrite(node, call.args[0], certain=False)

    def _is_rate(self, node: ast.expr) -> bool:
        """Whether ``node`` is ``group["lr"]`` of an optimizer's group."""
        return isinstance(node, ast.Subscript) and _is_rate_key(node.slice) and self.is_group(node.value)

    def _reads_rate(self, node: ast.expr, hops: int = 0) -> bool:
        if self._is_rate(node):
            return True
        if isinstance(node, ast.Name) and hops < _MAX_HOPS:
            return any(
                isinstance(b, Assigned) and not b.index and self._reads_rate(b.value, hops + 1)
                for b in self._names.bindings(node.id, node)
            )
        return False

    def is_group(self, node: ast.expr, hops: int = 0) -> bool:
        """Whether an expression is one of an optimizer's parameter groups."""
        if hops > _MAX_HOPS:
            return False
        if isinstance(node, ast.Subscript):
            return self._is_groups(node.value, hops + 1)
        if not isinstance(node, ast.Name):
            return False
        for binding in self._names.bindings(node.id, node):
            if isinstance(binding, Argument):
                if node.id in GROUP_NAMES and not isinstance(binding.function, ast.Lambda):
                    return True
            elif isinstance(binding, Assigned):
                # With an index the name is one part of what a loop over `zip(groups, rates)` yields.
                part = binding.index and isinstance(binding.value, ast.Name)
                if (part or not binding.index) and self.is_group(binding.value, hops + 1):
                    return True
            else:
                loop = getattr(binding, "node", None)
                if isinstance(loop, ast.For) and self._walks_groups(loop.iter, hops + 1):
                    return True
        return False

    def _walks_groups(self, iterable: ast.expr, hops: int) -> bool:
        if isinstance(iterable, ast.Call):
            return any(self._walks_groups(a, hops) for a in iterable.args) or (
                isinstance(iterable.func, ast.Attribute) and "param_groups" in iterable.func.attr
            )
        if isinstance(iterable, ast.Subscript) and isinstance(iterable.slice, ast.Slice):
            return self._walks_groups(iterable.value, hops)
        return self._is_groups(iterable, hops)

    def _is_groups(self, node: ast.expr, hops: int) -> bool:
        """Whether an expression is ``optimizer.param_groups``, whole or sliced."""
        if hops > _MAX_HOPS:
            return False
        if isinstance(node, ast.Attribute):
            return node.attr == "param_groups"
        if isinstance(node, ast.Name):
            return any(
                isinstance(b, Assigned) and not b.index and self._is_groups(b.value, hops + 1)
                for b in self._names.bindings(node.id, node)
            )
        return False

    def _find_helpers(self) -> dict[Function, str]:
        """Functions that hand one of their parameters on as the rate, with that parameter's name."""
        written: dict[Function, list[RateWrite]] = {}
        for write in self.direct:
            function = self._names.enclosing(write.statement, FUNCTION_NODES)
            if write.certain and isinstance(function, FUNCTIONS):
                written.setdefault(function, []).append(write)
        found: dict[Function, str] = {}
        for function, writes in written.items():
            if any(w.scales or any(speaks_of_step(n.id) for n in self._value_names(w.value, 0)) for w in writes):
                continue
            parameters = [p for p in (self._rate_parameter(function, w) for w in writes) if p is not None]
            if parameters:
                found[function] = parameters[0]
        return found

    def _rate_parameter(self, function: Function, write: RateWrite) -> str | None:
        parameters = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
        parameters -= {"self", "cls"}
        used = {n.id for n in self._value_names(write.value, 0) if n.id in parameters}
        spoken = sorted(name for name in used if speaks_of_rate(name))
        if spoken:
            return spoken[0]
        return sorted(used)[0] if len(used) == 1 and isinstance(write.value, ast.Name) else None

    def _value_names(self, node: ast.expr, hops: int) -> Iterator[ast.Name]:
        for name in walk(node):
            if isinstance(name, ast.Name):
                yield name
                if hops < 2:
                    for binding in self._names.bindings(name.id, name):
                        if isinstance(binding, Assigned) and not binding.index:
                            yield from self._value_names(binding.value, hops + 1)

    def _hands_over(self, write: RateWrite) -> bool:
        """Whether the write only passes its function's parameter on, so that the callers decide."""
        function = self._names.enclosing(write.statement, FUNCTION_NODES)
        if not isinstance(function, FUNCTIONS) or self.helpers.get(function) is None:
            return False
        name = write.value
        return isinstance(name, ast.Name) and all(
            isinstance(b, Argument) for b in self._names.bindings(name.id, write.statement)
        )

    def _through_helpers(self) -> Iterator[RateWrite]:
        for function, parameter in self.helpers.items():
            method = isinstance(self._names.parents.get(function), ast.ClassDef)
            for call in self.calls_of(function):
                statement = self._names.statement_of(call)
                value = argument_given(call, function, parameter, method)
                if statement is not None and value is not None:
                    yield RateWrite(statement, value, helper=function)


def _is_rate_key(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == "lr"
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return last.endswith("_field") or names_rate_key(last)


def argument_given(call: ast.Call, function: Function, parameter: str, method: bool) -> ast.expr | None:
    """What a call gives a parameter; ``method``: whether the function is one that is called on its object."""
    for keyword in call.keywords:
        if keyword.arg == parameter:
            return keyword.value
    positional = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    if method and not any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list):
        positional = positional[1:]
    if parameter not in positional:
        return None
    position = positional.index(parameter)
    if len(call.args) <= position or any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
        return None
    return call.args[position]


def _is_given_enough(call: ast.Call, method: Function) -> bool:
    """Whether a call gives as many arguments as the method asks for; else another object's method has that name."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return True
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in method.decorator_list)
    required = len(method.args.posonlyargs) + len(method.args.args) - len(method.args.defaults) - (0 if static else 1)
    return len(call.args) + len(call.keywords) >= required
