"""Ways through a schedule that come out without a rate."""

from __future__ import annotations

import ast
import contextlib
import textwrap
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lrfix.checks.assigned import unassigned_reads

HEAD = "from torch.optim.lr_scheduler import LambdaLR\n"


def schedule(body: str) -> str:
    return (
        HEAD
        + "def build(optimizer, warmup_steps, total_steps):\n    def factor(step):\n"
        + textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
        + "\n    return LambdaLR(optimizer, factor)\n"
    )


def test_a_step_that_no_branch_takes_is_reported_with_the_run_that_shows_it(check):
    source = schedule(
        """
        if step < warmup_steps:
            return step / warmup_steps
        elif step > warmup_steps:
            return 1.0 / step
        """
    )
    [finding] = [f for f in check(source) if f.code == "LR210"]
    assert "NoneType" in finding.message and "at step" in finding.message


def test_a_chain_that_ends_where_training_ends_is_left_alone(codes):
    source = """
    if step < warmup_steps:
        return step / warmup_steps
    elif step <= total_steps:
        return max(0.0, (total_steps - step) / (total_steps - warmup_steps))
    """
    assert "LR210" not in codes(schedule(source))


def test_a_value_that_is_computed_and_dropped_is_reported_as_it_stands(check):
    source = schedule(
        """
        if step < warmup_steps:
            return step / warmup_steps
        else:
            (total_steps - step) / total_steps
        """
    )
    assert [(f.code, f.span.start.line) for f in check(source)] == [("LR210", 7)]


def test_a_call_made_for_its_effect_is_none(codes):
    source = """
    if step < warmup_steps:
        return step / warmup_steps
    if step == warmup_steps:
        print("warm")
    return 1.0
    """
    assert "LR210" not in codes(schedule(source))


SETTER = """
def adjust(optimizer, step, args):
    if args.mode > 0:
        lr = args.lr * step / args.warmup_steps
    else:
        lr = {value}
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


def test_a_variable_that_no_way_has_assigned_is_reported(check):
    found = check(SETTER.format(value="0.5 * (lr + args.lr)"))
    assert [(f.code, f.span.start.line) for f in found] == [("LR210", 6)]


def test_a_variable_that_some_way_may_have_assigned_is_left_alone(codes):
    assert codes(SETTER.format(value="args.lr * step / args.total_steps")) == []


WRAPPER = """
class Ramp:
    def __init__(self, optimizer, peak, warmup_steps):
        self.optimizer, self.peak, self.warmup_steps, self.count = optimizer, peak, warmup_steps, 0
        self.lr = self.step()

    def step(self):
        self.count += 1
        rate = self.peak * min(1.0, self.count / self.warmup_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
{end}
"""


def test_a_rate_that_is_the_result_of_a_method_without_one_is_reported(check):
    found = check(WRAPPER.format(end=""))
    assert [f.span.start.line for f in found if f.code == "LR210"] == [5]


def test_a_rate_that_the_method_returns_is_fine(codes):
    assert "LR210" not in codes(WRAPPER.format(end="        return rate\n"))


def test_a_method_that_a_subclass_gives_a_result_is_fine(codes):
    derived = "\nclass Steeper(Ramp):\n    def step(self):\n        super().step()\n        return 0.1\n"
    assert "LR210" not in codes(WRAPPER.format(end="") + derived)


@st.composite
def bodies(draw, depth=2):
    """Small function bodies over the variables a and b that always run to their end without a loop."""
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["set", "read", "copy", "if"] if depth else ["set", "read", "copy"]))
        name, other = draw(st.permutations(["a", "b"]))
        if kind == "set":
            lines.append(f"{name} = 1")
        elif kind == "read":
            lines.append(f"print({name})")
        elif kind == "copy":
            lines.append(f"{name} = {other}")
        else:
            inner = [draw(bodies(depth - 1)) for _ in range(2)]
            lines += ["if turn():", *textwrap.indent(inner[0], "    ").splitlines()]
            lines += ["else:", *textwrap.indent(inner[1], "    ").splitlines()]
    return "\n".join(lines)


@given(bodies(), st.lists(st.booleans(), min_size=8, max_size=8))
def test_python_fails_at_the_first_reported_read_that_a_run_comes_to(body, turns):
    source = "def f(turn, print, at):\n" + textwrap.indent(marked(body) + "\na = b = 0", "    ")
    function = ast.parse(source).body[0]
    reported = {n.lineno for n in unassigned_reads(function)}
    scope: dict[str, Any] = {}
    exec(source, scope)
    choices = iter(turns * 4)
    passed: list[int] = []
    with contextlib.suppress(UnboundLocalError):
        scope["f"](lambda: next(choices), lambda value: None, passed.append)
    assert not reported & set(passed)


def marked(body: str) -> str:
    """The body with ``at(line)`` after every simple statement: the lines that a run has got past."""
    lines: list[str] = []
    for line in body.splitlines():
        lines.append(line)
        if not line.rstrip().endswith(":"):
            # The function's own line stands before the body.
            number = len(lines) + 1
            lines.append(line[: len(line) - len(line.lstrip())] + f"at({number})")
    return "\n".join(lines)
