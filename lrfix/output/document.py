"""All results of one run as one value, with the sites numbered across files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lrfix.findings import FileError, FileResult, Finding, SiteReport


@dataclass(frozen=True)
class Document:
    """``Finding.site`` is an index into ``sites`` here, whichever file the finding is in.

    ``skipped`` counts the files left out on purpose by reason, ``counters`` whatever the analysis could not follow.
    ``known`` findings are those that a baseline left out, ``gone`` those of it that are no more. ``kept`` files were
    not looked at again.
    """

    findings: tuple[Finding, ...] = ()
    sites: tuple[SiteReport, ...] = ()
    errors: tuple[FileError, ...] = ()
    seen: int = 0
    parsed: int = 0
    skipped: tuple[tuple[str, int], ...] = ()
    counters: tuple[tuple[str, int], ...] = ()
    known: int = 0
    gone: int = 0
    kept: int = 0

    @classmethod
    def of(cls, results: Iterable[FileResult]) -> Document:
        """The results in the order given."""
        results = list(results)
        findings: list[Finding] = []
        sites: list[SiteReport] = []
        errors: list[FileError] = []
        seen = parsed = 0
        skipped: Counter[str] = Counter()
        counters: Counter[str] = Counter()
        for result in results:
            first = len(sites)
            sites.extend(result.sites)
            findings.extend(
                finding if finding.site is None else replace(finding, site=first + finding.site)
                for finding in result.findings
            )
            errors.extend(result.errors)
            seen += 1
            parsed += result.parsed
            if result.skipped is not None:
                skipped[result.skipped] += 1
            counters.update(result.counters)
        return cls(
            tuple(findings),
            tuple(sites),
            tuple(errors),
            seen,
            parsed,
            tuple(sorted(skipped.items())),
            tuple(sorted(counters.items())),
            sum(result.known for result in results),
            sum(result.gone for result in results),
            sum(result.kept for result in results),
        )


__all__ = ["Document"]
