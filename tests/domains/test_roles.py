"""What a name says of the part that a value plays in a schedule."""

from __future__ import annotations

import pytest

from lrfix.domains.roles import Role, role_of


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("init_lr", Role.BASE_RATE),
        # A share of a rate is no rate.
        ("init_lr_pct", Role.WARMUP_FACTOR),
        ("self.start_lr_ratio", Role.WARMUP_FACTOR),
        ("min_lr_pct", Role.FLOOR_RATIO),
        ("clamp_lr", Role.FLOOR),
        ("epoch_iters", Role.LOADER_LENGTH),
        ("args.epochs", Role.EPOCHS),
        ("num_episodes", Role.EPOCHS),
        ("decay_episodes", Role.DECAY_LENGTH),
        ("lr1", Role.BASE_RATE),
        ("lr_target", Role.FLOOR),
        # Where the peak is, not what it is.
        ("lr_peak_epoch", Role.WARMUP_EPOCHS),
        ("peak_steps", Role.WARMUP),
        ("peak_lr", Role.PEAK),
        ("step_length", Role.STEP_SIZE),
        ("step_ratio", Role.GAMMA),
        ("total_cur_step", Role.UNKNOWN),
        ("total_steps", Role.HORIZON),
    ],
)
def test_the_role_of_a_name(name, role):
    assert role_of(name) is role
