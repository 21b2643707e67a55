"""LR309: which optimizer a scheduler moves, and which one trains."""

from __future__ import annotations

import pytest

SCRIPT = """
    import torch
    from torch.optim.lr_scheduler import ExponentialLR, StepLR

    def main(model, critic, loader, epochs, wrap):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        {before}
        scheduler = StepLR(optimizer, 30)
        {between}
        for epoch in range(epochs):
            for x, y in loader:
                model(x, y).backward()
                {step}
            scheduler.step()
    """


@pytest.mark.parametrize(
    ("before", "between", "step", "found"),
    [
        ("pass", "pass", "optimizer.step()", False),
        ("pass", "optimizer = torch.optim.Adam(model.parameters())", "optimizer.step()", True),
        ("optimizer = torch.optim.Adam(model.parameters())", "pass", "optimizer.step()", False),
        ("other = torch.optim.Adam(critic.parameters())", "pass", "other.step()", True),
        ("other = torch.optim.Adam(critic.parameters())", "pass", "other.step(); optimizer.step()", False),
        # What unknown code has in hand may be stepped there.
        ("other = torch.optim.Adam(critic.parameters())", "fit(optimizer)", "other.step()", False),
        ("other = torch.optim.Adam(critic.parameters())", "model.optimizer = optimizer", "other.step()", False),
        # A wrapper stands for the optimizer in it.
        ("pass", "optimizer = DistributedOptimizer(optimizer)", "optimizer.step()", False),
        ("optimizer = SAM(model.parameters(), torch.optim.SGD)", "pass", "optimizer.second_step()", False),
    ],
)
def test_a_scheduler_moves_the_optimizer_that_trains(before, between, step, found, codes):
    assert ("LR309" in codes(SCRIPT.format(before=before, between=between, step=step))) is found


KEPT = """
    import torch
    from functools import cache, cached_property, lru_cache
    from torch.optim.lr_scheduler import StepLR

    class Trainer:
        def __init__(self, model):
            self.model = model

        @cached_property
        def optimizer(self):
            return torch.optim.SGD(self.model.parameters(), lr=0.1)

        @cached_property
        def scheduler(self):
            return StepLR(self.optimizer, 30)

    {decorator}
    def optimizer():
        return torch.optim.SGD(model.parameters(), lr=0.1)

    {decorator}
    def scheduler():
        return StepLR(optimizer(), 30)

    trainer = Trainer(model)
    for epoch in range(90):
        for x, y in loader:
            model(x, y).backward()
            {step}
    """


@pytest.mark.parametrize(
    ("decorator", "step", "found"),
    [
        ("@cache", "trainer.optimizer.step(); trainer.scheduler.step()", False),
        ("@lru_cache(maxsize=None)", "optimizer().step(); scheduler().step()", False),
        ("@torch.no_grad()", "optimizer().step(); scheduler().step()", True),
    ],
)
def test_what_is_built_once_is_the_same_wherever_it_is_asked_for(decorator, step, found, codes):
    assert ("LR309" in codes(KEPT.format(decorator=decorator, step=step))) is found


@pytest.mark.parametrize(
    ("groups", "write", "found"),
    [
        ("model.parameters()", 'optimizer.param_groups[0]["lr"] = rate', False),
        ('[{"params": a}, {"params": b}]', 'optimizer.param_groups[0]["lr"] = rate', True),
        # The other group may be meant to keep the rate that it was given: advice.
        ('[{"params": a}, {"params": b, "lr": 0.01}]', 'optimizer.param_groups[0]["lr"] = rate', False),
        ('[{"params": a}, {"params": b}]', 'for group in optimizer.param_groups: group["lr"] = rate', False),
        ('[{"params": a}]', 'optimizer.param_groups[0]["lr"] = rate', False),
        # A group that is not to train.
        ('[{"params": a}, {"params": b}]', 'optimizer.param_groups[0]["lr"] = 0', False),
        ('[{"params": a}, {"params": b}]', "optimizer.lr = rate", True),
    ],
)
def test_a_rate_reaches_every_group(groups, write, found, codes):
    source = f"""
    import torch

    def main(a, b, loader):
        optimizer = torch.optim.SGD({groups}, lr=0.1)
        for i, batch in enumerate(loader):
            rate = 0.1 * 0.5 ** (i // 1000)
            {write}
            optimizer.step()
    """
    assert ("LR309" in codes(source)) is found


@pytest.mark.parametrize("path", ["args.optimizer", "cfg.optim", "opt", "self.config.optimizer"])
def test_settings_hold_rates_too(path, codes):
    source = f"""
    def main(args, cfg, opt, self):
        {path}.lr = 0.1
        optimizer = build(args)
        optimizer.step()
        scheduler.step()
    """
    assert "LR309" not in codes(source)


@pytest.mark.parametrize("annotation", ["", ": OptimWrapper"])
def test_a_wrapper_may_hand_its_rate_on(annotation, findings):
    source = f"""
    class Phases:
        def __init__(self, optimizer{annotation}, total):
            self.optimizer, self.total = optimizer, total

        def step(self, step):
            self.optimizer.lr = 0.1 * (1 - step / self.total)

    def main(model, loader):
        wrapped = OptimWrapper(torch.optim.Adam(model.parameters()))
        phases = Phases(wrapped, 100)
        for step, x in enumerate(loader):
            wrapped.step()
            phases.step(step)
    """
    assert {each.severity for each in findings(source) if each.code == "LR309"} <= {"info"}


@pytest.mark.parametrize(
    ("parameter", "shown", "severity"),
    [
        # What is used as only torch's optimizers are has no such attribute,
        ("optimizer", "self.after = torch.optim.lr_scheduler.StepLR(self.optimizer, 30)", "error"),
        ("optimizer", "torch.amp.GradScaler().step(self.optimizer)", "error"),
        ("optimizer: torch.optim.Optimizer", "pass", "error"),
        ("optimizer", 'print(self.optimizer.param_groups[0]["lr"])', "error"),
        # and what is only called an optimizer may be a wrapper that hands its rate on.
        ("optimizer: Optimizer", "pass", "info"),
        ("optimizer", 'print(self.inner.param_groups[0]["lr"])', "info"),
    ],
)
def test_what_an_attribute_does_depends_on_whose_it_is(parameter, shown, severity, findings):
    source = f"""
    import torch

    class Phases:
        def __init__(self, {parameter}, total):
            self.optimizer, self.total = optimizer, total

        def step(self, step):
            {shown}
            self.optimizer.lr = 0.1 * (1 - step / self.total)
    """
    told = {each.severity for each in findings(source) if each.code == "LR309"}
    assert severity in told and (severity == "error" or told == {severity})


@pytest.mark.parametrize(("package", "severity"), [("torch.optim", "error"), ("own.optimizers", "info")])
def test_an_optimizer_of_another_package_may_read_its_attribute_whatever_its_name(package, severity, findings):
    source = f"""
    from {package} import AdamW

    def train(parameters, batches):
        optimizer = AdamW(parameters, lr=3e-4)
        for step, batch in enumerate(batches):
            optimizer.lr = 3e-4 * (1 - step / 1000)
            optimizer.step()
    """
    assert [each.severity for each in findings(source) if each.code == "LR309"] == [severity]


def test_a_module_that_trains_nothing_may_speak_of_a_configuration(findings):
    source = """
    from common import get_config

    optimizer = get_config("common/optim.py").AdamW
    train = get_config("common/train.py").train
    train.max_iter = 1000
    {write}
    """
    lowered = source.format(write="optimizer.lr = 1e-4")
    assert [each for each in findings(lowered) if each.code == "LR309"] == []
    trained = lowered + "\n    for batch in loader:\n        optimizer.step()\n"
    assert {each.severity for each in findings(trained) if each.code == "LR309"} == {"info"}


def rebuilt(again: str, train: str = "optimizer.step()") -> str:
    return f"""
    import torch
    from engine import train_one_epoch, LARS

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
        {again}
        for epoch in range(args.epochs):
            for x, y in loader:
                optimizer.zero_grad()
                loss = model(x, y)
                loss.backward()
                {train}
            scheduler.step()
    """


@pytest.mark.parametrize(
    "train",
    [
        "optimizer.step()",
        "if torch.isfinite(loss): optimizer.step()",
        "train_one_epoch(optimizer, x)",  # unseen code trains the one that has the name now
    ],
)
def test_an_optimizer_that_takes_the_name_of_the_schedulers_own(train, findings):
    source = rebuilt("optimizer = torch.optim.Adam(model.parameters())", train)
    assert "LR309" in {each.code for each in findings(source)}


def test_an_optimizer_that_is_built_around_the_schedulers_own_moves_that(findings):
    assert "LR309" not in {each.code for each in findings(rebuilt("optimizer = LARS(optimizer)"))}
    assert "LR309" not in {each.code for each in findings(rebuilt("optimizer = LARS(optimizer.param_groups)"))}


TWO = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR

    def main(generator, critic, loader, rate):
        {g} = torch.optim.Adam(generator.parameters())
        {d} = torch.optim.Adam(critic.parameters())
        {schedulers}
        for x in loader:
            {g}.step()
            {d}.step()
            {steps}
    """


def two(g, d, **schedulers):
    built = "; ".join(f"{name} = {call}" for name, call in schedulers.items())
    return TWO.format(g=g, d=d, schedulers=built, steps="; ".join(f"{name}.step()" for name in schedulers))


def test_of_two_alike_schedulers_each_has_its_own_optimizer(codes):
    alike = {"one": "ExponentialLR(first, 0.9)", "other": "ExponentialLR({}, 0.9)"}
    for given, found in (("first", True), ("second", False)):
        source = two("first", "second", one=alike["one"], other=alike["other"].format(given))
        assert ("LR309" in codes(source)) is found
    # Two that are not alike may be two parts of one schedule.
    chained = two("first", "second", one=alike["one"], other="ExponentialLR(first, 0.5)")
    assert "LR309" not in codes(chained)


@pytest.mark.parametrize(
    ("g", "d", "schedulers", "found"),
    [
        ("optimizer_g", "optimizer_d", {"scheduler_d": "ExponentialLR(optimizer_g, 0.5)"}, True),
        ("optimizer_g", "optimizer_d", {"scheduler_d": "ExponentialLR(optimizer_d, 0.5)"}, False),
        ("optimizer_g", "optimizer_d", {"scheduler": "ExponentialLR(optimizer_g, 0.5)"}, False),
        ("optG", "optD", {"schedD": "CosineAnnealingLR(optG, 100)", "schedG": "ExponentialLR(optG, 0.9)"}, True),
        ("optimizer", "optimizer2", {"scheduler2": "ExponentialLR(optimizer, 0.9)"}, True),
        ("optimizer", "optimizer2", {"scheduler1": "ExponentialLR(optimizer, 0.9)"}, False),
        ("actor_optimizer", "critic_optimizer", {"critic_scheduler": "ExponentialLR(actor_optimizer, 0.9)"}, True),
        ("actor_optimizer", "critic_optimizer", {"actor_critic_lr": "ExponentialLR(actor_optimizer, 0.9)"}, False),
    ],
)
def test_a_scheduler_moves_the_optimizer_that_it_is_called_after(g, d, schedulers, found, codes):
    assert ("LR309" in codes(two(g, d, **schedulers))) is found


@pytest.mark.parametrize(
    ("schedulers", "found"),
    [
        ({"scheduler_d": "ExponentialLR(optimizer_g, 0.9)"}, True),
        ({"scheduler_d": "ExponentialLR(optimizer_d, 0.9)"}, False),
        ({"scheduler": "ExponentialLR(optimizer_g, 0.9)"}, False),  # the other one may have its own elsewhere
    ],
)
def test_optimizers_that_are_handed_over_are_told_apart_too(schedulers, found, codes):
    source = two("optimizer_g", "optimizer_d", **schedulers).replace("def main(", "def main(optimizer_g, optimizer_d, ")
    given = [line for line in source.splitlines() if "torch.optim.Adam(" not in line]
    assert ("LR309" in codes("\n".join(given))) is found


def test_an_optimizer_whose_rate_is_written_by_hand_lacks_no_scheduler(codes):
    source = two("optimizer_g", "optimizer_d", scheduler_d="ExponentialLR(optimizer_g, 0.5)")
    assert "LR309" not in codes(source + '        optimizer_d.param_groups[0]["lr"] = rate(x)\n')


def test_what_is_only_named_like_an_optimizer_may_be_the_command_line(codes):
    source = """
    import torch

    def main(args, model, loader):
        if args.lr is None:
            args.lr = args.blr * args.batch_size / 256
        optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
        for batch in loader:
            optimizer.step()

    if __name__ == "__main__":
        opts = get_args()
        main(opts, build(opts), load(opts))
    """
    assert "LR309" not in codes(source)


REPLACED = """
    import torch
    from torch.optim.lr_scheduler import StepLR

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), args.lr)
        scheduler = StepLR(optimizer, 30)
        phase = 0
        for epoch in range(args.epochs):
            {when}
                phase += 1
                optimizer = torch.optim.SGD(model.parameters(), args.lr)
            for x in loader:
                model(x).backward()
                optimizer.step()
            scheduler.step()
    """


@pytest.mark.parametrize(("when", "found"), [("if epoch > args.starts[phase]:", False), ("if True:", True)])
def test_an_optimizer_that_is_replaced_in_the_middle_of_training_was_moved_till_then(when, found, codes):
    assert ("LR309" in codes(REPLACED.format(when=when))) is found
