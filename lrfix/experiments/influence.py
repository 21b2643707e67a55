"""What a value of the code has an effect on: where it is read, and whether any rate changes when it does.

Everything that could be told from outside counts as an effect: a rate of any group, an exception, an option of a
parameter group. Being printed is none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.driving.bench import NEUTRAL
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import assignments
from lrfix.experiments.study import Study
from lrfix.sites.vocabulary import called_name, speaks_of_step
from lrfix.trees import walk, written

_TELLING = frozenset({"print", "info", "debug", "warning", "warn", "log", "write", "__init__"})
_KNOWN = frozenset({"int", "float", "min", "max", "abs", "round", "len", "pow", "sum", "range", "list", "tuple", "zip"})
_LIBRARIES = frozenset({"math", "np", "numpy", "torch"})
_MOST_FLAGS = 3
_SHARES = (0.7, 0.2)


class Reads:
    """Where the value of a name goes within a site: every expression that reads it, or what was worked out with it."""

    def __init__(self, study: Study, names: Sequence[str], runs: Sequence[Run]) -> None:
        self.names, self.runs = study.names, runs
        self.texts = set(names)
        self.certain = True
        self.roots = [r for r in study.site.nodes if isinstance(r, ast.AST)]
        inside = [n for root in self.roots for n in walk(root)]
        for _ in range(6):
            before = len(self.texts)
            for node in inside:
                self._follow(node)
            if len(self.texts) == before:
                break
        self.nodes = [n for n in inside if self._is_read(n)]

    def _is_read(self, node: ast.AST) -> bool:
        plain = isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load)
        return plain and written(node) in self.texts

    def _reads(self, node: ast.AST) -> bool:
        return any(self._is_read(n) for n in walk(node))

    def _follow(self, node: ast.AST) -> None:
        """What a statement makes of a value that is followed; ``certain`` falls where that cannot be seen."""
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = [target for target, value in assignments(node) if self._reads(value)]
        elif isinstance(node, ast.AugAssign | ast.For | ast.NamedExpr):
            value = node.iter if isinstance(node, ast.For) else node.value
            targets = [node.target] if self._reads(value) else []
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self._reads(node.value):
            self.certain = self.certain and called_name(node.value) in _TELLING | _KNOWN
        for target in targets:
            for part in [target, *walk(target)] if isinstance(target, ast.Tuple | ast.List) else [target]:
                if isinstance(part, ast.Subscript):
                    rate = isinstance(part.slice, ast.Constant) and part.slice.value == "lr"
                    self.certain = self.certain and rate
                elif isinstance(part, ast.Attribute) and written(part.value) not in ("self", "cls"):
                    self.certain = False
                elif isinstance(part, ast.Name | ast.Attribute):
                    self.texts.add(written(part))

    @property
    def all_ran(self) -> bool:
        """Whether every read was evaluated in the runs: one in a branch that no run took may be what it is for."""
        return self.certain and bool(self.nodes) and all(self._ran(node) for node in self.nodes)

    def _ran(self, node: ast.AST) -> bool:
        names, child = self.names, node
        for outer in names.ancestors(node):
            if isinstance(outer, ast.IfExp) and child is not outer.test and not self._reads(outer.test):
                return False
            if isinstance(outer, ast.BoolOp) and child is not outer.values[0] and not self._reads(outer.values[0]):
                return False
            if isinstance(outer, ast.Call) and child is not outer.func and not self._seen_through(outer):
                return False
            if isinstance(outer, ast.Lambda | ast.FunctionDef | ast.ClassDef):
                signature = isinstance(outer, ast.FunctionDef) and child is outer.args
                return signature or isinstance(outer, ast.ClassDef) or outer in self._called
            if isinstance(outer, ast.stmt) and outer not in self._statements:
                return False
            if isinstance(outer, ast.If) and child is outer.test and outer.body[0] not in self._statements:
                return False
            child = outer
        return True

    def _seen_through(self, call: ast.Call) -> bool:
        """Whether it is plain what a call makes of an argument: arithmetic, or a function of which every line ran."""
        name = called_name(call)
        if name in _KNOWN or name in _TELLING:
            return True
        if isinstance(call.func, ast.Attribute) and written(call.func.value).split(".")[0] in _LIBRARIES:
            return True
        known = [d for d in self._called if isinstance(d, ast.FunctionDef) and d.name == name]
        return bool(known) and all(s in self._statements for d in known for s in walk(d) if _plain(s, d))

    @property
    def _statements(self) -> set[ast.AST]:
        return {s for run in self.runs for t in (run.built, run.stepped) if t is not None for s in t.statements}

    @property
    def _called(self) -> set[ast.AST]:
        return {d for run in self.runs for t in (run.built, run.stepped) if t is not None for d in t.calls}


def _plain(node: ast.AST, function: ast.AST) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return isinstance(node, ast.stmt) and node is not function and not docstring


def pinned(run: Run) -> dict[str, object]:
    """The values of a run, so that giving one setting another value does not change how the others are drawn."""
    return {path: value for path, value in run.leaves.items() if isinstance(value, int | float)}


def other_values(path: str, value: float, run: Run) -> list[float]:
    """Values under which a setting would show what it does: a cap below the rates, a floor above, a phase cut short."""
    if isinstance(value, int) and (role_of(path) in LENGTHS or value > 3):
        return [2 * value + 3, max(1, value // 3), 5 * value + 7, 1]
    if isinstance(value, int):
        return [value + 1, value + 4, max(value - 1, 0)]
    top = max((abs(rate) for rates in run.lr for rate in rates), default=1.0)
    unit = 1.0 if role_of(path) in (Role.FLOOR_RATIO, Role.WARMUP_FACTOR, Role.FRACTION, Role.WARMUP_FRACTION) else top
    shares = [0.6 * unit + 0.01 * value, value * 0.3, 20 * unit, value * 2.5, 0.01 * unit]
    # What sounds like a rate and is a position is one that training gets to: `lr_min_iter`.
    return shares if not speaks_of_step(path) else [*shares, 7.0, float(len(run.curve) // 2)]


def matters_at_once(study: Study, path: str, use: str | None) -> bool:
    """Whether the first other value changes the run: one experiment that settles it for nearly every setting."""
    base = study.run(0, use=use)
    value = base.leaves.get(path, base.names.get(path))
    if not base.ran or isinstance(value, bool) or not isinstance(value, int | float):
        return True
    other = other_values(path, value, base)[0]
    return not _same(base, study.run(0, use=use, overrides={**pinned(base), path: other}, beside=base))


def without_effect(study: Study, path: str, use: str | None, most: int | None = None) -> tuple[float, float] | None:
    """Two values of a setting that give the same rates, where every other value tried does so too: in every draw, with
    each switch the other way round, with larger and smaller base rates. None where one does not.

    ``most``: how many other values to try at each place; None for all.
    """
    shown: tuple[float, float] | None = None
    for index in range(len(study.runs)):
        base = study.run(index, use=use)
        value = base.leaves.get(path, base.names.get(path))
        if not base.ran or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        for other in [other for other in other_values(path, value, base) if other != value][:most]:
            changed = study.run(index, use=use, overrides={**pinned(base), path: other}, beside=base)
            if not _same(base, changed):
                return None
            shown = shown or (value, other)
    if shown is None or (role_of(path) is Role.CYCLE_MULT and not _several_cycles(study.run(0, use=use))):
        return None
    for overrides, rates in _surroundings(study):
        if not all(
            _nothing_moves(study, path, shown[0], use, given, rates, most) for given in _unmasked(study, use, overrides)
        ):
            return None
    return shown


def _nothing_moves(
    study: Study,
    path: str,
    value: float,
    use: str | None,
    overrides: Mapping[str, object],
    rates: Sequence[float] | None,
    most: int | None,
) -> bool:
    """Whether other values of a setting change nothing in one of its surroundings, or it does not run there."""
    base = study.run(0, use=use, overrides={**pinned(study.run(0, use=use)), **overrides}, base_lrs=rates)
    wholes = ({**pinned(base), **overrides, path: other} for other in other_values(path, value, base)[: most or 3])
    if not base.ran:
        return True
    return all(_same(base, study.run(0, use=use, overrides=whole, base_lrs=rates, beside=base)) for whole in wholes)


def _unmasked(study: Study, use: str | None, overrides: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Surroundings as they are, and with the switches off that only show there: one that is on hides what else is."""
    yield overrides
    if overrides:
        first = study.run(0, use=use)
        there = study.run(0, use=use, overrides={**pinned(first), **overrides}).leaves
        asked = set(_asked_for_truth(study))
        hidden = [p for p, v in there.items() if p not in first.leaves and (isinstance(v, bool) or p in asked)]
        if hidden:
            yield {**overrides, **dict.fromkeys(hidden, False)}


def _several_cycles(run: Run) -> bool:
    """Whether a run goes on long enough behind its first cycle for the next to be longer or shorter."""
    ends = [v for p, v in run.leaves.items() if role_of(p) in (Role.CYCLE, Role.HORIZON) and isinstance(v, int)]
    return 3 * max(ends, default=0) < len(run.curve)


def _surroundings(study: Study) -> Iterator[tuple[Mapping[str, object], Sequence[float] | None]]:
    """The other settings under which a value may begin to matter."""
    flags = [path for path, value in study.runs[0].leaves.items() if isinstance(value, bool)]
    flags += [n for n, d, _ in study.constructor if isinstance(d, ast.Constant) and isinstance(d.value, bool)]
    for path in dict.fromkeys(flag for flag in flags[:_MOST_FLAGS] if flag not in NEUTRAL):
        for value in (True, False):
            yield {path: value}, None
    stated = {p: study.defaults[p] for p, v in study.runs[0].leaves.items() if study.defaults.get(p, v) != v}
    if stated:
        yield stated, None
    for path, default in stated.items():
        off = not default or (isinstance(default, int | float) and default < 0)
        if off and len(stated) > 1:
            yield {path: default}, None  # what is off as by default may override others when it is on
    asked = [path for path in _asked_for_truth(study) if path in study.runs[0].leaves and path not in flags]
    if asked:
        yield dict.fromkeys(asked, 0), None
    # A number of which nothing is known may be a share in truth, and decide whether another matters.
    invented = sorted(study.runs[0].invented)
    for share in _SHARES if invented else ():
        yield dict.fromkeys(invented, share), None
    rates = study.runs[0].base_lrs
    for scale in (100.0, 0.001):
        yield {}, [scale * rate for rate in rates]


def _asked_for_truth(study: Study) -> Iterator[str]:
    """What the code asks only whether it is there: a number drawn for it is one answer of two."""
    for node in (n for root in study.site.nodes for n in walk(root)):
        asked = [node.test] if isinstance(node, ast.If | ast.IfExp | ast.While) else []
        asked += node.values if isinstance(node, ast.BoolOp) else []
        asked += [node.operand] if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else []
        yield from (written(n) for n in asked if isinstance(n, ast.Name | ast.Attribute | ast.Subscript))


def _same(one: Run, other: Run) -> bool:
    if other.parted or other.opaque is not None or _ended(one) != _ended(other):
        return False
    return one.lr == other.lr and _options(one) == _options(other)


def _ended(run: Run) -> tuple[str, int] | None:
    return (run.failure.kind, run.failure.step) if run.failure is not None else None


def _options(run: Run) -> list[tuple[str, str]]:
    """What was written beside rates: the momentum of a group, an option of one's own."""
    traces = [trace for trace in (run.built, run.stepped) if trace is not None]
    return [
        (name, repr(new))
        for trace in traces
        for kind, name, _, new, _, _ in trace.writes
        if kind == "item" and name != "lr" and name != "initial_lr" and _simple(new)
    ]


def _simple(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_simple(part) for part in value)
    return isinstance(value, int | float | str) or value is None


__all__ = ["Reads", "matters_at_once", "other_values", "pinned", "without_effect"]
