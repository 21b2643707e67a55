"""One rule asked of a source text, the other rules unasked: what family and status a schedule has stays open.

Much sooner than ``check``, and with the same answer: ``tests/test_judging.py`` compares the two.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lrfix.analysis import SiteAnalysis, judged, studied
from lrfix.experiments.study import Study
from lrfix.findings import Evidence, Severity, Span, Status, Violation
from lrfix.judging import Verdicts
from lrfix.names import Names
from lrfix.registry import load_rules
from lrfix.sites import find_sites, training_code
from lrfix.sites.model import ScheduleSite
from lrfix.source import Source, parse_source

#: The codes of advice on a schedule without a fault: what rests on its being recognised.
SOUND = ("LR401", "LR402")


class Reported(NamedTuple):
    """What a rule reports of a source text, as a finding would say it."""

    code: str
    severity: Severity
    message: str
    span: Span
    evidence: Evidence | None


def asked(code: str, source: str) -> list[Violation]:
    """What the rule finds in every schedule of the text, each of its settings, and each definition by itself."""
    rule = load_rules()[code]
    assert rule.function is not None
    known: dict[tuple[Span, str], Violation] = {}
    for study in studies(source, rule.judges_uses):
        for violation in Verdicts(study).of(rule):
            known.setdefault((violation.span, violation.message), violation)
    return list(known.values())


def reported(code: str, source: str) -> list[Reported]:
    """The same in the order of the text, one a place: what is grave before what is only advised."""
    grave = load_rules()[code].severity
    placed: dict[Span, Violation] = {}
    for violation in asked(code, source):
        if violation.span not in placed or (placed[violation.span].advice and not violation.advice):
            placed[violation.span] = violation
    return [
        Reported(code, Severity.INFO if v.advice else grave, v.message, v.span, v.evidence)
        for v in sorted(placed.values(), key=lambda v: v.span)
    ]


def faults(source: str, *codes: str) -> list[str]:
    """Which of these rules report a fault, once for each place; what is only advised is left out."""
    return [found.code for code in codes for found in reported(code, source) if found.severity is not Severity.INFO]


def unrecognised(source: Source, torch: str | None = None) -> list[SiteAnalysis]:
    """What ``lrfix check`` judges, with everything that its rules say of it but ``SOUND``: what a schedule is, and
    whether it is that under every setting, takes a check half its time and is not asked."""
    names, sites = find_sites(source, Names(source.tree))
    found = []
    for site in sites:
        studies = judged(studied(source, names, site)[1])
        found.append(_unrecognised(site, names, studies))
    training = training_code(names)
    if training is not None:
        found.append(_unrecognised(training, names, [Study(source, names, training)]))
    return found


def _unrecognised(site: ScheduleSite, names: Names, studies: list[Study]) -> SiteAnalysis:
    verdicts = tuple(map(Verdicts, studies))
    return SiteAnalysis(site, studies[0], names, handrolled=True, status=Status.UNSUPPORTED, verdicts=verdicts)


@lru_cache(maxsize=4)
def studies(source: str, uses: bool = False) -> tuple[Study, ...]:
    """What rules look at, with the file's own use of schedules or without; those asked of one text share its runs."""
    return tuple(_studies(source, uses=uses))


def _studies(source: str, *, uses: bool) -> Iterator[Study]:
    parsed = parse_source(textwrap.dedent(source).encode(), "train.py")
    names, sites = find_sites(parsed, Names(parsed.tree))
    for site in sites:
        _, found = studied(parsed, names, site)
        yield from judged(found)
    training = training_code(names) if uses else None
    if training is not None:
        yield Study(parsed, names, training)
