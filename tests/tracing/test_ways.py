"""Every trace of a program that only options decide is one that Python goes for some values of the options."""

from __future__ import annotations

import ast
import itertools
import random
from types import SimpleNamespace

import pytest

from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Kind

TEXTS = ("cos", "step", "plateau", "cosine_warm", "other")
VALUES = ("", None, "nothing of these", *TEXTS, *(text.upper() for text in TEXTS))
VALUES += tuple(each for text in TEXTS for each in (f"{text}+", f"+{text}", f"+{text}+"))
VALUES += tuple("+".join(parts) for many in (2, 3) for parts in itertools.permutations(TEXTS, many))
CONDITIONS = (
    "args.sched == {text!r}",
    "{text!r} == args.sched",
    "args.sched != {text!r}",
    "args.sched in ({text!r}, {other!r})",
    "args.sched not in [{text!r}, {other!r}]",
    "{text!r} in args.sched",
    "args.sched.startswith({text!r})",
    "args.sched.upper() == {text!r}.upper()",
    "args.sched",
    "not args.sched",
    "args.warm > {number}",
    "args.warm <= {number}",
    "args.warm == {number}",
    "{number} < args.warm",
    "args.warm != 0",
    "args.flag",
    "not args.flag",
    "args.flag is None",
    "args.flag is not None and args.flag",
    "args.flag and args.sched == {text!r}",
    "args.sched == {text!r} or args.sched == {other!r}",
    "args.warm > {number} or args.flag",
    "not (args.sched == {text!r} and args.warm != 0)",
    "kind == {text!r}",
    "kind in ({text!r}, {other!r})",
    "where[0] == {text!r}",
    "held['sched'] != {text!r}",
)


class Program:
    """A function of branches on options; each block makes a step with a number of its own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.steps = itertools.count()
        lines = ["def main(args, optimizer):", "    kind = args.sched", "    where = [kind, 1]"]
        lines += ["    held = dict(sched=where[0])", *self.block(1, 3)]
        self.source = "\n".join(lines)

    def block(self, depth: int, branches: int) -> list[str]:
        pad = "    " * depth
        lines = [f"{pad}optimizer.step({next(self.steps)})"]
        if self.random.random() < 0.3:
            step = f"optimizer.step({next(self.steps)})"
            within = ("{condition} and {step}", "({condition}) or {step}", "{step} if {condition} else None")
            lines.append(pad + self.random.choice(within).format(condition=f"({self.condition()})", step=step))
        for _ in range(self.random.randint(1, branches) if depth < 4 else 0):
            lines += [f"{pad}if {self.condition()}:", *self.block(depth + 1, 1)]
            for _ in range(self.random.choice((0, 0, 1, 2))):
                lines += [f"{pad}elif {self.condition()}:", *self.block(depth + 1, 1)]
            if self.random.random() < 0.6:
                lines += [f"{pad}else:", *self.block(depth + 1, 1)]
        return lines

    def condition(self) -> str:
        text, other = self.random.sample(TEXTS, 2)
        return self.random.choice(CONDITIONS).format(text=text, other=other, number=self.random.choice((0, 3, 5)))

    def ways(self) -> set[tuple[int, ...]]:
        """The steps that Python makes, for each choice of the options."""
        space: dict[str, object] = {}
        exec(compile(self.source, "main.py", "exec"), space)
        found = set()
        for sched, warm, flag in itertools.product(VALUES, (None, -1, 0, 1, 3, 4, 5, 9), (None, False, True)):
            made: list[int] = []
            try:
                space["main"](SimpleNamespace(sched=sched, warm=warm, flag=flag), SimpleNamespace(step=made.append))
            except (TypeError, AttributeError):
                continue  # nothing is in None
            found.add(tuple(made))
        return found


@pytest.mark.parametrize("seed", range(60))
def test_a_trace_is_one_way_through_the_program(seed):
    program = Program(seed)
    for trace in traces_of(ast.parse(program.source)):
        assert tuple(step.arguments[0] for step in trace.of(Kind.STEP)) in program.ways(), program.source
