"""``--prefer torch``: what a class of torch's own is exactly becomes that class, anything else the bundled one."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from lrfix.cli import main

pytest.importorskip("torch")

TRAINING = """
import math

import torch
from torch.optim.lr_scheduler import LambdaLR


def train(model, epochs: int, every: int):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = LambdaLR(optimizer, FUNCTION)
    for epoch in range(epochs):
        optimizer.step()
        scheduler.step()
"""


def _text(function: str) -> str:
    text = TRAINING.replace("FUNCTION", function)
    return text if "math" in function else text.replace("import math\n\n", "")


def _torchs(rewrite, text, **options):
    return rewrite(text, verify=True, prefer="torch", **options)


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("lambda epoch: 0.95**epoch", "ExponentialLR(optimizer, gamma=0.95)"),
        ("lambda epoch: 0.1 ** (epoch // 30)", "StepLR(optimizer, step_size=30)"),
        ("lambda epoch: 0.1 ** (epoch // every)", "StepLR(optimizer, step_size=every)"),
        (
            "lambda epoch: 1.0 if epoch < 30 else 0.1 if epoch < 80 else 0.01",
            "MultiStepLR(optimizer, milestones=[30, 80])",
        ),
        (
            "lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / epochs))",
            "CosineAnnealingLR(optimizer, T_max=epochs)",
        ),
        (
            "lambda epoch: 0.5 * (1 + math.cos(math.pi * (epoch % every) / every))",
            "CosineAnnealingWarmRestarts(optimizer, T_0=every)",
        ),
        (
            "lambda epoch: (1 - min(epoch, epochs) / epochs) ** 0.9",
            "PolynomialLR(optimizer, total_iters=epochs, power=0.9)",
        ),
        (
            "lambda epoch: max(0.0, 1 - epoch / epochs)",
            "LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=epochs)",
        ),
        ("lambda epoch: min(1.0, (epoch + 1) / 5)", "LinearLR(optimizer, start_factor=1 / 5, total_iters=4)"),
    ],
    ids=lambda text: text.partition("(")[0] if text[0].isupper() else "",
)
def test_the_curve_of_a_class_of_torchs_own_becomes_that_class(rewrite, function, call):
    result = _torchs(rewrite, _text(function))
    (site,) = result.sites
    assert (site.kind, site.limits, site.scheduler) == ("equivalent", (), call.partition("(")[0])
    assert call in " ".join(result.after.split()).replace("( ", "(").replace(", )", ")")
    assert "lrfix" not in result.after
    assert f"from torch.optim.lr_scheduler import {site.scheduler}" in result.after
    assert site.imported == ()
    assert any(note.startswith(f"torch's own `{site.scheduler}`") for note in site.notes)


def test_without_being_asked_for_it_becomes_the_bundled_one(rewrite):
    assert "WarmupStepLR(" in rewrite(_text("lambda epoch: 0.1 ** (epoch // 30)"), verify=True).after


@pytest.mark.parametrize(
    ("function", "bundled"),
    [
        # Past its end torch's rises again, and the old one stays.
        ("lambda epoch: 0.5 * (1 + math.cos(math.pi * min(1.0, epoch / epochs)))", "WarmupCosineLR(optimizer, epochs)"),
        # Torch has no class with a warmup before its decay.
        ("lambda epoch: (epoch + 1) / 5 if epoch < 5 else 0.95 ** (epoch - 5)", "WarmupExponentialLR("),
    ],
    ids=["another end", "a warmup"],
)
def test_what_torch_has_no_class_for_becomes_the_bundled_one(rewrite, function, bundled):
    result = _torchs(rewrite, _text(function))
    assert bundled in result.after
    assert not result.sites[0].torchs


def test_lengths_that_torch_takes_otherwise_keep_the_bundled_one(rewrite):
    text = _text("lambda epoch: 0.1 ** (epoch // every)").replace("every: int", "every")
    result = _torchs(rewrite, text)  # 7.5 epochs are legal here, and StepLR would never meet one
    assert "WarmupStepLR(optimizer, every" in result.after
    assert result.sites[0].kind == "equivalent"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("def train(model, ", "def build(optimizer, ").replace(
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n", ""
        ),
        lambda text: text + "        for group in optimizer.param_groups:\n            group['lr'] *= 0.5\n",
        lambda text: text + "    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)\n",
        lambda text: text.replace("// 30))", "// 30), last_epoch=every)"),
        lambda text: text + "    scheduler.load_state_dict(torch.load('last.pt')['scheduler'])\n",
    ],
    ids=["an optimizer out of sight", "a write by hand", "a plateau", "begun in the middle", "restored without rates"],
)
def test_one_that_goes_on_from_the_rate_it_finds_has_to_be_alone_and_whole(rewrite, change):
    result = _torchs(rewrite, change(_text("lambda epoch: 0.1 ** (epoch // 30)")))
    assert "WarmupStepLR(" in result.after
    assert not result.sites[0].torchs


CLASS = """
import torch
from torch.optim.lr_scheduler import LRScheduler


class Halved(LRScheduler):
    def __init__(self, optimizer, every: int, last_epoch=-1):
        self.every = every
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]


def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = Halved(optimizer, 20)
"""


def test_a_class_of_the_users_own_goes(rewrite):
    result = _torchs(rewrite, CLASS)
    assert "scheduler = StepLR(optimizer, step_size=20, gamma=0.5)" in result.after
    assert "class Halved" not in result.after


def test_one_that_has_to_stay_for_others_becomes_a_bundled_one(rewrite):
    assert "class Halved(WarmupStepLR):" in _torchs(rewrite, CLASS, external=lambda name: name == "Halved").after


def test_torchs_class_has_a_name_of_its_own_where_the_file_has_one_like_it(rewrite):
    text = _text("lambda epoch: 0.1 ** (epoch // 30)") + "\n\nclass StepLR:\n    pass\n"
    after = _torchs(rewrite, text).after
    assert "StepLR as TorchStepLR" in after and "= TorchStepLR(optimizer, " in after


def test_the_command(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(_text("lambda epoch: 0.1 ** (epoch // 30)"))
    arguments = ["rewrite", str(path), "--apply", "--prefer", "torch", "--proof", str(tmp_path / "proofs")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "equivalent -> StepLR" in result.output
    assert "note: torch's own `StepLR`: no import of lrfix is needed" in result.output
    assert "lrfix" not in path.read_text()
    (proof,) = (tmp_path / "proofs").iterdir()
    assert "StepLR" in proof.read_text()
    again = CliRunner().invoke(main, ["rewrite", str(path), "--prefer", "torch"])
    assert again.exit_code == 0
    assert CliRunner().invoke(main, ["rewrite", "--repair", "--prefer", "torch", str(path)]).exit_code == 2
