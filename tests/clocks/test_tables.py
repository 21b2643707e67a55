"""The clock tables as data: names that can be asked for, units that are stated, versions that can be compared."""

from __future__ import annotations

import collections

import pytest

from lrfix.clocks import LIBRARIES, builders, hooks, library, methods, moves_no_rate, take_over
from lrfix.clocks.model import Unit, Versions, Who, numbers
from lrfix.clocks.torch import TORCH

each = pytest.mark.parametrize("known", LIBRARIES, ids=lambda known: known.name)


@each
def test_every_fact_says_where_it_is_from(known):
    facts = [*known.builders, *(t.stepping for t in known.take_overs), *known.methods, *known.gone]
    assert facts
    assert all(fact.source for fact in facts)


@each
def test_every_name_belongs_to_a_module_of_the_library(known):
    names = [n for b in known.builders for n in b.names] + [n for t in known.take_overs for n in t.names]
    names += [n for h in known.hooks for n in h.bases] + [n for m in known.methods for n in m.owners]
    strange = [n for n in names if n.split(".")[0] not in {m.split(".")[0] for m in known.modules}]
    assert [n for n in strange if not n.startswith("lightning_fabric.")] == []


def test_a_call_is_taken_over_in_one_way_only():
    names = collections.Counter(name for known in LIBRARIES for taken in known.take_overs for name in taken.names)
    assert [name for name, times in names.items() if times > 1] == []


@each
def test_a_choice_of_units_has_a_default_among_them(known):
    choices = [b.chosen_by for b in known.builders] + [t.stepping.chosen_by for t in known.take_overs]
    choices += [h.stepping.chosen_by for h in known.hooks]
    for choice in choices:
        assert choice is None or choice.unit in Unit


def test_the_tables_answer_the_questions_of_a_trace():
    assert take_over("accelerate.Accelerator.prepare").stepping.factor == "num_processes"
    assert take_over("deepspeed.initialize").places["scheduler"] == 3
    (module,) = hooks("pytorch_lightning.LightningModule")
    assert (module.stepping.who, module.stepping.chosen_by.unit) == (Who.LIBRARY, Unit.EPOCH)
    assert [b.horizon[0].name for b in builders("transformers.get_linear_schedule_with_warmup")] == [
        "num_training_steps"
    ]
    assert [len(b.horizon) for b in builders("torch.optim.lr_scheduler.OneCycleLR")] == [1, 2]
    assert methods("timm.scheduler.CosineLRScheduler", "step_update")[0].unit is Unit.UPDATE
    assert methods("torch.amp.GradScaler", "step")[0].optimizer.name == "optimizer"
    assert library("torch.optim.lr_scheduler.StepLR") is TORCH


def test_what_is_in_no_table_is_unknown():
    assert take_over("mine.prepare") is None
    assert builders("mine.StepLR") == () and hooks("mine.Module") == () and methods("mine.Scheduler", "step") == ()
    assert library("mine") is None


def test_schedulers_of_noise_move_no_rate():
    assert moves_no_rate("diffusers.DDPMScheduler")
    assert moves_no_rate("diffusers.schedulers.scheduling_ddim.DDIMScheduler")
    assert not moves_no_rate("diffusers.optimization.get_scheduler")
    assert not moves_no_rate("timm.scheduler.CosineLRScheduler")


@pytest.mark.parametrize(
    ("version", "compared"),
    [("2.13.0", (2, 13)), ("2.7.0rc1+cpu", (2, 7)), ("1.9.5", (1, 9, 5)), ("2.10", (2, 10)), ("", ())],
)
def test_versions_are_compared_by_their_numbers(version, compared):
    assert numbers(version) == compared


def test_a_fact_holds_from_a_version_to_before_another():
    span = Versions(since="2.2", until="2.7")
    assert [span.hold(v) for v in ("2.1.9", "2.2", "2.2.0", "2.6.1", "2.7.0", "2.10")] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    assert Versions().hold("0.1")


def test_api_that_is_gone_names_the_versions_and_what_to_use():
    (verbose,) = [g for g in TORCH.gone if g.name.endswith(":verbose")]
    assert (verbose.deprecated, verbose.removed, verbose.instead) == ("2.2", "2.7", "get_last_lr()")
