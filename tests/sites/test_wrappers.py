"""Wrappers: classes that are no torch schedulers and whose methods end in writing the rate."""

from __future__ import annotations

import ast
import textwrap

from lrfix.discovery import has_schedule_words
from lrfix.sites import ScheduleSite, find_sites
from lrfix.source import parse_source


def sites(code: str) -> list[ScheduleSite]:
    raw = textwrap.dedent(code).encode()
    assert has_schedule_words(raw), "the byte prefilter must let the file through"
    return find_sites(parse_source(raw, "train.py"))[1]


def wrappers(code: str) -> list[ScheduleSite]:
    return [s for s in sites(code) if s.form == "wrapper"]


NOAM = """
    class Noam:
        def __init__(self, size, warmup, optimizer):
            self.optimizer = optimizer
            self.size, self.warmup, self.k = size, warmup, 0
        def step(self):
            self.k += 1
            rate = self.rate()
            for p in self.optimizer.param_groups:
                p["lr"] = rate
            self.optimizer.step()
        def rate(self):
            return self.size ** -0.5 * min(self.k ** -0.5, self.k * self.warmup ** -1.5)
    opt = Noam(512, 4000, torch.optim.Adam(model.parameters(), lr=0))
"""


def test_a_class_that_writes_the_rate_is_a_wrapper() -> None:
    (site,) = wrappers(NOAM)

    assert site.name == "Noam"
    assert isinstance(site.node, ast.ClassDef)
    assert [w.lineno for w in site.writes] == [10]


def test_its_constructions_show_the_optimizer() -> None:
    (site,) = wrappers(NOAM)
    (construction,) = site.constructions

    assert construction.optimizer is construction.optimizer_call
    assert construction.optimizer_call is not None


def test_nothing_else_is_found_inside_it() -> None:
    assert [s.form for s in sites(NOAM)] == ["wrapper"]


def test_the_write_may_stand_in_another_method_or_in_a_base_class() -> None:
    found = wrappers("""
        class Base:
            def __init__(self, optimizer):
                self.optimizer, self.k = optimizer, 0
            def step(self):
                self.k += 1
                for group, lr in zip(self.optimizer.param_groups, self.rates()):
                    group["lr"] = lr
            def rates(self):
                raise NotImplementedError
        class Root(Base):
            def rates(self):
                return [0.1 / self.k ** 0.5]
        class Poly(object):
            def __call__(self, optimizer, k):
                self._set(optimizer, 0.1 * (1 - k / 100) ** 0.9)
            def _set(self, optimizer, lr):
                optimizer.param_groups[0]["lr"] = lr
    """)

    assert [s.name for s in found] == ["Root", "Poly"]


def test_an_optimizer_that_sets_its_own_rates_will_do() -> None:
    (site,) = wrappers("""
        @register_lr_scheduler("inverse_sqrt")
        class InverseSquareRoot(FrameworkLRScheduler):
            def __init__(self, cfg, optimizer):
                super().__init__(cfg, optimizer)
                self.lr = cfg.lr
            def step_update(self, num_updates):
                self.lr = self.cfg.lr * num_updates ** -0.5
                self.optimizer.set_lr(self.lr)
                return self.optimizer.get_lr()
    """)

    assert site.name == "InverseSquareRoot"


def test_a_scheduler_that_leaves_the_writing_to_an_imported_base() -> None:
    (site,) = wrappers("""
        from framework import Scheduler
        class CosineLRScheduler(Scheduler):
            def _get_lr(self, t):
                return [v * (1 - t / self.t_initial) for v in self.base_values]
    """)

    assert site.name == "CosineLRScheduler"


def test_a_trainer_with_a_small_setter_is_a_setter() -> None:
    found = sites("""
        class Trainer:
            def __init__(self, opt, lr): self.opt, self.lr = opt, lr
            def run_loop(self):
                while self.step < self.anneal_steps:
                    self.run_step(next(self.data))
                    self.step += 1
            def run_step(self, batch):
                loss = self.forward_backward(batch)
                self.opt.step()
                self.anneal()
            def forward_backward(self, batch):
                loss = self.model(batch)
                loss.backward()
                return loss
            def anneal(self):
                frac_done = self.step / self.anneal_steps
                lr = self.lr * (1 - frac_done)
                for group in self.opt.param_groups:
                    group["lr"] = lr
    """)

    assert [(s.form, s.name) for s in found] == [("setter", "anneal")]


def test_torch_schedulers_optimizers_and_schedules_of_other_things_are_none() -> None:
    assert not wrappers("""
        import torch
        class Mine(torch.optim.lr_scheduler.StepLR):
            def step(self, epoch=None):
                for g in self.optimizer.param_groups: g["lr"] = 0.1 * self.last_epoch
        class Lazy(torch.optim.Optimizer):
            def step(self):
                for g in self.param_groups: g["lr"] = g["lr"] * 0.9
        class WeightDecayScheduler:
            def step(self):
                for g in self.optimizer.param_groups: g["weight_decay"] = 0.1 * self.k
        class DDPMScheduler(SchedulerMixin):
            def __init__(self, betas, lr=None): self.betas = betas
            def step(self, output, timestep, sample): return sample - self.betas[timestep] * output
    """)


def test_an_abstract_base_is_none() -> None:
    assert not wrappers("""
        class Scheduler:
            def get_lr(self, step): raise NotImplementedError
            def step(self, k):
                for g in self.optimizer.param_groups: g["lr"] = self.get_lr(k)
    """)


def test_a_scheduler_may_leave_the_formula_to_functions_of_the_file() -> None:
    found = sites("""
        def cosine(optimizer, epoch, total, init_lr):
            lr = init_lr * 0.5 * (1 + math.cos(math.pi * epoch / total))
            for group in optimizer.param_groups:
                group["lr"] = lr
        class CosineLRScheduler:
            def __init__(self, optimizer, total, init_lr):
                self.optimizer, self.total, self.init_lr = optimizer, total, init_lr
            def step(self, epoch):
                cosine(self.optimizer, epoch, self.total, self.init_lr)
    """)

    assert [(s.form, s.name) for s in found] == [("setter", "cosine"), ("wrapper", "CosineLRScheduler")]
    assert [w.lineno for w in found[1].writes] == [10]


def test_groups_and_rates_unpacked_from_one_pair_are_seen() -> None:
    (site,) = wrappers("""
        class Root:
            def __init__(self, optimizer): self.optimizer, self.k = optimizer, 0
            def step(self):
                self.k += 1
                for data in zip(self.optimizer.param_groups, self.rates()):
                    param_group, lr = data
                    param_group["lr"] = lr
            def rates(self):
                return [0.1 / self.k ** 0.5]
    """)

    assert [w.lineno for w in site.writes] == [8]


def test_a_hook_that_warms_up_is_a_wrapper() -> None:
    (site,) = wrappers("""
        class WarmupCallback(Callback):
            def __init__(self, warmup): self.warmup = warmup
            def on_batch_begin(self, trainer):
                k = trainer.global_step
                if k < self.warmup:
                    for g in trainer.optimizer.param_groups:
                        g["lr"] = g["initial_lr"] * k / self.warmup
    """)

    assert site.name == "WarmupCallback"


def test_a_class_that_replaces_the_formula_of_a_scheduler_is_one_too() -> None:
    found = wrappers("""
        class WarmupScheduler:
            def schedule(self, n):
                return n / self.lr_warm_up_steps
            def __call__(self, n):
                return self.schedule(n)
        class LinearSchedule(WarmupScheduler):
            def schedule(self, n):
                return 1 - n / self.lr_steps
    """)

    assert [s.name for s in found] == ["WarmupScheduler", "LinearSchedule"]


def test_a_class_may_keep_the_name_of_what_it_schedules() -> None:
    (found,) = wrappers("""
        class StepParamScheduler:
            def __init__(self, optimizer, param_name, size):
                self.optimizer, self.param_name, self.size, self.last_step = optimizer, param_name, size, 0
            def step(self):
                self.last_step += 1
                for group in self.optimizer.param_groups:
                    group[self.param_name] = group[self.param_name] * 0.1 ** (self.last_step % self.size == 0)
    """)

    assert found.name == "StepParamScheduler"


def test_schedules_of_any_hyperparameter_whose_base_speaks_of_the_rate_are_wrappers() -> None:
    found = wrappers("""
        class ParamScheduler:
            \"\"\"A number, for example the learning rate, as a function of the progress of training.\"\"\"
            def __call__(self, where):
                raise NotImplementedError
        class LinearParamScheduler(ParamScheduler):
            def __init__(self, start, end):
                self.start, self.end = start, end
            def __call__(self, where):
                return self.end * where + self.start * (1 - where)
    """)

    assert [s.name for s in found] == ["LinearParamScheduler"]


def test_a_constant_schedule_among_callables_is_a_wrapper() -> None:
    (found,) = wrappers("""
        class ConstantScheduler:
            def __init__(self, lr):
                self.lr = lr
            def __call__(self, step):
                return self.lr  # learning_rate
    """)

    assert found.name == "ConstantScheduler"


def test_schedules_of_another_framework_are_none() -> None:
    code = """
        import tensorflow as tf
        class WarmUpSchedule(tf.keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step):
                return self.initial_learning_rate * (step / self.warmup_steps) ** self.power
    """

    assert wrappers(code) == []


def test_a_scheduler_that_gives_its_rate_through_a_function_it_chose_is_a_wrapper() -> None:
    (found,) = wrappers("""
        class LRScheduler:
            def __init__(self, name, lr, total_epochs, iters_per_epoch):
                self.lr_func = partial(cos_lr, lr, iters_per_epoch * total_epochs) if name == "cos" else warm_lr
                self.per_epoch = iters_per_epoch
            def update_lr(self, iters):
                return self.lr_func(iters + 1)
    """)

    assert found.name == "LRScheduler"


ASKED = """
    # Factors of the learning rate.
    class LinearLRSchedule:
        def __init__(self, t_max, start=1.0, end=0.0):
            self.t_max, self.start, self.end = t_max, start, end
        def __call__(self, step):
            return self.start + (self.end - self.start) * min(1.0, step / self.t_max)

    class ConstantLRSchedule:
        def __init__(self, t_max, value=1.0):
            self.part = {built}(t_max, value, value)
        def __call__(self, step):
            return {given}
"""


def test_a_schedule_that_hands_the_question_on_to_one_that_it_builds_is_one_too() -> None:
    code = ASKED.format(built="LinearLRSchedule", given="self.part(step)")

    assert [s.name for s in wrappers(code)] == ["LinearLRSchedule", "ConstantLRSchedule"]


def test_a_class_that_asks_something_else_is_none() -> None:
    for built, given in [("Table", "self.part(step)"), ("LinearLRSchedule", "self.other(step)")]:
        assert [s.name for s in wrappers(ASKED.format(built=built, given=given))] == ["LinearLRSchedule"]


HELPED = """
    def update(groups, rates):
        for group, rate in zip(groups, rates):
            group["lr"] = rate
        return rates

    class OneCycle:
        def __init__(self, optimizer, low, high, cycle_size):
            self.optimizer, self.low, self.high, self.cycle_size, self.count = optimizer, low, high, cycle_size, 0

        def get_lr(self):
            part = abs(self.count % self.cycle_size / self.cycle_size * 2 - 1)
            return [self.low + (self.high - self.low) * (1 - part) for _ in self.optimizer.param_groups]

        def step(self):
            self.count += 1
            self.rates = update(self.optimizer.param_groups, self.get_lr())
    """


def test_a_class_that_is_asked_and_stepped_is_a_scheduler_whatever_its_name():
    assert [s.name for s in wrappers(HELPED)] == ["OneCycle"]
    assert wrappers(HELPED.replace("def step", "def fit")) == []


POLICIES = """
    class Policy:
        def __init__(self, total_steps, warmup_steps=0):
            self.total_steps, self.warmup_steps = total_steps, warmup_steps

        def __call__(self, lr, step):
            if step < self.warmup_steps:
                return lr * (step + 1) / self.warmup_steps
            return self._get_lr(lr, step)

        def _get_lr(self, lr, step):
            return lr

    def _decayed(initial_lr, step, total_steps):
        return initial_lr * (1 - step / total_steps)

    class LinearAnnealing(Policy):
        def _get_lr(self, lr, step):
            return _decayed(initial_lr=lr, step=step, total_steps=self.total_steps)
    """


def test_a_policy_that_leaves_its_formula_to_a_function_of_the_file():
    assert "LinearAnnealing" in [
        s.name for s in wrappers(POLICIES.replace("class Policy", "class LRPolicy").replace("(Policy)", "(LRPolicy)"))
    ]
