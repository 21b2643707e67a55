"""From the statements of a site to the edit that puts a call of a pure function in their place."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lrfix.domains.clock import tick_of
from lrfix.names import FUNCTION_NODES, Argument, Assigned, Augmented, Names, Scope
from lrfix.rewriting.emission import LINE_LENGTH, call_text, in_numbers_of_text, in_quotes_of_text
from lrfix.rewriting.imports import InsertedImport, dead_imports, local_name, missing_modules, placed
from lrfix.rewriting.in_place.asked import check_asked
from lrfix.rewriting.in_place.reads import NotPure, Reads, root_of
from lrfix.rewriting.in_place.regions import Region, blocks_of, in_settings_of, regions
from lrfix.rewriting.in_place.sampling import Formula, formula_of
from lrfix.rewriting.in_place.surroundings import why_not_alone, why_not_ended
from lrfix.rewriting.in_place.tables import list_text, table_of
from lrfix.rewriting.liveness import External, Uses
from lrfix.rewriting.model import Edit, LambdaReplacement, NewImport, NotRewritten, StatementReplacement
from lrfix.rewriting.plan import indent_unit
from lrfix.sites.blocks import block_of
from lrfix.sites.model import IN_PLACE, ScheduleSite
from lrfix.sites.vocabulary import names_position
from lrfix.source import Source
from lrfix.trees import stored_names

_WIDEST = 120
_RETURN = "return "
_NO_PROTOCOL = frozenset({"object", "ABC", "Protocol", "Generic"})


class AlreadyInPlace(Exception):
    """The site's formula is a call of a bundled function as it stands."""


@dataclass(frozen=True)
class InPlacePlan:
    """The edit of one site: each formula with the text that takes its place, and where the new imports go."""

    edit: Edit
    inserted: tuple[InsertedImport, ...]
    formulas: tuple[Formula, ...]
    replaced: tuple[tuple[Formula, str], ...]


def plan_in_place(
    source: Source, names: Names, site: ScheduleSite, external: External, module: str, reexports: bool
) -> InPlacePlan:
    """How the formulas of a site become calls of the functions of ``module``.

    Raises NotRewritten where no part of the site is one of their curves. ``reexports``: the file's imports may be there
    for others to import, so none is dead.
    """
    search = Search(names, site)
    formulas = search.formulas
    if not formulas:
        if _calls(names, site, module):
            raise AlreadyInPlace
        base = _protocol(site)
        if base is not None:
            raise NotRewritten(
                f"it keeps to the protocol of its base `{base}`, which is no scheduler of torch, so none takes its "
                f"place, and no formula in it can be replaced where it stands: {search.reason}"
            )
        raise NotRewritten(search.reason)
    for formula in formulas:
        _check_methods(names, formula.region, external)
    if site.form not in IN_PLACE:
        check_asked(names, site, formulas, external)
    uses = Uses(names, external)
    for formula in formulas:
        uses.gone.update(formula.region.statements)
        if formula.region.holder is not None:
            uses.gone.add(formula.region.holder.body)
    for formula in formulas:
        for text in formula.texts:
            uses.keep_text(text, formula.region.first)
        if formula.region.target is not None:
            uses.keep_text(formula.region.target, formula.region.first)
        if formula.region.each is not None:
            uses.keep_text(formula.region.each[1], formula.region.first)
    removed = [*_dead_locals(names, uses), *uses.sweep()]
    wanted: dict[str, NewImport] = {}
    texts = []
    for formula in formulas:
        function = formula.call.function
        local, needed = local_name(names, function, module, uses.gone)
        if needed:
            wanted.setdefault(function, NewImport(module, function, local))
        texts.append(_statement(source, formula, local))
    first = min((f.region.first for f in formulas), key=lambda node: node.lineno)
    missing = [new for f in formulas for new in missing_modules(names, f.texts, f.region.first)]
    imports = (*wanted.values(), *dict.fromkeys(missing))
    statements, lambdas = [], []
    for formula, text in zip(formulas, texts, strict=True):
        region = formula.region
        if region.holder is not None:
            lambdas.append(LambdaReplacement(region.holder, text.removeprefix(_RETURN)))
        else:
            statements.append(StatementReplacement(region.statements, text, _keeps_comments(source, region)))
    edit = Edit(
        statements=tuple(statements),
        lambdas=tuple(lambdas),
        removed=tuple(removed),
        dead_imports=() if reexports else dead_imports(names, uses, uses.read_by_gone(), source.path),
        new_imports=imports,
        notes=tuple(
            f"the check at line {check.lineno} goes with the formula" for f in formulas for check in f.region.checks
        ),
    )
    return InPlacePlan(edit, placed(names, imports, first), tuple(formulas), tuple(zip(formulas, texts, strict=True)))


def _check_methods(names: Names, region: Region, external: External) -> None:
    """Raises NotRewritten where a class in another file may have its own of the methods that a formula takes along."""
    holder = names.enclosing(region.first, ast.ClassDef)
    if not isinstance(holder, ast.ClassDef) or not any(external(rf"def\s+{method}") for method in region.methods):
        return
    if external(rf"class\s+\w+\s*\([^)]*\b{holder.name}"):
        raise NotRewritten(
            f"another file of the project derives a class from `{holder.name}`, and `{region.methods[0]}` may be "
            "another method there"
        )


def _protocol(site: ScheduleSite) -> str | None:
    """The base class of a wrapper that says how it is asked; None where it has none."""
    bases = site.node.bases if site.form == "wrapper" and isinstance(site.node, ast.ClassDef) else []
    told = (ast.unparse(base) for base in bases)
    return next((base for base in told if base.rpartition(".")[2] not in _NO_PROTOCOL), None)


def _calls(names: Names, site: ScheduleSite, module: str) -> bool:
    calls = (n for node in site.nodes for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(q.rpartition(".")[0] == module for call in calls for q in names.qualified(call.func))


class Search:
    """The formulas of a site, none inside another, in the order of the text; where there is none, the ``reason``."""

    def __init__(self, names: Names, site: ScheduleSite) -> None:
        self.names = names
        self._formula = table_of if site.form == "array" else formula_of
        self._reasons: list[tuple[int, str]] = []
        found = [f for block, parameters in _blocks(names, site) for f in self._in_block(block, parameters)]
        self.formulas = sorted(found, key=lambda f: f.region.first.lineno)
        self._obstacle = next((o for block, _ in _blocks(names, site) for o in _obstacles(names, block)), None)

    @property
    def reason(self) -> str:
        """What stood in the way of the longest run of statements that only compute."""
        found = max(self._reasons, key=lambda reason: reason[0])[1] if self._reasons else None
        told = [reason for reason in (found, self._obstacle) if reason is not None]
        return "; ".join(told) or "none of its statements computes a rate from the position in training"

    def _in_block(self, block: Sequence[ast.stmt], parameters: Sequence[str]) -> list[Formula]:
        names = self.names
        found: list[Formula] = []
        taken: set[ast.stmt] = set()
        for candidates in regions(names, block, parameters):
            candidates = [c for c in candidates if not taken & set(c.statements) and _replaceable(names, c)]
            chosen = self._chosen(candidates, parameters)
            if chosen is not None:
                found.append(chosen)
                taken |= set(chosen.region.statements)
        for statement in block:
            if statement in taken or _asks_position(statement):
                continue
            for inner in blocks_of(statement):
                found += self._in_block(inner, parameters)
        return found

    def _chosen(self, candidates: Sequence[Region], parameters: Sequence[str]) -> Formula | None:
        """The formula of the shortest run that is the same schedule as the longest, or one in plainer terms (``k + 1``
        counted before it, not a warmup of one step less): what stands before it may stay."""
        best: Formula | None = None
        for region in candidates:
            found = self._whole(region)
            told = in_settings_of(self.names, region, parameters) if isinstance(found, str) else None
            if told is not None:
                found = self._whole(told)
            if isinstance(found, str):
                if region.steps or self._formula is table_of:
                    self._reasons.append((len(region.leaves), found))
            elif best is None or (
                (found.call.shape == best.call.shape or found.call.plainer_than(best.call))
                and found.open_end == best.open_end
                and region.target not in region.leaves
            ):
                best = found
        return best

    def _whole(self, region: Region) -> Formula | str:
        found = self._formula(self.names, region)
        if isinstance(found, str) or found.length is not None:
            return found
        part = why_not_alone(self.names, found)
        ended = why_not_ended(self.names, found)
        if part is None and ended is None:
            return found
        return ended or f"it is only a part of the schedule: {part}"


def _obstacles(names: Names, block: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in block:
        if isinstance(statement, ast.For) and "param_groups" in ast.dump(statement.iter):
            continue
        try:
            Reads(names, [statement])
        except NotPure as obstacle:
            yield f"its statements do more than compute a rate: {obstacle}"


def _blocks(names: Names, site: ScheduleSite) -> Iterator[tuple[list[ast.stmt], list[str]]]:
    if len(site.nodes) > 1 and site.form == "lambda":
        for each in site.nodes:
            yield from _blocks(names, replace(site, nodes=(each,)))
        return
    node = site.node
    if isinstance(node, ast.Lambda):
        yield [_returned(names, node)], _parameters(node)
    if isinstance(node, ast.FunctionDef):
        yield from _within(node)
        return
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name != "__init__":
                yield from _within(method)
        return
    if not site.inline:
        return
    function = names.enclosing(node, FUNCTION_NODES)
    parameters = _parameters(function) if isinstance(function, ast.FunctionDef) else []
    run: list[ast.stmt] = []
    for statement in site.nodes:
        assert isinstance(statement, ast.stmt)
        if run and not _adjacent(names, run[-1], statement):
            yield run, parameters
            run = []
        run.append(statement)
    yield run, parameters


def _within(node: ast.FunctionDef) -> Iterator[tuple[list[ast.stmt], list[str]]]:
    for function in (node, *(s for s in node.body if isinstance(s, ast.FunctionDef))):
        yield _body(function), _parameters(function)


def _returned(names: Names, node: ast.Lambda) -> ast.Return:
    """What a lambda does, as a statement of its own scope."""
    statement = ast.copy_location(ast.Return(node.body), node.body)
    names.parents[statement] = node
    return statement


def _body(node: ast.FunctionDef) -> list[ast.stmt]:
    return [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]


def _parameters(node: ast.FunctionDef | ast.Lambda) -> list[str]:
    return [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def _adjacent(names: Names, first: ast.stmt, second: ast.stmt) -> bool:
    block = block_of(names, first)
    return second in block and block.index(second) == block.index(first) + 1


def _asks_position(statement: ast.stmt) -> bool:
    """Whether a test decides by the position in training: its two sides are parts of one schedule."""
    if not isinstance(statement, ast.If):
        return False
    spelled = (ast.unparse(n) for n in ast.walk(statement.test) if isinstance(n, ast.Name | ast.Attribute))
    return any(tick_of(text) is not None or names_position(text) for text in spelled)


def _replaceable(names: Names, region: Region) -> bool:
    """Whether every value that the call reads is there when the region begins: the call reads them all at once."""
    element = region.each[0] if region.each is not None else None
    return all(leaf == element or _bound(names, root_of(leaf), region.first) for leaf in region.leaves)


def _bound(names: Names, name: str, at: ast.stmt) -> bool:
    scope = names.scope_of(at)
    owner = names.owner(name, scope)
    if owner is None:
        return False
    if owner is not scope or any(isinstance(b, Argument) for b in owner.bindings[name]):
        return True
    child: ast.AST = at
    for outer in names.ancestors(at):
        if isinstance(outer, ast.For) and child in outer.body and name in stored_names(outer.target):
            return True
        if isinstance(outer, ast.With) and child in outer.body and any(name in stored_names(i) for i in outer.items):
            return True
        if isinstance(child, ast.stmt):
            block = block_of(names, child)
            if any(_binds(s, name) for s in block[: block.index(child)]):
                return True
        if outer is scope.node:
            return False
        child = outer
    return False


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Import | ast.ImportFrom):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return any((a.asname or a.name.split(".")[0]) == name for a in statement.names)
        return name in stored_names(statement)
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and all(
            any(_binds(s, name) for s in block) for block in (statement.body, statement.orelse)
        )
    if isinstance(statement, ast.With):
        named = any(name in stored_names(item) for item in statement.items)
        return named or any(_binds(s, name) for s in statement.body)
    return False


# What only the formula used


def _dead_locals(names: Names, uses: Uses) -> list[ast.stmt]:
    """Assignments of the function around that nothing reads any more, transitively; they count as gone from then on."""
    found: list[ast.stmt] = []
    progress = True
    while progress:
        progress = False
        for name, scope in list(_read_by(names, uses)):
            if isinstance(scope.node, ast.Module) or uses.used(name, scope):
                continue
            statements = _assignments(names, scope, name)
            if statements is None or any(uses.is_gone(s) or not _can_go(names, s) for s in statements):
                continue
            uses.gone.update(statements)
            found += statements
            progress = True
    return sorted(found, key=lambda s: s.lineno)


def _read_by(names: Names, uses: Uses) -> Iterator[tuple[str, Scope]]:
    for root in list(uses.gone):
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                scope = names.owner(node.id, names.scope_of(node))
                if scope is not None:
                    yield node.id, scope


def _assignments(names: Names, scope: Scope, name: str) -> list[ast.stmt] | None:
    """All statements that set a name, where each does nothing else; None otherwise."""
    found: list[ast.stmt] = []
    for binding in scope.bindings[name]:
        if not isinstance(binding, Assigned | Augmented):
            return None
        statement = binding.node
        if isinstance(statement, ast.Assign) and (
            len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name)
        ):
            return None
        try:
            Reads(names, [statement])
        except NotPure:
            return None
        found.append(statement)
    return found


def _can_go(names: Names, statement: ast.stmt) -> bool:
    """Whether a statement has a line and a block that does without it."""
    block = block_of(names, statement)
    return len(block) > 1 and sum(s.lineno == statement.lineno for s in block) == 1


# Text


def _statement(source: Source, formula: Formula, local: str) -> str:
    region = formula.region
    if region.holder is None:
        _check_lines(source, region)
    first = region.first
    column = source.span(first).start.column - 1
    prefix = _RETURN if region.target is None else f"{region.target} = "
    if region.target is not None and isinstance(first, ast.Assign) and len(region.statements) == 1:
        prefix = f"{source.segment(first.targets[0])} = "
    spelled = {n: in_numbers_of_text(source, region.statements, t) for n, t in formula.call.arguments.items()}
    given = [formula.step, *(f"{name}={text}" for name, text in spelled.items())]
    arguments = [in_quotes_of_text(source.text, text) for text in given]
    limit = _WIDEST if region.holder is not None else max(LINE_LENGTH, min(_WIDEST, _widest(source, region)))
    turns: str | None = None
    if formula.length is not None:
        turns = f"for {formula.call.step} in range({in_quotes_of_text(source.text, formula.length)})"
    elif region.each is not None:
        turns = f"for {region.each[0]} in {region.each[1]}"
    if turns is not None:
        return list_text(turns, formula.array, prefix, [local, *arguments], indent_unit(source), limit - column)
    return prefix + call_text(local, arguments, column + len(prefix), 0, limit, indent_unit(source))


def _widest(source: Source, region: Region) -> int:
    lines = source.lines[region.first.lineno - 1 : region.statements[-1].end_lineno]
    return max(len(line.rstrip()) for line in lines)


def _check_lines(source: Source, region: Region) -> None:
    first, last = region.first, region.statements[-1]
    before = source.lines[first.lineno - 1][: source.span(first).start.column - 1]
    after = source.lines[(last.end_lineno or last.lineno) - 1][source.span(last).end.column - 1 :].strip()
    if before.strip() or (after and not after.startswith("#")):
        raise NotRewritten(f"other code shares line {first.lineno} with the formula")
    if isinstance(first, ast.If) and source.segment(first).startswith("elif"):
        raise NotRewritten(f"the formula begins with the `elif` of line {first.lineno}")


def _keeps_comments(source: Source, region: Region) -> bool:
    """Whether the comment above the formula speaks of the whole of it, and not of its first part alone."""
    last = region.statements[-1].end_lineno or region.first.lineno
    inside = source.lines[region.first.lineno : last]
    return not any(line.strip().startswith("#") for line in inside)


__all__ = ["InPlacePlan", "Search", "plan_in_place"]
