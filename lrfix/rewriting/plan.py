"""From a site and the schedule it should become to the edit of the file: calls, classes, definitions, imports."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from lrfix.domains.facts import literal
from lrfix.names import Argument, Names
from lrfix.recognition.model import ScheduleSpec
from lrfix.rewriting.constructors import bound_arguments, check_plain, constructor, names_of, restart_parameter
from lrfix.rewriting.effects import bases_in, dropped_calls
from lrfix.rewriting.emission import LINE_LENGTH, arguments_of, call_text, in_numbers_of, in_quotes_of, substituted
from lrfix.rewriting.imports import InsertedImport, dead_imports, local_name, missing_modules, placed
from lrfix.rewriting.liveness import External, Uses
from lrfix.rewriting.model import CallReplacement, ClassAlias, Edit, NewImport, NotRewritten
from lrfix.rewriting.rebinding import set_later
from lrfix.rewriting.types_told import TypesTold, types_told
from lrfix.rewriting.users import API
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.subclasses import optimizer_parameter
from lrfix.sites.vocabulary import call_argument, torch_scheduler
from lrfix.source import Source

#: torch's schedulers that ask functions of the user's at every step.
_ASKED = frozenset({"LambdaLR", "MultiplicativeLR"})


@dataclass(frozen=True)
class Plan:
    """The edit of one site and where its new imports go. ``constructions`` are those that are replaced."""

    edit: Edit
    inserted: tuple[InsertedImport, ...]
    scheduler: str
    local: str
    constructions: tuple[Construction, ...]
    alias: ClassAlias | None = None


def plan_site(
    source: Source,
    names: Names,
    site: ScheduleSite,
    spec: ScheduleSpec,
    external: External,
    module: str,
    reexports: bool,
) -> Plan:
    """How ``site`` becomes ``spec``. Raises NotRewritten with the reason where that cannot be done safely.

    ``reexports``: the file's imports may be there for others to import (``__init__.py``), so none is dead.
    """
    spec = in_numbers_of(source, site.nodes, in_quotes_of(source.text, spec))
    planner = _Planner(source, names, site, spec, external, module, reexports)
    return planner.subclass() if site.form == "subclass" else planner.function()


class _Planner:
    def __init__(
        self,
        source: Source,
        names: Names,
        site: ScheduleSite,
        spec: ScheduleSpec,
        external: External,
        module: str,
        reexports: bool,
    ) -> None:
        self.source = source
        self.names = names
        self.site = site
        self.spec = spec
        self.uses = Uses(names, external)
        self.external = external
        self.module = module
        self.reexports = reexports
        self.notes: list[str] = []
        self.told = TypesTold()

    # LambdaLR(optimizer, function), SequentialLR(optimizer, schedulers, milestones)

    def function(self) -> Plan:
        construction = self.site.constructions[0]
        call = construction.call
        joined = self.site.form == "composition"
        self.notes += dropped_calls(self.names, self.site.nodes) if not joined else []
        optimizer = self._optimizer(construction)
        last_epoch = self._last_epoch(call, 3 if joined else 2)
        self._check_names(self.spec, call)
        self._check_set_once(call)
        self.uses.gone.add(call)
        arguments = [optimizer, *arguments_of(self.spec, last_epoch)]
        self._keep(arguments, call)
        removed = self.uses.sweep()
        removed += self._unused_methods()
        if joined:
            self._check_parts_gone(call)
        local, wanted = self._import()
        replacement = self._replacement(call, local, arguments)
        self.told = types_told(self.names, call, local, self.module)
        self.uses.gone.update(text.node for text in self.told.texts if not text.within)
        if self.told.note is not None:
            self.notes.append(self.told.note)
        return self._plan((replacement,), None, removed, local, (*wanted, *self.told.imports), call, (construction,))

    def _parts(self) -> list[ast.Call]:
        return [n for root in self.site.nodes for n in ast.walk(root) if isinstance(n, ast.Call)]

    def _check_parts_gone(self, call: ast.Call) -> None:
        """What is put together sets rates when it is built: it goes whole, or all of it stays."""
        for part in self._parts():
            built = torch_scheduler(self.names, part.func)
            if built is not None and not self.uses.is_gone(part):
                raise NotRewritten(f"the {built} of line {part.lineno} would be left, with nothing to do")

    def _unused_methods(self) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for node in self.site.nodes:
            parent = self.names.parents.get(node)
            if not isinstance(node, ast.FunctionDef) or not isinstance(parent, ast.ClassDef) or node.decorator_list:
                continue
            if parent.bases or self.uses.is_gone(node) or node.name.startswith("__"):
                continue
            self.uses.gone.add(node)
            if self.uses.attribute_used(node.name):
                self.uses.gone.discard(node)
            else:
                found.append(node)
        return found

    # class MySchedule(LambdaLR)

    def subclass(self) -> Plan:
        node = self.site.node
        assert isinstance(node, ast.ClassDef)
        self.notes += dropped_calls(self.names, self.site.nodes)
        gone = set(self.uses.gone)
        blocker = self._why_kept(node)
        if blocker is None:
            try:
                return self._replaced(node)
            except NotRewritten as reason:
                blocker = str(reason)
        self.uses.gone = gone
        self.notes.append(f"`{node.name}` stays as a thin subclass: {blocker}")
        return self._alias(node)

    def _why_kept(self, node: ast.ClassDef) -> str | None:
        if not self.site.constructions:
            return "it is built in other files, if anywhere"
        if node.decorator_list:
            return "a decorator registers it"
        functions = {c.call.func for c in self.site.constructions}
        scope = self.names.scope_of(node)
        reads = [n for n in self.names.nodes if isinstance(n, ast.Name) and n.id == node.name and n not in functions]
        inside = [n for n in reads if node in self.names.ancestors(n)]
        if len(reads) > len(inside):
            return f"line {next(n for n in reads if n not in inside).lineno} uses it in another way"
        self.uses.gone.add(node)
        mentioned = any(
            isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value == node.name for n in self.names.nodes
        )
        if mentioned:
            return "a string names it"
        if isinstance(scope.node, ast.Module) and self.external(node.name):
            return "another file of the project mentions it"
        if len(scope.bindings.get(node.name, ())) != 1:
            return "its name is bound more than once"
        return None

    def _replaced(self, node: ast.ClassDef) -> Plan:
        position, name = optimizer_parameter(node)
        del position
        prepared: list[tuple[Construction, list[str]]] = []
        for construction in self.site.constructions:
            values = bound_arguments(self.source, node, construction.call)
            values.pop(name, None)
            last = values.pop(restart_parameter(node) or "last_epoch", None)
            values.pop("verbose", None)
            spec = substituted(self.spec, values)
            self._note_unused(values, construction)
            self._check_names(spec, construction.call)
            self._check_set_once(construction.call)
            last_epoch = last[0] if last is not None and literal(last[1]) != -1 else None
            prepared.append((construction, [self._optimizer(construction), *arguments_of(spec, last_epoch)]))
        self.uses.gone.add(node)
        for construction, arguments in prepared:
            self.uses.gone.add(construction.call)
            self._keep(arguments, construction.call)
        removed = [node, *self.uses.sweep()]
        local, wanted = self._import()
        replacements = tuple(self._replacement(c.call, local, arguments) for c, arguments in prepared)
        first = min((c.call for c in self.site.constructions), key=lambda call: call.lineno)
        return self._plan(replacements, None, removed, local, wanted, first, self.site.constructions)

    def _note_unused(self, values: dict[str, tuple[str, ast.expr]], construction: Construction) -> None:
        read = set(names_of(self.spec))
        given = {id(a) for a in (*construction.call.args, *(k.value for k in construction.call.keywords))}
        for name, (text, node) in sorted(values.items()):
            if name not in read and id(node) in given:
                self.notes.append(f"`{name}={text}` is not used any more (line {construction.call.lineno})")

    def _check_can_be_thin(self, node: ast.ClassDef) -> None:
        """Whoever builds on the class's own methods, or calls them, would lose them."""
        derived = next(
            (c for c in self.names.nodes if isinstance(c, ast.ClassDef) and node.name in map(ast.unparse, c.bases)),
            None,
        )
        if derived is not None:
            raise NotRewritten(f"`{derived.name}` at line {derived.lineno} is derived from it")
        if self.external(rf"class\s+\w+\s*\([^)]*\b{node.name}"):
            raise NotRewritten("another file of the project derives a class from one of this name")
        family = [node, *bases_in(self.names, node)]
        if len(family) > 1 and constructor(node) is None:
            raise NotRewritten(f"`{node.name}` takes its constructor from `{family[1].name}`")
        own = {n.attr for cls in family for n in ast.walk(cls) if isinstance(n, ast.Attribute)}
        for method in (s for cls in family for s in cls.body):
            if not isinstance(method, ast.FunctionDef) or method.name.startswith("_") or method.name in API:
                continue
            if method.name not in own or method.decorator_list:
                raise NotRewritten(f"`{node.name}.{method.name}` is there for others to call, and would be lost")

    def _alias(self, node: ast.ClassDef) -> Plan:
        self._check_can_be_thin(node)
        _, optimizer = optimizer_parameter(node)
        initialiser = constructor(node)
        signature: str | None = None
        if initialiser is None:
            signature = "self, optimizer, last_epoch=-1"
            parameters = {"optimizer", "last_epoch"}
        else:
            everything = initialiser.args
            parameters = {a.arg for a in (*everything.posonlyargs, *everything.args, *everything.kwonlyargs)}
            if everything.vararg is not None or (everything.kwarg is not None and "last_epoch" not in parameters):
                raise NotRewritten(f"the constructor of `{node.name}` takes `*` or `**` arguments")
            scope = self.names.scope_of(node)
            missing = [n for n in names_of(self.spec) if n not in parameters and self.names.owner(n, scope) is None]
            missing = [n for n in missing if n != "math" and n not in _BUILTINS]
            if missing:
                raise NotRewritten(
                    f"the schedule depends on `{missing[0]}`, which the constructor of `{node.name}` does not get"
                )
        last = "last_epoch" if initialiser is None else restart_parameter(node)
        if initialiser is not None:
            receiver = [*initialiser.args.posonlyargs, *initialiser.args.args][0].arg
            for name in sorted(parameters - {*names_of(self.spec), receiver, optimizer, last, "verbose"}):
                self.notes.append(f"`{name}` has no effect on the new schedule, whatever a caller gives")
        arguments = [optimizer, *arguments_of(self.spec, last)]
        self.uses.gone.update(node.body)
        self.uses.gone.update(node.bases)
        for argument in arguments:
            self.uses.keep_text(_value_text(argument), node)
        if initialiser is not None:
            for default in (*initialiser.args.defaults, *initialiser.args.kw_defaults):
                if default is not None:
                    self.uses.keep_text(ast.unparse(default), node)
            for annotation in (a.annotation for a in ast.walk(initialiser.args) if isinstance(a, ast.arg)):
                if annotation is not None:
                    self.uses.keep_text(ast.unparse(annotation), node)
        # Its body goes, and `super(Schedule, self)` in it may be all that speaks of the class; the class itself stays.
        self.uses.keep(node.name, self.names.scope_of(node))
        removed = self.uses.sweep()
        local, wanted = self._import()
        alias = ClassAlias(node, local, tuple(arguments), signature)
        return self._plan((), alias, removed, local, wanted, node, ())

    # Shared

    def _optimizer(self, construction: Construction) -> str:
        if construction.optimizer is None:
            raise NotRewritten(f"the optimizer is not visible in the call at line {construction.call.lineno}")
        check_plain(construction.call)
        return self.source.segment(construction.optimizer)

    def _last_epoch(self, call: ast.Call, position: int) -> str | None:
        given = call_argument(call, position, "last_epoch")
        if call_argument(call, position + 1, "verbose") is not None:
            self.notes.append("`verbose` is dropped: torch has it no longer since 2.7")
        return self.source.segment(given) if given is not None else None

    def _check_set_once(self, call: ast.Call) -> None:
        """The old schedule reads at every step what the new one reads once; torch's own parts read it once as well."""
        if self.site.form == "composition" and not any(
            torch_scheduler(self.names, part.func) in _ASKED for part in self._parts()
        ):
            return
        later = set_later(self.names, self.site.nodes, call)
        if later is not None:
            raise NotRewritten(
                f"line {later[1]} may change `{later[0]}` once the scheduler is built: the old one follows it, the "
                "new one would not"
            )

    def _check_names(self, spec: ScheduleSpec, at: ast.AST) -> None:
        """Every name of the emitted expressions must be known where they will stand."""
        scope = self.names.scope_of(at)
        for name in names_of(spec):
            if name == "math" or name in _BUILTINS:
                continue
            owner = self.names.owner(name, scope)
            if owner is None:
                raise NotRewritten(f"`{name}` is not known where the scheduler is built")
            binding = self.names.reaching(name, owner, at)
            if binding is None and not any(isinstance(b, Argument) for b in owner.bindings[name]):
                raise NotRewritten(f"`{name}` is not yet set where the scheduler is built")

    def _keep(self, arguments: Sequence[str], at: ast.AST) -> None:
        for argument in arguments:
            self.uses.keep_text(_value_text(argument), at)

    def _import(self) -> tuple[str, tuple[NewImport, ...]]:
        local, needed = local_name(self.names, self.spec.scheduler, self.module, self.uses.gone)
        return local, (NewImport(self.module, self.spec.scheduler, local),) if needed else ()

    def _replacement(self, call: ast.Call, local: str, arguments: Sequence[str]) -> CallReplacement:
        line = self.source.lines[call.lineno - 1]
        span = self.source.span(call)
        last = self.source.lines[span.end.line - 1]
        trailing = len(last.rstrip()) - (span.end.column - 1)
        comment = last.find("#", span.end.column - 1)
        if comment >= 0:
            trailing = len(last[span.end.column - 1 : comment].rstrip())
        limit = max(LINE_LENGTH, min(120, len(line.rstrip())))
        text = call_text(local, arguments, span.start.column - 1, max(trailing, 0), limit, indent_unit(self.source))
        return CallReplacement(call, text)

    def _plan(
        self,
        replacements: tuple[CallReplacement, ...],
        alias: ClassAlias | None,
        removed: Sequence[ast.stmt],
        local: str,
        wanted: tuple[NewImport, ...],
        first: ast.AST,
        constructions: tuple[Construction, ...],
    ) -> Plan:
        texts = [*self.spec.positional, *self.spec.keywords.values()]
        wanted += missing_modules(self.names, texts, first)
        dead = () if self.reexports else dead_imports(self.names, self.uses, self.uses.read_by_gone(), self.source.path)
        edit = Edit(
            calls=replacements,
            texts=self.told.texts,
            aliases=(alias,) if alias is not None else (),
            removed=tuple(removed),
            dead_imports=dead,
            new_imports=wanted,
            notes=tuple(self.notes),
        )
        return Plan(edit, placed(self.names, wanted, first), self.spec.scheduler, local, constructions, alias)


def indent_unit(source: Source) -> str:
    """One level of the file's indentation."""
    for statement in ast.walk(source.tree):
        body = getattr(statement, "body", None)
        if isinstance(body, list) and body and not isinstance(statement, ast.Module):
            line = source.lines[body[0].lineno - 1]
            outer = source.lines[getattr(statement, "lineno", 1) - 1]
            own: str = line[: len(line) - len(line.lstrip())]
            around = outer[: len(outer) - len(outer.lstrip())]
            if own.startswith(around) and own != around and body[0].lineno != getattr(statement, "lineno", 1):
                return own[len(around) :]
    return "    "


def _value_text(argument: str) -> str:
    """The expression of ``name=expression`` or of a plain argument."""
    call = ast.parse(f"f({argument})", mode="eval").body
    assert isinstance(call, ast.Call)
    value: ast.expr = call.keywords[0].value if call.keywords else call.args[0]
    return ast.unparse(value)


_BUILTINS = frozenset({"len", "int", "float", "max", "min", "round", "abs", "sum", "list", "tuple", "range"})

__all__ = ["Plan", "indent_unit", "plan_site"]
