"""Where in the loops of a script a scheduler steps: once an epoch, or with its optimizer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from parsed import Edit
from scripts import Script, Step
from vocabulary import FUNCTIONS, called, dotted, is_number

#: Statements that do not decide whether what stands in them is run.
OPEN = (ast.With, ast.AsyncWith)


class Placed(NamedTuple):
    """A step of a scheduler that one statement of the file makes, and a step of its optimizer."""

    step: Step
    whole: ast.stmt  # the statement, with the `if scheduler is not None:` around it
    optimizer: Step | None  # None where another file's function makes it
    trains: ast.stmt | None  # per epoch: the statement of the loop's body in which the optimizer steps
    epochs: ast.AST | None  # the loop over epochs around both
    per: str  # "epoch": once in a turn of that loop, the optimizer more often; "batch": as often as the optimizer;
    # "flat": as often, and that is once in an epoch

    @property
    def name(self) -> str:
        return dotted(self.step.owner)


def whole(script: Script, step: Step) -> ast.stmt:
    """The statement that has to be moved: with a test of its own that no turn of a loop changes."""
    test = script.file.parent[step.statement]
    if isinstance(test, ast.If) and test.body == [step.statement] and not test.orelse:
        asked = [n for n in ast.walk(test.test) if isinstance(n, (ast.Name, ast.Attribute))]
        turns = any(b.value is None for n in asked for b in script.values(n))
        block = script.file.block(test)
        if not turns and not is_accumulation(test) and test in block and "\n" not in script.file.text(test.test):
            return test
    return step.statement


def lines_of(script: Script, placed: Placed) -> list[str]:
    """The statement's text, line by line, without its indentation."""
    statement = script.file.text(placed.step.statement)
    if placed.whole is placed.step.statement:
        return [statement]
    return [f"if {script.file.text(placed.whole.test)}:", f"    {statement}"]


def moved(script: Script, placed: Placed, there: list[Edit]) -> list[Edit]:
    """The step taken away and put somewhere else; nothing where the text does not allow both."""
    gone = script.file.drop(placed.whole)
    one_line = "\n" not in script.file.text(placed.step.statement)
    return gone + there if gone and there and one_line else []


def is_accumulation(node: ast.AST) -> bool:
    """`if (i + 1) % accumulation == 0:`."""
    return isinstance(node, ast.If) and any(isinstance(n, ast.Mod) for n in ast.walk(node.test))


def unconditional(script: Script, statement: ast.stmt, end: ast.AST | None) -> bool:
    """Whether nothing but `with` stands around a statement, up to its loop or its function."""
    for p in script.file.up(statement):
        if p is end or isinstance(p, (*FUNCTIONS, ast.Module)):
            return True
        if not isinstance(p, OPEN):
            return False
    return True


def only_step(script: Script, step: Step) -> bool:
    """Whether no other statement in the same loops steps this scheduler, or may."""
    nest = set(script.nest(step.statement))
    others = [s for s in script.scheduler_steps if s is not step and s.made & step.made]
    hidden = [c for c in script.other_steps if dotted(c.func) == dotted(step.owner) + ".step"]
    return not hidden and not any(nest & set(script.nest(s.statement)) for s in others)


#: What schedulers that follow torch's are asked for; another method is the sign of a protocol of its own.
ASKED = ("step", "state_dict", "load_state_dict", "get_last_lr", "get_lr", "last_epoch", "base_lrs", "optimizer")


def follows_torch(script: Script, step: Step) -> bool:
    """Whether nothing but torch's own methods of a scheduler is asked of it."""
    above = [script.file.parent[n] for n in script.loads(step.made)]
    return all(n.attr in ASKED for n in above if isinstance(n, ast.Attribute))


def placed_steps(script: Script) -> Iterator[Placed]:
    """The schedulers that one statement steps without a condition of its own, in a loop that steps their optimizer."""
    for step in script.scheduler_steps:
        nest = script.nest(step.statement)
        if (
            only_step(script, step)
            and not any(map(is_empty, nest))
            and not (nest and is_replay(nest[0]))
            and follows_torch(script, step)
        ):
            found = placed(script, step, nest) if nest else beside(script, step)
            if found is not None:
                yield found


def placed(script: Script, step: Step, nest: list[ast.AST]) -> Placed | None:
    file, statement = script.file, whole(script, step)
    per_epoch = script.is_epoch_loop(nest[0]) and unconditional(script, statement, nest[0])
    for optimizer in script.optimizer_steps:
        loops = script.nest(optimizer.statement)
        if nest[0] not in loops or not script.same_optimizer(step, optimizer):
            continue
        if loops[0] is nest[0] and script.is_epoch_loop(nest[0]):
            trains = call_below(script, optimizer.statement, nest[0])
            if statement in nest[0].body and trains in nest[0].body:
                return Placed(step, statement, optimizer, trains, nest[0], "flat")
        elif loops[0] is nest[0]:
            outer = [loop for loop in nest[1:] if script.is_epoch_loop(loop)]
            same = file.parent[statement] is file.parent[optimizer.statement]
            if same or unconditional(script, statement, nest[0]):
                return Placed(step, statement, optimizer, None, outer[0] if outer else None, "batch")
        elif per_epoch and script.is_batch_loop(loops[0]):
            trains = call_below(script, optimizer.statement, nest[0])
            if trains in nest[0].body:
                return Placed(step, statement, optimizer, trains, nest[0], "epoch")
    if per_epoch and statement in nest[0].body:
        trains = next((s for s in nest[0].body if hands_over(script, step, s)), None)
        if trains is not None:
            return Placed(step, statement, None, trains, nest[0], "epoch")
    return None


def beside(script: Script, step: Step) -> Placed | None:
    """A step behind its optimizer's, in a function that somebody else calls in a loop."""
    statement = whole(script, step)
    for optimizer in script.optimizer_steps:
        same = script.file.parent[statement] is script.file.parent[optimizer.statement]
        inner = script.file.function(statement) is not None and not script.around(statement)
        if same and inner and script.same_optimizer(step, optimizer):
            return Placed(step, statement, optimizer, None, None, "batch")
    return None


def hands_over(script: Script, step: Step, statement: ast.stmt) -> bool:
    """`train(model, loader, optimizer)`: a call that gives the scheduler's optimizer to a function of another file."""
    if not isinstance(statement, (ast.Expr, ast.Assign)) or not isinstance(statement.value, ast.Call):
        return False
    call = statement.value
    given = {script.optimizer_of(c) for c in step.made if script.scheduler_kind(c)}
    names = {dotted(g) for g in given if g is not None and "?" not in dotted(g)}
    words = dotted(call.func).split(".")[-1]
    handed = {dotted(a) for a in (*call.args, *(k.value for k in call.keywords))}
    return len(given) == 1 and bool(names & handed) and "train" in words and script.function_of(call) is None


def is_empty(loop: ast.AST) -> bool:
    """`for i in range(0)`: what stands in it is never run."""
    ends = loop.iter.args if isinstance(loop, ast.For) and called(loop.iter, "range") else []
    return len(ends) == 1 and is_number(ends[0], 0)


def is_replay(loop: ast.AST) -> bool:
    """A loop that only steps: a scheduler that is taken to where training stood."""
    return len(loop.body) == 1 and isinstance(loop.body[0], ast.Expr)


def call_below(script: Script, place: ast.AST, end: ast.AST) -> ast.stmt | None:
    """The statement in the body of a loop from which a place is reached: the place's own, or a call's on the way."""
    for _ in range(8):
        last = place
        for p in script.file.up(place):
            if p is end:
                return last if isinstance(last, ast.stmt) else None
            if isinstance(p, FUNCTIONS):
                callers = script.callers(p)
                if len(callers) != 1:
                    return None
                place = callers[0]
                break
            last = p
        else:
            return None
    return None


def arguments_of(call: ast.Call) -> Iterator[tuple[str | int, ast.expr]]:
    """What a call is given, by place and by name."""
    yield from enumerate(call.args)
    yield from ((k.arg, k.value) for k in call.keywords if k.arg)


def says(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.I) is not None
