"""Bytes and settings -> results. ``check_source`` is pure; ``check_paths`` reads files and spreads the work.

Errors are data here: a file that cannot be read, a rule that crashes, an analysis that fails each give a ``FileError``
and stop nothing else.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lrfix.config import Settings
from lrfix.discovery import Target, has_schedule_words, is_generated
from lrfix.findings import (
    Evidence,
    FileError,
    FileResult,
    Finding,
    ScheduleReport,
    Severity,
    SiteReport,
    Span,
    Status,
    Violation,
)
from lrfix.fingerprints import fingerprinted
from lrfix.looks import Looks
from lrfix.neighbours import MOST_BYTES
from lrfix.notebooks import is_notebook
from lrfix.reading import Unreadable, read_file
from lrfix.registry import Rule, load_rules
from lrfix.source import Source, SourceError, parse_source
from lrfix.spreading import WORTH_A_POOL, Pending, in_pool, spread
from lrfix.suppression import Part, Suppressions, read_suppressions
from lrfix.torch_requirement import reaches
from lrfix.usage import Mentions, Place, mentions, places
from lrfix.whereabouts import absolute
from lrfix.wording import in_epochs

if TYPE_CHECKING:
    from lrfix.cache import Cache, Recall
    from lrfix.notebooks.notebook import Notebook

_UNUSED = "LR001"
#: The form of what rules look at without its being a site: the code of a file that uses schedules.
_USES = "training"
_TOO_DEEP = "the code is nested too deeply to be analysed"


class AnalysedSite(Protocol):
    """What the engine reads of one analysed site (``lrfix.analysis.SiteAnalysis``)."""

    @property
    def span(self) -> Span: ...
    @property
    def form(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, str]: ...
    @property
    def handrolled(self) -> bool: ...
    @property
    def status(self) -> Status: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def curve(self) -> tuple[float, ...]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def horizon(self) -> str | None: ...
    @property
    def crash(self) -> Exception | None: ...
    @property
    def schedules(self) -> tuple[ScheduleReport, ...]: ...
    @property
    def shown(self) -> Evidence | None: ...
    def violations(self, rule: Rule) -> Iterable[Violation]:
        """What a rule finds in the schedules that the site holds; raises what the rule raises."""

    @property
    def counters(self) -> Mapping[str, int]: ...


Analyse = Callable[[Source, "str | None"], Sequence[AnalysedSite]]


def check_source(
    raw: bytes,
    path: str,
    settings: Settings,
    *,
    rules: Mapping[str, Rule] | None = None,
    analyse: Analyse | None = None,
) -> FileResult:
    """Everything lrfix has to say about one file alone. ``path`` names it in the result and in ``per-file-ignores``.

    ``rules`` and ``analyse`` default to lrfix's own. Findings come in the order of the text. Raises nothing that the
    file could cause.
    """
    if rules is None:
        rules = load_rules()
    if is_notebook(path):
        program = _program(raw, path, settings)
        if isinstance(program, FileResult):
            return program
        return program.located(_check_code(program.code, path, settings, rules, analyse))
    return _check_code(raw, path, settings, rules, analyse)


def check_code(raw: bytes, path: str, settings: Settings) -> FileResult:
    """As check_text, of a notebook the program of its cells: places are lines of that."""
    return _check_code(raw, path, settings, load_rules(), partial(_analyse(), place=Place(path)))


def _check_code(
    raw: bytes, path: str, settings: Settings, rules: Mapping[str, Rule], analyse: Analyse | None
) -> FileResult:
    skipped = _skip_reason(raw, settings)
    if skipped is not None:
        return FileResult(path, parsed=False, skipped=skipped)
    try:
        source = parse_source(raw, path)
    except SourceError as error:
        return FileResult(path, parsed=False, errors=(FileError(path, error.kind, error.message),))
    suppressions = read_suppressions(source, rules)
    if suppressions.skip_file:
        return FileResult(path, parsed=True, skipped="skip-file")
    try:
        sites = (analyse or _analyse())(source, settings.torch)
    except RecursionError:
        return FileResult(path, parsed=True, errors=(FileError(path, "syntax", _TOO_DEEP),))
    except Exception as error:
        return FileResult(path, parsed=True, errors=(FileError(path, "internal", _crash("the analysis", error)),))
    result = _judge(path, sites, suppressions, settings, rules)
    return replace(result, findings=fingerprinted(source, result.findings))


def check_paths(
    files: Iterable[Target],
    settings: Settings,
    executor: Executor | None = None,
    jobs: int | None = None,
    cache: Cache | None = None,
) -> Generator[FileResult, None, None]:
    """One result a file, in the order of the paths. Who stops taking them closes it, which ends the workers.

    Files that the byte prefilter drops are only read. The rest are spread over ``executor``, whose workers find the
    same files under the same paths, or, without one, over ``jobs`` processes (default: the settings', then one a
    processor); a few files are checked in this process. What ``cache`` knows is not checked again.
    """
    results: dict[Target, FileResult | None] = {}
    words: dict[str, Mentions] = {}
    recall = _recall(cache, settings) if cache is not None else None
    for target in sorted(files):
        results[target] = _prefilter(target, settings, words, recall)
    placed = places(words)
    if recall is not None:
        for target, result in results.items():
            if result is None:
                results[target] = recall.result(target.path, placed.get(target.path) or Place(target.path))
    pending = [(target, placed.get(target.path)) for target, result in results.items() if result is None]
    workers = min(jobs or settings.jobs or os.cpu_count() or 1, len(pending))
    if executor is not None:
        checked = spread(pending, partial(_check_batch, settings=settings, cache=cache), executor)
    elif workers > 1 and len(pending) >= WORTH_A_POOL:
        checked = in_pool(pending, partial(_check_batch, settings=settings, cache=cache), workers)
    else:
        checked = (check_file(target, settings, place, cache) for target, place in pending)
    for result in results.values():
        yield result if result is not None else next(checked)


def check_file(
    target: Target, settings: Settings, place: Place | None = None, cache: Cache | None = None
) -> FileResult:
    """Reads and checks one file, with the files of its project that it imports from and those that ``place`` names.

    ``cache`` keeps the result; it is not asked for one.
    """
    raw = _read(target.path, settings)
    if isinstance(raw, FileResult):
        return raw
    place = place or Place(target.path)
    looks = Looks(MOST_BYTES)
    result = check_text(raw, target.path, settings, place, looks)
    if cache is not None:
        cache.keep(target.path, raw, settings, place, looks, result)
    # Trees and simulations hold themselves: what a file leaves goes before the next one comes, while it is young.
    gc.collect(1)
    return result


def check_text(
    raw: bytes, path: str, settings: Settings, place: Place | None = None, looks: Looks | None = None
) -> FileResult:
    """Checks a file as ``check_file`` does, with ``raw`` for its content."""
    return check_source(raw, path, settings, analyse=partial(_analyse(), place=place or Place(path), looks=looks))


def _prefilter(
    target: Target, settings: Settings, words: dict[str, Mentions], recall: Recall | None
) -> FileResult | None:
    """The result of a file that need not be parsed; None for one that must be, and what it mentions in ``words``."""
    if target.outside:
        return FileResult(target.path, parsed=False, skipped="link-outside")
    raw = _read(target.path, settings)
    if isinstance(raw, FileResult):
        return raw
    whole = raw
    notebook = is_notebook(target.path)
    if notebook and (target.explicit or has_schedule_words(raw)):
        program = _program(raw, target.path, settings)
        if isinstance(program, FileResult):
            return program
        raw = program.code
    skipped = _skip_reason(raw, settings)
    # Of what is too large only the beginning was read: no words are looked for in it.
    if len(raw) <= settings.max_file_size and not target.explicit and not has_schedule_words(raw):
        return FileResult(target.path, parsed=False)
    if skipped is not None:
        return FileResult(target.path, parsed=False, skipped=skipped)
    if recall is not None:
        recall.saw(target.path, whole)
    if not notebook:
        # No file imports from a notebook, and what one makes of a definition is read in its own lines.
        words[target.path] = recall.mentions(target.path, raw) if recall is not None else mentions(raw)
    return None


def _program(raw: bytes, path: str, settings: Settings) -> Notebook | FileResult:
    """The notebook, or the result of one that is not to be checked."""
    from lrfix.notebooks.notebook import NotebookError, read_notebook

    if len(raw) > settings.most_bytes(path):
        return FileResult(path, parsed=False, skipped="too-large")
    try:
        notebook = read_notebook(raw)
    except NotebookError as error:
        return FileResult(path, parsed=False, errors=(FileError(path, error.kind, error.message),))
    if notebook.language != "python":
        return FileResult(path, parsed=False, skipped="not-python")
    return notebook


def _skip_reason(raw: bytes, settings: Settings) -> str | None:
    if len(raw) > settings.max_file_size:
        return "too-large"
    return "generated" if is_generated(raw) else None


def _read(path: str, settings: Settings) -> bytes | FileResult:
    try:
        return read_file(absolute(path), settings.most_bytes(path))
    except Unreadable as error:
        message = "the directory cannot be listed" if error.directory else error.message
    return FileResult(path, parsed=False, errors=(FileError(path, "io", message),))


def _check_batch(batch: Sequence[Pending], settings: Settings, cache: Cache | None) -> list[FileResult]:
    return [check_file(target, settings, place, cache) for target, place in batch]


def _judge(
    path: str,
    sites: Sequence[AnalysedSite],
    suppressions: Suppressions,
    settings: Settings,
    rules: Mapping[str, Rule],
) -> FileResult:
    selected = settings.selected_for(path)
    # With ignore comments every rule runs, so that whether a comment is used does not depend on what is selected.
    audited = bool(suppressions.ignores) and _UNUSED in selected
    raised: dict[tuple[Span, str], tuple[Violation, int]] = {}
    errors: list[FileError] = []
    crashed: set[str] = set()
    for index, site in enumerate(sites):
        if site.crash is not None:
            # No rule was asked: whether an ignore comment is of use here is not known either.
            crashed.update(rules)
            errors.append(_crash_of(path, site, site.crash))
            continue
        for code, rule in rules.items():
            if rule.function is None or not (audited or code in selected):
                continue
            if site.form == _USES and not rule.judges_uses:
                continue
            try:
                for violation in site.violations(rule):
                    if violation.since is None or reaches(settings.torch, violation.since):
                        _keep(raised, code, violation, index)
            except RecursionError:
                crashed.add(code)
                if code in selected and not any(error.message == _TOO_DEEP for error in errors):
                    errors.append(FileError(path, "syntax", _TOO_DEEP))
            except Exception as error:
                crashed.add(code)
                if code in selected:
                    errors.append(FileError(path, "internal", _crash(f"{code} ({rule.name})", error, site)))
    used: set[Part] = set()
    findings: list[Finding] = []
    for (span, code), (violation, site_index) in _without_praise(raised, rules).items():
        covering = suppressions.covering(code, span.start.line)
        used.update(covering)
        if not covering and code in selected:
            reported = site_index if sites[site_index].form != _USES else None
            findings.append(_finding(path, rules[code], violation, reported))
    if _UNUSED in selected and _UNUSED in rules:
        for complaint in suppressions.unused(used, undecided=crashed):
            if not suppressions.covering(_UNUSED, complaint.span.start.line):
                findings.append(_finding(path, rules[_UNUSED], complaint, None))
    counters: Counter[str] = Counter()
    for site in sites:
        counters.update(site.counters)
    reports = tuple(_reports(path, sites, settings, errors))
    return FileResult(
        path,
        parsed=True,
        findings=tuple(sorted(findings, key=lambda finding: (finding.span, finding.code, finding.message))),
        sites=reports,
        errors=tuple(errors),
        counters=dict(sorted(counters.items())),
    )


def _crash_of(path: str, site: AnalysedSite, error: Exception) -> FileError:
    if isinstance(error, RecursionError):
        return FileError(path, "syntax", _TOO_DEEP)
    return FileError(path, "internal", _crash("the analysis", error, site))


def _keep(raised: dict[tuple[Span, str], tuple[Violation, int]], code: str, violation: Violation, site: int) -> None:
    """One finding a place and rule: the first, unless that one only advises and a later one does not."""
    known = raised.get((violation.span, code))
    if known is None or (known[0].advice and not violation.advice):
        raised[violation.span, code] = violation, site


def _without_praise(
    raised: Mapping[tuple[Span, str], tuple[Violation, int]], rules: Mapping[str, Rule]
) -> dict[tuple[Span, str], tuple[Violation, int]]:
    """Without what rules of severity info say of a place in which another rule finds something wrong: where a formula
    is sound and its use is not, "no bug found" would be false."""
    wrong = [
        span.start
        for (span, code), (violation, _) in raised.items()
        if rules[code].severity is not Severity.INFO and not violation.advice
    ]
    return {
        (span, code): said
        for (span, code), said in raised.items()
        if rules[code].severity is not Severity.INFO or not any(span.start <= place < span.end for place in wrong)
    }


def _finding(path: str, rule: Rule, violation: Violation, site: int | None) -> Finding:
    return Finding(
        path=path,
        code=rule.code,
        name=rule.name,
        severity=Severity.INFO if violation.advice else rule.severity,
        message=in_epochs(violation.message) if _in_epochs(violation) else violation.message,
        span=violation.span,
        evidence=violation.evidence,
        site=site,
        mendable=violation.mendable,
        related=tuple(replace(place, path=place.path or path) for place in violation.related),
    )


def _in_epochs(violation: Violation) -> bool:
    return violation.evidence is not None and violation.evidence.unit == "epoch"


def _reports(
    path: str, sites: Iterable[AnalysedSite], settings: Settings, errors: list[FileError]
) -> Iterator[SiteReport]:
    """What an inventory tells of the sites; made last, so that no finding depends on whether it is asked for."""
    for site in sites:
        if site.form == _USES:
            continue
        plain = SiteReport(
            path, site.span, site.form, "other", {}, site.handrolled, site.status, site.reason, name=site.name
        )
        try:
            yield _described(plain, site) if settings.described and site.crash is None else plain
        except Exception as error:
            errors.append(_crash_of(path, site, error))
            yield plain


def _described(plain: SiteReport, site: AnalysedSite) -> SiteReport:
    return replace(
        plain,
        family=site.family,
        parameters=dict(site.parameters),
        curve=tuple(site.curve),
        horizon=site.horizon,
        schedules=site.schedules,
        shown=site.shown,
    )


def _crash(what: str, error: Exception, site: AnalysedSite | None = None) -> str:
    import traceback  # not for runs in which nothing crashes

    frames = traceback.extract_tb(error.__traceback__)[-3:]
    trail = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    place = f" on the site at line {site.span.start.line}" if site is not None else ""
    return f"{what} crashed{place}: {type(error).__name__}: {error} [{trail}]; please report this as a bug of lrfix"


def _recall(cache: Cache, settings: Settings) -> Recall:
    from lrfix.cache import Recall

    return Recall(cache, settings)


def _analyse() -> Callable[..., Sequence[AnalysedSite]]:
    from lrfix.analysis import examine

    return examine


__all__ = ["Analyse", "AnalysedSite", "check_code", "check_file", "check_paths", "check_source", "check_text"]
