"""The text of ``lrfix rewrite``: a line a schedule, the readings of a repair, and per file the diff."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from lrfix.commands.rewrite_diff import unified_diff
from lrfix.commands.rewrite_summary import summary
from lrfix.findings import Position
from lrfix.notebooks.notebook import Notebook
from lrfix.output.sparkline import sparkline
from lrfix.output.terminal import Style, in_one_line
from lrfix.rewriting.model import FileRewrite, LeftAlone, OwnRepair, Proof, SiteRewrite
from lrfix.verification import ScenarioOutcome, Verification, VerificationRequest
from lrfix.verification.compare import TOLERANCE
from lrfix.wording import counted as _count
from lrfix.wording import num

_MOST_ROWS = 12


@dataclass(frozen=True)
class Report:
    """``applied``: the changes are written; ``verified``: old and new were run; ``verbose``: every proof by itself.
    ``notebooks`` by path: of them the rewrite knows the program alone."""

    style: Style
    applied: bool
    verified: bool
    quiet: bool = False
    notebooks: Mapping[str, Notebook] = field(default_factory=dict)
    verbose: bool = False

    def file(self, result: FileRewrite) -> str:
        """Everything there is to say about one file; empty where that is nothing."""
        if result.error is not None:
            return self.trouble(result)
        if result.skipped is not None:
            return "" if self.quiet else f"{result.path}: {self.style.paint('skipped', 'dim')}: {result.skipped}\n"
        parts = [self._site(site, result.verifications.get(site.identity, ())) for site in result.sites]
        parts += [self._repair(repair) for repair in result.repairs]
        if result.changed:
            parts.append(self.diff(result))
        parts += [self._left(left) for left in result.left if left.failed or left.refused or not self.quiet]
        return "\n".join(part for part in parts if part) + ("\n" if any(parts) else "")

    def summary(self, results: Sequence[FileRewrite], written: Collection[str]) -> str:
        """One line at the end; ``written`` are the paths of the files that were."""
        sites = sum(len(result.sites) for result in results if not self.applied or result.path in written)
        changed = sum(result.changed for result in results)
        left = sum(len(result.left) for result in results)
        failed = sum(site.failed for result in results for site in result.left)
        repairs = sum(len(result.repairs) for result in results if not self.applied or result.path in written)
        if repairs:
            would = "" if self.applied else " would be"
            text = f"{_count(repairs, 'finding')}{would} repaired in {_count(changed, 'file')}"
            text += "" if self.applied else " (--apply writes)"
        elif self.applied:
            text = f"{_count(sites, 'schedule')} rewritten in {_count(len(written), 'file')}"
        elif sites:
            text = f"{_count(sites, 'schedule')} would be rewritten in {_count(changed, 'file')} (--apply writes)"
        else:
            text = "nothing to rewrite"
        if left:
            text += f", {left} left alone"
        skipped = sum(result.skipped is not None for result in results)
        if skipped:
            text += f", {_count(skipped, 'file')} skipped"
        if failed:
            text += f", {failed} of them because verification failed"
        refused = sum(site.refused for result in results for site in result.left)
        if refused:
            text += f", {refused} of them because {'it' if refused == 1 else 'they'} may not be run"
        return text + "\n" + self._fences(results)

    def _fences(self, results: Sequence[FileRewrite]) -> str:
        """What the kernel did not have while schedules were run."""
        ran = [v for result in results for proofs in result.verifications.values() for v in proofs]
        ran += [v for result in results for left in result.left for v in left.verifications if v.verdict != "refused"]
        missing = dict.fromkeys(each for verification in ran for each in verification.missing_fences)
        if not missing:
            return ""
        return f"note: the schedules were run without all of the kernel's fences: no {', no '.join(missing)}\n"

    def _site(self, site: SiteRewrite, verifications: Sequence[Verification]) -> str:
        name = f" {site.name}" if site.name else ""
        kind = self.style.paint(site.standing, "cyan" if site.kind == "equivalent" else "yellow")
        codes = f" ({', '.join(site.codes)})" if site.codes and site.kind == "repair" else ""
        place = self.style.paint(self._place(site.path, site.span.start), "bold")
        lines = [f"{place}:{name} {kind}{codes} -> {site.scheduler}"]
        said = summary(verifications)
        if not self.verified:
            lines[0] += ", not verified: neither version was run"
        elif not self.verbose and site.kind != "repair":
            lines[0] += f": {said.words}"
        if site.kind == "repair":
            lines += self._readings(site)
        lines += [f"  note: {note}" for note in (*site.notes, *(said.caveats if not self.verbose else ()))]
        if site.kind == "repair" and verifications and not self.verbose:
            # The curve changes: how, is what has to be looked at.
            lines += self._proof(site.path, site.proofs[0], verifications[0])
        for proof, verification in zip(site.proofs, verifications, strict=False):
            if self.verbose:
                lines += self._proof(site.path, proof, verification)
        return "\n".join(lines) + "\n"

    def _proof(self, path: str, proof: Proof, verification: Verification) -> list[str]:
        if isinstance(proof.request, VerificationRequest) and proof.request.curves_only:
            return _settings(self._in_cells(path, proof.label), verification)
        return [
            f"  {self._in_cells(path, proof.label)}{_values(verification.scenarios[0])}",
            *self._table(verification.scenarios[0]),
            f"  {_verdict(verification, proof.request.steps)}",
            *(f"  note: {note}" for note in verification.notes),
        ]

    def _repair(self, repair: OwnRepair) -> str:
        finding = repair.finding
        place = self.style.paint(self._place(finding.path, finding.span.start), "bold")
        kind = self.style.paint("repaired", "yellow")
        return f"{place}: {finding.code} {kind}: {repair.says}; {repair.curve}\n  {finding.message}\n"

    def _readings(self, site: SiteRewrite) -> list[str]:
        lines = []
        if len(site.readings) > 1:
            shown = ", ".join(f"{k}={num(v)}" for k, v in site.values.items() if isinstance(v, int | float))
            lines.append(f"  readings (curves for {shown}):")
        for reading in site.readings:
            curve = site.curves.get(reading.key, ())
            chosen = reading.key == site.reading.key
            mark = self.style.paint("*", "bold") if chosen else " "
            span = f" {num(min(curve))} .. {num(max(curve))}" if curve else ""
            lines.append(f"  {mark} {reading.key}: {reading.description}")
            if curve:
                lines.append(f"      {sparkline(curve, levels=self.style.blocks)}{span}")
            lines += textwrap.wrap(f"because {reading.because}", 110, initial_indent=" " * 6, subsequent_indent=" " * 8)
        if len(site.readings) > 1:
            others = " or ".join(f"--reading {r.key}" for r in site.readings if r.key != site.reading.key)
            lines.append(f"  * is taken; choose another with {others}")
        return lines

    def _table(self, outcome: ScenarioOutcome) -> list[str]:
        rows = list(outcome.rows)
        if len(rows) > _MOST_ROWS:
            rows = [rows[round(i * (len(rows) - 1) / (_MOST_ROWS - 1))] for i in range(_MOST_ROWS)]
        lines = [f"  {'step':>8}  {'old rate':>24}  {'new rate':>24}"]
        for row in rows:
            old = f"{row.old[0]!r}" if row.old is not None else "raises"
            new = f"{row.new[0]!r}" if row.new is not None else "raises"
            line = f"  {row.step:>8}  {old:>24}  {new:>24}"
            lines.append(line if old == new else self.style.paint(line, "yellow") if _apart(row.old, row.new) else line)
        return lines

    def _place(self, path: str, position: Position) -> str:
        if path in self.notebooks:
            number, position = self.notebooks[path].place(position)
            path = f"{path}:cell {number}"
        return f"{in_one_line(path)}:{position.line}:{position.column}"

    def _in_cells(self, path: str, words: str) -> str:
        return self.notebooks[path].in_cells(words) if path in self.notebooks else words

    def diff(self, result: FileRewrite) -> str:
        """The change of one file, of a notebook cell by cell; empty where there is none."""
        if not result.changed:
            return ""
        if result.path not in self.notebooks:
            return unified_diff(result.path, result.before, result.after, self.style)
        changes = self.notebooks[result.path].changes(result.after)
        cells = [(f"{result.path}:cell {cell.number}", cell.text, new) for cell, new in changes]
        return "".join(unified_diff(name, old, new, self.style) for name, old, new in cells)

    def trouble(self, result: FileRewrite) -> str:
        """What went wrong with one file: it cannot be read, a proof failed, a schedule may not be run."""
        if result.error is not None:
            return f"{self.style.paint('error', 'red')}: {result.path}: {result.error}\n"
        return "".join(self._left(left) for left in result.left if left.failed or left.refused)

    def _left(self, left: LeftAlone) -> str:
        name = f" {left.name}" if left.name else ""
        what = self.style.paint("left as it is", "red" if left.failed or left.refused else "dim")
        text = f"{self._place(left.path, left.span.start)}:{name} {what}: {left.reason}\n"
        failed = next((v for v in left.verifications if v.scenarios and v.verdict != "equivalent"), None)
        if left.failed and failed is not None:
            text += "\n".join(self._table(failed.scenarios[0])) + "\n"
        return text


def _verdict(verification: Verification, steps: int) -> str:
    outcomes = verification.scenarios
    parts = []
    if verification.largest is not None:
        judged = [o.scenario.end if o.scenario.end is not None else len(o.new_curve) for o in outcomes]
        last = max(judged, default=steps) - 1
        apart = verification.largest
        what = f"largest difference {num(apart.relative)} of the peak at step {apart.step}"
        parts.append(f"{what if apart.relative else 'rates bit-equal'} over 0..{last}")
    groups = max((len(o.scenario.base_lrs) for o in outcomes), default=0)
    parts.append(f"{_count(len(outcomes), 'scenario')}, {_count(groups, 'parameter group')}")
    if outcomes and all(o.new_resume.exact for o in outcomes):
        parts.append("resumed runs bit-equal")
    if outcomes and all(o.weights_equal for o in outcomes):
        parts.append("weights bit-equal")
    elif outcomes and all(o.weights_apart is not None for o in outcomes):
        parts.append(f"weights within {max(o.weights_apart or 0.0 for o in outcomes):.1g}")
    parts.append(f"{'devices' if len(verification.devices) > 1 else 'device'} {', '.join(verification.devices)}")
    if verification.torch_version:
        parts.append(f"torch {verification.torch_version}")
    return ", ".join(parts)


def _settings(label: str, verification: Verification) -> list[str]:
    """What many settings showed: how many, where only the old version raises, where they part past the end."""
    outcomes = verification.scenarios
    apart = sum(outcome.largest is not None and outcome.largest.relative > TOLERANCE for outcome in outcomes)
    what = f"the new rates differ in {apart} of" if apart else "no difference in"
    lines = [f"  {label}: {what} {_count(len(outcomes), 'setting')} while training lasts"]
    for outcome in outcomes:
        if outcome.old_error is not None and outcome.new_error is None:
            lines.append(f"    {outcome.scenario.words} only the old version raises, at {outcome.old_error}")
    lines += [f"    {caveat}" for caveat in summary((verification,)).caveats if caveat.startswith("past the end")]
    return lines


def _values(outcome: ScenarioOutcome) -> str:
    shown = [f"{k}={num(v)}" for k, v in outcome.scenario.values.items()]
    shown.append(f"base rate {num(outcome.scenario.base_lrs[0])}")
    return f" ({', '.join(shown)}):"


def _apart(old: tuple[float, ...] | None, new: tuple[float, ...] | None) -> bool:
    if old is None or new is None:
        return True
    return abs(old[0] - new[0]) > 1e-12 * max(abs(old[0]), abs(new[0]))


__all__ = ["Report"]
