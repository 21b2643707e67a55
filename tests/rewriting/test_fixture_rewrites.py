"""Every fixture: what can be rewritten is rewritten, verified, silent under check and stable under a second rewrite."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.registry import load_rules
from lrfix.rewriting.rewriter import Options, rewrite_sources

pytest.importorskip("torch")

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SCRIPTS = sorted(p for folder in ("buggy", "clean") for p in (FIXTURES / folder).glob("*.py"))
#: Repairs that no code and no name in the fixture tells how to make.
UNTOLD = {"lr202_spike"}
#: Sound, and without a counterpart among the bundled schedulers, as the reason has to say.
WITHOUT_COUNTERPART = {"list_of_lambdas", "relative_group_rates", "constant_on_purpose", "look_alikes"}


@pytest.fixture(scope="module")
def results():
    files = [(str(p.relative_to(FIXTURES)), p.read_bytes(), lambda name: False, None) for p in SCRIPTS]
    return {Path(r.path).stem: r for r in rewrite_sources(files, Options(device="cpu"))}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_fixture(results, path):
    result = results[path.stem]
    assert not [left.reason for left in result.left if left.failed]
    if path.stem in UNTOLD | WITHOUT_COUNTERPART:
        assert not result.changed
        return
    assert result.sites, [left.reason for left in result.left]
    for site in result.sites:
        expected = {"equivalent"} if path.parent.name == "clean" else {"equivalent", "different"}
        assert site.kind == ("equivalent" if path.parent.name == "clean" else "repair")
        assert {v.verdict for v in result.verifications[site.identity]} <= expected
    checked = check_source(result.after.encode(), path.name, Settings(selected=frozenset(load_rules())))
    assert checked.findings == () and checked.errors == ()
    (again,) = rewrite_sources([(path.name, result.after.encode(), lambda name: False, None)], Options(verify=False))
    assert again.after == result.after and not again.sites
