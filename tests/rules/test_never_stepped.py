"""LR303 where a class holds the scheduler, or unseen code makes it: who else may step it, and who cannot."""

from __future__ import annotations

import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths

TRAINER = """
import torch
from torch.optim.lr_scheduler import StepLR
from base import Base


class Trainer{bases}:
    def __init__(self, model, args):
        self.model, self.args = model, args
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        self.scheduler = StepLR(self.optimizer, 30)

    def train_epoch(self, loader):
        for x, y in loader:
            self.optimizer.zero_grad()
            self.model(x, y).backward()
            self.optimizer.step()
            {batch}

    def fit(self, loader):
        for epoch in range(self.args.epochs):
            self.train_epoch(loader)
            {epoch}

    def after_epoch(self):
        raise NotImplementedError
"""


def trainer(bases: str = "", batch: str = "pass", epoch: str = "pass") -> str:
    return TRAINER.format(bases=bases, batch=batch, epoch=epoch)


def test_a_class_that_trains_from_the_first_epoch_to_the_last_steps_what_it_holds_or_nobody_does(asked):
    (found,) = asked("LR303", trainer())
    assert "`self.scheduler` is never stepped" in found.message
    assert asked("LR303", trainer(epoch="self.scheduler.step()")) == []


TURNS = """
import torch
from torch.optim.lr_scheduler import LinearLR, StepLR


def train_epoch(model, loader, optimizer, scheduler):
    for x, y in loader:
        optimizer.zero_grad()
        model(x, y).backward()
        optimizer.step()
        scheduler.step()


def main(model, loader, args):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    decay, warmup = StepLR(optimizer, 30), LinearLR(optimizer, total_iters=len(loader))
    {trains}
"""


@pytest.mark.parametrize(
    ("trains", "found"),
    [
        ("train_epoch(model, loader, optimizer, warmup)", False),  # one epoch needs no decay
        ("for epoch in range(args.epochs):\n        train_epoch(model, loader, optimizer, warmup)", True),
        (
            "for epoch in range(args.epochs):\n"
            "        current = warmup if epoch < args.warmup_epochs else decay\n"
            "        train_epoch(model, loader, optimizer, current)",
            False,
        ),
    ],
)
def test_beside_one_that_is_stepped_with_every_update_it_may_wait_for_its_turn(trains, found, asked):
    assert ("`decay` is never stepped" in str(asked("LR303", TURNS.format(trains=trains)))) is found


def test_what_trains_one_epoch_may_be_stepped_between_two_of_its_calls(asked):
    source = trainer()
    one_epoch = source[: source.index("    def fit")]
    assert asked("LR303", one_epoch) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": "self.after_epoch()"},  # a derived class fills it in
        {"bases": "(Base)", "epoch": "self.finish(epoch)"},  # the base is in another file
        {"bases": "(Base)", "epoch": "super().train_epoch(loader)"},
        {"epoch": "self.args.callback.on_epoch_end(self)"},
        {"batch": "self.args.hook(self.scheduler)"},
    ],
)
def test_code_that_is_not_in_sight_may_step_it_while_it_trains(changes, asked):
    assert asked("LR303", trainer(**changes)) == []


def test_a_method_out_of_sight_that_only_looks_steps_nothing(asked):
    assert asked("LR303", trainer(bases="(Base)", epoch="self.save_checkpoint(epoch)"))


def test_a_factory_that_gives_the_trainer_away_changes_nothing(asked):
    factory = "\n\ndef create_trainer(model, args):\n    return Trainer(model, args)\n"
    assert asked("LR303", trainer() + factory)
    assert asked("LR303", trainer(epoch="self.scheduler.step()") + factory) == []


def script(made: str, epoch: str = "pass", before: str = "pass") -> str:
    return f"""
import torch
from schedules import WarmupCosineLR, build_optimizer_and_scheduler, build_scheduler, make_noise_scheduler


def main(args, model, loader, trainer):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = {made}
    {before}
    for epoch in range(args.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
        {epoch}
"""


@pytest.mark.parametrize("made", ["WarmupCosineLR(optimizer, args.epochs)", "build_scheduler(args, optimizer)"])
def test_what_unseen_code_makes_of_an_optimizer_and_nothing_is_done_with(made, asked):
    (found,) = asked("LR303", script(made))
    assert "`scheduler` is never stepped" in found.message and not found.advice


@pytest.mark.parametrize(
    ("made", "epoch"),
    [
        ("build_scheduler(args, optimizer)", "scheduler.step()"),
        ("build_scheduler(args, optimizer)", "scheduler.adjust(epoch)"),  # its own name for a step
        ("build_scheduler(args, optimizer)", "scheduler(epoch)"),
        ("build_scheduler(args, optimizer)", "rate = scheduler[epoch]"),
        ("build_scheduler(args, optimizer)", "rate = scheduler.rate"),
        ("build_scheduler(args, optimizer)", "trainer.scheduler = scheduler"),
        ("build_scheduler(args, optimizer)", "trainer.after(scheduler)"),
        ("build_scheduler(args, optimizer)", "return scheduler"),
        ("build_scheduler(args)", "pass"),  # it has no optimizer in hand
        # What brings its state back may give another one,
        ("build_scheduler(args, optimizer)", "scheduler = checkpoints.load(scheduler); trainer.after(scheduler)"),
        # and on a way that the run did not go unseen code gets it.
        ("build_scheduler(args, optimizer)", "if args.scheduler != 'none': tools.advance(scheduler)"),
        ("torch.optim.lr_scheduler.StepLR(optimizer, 3)", "if args.kind == 'a': tools.advance(scheduler)"),
        # It may be a function, asked for each rate,
        ("constant(optimizer, args.epochs)", "if args.kind != 'constant': rate = scheduler(epoch)"),
        ("make_noise_scheduler(optimizer)", "pass"),
        ("build_optimizer_and_scheduler(optimizer)", "pass"),
    ],
)
def test_what_is_done_with_it_may_be_its_step(made, epoch, asked):
    assert asked("LR303", script(made, epoch)) == []


def test_a_second_name_on_a_way_that_the_run_did_not_go_may_be_what_is_stepped(asked):
    source = script(
        "torch.optim.lr_scheduler.ConstantLR(optimizer)",
        before="decay = torch.optim.lr_scheduler.StepLR(optimizer, 5); active = scheduler",
        epoch="active = decay if epoch == args.warmup else active; active.step()",
    )
    assert asked("LR303", source) == []
    branch = script(
        "torch.optim.lr_scheduler.ConstantLR(optimizer)",
        before="decay = torch.optim.lr_scheduler.StepLR(optimizer, 5); active = scheduler",
        epoch="if epoch == args.warmup:\n            active = decay\n        active.step()",
    )
    assert asked("LR303", branch) == []


def test_a_trace_in_which_its_optimizer_rests_says_nothing_of_a_scheduler(asked):
    source = """
import torch
from torch.optim.lr_scheduler import StepLR


def main(args, model, loader):
    first = torch.optim.SGD(model.parameters(), lr=0.1)
    second = torch.optim.Adam(model.parameters(), lr=0.1)
    scheduler = StepLR(first, 30)
    for epoch in range(args.epochs):
        for x, y in loader:
            model(x, y).backward()
            if args.adam:
                second.step()
            else:
                first.step()
"""
    assert asked("LR303", source)


def test_a_method_that_a_derived_class_has_to_fill_in_ends_no_run(asked):
    source = trainer(batch="self.after_epoch()")
    own = source.replace("self.scheduler = StepLR", "self.schedule = StepLR") + (
        "\n\ndef main(model, args, loader):\n    optimizer = torch.optim.Adam(model.parameters())\n"
        "    scheduler = StepLR(optimizer, 3)\n    trainer = Trainer(model, args)\n"
        "    for x in loader:\n        trainer.after_epoch()\n        optimizer.step()\n"
    )
    assert [violation.span.start.line for violation in asked("LR303", own)] == [
        own.count("\n", 0, own.index("StepLR(optimizer, 3)")) + 1
    ]


RATE_OBJECT = """
import torch
from rates import RateOf


class Trainer:
    def __init__(self, model, args):
        self.model, self.args = model, args
        self.optim = torch.optim.SGD(model.parameters(), lr=0.1)
        self.lr_scheduler = {made}

    def fit(self, loader):
        step = 0
        for epoch in range(self.args.epochs):
            for x, y in loader:
                self.optim.zero_grad()
                self.model(x, y).backward()
                self.optim.step()
                rate = {asked}
                print(rate)
                step += 1
"""


@pytest.mark.parametrize(
    ("made", "rate"),
    [
        ("RateOf(self.args)", "self.lr_scheduler(self.optim, step)"),
        ("None", "self.scheduler(self.optim, step)"),
        ("None", "inverse_lr_scheduler(self.optim, step)"),  # a function that sets the rate, and says which
    ],
)
def test_what_an_object_answers_when_it_is_called_is_no_scheduler(made, rate, asked):
    assert asked("LR303", RATE_OBJECT.format(made=made, asked=rate)) == []


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ("scheduler = CosineWithWarmup(optimizer, args.epochs)", True),  # called one, if not named so
        ("result = CosineWithWarmup(optimizer, args.epochs)", False),
        ("scheduler = load_from(args.path, optimizer)", False),  # it comes back with what was saved
        ("scheduler = prepare(optimizer)", False),
    ],
)
def test_what_is_made_of_an_optimizer_and_called_a_scheduler_is_one(made, found, asked):
    source = f"""
import torch
from elsewhere import CosineWithWarmup, load_from, prepare


def main(args, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    {made}
    for epoch in range(args.epochs):
        for x, y in loader:
            model(x, y).backward()
            optimizer.step()
"""
    assert bool(asked("LR303", source)) is found


PAIR = """
import torch
from elsewhere import build, initialize, load_checkpoint


def main(args, model, loader):
    {made}
    for epoch in range(args.epochs):
        for x, y in loader:
            model(x, y).backward()
            {step}
        {epoch}
"""


@pytest.mark.parametrize(
    ("made", "step", "epoch", "found"),
    [
        ("model, optim, sched = build(args, model)", "optim.step()", "pass", True),
        ("model, optim, sched = build(args, model)", "optim.step()", "sched.step()", False),
        ("model, optim, sched = build(args, model)", "model.train_batch(optim, sched)", "pass", False),
        ("optims, scheds = build(args, model)", "optims[0].step()", "[s.step() for s in scheds]", False),
        # An engine steps what it was made with.
        ("engine, optim, sched = initialize(args, model)", "engine.step()", "pass", False),
        ("model, optim, sched = load_checkpoint(args, model)", "optim.step()", "pass", False),
    ],
)
def test_an_optimizer_and_a_scheduler_of_one_call_belong_together(made, step, epoch, found, asked):
    assert bool(asked("LR303", PAIR.format(made=made, step=step, epoch=epoch))) is found


@pytest.mark.parametrize(
    "options", ["opt = parse_options()", "opt = get_args()", "opt = read_all()\n    train_loader.batch = opt.a + opt.b"]
)
def test_what_holds_the_settings_is_no_optimizer_whatever_its_name(options, asked):
    source = f"""
import torch
from elsewhere import get_args, get_scheduler, parse_options, read_all


def main(model, train_loader):
    {options}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = get_scheduler(optimizer, len(train_loader), opt)
    for epoch in range(opt.epochs):
        for x, y in train_loader:
            model(x, y).backward()
            optimizer.step()
"""
    assert asked("LR303", source)


def test_settings_that_choose_an_optimizer_are_none(asked):
    source = """
import torch
from elsewhere import get_optimizer, get_scheduler


def main(config, model, critic, loader):
    optimizer_g = get_optimizer(config.train.optimizer, model)
    optimizer_d = get_optimizer(config.train.optimizer, critic)
    scheduler_g = get_scheduler(config.train.scheduler, optimizer_g)
    scheduler_d = get_scheduler(config.train.scheduler, optimizer_d)
    for epoch in range(config.epochs):
        for x, y in loader:
            model(x, y).backward()
            optimizer_g.step()
            optimizer_d.step()
        scheduler_g.step()
"""
    (found,) = asked("LR303", source)
    assert "`scheduler_d` is never stepped" in found.message


PPO = """
import torch
from elsewhere import get_lr_scheduler


class PPO:
    def __init__(self, policy, rate):
        self.policy = policy
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=rate)
        self.scheduler = get_lr_scheduler(rate, optimizer=self.optimizer)

    def learn(self, iterations, epochs, size):
        for iteration in range(iterations):
            seen = self.policy.collect()
            for epoch in range(epochs):
                for i in range(0, len(seen), {stride}):
                    self.policy(seen[i : i + size]).backward()
                    self.optimizer.step()
            {after}
"""


@pytest.mark.parametrize(
    ("stride", "after", "found"),
    [("size", "pass", True), ("size", "self.scheduler.step()", False), ("1", "pass", False)],
)
def test_a_range_that_goes_on_by_batches_walks_over_data(stride, after, found, asked):
    assert bool(asked("LR303", PPO.format(stride=stride, after=after))) is found


def test_a_file_that_only_names_a_scheduler_and_trains_is_checked_in_a_folder_too(tmp_path):
    source = PAIR.format(made="model, optim, scheduler = build(args, model)", step="optim.step()", epoch="pass")
    (tmp_path / "train.py").write_text(source)
    (result,) = check_paths([Target(str(tmp_path / "train.py"))], Settings(selected=frozenset({"LR303"})), jobs=1)
    assert [finding.code for finding in result.findings] == ["LR303"]


CHOSEN_ELSEWHERE = """
from torch.optim.lr_scheduler import ExponentialLR, StepLR

def build(args, optimizer):
    if args.kind == "step":
        return StepLR(optimizer, 30)
    return ExponentialLR(optimizer, 0.9)
"""
UNSEEN_ELSEWHERE = """
from schedules import WarmupLR

def build(args, optimizer):
    return WarmupLR(optimizer, args.warmup)
"""
BUILT_ELSEWHERE = """
import torch
from building import build

def main(args, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = build(args, optimizer)
    for epoch in range(args.epochs):
        for x in loader:
            model(x).backward()
            optimizer.step()
        {step}

def run(args, model, loader):
    main(args, model, loader)
"""


@pytest.mark.parametrize("building", [CHOSEN_ELSEWHERE, UNSEEN_ELSEWHERE])
@pytest.mark.parametrize("step", ["pass", "scheduler.step()"])
def test_what_a_function_of_another_file_builds_is_told_at_its_call(step, building, tmp_path):
    (tmp_path / "building.py").write_text(building)
    (tmp_path / "train.py").write_text(BUILT_ELSEWHERE.format(step=step))
    (result,) = check_paths([Target(str(tmp_path / "train.py"))], Settings(selected=frozenset({"LR303"})), jobs=1)
    found = [(finding.span.start.line, finding.severity) for finding in result.findings]
    assert found == ([] if step != "pass" else [(7, "error")])


WITH_TRAINER = """
import torch
from transformers import Trainer, TrainingArguments, get_linear_schedule_with_warmup
{imports}

def main(model, data, args):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    scheduler = get_linear_schedule_with_warmup(optimizer, 10, 1000)
    {use}
    trainer = {trainer}
    {set}
    trainer.train()
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, True),
        ({"trainer": "Trainer(model, TrainingArguments('out'), optimizers=(optimizer, scheduler))"}, False),
        ({"set": "trainer.optimizer, trainer.lr_scheduler = optimizer, scheduler"}, False),
        ({"use": "model.configure(scheduler)"}, False),
        ({"trainer": "Trainer(model, **args.trainer)"}, False),
        ({"imports": "from project import Trainer"}, False),
    ],
)
def test_a_schedule_that_is_given_to_no_trainer(given, told, asked):
    parts = {"imports": "", "use": "pass", "set": "pass", "trainer": "Trainer(model, TrainingArguments('out'))"}
    found = asked("LR303", WITH_TRAINER.format(**{**parts, **given}))
    assert ["is given no optimizer and makes its own" in each.message for each in found] == [True] * told


def test_a_trainer_that_makes_its_own_schedule_is_left_alone(asked):
    source = """
    from transformers import Trainer, TrainingArguments

    def main(model, data, args):
        trainer = Trainer(model, TrainingArguments("out", warmup_ratio=0.1), train_dataset=data)
        trainer.train(resume_from_checkpoint=args.resume)
        trainer.train()
    """
    assert not any(asked(code, source) for code in ("LR301", "LR303", "LR304", "LR307", "LR308", "LR309", "LR310"))


HOLDER = """
    from torch.optim.lr_scheduler import LRScheduler

    class Warmup(LRScheduler):
        def __init__(self, optimizer, steps, after_scheduler=None):
            self.steps = steps
            self.after_scheduler = after_scheduler
            super().__init__(optimizer)

        def get_lr(self):
            if self.last_epoch > self.steps and self.after_scheduler:
                {then}
                return self.after_scheduler.get_last_lr()
            return [base * self.last_epoch / self.steps for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("then", "told"), [("pass", True), ("self.after_scheduler.step()", False), ("advance(self.after_scheduler)", False)]
)
def test_a_scheduler_in_another_one_is_stepped_by_that(then, told, asked):
    assert [each.advice for each in asked("LR303", HOLDER.format(then=then))] == [True] * told


BUILT = """
import collections
import operator
import torch
from torch.optim.lr_scheduler import StepLR

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
after = []

{defined}

for epoch in range(60):
    for x, y in loader:
        model(x, y).backward()
        optimizer.step()
    {epoch}
"""
REGISTERED = """
scheduler = StepLR(optimizer, 20)

def after_epoch(function):
    after.append(function)
    return function

{decorator}
def tick():
    scheduler.step()
"""
PLUGIN = """
class Plugin:
    def __init__(self, scheduler):
        self.scheduler = scheduler

    def on_epoch_end(self):
        self.scheduler.step()

plugin = Plugin(StepLR(optimizer, 20))

def emit(name):
    handler = getattr(plugin, {name}, None)
    if handler is not None:
        handler()
"""
COUNTED = """
class Count:
    def __init__(self, scheduler):
        self.scheduler = scheduler

    def {method}(self, other):
        self.scheduler.step()
        return self

count = Count(StepLR(optimizer, 20))
"""
BAG = """
class Bag(list):
    def step(self):
        for scheduler in self:
            scheduler.step()

bag = Bag([StepLR(optimizer, 20)])
"""


@pytest.mark.parametrize(
    ("defined", "epoch", "found"),
    [
        (REGISTERED.format(decorator="@after_epoch"), "for function in after: function()", False),
        (REGISTERED.format(decorator="@torch.no_grad()"), "pass", True),
        (PLUGIN.format(name='f"on_{name}"'), 'emit("epoch_end")', False),
        (PLUGIN.format(name='"on_step_end"'), 'emit("epoch_end")', True),
        (COUNTED.format(method="__iadd__"), "count += 1", False),
        (COUNTED.format(method="add"), "pass", True),
        (BAG, "bag.step()", False),
        ("both = [StepLR(optimizer, 20)]", "list(map(lambda s: s.step(), both))", False),
        ("both = [StepLR(optimizer, 20)]", 'list(map(operator.methodcaller("step"), both))', False),
        ("both = [StepLR(optimizer, 20)]", "list(map(lambda s: s.get_last_lr(), both))", True),
    ],
)
def test_a_step_that_no_call_by_name_leads_to(defined, epoch, found, asked):
    assert bool(asked("LR303", BUILT.format(defined=defined, epoch=epoch))) is found
