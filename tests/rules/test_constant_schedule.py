"""LR105: constants that were meant to be something else."""

from __future__ import annotations

import textwrap

import pytest

HEAD = "from torch.optim.lr_scheduler import ChainedScheduler, LambdaLR, LinearLR, SequentialLR, StepLR\n\n\n"


@pytest.fixture
def check(asked):
    """What LR105 says of a source text."""
    return lambda source: asked("LR105", source)


def constants(found):
    return [violation for violation in found if not violation.advice]


@pytest.mark.parametrize(
    "body",
    [
        "return LambdaLR(optimizer, lambda epoch: 1.0)",
        "warmup = LinearLR(optimizer, 0.1, total_iters=9)\n    rest = LambdaLR(optimizer, lambda epoch: 1.0)\n"
        "    return SequentialLR(optimizer, [warmup, rest], [10])",
    ],
)
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("CosineAnnealing", True),
        ("poly_decay", True),
        ("constant_or_cosine", False),
        ("warmup", False),
        ("fixed", False),
    ],
)
def test_a_name_that_promises_a_shape(check, body, name, broken):
    found = constants(check(f"{HEAD}def {name}(optimizer, epochs):\n    {body}\n"))
    assert [f"`{name}` says" in f.message for f in found] == ([True] if broken else [])


@pytest.mark.parametrize(
    "body",
    [
        "return LambdaLR(optimizer, lambda epoch: 0.5 ** epoch)",
        "warmup = LambdaLR(optimizer, lambda epoch: 1.0)\n    return [warmup, StepLR(optimizer, 30)]",
        "if epochs:\n        return LambdaLR(optimizer, lambda epoch: 1.0)\n    return None",
    ],
)
def test_a_promise_that_is_kept_or_may_be(check, body):
    assert constants(check(f"{HEAD}def cosine_decay(optimizer, epochs):\n    {body}\n")) == []


SETTER = """
def adjust(optimizer, epoch, base_lr, total_epochs=90):
    lr = {formula}
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("formula", "constant"),
    [
        ("base_lr * (1 - epoch * 0 / total_epochs)", True),
        ("base_lr * (1 - epoch / (2 * total_epochs))", False),
        ("base_lr", False),
    ],
)
def test_a_function_whose_step_cancels_out(check, formula, constant):
    assert bool(constants(check(SETTER.format(formula=formula)))) is constant


def test_updates_counted_in_the_groups_by_the_optimizer_move_the_rate(check):
    source = """
        from torch.optim.lr_scheduler import LRScheduler

        class Poly(LRScheduler):
            def __init__(self, optimizer, total_steps, last_epoch=-1):
                self.total_steps = total_steps
                super().__init__(optimizer, last_epoch)

            def step(self, epoch=None):
                group = self.optimizer.param_groups[0]
                if {test}:
                    self.last_epoch = group["step"] + 1
                else:
                    self.last_epoch = 1
                for group, lr in zip(self.optimizer.param_groups, self.get_lr()):
                    group["lr"] = lr

            def get_lr(self):
                return [base * max(0.0, 1 - self.last_epoch / self.total_steps) for base in self.base_lrs]
    """
    assert constants(check(source.format(test='"step" in group'))) == []
    assert len(constants(check(source.format(test='"step" in self.__dict__')))) == 1


@pytest.mark.parametrize("owner", ["Config()", "Config"])
@pytest.mark.parametrize("fraction", ["0.7", "0.3"])
def test_a_plateau_as_long_as_what_is_simulated_is_no_constant(check, owner, fraction):
    found = check(f"""
        class Config:
            num_iterations = 5960
            cooldown_frac = {fraction}

        args = {owner}

        def get_lr(step: int):
            x = step / args.num_iterations
            assert 0 <= x < 1
            if x < 1 - args.cooldown_frac:
                return 1.0
            return (1 - x) / args.cooldown_frac

        for step in range(args.num_iterations):
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * get_lr(step)
            optimizer.step()
    """)
    assert constants(found) == []


RETURNED = """
from torch.optim import SGD

def adjust_learning_rate(optimizer, epoch, total_epochs, base_lr=0.1):
    lr = base_lr * (1 - epoch / total_epochs) ** 2
    {write}
    return lr

def train(model, loader, total_epochs):
    optimizer = SGD(model.parameters(), lr=0.1)
    for epoch in range(total_epochs):
        lr = adjust_learning_rate(optimizer, epoch, total_epochs)
        {use}
        for batch in loader:
            optimizer.zero_grad()
            model(batch).backward()
            optimizer.step()
        print(epoch, lr)
"""
GROUPS = 'for group in {owner}.param_groups: group["lr"] = lr'


@pytest.mark.parametrize(
    ("write", "use", "reported"),
    [
        ("pass", "pass", True),
        (GROUPS.format(owner="optimizer"), "pass", False),
        ("pass", GROUPS.format(owner="optimizer"), False),
        ("pass", "set_rate(optimizer, lr)", False),
    ],
)
def test_a_rate_worked_out_for_an_optimizer_that_never_gets_it(check, write, use, reported):
    found = constants(check(RETURNED.format(write=write, use=use)))
    assert ["does not reach the optimizer" in f.message for f in found] == ([True] if reported else [])


@pytest.mark.parametrize(
    ("option", "constant", "reported"),
    [
        ("constant", "lambda step: 1.0", False),
        ("root", "lambda step: 1.0 + 0 * step", True),
        ("none", "lambda step: 1.0 + 0 * step", False),
    ],
)
def test_a_branch_that_is_constant_on_purpose_beside_others(check, option, constant, reported):
    source = f"""
def linear(step, total):
    return max(0.0, 1 - step / total)


def factor(args, total):
    if args.scheduler == "linear":
        made = partial(linear, total=total)
    elif args.scheduler == "{option}":
        made = {constant}
    else:
        raise ValueError(args.scheduler)
    return made


def build(model, args, total):
    optimizer = SGD(model.parameters(), lr=args.lr)
    return LambdaLR(optimizer, factor(args, total))
"""
    found = check("from functools import partial\nfrom torch.optim import SGD\n" + HEAD + source)
    assert bool(constants(found)) == reported


LOGGED = """
import math
from torch.optim import SGD

def get_lr(step, max_steps, peak):
    return peak * 0.5 * (1 + math.cos(math.pi * step / max_steps))

def train(model, loader, max_steps):
    optimizer = SGD(model.parameters(), lr=0.1)
    for step in range(max_steps):
        lr = get_lr(step, max_steps, 0.1)
        {use}
        optimizer.step()
        print(f"step {{step}} lr {{lr}}")
"""


@pytest.mark.parametrize(
    ("use", "reported"),
    [
        ("pass", True),
        ('wandb.log({"lr": lr})', True),
        (GROUPS.format(owner="optimizer"), False),
        ("apply(model, lr)", False),
        ('optimizer.param_groups[0].update({"lr": lr})', False),
    ],
)
def test_a_rate_that_only_the_log_sees(check, use, reported):
    assert bool(constants(check(LOGGED.format(use=use)))) is reported


DOCUMENTED = '''
def adjust_learning_rate(optimizer, epoch, args):
    """{doc}"""
    lr = args.lr{more}
    for group in optimizer.param_groups:
        if "lr_scale" in group:
            group["lr"] = lr * group["lr_scale"]
        else:
            group["lr"] = lr
'''


@pytest.mark.parametrize(
    ("doc", "more", "reported"),
    [
        ("Cosine decay of the rate after a warmup.", "", True),
        ("Cosine decay of the rate after a warmup.", " * (1 - epoch / args.epochs)", False),
        ("The rate of the present epoch.", "", False),
        ("Constant or polynomial decay.", "", False),
    ],
)
def test_a_docstring_that_promises_a_shape(check, doc, more, reported):
    assert bool(constants(check(DOCUMENTED.format(doc=doc, more=more)))) is reported


CHAINED = """
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

class Dampened(LRScheduler):
    def __init__(self, optimizer, warmup_steps, last_epoch=-1):
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = min(1.0, self.last_epoch / self.warmup_steps)
        return [group["lr"] * share for group in self.optimizer.param_groups]
"""
BESIDE = """
def build(optimizer, total):
    decay = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    return [decay, Dampened(optimizer, 100)]
"""


@pytest.mark.parametrize(("beside", "reported"), [("", True), (BESIDE, False)])
def test_a_multiplier_of_what_another_scheduler_writes(check, beside, reported):
    assert bool(constants(check(CHAINED + beside))) is reported


FLOORED = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, milestones, cfg):
    def factor(epoch):
        drops = sum(epoch >= m for m in milestones)
        return max(cfg.DROP ** drops, {floor})

    return LambdaLR(optimizer, factor)
"""


@pytest.mark.parametrize("floor", ["cfg.CLIP / cfg.LR", "cfg.BOTTOM", "cfg.CLIP"])
def test_a_constant_that_only_invented_values_make(check, floor):
    assert constants(check(FLOORED.format(floor=floor))) == []


COUNTED = """
class Poly:
    def __init__(self, optimizer, total_steps):
        self.optimizer, self.total_steps, self.count = optimizer, total_steps, 0
        self.bases = [group["lr"] for group in optimizer.param_groups]

    def step(self):
        {advance}
        for group, base in zip(self.optimizer.param_groups, self.bases):
            group["lr"] = base * max(0.0, 1 - self.count / self.total_steps)
"""


@pytest.mark.parametrize(
    ("advance", "reported"), [("self.count += 1", False), ("self.count = min(self.count + 1, 0)", True)]
)
def test_a_class_of_ones_own_that_never_counts(check, advance, reported):
    assert bool(constants(check(COUNTED.format(advance=advance)))) is reported


BARE = """
from torch.optim.lr_scheduler import LRScheduler

class {name}(LRScheduler):
    def __init__(self, optimizer, warmup_steps={warmup}, gamma=0.1, last_epoch=-1):
        self.warmup_steps, self.gamma = warmup_steps, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [{rate} for group in self.optimizer.param_groups]
"""


@pytest.mark.parametrize("warmup", ["10", "10000"])
@pytest.mark.parametrize(
    ("name", "rate", "reported"),
    [
        ("WarmupDecay", 'group["lr"]', True),
        ("ConstantRate", 'group["lr"]', False),
        ("WarmupDecay", 'group["lr"] * (self.gamma if self.last_epoch == self.warmup_steps else 1)', False),
    ],
)
def test_a_class_with_the_words_of_a_schedule_and_no_formula(check, name, rate, warmup, reported):
    assert bool(constants(check(BARE.format(name=name, rate=rate, warmup=warmup)))) is reported


KEPT = """
from torch.optim.lr_scheduler import LRScheduler

class {name}(LRScheduler):
    def __init__(self, optimizer, {settings}, last_epoch=-1):
        self.kept = [{settings}]
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [group["lr"] for group in self.optimizer.param_groups]
"""


@pytest.mark.parametrize(
    ("name", "settings", "reported"),
    [
        ("WarmUpLR", "total_iters", True),
        ("StairsOfMilestones", "milestones, gamma", True),
        ("Keeper", "total_iters", False),
        ("NoWarmup", "total_iters", False),
        ("ConstantStairs", "milestones, gamma", False),
    ],
)
def test_a_name_that_moves_and_a_length_say_that_a_rate_is_meant_to(check, name, settings, reported):
    assert bool(constants(check(KEPT.format(name=name, settings=settings)))) is reported


CALLED = """
class WarmupDecaySchedule:
    def __init__(self, lr, warmup_steps):
        self.base_lr, self.warmup_steps = lr, warmup_steps
        self.current_lr, self.count = 0, 0

    def __call__(self, optimizer):
        lr = self.base_lr * min(1.0, (self.count + 1) / self.warmup_steps) * 0.99 ** self.count
        for group in optimizer.param_groups:
            group["lr"] = {written}
        self.current_lr = lr
        self.count += 1
"""


@pytest.mark.parametrize(("written", "reported"), [("lr", False), ("self.base_lr", True)])
def test_a_class_that_notes_its_rates_and_never_writes_them(check, written, reported):
    assert bool(constants(check(CALLED.format(written=written)))) is reported


DRIVES_TWO = """
from torch.optim.lr_scheduler import LambdaLR

class RampThenFall:
    def __init__(self, optimizer, ramp_steps, total_steps):
        self.ramp_steps, self.total_steps, self.count = ramp_steps, total_steps, 0
        self.first = LambdaLR(optimizer, self.up)
        self.second = LambdaLR(optimizer, self.down)

    def up(self, step):
        return min(1.0, (step + 1) / self.ramp_steps)

    def down(self, step):
        return max(0.0, 1.0 - step / self.total_steps)

    def step(self):
        self.count += 1
        if {unfinished}:
            self.first.step()
        else:
            self.second.step()
"""


@pytest.mark.parametrize(
    ("unfinished", "reported"),
    [
        ("self.count < self.ramp_steps", False),
        ("self.first.last_epoch + 1 < self.ramp_steps", False),
        # A rate is compared with what a factor comes to.
        ("self.first.get_last_lr()[0] < 1.0", True),
    ],
)
def test_a_decay_that_no_step_gets_to(check, unfinished, reported):
    assert bool(constants(check(DRIVES_TWO.format(unfinished=unfinished)))) is reported


def test_a_rate_that_follows_the_tokens_seen_moves(check):
    assert not constants(
        check(
            """
            def get_lr(tokens, peak, warmup_tokens, final_tokens):
                if tokens < warmup_tokens:
                    return peak * tokens / warmup_tokens
                return peak * max(0.0, 1 - (tokens - warmup_tokens) / (final_tokens - warmup_tokens))

            def train(opt, loader, config):
                tokens = 0
                for x, y in loader:
                    tokens += (y >= 0).sum()
                    lr = get_lr(tokens, config.lr, config.warmup_tokens, config.final_tokens)
                    for group in opt.param_groups:
                        group["lr"] = lr
            """
        )
    )


def test_a_setter_inside_the_training_function_moves_with_what_its_caller_gives_it(check):
    """The parameter says a length by its name, and the loop gives it the epoch; ``opt`` holds the options."""
    source = """
import torch

def train(model, loader, optimizer, opt):
    def set_rate(n_steps):
        n_steps += 1
        rate = opt.width ** -0.5 * min(n_steps ** -0.5, n_steps * opt.warmup_steps ** -1.5)
        for group in optimizer.param_groups:
            group["lr"] = rate

    for epoch in range(opt.epochs):
        set_rate(epoch)
        for batch in loader:
            model(batch).backward()
            optimizer.step()
    """
    assert constants(check(source)) == []


PRECOMPUTES = """
class RampBeforeFall:
    def __init__(self, optimizer, ramp_steps, total_steps, mode="even"):
        self.optimizer, self.ramp_steps, self.total_steps, self.mode = optimizer, ramp_steps, total_steps, mode
        self.count, self.base_lr = 0, optimizer.param_groups[0]["lr"]
        self.later = self.fall()

    def fall(self):
        return [self.base_lr * (1 - k / self.total_steps) for k in range(self.total_steps)]

    def after_epoch(self, epoch):
        self.write(self.later[epoch])

    def write(self, lr):
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def step(self):
        self.count += 1
        done = min(1.0, self.count / self.ramp_steps)
        if self.mode == "even":
            self.write(self.base_lr * done)
        else:
            self.write(self.base_lr * done**2)
"""


def test_a_test_that_leads_elsewhere_keeps_no_part_out(check):
    assert not any("never again" in f.message for f in check(PRECOMPUTES))


ADJUST = """
    def adjust_learning_rate(optimizer, epoch, args, logger):
        lr = args.lr * 0.1 ** (epoch // 30)
        {also}
        for group in optimizer.param_groups:
            group["lr"] = {written}
        {after}
    """


@pytest.mark.parametrize(
    ("written", "also", "after", "wrong"),
    [
        ("lr", "pass", "pass", False),
        ("args.lr", "pass", "pass", True),
        ("args.lr", "pass", "logger.info(lr)", True),
        # Numbers that it is made of are worked out for it alone.
        ("args.lr", "floor = 0.1 * lr; lr = max(lr, floor)", "pass", True),
        ("args.lr", "options = args; steps = epoch // 2; lr = options.lr * 0.1**steps", "return steps, lr", True),
        ("lr", "new = lr; lr = new", "return lr", False),
        ("args.lr", "args.lr = lr", "pass", False),
        ("args.lr * group['scale']", "pass", "pass", False),
        ("lr if epoch else args.lr", "pass", "pass", False),
    ],
)
def test_a_rate_that_is_worked_out_while_another_is_written(check, written, also, after, wrong):
    found = constants(check(ADJUST.format(written=written, also=also, after=after)))
    assert any(violation.message.startswith("`lr`, worked out from `epoch`") for violation in found) is wrong


@pytest.mark.parametrize(
    ("use", "wrong"),
    [
        ("adjust_learning_rate(optimizer, epoch, args, logger)", True),
        ("logger.info(adjust_learning_rate(optimizer, epoch, args, logger))", True),
        ("now = adjust_learning_rate(optimizer, epoch, args, logger)\n        group['lr'] = now", False),
        ("group['lr'] = 0.5 * adjust_learning_rate(optimizer, epoch, args, logger)", False),
    ],
)
def test_whoever_is_given_the_rate_may_write_it(check, use, wrong):
    code = textwrap.dedent(ADJUST.format(written="args.lr", also="pass", after="return lr"))
    code += f"\ndef train(optimizer, args, logger, group):\n    for epoch in range(90):\n        {use}\n"
    assert any("worked out from" in violation.message for violation in constants(check(code))) is wrong


@pytest.mark.parametrize("kind", ["global", "nonlocal"])
def test_a_rate_of_an_outer_scope_is_what_others_may_write(check, kind):
    code = f"""
        def outer(optimizer, base_lr):
            lr = base_lr

            def adjust_learning_rate(epoch):
                {kind} lr
                lr = base_lr * 0.1 ** (epoch // 30)
                for group in optimizer.param_groups[:1]:
                    group["lr"] = base_lr

            def adjust_others():
                for group in optimizer.param_groups[1:]:
                    group["lr"] = lr
        """
    assert not any("worked out from" in violation.message for violation in constants(check(code)))


@pytest.mark.parametrize("name", ["nb_iter", "whereabouts"])
def test_a_setter_is_moved_by_the_loop_that_calls_it_whatever_its_parameter_is_called(name, codes):
    source = f"""
    import torch

    def warm_up(optimizer, {name}, warmup, lr):
        current_lr = lr * ({name} + 1) / (warmup + 1)
        for group in optimizer.param_groups:
            group["lr"] = current_lr

    def main(args, net, batches):
        optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr)
        for {name} in range(1, args.warmup):
            warm_up(optimizer, {name}, args.warmup, args.lr)
            net(next(batches)).backward()
            optimizer.step()
    """
    assert "LR105" not in codes(source)


def test_a_decay_that_only_an_invented_number_keeps_from_beginning_is_no_fault(asked):
    source = """
import math
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, total_steps, x):
    def factor(step):
        if step < x * total_steps:
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - x * total_steps) / (total_steps - x * total_steps)))

    return LambdaLR(optimizer, factor)
"""
    assert [found for found in asked("LR105", source) if not found.advice] == []


@pytest.mark.parametrize("position", ["step_now", "seen"])
def test_what_a_function_is_given_and_works_with_may_be_where_training_stands(position, asked):
    source = f"""
def warm_up(optimizer, {position}, warmup_step, lr):
    lr = lr / warmup_step * {position}
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
    assert asked("LR105", source) == []


@pytest.mark.parametrize("name", ["fall_from", "start_epoch"])
def test_what_waits_for_a_step_that_no_run_here_comes_to_may_move_then(name, asked):
    source = f"""
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, cfg):
    begin = int(getattr(cfg, "{name}", 200 * 1e3))
    until = int(getattr(cfg, "until", 400 * 1e3))

    def factor(epoch):
        if epoch <= begin:
            return 1.0
        return max(0.1, 1 - (epoch - begin) / (until - begin))

    return LambdaLR(optimizer, factor)
"""
    assert [found for found in asked("LR105", source) if not found.advice] == []


@pytest.mark.parametrize(
    ("before", "power", "told"),
    [
        (0.1, "self.last_epoch - self.first_epochs", False),
        (1.0, "self.last_epoch - self.first_epochs", False),
        (1.0, "self.last_epoch // self.first_epochs", True),
    ],
)
def test_a_length_from_which_the_rate_moves_on_is_that_of_a_phase(before, power, told, asked):
    source = f"""
from torch.optim.lr_scheduler import LRScheduler


class Late(LRScheduler):
    def __init__(self, optimizer, first_epochs, gamma=0.9):
        self.first_epochs, self.gamma = first_epochs, gamma
        super().__init__(optimizer)

    def get_lr(self):
        if self.last_epoch < self.first_epochs:
            return [base * {before} for base in self.base_lrs]
        return [base * self.gamma ** ({power}) for base in self.base_lrs]
"""
    assert bool([found for found in asked("LR105", source) if not found.advice]) is told


@pytest.mark.parametrize("called", [True, False])
def test_a_count_that_a_function_is_handed_may_be_where_training_stands(called, asked):
    source = """
def apply_decay(decay, lr, optimizer, num_iter):
    if decay != 1:
        for group in optimizer.param_groups:
            group["lr"] = lr * (decay ** num_iter)
"""
    if called:
        source += """

def train(model, loader, optimizer, buffer, args):
    for x, y in loader:
        apply_decay(args.decay, args.lr, optimizer, buffer.num_seen_examples)
        model(x, y).backward()
        optimizer.step()
"""
    assert asked("LR105", source) == []


@pytest.mark.parametrize(("given", "told"), [("cur_iter", False), ("start_factor", True)])
def test_a_class_that_takes_the_position_is_built_anew_for_each(given, told, asked):
    source = f"""
from torch.optim.lr_scheduler import LRScheduler


class Poly(LRScheduler):
    def __init__(self, optimizer, max_iter, {given}, power=0.9):
        self.max_iter, self.{given}, self.power = max_iter, {given}, power
        super().__init__(optimizer)

    def get_lr(self):
        return [base * max(0.0, 1 - self.{given} / self.max_iter) ** self.power for base in self.base_lrs]
"""
    assert bool([found for found in asked("LR105", source) if not found.advice]) is told


@pytest.mark.parametrize(("read", "told"), [("optimizer.state", False), ("notes", True)])
def test_the_updates_that_the_optimizer_counts_are_not_simulated(read, told, asked):
    source = f"""
import torch

optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
notes = {{}}

def updates():
    for state in {read}.values():
        if "step" in state:
            return int(state["step"])
    return 0

for batch in loader:
    for group in optimizer.param_groups:
        group["lr"] = 1e-3 * min(1, (updates() + 1) / 100)
    model(batch).sum().backward()
    optimizer.step()
"""
    assert bool(asked("LR105", source)) is told


@pytest.mark.parametrize(("key", "told"), [("weight_decay", False), ("lr", True)])
def test_what_is_nothing_unless_somebody_sets_it_for_a_group_may_move_the_rate(key, told, asked):
    source = f"""
def decay_rate(optimizer, step, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr / (1 + (group["{key}"] - group["{key}"] * 1.0) * step)
"""
    assert bool([found for found in asked("LR105", source) if not found.advice]) is told


def test_a_rate_that_is_set_once_where_training_goes_on_is_no_schedule(asked):
    source = """
class Trainer:
    def __init__(self, config):
        if config.finetune:
            if self.replayed:
                for epoch in range(self.first, self.last):
                    rates.append(scheduler.optimizer.param_groups[0]["lr"])
                    optimizer.step()
                    scheduler.step()
            else:
                cur_iters = self.start_epoch * len(self.loader)
                self.optimizer.param_groups[0]["lr"] = self.lr * (1 - float(cur_iters) / self.max_iters) ** self.power
"""
    assert asked("LR105", source) == []
