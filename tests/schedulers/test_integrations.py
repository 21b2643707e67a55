"""The examples of docs/integrations.md, run: with the real package where it is installed, and with a stand-in."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
import trainer_protocols
from torch.optim.optimizer import register_optimizer_step_pre_hook

import lrfix.schedulers
from lrfix import schedules

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "integrations.md"
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))
STEPS = 40
PEAK = 3e-4


def curve(count=STEPS, total=STEPS):
    return [
        schedules.warmup_cosine(k, total_steps=total, warmup_steps=total // 20, peak=PEAK, eta_min=0.1 * PEAK)
        for k in range(count)
    ]


@pytest.fixture
def used():
    """The rate that each optimizer step was made with, whoever called it."""
    rates = []
    handle = register_optimizer_step_pre_hook(lambda opt, args, kwargs: rates.append(opt.param_groups[0]["lr"]))
    yield rates
    handle.remove()


@pytest.fixture
def stand_ins(monkeypatch):
    for name, module in trainer_protocols.modules().items():
        monkeypatch.setitem(sys.modules, name, module)


def run(name, **given):
    code = compile(EXAMPLES[name], f"{PAGE.name}: {name}", "exec")
    exec(code, given)
    return given


def batches(count=STEPS):
    return [torch.ones(2, 4) for _ in range(count)]


def linear():
    return torch.nn.Linear(4, 1)


class WithLoss(torch.nn.Module):
    """A model as transformers wants it."""

    def __init__(self):
        super().__init__()
        self.layer = linear()

    def forward(self, x, labels=None):
        return {"loss": self.layer(x).square().mean()}


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return {"x": torch.ones(4)}

    def __iter__(self):
        return (self[i] for i in range(len(self)))


def test_every_example_of_the_page_is_run_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert set(EXAMPLES) == set(re.findall(r'[ =(]run\("(\w+)"', text))


def test_a_loop_of_ones_own_and_its_resume(used, tmp_path):
    namespace = run("loop", model=linear(), loader=batches(15), steps=STEPS)
    assert used == curve(15)
    model = linear()
    fresh = torch.optim.AdamW(model.parameters(), lr=PEAK)
    scheduler = lrfix.schedulers.WarmupCosineLR(fresh, total_steps=STEPS, warmup_steps=2, eta_min_ratio=0.1)
    saving, loading = EXAMPLES["resume"].split("\n\n")
    exec(saving, {**namespace, "path": tmp_path / "run.pt"})
    exec(loading, {"torch": torch, "optimizer": fresh, "scheduler": scheduler, "path": tmp_path / "run.pt"})
    assert fresh.param_groups[0]["lr"] == curve()[15]
    run("resume", **namespace, path=tmp_path / "again.pt")


def test_transformers_protocol(used, stand_ins):
    run("transformers", model=WithLoss(), arguments=None, dataset=Items(), steps=STEPS)
    assert used == curve()


def test_transformers_trainer_and_its_checkpoints(used, tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")

    def arguments(**more):
        return transformers.TrainingArguments(
            output_dir=str(tmp_path), per_device_train_batch_size=1, num_train_epochs=1, save_steps=15, use_cpu=True,
            report_to=[], disable_tqdm=True, logging_strategy="no", **more,
        )  # fmt: skip

    run("transformers", model=WithLoss(), arguments=arguments(), dataset=Items(), steps=STEPS)
    assert used == curve()
    used.clear()
    model = WithLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK)
    scheduler = lrfix.schedulers.WarmupCosineLR(optimizer, total_steps=STEPS, warmup_steps=2, eta_min_ratio=0.1)
    trainer = transformers.Trainer(
        model=model, args=arguments(), train_dataset=Items(), optimizers=(optimizer, scheduler)
    )
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-15"))
    assert used == curve()[15:]


def test_lightning_protocol(used, stand_ins):
    trainer_protocols.fit(run("lightning")["Model"](), batches())
    assert used == curve()


def test_lightning_and_its_checkpoints(used, tmp_path):
    lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    model = run("lightning")["Model"]

    def trainer(epochs):
        return lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip

    with warnings.catch_warnings():
        # Lightning has advice about loaders and checkpoints.
        warnings.simplefilter("ignore")
        first = trainer(2)
        first.fit(model(), torch.utils.data.DataLoader(torch.ones(STEPS // 2, 4)))
        assert used == curve()
        used.clear()
        interrupted = trainer(2)
        interrupted.fit_loop.max_epochs = 1
        whole = type("Whole", (model,), {"configure_optimizers": _as_if_it_went_on(model)})
        interrupted.fit(whole(), torch.utils.data.DataLoader(torch.ones(STEPS // 2, 4)))
        interrupted.save_checkpoint(tmp_path / "run.ckpt")
        assert used == curve()[: STEPS // 2]
        used.clear()
        trainer(2).fit(
            model(), torch.utils.data.DataLoader(torch.ones(STEPS // 2, 4)), ckpt_path=str(tmp_path / "run.ckpt")
        )
        assert used == curve()[STEPS // 2 :]


def _as_if_it_went_on(model):
    """The configuration of a run of two epochs for one that is stopped after the first."""

    def configure_optimizers(self):
        self.trainer.fit_loop.max_epochs = 2
        try:
            return model.configure_optimizers(self)
        finally:
            self.trainer.fit_loop.max_epochs = 1

    return configure_optimizers


def test_accelerate_protocol_with_two_processes_and_accumulation(used, stand_ins):
    run("accelerate", model=linear(), loader=batches(2 * STEPS), steps=STEPS)
    assert used == curve(2 * STEPS, total=2 * STEPS)[::2]


def test_accelerate_with_accumulation(used):
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    loader = torch.utils.data.DataLoader(torch.ones(2 * STEPS, 4))
    run("accelerate", model=linear(), loader=loader, steps=STEPS)
    assert used == curve()


def test_deepspeed_protocol(used, stand_ins):
    config = {"gradient_accumulation_steps": 3}
    run("deepspeed", model=linear(), loader=batches(3 * STEPS), steps=STEPS, config=config)
    assert used == curve()


def go_on(namespace, count):
    for _ in range(count):
        namespace["optimizer"].step()
        namespace["scheduler"].step()


def test_sequential_lr(used):
    go_on(run("sequential", model=linear()), 60)
    assert used == [
        schedules.warmup_constant(k, warmup_steps=10, peak=PEAK)
        if k < 20
        else schedules.warmup_cosine_restarts(k - 20, T_0=8, T_mult=2, peak=PEAK)
        for k in range(60)
    ]


def test_chained_scheduler(used):
    go_on(run("chained", model=linear(), steps=STEPS), STEPS)
    rates = [schedules.warmup_cosine(k, total_steps=STEPS, warmup_steps=2, peak=PEAK) for k in range(STEPS)]
    # MultiplicativeLR does nothing at its own step 0.
    assert used == [rates[0], *(rate * 0.5 for rate in rates[1:])]
