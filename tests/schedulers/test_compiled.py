"""Promise 5 on any machine: a compiled optimizer step reads tensor rates, and is never compiled again for a new one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")

from lrfix import schedulers, schedules


def compiled_steps(optimizer_class, rate, count):
    """How often something had been compiled after each step, and the weight's way in each."""
    # Dear to import: not for runs of other tests.
    dynamo = pytest.importorskip("torch._dynamo.testing", reason="this torch has no compiler")
    torch._dynamo.reset()
    parameter = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    parameter.grad = torch.ones_like(parameter)
    optimizer = optimizer_class([parameter], lr=rate)
    scheduler = schedulers.WarmupCosineLR(optimizer, 12, warmup_steps=4, warmup_start_factor=0.5)
    # What is compiled again is decided in front of the code generator, which needs a C++ compiler.
    counter = dynamo.CompileCounterWithBackend("aot_eager")
    update = torch.compile(lambda: optimizer.step(), backend=counter)
    compiled, ways = [], []
    for _ in range(count):
        before = parameter.detach().clone()
        update()
        ways.append(float((before - parameter.detach())[0]))
        scheduler.step()
        compiled.append(counter.frame_count)
    return compiled, ways


@pytest.mark.parametrize("optimizer_class", [torch.optim.SGD, torch.optim.Adam])
def test_promise_5_a_step_with_a_tensor_rate_is_compiled_once_and_follows_the_schedule(optimizer_class):
    rate = torch.tensor(0.1, dtype=torch.float64)
    compiled, ways = compiled_steps(optimizer_class, rate, 10)
    assert compiled[0] > 0
    assert compiled == compiled[:1] * 10
    # With a gradient of 1, SGD moves by the rate, and Adam too but for the float32 of its bias correction.
    expected = [
        schedules.warmup_cosine(k, total_steps=12, warmup_steps=4, warmup_start=0.05, peak=0.1) for k in range(10)
    ]
    assert ways == pytest.approx(expected, rel=1e-4)


def test_promise_5_the_same_with_a_float_is_compiled_again_and_again():
    compiled, _ = compiled_steps(torch.optim.SGD, 0.1, 6)
    assert compiled[-1] > compiled[0]
