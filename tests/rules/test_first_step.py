"""Where in the loop a warmup is set: before the update that needs it, or after."""

from __future__ import annotations

import textwrap

import asking
import pytest

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
    assert [f.code for f in asking.reported("LR203", source)] == (["LR203"] if reported else [])


@pytest.mark.parametrize(
    ("head", "reported"),
    [
        ("class Config:\n    lr = 0.1\n    warmup_steps = 0\n", False),
        ("class Config:\n    lr = 0.1\n    warmup_steps = 500\n", True),
        ("parser = argparse.ArgumentParser()\nparser.add_argument('--warmup_steps', type=int, default=0)\n", False),
    ],
)
def test_a_warmup_that_nobody_is_seen_to_switch_on_comes_too_late_for_nobody(head, reported):
    late = textwrap.dedent(LOOP.format(head="pass", before="optimizer.step()", after="pass"))
    found = asking.reported("LR203", f"import argparse\n{head}\n{late}")
    assert [f.code for f in found] == (["LR203"] if reported else [])


AN_EPOCH = """
    class Warmup:
        def __init__(self, optimizer, lr, epochs):
            self.optimizer, self.lr, self.epochs, self.now = optimizer, lr, epochs, 0
            {built}

        def step(self):
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * self.now / self.epochs
            self.now += 1


    def train(model, loader, optimizer, args):
        warmup = Warmup(optimizer, args.lr, args.warmup_epochs)
        for epoch in range(args.epochs):
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
            warmup.step()
    """


@pytest.mark.parametrize(("built", "which"), [("pass", "A whole epoch"), ("self.step()", "The whole first epoch")])
def test_the_epoch_at_zero_is_the_first_where_the_rate_is_set_before_it(built, which):
    (found,) = asking.reported("LR203", textwrap.dedent(AN_EPOCH.format(built=built)))
    assert found.message.startswith(which)


def advised(source: str) -> list[tuple[int, str]]:
    return [(f.span.start.line, f.severity.value) for f in asking.reported("LR203", source)]


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


WITHIN = """
    def adjust_within_the_epoch(optimizer, epoch, batch, batches, args):
        if epoch < args.warmup_epochs:
            for group in optimizer.param_groups:
                group["lr"] = args.lr * (epoch * batches + batch) / (args.warmup_epochs * batches)

"""
OTHER = "adjust_within_the_epoch(optimizer, epoch, 0, len(loader), args)"


@pytest.mark.parametrize(
    ("before", "inside", "found"),
    [
        (CALL, OTHER, False),
        (CALL, "optimizer.param_groups[0]['lr'] = 0.1 * args.lr", False),
        (f"{CALL}; {OTHER}", "pass", True),
    ],
)
def test_a_first_epoch_in_which_the_rate_is_set_at_every_batch_as_well_is_not_at_zero(before, inside, found):
    said = asking.reported("LR203", WITHIN + PER_EPOCH.format(epoch="epoch", before=before, inside=inside))
    assert any("whole first epoch" in f.message for f in said) is found


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


BY_HAND = """
    class Warm:
        def __init__(self, optimizer, warmup_steps, peak):
            self.optimizer, self.warmup_steps, self.peak, self.count = optimizer, warmup_steps, peak, {count}
            self.write({first})

        def write(self, rate):
            for group in self.optimizer.param_groups:
                group["lr"] = rate

        def step(self):
            {before}
            rate = self.peak * min(1.0, self.count / self.warmup_steps)
            {after}
            self.write(rate)
    """
ADD, NOTHING = "self.count += 1", "pass"


@pytest.mark.parametrize(
    ("count", "first", "before", "after", "found"),
    [
        ("0", "0.0", NOTHING, ADD, ["info"]),
        ("-1", "0.0", ADD, NOTHING, ["info"]),
        ("0", "0.0", ADD, NOTHING, ["info"]),
        ("1", "peak / warmup_steps", ADD, NOTHING, []),
        ("0", "peak", ADD, NOTHING, ["warning"]),
    ],
)
def test_a_count_that_stands_at_its_first_value_twice(count, first, before, after, found):
    source = BY_HAND.format(count=count, first=first, before=before, after=after)
    assert [severity for _, severity in advised(source)] == found


@pytest.mark.parametrize(("frozen", "found"), [("freeze_steps", []), ("2", ["info"]), ("5", ["warning"])])
def test_a_number_of_updates_at_zero_that_a_setting_says_is_meant(frozen, found):
    source = f"""
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, freeze_steps, warmup_steps):
        return LambdaLR(optimizer, lambda k: min(1.0, max(0, k - ({frozen} - 1)) / warmup_steps))
    """
    assert [severity for _, severity in advised(source)] == found


REBUILT = """
    from torch.optim.lr_scheduler import LRScheduler

    class Late(LRScheduler):
        def __init__(self, optimizer, warmup_steps):
            {order}

        def get_lr(self):
            if self.last_epoch == 0 {asked}:
                return list(self.base_lrs)
            return [base * min(1.0, self.last_epoch / self.warmup_steps) ** 2 for base in self.base_lrs]
    """


def test_the_base_rate_before_a_warmup_of_any_shape():
    order = "super().__init__(optimizer); self.warmup_steps = warmup_steps"
    assert advised(REBUILT.format(order=order, asked="")) == [(4, "warning")]
    order = "self.warmup_steps = warmup_steps; super().__init__(optimizer)"
    assert [s for _, s in advised(REBUILT.format(order=order, asked="and self.warmup_steps < 1"))] in ([], ["info"])


def test_every_group_waits_for_the_warmup():
    source = """
    class Warm:
        def __init__(self, optimizer, warmup_steps):
            self.optimizer, self.warmup_steps, self.count = optimizer, warmup_steps, 1
            self.rates = [group["lr"] for group in optimizer.param_groups]
            for group, rate in zip(optimizer.param_groups{some}, self.rates):
                group["lr"] = rate / warmup_steps

        def step(self):
            self.count += 1
            for group, rate in zip(self.optimizer.param_groups, self.rates):
                group["lr"] = rate * min(1.0, self.count / self.warmup_steps)
    """
    assert [severity for _, severity in advised(source.format(some="[:1]"))] == ["warning"]
    assert advised(source.format(some="")) == []


CYCLES = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, {length}):
        def factor(step):
            return 0.5 * (1 + math.cos(math.pi * ({position} % {cycle}) / {cycle}))
        return LambdaLR(optimizer, factor)
    """


@pytest.mark.parametrize(("position", "found"), [("step", []), ("(step - 1)", ["warning"])])
def test_the_first_update_has_the_first_rate_of_a_cycle_not_its_last(position, found):
    source = CYCLES.format(position=position, length="cycle_len", cycle="cycle_len")
    assert [severity for _, severity in advised(source)] == found


@pytest.mark.parametrize(
    ("length", "severity"),
    [
        ("total_iterations", "info"),
        ("total_iterations=100000", "info"),
        ("total_iterations=60", "warning"),
        ("epochs", "warning"),
        ("epochs=90", "warning"),
        ("epochs=4000", "info"),
    ],
)
def test_a_first_update_at_the_last_rate_weighs_what_one_step_of_so_many_does(length, severity):
    source = CYCLES.format(position="(step - 1)", length=length, cycle=length.partition("=")[0])
    assert [said for _, said in advised(source)] == [severity]


def test_a_length_of_steps_is_one_of_epochs_where_the_loop_takes_a_step_an_epoch():
    source = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def train(model, loader, optimizer, total_steps):
        factor = lambda k: 0.5 * (1 + math.cos(math.pi * ((k - 1) % total_steps) / total_steps))
        scheduler = LambdaLR(optimizer, factor)
        for epoch in range(total_steps):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            scheduler.step()
    """
    assert [said for _, said in advised(source)] == ["warning"]


NEARLY = """
import math
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, num_warmup_steps, num_training_steps):
    def factor(step):
        if {ramp}:
            return step / max(1, num_warmup_steps)
        progress = (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))
    return LambdaLR(optimizer, factor)
"""


@pytest.mark.parametrize(("ramp", "grave"), [("step < num_warmup_steps", False), ("0 < step < num_warmup_steps", True)])
def test_a_first_step_that_the_ramp_leaves_to_the_decay_is_nearly_at_the_peak(ramp, grave):
    said = asking.reported("LR203", NEARLY.format(ramp=ramp))
    assert any(f.severity.value == "warning" for f in said) is grave


@pytest.mark.parametrize(
    ("load", "reported"),
    [
        ("scheduler.load_state_dict(state['scheduler'])", False),
        ("if path:\n            scheduler.load_state_dict(state['scheduler'])", True),
        ("pass", True),
    ],
)
def test_a_schedule_that_always_goes_on_from_a_checkpoint(load, reported):
    source = f"""
    from torch.optim.lr_scheduler import LambdaLR

    def train(model, loader, optimizer, state, path):
        warmup = 10
        scheduler = LambdaLR(optimizer, lr_lambda=lambda k: k / warmup if k < warmup else 1.0)
        optimizer.load_state_dict(state["optimizer"])
        {load}
        for epoch in range(state["epoch"], 200):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            scheduler.step()
    """
    found = [f for f in asking.reported("LR203", source) if "first epoch" in f.message]
    assert bool(found) is reported


TOLD = """
    import torch

    class Warmup:
        def __init__(self, optimizer, warmup_epochs):
            self.optimizer, self.warmup_epochs = optimizer, warmup_epochs
            self.base_lrs = [group["lr"] for group in optimizer.param_groups]
            {built}

        def step(self, epoch):
            for base, group in zip(self.base_lrs, self.optimizer.param_groups):
                ramp = (epoch + 1) / self.warmup_epochs
                group["lr"] = base * (ramp if ramp <= 1 else 0.98 ** (epoch + 1 - self.warmup_epochs))

    def train_epoch(model, loader, optimizer):
        for images in loader:
            model(images).backward()
            optimizer.step()

    def fit(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
        scheduler = Warmup(optimizer, args.warmup_epochs)
        {before}
        for epoch in range(args.epochs):
            {first}
            train_epoch(model, loader, optimizer)
            {last}
    """


@pytest.mark.parametrize(
    ("changed", "late"),
    [
        ({"last": "scheduler.step(epoch)"}, True),
        ({"last": "scheduler.step(epoch + 1)"}, True),
        ({"first": "scheduler.step(epoch)"}, False),
        ({"last": "scheduler.step(epoch + 1)", "before": "scheduler.step(0)"}, False),
        ({"last": "scheduler.step(epoch + 1)", "built": "self.step(0)"}, False),
    ],
)
def test_a_warmup_that_is_told_the_epoch_only_after_it_was_trained_is_late(asked, changed, late):
    parts = {"built": "pass", "before": "pass", "first": "pass", "last": "pass", **changed}
    found = [violation for violation in asked("LR203", TOLD.format(**parts)) if not violation.advice]
    assert [("after `train_epoch(" in violation.message) for violation in found] == ([True] if late else [])


STEPPED = """
    from torch.optim.lr_scheduler import LambdaLR

    def train(model, optimizer, loader, epochs, warmup_epochs):
        scheduler = LambdaLR(optimizer, lambda epoch: min(1.0, epoch / warmup_epochs))
        for epoch in range(epochs):
            {before}
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            {behind}
    """


@pytest.mark.parametrize(
    ("before", "behind", "found"), [("pass", "scheduler.step()", True), ("scheduler.step()", "pass", False)]
)
def test_a_schedule_that_is_stepped_before_the_first_batch_does_not_train_at_its_first_rate(before, behind, found):
    said = asking.reported("LR203", STEPPED.format(before=before, behind=behind))
    assert any("whole first epoch" in f.message for f in said) is found


HANDED = """
    def adjust_learning_rate(optimizer, epoch, steps_per_epoch, step, args):
        lr = args.lr * min(1.0, epoch / args.warmup_epochs)
        for group in optimizer.param_groups:
            group["lr"] = lr


    def train(model, loader, optimizer, args):
        for epoch in range(args.epochs):
            for i, batch in enumerate(loader):
                adjust_learning_rate(optimizer, {epoch}, len(loader), i, args)
                model(batch).backward()
                optimizer.step()
    """


@pytest.mark.parametrize(("epoch", "found"), [("epoch", True), ("epoch + (i + 1) / len(loader)", False)])
def test_a_function_that_is_given_parts_of_an_epoch_moves_within_the_first(epoch, found):
    said = asking.reported("LR203", HANDED.format(epoch=epoch))
    assert any("whole first epoch" in f.message for f in said) is found


@pytest.mark.parametrize(("turns", "found"), [("args.epochs", True), ("args.epochs * len(loader)", False)])
def test_a_loop_over_all_batches_of_all_epochs_begins_with_a_batch(turns, found):
    source = f"""
    def train(model, loader, optimizer, args):
        for step in range({turns}):
            for group in optimizer.param_groups:
                group["lr"] = args.lr * min(1.0, step / args.warmup)
            for part in next(loader):
                model(part).backward()
                optimizer.step()
    """
    assert any("whole first epoch" in f.message for f in asking.reported("LR203", source)) is found


def test_a_length_of_an_epoch_may_be_a_list():
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def make(optimizer, steps_per_epoch=[1, 2, 3], warmup=10):
        return LambdaLR(optimizer, lambda step: step / warmup if step < warmup else steps_per_epoch)
    """
    assert [f for f in asking.reported("LR203", source) if f.severity.value == "error"] == []


STEPPED_AHEAD = """
    from torch.optim.lr_scheduler import LRScheduler

    class Warm(LRScheduler):
        def __init__(self, optimizer, warmup, last_epoch=-1):
            self.warmup = warmup
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch == 0:
                return list(self.base_lrs)
            return [base * min(1.0, self.last_epoch / self.warmup) for base in self.base_lrs]

    def train(model, loader, optimizer, warmup):
        scheduler = Warm(optimizer, warmup)
        {ahead}
        for batch in loader:
            model(batch).backward()
            optimizer.step()
            scheduler.step()
    """


@pytest.mark.parametrize(("ahead", "found"), [("pass", ["warning"]), ("scheduler.step()", [])])
def test_a_first_rate_that_no_update_has_is_none(ahead, found):
    assert [severity for _, severity in advised(STEPPED_AHEAD.format(ahead=ahead))] == found


HANDED_ON = STEPPED_AHEAD.replace("for batch in loader:", "one_epoch(model, loader, optimizer, scheduler)").partition(
    "            model(batch)"
)[0]


@pytest.mark.parametrize(("ahead", "found"), [("pass", ["warning"]), ("scheduler.step()", [])])
def test_a_schedule_may_be_stepped_ahead_and_handed_on(ahead, found):
    assert [severity for _, severity in advised(HANDED_ON.format(ahead=ahead))] == found


ONE_LOOP = """
    def train(model, loader, optimizer):
        scheduler = {built}
        for batch in loader:
            {first}
            model(batch).backward()
            optimizer.step()
            {then}
    """
OWN_CLASS = """
    class Warm:
        def __init__(self, optimizer, warmup_steps):
            self.optimizer, self.warmup_steps, self.count = optimizer, warmup_steps, 0
            self.rates = [group["lr"] for group in optimizer.param_groups]

        def step(self):
            self.count += 1
            for group, rate in zip(self.optimizer.param_groups, self.rates):
                group["lr"] = rate * min(1.0, self.count / self.warmup_steps)
    """


@pytest.mark.parametrize(
    ("first", "then", "severity"),
    [
        ("pass", "scheduler.step()", ["warning"]),
        ("scheduler.step()", "pass", []),
        ("pass", "pass", []),
    ],
)
def test_a_class_of_ones_own_is_stepped_before_the_update(first, then, severity):
    source = OWN_CLASS + ONE_LOOP.format(built="Warm(optimizer, 100)", first=first, then=then)
    assert [s for _, s in advised(source)] == severity


KEEPS_ANOTHER = """
    from torch.optim.lr_scheduler import CosineAnnealingLR

    class WarmupScheduler:
        def __init__(self, optimizer, warmup_steps, after):
            self.optimizer, self.warmup_steps, self.after, self.count = optimizer, warmup_steps, after, 0
            self.rates = [group["lr"] for group in optimizer.param_groups]

        def step(self):
            self.count += 1
            if self.count > self.warmup_steps:
                return self.after.step()
            for group, rate in zip(self.optimizer.param_groups, self.rates):
                group["lr"] = rate * self.count / self.warmup_steps
    """


@pytest.mark.parametrize(
    ("first", "then", "severities"),
    [("pass", "scheduler.step()", {"warning"}), ("scheduler.step()", "pass", {"info"}), ("pass", "pass", {"info"})],
)
def test_the_first_rate_of_a_scheduler_that_it_keeps_is_used_only_behind_the_update(first, then, severities):
    built = "WarmupScheduler(optimizer, 100, CosineAnnealingLR(optimizer, 1000))"
    source = KEEPS_ANOTHER + ONE_LOOP.format(built=built, first=first, then=then)
    assert {s for _, s in advised(source)} == severities


@pytest.mark.parametrize(
    ("start", "turns", "found"),
    [
        ("0", "range(start, args.epochs)", ["warning"]),
        ("1", "range(start, args.epochs + 1)", []),
    ],
)
def test_the_first_epoch_of_a_loop_is_the_one_that_it_begins_with(start, turns, found):
    source = f"""
    def train(model, loader, optimizer, args, resume):
        start = {start}
        if resume:
            start = resume["epoch"] + 1
        for epoch in {turns}:
            if epoch <= args.warmup_epochs:
                for group in optimizer.param_groups:
                    group["lr"] = args.lr * epoch / args.warmup_epochs
            for x, y in loader:
                model(x, y).backward()
                optimizer.step()
    """
    assert [severity for _, severity in advised(source)] == found


@pytest.mark.parametrize(("turns", "found"), [("tqdm(loader, desc=f'Epoch {epoch}')", "info"), ("epochs", "warning")])
def test_what_a_progress_bar_is_told_is_no_loop_over_epochs(turns, found):
    source = f"""
    class Trainer:
        def update(self):
            lr = self.args.lr * min(1.0, self.step / self.args.warmup_steps)
            for group in self.optimizer.param_groups:
                group["lr"] = lr

        def train(self, loader, epoch, epochs, tqdm):
            for batch in {turns}:
                self.update()
                self.step += 1
                for part in batch:
                    self.model(part).backward()
                self.optimizer.step()
    """
    assert [severity for _, severity in advised(source)] == [found]


FROZEN = """
    def set_lr(optimizer, lr, mult):
        for group, m in zip(optimizer.param_groups, mult):
            group["lr"] = lr * m


    def train(model, loader, epochs, lr=0.1):
        optimizer = torch.optim.SGD([{{"params": model.body.parameters()}}, {{"params": model.head.parameters()}}], lr)
        for epoch in range(epochs):
            set_lr(optimizer, lr * (1 - epoch / epochs), ({body}, {head}))
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
    """


@pytest.mark.parametrize(("head", "found"), [("1", False), ("1 if epoch >= 5 else 0", True)])
def test_a_group_that_is_frozen_beside_one_that_trains_loses_no_updates(head, found):
    source = "import torch\n" + textwrap.dedent(FROZEN.format(body="0.1 if epoch >= 5 else 0", head=head))
    assert any("exactly 0" in each.message for each in asking.reported("LR203", source)) is found
