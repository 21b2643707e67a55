"""Sound schedules as people write them: nothing is reported as an error or a warning."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from lrfix.findings import Finding

Check = Callable[[str], list[Finding]]

LOOP = """
    import math
    import torch

    def main(model, loader, args{more}):
        optimizer = torch.optim.SGD(model.parameters(), args.lr)
        {before}
        for {turns}:
            {rate}
            for group in optimizer.param_groups:
                group["lr"] = lr
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
"""


def loop(rate: str, turns: str = "epoch in range(args.epochs)", before: str = "pass", more: str = "") -> str:
    return LOOP.format(rate=rate.replace("\n", "\n            "), turns=turns, before=before, more=more)


BOUND = """
    import functools
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, cfg):
        total = cfg.training.steps
        kind = cfg.lr_scheduler.decay_type

        def decay({taken}):
            progress = min(step / total, 1.0)
            if kind == "linear":
                factor = 1 - progress
            elif kind == "sqrt":
                factor = 1 - progress**0.5
            return factor

        return LambdaLR(optimizer, {made})
"""

STYLES = {
    "a staircase of equal parts of the run": loop("lr = args.lr * 0.1 ** (epoch * 3 // args.epochs)"),
    "the number of epochs under the name E": loop(
        "lr = args.lr * (1 - epoch / E)", turns="epoch in range(E)", more=", E=30"
    ),
    "a counter that processes share": loop(
        "with counter.get_lock():\n    counter.value += 1\n    done = counter.value\n"
        "lr = args.lr * max(0.0, 1 - done / args.total)",
        more=", counter",
    ),
    "a number that chooses": """
        def rate_at(epoch, mode, base, epochs):
            if mode == 1:
                lr = base * 0.5 ** (epoch // 10)
            elif mode == 2:
                lr = base * (1 - epoch / epochs)
            return lr

        def main(optimizer, args):
            for epoch in range(args.epochs):
                for group in optimizer.param_groups:
                    group["lr"] = rate_at(epoch, args.lr_mode, args.lr, args.epochs)
        """,
    "a text that chooses, bound by partial": BOUND.format(
        taken="step, total, kind",
        made="functools.partial(decay, total=total, kind=kind)",
    ),
    "a text that chooses, bound by a default": BOUND.format(taken="step, total=total, kind=kind", made="decay"),
    "a text that chooses among those of a class": """
        class Decay:
            KINDS = ("none", "exp")

            def __init__(self, lr, kind, gamma, total):
                assert kind in self.KINDS
                self.lr, self.kind, self.gamma, self.total = lr, kind, gamma, total

            def rate(self, step):
                if self.kind == self.KINDS[0]:
                    new = self.lr
                elif self.kind == self.KINDS[1]:
                    new = self.lr * self.gamma ** (step / self.total)
                return new

        def main(optimizer, conf):
            decay = Decay(conf["lr"], conf["kind"], conf["gamma"], conf["epochs"])
            for epoch in range(conf["epochs"]):
                for group in optimizer.param_groups:
                    group["lr"] = decay.rate(epoch)
        """,
    "texts that a module names": """
        COS, LIN = "cos", "lin"

        def shape(x, how):
            if how == COS:
                f = 1 - x**2
            elif how == LIN:
                f = 1 - x
            return f

        def main(optimizer, cfg):
            for epoch in range(cfg.epochs):
                for group in optimizer.param_groups:
                    group["lr"] = cfg.lr * shape(epoch / cfg.epochs, cfg.how)
        """,
    "keys of a file that choose": """
        class Plan:
            def __init__(self, optimizer, conf):
                self.optimizer, self.conf, self.epoch = optimizer, conf, 0

            def value(self):
                c, e = self.conf, self.epoch
                if c["type"] == "poly":
                    r = (1 - e / c["epochs"]) ** c["power"]
                elif c["type"] == "halves":
                    r = 0.5 ** (e // c["every"])
                return c["base_lr"] * r

            def step(self):
                self.epoch += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.value()
        """,
    "a plan called none beside others": """
        from torch.optim.lr_scheduler import LambdaLR

        def shape(x, how):
            if how != "none":
                f = 1 - x if how == "lin" else 1 - x**2
            else:
                f = 1
            return f

        def make(optimizer, cfg):
            return LambdaLR(optimizer, lambda epoch: shape(epoch / cfg.epochs, cfg.how))
        """,
    "so many parts of the run as a setting says": """
        from torch.optim.lr_scheduler import LRScheduler

        class Parts(LRScheduler):
            def __init__(self, optimizer, total, parts=3, gamma=0.1, last_epoch=-1):
                self.total, self.parts, self.gamma = total, parts, gamma
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                k = min(self.parts * self.last_epoch // self.total, self.parts - 1)
                return [base * self.gamma**k for base in self.base_lrs]
        """,
    "parts of the run without a last branch": """
        def adjust(optimizer, epoch, args):
            if epoch < args.warmup:
                factor = (epoch + 1) / args.warmup
            elif epoch < args.epochs:
                factor = 1 - (epoch - args.warmup) / (args.epochs - args.warmup)
            for group in optimizer.param_groups:
                group["lr"] = args.lr * factor

        def main(model, loader, optimizer, args):
            for epoch in range(args.epochs):
                adjust(optimizer, epoch, args)
                for batch in loader:
                    model(batch).sum().backward()
                    optimizer.step()
        """,
    "a scheduler that is stepped where an epoch of batches is full": """
        from torch.optim import SGD, lr_scheduler

        def main(model, loader, args):
            optimizer = SGD(model.parameters(), args.lr)
            scheduler = lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
            length, i = len(loader), 0
            for epoch in range(args.epochs):
                for batch in loader:
                    optimizer.zero_grad()
                    model(batch).sum().backward()
                    optimizer.step()
                    i += 1
                    if i % length == 0:
                        scheduler.step()
        """,
    "restarts with ever lower peaks": """
        import math
        from torch.optim import SGD
        from torch.optim.lr_scheduler import LambdaLR

        def factor(k):
            cycle, rest = divmod(k, 10)
            return 0.7**cycle * (1 + math.cos(math.pi * rest / 10)) / 2

        def main(model, loader):
            optimizer = SGD(model.parameters(), 0.1)
            scheduler = LambdaLR(optimizer, factor)
            for epoch in range(25):
                for batch in loader:
                    optimizer.zero_grad()
                    model(batch).sum().backward()
                    optimizer.step()
                scheduler.step()
        """,
    "drops at shares of the run": """
        def adjust(optimizer, epoch, n_epochs):
            if epoch in (0.5 * n_epochs, 0.75 * n_epochs):
                for group in optimizer.param_groups:
                    group["lr"] *= 0.1

        def main(optimizer, loader, model):
            n_epochs = 300
            for epoch in range(n_epochs):
                adjust(optimizer, epoch, n_epochs)
        """,
    "epochs that a loop counts from 1, passed on to a setter": """
        def adjust(optimizer, epoch):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * 0.1 ** ((epoch - 1) // 10)

        def train(model, optimizer, loader, epoch):
            adjust(optimizer, epoch)
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()

        def main(model, optimizer, loader):
            for epoch in range(1, 51):
                train(model, optimizer, loader, epoch)
        """,
    "batches of a list": """
        import torch

        model = torch.nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        data = [torch.randn(2, 4) for _ in range(40)]

        def warm(step):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * min(1, (step + 1) / 200)

        for epoch in range(10):
            for i, batch in enumerate(data):
                warm(epoch * len(data) + i)
                optimizer.zero_grad()
                model(batch).mean().backward()
                optimizer.step()
        """,
    "a setter that is given the share of the run": """
        import math

        def adjust(optimizer, t):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * math.sin(math.pi * t) ** 2 + 1e-4

        def main(model, optimizer, loader, epochs):
            total = epochs * len(loader)
            it = 0
            for epoch in range(epochs):
                for batch in loader:
                    adjust(optimizer, it / total)
                    optimizer.zero_grad()
                    model(batch).sum().backward()
                    optimizer.step()
                    it += 1
        """,
    "a class of one's own that is told where to begin": """
        class Annealing:
            def __init__(self, optimizer, lr, warmup, total, last_iter):
                self.optimizer, self.lr, self.warmup, self.total, self.done = optimizer, lr, warmup, total, last_iter
                self.apply()

            def apply(self):
                if self.done <= self.warmup:
                    rate = self.lr * self.done / self.warmup
                else:
                    rate = self.lr * (self.total - self.done) / (self.total - self.warmup)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate

            def step(self):
                self.done += 1
                self.apply()

        def main(model, optimizer, loader):
            scheduler = Annealing(optimizer, 0.1, 500, 6000, 0)
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
                scheduler.step()
        """,
    "the moment of the peak": """
        import numpy as np

        def rate_at(epoch, lr, epochs, peak):
            return np.interp([epoch], [0, peak, epochs], [1e-4 * lr, lr, 0])[0]

        def main(model, optimizer, loader):
            for epoch in range(16):
                rates = np.linspace(rate_at(epoch, 0.5, 16, 2), rate_at(epoch + 1, 0.5, 16, 2), len(loader))
                for rate, batch in zip(rates, loader):
                    for group in optimizer.param_groups:
                        group["lr"] = rate
                    optimizer.zero_grad()
                    model(batch).sum().backward()
                    optimizer.step()
        """,
    "a metric under the name of a count": """
        class ReduceLR:
            def __init__(self, optimizer, factor=0.1, patience=10, cooldown=4):
                self.optimizer, self.factor, self.patience, self.cooldown = optimizer, factor, patience, cooldown
                self.wait = self.cooling = 0
                self.best = float("inf")

            def on_epoch_end(self, current):
                if self.cooling > 0:
                    self.cooling -= 1
                    self.wait = 0
                if current < self.best:
                    self.best = current
                    self.wait = 0
                elif self.cooling <= 0:
                    self.wait += 1
                    if self.wait >= self.patience:
                        for group in self.optimizer.param_groups:
                            group["lr"] *= self.factor
                        self.cooling = self.cooldown
                        self.wait = 0
        """,
    "a schedule that asks another for its second part": """
        def linear(it, high, low, warmup, total):
            if it < warmup:
                return (it / warmup) * high
            if it <= total:
                return high - (it - warmup) / (total - warmup) * (high - low)
            return low

        def in_two_parts(it, high, middle, low, warmup, first, second):
            if it < warmup:
                return (it / warmup) * high
            if it <= first:
                return high * (middle / high) ** ((it - warmup) / (first - warmup))
            return linear(it - first, high=middle, low=low, warmup=0, total=second - first)
        """,
    "a decay that begins late in a run that the code works out": """
        import torch
        from torch.optim.lr_scheduler import LambdaLR

        model = torch.nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        data = [torch.randn(2, 4) for _ in range(40)]
        total = 60 * len(data)
        scheduler = LambdaLR(optimizer, lambda n: 1.0 if n < 0.7 * total else 1 - (n - 0.7 * total) / (0.3 * total))
        for epoch in range(60):
            for batch in data:
                optimizer.zero_grad()
                model(batch).mean().backward()
                optimizer.step()
                scheduler.step()
        """,
    "an object that is told how much was done": """
        class Clock:
            def __init__(self, optimizer):
                self.optimizer, self.done = optimizer, 0

            def step(self, k=1):
                self.done += k
                for group in self.optimizer.param_groups:
                    group["lr"] = 0.1 * (1 - self.done / 2801)

        def main(model, optimizer, loader):
            clock = Clock(optimizer)
            for epoch in range(70):
                for batch in loader:
                    clock.step()
                    optimizer.zero_grad()
                    model(batch).sum().backward()
                    optimizer.step()
        """,
    "a method that is given the batch and a number for the log": """
        from training import train_on

        class Runner:
            def __init__(self, optimizer):
                self.optimizer, self.done = optimizer, 0

            def one(self, x, i):
                for group in self.optimizer.param_groups:
                    group["lr"] = 0.1 * (1 - self.done / 2800)
                train_on(x)
                print(f"{i}: {self.done}")
                self.done += 1

        def main(runner, loader):
            for epoch in range(70):
                for i, x in enumerate(loader):
                    runner.one(x, i)
        """,
    "a step after the yield of a loop": """
        import torch

        model = torch.nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
        loader = torch.utils.data.DataLoader([1, 2, 3])

        def epochs(n):
            for epoch in range(n):
                yield epoch
                scheduler.step()

        for epoch in epochs(40):
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
        """,
    "defaults that the only call replaces": """
        import torch

        model = torch.nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loader = torch.utils.data.DataLoader([1, 2, 3])

        def adjust(epoch, *drops, decay=False):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * (0.1 ** sum(epoch >= drop for drop in drops) if decay else 1.0)

        for epoch in range(90):
            adjust(epoch, 30, 60, decay=True)
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
        """,
    "an object that is told epochs from 1": """
        class Halving:
            def __init__(self, optimizer):
                self.optimizer = optimizer
                self.base = [group["lr"] for group in optimizer.param_groups]

            def step(self, epoch):
                for group, base in zip(self.optimizer.param_groups, self.base):
                    group["lr"] = base * 0.5 ** ((epoch - 1) // 10)

        def main(model, optimizer, loader):
            scheduler = Halving(optimizer)
            for epoch in range(1, 61):
                scheduler.step(epoch)
                for batch in loader:
                    optimizer.zero_grad()
                    model(batch).sum().backward()
                    optimizer.step()
        """,
    "an interval called step, or a list of moments": """
        class StepHook:
            def __init__(self, step, gamma=0.1):
                self.step = step
                self.gamma = gamma

            def before_epoch(self, runner):
                if isinstance(self.step, int):
                    count = runner.epoch // self.step
                else:
                    count = sum(runner.epoch >= s for s in self.step)
                for group in runner.optimizer.param_groups:
                    group["lr"] = group["initial_lr"] * self.gamma**count
        """,
    "a ramp and stairs far behind it, all by default": """
        def adjust(optimizer, i, burn=1000, power=4, steps=(40000, 45000), scales=(0.1, 0.1)):
            lr = 1e-3
            if i < burn:
                lr *= ((i + 1) / burn) ** power
            else:
                for moment, scale in zip(steps, scales):
                    if i >= moment:
                        lr *= scale
            for group in optimizer.param_groups:
                group["lr"] = lr

        for i in range(50000):
            adjust(optimizer, i)
            model(next(batches)).backward()
            optimizer.step()
        """,
    "a warmup of so many steps and a part of one": """
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class Warmup(LRScheduler):
            def __init__(self, optimizer, total, warmup=0, last_epoch=-1):
                self.total, self.warmup = total, warmup
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                if self.last_epoch < self.warmup:
                    return [base * (self.last_epoch + 1) / self.warmup for base in self.base_lrs]
                done = (self.last_epoch - self.warmup) / (self.total - self.warmup)
                return [base * (1 + math.cos(math.pi * done)) / 2 for base in self.base_lrs]

        scheduler = Warmup(optimizer, args.epochs * len(loader), args.epochs * len(loader) / 24)
        """,
    "a decay that is off unless a caller in another file asks for it": """
        def set_rate(optimizer, epoch, epochs, peak, decay=False):
            lr = peak * (1 - epoch / epochs) if decay else peak
            for group in optimizer.param_groups:
                group["lr"] = lr
        """,
    "one drop that is written into a decay": loop(
        "lr = args.lr * (1 - epoch / args.epochs) * (0.5 if epoch >= 40 else 1.0)"
    ),
    "one drop by a product of its own": loop("lr = args.lr * 0.97**epoch\nif epoch >= 40:\n    lr *= 0.3"),
    "a milestone chained to a decay": """
        import torch
        from torch.optim.lr_scheduler import ChainedScheduler, ExponentialLR, MultiStepLR

        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ChainedScheduler([ExponentialLR(optimizer, 0.95), MultiStepLR(optimizer, [50], 0.5)])
        for epoch in range(60):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            scheduler.step()
        """,
    "a rate to add to that is nothing by default": """
        from torch.optim.lr_scheduler import LRScheduler

        class Warmup(LRScheduler):
            def __init__(self, optimizer, last_epoch=-1, base_lr=0.0, max_lr=0.001, warmup=1000):
                self.base_lr, self.max_lr, self.warmup = base_lr, max_lr, warmup
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                if self.last_epoch < self.warmup:
                    rate = self.base_lr + self.last_epoch / self.warmup * self.max_lr
                else:
                    rate = self.max_lr
                return [rate for _ in self.optimizer.param_groups]

        scheduler = Warmup(optimizer)
        """,
    "a decay that is the step at which it ends": """
        class Schedule:
            def __init__(self, optimizer, lr, warm, decay):
                self.optimizer, self.lr, self.warm, self.decay, self.n = optimizer, lr, warm, decay, 0

            def get(self):
                if self.n <= self.warm:
                    return self.lr * self.n / self.warm
                if self.n > self.decay:
                    return 1e-4
                return 1e-4 + (self.lr - 1e-4) * (self.decay - self.n) / (self.decay - self.warm)

            def step(self):
                self.n += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.get()

        schedule = Schedule(optimizer, 0.1, 200, 2800)
        """,
}


COUNTS = {
    "an option with a number": """
        import argparse

        def main(model, loader, optimizer):
            parser = argparse.ArgumentParser()
            parser.add_argument("--NAME", type=int, default=100)
            parser.add_argument("--lr", type=float, default=0.1)
            args = parser.parse_args()
            for j in range(args.NAME):
                for group in optimizer.param_groups:
                    group["lr"] = args.lr * (1 - j / args.NAME)
                for batch in loader:
                    model(batch).sum().backward()
                    optimizer.step()
        """,
    "a parameter that is given it": """
        def adjust(optimizer, now, NAME, lr):
            for group in optimizer.param_groups:
                group["lr"] = lr * (1 - now / NAME)

        def main(optimizer, args):
            for j in range(args.NAME):
                adjust(optimizer, j, args.NAME, args.lr)
        """,
    "an attribute": """
        class Trainer:
            def __init__(self, optimizer, NAME=200, lr=0.1):
                self.optimizer = optimizer
                self.NAME = NAME
                self.lr = lr

            def decay(self, cur):
                for group in self.optimizer.param_groups:
                    group["lr"] = self.lr * (1 - cur / self.NAME)

            def fit(self):
                for cur in range(self.NAME):
                    self.decay(cur)
        """,
    "a default": """
        def main(model, loader, optimizer, NAME=60, base=0.1):
            for j in range(NAME):
                for group in optimizer.param_groups:
                    group["lr"] = base * (1 - j / NAME)
                for batch in loader:
                    model(batch).sum().backward()
                    optimizer.step()
        """,
}


@pytest.mark.parametrize(
    ("style", "name"),
    [("a default", name) for name in ("iteration", "epoch", "it")] + [(style, "step") for style in COUNTS],
)
def test_the_length_of_a_run_may_have_the_name_of_a_position(style: str, name: str, check: Check) -> None:
    assert [f.message for f in check(textwrap.dedent(COUNTS[style]).replace("NAME", name))] == []


@pytest.mark.parametrize("style", STYLES)
def test_a_sound_style_is_left_alone(style: str, check: Check) -> None:
    assert [f.message for f in check(STYLES[style])] == []
