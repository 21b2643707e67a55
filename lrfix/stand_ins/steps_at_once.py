"""A step of a scheduler without interpreting what torch's classes do of it: all schedulers do that at every step.

The same as ``LRScheduler.step`` of ``scheduler_base`` and ``LambdaLR.get_lr``, down to the fuel and to what observers
hear, for a scheduler with nothing of its own in the place of a part of it but ``get_lr``. Any other, and a step to a
stated epoch, is interpreted.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, cast

from lrfix.interpreter.calls import shape_of
from lrfix.interpreter.operations import OPERATIONS_OF
from lrfix.interpreter.templates.definitions import template_of
from lrfix.interpreter.templates.guards import call
from lrfix.interpreter.values import Function, Instance

Machine = Any
_WRITTEN = ("_step_count", "_get_lr_called_within_step", "last_epoch", "_last_lr")


def step_at_once(names: Mapping[str, Any]) -> None:
    """Let ``LRScheduler.step`` run so, of the definitions in ``names``."""
    base = names["LRScheduler"].namespace
    step, update, write = base["step"], base["_update_lr"], names["write_rates"]
    interpreted = _interpreted(step.node)
    parts: list[Any] = [*step.node.body, *update.node.body]
    counting, call, asking, branch, told, writing, reading = parts
    before = {counting, call, asking, branch, *branch.body}
    after = {told, writing}
    counted, moved = counting.target, branch.body[0].target
    within, done, last = (part.targets[0] for part in (asking, told, reading))
    asked, written = branch.body[1].value, writing.value
    first, then, last_of_all = len(before) + 1, len(after) + 1, 2

    def at_once(machine: Machine, function: Function, scheduler: Any, epoch: Any) -> Any:
        if epoch is not None or type(scheduler) is not Instance or not _is_plain(machine, scheduler, update):
            return interpreted(machine, function, scheduler, epoch)
        recorder, attributes = machine.recorder, scheduler.attributes
        hears = recorder.mine is None or counted in recorder.mine
        machine.fuel -= first
        if machine.fuel < 0:
            machine.refuel(call)
        recorder.statements.update(before)
        count, position = attributes["_step_count"], attributes["last_epoch"]
        if hears:
            recorder.attribute_write(scheduler, "_step_count", count, count + 1, counted)
        attributes["_step_count"] = count + 1
        recorder.call(update, [scheduler, None], call.value)
        if hears:
            asking_now = attributes.get("_get_lr_called_within_step")
            recorder.attribute_write(scheduler, "_get_lr_called_within_step", asking_now, True, within)
            recorder.attribute_write(scheduler, "last_epoch", position, position + 1, moved)
        attributes["_get_lr_called_within_step"] = True
        attributes["last_epoch"] = position + 1
        machine.depth += 1
        try:
            own = scheduler.cls.find("get_lr")
            if type(own) is Function and not own.elsewhere and "get_lr" not in attributes:
                values = machine.call_function(own, [scheduler], {}, asked)
            else:
                values = machine.invoke(machine.attribute(scheduler, "get_lr", asked.func), [], {}, asked)
            machine.fuel -= then
            if machine.fuel < 0:
                machine.refuel(writing)
            recorder.statements.update(after)
            if hears:
                asking_now = attributes.get("_get_lr_called_within_step")
                recorder.attribute_write(scheduler, "_get_lr_called_within_step", asking_now, False, done)
            attributes["_get_lr_called_within_step"] = False
            optimizer = machine.attribute_of_instance(scheduler, "optimizer", written.args[0])
            write.function(machine, written, optimizer, values)
            machine.fuel -= last_of_all
            if machine.fuel < 0:
                machine.refuel(reading)
            recorder.statements.add(reading)
            rates = names["current_rates"].function(machine, reading.value, optimizer)
            if hears:
                recorder.attribute_write(scheduler, "_last_lr", attributes.get("_last_lr"), rates, last)
            attributes["_last_lr"] = rates
        finally:
            machine.depth -= 1
        if hears:
            recorder.returned(update, None, call.value)
        return None

    _run(step.node, at_once)


def factors_at_once(names: Mapping[str, Any]) -> None:
    """Let ``LambdaLR.get_lr`` run so: it asks a function of the user's for every group, at every step."""
    definition: ast.FunctionDef = names["LambdaLR"].namespace["get_lr"].node
    same_lengths: Function = names["need_equal_lengths"]
    interpreted = _interpreted(definition)
    making, loop, checking, answer = cast(list[Any], definition.body)
    (adding,) = loop.body
    append = adding.value
    product = append.args[0]
    lengths = cast(list[Any], same_lengths.node.body)[0]
    before, each, after = len((making, loop)) + 4, len((loop, adding)) + 1, len((checking, lengths, answer)) + 3

    def at_once(machine: Machine, function: Function, scheduler: Any) -> Any:
        attributes = scheduler.attributes if type(scheduler) is Instance else {}
        functions: Any = attributes.get("lr_lambdas")
        bases: Any = attributes.get("base_lrs")
        properties = scheduler.cls.properties
        usual = type(functions) is list and type(bases) is list and len(functions) == len(bases)
        if not usual or properties is None or properties or machine.before_call is not None:
            return interpreted(machine, function, scheduler)
        recorder = machine.recorder
        hears = recorder.mine is None or append in recorder.mine
        rates: list[Any] = []
        machine.fuel -= before
        if machine.fuel < 0:
            machine.refuel(loop)
        recorder.statements.update((making, loop, adding))
        for index in range(len(functions)):
            machine.fuel -= each
            if machine.fuel < 0:
                machine.refuel(loop)
            base = attributes["base_lrs"][index]
            factor = call(machine, attributes["lr_lambdas"][index], [attributes["last_epoch"]], product.right)
            rate = OPERATIONS_OF[ast.Mult](machine, base, factor, product)
            if hears:
                recorder.item_write(rates, "append", None, (rate,), append)
            rates.append(rate)
        recorder.statements.update((checking, lengths, answer))
        machine.fuel -= after
        if machine.fuel < 0:
            machine.refuel(answer)
        recorder.call(same_lengths, [len(bases), len(functions)], checking.value)
        if hears:
            recorder.returned(same_lengths, None, checking.value)
        return rates

    _run(definition, at_once)


def _interpreted(definition: ast.FunctionDef) -> Callable[..., Any]:
    """What runs a definition of the stand-ins otherwise."""
    shape = shape_of(definition)
    template = template_of(definition, shape.parameters, shape.locals, shape.first)
    assert template is not None, "the stand-ins keep to what templates cover"
    return template


def _run(definition: ast.FunctionDef, at_once: Callable[..., Any]) -> None:
    shape = shape_of(definition)
    shape.template, shape.waits = at_once, False


def _is_plain(machine: Machine, scheduler: Instance, update: Function) -> bool:
    """Whether nothing of a scheduler stands in the place of what the base class does."""
    cls, attributes = scheduler.cls, scheduler.attributes
    properties = cls.properties if cls.properties is not None else cls.properties_noted()
    return (
        machine.before_call is None
        and machine.depth < machine.max_depth
        and type(attributes.get("_step_count")) is int
        and type(attributes.get("last_epoch")) is int
        and cls.find("_update_lr") is update
        and "_update_lr" not in attributes
        and (not properties or properties.isdisjoint(_WRITTEN))
    )


__all__ = ["factors_at_once", "step_at_once"]
