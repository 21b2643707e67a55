"""Annotations and docstrings that name torch's class follow the scheduler that takes its place."""

from __future__ import annotations

import textwrap

FACTORY = textwrap.dedent(
    '''
    import torch
    from torch.optim.lr_scheduler import LambdaLR


    def build(optimizer, warmup, total) -> LambdaLR:
        """Warmup, then a line.

        Return:
            `torch.optim.lr_scheduler.LambdaLR`; step the LambdaLR once a batch.
        """

        def factor(step):
            if step < warmup:
                return step / max(1, warmup)
            return max(0.0, (total - step) / max(1, total - warmup))

        return LambdaLR(optimizer, factor)
    '''
).lstrip()


def test_a_return_annotation_and_its_docstring_name_the_new_class(rewrite):
    after = rewrite(FACTORY).after
    assert "def build(optimizer, warmup, total) -> WarmupLinearLR:" in after
    assert "`lrfix.schedulers.WarmupLinearLR`; step the WarmupLinearLR once a batch." in after
    assert "LambdaLR" not in after


def test_annotations_elsewhere_follow_too_quoted_dotted_and_as_a_part(rewrite):
    users = textwrap.dedent(
        """

        def both(model, total) -> "tuple[torch.optim.SGD, int]":
            scheduler: torch.optim.lr_scheduler.LambdaLR = build(torch.optim.SGD(model.parameters(), lr=0.1), 5, total)
            return scheduler


        def step(scheduler: "LambdaLR", others: list[LambdaLR]) -> None:
            scheduler.step()
        """
    )
    after = rewrite(FACTORY + users).after
    assert "    scheduler: WarmupLinearLR = build(" in after
    assert "def step(scheduler: WarmupLinearLR, others: list[WarmupLinearLR]) -> None:" in after
    assert "LambdaLR" not in after


def test_a_function_that_goes_on_building_others_returns_their_base_class(rewrite):
    last = "    return LambdaLR(optimizer, factor)"
    branch = f"    if total is None:\n        return LambdaLR(optimizer, unknown(warmup))\n\n{last}"
    after = rewrite(FACTORY.replace(last, branch)).after
    assert "-> LRScheduler:" in after
    assert "from torch.optim.lr_scheduler import LambdaLR, LRScheduler" in after


def test_an_annotation_of_a_scheduler_that_stays_is_left(rewrite):
    other = "\n\ndef other(optimizer) -> LambdaLR:\n    return LambdaLR(optimizer, unknown)\n"
    after = rewrite(FACTORY + other).after
    assert "-> WarmupLinearLR:" in after and "def other(optimizer) -> LambdaLR:" in after
