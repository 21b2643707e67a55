"""LR204: what a schedule does past its end matters where training gets there, whatever its form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.experiments.beyond import rebound

FORMULAS = {
    "line": "1 - {k} / {total}",
    "root": "(1 - {k} / {total}) ** 0.9",
    "cosine": "0.5 * (1 + math.cos(math.pi * {k} / {total}))",
}
HEAD = "import math\nfrom torch.optim.lr_scheduler import LambdaLR, LRScheduler\n"
LAMBDA = """
def train(optimizer, loader, args):
    total = {total}
    schedule = LambdaLR(optimizer, lambda k: {formula})
    for epoch in range({turns}):
        for batch in loader:
            optimizer.step()
        schedule.step()
"""
SETTER = """
def adjust(optimizer, epoch, total, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr * ({formula})

def train(optimizer, loader, args):
    for epoch in range({turns}):
        adjust(optimizer, epoch, {total}, args.lr)
        for batch in loader:
            optimizer.step()
"""
INLINE = """
def train(optimizer, loader, args):
    total = {total}
    for epoch in range({turns}):
        rate = args.lr * ({formula})
        for group in optimizer.param_groups:
            group["lr"] = rate
        for batch in loader:
            optimizer.step()
"""
FUNCTION = """
def rate_at(epoch, total, lr):
    return lr * ({formula})

def train(optimizer, loader, args):
    epoch = 0
    while epoch < {turns}:
        rate = rate_at(epoch, {total}, args.lr)
        for group in optimizer.param_groups:
            group["lr"] = rate
        for batch in loader:
            optimizer.step()
        epoch += 1
"""
METHOD = """
class Fall(LRScheduler):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * ({formula}) for base in self.base_lrs]

class Trainer:
    def __init__(self, optimizer, loader, args):
        self.args, self.optimizer, self.loader = args, optimizer, loader
        self.schedule = Fall(optimizer, {total})

    def fit(self):
        args = self.args
        for epoch in range({turns}):
            for batch in self.loader:
                self.optimizer.step()
            if self.schedule is not None:
                self.schedule.step()
"""
WRAPPER = """
class Fall:
    def __init__(self, optimizer, total, lr):
        self.optimizer, self.total, self.lr = optimizer, total, lr
        self.count = 0
        self.write()

    def write(self):
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * ({formula})

    def step(self):
        self.count += 1
        self.write()

def train(optimizer, loader, args):
    schedule = Fall(optimizer, {total}, args.lr)
    for epoch in range({turns}):
        for batch in loader:
            optimizer.step()
        schedule.step()
"""
FORMS = {
    "lambda": (LAMBDA, "k", "total"),
    "setter": (SETTER, "epoch", "total"),
    "inline": (INLINE, "epoch", "total"),
    "function": (FUNCTION, "epoch", "total"),
    "method": (METHOD, "self.last_epoch", "self.total"),
    "wrapper": (WRAPPER, "self.count", "self.total"),
}


def written(form: str, formula: str, total: str, turns: str) -> str:
    text, k, whole = FORMS[form]
    return HEAD + text.format(formula=FORMULAS[formula].format(k=k, total=whole), total=total, turns=turns)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("formula", "total", "turns", "beyond"),
    [
        ("line", "40", "90", True),
        ("root", "40", "90", True),
        ("cosine", "40", "90", True),
        ("cosine", "args.epochs", "args.epochs", False),
        ("root", "args.epochs", "args.epochs", False),
        ("root", "args.epochs // 2", "args.epochs", True),
    ],
)
def test_every_form_is_asked_how_far_its_loop_goes(codes, form, formula, total, turns, beyond):
    found = {code for code in codes(written(form, formula, total, turns)) if code in ("LR204", "LR212")}
    assert bool(found) == beyond


@pytest.mark.parametrize("form", ["lambda", "setter", "method"])
@pytest.mark.parametrize(
    ("total", "turns"),
    [("args.decay_epochs_total", "args.epochs"), ("50", "args.epochs"), ("args.epochs", "50"), ("200", "200")],
)
def test_a_loop_that_nothing_ties_to_the_schedule_decides_nothing(codes, form, total, turns):
    assert codes(written(form, "cosine", total, turns)) == []


@pytest.mark.parametrize(
    ("leaving", "beyond"),
    [
        ("if loss > 9: break", True),
        ("if epoch >= args.max_epochs: break", False),
        ("if stopper.done: return", True),
        ("if epoch % 2: continue", False),
        ("break", False),
    ],
)
def test_a_count_that_ends_the_loop_ends_the_run(codes, leaving, beyond):
    source = written("inline", "root", "40", "90").replace(
        "        for batch in loader:", f"        {leaving}\n        for batch in loader:"
    )
    assert bool({"LR204", "LR212"} & set(codes(source))) == beyond


def test_a_guard_of_the_schedule_is_no_turn(codes):
    source = written("lambda", "line", "40", "90").replace(
        "        schedule.step()", "        if epoch < 40:\n            schedule.step()"
    )
    assert codes(source) == []


POLY = """
    from torch.optim.lr_scheduler import LRScheduler

    class Poly(LRScheduler):
        def __init__(self, optimizer, max_iters, power=0.9):
            self.max_iters, self.power = max_iters, power
            super().__init__(optimizer)

        def get_lr(self):
            done = {done}
            return [base * (1 - done) ** self.power for base in self.base_lrs]
    """


@pytest.mark.parametrize(("done", "told"), [("{}", ["LR204"]), ("min(1.0, {})", [])])
def test_a_class_for_loops_that_nobody_sees_is_told_what_happens_one_step_later(codes, advice, done, told):
    source = POLY.format(done=done.format("self.last_epoch / self.max_iters"))
    assert codes(source) == []
    assert [f.code for f in advice(source) if f.code == "LR204"] == told


def test_a_warmup_is_no_rebound(codes):
    source = """
        import torch
        from torch.optim.lr_scheduler import LambdaLR

        def train(model, loader):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            schedule = LambdaLR(optimizer, lambda k: 1.0 if k == 0 else min(1.0, k / 50))
            for epoch in range(10):
                for batch in loader:
                    optimizer.step()
                    schedule.step()
        """
    assert "LR204" not in codes(source)


@pytest.mark.parametrize(
    ("parameters", "position", "told"),
    [
        ("total_steps", "step % total_steps / total_steps", ["LR204"]),
        ("total_steps", "min(step, total_steps) / total_steps", []),
        ("total_steps, num_cycles", "step * num_cycles % total_steps / total_steps", []),
        ("t_max", "step % t_max / t_max", []),
    ],
)
def test_a_schedule_of_one_cycle_that_is_back_at_its_peak_at_its_end(advice, parameters, position, told):
    source = f"""
    def adjust_learning_rate(optimizer, step, {parameters}, max_lr):
        for group in optimizer.param_groups:
            group["lr"] = max_lr * (1 - 0.95 * ({position}))
    """
    assert [f.code for f in advice(source) if f.code == "LR204"] == told


@given(st.integers(8, 200), st.floats(0.01, 10), st.floats(1.3, 2))
def test_a_cosine_rebounds_past_its_end_and_not_before(length, peak, beyond):
    curve = [peak * 0.5 * (1 + math.cos(math.pi * k / length)) for k in range(2 * length)]
    assert rebound(curve, length + 1) is None
    found = rebound(curve, int(beyond * length) + 2)
    assert found is not None and found.lowest == length


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=60))
def test_a_curve_that_only_falls_never_rebounds(rates):
    assert rebound(sorted(rates, reverse=True), 100) is None


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=60))
def test_a_curve_that_only_climbs_never_rebounds(rates):
    assert rebound(sorted(rates), 100) is None


@given(st.integers(10, 50), st.integers(2, 4))
def test_a_restart_is_no_rebound(length, cycles):
    curve = [0.5 * (1 + math.cos(math.pi * (k % length) / length)) for k in range(cycles * length)]
    assert rebound(curve, len(curve)) is None


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ("schedule.step()\n        rates.append(schedule.get_last_lr())", False),
        ("learn()\n        schedule.step()", True),
    ],
)
def test_a_loop_that_only_collects_the_rates_trains_nothing(check, body, reported):
    source = f"""
import math
from torch.optim.lr_scheduler import LambdaLR

def show(optimizer, learn):
    rates = []
    schedule = LambdaLR(optimizer, lambda k: 0.5 * (1 + math.cos(math.pi * k / 50)))
    for epoch in range(100):
        {body}
"""
    assert bool([f for f in check(source) if f.code == "LR204"]) is reported


@pytest.mark.parametrize(("turns", "told"), [("args.epochs", False), ("2 * args.epochs", True)])
def test_parameter_groups_are_no_further_updates(codes, turns, told):
    source = f"""
        def main(args, optimizer, loader):
            def lr_schedule(epoch):
                return args.lr_max * (1 - epoch / args.epochs)

            for epoch in range({turns}):
                for group in optimizer.param_groups:
                    group["lr"] = lr_schedule(epoch)
                train(loader, optimizer)
        """
    assert ("LR204" in codes(source)) is told


@pytest.mark.parametrize(
    ("rest", "made", "told"),
    [
        ("(total_steps - step) / (total_steps - warmup)", "return {built}", True),
        ("max(0.0, (total_steps - step) / (total_steps - warmup))", "return {built}", False),
        ("(total_steps - step) / (total_steps - warmup)", "scheduler = {built}\n    train(scheduler)", False),
    ],
    ids=["for callers", "clamped", "kept"],
)
def test_a_line_that_is_built_for_callers_goes_below_zero_with_their_next_step(rest, made, told, asked):
    source = f"""
from torch.optim.lr_scheduler import LambdaLR


def linear_schedule(optimizer, warmup, total_steps):
    def factor(step):
        if step < warmup:
            return (step + 1) / warmup
        return {rest}

    {made.format(built="LambdaLR(optimizer, factor)")}
"""
    found = asked("LR204", source)
    assert ["prolonged by one step" in each.message and each.advice for each in found] == [True] * told
