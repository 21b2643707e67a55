"""LR302, LR307, LR310: a scheduler that is built for another length than the loop gives it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from horizons import (
    ACCUMULATION,
    PROCESSES,
    Horizon,
    argument,
    children,
    horizons,
    is_epochs,
    is_per_epoch,
    lengths_of_loaders,
    loader_of,
    one_cycle_by_epochs,
    stated,
    unit_of_schedule,
)
from levels import Placed, is_accumulation, placed_steps
from operators import Fault, loop_operator
from parsed import Edit
from scripts import Script
from vocabulary import NAMES, bare, last_name


def counted(script: Script, p: Placed, per: str, unit: str) -> Iterator[Horizon]:
    """The lengths of a scheduler that steps `per` batch or epoch, and is rightly built for so many of that unit."""
    if p.per == per and unit_of_schedule(script, p) == unit:
        for h in horizons(script, p):
            if h.unit == unit and "\n" not in script.file.text(h.value):
                yield h


def flat(script: Script, node: ast.expr) -> str:
    return " ".join(script.file.text(node).split())


def instead(script: Script, h: Horizon, text: str) -> list[Edit]:
    return script.file.put(h.given, text)


def as_factor(script: Script, node: ast.expr) -> str:
    text = flat(script, node)
    return f"({text})" if isinstance(node, (ast.BinOp, ast.IfExp)) else text


@loop_operator("horizon-in-epochs", "LR302", "LR310")
def horizon_in_epochs(script: Script) -> Iterator[Fault]:
    """The scheduler steps with every batch, and is built for the number of epochs."""
    for p in placed_steps(script):
        for h in counted(script, p, "batch", "updates"):
            epochs = epochs_of(script, p, h)
            if epochs is not None:
                yield Fault(instead(script, h, flat(script, epochs)), f"{p.name}: {flat(script, h.value)} in epochs")


def epochs_of(script: Script, p: Placed, h: Horizon) -> ast.expr | None:
    """The number of epochs in a length, or, of a length that only has a name, the one that the loop counts to."""
    found = [f for f in h.factors() if is_epochs(f)]
    if found:
        return found[0] if len(found) == 1 else None
    ends = p.epochs.iter.args[-1:] if isinstance(p.epochs, ast.For) and isinstance(p.epochs.iter, ast.Call) else []
    root = ends[0] if ends and is_epochs(ends[0]) else None
    while isinstance(root, ast.Attribute) and script.home(root) is None:
        root = root.value
    if not isinstance(root, NAMES) or not script.visible(root, h.call):
        return None
    here = [b.value for b in script.values(root) if b.value is not None]
    late = [v for v in here if script.file.scope(v) is script.file.scope(h.call) and v.lineno >= h.call.lineno]
    return None if late else ends[0]


@loop_operator("horizon-in-batches", "LR302", "LR310")
def horizon_in_batches(script: Script) -> Iterator[Fault]:
    """The scheduler steps once an epoch, and is built for the number of batches."""
    for p in placed_steps(script):
        for h in counted(script, p, "epoch", "epochs"):
            loader = loader_of(script, p)
            if loader is not None and script.visible(loader, h.call) and bound_before(script, loader, h.call):
                text = f"{as_factor(script, h.value)} * len({flat(script, loader)})"
                yield Fault(instead(script, h, text), f"{p.name}: {text}")


def bound_before(script: Script, name: ast.expr, place: ast.AST) -> bool:
    """Whether a name of the same function or module holds its value where the scheduler is built."""
    values = [b.value for b in script.values(name) if b.value is not None]
    home, scope = script.home(name), script.file.scope(place)
    if home is script.file.tree and scope is not home:
        return True
    if isinstance(home, ast.ClassDef) or home is not scope:
        return False
    return not values or all(v.lineno < place.lineno for v in values)


@loop_operator("epochs-dropped", "LR310", "LR302")
def epochs_dropped(script: Script) -> Iterator[Fault]:
    """A horizon of one epoch where the run has many. A cosine that has no end turns there, which may be meant."""
    for p in placed_steps(script):
        for h in counted(script, p, "batch", "updates"):
            rest = [f for f in h.factors() if not is_epochs(f)]
            if rest and len(rest) < len(h.factors()):
                text = " * ".join(as_factor(script, f) for f in rest)
                turns = "CosineAnnealingLR" in script.kinds(p.step.made)
                what = f"{p.name}: {flat(script, h.value)} without the epochs"
                yield Fault(instead(script, h, text), what, legal=turns)


@loop_operator("epochs-twice", "LR310", "LR302")
def epochs_twice(script: Script) -> Iterator[Fault]:
    for p in placed_steps(script):
        for h in counted(script, p, "batch", "updates"):
            epochs = epochs_of(script, p, h)
            if epochs is not None:
                text = f"{as_factor(script, h.given)} * {as_factor(script, epochs)}"
                yield Fault(instead(script, h, text), f"{p.name}: {flat(script, h.value)}, times the epochs again")
        built = one_cycle_by_epochs(script, p)
        if built is not None and p.per == "batch" and is_epochs(built[0]) and is_per_epoch(built[1]):
            text = f"{as_factor(script, built[1])} * {as_factor(script, built[0])}"
            yield Fault(script.file.put(built[1], text), f"{p.name}: steps_per_epoch={text}")


@loop_operator("dataset-for-loader", "LR310", "LR302")
def dataset_for_loader(script: Script) -> Iterator[Fault]:
    """The number of samples, where the loop makes one step a batch of them."""
    if b"DataLoader" not in script.file.source or b"batch_size=1)" in script.file.source:
        return
    for p in placed_steps(script):
        values = list(counted(script, p, "batch", "updates"))
        built = one_cycle_by_epochs(script, p)
        lengths = [(n, h.value) for h in values if h.value is h.given for n in lengths_of_loaders(h.value)]
        lengths += [(n, built[1]) for n in lengths_of_loaders(built[1])] if built and p.per == "batch" else []
        for n, value in lengths:
            at = script.file.span(n)[1] - 1
            yield Fault([(at, at, ".dataset")], f"{p.name}: {flat(script, value)} with the data set's length")
        for h in values:
            inner = list(lengths_of_loaders(h.value)) if h.value is not h.given else []
            if len(inner) == 1:
                old = script.file.text(inner[0])
                text = script.file.text(h.value).replace(old, f"{old[:-1]}.dataset)")
                yield Fault(instead(script, h, text), f"{p.name}: {text}")


@loop_operator("accumulation-forgotten", "LR307", "LR310", "LR302")
def accumulation_forgotten(script: Script) -> Iterator[Fault]:
    """The scheduler steps with every n-th batch, and is built for all of them."""
    for p in placed_steps(script):
        guarded = is_accumulation(script.file.parent[p.whole])
        for h in counted(script, p, "batch", "updates") if guarded else ():
            for n in ast.walk(h.value):
                shares = isinstance(n, ast.BinOp) and isinstance(n.op, (ast.FloorDiv, ast.Div))
                if shares and ACCUMULATION.search(last_name(n.right)):
                    whole = script.file.text(h.value)
                    left = script.file.text(n.left) if n is h.value else as_factor(script, n.left)
                    text = whole.replace(script.file.text(n), left, 1)
                    yield Fault(instead(script, h, text), f"{p.name}: {whole} without the accumulation")


def prepared(script: Script, p: Placed) -> bool:
    """Whether Accelerate takes the scheduler over: it steps it once for every process."""
    given = [a for call in script.calls["prepare"] for a in call.args]
    return any((script.origin(a) or frozenset()) & p.step.made for a in given)


@loop_operator("processes-forgotten", "LR307", "LR310", "LR302")
def processes_forgotten(script: Script) -> Iterator[Fault]:
    """A scheduler that steps once a process, and is built for the updates of one."""
    for p in placed_steps(script):
        for h in counted(script, p, "batch", "updates") if prepared(script, p) else ():
            rest = [f for f in h.factors() if not PROCESSES.search(last_name(f))]
            if rest and len(rest) < len(h.factors()):
                text = " * ".join(as_factor(script, f) for f in rest)
                yield Fault(instead(script, h, text), f"{p.name}: {flat(script, h.value)} without the processes")


@loop_operator("warmup-not-subtracted", "LR310", "LR312")
def warmup_not_subtracted(script: Script) -> Iterator[Fault]:
    """The child behind the milestone is built for the whole run: it never comes to its end."""
    for call in script.calls["SequentialLR"]:
        built = children(script, call) if script.scheduler_kind(call) else []
        milestones = argument(call, 2, "milestones")
        if len(built) != 2 or not isinstance(milestones, (ast.List, ast.Tuple)) or len(milestones.elts) != 1:
            continue
        given = [k.value for k in built[1].keywords if k.arg in ("T_max", "total_iters")]
        given += built[1].args[1:2] if script.scheduler_kind(built[1]) == "CosineAnnealingLR" else []
        if len(given) != 1:
            continue
        value = bare(stated(script, given[0]))
        less = value.right if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub) else None
        if less is not None and flat(script, less) == flat(script, milestones.elts[0]):
            edits = script.file.put(given[0], flat(script, value.left))
            yield Fault(edits, f"{flat(script, value)}: the warmup not subtracted")
