"""What ``lrfix plot`` draws: one figure a schedule, with its curves and the steps that findings speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrfix.findings import Finding, Severity, SiteReport
from lrfix.output.document import Document
from lrfix.output.examples import lines
from lrfix.output.sparkline import last_of_interest
from lrfix.wording import assigned


@dataclass(frozen=True)
class Curve:
    """One rate a step, from step 0; ``new``: of the schedule after a rewrite."""

    label: str
    rates: tuple[float, ...]
    new: bool = False


@dataclass(frozen=True)
class Figure:
    """``marks`` are steps at which something is wrong, with a few words on each; ``end`` is where the schedule is meant
    to end."""

    title: str
    curves: tuple[Curve, ...]
    marks: tuple[tuple[int, str], ...] = ()
    end: int | None = None
    unit: str = "step"
    notes: tuple[str, ...] = ()


def figures(document: Document) -> list[Figure]:
    """A figure for each schedule that was simulated, its branches over each other."""
    found = []
    for index, site in enumerate(document.sites):
        if not site.curve:
            continue
        findings = [finding for finding in document.findings if finding.site == index]
        shown = site.shown
        end = shown.end if shown is not None else None
        branches = [each for each in site.schedules if each.curve]
        curves = tuple(
            Curve(", ".join(f"{name}={value}" for name, value in each.settings.items()), each.curve)
            for each in branches
        )
        curves = (*(curves or (Curve(site.family, _usual(site)),)), *_of_findings(findings, site))
        unit = shown.unit if shown is not None else "step"
        last = _last(curves, end, findings)
        found.append(
            Figure(
                _title(site),
                tuple(Curve(each.label, each.rates[: last + 1]) for each in curves),
                tuple(m for f in findings if f.severity is not Severity.INFO for m in _marks(f, last)),
                end if end is not None and end < last else None,
                unit,
                (*(lines(shown) if shown is not None else ()), *(f"{f.code}: {f.message}" for f in findings)),
            )
        )
    return found


def _last(curves: Sequence[Curve], end: int | None, findings: Sequence[Finding]) -> int:
    longest = max(len(each.rates) for each in curves) - 1
    shown = max(last_of_interest(each.rates, end) for each in curves)
    told = [finding.evidence.steps for finding in findings if finding.evidence is not None and finding.evidence.curve]
    return min(longest, max([shown, *(step + shown // 10 for steps in told for step in steps if step > shown)]))


def _of_findings(findings: Sequence[Finding], site: SiteReport) -> Iterator[Curve]:
    """The curves of findings that show under other values than the schedule's own."""
    drawn = {_usual(site), *(each.curve for each in site.schedules)}
    usual = site.shown.scenario if site.shown is not None else {}
    for finding in findings:
        evidence = finding.evidence
        if evidence is None or finding.severity is Severity.INFO:
            continue
        if evidence.curve and evidence.curve not in drawn:
            drawn.add(evidence.curve)
            other = {name: value for name, value in evidence.scenario.items() if usual.get(name) != value}
            yield Curve(f"{finding.code}{' with ' if other else ''}{assigned(other)}", evidence.curve)


def _usual(site: SiteReport) -> tuple[float, ...]:
    return site.shown.curve if site.shown is not None else site.curve


def _marks(finding: Finding, last: int) -> list[tuple[int, str]]:
    """The step that a finding speaks of: of those that show it the one before which all is well."""
    evidence = finding.evidence
    if evidence is None or not evidence.steps or not evidence.curve:
        return []
    step = evidence.steps[min(1, len(evidence.steps) - 1)]
    return [(step, finding.code)] if step <= last else []


def _title(site: SiteReport) -> str:
    cell = f":cell {site.cell.number}" if site.cell is not None else ""
    name = f" {site.name}" if site.name else ""
    return f"{site.path}{cell}:{site.span.start.line}{name} ({site.family})"


__all__ = ["Curve", "Figure", "figures"]
