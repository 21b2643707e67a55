"""What the messages about hidden state say."""

from __future__ import annotations

import pytest


def test_a_counter_in_a_closure_is_lost_when_training_resumes(check):
    [finding] = check(
        """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup_steps):
            calls = 0

            def factor(step):
                nonlocal calls
                calls += 1
                return min(1.0, calls / warmup_steps)

            return LambdaLR(optimizer, factor)
        """
    )
    assert finding.code == "LR103"
    assert "lost when training resumes" in finding.message


def test_a_counter_in_a_callable_object_is_saved_by_torch_and_only_counts_twice(check):
    [finding] = check(
        """
        from torch.optim.lr_scheduler import LambdaLR

        class Ramp:
            def __init__(self, warmup_steps):
                self.warmup_steps = warmup_steps
                self.calls = 0

            def __call__(self, step):
                self.calls += 1
                return min(1.0, self.calls / self.warmup_steps)

        def build(optimizer, warmup_steps):
            return LambdaLR(optimizer, Ramp(warmup_steps))
        """
    )
    assert finding.code == "LR103"
    assert finding.code == "LR103"
    assert "with one parameter group" in finding.message
    assert "resume" not in finding.message


def test_torch_itself_saves_the_attributes_of_a_callable_object():
    torch = pytest.importorskip("torch")

    class Ramp:
        calls = 0

        def __call__(self, step):
            self.calls += 1
            return 1.0

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, Ramp())
    assert scheduler.state_dict()["lr_lambdas"] == [{"calls": 1}]


COUNTERS = {
    "an outer variable": ("calls = 0", "nonlocal calls; calls += 1", "calls"),
    "a cell of a list": ("calls = [0]", "calls[0] += 1", "calls[0]"),
    "an entry of a dict": ("calls = {'n': 0}", "calls['n'] = calls['n'] + 1", "calls['n']"),
    "an attribute of the function": ("pass", "factor.calls += 1", "factor.calls"),
    "a helper's": ("calls = [0]", "count(calls)", "calls[0]"),
}


@pytest.mark.parametrize("scheduler", ["LambdaLR", "MultiplicativeLR"])
@pytest.mark.parametrize("counter", COUNTERS)
def test_a_counter_is_seen_wherever_it_is_kept(counter, scheduler, check):
    start, update, value = COUNTERS[counter]
    source = f"""
    from torch.optim.lr_scheduler import LambdaLR, MultiplicativeLR

    def count(cell):
        cell[0] += 1

    def build(optimizer, warmup_steps):
        {start}

        def factor(step):
            {update}
            return min(1.0, {value} / warmup_steps)

        factor.calls = 0
        return {scheduler}(optimizer, factor)
    """
    found = [f for f in check(source) if f.code == "LR103"]
    assert len(found) == 1 and "one parameter group" in found[0].message


def test_a_value_that_is_remembered_for_every_step_is_no_counter(codes):
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps):
        known = {}

        def factor(step):
            if step not in known:
                known[step] = min(1.0, (step + 1) / warmup_steps)
            return known[step]

        return LambdaLR(optimizer, factor)
    """
    assert "LR103" not in codes(source)


def test_a_function_called_get_lr_that_is_no_method_counts_like_any_other(codes):
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    calls = -1

    def get_lr(it):
        global calls
        calls += 1
        return max(0.0, 1 - calls / 200)

    scheduler = LambdaLR(optimizer, get_lr)
    """
    assert "LR103" in codes(source)
