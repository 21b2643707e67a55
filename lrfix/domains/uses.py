"""The part that a value plays, from what the code does with it, where its name says less or something else."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeGuard

from lrfix.domains.clock import Tick, tick_of
from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, RATES, Role, last_word, role_of
from lrfix.domains.sequences import sequences
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk

_SINGLE = frozenset({Role.HORIZON, Role.STEP_SIZE})


def roles_by_use(nodes: Sequence[ast.AST]) -> Mapping[str, Role]:
    """Roles by the last word of an expression (``self.warmup`` -> ``warmup``), for those that the use decides.

    What is raised to a power that counts is a factor, as is what multiplies the rate in place; what the epoch is
    multiplied with before the batch is added is the length of an epoch; what the position is divided by is one length,
    not a list of them; what is divided by the rate is a rate, and a low one; what a warmup climbs from is a start; a
    list whose elements the position is compared with, and never divided by, holds milestones; a peak that the position
    is compared with, or interpolated over, is the moment of it, as is a decay; what is added to the epoch is where
    training begins, and what is added to an object's own count is by how much it goes up. What is stored under another
    name (``self.decay = lr_decay``) plays the same part.
    """
    found: dict[str, Role] = {}
    several = sequences(nodes)
    lengths = {word for root in nodes for node in walk(root) for word in _lists_of_lengths(node)}
    knots = {ast.unparse(n.targets[0]): n.value for root in nodes for n in walk(root) if _is_kept_list(n)}
    counted = {ast.unparse(target) for root in nodes for n in walk(root) for target in _positions(n)}
    for root in nodes:
        for node in walk(root):
            for expression, role in (
                *_factors(node),
                *_epochs(node),
                *_divisors(node),
                *_floors(node),
                *_milestones(node),
                *_shares(node),
                *_ramps(node),
                *_moments(node, knots, counted),
                *_offsets(node),
                *((added, Role.INCREMENT) for added in _added(node)),
            ):
                word = last_word(ast.unparse(expression))
                # What is named like the position and divides it is an interval, be it a list of moments elsewhere.
                single = role in _SINGLE and tick_of(word) is None
                if word not in (several if single else lengths if role is Role.MILESTONES else ()):
                    found.setdefault(word, role)
    for root in nodes:
        for node in walk(root):
            if isinstance(node, ast.Assign) and _named(node.value) and _named(node.targets[0]):
                stored = found.get(last_word(ast.unparse(node.targets[0])))
                if stored is not None:
                    found.setdefault(last_word(ast.unparse(node.value)), stored)
    return found


def _shares(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    """``total_steps * warmup_rate``: a rate that a length is multiplied with is a share of it."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return
    for part, whole in ((node.left, node.right), (node.right, node.left)):
        if _named(part) and role_of(ast.unparse(part)) is Role.WARMUP_START and _is_a_whole(whole):
            yield part, Role.WARMUP_FRACTION


def _ramps(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    """``if step < warmup: lr = start_lr + progress * (ref_lr - start_lr)``: what a warmup begins at, and goes to."""
    if not isinstance(node, ast.If):
        return
    tested = [n for n in walk(node.test) if _named(n)]
    if not any(role_of(ast.unparse(n)) in (Role.WARMUP, Role.WARMUP_EPOCHS) for n in tested):
        return
    for total in (n for s in node.body for n in walk(s) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add)):
        for start, climb in ((total.left, total.right), (total.right, total.left)):
            if not _named(start) or not isinstance(climb, ast.BinOp) or not isinstance(climb.op, ast.Mult):
                continue
            for way in (climb.left, climb.right):
                if not isinstance(way, ast.BinOp) or not isinstance(way.op, ast.Sub) or not _named(way.left):
                    continue
                if ast.unparse(way.right) == ast.unparse(start) and role_of(ast.unparse(start)) is Role.BASE_RATE:
                    yield start, Role.WARMUP_START
                    if role_of(ast.unparse(way.left)) is Role.UNKNOWN:
                        yield way.left, Role.PEAK


def _is_kept_list(node: ast.AST) -> TypeGuard[ast.Assign]:
    if not isinstance(node, ast.Assign):
        return False
    return isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.List | ast.Tuple)


def _moments(node: ast.AST, kept: Mapping[str, ast.expr], counted: Collection[str]) -> Iterator[tuple[ast.expr, Role]]:
    """Peaks and decays that are places, no rates and no factors: ``epoch < peak``, ``self.n > self.decay``,
    ``np.interp(epoch, [0, peak, epochs], ...)``."""
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        position, others = node.left, [node.comparators[0]]
    elif isinstance(node, ast.Call) and called_name(node) == "interp" and len(node.args) > 2:
        position, knots = node.args[:2]
        knots = kept.get(knots.id, knots) if isinstance(knots, ast.Name) else knots
        position = position.elts[0] if isinstance(position, ast.List) and len(position.elts) == 1 else position
        others = knots.elts[1:-1] if isinstance(knots, ast.List | ast.Tuple) else []
    else:
        return
    tick = tick_of(ast.unparse(position)) if _named(position) else None
    if not _counts(tick) and (tick is not None or ast.unparse(position) not in counted):
        return
    for other in filter(_named, others):
        if role_of(ast.unparse(other)) is Role.PEAK:
            yield other, Role.WARMUP_EPOCHS if tick is Tick.EPOCH else Role.WARMUP
        elif role_of(ast.unparse(other)) is Role.GAMMA:
            yield other, Role.EPOCHS if tick is Tick.EPOCH else Role.HORIZON


def _positions(node: ast.AST) -> Iterator[ast.expr]:
    """What counts where training stands, whatever its name: ``self.n += 1``, ``n = self.last_epoch``."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and literal(node.value) == 1:
        yield node.target
    elif isinstance(node, ast.Assign) and _named(node.value) and _counts(tick_of(ast.unparse(node.value))):
        yield from node.targets


def _counts(tick: Tick | None) -> bool:
    return tick not in (None, Tick.PROGRESS, Tick.REMAINING)


def _offsets(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    """``epoch + epoch_count``: what is added to the position as it stands is where training begins, no length."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _named(node.left) and _named(node.right):
        for position, offset in ((node.left, node.right), (node.right, node.left)):
            counted = tick_of(ast.unparse(position)) is Tick.EPOCH and role_of(ast.unparse(offset)) is Role.EPOCHS
            if counted and tick_of(last_word(ast.unparse(offset))) is not None:
                yield offset, Role.INCREMENT


def increments(root: ast.AST) -> Iterator[ast.expr]:
    """``self.num_steps += increment``: by how much an object's own count goes up."""
    for node in walk(root):
        yield from _added(node)


def _added(node: ast.AST) -> Iterator[ast.expr]:
    if not isinstance(node, ast.AugAssign) or not isinstance(node.op, ast.Add) or not isinstance(node.value, ast.Name):
        return
    if isinstance(node.target, ast.Attribute) and role_of(node.target.attr) not in RATES:
        yield node.value


def _is_a_whole(node: ast.expr) -> bool:
    factors = [n for n in walk(node) if isinstance(n, ast.Name | ast.Attribute) and _named(n)]
    return bool(factors) and all(
        role_of(text) in (Role.HORIZON, Role.EPOCHS, Role.LOADER_LENGTH) and tick_of(text) is None
        for text in map(ast.unparse, factors)
    )


def _milestones(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    """Lists of positions, whatever their names speak of: ``step < decay[0]``, ``for e in decay: if epoch >= e``."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_named(side) and tick_of(ast.unparse(side)) is not None for side in sides):
            yield from ((side.value, Role.MILESTONES) for side in sides if _element(side))
    elif isinstance(node, ast.For) and _named(node.iter) and isinstance(node.target, ast.Name):
        if tick_of(node.target.id) is not None:
            return
        for compared in (n for n in walk(node) if isinstance(n, ast.Compare)):
            sides = [compared.left, *compared.comparators]
            reached = any(isinstance(side, ast.Name) and side.id == node.target.id for side in sides)
            if reached and any(_named(side) and tick_of(ast.unparse(side)) is not None for side in sides):
                yield node.iter, Role.MILESTONES


def _lists_of_lengths(node: ast.AST) -> Iterator[str]:
    """Lists of which an element is a length: ``step / warmup[0]``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv):
        right = node.right
        parts = [right, *right.args] if isinstance(right, ast.Call) else [right]
        yield from (last_word(ast.unparse(part.value)) for part in parts if _element(part))


def _divisors(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    """Single lengths whose names speak of milestones, or of the position that they divide into stairs:
    ``step / max_lr_steps``, ``epoch // lr_steps``, ``iter_num // step``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and _named(node.right):
        counts = any(_named(n) and tick_of(ast.unparse(n)) is not None for n in walk(node.left))
        if counts and role_of(ast.unparse(node.right)) is Role.MILESTONES:
            yield node.right, Role.HORIZON if isinstance(node.op, ast.Div) else Role.STEP_SIZE
        elif counts and not isinstance(node.op, ast.Div) and tick_of(ast.unparse(node.right)) is not None:
            yield node.right, Role.STEP_SIZE


def _floors(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _named(node.left) and _named(node.right):
        above, below = role_of(ast.unparse(node.left)), role_of(ast.unparse(node.right))
        if above is Role.UNKNOWN and below in (Role.BASE_RATE, Role.PEAK) and tick_of(ast.unparse(node.left)) is None:
            yield node.left, Role.FLOOR


def _factors(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, exponent = node.left, node.right
    elif isinstance(node, ast.Call) and called_name(node) == "pow" and len(node.args) == 2:
        base, exponent = node.args
    else:
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Mult) and _named(node.value):
            scaled = _named(node.target) and role_of(ast.unparse(node.target)) in RATES
            if scaled and role_of(ast.unparse(node.value)) in (*LENGTHS, Role.UNKNOWN):
                yield node.value, Role.GAMMA
        return
    # A length to a fixed power is the timescale of an inverse root.
    whole = any(isinstance(n, ast.FloorDiv) or _rounds(n) for n in walk(exponent))
    if whole and _named(base) and role_of(ast.unparse(base)) in (*LENGTHS, Role.POWER, Role.UNKNOWN):
        yield base, Role.GAMMA


def _epochs(node: ast.AST) -> Iterator[tuple[ast.expr, Role]]:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return
    for product, count in ((node.left, node.right), (node.right, node.left)):
        if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult) or not _named(count):
            continue
        if tick_of(ast.unparse(count)) not in (Tick.STEP, Tick.BATCH):
            continue
        for epoch, length in ((product.left, product.right), (product.right, product.left)):
            if isinstance(epoch, ast.BinOp) and isinstance(epoch.op, ast.Add | ast.Sub):
                epoch = epoch.left
            ticks = _named(epoch) and tick_of(ast.unparse(epoch)) is Tick.EPOCH
            if ticks and _named(length) and role_of(ast.unparse(length)) in (Role.UNKNOWN, Role.HORIZON):
                yield length, Role.LOADER_LENGTH


def _rounds(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and called_name(node) in ("floor", "int", "ceil")


def _element(node: ast.AST) -> TypeGuard[ast.Subscript]:
    """Whether an expression is an element of a list with a name, at a number that the code states."""
    index = node.slice if isinstance(node, ast.Subscript) and _named(node.value) else None
    if isinstance(index, ast.UnaryOp):
        index = index.operand
    return isinstance(index, ast.Constant) and isinstance(index.value, int)


def _named(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


__all__ = ["increments", "roles_by_use"]
