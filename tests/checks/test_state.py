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
    assert "with one group" in finding.message
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


RESET = """
    from torch.optim.lr_scheduler import LRScheduler

    class Anneal(LRScheduler):
        def __init__(self, optimizer, max_steps, last_epoch=-1):
            self.max_steps = max_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            reset = self.optimizer.param_groups[0].get("reset")
            if reset and reset["pending"]:
                self.max_steps -= reset["steps"]
                {after}
            share = max(0.0, 1 - self.last_epoch / self.max_steps)
            return [base * share for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("after", "expected"),
    [("pass", ["LR101"]), ('self.optimizer.param_groups[0]["reset"]["pending"] = False', [])],
)
def test_a_hyperparameter_moved_once_under_a_flag_that_is_taken_back_is_no_hidden_state(codes, after, expected):
    assert codes(RESET.format(after=after)) == expected
