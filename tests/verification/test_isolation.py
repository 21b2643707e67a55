"""One program, one process: what a program does to itself it does to no other, and it answers for itself alone.

The static check is off: these programs do what it would refuse.
"""

from __future__ import annotations

import json
import signal

import pytest

from lrfix.verification import (
    CallRequest,
    CallSetting,
    Scenario,
    Verification,
    VerificationRequest,
    compare,
    process,
    verify_many,
)
from lrfix.verification.received import BadAnswer, opened, stopping_points, version_of

pytest.importorskip("torch")

LINEAR = """
from torch.optim.lr_scheduler import LambdaLR
{head}
def build(optimizer, p):
    {body}
    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / 30))
"""
SOUND = LINEAR.format(head="", body="")
SCENARIOS = (Scenario({}),)


def program(body: str, head: str = "") -> str:
    return LINEAR.format(head=head, body=body)


def run(*pairs: tuple[str, str], timeout: float = 20.0) -> list[Verification]:
    requests = [VerificationRequest(old, new, SCENARIOS, 30, device="cpu") for old, new in pairs]
    return list(verify_many(requests, timeout=timeout))


SPOILING = {
    "a method of torch": "LambdaLR.get_lr = lambda self: [7.0 for _ in self.base_lrs]",
    "a function of a module": "import math\n    math.cos = lambda x: 7.0",
    "a builtin": "__builtins__['max'] = lambda *a: 7.0",
    "a method of the optimizer": "type(optimizer).step = lambda self, closure=None: None",
    "a function of torch": "import torch\n    torch.tanh = lambda x: x",
}
FORGED = json.dumps({"scenarios": [{"curve": [[1.0, 1.0]] * 41, "error": None, "note": None, "resumed": []}]}).encode()
HEADER = json.dumps({"state": "answered", "size": len(FORGED), "seconds": 0.1, "devices": ["cpu"]}).encode() + b"\n"
FORGING = """
    os = __import__('warnings').sys.modules['os']
    for descriptor in range(64):
        try:
            os.write(descriptor, {text!r})
        except Exception:
            pass
    {then}
"""
FORGERIES = {
    "and ends": (FORGED, "os._exit(0)"),
    "and goes on": (FORGED, "pass"),
    "with the server's own header": (HEADER + FORGED, "os._exit(0)"),
}
ENDING = "import warnings\n    warnings.sys.modules['os']._exit(0)"
DEAF = """
    s = __import__('warnings').sys.modules['signal']
    for n in (1, 2, 3, 13, 15, 24):
        s.signal(n, s.SIG_IGN)
    while True:
        pass
"""
FLOOD = """
    os = __import__('warnings').sys.modules['os']
    while True:
        for n in range(3, 64):
            try:
                os.write(n, b'9' * 65536)
            except Exception:
                pass
"""
SECRET = "import warnings\n    assert 'LRFIX_TEST_SECRET' not in warnings.sys.modules['os'].environ"
ENDLESS = {
    "sleeps": program("import warnings\n    warnings.sys.modules['time'].sleep(1000)"),
    "ignores signals": program(DEAF),
    "floods its answer": program(FLOOD),
}


@pytest.fixture(scope="module")
def ran() -> dict[str, Verification]:
    """Each kind, and a sound pair right behind it."""
    pairs = {f"spoils {name}": (program(body), SOUND) for name, body in SPOILING.items()}
    pairs["ends"] = (program(ENDING), SOUND)
    pairs["secret"] = (program(SECRET), SOUND)
    for name, (text, then) in FORGERIES.items():
        pairs[f"forges {name}"] = (SOUND, program(FORGING.format(text=text, then=then)))
    pairs.update({name: (text, SOUND) for name, text in ENDLESS.items()})
    named = [(n, pair) for name, bad in pairs.items() for n, pair in ((name, bad), (f"after: {name}", (SOUND, SOUND)))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "check_program", lambda source: None)
        patch.setenv("LRFIX_TEST_SECRET", "0.5")
        verifications = run(*(pair for _, pair in named), timeout=2.0)
    return {name: verification for (name, _), verification in zip(named, verifications, strict=True)}


def test_no_program_touches_the_next(ran: dict[str, Verification]) -> None:
    for name, verification in ran.items():
        if name.startswith("after"):
            assert verification.verdict == "equivalent", (name, verification.reason)


@pytest.mark.parametrize("name", SPOILING)
def test_what_a_program_changes_is_not_changed_for_its_other_version(ran: dict[str, Verification], name: str) -> None:
    spoilt = ran[f"spoils {name}"]
    if spoilt.verdict in ("equivalent", "different"):
        assert spoilt.scenarios[0].new_curve == ran[f"after: spoils {name}"].scenarios[0].new_curve


def test_a_program_that_ends_its_process_has_no_answer(ran: dict[str, Verification]) -> None:
    assert ran["ends"].verdict == "failed"
    assert "no answer" in str(ran["ends"].reason)


@pytest.mark.parametrize("name", FORGERIES)
def test_an_answer_that_a_program_writes_itself_is_none(ran: dict[str, Verification], name: str) -> None:
    assert ran[f"forges {name}"].verdict == "failed"
    assert "no answer" in str(ran[f"forges {name}"].reason)


@pytest.mark.parametrize("name", ENDLESS)
def test_nobody_waits_for_a_program_without_a_limit(ran: dict[str, Verification], name: str) -> None:
    assert ran[name].verdict == "failed"
    if name == "sleeps":
        assert "the old version was still running after 2 seconds" in str(ran[name].reason)


def test_the_environment_stays_outside(ran: dict[str, Verification]) -> None:
    assert ran["secret"].verdict == "equivalent", ran["secret"].reason


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no clock of processor time")
def test_a_loop_without_end_under_one_setting_is_an_error_of_that_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    restarts = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, p):
    def factor(k):
        length = p["length"]
        while k >= length:
            k -= length
        return 1 - k / length
    return LambdaLR(optimizer, factor)
"""
    short = "from lrfix.verification import child; child.SCENARIO_SECONDS = 0.5; "
    monkeypatch.setattr(process, "BOOTSTRAP", process.BOOTSTRAP.replace("main()", short + "main()"))
    new = restarts.replace("while k >= length", "while k >= length > 0").replace("k / length", "k / max(length, 1)")
    scenarios = (Scenario({"length": 7}), Scenario({"length": 0}))
    request = VerificationRequest(restarts, new, scenarios, 30, device="cpu", old_may_raise=True, curves_only=True)
    lengths = [7, 0, 9]
    asked = called(lengths, restarts, new)
    verification, of_calls, hopeless = verify_many([request, asked, called([0] * 5, restarts, new)], timeout=120.0)
    ending, endless = verification.scenarios
    assert ending.old_error is None and ending.old_curve == ending.new_curve
    assert "not come to an end after 0.5 seconds" in str(endless.old_error)
    assert verification.verdict == "equivalent", verification.reason
    assert of_calls.verdict == "equivalent", of_calls.reason
    assert "with length=0" in of_calls.notes[0] and "not come to an end" in of_calls.notes[0]
    assert [len(outcome.new_curve) for outcome in of_calls.scenarios] == [2, 2, 2]
    assert hopeless.verdict == "failed"
    assert "the old version had not come to an end under 4 of its settings" in str(hopeless.reason)


def called(lengths: list[int], old: str, new: str) -> CallRequest:
    """The factors of two schedules as functions of the position, under settings with these lengths."""
    old, new = (text.replace("return LambdaLR(optimizer, factor)", "return factor") for text in (old, new))
    return CallRequest(old, new, tuple(CallSetting({"length": length}, (3.0, 30.0)) for length in lengths))


def test_where_the_system_cannot_fork_each_version_has_a_server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FORKS", False)
    monkeypatch.setattr(compare, "check_program", lambda source: None)
    text = b'{"state": "answered", "size": 2, "seconds": 0, "devices": []}\n{}'
    fine, forging = run((SOUND, SOUND), (program(FORGING.format(text=text, then="os._exit(0)")), SOUND))
    assert fine.verdict == "equivalent", fine.reason
    assert forging.verdict == "failed"


REQUEST = {
    "kind": "schedule",
    "scenarios": [{"base_lrs": [0.1, 0.2]}],
    "steps": 3,
    "count": 4,
    "expect": "repair",
    "curves_only": False,
}


class TestAnAnswer:
    """What is not exactly what was asked for is no answer."""

    def good(self) -> dict[str, object]:
        curve = [[0.1, 0.2]] * 4
        resumed = [{"stop": stop, "curve": curve[stop:], "error": None} for stop in stopping_points(3)]
        return {"curve": curve, "total": None, "error": None, "note": None, "resumed": resumed}

    def test_a_good_one(self) -> None:
        version = version_of({"scenarios": [self.good()]}, REQUEST, "old", ["cpu"], 1.0)
        assert version.outcomes[0]["resume"]["exact"] is True

    @pytest.mark.parametrize(
        "change",
        [
            {"curve": [[0.1, 0.2]] * 3},
            {"curve": [[0.1, 0.2]] * 5},
            {"curve": [[0.1]] * 4},
            {"curve": [["0.1", "0.2"]] * 4},
            {"curve": [[True, False]] * 4},
            {"curve": 3},
            {"curve": [[0.1, 0.2]] * 3 + [{}]},
            {"error": {"step": "x", "message": "y"}},
            {"error": "y"},
            {"resumed": []},
            {"resumed": [{"stop": 1, "curve": [], "error": None}, {"stop": 2, "curve": [], "error": None}]},
            {"resumed": None},
        ],
        ids=repr,
    )
    def test_anything_else(self, change: dict[str, object]) -> None:
        with pytest.raises(BadAnswer):
            version_of({"scenarios": [{**self.good(), **change}]}, REQUEST, "old", ["cpu"], 1.0)

    @pytest.mark.parametrize("payload", [b"", b"ab", b"{}", b"ab[]", b"ab{}{}", b"xx{}", b"ab" + b"[" * 100000])
    def test_what_does_not_begin_with_the_nonce_or_is_no_message(self, payload: bytes) -> None:
        with pytest.raises(BadAnswer):
            opened(payload, "ab", "old")

    def test_what_a_program_says_obeys_no_terminal(self) -> None:
        message = opened(b"ab" + json.dumps({"failed": "\x1b[2Jno\n::error::x"}).encode(), "ab", "old")
        assert message == {"failed": " [2Jno ::error::x"}
