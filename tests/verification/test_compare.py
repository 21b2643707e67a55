"""Verification as its callers see it: two programs in, a verdict with tables out, whatever the programs do."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lrfix.verification import Scenario, Verification, VerificationRequest, compare, process, verify, verify_many

pytest.importorskip("torch")

COSINE = """
import math
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, p):
    def factor(step):
        if step < p["warmup"]:
            return step / p["warmup"]
        progress = min(1.0, (step - p["warmup"]) / (p["total"] - p["warmup"]))
        return 0.5 * (1 + math.cos(math.pi * progress))
    return LambdaLR(optimizer, factor)
"""
COSINE_CLASS = """
import math
from torch.optim.lr_scheduler import LRScheduler

class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup, total):
        self.warmup = warmup
        self.total = total
        super().__init__(optimizer)

    def get_lr(self):
        k = self.last_epoch
        if k < self.warmup:
            return [base * (k / self.warmup) for base in self.base_lrs]
        progress = min(1.0, (k - self.warmup) / (self.total - self.warmup))
        return [base * math.cos(math.pi * progress / 2) ** 2 for base in self.base_lrs]

def build(optimizer, p):
    return WarmupCosine(optimizer, p["warmup"], p["total"])
"""
STEP = """
from torch.optim.lr_scheduler import StepLR
def build(optimizer, p):
    return StepLR(optimizer, p["every"], gamma=0.5)
"""
SETTER = """
class Setter:
    def __init__(self, optimizer, every):
        self.optimizer = optimizer
        self.bases = [group["lr"] for group in optimizer.param_groups]
        self.every = every
        self.k = 0
        self.write()

    def write(self):
        for base, group in zip(self.bases, self.optimizer.param_groups):
            group["lr"] = base * 0.5 ** (self.k // self.every)

    def step(self):
        self.k += 1
        self.write()

    def state_dict(self):
        return {"k": self.k}

    def load_state_dict(self, state):
        self.k = state["k"]

def build(optimizer, p):
    return Setter(optimizer, p["every"])
"""
COUNTS_UPDATES = """
class CountsUpdates:
    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.bases = [group["lr"] for group in optimizer.param_groups]
        self.taken = 0
        inner = optimizer.step

        def step(closure=None):
            self.taken += 1
            return inner(closure)

        optimizer.step = step

    def step(self):
        for base, group in zip(self.bases, self.optimizer.param_groups):
            group["lr"] = base / (1 + self.taken)

    def state_dict(self):
        return {"taken": self.taken}

    def load_state_dict(self, state):
        self.taken = state["taken"]

def build(optimizer, p):
    return CountsUpdates(optimizer)
"""
BY_UPDATES = """
from torch.optim.lr_scheduler import LambdaLR
def build(optimizer, p):
    return LambdaLR(optimizer, lambda step: 1 / (1 + step))
"""
LOOP_FOREVER = "def build(optimizer, p):\n    while True:\n        pass\n"
SCENARIOS = (Scenario({"warmup": 10, "total": 60}), Scenario({"warmup": 7, "total": 60}, (0.2, 0.01)))
STEPWISE = (Scenario({"every": 9}),)


def cosine(old: str = COSINE, new: str = COSINE_CLASS, **settings: object) -> VerificationRequest:
    return VerificationRequest(old, new, SCENARIOS, 60, **settings)  # type: ignore[arg-type]


BUNDLED = """
from lrfix.schedulers import WarmupCosineLR

def build(optimizer, p):
    return WarmupCosineLR(optimizer, p["total"], warmup_steps=p["warmup"])
"""


TINY_RATES = (math.pi / 10, 1e-300)
SOUND = {
    "two ways to write one": cosine(),
    "another interface": VerificationRequest(STEP, SETTER, STEPWISE, 40, "equivalent", "cpu"),
    "the bundled scheduler": cosine(COSINE, BUNDLED),
    "another meaning": cosine(COSINE_CLASS.replace("self.total", "self.warmup_steps"), BUNDLED),
    "tiny rates": VerificationRequest(STEP, STEP, (Scenario({"every": 1}, TINY_RATES),), 30),
}


@pytest.fixture(scope="module")
def sound() -> dict[str, Verification]:
    return dict(zip(SOUND, verify_many(list(SOUND.values())), strict=True))


@pytest.fixture
def both(sound: dict[str, Verification]) -> tuple[Verification, ...]:
    return sound["two ways to write one"], sound["another interface"]


def test_the_bundled_scheduler_runs_and_proves_equivalent(sound: dict[str, Verification]) -> None:
    verification = sound["the bundled scheduler"]
    assert verification.verdict == "equivalent", verification.reason


def test_a_checkpoint_of_the_old_version_goes_on_in_the_new_one_or_that_is_told(sound: dict[str, Verification]) -> None:
    told = {name: verification.scenarios[0].handover for name, verification in sound.items()}
    assert told["the bundled scheduler"] == told["tiny rates"] == ""
    # The old class keeps the whole under a name that means the warmup to the new one.
    reason = str(told["another meaning"])
    assert "does not load: ValueError" in reason and "warmup_steps" in reason
    assert "does not load" in str(told["another interface"])


def test_rates_survive_the_way_between_the_processes_bit_for_bit(sound: dict[str, Verification]) -> None:
    curve = sound["tiny rates"].scenarios[0].new_curve
    assert curve[0] == TINY_RATES
    assert curve[7] == (math.pi / 10 * 0.5**7, 1e-300 * 0.5**7)


class TestEquivalent:
    def test_two_ways_to_write_one_schedule_are_equivalent(self, both: tuple[Verification, ...]) -> None:
        for verification in both:
            assert verification.verdict == "equivalent", verification.reason
            assert verification.reason is None
            assert verification.largest is not None
            assert verification.largest.relative <= compare.TOLERANCE

    def test_a_schedule_that_counts_the_optimizers_updates_sees_each_of_them(self) -> None:
        verification = verify(VerificationRequest(COUNTS_UPDATES, BY_UPDATES, (Scenario({}),), 60))
        assert verification.verdict == "equivalent"
        assert [rates[0] for rates in verification.scenarios[0].old_curve[:3]] == pytest.approx([0.1, 0.05, 0.1 / 3])

    def test_resume_weights_and_devices_are_part_of_the_proof(self, both: tuple[Verification, ...]) -> None:
        for verification in both:
            for outcome in verification.scenarios:
                assert outcome.old_resume.exact is True
                assert outcome.new_resume.exact is True
                assert outcome.weights_equal is True
                assert outcome.devices[0] == "cpu"
        assert both[1].devices == ("cpu",)

    def test_the_table_shows_telling_steps_with_the_rates_of_both_groups(self, both: tuple[Verification, ...]) -> None:
        outcome = both[0].scenarios[0]
        shown = {row.step: row for row in outcome.rows}
        assert {0, 10, 30, 59, 60, 75} <= set(shown)
        assert shown[10].old == (0.1, 0.003)
        assert shown[35].new if 35 in shown else shown[30].new
        for row in outcome.rows:
            assert row.old == outcome.old_curve[row.step]
            assert row.new == outcome.new_curve[row.step]
        assert len(outcome.old_curve) > 60

    def test_scenarios_and_version_are_kept(self, both: tuple[Verification, ...]) -> None:
        import torch

        assert [outcome.scenario for outcome in both[0].scenarios] == list(SCENARIOS)
        assert both[0].torch_version == torch.__version__
        assert both[0].seconds > 0


PLANTED = {
    "an off-by-one in the warmup": ("step / p", "(step + 1) / p"),
    "an off-by-one at the boundary": ('step < p["warmup"]:', 'step < p["warmup"] - 1:'),
    "a horizon one step longer": ('(p["total"] - p["warmup"])', '(p["total"] - p["warmup"] + 1)'),
    "a rebound past the horizon": ("min(1.0, (step", "min(9.0, (step"),
    "one part in a thousand million": ("return 0.5 *", "return 0.5000000005 *"),
    "the other group alone": ("LambdaLR(optimizer, factor)", "LambdaLR(optimizer, [factor, lambda k: 2 * factor(k)])"),
}


def test_planted_faults_are_seen() -> None:
    requests = [cosine(COSINE, COSINE.replace(*change)) for change in PLANTED.values()]
    assert all(request.new != COSINE for request in requests)
    verifications = dict(zip(PLANTED, verify_many(requests), strict=True))
    for name, verification in verifications.items():
        assert verification.verdict == "different", name
        assert verification.largest is not None
        assert verification.largest.relative > compare.TOLERANCE
        outcome = verification.scenarios[0]
        assert outcome.largest is not None
        assert f"step {outcome.largest.step}," in str(verification.reason), name
    other_group = verifications["the other group alone"]
    assert other_group.largest is not None
    assert other_group.largest.group == 1


RAISING = COSINE.replace("return LambdaLR", "1 / (p['warmup'] - p['warmup'])\n    return LambdaLR")
RAISING_LATE = COSINE.replace("def factor(step):", "def factor(step):\n        1 / (30 - step)")
FORGETFUL = SETTER.replace('self.k = state["k"]', "pass")
STATELESS = SETTER.replace("    def state_dict", "    def stated")
NOT_A_NUMBER = COSINE.replace("return 0.5 *", "return float('nan') *")
COMPLEX = COSINE.replace("return 0.5 * (", "return (-1) ** 0.5 * (")
ENDING = "def build(optimizer, p):\n    raise SystemExit(3)\n"


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Verification]:
    requests = {
        "old raises at once": cosine(RAISING, COSINE),
        "old raises late": cosine(RAISING_LATE, COSINE),
        "old raises late, repaired": cosine(RAISING_LATE, COSINE, expect="repair"),
        "new raises": cosine(COSINE, RAISING_LATE, expect="repair"),
        "new forgets": VerificationRequest(STEP, FORGETFUL, STEPWISE, 40),
        "old forgets": VerificationRequest(FORGETFUL, STEP, STEPWISE, 40),
        "new has no state": VerificationRequest(STEP, STATELESS, STEPWISE, 40),
        "old has no state": VerificationRequest(STATELESS, STEP, STEPWISE, 40),
        "new gives nan": cosine(COSINE, NOT_A_NUMBER),
        "new gives complex": cosine(COSINE, COMPLEX, expect="repair"),
        "new ends the process": cosine(COSINE, ENDING),
        "module text raises": cosine(COSINE, "1 / 0\n" + COSINE),
        "no scenario": VerificationRequest(COSINE, COSINE, (), 60),
        "no step": VerificationRequest(COSINE, COSINE, SCENARIOS, 0),
        "no program": cosine("x = 1", COSINE),
        "a device that is not there": cosine(device="cuda"),
        "good all the same": cosine(),
    }
    return dict(zip(requests, verify_many(list(requests.values())), strict=True))


class TestFailures:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("old raises at once", "the old version raises at step 0: ZeroDivisionError"),
            ("old raises late", "the old version raises at step 30: ZeroDivisionError"),
            ("new raises", "the new version raises at step 30: ZeroDivisionError"),
            ("new forgets", "the new version, stopped at step"),
            ("new has no state", "the new version cannot be resumed"),
            ("new gives nan", "the new version gives (nan, nan) at step"),
            ("new gives complex", "the rate is complex"),
            ("module text raises", "the new version cannot be loaded: ZeroDivisionError"),
            ("no scenario", "no scenario"),
            ("no step", "at least one step"),
            ("no program", "does not define build"),
        ],
    )
    def test_there_is_no_proof_and_the_reason_is_said(
        self, outcomes: dict[str, Verification], name: str, words: str
    ) -> None:
        assert outcomes[name].verdict == "failed"
        assert words in str(outcomes[name].reason)

    def test_what_may_not_be_run_is_no_failed_proof(self, outcomes: dict[str, Verification]) -> None:
        assert outcomes["new ends the process"].verdict == "refused"
        assert "SystemExit" in str(outcomes["new ends the process"].reason)

    def test_the_line_that_raised_is_named(self, outcomes: dict[str, Verification]) -> None:
        line = RAISING_LATE.split("\n").index("        1 / (30 - step)") + 1
        assert f"line {line} of the old version" in str(outcomes["old raises late"].reason)

    def test_one_failure_spoils_no_other_request(self, outcomes: dict[str, Verification]) -> None:
        assert outcomes["good all the same"].verdict == "equivalent"

    def test_a_repair_may_replace_a_version_that_raises(self, outcomes: dict[str, Verification]) -> None:
        repaired = outcomes["old raises late, repaired"]
        assert repaired.verdict == "different"
        outcome = repaired.scenarios[0]
        assert len(outcome.old_curve) == 30
        assert outcome.old_error is not None
        assert outcome.new_error is None
        assert {row.step for row in outcome.rows if row.old is None} >= {59, 60}

    @pytest.mark.parametrize("name", ["old forgets", "old has no state"])
    def test_what_the_old_version_loses_on_resume_is_reported_only(
        self, outcomes: dict[str, Verification], name: str
    ) -> None:
        assert outcomes[name].verdict == "equivalent"
        assert outcomes[name].scenarios[0].old_resume.exact is not True


class TestTheProcess:
    def test_an_endless_loop_is_ended_and_the_next_request_still_runs(self) -> None:
        endless, fine = verify_many((cosine(LOOP_FOREVER, COSINE), cosine()), timeout=3.0)
        assert endless.verdict == "failed"
        assert "3 seconds" in str(endless.reason)
        assert fine.verdict == "equivalent"

    def test_missing_torch_is_said_with_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "BOOTSTRAP", "import sys; sys.modules['torch'] = None; " + process.BOOTSTRAP)
        for verification in verify_many((cosine(), cosine())):
            assert verification.verdict == "failed"
            assert "lrfix[torch]" in str(verification.reason)

    def test_a_process_that_dies_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "BOOTSTRAP", "import os; os.kill(os.getpid(), 9)  # {root}")
        verification = verify(cosine())
        assert verification.verdict == "failed"
        assert "SIGKILL" in str(verification.reason)

    def test_an_interpreter_that_does_not_exist_is_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(process.sys, "executable", str(tmp_path / "python"))
        verification = verify(cosine())
        assert verification.verdict == "failed"
        assert "could not be started" in str(verification.reason)

    def test_cuda_where_there_is_none_is_told(self, outcomes: dict[str, Verification]) -> None:
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device")
        verification = outcomes["a device that is not there"]
        assert verification.verdict == "failed"
        assert "no CUDA device" in str(verification.reason)

    def test_values_that_are_not_plain_data_are_told(self) -> None:
        request = VerificationRequest(COSINE, COSINE, (Scenario({"x": object()}),), 60)
        assert "plain data" in str(verify(request).reason)

    def test_no_request_starts_no_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "BOOTSTRAP", "raise SystemExit(5)")
        assert verify_many(()) == ()


HOSTILE = {
    "open": "open({path!r}, 'w')",
    "remove": "import os\n    os.remove({path!r})",
    "socket": "import socket\n    socket.socket()",
    "subprocess": "import subprocess\n    subprocess.run(['rm', {path!r}])",
    "through the class tree": (
        "for kind in object.__subclasses__():\n"
        "        module = kind.__init__.__globals__.get('sys') if hasattr(kind.__init__, '__globals__') else None\n"
        "        if module is not None:\n"
        "            module.modules['os'].remove({path!r})"
    ),
}


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "precious.txt"
    path.write_text("weights", encoding="utf-8")
    return path


def hostile(name: str, path: Path) -> str:
    return COSINE.replace("    def factor", f"    {HOSTILE[name].format(path=str(path))}\n    def factor")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_program_that_reaches_outside_is_not_run(name: str, precious: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BOOTSTRAP", "raise SystemExit(5)")
    verification = verify(cosine(hostile(name, precious), COSINE))
    assert verification.verdict == "refused"
    assert "was not run" in str(verification.reason)


def test_were_it_run_it_would_reach_nothing(precious: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "check_program", lambda source: None)
    caught = "    try:\n        {body}\n    except BaseException:\n        pass\n    def factor"
    requests = [cosine(hostile(name, precious), COSINE, expect="equivalent") for name in HOSTILE]
    quiet = HOSTILE["through the class tree"].format(path=str(precious)).replace("\n", "\n    ")
    requests.append(cosine(COSINE.replace("    def factor", caught.format(body=quiet)), COSINE))
    verifications = verify_many(requests)
    # What fails on its way out of the program is a failure; what got as far as the system was refused there.
    for name, verification in zip([*HOSTILE, "caught"], verifications, strict=True):
        assert verification.verdict in ("failed", "refused"), name
    for verification in verifications[-2:]:
        assert verification.verdict == "refused"
        assert "was refused: os.remove" in str(verification.reason)
    assert precious.read_text(encoding="utf-8") == "weights"


class TestSettingsOfTheGrid:
    """Many settings in one request: curves alone, some of which the old version may not take, each with its end."""

    OPEN = COSINE.replace(
        'min(1.0, (step - p["warmup"]) / (p["total"] - p["warmup"]))',
        '(step - p["warmup"]) / (p["total"] - p["warmup"])',
    )

    def verified(self, old: str, *scenarios: Scenario, **settings: object) -> Verification:
        request = VerificationRequest(
            old,
            BUNDLED,
            scenarios,
            40,
            curves_only=True,
            old_may_raise=True,
            **settings,  # type: ignore[arg-type]
        )
        return verify(request)

    def test_what_comes_past_the_end_is_told_and_not_judged(self) -> None:
        values = {"warmup": 4, "total": 30}
        judged = self.verified(self.OPEN, Scenario(values))
        assert judged.verdict == "different"
        told = self.verified(self.OPEN, Scenario(values, end=30))
        assert told.verdict == "equivalent", told.reason
        beyond = told.scenarios[0].beyond
        assert beyond is not None and beyond.step == 31
        assert self.verified(COSINE, Scenario(values, end=30)).scenarios[0].beyond is None

    def test_where_the_old_version_raises_the_new_one_is_free(self) -> None:
        division = Scenario({"warmup": 30, "total": 30})
        verification = self.verified(COSINE, division, Scenario({"warmup": 2.5, "total": 30}))
        assert verification.verdict == "equivalent", verification.reason
        assert "ZeroDivisionError" in str(verification.scenarios[0].old_error)
        assert verification.scenarios[0].new_error is None

    def test_an_old_version_that_raises_later_does_not_excuse_a_new_one_that_raises(self) -> None:
        late = self.OPEN.replace("    def factor(step):\n", "    def factor(step):\n        assert step < 35\n")
        verification = self.verified(late, Scenario({"warmup": -3, "total": 30}, end=30))
        assert verification.verdict == "failed"
        assert "warmup_steps=-3; legal" in str(verification.reason)

    def test_where_the_new_version_raises_and_the_old_did_not_nothing_is_proved(self) -> None:
        verification = self.verified(COSINE, Scenario({"warmup": -3, "total": 30}))
        assert verification.verdict == "failed"
        assert "warmup_steps=-3; legal" in str(verification.reason)
