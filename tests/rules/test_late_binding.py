"""LR108: which functions made in a loop see its variable too late."""

from __future__ import annotations

import pytest

HEAD = """
from functools import partial
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, optimizers, warmups, train):
"""


def source(body: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in body.strip("\n").splitlines())


@pytest.mark.parametrize(
    "body",
    [
        "return LambdaLR(optimizer, [lambda k: min(1.0, (k + 1) / w) for w in warmups])",
        "return LambdaLR(optimizer, lr_lambda=list(lambda k: min(1.0, (k + 1) / w) for w in warmups))",
        "return [LambdaLR(o, lambda k: min(1.0, (k + 1) / w)) for o, w in zip(optimizers, warmups)]",
        """
found = []
for o, w in zip(optimizers, warmups):
    found.append(LambdaLR(o, lambda k: min(1.0, (k + 1) / w)))
return found
""",
        """
functions = []
for w in warmups:
    functions.append(lambda k: min(1.0, (k + 1) / w))
return LambdaLR(optimizer, functions)
""",
        """
found = {}
for i, w in enumerate(warmups):
    scheduler = LambdaLR(optimizers[i], lambda k: min(1.0, (k + 1) / w))
    found[i] = scheduler
return found
""",
        """
found = []
for o, w in zip(optimizers, warmups):
    steps = 10 * w
    def ramp(k):
        return min(1.0, (k + 1) / steps)
    found += [LambdaLR(o, ramp)]
return found
""",
    ],
)
def test_a_function_that_outlives_its_turn(check, body):
    found = [f for f in check(source(body)) if f.code == "LR108"]
    assert len(found) == 1
    assert "among the parameters" in found[0].message


@pytest.mark.parametrize(
    "body",
    [
        "return LambdaLR(optimizer, [lambda k, w=w: min(1.0, (k + 1) / w) for w in warmups])",
        "return LambdaLR(optimizer, [partial(lambda w, k: min(1.0, (k + 1) / w), w) for w in warmups])",
        "return LambdaLR(optimizer, [lambda k: min(1.0, (k + 1) / warmups[0]) for w in warmups])",
        """
for o, w in zip(optimizers, warmups):
    scheduler = LambdaLR(o, lambda k: min(1.0, (k + 1) / w))
    train(scheduler)
""",
        """
found = []
for o in optimizers:
    steps = 10 * warmups[0]
    found.append(LambdaLR(o, lambda k: min(1.0, (k + 1) / steps)))
return found
""",
        """
for o, w in zip(optimizers, warmups):
    return LambdaLR(o, lambda k: min(1.0, (k + 1) / w))
""",
        """
for w in warmups:
    order = sorted(optimizers, key=lambda o: w)
    optimizers.append(max(order, key=lambda o: w))
return LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / 10))
""",
    ],
)
def test_a_function_that_has_its_value_in_time(codes, body):
    assert "LR108" not in codes(source(body))


def test_python_itself_gives_every_function_the_last_value():
    late = [lambda k: k / w for w in (8, 2)]  # noqa: B023
    bound = [lambda k, w=w: k / w for w in (8, 2)]
    assert [f(8) for f in late] == [4.0, 4.0]
    assert [f(8) for f in bound] == [1.0, 4.0]
