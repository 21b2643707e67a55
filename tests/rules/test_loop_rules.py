"""LR301 and LR303 to LR306: what the trace of a training loop shows, and what it leaves open."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import Severity

HEAD = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, ReduceLROnPlateau, SequentialLR, StepLR
    from transformers import get_scheduler

    """


def loop(before="pass", batch="pass", after="pass", scheduler="StepLR(optimizer, 30)") -> str:
    """A training script with one statement before the epoch, after the update and after the epoch."""
    return (
        HEAD
        + f"""
    def main(args, model, loader, validate):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = {scheduler}
        for epoch in range(args.epochs):
            {before}
            for i, (x, y) in enumerate(loader):
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
                {batch}
            val_loss = validate(model)
            {after}
    """
    )


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("scheduler.step()", {"LR301"}),
        ("scheduler.step() if epoch else None", set()),
        ("scheduler.last_epoch", {"LR303"}),
        # An option holds for the whole run; where the loop stands does not.
        ("scheduler.step() if args.before else None", {"LR301"}),
        ("scheduler.step() if epoch > args.warmup else None", set()),
        ("scheduler.last_epoch = -1 if epoch == 0 else scheduler.last_epoch; scheduler.step()", set()),
    ],
)
def test_the_scheduler_before_the_epoch(before, found, codes):
    assert set(codes(loop(before=before))) == found


@pytest.mark.parametrize(
    ("comment", "severity"),
    [
        ("# scheduler.step()", "info"),
        ("#scheduler.step(val_loss)", "info"),
        ("# after scheduler.step() all is well", "error"),
    ],
)
def test_a_step_that_stands_commented_out_was_decided_against(comment, severity, findings):
    (found,) = [each for each in findings(loop(after=f"pass\n            {comment}")) if each.code == "LR303"]
    assert found.severity == severity
    assert ("commented out (line" in found.message) is (severity == "info")


@pytest.mark.parametrize(
    ("batch", "after", "found"),
    [
        ("pass", "scheduler.step()", set()),
        ("scheduler.step()", "pass", set()),
        ("scheduler.step()", "scheduler.step()", {"LR304"}),
        ("scheduler.step() if args.per_batch else None", "scheduler.step() if not args.per_batch else None", set()),
        ("scheduler.step() if args.a else None", "scheduler.step() if args.b else None", set()),
        ("scheduler.step() if args.a else None", "scheduler.step()", set()),
        ("pass", "for _ in range(2): scheduler.step()", set()),
        ("scheduler.step()", "for _ in range(20): scheduler.step()", set()),
    ],
)
def test_two_steps_for_one_update(batch, after, found, codes):
    assert set(codes(loop(batch=batch, after=after))) & {"LR304"} == found


@pytest.mark.parametrize(("after", "found"), [("scheduler.step()", {"LR304"}), ("pass", set())])
def test_a_batch_that_is_left_out_is_trained_as_little_as_it_is_stepped_for(after, found, codes):
    source = (
        HEAD
        + f"""
    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = LambdaLR(optimizer, lambda step: 0.9**step)
        done = 0
        for epoch in range(args.epochs):
            for x, y in loader:
                if done > args.most:
                    break
                model(x, y).backward()
                optimizer.step()
                scheduler.step()
                done += 1
            {after}
    """
    )
    assert set(codes(source)) == found


@pytest.mark.parametrize(
    ("scheduler", "call", "found"),
    [
        ("StepLR(optimizer, 30)", "scheduler.step(epoch)", {"LR305"}),
        ("StepLR(optimizer, 30)", "scheduler.step(val_loss)", {"LR306"}),
        ("get_scheduler('cosine', optimizer, 100, 1000)", "scheduler.step(val_loss)", {"LR306"}),
        ("get_scheduler('reduce_lr_on_plateau', optimizer)", "scheduler.step(val_loss)", set()),
        ("get_scheduler(args.kind, optimizer, 100, 1000)", "scheduler.step(val_loss)", set()),
        ("ReduceLROnPlateau(optimizer)", "scheduler.step()", {"LR306"}),
        ("ReduceLROnPlateau(optimizer)", "scheduler.step(epoch)", {"LR306"}),
        ("ReduceLROnPlateau(optimizer)", "scheduler.step(val_loss)", set()),
        ("ReduceLROnPlateau(optimizer)", "scheduler.step(*args.rest)", set()),
        ("ReduceLROnPlateau(optimizer)", "scheduler.step(validate(epoch))", set()),
        ("build(optimizer)", "scheduler.step(val_loss)", set()),
        ("StepLR(optimizer, 30)", "scheduler.step(); print(f'lr {scheduler.get_lr()[0]:.3f}')", {"LR305"}),
        ("StepLR(optimizer, 30)", "scheduler.step(); print(f'lr {scheduler.get_last_lr()[0]:.3f}')", set()),
    ],
)
def test_what_step_is_given(scheduler, call, found, codes):
    assert set(codes(loop(after=call, scheduler=scheduler))) == found


@pytest.mark.parametrize(
    "fate",
    [
        "fit(scheduler)",
        "trainer.scheduler = scheduler",
        "callbacks = [Stepper(scheduler)]",
        "return optimizer, scheduler",
        "both = SequentialLR(optimizer, [scheduler, other], [5]); both.step()",
    ],
)
def test_a_scheduler_that_somebody_else_may_step_is_left_alone(fate, codes):
    assert "LR303" not in codes(loop(after=fate))


def test_a_class_that_is_given_a_scheduler_may_step_it(codes):
    own = """
    class Warmup(torch.optim.lr_scheduler.LRScheduler):
        def __init__(self, optimizer, steps, after):
            self.after = after
            super().__init__(optimizer)
    """
    given = "warmup = Warmup(optimizer, 5, after=scheduler); warmup.step()"
    assert "LR303" not in codes(HEAD + own + loop(after=given))


def test_steps_elsewhere_in_the_file_keep_never_from_being_said(codes):
    unseen = """
    def closure(schedulers):
        return [lambda: scheduler.step() for scheduler in schedulers]
    """
    assert "LR303" not in codes(loop() + unseen)


def test_a_scheduler_whose_name_goes_to_another_one_before_training_is_left_alone(codes):
    twice = "StepLR(optimizer, 30); scheduler = LambdaLR(optimizer, lambda epoch: 0.9 ** epoch)"
    assert "LR303" not in codes(loop(after="scheduler.step()", scheduler=twice))
    assert codes(loop(scheduler=twice)) == ["LR303"]  # the one that holds the name


@pytest.mark.parametrize(
    ("brings_back", "found"),
    [
        ("scheduler, where = load_scheduler(args.checkpoint, scheduler)", set()),
        ("scheduler = build_scheduler(args, optimizer)", set()),
        # What it comes out of has never had the scheduler in hand.
        ("warmup_scheduler = build_scheduler(args, optimizer)", {"LR303"}),
    ],
)
def test_what_a_call_gives_back_may_be_the_scheduler_that_it_was_given(brings_back, found, codes):
    name = brings_back.partition(" ")[0].rstrip(",")
    source = loop(after=f"{name}.step()", scheduler=f"StepLR(optimizer, 30); {brings_back}")
    assert set(codes(source)) & {"LR303"} == found


def test_a_step_on_a_way_that_the_run_did_not_go_keeps_never_from_being_said(codes):
    """The scheduler of a resumed run, and the one that training builds late, are stepped by one statement."""
    source = """
    def main(args, model, loader, start=0):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        early = StepLR(optimizer, 1000)
        late, begun = None, False
        if args.resume:
            state = torch.load(args.resume)
            start = state["epoch"]
            optimizer.load_state_dict(state["optimizer"])
            if "late" in state:
                late = StepLR(optimizer, step_size=args.size)
                late.load_state_dict(state["late"])
                begun = True
        for epoch in range(start, args.epochs):
            is_late = args.late_from and epoch >= args.late_from
            if is_late and not begun:
                late = StepLR(optimizer, step_size=args.size)
                begun = True
            for x, y in loader:
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
                if not is_late:
                    early.step()
            if is_late and late is not None:
                late.step()
    """
    assert "LR303" not in codes(HEAD + source)
    assert "LR303" in codes(HEAD + source.replace("late.step()", "print(late)"))


def test_a_script_that_tries_out_a_class_does_not_train_for_it(codes):
    source = """
    class Model(torch.nn.Module):
        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            scheduler = StepLR(optimizer, 30)
            return optimizer, scheduler

    def build(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return optimizer, StepLR(optimizer, 30)

    if __name__ == "__main__":
        model = Model()
        opt, sch = {built}
        for x, y in loader():
            opt.zero_grad()
            model(x, y).backward()
            opt.step()
    """
    assert "LR303" not in codes(HEAD + source.format(built="model.configure_optimizers()"))
    assert "LR303" in codes(HEAD + source.format(built="build(model)"))


def test_a_class_with_a_step_of_its_own_is_not_judged_by_torchs(codes):
    own = """
    class Own(StepLR):
        def step(self, metric):
            super().step()
    """
    assert codes(HEAD + own + loop(after="scheduler.step(val_loss)", scheduler="Own(optimizer, 3)")) == []


@pytest.mark.parametrize(
    ("source", "code", "shown"),
    [
        (loop(batch="scheduler.step()", after="scheduler.step()"), "LR304", ["step", "step"]),
        (loop(before="scheduler.step()"), "LR301", ["step"]),
        (loop(before="scheduler.last_epoch"), "LR303", ["step"]),
        (
            loop(batch="scheduler.step()", scheduler="CosineAnnealingLR(optimizer, args.epochs)"),
            "LR302",
            ["range", "enumerate", "step", "step"],
        ),
    ],
)
def test_a_finding_shows_the_other_places_that_make_it(source, code, shown, check):
    (finding,) = [finding for finding in check(source) if finding.code == code]
    lines = source.splitlines()
    assert len(finding.related) == len(shown)
    for place, word in zip(finding.related, shown, strict=True):
        assert word in lines[place.span.start.line - 1]
        assert (place.path, place.span == finding.span) == (finding.path, False)


def test_a_message_has_the_numbers_that_the_file_states(check):
    source = loop(batch="scheduler.step()", scheduler="CosineAnnealingLR(optimizer, EPOCHS)")
    source = source.replace("args.epochs", "EPOCHS").replace("    def main", "    EPOCHS = 90\n\n    def main")
    (message,) = [finding.message for finding in check(source) if finding.code == "LR302"]
    assert "`len(loader)` times in each turn" in message and "`T_max`, `EPOCHS` (90)" in message


MODULE = """
    import pytorch_lightning as pl
    import torch

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            {setting}

        def training_step(self, batch, batch_idx):
            {step}
            return self.loss(batch)

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
            return {returned}
    """


@pytest.mark.parametrize(
    ("setting", "step", "returned", "found"),
    [
        ("pass", "self.lr_schedulers().step()", "[optimizer], [scheduler]", {"LR304"}),
        ("pass", "sched = self.lr_schedulers(); sched.step()", "[optimizer], [scheduler]", {"LR304"}),
        ("self.automatic_optimization = True", "self.lr_schedulers().step()", "[optimizer], [scheduler]", {"LR304"}),
        ("self.automatic_optimization = False", "self.lr_schedulers().step()", "[optimizer], [scheduler]", set()),
        ("self.automatic_optimization = False", "pass", "[optimizer], [scheduler]", {"LR303"}),
        ("self.automatic_optimization = settings.automatic", "pass", "[optimizer], [scheduler]", set()),
        ("self.automatic_optimization = False", "self.sched.step()", "[optimizer], [scheduler]", set()),
        ("self.automatic_optimization = False", "pass", "optimizer", set()),
        ("pass", "self.lr_schedulers().step()", "optimizer", set()),
        ("pass", "pass", "[optimizer], [scheduler]", set()),
    ],
)
def test_either_the_trainer_steps_a_schedule_or_its_module(setting, step, returned, found, codes):
    source = MODULE.format(setting=setting, step=step, returned=returned)
    assert {"LR303", "LR304"} & set(codes(source)) == found


@pytest.mark.parametrize(
    "base", ['pl.LightningModule, importlib.import_module("mixins").Stepped', "pl.LightningModule, Stepped[0]"]
)
def test_a_base_class_that_is_worked_out_may_step_what_its_module_leaves(base, codes):
    hands_off = {
        "setting": "self.automatic_optimization = False",
        "step": "pass",
        "returned": "[optimizer], [scheduler]",
    }
    source = MODULE.format(**hands_off).replace("pl.LightningModule", base)
    assert "LR303" not in codes(source)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ('hasattr(optimizer, "param_groups")', 'hasattr(optimizer, "lr")', set()),
        ("args.grouped", 'hasattr(optimizer, "lr")', set()),
        ("args.grouped", "args.plain", {"LR309"}),
    ],
)
def test_an_attribute_behind_a_guard_that_no_optimizer_of_torch_gets_past_is_never_written(
    first, second, found, findings
):
    source = f"""
    def set_rate(optimizer, rate, args):
        if {first}:
            for group in optimizer.param_groups:
                group["lr"] = rate
        elif {second}:
            optimizer.lr = rate
        else:
            raise AttributeError("no rate to set")
    """
    assert {each.code for each in findings(source)} & {"LR309"} == found


@pytest.mark.parametrize(
    ("turns", "before", "after", "expected"),
    [
        ("range(epochs)", "pass", "scheduler.step(epoch)", Severity.WARNING),
        ("range(start, epochs)", "pass", "scheduler.step(epoch)", Severity.WARNING),
        ("range(1, epochs + 1)", "pass", "scheduler.step(epoch)", Severity.INFO),
        ("range(epochs)", "pass", "scheduler.step(epoch + 1)", Severity.INFO),
        ("range(epochs)", "scheduler.step(epoch)", "pass", Severity.INFO),
    ],
)
def test_the_epoch_told_is_advice_where_it_is_the_one_that_step_would_come_to(turns, before, after, expected):
    source = textwrap.dedent(
        HEAD
        + f"""
    def main(epochs, start, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, 30)
        for epoch in {turns}:
            {before}
            for x, y in loader:
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
            {after}
    """
    )
    result = check_source(source.encode(), "train.py", Settings(selected=frozenset({"LR305"})))
    assert [f.severity for f in result.findings] == [expected]


@pytest.mark.parametrize(
    ("batch", "epoch", "expected"),
    [
        ("scheduler.step(epoch + i / len(loader))", "pass", Severity.INFO),
        ("progress = epoch + i / len(loader); scheduler.step(progress)", "pass", Severity.INFO),
        ("scheduler.step(epoch=epoch + (i + 1) / len(loader))", "pass", Severity.INFO),
        ("scheduler.step(epoch)", "pass", Severity.INFO),
        ("scheduler.step(i)", "pass", Severity.INFO),
        ("pass", "scheduler.step(epoch)", Severity.WARNING),
        ("pass", "scheduler.step(epoch=epoch)", Severity.WARNING),
        ("pass", "now = epoch; scheduler.step(now)", Severity.WARNING),
    ],
)
def test_a_scheduler_that_is_told_its_place_once_a_batch_is_a_batch_late_at_most(batch, epoch, expected):
    source = f"""
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def train(args, epoch, loader, model, optimizer, scheduler):
        for i, (x, y) in enumerate(loader):
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
            {batch}
        {epoch}

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = CosineAnnealingLR(optimizer, 12)
        for epoch in range(args.start_epoch, args.epochs):
            train(args, epoch, loader, model, optimizer, scheduler)
    """
    result = check_source(textwrap.dedent(source).encode(), "train.py", Settings(selected=frozenset({"LR305"})))
    assert [f.severity for f in result.findings] == [expected]


@pytest.mark.parametrize("train", ["train(model, optimizer)", "optimizer.step(closure)"])
def test_an_epoch_out_of_sight_is_one_all_the_same(train):
    source = f"""
    import torch
    from somewhere import train

    def main(args, model, loader, closure):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
        for epoch in range(args.epochs):
            {train}
            scheduler.step(epoch)
    """
    result = check_source(textwrap.dedent(source).encode(), "train.py", Settings(selected=frozenset({"LR305"})))
    assert [f.severity for f in result.findings] == [Severity.WARNING]


def test_the_epoch_told_once_where_training_goes_on_is_no_habit(check):
    source = (
        HEAD
        + """
    def main(args, model, loader, checkpoint):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, 30)
        if args.resume:
            scheduler.load_state_dict(checkpoint["scheduler"])
            scheduler.step(epoch=checkpoint["epoch"])
        for epoch in range(args.epochs):
            for x, y in loader:
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
            scheduler.step()
    """
    )
    assert [f.code for f in check(source) if f.code == "LR305"] == []


def test_a_name_that_was_a_number_before_the_loop_is_no_epoch(check):
    source = (
        HEAD
        + """
    def main(args, model, loader, train_epoch):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ReduceLROnPlateau(optimizer)
        epoch_loss = 0
        for epoch in range(args.epochs):
            if args.kind == "joint":
                epoch_loss, found = train_epoch(model, loader, optimizer)
            optimizer.step()
            scheduler.step(epoch_loss)
    """
    )
    assert [f.code for f in check(source) if f.code == "LR306"] == []
    told = source.replace("scheduler.step(epoch_loss)", "scheduler.step(0)")
    assert [f.code for f in check(told) if f.code == "LR306"] == ["LR306"]


def test_what_an_object_of_another_file_is_given_its_hooks_may_step(tmp_path):
    from lrfix.config import Settings
    from lrfix.discovery import Target
    from lrfix.engine import check_paths

    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "trainer.py").write_text(
        "class Trainer:\n"
        "    def __init__(self, model, optimizer, lr_scheduler, hooks):\n"
        "        self.model, self.optimizer, self.lr_scheduler, self.hooks = model, optimizer, lr_scheduler, hooks\n\n"
        "    def train(self, loader):\n"
        "        for x, y in loader:\n"
        "            self.model(x, y).backward()\n"
        "            self.optimizer.step()\n"
        "            for hook in self.hooks:\n"
        "                hook.after(self)\n"
    )
    main = (
        "import torch\n{import_}\n\n\n"
        "def main(model, loader, hooks):\n"
        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)\n"
        "    {train}\n"
    )
    handed = main.format(
        import_="from trainer import Trainer", train="Trainer(model, optimizer, scheduler, hooks).train(loader)"
    )
    forgotten = main.format(import_="", train="\n    ".join(("for x, y in loader:", "    optimizer.step()")))
    (tmp_path / "main.py").write_text(handed)
    (tmp_path / "other.py").write_text(forgotten)
    targets = [Target(str(tmp_path / name)) for name in ("main.py", "other.py", "trainer.py")]
    results = {r.path: r for r in check_paths(targets, Settings(selected=frozenset({"LR303"})), jobs=1)}
    found = {path.rpartition("/")[2]: [f.code for f in result.findings] for path, result in results.items()}
    assert found == {"main.py": [], "other.py": ["LR303"], "trainer.py": []}


@pytest.mark.parametrize(
    ("handed", "found"),
    [
        ("hooks.register(scheduler.step)", []),
        ("move = scheduler.step", ["LR303"]),
        ("hooks.register(model.step)", ["LR303"]),
    ],
)
def test_a_step_that_is_handed_on_may_be_called(handed, found, codes):
    source = loop().replace("        for epoch in", f"        {handed}\n        for epoch in", 1)
    assert codes(source) == found


def test_a_step_under_another_name_is_a_step(codes):
    source = loop(after="move()").replace(
        "        for epoch in", "        move = scheduler.step\n        for epoch in", 1
    )
    assert codes(source) == []


@pytest.mark.parametrize(
    ("scheduler", "before", "after", "code", "said"),
    [
        ("StepLR(optimizer, 30)", "scheduler.step()", "pass", "LR301", "stepped (line 3 of engine.py) before"),
        ("ReduceLROnPlateau(optimizer)", "pass", "scheduler.step()", "LR306", "no metric (line 7 of engine.py)"),
    ],
)
def test_what_another_file_s_loop_does_is_told_where_the_scheduler_is_built(
    scheduler, before, after, code, said, tmp_path
):
    from lrfix.config import Settings
    from lrfix.discovery import Target
    from lrfix.engine import check_paths

    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "engine.py").write_text(
        "def train(model, loader, optimizer, scheduler, epochs):\n"
        "    for epoch in range(epochs):\n"
        f"        {before}\n"
        "        for x, y in loader:\n"
        "            model(x, y).backward()\n"
        "            optimizer.step()\n"
        f"        {after}\n"
    )
    (tmp_path / "main.py").write_text(
        "import torch\n"
        "from engine import train\n"
        "def main(model, loader):\n"
        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        f"    scheduler = torch.optim.lr_scheduler.{scheduler}\n"
        "    train(model, loader, optimizer, scheduler, 90)\n"
    )
    targets = [Target(str(tmp_path / name)) for name in ("engine.py", "main.py")]
    results = check_paths(targets, Settings(selected=frozenset({"LR301", "LR306"})), jobs=1)
    told = [finding for result in results for finding in result.findings]
    found = [finding for finding in told if finding.severity is not Severity.INFO]
    assert [(f.path.rpartition("/")[2], f.code, f.span.start.line) for f in found] == [("main.py", code, 5)]
    assert said in found[0].message
    # By itself the file of the loop sees no more than an unknown scheduler that is stepped early.
    advised = [(f.path.rpartition("/")[2], f.code) for f in told if f.severity is Severity.INFO]
    assert advised == ([("engine.py", "LR301")] if code == "LR301" else [])


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [("LambdaLR(optimizer, lambda epoch: 0.9**epoch)", Severity.INFO), ("StepLR(optimizer, 30)", Severity.WARNING)],
)
def test_a_rate_asked_from_outside_is_advice_where_the_answer_is_the_rate(scheduler, expected):
    source = textwrap.dedent(loop(after="scheduler.step(); print(scheduler.get_lr())", scheduler=scheduler))
    result = check_source(source.encode(), "train.py", Settings(selected=frozenset({"LR305"})))
    assert [f.severity for f in result.findings] == [expected]


def test_a_deprecated_call_is_told_of_in_the_file_that_makes_it(tmp_path):
    from lrfix.discovery import Target
    from lrfix.engine import check_paths

    trainer = """
    # A file that is longer than the one that calls it.


    class Trainer:
        def __init__(self, model, optimizer, scheduler):
            self.model, self.optimizer, self.scheduler = model, optimizer, scheduler

        def train(self, loader, epochs):
            for epoch in range(epochs):
                for batch in loader:
                    self.model(batch).backward()
                    self.optimizer.step()
                self.scheduler.step(epoch)
                print(self.scheduler.get_lr())
    """
    main = """
    import torch
    from trainer import Trainer

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
        Trainer(model, optimizer, scheduler).train(loader, args.epochs)
    """
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "trainer.py").write_text(textwrap.dedent(trainer))
    (tmp_path / "main.py").write_text(textwrap.dedent(main).strip())
    targets = [Target(str(tmp_path / name)) for name in ("main.py", "trainer.py")]
    results = list(check_paths(targets, Settings(selected=frozenset({"LR305"})), jobs=1))
    assert [error for result in results for error in result.errors] == []
    assert [f for result in results for f in result.findings if f.path.endswith("main.py")] == []
