"""Edits of how a scheduler is built and called: what it is given, when it is stepped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from lrfix.findings import Finding
from lrfix.rewriting.own_code.text import Candidate, Insert, Text, alone, lines
from lrfix.sites.blocks import block_of


def without_verbose(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR305, LR107: ``verbose`` of a scheduler or its base class, which torch has taken away."""
    for call in text.within(finding):
        if not isinstance(call, ast.Call):
            continue
        given: list[tuple[ast.AST, str]] = [(k, "verbose=") for k in call.keywords if k.arg == "verbose"]
        if call.args and not call.keywords and text.of(call.func).endswith(".__init__"):
            given.append((call.args[-1], text.of(call.args[-1])))
        for argument, shown in given:
            start, end = text.bounds(argument)
            before = [text.bounds(n)[1] for n in (*call.args, *call.keywords) if text.bounds(n)[0] < start]
            if before:
                yield Candidate((Insert(max(before), end, ""),), f"drops `{shown}`, which torch has taken away")


def present_call(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR305: what takes the place of a call that torch has deprecated or taken away."""
    yield from without_verbose(text, finding)
    for call in text.within(finding):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        held = text.of(call.func.value)
        start, end = text.bounds(call)
        within = text.names.enclosing(call, ast.FunctionDef)
        hands_on = isinstance(within, ast.FunctionDef) and within.name == "get_lr"  # it asks for rates that are to be
        if call.func.attr == "get_lr" and not call.args and not call.keywords and not hands_on:
            says = f"reads the present rates, `{held}.get_last_lr()`, instead of working them out once more"
            yield Candidate((Insert(start, end, f"{held}.get_last_lr()"),), says)
        if call.func.attr == "step" and len(call.args) + len(call.keywords) == 1:
            told, plain = text.of(call), f"{held}.step()"
            says = f"steps once, `{plain}`, instead of telling the epoch"
            yield Candidate((Insert(start, end, plain),), says)
            for moved in stepped_behind(text, finding):
                edits = tuple(replace(edit, text=edit.text.replace(told, plain)) for edit in moved.edits)
                yield Candidate(edits, f"{says}, behind what trains")


def without_metric(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR306: what a schedule is told that asks for nothing, and would take for the epoch."""
    for call in text.within(finding):
        told = isinstance(call, ast.Call) and len(call.args) + len(call.keywords) == 1
        if told and isinstance(call, ast.Call) and text.of(call.func).endswith(".step"):
            plain = f"{text.of(call.func)}()"
            yield Candidate((Insert(*text.bounds(call), plain),), f"steps it without the metric, `{plain}`")


def the_other_way(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR314: ``mode`` of a ReduceLROnPlateau, which says whether its metric should fall or rise."""
    for call in text.names.nodes:
        if not isinstance(call, ast.Call) or not text.of(call.func).endswith("ReduceLROnPlateau"):
            continue
        given = [k.value for k in call.keywords if k.arg == "mode"] or call.args[1:2]
        if not given and call.args:
            behind = text.bounds(call.args[0])[1]
            yield Candidate((Insert(behind, behind, ', mode="max"'),), 'waits for the metric to rise, `mode="max"`')
        for mode in given:
            if isinstance(mode, ast.Constant) and mode.value in ("min", "max"):
                start, end = text.bounds(mode)
                other, goes = ("max", "rise") if mode.value == "min" else ("min", "fall")
                edit = Insert(start, end, text.of(mode).replace(mode.value, other))
                yield Candidate((edit,), f"waits for the metric to {goes}, `mode={edit.text}`")


def returned(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR210: a value that is computed at the end of a way, and dropped."""
    for statement in text.within(finding):
        if isinstance(statement, ast.Expr) and text.source.span(statement) == finding.span:
            start, _ = text.bounds(statement)
            yield Candidate((Insert(start, start, "return "),), "returns what this way has computed")


def stepped_behind(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR301: ``scheduler.step()`` behind the statement in which the optimizer is stepped."""
    for statement in text.within(finding):
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            continue
        block = block_of(text.names, statement)
        later = block[block.index(statement) + 1 :]
        if not alone(text, statement) or not later:
            continue
        trains = _training(text)
        steps = [s for s in later if any(_is_step(n) or _calls(n, trains) for n in ast.walk(s))]
        start, end = lines(text, statement)
        moved = text.source.text[start:end]
        for last in dict.fromkeys((*steps[:1], later[-1])):
            _, behind = lines(text, last)
            ending = "" if text.source.text[:behind].endswith(("\n", "\r")) else "\n"
            where = "the optimizer's step" if last in steps else "what trains"
            yield Candidate(
                (Insert(start, end, ""), Insert(behind, behind, ending + moved)),
                f"moves `{text.of(statement)}` behind {where}: the first rate is trained with",
            )


def _training(text: Text) -> set[str]:
    """The functions of the file in which an optimizer is stepped."""
    functions = (n for n in text.names.nodes if isinstance(n, ast.FunctionDef))
    return {f.name for f in functions if any(_is_step(n) for n in ast.walk(f))}


def _calls(node: ast.AST, functions: set[str]) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in functions


def _is_step(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "step":
        return False
    held = ast.unparse(node.func.value).lower()
    return "sched" not in held and ("opt" in held or "scaler" in held)


__all__ = ["present_call", "returned", "stepped_behind", "the_other_way", "without_metric"]
__all__ += ["without_verbose"]
