"""transformers' functions build what the table says: the length, the first rate, and what comes past the end."""

from __future__ import annotations

import warnings

import pytest

from lrfix.clocks import builders, take_over
from lrfix.clocks.model import Past, Unit, Who
from lrfix.clocks.transformers import DEFAULTS, TRANSFORMERS

torch = pytest.importorskip("torch", reason="torch is what is trained")
transformers = pytest.importorskip("transformers", reason="transformers is what is asked")

WARMUP, STEPS = 4, 20
FUNCTIONS = sorted(
    {n for b in TRANSFORMERS.builders for n in b.names if n.startswith("transformers.get_")}
    - {"transformers.get_reduce_on_plateau_schedule"}
)


def rates(name: str, steps: int) -> list[float]:
    (builder,) = builders(name)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    given = {}
    if name.endswith("wsd_schedule"):
        given = {"num_decay_steps": STEPS - WARMUP - 2, "num_training_steps": STEPS}
    if builder.warmup:
        given[builder.warmup.name] = WARMUP
    for argument in builder.horizon if not name.endswith("wsd_schedule") else ():
        given[argument.name] = STEPS
    if name.endswith("get_scheduler"):
        given["name"] = "cosine"
    if "min_lr" in name:
        given["min_lr"] = 0.1
    make = getattr(transformers, name.split(".")[1], None) or getattr(transformers.optimization, name.split(".")[1])
    scheduler = make(optimizer=optimizer, **given)
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(steps):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return seen


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_first_update_is_made_at_zero_where_the_table_says_so(name):
    (builder,) = builders(name)
    assert (rates(name, 1)[0] == 0.0) == builder.starts_at_zero


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if not n.endswith(("get_scheduler", "wsd_schedule"))])
def test_the_horizon_is_a_number_of_steps_behind_which_it_does_what_the_table_says(name):
    (builder,) = builders(name)
    walked = rates(name, 2 * STEPS)
    assert builder.unit is Unit.UPDATE
    if not builder.horizon:
        assert builder.past is Past.GOES_ON
    elif builder.past is Past.HOLDS:
        assert len({round(rate, 12) for rate in walked[STEPS:]}) == 1
    else:
        assert builder.past is Past.REBOUNDS and walked[STEPS] == min(walked[WARMUP:]) < walked[-1]


def test_the_trainers_defaults_are_those_of_the_table():
    fields = transformers.TrainingArguments.__dataclass_fields__
    for name, value in DEFAULTS.items():
        assert getattr(fields[name].default, "value", fields[name].default) == value, name


def test_the_trainer_takes_the_pair_of_both(tmp_path):
    model = Tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    data = [{"x": torch.ones(2)} for _ in range(8)]
    settings = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2, "num_train_epochs": 3}
    quiet = {"report_to": [], "save_strategy": "no", "disable_tqdm": True, "use_cpu": True}
    arguments = transformers.TrainingArguments(output_dir=str(tmp_path), **settings, **quiet)
    transformers.Trainer(model=model, args=arguments, train_dataset=data, optimizers=(optimizer, scheduler)).train()
    taken = take_over("transformers.Trainer")
    assert (taken.stepping.who, taken.stepping.unit) == (Who.LIBRARY, Unit.UPDATE)
    assert scheduler.last_epoch == 8 // 2 * 3


class Tiny(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": self.layer(x).mean()}


def test_a_constant_takes_no_notice_of_a_warmup():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = transformers.get_scheduler("constant", optimizer, num_warmup_steps=WARMUP)
    for _ in range(WARMUP):
        assert optimizer.param_groups[0]["lr"] == 1.0
        optimizer.step()
        scheduler.step()
