"""For each rule with a clear fix: the edits that may be it, the likeliest first. Whether one is, is tried out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from lrfix.findings import Finding, Position
from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.blocks import block_of
from lrfix.source import Source
from lrfix.trees import stored_names


@dataclass(frozen=True)
class Insert:
    """``text`` in place of the characters from ``start`` to ``end`` of the file's text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Candidate:
    """One edit, and what it does in the words of a commit."""

    edits: tuple[Insert, ...]
    says: str

    def applied(self, text: str) -> str:
        for edit in sorted(self.edits, key=lambda each: each.start, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text


class Text:
    """The places of nodes as offsets into the file's text."""

    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names
        self.of = source.segment

    def bounds(self, node: ast.AST) -> tuple[int, int]:
        span = self.source.span(node)
        return self.source.offset(span.start), self.source.offset(span.end)

    def in_parentheses(self, node: ast.AST) -> tuple[int, int]:
        """The bounds of an expression with the parentheses that are its own."""
        start, end = self.bounds(node)
        text = self.source.text
        if text[start - 1 : start] == "(" and text[end : end + 1] == ")":
            return start - 1, end + 1
        return start, end

    def within(self, finding: Finding) -> list[ast.AST]:
        """The nodes that lie inside what a finding points at."""
        return [
            node
            for node in self.names.nodes
            if isinstance(node, ast.expr | ast.stmt) and finding.span.contains(self.source.span(node))
        ]

    def around(self, finding: Finding) -> list[ast.AST]:
        """The nodes of the innermost function around a finding; those that it points at where it is one itself."""
        inside = self.within(finding)
        if not inside:
            return []
        function = self.names.enclosing(inside[0], FUNCTION_NODES)
        return list(ast.walk(function)) if function is not None else inside

    def called_from(self, nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
        """The nodes of the functions and classes of the file that some nodes name, and that hold none of these."""
        read = {n.id for n in nodes if isinstance(n, ast.Name)} | {
            n.attr for n in nodes if isinstance(n, ast.Attribute)
        }
        for definition in self.names.nodes:
            if isinstance(definition, ast.FunctionDef | ast.ClassDef) and definition.name in read:
                inner = list(ast.walk(definition))
                if not set(inner) & set(nodes):
                    yield from inner


Finder = Callable[[Text, Finding], Iterator[Candidate]]


def without_verbose(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR305: ``verbose=`` of a scheduler, which torch has taken away."""
    for call in text.within(finding):
        if not isinstance(call, ast.Call):
            continue
        for keyword in call.keywords:
            if keyword.arg != "verbose":
                continue
            start, end = text.bounds(keyword)
            before = [text.bounds(n)[1] for n in (*call.args, *call.keywords) if text.bounds(n)[0] < start]
            if before:
                yield Candidate((Insert(max(before), end, ""),), "drops `verbose=`, which torch has taken away")


def present_call(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR305: what takes the place of a call that torch has deprecated or taken away."""
    yield from without_verbose(text, finding)
    for call in text.within(finding):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        held = text.of(call.func.value)
        start, end = text.bounds(call)
        if call.func.attr == "get_lr" and not call.args and not call.keywords:
            says = f"reads the present rates, `{held}.get_last_lr()`, instead of working them out once more"
            yield Candidate((Insert(start, end, f"{held}.get_last_lr()"),), says)
        if call.func.attr == "step" and len(call.args) + len(call.keywords) == 1:
            told, plain = text.of(call), f"{held}.step()"
            says = f"steps once, `{plain}`, instead of telling the epoch"
            yield Candidate((Insert(start, end, plain),), says)
            for moved in stepped_behind(text, finding):
                edits = tuple(replace(edit, text=edit.text.replace(told, plain)) for edit in moved.edits)
                yield Candidate(edits, f"{says}, behind what trains")


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
    for position, warmup in _warmups(text, nodes):
        for node in nodes:
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
                continue
            done = _done(text, node)
            if text.of(done) != position or warmup in text.of(node.right):
                continue
            left, right = text.in_parentheses(done), text.in_parentheses(node.right)
            horizon = text.of(node.right)
            inner = horizon if isinstance(node.right, ast.Name | ast.Attribute | ast.Call) else f"({horizon})"
            edits = (Insert(*left, f"({position} - {warmup})"), Insert(*right, f"max(1, {inner} - {warmup})"))
            yield Candidate(edits, f"begins the decay at the end of the warmup and keeps its end at `{horizon}`")


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
    """LR203: the warmup counts the step that is about to be done, so that the first one has a rate."""
    nodes = text.around(finding)
    for position, warmup in _warmups(text, nodes):
        for node in nodes:
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
                continue
            counted = [n for n in ast.walk(node.left) if isinstance(n, ast.expr) and text.of(n) == position]
            if len(counted) != 1 or warmup not in text.of(node.right):
                continue
            start, end = text.in_parentheses(counted[0])
            yield Candidate(
                (Insert(start, end, f"({position} + 1)"),),
                f"counts the warmup from its first step: `{position} + 1` of `{warmup}`",
            )


def stepped_behind(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR301: ``scheduler.step()`` behind the statement in which the optimizer is stepped."""
    for statement in text.within(finding):
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            continue
        block = block_of(text.names, statement)
        later = block[block.index(statement) + 1 :]
        if not _alone(text, statement) or not later:
            continue
        trains = _training(text)
        steps = [s for s in later if any(_is_step(n) or _calls(n, trains) for n in ast.walk(s))]
        start, end = _lines(text, statement)
        moved = text.source.text[start:end]
        for last in dict.fromkeys((*steps[:1], later[-1])):
            _, behind = _lines(text, last)
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


def _alone(text: Text, statement: ast.stmt) -> bool:
    """Whether a statement has its lines for itself."""
    start, end = _lines(text, statement)
    first, last = text.bounds(statement)
    inside = text.source.text
    return not inside[start:first].strip() and not inside[last:end].partition("#")[0].strip()


def _lines(text: Text, node: ast.stmt) -> tuple[int, int]:
    """The bounds of all lines of a statement, the last one's end included."""
    last = node.end_lineno or node.lineno
    source = text.source
    end = source.offset(Position(last + 1, 1)) if last < len(source.lines) else len(source.text)
    return source.offset(Position(node.lineno, 1)), end


def saved_beside(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR308: the scheduler's state beside the optimizer's, in the checkpoint and back from it."""
    inside = text.within(finding)
    built = text.names.enclosing(inside[0], ast.Assign) if inside else None
    if not isinstance(built, ast.Assign) or len(built.targets) != 1:
        return
    if not isinstance(built.targets[0], ast.Name | ast.Attribute):
        return
    scheduler = text.of(built.targets[0])
    nodes = text.around(finding)
    saved = [(d, k, v) for d in nodes if isinstance(d, ast.Dict) for k, v in _optimizers_in(d)]
    loads = [s for s in nodes if isinstance(s, ast.Expr) and s.lineno > built.lineno]
    loaded = [(s, state) for s in loads if (state := _loaded(s)) is not None]
    if len(saved) != 1 or len(loaded) != 1 or not _alone(text, loaded[0][0]):
        return
    (checkpoint, key, value), (load, given) = saved[0], loaded[0]
    keys = {k.value for k in checkpoint.keys if isinstance(k, ast.Constant)}
    if not isinstance(given, ast.Subscript) or not keys.isdisjoint({"scheduler"}):
        return
    quote = text.of(key)[0]
    name = f"{quote}scheduler{quote}"
    behind = text.bounds(value)[1]
    apart = ", " if key.lineno == checkpoint.lineno else f",\n{_indent(text, key)}"
    start, end = _lines(text, load)
    indent = _indent(text, load)
    step = "\t" if "\t" in indent else "    "
    read = text.of(given.value)
    back = (
        f"{indent}if {name} in {read}:  # checkpoints of before have none\n"
        f"{indent}{step}{scheduler}.load_state_dict({read}[{name}])\n"
    )
    ending = "" if text.source.text[start:end].endswith(("\n", "\r")) else "\n"
    yield Candidate(
        (Insert(behind, behind, f"{apart}{name}: {scheduler}.state_dict()"), Insert(end, end, ending + back)),
        f"saves `{scheduler}` beside the optimizer and loads it with it; checkpoints of before are read as they were",
    )


def _optimizers_in(node: ast.Dict) -> Iterator[tuple[ast.expr, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        named = isinstance(key, ast.Constant) and isinstance(key.value, str) and "optim" in key.value.lower()
        saved = isinstance(value, ast.Call) and ast.unparse(value.func).endswith(".state_dict")
        if key is not None and named and saved:
            yield key, value


def _loaded(node: ast.Expr) -> ast.expr | None:
    """What a statement loads into an optimizer; None for any other."""
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or len(call.args) != 1:
        return None
    loads = call.func.attr == "load_state_dict" and "optim" in ast.unparse(call.func.value).lower()
    return call.args[0] if loads else None


def _indent(text: Text, node: ast.expr | ast.stmt) -> str:
    line = text.source.lines[node.lineno - 1]
    return line[: len(line) - len(line.lstrip())]


FINDERS: dict[str, Finder] = {
    "LR108": bound_at_once,
    "LR202": counted_from_the_warmup,
    "LR203": above_zero,
    "LR204": clamped_progress,
    "LR205": guarded_division,
    "LR301": stepped_behind,
    "LR305": present_call,
    "LR308": saved_beside,
}

__all__ = ["FINDERS", "Candidate", "Insert", "Text"]
