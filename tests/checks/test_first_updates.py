"""Where in the loop a warmup is set: before the update that needs it, or after."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source

LOOP = """
    def train(model, loader, optimizer, args):
        {head}
        step = 0
        for batch in loader:
            loss = model(batch)
            loss.backward()
            {before}
            if step < args.warmup_steps:
                lr = args.lr * (step + 1) / args.warmup_steps
            else:
                lr = args.lr
            for group in optimizer.param_groups:
                group["lr"] = lr
            {after}
            step += 1
    """


@pytest.mark.parametrize(
    ("head", "before", "after", "reported"),
    [
        ("pass", "optimizer.step()", "pass", True),
        ("pass", "pass", "optimizer.step()", False),
        ("optimizer.param_groups[0]['lr'] = 0.0", "optimizer.step()", "pass", False),
    ],
)
def test_the_first_update_of_a_warmup_set_too_late_runs_at_the_full_rate(head, before, after, reported):
    source = textwrap.dedent(LOOP.format(head=head, before=before, after=after))
    result = check_source(source.encode(), "train.py", Settings(selected=frozenset({"LR203"})))
    assert [f.code for f in result.findings] == (["LR203"] if reported else [])


def advised(source: str) -> list[tuple[int, str]]:
    result = check_source(textwrap.dedent(source).encode(), "train.py", Settings(selected=frozenset({"LR203"})))
    return [(f.span.start.line, f.severity.value) for f in result.findings]


FUNCTION = """
    import math


    def get_lr(step, warmup_steps, total_steps, max_lr):
        if step < warmup_steps:
            return max_lr * {progress}
        done = (step - warmup_steps) / (total_steps - warmup_steps)
        return 0.5 * max_lr * (1 + math.cos(math.pi * min(1.0, done)))
    """


@pytest.mark.parametrize(
    ("progress", "found"),
    [
        ("step / warmup_steps", [(7, "info")]),
        ("step / max(1, warmup_steps)", [(7, "info")]),
        ("(step + 1) / warmup_steps", []),
        ("(0.1 + 0.9 * step / warmup_steps)", []),
    ],
)
def test_a_warmup_that_begins_at_zero_is_worth_a_word_where_it_is_computed(progress, found):
    assert advised(FUNCTION.format(progress=progress)) == found


def test_a_rate_that_climbs_from_zero_without_a_warmup_is_left_alone():
    assert advised("def get_lr(step, total_steps, max_lr):\n    return max_lr * step / total_steps\n") == []


PER_EPOCH = """
    def adjust_learning_rate(optimizer, epoch, args):
        lr = args.lr * min(1.0, {epoch} / args.warmup_epochs)
        for group in optimizer.param_groups:
            group["lr"] = lr


    def train(model, loader, optimizer, args):
        for epoch in range(args.epochs):
            {before}
            for batch in loader:
                {inside}
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
    """
CALL = "adjust_learning_rate(optimizer, epoch, args)"


@pytest.mark.parametrize(
    ("epoch", "before", "inside", "found"),
    [
        ("epoch", CALL, "pass", [(2, "warning")]),
        ("(epoch + 1)", CALL, "pass", []),
        ("epoch", "pass", CALL, [(3, "info")]),
    ],
)
def test_a_function_asked_once_an_epoch_makes_the_first_epoch_one_at_zero(epoch, before, inside, found):
    assert advised(PER_EPOCH.format(epoch=epoch, before=before, inside=inside)) == found


CALLED = """
    def adjust_learning_rate(optimizer, step, args):
        lr = args.lr * min(1.0, (step + 1) / args.warmup_steps)
        for group in optimizer.param_groups:
            group["lr"] = lr


    def train(model, loader, optimizer, args):
        {head}
        for step, batch in enumerate(loader):
            model(batch).backward()
            {before}
            optimizer.step()
            {after}
    """
SET = "adjust_learning_rate(optimizer, step, args)"


@pytest.mark.parametrize(
    ("head", "before", "after", "found"),
    [
        ("pass", "pass", SET, [(14, "warning")]),
        ("pass", SET, "pass", []),
        ("adjust_learning_rate(optimizer, 0, args)", "pass", SET, []),
    ],
)
def test_a_function_that_sets_the_warmup_is_called_before_the_first_update(head, before, after, found):
    assert advised(CALLED.format(head=head, before=before, after=after)) == found


WRAPPED = """
    from models import ScheduledOptimizer


    def train(model, loader, optimizer):
        for batch in loader:
            optimizer.zero_grad()
            model(batch).backward()
            {first}
            {second}
    """


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("optimizer.step()", "optimizer.update_learning_rate()", [(10, "info")]),
        ("optimizer.update_learning_rate()", "optimizer.step()", []),
        ("optimizer.step()", "scheduler.update_learning_rate()", []),
    ],
)
def test_a_wrapper_that_is_asked_for_its_rate_after_its_update(first, second, found):
    assert advised(WRAPPED.format(first=first, second=second)) == found


def test_a_wrapper_that_sets_its_rate_as_it_is_built_is_left_alone():
    wrapper = """
    class ScheduledOptimizer:
        def __init__(self, optimizer):
            self.optimizer = optimizer
            self.update_learning_rate()

        def step(self):
            self.optimizer.step()

        def update_learning_rate(self):
            for group in self.optimizer.param_groups:
                group["lr"] = 0.1
    """
    loop = WRAPPED.format(first="optimizer.step()", second="optimizer.update_learning_rate()")
    assert advised(wrapper + loop.replace("from models import ScheduledOptimizer", "")) == []
