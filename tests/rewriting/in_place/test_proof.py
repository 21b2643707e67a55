"""Old and new are run for real: whatever a fault behind the planner would write is refused."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lrfix.recognition.model import ScheduleSpec
from lrfix.rewriting import rewriter
from lrfix.rewriting.analyses import Analyses
from lrfix.rewriting.in_place import sampling
from lrfix.rewriting.in_place.calls import Call, call_of
from lrfix.rewriting.in_place.planning import Search
from lrfix.rewriting.in_place.regions import Region
from lrfix.rewriting.in_place.sampling import Formula
from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.proposal import Options

pytest.importorskip("torch")

COSINE = textwrap.dedent(
    """
    import math

    def adjust(optimizer, epoch, args):
        if epoch < args.warmup_epochs:
            lr = args.lr * epoch / args.warmup_epochs
        else:
            done = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
            lr = args.min_lr + (args.lr - args.min_lr) * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimizer.param_groups:
            if "lr_scale" in group:
                group["lr"] = lr * group["lr_scale"]
            else:
                group["lr"] = lr
        return lr
    """
).lstrip()
STEPS = textwrap.dedent(
    """
    def adjust(optimizer, epoch, args):
        lr = args.lr * (args.gamma ** (epoch // args.every))
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
).lstrip()
POLY = textwrap.dedent(
    """
    def get_lr(step, total_steps, base_lr, power):
        return base_lr * (1 - step / total_steps) ** power
    """
).lstrip()
CLAMP = textwrap.dedent(
    """
    def get_lr(step, total_steps, base_lr, min_lr):
        return max(base_lr * (1 - step / total_steps) ** 2, min_lr)
    """
).lstrip()
RAMPED = textwrap.dedent(
    """
    import math

    def adjust(optimizer, step, args):
        lr = 0.5 * args.lr * (1 + math.cos(math.pi * step / args.epochs))
        if step < args.warmup:
            lr = lr * step / args.warmup
        for group in optimizer.param_groups:
            print(lr)
            group["lr"] = lr
    """
).lstrip()
LINE = textwrap.dedent(
    """
    def adjust(optimizer, epoch, args):
        lr = args.min_lr + (args.lr - args.min_lr) * (1 - epoch / args.epochs)
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
).lstrip()


def test_a_setter_is_proved_with_its_groups_and_what_it_returns(rewrite):
    result = rewrite(COSINE, verify=True)
    (site,) = result.sites
    formula, whole = result.verifications[site.identity]
    assert formula.verdict == whole.verdict == "equivalent"
    assert {len(o.scenario.base_lrs) for o in whole.scenarios} == {1, 2, 3}
    assert any("past the end" in note for note in formula.notes)
    assert any("ZeroDivisionError" in note for note in formula.notes)


def test_what_becomes_complex_past_the_end_is_told_and_no_reason_to_refuse(rewrite):
    result = rewrite(POLY, verify=True)
    (site,) = result.sites
    assert any("no rate where the new one has" in n for v in result.verifications[site.identity] for n in v.notes)


def test_no_position_before_the_first_is_asked_for_where_an_end_lies_before_it(rewrite):
    text = """
def get_lr(step, base_lr, cooldown, num_training_steps):
    return base_lr * max(0.0, 1 - step / (num_training_steps - cooldown))
"""
    (site,) = rewrite(text).sites
    settings = site.proofs[0].request.settings
    assert any(s.values["num_training_steps"] < s.values["cooldown"] for s in settings)
    assert all(position >= 0 for s in settings for position in s.positions)


TABLE = textwrap.dedent(
    """
    import numpy as np

    def cosine_scheduler(base_value, final_value, epochs, niter_per_ep, warmup_epochs=0, start_warmup_value=0):
        warmup_iters = warmup_epochs * niter_per_ep
        ramp = np.linspace(start_warmup_value, base_value, warmup_iters)
        iters = np.arange(epochs * niter_per_ep - warmup_iters)
        decay = final_value + 0.5 * (base_value - final_value) * (1 + np.cos(np.pi * iters / len(iters)))
        table = np.concatenate((ramp, decay))
        assert len(table) == epochs * niter_per_ep
        return table
    """
).lstrip()


def test_a_table_is_proved_entry_by_entry_other_quantities_than_rates_included(rewrite):
    result = rewrite(TABLE, verify=True)
    (site,) = result.sites
    table, whole = result.verifications[site.identity]
    assert table.verdict == whole.verdict == "equivalent"
    rising = [s for s in site.proofs[0].request.settings if s.values["final_value"] > s.values["base_value"]]
    assert rising


def test_a_table_that_numpy_counts_is_one_for_whole_floats_too(rewrite):
    """`epochs=150.0` is legal to `np.arange`, and so to what takes its place."""
    result = rewrite(TABLE, verify=True)
    (site,) = result.sites
    formula, whole = site.proofs
    for proof in (formula, whole):
        assert any(isinstance(s.values["epochs"], float) for s in proof.request.settings)
    assert "range(int(epochs * niter_per_ep))" in result.after


def test_a_table_that_a_fraction_makes_another_is_refused(rewrite):
    result = rewrite(TABLE.replace("    assert len(table) == epochs * niter_per_ep\n", ""), verify=True)
    assert not result.changed
    assert "epochs=31.37" in result.left[0].reason


def test_a_position_may_be_a_whole_float(rewrite):
    (site,) = rewrite(POLY).sites
    positions = site.proofs[0].request.settings[0].positions
    assert {type(p) for p in positions if p == 1} == {int, float}


Change = Callable[[Call], dict[str, str]]


def _with(**changed: str) -> Change:
    return lambda call: {**call.arguments, **changed}


def _without(name: str) -> Change:
    return lambda call: {k: v for k, v in call.arguments.items() if k != name}


WRONG: dict[str, tuple[str, Change]] = {
    "one step late": (COSINE, _with(total_steps="args.epochs + 1")),
    "one step early": (COSINE, _with(total_steps="args.epochs - 1")),
    "floor and peak swapped": (COSINE, _with(peak="args.min_lr", eta_min="args.lr")),
    "warmup lost": (COSINE, _without("warmup_steps")),
    "warmup longer by one": (COSINE, _with(warmup_steps="args.warmup_epochs + 1")),
    "floor lost": (COSINE, _without("eta_min")),
    "floor as a share": (COSINE, _with(eta_min="args.min_lr * args.lr")),
    "first step above zero": (COSINE, _with(warmup_progress='"(k+1)/W"')),
    "floor on the last step": (COSINE, _with(decay_progress='"(k+1)/D"')),
    "both ends held": (COSINE, _with(decay_progress='"k/(D-1)"')),
    "warmup from the floor": (COSINE, _with(warmup_start="args.min_lr")),
    "warmup counted twice": (COSINE, _with(total_steps="args.epochs + args.warmup_epochs")),
    "a length as in the draw": (COSINE, _with(total_steps="31")),
    "half a step": (COSINE, _with(total_steps="args.epochs + 0.5")),
    "a length cut off": (COSINE, _with(warmup_steps="int(args.warmup_epochs)")),
    "another factor": (STEPS, _with(gamma="args.gamma * 0.999999")),
    "steps longer by one": (STEPS, _with(step_size="args.every + 1")),
    "a peak by twice": (STEPS, _with(peak="args.lr * 2")),
    "a peak that is fixed": (STEPS, _with(peak="0.1")),
    "a floor that is none": (STEPS, _with(eta_min="args.lr / 1000")),
    "another power": (POLY, _with(power="power + 1")),
    "a power that is fixed": (POLY, _with(power="0.9")),
    "a table that ends early": (TABLE, _with(total_steps="epochs * niter_per_ep - 1")),
    "a table with another ramp": (TABLE, _without("warmup_progress")),
    "a table without its start": (TABLE, _without("warmup_start")),
    "a table upside down": (TABLE, _with(peak="max(base_value, final_value)", eta_min="min(base_value, final_value)")),
    "a clamp that is an end": (CLAMP, _without("eta_min_mode")),
    "an end that is a clamp": (COSINE, _with(eta_min_mode='"clamp"')),
    "a clamp of the other rate": (CLAMP, _with(eta_min="base_lr", peak="min_lr")),
    "a decay that ends late under a ramp": (RAMPED, _with(total_steps="args.epochs + 1")),
    "a decay counted from its ramp": (RAMPED, _with(total_steps="args.epochs / 2")),
    "a line that ends a step late": (LINE, _with(total_steps="args.epochs + 1")),
    "a line to another floor": (LINE, _with(eta_min="args.min_lr * 2")),
    "a clamp before its end": (CLAMP, _with(total_steps="total_steps - 1")),
    "an end that is near": (POLY, _with(total_steps="total_steps * 0.999")),
}


@pytest.fixture(scope="module")
def planted(analyses: Analyses) -> dict[str, FileRewrite]:
    """Every wrong call at once, each in a file of its own: what became of it."""
    files = [("train.py", code.encode(), lambda name: False, None) for code, _ in WRONG.values()]
    changes = iter([change for _, change in WRONG.values()])
    planned: dict[int, Change] = {}
    at_work: list[Change] = []

    def proposed(draft: Any) -> None:
        if id(draft) not in planned:
            planned[id(draft)] = next(changes)
        at_work[:] = [planned[id(draft)]]
        propose(draft)

    def chosen(search: Search, candidates: Sequence[Region], parameters: Sequence[str]) -> Formula | None:
        formula = original(search, candidates, parameters)
        if formula is None:
            return None
        call = Call(formula.call.function, formula.call.step, at_work[0](formula.call))
        return replace(formula, call=call)

    propose, original = rewriter._Draft.propose, Search._chosen
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewriter._Draft, "propose", proposed)
        patch.setattr(Search, "_chosen", chosen)
        results = rewriter.rewrite_sources(files, Options(device="cpu"), analyses)
    return dict(zip(WRONG, results, strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_wrong_call_is_refused(planted, name):
    result = planted[name]
    assert not result.changed
    assert any("verification failed" in left.reason for left in result.left), result.left


def test_a_call_that_leaves_out_what_the_formula_reads_is_not_even_proposed(rewrite, monkeypatch):
    def without_floor(spec: ScheduleSpec, step: str) -> Call:
        call = call_of(spec, step)
        return Call(call.function, call.step, {k: v for k, v in call.arguments.items() if k != "eta_min"})

    monkeypatch.setattr(sampling, "call_of", without_floor)
    assert not rewrite(COSINE + "# without floor\n").changed


def test_a_rate_for_the_wrong_group_is_refused(rewrite, monkeypatch):
    from lrfix.rewriting import proposal

    original = proposal.edited

    def first_group_only(*arguments: Any) -> str:
        return original(*arguments).replace("in optimizer.param_groups:", "in optimizer.param_groups[:1]:")

    monkeypatch.setattr(proposal, "edited", first_group_only)
    result = rewrite(STEPS + "# the first alone\n", verify=True)
    assert not result.changed and "group 1" in result.left[0].reason


def test_a_lost_return_value_is_refused(rewrite, monkeypatch):
    from lrfix.rewriting import proposal

    original = proposal.edited
    monkeypatch.setattr(proposal, "edited", lambda *a: original(*a).replace("    return lr\n", ""))
    result = rewrite(COSINE + "# nothing returned\n", verify=True)
    assert not result.changed and "returned a float and returns a NoneType" in result.left[0].reason
