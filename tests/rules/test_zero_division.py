"""Settings at the edge: which of them are legal, and which the code refuses or survives."""

from __future__ import annotations

import asking
import pytest

WARMUP = """
    from torch.optim.lr_scheduler import LRScheduler

    class Ramp(LRScheduler):
        def __init__(self, optimizer, warmup_steps{default}, last_epoch=-1):
            {guard}
            self.warmup_steps = warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            scale = min(1.0, (self.last_epoch + 1) / {length})
            return [base * scale for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("default", "guard", "length", "faults", "advised"),
    [
        ("=0", "pass", "self.warmup_steps", ["LR205"], []),
        ("", "pass", "self.warmup_steps", [], ["LR205"]),
        ("=100", "pass", "self.warmup_steps", [], ["LR205"]),
        ("=0", "pass", "max(1, self.warmup_steps)", [], []),
        ("", "assert warmup_steps > 0", "self.warmup_steps", [], []),
    ],
)
def test_no_warmup_is_a_fault_where_it_is_the_default_and_advice_where_a_caller_may_choose_it(
    codes, advice, default, guard, length, faults, advised
):
    source = WARMUP.format(default=default, guard=guard, length=length)
    assert codes(source) == faults
    assert [f.code for f in advice(source) if f.code != "LR203"] == advised


@pytest.mark.parametrize(("computed", "reported"), [(False, True), (True, False)])
def test_a_zero_that_the_code_replaces_before_use_is_no_default(codes, computed, reported):
    computing = "args.num_iterations = args.total_timesteps // args.batch_size"
    source = f"""
        from dataclasses import dataclass

        @dataclass
        class Args:
            lr: float = 1e-3
            total_timesteps: int = 100000
            batch_size: int = 100
            num_iterations: int = 0

        def train(args: Args, optimizer):
            {computing if computed else "pass"}
            for iteration in range(1, args.num_iterations + 1):
                frac = 1.0 - (iteration - 1.0) / args.num_iterations
                optimizer.param_groups[0]["lr"] = frac * args.lr

        def adjust(optimizer, step, args: Args):
            for group in optimizer.param_groups:
                group["lr"] = args.lr * (1 - step / args.num_iterations)
        """
    assert codes(source) == (["LR205"] if reported else [])


WHOLE = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps, total_steps):
        def factor(step):
            if step < warmup_steps:
                return step / warmup_steps
            if step {test} total_steps:
                return 0.0
            return 1 - (step - warmup_steps) / (total_steps - warmup_steps)

        return LambdaLR(optimizer, factor)
    """


@pytest.mark.parametrize(("test", "reported"), [(">", True), (">=", False)])
def test_a_warmup_as_long_as_the_run_is_told_of_where_it_divides_at_its_end(codes, advice, test, reported):
    assert codes(WHOLE.format(test=test)) == []
    found = [f for f in advice(WHOLE.format(test=test)) if f.code != "LR203"]
    assert [f.code for f in found] == (["LR205"] if reported else [])
    if reported:
        assert "`warmup_steps` = `total_steps`" in found[0].message


def test_a_function_asked_up_to_its_horizon_never_reaches_the_division(codes):
    assert (
        codes(
            """
            def adjust(optimizer, step, warmup_steps, total_steps, lr):
                if step < warmup_steps:
                    rate = lr * step / warmup_steps
                else:
                    rate = lr * (1 - (step - warmup_steps) / (total_steps - warmup_steps))
                for group in optimizer.param_groups:
                    group["lr"] = max(rate, 0.0)
            """
        )
        == []
    )


def test_numbers_that_the_module_states_are_not_moved(codes):
    source = """
        warmup_steps = {warmup}
        decay_steps = 600

        def rate(step):
            if step < warmup_steps:
                return 0.1 * step / warmup_steps
            if step > decay_steps:
                return 0.0
            return 0.1 * (1 - (step - warmup_steps) / (decay_steps - warmup_steps))

        def adjust(optimizer, step):
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
        """
    assert codes(source.format(warmup=200)) == []


TRAINER = """
    from typing import Union
    from trainers import State, Time

    class LinearWarmupLR:
        def __init__(self, t_warmup: Union[str, Time]):
            self.t_warmup = t_warmup

        def __call__(self, state: State):
            length = state.max_duration
            if state.timestamp < self.t_warmup:
                return (state.timestamp / self.t_warmup).value
            share = ((state.timestamp - self.t_warmup) / (length - self.t_warmup)).value{guard}
            return 1.0 - min(1.0, share)
    """


@pytest.mark.parametrize(("guard", "reported"), [("", True), (" if length > self.t_warmup else 0.0", False)])
def test_a_trainer_that_tells_where_it_stands_asks_at_the_end_as_well(codes, advice, guard, reported):
    source = TRAINER.format(guard=guard)
    assert "LR205" not in codes(source)
    found = [f for f in advice(source) if f.code != "LR203"]
    assert [f.code for f in found] == (["LR205"] if reported else [])
    if reported:
        assert "`t_warmup` = `state.max_duration`" in found[0].message


@pytest.mark.parametrize(("parts", "reported"), [(False, True), (True, False)])
def test_a_part_of_a_schedule_is_asked_as_its_whole_asks_it(advice, parts, reported):
    """Without warmup the whole never asks its warmup part, which divides by its length."""
    whole = """
    class Whole:
        def __init__(self, warmup_steps):
            self.warmup_steps = warmup_steps
            self.ramp = RampLR(warmup_steps)
        def __call__(self, step):
            return self.ramp(step) if step < self.warmup_steps else 1.0
    """
    ramp = """
    class RampLR:
        def __init__(self, warmup_steps):
            self.warmup_steps = warmup_steps
        def __call__(self, step):
            return min(1.0, step / self.warmup_steps)
    """
    use = whole if parts else "\n    ramp = RampLR(warmup_steps=20)\n"
    found = [f.code for f in advice(ramp + use) if f.code != "LR203"]
    assert found == (["LR205"] if reported else [])


SETTINGS = """
    import math

    warmup_iters = 2000
    decay_iters = 600000
    learning_rate = 6e-4
    {override}

    def get_lr(it):
        if it < warmup_iters:
            return learning_rate * (it + 1) / (warmup_iters + 1)
        if it > decay_iters:
            return 0.0
        done = (it - warmup_iters) / (decay_iters - warmup_iters)
        return 0.5 * learning_rate * (1 + math.cos(math.pi * done))
    """


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("exec(open('configurator.py').read())", ["LR205"]),
        ("globals().update(vars(parse_arguments()))", ["LR205"]),
        ("globals()['warmup_iters'] = chosen()", ["LR205"]),
        ("print(warmup_iters)", []),
    ],
)
def test_numbers_that_a_module_lets_others_set_are_settings(advice, override, told):
    assert [f.code for f in advice(SETTINGS.format(override=override)) if f.code == "LR205"] == told


SINGLE = """
    def get_lr(step, total_steps, base_lr):
        return base_lr * (1 - step / {last})
    """


@pytest.mark.parametrize(("last", "told"), [("(total_steps - 1)", ["LR205"]), ("total_steps", [])])
def test_a_run_of_one_step_has_no_length_less_one(codes, advice, last, told):
    assert codes(SINGLE.format(last=last)) == []
    assert [f.code for f in advice(SINGLE.format(last=last)) if f.code == "LR205"] == told


def test_a_run_that_is_too_short_for_a_single_turn_of_its_loop_divides_nothing(advice):
    source = """
    def train(model, optimizer, args):
        updates = args.total_steps // args.batch_size
        for update in range(1, updates + 1):
            lr = (1.0 - (update - 1.0) / updates) * args.lr
            optimizer.param_groups[0]["lr"] = lr
            optimizer.step()
    """
    assert [f for f in advice(source) if f.code == "LR205"] == []


def test_a_divisor_made_of_numbers_that_nobody_can_name_is_no_fault(codes):
    assert (
        codes(
            """
            import math

            def cyclic_cosine_annealing(init_lr, global_step, T, M):
                length = T // M
                return init_lr / 2 * (math.cos(math.pi * ((global_step - 1) % length) / length) + 1)
            """
        )
        == []
    )


@pytest.mark.parametrize(
    ("test", "expected"), [("step <= args.warmup_steps and args.warmup_steps", []), ("args.warm", ["LR205"])]
)
def test_a_loop_that_tests_the_length_before_it_divides_survives_its_default(codes, test, expected):
    source = f"""
        import argparse

        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        parser.add_argument("--warm", action="store_true")
        parser.add_argument("--warmup_steps", type=int, default=0)
        args = parser.parse_args()

        def train(loader, optimizer):
            for step, batch in enumerate(loader):
                if {test}:
                    optimizer.param_groups[0]["lr"] = args.lr * min(1, step / args.warmup_steps)
                optimizer.step()
        """
    assert codes(source) == expected


@pytest.mark.parametrize(
    ("length", "told"),
    [
        ("math.log(warmup_steps)", ["a warmup of one step"]),
        ("(warmup_steps - 1)", ["a warmup of one step"]),
        ("math.log(max(2, warmup_steps))", []),
        ("max(1, warmup_steps - 1)", []),
        ("(warmup_steps + 1)", []),
    ],
)
def test_a_warmup_of_one_step_is_tried_where_one_makes_a_zero(advice, length, told):
    source = f"""
        import math

        class WarmupScheduler:
            def __init__(self, optimizer, base_lr=0.1, warmup_steps=1000):
                assert warmup_steps > 0
                self.optimizer, self.base_lr, self.count = optimizer, base_lr, 0
                self.slope = 1.0 / {length}

            def step(self):
                self.count += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.base_lr * min(1.0, self.count * self.slope)
    """
    found = [f for f in advice(source) if f.code == "LR205"]
    assert [part for f in found for part in ("a warmup of one step",) if part in f.message] == told


@pytest.mark.parametrize(("size", "reported"), [(50000, False), (1, True)])
def test_a_division_fails_with_the_numbers_that_the_file_states(codes, size, reported):
    source = f"""
        batch_size = 64 / 1
        epoch_size = {size}
        warmup_steps = 2 * (epoch_size // 2) // batch_size

        def train(optimizer, max_iters, learning_rate):
            step_count = 0
            for iteration in range(max_iters):
                if step_count <= warmup_steps:
                    lr = learning_rate * step_count / warmup_steps
                    for group in optimizer.param_groups:
                        group["lr"] = lr
                step_count += 1
        """
    assert ("LR205" in codes(source)) is reported


STOCK = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

    def build(optimizer, args, loader):
        return {made}
    """


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("OneCycleLR(optimizer, max_lr=0.1, total_steps=10, pct_start=0.1)", True),
        ("OneCycleLR(optimizer, max_lr=0.1, total_steps=10, pct_start=0.3)", False),
        ("OneCycleLR(optimizer, max_lr=0.1, total_steps=args.epochs * len(loader))", False),
        ("CosineAnnealingLR(optimizer, T_max=0)", True),
        ("CosineAnnealingLR(optimizer, T_max=args.epochs)", False),
    ],
)
def test_a_scheduler_of_torch_divides_with_the_numbers_that_it_is_built_with(codes, made, told):
    assert ("LR205" in codes(STOCK.format(made=made))) == told


ASKED = """
    def set_rate(config, state, optimizer):
        if state.step < config.warmup_steps:
            rate = config.lr * state.step / config.warmup_steps
        else:
            share = (state.step - config.warmup_steps) / (state.total_steps - config.warmup_steps)
            rate = config.lr * (1 - share)
        for group in optimizer.param_groups:
            group["lr"] = rate

    def train(config, state, optimizer, loader):
        for batch in loader:
            {before}
            set_rate(config, state, optimizer)
            optimizer.step()
            {after}
    """


@pytest.mark.parametrize(("before", "after", "told"), [("state.step += 1", "", True), ("", "state.step += 1", False)])
def test_a_loop_that_counts_before_it_asks_asks_for_the_end(advice, before, after, told):
    found = [f for f in advice(ASKED.format(before=before or "pass", after=after)) if f.code == "LR205"]
    assert any("as long as the whole" in f.message for f in found) == told


WRAPPED = """
    class Ramp:
        def __init__(self, optimizer, total_steps, warmup_steps):
            self.optimizer, self.total_steps, self.warmup_steps = optimizer, total_steps, max(1, warmup_steps)
            self.count = 0
            self.write()

        def share(self):
            if self.count {test} self.warmup_steps:
                return (self.count + 1) / self.warmup_steps
            return 1 - (self.count - self.warmup_steps) / (self.total_steps - self.warmup_steps)

        def write(self):
            for group in self.optimizer.param_groups:
                group["lr"] = 0.1 * self.share()

        def step(self):
            self.count += 1
            self.write()
    """


@pytest.mark.parametrize(("test", "told"), [("<", ["LR205"]), ("<=", [])])
def test_an_object_that_sets_its_first_rate_is_asked_once_more_at_the_end(advice, test, told):
    assert [f.code for f in advice(WRAPPED.format(test=test)) if f.code == "LR205"] == told


def test_a_run_of_no_epochs_is_no_warmup(advice):
    source = """
        from torch.optim.lr_scheduler import LRScheduler

        class WarmRamp(LRScheduler):
            def __init__(self, optimizer, whole, warm, last_epoch=-1):
                self.whole, self.warm = whole, warm
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                if self.last_epoch < self.warm:
                    return [base * self.last_epoch / self.warm for base in self.base_lrs]
                return [base * max(0.0, 1 - self.last_epoch / self.whole) for base in self.base_lrs]

        def build(optimizer, args):
            return WarmRamp(optimizer, whole=args.epochs * 500, warm=args.epochs / 20)
        """
    assert [f.message for f in advice(source) if f.code == "LR205" and "epochs" in f.message] == []


@pytest.mark.parametrize(("default", "faults"), [("1", []), ("0", ["LR205"])])
def test_what_a_branch_sets_a_parameter_to_is_not_its_default(codes, default, faults):
    source = f"""
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, batches: int, epochs: int, warmup=True, warmup_epochs={default}):
        if warmup is False:
            warmup_epochs = 0

        def factor(step):
            if warmup is True and step <= warmup_epochs * batches:
                return step / (warmup_epochs * batches)
            return 1 - step / (epochs * batches + 1)

        return LambdaLR(optimizer, lr_lambda=factor)
    """
    assert [code for code in codes(source) if code == "LR205"] == faults


@pytest.mark.parametrize(("count", "faults"), [("self._step += 1", []), ("pass", ["LR205"])])
def test_a_count_that_is_moved_before_the_rate_is_asked(codes, count, faults):
    source = f"""
    from torch.optim import Optimizer

    class Noam(Optimizer):
        def __init__(self, size, warmup, optimizer):
            self.optimizer, self.size, self.warmup = optimizer, size, warmup
            self._step = 0

        def step(self):
            {count}
            rate = self.rate()
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()

        def rate(self, step=None):
            if step is None:
                step = self._step
            return self.size ** -0.5 * min(step ** -0.5, step * self.warmup ** -1.5)
    """
    assert [code for code in codes(source) if code == "LR205"] == faults


PARTS = """
    from torch.optim.lr_scheduler import LRScheduler

    class Waves(LRScheduler):
        def __init__(self, optimizer, total_iter, last_epoch=-1):
            self.total_iter = total_iter
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            wave = self.total_iter // {parts}
            return [base * (1 - self.last_epoch % wave / wave) for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("parts", "reported"),
    [
        ("200", [(True, True)]),  # a run of one step is nobody's, and advice says so
        ("(100 * self.total_iter)", [(False, False)]),
    ],
)
def test_a_run_too_short_for_its_parts_is_lrfix_s_own(asked, parts, reported):
    found = asked("LR205", PARTS.format(parts=parts))
    assert [(violation.advice, "a run of one step" in violation.message) for violation in found] == reported


def test_a_whole_that_is_nothing_by_default_has_to_be_given(asked):
    (found,) = asked(
        "LR205",
        """
        class Poly:
            def __init__(self, base_lr, num_epochs, iters_per_epoch=0):
                self.base_lr, self.iters_per_epoch = base_lr, iters_per_epoch
                self.total = num_epochs * iters_per_epoch

            def __call__(self, optimizer, i, epoch):
                done = (epoch * self.iters_per_epoch + i) / self.total
                for group in optimizer.param_groups:
                    group["lr"] = self.base_lr * (1 - done) ** 0.9
        """,
    )
    assert found.advice


@pytest.mark.parametrize(
    ("left", "faults"),
    [
        ("return None", []),
        ("raise ValueError(warmup_steps)", []),
        ("print('no warmup')", ["LR205"]),
    ],
)
def test_a_function_that_is_left_before_it_builds_with_nothing_divides_by_nothing(left, faults, check):
    source = f"""
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps=0):
        if warmup_steps <= 0:
            {left}

        def factor(step):
            return min((step + 1) / warmup_steps, 1.0)

        return LambdaLR(optimizer, factor)
    """
    assert [f.code for f in check(source) if f.code == "LR205"] == faults


def test_an_epoch_without_batches_is_a_default_that_every_caller_replaces(check):
    source = """
    class Scheduler:
        def __init__(self, lr, epochs, iters_per_epoch=0):
            self.lr, self.epochs, self.iters_per_epoch = lr, epochs, iters_per_epoch

        def __call__(self, optimizer, i, epoch):
            done = epoch * self.iters_per_epoch + i
            lr = self.lr * (1 - done / (self.epochs * self.iters_per_epoch))
            for group in optimizer.param_groups:
                group["lr"] = lr
    """
    assert [f.code for f in check(source) if f.code == "LR205"] == []


@pytest.mark.parametrize(
    ("formula", "whole", "reported"),
    [
        ("poly(lr, {step}, {whole}, power)", "epoch_num", False),
        ("lr * (1 - {step} / {whole}) ** power", "epoch_num", False),
        ("lr * {whole} / {step}", "epoch_num", True),
        ("lr * (1 - {step} / {whole}) ** power", "epoch", True),
    ],
)
def test_a_name_that_may_say_how_many_epochs_there_are_is_no_zero(asked, formula, whole, reported):
    source = f"""
        import torch


        def poly(base_lr, iter, max_iter, power):
            return base_lr * (1 - float(iter) / max_iter) ** power


        def adjust_learning_rate(optimizer, i_iter, lr, {whole}, power):
            rate = {formula.format(step="i_iter", whole=whole)}
            for group in optimizer.param_groups:
                group["lr"] = rate
        """
    assert any("as it is built here" in f.message for f in asked("LR205", source)) is reported


NOAM = """
    class Noam:
        def __init__(self, optimizer, d_model, warmup_steps{default}):
            self.optimizer, self.d_model, self.warmup_steps, self.count = optimizer, d_model, warmup_steps, 0

        def step(self):
            self.count += 1
            rate = self.d_model ** -0.5 * min(self.count ** -0.5, self.count * self.warmup_steps ** -1.5)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
    """


@pytest.mark.parametrize(("default", "told"), [("", []), ("=4000", []), ("=0", [False])])
def test_a_formula_whose_scale_is_its_warmup_needs_one(asked, default, told):
    assert [violation.advice for violation in asked("LR205", NOAM.format(default=default))] == told


ENDED = """
    from torch.optim.lr_scheduler import LRScheduler

    class Poly(LRScheduler):
        def __init__(self, optimizer, total_iters=5, last_epoch=-1):
            self.total_iters = total_iters
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch == 0:
                return self.base_lrs
            left = (1.0 - self.last_epoch / self.total_iters) / (1.0 - (self.last_epoch - 1) / self.total_iters)
            return [group["lr"] * left for group in self.optimizer.param_groups]

    def train(args, optimizer, loader):
        scheduler = Poly(optimizer, total_iters={total})
        for epoch in range({turns}):
            for x in loader:
                optimizer.step()
            scheduler.step()
    """


@pytest.mark.parametrize(
    ("total", "turns", "severity"), [("args.epochs", "args.epochs", "info"), ("50", "80", "error")]
)
def test_a_division_that_only_more_steps_than_training_takes_come_to_fails_nothing(total, turns, severity):
    assert {f.severity.value for f in asking.reported("LR205", ENDED.format(total=total, turns=turns))} == {severity}


@pytest.mark.parametrize("interval", ["step", "args.step", "iteration"])
def test_what_a_position_is_divided_by_is_an_interval_and_no_position(interval):
    source = f"""
    def adjust_learning_rate(optimizer, iter_num, gamma, {interval.rpartition(".")[0] or interval}, init_lr=0.001):
        lr = init_lr * (gamma ** (iter_num // {interval}))
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert asking.reported("LR205", source) == []


@pytest.mark.parametrize(
    ("use", "certain"),
    [("", False), ("for step in range(100):\n    set_rate(optimizer, rate(step, 10))\n", True)],
    ids=["nobody in sight calls it", "a call in sight"],
)
def test_a_function_that_nobody_calls_is_no_fault_for_certain(use, certain, asked):
    source = f"""
def rate(step, warmup_steps):
    span = warmup_steps - 10 * (warmup_steps // 10) - warmup_steps % 10
    return 0.1 * step / span

def set_rate(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr

{use}"""
    assert [not found.advice for found in asked("LR205", source)] == [certain]
