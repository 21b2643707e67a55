"""What a value that a scheduler's ``step`` is given stands for: where training is, or how well it does."""

from __future__ import annotations

import ast

from lrfix.sites.vocabulary import identifiers, words
from lrfix.tracing.amounts import Amount
from lrfix.tracing.values import Known, Unknown, Value
from lrfix.trees import walk

#: What gets better when it falls, and when it rises.
FALLING = frozenset(
    {"loss", "losses", "error", "err", "mse", "rmse", "mae", "ppl", "perplexity", "wer", "cer", "nll"}
    | {"fid", "eer", "bpc"}
)
RISING = frozenset(
    {"acc", "accuracy", "auc", "auroc", "f1", "map", "miou", "iou", "dice", "bleu", "psnr", "ssim", "precision"}
    | {"recall", "reward", "score", "top", "acc1"}
)
_SURELY_RISING = RISING - {"f1", "map", "precision", "score", "top", "acc1"}
#: What a word for measuring beside them makes sure of.
_RISING_BESIDE = frozenset({"f1"})
_MEASURED = frozenset({"val", "valid", "validation", "dev", "test", "eval", "score", "macro", "micro", "mean", "best"})
#: Words that may turn a metric around.
_TURNED = frozenset({"neg", "negative", "minus", "inverse", "inv", "one", "distance", "gap", "rank", "delta"})
_METRICS = FALLING | RISING | {"metric", "metrics", "val", "valid", "validation"}
_POSITIONS = frozenset({"epoch", "epochs", "step", "iter", "iteration", "it", "i", "batch", "idx", "progress"})


def is_position(value: Value) -> bool:
    """Whether a value is where training stands: a loop's index, a counter, a number made of them."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return True
    if isinstance(value, Amount):
        return any(unit.moving for unit in value.units)
    if not isinstance(value, Unknown) or value.measured or value.known is not None:
        return False
    return value.moving or (bool(_spoken(value) & _POSITIONS) and not _spoken(value) & _METRICS)


def is_metric(value: Value) -> bool:
    """Whether a value is, by its name, how well training does, and comes from no loop's index."""
    if not isinstance(value, Unknown) or value.moving:
        return False
    return bool(_spoken(value) & _METRICS) and not _spoken(value) & _POSITIONS


def direction(node: ast.expr, value: Value) -> str | None:
    """The mode in which a plateau has to watch a metric, by its name; None for what is computed, or says nothing."""
    if any(isinstance(n, ast.BinOp | ast.UnaryOp) for n in walk(node)):
        return None
    if isinstance(value, Unknown) and any(sign in value.path for sign in ("-", "1 /", "1.0 /")):
        return None
    names = list(identifiers(node))
    spoken = {word for name in names for word in (*words(name), *name.lower().split("_"))}  # mIoU is one word
    if spoken & FALLING:
        return "min"
    rises = spoken & _SURELY_RISING or (spoken & _RISING_BESIDE and spoken & _MEASURED)
    return "max" if rises and not spoken & _TURNED else None


def text_of(value: Value) -> str:
    """A value as the file writes it."""
    if isinstance(value, Unknown | Known):
        return value.path
    return str(value)


def _spoken(value: Unknown) -> set[str]:
    return set(words(value.path))


__all__ = ["FALLING", "RISING", "direction", "is_metric", "is_position", "text_of"]
