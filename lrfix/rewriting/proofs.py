"""The programs of a rewrite, cut from the file before and after the edit, and the scenarios to run them under."""

from __future__ import annotations

import ast
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from lrfix.analysis import SimulatedScenario, SiteAnalysis
from lrfix.domains.facts import Defaults, literal
from lrfix.domains.inferred import inferred
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import BASE_RATES, GENERIC, Scenario
from lrfix.domains.signatures import constructor_parameters, parameters, stated_rate
from lrfix.domains.switches import inherited, switches
from lrfix.domains.whole import WholeNumbers
from lrfix.experiments.stated_settings import opened_settings
from lrfix.experiments.study import Study
from lrfix.names import Names
from lrfix.recognition import ScheduleSpec
from lrfix.recognition.torch_form import TorchForm
from lrfix.rewriting.callers import callers
from lrfix.rewriting.constructors import bound_arguments, constructor, names_of, restart_parameter
from lrfix.rewriting.curves import MOST_WALKED, expected_curve, longest_number, telling_length, value_of, walked
from lrfix.rewriting.emission import arguments_of, substituted
from lrfix.rewriting.grid import is_long, settings
from lrfix.rewriting.imports import SCHEDULERS
from lrfix.rewriting.liveness import External
from lrfix.rewriting.model import NotRewritten, Proof
from lrfix.rewriting.plan import Plan
from lrfix.rewriting.seen import Seen
from lrfix.rewriting.slices import Slice, call_slice, class_slice, spec_program
from lrfix.rewriting.told_steps import told_proof, told_steps
from lrfix.rewriting.torchs import TORCH
from lrfix.rewriting.whole_steps import CountedWhole
from lrfix.sites.model import Construction
from lrfix.sites.subclasses import optimizer_parameter
from lrfix.sites.vocabulary import call_argument
from lrfix.source import Source
from lrfix.verification import RefusedSlice, VerificationRequest, check_program
from lrfix.verification import Scenario as Values
from lrfix.verification.values import Device, Expectation


def proofs_of(
    source: Source,
    analysis: SiteAnalysis,
    plan: Plan,
    spec: ScheduleSpec,
    after: tuple[Source, Names],
    kind: Expectation,
    device: Device,
    module: str,
    external: External,
    torchs: TorchForm | None = None,
) -> tuple[Proof, ...]:
    """What has to be run before the edit may be written. Raises NotRewritten where the schedule cannot be cut out."""
    prover = _Prover(source, analysis.names, analysis, plan, spec, after[1], kind, device, module)
    if torchs is not None:
        prover.emitted, prover.modules = torchs.spec, {}
        prover.until_end = prover.until_end and torchs.ends
    prover.told = told_steps(analysis.names, analysis.site, external) if kind == "equivalent" else None
    if analysis.form != "subclass":
        return tuple(prover.calls(analysis.leaves))
    return (*prover.calls(()), *prover.parameters())


_MOST_STATED = 20_000


class _Prover:
    def __init__(
        self,
        source: Source,
        names: Names,
        analysis: SiteAnalysis,
        plan: Plan,
        spec: ScheduleSpec,
        new_names: Names,
        kind: Expectation,
        device: Device,
        module: str,
    ) -> None:
        self.source = source
        self.names = names
        self.analysis = analysis
        self.plan = plan
        self.spec = spec
        self.new_names = new_names
        self.kind = kind
        self.device = device
        self.module = module
        self.emitted = spec
        self.modules = {module: SCHEDULERS}
        self.told: str | None = None
        found = analysis.recognition
        self.texts = self._texts(plan)
        self.until_end = kind == "equivalent" and found is not None and found.until_end

    def calls(self, known: Sequence[str]) -> list[Proof]:
        """One proof for each replaced call, in terms of what is free where it stands."""
        found = []
        opened = opened_settings(self.analysis.study)
        for old, new in matched_calls(self.names, self.new_names, self.plan):
            construction = next(c for c in self.plan.constructions if c.call is old)
            assert construction.optimizer is not None
            before = call_slice(
                self.names,
                old,
                construction.optimizer,
                known,
                restart=call_argument(old, self._restart(), "last_epoch"),
                opened=opened,
            )
            after = call_slice(
                self.new_names,
                new,
                new.args[0],
                known,
                self.modules,
                restart=next((k.value for k in new.keywords if k.arg == "last_epoch"), None),
                opened=opened,
            )
            spec = self._spec_at(construction)
            scenarios = self._scenarios(before, after, construction)
            found += self._as_stated(before, after, scenarios[0], spec)
            around = [o for o in self.names.ancestors(old) if isinstance(o, ast.FunctionDef | ast.Lambda)]
            found += self._grid(before, after, scenarios[0], spec, around)
            found += self._called(construction, spec)
            found += self._told(before, after, scenarios, spec)
            label = f"as built at line {old.lineno}" if self.analysis.form == "subclass" else "as built"
            found.insert(0, self._proof(before, after, scenarios, spec, label))
        return found

    def _as_stated(self, before: Slice, after: Slice, generic: Values, spec: ScheduleSpec) -> list[Proof]:
        """The lengths that the file states, where scenarios replace them by shorter ones: scaled down if need be."""
        study = self.analysis.study
        assert isinstance(study, Study)
        defaults = study.defaults
        lengths = [key for key in dict.fromkeys((*before.free, *after.free)) if role_of(key) in LENGTHS]
        stated = {key: value for key in lengths if isinstance(value := defaults.get(key), int) and value > 1}
        if self.kind != "equivalent" or not stated or len(stated) < len(lengths):
            return []
        for shorter in (1, 10, 100, 1000):
            values = {**generic.values, **{key: max(1, value // shorter) for key, value in stated.items()}}
            # Other names for a length move with it.
            moved = {generic.values[key]: values[key] for key in stated if key in generic.values}
            visible = {n: moved.get(v, v) if type(v) is int else v for n, v in self._visible(0, set(values)).items()}
            steps = telling_length(spec, visible | values, most=_MOST_STATED)
            if steps < _MOST_STATED:
                break
        label = "with the lengths that the file states" + (f", divided by {shorter}" if shorter > 1 else "")
        end = self._last_end(spec, visible | values) if self.until_end else None
        scenario = Values(values, generic.base_lrs, end)
        request = VerificationRequest(before.source, after.source, (scenario,), steps, "equivalent", self.device)
        return [Proof(request, label)]

    def _grid(
        self, before: Slice, after: Slice, generic: Values, spec: ScheduleSpec, around: Sequence[ast.AST]
    ) -> list[Proof]:
        """Every setting that a caller may legally choose, one axis at a time; what is repaired was wrong in some."""
        if self.kind != "equivalent":
            return []
        study = self.analysis.study
        assert isinstance(study, Study)
        roots = inherited(self.names, self.analysis.site.nodes)
        texts = switches(self.names, [*roots, *around], study.defaults)
        optional = [
            name
            for node in (*around, *self.analysis.site.nodes)
            for name, default, _ in taken(self.names, node)
            if isinstance(default, ast.Constant) and default.value is None and name in generic.values
        ]
        repeated = [text for name, text in spec.arguments.items() if name in ("step_size", "T_0")]
        tried = list(
            settings(generic.values, generic.base_lrs, texts, optional, self._whole(), Seen(self.names), repeated)
        )
        found = []
        for label, chosen in (
            ("in every setting that a caller may choose", [t for t in tried if not is_long(t.values, generic.values)]),
            ("with longer lengths", [t for t in tried if is_long(t.values, generic.values)]),
        ):
            if not chosen:
                continue
            names = [self._visible(0, set(generic.values)) | dict(t.values) for t in chosen]
            # What the file works out of a moved value is not known here: the new scheduler says what it was given.
            scenarios = tuple(
                Values(t.values, t.base_lrs, self._end(spec, t.values), t.words, t.legal, t.cut_short) for t in chosen
            )
            steps = min(max(longest_number(before.source), *(walked(spec, n) for n in names)), MOST_WALKED)
            request = VerificationRequest(
                before.source,
                after.source,
                scenarios,
                steps,
                self.kind,
                self.device,
                curves_only=True,
                old_may_raise=True,
                ends_itself=True,
            )
            found.append(Proof(request, label))
        return found

    def _whole(self) -> Container[str]:
        """The lengths that are whole numbers of steps: of torch's own schedulers all that nobody is seen to divide."""
        joined = self.analysis.form == "composition"
        return CountedWhole(self.names) if joined else WholeNumbers(self.names)

    def _called(self, construction: Construction, spec: ScheduleSpec) -> list[Proof]:
        """What the file's own callers of the builder pass, fractions and all."""
        found: list[Proof] = []
        for caller in callers(self.names, self.new_names, construction) if self.kind == "equivalent" else ():
            try:
                before = call_slice(self.names, caller.before, caller.before_optimizer)
                after = call_slice(self.new_names, caller.after, caller.after_optimizer, modules=self.modules)
                told = substituted(spec, {name: (ast.unparse(node), node) for name, node in caller.given.items()})
                check_program(before.source)
            except (NotRewritten, RefusedSlice):
                # What a caller passes cannot be cut out, or not be run (it reads the command line): the settings above
                # stand for it.
                continue
            scenarios, steps = [], 0
            for index in range(GENERIC):
                values = self._values(index, before, after, {})
                scenarios.append(Values(values, BASE_RATES[index], self._end(told, values)))
                steps = max(steps, min(walked(told, values), MOST_WALKED), longest_number(before.source))
            request = VerificationRequest(
                before.source,
                after.source,
                tuple(scenarios),
                steps,
                self.kind,
                self.device,
                curves_only=True,
                old_may_raise=True,
            )
            found.append(Proof(request, f"as called at line {caller.before.lineno}"))
        return found

    def _told(self, before: Slice, after: Slice, scenarios: Sequence[Values], spec: ScheduleSpec) -> list[Proof]:
        """Told the step instead of counting it, where the code is seen to do so."""
        if self.told is None:
            return []
        lasts = []
        for index, scenario in enumerate(scenarios):
            names = self._visible(index, {*before.free, *after.free}) | dict(scenario.values)
            end = self._last_end(spec, names) if self.until_end else None
            lasts.append(min(walked(spec, names) if end is None else max(end - 1, 0), MOST_WALKED))
        return [told_proof(before, after, scenarios, lasts, self.told == "fractional", self.device)]

    def _last_end(self, spec: ScheduleSpec, names: Mapping[str, object]) -> int | None:
        """As ``_end``, and no earlier than the lengths of the whole say: what a reading believes may be too short."""
        told = self._end(spec, names)
        numbers = {k: v for k, v in names.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        wholes = [math.ceil(v) for k, v in numbers.items() if role_of(k) is Role.HORIZON]
        return max(told, *wholes) if told is not None and wholes else told

    def _end(self, spec: ScheduleSpec, names: Mapping[str, object]) -> int | None:
        """How many steps training takes under a setting, where the schedule is told a length."""
        total = value_of(spec, "total_steps", names)
        return max(math.ceil(total), 0) if total is not None and math.isfinite(total) else None

    def _restart(self) -> int:
        """The position of ``last_epoch`` in the old call."""
        if self.analysis.form == "composition":
            return 3
        node = self.analysis.site.node
        if self.analysis.form != "subclass" or not isinstance(node, ast.ClassDef):
            return 2
        initialiser = constructor(node)
        arguments = initialiser.args if initialiser is not None else None
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)][1:] if arguments is not None else []
        restart = restart_parameter(node)
        return names.index(restart) if restart in names else len(names) + 99

    def _spec_at(self, construction: Construction) -> ScheduleSpec:
        node = self.analysis.site.node
        if self.analysis.form != "subclass" or not isinstance(node, ast.ClassDef):
            return self.spec
        return substituted(self.spec, bound_arguments(self.source, node, construction.call))

    def parameters(self) -> list[Proof]:
        """A class under other values than those of the file: any that its parameters may have."""
        node = self.analysis.site.node
        assert isinstance(node, ast.ClassDef)
        _, optimizer = optimizer_parameter(node)
        initialiser = constructor(node)
        own = set()
        if initialiser is not None:
            arguments = initialiser.args
            own = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        simulated = list(self.analysis.scenarios) or [
            SimulatedScenario({}, BASE_RATES[index], ()) for index in range(GENERIC)
        ]
        given = [n for n in simulated[0].values if n in own and n not in (restart_parameter(node), optimizer)]
        needed = [n for n in names_of(self.spec) if n in own and n not in given]
        if initialiser is not None and needed:
            given += needed
        before = class_slice(self.names, node, optimizer, given)
        if self.plan.alias is not None:
            new = next(
                n
                for n in self.new_names.nodes
                if isinstance(n, ast.ClassDef) and n.name == node.name and self._at_same_depth(n, node)
            )
            after = class_slice(self.new_names, new, optimizer, given, self.modules)
        else:
            module = self.modules.get(self.module, TORCH)
            after = spec_program(module, self.emitted.scheduler, ", ".join(arguments_of(self.emitted)), given)
        scenarios = [
            Values(self._values(index, before, after, s.values), _bases(s)) for index, s in enumerate(simulated)
        ]
        scenarios += self._varied(before, after)
        # A class that goes is built as its calls build it, and by nobody else.
        edges = self._grid(before, after, scenarios[0], self.spec, ()) if self.plan.alias is not None else []
        told = self._told(before, after, scenarios, self.spec) if self.plan.alias is not None else []
        return [self._proof(before, after, scenarios, self.spec, "with any parameters"), *edges, *told]

    def _at_same_depth(self, new: ast.ClassDef, old: ast.ClassDef) -> bool:
        return len(list(self.new_names.ancestors(new))) == len(list(self.names.ancestors(old)))

    def _scenarios(self, before: Slice, after: Slice, construction: Construction) -> list[Values]:
        simulated = list(self.analysis.scenarios)
        known = simulated if self.analysis.form != "subclass" else []
        found = []
        for index in range(max(len(known), GENERIC)):
            scenario = known[index] if index < len(known) else None
            values = self._values(index, before, after, scenario.values if scenario else {})
            bases = _bases(scenario) if scenario else BASE_RATES[index % len(BASE_RATES)]
            rate = stated_rate(construction, self.names)
            stated = literal(rate) if rate is not None else None
            if index == 0 and isinstance(stated, int | float) and not isinstance(stated, bool) and stated > 0:
                bases = tuple(float(stated) * 0.3**group for group in range(len(bases)))
            found.append(Values(values, bases))
        if self.analysis.form != "subclass":
            found += self._varied(before, after)
        free = {*before.free, *after.free}
        # Nothing varies but the base rates: two runs say as much as three.
        return found[:2] if not free else found

    def _varied(self, before: Slice, after: Slice) -> list[Values]:
        """Other values for what all scenarios leave at its default: a floor of 0 is every kind of floor."""
        study = self.analysis.study
        assert isinstance(study, Study)
        index = len(self.analysis.scenarios)
        run = study.run(index, use=None if self.analysis.form == "subclass" else study.use, vary_unknown=True)
        known = {path: value for path, value in {**run.names, **run.leaves}.items() if value is not None}
        if not run.ran or not {*before.free, *after.free} <= set(known):
            return []
        return [Values(self._values(index, before, after, known), BASE_RATES[index % len(BASE_RATES)])]

    def _values(self, index: int, before: Slice, after: Slice, known: Mapping[str, object]) -> dict[str, object]:
        defaults = Defaults(self.names)
        defaults.own.update({**before.defaults, **after.defaults})
        scenario = Scenario(index, defaults=defaults, values=dict(known), inferred=inferred(self.names))
        found: dict[str, object] = {}
        for key in dict.fromkeys((*before.free, *after.free)):
            texts = self.texts.get(key)
            drawn = texts[index % len(texts)] if texts else None
            found[key] = known[key] if key in known else drawn or scenario.value(key)
        return found

    def _texts(self, plan: Plan) -> dict[str, list[str]]:
        """What the calls of a class give for a parameter that it compares with texts: one of these."""
        node, study = self.analysis.site.node, self.analysis.study
        if self.analysis.form != "subclass" or not isinstance(node, ast.ClassDef):
            return {}
        compared = switches(self.names, inherited(self.names, self.analysis.site.nodes), study.defaults)
        given = [bound_arguments(self.source, node, c.call) for c in plan.constructions]
        return {
            ast.unparse(value): compared[name]
            for each in given
            for name, (_, value) in each.items()
            if name in compared and not isinstance(value, ast.Constant)
        }

    def _proof(self, before: Slice, after: Slice, scenarios: Sequence[Values], spec: ScheduleSpec, label: str) -> Proof:
        free = {*before.free, *after.free}
        names = [self._visible(index, free) | dict(s.values) for index, s in enumerate(scenarios)]
        # Whatever the reading says, both versions run past every number that the old code compares a step with.
        steps = min(max(longest_number(before.source), *(walked(spec, n) for n in names)), MOST_WALKED)
        request = VerificationRequest(
            old=before.source,
            new=after.source,
            scenarios=tuple(
                replace(s, end=self._last_end(spec, n)) if self.until_end else s
                for s, n in zip(scenarios, names, strict=True)
            ),
            steps=steps,
            expect=self.kind,
            device=self.device,
            ends_itself=self.until_end,  # where the file fixes every length, none is known here
        )
        if self.emitted is not self.spec:
            return Proof(request, label)  # torch's own arithmetic is the old code's to be compared with, no reading's
        curves = tuple(expected_curve(spec, n, s.base_lrs[0], steps) for n, s in zip(names, scenarios, strict=True))
        return Proof(request, label, curves)

    def _visible(self, index: int, free: set[str]) -> dict[str, object]:
        """Names that have a value where a function's schedule is built; for a call of a class its arguments say it all.

        None where some free expression was given a value that the simulation did not use: theirs would not fit.
        """
        if self.analysis.form == "subclass" or index >= len(self.analysis.scenarios):
            return {}
        values = self.analysis.scenarios[index].values
        return dict(values) if free <= set(values) else {}


def matched_calls(old: Names, new: Names, plan: Plan) -> list[tuple[ast.Call, ast.Call]]:
    """Each replaced call with the call that took its place: calls of the bundled scheduler keep their order."""
    replaced = {r.call for r in plan.edit.calls}
    if not replaced:
        return []
    gone = set(plan.edit.removed)

    def calls_of(names: Names) -> list[ast.Call]:
        return [
            n
            for n in names.nodes
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == plan.local
        ]

    before = [
        n
        for n in old.nodes
        if isinstance(n, ast.Call)
        and (n in replaced or (isinstance(n.func, ast.Name) and n.func.id == plan.local))
        and not any(a in gone for a in old.ancestors(n))
        and not any(a in replaced for a in old.ancestors(n))
    ]
    after = calls_of(new)
    if len(before) != len(after):
        raise NotRewritten("the new calls could not be found again in the edited text")
    return [(b, a) for b, a in zip(before, after, strict=True) if b in replaced]


def taken(names: Names, node: ast.AST) -> list[tuple[str, ast.expr | None, bool]]:
    """The parameters of a function, or of a class's constructor, with their defaults."""
    if isinstance(node, ast.ClassDef):
        return [(p[0], p[1], p[2]) for p in constructor_parameters(names, node) or []]
    return [(p[0], p[1], p[2]) for p in parameters(node)] if isinstance(node, ast.FunctionDef | ast.Lambda) else []


def _bases(scenario: SimulatedScenario) -> tuple[float, ...]:
    groups = len(scenario.lr) or len(scenario.base_lrs)
    bases = list(scenario.base_lrs)
    while len(bases) < groups:
        bases.append(bases[-1] * 0.7)
    return tuple(bases[:groups])


__all__ = ["matched_calls", "proofs_of"]
