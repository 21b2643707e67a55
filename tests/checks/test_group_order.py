"""LR211: a rate meant for the biases that goes to another group."""

from __future__ import annotations

import pytest

SCRIPT = """
    import numpy as np
    from torch.optim import SGD

    def train(model, loader, hyp, warmup):
        weights, norms, biases = [], [], []
        for name, module in model.named_modules():
            if hasattr(module, "bias"):
                biases.append(module.bias)
            if isinstance(module, Norm):
                norms.append(module.weight)
            elif hasattr(module, "weight"):
                weights.append(module.weight)
        optimizer = SGD({first}, lr=hyp["lr0"])
        optimizer.add_param_group({{"params": weights, "weight_decay": hyp["weight_decay"]}})
        optimizer.add_param_group({{"params": {last}}})
        for step, batch in enumerate(loader):
            for j, group in enumerate(optimizer.param_groups):
                start = hyp[{rate!r}] if j == {index} else 0.0
                group["lr"] = np.interp(step, [0, warmup], [start, group["initial_lr"]])
"""


def lines(check, first="biases", last="norms", index=2, rate="warmup_bias_lr") -> list[int]:
    source = SCRIPT.format(first=first, last=last, index=index, rate=rate)
    return [f.span.start.line for f in check(source) if f.code == "LR211"]


def test_the_group_at_the_index_holds_something_else(check):
    assert lines(check) == [19]


@pytest.mark.parametrize("parts", [{"index": 0}, {"first": "norms", "last": "biases"}, {"rate": "warmup_lr"}])
def test_the_group_of_the_biases_and_rates_for_others(check, parts):
    assert lines(check, **parts) == []


def test_groups_that_the_file_does_not_show(check):
    assert lines(check, first="collect(model)") == []
