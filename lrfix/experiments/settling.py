"""Settings under which a schedule runs at all, where the values first drawn for it are refused.

A run may end on something that lrfix drew: a flag that must not be set, a list where a number is needed, a parameter
that is None until somebody gives it, a key of the author's own in every group. Then the value was wrong, not the code:
another is tried, in a fixed order, and kept where the run gets further. What still fails is told as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from lrfix.domains.clock import Tick, first_of, tick_of
from lrfix.domains.guards import about_groups, proposals
from lrfix.domains.kinds import POSITION_GIVEN, Drawn, Kind, blamed, is_number, other_kinds
from lrfix.domains.roles import LENGTHS, Role, last_word, role_of
from lrfix.domains.signatures import Parameter, parameters
from lrfix.driving.group_keys import numbers_put, own_key
from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.study import ENOUGH, Study
from lrfix.sites.vocabulary import words
from lrfix.trees import walk

_MOST_ROUNDS = 8
_MOST_TRIED = 16
_PARTS = 100
_REFUSALS = frozenset({"AssertionError", "ValueError", "NotImplementedError", "KeyError", "TypeError"})
_WRONG_KINDS = frozenset({"TypeError", "AttributeError", "IndexError", "KeyError"})
#: Forms that are told where training stands by code that may stand anywhere.
_TOLD = frozenset({"setter", "function", "wrapper"})
_KEPT = frozenset({"last_epoch", "verbose"})
#: ``epoch_num`` is the epoch at hand as well as their number.
_NUMBERS = frozenset({"num", "number", "count", "cnt", "no", "nr"})
#: What a key of the author's own in a parameter group may hold.
_OF_GROUPS: tuple[object, ...] = (1.0, 1, False)

Change = tuple[str, object]


def settle(study: Study, alternatives: Mapping[str, Sequence[str]]) -> None:
    """Fix in ``study.settings`` what the code asks for.

    ``alternatives`` are the texts that it compares each setting with.
    """
    if study.site.form != "lambda":
        _settle(study, alternatives, alone=True)
    if not _runs(study, {}, alone=False):
        _settle(study, alternatives, alone=False)
    if study.site.form in _TOLD:
        _count_from_one(study)
        _begin_at_zero(study)


def _count_from_one(study: Study) -> None:
    """Number epochs or steps from 1 where the code takes 1 away and the first rate would be none otherwise.

    Who calls it is not seen here, so nothing says that it is ever asked for position 0.
    """
    run = _run(study, {}, alone=False)
    if run.opaque is not None or _begins(run):
        return
    for tick in dict.fromkeys(_lowered(study)):
        if _begins(_run(study, {first_of(tick): 1}, alone=False)):
            study.settings[first_of(tick)] = 1
            return


def _begin_at_zero(study: Study) -> None:
    """Let a class that is none of torch's begin at 0 where it is given its last position, and -1, torch's, makes its
    first rate a negative one."""
    run = _run(study, {}, alone=True)
    if run.opaque is not None or _begins(run):
        return
    positions = {p: 0 for p, v in run.leaves.items() if role_of(p) is Role.LAST_EPOCH and type(v) is int and v == -1}
    if positions and _begins(_run(study, positions, alone=True)):
        study.settings |= positions


def _begins(run: Run) -> bool:
    return run.opaque is None and bool(run.curve) and not isinstance(run.curve[0], complex) and run.curve[0] >= 0


def _lowered(study: Study) -> Iterator[Tick]:
    """The counts of which the code takes 1 away: ``(epoch - 1) * batches``."""
    for node in (n for root in study.site.nodes for n in walk(root)):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Sub)
            and isinstance(node.left, ast.Name | ast.Attribute)
        ):
            tick = tick_of(ast.unparse(node.left))
            if tick is not None and isinstance(node.right, ast.Constant) and node.right.value == 1:
                yield tick


def _settle(study: Study, alternatives: Mapping[str, Sequence[str]], alone: bool) -> None:
    for _ in range(_MOST_ROUNDS):
        run = _run(study, {}, alone)
        failure = run.failure
        if run.opaque is None and (failure is None or failure.step >= ENOUGH):
            return
        if failure is not None and about_groups(study.names, failure.node) and study.groups > 1:
            study.groups = 1
            continue
        changes = {
            (path, repr(value)): value for path, value in _changes(study, run, alternatives) if path not in _KEPT
        }
        for (path, _), value in islice(changes.items(), _MOST_TRIED):
            if _further(run, _run(study, {path: value}, alone)):
                study.settings[path] = value
                break
        else:
            return


def _run(study: Study, changes: Mapping[str, object], alone: bool) -> Run:
    return study.run(0, use=None, overrides=changes) if alone else study.run(0, overrides=changes)


def _runs(study: Study, changes: Mapping[str, object], alone: bool) -> bool:
    run = _run(study, changes, alone)
    return run.opaque is None and (run.failure is None or run.failure.step >= ENOUGH)


def _further(before: Run, after: Run) -> bool:
    """Whether a run got beyond what ended another: to its end, to a later step, or past the statement."""
    if after.opaque is not None:
        return before.opaque is not None and before.refused != after.refused and after.refused is not None
    if after.failure is None:
        return True
    if before.failure is None:
        return after.failure.step >= 0
    moved = after.failure.node is not before.failure.node
    if before.failure.kind in _REFUSALS and before.failure.step <= 0 and moved and _plain(before.failure):
        return True
    return after.failure.step > before.failure.step or (moved and after.failure.step == before.failure.step)


def _plain(failure: Failure) -> bool:
    return failure.kind != "TypeError"


def _changes(study: Study, run: Run, alternatives: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    """Path and value of each change worth trying after a run that ended early, the likeliest first."""
    failure = run.failure
    if failure is None:
        yield from _unrefused(run, alternatives)
        return
    texts = [(path, text) for path, known in alternatives.items() for text in known if path not in study.settings]
    if failure.kind == "KeyError":
        yield from _keys(study, run, failure)
    if failure.kind in _REFUSALS and failure.step <= 0:
        defaults = {name: default for name, default, _ in _taken(study)}
        yield from proposals(study.names, failure.node, run.leaves, defaults, study.settings)
        yield from ((path, False) for path, value in run.leaves.items() if value is True)
        yield from texts
    if failure.kind == "ZeroDivisionError" and failure.step <= 0:
        yield from ((name, Drawn(Kind.LENGTH)) for name in _may_be_lengths(study))
        # A run that is divided into dozens of parts has more steps than are drawn.
        yield from ((p, _PARTS * v) for p, v in run.leaves.items() if role_of(p) in LENGTHS and isinstance(v, int))
    if failure.kind in _WRONG_KINDS:
        yield from _redrawn(study, run, failure, alternatives)
    if failure.step <= 0:
        yield POSITION_GIVEN, True
        if "None" in failure.message or failure.kind in _REFUSALS:
            yield from _given(study, run)
    if failure.step > 0 and failure.kind in _REFUSALS:
        yield from texts
    if failure.kind in ("ValueError", "AssertionError") and failure.node not in study.names.parents:
        # What refuses it is a scheduler of a library, by the bounds of its own parameters.
        yield from (
            (path, Drawn(kind))
            for path, value in run.leaves.items()
            if is_number(value) and path not in study.settings
            for kind in (Kind.SHARE, Kind.LENGTH)
        )


def _may_be_lengths(study: Study) -> list[str]:
    """Names that speak of an epoch's number where another says where training stands: of how many there are, then."""
    roots = [*study.site.nodes, *([study.use.call] if study.use is not None else [])]
    nodes = [node for root in roots for node in walk(root)]
    names = dict.fromkeys(n.arg if isinstance(n, ast.arg) else n.id for n in nodes if isinstance(n, ast.arg | ast.Name))
    told = [name for name in names if tick_of(name) is not None]
    return [name for name in told if len(told) > 1 and words(name)[-1] in _NUMBERS]


def _unrefused(run: Run, alternatives: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    """Values for what nothing speaks of, by what was asked of it."""
    if run.refused is None:
        return
    path, wanted = run.refused
    word = last_word(path)
    known = [text for other, texts in alternatives.items() if last_word(other) == word for text in texts]
    yield from ((path, text) for text in known)
    if wanted in ("iterable", "container"):
        yield path, Drawn(Kind.LENGTHS)
        yield path, Drawn(Kind.FACTORS)
    elif wanted == "bool":
        yield path, False
        yield path, True
    elif wanted in ("number", "any") and not path.endswith(")"):
        yield path, Drawn(Kind.LENGTH)


def _keys(study: Study, run: Run, failure: Failure) -> Iterator[Change]:
    """A name that keys the groups is the rate's; a key that nobody set is the author's own."""
    for path, value in {**run.leaves, **run.names}.items():
        if path not in study.settings and repr(value) == failure.message and role_of(path) is Role.UNKNOWN:
            yield path, "lr"
    key = failure.message
    if key[:1] in ("'", '"'):
        flag = _is_tested(study, failure.node)
        own = {node for root in study.site.nodes for node in walk(root)}
        beside = (node for node in study.names.nodes if node not in own)
        yield from ((own_key(key), number) for number in numbers_put(beside, str(ast.literal_eval(key))))
        yield from ((own_key(key), value) for value in (reversed(_OF_GROUPS) if flag else _OF_GROUPS))


def _is_tested(study: Study, node: ast.AST | None) -> bool:
    """Whether code only asks if something is so, or not."""
    outer = study.names.parents.get(node) if node is not None else None
    if isinstance(outer, ast.BoolOp | ast.Not):
        return True
    return isinstance(outer, ast.UnaryOp) or (isinstance(outer, ast.If | ast.IfExp | ast.While) and outer.test is node)


def _redrawn(study: Study, run: Run, failure: Failure, alternatives: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    """Another kind for what was drawn and is of the type that the exception speaks of."""
    taken = ast.unparse(failure.node) if failure.node is not None else ""
    drawn = {**{p: v for p, v in run.names.items() if p in study.parameters}, **run.leaves}
    free = [
        (path, value)
        for path, value in drawn.items()
        if (path not in study.settings or study.settings[path] == Drawn(Kind.LENGTHS))
        if blamed(failure.message, value) and not _stated(study, run, path, value)
    ]
    free.sort(key=lambda entry: last_word(entry[0]) not in taken)
    for path, value in free:
        texts = tuple(t for other, known in alternatives.items() if last_word(other) == last_word(path) for t in known)
        yield from ((path, other) for other in other_kinds(value, failure.message, texts))


def _stated(study: Study, run: Run, path: str, value: object) -> bool:
    """Whether the code itself says that a value is of the type it has."""
    known = run.scenario.defaults.get(path)
    return known is not None and isinstance(value, type(known))


def _given(study: Study, run: Run) -> Iterator[Change]:
    """Values for parameters that are None until somebody gives them."""
    for name, default, _ in _taken(study):
        none = isinstance(default, ast.Constant) and default.value is None
        if none and name not in study.settings and "sched" not in name and run.names.get(name) is None:
            yield name, Drawn(Kind.LENGTH)
            yield name, Drawn(Kind.SHARE)
            yield name, Drawn(Kind.LENGTHS)


def _taken(study: Study) -> list[Parameter]:
    node = study.node
    return study.constructor or (parameters(node) if isinstance(node, ast.FunctionDef) else [])


__all__ = ["settle"]
