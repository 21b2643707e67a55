"""What to change in one file: its schedules read, planned and edited one after another. Nothing is run here."""

from __future__ import annotations

import ast
import contextlib
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lrfix.analysis import SiteAnalysis
from lrfix.discovery import is_generated
from lrfix.domains.facts import literal
from lrfix.domains.signatures import stated_rate
from lrfix.experiments.company import company_in_sight, leaning_company, leans_on_present_rate
from lrfix.experiments.recognised import runs_past_the_end
from lrfix.experiments.study import Study
from lrfix.findings import Severity, Span, Status
from lrfix.names import Names
from lrfix.recognition import ScheduleSpec
from lrfix.recognition.torch_form import TorchForm, torch_form
from lrfix.registry import load_rules
from lrfix.rewriting.analyses import Analyses
from lrfix.rewriting.constructors import bound_arguments
from lrfix.rewriting.curves import expected_curve, telling_length
from lrfix.rewriting.edits import edited
from lrfix.rewriting.imports import SCHEDULERS, InsertedImport
from lrfix.rewriting.in_place.calls import MODULE as FUNCTIONS_MODULE
from lrfix.rewriting.in_place.planning import AlreadyInPlace, plan_in_place
from lrfix.rewriting.in_place.proofs import proofs_in_place
from lrfix.rewriting.in_place.surroundings import kept_below_end
from lrfix.rewriting.liveness import External
from lrfix.rewriting.model import Edit, FileRewrite, LeftAlone, NotRewritten, Proof, Reading, SiteRewrite
from lrfix.rewriting.plan import Plan, plan_site
from lrfix.rewriting.proofs import proofs_of
from lrfix.rewriting.readings import readings_of, readings_past_the_end
from lrfix.rewriting.replaceable import check_replaceable
from lrfix.rewriting.short_decays import LIMIT as SHORT_DECAYS
from lrfix.rewriting.short_decays import short_decay
from lrfix.rewriting.torchs import TORCH, check_torch_fits, torch_notes
from lrfix.rewriting.whole_steps import LIMIT as WHOLE_STEPS
from lrfix.rewriting.whole_steps import between_steps
from lrfix.sites.model import IN_PLACE, ScheduleSite
from lrfix.source import Source, SourceError, parse_source
from lrfix.suppression import read_suppressions
from lrfix.verification.values import Device, Expectation

_MOST_EDITS = 60
#: What is said of where a formula in place is asked, or of what it raises for: an equal one changes nothing of it.
_NOT_OF_THE_RATES = frozenset({"LR203", "LR205"})
Identity = tuple[str, ...]
#: Forms that torch's scheduler asks for rates: where it has to stay, what it asks may hold a call.
ASKED = frozenset({"lambda", "subclass"})
_INSIDE = "inside"


@dataclass(frozen=True)
class Options:
    """``reading`` is the key of the reading to take where a site has it; ``module`` is imported for the schedulers.
    ``prefer`` torch: what a class of torch's own expresses exactly becomes that class.
    ``unfenced`` runs schedules under CI even where the kernel cannot fence them off."""

    only_equivalent: bool = False
    verify: bool = True
    reading: str | None = None
    device: Device = "auto"
    module: str = SCHEDULERS
    max_file_size: int = 1 << 20
    unfenced: bool = False
    prefer: Literal["bundled", "torch"] = "bundled"


def propose(
    path: str,
    raw: bytes,
    external: External,
    options: Options,
    excluded: Mapping[Identity, LeftAlone],
    analyses: Analyses | None = None,
    without_torch: Collection[Identity] = (),
) -> FileRewrite:
    """All edits of one file, planned one after another, each on the text that the one before left. Nothing is run.

    ``without_torch`` are sites for which a scheduler of torch's own was tried in vain."""
    if len(raw) > options.max_file_size:
        return FileRewrite(path, "", "", skipped=f"larger than {options.max_file_size} bytes (max-file-size)")
    if is_generated(raw):
        return FileRewrite(path, "", "", skipped="marked @generated")
    try:
        source = parse_source(raw, path)
    except SourceError as error:
        return FileRewrite(path, "", "", error=error.message, error_kind=error.kind)
    if read_suppressions(source, load_rules()).skip_file:
        return FileRewrite(path, source.text, source.text, skipped="a comment says skip-file")
    try:
        return _Proposal(source, external, options, excluded, analyses or Analyses(), without_torch).run()
    except Exception as error:
        message, kind = _failure(error)
        return FileRewrite(path, source.text, source.text, error=message, error_kind=kind)


def _failure(error: BaseException) -> tuple[str, str]:
    """The message and kind of what stopped the work on a file; libcst wraps a RecursionError in errors of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, RecursionError):
            return "the code is nested too deeply to be analysed", "syntax"
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    trail = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    text = f"lrfix itself failed: {type(error).__name__}: {error} [{trail}]; please report this as a bug"
    return text, "internal"


def _is_part(site: ScheduleSite, sites: Sequence[ScheduleSite]) -> bool:
    """Whether another schedule of the file asks the function that a schedule is."""
    if site.form not in IN_PLACE or not isinstance(site.node, ast.FunctionDef):
        return False
    for other in sites:
        for node in (n for root in other.nodes for n in ast.walk(root) if other is not site):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == site.node.name:
                return True
    return False


_UNUSED = "nothing in this file uses it any more; it stays because another file may import it"


class _Proposal:
    def __init__(
        self,
        source: Source,
        external: External,
        options: Options,
        excluded: Mapping[Identity, LeftAlone],
        analyses: Analyses,
        without_torch: Collection[Identity] = (),
    ) -> None:
        self.first = source
        self.without_torch = without_torch
        self.analyses = analyses
        self.external = external
        self.options = options
        self.excluded = excluded
        self.spans: dict[Identity, Span] = {}
        self.left: dict[Identity, LeftAlone] = {}
        self.done: list[SiteRewrite] = []
        self.present: set[Identity] = set()
        self.settled: set[Identity] = set()

    def run(self) -> FileRewrite:
        source = self.first
        for _ in range(_MOST_EDITS):
            changed = self._next(source)
            if changed is None:
                break
            source = changed
        path = source.path
        # A function that was left may have gone since, with the only schedule that used it.
        left = [reason for identity, reason in self.left.items() if identity in self.present]
        return FileRewrite(path, self.first.text, source.text, tuple(self.done), tuple(left))

    def _orphaned(self, site: ScheduleSite, source: Source) -> bool:
        """Whether a function of the file has lost its last use there with a scheduler that was rewritten."""
        gone = {done.name for done in self.done if done.identity[0] not in IN_PLACE}
        if site.form != "function" or site.name not in gone:
            return False
        return not any(isinstance(node, ast.Name) and node.id == site.name for node in ast.walk(source.tree))

    def _next(self, source: Source) -> Source | None:
        """The text after the next possible edit; None where none is left."""
        occurrences: dict[Identity, int] = {}
        done = {each.identity for each in self.done}
        self.present.clear()
        source, names, sites = self.analyses.sites(source)
        # Whoever is given a function, or asks it, comes before the function, which may be a part of that alone.
        order = sorted(enumerate(sites), key=lambda each: (each[1].form in IN_PLACE, _is_part(each[1], sites)))
        known: list[tuple[int, ScheduleSite, Identity]] = []
        for index, site in order:
            kind = (site.form, site.name or "", source.segment_of(site.span), str(len(site.constructions)))
            number = occurrences.get(kind, 0) + 1
            # What was rewritten is not there any more: those like it that follow keep their numbers.
            while (*kind, str(number)) in done or (*kind, str(number), _INSIDE) in done:
                number += 1
            occurrences[kind] = number
            known.append((index, site, (*kind, str(number))))
            if not self.done:
                self.spans.setdefault(known[-1][2], site.span)
        for index, site, identity in known:
            self.present.add(identity)
            if identity in self.left or identity in self.settled:
                continue
            if identity in self.excluded:
                self.left[identity] = self.excluded[identity]
                continue
            try:
                return self._changed(source, names, site, index, identity)
            except AlreadyInPlace:
                self.settled.add(identity)
            except NotRewritten as reason:
                span = self.spans.get(identity, site.span)
                self.left[identity] = LeftAlone(
                    source.path, span, site.name, site.form, str(reason), offered=reason.offered
                )
        return None

    def _changed(self, source: Source, names: Names, site: ScheduleSite, index: int, identity: Identity) -> Source:
        """The text with one site rewritten; a function that a scheduler asks may stay one, and hold a call instead."""
        try:
            check_replaceable(names, site, self.external)
            if site.form not in IN_PLACE:
                return self._rewritten(source, self.analyses.of(source, index), identity)
        except NotRewritten as reason:
            inside = (*identity, _INSIDE)
            if site.form not in ASKED or reason.offered or inside in self.excluded:
                raise
            analysis = self.analyses.of(source, index)
            if leaning_company(analysis.study) is not None:
                raise  # the two together make the rate: neither is to be read as a schedule of its own
            self.spans.setdefault(inside, self.spans.get(identity, site.span))
            try:
                return self._in_place(source, analysis, inside)
            except NotRewritten:
                raise reason from None
        return self._in_place(source, self.analyses.of(source, index), identity)

    def _in_place(self, source: Source, analysis: SiteAnalysis, identity: Identity) -> Source:
        """A formula that stays where it is, as a call of a pure function: never a repair."""
        if self._orphaned(analysis.site, source):
            raise NotRewritten(_UNUSED)
        found = ", ".join(sorted(analysis.study.faults - _NOT_OF_THE_RATES))
        if analysis.status is Status.REPAIR and found:
            raise NotRewritten(f"{found} has to be settled first; a formula in place is only replaced by an equal one")
        codes = _findings_of(source, analysis)
        module = FUNCTIONS_MODULE if self.options.module == SCHEDULERS else self.options.module
        reexports = source.path.endswith("__init__.py")
        plan = plan_in_place(source, analysis.names, analysis.site, self.external, module, reexports)
        asked = analysis.form not in IN_PLACE and any(formula.open_end for formula in plan.formulas)
        if asked and runs_past_the_end(analysis.study):
            raise NotRewritten("training goes on past its end, where the old function goes its own way")
        text, after = self._edited(source, plan.edit, plan.inserted)
        proofs = proofs_in_place(analysis.names, analysis.site, plan, Names(after.tree))
        call, nodes = plan.formulas[0].call, analysis.site.nodes
        short = dict.fromkeys(
            told for f in plan.formulas for told in short_decay(analysis.names, nodes, f.call.arguments)
        )
        self._check_wanted(short, SHORT_DECAYS)
        ends = dict.fromkeys(
            _up_to(str(f.call.horizon)) for f in plan.formulas if f.open_end and not kept_below_end(analysis.names, f)
        )
        spec = ScheduleSpec(call.function, (), call.arguments)
        reading = Reading("as-written", "the same curve", spec, 0, "old and new agree at every step")
        self.done.append(
            SiteRewrite(
                path=source.path,
                span=self.spans.get(identity, analysis.span),
                name=analysis.name,
                kind="limited" if short else "equivalent",
                family=analysis.family,
                reading=reading,
                readings=(reading,),
                before=source.text,
                scheduler=", ".join(dict.fromkeys(f.call.function for f in plan.formulas)),
                after=text,
                proofs=proofs,
                identity=identity,
                codes=codes,
                notes=(*plan.edit.notes, *short),
                limits=(*ends, *((SHORT_DECAYS,) if short else ())),
                bundled=tuple(dict.fromkeys(f.call.function for f in plan.formulas)),
            )
        )
        return after

    def _check_wanted(self, told: Sequence[str] | Mapping[str, None], limit: str) -> None:
        if told and self.options.only_equivalent:
            raise NotRewritten(f"equivalent {limit} only; left out by --only equivalent")

    def _edited(self, source: Source, edit: Edit, inserted: Sequence[InsertedImport]) -> tuple[str, Source]:
        text = edited(source, edit, inserted)
        try:
            raw = source.encoded(text)
        except SourceError as error:
            raise NotRewritten(error.message) from None
        try:
            return text, parse_source(raw, source.path)
        except SourceError as error:
            raise NotRewritten(f"the edited text would not parse: {error.message}") from None

    def _rewritten(self, source: Source, analysis: SiteAnalysis, identity: Identity) -> Source:
        offered = readings_past_the_end(analysis) if analysis.form != "composition" else []
        if analysis.status not in (Status.EQUIVALENT, Status.REPAIR):
            if not offered:
                raise NotRewritten(_why_not(analysis))
            if self.options.reading != offered[0].key:
                raise NotRewritten(
                    f"{_why_not(analysis)}; --reading {offered[0].key} takes it as {offered[0].description}",
                    (offered[0].key,),
                )
        kind: Expectation = "equivalent" if analysis.status is Status.EQUIVALENT else "repair"
        if kind == "repair" and self.options.only_equivalent:
            keys = tuple(r.key for r in offered or readings_of(analysis)) if self.options.reading else ()
            raise NotRewritten("a repair, left out by --only equivalent", keys)
        codes = _findings_of(source, analysis)
        if kind == "repair":
            _check_own(analysis)
            _check_alone(analysis)
        readings = offered or readings_of(analysis)
        chosen = next((r for r in readings if r.key == self.options.reading), readings[0])
        form = torch_form(chosen.spec) if self._may_be_torchs(analysis, kind, identity) else None
        planned = None
        if form is not None:
            # Where torch's own does not fit, the bundled one is taken, as it is without being asked for torch's.
            with contextlib.suppress(NotRewritten):
                planned = self._planned(source, analysis, chosen.spec, kind, form)
        if planned is None:
            form, planned = None, self._planned(source, analysis, chosen.spec, kind, None)
        plan, text, after, proofs = planned
        past = _past_the_end(analysis, chosen.spec, kind) if form is None or form.ends else ()
        told, limit = _apart(analysis, chosen.spec) if kind == "equivalent" else ((), "")
        self._check_wanted(told, limit)
        ends = (_up_to(chosen.spec.arguments["total_steps"]),) if past else ()
        values, base = _shown(source, analysis)
        curves = {r.key: expected_curve(r.spec, values, base, telling_length(r.spec, values)) for r in readings}
        self.done.append(
            SiteRewrite(
                path=source.path,
                span=self.spans.get(identity, analysis.span),
                name=analysis.name,
                kind="limited" if told else kind,
                family=analysis.family,
                reading=chosen,
                readings=tuple(readings),
                before=source.text,
                scheduler=plan.scheduler,
                after=text,
                proofs=proofs,
                identity=identity,
                codes=codes,
                notes=(*plan.edit.notes, *past, *told, *(torch_notes(form) if form is not None else ())),
                limits=(*ends, *((limit,) if told else ())),
                curves=curves,
                values={**values, "base rate": base},
                torchs=form is not None,
            )
        )
        return after

    def _may_be_torchs(self, analysis: SiteAnalysis, kind: Expectation, identity: Identity) -> bool:
        wanted = self.options.prefer == "torch" and identity not in self.without_torch
        return wanted and kind == "equivalent" and analysis.form != "composition"

    def _planned(
        self, source: Source, analysis: SiteAnalysis, spec: ScheduleSpec, kind: Expectation, form: TorchForm | None
    ) -> tuple[Plan, str, Source, tuple[Proof, ...]]:
        """The edit of a site, the text after it, and what has to be run for it."""
        module = TORCH if form is not None else self.options.module
        reexports = source.path.endswith("__init__.py")
        emitted = form.spec if form is not None else spec
        plan = plan_site(source, analysis.names, analysis.site, emitted, self.external, module, reexports)
        if form is not None:
            check_torch_fits(analysis, form, plan)
        text, after = self._edited(source, plan.edit, plan.inserted)
        new = (after, Names(after.tree))
        device = self.options.device
        proofs = proofs_of(source, analysis, plan, spec, new, kind, device, module, self.external, form)
        return plan, text, after, proofs


def _apart(analysis: SiteAnalysis, spec: ScheduleSpec) -> tuple[tuple[str, ...], str]:
    """What to say of lengths that old and new take otherwise, and how far they are equal then."""
    if analysis.form == "composition":
        return between_steps(analysis.names, spec.arguments), WHOLE_STEPS
    return short_decay(analysis.names, analysis.site.nodes, spec.arguments), SHORT_DECAYS


def _up_to(end: str) -> str:
    return f"up to its end at `{end}`"


def _findings_of(source: Source, analysis: SiteAnalysis) -> tuple[str, ...]:
    """The codes of what the rules find on a site and no comment suppresses. Raises NotRewritten where comments cover
    all of it."""
    rules = load_rules()
    suppressions = read_suppressions(source, rules)
    open_codes: dict[str, None] = {}
    covered = False
    for code, rule in rules.items():
        if rule.function is None:
            continue
        try:
            violations = list(rule.function(analysis.study))
        except Exception:  # check reports the crash; here the rule finds nothing
            continue
        for violation in violations:
            if not violation.to_mend or (rule.severity is Severity.INFO and analysis.status is not Status.EQUIVALENT):
                continue
            if suppressions.covering(code, violation.span.start.line):
                covered = True
            else:
                open_codes.setdefault(code)
    if covered and not open_codes:
        raise NotRewritten("an ignore comment covers what lrfix has to say about it")
    return tuple(open_codes)


def _past_the_end(analysis: SiteAnalysis, spec: ScheduleSpec, kind: Expectation) -> tuple[str, ...]:
    if kind != "equivalent" or analysis.recognition is None or not analysis.recognition.until_end:
        return ()
    end = spec.arguments["total_steps"]
    return (f"past its end at `{end}` the old curve goes on and the new one stays; nothing here is seen to get there",)


def _check_own(analysis: SiteAnalysis) -> None:
    """What torch's schedulers were put together for is not told by what is wrong with it."""
    if analysis.form == "composition":
        found = ", ".join(sorted(analysis.study.faults))
        raise NotRewritten(f"{found} has to be settled first; a composition is only replaced by an equal schedule")


def _check_alone(analysis: SiteAnalysis) -> None:
    """A repair keeps to the rate of the step too: raises NotRewritten where others would be written over."""
    study = analysis.study
    if leans_on_present_rate(study) and (others := company_in_sight(study)) is not None:
        raise NotRewritten(f"it goes on from the rate that it finds, and {others}")
    if (beside := leaning_company(study)) is not None:
        raise NotRewritten(f"{beside}, and the two would have to be compared together")


def _why_not(analysis: SiteAnalysis) -> str:
    if analysis.reason:
        return analysis.reason
    return {
        Status.LIBRARY: "torch's own scheduler, nothing is hand-rolled",
        Status.OPAQUE: "it cannot be simulated",
        Status.FAILED: "it cannot be simulated",
    }.get(analysis.status, "the bundled scheduler has no such curve")


def _shown(source: Source, analysis: SiteAnalysis) -> tuple[dict[str, object], float]:
    """Values to draw a reading's curve with: those of the call where the file fixes them, else the first scenario's."""
    values: dict[str, object] = dict(analysis.scenarios[0].values) if analysis.scenarios else {}
    base = analysis.scenarios[0].base_lrs[0] if analysis.scenarios else 0.1
    study = analysis.study
    assert isinstance(study, Study)
    node = analysis.site.node
    for construction in analysis.site.constructions[:1]:
        rate = stated_rate(construction, study.names)
        stated = literal(rate) if rate is not None else None
        if isinstance(stated, int | float) and not isinstance(stated, bool) and stated > 0:
            base = float(stated)
        if analysis.form != "subclass" or not isinstance(node, ast.ClassDef):
            continue
        try:
            bound = bound_arguments(source, node, construction.call)
        except NotRewritten:
            continue
        simulated = study.run(0, use=construction)
        for name, (_, expression) in bound.items():
            value = literal(expression)
            if value is None:
                value = simulated.names.get(ast.unparse(expression))
            if value is not None:
                values[name] = value
    return values, base


__all__ = ["Identity", "Options", "propose"]
