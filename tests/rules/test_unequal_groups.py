"""Parameter groups by properties of their curves: equals treated alike, each by a base rate of its own."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported

HEAD = """
import math
from torch.optim import SGD
from torch.optim.lr_scheduler import LRScheduler
"""
TWO_RATES = """
def main(model, args):
    optimizer = SGD([{"params": model.body.parameters()}, {"params": model.head.parameters(), "lr": 1.0}], lr=args.lr)
    for epoch in range(args.epochs):
        schedule = BUILD
"""
ONE_RATE = """
def main(model, args):
    optimizer = SGD(model.parameters(), lr=args.lr)
    schedule = BUILD
"""


def messages(source: str) -> list[str]:
    found = reported("LR213", HEAD + source)
    assert all(finding.severity.value == "error" for finding in found)
    return [finding.message for finding in found]


SUBCLASS = """
class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, eta_min=0.0, last_epoch=-1):
        self.total_steps, self.eta_min = total_steps, eta_min
        super().__init__(optimizer, last_epoch)

    def value(self, base):
        share = min(self.last_epoch, self.total_steps) / self.total_steps
        return self.eta_min + (base - self.eta_min) * 0.5 * (1 + math.cos(math.pi * share))

    def get_lr(self):
        return {rates}
"""


@pytest.mark.parametrize(
    ("rates", "reported"),
    [
        ("[self.value(self.base_lrs[0]) for _ in self.base_lrs]", True),
        ("[self.value(self.base_lrs[0])] * len(self.base_lrs)", True),
        ("[self.value(base) for base in self.base_lrs]", False),
        ("[self.value(self.base_lrs[i]) for i in range(len(self.base_lrs))]", False),
        ("[self.value(base) if i == 0 else base for i, base in enumerate(self.base_lrs)]", False),
        ("[self.value(0.1) for _ in self.base_lrs]", False),
    ],
)
def test_a_subclass_that_gives_all_groups_the_first_base(rates, reported):
    assert bool(messages(SUBCLASS.format(rates=rates))) is reported


WRAPPER = """
class Ramp:
    def __init__(self, optimizer, warmup_steps, peak=None):
        self.optimizer, self.warmup_steps, self.count = optimizer, warmup_steps, 0
        self.peaks = {peaks}

    def step(self):
        self.count += 1
        share = min(1.0, self.count / self.warmup_steps)
        for group, peak in zip(self.optimizer.param_groups, self.peaks):
            group["lr"] = peak * share
            {after}
"""
OWN = '[group["lr"] for group in optimizer.param_groups]'
FIRST = '[optimizer.param_groups[0]["lr"]] * len(optimizer.param_groups)'
OR_FIRST = '[peak if peak is not None else optimizer.param_groups[0]["lr"]] * len(optimizer.param_groups)'


@pytest.mark.parametrize(
    ("peaks", "after", "said"),
    [
        (OWN, "pass", None),
        (FIRST, "pass", "base rate of the first"),
        (OR_FIRST, "pass", "base rate of the first"),
        (OWN, "break", "Only some parameter groups"),
        ("[peak or 0.1] * len(optimizer.param_groups)", "pass", None),
    ],
)
def test_a_wrapper_s_groups(peaks, after, said):
    found = messages(WRAPPER.format(peaks=peaks, after=after) + TWO_RATES.replace("BUILD", "Ramp(optimizer, 100)"))
    assert [said in message for message in found] == ([True] if said else [])


def test_a_wrapper_that_nobody_is_seen_to_give_two_groups_is_advised():
    (found,) = reported("LR213", HEAD + WRAPPER.format(peaks=FIRST, after="pass"))
    assert found.severity.value == "info"


@pytest.mark.parametrize(
    ("says", "said"),
    [("Currently only supports one parameter group.", False), ("For parameter groups with a rate of their own.", True)],
)
def test_a_class_that_says_it_is_for_one_group_is_taken_at_its_word(says, said):
    source = WRAPPER.format(peaks=OWN, after="break").replace("class Ramp:", f'class Ramp:\n    """{says}"""')
    assert bool(messages(source)) is said


@pytest.mark.parametrize(("use", "reported"), [(ONE_RATE, False), (TWO_RATES, True)])
def test_the_first_base_rate_is_enough_for_an_optimizer_that_has_one(use, reported):
    source = WRAPPER.format(peaks=FIRST, after="pass") + use.replace("BUILD", "Ramp(optimizer, 100)")
    assert bool(messages(source)) is reported


FIRST_ONLY = """
class Ramp:
    def __init__(self, optimizer, warmup_steps):
        self.optimizer, self.warmup_steps, self.count = optimizer, warmup_steps, -1
        self.peaks = [group["lr"] for group in optimizer.param_groups]
        self.write({first})

    def write(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate

    def step(self):
        self.count += 1
        self.write([peak * min(1.0, (self.count + 1) / self.warmup_steps) for peak in self.peaks])
"""


@pytest.mark.parametrize(("first", "reported"), [("[0.0]", True), ("[0.0] * len(self.peaks)", False)])
def test_a_first_rate_for_one_group(first, reported):
    found = messages(FIRST_ONLY.format(first=first))
    assert ["for its first update" in message for message in found] == ([True] if reported else [])


SETTER = """
def adjust(optimizer, epoch, args):
    lr = args.lr * (1 - epoch / args.epochs)
    {body}
"""


@pytest.mark.parametrize(
    ("body", "use", "reported"),
    [
        ('for group in optimizer.param_groups:\n        group["lr"] = lr', "", False),
        ('for group in optimizer.param_groups:\n        group["lr"] = lr\n        return lr', "", True),
        ('for group in optimizer.param_groups:\n        lr *= 0.9\n        group["lr"] = lr', "", True),
        ('optimizer.param_groups[0]["lr"] = lr', "", False),
        ('optimizer.param_groups[0]["lr"] = lr', ONE_RATE, False),
        ('optimizer.param_groups[0]["lr"] = lr', TWO_RATES, True),
        (
            'optimizer.param_groups[0]["lr"] = lr\n    for group in optimizer.param_groups[1:]:\n'
            '        group["lr"] = 10 * lr',
            TWO_RATES,
            False,
        ),
        (
            'for place, group in enumerate(optimizer.param_groups):\n        group["lr"] = lr if place else 0.1 * lr',
            TWO_RATES,
            False,
        ),
        ('for group in optimizer.param_groups:\n        group["lr"] = lr * group["lr_scale"]', "", False),
        (
            'for group in optimizer.param_groups:\n        if group.get("fixed"):\n            continue\n'
            '        group["lr"] = lr',
            "",
            False,
        ),
    ],
)
def test_a_function_that_writes_the_groups(body, use, reported):
    source = SETTER.format(body=body) + use.replace("schedule = BUILD", "adjust(optimizer, 1, args)")
    assert bool(messages(source)) is reported


def test_a_first_group_that_is_written_alone_is_meant_to_differ():
    body = """
def adjust(optimizer, epoch, args):
    rate = args.lr * 0.1 ** (epoch // 30)
    {first}
    for index in range({begin}, len(optimizer.param_groups)):
        rate = rate{each}
        optimizer.param_groups[index]["lr"] = {rate}
"""
    head = body.format(first='optimizer.param_groups[0]["lr"] = rate', begin=1, each="", rate="rate * 10")
    assert messages(head) == []
    carried = body.format(first="pass", begin=0, each=" * 10", rate="rate")
    assert len(messages(carried)) == 1


PART = """
class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, last_epoch=-1):
        self.warmup_steps, self.total_steps = warmup_steps, total_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch < self.warmup_steps:
            return [{base} * (self.last_epoch + 1) / self.warmup_steps for base in self.base_lrs]
        share = (self.last_epoch - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return [base * 0.5 * (1 + math.cos(math.pi * min(1.0, share))) for base in self.base_lrs]
"""


@pytest.mark.parametrize(("base", "reported"), [("self.base_lrs[0]", True), ("base", False)])
def test_the_first_base_rate_in_a_part_of_the_schedule(base, reported):
    assert bool(messages(PART.format(base=base))) is reported


def test_a_list_that_is_given_may_hold_a_number_for_each_group(asked):
    source = """
def inverse(multipliers, optimizer, iter_num, gamma, power, init_lr=0.001):
    lr = init_lr * (1 + gamma * iter_num) ** (-power)
    i = 0
    for group in optimizer.param_groups:
        group["lr"] = lr * multipliers[i]
        i += 1
    return optimizer
"""
    assert not list(asked("LR213", source))


def test_what_hands_the_rates_to_a_scheduler_of_torch_writes_none_itself(asked):
    source = """
import torch

class Plateau:
    def __init__(self, args, optimizer):
        self.optimizer = optimizer
        self.inner = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=args.shrink)

    def step(self, epoch, val_loss=None):
        if val_loss is not None:
            self.inner.step(val_loss)
        return self.optimizer.param_groups[0]["lr"]
"""
    assert not list(asked("LR213", source))


def test_base_rates_that_are_stated_group_by_group_are_no_carry_over(check):
    source = """
    rates = [0.3, 1 / 320, 0.01]
    groups = [dict(params=p, lr=r) for p, r in zip(parts, rates)]
    optimizer = Adam(groups)

    for step in range(total_steps):
        scale = 1 - step / total_steps
        for group, base in zip(optimizer.param_groups, rates):
            group["lr"] = base * scale
        optimizer.step()
    """
    assert "LR213" not in [found.code for found in check(textwrap.dedent(source))]


BRANCHED = """
import torch
from torch.optim.lr_scheduler import LRScheduler

class Warmup(LRScheduler):
    def __init__(self, optimizer, warmup_steps, last_epoch=-1):
        self.rate = optimizer.param_groups[0]["lr"]
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [self.rate * min(1.0, (self.last_epoch + 1) / self.warmup_steps) for _ in self.base_lrs]

class Training:
    def __init__(self, net, config):
        if config["opt"] == "sgd":
            self.opt = torch.optim.SGD(net.parameters(), lr=config["lr"])
        else:
            self.opt = torch.optim.Adam({groups}, lr=config["lr"])
        self.scheduler = Warmup(self.opt, config["warmup"])
"""


@pytest.mark.parametrize(("groups", "found"), [("net.parameters()", False), ("groups_of(net)", True)])
def test_an_optimizer_that_every_branch_builds_with_one_group_has_no_second_base_rate(groups, found):
    assert bool(reported("LR213", BRANCHED.format(groups=groups))) is found


def test_a_class_of_ones_own_that_names_the_first_group_is_advised(asked):
    (found,) = asked(
        "LR213",
        """
class Warmup:
    def __init__(self, optimizer, peak, warmup):
        self.optimizer, self.peak, self.warmup, self.step_number = optimizer, peak, warmup, 0

    def step(self):
        self.step_number += 1
        self.optimizer.param_groups[0]["lr"] = self.peak * min(1.0, self.step_number / self.warmup)
        self.optimizer.step()
""",
    )
    assert found.advice and found.message.startswith("Only some parameter groups are written")


PERIODS = """
def place_of(step, ends):
    return sum(1 for end in ends if end < step)


class CosineOfPeriods(LRScheduler):
    def __init__(self, optimizer, periods, eta_min=0.0, last_epoch=-1):
        self.periods, self.eta_min = periods, eta_min
        self.ends = [{end} for i in range(len(self.periods))]
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        at = place_of(self.last_epoch, self.ends)
        share = (self.last_epoch - (self.ends[at] - self.periods[at])) / self.periods[at]
        factor = 0.5 * (1 + math.cos(math.pi * share))
        return [self.eta_min + ({base} - self.eta_min) * factor for base in self.base_lrs]
"""


@pytest.mark.parametrize(("base", "reported"), [("self.base_lrs[0]", True), ("base", False)])
def test_counting_periods_tells_no_groups_apart(base, reported):
    assert bool(messages(PERIODS.format(end="sum(self.periods[: i + 1])", base=base))) is reported


BESIDE = """
class Scaled:
    def __init__(self, gamma, ratios, base=0.001):
        self.gamma, self.ratios, self.base = gamma, {kept}, base

    def adjust(self, optimizer, iteration):
        lr = self.base * (1 + self.gamma * iteration) ** -0.75
        {loop}

def train(net, args, loader):
    groups = {groups}
    optimizer = SGD(groups, lr=0.1)
    scaled = Scaled(gamma=args.gamma, ratios=[g["lr"] for g in groups])
    for iteration, batch in enumerate(loader):
        scaled.adjust(optimizer, iteration)
        net(batch).backward()
        optimizer.step()
"""
ONE_A_GROUP = 'for group, ratio in zip(optimizer.param_groups, self.ratios):\n            group["lr"] = lr * ratio'
FIRST_RATIO = 'for group in optimizer.param_groups:\n            group["lr"] = lr * self.ratios[0]\n            break'


@pytest.mark.parametrize("kept", ["ratios", "list(ratios)"])
@pytest.mark.parametrize(
    "groups",
    ['[{"params": net.parameters(), "lr": 1}]', '[{"params": p, "lr": 10} for p in net.parts]', "net.groups()"],
)
def test_a_list_that_is_given_and_runs_beside_the_groups_has_one_element_a_group(kept, groups):
    assert messages(BESIDE.format(kept=kept, loop=ONE_A_GROUP, groups=groups)) == []


def test_a_list_that_a_schedule_is_given_does_not_acquit_a_loop_that_leaves_groups_out():
    groups = '[{"params": p, "lr": 10} for p in net.parts]'
    (message,) = messages(BESIDE.format(kept="ratios", loop=FIRST_RATIO, groups=groups))
    assert "Only some parameter groups are written" in message


GIVEN_RATES = """
def adjust(optimizer, epoch, rates, epochs):
    for {loop}:
        {group}["lr"] = {rate} * (1 - epoch / epochs)

def train(net, optimizer, loader, args):
    for epoch in range(args.epochs):
        adjust(optimizer, epoch, {given}, args.epochs)
        for batch in loader:
            net(batch).backward()
            optimizer.step()
"""


ZIPPED = {"loop": "group, rate in zip(optimizer.param_groups, rates)", "group": "group", "rate": "rate"}
WALKS = [
    ZIPPED,
    {"loop": "i, group in enumerate(optimizer.param_groups)", "group": "group", "rate": "rates[i]"},
    {"loop": "i in range(len(rates))", "group": "optimizer.param_groups[i]", "rate": "rates[i]"},
    {"loop": "i, rate in enumerate(rates)", "group": "optimizer.param_groups[i]", "rate": "rate"},
]


@pytest.mark.parametrize("given", ["[0.1]", "[0.1, 0.1]", "args.rates"])
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk["loop"])
def test_a_function_that_is_given_a_rate_for_each_group(walk, given):
    assert messages(GIVEN_RATES.format(**walk, given=given)) == []


def test_a_list_that_the_function_makes_itself_says_nothing_of_how_many_groups_there_are():
    walk = {**ZIPPED, "loop": "group, rate in zip(optimizer.param_groups, [rates[0]])"}
    assert len(messages(GIVEN_RATES.format(**walk, given="[0.1, 0.1]"))) == 1


@pytest.mark.parametrize(("chosen", "told"), [("self.warmed", 0), ("range(1)", 1)])
def test_groups_that_a_list_chooses_are_meant(chosen, told):
    source = f"""
class Warm:
    def __init__(self, optimizer, warmup_steps, warmed=None):
        self.optimizer, self.warmup_steps, self.warmed, self.count = optimizer, warmup_steps, warmed or [0], 1
        self.rates = [group["lr"] for group in optimizer.param_groups]
        for index in {chosen}:
            optimizer.param_groups[index]["lr"] = self.rates[index] / warmup_steps

    def step(self):
        self.count += 1
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * min(1.0, self.count / self.warmup_steps)
"""
    assert len(messages(source)) == told
