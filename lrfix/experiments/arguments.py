"""What calls give to the parameters of schedules, against what the parameters are for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, Role, last_word, role_of
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.finite import finite
from lrfix.names import Assigned
from lrfix.sites.stock import given, left_out, stock_scheduler
from lrfix.sites.vocabulary import (
    OTHER_QUANTITIES,
    call_argument,
    identifiers,
    looks_like_optimizer,
    names_position,
    optimizer_call,
    words,
)
from lrfix.trees import written
from lrfix.wording import num

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_SHARES = (*_WARMUPS, Role.WARMUP_FRACTION)
_WHOLES = (Role.HORIZON, Role.EPOCHS)
_PLAIN = (ast.Name, ast.Attribute, ast.Subscript)
#: Words that make something else of a warmup: ``epochs_after_warmup``.
_BESIDES = frozenset({"after", "post", "without", "minus", "non", "no", "excluding", "remaining", "left"})
#: Parameters that end the whole schedule, of schedulers that are not a warmup themselves.
_ENDS = frozenset({"T_max", "num_training_steps", "t_total", "total_steps"})
_POLYNOMIAL = "total_iters"
#: Names that can mean nothing but a rate, a share of the run, a length. ``lr_decay`` may be any of them.
_RATE = re.compile(
    r"^(base|init|initial|max|min|peak|final|end|target|warmup|warmup_start)?_?(lr|learning_rate)"
    r"(_(min|max|end|final|init|base|start))?$|^eta_(min|max)$"
)
_SHARE = re.compile(
    r"^(lr_)?gamma$|^power$|^(lr_)?warm_?up_(ratio|proportion|prop|fraction|frac|percent|pct|percentage)$"
)
_LENGTH = re.compile(
    r"^(num|n|max|total)_(train_|training_|warmup_|update_)?(epochs?|steps?|iters?|iterations|updates)$"
    r"|^(epochs|warmup_(steps|iters|epochs)|step_size)$"
)
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("T_max", "T_0", "num_training_steps", "total_steps", "total_iters", "t_total"), "length"),
    **dict.fromkeys(("num_warmup_steps", "warmup_steps", "step_size", "step_size_up", "step_size_down"), "length"),
    **dict.fromkeys(("epochs", "steps_per_epoch", "warmup_epochs", "max_epochs"), "length"),
    **dict.fromkeys(("eta_min", "base_lr", "max_lr", "lr_end", "warmup_start_lr"), "rate"),
    **dict.fromkeys(("gamma", "factor", "start_factor", "end_factor", "power", "pct_start"), "share"),
}
_ENDINGS = frozenset({"final", "end", "target", "last"})
_CALLED = {"length": "a number of steps", "rate": "a learning rate", "share": "a factor or a share"}


def misgiven(study: Study) -> Iterator[Violation]:
    """The calls of a file that build a schedule and give one parameter what belongs to another."""
    for node in study.names.nodes:
        if not isinstance(node, ast.Call) or len(node.args) + len(node.keywords) < 2:
            continue
        stock = stock_scheduler(study.names, node)
        if stock is None and (not _speaks_of_schedules(node) or _of_something_else(study, node)):
            continue
        arguments = given(study.names, node)
        missing = left_out(study.names, node) if _named_for_a_schedule(node) else []
        if missing:
            yield _refused(study, node, missing)
            continue
        found = [j for judge in (_swapped, _said_twice, _place_and_length) for j in judge(study, node, arguments)]
        if stock is not None and not found:
            found = [*_ends_with_warmup(study, stock, arguments), *_of_another_kind(study, stock, arguments)]
            found = found or [*_floor_at_the_top(study, arguments), *_upside_down(study, stock, arguments)]
        yield from found[:1]


def _refused(study: Study, call: ast.Call, missing: list[str]) -> Violation:
    """A call that a function or class of the project does not take: advice in a function that nothing here calls."""
    names = study.names
    function = names.enclosing(call, (ast.FunctionDef, ast.AsyncFunctionDef))
    called = {_last(n.func) for n in names.nodes if isinstance(n, ast.Call)}
    needed = " and ".join(f"`{name}`" for name in missing)
    return Violation(
        study.span(call),
        f"`{written(call.func)}` needs {needed} as well: this call leaves that out and raises TypeError.",
        advice=function is not None and getattr(function, "name", "") not in called,
    )


def _speaks_of_schedules(call: ast.Call) -> bool:
    """Whether a call is of something that makes a schedule, by its name or by what it is given."""
    return _named_for_a_schedule(call) or any(
        looks_like_optimizer(a) for a in (*call.args, *(k.value for k in call.keywords))
    )


def _named_for_a_schedule(call: ast.Call) -> bool:
    return bool({"lr", "rate", "schedule", "scheduler", "warmup", "sched", "noam"} & set(words(_last(call.func))))


def _of_something_else(study: Study, call: ast.Call) -> bool:
    """Whether a schedule is that of a temperature or a momentum, by what it is kept as or by the value it starts from
    or ends at."""
    kept = study.names.parents.get(call)
    targets = kept.targets if isinstance(kept, ast.Assign) else []
    values = [keyword.value for keyword in call.keywords if keyword.arg is not None and "value" in words(keyword.arg)]
    spoken = (word for node in (*targets, *values) for name in identifiers(node) for word in words(name))
    return bool(OTHER_QUANTITIES & set(spoken))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _swapped(study: Study, call: ast.Call, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """Two arguments that stand in each other's place."""
    for first, second, why in (
        (_WARMUPS, _WHOLES, "the rate climbs until training ends"),
        ((Role.FLOOR,), (Role.PEAK, Role.BASE_RATE), "the schedule runs from its floor up to its peak"),
        ((Role.BASE_RATE,), (Role.PEAK,), "the schedule runs upside down"),
        ((Role.STEP_SIZE,), (Role.GAMMA,), "an interval stands where a factor belongs"),
    ):
        one = [(p, v) for p, v in arguments.items() if role_of(p) in first]
        two = [(p, v) for p, v in arguments.items() if role_of(p) in second]
        if len(one) != 1 or not two:
            continue
        (parameter, value), others = one[0], [(p, v) for p, v in two if _plays(v, first)]
        if len(others) == 1 and _plays(value, second) and not _plays(value, first):
            other, instead = others[0]
            yield Violation(
                study.span(call),
                f"`{parameter}` is given `{ast.unparse(value)}` and `{other}` is given `{ast.unparse(instead)}`: they "
                f"stand in each other's place, so {why}.",
            )
            return


def _place_and_length(study: Study, call: ast.Call, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """The position in training and a length in each other's place."""
    for parameter, value in arguments.items():
        if not _is_position(parameter) or not isinstance(value, _PLAIN) or _is_place(value):
            continue
        if role_of(ast.unparse(value)) not in LENGTHS or _is_how_many(parameter, value):
            continue
        for other, instead in arguments.items():
            if other == parameter or role_of(other) not in LENGTHS or _is_position(other):
                continue
            whole_for_place = role_of(ast.unparse(value)) in _WHOLES and role_of(other) in _WHOLES
            if _is_place(instead) or (whole_for_place and _is_warmup(instead)):
                yield Violation(
                    study.span(call),
                    f"`{parameter}` is the position and is given `{ast.unparse(value)}`, and `{other}` is a length and "
                    f"is given `{ast.unparse(instead)}`: they stand in each other's place.",
                )
                return


def _is_how_many(parameter: str, value: ast.expr) -> bool:
    """Whether a parameter that may be a position is as well the length that it is given: ``num_epochs=epochs``."""
    counted = words(parameter)[-1].endswith("s")
    return counted and words(parameter)[-1] == words(last_word(ast.unparse(value)))[-1]


def _is_position(name: str) -> bool:
    return names_position(name) and role_of(name) not in (Role.LAST_EPOCH, *_WARMUPS)


def _is_place(node: ast.expr) -> bool:
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    # `epochs` and `num_steps` may be how many there are, and how many there were.
    return bool(last) and _is_position(last) and not words(last)[-1].endswith("s")


def _said_twice(study: Study, call: ast.Call, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """The warmup given for the warmup and for the whole as well."""
    warmups = {ast.unparse(v): p for p, v in arguments.items() if role_of(p) in _WARMUPS and _is_warmup(v)}
    for parameter, value in arguments.items():
        if role_of(parameter) in _WHOLES and ast.unparse(value) in warmups:
            yield Violation(
                study.span(value),
                f"`{parameter}` is the length of the whole and is given `{ast.unparse(value)}`, the length of the "
                f"warmup, as `{warmups[ast.unparse(value)]}` is.",
            )
            return


def _plays(node: ast.expr, roles: tuple[Role, ...]) -> bool:
    """Whether an expression is, by its name, one of these; a share of the whole that is a warmup is a warmup."""
    if roles == _WARMUPS and _is_warmup(node):
        return True
    return isinstance(node, _PLAIN) and role_of(ast.unparse(node)) in roles


def _is_warmup(node: ast.expr) -> bool:
    """Whether an expression is a warmup's length: named so, or a share of the whole that is."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return any(role_of(ast.unparse(side)) in _SHARES for side in (node.left, node.right))
    if isinstance(node, ast.Call) and _last(node.func) in ("int", "round", "ceil", "floor") and node.args:
        return _is_warmup(node.args[0])
    if not isinstance(node, _PLAIN) or _BESIDES & set(words(last_word(ast.unparse(node)))):
        return False
    return role_of(ast.unparse(node)) in _WARMUPS


def _ends_with_warmup(study: Study, stock: str, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """A whole schedule that is given the warmup's length for its own."""
    for parameter, value in arguments.items():
        if parameter in _ENDS or (parameter == _POLYNOMIAL and stock == "PolynomialLR"):
            while isinstance(value, ast.Call) and _last(value.func) == "int" and value.args:
                value = value.args[0]
            if isinstance(value, _PLAIN) and _is_warmup(value):
                yield Violation(
                    study.span(value),
                    f"`{parameter}` of {stock} is the length of the decay and is given `{ast.unparse(value)}`, the "
                    "length of the warmup.",
                )


def _of_another_kind(study: Study, stock: str, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """A rate where a length is due, a share where a number of steps is due, and so on."""
    for parameter, value in arguments.items():
        due, got = _KINDS.get(parameter), _kind(value)
        if (
            due == "length"
            and isinstance(value, ast.Constant)
            and isinstance(value.value, float)
            and 0 < value.value < 1
        ):
            got = "share"
        if parameter == "factor" and got != "length":
            continue
        if due is not None and got is not None and due != got:
            # The last rate may be told as a part of the first (``lrf``, ``final_lr = 0.01``).
            open_ = (due, got) == ("share", "rate") and bool(_ENDINGS & set(words(last_word(ast.unparse(value)))))
            told = f"`{ast.unparse(value)}`"
            yield Violation(
                study.span(value),
                f"`{parameter}` of {stock} is {_CALLED[due]} and is given {told}, which is {_CALLED[got]}"
                + (": multiply it by the number of steps." if (due, got) == ("length", "share") else "."),
                advice=open_,
            )


def _kind(node: ast.expr) -> str | None:
    if not isinstance(node, _PLAIN):
        return None
    word = last_word(ast.unparse(node))
    for kind, pattern in (("share", _SHARE), ("rate", _RATE), ("length", _LENGTH)):
        if pattern.match(word):
            return kind
    return None


def _floor_at_the_top(study: Study, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """A floor that is the very rate the optimizer starts with, or stated to be above it."""
    floor = arguments.get("eta_min")
    optimizer = optimizer_call(study.names, arguments.get("optimizer"))
    rate = call_argument(optimizer, 1, "lr") if optimizer is not None else None
    if floor is None or rate is None:
        return
    least, most = _number(study, floor), _number(study, rate)
    if isinstance(floor, _PLAIN) and ast.unparse(floor) == ast.unparse(rate):
        why = "the rate that the optimizer starts with: it never changes"
    elif least is not None and most is not None and least >= most > 0:
        why = f"and the optimizer starts at {num(most)}: the rate does not fall"
    else:
        return
    yield Violation(study.span(floor), f"`eta_min` is given `{ast.unparse(floor)}`, {why}.")


def _upside_down(study: Study, stock: str, arguments: Mapping[str, ast.expr]) -> Iterator[Violation]:
    """A cycle whose lower rate is stated above its upper one."""
    low, high = arguments.get("base_lr"), arguments.get("max_lr")
    if stock == "CyclicLR" and low is not None and high is not None:
        least, most = _number(study, low), _number(study, high)
        if least is not None and most is not None and least > most > 0:
            yield Violation(
                study.span(low),
                f"`base_lr` is {num(least)} and `max_lr` is {num(most)}: they stand in each other's place, and every "
                "cycle runs upside down.",
            )


def _number(study: Study, node: ast.expr) -> float | None:
    """A number that the code states: a literal, or a name bound once and to one."""
    stated = literal(node)
    if isinstance(node, ast.Name):
        known = study.names.bindings(node.id, node)
        only = known[0] if len(known) == 1 else None
        stated = literal(only.value) if isinstance(only, Assigned) and not only.index else None
    return finite(stated)


__all__ = ["misgiven"]
