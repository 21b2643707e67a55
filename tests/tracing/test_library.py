"""What calls build and do, by the names of the field's libraries."""

from __future__ import annotations

import pytest

from lrfix.tracing.library import is_scaler


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("torch.cuda.amp.GradScaler", True),
        ("torch.amp.GradScaler", True),
        ("timm.utils.NativeScaler", True),
        ("timm.utils.ApexScaler", True),
        ("utils.LossScalerWithNorm", True),
        ("sklearn.preprocessing.StandardScaler", False),
        ("sklearn.preprocessing.MinMaxScaler", False),
        ("utils.scale_gradients", False),
    ],
)
def test_gradient_scalers_say_what_they_scale(name, expected):
    assert is_scaler(name) is expected
