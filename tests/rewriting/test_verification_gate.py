"""Nothing is written that was not proved: a fault between the reading and the text is caught by running both."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.commands.rewrite_report import Report
from lrfix.experiments import equivalence, recognised
from lrfix.output.terminal import Style
from lrfix.rewriting import plan, readings
from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.proposal import Options
from lrfix.rewriting.rewriter import rewrite_sources

pytest.importorskip("torch")

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")

SOUND = textwrap.dedent(
    """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup, total):
        def factor(step):
            if step < warmup:
                return step / warmup
            done = min(1.0, (step - warmup) / max(1, total - warmup))
            return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))
        return LambdaLR(optimizer, factor)
    """
).lstrip()
BUGGY = Path(__file__).resolve().parents[2] / "fixtures" / "buggy"
REBOUND = (BUGGY / "lr204_cosine_rebound.py").read_text(encoding="utf-8")


BOTH = SOUND + "\n\ndef other(optimizer, total):\n    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / total))\n"
WITHOUT_WARMUP = {
    "none": SOUND,
    "special": SOUND.replace(
        "        if step < warmup:", "        if warmup == 0:\n            return 0.5\n        if step < warmup:"
    ),
    "division by zero": SOUND.replace(
        "done = min(1.0, (step - warmup)", "done = min(1.0, 0 / warmup + (step - warmup)"
    ),
}


@pytest.fixture(scope="module")
def proved() -> dict[str, FileRewrite]:
    files = [(f"{name}.py", text.encode(), lambda name: False, None) for name, text in WITHOUT_WARMUP.items()]
    results = rewrite_sources(files, Options(device="cpu"))
    return dict(zip(WITHOUT_WARMUP, results, strict=True))


def test_a_sound_schedule_is_proved_equal(proved):
    (site,) = proved["none"].sites
    verification, settings, longer = proved["none"].verifications[site.identity]
    assert settings.verdict == longer.verdict == "equivalent"
    usual = verification.scenarios[0].scenario.values
    tried = [outcome.scenario for outcome in (*settings.scenarios, *longer.scenarios)]
    assert {len(scenario.base_lrs) for scenario in tried} == {1, 2, 3}
    assert {0, 1, 0.5, usual["warmup"] + 0.5, usual["total"], usual["total"] + 3} <= {s.values["warmup"] for s in tried}
    assert {0, 1, usual["total"] + 0.5, 7 * usual["total"]} <= {scenario.values["total"] for scenario in tried}
    assert site.standing == "equivalent for decays of a step or more" and verification.verdict == "equivalent"
    assert verification.largest.relative <= 1e-12
    for outcome in verification.scenarios:
        assert len(outcome.scenario.base_lrs) == 2
        assert outcome.new_resume.exact and outcome.weights_equal
        assert len(outcome.new_curve) > outcome.scenario.values["total"]


def test_two_schedules_of_one_text_are_two(rewrite):
    # Each has proofs of its own. Under one identity they were told of at one place, and proved again without end.
    other = SOUND.partition("LambdaLR\n")[2].replace("build", "other")
    first, second = rewrite(SOUND + other).sites
    assert first.identity != second.identity
    assert (first.span.start.line, second.span.start.line) == (5, 13)


def test_a_special_meaning_of_no_warmup_is_found_and_refused(proved):
    assert not proved["special"].changed
    assert "the rates differ" in proved["special"].left[0].reason
    assert "with `warmup` = 0" in proved["special"].left[0].reason


def test_a_division_by_zero_without_warmup_is_no_reason_to_refuse(proved):
    result = proved["division by zero"]
    (site,) = result.sites
    assert site.scheduler == "WarmupCosineLR"
    told = Report(Style(), applied=False, verified=True).file(result)
    assert "with `warmup` = 0 only the old version raises, at step 0: ZeroDivisionError" in told


def test_a_floor_that_is_only_reached_late_is_not_lost(rewrite, monkeypatch):
    text = (
        "from torch.optim.lr_scheduler import LambdaLR\n\n"
        "def build(optimizer, config):\n"
        "    decay = lambda k: max(config.gamma ** (k / config.decay_step), config.lowest_decay)\n"
        "    return LambdaLR(optimizer, decay)\n"
    )
    result = rewrite(text)
    assert not result.changed
    assert "`config.lowest_decay` changes the curve where it has other values" in result.left[0].reason
    monkeypatch.setattr(equivalence, "_left_out", lambda *asked: None)
    result = rewrite(text + "\n", verify=True)
    assert not result.changed
    assert "the rates differ" in result.left[0].reason
    assert "before and" in result.left[0].reason and ", with `config." in result.left[0].reason


STAIRS = textwrap.dedent(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, num_epochs):
        def factor(epoch):
            done = epoch / num_epochs
            return 1.0 if done < 0.3 else 0.2 if done < 0.6 else 0.04
        return LambdaLR(optimizer, factor)
    """
).lstrip()


class TestNumbersFittedToTheScenarios:
    """`int(num_epochs * 0.325)` is where the rate falls in every scenario, and `0.3` is what the code says."""

    def test_longer_lengths_tell_them_apart(self, rewrite):
        assert "nothing in the code says milestones" in rewrite(STAIRS).left[0].reason

    def test_the_proof_runs_longer_lengths_too(self, rewrite, monkeypatch):
        monkeypatch.setattr(recognised, "_stretched", lambda study: None)
        result = rewrite(STAIRS.replace("epoch)", "epoch )"), verify=True)
        assert not result.changed
        assert "the rates differ" in result.left[0].reason
        assert "with `num_epochs` = " in result.left[0].reason


@pytest.mark.parametrize(
    "text",
    [
        SOUND.replace("warmup, total", "warmup, total, floor=0.0").replace("0.05 + 0.95", "floor + (1 - floor)"),
        textwrap.dedent(
            """
            import math
            from torch.optim.lr_scheduler import LRScheduler

            class Cosine(LRScheduler):
                def __init__(self, optimizer, total, floor=0.0, last_epoch=-1):
                    self.total, self.floor = total, floor
                    super().__init__(optimizer, last_epoch)

                def get_lr(self):
                    share = 0.5 * (1 + math.cos(math.pi * min(1.0, self.last_epoch / self.total)))
                    return [base * (self.floor + (1 - self.floor) * share) for base in self.base_lrs]
            """
        ).lstrip(),
    ],
    ids=["function", "class"],
)
def test_a_default_of_0_is_no_proof_for_other_values(rewrite, monkeypatch, text):
    assert "eta_min_ratio=floor" in rewrite(text).after
    emit = plan.arguments_of
    monkeypatch.setattr(
        plan, "arguments_of", lambda spec, last=None: [a.replace("eta_min_ratio", "eta_min") for a in emit(spec, last)]
    )
    result = rewrite(text + "\n", verify=True)
    assert not result.changed
    assert "verification failed" in result.left[0].reason


CLAMP = textwrap.dedent(
    """
    from torch.optim.lr_scheduler import LRScheduler

    class PolyLR(LRScheduler):
        def __init__(self, optimizer, max_iters, power=0.9, last_epoch=-1, min_lr=1e-6):
            self.max_iters, self.power, self.min_lr = max_iters, power, min_lr
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            left = 1 - self.last_epoch / self.max_iters
            return [max(base_lr * left**self.power, self.min_lr) for base_lr in self.base_lrs]
    """
).lstrip()


@pytest.mark.parametrize("wrong", [None, "", "eta_min_ratio=min_lr"])
def test_a_floor_that_cuts_a_decay_off_is_a_clamp_and_nothing_else(rewrite, monkeypatch, wrong):
    if wrong is not None:
        emit = plan.arguments_of
        planted = {"": ("eta_min_mode", wrong), "eta_min_ratio=min_lr": ("eta_min=", wrong)}[wrong]
        monkeypatch.setattr(
            plan,
            "arguments_of",
            lambda spec, last=None: [
                text for a in emit(spec, last) if (text := planted[1] if a.startswith(planted[0]) else a)
            ],
        )
    result = rewrite(CLAMP + f"# {wrong}\n", verify=True)
    assert result.changed == (wrong is None)
    if wrong is None:
        assert 'eta_min=min_lr, eta_min_mode="clamp"' in " ".join(result.after.split())
    else:
        assert "the rates differ" in result.left[0].reason


class TestPlanted:
    """The emitter writes a horizon that is one step too long wherever it writes a cosine."""

    @pytest.fixture
    def refused(self, tmp_path, monkeypatch) -> Callable[[str], tuple[int, str, str]]:
        emit = plan.arguments_of

        def planted(spec, last_epoch=None):
            first, *rest = emit(spec, last_epoch)
            return [f"{first} + 1" if spec.scheduler == "WarmupCosineLR" else first, *rest]

        monkeypatch.setattr(plan, "arguments_of", planted)
        monkeypatch.chdir(tmp_path)

        def run(text: str) -> tuple[int, str, str]:
            path = tmp_path / "train.py"
            path.write_text(text)
            result = CliRunner().invoke(main, ["rewrite", "--apply", "--device", "cpu", "train.py"])
            return result.exit_code, result.output, path.read_text()

        return run

    @pytest.mark.parametrize("text", [SOUND, REBOUND], ids=["equivalent", "repair"])
    def test_an_off_by_one_in_what_is_emitted_is_refused_and_the_file_untouched(self, refused, text):
        status, output, after = refused(text)
        assert status == 1
        assert "verification failed" in output
        assert after == text

    def test_one_refused_schedule_does_not_keep_the_other_from_being_rewritten(self, refused):
        status, output, after = refused(BOTH)
        assert status == 1
        assert "1 schedule rewritten in 1 file, 1 left alone, 1 of them because verification failed" in output
        assert "return WarmupLinearLR(optimizer, total)" in after
        assert "return LambdaLR(optimizer, factor)" in after


def test_a_wrong_recognition_is_refused(rewrite, monkeypatch):
    right = readings.readings_of

    def wrong(analysis):
        (reading,) = right(analysis)
        spec = reading.spec
        altered = type(spec)(spec.scheduler, spec.positional, {**spec.keywords, "eta_min_ratio": "0.051"})
        return [type(reading)(reading.key, reading.description, altered, 0, reading.because)]

    monkeypatch.setattr("lrfix.rewriting.proposal.readings_of", wrong)
    result = rewrite(SOUND, verify=True)
    assert not result.changed
    (left,) = result.left
    assert left.failed and "the rates differ" in left.reason


def test_what_cannot_be_run_is_not_rewritten(rewrite):
    text = SOUND.replace("def factor(step):", "def factor(step):\n        open('log', 'a')")
    result = rewrite(text, verify=True)
    assert not result.changed


def test_a_schedule_that_may_not_be_run_is_refused_and_has_not_failed(rewrite):
    reaching = "if step < -1:\n            return step.__class__.__subclasses__()\n        "
    text = SOUND.replace("if step < warmup:", reaching + "if step < warmup:")
    result = rewrite(text, verify=True)
    assert not result.changed
    (left,) = result.left
    assert "may not be run" in left.reason
    assert left.refused and not left.failed


FACTORY = textwrap.dedent(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def linear(optimizer, num_warmup_steps, num_training_steps, f_min=0.0, f_max=1.0):
        def factor(step):
            if step < num_warmup_steps:
                return f_max * step / max(1, num_warmup_steps)
            left = (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps)
            return f_min + (f_max - f_min) * max(0.0, left)
        return LambdaLR(optimizer, factor)
    """
).lstrip()


class TestWhateverACallerMayPass:
    """What is accepted never raises where the old code did not, whatever the lengths and numbers are."""

    def test_fractional_lengths_floors_above_the_peak_and_a_peak_of_nothing_are_part_of_the_proof(self, rewrite):
        result = rewrite(FACTORY, verify=True)
        (site,) = result.sites
        assert site.standing == "equivalent for decays of a step or more"
        assert "eta_min_factor=f_min" in result.after and "/" not in result.after.split("WarmupLinearLR(")[1]
        words = [o.scenario.words for v in result.verifications[site.identity] for o in v.scenarios]
        assert {"with `f_max` = 0", "with `f_min` = 1.5", "with `num_warmup_steps` = 0.5"} <= set(words)

    def test_an_argument_that_the_new_code_divides_by_is_refused(self, rewrite, monkeypatch):
        emit = plan.arguments_of
        monkeypatch.setattr(
            plan,
            "arguments_of",
            lambda spec, last=None: [
                a.replace("eta_min_factor=f_min", "eta_min_ratio=f_min / f_max") for a in emit(spec, last)
            ],
        )
        result = rewrite(FACTORY + "\n", verify=True)
        assert not result.changed
        assert "ZeroDivisionError" in result.left[0].reason and "with `f_max` = 0" in result.left[0].reason

    def test_a_rounding_in_the_old_code_is_found_at_a_fractional_length(self, rewrite):
        text = FACTORY.replace("if step < num_warmup_steps:", "if step < int(num_warmup_steps):")
        (site,) = rewrite(text, verify=True).sites
        assert site.kind == "limited" and "but not with `num_warmup_steps` = 11.5" in site.standing
        (left,) = rewrite(text + "linear(optimizer, 0.06 * 800, 800)\n", verify=True).left
        assert "the rates differ" in left.reason and "with `num_warmup_steps` = 0.5" in left.reason

    def test_a_caller_that_passes_the_command_line_on_is_not_run(self, rewrite):
        callers = textwrap.dedent(
            """

            def options():
                parser = argparse.ArgumentParser()
                parser.add_argument("--warmup", type=int, default=5)
                return parser.parse_args()

            def train(optimizer):
                args = options()
                return linear(optimizer, args.warmup, 800)
            """
        )
        result = rewrite("import argparse\n" + FACTORY + callers, verify=True)
        (site,) = result.sites
        assert not [proof for proof in site.proofs if proof.label.startswith("as called")]

    def test_the_callers_in_the_file_are_run_with_what_they_pass(self, rewrite):
        callers = textwrap.dedent(
            """

            def short(optimizer, loader, epochs):
                total = len(loader) * epochs
                return linear(optimizer, 0.06 * total, total)

            def without(optimizer, args):
                return linear(optimizer, 0, num_training_steps=args.max_steps, f_max=0.5)
            """
        )
        result = rewrite(FACTORY + callers, verify=True)
        (site,) = result.sites
        answers = dict(zip((p.label for p in site.proofs), result.verifications[site.identity], strict=True))
        assert [x for x in answers if x.startswith("as called")] == ["as called at line 14", "as called at line 17"]
        first = answers["as called at line 14"].scenarios[0]
        values = first.scenario.values
        assert set(values) == {"len(loader)", "epochs"}
        peak = first.new_curve.index(max(first.new_curve))
        assert peak == -(-6 * values["len(loader)"] * values["epochs"] // 100)
