"""LR309, LR312, LR314: schedulers on the wrong optimizer, put together wrongly, or watching the wrong way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from horizons import argument, children
from operators import Fault, loop_operator
from scripts import Script, Step
from vocabulary import NAMES, dotted, is_lr_key, last_name

BETTER_LOW = re.compile(r"(^|_)(loss|losses|error|perplexity|ppl|mse|mae|rmse|wer|cer|nll)(_|$)", re.I)
BETTER_HIGH = re.compile(r"(^|_)(acc|accuracy|acc1|top1|f1|auc|iou|miou|dice|psnr|ssim|recall|precision)(_|$)", re.I)


def kept(script: Script, call: ast.Call) -> ast.Assign | None:
    """`scheduler = StepLR(optimizer, ...)` as a statement with one target."""
    above = script.file.parent[call]
    good = isinstance(above, ast.Assign) and len(above.targets) == 1 and isinstance(above.targets[0], NAMES)
    return above if good and above.value is call else None


def built_and_stepped(script: Script) -> Iterator[tuple[ast.Call, ast.Assign, Step]]:
    """Constructions of torch's schedulers that this file steps, each with its statement."""
    done = set()
    for step in script.scheduler_steps:
        for call in step.made:
            if script.scheduler_kind(call) and call not in done:
                done.add(call)
                statement = kept(script, call)
                if statement is not None:
                    yield call, statement, step


# LR309


def steps_of(script: Script, optimizer: ast.expr) -> bool:
    """Whether the file steps what the name holds."""
    made = script.origin(optimizer)
    return bool(made) and any(made == s.made for s in script.optimizer_steps)


@loop_operator("optimizer-rebuilt", "LR309", "LR303")
def optimizer_rebuilt(script: Script) -> Iterator[Fault]:
    """A new optimizer under the old name, behind the scheduler: it trains, and the scheduler moves the old one."""
    for call, statement, _ in built_and_stepped(script):
        given = script.optimizer_of(call)
        values = script.values(given) if isinstance(given, NAMES) else []
        if len(values) != 1 or not isinstance(values[0].value, ast.Call) or not script.is_optimizer(values[0].value):
            continue
        source = script.file.parent[values[0].value]
        if not isinstance(source, ast.Assign) or not steps_of(script, given):
            continue
        lies_before = source in script.file.block(statement) and source.lineno < statement.lineno
        text = script.file.text(source)
        if lies_before and text.count("\n") == text.count("\n" + script.file.indent(source)):
            edits = script.file.after(statement, text)
            yield Fault(edits, f"{dotted(given)} built anew behind {dotted(statement.targets[0])}")


@loop_operator("other-optimizer", "LR309")
def other_optimizer(script: Script) -> Iterator[Fault]:
    """Of two schedulers on two optimizers one is given the other's: one optimizer has two, one has none."""
    found = list(built_and_stepped(script))
    for call, statement, _ in found:
        mine = script.optimizer_of(call)
        for other, beside, _ in found:
            theirs = script.optimizer_of(other)
            if mine is None or theirs is None or not isinstance(mine, NAMES) or not isinstance(theirs, NAMES):
                continue
            apart = script.origin(mine) and script.origin(theirs) and not script.origin(mine) & script.origin(theirs)
            same_block = beside in script.file.block(statement) and beside is not statement
            if same_block and apart and steps_of(script, mine) and steps_of(script, theirs):
                edits = script.file.put(mine, script.file.text(theirs))
                yield Fault(edits, f"{dotted(statement.targets[0])} on {dotted(theirs)}")
                break


def has_several_groups(script: Script, optimizer: ast.expr) -> bool:
    """Whether the optimizer is built, wherever it may be, with a list of groups that stands in the call."""
    made = script.origin(optimizer) or frozenset()
    lists = [call.args[0] if isinstance(call, ast.Call) and call.args else None for call in made]
    return bool(made) and all(
        isinstance(given, ast.List) and len(given.elts) > 1 and all(isinstance(e, ast.Dict) for e in given.elts)
        for given in lists
    )


def rate_writes(script: Script) -> Iterator[tuple[ast.For, ast.Assign]]:
    """`for group in optimizer.param_groups: group["lr"] = rate`, where the rate is the same for all."""
    for n in script.file.nodes:
        if isinstance(n, ast.For) and isinstance(n.iter, ast.Attribute) and n.iter.attr == "param_groups":
            write = n.body[0] if len(n.body) == 1 else None
            if not isinstance(write, ast.Assign) or not is_lr_key(write.targets[0]) or "?" in dotted(n.iter):
                continue
            if last_name(n.target) not in {x.id for x in ast.walk(write.value) if isinstance(x, ast.Name)}:
                yield n, write


@loop_operator("one-group-updated", "LR309", "LR213")
def one_group_updated(script: Script) -> Iterator[Fault]:
    for loop, write in rate_writes(script):
        if not has_several_groups(script, loop.iter.value):
            continue
        text = f'{script.file.text(loop.iter)}[0]["lr"] = {script.file.text(write.value)}'
        yield Fault(script.file.put(loop, text), "only the first of several groups")


@loop_operator("rate-set-on-optimizer", "LR309", "LR104", "LR105")
def rate_set_on_optimizer(script: Script) -> Iterator[Fault]:
    """`optimizer.lr = rate` sets an attribute that no optimizer of torch reads."""
    for loop, write in rate_writes(script):
        owner = script.file.text(loop.iter.value)
        yield Fault(script.file.put(loop, f"{owner}.lr = {script.file.text(write.value)}"), f"{owner}.lr is set")


# LR312


def compositions(script: Script) -> Iterator[tuple[ast.Call, ast.List, ast.List]]:
    """SequentialLR with its children and its milestones, where both are lists in the call or a name's only value."""
    for call in script.calls["SequentialLR"]:
        schedulers, milestones = argument(call, 1, "schedulers"), argument(call, 2, "milestones")
        if not isinstance(schedulers, ast.List) or not isinstance(milestones, ast.List):
            continue
        whole = len(schedulers.elts) == len(milestones.elts) + 1
        if script.scheduler_kind(call) and whole and children(script, call):
            yield call, schedulers, milestones


@loop_operator("children-swapped", "LR312", "LR202", "LR110")
def children_swapped(script: Script) -> Iterator[Fault]:
    """The warmup comes last, so that the run ends by ramping up."""
    for call, schedulers, _ in compositions(script):
        kinds = [script.scheduler_kind(c) for c in children(script, call)]
        if len(kinds) == 2 and kinds[0] in ("LinearLR", "ConstantLR") and kinds[1] not in ("LinearLR", "ConstantLR"):
            first, second = schedulers.elts
            edits = [
                *script.file.put(first, script.file.text(second)),
                *script.file.put(second, script.file.text(first)),
            ]
            yield Fault(edits, f"{kinds[1]} before {kinds[0]}")


@loop_operator("composition-nested", "LR312")
def composition_nested(script: Script) -> Iterator[Fault]:
    """A SequentialLR as a later child of another: torch raises when it comes to the milestone."""
    for call, schedulers, _ in compositions(script):
        optimizer = script.optimizer_of(call)
        if len(schedulers.elts) == 2 and optimizer is not None:
            child = schedulers.elts[1]
            name, held = script.file.text(call.func), script.file.text(optimizer)
            text = f"{name}({held}, schedulers=[{script.file.text(child)}], milestones=[])"
            yield Fault(script.file.put(child, text), f"{text} as a later child")


@loop_operator("milestones-unsorted", "LR312")
def milestones_unsorted(script: Script) -> Iterator[Fault]:
    for _, _, milestones in compositions(script):
        if len(milestones.elts) > 1:
            words = [script.file.text(e) for e in milestones.elts]
            yield Fault(script.file.put(milestones, f"[{', '.join(reversed(words))}]"), "milestones from last to first")


# LR314


@loop_operator("mode-flipped", "LR314")
def mode_flipped(script: Script) -> Iterator[Fault]:
    """ReduceLROnPlateau takes every improvement for none."""
    for call, statement, step in built_and_stepped(script):
        if script.scheduler_kind(call) != "ReduceLROnPlateau" or len(step.call.args) != 1:
            continue
        name, mode = last_name(step.call.args[0]), argument(call, 1, "mode")
        low, high = BETTER_LOW.search(name), BETTER_HIGH.search(name)
        if bool(low) == bool(high) or (mode is not None and not isinstance(mode, ast.Constant)):
            continue
        says = mode.value if isinstance(mode, ast.Constant) else "min"
        if says != ("min" if low else "max"):
            continue
        if mode is not None:
            edits = script.file.put(mode, '"max"' if low else '"min"')
        else:
            at = script.file.span(script.optimizer_of(call) or call)[1]
            edits = [(at, at, ', "max"')] if len(call.args) == 1 else []
        yield Fault(edits, f"{dotted(statement.targets[0])} watches {name} the wrong way")
