"""LR108, LR110: schedules beside each other, over the groups of an optimizer or on one optimizer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from operators import Fault, operator
from parsed import File
from sites import Site, returned
from vocabulary import LOOPS, NAMES, called, dotted, last_name


@operator("late-binding", "LR108")
def late_binding(file: File, site: Site) -> Iterator[Fault]:
    """A lambda that keeps the loop variable as a default, or a partial, without that."""
    for n in site.nodes:
        holder = next((p for p in file.up(n) if isinstance(p, (ast.ListComp, ast.For))), None)
        if holder is None:
            continue
        target = holder.target if isinstance(holder, ast.For) else holder.generators[0].target
        names = {x.id for x in ast.walk(target) if isinstance(x, ast.Name)}
        if isinstance(n, ast.Lambda) and len(n.args.defaults) == 1 and len(n.args.args) == 2:
            default, kept = n.args.defaults[0], n.args.args[-1].arg
            if isinstance(default, ast.Name) and default.id in names and kept == default.id:
                edits = [(file.span(n.args.args[0])[1], file.span(default)[1], "")]
                yield Fault(edits, f"{file.text(n)}: loop variable captured late")
        if (
            isinstance(n, ast.Call)
            and called(n, "partial")
            and isinstance(holder, ast.ListComp)
            and n is holder.elt
            and any(isinstance(a, ast.Name) and a.id in names for a in n.args[1:])
        ):
            words = [*map(file.text, n.args[1:]), "step", *(f"{k.arg}={file.text(k.value)}" for k in n.keywords)]
            edits = file.put(n, f"lambda step: {file.text(n.args[0])}({', '.join(words)})")
            yield Fault(edits, f"{file.text(n)}: a lambda for the partial")


@operator("late-binding-of-groups", "LR108", "LR213")
def late_binding_of_groups(file: File, site: Site) -> Iterator[Fault]:
    """A list of lambdas, one a group, each meant to have a share of its own: all have the last group's."""
    for call, optimizer, function in site.given_functions():
        given = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "lr_lambda")][0]
        named = isinstance(given, ast.Name) and isinstance(optimizer, NAMES)
        if named and any(file.counts(v) for v in returned(function)):
            groups = f"range(len({file.text(optimizer)}.param_groups))"
            edits = file.put(given, f"[lambda step: {file.text(given)}(step) * 0.9**i for i in {groups}]")
            yield Fault(edits, f"{file.text(given)}: a share a group, captured late")


def trains(loop: ast.AST) -> bool:
    """Whether a loop does more than wind a scheduler on: it steps an optimizer, or calls what says that it trains."""
    names = [dotted(n.func) for n in ast.walk(loop) if isinstance(n, ast.Call)]
    return any(re.search(r"(^|[._])opt\w*\.step$|\.backward$|(^|[._])(train|fit)\w*$", name) for name in names)


def stepped_alone(file: File, site: Site) -> Iterator[tuple[ast.Assign, ast.expr, ast.Expr]]:
    """A LambdaLR built in a function that also steps it in a loop: construction, optimizer, `scheduler.step()`."""
    for call, optimizer, function in site.given_functions():
        build = file.parent[call]
        if not (isinstance(build, ast.Assign) and len(build.targets) == 1 and isinstance(optimizer, NAMES)):
            continue
        name = dotted(build.targets[0])
        steps = [
            n
            for n in ast.walk(file.scope(build))
            if isinstance(n, ast.Expr)
            and isinstance(n.value, ast.Call)
            and dotted(n.value.func) == f"{name}.step"
            and not (n.value.args or n.value.keywords)
            and any(isinstance(p, LOOPS) and trains(p) for p in file.up(n))
        ]
        if "?" not in name and len(steps) == 1 and any(file.counts(v) for v in returned(function)):
            yield build, optimizer, steps[0]


@operator("rate-reset-each-step", "LR110", "LR104", "LR105")
def rate_reset_each_step(file: File, site: Site) -> Iterator[Fault]:
    """The base rate is written after each step of the scheduler: what it did is erased."""
    for _, optimizer, step in stepped_alone(file, site):
        rates = [
            file.text(k.value)
            for a in file.nodes
            if isinstance(a, ast.Assign)
            and dotted(a.targets[0]) == dotted(optimizer)
            and isinstance(a.value, ast.Call)
            and file.scope(a) is file.scope(step)
            for k in a.value.keywords
            if k.arg == "lr" and isinstance(k.value, (ast.Name, ast.Attribute, ast.Constant))
        ]
        if len(rates) == 1:
            edits = file.after(
                step, f"for group in {file.text(optimizer)}.param_groups:", f'    group["lr"] = {rates[0]}'
            )
            yield Fault(edits, f"{rates[0]} written after {file.text(step)}")


@operator("second-schedule", "LR110", "LR207")
def second_schedule(file: File, site: Site) -> Iterator[Fault]:
    """A second LambdaLR on the same optimizer, stepped after the first: it starts from the base rate each time."""
    for build, optimizer, step in stepped_alone(file, site):
        if not isinstance(build.value, ast.Call) or not re.fullmatch(r"[\w.]+", file.text(build.value.func)):
            continue
        made = f"decay_scheduler = {file.text(build.value.func)}({file.text(optimizer)}, lambda step: 0.999**step)"
        there, stepped = file.after(build, made), file.after(step, "decay_scheduler.step()")
        if there and stepped:
            yield Fault(there + stepped, f"a second schedule beside {last_name(build.targets[0])}")
