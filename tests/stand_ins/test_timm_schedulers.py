"""timm's schedulers, whose caller counts: the rates that timm 1.0.31 gives, measured, at the same epochs.

The second group has 0.3 of the first one's rate and a ``lr_scale`` of 0.5, which timm multiplies into what it sets.
"""

from __future__ import annotations

from typing import Any

import pytest

from lrfix.stand_ins import optimizer as optimizers
from lrfix.stand_ins import timm_schedulers

EPOCHS = (0, 1, 6, 7, 13, 29, 40, 90)

MEASURED: list[tuple[str, dict[str, Any], list[float], list[float]]] = [
    (
        "CosineLRScheduler",
        {"t_initial": 30, "lr_min": 1e-4},
        [
            0.1,
            0.09972636867364526,
            0.09046039886902862,
            0.08717008403259585,
            0.06043518895634708,
            0.0003736313263547436,
            0.0001,
            0.0001,
        ],
        [
            0.015,
            0.014959051167877843,
            0.013572402032952732,
            0.013080007570443522,
            0.009079139888862749,
            9.094883212215632e-05,
            5e-05,
            5e-05,
        ],
    ),
    (
        "CosineLRScheduler",
        {"t_initial": 30, "warmup_t": 7, "warmup_lr_init": 1e-3},
        [
            0.001,
            0.015142857142857142,
            0.08585714285714285,
            0.08715724127386971,
            0.06039558454088796,
            0.00027390523158633,
            0.0,
            0.0,
        ],
        [
            0.0005,
            0.0025714285714285713,
            0.012928571428571428,
            0.013073586191080457,
            0.009059337681133194,
            4.108578473794949e-05,
            0.0,
            0.0,
        ],
    ),
    (
        "CosineLRScheduler",
        {"t_initial": 30, "warmup_t": 7, "warmup_lr_init": 1e-3, "warmup_prefix": True},
        [0.001, 0.015142857142857142, 0.08585714285714285, 0.1, 0.09045084971874738, 0.016543469682057107, 0.0, 0.0],
        [
            0.0005,
            0.0025714285714285713,
            0.012928571428571428,
            0.015,
            0.013567627457812105,
            0.0024815204523085657,
            0.0,
            0.0,
        ],
    ),
    (
        "CosineLRScheduler",
        {"t_initial": 13, "cycle_mul": 2.0, "cycle_limit": 3, "cycle_decay": 0.5},
        [
            0.1,
            0.0985470908713026,
            0.05602683401276615,
            0.04397316598723386,
            0.05,
            0.016134877823936616,
            0.02497719442779147,
            2.28055722085313e-05,
        ],
        [
            0.015,
            0.01478206363069539,
            0.008404025101914922,
            0.006595974898085078,
            0.0075,
            0.002420231673590492,
            0.00374657916416872,
            3.420835831279695e-06,
        ],
    ),
    (
        "CosineLRScheduler",
        {"t_initial": 30, "k_decay": 0.7},
        [
            0.1,
            0.09790485832261218,
            0.07624117529574709,
            0.07113767171476207,
            0.041110039505573716,
            0.00013564151428963612,
            0.0,
            0.0,
        ],
        [
            0.015,
            0.014685728748391826,
            0.011436176294362062,
            0.010670650757214309,
            0.006166505925836057,
            2.0346227143445415e-05,
            0.0,
            0.0,
        ],
    ),
    (
        "PolyLRScheduler",
        {"t_initial": 30, "power": 0.9, "lr_min": 1e-4},
        [
            0.1,
            0.0969979428590298,
            0.08182340939048076,
            0.07875229716335053,
            0.06001842487970689,
            0.00477903570219054,
            0.0001,
            0.0001,
        ],
        [
            0.015,
            0.014550743200625578,
            0.012279879583460333,
            0.011820288714635538,
            0.009016771290806986,
            0.0007502160535310168,
            5e-05,
            5e-05,
        ],
    ),
    (
        "PolyLRScheduler",
        {"t_initial": 13, "cycle_limit": 3, "warmup_t": 7},
        [0.0, 0.014285714285714287, 0.08571428571428572, 0.06793662204867575, 0.1, 0.08770580193070293, 0.0, 0.0],
        [0.0, 0.002142857142857143, 0.012857142857142859, 0.010190493307301362, 0.015, 0.013155870289605437, 0.0, 0.0],
    ),
    (
        "StepLRScheduler",
        {"decay_t": 13, "decay_rate": 0.5, "warmup_t": 7, "warmup_lr_init": 1e-3},
        [0.001, 0.015142857142857142, 0.08585714285714285, 0.1, 0.1, 0.05, 0.025, 0.0015625],
        [0.0005, 0.0025714285714285713, 0.012928571428571428, 0.015, 0.015, 0.0075, 0.00375, 0.000234375],
    ),
    (
        "StepLRScheduler",
        {"decay_t": 13, "decay_rate": 0.5, "warmup_t": 7, "warmup_prefix": False},
        [0.0, 0.014285714285714287, 0.08571428571428572, 0.1, 0.05, 0.025, 0.0125, 0.0015625],
        [0.0, 0.002142857142857143, 0.012857142857142859, 0.015, 0.0075, 0.00375, 0.001875, 0.000234375],
    ),
    (
        "MultiStepLRScheduler",
        {"decay_t": [13, 40], "decay_rate": 0.5},
        [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025],
        [0.015, 0.015, 0.015, 0.015, 0.0075, 0.0075, 0.00375, 0.00375],
    ),
    (
        "MultiStepLRScheduler",
        {"decay_t": [7, 29], "decay_rate": 0.1, "warmup_t": 6, "warmup_lr_init": 1e-3},
        [
            0.001,
            0.0175,
            0.1,
            0.1,
            0.010000000000000002,
            0.010000000000000002,
            0.0010000000000000002,
            0.0010000000000000002,
        ],
        [0.0005, 0.0029166666666666664, 0.015, 0.015, 0.0015, 0.0015, 0.00015, 0.00015],
    ),
]


def rates(name: str, call: str, settings: dict[str, Any]) -> tuple[list[float], list[float]]:
    """The rates of both groups at ``EPOCHS``: what the constructor sets, then what each call of ``call`` leaves."""
    optimizer = optimizers.SGD([{"params": [], "lr": 0.1}, {"params": [], "lr": 0.03, "lr_scale": 0.5}], lr=0.1)
    scheduler = getattr(timm_schedulers, name)(optimizer, **settings)
    first, second = [], []
    for epoch in EPOCHS:
        if epoch:
            getattr(scheduler, call)(epoch)
        first.append(optimizer.param_groups[0]["lr"])
        second.append(optimizer.param_groups[1]["lr"])
    return first, second


@pytest.mark.parametrize(("name", "settings", "first", "second"), MEASURED)
def test_the_rates_are_timms(name: str, settings: dict[str, Any], first: list[float], second: list[float]) -> None:
    ours = rates(name, "step", settings)

    assert ours[0] == pytest.approx(first, rel=1e-12, abs=1e-17)
    assert ours[1] == pytest.approx(second, rel=1e-12, abs=1e-17)


@pytest.mark.parametrize(("name", "settings", "first", "second"), MEASURED)
def test_one_that_counts_updates_listens_to_step_update_alone(
    name: str, settings: dict[str, Any], first: list[float], second: list[float]
) -> None:
    settings = {**settings, "t_in_epochs": False}

    assert rates(name, "step_update", settings)[0] == pytest.approx(first, rel=1e-12, abs=1e-17)
    assert rates(name, "step", settings)[0] == [first[0]] * len(EPOCHS)


def test_the_length_of_all_cycles() -> None:
    optimizer = optimizers.SGD([{"params": [], "lr": 0.1}], lr=0.1)
    twice = timm_schedulers.CosineLRScheduler(optimizer, 13, cycle_mul=2.0, cycle_limit=3)
    after = timm_schedulers.PolyLRScheduler(optimizer, 13, cycle_limit=3, warmup_t=7, warmup_prefix=True)

    assert twice.get_cycle_length() == 13 + 26 + 52
    assert after.get_cycle_length() == 7 + 3 * 13
