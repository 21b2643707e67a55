"""Nothing is written that was not proved: a fault between the reading and the text is caught by running both."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.rewriting import plan, readings

pytest.importorskip("torch")

SOUND = textwrap.dedent(
    """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup, total):
        def factor(step):
            if step < warmup:
                return step / warmup
            done = min(1.0, (step - warmup) / (total - warmup))
            return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))
        return LambdaLR(optimizer, factor)
    """
).lstrip()
BUGGY = Path(__file__).resolve().parents[2] / "fixtures" / "buggy"
REBOUND = (BUGGY / "lr204_cosine_rebound.py").read_text(encoding="utf-8")


def _off_by_one(arguments_of):
    def planted(spec, last_epoch=None):
        first, *rest = arguments_of(spec, last_epoch)
        return [f"{first} + 1", *rest]

    return planted


def test_a_sound_schedule_is_proved_equal(rewrite):
    result = rewrite(SOUND, verify=True)
    (site,) = result.sites
    verification, without_warmup = result.verifications[site.identity]
    assert without_warmup.verdict == "equivalent"
    assert site.kind == "equivalent" and verification.verdict == "equivalent"
    assert verification.largest.relative <= 1e-12
    for outcome in verification.scenarios:
        assert len(outcome.scenario.base_lrs) == 2
        assert outcome.new_resume.exact and outcome.weights_equal
        assert len(outcome.new_curve) > outcome.scenario.values["total"]


@pytest.mark.parametrize("text", [SOUND, REBOUND], ids=["equivalent", "repair"])
def test_an_off_by_one_in_what_is_emitted_is_refused(tmp_path, monkeypatch, text):
    path = tmp_path / "train.py"
    path.write_text(text)
    monkeypatch.setattr(plan, "arguments_of", _off_by_one(plan.arguments_of))
    result = CliRunner().invoke(main, ["rewrite", "--apply", "--device", "cpu", str(path)])
    assert result.exit_code == 1
    assert "verification failed" in result.output
    assert path.read_text() == text


def test_a_wrong_recognition_is_refused(rewrite, monkeypatch):
    right = readings.readings_of

    def wrong(analysis):
        (reading,) = right(analysis)
        spec = reading.spec
        altered = type(spec)(spec.scheduler, spec.positional, {**spec.keywords, "eta_min_ratio": "0.051"})
        return [type(reading)(reading.key, reading.description, altered, 0, reading.because)]

    monkeypatch.setattr("lrfix.rewriting.rewriter.readings_of", wrong)
    result = rewrite(SOUND, verify=True)
    assert not result.changed
    (left,) = result.left
    assert left.failed and "the rates differ" in left.reason


def test_one_refused_schedule_does_not_keep_the_other_from_being_rewritten(rewrite, monkeypatch):
    both = (
        SOUND + "\n\ndef other(optimizer, total):\n    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / total))\n"
    )
    emit = plan.arguments_of

    def planted(spec, last_epoch=None):
        return _off_by_one(emit)(spec, last_epoch) if spec.scheduler == "WarmupCosineLR" else emit(spec, last_epoch)

    monkeypatch.setattr(plan, "arguments_of", planted)
    result = rewrite(both, verify=True)
    assert [site.scheduler for site in result.sites] == ["WarmupLinearLR"]
    assert [left.failed for left in result.left] == [True]
    assert "return WarmupLinearLR(optimizer, total)" in result.after
    assert "return LambdaLR(optimizer, factor)" in result.after


def test_what_cannot_be_run_is_not_rewritten(rewrite):
    text = SOUND.replace("def factor(step):", "def factor(step):\n        open('log', 'a')")
    result = rewrite(text, verify=True)
    assert not result.changed


def test_a_special_meaning_of_no_warmup_is_found_and_refused(rewrite):
    text = SOUND.replace(
        "        if step < warmup:", "        if warmup == 0:\n            return 0.5\n        if step < warmup:"
    )
    result = rewrite(text, verify=True)
    assert not result.changed
    assert "without warmup, the rates differ" in result.left[0].reason


def test_a_division_by_zero_without_warmup_is_no_reason_to_refuse(rewrite):
    text = SOUND.replace("done = min(1.0, (step - warmup)", "done = min(1.0, 0 / warmup + (step - warmup)")
    (site,) = rewrite(text, verify=True).sites
    assert site.scheduler == "WarmupCosineLR"
