"""LR301 to LR307: a scheduler that steps at the wrong place, too often, never, or with the wrong argument."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from horizons import unit_of_schedule
from levels import (
    Placed,
    call_below,
    is_accumulation,
    is_empty,
    lines_of,
    moved,
    placed_steps,
    whole,
)
from operators import Fault, loop_operator
from scripts import UNKNOWN, Script, Step
from vocabulary import dotted, is_number

#: Methods that a scheduler which nobody steps may still be asked for.
LOOKED_AT = ("state_dict", "load_state_dict", "get_last_lr", "get_lr", "step", "last_epoch", "base_lrs")
LOSS = re.compile(r"(^|_)loss$")


def plateau(script: Script, step: Step) -> bool:
    return "ReduceLROnPlateau" in script.kinds(step.made)


def is_torch(script: Script, step: Step) -> bool:
    """Whether it steps as torch's do: it begins at the first rate, and counts for itself."""
    return not script.kinds(step.made) & {UNKNOWN, "ReduceLROnPlateau"}


def bare(step: Step) -> bool:
    return not step.call.args and not step.call.keywords


# LR301


@loop_operator("scheduler-before-optimizer", "LR301")
def scheduler_before_optimizer(script: Script) -> Iterator[Fault]:
    """The scheduler's step comes before the optimizer's: the first rate is never used. Of a step a batch that is one of
    thousands, and worth no more than advice."""
    for p in placed_steps(script):
        if not is_torch(script, p.step) or not bare(p.step) or is_set_back(script):
            continue
        file = script.file
        if p.per == "batch":
            block = file.block(p.whole)
            if p.optimizer.statement not in block or block.index(p.optimizer.statement) > block.index(p.whole):
                continue
            first = p.optimizer.statement
        else:
            first, block = p.trains, p.epochs.body
            if p.whole not in block or block.index(first) > block.index(p.whole):
                continue
        edits = moved(script, p, file.before(first, *lines_of(script, p)))
        if edits:
            yield Fault(edits, f"{p.name}.step() before the optimizer's step", legal=p.per == "batch")


def is_set_back(script: Script) -> bool:
    """`scheduler.last_epoch = start_epoch - 1`: its first step comes to the first rate."""
    return any(
        isinstance(n, ast.Attribute) and n.attr == "last_epoch" and isinstance(n.ctx, ast.Store)
        for n in script.file.nodes
    )


# LR302


@loop_operator("moved-into-batch-loop", "LR302", "LR310", "LR304")
def moved_into_batch_loop(script: Script) -> Iterator[Fault]:
    """A horizon in epochs is counted down by batches."""
    for p in placed_steps(script):
        if p.per != "epoch" or p.optimizer is None or not script.visible(p.step.owner, p.optimizer.statement):
            continue
        if bare(p.step) and unit_of_schedule(script, p) == "epochs":
            edits = moved(script, p, script.file.after(p.optimizer.statement, *lines_of(script, p)))
            if edits:
                yield Fault(edits, f"{p.name}.step() moved from the epochs to the batches")


def end_of_epoch(script: Script, p: Placed) -> ast.stmt | None:
    """The statement of the epoch's body behind which a batch's step may be put."""
    last = call_below(script, p.step.statement, p.epochs) if p.epochs is not None else None
    return last if last is not None and script.visible(p.step.owner, last) else None


@loop_operator("moved-to-epoch-level", "LR302", "LR310")
def moved_to_epoch_level(script: Script) -> Iterator[Fault]:
    """A horizon in updates is counted down by epochs."""
    for p in placed_steps(script):
        if p.per == "batch" and p.epochs is not None and bare(p.step) and unit_of_schedule(script, p) == "updates":
            last = end_of_epoch(script, p)
            edits = moved(script, p, script.file.after(last, *lines_of(script, p))) if last is not None else []
            if edits:
                yield Fault(edits, f"{p.name}.step() moved from the batches to the epochs")


# LR303


def only_looked_at(script: Script, made: frozenset[ast.Call]) -> bool:
    """Whether nothing in the file hands the scheduler to somebody who may step it."""
    for n in script.loads(made):
        above = script.file.parent[n]
        if isinstance(above, ast.Attribute) and above.attr in LOOKED_AT:
            continue
        if isinstance(above, (ast.If, ast.IfExp, ast.Compare, ast.BoolOp, ast.UnaryOp)) and not (
            isinstance(above, ast.IfExp) and above.test is not n
        ):
            continue
        call = script.file.parent[above] if isinstance(above, ast.keyword) else above
        if isinstance(call, ast.Call) and call.func is not n and script.function_of(call) is not None:
            continue  # what this file does with its parameter is looked at too
        plain = isinstance(above, (ast.Assign, ast.AnnAssign)) and above.value is n
        if plain or isinstance(above, ast.Return) or in_returned_tuple(script, n):
            continue
        return False
    return True


def in_returned_tuple(script: Script, node: ast.AST) -> bool:
    """`return optimizer, scheduler`, in a function that this file itself calls."""
    above = script.file.parent[node]
    function = script.file.function(node)
    returned = isinstance(above, ast.Tuple) and isinstance(script.file.parent[above], ast.Return)
    return returned and function is not None and bool(script.callers(function))


@loop_operator("never-stepped", "LR303")
def never_stepped(script: Script) -> Iterator[Fault]:
    done: set[frozenset[ast.Call]] = set()
    for step in script.scheduler_steps:
        mine = [s for s in script.scheduler_steps if s.made & step.made]
        hidden = [c for c in script.other_steps if dotted(c.func) == f"{dotted(step.owner)}.step"]
        if step.made in done or hidden or any(s.made != step.made for s in mine):
            continue
        done.add(step.made)
        attribute = isinstance(step.owner, ast.Attribute)
        here = all(
            isinstance(c, ast.Call) or isinstance(c[0], ast.Call) for c in step.made
        )  # others may step what they give
        near = {script.file.function(o.statement) for o in script.optimizer_steps} - {None}
        trains = bool(script.nest(step.statement)) or script.file.function(step.statement) in near
        bases = {dotted(b).split(".")[-1] for b in getattr(script.file.class_of(step.owner), "bases", ())}
        inherits = attribute and bool(bases - {"object", "Module", "ABC"})
        trains = trains and b".backward(" in script.file.source and not any(map(is_empty, script.nest(step.statement)))
        if here and trains and not inherits and only_looked_at(script, step.made):
            gone = [script.file.drop(whole(script, s)) for s in mine]
            if all(gone):
                yield Fault([e for edits in gone for e in edits], f"every {dotted(step.owner)}.step() deleted")


# LR304


@loop_operator("stepped-twice", "LR304", "LR302")
def stepped_twice(script: Script) -> Iterator[Fault]:
    """Once more at the other level, or a second time at the same."""
    for p in placed_steps(script):
        if not bare(p.step) or plateau(script, p.step):
            continue
        texts = lines_of(script, p)
        if p.per == "epoch" and p.optimizer and script.visible(p.step.owner, p.optimizer.statement):
            yield Fault(script.file.after(p.optimizer.statement, *texts), f"{p.name}.step() also per batch")
        elif p.per == "batch" and p.epochs is not None:
            last = end_of_epoch(script, p)
            if last is not None:
                yield Fault(script.file.after(last, *texts), f"{p.name}.step() also per epoch")


@loop_operator("stepped-twice-in-a-row", "LR304", "LR302")
def stepped_twice_in_a_row(script: Script) -> Iterator[Fault]:
    """The same step made twice in one turn of its loop: behind the optimizer's, and at the turn's end."""
    for p in placed_steps(script):
        block = script.file.block(p.whole)
        last = block[-1]
        if not bare(p.step) or plateau(script, p.step):
            continue
        if block.index(p.whole) + 1 < len(block) and not isinstance(last, (ast.Return, ast.Break, ast.Continue)):
            left = any(isinstance(n, (ast.Continue, ast.Break, ast.Return)) for s in block for n in ast.walk(s))
            if not left:
                edits = script.file.after(last, *lines_of(script, p), indent=script.file.indent(p.whole))
                yield Fault(edits, f"{p.name}.step() again at the end of the turn")


# LR305, LR306


@loop_operator("epoch-given-to-step", "LR305")
def epoch_given_to_step(script: Script) -> Iterator[Fault]:
    """`step(epoch)`: every epoch trains at the rate of the one before, where that is told once it is trained, counted
    from 0. Else the rates stay, and only the call is deprecated; one class documents it."""
    for p in placed_steps(script):
        if "CosineAnnealingWarmRestarts" in script.kinds(p.step.made):
            continue
        target = p.epochs.target if isinstance(p.epochs, ast.For) else None
        if p.per == "batch" or not isinstance(target, ast.Name) or not script.visible(target, p.step.statement):
            continue
        if bare(p.step) and is_torch(script, p.step):
            at = script.file.span(p.step.call)[1] - 1
            same = begins_at_one(p.epochs) or comes_before(script, p)
            yield Fault([(at, at, target.id)], f"{p.name}.step({target.id})", legal=same)


def begins_at_one(loop: ast.For) -> bool:
    """`for epoch in range(1, epochs + 1)`."""
    given = loop.iter.args if isinstance(loop.iter, ast.Call) else []
    return len(given) > 1 and is_number(given[0], 1)


def comes_before(script: Script, p: Placed) -> bool:
    """Whether the scheduler steps at the beginning of an epoch, before that is trained."""
    block = script.file.block(p.whole)
    return p.trains in block and block.index(p.whole) < block.index(p.trains)


@loop_operator("rate-asked-from-outside", "LR305")
def rate_asked_from_outside(script: Script) -> Iterator[Fault]:
    """`get_lr()` where `get_last_lr()` stood: outside of a step it gives another rate than the one in use."""
    recursive = {"MultiplicativeLR", "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR"}
    for call in script.calls["get_last_lr"]:
        if isinstance(call.func, ast.Attribute):
            made = script.origin(call.func.value)
            if made and script.kinds(made) <= recursive and any(s.made & made for s in script.scheduler_steps):
                end = script.file.span(call.func)[1]
                yield Fault([(end - len("get_last_lr"), end, "get_lr")], f"{dotted(call.func.value)}.get_lr()")


@loop_operator("metric-dropped", "LR306")
def metric_dropped(script: Script) -> Iterator[Fault]:
    for step in script.scheduler_steps:
        if script.kinds(step.made) == {"ReduceLROnPlateau"} and not bare(step):
            text = f"{script.file.text(step.owner)}.step()"
            yield Fault(script.file.put(step.call, text), f"{dotted(step.owner)}.step() without its metric")


def losses_before(script: Script, step: Step) -> list[str]:
    """Local names of losses that are surely bound where the step stands: assigned earlier in its own block."""
    block = script.file.block(step.statement)
    found = []
    for statement in block[: block.index(step.statement)]:
        for n in ast.walk(statement) if isinstance(statement, (ast.Assign, ast.AnnAssign)) else ():
            certain = script.file.parent[n] is statement or isinstance(script.file.parent[n], ast.Tuple)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and certain and LOSS.search(n.id):
                found.append(n.id)
    return found


@loop_operator("metric-given", "LR306", "LR305")
def metric_given(script: Script) -> Iterator[Fault]:
    for step in script.scheduler_steps:
        losses = losses_before(script, step)
        if is_torch(script, step) and bare(step) and losses:
            at = script.file.span(step.call)[1] - 1
            yield Fault([(at, at, losses[-1])], f"{dotted(step.owner)}.step({losses[-1]})")


# LR307


@loop_operator("stepped-per-micro-batch", "LR307", "LR302", "LR310")
def stepped_per_micro_batch(script: Script) -> Iterator[Fault]:
    """The scheduler steps with every batch, its optimizer with every n-th."""
    for p in placed_steps(script):
        test = script.file.parent[p.whole]
        beside = p.optimizer is not None and p.optimizer.statement in script.file.block(p.whole)
        if p.per != "batch" or not bare(p.step) or not beside or not is_accumulation(test) or test.orelse:
            continue
        if unit_of_schedule(script, p) == "updates" or re.search(r"accum", script.file.text(test.test), re.I):
            edits = moved(script, p, script.file.after(test, *lines_of(script, p)))
            if edits:
                yield Fault(edits, f"{p.name}.step() moved out of the accumulation")
