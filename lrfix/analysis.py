"""From one source to its analysed sites: the seam between the engine and everything that understands schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from lrfix.domains.roles import role_of
from lrfix.findings import Evidence, ScheduleReport, Span, Status, Violation
from lrfix.judging import Verdicts

if TYPE_CHECKING:
    from lrfix.driving.laboratory import Run
    from lrfix.experiments.study import Study
    from lrfix.families import Family
    from lrfix.interpreter.reserve import Reserve
    from lrfix.looks import Looks
    from lrfix.names import Names
    from lrfix.recognition import Recognition
    from lrfix.registry import Rule
    from lrfix.sites.model import ScheduleSite
    from lrfix.source import Source
    from lrfix.usage import Place


@dataclass(frozen=True)
class SimulatedScenario:
    """Concrete values of the free expressions, and the rates they gave: one row of ``lr`` a group.

    ``values`` maps the user's expressions, valid where the scheduler is built (for a class: the parameters of its
    ``__init__``), to numbers.
    """

    values: Mapping[str, object]
    base_lrs: tuple[float, float]
    lr: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class SiteAnalysis:
    """One site, simulated, judged and recognised.

    ``recognition`` holds for the code as it is; ``alternatives`` are the settings that choose between the schedules of
    the site, which are ``settled``. What only an inventory tells of it (family, parameters, curve ...) is made when it
    is first looked at. ``crash`` is what the analysis of this site ended in, where it did; nothing is known of the site
    then.
    """

    site: ScheduleSite
    study: Study
    names: Names
    handrolled: bool
    status: Status
    reason: str | None = None
    verdicts: tuple[Verdicts, ...] = ()
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settled: tuple[Study, ...] = ()
    reserve: Reserve | None = None
    recognition: Recognition | None = None
    crash: Exception | None = None

    @property
    def span(self) -> Span:
        return self.site.span

    @property
    def form(self) -> str:
        return self.site.form

    @property
    def name(self) -> str | None:
        return self.site.name

    @property
    def studies(self) -> tuple[Study, ...]:
        """The schedules that the site holds, one a setting that chooses between them."""
        return tuple(verdicts.study for verdicts in self.verdicts)

    @property
    def counters(self) -> Mapping[str, int]:
        """What the site took until now, and what rules counted while they asked."""
        return _counters(self.study, self.reserve)

    @property
    def curve(self) -> tuple[float, ...]:
        from lrfix.experiments.study import as_float

        if not self.settled or self.study.opaque is not None or not self.study.runs:
            return ()
        return tuple(as_float(v) for v in self.study.runs[0].curve)

    @property
    def family(self) -> str:
        return self._family.name

    @property
    def parameters(self) -> Mapping[str, str]:
        return self._family.parameters

    @property
    def horizon(self) -> str | None:
        return self._family.horizon

    @cached_property
    def _family(self) -> Family:
        """The family of the site with the parameters that a rewrite gives its schedule, and its name where only numbers
        that the file states hide a part of it."""
        from lrfix.driving.budget import open_site
        from lrfix.experiments.stated_settings import told_by
        from lrfix.families import Family, family_of_site

        if not self.settled:
            return Family("other")
        # What rules took is not missing here: they come first, so that no finding depends on who asks for this.
        open_site(self.names.tree, self.site.node)
        family, found = family_of_site(self.site, self.settled, self.alternatives), self.recognition
        if found is None or found.spec is None or len(self.settled) > 1:
            return family
        name = found.family if told_by(self.study) is not self.study else family.name
        return replace(family, name=name, parameters={**family.parameters, **found.parameters})

    @cached_property
    def schedules(self) -> tuple[ScheduleReport, ...]:
        from lrfix.families import schedules

        return schedules(self.settled)

    @property
    def shown(self) -> Evidence | None:
        """The curve with its end, and the values that it came out under: the code's own as far as it states them."""
        from lrfix.experiments.own_numbers import in_own_numbers

        if not self.curve:
            return None
        told = in_own_numbers(self.study)
        return told.evidence(told.runs[0], ())

    @cached_property
    def _told(self) -> tuple[Run, ...]:
        """The runs in whose terms a rewrite is made and proved."""
        from lrfix.experiments.stated_settings import told_by

        if not self.settled:
            return ()
        told = told_by(self.study)
        runs = (told.run(index, use=told.described_by) for index in range(len(self.study.runs)))
        return tuple(
            run for run in runs if run.ran and (run.failure is None or _fails_past_its_end(run, self.recognition))
        )

    @cached_property
    def scenarios(self) -> tuple[SimulatedScenario, ...]:
        return tuple(map(_scenario, self._told))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The expressions of the user's code that the scenarios gave values to (``args.epochs``, ``len(loader)``, for a
        class the names of ``__init__``'s parameters)."""
        return tuple(dict.fromkeys(path for run in self._told for path in (*run.leaves, *_parameters(run, self.site))))

    @property
    def roles(self) -> Mapping[str, str]:
        return {path: role_of(path).value for path in self.leaves}

    def violations(self, rule: Rule) -> Iterator[Violation]:
        """What a rule finds in the schedules of the site, one after the other."""
        for verdicts in self.verdicts:
            yield from verdicts.of(rule)


def examine(
    source: Source, torch_version: str | None = None, place: Place | None = None, looks: Looks | None = None
) -> Sequence[SiteAnalysis]:
    """What ``analyse`` finds and, last, the file's own use of schedules (form ``training``), where it uses any."""
    from lrfix.names import Names

    names = Names(source.tree)
    return [*analyse(source, torch_version, place, names, looks), *_training(source, names)]


def _training(source: Source, names: Names) -> Iterator[SiteAnalysis]:
    from lrfix.sites import training_code

    site = training_code(names)
    if site is not None:
        from lrfix.experiments.study import Study

        study = Study(source, names, site)
        yield SiteAnalysis(
            site=site,
            study=study,
            names=names,
            handrolled=False,
            status=Status.LIBRARY,
            verdicts=(Verdicts(study),),
        )


def analyse(
    source: Source,
    torch_version: str | None = None,
    place: Place | None = None,
    names: Names | None = None,
    looks: Looks | None = None,
) -> Sequence[SiteAnalysis]:
    """Every schedule site of ``source``, in the order of the text; without ``place`` the file is looked at alone.

    ``looks`` writes down what is asked about other files, here and later, while rules ask.
    """
    from lrfix.driving.budget import open_file
    from lrfix.names import Names
    from lrfix.neighbours import Neighbourhood
    from lrfix.sites import find_sites
    from lrfix.usage import sites_with_uses

    del torch_version
    names = names or Names(source.tree)
    open_file(source.tree)
    around = Neighbourhood(place.path, names, looks) if place is not None else None
    names, sites = find_sites(source, names)
    if around is None or place is None:
        return [_analysed(source, names, site) for site in sites]
    alone: tuple[Names, list[ScheduleSite]] | None = None
    found = []
    for site in sites_with_uses(source, names, sites, around, place):
        analysis = _analysed(source, names, site)
        if any(study.borrows for study in analysis.studies):
            alone = alone or find_sites(source)
            same = next((other for other in alone[1] if other.span == site.span), None)
            analysis = _joined(analysis, _analysed(source, alone[0], same, analysis.study) if same else None)
        found.append(analysis)
    return found


def _analysed(source: Source, names: Names, site: ScheduleSite, beside: Study | None = None) -> SiteAnalysis:
    """What ``analyse_site`` gives; where it crashes, that: the other sites of the file are told of all the same."""
    try:
        return analyse_site(source, names, site, beside=beside)
    except Exception as error:
        from lrfix.experiments.study import Study

        return SiteAnalysis(
            site=site,
            study=Study(source, names, site),
            names=names,
            handrolled=True,
            status=Status.FAILED,
            reason="lrfix itself failed on it",
            crash=error,
        )


def _joined(analysis: SiteAnalysis, alone: SiteAnalysis | None) -> SiteAnalysis:
    """What a site shows beside the other files of its project and what it shows alone, the findings of both.

    Another file may add a finding; it never acquits. Only what says that a schedule is sound has to hold both ways, and
    a rewrite, which looks at one file, rests on the file alone.
    """
    if alone is not None and any(_unbuilt(study) for study in analysis.studies):
        return alone  # what cannot be built with the other files at hand says nothing of them
    verdicts = (*analysis.verdicts, *(alone.verdicts if alone is not None else ()))
    shown = analysis if alone is None or analysis.status.judged else alone
    faults = frozenset().union(*(one.study.faults for one in verdicts))
    sound = analysis.status is Status.EQUIVALENT and alone is not None and alone.status is Status.EQUIVALENT
    for one in verdicts:
        one.study.faults = faults
        one.study.rewritable = sound
    if shown.status.judged and faults:
        return replace(shown, verdicts=verdicts, status=Status.REPAIR)
    if shown.status is not Status.EQUIVALENT or sound:
        return replace(shown, verdicts=verdicts)
    reason = "parts of it stand in other files, and a rewrite looks at one file"
    if alone is not None and alone.status is Status.UNSUPPORTED:
        reason = alone.reason or reason
    return replace(shown, verdicts=verdicts, status=Status.UNSUPPORTED, reason=reason)


def _unbuilt(study: Study) -> bool:
    failure = study.runs[0].failure
    return failure is not None and failure.step <= 0 and failure.kind != "ZeroDivisionError"


def studied(
    source: Source, names: Names, site: ScheduleSite, beside: Study | None = None
) -> tuple[dict[str, list[str]], list[Study]]:
    """The settings that choose between the schedules of a site, and the study of each, its open values settled.

    ``beside``: a study of the same site with other files at hand, whose runs need not be made again where they would
    be the same.
    """
    from lrfix.domains.facts import Defaults
    from lrfix.domains.switches import inherited, settings, switches
    from lrfix.driving.laboratory import Laboratory
    from lrfix.experiments.settling import settle
    from lrfix.experiments.study import Study

    alternatives = switches(names, inherited(names, site.nodes), Defaults(names))
    laboratory = Laboratory(names, site)
    if beside is not None:
        laboratory.take_over(beside.laboratory)
    chosen = settings(alternatives)
    studies = [Study(source, names, site, each, laboratory=laboratory) for each in chosen]
    for study in studies:
        settle(study, alternatives)
    return alternatives, studies


def analyse_site(
    source: Source, names: Names, site: ScheduleSite, patience: int = 1, beside: Study | None = None
) -> SiteAnalysis:
    """Simulate one site, judge it, and recognise its family; with ``patience`` times the work of a check.

    ``beside``: a study of the site with other files at hand, where ``names`` has none.
    """
    from lrfix.driving.budget import open_site
    from lrfix.experiments.equivalence import equivalent
    from lrfix.experiments.recognised import recognised

    reserve = open_site(names.tree, site.node, patience)
    alternatives, studies = studied(source, names, site, beside)
    followed = [one for one in studies if one.opaque is None]
    study = next((one for one in followed if one.ran), (followed or studies)[0])
    opaque = study.opaque
    verdicts = tuple(Verdicts(each) for each in judged(studies))
    for each in verdicts:
        each.study.faults = each.faults
    study.faults = frozenset().union(*(each.study.faults for each in verdicts))
    recognition = None if opaque is not None else recognised(study) if study.faults else equivalent(study)
    return SiteAnalysis(
        site=site,
        study=study,
        names=names,
        handrolled=True,
        status=_status(study, opaque, recognition),
        reason=opaque or _beyond(study) or (recognition.reason if recognition else _unfinished(study, reserve)),
        verdicts=verdicts,
        alternatives=alternatives,
        settled=tuple(studies),
        reserve=reserve,
        recognition=recognition,
    )


def judged(studies: Sequence[Study]) -> list[Study]:
    """What the rules are asked about: schedules that differ, at each number that chooses one, in use and alone."""
    from lrfix.experiments.alternatives import at_its_numbers, distinct

    found = distinct(studies)
    found += [other for one in found for other in at_its_numbers(one)]
    return [*found, *_by_themselves(found)]


def _by_themselves(studies: Sequence[Study]) -> Iterator[Study]:
    """The definitions as whoever else builds them may: one caller that sets no warmup does not acquit the class."""
    from lrfix.experiments.study import Study, usable

    for study in studies:
        if study.site.form == "lambda" or study.use is None:
            continue
        drawn = study.run(0, use=None)
        if usable(drawn) and drawn.curve != study.run(0).curve:
            alone = Study(study.source, study.names, study.site, study.settings, True, study.laboratory)
            alone.groups = study.groups
            yield alone


def _status(study: Study, opaque: str | None, recognition: Recognition | None) -> Status:
    if opaque is not None:
        return Status.OPAQUE
    if study.faults:
        return Status.REPAIR
    if not any(run.ran and run.curve for run in study.runs):
        return Status.FAILED
    if recognition is not None and recognition.spec is not None and not study.unseen:
        return Status.EQUIVALENT
    return Status.UNSUPPORTED


def _counters(study: Study, reserve: Reserve | None) -> dict[str, int]:
    if reserve is None:
        return study.counters
    found = {**study.counters, "runs": reserve.runs, "steps": reserve.steps, "fuel": reserve.taken}
    return {**found, "fuel-spent": 1} if reserve.refused else found


def _unfinished(study: Study, reserve: Reserve) -> str | None:
    from lrfix.interpreter.reserve import SPENT

    return _failure(study) or (SPENT if reserve.refused else None)


def _fails_past_its_end(run: Run, recognition: Recognition | None) -> bool:
    from lrfix.experiments.recognised import end_of

    spec = recognition.spec if recognition is not None and recognition.until_end else None
    end = end_of(spec, run) if spec is not None else None
    return end is not None and run.failure is not None and run.failure.step >= end


def _failure(study: Study) -> str | None:
    failed = next((run.failure for run in study.runs if run.failure is not None), None)
    if failed is None:
        return None
    when = "when it is built" if failed.step < 0 else f"at step {failed.step}"
    return f"fails {when} with {failed.kind}: {failed.message}"


def _beyond(study: Study) -> str | None:
    if not study.unseen:
        return None
    return f"the code speaks of {study.unseen} steps and lrfix simulates {study.steps}, so its end is not known"


def _parameters(run: Run, site: ScheduleSite) -> list[str]:
    return list(run.names) if site.form != "lambda" else []


def _scenario(run: Run) -> SimulatedScenario:
    values = {p: v for p, v in {**run.names, **run.leaves}.items() if v is not None}
    bases = (*run.base_lrs, *run.base_lrs)[:2]
    return SimulatedScenario(values=values, base_lrs=(bases[0], bases[1]), lr=tuple(tuple(rates) for rates in run.lr))


__all__ = ["SimulatedScenario", "SiteAnalysis", "analyse", "analyse_site", "examine", "judged", "studied"]
