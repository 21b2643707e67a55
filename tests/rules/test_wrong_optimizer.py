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


@pytest.mark.parametrize(
    ("groups", "write", "found"),
    [
        ("model.parameters()", 'optimizer.param_groups[0]["lr"] = rate', False),
        ('[{"params": a}, {"params": b}]', 'optimizer.param_groups[0]["lr"] = rate', True),
        ('[{"params": a}, {"params": b}]', 'for group in optimizer.param_groups: group["lr"] = rate', False),
        ('[{"params": a}]', 'optimizer.param_groups[0]["lr"] = rate', False),
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


def test_of_two_alike_schedulers_each_has_its_own_optimizer(codes):
    source = """
    import torch
    from torch.optim.lr_scheduler import ExponentialLR

    def main(generator, critic, loader):
        optimizer_g = torch.optim.Adam(generator.parameters())
        optimizer_d = torch.optim.Adam(critic.parameters())
        scheduler_g = ExponentialLR(optimizer_g, {gamma})
        scheduler_d = ExponentialLR({given}, 0.9)
        for x in loader:
            optimizer_g.step()
            optimizer_d.step()
            scheduler_g.step()
            scheduler_d.step()
    """
    assert "LR309" in codes(source.format(gamma=0.9, given="optimizer_g"))
    assert "LR309" not in codes(source.format(gamma=0.9, given="optimizer_d"))
    assert "LR309" not in codes(source.format(gamma=0.5, given="optimizer_g"))


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
