"""Compositions: torch schedulers that SequentialLR or ChainedScheduler puts together."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import SiteAnalysis, analyse_site
from lrfix.discovery import has_schedule_words
from lrfix.sites import ScheduleSite, find_sites
from lrfix.source import parse_source

SEQUENCE = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
    def main(args, model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        warmup = LinearLR(optimizer, start_factor=0.01, total_iters=10)
        cosine = CosineAnnealingLR(optimizer, T_max=90)
        scheduler = SequentialLR(optimizer, schedulers=[warmup, cosine], milestones=[10])
        return scheduler
"""


def compositions(code: str) -> list[tuple[ScheduleSite, SiteAnalysis]]:
    raw = textwrap.dedent(code).encode()
    assert has_schedule_words(raw), "the byte prefilter must let the file through"
    source = parse_source(raw, "train.py")
    names, sites = find_sites(source)
    return [(s, analyse_site(source, names, s)) for s in sites if s.form == "composition"]


def only(code: str) -> tuple[ScheduleSite, SiteAnalysis]:
    (found,) = compositions(code)
    return found


def test_a_sequence_is_a_site_with_the_statements_that_build_its_parts() -> None:
    site, _ = only(SEQUENCE)

    assert (site.name, site.base) == ("scheduler", "SequentialLR")
    assert (site.span.start.line, site.span.end.line) == (6, 8)


def test_it_is_run_as_torch_runs_it() -> None:
    _, analysis = only(SEQUENCE)

    assert analysis.reason is None or "simulate" not in analysis.reason
    assert analysis.curve[0] == pytest.approx(0.001)
    assert analysis.curve[10] == pytest.approx(0.1)
    assert analysis.curve[99] < 0.001


def test_the_optimizer_it_drives_is_kept() -> None:
    site, _ = only(SEQUENCE)

    (construction,) = site.constructions
    assert construction.optimizer_call is not None
    assert construction.optimizer_call.lineno == 5


def test_parts_may_be_written_into_the_call() -> None:
    site, analysis = only("""
        from torch.optim import lr_scheduler
        def build(optimizer, warmup_steps, total_steps):
            return lr_scheduler.SequentialLR(
                optimizer,
                [
                    lr_scheduler.LinearLR(optimizer, 0.1, total_iters=warmup_steps),
                    lr_scheduler.CosineAnnealingLR(optimizer, total_steps - warmup_steps),
                ],
                milestones=[warmup_steps],
            )
    """)

    assert (site.name, site.span.start.line, site.span.end.line) == (None, 4, 11)
    assert analysis.curve[0] == pytest.approx(analysis.curve[20] / 10, rel=0.1)


def test_a_chain_takes_the_optimizer_of_its_schedulers() -> None:
    site, analysis = only("""
        from torch.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
        optimizer = SGD(model.parameters(), lr=1.0)
        scheduler = ChainedScheduler([ConstantLR(optimizer, 0.5, 4), ExponentialLR(optimizer, 0.9)])
    """)

    assert site.constructions[0].optimizer_call is not None
    assert analysis.curve[4] / analysis.curve[0] == pytest.approx(0.9**4 / 0.5)


def test_a_composition_inside_another_is_part_of_it() -> None:
    site, _ = only("""
        from torch.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR, SequentialLR
        scheduler = SequentialLR(
            optimizer, [ConstantLR(optimizer), ChainedScheduler([ExponentialLR(optimizer, 0.9)])], milestones=[5]
        )
    """)

    assert site.base == "SequentialLR"


OTHERS = {
    "one stock scheduler": "from torch.optim.lr_scheduler import StepLR\nscheduler = StepLR(optimizer, 30)\n",
    "a class of that name from elsewhere": (
        "from optax import SequentialLR\nscheduler = SequentialLR(optimizer, [a, b], milestones=[1])\n"
    ),
    "a test of its type": (
        "from torch.optim.lr_scheduler import SequentialLR\nlr_scheduler_is = isinstance(s, SequentialLR)\n"
    ),
}


@pytest.mark.parametrize("code", OTHERS.values(), ids=OTHERS.keys())
def test_look_alikes_are_no_sites(code: str) -> None:
    assert compositions(code + "# learning_rate\n") == []
