"""What messages say: in the unit of the schedule, up to its end, in names that are as long as it is."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths, check_source
from lrfix.experiments.grid import Setting, Standing
from lrfix.findings import Finding

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "buggy"


def found(text: str, code: str) -> Finding:
    result = check_source(textwrap.dedent(text).encode(), "train.py", Settings(selected=frozenset({code})))
    assert not result.errors
    (finding,) = result.findings
    return finding


def of_fixture(name: str, code: str) -> Finding:
    return found((FIXTURES / f"{name}.py").read_text(encoding="utf-8"), code)


class TestTheUnit:
    """A schedule that is given epochs and makes steps of them counts steps."""

    def test_by_a_length_of_its_own(self) -> None:
        finding = of_fixture("lr202_cosine_from_zero", "LR202")
        assert "at step 11 to 0.075 at step 12" in finding.message and "epoch " not in finding.message
        assert finding.evidence is not None and finding.evidence.unit == "step"

    def test_by_the_length_that_it_is_built_with(self) -> None:
        assert "the whole run of 36 steps" in of_fixture("lr105_guard_always_true", "LR105").message

    def test_epochs_stay_epochs(self) -> None:
        assert "at epoch 0" in of_fixture("lr206_pi_forgotten", "LR206").message


def test_the_formula_to_write_instead_has_the_names_that_count_as_it_does() -> None:
    assert of_fixture("lr202_cosine_from_zero", "LR202").message.endswith("Use `(step - warmup) / (total - warmup)`.")
    given = """
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, ramp_steps, max_steps):
            def factor(step):
                if step < ramp_steps:
                    return (step + 1) / ramp_steps
                return 0.5 * (1 + math.cos(math.pi * min(1.0, step / max_steps)))
            return LambdaLR(optimizer, factor)

        build(optimizer, args.warmup_steps, args.max_steps)
    """
    assert found(given, "LR202").message.endswith("Use `(step - ramp_steps) / (max_steps - ramp_steps)`.")


def test_rates_are_told_up_to_the_end_of_the_schedule() -> None:
    finding = of_fixture("lr206_pi_forgotten", "LR206")
    assert finding.evidence is not None
    assert max(finding.evidence.steps) == finding.evidence.end == 12
    assert "hardly fallen: 0.1 at epoch 0, 0.09388 at epoch 6, 0.07702 at epoch 12." in finding.message


def test_a_setting_stands_aside_in_the_sentence() -> None:
    assert Setting("defaults", Standing.STATED, "with the defaults that the code states").aside == (
        " (with the defaults that the code states)"
    )
    assert Setting("values", Standing.PLAUSIBLE).aside == ""


def test_a_place_in_another_file_is_told_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "engine.py").write_text(
        "def train_one_epoch(optimizer, loader):\n"
        "    for batch in loader:\n"
        "        batch.loss.backward()\n"
        "        optimizer.step()\n"
    )
    (tmp_path / "train.py").write_text(
        "import torch\nfrom torch.optim.lr_scheduler import StepLR\nfrom engine import train_one_epoch\n\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "scheduler = StepLR(optimizer, 30)\n"
        "for epoch in range(90):\n"
        "    train_one_epoch(optimizer, loader)\n"
    )
    targets = [Target("engine.py"), Target("train.py")]
    results = check_paths(targets, Settings(selected=frozenset({"LR303"})), jobs=1)
    (finding,) = (finding for result in results for finding in result.findings)
    assert "the optimizer trains (line 4 of engine.py)" in finding.message


def test_praise_says_how_far_it_goes() -> None:
    text = """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, total_steps):
            return LambdaLR(optimizer, lambda step: 1 - step / total_steps)
    """
    message = found(text, "LR401").message
    assert message.startswith("No bug found: ")
    assert "(not beyond: see that training ends there)" in message and len(message) < 330
