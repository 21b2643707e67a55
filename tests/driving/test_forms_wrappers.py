"""Wrappers: whose constructor takes the first step, which keep their key under a name, which count optimizer steps."""

from __future__ import annotations

import textwrap
from itertools import pairwise

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.source import parse_source

KEYED = """
    import weakref
    from functools import wraps
    class BaseParamScheduler:
        def __init__(self, optimizer, param_name, last_step=-1):
            self.optimizer, self.param_name, self.last_step = optimizer, param_name, last_step
            self.base_values = [group[param_name] for group in optimizer.param_groups]
            def counting(method):
                reference, func = weakref.ref(method.__self__), method.__func__
                cls = reference().__class__
                @wraps(func)
                def wrapper(*args, **kwargs):
                    reference().counted = 1
                    return func.__get__(reference(), cls)(*args, **kwargs)
                return wrapper
            self.optimizer.step = counting(self.optimizer.step)
            self.step()
        def step(self):
            self.last_step += 1
            for group, value in zip(self.optimizer.param_groups, self.values()):
                group[self.param_name] = value
    class StepParamScheduler(BaseParamScheduler):
        def __init__(self, optimizer, param_name, step_size, gamma=0.1):
            self.step_size, self.gamma = step_size, gamma
            super().__init__(optimizer, param_name)
        def values(self):
            return [value * self.gamma ** (self.last_step // self.step_size) for value in self.base_values]
"""


@pytest.fixture(scope="module")
def keyed() -> SiteAnalysis:
    analyses = analyse(parse_source(textwrap.dedent(KEYED).encode(), "train.py"))
    return next(a for a in analyses if a.name == "StepParamScheduler")


def test_the_key_of_what_is_scheduled_is_the_rate(keyed: SiteAnalysis) -> None:
    assert keyed.reason is None or "simulate" not in keyed.reason
    assert keyed.family == "step"


def test_a_first_step_in_the_constructor_gives_the_rate_of_step_0(keyed: SiteAnalysis) -> None:
    (size,) = [value for path, value in keyed.scenarios[0].values.items() if path == "step_size"]

    assert isinstance(size, int)
    assert keyed.curve[size - 1] == keyed.curve[0] > keyed.curve[size]


def test_a_step_told_the_epoch_is_taken_once_an_epoch_beside_an_update_per_batch():
    text = """
        class Poly:
            def __init__(self, optimizer, lr, warmup_updates, total_num_update):
                self.optimizer, self.lr = optimizer, lr
                self.warmup_updates, self.total = warmup_updates, total_num_update
                self.factor = 1 / warmup_updates

            def step(self, epoch):
                for group in self.optimizer.param_groups:
                    group["lr"] = self.factor * self.lr

            def step_update(self, num_updates):
                if num_updates <= self.warmup_updates:
                    self.factor = num_updates / self.warmup_updates
                    rate = self.factor * self.lr
                else:
                    rate = self.lr * max(0.0, 1 - (num_updates - self.warmup_updates) / max(1, self.total))
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
    """
    (analysis,) = analyse(parse_source(textwrap.dedent(text).encode(), "train.py"))
    curve = list(analysis.curve)
    assert curve[:5] == sorted(curve[:5])
    assert curve[-1] == 0.0


TWO_CLOCKS = """
    class BaseScheduler:
        def __init__(self, optimizer, stepwise=False):
            self.optimizer, self.stepwise = optimizer, stepwise
            self.global_step = self.global_epoch = 0
            self.initial_lr()
        def initial_lr(self):
            self.set_lr(self.get_step_lr(0) if self.stepwise else self.get_epoch_lr(0))
        def set_lr(self, lr):
            for group in self.optimizer.param_groups:
                group["lr"] = lr
        def step(self):
            self.global_step += 1
            if self.stepwise:
                self.set_lr(self.get_step_lr(self.global_step))
        def epoch(self):
            self.global_epoch += 1
            if not self.stepwise:
                self.set_lr(self.get_epoch_lr(self.global_epoch))
    class EpochwiseScheduler(BaseScheduler):
        def get_epoch_lr(self, epoch):
            return 0.1 * 0.5 ** epoch
    class StepwiseScheduler(BaseScheduler):
        def __init__(self, optimizer):
            super().__init__(optimizer, stepwise=True)
        def get_step_lr(self, step):
            return 0.1 * 0.5 ** step
"""


def test_what_only_the_constructor_calls_advances_nothing_and_epochs_are_told_beside_steps():
    analyses = analyse(parse_source(textwrap.dedent(TWO_CLOCKS).encode(), "train.py"))
    curves = {a.name: a.curve for a in analyses}

    assert curves["StepwiseScheduler"][:3] == pytest.approx([0.1, 0.05, 0.025])
    per_epoch = curves["EpochwiseScheduler"].index(0.05)
    assert per_epoch > 1
    assert curves["EpochwiseScheduler"][2 * per_epoch] == pytest.approx(0.025)


HELPED = """
    import torch
    from torch import is_tensor
    def update(groups, rates):
        for group, rate in zip(groups, rates):
            if is_tensor(group["lr"]):
                rate = torch.tensor([rate])
            group["lr"] = rate
        return rates
    class WarmupLR:
        def __init__(self, optimizer, base_lr=0.1, warmup_steps=10):
            self.optimizer, self.base_lr, self.warmup_steps, self.count = optimizer, base_lr, warmup_steps, 0
            if torch.distributed.get_rank() == 0:
                print("warming up")
        def get_lr(self):
            return [self.base_lr * min(1.0, self.count / self.warmup_steps) for _ in self.optimizer.param_groups]
        def step(self):
            self.count += 1
            self.rates = update(self.optimizer.param_groups, self.get_lr())
"""


def test_a_rate_that_a_function_of_the_file_writes_after_asking_whether_it_is_a_tensor():
    [site] = [a for a in analyse(parse_source(textwrap.dedent(HELPED).encode(), "train.py")) if a.form == "wrapper"]
    run = site.studies[0].run(0, use=None)
    assert run.opaque is None
    assert run.curve[1] < run.curve[5] < run.curve[-1] == run.curve[-2]


TWO_COUNTS = """
    class Schedule:
        def __init__(self, base_lr, num_epochs, iters_per_epoch, warmup_epochs=0):
            self.base_lr, self.iters_per_epoch = base_lr, iters_per_epoch
            self.total, self.ramp = num_epochs * iters_per_epoch, warmup_epochs * iters_per_epoch

        def __call__(self, optimizer, i, epoch):
            step = epoch * self.iters_per_epoch + i
            lr = self.base_lr * max(0.0, 1 - step / self.total)
            if step < self.ramp:
                lr *= step / self.ramp
            for group in optimizer.param_groups:
                group["lr"] = lr

    def train(optimizer):
        batches = 1680 // 26
        schedule = Schedule(0.1, 200, {given}, warmup_epochs=10)
        for epoch in range(200):
            for i in range(batches):
                schedule(optimizer, i, epoch)
                optimizer.step()
"""


@pytest.mark.parametrize("given", ["batches", "iters_per_epoch=batches", "iters_per_epoch=64"])
def test_a_stated_length_of_the_epoch_is_the_one_that_the_clock_counts(given):
    (found,) = analyse(parse_source(textwrap.dedent(TWO_COUNTS.format(given=given)).encode(), "train.py"))
    ends = []
    for run in found.study.runs:
        ramp = 10 * run.leaves["iters_per_epoch"]
        assert run.curve[:4] == pytest.approx([0.1 * k / ramp * (1 - k / (20 * ramp)) for k in range(4)])
        assert max(run.curve) == run.curve[ramp]
        ends.append(ramp)
    assert len(set(ends)) > 1


CHOSEN = """
    from torch import optim
    from torch.optim.lr_scheduler import LambdaLR, StepLR

    class Trainer:
        def __init__(self, params, optimizer, learning_rate, betas, scheduler, warmup_steps):
            self.warmup_steps = warmup_steps
            self.params, self.optimizer_name, self.learning_rate = params, optimizer, learning_rate
            self.betas, self.scheduler_name = betas, scheduler
            self.optimizer = self.make_optimizer()
            self.scheduler = self.make_scheduler()

        def make_optimizer(self):
            if self.optimizer_name in ["Adam", "SGD"]:
                cls = getattr(optim, self.optimizer_name)
                if self.betas:
                    return cls(self.params, lr=self.learning_rate, betas=self.betas)
                return cls(self.params, lr=self.learning_rate)
            raise ValueError("no such optimizer")

        def make_scheduler(self):
            if self.scheduler_name == "step":
                return StepLR(self.optimizer, step_size=10, gamma=0.5)
            return LambdaLR(self.optimizer, self._warmup_lr)

        def _warmup_lr(self, current_step):
            return min(1.0, float(current_step) / float(max(1, self.warmup_steps)))

        def step(self):
            self.optimizer.step()
            self.scheduler.step()
"""


def test_a_class_that_chooses_its_optimizer_by_name_and_drives_a_scheduler_of_torch_is_run() -> None:
    (found,) = analyse(parse_source(textwrap.dedent(CHOSEN).encode(), "train.py"))
    assert found.reason is None or "simulate" not in found.reason
    assert found.curve[0] == 0 and max(found.curve) == 0.1


@pytest.mark.parametrize("method", ["get_learning_rate", "compute_lr"])
def test_a_class_that_is_asked_for_the_rate_of_an_episode_is_run(method: str) -> None:
    source = f"""
        class LinearLearningRateScheduler:
            def __init__(self, start_lr=0.01, end_lr=0.0001, decay_episodes=100):
                self.start_lr, self.end_lr, self.decay_episodes = start_lr, end_lr, decay_episodes

            def {method}(self, episode):
                done = episode / self.decay_episodes
                return max(self.end_lr, self.start_lr - (self.start_lr - self.end_lr) * done)
        """
    (found,) = analyse(parse_source(textwrap.dedent(source).encode(), "train.py"))
    assert (found.family, found.parameters["total_steps"]) == ("linear", "decay_episodes")


WITHIN_THE_FIRST_EPOCH = """
class WarmupSteps:
    def __init__(self, base_lr, warm_epoch, warmup_iters):
        self.base_lr = base_lr
        self.warm_epoch = warm_epoch
        self.warmup_iters = warmup_iters

    def step(self, optimizer, cur_epoch, cur_iter):
        if cur_epoch == self.warm_epoch and cur_iter <= self.warmup_iters:
            lr = self.base_lr * cur_iter / self.warmup_iters
        else:
            lr = self.base_lr * 0.1 ** (cur_epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = lr

def train(model, optimizer, loader, epochs):
    schedule = WarmupSteps(0.1, 0, 1000)
    for epoch in range(epochs):
        for i, batch in enumerate(loader):
            schedule.step(optimizer, epoch, epoch * len(loader) + i)
            model(batch).backward()
            optimizer.step()
"""


def test_an_epoch_is_as_long_as_a_warmup_that_is_stated_in_batches() -> None:
    (site,) = analyse(parse_source(WITHIN_THE_FIRST_EPOCH.encode(), "train.py"))
    rates = list(site.curve)[:1001]
    assert rates[0] == 0 and all(after > before for before, after in pairwise(rates))


@pytest.mark.parametrize("base", ["torch.optim.SGD", "torch.optim.AdamW"])
def test_an_optimizer_whose_step_sets_its_own_rates_is_run_on_itself(base: str) -> None:
    script = f"""
        import torch
        class WarmupPoly({base}):
            def __init__(self, params, lr, warmup_steps=10, max_steps=80, power=0.9):
                super().__init__(params, lr=lr)
                self.count, self.warmup_steps, self.max_steps, self.power = 0, warmup_steps, max_steps, power
                self.__first = [group["lr"] for group in self.param_groups]
            def step(self, closure=None):
                factor = min((self.count + 1) / self.warmup_steps, (1 - self.count / self.max_steps) ** self.power)
                if self.count < self.max_steps:
                    for i in range(len(self.param_groups)):
                        self.param_groups[i]["lr"] = self.__first[i] * factor
                super().step(closure)
                self.count += 1
    """
    (analysis,) = analyse(parse_source(textwrap.dedent(script).encode(), "optim.py"))

    assert analysis.curve[0] < analysis.curve[5] > analysis.curve[60] > 0
