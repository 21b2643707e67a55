"""torch's own protocol: built on an optimizer, asked by ``step()`` after every optimizer step."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from lrfix.domains.clock import tick_of
from lrfix.domains.signatures import Parameter, constructor_parameters, signature
from lrfix.driving.bench import Bench, groups_of
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import ClassValue, Instance, Unknown
from lrfix.sites.model import Construction
from lrfix.sites.subclasses import gives_no_rates, heir_of, optimizer_parameter
from lrfix.trees import walk

_COUNT = "step"  # the key under which apex's and transformers' optimizers count their updates in every group


class Scheduler:
    """A torch scheduler: the rate at step k is what stands in the groups after k calls of ``step()``."""

    def __init__(self, bench: Bench, scheduler: Any, optimizer: Instance) -> None:
        self.bench = bench
        self.scheduler = scheduler
        self.optimizer = optimizer
        self._advance: Any = None
        self._needed: list[bool] = []
        self._counted = _reads_count(bench)

    def rates(self, step: int) -> list[Any]:
        if step > 0:
            if self._advance is None:
                self._advance = self.bench.interpreter.attribute(self.scheduler, moving_method(self.bench.site.node))
                self._needed = self._asked_for()
            if self._counted:
                for group in groups_of(self.optimizer):
                    group[_COUNT] = step
            given = [step if position else 1.0 for position in self._needed] if self._needed else ()
            self.bench.interpreter.call(self._advance, *given)
        return self.bench.rates_of(self.optimizer)

    def _asked_for(self) -> list[bool]:
        """What ``step`` cannot do without: True for the position, False for a metric, which stays as it is."""
        node = getattr(self._advance, "node", None)
        if not isinstance(node, ast.FunctionDef):
            return []
        needed = [name for name, _, required in signature(node) if required]
        return [tick_of(name) is not None for name in needed if name not in _by_name_only(node)]

    def jump(self, step: int) -> None:
        self.bench.interpreter.set_attribute(self.scheduler, "last_epoch", step - 1, ast.Pass())

    @classmethod
    def built(
        cls, bench: Bench, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None
    ) -> Scheduler:
        if construction is None:
            scheduler, optimizer = _from_class(bench, groups, base_lrs)
        else:
            scheduler, optimizer = _from_call(bench, construction, groups, base_lrs)
        return cls(bench, scheduler, optimizer)


def _by_name_only(node: ast.FunctionDef) -> set[str]:
    return {a.arg for a in node.args.kwonlyargs}


def _reads_count(bench: Bench) -> bool:
    """Whether a site looks into the groups for the updates that the optimizer counts there."""
    return any(
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == _COUNT
        for root in bench.site.nodes
        for node in walk(root)
    )


def _from_call(
    bench: Bench, construction: Construction, groups: int, base_lrs: Sequence[float] | None
) -> tuple[Any, Instance]:
    call = construction.call
    there = bench.at(construction)
    environment = there.world.environment(there.names.scope_of(call), call)
    target = bench.interpreter.evaluate(call.func, environment)
    if isinstance(target, Unknown):
        raise Opaque(f"`{target.path}` is defined elsewhere", call)
    rates = base_lrs or bench.stated_rates(construction, groups)
    # The function of a LambdaLR may look at the optimizer that it is given to, under whatever name the file has for it.
    make = bench.shared_optimizer if bench.site.form == "lambda" else bench.optimizer
    optimizer = make(groups, rates)
    positional, keywords, slots = bench.call_arguments(call, construction.optimizer, environment)
    functions = keywords.get("lr_lambda", positional[1] if len(positional) > 1 else None)
    if bench.site.form == "lambda" and isinstance(functions, list | tuple) and len(functions) != groups:
        if not functions:
            raise Opaque("the list of functions is filled in a loop", call)
        groups = len(functions)
        optimizer = make(groups, base_lrs or bench.stated_rates(construction, groups))
    if bench.site.form == "lambda" and len(positional) > 2:
        positional = positional[:2]
    for slot in slots:
        if isinstance(slot, int):
            positional[slot] = optimizer
        else:
            keywords[slot] = optimizer
    return bench.interpreter.call(target, *positional, **keywords), optimizer


def _from_class(bench: Bench, groups: int, base_lrs: Sequence[float] | None) -> tuple[Any, Instance]:
    node = bench.site.node
    if not isinstance(node, ast.ClassDef):
        raise Opaque("is built by no call that lrfix can see", node)
    if gives_no_rates(node):
        # An abstract class is judged by the first that makes something of it.
        node = heir_of(bench.names, node) or node
    cls = class_value(bench, node)
    optimizer = bench.optimizer(groups, base_lrs)
    given = parameters_of(bench, node, cls)
    if given is None:
        function = getattr(bench.interpreter.attribute(cls, "__init__"), "node", None)
        if not isinstance(function, ast.FunctionDef):
            raise Opaque("has no constructor lrfix can read", node)
        given = signature(function)
    _, name = optimizer_parameter(node)
    rest = [parameter for parameter in given if parameter[0] not in (name, "optimizer")]
    arguments = bench.bound(rest, None)
    named = next((p for p, _, _ in given if p in (name, "optimizer")), None)
    if named is not None:
        arguments[named] = optimizer
    elif _passes_on(node):
        arguments["optimizer"] = optimizer
    return bench.interpreter.call(cls, **arguments), optimizer


def _passes_on(node: ast.ClassDef) -> bool:
    """Whether a constructor takes by any name what it does not name itself."""
    own = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
    return own is not None and own.args.kwarg is not None


def parameters_of(bench: Bench, node: ast.ClassDef, cls: Any) -> list[Parameter] | None:
    """What a class's constructor takes, with what it passes on to a base class that stands outside the file."""
    given = constructor_parameters(bench.names, node)
    own = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
    if own is None or own.args.kwarg is None or given is None or not isinstance(cls, ClassValue):
        return given
    passed = own.args.kwarg.arg
    calls = (n for n in walk(own) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith(".__init__"))
    if not any(k.arg is None and ast.unparse(k.value) == passed for call in calls for k in call.keywords):
        return given
    base = next((c.namespace["__init__"] for c in cls.mro[1:] if "__init__" in c.namespace), None)
    function = getattr(base, "node", None)
    if not isinstance(function, ast.FunctionDef) or function in bench.names.parents:
        return given
    known = {name for name, _, _ in given}
    return given + [parameter for parameter in signature(function) if parameter[0] not in known]


def moving_method(node: ast.AST) -> str:
    """The method that moves the rate: ``step``, unless the class overrides it without a word about the rate and has
    one other method, callable without arguments, that writes it (``step_batch`` beside a ``step`` for epochs)."""
    methods = [m for m in node.body if isinstance(m, ast.FunctionDef)] if isinstance(node, ast.ClassDef) else []
    step = next((m for m in methods if m.name == "step"), None)
    if step is None or _touches_rates(step):
        return "step"
    others = [m for m in methods if m.name.startswith("step") and m is not step and _writes_rates(m) and _callable(m)]
    return others[0].name if len(others) == 1 else "step"


def _touches_rates(function: ast.FunctionDef) -> bool:
    return any(
        (isinstance(n, ast.Constant) and n.value == "lr")
        or (isinstance(n, ast.Attribute) and (n.attr in ("step", "get_lr") or n.attr.startswith(("step_", "_step"))))
        or (isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "super")
        for n in walk(function)
    )


def _writes_rates(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(n, ast.Subscript)
        and isinstance(n.ctx, ast.Store)
        and isinstance(n.slice, ast.Constant)
        and n.slice.value == "lr"
        for n in walk(function)
    )


def _callable(function: ast.FunctionDef) -> bool:
    return len(function.args.posonlyargs + function.args.args) - len(function.args.defaults) <= 1


def class_value(bench: Bench, node: ast.ClassDef) -> Any:
    """The class itself, as its own scope sees it."""
    environment: Environment = bench.world.environment(bench.names.scope_of(node), None)
    cls = environment.get(node.name)
    if isinstance(cls, Unknown):
        raise Opaque(f"`{node.name}` could not be built", node)
    return cls


__all__ = ["Scheduler", "class_value", "moving_method", "parameters_of"]
