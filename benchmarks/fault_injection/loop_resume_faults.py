"""LR308, LR311, LR313: what a checkpoint leaves out, and what a resume puts together wrongly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from horizons import horizons
from levels import is_replay, placed_steps
from operators import Fault, loop_operator
from parsed import Edit
from scripts import OPTIMIZER_NAME, SCHEDULER_NAME, Script, Step
from vocabulary import called, dotted

CHAINED = {"LinearLR", "ConstantLR", "SequentialLR"}  # wrong for the rest of the run, not for one step (torch)


def is_scheduler(script: Script, owner: ast.expr) -> bool:
    """Whether the file steps what the name holds, and does so without telling it where training stands."""
    mine = [s for s in script.scheduler_steps if dotted(s.owner) == dotted(owner)]
    if not mine or not SCHEDULER_NAME.search(dotted(owner).split(".")[-1]):
        return False
    return not any(replayed(script, s) or stands_anew(script, s) for s in mine)


def replayed(script: Script, step: Step) -> bool:
    return any(is_replay(loop) for loop in script.around(step.statement)[:1])


def stands_anew(script: Script, step: Step) -> bool:
    """Whether the scheduler is built with `last_epoch`, so that its state is not needed."""
    calls = [c for c in step.made if isinstance(c, ast.Call)]
    return any(k.arg == "last_epoch" for c in calls for k in c.keywords)


def owner_of(node: ast.AST, method: str) -> ast.expr | None:
    """`x` of `x.state_dict()`."""
    good = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    return node.func.value if good else None


def loads_of(script: Script, owner: ast.expr) -> list[ast.Expr]:
    """The statements that load the state of what a name holds."""
    found = []
    for call in script.calls["load_state_dict"]:
        loaded = owner_of(call, "load_state_dict")
        statement = script.file.parent[call]
        if loaded is not None and dotted(loaded) == dotted(owner) and isinstance(statement, ast.Expr):
            found.append(statement)
    return found


def restores_optimizer(script: Script) -> bool:
    owners = [owner_of(c, "load_state_dict") for c in script.calls["load_state_dict"]]
    names = [dotted(o).split(".")[-1] for o in owners if o is not None]
    return any(OPTIMIZER_NAME.search(n) and not SCHEDULER_NAME.search(n) for n in names)


def saved_entries(script: Script) -> Iterator[tuple[ast.AST, list[Edit], ast.expr]]:
    """`"scheduler": scheduler.state_dict(),` beside the optimizer's, with the edit that takes it away."""
    for n in script.file.nodes:
        pairs: list[tuple[ast.AST, ast.AST]] = []
        if isinstance(n, ast.Dict):
            pairs = [(k, v) for k, v in zip(n.keys, n.values, strict=True) if k is not None]
        elif isinstance(n, ast.Call) and called(n, "dict"):
            pairs = [(k, k.value) for k in n.keywords]
        owners = [owner_of(v, "state_dict") for _, v in pairs]
        names = [dotted(o).split(".")[-1] if o is not None else "" for o in owners]
        if not any(OPTIMIZER_NAME.search(name) and not SCHEDULER_NAME.search(name) for name in names):
            continue
        mine = [(pair, o) for pair, o in zip(pairs, owners, strict=True) if o is not None and is_scheduler(script, o)]
        if len(mine) == 1:
            (key, value), owner = mine[0]
            yield n, without_entry(script, key, value), owner


def without_entry(script: Script, key: ast.AST, value: ast.AST) -> list[Edit]:
    """The entry, with the comma that parts it from the others."""
    source = script.file.source
    start, end = script.file.span(key)[0], script.file.span(value)[1]
    behind = re.match(rb"[ \t]*,[ \t]*\n?[ \t]*", source[end:])
    if behind:
        return [(start, end + behind.end(), "")]
    ahead = re.search(rb",\s*$", source[:start])
    return [(ahead.start() if ahead else start, end, "")]


def saved_statements(script: Script) -> Iterator[tuple[ast.stmt, ast.expr]]:
    """`state["scheduler"] = scheduler.state_dict()`, or `torch.save(scheduler.state_dict(), path)`."""
    for call in script.calls["state_dict"]:
        owner = owner_of(call, "state_dict")
        above = script.file.parent[call]
        if owner is None or not is_scheduler(script, owner):
            continue
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Subscript):
            yield above, owner
        elif isinstance(above, ast.Call) and called(above, "save") and isinstance(script.file.parent[above], ast.Expr):
            yield script.file.parent[above], owner


def dropped(script: Script, statements: list[ast.Expr]) -> list[Edit] | None:
    """The statements taken away, with a test of their own around each; None where the text does not allow it."""
    edits: list[Edit] = []
    for statement in statements:
        gone = script.file.drop(statement)
        if not gone:
            return None
        edits += gone
    return edits


@loop_operator("scheduler-not-saved", "LR308")
def scheduler_not_saved(script: Script) -> Iterator[Fault]:
    """The scheduler's state is neither saved nor loaded, the optimizer's is both."""
    if not restores_optimizer(script):
        return
    entries = [(edits, owner) for _, edits, owner in saved_entries(script)]
    entries += [(script.file.drop(s), owner) for s, owner in saved_statements(script)]
    done = set()
    for _, owner in entries:
        if dotted(owner) in done:
            continue
        done.add(dotted(owner))
        saves = [edits for edits, o in entries if dotted(o) == dotted(owner)]
        every = sum(dotted(o) == dotted(owner) for o in map(state_owner, script.calls["state_dict"]) if o is not None)
        loads = loads_of(script, owner)
        gone = dropped(script, loads)
        if every == len(saves) and all(saves) and loads and gone is not None:
            edits = [*gone, *(e for some in saves for e in some)]
            yield Fault(edits, f"{dotted(owner)} is neither saved nor loaded")


def state_owner(call: ast.Call) -> ast.expr | None:
    return owner_of(call, "state_dict")


@loop_operator("scheduler-not-loaded", "LR308")
def scheduler_not_loaded(script: Script) -> Iterator[Fault]:
    """The scheduler's state is saved, and the resume does not load it."""
    if not restores_optimizer(script):
        return
    done = set()
    for call in script.calls["load_state_dict"]:
        owner = owner_of(call, "load_state_dict")
        if owner is None or dotted(owner) in done or not is_scheduler(script, owner):
            continue
        done.add(dotted(owner))
        loads = loads_of(script, owner)
        saved = any(dotted(o) == dotted(owner) for o in map(state_owner, script.calls["state_dict"]) if o is not None)
        gone = dropped(script, loads)
        if saved and loads and gone:
            yield Fault(gone, f"{dotted(owner)} is saved and never loaded")


@loop_operator("built-after-load", "LR311")
def built_after_load(script: Script) -> Iterator[Fault]:
    """The scheduler is built when the optimizer's state is loaded: it takes the rate of the moment for its base."""
    for call in {call: None for step in script.scheduler_steps if len(step.made) == 1 for call in step.made}:
        if script.scheduler_kind(call) not in CHAINED:
            continue
        build = script.file.parent[call]
        optimizer = script.optimizer_of(call)
        if not isinstance(build, ast.Assign) or optimizer is None:
            continue
        block = script.file.block(build)
        for n in block[block.index(build) + 1 :]:
            loads = [
                c
                for c in ast.walk(n)
                if (o := owner_of(c, "load_state_dict")) is not None and dotted(o) == dotted(optimizer)
            ]
            names = {dotted(t) for t in build.targets}
            mine = [x for x in ast.walk(n) if isinstance(x, (ast.Name, ast.Attribute)) and dotted(x) in names]
            lines = script.file.whole_lines(build)
            if loads and not mine and lines:
                text = script.file.source[slice(*lines)].decode()
                at = script.file.starts[n.end_lineno]
                edits = [*script.file.drop(build), (at, at, text)]
                yield Fault(edits, f"{dotted(build.targets[0])} built after the optimizer's state is loaded")
            if mine or loads:
                break


@loop_operator("prolonged-on-resume", "LR313", "LR310")
def prolonged_on_resume(script: Script) -> Iterator[Fault]:
    """The run goes on for more epochs than the loaded scheduler knows of."""
    for p in placed_steps(script):
        ends = p.epochs.iter.args[-1:] if isinstance(p.epochs, ast.For) and isinstance(p.epochs.iter, ast.Call) else []
        lengths = {dotted(h.value) for h in horizons(script, p) if h.unit == "epochs"}
        loads = loads_of(script, p.step.owner)
        if p.per == "batch" or len(loads) != 1 or not ends or dotted(ends[0]) not in lengths or "?" in dotted(ends[0]):
            continue
        here = script.file.scope(loads[0]) is script.file.scope(p.epochs) and loads[0].lineno < p.epochs.lineno
        bound = isinstance(ends[0], ast.Attribute) or script.home(ends[0]) is script.file.scope(loads[0])
        if here and bound:
            edits = script.file.after(loads[0], f"{dotted(ends[0])} += 10")
            yield Fault(edits, f"{dotted(ends[0])} += 10 behind {dotted(p.step.owner)}.load_state_dict()")
