"""LR102: which branches of a chain a step can take."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.domains.facts import literal
from lrfix.experiments.conditions import dead_branches, meaning


def number(node: ast.expr) -> float | None:
    found = literal(node)
    return float(found) if isinstance(found, int | float) else None


def setter(*tests: str) -> str:
    asked = enumerate(tests, 1)
    chain = "".join(f"{'if' if n == 1 else 'elif'} {test}:\n        lr = {n}.0\n    " for n, test in asked)
    write = "for g in optimizer.param_groups:\n        g['lr'] = lr\n"
    return f"def adjust(optimizer, epoch):\n    lr = 9.0\n    {chain}{write}"


@pytest.mark.parametrize(
    "tests",
    [
        ("epoch >= 75", "epoch >= 90"),
        ("epoch > 30", "epoch == 60"),
        ("epoch < 90", "epoch < 75"),
        ("epoch < 30", "epoch >= 30", "epoch > 60"),
        ("epoch in (30, 60)", "epoch == 60"),
        ("30 <= epoch", "60 <= epoch < 90"),
        ("epoch != 3", "epoch > 3"),
        ("epoch > 60 and epoch < 30",),
        ("epoch % 10 == 10",),
        ("epoch > 5 or epoch < 3", "epoch == 7"),
    ],
)
def test_a_branch_that_the_tests_before_it_leave_nothing_for(check, tests):
    [finding] = check(setter(*tests))
    assert finding.code == "LR102"
    assert f"`{tests[-1]}`" in finding.message


@pytest.mark.parametrize(
    "tests",
    [
        ("epoch >= 90", "epoch >= 75"),
        ("epoch < 75", "epoch < 90"),
        ("epoch >= 75 and optimizer", "epoch >= 90"),
        ("epoch >= first", "epoch >= second"),
        ("epoch == 30", "epoch == 60"),
        ("epoch % 10 == 0", "epoch == 30"),
        ("epoch >= 30 and epoch < 60", "epoch >= 30"),
        ("epoch in milestones", "epoch == 60"),
    ],
)
def test_a_branch_that_some_step_can_take(codes, tests):
    assert "LR102" not in codes(setter(*tests))


def test_a_guard_that_returns_counts_like_a_branch_before(check):
    [finding] = check(
        """
        def factor(epoch):
            if epoch < 30:
                return 1.0
            if epoch < 20:
                return 0.5
            return 0.1

        def adjust(optimizer, epoch):
            for group in optimizer.param_groups:
                group["lr"] = 0.3 * factor(epoch)
        """
    )
    assert finding.code == "LR102"
    assert finding.span.start.line == 5


def test_a_variable_that_changed_in_between_decides_anew(codes):
    source = """
    def adjust(optimizer, epoch, warmup):
        if epoch < 30:
            lr = 1.0
        epoch -= warmup
        if epoch < 20:
            lr = 0.5
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert "LR102" not in codes(source)


SEPARATE = """
def adjust(optimizer, epoch, base):
    lr = base
    if {first}:
        lr = base * 0.01
    if {second}:
        lr = {value}
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("first", "second", "value", "lost"),
    [
        ("epoch >= 60", "epoch >= 30", "base * 0.1", True),
        ("epoch >= 30", "epoch >= 60", "base * 0.1", False),
        ("epoch >= 60", "epoch >= 30", "lr * 0.1", False),
        ("epoch < 30", "epoch >= 30", "base * 0.1", False),
        ("epoch >= 60", "base >= 30", "base * 0.1", False),
    ],
)
def test_a_value_that_the_next_branch_always_sets_again(check, first, second, value, lost):
    found = [f for f in check(SEPARATE.format(first=first, second=second, value=value)) if f.code == "LR102"]
    assert ["sets `lr` again" in f.message for f in found] == ([True] if lost else [])


WAITING = """
class NoisyScheduler:
    def __init__(self, optimizer, warmup_steps, lr, losses):
        self.optimizer = optimizer
        self.losses = losses
        self.warmup_steps = warmup_steps
        self.lr = lr
        self.before = 0

    def step(self, step):
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * min(1.0, (step + 1) / max(1, self.warmup_steps))
        if self.before > 0:
            self.before -= 1
        {later}
"""


@pytest.mark.parametrize(
    ("later", "lost"),
    [
        ("if step > 10**7 * len(self.losses):\n            self.before += 1", False),
        ("if self.before > 0:\n            self.before += 1", True),
    ],
)
def test_a_state_that_changes_when_a_call_says_so_is_not_frozen(check, later, lost):
    assert any(f.code == "LR102" for f in check(WAITING.format(later=later))) is lost


THRESHOLDS = st.integers(0, 6)
TESTS = st.one_of(
    st.builds(lambda op, n: f"x {op} {n}", st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), THRESHOLDS),
    st.builds(lambda a, b: f"{a} <= x < {b}", THRESHOLDS, THRESHOLDS),
    st.builds(lambda a, b: f"x < {a} or x > {b}", THRESHOLDS, THRESHOLDS),
    st.builds(lambda a, b: f"not (x < {a} and x != {b})", THRESHOLDS, THRESHOLDS),
)


@given(st.lists(TESTS, min_size=1, max_size=4))
def test_a_dead_branch_is_one_that_no_number_takes(tests):
    chain = "".join(f"{'if' if not n else 'elif'} {test}:\n    y = {n}\n" for n, test in enumerate(tests))
    dead = {d.branch.lineno for d in dead_branches(ast.parse(chain).body, number)}
    halves = [n / 2 for n in range(-2, 16)]
    taken = {next((n for n, test in enumerate(tests) if eval(test, {"x": x})), None) for x in halves}
    assert dead == {2 * n + 1 for n in range(len(tests)) if n not in taken}


@given(TESTS, st.sampled_from([n / 2 for n in range(-2, 16)]))
def test_a_test_means_the_numbers_that_pass_it(test, x):
    said = meaning(ast.parse(test, mode="eval").body, number)
    assert any(
        (low < x or (low == x and low_in)) and (x < high or (x == high and high_in))
        for low, low_in, high, high_in in said.allowed["x"].parts
    ) == eval(test, {"x": x})


def test_a_method_for_others_may_change_what_a_branch_waits_for(asked):
    source = """
class Noam:
    def __init__(self, optimizer, d_model, warmup_steps=4000):
        self.optimizer, self.scale, self.warmup_steps = optimizer, d_model**-0.5, warmup_steps
        self.step_num = 0
        self.shown = None

    def step(self):
        self.step_num += 1
        rate = self.scale * min(self.step_num**-0.5, self.step_num * self.warmup_steps**-1.5)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.shown is not None:
            self.seen += 1

    def show(self, window):
        self.shown, self.seen = window, 0
"""
    assert not list(asked("LR102", source))
    assert list(asked("LR102", source.replace("    def show(", "    def _show(")))
