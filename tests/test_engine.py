"""From bytes to results: selection, suppressions, errors as data, the same answer however the work is spread."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths, check_source
from lrfix.findings import Evidence, ScheduleReport, Severity, Span, Status, Violation
from lrfix.pages import Page, load_pages
from lrfix.registry import Rule, load_rules
from lrfix.source import Source


@dataclass
class Site:
    """An analysed site as the engine sees it: every function of the file is one, its study named after it."""

    span: Span
    name: str
    studies: tuple[Any, ...]
    form: str = "lambda"
    family: str = "cosine"
    parameters: dict[str, str] = field(default_factory=lambda: {"total_steps": "args.steps"})
    handrolled: bool = True
    status: Status = Status.EQUIVALENT
    reason: str | None = None
    curve: tuple[float, ...] = (1.0, 0.5)
    horizon: str | None = "args.steps"
    schedules: tuple[ScheduleReport, ...] = ()
    shown: Evidence | None = None
    counters: dict[str, int] = field(default_factory=lambda: {"experiments": 2})
    crash: Exception | None = None

    def violations(self, rule: Rule):
        for study in self.studies:
            yield from rule.function(study)


def every_function(source: Source, torch: str | None) -> list[Site]:
    return [
        Site(source.span(node), node.name, ((source, node),))
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef)
    ]


def flat(study):
    source, node = study
    for statement in node.body:
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Constant):
            yield Violation(source.span(statement), "the rate is constant", Evidence((0, 1), (0.1, 0.1)))


def first(study):
    source, node = study
    yield Violation(source.span(node), f"{node.name} begins at 0")


def fragile(study):
    _, node = study
    if node.name == "trap":
        raise ZeroDivisionError("no steps")
    yield from ()


def entry(code: str, name: str, function: Any, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(Page(code, name, severity, "", "0.1.0", "", Path(f"{code}-{name}.md"), ()), function)


RULES = {
    "LR001": entry("LR001", "unused-suppression", None, Severity.WARNING),
    "LR105": entry("LR105", "constant-schedule", flat),
    "LR203": entry("LR203", "first-step", first, Severity.WARNING),
    "LR205": entry("LR205", "zero-division", fragile),
}
ALL = Settings(selected=frozenset(RULES))


def check(code: str | bytes, *codes: str, settings: Settings | None = None):
    raw = code if isinstance(code, bytes) else code.encode()
    settings = settings or (Settings(selected=frozenset(codes)) if codes else ALL)
    return check_source(raw, "train.py", settings, rules=RULES, analyse=every_function)


def codes(result) -> list[tuple[int, str]]:
    return [(finding.span.start.line, finding.code) for finding in result.findings]


TWO = "def b(k):\n    return 1\n\ndef a(k):\n    return 1\n"


def test_findings_come_in_the_order_of_the_text_with_rule_file_and_site():
    result = check(TWO)
    assert codes(result) == [(1, "LR203"), (2, "LR105"), (4, "LR203"), (5, "LR105")]
    last = result.findings[-1]
    assert (last.path, last.name, last.severity, last.site) == ("train.py", "constant-schedule", Severity.ERROR, 1)
    assert last.evidence is not None and last.evidence.lr == (0.1, 0.1)


def test_sites_are_reported_with_what_the_analysis_says():
    result = check(TWO)
    assert [(site.name, site.form, site.family, site.span.start.line) for site in result.sites] == [
        ("b", "lambda", "cosine", 1),
        ("a", "lambda", "cosine", 4),
    ]
    assert result.parsed
    assert result.counters == {"experiments": 4}


def test_only_selected_rules_report():
    assert codes(check(TWO, "LR105")) == [(2, "LR105"), (5, "LR105")]


def test_per_file_ignores_apply_to_the_path(tmp_path):
    settings = Settings(
        selected=frozenset(RULES), per_file_ignores=(("train.py", frozenset({"LR203"})),), root=os.getcwd()
    )
    assert codes(check(TWO, settings=settings)) == [(2, "LR105"), (5, "LR105")]


def test_a_suppressed_finding_is_gone_and_its_comment_is_not_unused():
    result = check("def b(k):\n    return 1  # lrfix: ignore[LR105]\n")
    assert codes(result) == [(1, "LR203")]


def test_an_unused_comment_is_LR001_and_can_be_deselected():
    code = "x = 1  # lrfix: ignore[LR105]\n"
    finding = check(code).findings[0]
    assert (finding.code, finding.name, finding.severity, finding.site) == (
        "LR001",
        "unused-suppression",
        Severity.WARNING,
        None,
    )
    assert codes(check(code, "LR105")) == []


def test_whether_a_comment_is_used_does_not_depend_on_the_selection():
    code = "# lrfix: ignore[LR105]\ndef b(k):\n    return 1\n"
    assert codes(check(code, "LR001", "LR203")) == [(2, "LR203")]


def test_LR001_can_be_ignored_by_name_at_its_own_line_but_not_by_a_bare_ignore():
    assert codes(check("x = 1  # lrfix: ignore[LR105, LR001]\n")) == []
    assert codes(check("x = 1  # lrfix: ignore\n")) == [(1, "LR001")]


def test_a_skipped_file_is_not_judged():
    result = check("# lrfix: skip-file\n" + TWO)
    assert (result.skipped, result.findings, result.sites) == ("skip-file", (), ())


def test_a_rule_that_crashes_is_an_internal_error_and_stops_nothing():
    result = check("def trap(k):\n    return 1\n\ndef a(k):\n    return 1\n")
    assert codes(result) == [(1, "LR203"), (2, "LR105"), (4, "LR203"), (5, "LR105")]
    (error,) = result.errors
    assert error.kind == "internal"
    assert "LR205" in error.message and "no steps" in error.message
    assert "test_engine.py" in error.message and "fragile" in error.message


def test_a_rule_that_is_not_selected_cannot_fail_the_file_nor_be_called_unused():
    result = check("def trap(k):  # lrfix: ignore[LR205]\n    return k\n", "LR001", "LR105")
    assert (result.errors, result.findings) == ((), ())


def test_an_analysis_that_crashes_is_an_internal_error():
    def broken(source: Source, torch: str | None) -> list[Site]:
        raise KeyError("horizon")

    result = check_source(b"lr = 1\n", "train.py", ALL, rules=RULES, analyse=broken)
    assert result.parsed
    assert [(error.kind, "horizon" in error.message) for error in result.errors] == [("internal", True)]


def test_code_too_deep_to_be_analysed_is_the_file_s_fault():
    def deep(source: Source, torch: str | None) -> list[Site]:
        return deep(source, torch)

    result = check_source(b"lr = 1\n", "train.py", ALL, rules=RULES, analyse=deep)
    assert [error.kind for error in result.errors] == ["syntax"]


def test_the_analysis_is_told_the_torch_version():
    told = []

    def note(source: Source, torch: str | None) -> list[Site]:
        told.append(torch)
        return []

    check_source(b"lr = 1\n", "train.py", Settings(ALL.selected, torch="2.7"), rules=RULES, analyse=note)
    assert told == ["2.7"]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(b"def f(:\n", "syntax"), (b"print 'lr'\n", "syntax"), ("é".encode("latin-1"), "encoding"), (b"a\0b", "syntax")],
)
def test_a_file_that_is_not_python_is_an_error(raw, kind):
    result = check(raw)
    assert not result.parsed
    assert [(error.path, error.kind) for error in result.errors] == [("train.py", kind)]


def test_generated_and_huge_files_are_skipped_and_say_so():
    assert check("# @generated\n" + TWO).skipped == "generated"
    small = Settings(ALL.selected, max_file_size=10)
    result = check(TWO, settings=small)
    assert (result.skipped, result.parsed, result.findings) == ("too-large", False, ())


def test_one_finding_for_a_definition_that_two_sites_share():
    def twice(source: Source, torch: str | None) -> list[Site]:
        return every_function(source, torch) * 2

    result = check_source(b"def b(k):\n    return 1\n", "train.py", ALL, rules=RULES, analyse=twice)
    assert codes(result) == [(1, "LR203"), (2, "LR105")]
    assert [finding.site for finding in result.findings] == [0, 0]


SCHEDULE = """\
from torch.optim.lr_scheduler import LambdaLR
def build(optimizer):
    return LambdaLR(optimizer, lambda k: 0.5)  # lrfix: ignore[LR999]
"""
UNUSED = Settings(selected=frozenset({"LR001"}))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        Path(f"f{number:02}.py").write_text(SCHEDULE, encoding="utf-8")
    Path("model.py").write_text("import torch\n", encoding="utf-8")
    Path("old.py").write_text("print 'warmup'\n", encoding="utf-8")
    return [Target(str(path)) for path in sorted(tmp_path.glob("*.py"), reverse=True)]


def test_results_come_in_the_order_of_the_paths_whatever_the_executor(tree):
    serial = list(check_paths(tree, UNUSED, jobs=1))
    assert [result.path for result in serial] == sorted(target.path for target in tree)
    assert sum(len(result.findings) for result in serial) == 20
    assert list(check_paths(tree, UNUSED, jobs=2)) == serial
    with ThreadPoolExecutor(2) as executor:
        assert list(check_paths(tree, UNUSED, executor=executor)) == serial


def test_walked_files_without_a_word_of_a_schedule_are_not_parsed(tree):
    results = {Path(result.path).name: result for result in check_paths(tree, UNUSED, jobs=1)}
    assert not results["model.py"].parsed
    assert not results["model.py"].errors
    assert [error.kind for error in results["old.py"].errors] == ["syntax"]


def test_a_file_given_by_name_is_always_parsed(tmp_path):
    path = tmp_path / "plain.py"
    path.write_text("def f(:\n", encoding="utf-8")
    assert [result.errors for result in check_paths([Target(str(path))], UNUSED)] == [()]
    (result,) = check_paths([Target(str(path), explicit=True)], UNUSED)
    assert [error.kind for error in result.errors] == ["syntax"]


def test_a_file_that_cannot_be_read_is_an_io_error(tmp_path):
    (result,) = check_paths([Target(str(tmp_path / "gone.py"), explicit=True)], UNUSED)
    assert [(error.kind, "No such file" in error.message) for error in result.errors] == [("io", True)]


def test_workers_that_die_lose_their_files_only_with_an_error(tree):
    class Dying(ThreadPoolExecutor):
        def submit(self, function, /, *arguments, **options):
            from concurrent.futures import BrokenExecutor

            future = super().submit(function, *arguments, **options)
            if "f07.py" in str(arguments):
                future.result()
                raise BrokenExecutor("a worker died")
            return future

    with Dying(1) as executor:
        results = list(check_paths(tree, UNUSED, executor=executor))
    assert [result.path for result in results] == sorted(target.path for target in tree)
    lost = [result for result in results if any("worker" in error.message for error in result.errors)]
    assert 1 <= len(lost) <= 4
    assert all(error.kind == "internal" for result in lost for error in result.errors)


def test_a_site_that_crashes_the_analysis_hides_no_other(monkeypatch):
    from lrfix import analysis

    sound = analysis.analyse_site

    def fragile_at_trap(source, names, site, **others):
        if "trap" in source.segment(site.node):
            raise ZeroDivisionError("no steps")
        return sound(source, names, site, **others)

    monkeypatch.setattr(analysis, "analyse_site", fragile_at_trap)
    text = """from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, total):
    LambdaLR(optimizer, lambda trap: 1 - trap / total)  # lrfix: ignore[LR201]
    return LambdaLR(optimizer, lambda step: 0.5)
"""
    result = check_source(text.encode(), "train.py", Settings(selected=frozenset(load_rules())))
    assert [(site.span.start.line, site.status) for site in result.sites] == [
        (5, Status.FAILED),
        (6, Status.REPAIR),
    ]
    assert result.findings and "LR001" not in {finding.code for finding in result.findings}
    (error,) = result.errors
    assert error.kind == "internal" and "on the site at line 5: ZeroDivisionError: no steps" in error.message


def test_no_finding_depends_on_an_inventory(monkeypatch):
    def check(described):
        text = "from torch.optim.lr_scheduler import LambdaLR\nLambdaLR(optimizer, lambda step: 1 - step / 50)\n"
        return check_source(text.encode(), "train.py", Settings(frozenset(load_rules()), described=described))

    full, plain = check(True), check(False)
    assert full.findings == plain.findings != ()
    assert [(site.span, site.status, site.reason) for site in full.sites] == [
        (site.span, site.status, site.reason) for site in plain.sites
    ]
    assert full.sites[0].curve and full.sites[0].family == "linear" and not plain.sites[0].curve
    monkeypatch.setattr("lrfix.families.family_of_site", lambda *given: 1 / 0)
    crashed = check(True)
    assert (crashed.findings, [site.status for site in crashed.sites]) == (full.findings, [plain.sites[0].status])
    assert "the analysis crashed on the site at line 2" in crashed.errors[0].message and check(False) == plain


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    "jobs, moment",
    [("1", b"click.core"), ("1", b"lrfix.engine"), ("1", b"lrfix.experiments"), ("2", b"lrfix.experiments")],
)
def test_an_interrupt_ends_the_run_at_once_and_leaves_no_process(tmp_path, jobs, moment):
    """At whatever moment: ``moment`` is the module that has just been imported."""
    endless = """from torch.optim.lr_scheduler import LambdaLR


def build{0}(optimizer, end):
    def factor(step):
        while step > end:
            pass
        return 0.5
    return LambdaLR(optimizer, factor)


"""
    text = "".join(endless.format(number) for number in range(9))
    for number in range(12):
        (tmp_path / f"train_{number}.py").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "lrfix", "check", "--jobs", jobs, str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        start_new_session=True,
        # Whoever runs the tests in the background may have interrupts ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.split()[-1] == moment:
            break
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=20)
    # A shell reads both as 130. CPython ends by the signal itself where it came within an ``exec`` of a text, as those
    # of dataclasses, however the program exits.
    assert process.returncode in (130, -signal.SIGINT)
    # What Python has to say of the pool's own threads as it ends comes behind.
    before, told, _ = complaint.partition(b"lrfix: interrupted\n")
    assert told and b"Traceback" not in before
    with pytest.raises(ProcessLookupError):
        # Who is left would hold the group.
        os.killpg(process.pid, 0)


def test_what_counts_epochs_is_told_in_epochs():
    every = Settings(selected=frozenset(load_rules()))
    told = {
        code: [
            f.message
            for f in check_source(load_pages()[code].bad[0].code.encode(), "a.py", every).findings
            if f.code == code
        ]
        for code in ("LR206", "LR202")
    }
    assert ["at epoch 0" in message and " step " not in message for message in told["LR206"]] == [True]
    assert ["at step " in message and " epoch " not in message for message in told["LR202"]] == [True]
