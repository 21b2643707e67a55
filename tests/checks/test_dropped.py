"""LR106: a scheduler that no name keeps cannot be stepped."""

from __future__ import annotations

import pytest

TRAINER = """
    import pytorch_warmup as warmup
    from torch.optim.lr_scheduler import CosineAnnealingLR

    class Trainer:
        def __init__(self, optimizer, warmup_steps, total_steps):
            self.scheduler = CosineAnnealingLR(optimizer, T_max=total_steps)
            self.warmup = None
            if warmup_steps:
                {statement}
    """
BUILT = "warmup.LinearWarmup(optimizer, warmup_period=warmup_steps)"


@pytest.mark.parametrize(
    ("statement", "reported"),
    [
        (BUILT, True),
        ("CosineAnnealingLR(optimizer, T_max=warmup_steps)", True),
        (f"self.warmup = {BUILT}", False),
        ("self.add(warmup.LinearWarmup(optimizer, warmup_period=warmup_steps))", False),
        ("prepare(optimizer, warmup_steps)", False),
        ("self.scheduler.step()", False),
    ],
)
def test_built_as_a_statement_of_its_own(check, statement, reported):
    found = [f for f in check(TRAINER.format(statement=statement)) if f.code == "LR106"]
    assert [f.span.start.line for f in found] == ([10] if reported else [])


@pytest.mark.parametrize(
    "source",
    [
        """
        import pytest
        from torch.optim.lr_scheduler import StepLR

        def test_refuses(optimizer):
            StepLR(optimizer, step_size=0)
        """,
        """
        from torch.optim.lr_scheduler import StepLR

        def accepts(optimizer, size):
            try:
                StepLR(optimizer, step_size=size)
            except ValueError:
                return False
            return True
        """,
    ],
)
def test_built_to_see_whether_it_fails(codes, source):
    assert "LR106" not in codes(source)
