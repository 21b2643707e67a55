"""A scheduler that a resumed run builds anew, on an optimizer whose state is restored: as torch itself has it."""

from __future__ import annotations

import warnings

import pytest

from lrfix.driving.fresh_schedulers import Fate, fate

torch = pytest.importorskip("torch")
lr_scheduler = torch.optim.lr_scheduler

STOP, STEPS = 12, 25
BUILT = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.97**step),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 5, gamma=0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [3, 8, 16]),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, total_iters=60),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.95),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, total_iters=60),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 60),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 23),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 7, cycle_momentum=False),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=60, cycle_momentum=False),
}


def rates(optimizer, scheduler, steps):
    found = []
    for _ in range(steps):
        scheduler.step()
        found.append(float(optimizer.param_groups[0]["lr"]))
    return pytest.approx(found, rel=1e-9)


def sgd():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


@pytest.mark.parametrize("built_first", [True, False])
@pytest.mark.parametrize("name", BUILT)
def test_it_is_told_what_torch_does(name, built_first):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second, third = sgd(), sgd(), sgd()
        running = BUILT[name](first)
        rates(first, running, STOP)
        saved = first.state_dict()
        walked = rates(first, running, STEPS)
        built = BUILT[name](second) if built_first else None
        second.load_state_dict(saved)
        resumed = rates(second, built or BUILT[name](second), STEPS)
        anew = rates(third, BUILT[name](third), STEPS)
    same = (resumed.expected == walked, resumed.expected == anew)
    known = fate(name, built_first)
    assert same == (known is Fate.KEPT, known is Fate.ANEW)


def test_what_the_loss_decides_is_none_of_these():
    assert fate("ReduceLROnPlateau") is None
