"""Rates where factors are due, and factors where rates are due, in every form."""

from __future__ import annotations

import pytest
from asking import reported

HEAD = """
import math
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, MultiplicativeLR
"""


def told(source: str) -> list[str]:
    """The severities of what LR201 says."""
    return [finding.severity.value for finding in reported("LR201", HEAD + source)]


OF_THE_OPTIMIZER = """
def build(optimizer, total):
    {before}
    return {scheduler}(optimizer, lambda k: {rate} * {factor})
"""


@pytest.mark.parametrize("scheduler", ["LambdaLR", "MultiplicativeLR"])
@pytest.mark.parametrize(
    ("before", "rate", "expected"),
    [
        ("pass", 'optimizer.defaults["lr"]', ["error"]),
        ('base = optimizer.param_groups[0]["lr"]', "base", ["error"]),
        ("pass", "1.0", []),
    ],
)
def test_a_function_that_reads_the_rate_which_its_scheduler_multiplies(scheduler, before, rate, expected):
    factor = "0.99" if scheduler == "MultiplicativeLR" else "max(0.0, 1 - k / total)"
    assert told(OF_THE_OPTIMIZER.format(scheduler=scheduler, before=before, rate=rate, factor=factor)) == expected


IN_A_CLASS = """
class Trainer:
    def __init__(self, model, lr, epochs):
        self.epochs = epochs
        self.lr = lr
        self.optimizer = SGD(model.parameters(), lr=self.lr)
        self.scheduler = LambdaLR(self.optimizer, self.value)

    def value(self, epoch):
        return {value}
"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("self.lr * (1 - epoch / self.epochs)", ["error"]),
        # Down to a floor that is a number: it counts twice at the peak, and less the further down.
        ("1e-3 + (self.lr - 1e-3) * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))", ["error"]),
        ("max(self.lr * (1 - epoch / self.epochs), 1e-3)", ["error"]),
        ("1 - epoch / self.epochs", []),
        ("1e-3 / self.lr + (1 - 1e-3 / self.lr) * (1 - epoch / self.epochs)", []),
        ("max(1 - epoch / self.epochs, self.lr)", []),
    ],
)
def test_the_rate_of_an_optimizer_kept_as_an_attribute(value, expected):
    assert told(IN_A_CLASS.format(value=value)) == expected


FACTOR = "0.5 * (1 + math.cos(math.pi * min({step}, {total}) / {total}))"
SUBCLASS = """
class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, last_epoch=-1):
        self.total_steps = total_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = FACTOR
        return [{rate} for base in self.base_lrs]
""".replace("FACTOR", FACTOR.format(step="self.last_epoch", total="self.total_steps"))
WRAPPER = """
class Cosine:
    def __init__(self, optimizer, total_steps):
        self.optimizer, self.total_steps, self.count = optimizer, total_steps, 0
        self.bases = [group["lr"] for group in optimizer.param_groups]

    def step(self):
        self.count += 1
        factor = FACTOR
        for group, base in zip(self.optimizer.param_groups, self.bases):
            group["lr"] = {rate}
""".replace("FACTOR", FACTOR.format(step="self.count", total="self.total_steps"))
SETTER = """
def adjust_learning_rate(optimizer, epoch, base_lr, epochs):
    base = base_lr
    factor = FACTOR
    for group in optimizer.param_groups:
        group["lr"] = {rate}
""".replace("FACTOR", FACTOR.format(step="epoch", total="epochs"))
FUNCTION = """
def schedule(step, base, total_steps):
    return {rate}

def train(loader, optimizer, args):
    for step, batch in enumerate(loader):
        lr = schedule(step, args.lr, args.total_steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
"""


@pytest.mark.parametrize("form", [SUBCLASS, WRAPPER, SETTER])
@pytest.mark.parametrize(
    ("rate", "expected"), [("factor", ["error"]), ("base * factor", []), ("0.001 + factor * (base - 0.001)", [])]
)
def test_a_factor_that_is_assigned_as_a_rate(form, rate, expected):
    assert told(form.format(rate=rate)) == expected


@pytest.mark.parametrize("form", [SUBCLASS, WRAPPER, SETTER])
def test_a_rate_times_itself(form):
    assert told(form.format(rate="base * (base * factor)")) == ["error"]


@pytest.mark.parametrize(("base", "expected"), [("", ["error"]), ("base * ", [])])
def test_the_factor_of_a_function_that_its_caller_writes_as_it_is(base, expected):
    factor = FACTOR.format(step="step", total="total_steps")
    assert told(FUNCTION.format(rate=base + factor)) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["lr = 1.0", "if epoch > 30:", "    lr = 0.1"],
        ["lr = [1.0, 0.1, 0.01][min(2, epoch // 30)]"],
    ],
)
def test_rates_that_the_code_states_as_numbers_may_be_as_large_as_one(lines):
    body = "".join(f"    {line}\n" for line in lines)
    write = '    for group in optimizer.param_groups:\n        group["lr"] = lr\n'
    assert told(f"def adjust(optimizer, epoch):\n{body}{write}") == []


@pytest.mark.parametrize(("factor", "expected"), [("0.1", []), ("0.1 * 0.9 ** step", ["error"])])
def test_whether_a_constant_equal_to_the_rate_is_a_factor_cannot_be_told(factor, expected):
    source = "def build(model):\n    optimizer = SGD(model.parameters(), lr=0.1)\n"
    assert told(f"{source}    return LambdaLR(optimizer, lambda step: {factor})\n") == expected


def test_a_multiplier_that_the_groups_carry_is_left_alone():
    assert told(SETTER.format(rate='base * factor * group["lr_scale"]')) == []


ANY = """
from torch.optim.lr_scheduler import LambdaLR


def build({given}, max_lr, warmup_steps):
    {optimizer}
    return LambdaLR(optimizer, lambda step: {factor})
"""


@pytest.mark.parametrize(
    ("given", "optimizer", "factor", "expected"),
    [
        ("optimizer", "pass", "max_lr * min(1.0, (step + 1) / warmup_steps)", ["info"]),
        ("optimizer", "pass", "min(1.0, (step + 1) / warmup_steps)", []),
        ("model", "optimizer = SGD(model.parameters(), lr=1.0)", "max_lr * min(1.0, (step + 1) / warmup_steps)", []),
    ],
)
def test_a_builder_for_any_optimizer_that_returns_a_rate(given, optimizer, factor, expected):
    source = ANY.format(given=given, optimizer=optimizer, factor=factor)
    assert [f.severity.value for f in reported("LR201", source)] == expected


ABSOLUTE = """
import numpy as np
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

def build(args, model, params=None):
    {parameters}
    optimizer = SGD({given}, {rate})
    {more}
    schedule = lambda t: np.interp([t], [0, args.epochs * 2 // 5, args.epochs], [0, {peak}, 0])[0]
    return LambdaLR(optimizer, schedule)
"""
PREPARED = """if args.half:
        model, optimizer = amp.initialize(model, optimizer, "O1")"""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rate": "lr=args.lr"},
        {"more": PREPARED},
        {"parameters": "listed = model.parameters() if params is None else params", "given": "listed"},
    ],
)
def test_a_rate_given_to_lambda_lr_however_the_optimizer_was_built(changes):
    source = {"parameters": "", "given": "model.parameters()", "rate": "args.lr", "more": "", "peak": "args.lr"}
    wrong, right = (ABSOLUTE.format(**{**source, **changes, **peak}) for peak in ({}, {"peak": "1"}))
    assert len(reported("LR201", wrong)) == 1
    assert not reported("LR201", right)


def test_groups_may_carry_rates_of_their_own():
    source = ABSOLUTE.format(
        parameters="groups = split(model)", given="groups", rate="args.lr", more="", peak="args.lr"
    )
    assert not reported("LR201", source)


@pytest.mark.parametrize(("rate", "expected"), [("", ["error"]), ("base_lr * ", [])])
def test_a_decay_without_its_base_rate_that_turns_complex_past_its_end(rate, expected):
    source = f"""
def poly(base_lr, step, max_iter, power):
    return {rate}(1 - step / max_iter) ** power

def adjust(optimizer, step, args):
    lr = poly(args.lr, step, args.max_iter, args.power)
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
    assert told(source) == expected


@pytest.mark.parametrize(("given", "expected"), [("self.multiplier", ["error"]), ("base * self.multiplier", [])])
def test_base_rates_that_are_handed_on_are_rates(given, expected):
    source = f"""
class Warmup(LRScheduler):
    def __init__(self, optimizer, multiplier, warmup_steps, after, last_epoch=-1):
        self.multiplier, self.warmup_steps, self.after = multiplier, warmup_steps, after
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch > self.warmup_steps:
            self.after.base_lrs = [{given} for base in self.base_lrs]
            return self.after.get_last_lr()
        return [base * (1 + (self.multiplier - 1) * self.last_epoch / self.warmup_steps) for base in self.base_lrs]
"""
    assert told(source) == expected
