"""What length a scheduler is built for, and in what the script counts it: epochs, or updates of the optimizer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from levels import Placed
from scripts import Script
from sites import stated_default
from vocabulary import LOOPS, NAMES, called, dotted, factors, is_division, is_number, last_name

#: Of each scheduler the argument that states its length: its place and its name.
LENGTHS = {
    "CosineAnnealingLR": (1, "T_max"),
    "LinearLR": (3, "total_iters"),
    "ConstantLR": (2, "total_iters"),
    "PolynomialLR": (1, "total_iters"),
    "OneCycleLR": (2, "total_steps"),
    "get_scheduler": (3, "num_training_steps"),
}
BUILDER_LENGTH = (2, "num_training_steps")  # get_linear_schedule_with_warmup(optimizer, warmup, steps) and its kin
EPOCHS = re.compile(r"^(n_?|num_?|max_?|total_?|nb_?|train_?|training_?)*(epochs?|epoch_num|nepochs?|ep)$", re.I)
PER_EPOCH = re.compile(
    r"^(n|num|total)?_?(train_|training_|update_|iter_)*(steps|iters|its|batches|updates|iterations)_(per|in|each)_(ep|epoch)$"
    r"|^num_(update_steps_per_epoch|batches|train_batches|iters_per_epoch)$|^niter_per_ep$|^epoch_(len|length|steps)$",
    re.I,
)
TOTAL = re.compile(
    r"^(n_?|num_?|max_?|total_?)(train_|training_|train|optimization_|update_)?(steps|iters|iterations|updates|iter)$|^t_total$",
    re.I,
)
LOADER = re.compile(r"load|\bdl\b|_dl$", re.I)
PROCESSES = re.compile(r"num_processes|world_size", re.I)
ACCUMULATION = re.compile(r"accum", re.I)


class Horizon(NamedTuple):
    """The length that a construction states."""

    call: ast.Call
    given: ast.expr  # the argument, as it stands
    value: ast.expr  # the product behind it, where a name of the same function holds one
    unit: str | None  # "epochs", "updates", or not known

    def factors(self) -> list[ast.expr]:
        return [f for f in factors(uncast(self.value)) if isinstance(f, ast.expr)]


def uncast(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Call) and called(node, "int", "round", "float") and len(node.args) == 1:
        node = node.args[0]
    return node


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = [k.value for k in call.keywords if k.arg == name]
    if named or any(isinstance(a, ast.Starred) for a in call.args):
        return named[0] if named else None
    return call.args[place] if len(call.args) > place else None


def horizon_of(script: Script, call: ast.Call) -> Horizon | None:
    kind = script.scheduler_kind(call)
    place, name = LENGTHS.get(kind, BUILDER_LENGTH if kind.startswith("get_") else (0, ""))
    given = argument(call, place, name) if name else None
    if given is None:
        return None
    value = stated(script, given)
    return Horizon(call, given, value, unit_of(script, value))


def stated(script: Script, given: ast.expr) -> ast.expr:
    """What a name of the same function is bound to, once and before; else the expression as it stands."""
    inner = uncast(given)
    if isinstance(inner, NAMES) and script.home(inner) is not None:
        values = script.values(inner)
        scope = script.file.scope(given)
        if len(values) == 1 and values[0].place is None and values[0].value is not None:
            value = values[0].value
            if script.file.scope(value) is scope and value.lineno < given.lineno:
                return value
    return given


def children(script: Script, call: ast.Call) -> list[ast.Call]:
    """The schedulers of a SequentialLR or ChainedScheduler, where all of them show."""
    given = argument(call, 1 if script.scheduler_kind(call) == "SequentialLR" else 0, "schedulers")
    if not isinstance(given, (ast.List, ast.Tuple)):
        return []
    made = [script.origin(e) for e in given.elts]
    return (
        [next(iter(m)) for m in made if m is not None and len(m) == 1] if all(m and len(m) == 1 for m in made) else []
    )


def is_epochs(node: ast.AST) -> bool:
    """A number of epochs: `args.epochs`, or one less or more, or without those of the warmup."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Add)):
        sides = [is_epochs(s) or is_number(s) or "epoch" in last_name(s).lower() for s in (node.left, node.right)]
        return is_epochs(node.left) and all(sides)
    return isinstance(node, NAMES) and EPOCHS.match(last_name(node)) is not None


def is_per_epoch(node: ast.AST) -> bool:
    """A number of batches or updates in an epoch."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.FloorDiv, ast.Div)):
        return is_per_epoch(node.left)
    if isinstance(node, ast.Call) and called(node, "ceil", "int", "max", "floor", "round"):
        return any(is_per_epoch(a) for a in node.args)
    if isinstance(node, ast.Call) and called(node, "len") and len(node.args) == 1:
        return LOADER.search(last_name(node.args[0])) is not None
    return isinstance(node, NAMES) and PER_EPOCH.match(last_name(node)) is not None


def unit_of(script: Script, value: ast.expr, depth: int = 0) -> str | None:
    value = uncast(value)
    if is_epochs(value):
        return "epochs"
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Sub, ast.FloorDiv, ast.Div)):
        inner = unit_of(script, value.left, depth)
        return "updates" if inner == "updates" else None
    parts = factors(value)
    others = [p for p in parts if not is_epochs(p)]
    if 0 < len(others) < len(parts) and any(is_per_epoch(p) or isinstance(p, NAMES) for p in others):
        return "updates"
    others = [p for p in parts if not PROCESSES.search(last_name(p))]
    if len(others) == 1 < len(parts):
        return unit_of(script, others[0], depth)  # a prepared scheduler steps once a process
    if isinstance(value, NAMES) and TOTAL.match(last_name(value)):
        known = [b.value for b in script.values(value) if b.value is not None and b.place is None]
        if not known:
            return "updates"
        known = [k for k in known if not (isinstance(k, NAMES) and last_name(k) == last_name(value))]
        units = {unit_of(script, k, depth + 1) for k in known} if depth < 4 else {None}
        return "updates" if units == {"updates"} or not units else None
    return None


def horizons(script: Script, p: Placed) -> list[Horizon]:
    """The lengths of the scheduler that steps; of a composition those of its children."""
    if len(p.step.made) != 1:
        return []
    call = next(iter(p.step.made))
    if not script.scheduler_kind(call):
        return []
    built = children(script, call) if script.scheduler_kind(call) in ("SequentialLR", "ChainedScheduler") else [call]
    return [h for h in (horizon_of(script, b) for b in built) if h is not None]


def unit_of_schedule(script: Script, p: Placed) -> str | None:
    """In what the scheduler's length counts, by the code that states it."""
    built = one_cycle_by_epochs(script, p)
    if built is not None:
        return "updates"
    if len(p.step.made) == 1 and (is_stated_epochs(script, p) or asks_for_epochs(script, p)):
        return "epochs"
    found = {h.unit for h in horizons(script, p)} - {None}
    return found.pop() if len(found) == 1 else None


def one_cycle_by_epochs(script: Script, p: Placed) -> tuple[ast.expr, ast.expr] | None:
    """`epochs` and `steps_per_epoch` of a OneCycleLR."""
    for call in p.step.made if len(p.step.made) == 1 else ():
        if script.scheduler_kind(call) == "OneCycleLR":
            epochs, steps = argument(call, 3, "epochs"), argument(call, 4, "steps_per_epoch")
            if epochs is not None and steps is not None:
                return epochs, steps
    return None


def stated_epochs(script: Script, p: Placed) -> float | None:
    """How many epochs the loop makes, as the file states it: a number in `range`, or the default of the name there."""
    if not isinstance(p.epochs, ast.For) or not called(p.epochs.iter, "range", "trange"):
        return None
    ends = p.epochs.iter.args
    end = ends[0] if len(ends) == 1 else ends[1] if len(ends) > 1 else None
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add):  # range(start, start + 90)
        end = end.right if isinstance(end.left, NAMES) else end.left
    number = end if is_number(end) else stated_default(script.file, end) if isinstance(end, NAMES) else None
    return number.value if isinstance(number, ast.Constant) else None


def is_stated_epochs(script: Script, p: Placed) -> bool:
    """`T_max=90` or milestones up to 80 beside `for epoch in range(90)`: numbers that only fit as epochs."""
    epochs = stated_epochs(script, p)
    if epochs is None or p.per == "batch":
        return False
    if any(is_number(h.value, epochs) for h in horizons(script, p)):
        return True
    last = last_change(script, next(iter(p.step.made)))
    return last is not None and epochs / 10 <= last < epochs


def last_change(script: Script, call: ast.AST) -> float | None:
    """The step size of a StepLR, the last milestone of a MultiStepLR, as a number."""
    kind = script.scheduler_kind(call)
    if kind not in ("StepLR", "MultiStepLR"):
        return None
    given = argument(call, 1, "step_size" if kind == "StepLR" else "milestones")
    if isinstance(given, ast.List) and given.elts and all(is_number(e) for e in given.elts):
        return max(e.value for e in given.elts)
    return given.value if is_number(given) else None


def asks_for_epochs(script: Script, p: Placed) -> bool:
    """Whether a LambdaLR's function divides by the number of epochs."""
    call = next(iter(p.step.made))
    given = argument(call, 1, "lr_lambda") if script.scheduler_kind(call) == "LambdaLR" else None
    found = script.functions.get(given.id, []) if isinstance(given, ast.Name) else [given] if given is not None else []
    shares = [n for f in found for n in ast.walk(f) if is_division(n)]
    return len(found) == 1 and any(is_epochs(uncast(n.right)) for n in shares)


def loader_of(script: Script, p: Placed) -> ast.expr | None:
    """The loader that the batch loop around the optimizer's step goes through."""
    nest = script.nest(p.optimizer.statement) if p.optimizer is not None else []
    loop = next((n for n in nest if isinstance(n, LOOPS)), None)
    over = loop.iter if isinstance(loop, ast.For) else None
    while isinstance(over, ast.Call) and called(over, "enumerate", "tqdm") and over.args:
        over = over.args[0]
    return over if isinstance(over, NAMES) and LOADER.search(last_name(over)) else None


def lengths_of_loaders(value: ast.expr) -> Iterator[ast.Call]:
    for n in ast.walk(value):
        over = n.args[0] if isinstance(n, ast.Call) and called(n, "len") and len(n.args) == 1 else None
        if over is not None and LOADER.search(last_name(over)) and "?" not in dotted(over):
            yield n
