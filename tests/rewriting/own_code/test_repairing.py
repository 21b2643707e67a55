"""The smallest edit of one's own code for a finding: kept where the finding is gone and nothing else has moved."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.config import Settings, find_config
from lrfix.registry import load_rules
from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.own_code import repairing
from lrfix.rewriting.own_code.candidates import FINDERS
from lrfix.rewriting.own_code.repairing import repaired
from lrfix.rewriting.own_code.text import Candidate, Insert


def _text(body: str) -> str:
    return textwrap.dedent(body).lstrip("\n")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return find_config(tmp_path_factory.mktemp("project")).settings(list(load_rules()))


LATE = _text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmups):
        return LambdaLR(optimizer, [lambda step: min(1.0, (step + 1) / w) for w in warmups])  # one a group
    """
)
NO_WARMUP = _text(
    """
    def get_lr(step, lr, warmup=0):
        return lr * min(1.0, (step + 1) / (warmup))
    """
)
PAST_THE_END = _text(
    """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def train(optimizer, batches):
        T_max = 40
        scheduler = LambdaLR(optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / T_max)))
        for epoch in range(80):
            for batch in batches:
                optimizer.step()
            scheduler.step()
    """
)
TORN = _text(
    """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup, total):
        def factor(step):
            if step < warmup:
                return step / warmup
            elif step >= total:
                return 0.0
            return (1 + math.cos(math.pi * step / total)) / 2
        return LambdaLR(optimizer, factor)
    """
)
FROM_ZERO = _text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def train(optimizer, batches, epochs):
        scheduler = LambdaLR(optimizer, lambda epoch: min(1.0, epoch / 5))
        for epoch in range(epochs):
            for batch in batches:
                optimizer.step()
            scheduler.step()
    """
)
TOO_EARLY = _text(
    """
    import torch

    def main(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
        for epoch in range(epochs):
            scheduler.step()
            for images in loader:
                optimizer.zero_grad()
                model(images).backward()
                optimizer.step()
            print(epoch)
    """
)
VERBOSE = _text(
    """
    import torch

    def build(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 30, verbose=True)
    """
)
NOT_SAVED = _text(
    """
    import torch

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
        start = 0
        if args.resume:
            checkpoint = torch.load(args.resume)
            optimizer.load_state_dict(checkpoint["optimizer"])
            start = checkpoint["epoch"]
        for epoch in range(start, args.epochs):
            for images in loader:
                optimizer.zero_grad()
                model(images).backward()
                optimizer.step()
            scheduler.step()
            torch.save({"optimizer": optimizer.state_dict(), "epoch": epoch + 1}, args.path)
    """
)
TOO_LATE = _text(
    """
    from torch.optim.lr_scheduler import LRScheduler

    class Halving(LRScheduler):
        def __init__(self, optimizer, every, last_epoch=-1):
            super().__init__(optimizer, last_epoch)
            self.every = every

        def get_lr(self):
            return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]
    """
)
RETURNS_NOTHING = _text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup):
        def decay(step):
            return 0.99 ** step

        def factor(step):
            if step < warmup:
                return decay(warmup) * (step + 1) / warmup
            else:
                decay(step)

        return LambdaLR(optimizer, factor)
    """
)
SWAPPED = _text(
    """
    from torch.optim import AdamW
    from transformers import get_linear_schedule_with_warmup

    def build(args, parameters, num_train_steps):
        optimizer = AdamW(parameters, lr=args.lr)
        return optimizer, get_linear_schedule_with_warmup(
            optimizer,
            num_warmup_steps=num_train_steps,
            num_training_steps=args.warmup_proportion * num_train_steps,
        )
    """
)
GIVEN_A_METRIC = _text(
    """
    import torch

    def main(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for epoch in range(epochs):
            val_loss = 0.0
            for images in loader:
                optimizer.zero_grad()
                loss = model(images)
                loss.backward()
                optimizer.step()
                val_loss += loss.item()
            scheduler.step(val_loss)
    """
)
WRONG_WAY = _text(
    """
    import torch

    def main(model, loader, evaluate):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, 'min', patience=3)
        for epoch in range(90):
            for images in loader:
                optimizer.zero_grad()
                model(images).backward()
                optimizer.step()
            accuracy = evaluate(model)
            scheduler.step(accuracy)
    """
)
LADDER = _text(
    """
    def adjust(args, optimizer, epoch):
        lr = args.lr
        if epoch >= 30:
            lr = args.lr * 0.1
        elif epoch >= 60:
            lr = args.lr * 0.01
        for group in optimizer.param_groups:
            group["lr"] = lr

    def main(args, optimizer, batches):
        for epoch in range(90):
            adjust(args, optimizer, epoch)
            for batch in batches:
                optimizer.step()
    """
)
SHORT_OF_ITS_PEAK = _text(
    """
    class Trainer:
        def warm_up(self, epoch, batch):
            if epoch < self.config.warmup_epochs:
                step = epoch * len(self.loader) + batch
                warmup = self.config.warmup_epochs * len(self.loader)
                for group in self.optimizer.param_groups:
                    group["lr"] = self.config.lr * min(1.0, step / warmup)

        def train(self, model):
            for epoch in range(self.config.epochs):
                for index, batch in enumerate(self.loader):
                    self.warm_up(epoch, index)
                    model(batch).backward()
                    self.optimizer.step()
    """
)
AS_LONG_AS_THE_WHOLE = _text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps, total_steps):
        def factor(step):
            if step < warmup_steps:
                return (step + 1) / warmup_steps
            step -= warmup_steps
            return max(0.0, 1 - step / total_steps)
        return LambdaLR(optimizer, factor)

    def train(model, batches, optimizer, warmup_steps, total_steps):
        scheduler = build(optimizer, warmup_steps, total_steps)
        for step in range(total_steps):
            model(next(batches)).backward()
            optimizer.step()
            scheduler.step()
    """
)
MENDED = {
    "LR310": (AS_LONG_AS_THE_WHOLE, ["max(0.0, 1 - step / max(1, total_steps - warmup_steps))"]),
    "LR102": (LADDER, ["    if epoch >= 60:\n        lr = args.lr * 0.01\n"]),
    "LR209": (SHORT_OF_ITS_PEAK, ["min(1.0, (step + 1) / warmup)"]),
    "LR107": (TOO_LATE, ["        self.every = every\n        super().__init__(optimizer, last_epoch)\n"]),
    "LR210": (RETURNS_NOTHING, ["            return decay(step)\n"]),
    "LR211": (
        SWAPPED,
        [
            "num_warmup_steps=args.warmup_proportion * num_train_steps,",
            "num_training_steps=num_train_steps,",
        ],
    ),
    "LR306": (GIVEN_A_METRIC, ["        scheduler.step()\n"]),
    "LR314": (WRONG_WAY, ["ReduceLROnPlateau(optimizer, 'max', patience=3)"]),
    "LR108": (LATE, ["lambda step, w=w: min(1.0, (step + 1) / w) for w in warmups])  # one a group"]),
    "LR205": (NO_WARMUP, ["(step + 1) / max(1, warmup))"]),
    "LR204": (PAST_THE_END, ["math.cos(math.pi * min(1.0, epoch / T_max))"]),
    "LR202": (TORN, ["math.cos(math.pi * (step - warmup) / max(1, total - warmup))"]),
    "LR203": (FROM_ZERO, ["lambda epoch: min(1.0, (epoch + 1) / 5)"]),
    "LR301": (TOO_EARLY, ["            optimizer.step()\n        scheduler.step()\n        print(epoch)"]),
    "LR305": (VERBOSE, ["StepLR(optimizer, 30)"]),
    "LR308": (
        NOT_SAVED,
        [
            '{"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "epoch"',
            '        if "scheduler" in checkpoint:  # checkpoints of before have none\n'
            '            scheduler.load_state_dict(checkpoint["scheduler"])\n',
        ],
    ),
}


@pytest.fixture(scope="module")
def results(settings: Settings) -> dict[str, FileRewrite]:
    return {code: repaired(text.encode(), "train.py", settings) for code, (text, _) in MENDED.items()}


def test_every_rule_with_a_repair_has_its_example():
    assert set(MENDED) == set(FINDERS)


@pytest.mark.parametrize("code", MENDED)
def test_the_finding_is_mended_by_one_small_edit(results: dict[str, FileRewrite], code: str):
    before, expected = MENDED[code]
    result = results[code]
    assert [repair.finding.code for repair in result.repairs] == [code]
    for line in expected:
        assert line in result.after
    changed = set(result.after.splitlines()) - set(before.splitlines())
    assert len(changed) <= 3 and all(part in "\n".join(result.after.splitlines()) for part in changed)


MORE = {
    "a warmup with its last step in it": (
        """
        def set_rate(optimizer, step, lr, warmup=4):
            if warmup > 0 and step <= warmup:
                lr = lr * step / float(warmup)
            for group in optimizer.param_groups:
                group["lr"] = lr

        for epoch in range(90):
            set_rate(optimizer, epoch, 0.1)
            for batch in loader:
                model(batch).backward()
                optimizer.step()
        """,
        "    if warmup > 0 and step < warmup:\n        lr = lr * (step + 1) / float(warmup)\n",
    ),
    "a power of the first step": (
        """
        class Noam:
            def __init__(self, optimizer, width, warmup=400):
                self.optimizer, self.width, self.warmup = optimizer, width, warmup
                self.steps = 0
                self.set(self.rate(0))

            def rate(self, step):
                return self.width ** (-0.5) * min(step ** (-0.5), step * self.warmup ** (-1.5))

            def set(self, rate):
                for group in self.optimizer.param_groups:
                    group["lr"] = rate

            def step(self):
                self.steps += 1
                self.set(self.rate(self.steps))
        """,
        "min(max(1, step) ** (-0.5), ",
    ),
    "a step before the function that trains": (
        """
        from torch.optim.lr_scheduler import StepLR

        def train(model, loader, optimizer):
            for batch in loader:
                model(batch).backward()
                optimizer.step()

        def main(model, loader, optimizer):
            scheduler = StepLR(optimizer, 5)
            for epoch in range(20):
                scheduler.step()
                train(model, loader, optimizer)
        """,
        "        train(model, loader, optimizer)\n        scheduler.step()\n",
    ),
    "a decay that is told by its pace": (
        """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup=5):
            def factor(epoch):
                if epoch < warmup:
                    return (epoch + 1) / warmup
                return 0.97 ** (epoch / 2.4)
            return LambdaLR(optimizer, factor)
        """,
        "0.97 ** ((epoch - warmup) / 2.4)",
    ),
    "a decay without the warmup's steps that counts them": (
        """
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class Warmup(LRScheduler):
            def __init__(self, optimizer, warmup=500, last_epoch=-1):
                self.warmup = warmup
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                early = (self.last_epoch + 1) / self.warmup
                ratio = early if self.last_epoch < self.warmup else self.main()
                return [ratio * base for base in self.base_lrs]

        class WarmupCosine(Warmup):
            def __init__(self, optimizer, total, warmup=500, last_epoch=-1):
                self.total = total
                super().__init__(optimizer, warmup, last_epoch)

            def main(self):
                length = self.total - self.warmup
                return (1 + math.cos(math.pi * self.last_epoch / length)) / 2
        """,
        "math.cos(math.pi * (self.last_epoch - self.warmup) / length)",
    ),
    "a flag that nothing creates": (
        """
        from torch.optim.lr_scheduler import LRScheduler

        class Gradual(LRScheduler):
            def __init__(self, optimizer, total_epoch, after=None):
                self.total_epoch = total_epoch
                self.after = after
                super().__init__(optimizer)

            def get_lr(self):
                if self.last_epoch > self.total_epoch:
                    if not self.finished:
                        self.finished = True
                    return self.base_lrs
                return [base * min(1.0, (self.last_epoch + 1) / self.total_epoch) for base in self.base_lrs]
        """,
        "        self.finished = False\n        super().__init__(optimizer)\n",
    ),
    "a constructor that torch's is not called in": (
        """
        from torch.optim.lr_scheduler import LRScheduler

        class Falling(LRScheduler):
            def __init__(self, optimizer, every, last_epoch=-1):
                self.optimizer = optimizer
                self.every = every
                self.last_epoch = last_epoch
                self.base_lrs = [group["lr"] for group in optimizer.param_groups]

            def get_lr(self):
                return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]
        """,
        "        super().__init__(optimizer, last_epoch)\n",
    ),
    "verbose of the base class": (
        """
        from torch.optim.lr_scheduler import LRScheduler

        class Halving(LRScheduler):
            def __init__(self, optimizer, every, last_epoch=-1, verbose=False):
                self.every = every
                super().__init__(optimizer, last_epoch, verbose)

            def get_lr(self):
                return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]

        def build(optimizer):
            return Halving(optimizer, 30, verbose=True)
        """,
        "super().__init__(optimizer, last_epoch)\n",
    ),
    "a name that is kept on the object": (
        """
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class Cosine(LRScheduler):
            def __init__(self, optimizer, length, floor=0.1, last_epoch=-1):
                self.length = length
                self.floor = floor
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                done = min(1.0, self.last_epoch / self.length)
                factor = floor + (1 - self.floor) * (1 + math.cos(math.pi * done)) / 2
                return [base * factor for base in self.base_lrs]
        """,
        "factor = self.floor + (1 - ",
    ),
    "branches that return": (
        """
        from torch.optim.lr_scheduler import LambdaLR

        def factor(epoch):
            if epoch > 30:
                return 0.1  # late
            elif epoch > 60:
                return 0.01
            else:
                return 1.0

        def build(optimizer):
            return LambdaLR(optimizer, factor)
        """,
        "    if epoch > 60:\n        return 0.01  # late\n    elif epoch > 30:\n        return 0.1\n    else:\n",
    ),
    "branches that go on from the rate there is": (
        """
        def adjust(optimizer, epoch, lr=0.1):
            if epoch >= 30:
                lr = lr * 0.1
            elif epoch >= 60:
                lr = lr * 0.01
            for group in optimizer.param_groups:
                group["lr"] = lr
        """,
        "    if epoch >= 60:\n        lr = lr * 0.01\n    elif epoch >= 30:\n        lr = lr * 0.1\n",
    ),
    "what is left of a decay that takes as long as the whole": (
        """
        class Annealing:
            def __init__(self, optimizer, start_lr, warmup_iter, total_iters):
                self.optimizer, self.start_lr = optimizer, start_lr
                self.warmup_iter, self.end_iter = warmup_iter, total_iters
                self.num_iters = 0

            def get_lr(self):
                if self.num_iters <= self.warmup_iter:
                    return self.start_lr * self.num_iters / self.warmup_iter
                done = min(self.num_iters, self.end_iter) - self.warmup_iter
                return self.start_lr * (self.end_iter - done) / self.end_iter

            def step(self):
                self.num_iters += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.get_lr()
        """,
        "(max(1, self.end_iter - self.warmup_iter) - done) / max(1, self.end_iter - self.warmup_iter)\n",
    ),
    "one rate for all groups": (
        """
        from torch.optim.lr_scheduler import LRScheduler

        class Rising(LRScheduler):
            def __init__(self, optimizer, peak, warmup, last_epoch=-1):
                self.peak, self.warmup = peak, warmup
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return [self.peak * min(1.0, (self.last_epoch + 1) / self.warmup)]
        """,
        " for _ in self.base_lrs]\n",
    ),
    "a count that stands still": (
        """
        from torch.optim.lr_scheduler import LRScheduler

        class Gradual(LRScheduler):
            def __init__(self, optimizer, warmup, after):
                self.warmup, self.after, self.finished = warmup, after, False
                super().__init__(optimizer)

            def get_lr(self):
                if self.last_epoch > self.warmup:
                    self.finished = True
                    return self.base_lrs
                return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]

            def step(self, epoch=None):
                if self.finished:
                    if epoch is None:
                        self.after.step(None)
                    else:
                        self.after.step(epoch - self.warmup)
                else:
                    super().step(epoch)
        """,
        "                self.after.step(epoch - self.warmup)\n"
        "            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch\n"
        '            self._last_lr = [group["lr"] for group in self.optimizer.param_groups]\n',
    ),
    "an attribute with a word too many": (
        """
        class Noam:
            def __init__(self, optimizer, width, warmup):
                self.optimizer, self.width, self.n_warmup_steps = optimizer, width, warmup
                self.n_steps = 0

            def step_and_update_lr(self):
                self.n_current_steps += 1
                rate = self.width**-0.5 * min(self.n_steps**-0.5, self.n_steps * self.n_warmup_steps**-1.5)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                self.optimizer.step()
        """,
        "        self.n_steps += 1\n",
    ),
    "a module that is not imported": (
        """
        from __future__ import annotations

        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, total):
            return LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * min(step, total) / total)) / 2)
        """,
        "annotations\n\nimport math\nfrom torch.optim",
    ),
    "a rate worked out once more": (
        """
        from torch.optim.lr_scheduler import StepLR

        def main(model, loader, optimizer, log):
            scheduler = StepLR(optimizer, 5)
            for epoch in range(20):
                for batch in loader:
                    model(batch).backward()
                    optimizer.step()
                scheduler.step()
                log(scheduler.get_lr())
        """,
        "log(scheduler.get_last_lr())",
    ),
}

#: What is told as info wherever it stands.
ADVISED = {"one rate for all groups", "a count that stands still"}


@pytest.mark.parametrize("name", MORE)
def test_other_ways_to_write_a_fault_have_their_edit_too(settings: Settings, name: str):
    body, mended = MORE[name]
    assert mended in repaired(_text(body).encode(), "train.py", settings, advice=name in ADVISED).after


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        ("self.n_warm_steps", "self.n_steps"),
        ("self.get_warm_rate()", "self.get_rate"),
        ("self.current_width", "self.width"),
        ("Horizon", "self.Horizon"),
    ],
)
def test_what_nothing_sets_is_not_called_as_something_else(settings: Settings, read: str, wrong: str):
    body = _text(MORE["an attribute with a word too many"][0]).replace("self.n_current_steps", "self.n_steps")
    body = body.replace("self.width**-0.5", read) + "\n    def get_rate(self):\n        return self.width\n"
    assert body.count(wrong) == repaired(body.encode(), "train.py", settings).after.count(wrong)


def test_a_length_that_the_loop_belies_is_not_divided_otherwise(settings: Settings):
    body = _text(
        """
        from torch.optim.lr_scheduler import CosineAnnealingLR

        def train(model, loader, optimizer, epochs, warmup):
            scheduler = CosineAnnealingLR(optimizer, T_max=(epochs - warmup) / epochs + len(loader))
            for epoch in range(epochs):
                for batch in loader:
                    model(batch).backward()
                    optimizer.step()
                    scheduler.step()
        """
    )
    assert "max(1" not in repaired(body.encode(), "train.py", settings, advice=True).after


def test_a_rate_that_is_one_groups_own_is_not_given_to_all(settings: Settings):
    body = _text(MORE["one rate for all groups"][0]).replace("[self.peak *", "[self.peak * self.base_lrs[0] *")
    assert "for _ in" not in repaired(body.encode(), "train.py", settings, advice=True).after


def test_what_becomes_of_the_curve_is_told(results: dict[str, FileRewrite]):
    told = {code: result.repairs[0].curve for code, result in results.items()}
    assert {told[code] for code in ("LR205", "LR301", "LR305", "LR308")} == {"no rate changes"}
    assert told["LR204"].startswith("from step 41 on the rate changes: ")
    assert told["LR203"].startswith("from step 0 on the rate changes: 0 before")
    assert told["LR202"].startswith("from step 11 on the rate changes: ")


def test_form_feeds_and_other_separators_end_no_line(settings: Settings):
    text = "\f# \u2028 one section\n" + NO_WARMUP.replace("    return", "\f    return")
    result = repaired(text.encode(), "train.py", settings)
    assert [repair.finding.code for repair in result.repairs] == ["LR205"]
    assert result.after == text.replace("(warmup)", "max(1, warmup)")


def test_rates_that_a_schedule_hands_on_are_worked_out_as_before(settings: Settings):
    text = _text(
        """
        from torch.optim.lr_scheduler import LRScheduler

        class After(LRScheduler):
            def __init__(self, optimizer, warmup, after):
                self.warmup, self.after = warmup, after
                super().__init__(optimizer)

            def get_lr(self):
                if self.last_epoch > self.warmup:
                    return self.after.get_lr()
                return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]
        """
    )
    assert "self.after.get_lr()" in repaired(text.encode(), "after.py", settings).after


def test_what_is_only_told_as_info_is_left(settings: Settings):
    text = FROM_ZERO.replace("scheduler.step()", "    scheduler.step()")
    result = repaired(text.encode(), "train.py", settings)
    assert result.after == result.before and not result.repairs and not result.left


def test_an_edit_that_moves_more_than_the_fault_or_mends_nothing_is_not_taken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    def planted(text, finding):
        rate, divisor = text.source.text.index("lr * min"), text.source.text.index("(warmup)")
        guarded = Insert(divisor, divisor + 8, "max(1, warmup)")
        yield Candidate((Insert(rate, rate + 2, "0.5 * lr"), guarded), "halves it as well")
        yield Candidate((Insert(divisor, divisor + 8, "(1 * warmup)"),), "changes nothing")

    monkeypatch.setitem(repairing.FINDERS, "LR205", planted)
    result = repaired(NO_WARMUP.encode(), "train.py", settings)
    assert result.after == result.before and not result.repairs
    (left,) = result.left
    assert "LR205" in left.reason and "No edit was seen to mend it" in left.reason


class TestCommand:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("train.py").write_text(VERBOSE)

    def test_it_shows_and_with_apply_it_writes(self):
        shown = CliRunner().invoke(main, ["rewrite", "--repair", "train.py"])
        assert shown.exit_code == 1 and Path("train.py").read_text() == VERBOSE
        assert "LR305 repaired: drops `verbose=`" in shown.output and "1 finding would be repaired" in shown.output
        written = CliRunner().invoke(main, ["rewrite", "--repair", "--apply", "train.py"])
        assert written.exit_code == 0 and "verbose" not in Path("train.py").read_text()

    def test_advice_is_taken_where_it_is_asked_for(self):
        Path("train.py").write_text(NO_WARMUP.replace("warmup=0", "warmup"))
        assert "max(1" not in CliRunner().invoke(main, ["rewrite", "--repair", "train.py"]).output
        result = CliRunner().invoke(main, ["rewrite", "--repair", "--advice", "--diff", "train.py"])
        assert result.exit_code == 1 and "(step + 1) / max(1, warmup))" in result.stdout
        assert CliRunner().invoke(main, ["rewrite", "--advice", "train.py"]).exit_code == 2

    def test_an_ignored_finding_is_left(self):
        Path("pyproject.toml").write_text("[tool.lrfix]\nignore = ['LR305']\n")
        result = CliRunner().invoke(main, ["rewrite", "--repair", "--apply", "train.py"])
        assert result.exit_code == 0 and Path("train.py").read_text() == VERBOSE

    def test_what_is_about_the_bundled_scheduler_does_not_go_with_it(self):
        result = CliRunner().invoke(main, ["rewrite", "--repair", "--vendor", "v.py", "train.py"])
        assert result.exit_code == 2 and "--vendor" in result.output
