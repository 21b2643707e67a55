"""Settings written onto torch's schedulers: those that are read again, and those that are not."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

USE = """
    from torch.optim import SGD
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, CyclicLR, StepLR

    def train(model, loader, scale):
        optimizer = SGD(model.parameters(), lr=0.1)
        scheduler = {built}
        {written}
        for batch in loader:
            optimizer.step()
            scheduler.step({told})
    """
RESTARTS = "CosineAnnealingWarmRestarts(optimizer, T_0=10)"
CYCLES = "CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=20)"


def use(built: str, written: str, told: str = "") -> str:
    return USE.format(built=built, written=written, told=told)


@pytest.mark.parametrize(
    ("built", "written", "told", "reported"),
    [
        (RESTARTS, "scheduler.T_0 = 20", "", ["LR106"]),
        (RESTARTS, "scheduler.T_0 = 20", "epoch=batch", []),
        (RESTARTS, "scheduler.T_0 = scheduler.T_i = 20", "", []),
        (RESTARTS, "scheduler.T_mult = 2", "", []),
        (CYCLES, "scheduler.step_size_up = 40", "", ["LR106"]),
        (CYCLES, "scheduler.step_size_up *= scale", "", ["LR106"]),
        (CYCLES, "scheduler.total_size = 40", "", []),
        (CYCLES, "scheduler.step_size_up = 40; print(scheduler.step_size_up)", "", []),
        ("StepLR(optimizer, 10)", "scheduler.step_size = 20", "", []),
        ("build(optimizer)", "scheduler.T_0 = 20", "", []),
        ("Schedule(optimizer)", "scheduler.step_size_up = 40", "", []),
    ],
)
def test_what_the_constructor_turned_into_something_else_is_written_in_vain(codes, built, written, told, reported):
    assert codes(use(built, written, told)) == reported


RESCALED = """
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, CosineAnnealingLR

    def stretch(scheduler, ratio):
        if isinstance(scheduler, CosineAnnealingLR):
            scheduler.T_max = int(scheduler.T_max * ratio)
        elif isinstance(scheduler, {kind}):
            scheduler.T_0 = int(scheduler.T_0 * ratio)
    """


def test_whoever_steps_it_elsewhere_may_tell_the_epoch(codes, advice):
    assert codes(RESCALED.format(kind="CosineAnnealingWarmRestarts")) == []
    told = [f for f in advice(RESCALED.format(kind="CosineAnnealingWarmRestarts")) if f.code == "LR106"]
    assert len(told) == 1
    assert "step(epoch)" in told[0].message


def test_a_class_out_of_sight_is_left_alone(advice):
    assert advice(RESCALED.format(kind="(CosineAnnealingWarmRestarts, Restarts)")) == []


def schedulers(optimizer):
    lr = torch.optim.lr_scheduler
    parts = [lr.ConstantLR(optimizer, 0.5, 3), lr.ExponentialLR(optimizer, 0.9)]
    return {
        "CosineAnnealingWarmRestarts": lambda: lr.CosineAnnealingWarmRestarts(optimizer, 10),
        "CyclicLR": lambda: lr.CyclicLR(optimizer, 0.01, 0.1, step_size_up=7, cycle_momentum=False),
        "LambdaLR": lambda: lr.LambdaLR(optimizer, lambda step: 1 / (1 + step)),
        "MultiplicativeLR": lambda: lr.MultiplicativeLR(optimizer, lambda step: 0.9),
        "SequentialLR": lambda: lr.SequentialLR(optimizer, parts, [5]),
        "ChainedScheduler": lambda: lr.ChainedScheduler(parts),
        "ReduceLROnPlateau": lambda: lr.ReduceLROnPlateau(optimizer, patience=1, min_lr=1e-4),
    }


def rates(cls: str, written: str | None) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = schedulers(optimizer)[cls]()
    if written is not None:
        setattr(scheduler, written, [] if written in ("milestones", "schedulers") else 3)
    found = []
    for _ in range(30):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(1.0) if cls == "ReduceLROnPlateau" else scheduler.step()
    return found


def test_torch_reads_none_of_the_settings_that_are_reported():
    from lrfix.checks.stored_in_vain import _TURNED

    for cls, settings in _TURNED.items():
        assert len(set(rates(cls, None))) > 1, cls
        for written in settings:
            assert rates(cls, written) == rates(cls, None), (cls, written)
