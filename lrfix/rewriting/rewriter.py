"""The schedules of files: proposed file by file, proved together, and what failed proposed again without it. No file on
disk is touched here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from lrfix.rewriting.analyses import Analyses
from lrfix.rewriting.liveness import External
from lrfix.rewriting.model import FileRewrite, Kind, LeftAlone, Proof, SiteRewrite
from lrfix.rewriting.proposal import Identity, Options, propose
from lrfix.verification import Verification, verify_many

_MOST_TOLD = 3


@dataclass
class _Draft:
    path: str
    raw: bytes
    external: External
    options: Options
    excluded: dict[Identity, LeftAlone] = field(default_factory=dict)
    without_torch: set[Identity] = field(default_factory=set)
    analyses: Analyses = field(default_factory=Analyses)
    result: FileRewrite | None = None

    def propose(self) -> None:
        self.result = propose(
            self.path, self.raw, self.external, self.options, self.excluded, self.analyses, self.without_torch
        )


class Told(Protocol):
    """Whoever wants to know how far the work is: which file is at work, how many proofs are run."""

    def file(self, path: str) -> None: ...

    def proofs(self, number: int) -> None: ...


def rewrite_sources(
    files: Sequence[tuple[str, bytes, External, str | None]],
    options: Options,
    analyses: Analyses | None = None,
    progress: Told | None = None,
) -> list[FileRewrite]:
    """What to change in each file, verified in one process.

    A file is its path, its content, whether another file mentions a name, and the module to import the schedulers from
    (None: lrfix's own). A site whose proof fails is left alone and the rest of its file is planned again.
    ``analyses`` are what earlier calls found out about the same texts.
    """
    drafts = []
    for path, raw, external, module in files:
        if progress is not None:
            progress.file(path)
        drafts.append(_Draft(path, raw, external, replace(options, module=module or options.module)))
        if analyses is not None:
            drafts[-1].analyses = analyses
        drafts[-1].propose()
        if not _sites(drafts[-1]):
            # Simulated curves are large, and nothing of this file is looked at again.
            drafts[-1].analyses = Analyses()
    pending = [draft for draft in drafts if _sites(draft)]
    while options.verify and pending:
        if progress is not None:
            progress.proofs(sum(len(site.proofs) for draft in pending for site in _sites(draft)))
        failed = _verified(pending)
        for draft in failed:
            draft.propose()
        pending = [draft for draft in failed if _sites(draft)]
    return [draft.result for draft in drafts if draft.result is not None]


def _verified(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Runs the proofs of all drafts; returns those in which a site failed (it is excluded from then on)."""
    jobs = [(draft, site, proof) for draft in drafts for site in _sites(draft) for proof in site.proofs]
    unfenced = any(draft.options.unfenced for draft in drafts)
    answers = verify_many([proof.request for _, _, proof in jobs], unfenced=unfenced)
    failed: list[_Draft] = []
    for draft in drafts:
        found: dict[Identity, tuple[Verification, ...]] = {}
        told: dict[Identity, SiteRewrite] = {}
        for site in _sites(draft):
            mine = [(p, answer) for (d, s, p), answer in zip(jobs, answers, strict=True) if d is draft and s is site]
            forbidden = next((answer.reason for _, answer in mine if answer.verdict == "refused"), None)
            refusals = [refusal(site.kind, proof, answer) for proof, answer in mine]
            reason = next((r for r in refusals if r is not None), None)
            told_by = tuple(answer for _, answer in mine)
            limited = limited_by(site, told_by)
            if site.torchs and (reason is not None or forbidden is not None or limited is not site):
                # Not exactly this schedule after all: the bundled one has its turn.
                draft.without_torch.add(site.identity)
                continue
            if reason is None and forbidden is None and limited is not site and draft.options.only_equivalent:
                draft.excluded[site.identity] = LeftAlone(
                    draft.path, site.span, site.name, "", f"{limited.standing}; left out by --only equivalent"
                )
                continue
            if reason is None and forbidden is None:
                found[site.identity] = told_by
                told[site.identity] = limited
                continue
            draft.excluded[site.identity] = LeftAlone(
                draft.path,
                site.span,
                site.name,
                "",
                f"this schedule may not be run: {forbidden}" if forbidden else f"verification failed: {reason}",
                failed=forbidden is None,
                refused=forbidden is not None,
                rewrite=site,
                verifications=tuple(answer for _, answer in mine),
            )
        if len(found) < len(_sites(draft)):
            failed.append(draft)
        elif draft.result is not None:
            sites = tuple(told[site.identity] for site in draft.result.sites)
            draft.result = replace(draft.result, sites=sites, verifications=found)
    return failed


def limited_by(site: SiteRewrite, answers: Sequence[Verification]) -> SiteRewrite:
    """The rewrite with the settings in which its proofs showed a difference, if there are any; else itself."""
    apart = dict(each for answer in answers for each in answer.apart.values())
    if not apart:
        return site
    first = next(iter(apart))
    others = len(apart) - 1
    more = f" and {others} more setting{'s' if others > 1 else ''}" if others else ""
    told = list(apart.items())[:_MOST_TOLD]
    notes = tuple(f"{words}, which nobody is seen to choose, {what}" for words, what in told)
    return replace(site, kind="limited", limits=(*site.limits, f"but not {first}{more}"), notes=(*site.notes, *notes))


def _sites(draft: _Draft) -> tuple[SiteRewrite, ...]:
    return draft.result.sites if draft.result is not None else ()


def refusal(kind: Kind, proof: Proof, answer: Verification) -> str | None:
    """Why a verification does not allow the edit to be written; None where it does."""
    if answer.verdict in ("failed", "refused"):
        return answer.reason or "no proof"
    if kind != "repair" and answer.verdict != "equivalent":
        return answer.reason or "old and new differ"
    if answer.apart and len(answer.apart) >= len(answer.scenarios):
        words, what = next(iter(answer.apart.values()))
        tried = len(answer.apart) + len(answer.scenarios)
        return f"old and new differ in {len(answer.apart)} of the {tried} settings that were tried: {words}, {what}"
    for curve, outcome in zip(proof.expected, answer.scenarios, strict=False):
        for step, (rate, rates) in enumerate(zip(curve, outcome.new_curve, strict=False)):
            if abs(rate - rates[0]) > 1e-12 * max(abs(rate), abs(rates[0])):
                return f"the new code gives {rates[0]!r} at step {step} where the chosen reading means {rate!r}"
    return None


__all__ = ["rewrite_sources"]
