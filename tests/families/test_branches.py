"""A site is all the schedules that its settings lead to: another definition, another side of a comparison."""

from __future__ import annotations

import pytest

from tests.families.test_families import family


def test_two_definitions_of_one_name_are_two_schedules() -> None:
    assert family("""
        def build(optimizer, args):
            if args.cos_lr:
                factor = lambda k: (1 + math.cos(k * math.pi / args.epochs)) / 2 * (1 - args.lrf) + args.lrf
            else:
                factor = lambda k: (1 - k / args.epochs) * (1 - args.lrf) + args.lrf
            return LambdaLR(optimizer, lr_lambda=factor)
    """) == {"linear", "cosine"}  # fmt: skip


def test_a_number_that_a_branch_compares_is_tried_at_its_border() -> None:
    assert family("""
        def adjust(optimizer, step, args):
            share = min(1, step / args.total_steps)
            if args.lr_final == 0:
                lr = args.lr * (1 - share)
            else:
                lr = args.lr * math.exp(math.log(args.lr_final / args.lr) * share)
            for group in optimizer.param_groups:
                group["lr"] = lr
    """) == {"linear", "exponential"}  # fmt: skip


def test_what_one_setting_opens_may_hold_a_choice_of_its_own() -> None:
    assert family("""
        def adjust(optimizer, step, args):
            if args.lr_final == args.lr:
                lr = args.lr
            else:
                share = min(1, step / args.total_steps)
                if args.lr_final == 0:
                    lr = args.lr * (1 - share)
                else:
                    lr = args.lr * math.exp(math.log(args.lr_final / args.lr) * share)
            if args.cosine_steps != 0:
                lr = args.lr * (1 + math.cos(math.pi * min(1, step / args.cosine_steps))) / 2
            for group in optimizer.param_groups:
                group["lr"] = lr
    """) == {"linear", "exponential", "cosine"}  # fmt: skip


def test_settings_that_make_a_schedule_stand_still_add_no_family() -> None:
    assert family("""
        def adjust(optimizer, step, args):
            if args.lr_final == args.lr:
                lr = args.lr
            else:
                lr = args.lr + (args.lr_final - args.lr) * min(1, step / args.total_steps)
            for group in optimizer.param_groups:
                group["lr"] = lr
    """) == {"linear"}  # fmt: skip


def test_an_exponent_at_its_border_adds_no_family() -> None:
    assert family("""
        def adjust(optimizer, step, args):
            share = 1 - min(1, step / args.total_steps)
            lr = args.lr * share if args.power == 1 else args.lr * share ** args.power
            if args.power == 1:
                lr = args.lr * share
            for group in optimizer.param_groups:
                group["lr"] = lr
    """) == {"poly"}  # fmt: skip


def test_one_cycle_in_straight_lines_is_the_same_policy() -> None:
    assert family("""
        def cosine(start, end, share):
            return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)

        def straight(start, end, share):
            return start + (end - start) * share

        class OneCycleScheduler:
            def __init__(self, optimizer, eta_max, total_steps, pct_start=0.3, anneal="cos", div_factor=25.0,
                         final_div_factor=1e4):
                self.optimizer, self.peak, self.total, self.count = optimizer, eta_max, total_steps, 0
                self.turn = pct_start * total_steps
                self.between = cosine if anneal == "cos" else straight
                if anneal not in ("cos", "linear"):
                    raise ValueError(anneal)
                self.first = eta_max / div_factor
                self.last = self.first / final_div_factor
                self.step()

            def step(self):
                k = self.count
                if k <= self.turn:
                    lr = self.between(self.first, self.peak, k / self.turn)
                else:
                    lr = self.between(self.peak, self.last, min(1, (k - self.turn) / (self.total - self.turn)))
                for group in self.optimizer.param_groups:
                    group["lr"] = lr
                self.count += 1
    """) == {"onecycle"}  # fmt: skip


@pytest.mark.parametrize("end", ['float("inf")', "math.inf", "10**9", "NEVER"])
def test_a_length_without_bound_by_default_is_drawn_like_one_that_must_be_given(end: str) -> None:
    assert family(f"""
        NEVER = int(1e9)

        class Poly:
            def __init__(self, optimizer, power=0.9, begin=0, end={end}):
                self.optimizer, self.power, self.count = optimizer, power, 0
                self.base = [group["lr"] for group in optimizer.param_groups]
                self.length = end - begin
                self.step()

            def step(self):
                share = max(0.0, 1 - self.count / self.length)
                for base, group in zip(self.base, self.optimizer.param_groups):
                    group["lr"] = base * share ** self.power
                self.count += 1
    """) == {"poly"}  # fmt: skip


def test_a_clock_in_tokens_runs_through_its_schedule_one_item_a_step() -> None:
    assert family("""
        class Callback:
            def __init__(self, args):
                self.args = args

            def on_train_batch_start(self, trainer, module, batch, batch_idx):
                args = self.args
                tokens = trainer.global_step * args.ctx_len * args.real_bsz
                warm = args.warmup_steps * args.ctx_len * args.real_bsz
                share = max(0, min(1, (tokens - warm) / (args.exit_tokens - warm)))
                lr = args.lr * (0.5 + 0.5 * math.cos(math.pi * share))
                if "offload" in args.strategy:
                    lr = lr * 0.5
                if trainer.global_step < args.warmup_steps:
                    lr = lr * (0.01 + 0.99 * trainer.global_step / args.warmup_steps)
                for group in trainer.optimizers[0].param_groups:
                    group["lr"] = lr
    """) == {"linear-warmup", "cosine"}  # fmt: skip


def test_as_many_weights_as_periods_where_the_code_asks_for_it() -> None:
    assert family("""
        class Restarts:
            def __init__(self, optimizer, periods, weights=(1,)):
                assert len(periods) == len(weights)
                self.optimizer, self.periods, self.weights, self.count = optimizer, periods, weights, 0
                self.base = [group["lr"] for group in optimizer.param_groups]
                self.step()

            def step(self):
                k, cycle = self.count, 0
                while cycle < len(self.periods) - 1 and k >= self.periods[cycle]:
                    k -= self.periods[cycle]
                    cycle += 1
                share = 0.5 * (1 + math.cos(math.pi * min(1, k / self.periods[cycle])))
                for base, group in zip(self.base, self.optimizer.param_groups):
                    group["lr"] = base * self.weights[cycle] * share
                self.count += 1
    """) == {"cosine-restarts"}  # fmt: skip


def test_a_key_that_a_comprehension_binds_is_no_setting() -> None:
    assert family("""
        class Steps:
            def __init__(self, optimizer, step_size=30, gamma=0.1):
                self.optimizer, self.step_size, self.gamma, self.count = optimizer, step_size, gamma, 0
                self.base = [group["lr"] for group in optimizer.param_groups]

            def state_dict(self):
                return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

            def step(self):
                for base, group in zip(self.base, self.optimizer.param_groups):
                    group["lr"] = base * self.gamma ** (self.count // self.step_size)
                self.count += 1
    """) == {"step"}  # fmt: skip


def test_a_step_schedule_that_begins_late_is_one_still() -> None:
    assert family("""
        class Steps:
            def __init__(self, optimizer, step_size=30, gamma=0.1, begin=0, end=float("inf")):
                self.optimizer, self.step_size, self.gamma, self.count = optimizer, step_size, gamma, 0
                self.begin, self.end = begin, end
                self.base = [group["lr"] for group in optimizer.param_groups]

            def step(self):
                k = self.count - self.begin
                if 0 <= k < self.end:
                    for base, group in zip(self.base, self.optimizer.param_groups):
                        group["lr"] = base * self.gamma ** (k // self.step_size)
                self.count += 1
    """) == {"step"}  # fmt: skip


WRAPPER = """
class Base:
    def __init__(self, optimizer, each_step):
        self.optimizer, self.each_step, self.k, self.e = optimizer, each_step, 1, 0
        self.begin()

    def write(self, lr):
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def begin(self):
        if self.each_step:
            self.step()
        else:
            self.write(self.at(self.e))

    def step(self):
        self.k += 1
        if self.each_step:
            self.write(self.at(self.k))

    def epoch(self):
        self.e += 1
        if not self.each_step:
            self.write(self.at(self.e))

class {name}(Base):
    def __init__(self, optimizer, {length}, peak_lr):
        self.length, self.peak = {length}, peak_lr
        super().__init__(optimizer, {each_step})

    def at(self, k):
        return self.peak * max(0.0, 1 - k / self.length)
"""


@pytest.mark.parametrize(("length", "each_step"), [("total_steps", True), ("epochs", False)])
def test_a_constructor_s_own_call_hides_no_method_that_goes_on(length: str, each_step: bool) -> None:
    code = WRAPPER.format(name="Falling", length=length, each_step=each_step)
    assert family(code, "Falling") == {"linear"}


HOOK = """
class RateHook:
    def __init__(self, warmup="linear", warmup_iters=50, warmup_ratio=0.1, by_epoch=True):
        self.warmup, self.warmup_iters, self.warmup_ratio, self.by_epoch = warmup, warmup_iters, warmup_ratio, by_epoch
        self.base, self.regular = [], []

    def write(self, runner, rates):
        for group, rate in zip(runner.optimizer.param_groups, rates):
            group["lr"] = rate

    def before_run(self, runner):
        for group in runner.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base = [group["initial_lr"] for group in runner.optimizer.param_groups]

    def before_train_epoch(self, runner):
        if self.by_epoch:
            self.regular = [self.rate(runner.epoch, runner.max_epochs, base) for base in self.base]
            self.write(runner, self.regular)

    def before_train_iter(self, runner):
        if self.warmup_iters > runner.iter:
            share = runner.iter / self.warmup_iters
            if self.warmup == "linear":
                factor = 1 - (1 - share) * (1 - self.warmup_ratio)
            elif self.warmup == "exp":
                factor = self.warmup_ratio ** (1 - share)
            elif self.warmup == "constant":
                factor = self.warmup_ratio
            self.write(runner, [rate * factor for rate in self.regular])
        elif runner.iter == self.warmup_iters:
            self.write(runner, self.regular)
"""


@pytest.mark.parametrize(
    ("rate", "decay"),
    [
        ("0.5 * base * (1 + math.cos(math.pi * epoch / epochs))", "cosine"),
        ("base * (1 - epoch / epochs) ** 0.9", "poly"),
    ],
)
def test_a_hook_begins_before_the_run_and_moves_by_the_epoch_after_a_warmup_by_the_batch(rate: str, decay: str) -> None:
    code = HOOK + f"    def rate(self, epoch, epochs, base):\n        return {rate}\n"
    assert family(code, "RateHook") == {"linear-warmup", "exp-warmup", decay}


def test_a_warmup_at_a_fixed_share_of_the_decay_adds_no_family() -> None:
    assert family("""
        class Held(LRScheduler):
            def __init__(self, optimizer, total_steps, warmup_iters=11, warmup_ratio=0.1, last_epoch=-1):
                self.total, self.warmup_iters, self.share = total_steps, warmup_iters, warmup_ratio
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                k = min(self.last_epoch, self.total)
                factor = 0.5 * (1 + math.cos(math.pi * k / self.total))
                if k < self.warmup_iters:
                    factor = factor * self.share
                return [base * factor for base in self.base_lrs]
    """) == {"cosine"}  # fmt: skip


def test_a_test_that_leaves_from_a_finally_has_what_stands_beside_it() -> None:
    assert family("""
        def build(optimizer, warmup, total):
            def factor(step):
                try:
                    pass
                finally:
                    if step < warmup:
                        return step / warmup
                return max(0.0, 1 - (step - warmup) / max(1, total - warmup))
            return LambdaLR(optimizer, factor)
    """) == {"linear-warmup", "linear"}  # fmt: skip
