"""The fixtures: whole training scripts whose comments say what lrfix has to report, and lrfix reports just that.

``# expect: LR101, LR104`` stands where a finding begins, ``# expect-family: cosine`` on a line of a schedule, and
``# expect-left: words`` on a line of a schedule that rewrite leaves as it is, with words of the reason it gives. Every
other schedule is rewritten, proved, silent under check afterwards and left alone by a second rewrite.
"""

from __future__ import annotations

import ast
import re
import sys
import types
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lrfix.analysis import SiteAnalysis
from lrfix.commands.common import exit_status
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import FileResult, Finding, Position, Severity, Span
from lrfix.registry import load_rules
from lrfix.rewriting.analyses import Analyses
from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.proposal import Options
from lrfix.rewriting.rewriter import rewrite_sources
from lrfix.source import Source, parse_source

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
BUGGY = sorted((FIXTURES / "buggy").glob("*.py"))
CLEAN = sorted((FIXTURES / "clean").glob("*.py"))
REWRITTEN = sorted((FIXTURES / "rewrite").glob("*/*.py"))
SCRIPTS = [*BUGGY, *CLEAN]
ALL_RULES = Settings(selected=frozenset(load_rules()))
ANALYSES = Analyses()

_EXPECT = re.compile(r"#\s*expect:\s*(LR\d+(?:\s*,\s*LR\d+)*)")
_FAMILY = re.compile(r"#\s*expect-family:\s*(\S+)")
_LEFT = re.compile(r"#\s*expect-left:\s*(.+?)\s*$")


def each(paths: Sequence[Path]) -> Any:
    return pytest.mark.parametrize("path", paths, ids=[f"{path.parent.name}/{path.stem}" for path in paths])


@cache
def analysed(path: Path) -> tuple[Source, Sequence[SiteAnalysis], FileResult]:
    """The file, its sites and what ``check`` makes of them, worked out once."""
    source, _, found = ANALYSES.sites(parse_source(path.read_bytes(), named(path)))
    sites = [ANALYSES.of(source, index) for index in range(len(found))]
    return source, sites, check_source(source.raw, path.name, ALL_RULES, analyse=lambda source, torch: sites)


def named(path: Path) -> str:
    return path.relative_to(FIXTURES).as_posix()


def place(finding: Finding) -> tuple[int, str]:
    return finding.span.start.line, finding.code


def marked(path: Path) -> list[tuple[int, str]]:
    """(line, code) of every ``expect`` mark."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := _EXPECT.search(line):
            found += [(number, code.strip()) for code in match[1].split(",")]
    return sorted(found)


def marked_families(path: Path) -> list[tuple[int, str]]:
    return _marks(path, _FAMILY)


def marked_as_left(path: Path) -> list[tuple[int, str]]:
    return _marks(path, _LEFT)


def marked_as_limited(path: Path) -> bool:
    return "# expect-limited" in path.read_text(encoding="utf-8")


def _marks(path: Path, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [(number, match[1]) for number, line in lines if (match := pattern.search(line))]


@each(SCRIPTS)
def test_exactly_what_the_marks_say_is_reported(path):
    _, _, result = analysed(path)
    marks = marked(path)
    reported = [place(f) for f in result.findings if f.severity is not Severity.INFO or place(f) in marks]
    assert result.errors == ()
    assert sorted(reported) == marks


@each(SCRIPTS)
def test_the_exit_status_tells_broken_from_sound(path):
    assert exit_status([analysed(path)[2]]) == (1 if path in BUGGY else 0)


@each([path for path in SCRIPTS if marked_families(path)])
def test_the_family_is_the_one_that_is_marked(path):
    _, _, result = analysed(path)
    for line, family in marked_families(path):
        covering = [site for site in result.sites if site.span.start.line <= line <= site.span.end.line]
        assert [site.family for site in covering] == [family]


@each(BUGGY)
def test_the_evidence_is_taken_from_the_curve_that_is_shown(path):
    for finding in analysed(path)[2].findings:
        if finding.evidence is not None and finding.evidence.curve:
            shown = [finding.evidence.curve[step] for step in finding.evidence.steps]
            assert shown and shown == pytest.approx(finding.evidence.lr, nan_ok=True), finding.code


@pytest.fixture(scope="module")
def rewritten() -> dict[str, FileRewrite]:
    """All scripts rewritten and proved, in one process of torch."""
    pytest.importorskip("torch")
    files = [(named(path), path.read_bytes(), lambda name: False, None) for path in SCRIPTS]
    return {result.path: result for result in rewrite_sources(files, Options(device="cpu"), ANALYSES)}


class TestRewritten:
    @each(SCRIPTS)
    def test_what_can_be_is_proved_and_stable_and_the_rest_is_left_for_the_reason_that_is_marked(self, rewritten, path):
        result = rewritten[named(path)]
        assert result.error is None
        self._left_as_marked(path, result)
        kind = "equivalent" if path in CLEAN else "repair"
        for site in result.sites:
            assert site.kind == ("limited" if marked_as_limited(path) else kind)
            verdicts = {verification.verdict for verification in result.verifications[site.identity]}
            assert verdicts and verdicts <= ({"equivalent"} if path in CLEAN else {"equivalent", "different"})
        if result.sites:
            checked = check_source(result.after.encode(), path.name, ALL_RULES)
            assert checked.findings == () and checked.errors == ()
            content = result.after.encode()
            (again,) = rewrite_sources([(path.name, content, lambda name: False, None)], Options(verify=False))
            assert again.after == result.after and not again.sites

    def _left_as_marked(self, path, result):
        marks = marked_as_left(path)
        for left in result.left:
            assert not left.failed, left.reason
            if left.form not in ("lambda", "subclass"):
                continue
            words = [words for line, words in marks if left.span.start.line <= line <= left.span.end.line]
            assert [w for w in words if w in left.reason], f"line {left.span.start.line} is left: {left.reason}"
            marks = [mark for mark in marks if mark[1] not in words]
        assert marks == []


class TestBothTrees:
    """Analysis works on ``ast`` and edits on libcst; they meet by position, so both must give the same positions."""

    @each([*SCRIPTS, *REWRITTEN])
    def test_libcst_has_a_node_where_every_site_and_every_finding_stands(self, path):
        source, sites, result = analysed(path)
        concrete = concrete_spans(source)
        assert [site.name for site in result.sites if site.span not in concrete] == []
        assert [finding.message for finding in result.findings if finding.span not in concrete] == []
        nodes = [node for a in sites for node in (*a.site.nodes, *(c.call for c in a.site.constructions))]
        assert [headline(node) for node in nodes if source.span(node) not in concrete] == []

    @each([*SCRIPTS, *REWRITTEN])
    def test_definitions_calls_and_names_have_one_span_in_both(self, path):
        source, _, _ = analysed(path)
        concrete = concrete_spans(source)
        kinds = ast.FunctionDef | ast.ClassDef | ast.Call | ast.Lambda | ast.Name | ast.Attribute | ast.Return
        nodes = [node for node in ast.walk(source.tree) if isinstance(node, kinds)]
        assert [headline(node) for node in nodes if source.span(node) not in concrete] == []
        assert nodes


def headline(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


@cache
def concrete_spans(source: Source) -> frozenset[Span]:
    import libcst
    from libcst.metadata import MetadataWrapper, PositionProvider

    wrapper = MetadataWrapper(libcst.parse_module(source.text), unsafe_skip_copy=True)
    ranges = wrapper.resolve(PositionProvider).values()
    return frozenset(
        Span(Position(r.start.line, r.start.column + 1), Position(r.end.line, r.end.column + 1)) for r in ranges
    )


class TestUnderTorch:
    """What a fixture is said to do, torch does."""

    @each([path for path in BUGGY if any(code == "LR105" for _, code in marked(path))])
    def test_a_schedule_that_is_said_never_to_vary_never_does(self, path, monkeypatch):
        pytest.importorskip("torch")
        rates = rates_of(path, monkeypatch)
        assert len(rates) > 20 and len(set(rates)) == 1
        (finding,) = (finding for finding in analysed(path)[2].findings if finding.code == "LR105")
        assert finding.evidence is not None and finding.evidence.lr[0] == rates[0]

    @each([*SCRIPTS, *REWRITTEN])
    def test_every_script_runs(self, path, monkeypatch):
        pytest.importorskip("torch")
        if path.stem == "lr204_poly_complex":
            with pytest.raises((RuntimeError, TypeError), match="complex"):
                rates_of(path, monkeypatch)
            return
        rates = rates_of(path, monkeypatch)
        assert len(rates) >= 5
        assert all(isinstance(rate, float) for rate in rates)
        if path not in BUGGY and path.name != "seed_snippet.py" and path.stem != "constant_on_purpose":
            assert len(set(rates)) > 1

    @each([path for path in REWRITTEN if path.parent.name == "before" and path.stem != "seed_snippet"])
    def test_a_script_trains_at_the_same_rates_after_it_was_rewritten(self, path, monkeypatch):
        pytest.importorskip("torch")
        with monkeypatch.context() as patch:
            before = rates_of(path, patch)
        after = rates_of(path.parents[1] / "after" / path.name, monkeypatch)
        assert after == pytest.approx(before, rel=1e-12, abs=0.0)


def rates_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The first group's rate at every optimizer step of the script, run as it is."""
    # Not by a step method of our own: a class that is first built under one keeps it for the tests that follow.
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    rates: list[Any] = []
    handle = register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    module = types.ModuleType(path.stem)
    monkeypatch.setitem(sys.modules, path.stem, module)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True), vars(module))
            module.main()
    finally:
        handle.remove()
    return rates
