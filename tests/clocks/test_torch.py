"""torch's schedulers do past their horizon what the table says of them, and a composition steps its children."""

from __future__ import annotations

import warnings

import pytest

from lrfix.clocks import builders, take_over
from lrfix.clocks.model import Past, Who

torch = pytest.importorskip("torch", reason="torch is what is asked")
HOME = "torch.optim.lr_scheduler."
LENGTH = 12  # steps

#: What a scheduler is built with beside its horizon, and the horizon where it is one argument.
BUILT = {
    "LambdaLR": {"lr_lambda": lambda step: 0.9**step},
    "MultiplicativeLR": {"lr_lambda": lambda step: 0.9},
    "ExponentialLR": {"gamma": 0.9},
    "StepLR": {"step_size": LENGTH},
    "MultiStepLR": {"milestones": [LENGTH, 2 * LENGTH]},
    "ConstantLR": {"total_iters": LENGTH},
    "LinearLR": {"start_factor": 0.5, "total_iters": LENGTH},
    "PolynomialLR": {"total_iters": LENGTH},
    "CosineAnnealingLR": {"T_max": LENGTH},
    "CosineAnnealingWarmRestarts": {"T_0": LENGTH},
    "OneCycleLR": {"max_lr": 1.0, "total_steps": LENGTH},
}


def optimizer(lr: float = 1.0):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)


def walked(name: str, steps: int) -> list[float]:
    sgd = optimizer()
    scheduler = getattr(torch.optim.lr_scheduler, name)(sgd, **BUILT[name])
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(steps):
            rates.append(sgd.param_groups[0]["lr"])
            sgd.step()
            scheduler.step()
    return rates


def past_of(name: str) -> Past:
    return {b.past for b in builders(HOME + name)}.pop()


@pytest.mark.parametrize("name", sorted(n for n in BUILT if n != "OneCycleLR"))
def test_past_its_horizon_a_scheduler_does_what_the_table_says(name):
    rates = walked(name, 2 * LENGTH + 1)
    there, beyond = rates[LENGTH], rates[LENGTH + 1 :]
    if past_of(name) is Past.HOLDS:
        assert beyond == pytest.approx([there] * LENGTH)
    elif past_of(name) is Past.REBOUNDS:
        assert beyond[-1] == pytest.approx(rates[0]) and there == min(rates)
    elif past_of(name) is Past.REPEATS:
        assert beyond == pytest.approx(rates[1 : LENGTH + 1])
    else:
        assert len(set(beyond)) > 1 or rates[-1] < rates[0]
        assert not {b.horizon for b in builders(HOME + name)} - {()}


def test_a_one_cycle_ends_with_an_error():
    assert past_of("OneCycleLR") is Past.RAISES
    walked("OneCycleLR", LENGTH - 1)
    with pytest.raises(ValueError, match="total"):
        walked("OneCycleLR", LENGTH + 1)


@pytest.mark.parametrize("name", [n for n in BUILT if n != "OneCycleLR"])
def test_a_horizon_is_one_argument_of_the_constructor(name):
    for builder in builders(HOME + name):
        assert all(argument.name in BUILT[name] for argument in builder.horizon)


def test_a_composition_steps_its_children():
    sgd = optimizer()
    ramp = torch.optim.lr_scheduler.LinearLR(sgd, start_factor=0.1, total_iters=3)
    decay = torch.optim.lr_scheduler.StepLR(sgd, 1)
    scheduler = torch.optim.lr_scheduler.SequentialLR(sgd, [ramp, decay], milestones=[3])
    for _ in range(5):
        sgd.step()
        scheduler.step()
    assert (ramp.last_epoch, decay.last_epoch) == (2, 2)
    taken = take_over(HOME + "SequentialLR")
    assert (taken.stepping.who, taken.gives) == (Who.CALLER, "itself")


def test_a_scaler_may_leave_the_optimizer_where_it_was():
    sgd = optimizer()
    parameter = sgd.param_groups[0]["params"][0]
    scaler = torch.amp.GradScaler("cpu", enabled=True)
    scaler.scale((parameter * float("inf")).sum()).backward()
    scaler.step(sgd)
    assert parameter.item() == 0.0
