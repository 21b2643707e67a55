"""The present position of training, for code that asks for it by name: the step, the epoch, the batch in its epoch.

Like ``roles.py`` this knows the field's general words only. A name is taken for the present position where its role
says nothing else: ``num_steps`` is a horizon, ``global_step`` is where training stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from lrfix.domains.roles import Role, last_word, role_of
from lrfix.trees import walk


class Tick(str, Enum):
    """Which count a name asks for."""

    STEP = "step"
    EPOCH = "epoch"
    BATCH = "batch"
    PROGRESS = "progress"
    REMAINING = "remaining"


_COUNT = r"(_?(num|idx|index|count|counter|cnt|number|no|nr|id|i|now|cur|current|so_far))?"
_NOW = r"(cur|curr|current|global|train|training|now|this|present|real|opt|optim|optimizer|last|trained|done|completed)"
_EPOCH = re.compile(rf"^({_NOW}_?)?(epoch|episode){_COUNT}$|^i_?epoch$|^ep$|^epoch_float$|^e$")
_STEP = re.compile(
    rf"^({_NOW}_?)?(n_?|num_?)?(step|iter|iteration|itr|it|update){_COUNT}$|^i_?(iter|step)$"
    rf"|^{_NOW}_?(batch|sample)_?(step|idx)$|^{_NOW}_?(n_?|num_?)?(steps|iters|iterations|itrs|updates)$|^(step|iter)_?_?$"
)
_BATCH = re.compile(r"^(i|ii|idx|n_?i|batch_?(idx|i|id|index|num|no|nr)|i_?batch|(data_?)?iter_?step|bi|b_idx)$")
_BROAD = re.compile(
    r"^(t|k|n|x|s|it|now|cur|current|num_updates|n_updates|n_iter|iters|steps|step_?num|nstep|n_step|epochs|num_steps|batches|num_iters|elapsed"
    r"|iter_?(no|n)|global_steps|ep|e|i)$"
)
_PROGRESS = re.compile(
    r"^((get_)?elapsed_(duration|fraction)|frac(tion)?(_?done)?|progress|pct(_done)?|percent(age)?|(train(ing)?_?)?progress|ratio_done|where)$"
)
_REMAINING = re.compile(
    r"^(current_?)?(train(ing)?_?)?(progress|fraction|frac)_?(remaining|left)$|^remaining_?(progress|fraction|frac)$"
)
# A trainer's own object for where training stands, and what is read off it.
_MOMENT = re.compile(r"(?:^|\.)(?:time_?stamp|timer)(?:\.(\w+))?$")
_CONSUMED = re.compile(
    r"^tokens$|^(consumed|seen|processed)_(\w+_)?(tokens|samples|examples|images|batches)$"
    r"|^(num_|n_|total_)?(tokens|samples|examples|images|batches)_(consumed|seen|processed)(_so_far)?$"
)
_IN_ITEMS = re.compile(r"(^|_)(tokens|samples|examples|images)$")
_ITEMS_A_STEP = re.compile(r"(^|_)((ctx|context|seq|sequence|block)_?(len|length|size)|bsz|batch_?size|world_?size)$")
_OPTIONS = re.compile(r"(^|\.)(args|cfg|config|conf|hparams|opt|opts|flags|settings|FLAGS)\.\w+$")
_WITHIN = frozenset({"step", "iter", "iteration", "itr", "it", "step_idx", "iter_idx", "iter_num", "idx", "i"})


@lru_cache(maxsize=4096)
def tick_of(path: str) -> Tick | None:
    """The count that a free name stands for, or None."""
    read = moment(path)
    if read is not None:
        return read
    word = last_word(path)
    if _CONSUMED.match(word):
        return Tick.STEP
    role = role_of(path)
    if role in (Role.EPOCHS, Role.UNKNOWN, Role.LAST_EPOCH) and _EPOCH.match(word):
        # What the options call epochs is how many there are.
        return None if _OPTIONS.search(path) and not re.match(_NOW, word) else Tick.EPOCH
    if _REMAINING.match(word):
        return Tick.REMAINING
    if role not in (Role.UNKNOWN, Role.LAST_EPOCH):
        return None
    if _STEP.match(word):
        return Tick.STEP
    if _PROGRESS.match(word):
        return Tick.PROGRESS
    return Tick.BATCH if _BATCH.match(word) else None


@lru_cache(maxsize=4096)
def moment(path: str) -> Tick | None:
    """The count that a trainer's timestamp stands for as a whole (``state.timestamp``), or one read off it."""
    match = _MOMENT.search(path)
    if match is None or "." not in path:
        return None
    word = match[1]
    if word is None or word in ("batch", "batches", "step", "iteration", "iter", "update", "sample", "token"):
        return Tick.STEP
    if word in ("epoch", "epochs"):
        return Tick.EPOCH
    if word in ("progress", "share"):
        return Tick.PROGRESS
    return Tick.BATCH if word in ("batch_in_epoch", "step_in_epoch", "iter_in_epoch") else None


def is_object(path: str) -> bool:
    """Whether a count is a trainer's timestamp as a whole: it can be compared, and is no number."""
    match = _MOMENT.search(path)
    return match is not None and match[1] is None and "." in path


def parameter_ticks(
    parameters: Sequence[str], lengths: Collection[str] = (), in_epochs: bool = False
) -> dict[str, Tick]:
    """Which parameters of a function that is asked at every step are the present position.

    ``lengths`` are those that turn out to be an epoch's, whatever their names say; ``in_epochs``: the code counts
    whole epochs by their batches, so that any other count goes on within one.
    """
    found = {name: tick for name in parameters if (tick := tick_of(name)) is not None}
    if not found:
        first = next((name for name in parameters if _BROAD.match(name.lower().strip("_"))), None)
        return {} if first is None else {first: Tick.STEP}
    by_length = any(role_of(name) is Role.LOADER_LENGTH or name in lengths for name in parameters)
    if Tick.EPOCH in found.values() and (in_epochs or by_length):
        within = {name for name, tick in found.items() if tick is Tick.STEP and _is_within(name, in_epochs)}
        found.update(dict.fromkeys(within, Tick.BATCH))
    return found


def _is_within(name: str, in_epochs: bool) -> bool:
    """Whether a count begins anew in each epoch; the present one does beside epochs that are counted by batches."""
    return name in _WITHIN or (in_epochs and re.sub(r"^cur(rent)?_", "", name) in _WITHIN)


def counts_items(nodes: Sequence[ast.AST]) -> bool:
    """Whether code counts its way in items, not in steps: it multiplies steps by what makes a batch."""
    named = (node for root in nodes for node in walk(root) if isinstance(node, ast.Name | ast.Attribute))
    return any(_IN_ITEMS.search(node.id if isinstance(node, ast.Name) else node.attr) for node in named)


def last_epoch_by_batches(nodes: Sequence[ast.AST]) -> bool:
    """Whether code multiplies torch's own count by the length of an epoch, so that this count is one of epochs."""
    return any(isinstance(count, ast.Attribute) and count.attr == "last_epoch" for count in _by_batches(nodes))


def told_epochs_alone(parameters: Collection[str], function: ast.AST) -> bool:
    """Whether a function is told the epoch, nothing within it, and knows no length of one."""
    if {tick_of(name) for name in parameters} - {None} != {Tick.EPOCH}:
        return False
    read = (node for node in walk(function) if isinstance(node, ast.Name | ast.Attribute | ast.Call))
    return all(role_of(ast.unparse(node)) is not Role.LOADER_LENGTH for node in read)


def counts_in_epochs(nodes: Sequence[ast.AST]) -> bool:
    """Whether code multiplies the epoch by its length: ``epoch * len(loader)``, ``(epoch - 1) * iters_per_epoch``."""
    parts = (part for count in _by_batches(nodes) for part in walk(count))
    return any(isinstance(part, ast.Name) and tick_of(part.id) is Tick.EPOCH for part in parts)


def _by_batches(nodes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    """What is multiplied by the length of an epoch."""
    for node in (n for root in nodes for n in walk(root)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for count, length in ((node.left, node.right), (node.right, node.left)):
                plain = isinstance(length, ast.Name | ast.Attribute | ast.Call)
                if plain and role_of(ast.unparse(length)) is Role.LOADER_LENGTH:
                    yield count


def is_of_items(path: str) -> bool:
    """Whether a count is one of tokens or samples by its name, of which a step takes many."""
    return bool(_IN_ITEMS.search(last_word(path)))


def items_a_step(path: str) -> bool:
    """Whether an expression says how many items a step takes: the length of a sequence, the size of a batch."""
    return bool(_ITEMS_A_STEP.search(last_word(path)))


@dataclass
class Clock:
    """Where training stands. ``nested``: batches are counted inside epochs of ``per_epoch`` steps; otherwise one
    count runs, and every word for it means the same. ``horizon`` is the number of steps that progress is a share of,
    ``first`` the number that a count starts with, 0 where it says nothing."""

    per_epoch: int
    horizon: int
    step: int = 0
    nested: bool = False
    first: Mapping[Tick, int] = field(default_factory=dict)

    def read(self, tick: Tick) -> int | float:
        if tick is Tick.PROGRESS:
            return min(self.step / self.horizon, 1.0)
        if tick is Tick.REMAINING:
            return max(1.0 - self.step / self.horizon, 0.0)
        first = self.first.get(tick, 0)
        if not self.nested or tick is Tick.STEP:
            return self.step + first
        return first + (self.step // self.per_epoch if tick is Tick.EPOCH else self.step % self.per_epoch)


def first_of(tick: Tick) -> str:
    """The setting that says which number a count starts with (``first epoch``)."""
    return f"first {tick.value}"


def nested(ticks: Sequence[Tick]) -> bool:
    """Whether these counts together speak of batches inside epochs."""
    return Tick.EPOCH in ticks and (Tick.STEP in ticks or Tick.BATCH in ticks)


__all__ = [
    "Clock",
    "Tick",
    "counts_in_epochs",
    "counts_items",
    "first_of",
    "is_object",
    "is_of_items",
    "items_a_step",
    "last_epoch_by_batches",
    "moment",
    "nested",
    "parameter_ticks",
    "tick_of",
    "told_epochs_alone",
]
