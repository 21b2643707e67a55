"""What follows from what a run has taken for true of a value: one value, and what can be said of it at once."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Kind

HEAD = """
import torch
import settings
from enum import Enum
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler, ReduceLROnPlateau, StepLR
from transformers import get_linear_schedule_with_warmup
"""


def both(first: str, second: str, before: str = "") -> set[tuple[bool, bool]]:
    """Which answers to two conditions the traces of a program take together."""
    source = (
        HEAD
        + textwrap.dedent(before)
        + textwrap.dedent(
            f"""
        def main(args, model):
            one = torch.optim.SGD(model.parameters(), lr=0.1)
            two = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = StepLR(one, 30)
            if {first}:
                one.step()
            else:
                two.step()
            if {second}:
                one.step("again")
            else:
                two.step("again")
        """
        )
    )
    found = set()
    for trace in traces_of(ast.parse(source)):
        steps = trace.of(Kind.STEP)
        found.add(tuple(step.thing.path == "one" for step in steps))
    return found


SAME = {(True, True), (False, False)}
APART = {(True, False), (False, True), (False, False)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('args.sched == "step"', '"step" == args.sched'),
        ('args.sched == "step"', 'args.sched in ["step"]'),
        ('args.sched == "step"', 'not args.sched != "step"'),
        ('args.sched != "step"', 'args.sched not in ("step",)'),
        ('args.sched in ("step", "exp")', 'args.sched == "step" or args.sched == "exp"'),
        ('args.sched in {"step": 1, "exp": 2}', 'args.sched in ["exp", "step"]'),
        ('args.sched.lower() == "step"', '"step" == args.sched.lower()'),
        ('args.sched.startswith("cos")', 'args.sched.startswith("cos")'),
        ('args.get("sched", "none") == "step"', 'args.get("sched") in ("step",)'),
        ('args.get("sched") == "step"', 'args["sched"] == "step"'),
        ("args.warmup > 0", "not args.warmup <= 0"),
        ("args.warmup > args.epochs", "args.epochs < args.warmup"),
        ("args.warmup == args.epochs", "not args.warmup != args.epochs"),
        ("args.scheduler is None", "not args.scheduler is not None"),
        ("args.scheduler is None", "args.scheduler == None"),
        ('hasattr(args, "sched")', 'hasattr(args, "sched")'),
        ("isinstance(args.sched, (str, int))", "isinstance(args.sched, (str, int))"),
        ("isinstance(args.sched, Own)", "isinstance(args.sched, Own)"),
        ("settings.WARM", "not not settings.WARM"),
        ('settings.SCHEDULE == "step"', 'settings.SCHEDULE in ("step",)'),
        ("args.kind == Kind.STEP", "args.kind in (Kind.STEP,)"),
        ("args.kind is Kind.STEP", "args.kind == Kind.STEP"),
    ],
)
def test_one_question_has_one_answer_however_it_is_put(first, second):
    before = """
        class Kind(Enum):
            STEP = 1
            EXP = 2

        class Own:
            pass
        """
    assert both(first, second, before) == SAME


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('args.sched == "step"', 'args.sched == "exp"'),
        ('args.sched in ("step", "exp")', 'args.sched == "plateau"'),
        ('args.sched in ("step", "exp")', 'args.sched in ("plateau", "cosine")'),
        ('args.sched == "step"', "args.sched is None"),
        ('args.sched == "step"', "not args.sched"),
        ('args.sched == "step"', '"cos" in args.sched'),
        ("args.warmup > 0", "args.warmup == 0"),
        ("args.warmup > 5", "args.warmup < 3"),
        ("args.kind == Kind.STEP", "args.kind == Kind.EXP"),
        ("args.kind == kinds.STEP", "args.kind == kinds.EXP"),
    ],
)
def test_what_excludes_each_other_is_never_taken_together(first, second):
    before = """
        import kinds

        class Kind(Enum):
            STEP = auto()
            EXP = auto()
        """
    assert both(first, second, before) == APART


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('args.sched == "step"', 'args.other == "step"'),
        ('args.sched == "step"', "args.warmup > 0"),
        ('"cos" in args.sched', '"warmup" in args.sched'),
        ('args.sched.startswith("cos")', 'args.sched.endswith("warmup")'),
        ("args.warmup < 10", "args.warmup > 3"),
        ("settings.WARM", "settings.COLD"),
        ("args.a and args.b", "args.c or args.d"),
    ],
)
def test_what_has_nothing_to_do_with_each_other_goes_every_way(first, second):
    assert both(first, second) >= {(True, True), (True, False), (False, True)}


def test_what_was_compared_with_a_number_is_one():
    assert both("args.warmup > 0", "args.warmup is None") == {(True, False), (False, False)}


def test_a_value_assigned_anew_is_another():
    source = """
        def main(args, model):
            one = torch.optim.SGD(model.parameters(), lr=0.1)
            two = torch.optim.SGD(model.parameters(), lr=0.1)
            if args.sched == "step":
                one.step()
            else:
                two.step()
            args.sched = choose()
            if args.sched == "step":
                one.step()
            else:
                two.step()
        """
    traces = traces_of(ast.parse(HEAD + textwrap.dedent(source)))
    found = {tuple(step.thing.path for step in trace.of(Kind.STEP)) for trace in traces}
    assert found >= {("one", "one"), ("two", "one"), ("one", "two")}


@pytest.mark.parametrize(
    "handed_on",
    [
        "train(one, two, name=args.sched)",
        'train(one, two, **{"name": args.sched})',
        "Trainer(args.sched).train(one, two)",
        'Trainer({"sched": args.sched}["sched"]).train(one, two)',
    ],
)
def test_what_is_handed_on_is_the_same_value_under_another_name(handed_on):
    source = f"""
        def train(one, two, name):
            if name in ["step"]:
                one.step("again")
            elif name == "exp":
                two.step("again")

        class Trainer:
            def __init__(self, kind):
                self.kind = kind

            def train(self, one, two):
                train(one, two, self.kind)

        def main(args, model):
            one = torch.optim.SGD(model.parameters(), lr=0.1)
            two = torch.optim.SGD(model.parameters(), lr=0.1)
            if args.sched == "step":
                one.step()
            elif args.sched == "exp":
                two.step()
            {handed_on}
        """
    traces = [t for t in traces_of(ast.parse(HEAD + textwrap.dedent(source))) if t.entry == "main"]
    assert {tuple(step.thing.path for step in trace.of(Kind.STEP)) for trace in traces} == {
        ("one", "one"),
        ("two", "two"),
    }


@pytest.mark.parametrize(
    ("scheduler", "kind", "answer"),
    [
        ("ReduceLROnPlateau(one)", "isinstance(scheduler, ReduceLROnPlateau)", True),
        ("StepLR(one, 3)", "isinstance(scheduler, ReduceLROnPlateau)", False),
        ("StepLR(one, 3)", "isinstance(scheduler, (ReduceLROnPlateau, StepLR))", True),
        ("get_linear_schedule_with_warmup(one, 3, 9)", "isinstance(scheduler, LambdaLR)", True),
        ("get_linear_schedule_with_warmup(one, 3, 9)", "isinstance(scheduler, StepLR)", False),
        ("StepLR(one, 3)", "isinstance(scheduler, LRScheduler)", True),
        ("None", "isinstance(scheduler, ReduceLROnPlateau)", False),
        ("StepLR(one, 3)", "type(scheduler) is ReduceLROnPlateau", False),
        ("StepLR(one, 3)", "type(scheduler) == StepLR", True),
        ("StepLR(one, 3)", 'type(scheduler).__name__ == "ReduceLROnPlateau"', False),
        ("StepLR(one, 3)", 'scheduler.__class__.__name__ == "StepLR"', True),
    ],
)
def test_the_class_of_a_scheduler_that_is_built_in_sight_decides(scheduler, kind, answer):
    source = f"""
        def main(args, model):
            one = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = {scheduler}
            if {kind}:
                one.step()
        """
    traces = traces_of(ast.parse(HEAD + textwrap.dedent(source)))
    assert {bool(trace.of(Kind.STEP)) for trace in traces} == {answer}


def test_the_class_of_a_scheduler_that_is_handed_over_is_one_at_a_time():
    assert both("isinstance(args.sched, StepLR)", "isinstance(args.sched, ReduceLROnPlateau)") == APART
    assert both("type(args.sched) is StepLR", "isinstance(args.sched, ReduceLROnPlateau)") == APART


def test_the_cases_of_a_match_are_decided_as_other_branches_are():
    source = """
        def main(args, model):
            one = torch.optim.SGD(model.parameters(), lr=0.1)
            match args.sched:
                case "step":
                    scheduler = StepLR(one, 30)
                case "cosine" | "cos":
                    scheduler = CosineAnnealingLR(one, 30)
                case _:
                    scheduler = ReduceLROnPlateau(one)
            one.step()
            if args.sched in ("step", "cos", "cosine"):
                scheduler.step()
            else:
                scheduler.step(loss)
        """
    steps = [trace.of(Kind.STEP)[-1] for trace in traces_of(ast.parse(HEAD + textwrap.dedent(source)))]
    assert {(step.thing.cls, len(step.arguments)) for step in steps} == {
        ("StepLR", 0),
        ("CosineAnnealingLR", 0),
        ("ReduceLROnPlateau", 1),
    }


def test_a_choice_within_an_expression_is_one_of_the_run_too():
    source = """
        def main(args, model):
            one = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = ReduceLROnPlateau(one) if args.plateau else StepLR(one, 30)
            one.step()
            scheduler.step(loss) if args.plateau else scheduler.step()
        """
    steps = [trace.of(Kind.STEP)[-1] for trace in traces_of(ast.parse(HEAD + textwrap.dedent(source)))]
    assert {(step.thing.cls, len(step.arguments)) for step in steps} == {("StepLR", 0), ("ReduceLROnPlateau", 1)}
