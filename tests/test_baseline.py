"""Known findings: left out where they are known, whatever lines they have moved to, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrfix.baseline import Baseline, BaselineError
from lrfix.findings import FileError, FileResult, Finding, Position, Severity, Span

SELECTED = ("LR202", "LR203")


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py"):
        Path(name).write_text("", encoding="utf-8")


def finding(fingerprint: str, code: str = "LR202", path: str = "a.py") -> Finding:
    span = Span(Position(1, 1), Position(1, 2))
    return Finding(path, code, "name", Severity.ERROR, "message", span, fingerprint=fingerprint)


def result(*fingerprints: str, path: str = "a.py") -> FileResult:
    return FileResult(path, True, tuple(finding(each, path=path) for each in fingerprints))


def written(*results: FileResult, old: Baseline | None = None) -> Baseline:
    """A baseline made of results, read back from the file."""
    baseline = (old or Baseline(str(Path.cwd()), {})).renewed(results)
    Path("known.json").write_text(baseline.render(), encoding="utf-8")
    return Baseline.read("known.json")


def left(baseline: Baseline, *results: FileResult) -> list[list[str]]:
    return [[each.fingerprint for each in one.findings] for one in baseline.leave_out(results, SELECTED)]


def test_what_is_known_is_left_out_and_counted_and_what_is_new_is_not():
    (one,) = written(result("aa", "bb")).leave_out([result("aa", "cc")], SELECTED)
    assert [each.fingerprint for each in one.findings] == ["cc"]
    assert (one.known, one.gone) == (1, 1)


def test_nothing_is_a_baseline_too():
    assert written().entries == {}
    assert left(written(), result("aa")) == [["aa"]]


def test_a_copy_in_another_file_is_new():
    assert left(written(result("aa")), result("aa"), result("aa", path="b.py")) == [[], ["aa"]]
    assert left(written(result("aa")), result("aa", path="b.py")) == [["aa"]]


def test_a_file_that_was_renamed_takes_its_findings_along():
    baseline = written(result("aa", "bb:2"), result("cc", path="b.py"))
    Path("a.py").rename("c.py")
    assert left(baseline, result("aa", "bb", "bb:2", path="c.py")) == [["bb:2"]]


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    baseline = written(result("aa", path="a.py"))
    assert list(baseline.entries) == ["a.py"]
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert left(Baseline.read("../known.json"), result("aa", path="../a.py")) == [[]]


def test_files_that_a_run_does_not_look_at_keep_what_was_known():
    old = written(result("aa"), result("bb", path="b.py"), result("dd", path="gone.py"))
    assert dict(written(result("cc"), old=old).entries) == {
        "a.py": (("LR202", "cc"),),
        "b.py": (("LR202", "bb"),),
    }


def test_a_file_that_cannot_be_parsed_keeps_what_was_known():
    broken = FileResult("a.py", parsed=False, errors=(FileError("a.py", "syntax", "invalid syntax"),))
    assert dict(written(broken, old=written(result("aa"))).entries) == {"a.py": (("LR202", "aa"),)}


def test_what_was_not_asked_for_is_not_called_gone():
    (one,) = written(result("aa")).leave_out([result()], ("LR203",))
    assert one.gone == 0


def test_one_line_a_finding_in_a_stable_order():
    lines = written(result("bb", "aa")).render().splitlines()
    assert sum("fingerprint" in line for line in lines) == 2
    assert lines.index('   {"code": "LR202", "fingerprint": "aa"},') < lines.index(
        '   {"code": "LR202", "fingerprint": "bb"}'
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"version": 1}', '{"version": 2, "files": {}}', '{"version": 1, "files": {"a.py": [3]}}', "[" * 9999],
)
def test_a_file_that_is_none_is_named(text):
    Path("known.json").write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=r"known\.json"):
        Baseline.read("known.json")


def test_a_file_that_is_not_there_says_how_to_write_it():
    with pytest.raises(BaselineError, match="--write-baseline"):
        Baseline.read("none.json")


def test_it_is_json():
    assert json.loads(written(result("aa")).render())["version"] == 1
