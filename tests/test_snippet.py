"""The snippet that lrfix started from is found out in every spelling, with true evidence."""

from __future__ import annotations

import keyword
import string
import types
import warnings

import pytest
import snippets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snippets import NAMES, Spelling, written

from lrfix.commands.common import exit_status
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import FileResult, Severity
from lrfix.registry import load_rules

TABLES = {
    "get_lr": snippets.GET_LR,
    "body": snippets.BODY,
    "guard": snippets.GUARD,
    "mutation": snippets.MUTATION,
    "advance": snippets.ADVANCE,
    "construction": snippets.CONSTRUCTION,
    "order": snippets.ORDER,
    "place": snippets.PLACE,
    "hints": snippets.HINTS,
    "stepped": snippets.STEPPED,
}
OTHER_NAMES = {
    "of the field": "WarmupCosine cycle_steps cycle_mult max_lr warmup_steps cycle position calls factor epoch",
    "in camel case": "warmRestarts firstCycle cycleGrowth maxRate rampSteps cycles stepInCycle calls rate curStep",
    "short": "S t m e w c i n f s",
    "without a meaning": "Foo a b c d e f g h k",
}
#: What the script itself, LambdaLR and Python call their own.
TAKEN = {
    *("self", "optimizer", "scheduler", "group", "rates", "base", "base_lrs", "length", "since", "math", "torch"),
    *("get_lr", "get_last_lr", "last_epoch", "lr_lambdas", "state_dict", "load_state_dict", "verbose", "range", "list"),
    *("build", "map", "net", "note", "main", "int", "super", "batch", "epoch", "print_lr", "step", "len", "float"),
}  # fmt: skip

identifiers = st.text(string.ascii_lowercase + "_", min_size=1, max_size=9).filter(
    lambda name: name.isidentifier() and not name.startswith("_") and name not in TAKEN and not keyword.iskeyword(name)
)
spellings = st.builds(
    Spelling,
    names=st.lists(identifiers, min_size=len(NAMES), max_size=len(NAMES), unique=True).map(
        lambda chosen: dict(zip(NAMES, chosen, strict=True))
    ),
    **{slot: st.sampled_from(sorted(table)) for slot, table in TABLES.items()},
)


def check(text: str) -> FileResult:
    return check_source(text.encode(), "train.py", Settings(selected=frozenset(load_rules())))


def holds(spelling: Spelling) -> FileResult:
    """The four faults and nothing else, each at its line, with a rate that stays what it was."""
    text, marks = written(spelling)
    result = check(text)
    findings = [finding for finding in result.findings if finding.severity is not Severity.INFO]
    assert sorted((f.span.start.line, f.code) for f in findings) == sorted(marks)
    assert {code for _, code in marks} == {"LR101", "LR102", "LR104", "LR105"}
    for finding in findings:
        if finding.code in ("LR104", "LR105"):
            assert finding.evidence is not None
            (rate,) = set(finding.evidence.lr)
            assert set(finding.evidence.curve) == {rate}
            # Where the optimizer comes from elsewhere, no rate is known, and any that stays will do.
            assert rate == 1e-3 or spelling.place == "builder"
            assert max(finding.evidence.steps) > 200
    assert exit_status([result]) == 1
    return result


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(Spelling().but(**{slot: key}), id=f"{slot}: {key}")
        for slot, table in TABLES.items()
        for key in table
        if key != getattr(Spelling(), slot)
    ],
)
def test_written_in_another_way(spelling):
    holds(spelling)


@pytest.mark.parametrize("stepped", snippets.STEPPED)
@pytest.mark.parametrize("names", [NAMES, *OTHER_NAMES.values()], ids=["as it was", *OTHER_NAMES])
def test_under_other_names_and_both_readings_of_where_it_is_stepped(names, stepped):
    if isinstance(names, str):
        names = dict(zip(NAMES, names.split(), strict=True))
    holds(Spelling(names=names, stepped=stepped))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spellings)
def test_in_any_mixture_and_under_any_names(spelling):
    holds(spelling)


@settings(max_examples=25, deadline=None)
@given(spellings)
def test_torch_never_changes_the_rate_in_any_of_them(spelling):
    pytest.importorskip("torch")
    text, _ = written(spelling)
    seen: set[float] = set()
    module = types.ModuleType("train")
    module.note = seen.add
    text = text.replace("scheduler.step()", "scheduler.step(); note(optimizer.param_groups[0]['lr'])")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, "train.py", "exec", dont_inherit=True), vars(module))
    assert seen == {1e-3}


class TestWhatIsNotTheSnippet:
    """The same class with a fault taken out loses that finding: nothing is told by the look of the whole."""

    def test_asked_by_get_lr_the_schedule_is_not_bypassed(self):
        text, _ = written(Spelling())
        asked = "return [base * self.lr_lambda(self.last_epoch) for base in self.base_lrs]"
        result = check(text.replace(snippets.GET_LR["comprehension"].replace("  #LR104", ""), asked))
        assert {"LR102", "LR105"} <= {f.code for f in result.findings}
        assert "LR104" not in {f.code for f in result.findings}

    def test_sound_it_is_silent(self):
        sound = (
            "import math\nfrom torch.optim.lr_scheduler import LambdaLR\n\n\n"
            "class WarmRestarts(LambdaLR):\n"
            "    def __init__(self, optimizer, T_0, T_mult=1, T_warmup=0, last_epoch=-1):\n"
            "        self.T_0, self.T_mult, self.T_warmup = T_0, T_mult, T_warmup\n"
            "        super().__init__(optimizer, self.factor, last_epoch)\n\n"
            "    def factor(self, step):\n"
            "        if step < self.T_warmup:\n"
            "            return (step + 1) / self.T_warmup\n"
            "        step -= self.T_warmup\n"
            "        length = self.T_0\n"
            "        while step >= length:\n"
            "            step -= length\n"
            "            length *= self.T_mult\n"
            "        return 0.5 * (1 + math.cos(math.pi * step / length))\n"
        )
        assert [f.code for f in check(sound).findings if f.severity is not Severity.INFO] == []
