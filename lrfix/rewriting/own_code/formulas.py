"""Edits of a formula: what is bound, divided by, clamped, and counted from where."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.findings import Finding
from lrfix.names import FUNCTION_NODES
from lrfix.rewriting.own_code.text import Candidate, Insert, Text
from lrfix.trees import stored_names


def bound_at_once(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR108: the loop's variable as a default, which is worked out when the function is made."""
    for node in text.within(finding):
        if not isinstance(node, ast.Lambda | ast.FunctionDef) or node.args.vararg or node.args.kwarg:
            continue
        own = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - own
        late = sorted(read & _of_loops(text, node))
        positional = [*node.args.posonlyargs, *node.args.args]
        if not late or not positional or node.args.kwonlyargs:
            continue
        last = max(text.bounds(n)[1] for n in (*positional, *node.args.defaults))
        given = "".join(f", {name}={name}" for name in late)
        shown = " and ".join(f"`{name}`" for name in late)
        yield Candidate((Insert(last, last, given),), f"binds {shown} when the function is made")
        return


def _of_loops(text: Text, node: ast.AST) -> set[str]:
    """What changes from turn to turn of the loops around a function, up to the function around them."""
    found: set[str] = set()
    for outer in text.names.ancestors(node):
        if isinstance(outer, FUNCTION_NODES):
            break
        if isinstance(outer, ast.For):
            found |= stored_names(outer.target)
            for statement in outer.body:
                found |= stored_names(statement)
        elif isinstance(outer, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
            for generator in outer.generators:
                found |= stored_names(generator.target)
    return found


def guarded_division(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR205: a divisor that is 1 at least."""
    inside = text.within(finding)
    for node in (*inside, *text.called_from(inside)):
        if not isinstance(node, ast.BinOp):
            continue
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.UnaryOp) and isinstance(node.right.op, ast.USub):
            start, end = text.in_parentheses(node.left)
            base = text.of(node.left)
            says = f"takes the power of at least 1 where `{base}` may be 0"
            yield Candidate((Insert(start, end, f"max(1, {base})"),), says)
            continue
        if not isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) or isinstance(node.right, ast.Constant):
            continue
        start, end = text.in_parentheses(node.right)
        divisor = text.of(node.right)
        yield Candidate(
            (Insert(start, end, f"max(1, {divisor})"),), f"divides by at least 1 where `{divisor}` may be 0"
        )


def clamped_progress(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR204: the share of the decay that is done is never more than the whole."""
    for node in text.around(finding):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or isinstance(node.right, ast.Constant):
            continue
        done = _done(text, node)
        if isinstance(done, ast.Constant):
            continue
        start, end = (
            (text.bounds(done)[0], text.bounds(node)[1]) if done is not node.left else text.in_parentheses(node)
        )
        share = f"{text.source.text[text.bounds(done)[0] : text.bounds(node)[1]]}"
        says = f"clamps `{share}` at 1: past the end the rate stays where it was at the end"
        yield Candidate((Insert(start, end, f"min(1.0, {share})"),), says)


def _done(text: Text, node: ast.BinOp) -> ast.expr:
    """What is divided; in ``math.pi * step / total`` that is what pi is multiplied by."""
    left = node.left
    if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult) and text.of(left.left).lower().endswith("pi"):
        return left.right
    return left


def counted_from_the_warmup(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR202: the decay counts its steps from the end of the warmup, and the end stays where it was."""
    nodes = text.around(finding)
    for position, warmup in _warmups(text, [*nodes, *text.beside(nodes)]):
        for node in nodes:
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
                continue
            done = _done(text, node)
            if text.of(done) != position:
                continue
            left, right = text.in_parentheses(done), text.in_parentheses(node.right)
            horizon = text.of(node.right)
            counted = Insert(*left, f"({position} - {warmup})")
            if warmup not in horizon and not any(warmup in text.of(value) for value in _assigned(nodes, node.right)):
                plain = isinstance(node.right, ast.Name | ast.Attribute | ast.Call | ast.Constant)
                length = f"max(1, {horizon if plain else f'({horizon})'} - {warmup})"
                says = f"begins the decay at the end of the warmup and keeps its end at `{horizon}`"
                yield Candidate((counted, Insert(*right, length)), says)
            yield Candidate((counted,), "begins the decay at the end of the warmup")


def over_its_own_length(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR211, LR310: what a decay has done since it began is divided by how long it takes, and not by the whole."""
    # Only where a curve shows it: what a training loop is seen to do with a length is no formula's.
    nodes = text.around(finding) if finding.evidence is not None else []
    divisions = [n for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)]
    found: dict[tuple[str, str], list[Insert]] = {}
    for node in divisions:
        done, whole = _done(text, node), text.of(node.right)
        left = next((n for n in _factors(done) if isinstance(n, ast.BinOp) and text.of(n.left) == whole), None)
        counted = left.right if left is not None else done  # ``(total - done) / total``: what is left to do
        for begins in _begins(nodes, counted):
            if text.of(begins) in whole or isinstance(node.right, ast.Constant):
                continue
            wholes = [node.right, *([left.left] if left is not None else [])]
            length = _rest(text, whole, begins)
            same = found.setdefault((text.of(counted), length), [])
            same += [Insert(*text.in_parentheses(each), length) for each in wholes]
    for (counted_text, length), edits in found.items():
        yield Candidate(tuple(edits), f"divides `{counted_text}` by the length of the decay, `{length}`")


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    """What is multiplied, the differences among it."""
    for part in (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else (node,):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
            yield part


def _rest(text: Text, whole: str, begins: ast.expr) -> str:
    """``whole - begins``, and ``length`` where the decay begins at ``whole - length``."""
    if isinstance(begins, ast.BinOp) and isinstance(begins.op, ast.Sub) and text.of(begins.left) == whole:
        return text.of(begins.right)
    shown = f"({text.of(begins)})" if isinstance(begins, ast.BinOp) else text.of(begins)
    return f"max(1, {whole} - {shown})"


def _begins(nodes: Sequence[ast.AST], counted: ast.expr) -> Iterator[ast.expr]:
    """What has been taken off the position that a decay counts from its own beginning."""
    values: list[ast.AST] = [counted]
    if isinstance(counted, ast.Name):
        values += [n for n in nodes if isinstance(n, ast.AugAssign) and stored_names(n) == {counted.id}]
        values += _assigned(nodes, counted)
    for value in values:
        if isinstance(value, ast.BinOp | ast.AugAssign) and isinstance(value.op, ast.Sub):
            yield value.right if isinstance(value, ast.BinOp) else value.value


def _assigned(nodes: Sequence[ast.AST], name: ast.expr) -> Iterator[ast.expr]:
    """What a local variable is given."""
    if isinstance(name, ast.Name):
        stored = (n for n in nodes if isinstance(n, ast.Assign))
        yield from (s.value for s in stored if name.id in stored_names(s))


def _warmups(text: Text, nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    """The position and the warmup: compared in a test, or divided up to 1 (``min(1.0, step / warmup)``)."""
    seen = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "min":
            for share in node.args:
                if isinstance(share, ast.BinOp) and isinstance(share.op, ast.Div):
                    yield text.of(share.left), text.of(share.right)
        for test in _tests(node):
            left, right = text.of(test.left), text.of(test.comparators[0])
            pair = (left, right) if isinstance(test.ops[0], ast.Lt | ast.LtE) else (right, left)
            if pair not in seen:
                seen.add(pair)
                yield pair


def _tests(node: ast.AST) -> Iterator[ast.Compare]:
    """The comparisons of size that an ``if`` decides by, alone or among others."""
    if not isinstance(node, ast.If | ast.IfExp):
        return
    parts = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    for part in parts:
        one = isinstance(part, ast.Compare) and len(part.ops) == 1
        if one and isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            yield part


def above_zero(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR203, LR209: the warmup counts the step about to be done, so that the first has a rate and the last the peak."""
    nodes = text.around(finding)
    for position, warmup in _warmups(text, nodes):
        for node in nodes:
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
                continue
            parts = [n for n in ast.walk(node.left) if isinstance(n, ast.expr)]
            counted = [n for n in parts if text.of(n) == position]
            if len(counted) != 1 or warmup not in text.of(node.right) or any(text.of(n) == warmup for n in parts):
                continue  # what the warmup is taken off is the decay's
            start, end = text.in_parentheses(counted[0])
            counted_on = Insert(start, end, f"({position} + 1)")
            says = f"counts the warmup from its first step: `{position} + 1` of `{warmup}`"
            yield Candidate((counted_on,), says)
            for sign in _last_steps(text, nodes, position, warmup):
                yield Candidate((counted_on, sign), f"{says}, and ends it a step earlier")


def _last_steps(text: Text, nodes: Sequence[ast.AST], position: str, warmup: str) -> Iterator[Insert]:
    """``step <= warmup`` without its last step, which ``step + 1`` would take past the peak."""
    for test in (test for node in nodes for test in _tests(node)):
        left, right = test.left, test.comparators[0]
        start, end = text.bounds(left)[1], text.bounds(right)[0]
        plain = isinstance(test.ops[0], ast.LtE) and text.source.text[start:end].strip() == "<="
        if plain and (text.of(left), text.of(right)) == (position, warmup):
            yield Insert(start, end, " < ")


__all__ = ["above_zero", "bound_at_once", "clamped_progress", "counted_from_the_warmup", "guarded_division"]
__all__ += ["over_its_own_length"]
