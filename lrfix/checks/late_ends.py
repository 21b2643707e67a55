"""For LR209: a decay that is counted from the end of the warmup and takes the whole run's length. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from lrfix.domains.roles import Role, last_word
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.vocabulary import identifiers, words

_UNITS = ((Role.WARMUP, Role.HORIZON), (Role.WARMUP_EPOCHS, Role.EPOCHS))
#: By these words a length is that of the whole run, and not of the decay alone.
_WHOLE = frozenset({"total", "max", "num", "train", "training", "epochs", "n", "all"})
_CLEAR = 0.01


class _End(NamedTuple):
    warmup: str
    whole: str
    length: int
    step: int


def late_end(study: Study) -> Iterator[Violation]:
    """In every scenario the rate falls until the whole plus the warmup, and is at its lowest there for the first time.

    Whoever calls the whole what comes after the warmup means it so; therefore it is advice.
    """
    found = [_end(study, run) for run in study.runs]
    first = found[0] if found else None
    if first is None or any(end is None for end in found) or _takes_off(study):
        return
    run = study.runs[0]
    yield Violation(
        decay_span(study),
        f"The decay ends at step {first.step}, `{first.whole}` and `{first.warmup}` together: a run of `{first.whole}` "
        f"({first.length}) stops at {run.curve[first.length - 1]:.6g}, before its end at {run.curve[first.step]:.6g}. "
        f"Counted from the end of the warmup, the decay is `{first.whole} - {first.warmup}` long.",
        study.evidence(run, [first.length - 1, first.length, first.step - 1, first.step]),
        advice=True,
    )


def _takes_off(study: Study) -> bool:
    """Whether some code of the file takes a warmup off a length: the whole may be what is left."""
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and node not in inside
        and any("warm" in part for name in identifiers(node.right) for part in words(name))
        for node in study.names.nodes
    )


def _end(study: Study, run: Run) -> _End | None:
    for warmup_role, whole_role in _UNITS:
        warmups, wholes = study.lengths(run, warmup_role), study.lengths(run, whole_role)
        if len(warmups) != 1 or len(wholes) != 1:
            continue
        (warmup, climb), (whole, length) = *warmups.items(), *wholes.items()
        if not isinstance(climb, int) or not isinstance(length, int) or not _is_whole(whole):
            continue
        step = _lowest(run.curve, climb)
        if step is not None and abs(step - (length + climb)) <= 1 < climb < length:
            return _End(warmup, whole, length, step)
    return None


def _is_whole(path: str) -> bool:
    spoken = set(words(last_word(path)))
    return bool(_WHOLE & spoken) and "t" not in spoken  # `T_max` is the length of a cosine


def _lowest(curve: list[float], climb: int) -> int | None:
    """The first step at the bottom of a fall that begins where the warmup ends; None for any other curve."""
    if climb + 4 >= len(curve):
        return None
    top = max(curve)
    peak = next(k for k, rate in enumerate(curve) if rate == top)
    low = max(min(curve[peak:]), 0.0)
    if abs(peak - climb) > 1 or top <= 0:
        return None
    step = next((k for k in range(peak, len(curve)) if curve[k] <= low + 1e-9 * top), None)
    if step is None or step + 1 >= len(curve) or not all(curve[k + 1] < curve[k] for k in range(peak + 1, step - 1)):
        return None
    return step if curve[step - climb - 1] > low + _CLEAR * top * 0.01 else None


__all__ = ["late_end"]
