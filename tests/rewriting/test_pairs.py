"""Whole scripts before and after: the rewrite gives each of the files in ``fixtures/rewrite/after`` byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import Severity
from lrfix.registry import load_rules
from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.proposal import Options
from lrfix.rewriting.rewriter import rewrite_sources
from lrfix.verification import ScenarioOutcome, Verification

pytest.importorskip("torch")

PAIRS = Path(__file__).resolve().parents[2] / "fixtures" / "rewrite"
BEFORE = sorted((PAIRS / "before").glob("*.py"))
AFTER_TORCH = sorted((PAIRS / "after_torch").glob("*.py"))
REPAIRED = {"seed_snippet": {"LR101", "LR102", "LR104", "LR105"}}
EQUIVALENT = [path for path in BEFORE if path.stem not in REPAIRED]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def nobody(name: str) -> bool:
    """No other file mentions a name: each script stands for a project of its own."""
    return False


@pytest.fixture(scope="module")
def rewritten(analyses) -> dict[str, FileRewrite]:
    """All scripts, proved in one process of torch."""
    files = [(path.name, path.read_bytes(), nobody, None) for path in BEFORE]
    return {Path(result.path).stem: result for result in rewrite_sources(files, Options(device="cpu"), analyses)}


def proofs(result: FileRewrite) -> list[Verification]:
    return [verification for site in result.sites for verification in result.verifications[site.identity]]


def outcomes(result: FileRewrite) -> list[ScenarioOutcome]:
    return [outcome for verification in proofs(result) for outcome in verification.scenarios]


def after(path: Path) -> bytes:
    return (PAIRS / "after" / path.name).read_bytes()


def test_each_before_has_an_after_and_the_reverse():
    assert [path.name for path in BEFORE] == sorted(path.name for path in (PAIRS / "after").glob("*.py"))
    assert EQUIVALENT


@each(BEFORE)
def test_the_rewrite_is_the_after_byte_by_byte(rewritten, path):
    assert rewritten[path.stem].left == ()
    assert rewritten[path.stem].after.encode() == after(path)


@each(AFTER_TORCH)
def test_with_torch_preferred_it_is_torchs_own_class_byte_by_byte(analyses, path):
    before = (PAIRS / "before" / path.name).read_bytes()
    options = Options(device="cpu", prefer="torch")
    (result,) = rewrite_sources([(path.name, before, nobody, None)], options, analyses)
    assert result.after.encode() == path.read_bytes()
    assert {verification.verdict for verification in proofs(result)} == {"equivalent"}


@each(EQUIVALENT)
def test_it_is_proved_equivalent_over_the_horizon_and_beyond(rewritten, path):
    result = rewritten[path.stem]
    assert proofs(result) and {verification.verdict for verification in proofs(result)} == {"equivalent"}
    for verification in proofs(result):
        assert verification.largest.relative <= 1e-12
    for site in result.sites:
        assert site.kind == "equivalent"
        for proof, verification in zip(site.proofs, result.verifications[site.identity], strict=True):
            for outcome in verification.scenarios if proof.expected else ():
                assert len(outcome.old_curve) == len(outcome.new_curve) > proof.request.steps
                longest = [value for value in outcome.scenario.values.values() if isinstance(value, int)]
                assert proof.request.steps > max(longest, default=36)


@each(EQUIVALENT)
def test_two_groups_with_rates_of_their_own_and_a_resume_are_part_of_the_proof(rewritten, path):
    whole = [outcome for outcome in outcomes(rewritten[path.stem]) if not outcome.scenario.words]
    assert whole
    for outcome in whole:
        first, second = outcome.scenario.base_lrs
        assert first != second
        assert outcome.new_resume.exact is True
        assert outcome.weights_equal in (True, None)
    assert any(outcome.weights_equal for outcome in outcomes(rewritten[path.stem]))


@each([path for path in BEFORE if path.stem in REPAIRED])
def test_a_repair_says_what_it_repairs_and_moves_the_rate(rewritten, path):
    (site,) = rewritten[path.stem].sites
    assert site.kind == "repair" and set(site.codes) >= REPAIRED[path.stem]
    for outcome in outcomes(rewritten[path.stem]):
        assert len(set(outcome.old_curve)) == 1 < len(set(outcome.new_curve))
        assert outcome.new_resume.exact is True


@each(BEFORE)
def test_a_second_rewrite_changes_nothing_and_check_is_silent(analyses, path):
    (again,) = rewrite_sources([(path.name, after(path), nobody, None)], Options(verify=False), analyses)
    assert again.after.encode() == after(path) and again.sites == ()
    result = check_source(after(path), path.name, Settings(selected=frozenset(load_rules())))
    assert (result.findings, result.errors) == ((), ())


@each(EQUIVALENT)
def test_before_check_has_nothing_but_advice(path):
    result = check_source(path.read_bytes(), path.name, Settings(selected=frozenset(load_rules())))
    assert {finding.severity for finding in result.findings} == {Severity.INFO}
