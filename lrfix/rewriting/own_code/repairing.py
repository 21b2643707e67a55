"""Which of the edits that may repair a finding does: the code is simulated with it, before and after.

Kept is the first edit after which the finding is gone, no rule finds anything new, and every curve is what it was but
for what the fault did: a rule of use leaves all curves alone, a division keeps every rate that there was, a clamp all
rates up to the end, a decay counted from the warmup the warmup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from lrfix.config import Settings
from lrfix.engine import check_code
from lrfix.findings import FileResult, Finding, Severity, SiteReport
from lrfix.names import Names
from lrfix.rewriting.hunks import Hunk, applied, hunks, offset_before, spans
from lrfix.rewriting.model import FileRewrite, LeftAlone, OwnRepair
from lrfix.rewriting.own_code.candidates import FINDERS
from lrfix.rewriting.own_code.text import Candidate, Text
from lrfix.source import Source, SourceError, parse_source
from lrfix.wording import num

_MOST_TRIED = 6
_MOST_REPAIRS = 12
_ROUNDING = 1e-12
_NO_CURVE = frozenset({"LR301", "LR305", "LR306", "LR308", "LR314"})
"""Rules of use: what repairs them touches no formula."""
_ENDS_THE_RUN = frozenset({"LR107", "LR210", "LR211"})
"""Rules whose fault ends the run: advice on what comes behind it can be given only once it is mended."""

_UNMOVED = "no rate changes"


def repaired(raw: bytes, path: str, settings: Settings, each_alone: bool = False, advice: bool = False) -> FileRewrite:
    """A file after every repair that is seen to work, one after another; what is left says why.

    ``each_alone``: where there are several, each is tried without the others too, for who takes only one of them.
    ``advice``: what is only told as info is mended as well.
    """
    first = check_code(raw, path, settings)
    if first.errors or first.skipped is not None:
        told = next(((e.message, e.kind) for e in first.errors), (None, None))
        return FileRewrite(path, "", "", error=told[0], error_kind=told[1], skipped=first.skipped)
    source = parse_source(raw, path)
    result, texts = first, [source.text]
    repairs: list[OwnRepair] = []
    tried: set[str] = set()
    for _ in range(_MOST_REPAIRS):
        finding = next((f for f in result.findings if _is_due(f, advice) and f.fingerprint not in tried), None)
        if finding is None:
            break
        found = _first_that_works(source, texts[-1], settings, result, finding)
        if found is None:
            tried.add(finding.fingerprint)
            continue
        candidate, text, result, curve = found
        repairs.append(OwnRepair(_as_read(source, texts[-1], first, finding), candidate.says, curve))
        texts.append(text)
    left = tuple(
        LeftAlone(path, f.span, None, "", f"{f.code}: {f.message} No edit was seen to mend it and nothing else")
        for f in (_as_read(source, texts[-1], first, f) for f in result.findings if f.fingerprint in tried)
    )
    if each_alone:
        repairs = _alone(source, texts, first, repairs, settings)
    return FileRewrite(path, source.text, texts[-1], left=left, repairs=tuple(repairs))


def _as_read(source: Source, text: str, first: FileResult, finding: Finding) -> Finding:
    """A finding in ``text``, which the file has become, as it was found in the file: its place, and what it is known
    by."""
    changes = hunks(source.text, text)
    if not changes:
        return finding
    now = parse_source(source.encoded(text), source.path)
    start, end = (offset_before(now.offset(at), changes) for at in (finding.span.start, finding.span.end))
    (span,) = spans(source.text, [Hunk(start, end, "")])
    found = [f for f in first.findings if f.code == finding.code and f.span.start == span.start]
    return found[0] if found else replace(finding, span=span)


def _alone(
    source: Source, texts: Sequence[str], first: FileResult, repairs: list[OwnRepair], settings: Settings
) -> list[OwnRepair]:
    """The repairs with what the file is with each alone, if each of them does without the others and all of them
    together are what they were one after another."""
    edits: list[tuple[Hunk, ...]] = []
    for before, after in pairwise(texts):
        so_far = hunks(source.text, before)
        edits.append(
            tuple(
                Hunk(offset_before(each.start, so_far), offset_before(each.end, so_far), each.text)
                for each in hunks(before, after)
            )
        )
    every = sorted(edit for each in edits for edit in each)
    if any(a.end >= b.start for a, b in pairwise(every)) or applied(source.text, every) != texts[-1]:
        return repairs
    alone = [replace(r, alone=applied(source.text, own)) for r, own in zip(repairs, edits, strict=True)]
    if len(repairs) > 1 and not all(_mends(source, each, first, settings) for each in alone):
        return repairs
    return alone


def _mends(source: Source, repair: OwnRepair, before: FileResult, settings: Settings) -> bool:
    after = check_code(source.encoded(repair.alone or ""), source.path, settings)
    gone = not after.errors and _is_gone(repair.finding, before, after)
    return gone and _what_moved(repair.finding, before.sites, after.sites) is not None


def _is_due(finding: Finding, advice: bool) -> bool:
    """What is only told as info is a convention, or a setting that nobody is seen to use; but `verbose=` ends a run."""
    told = advice or finding.severity is not Severity.INFO or finding.mendable or finding.code == "LR305"
    return finding.code in FINDERS and told


def _first_that_works(
    first: Source, text: str, settings: Settings, before: FileResult, finding: Finding
) -> tuple[Candidate, str, FileResult, str] | None:
    """``first`` is the file as it was read, ``text`` what it has become, ``before`` what is found in that."""
    for candidate in _candidates(parse_source(first.encoded(text), first.path), finding):
        changed = candidate.applied(text)
        try:
            after = check_code(first.encoded(changed), first.path, settings)
        except SourceError:  # what the file's encoding has no character for
            continue
        if after.errors or not _is_gone(finding, before, after):
            continue
        curve = _what_moved(finding, before.sites, after.sites)
        if curve is not None:
            return candidate, changed, after, curve
    return None


def _candidates(source: Source, finding: Finding) -> Sequence[Candidate]:
    found = FINDERS[finding.code](Text(source, Names(source.tree)), finding)
    return [candidate for candidate, _ in zip(found, range(_MOST_TRIED), strict=False)]


def _is_gone(finding: Finding, before: FileResult, after: FileResult) -> bool:
    """Whether there is one finding of the code less, and none more of any other that fails a build."""
    told = frozenset(FINDERS) if finding.code not in _ENDS_THE_RUN else frozenset({finding.code})
    old, new = _counts(before, told), _counts(after, told)
    if new[finding.code] >= old[finding.code]:
        return False
    return all(count <= old[code] for code, count in new.items())


def _counts(result: FileResult, told: frozenset[str]) -> Counter[str]:
    """How many findings of each rule there are, those of severity info only of the rules ``told``."""
    return Counter(f.code for f in result.findings if f.severity is not Severity.INFO or f.code in told)


def _what_moved(finding: Finding, before: Sequence[SiteReport], after: Sequence[SiteReport]) -> str | None:
    """What became of the curves, in words; None where more moved than the fault."""
    if len(before) != len(after):
        return None
    words = _UNMOVED
    if finding.code == "LR210":
        return words  # what is returned now was None, and no other way through the function is another
    for old, new in zip(before, after, strict=True):
        was, becomes = _told_by(finding, old, new)
        least = _ROUNDING * max(map(abs, was), default=0.0)
        pairs = enumerate(zip(was, becomes, strict=False))
        apart = next((k for k, (a, b) in pairs if not abs(a - b) <= least), None)
        if apart is None and len(becomes) >= len(was):
            continue
        if apart is None or finding.code in _NO_CURVE or not _is_of(finding, old):
            return None
        if not _may_part(finding, apart, was, becomes):
            return None
        words = _change(old, was, apart, becomes[apart])
    if words == _UNMOVED and finding.code == "LR102":
        return None  # the branch has not been seen to run
    open_modes = finding.code == "LR209" or _is_slow(finding)
    return f"{_UNMOVED} in the settings that are shown" if words == _UNMOVED and open_modes else words


def _is_slow(finding: Finding) -> bool:
    """Whether a finding is of a decay that does not arrive, and not of a run that fails."""
    return finding.code == "LR310" or (finding.code == "LR211" and finding.evidence is not None)


def _told_by(finding: Finding, old: SiteReport, new: SiteReport) -> tuple[Sequence[float], Sequence[float]]:
    """The rates of a schedule before and after in the numbers that a finding is told with: the author's, unless it
    shows in drawn ones alone."""
    drawn = finding.evidence is not None and finding.evidence.replaced
    if drawn or old.shown is None or new.shown is None or old.shown.scenario != new.shown.scenario:
        return old.curve, new.curve
    return old.shown.curve, new.shown.curve


def _change(site: SiteReport, curve: Sequence[float], step: int, after: float) -> str:
    """``from step 5 on the rate changes: 0.1 before, 0.2 after``, and whose numbers these are."""
    shown, before = site.shown, curve[step]
    whose = " (lengths shortened in proportion)" if shown is not None and shown.shortened else ""
    if shown is not None and (shown.chosen or shown.curve != curve):
        whose = " (with example values)"
    unit = shown.unit if shown is not None else "step"
    return f"from {unit} {step} on the rate changes: {num(before, after)} before, {num(after, before)} after{whose}"


def _is_of(finding: Finding, site: SiteReport) -> bool:
    """Whether a finding lies inside a schedule; where it lies inside none it may be any."""
    return site.span.contains(finding.span)


def _may_part(finding: Finding, step: int, curve: Sequence[float], new: Sequence[float]) -> bool:
    """Whether a repair of the finding may change the rate from a step on."""
    if finding.code == "LR102":
        # Where the branch's own test holds: beyond both tests, on the one side or the other (a loop may begin at 1).
        shown = finding.evidence.steps if finding.evidence is not None else ()
        apart = [k for k, (a, b) in enumerate(zip(curve, new, strict=False)) if a != b]
        return len(shown) > 1 and (step >= max(shown) - 1 or apart[-1] <= min(shown))
    if _is_slow(finding):
        # A decay that comes to its end in time is below what it was all the way.
        return step > 0 and all(b <= a + _ROUNDING * abs(a) for a, b in zip(curve, new, strict=False))
    if finding.code == "LR209":
        # By one step of the ramp at most, and only ever up.
        ramp = max((b - a for a, b in pairwise(curve)), default=0.0) + _ROUNDING
        return all(a <= b <= a + ramp for a, b in zip(curve, new, strict=False))
    if finding.code == "LR203":
        # The warmup alone: a step ahead of what it was, and then the same.
        apart = [k for k, (a, b) in enumerate(zip(curve, new, strict=False)) if a != b]
        rising = all(a <= b for a, b in pairwise(curve[: apart[-1] + 1])) and all(new[k] > curve[k] for k in apart)
        return rising and apart[-1] < len(curve) // 2
    if finding.code == "LR202":
        # What begins later is never lower on its way down: what is divided by may be a pace, and no length.
        lowest = min(range(len(curve)), key=curve.__getitem__, default=0)
        later = all(a <= b + _ROUNDING * abs(a) for a, b in zip(curve[step : lowest + 1], new[step:], strict=False))
        return step > 0 and later and all(a <= b for a, b in pairwise(curve[:step]))
    if finding.code == "LR204":
        shown = finding.evidence.steps if finding.evidence is not None else ()
        return bool(shown) and step >= min(shown)
    return finding.code in ("LR108", "LR211")


__all__ = ["repaired"]
