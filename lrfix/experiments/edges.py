"""The edges of what a schedule accepts: lengths of nothing, of one step, of one epoch, as long as the whole.

An edge is stated where the code's own default is that value; otherwise it is legal, and whether anyone chooses it only
the author knows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrfix.domains.facts import literal, sets_its_names
from lrfix.domains.roles import LENGTHS, Role, last_word, role_of
from lrfix.domains.scenarios import Same
from lrfix.domains.signatures import parameters
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study
from lrfix.names import Names
from lrfix.sites.blocks import block_of
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import names_position, words
from lrfix.trees import walk

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_EPOCHS = (Role.EPOCHS, Role.WARMUP_EPOCHS)
_GIVEN = (Role.HORIZON, Role.EPOCHS, Role.LOADER_LENGTH)
#: What a warmup may be as long as: the whole, or the decay behind it.
_ENDS = (Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH)


@dataclass(frozen=True)
class Edge:
    """Values at an edge. ``words`` say to the user which, ``stated`` whether the code's own default is that.

    ``lasts``: the length that goes on past the edge, where the schedule is no longer than that.
    """

    overrides: Mapping[str, object]
    words: str
    stated: bool = False
    lasts: str | None = None


def edges(study: Study, run: Run, use: Construction | None) -> Iterator[Edge]:
    """The edges of the free lengths of ``run``, those that the code states first."""
    found = [*_lengths(study, run, use), *_as_long_as(study, run)]
    yield from sorted(found, key=lambda edge: not edge.stated)


def _free(study: Study, run: Run) -> list[str]:
    """Whole lengths, or what counts as one by its value, that a caller or an option may set."""
    own = {name for name, _, _ in study.constructor}
    return [
        path
        for path, value in sorted({**run.names, **run.leaves}.items())
        if isinstance(value, int) and not isinstance(value, bool) and value > 0
        if (path in run.leaves or path in own) and path not in study.constants
    ]


def _lengths(study: Study, run: Run, use: Construction | None) -> Iterator[Edge]:
    free = _free(study, run)
    for path in free:
        default = _stated_default(study, path)
        zero = _is_zero(default) or any(_is_zero(_constant(d)) for name, d, _ in study.constructor if name == path)
        role = role_of(path)
        if zero and role in LENGTHS:
            if _is_position(path):
                continue
            if not _works_out(study, path) and not _tests(study, use, path):
                # A run of nothing is no run: a parameter for the whole that is 0 by default has to be given.
                yield Edge({path: 0}, f"with `{path}` = 0, its default", _is_meant(path))
            continue
        if _is_warmup(study, run, path):
            yield Edge({path: 0}, f"with `{path}` = 0, no warmup")
            yield Edge({path: 1}, f"with `{path}` = 1, a warmup of one step", default == 1)
        elif role is Role.EPOCHS:
            yield Edge({path: 1}, f"with `{path}` = 1, a run of one epoch", default == 1)
            for loader in (p for p in free if role_of(p) is Role.LOADER_LENGTH):
                yield Edge({path: 1, loader: 1}, f"with `{path}` = 1 and `{loader}` = 1, a run of one step")
        elif role is Role.HORIZON:
            yield Edge({path: 1}, f"with `{path}` = 1, a run of one step", default == 1)
        elif role in (Role.HOLD, Role.DECAY_LENGTH):
            yield Edge({path: 0}, f"with `{path}` = 0, a phase of no length")


def _as_long_as(study: Study, run: Run) -> Iterator[Edge]:
    free = [path for path in _free(study, run) if role_of(path) in LENGTHS]
    for warmup in (path for path in free if role_of(path) in _WARMUPS):
        for whole in (path for path in free if role_of(path) in _ENDS and _one_unit(warmup, path)):
            first, second = study.defaults.get(warmup), study.defaults.get(whole)
            if first and second and first != second and not sets_its_names(study.names):
                continue  # the file states both, far from each other
            words = f"with `{warmup}` = `{whole}`, a warmup as long as the whole"
            stated = bool(first) and first == second and isinstance(first, int)
            lasts = whole if role_of(whole) is Role.DECAY_LENGTH else None
            yield Edge({warmup: Same(whole)}, words, stated, lasts)


def _stated_default(study: Study, path: str) -> object:
    """The default of a value: of a parameter of a function around the schedule what its own signature says.

    What a branch of that function sets it to is no default.
    """
    for outer in (study.node, *study.names.ancestors(study.node)):
        if isinstance(outer, ast.FunctionDef | ast.Lambda):
            own = {name: default for name, default, _ in parameters(outer)}
            if path in own:
                stated = literal(own[path])
                return stated if stated is not None else study.defaults.get(path)
    return study.defaults.get(path)


def _is_meant(path: str) -> bool:
    """Whether a default of nothing may be meant: no length of an epoch is, nor a parameter for the whole."""
    role = role_of(path)
    return role is not Role.LOADER_LENGTH and (role not in _GIVEN or "." in path)


def _is_position(path: str) -> bool:
    """Whether a value says where training stands, and begins at 0 as such: ``step_in_epoch``, no ``epochs``."""
    word = last_word(path)
    return names_position(word) and not words(word)[-1].endswith("s")


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _works_out(study: Study, path: str) -> bool:
    """Whether the file works the value out after all: ``args.num_iterations = total // batch``."""
    return (
        any(
            isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node) == path
            for node in study.names.nodes
        )
        and "." in path
    )


def _tests(study: Study, use: Construction | None, path: str) -> bool:
    """Whether the code comes to the schedule only under a test of the value, or in a loop that is as long."""
    places = [(study.names, study.site.node)]
    if use is not None:
        places.append((use.names or study.names, use.call))
    for names, place in places:
        inner: ast.AST = place
        for outer in names.ancestors(place):
            asked = [outer.iter if isinstance(outer, ast.For) else getattr(outer, "test", None)]
            asked += [left.test for left in _left_before(names, inner)]
            if any(ast.unparse(n) == path for test in asked if test is not None for n in walk(test) if _is_value(n)):
                return True
            inner = outer
    return False


def _is_value(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def _left_before(names: Names, inner: ast.AST) -> Iterator[ast.If]:
    """The tests before a statement of a block under which the block is left."""
    if not isinstance(inner, ast.stmt):
        return
    block = block_of(names, inner)
    for statement in block[: block.index(inner)]:
        if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return | ast.Raise):
            yield statement


def _is_warmup(study: Study, run: Run, path: str) -> bool:
    """A warmup length, also the only length that a class of warmups takes from its caller, whatever it is called."""
    if role_of(path) in _WARMUPS:
        return "after" not in last_word(path)
    own = {name for name, _, _ in study.constructor}
    lengths = {p for p in (*run.names, *run.leaves) if role_of(p) in LENGTHS or role_of(p) is Role.WARMUP_FRACTION}
    named = "warm" in (study.site.name or "").lower()
    return named and path in own and lengths == {path} and role_of(path) in (Role.HORIZON, Role.EPOCHS)


def _one_unit(one: str, other: str) -> bool:
    return (role_of(one) in _EPOCHS) == (role_of(other) in _EPOCHS)


__all__ = ["Edge", "edges"]
