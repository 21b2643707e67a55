"""For each rule with a clear fix: the edits that may be it, the likeliest first. Whether one is, is tried out."""

from __future__ import annotations

from lrfix.rewriting.own_code.branches import reached
from lrfix.rewriting.own_code.calls import (
    present_call,
    returned,
    stepped_behind,
    the_other_way,
    without_metric,
)
from lrfix.rewriting.own_code.checkpoints import saved_beside
from lrfix.rewriting.own_code.constructors import constructed
from lrfix.rewriting.own_code.formulas import (
    above_zero,
    bound_at_once,
    clamped_progress,
    counted_from_the_warmup,
    guarded_division,
    over_its_own_length,
)
from lrfix.rewriting.own_code.names import in_its_place
from lrfix.rewriting.own_code.text import Finder

FINDERS: dict[str, Finder] = {
    "LR102": reached,
    "LR107": constructed,
    "LR108": bound_at_once,
    "LR202": counted_from_the_warmup,
    "LR203": above_zero,
    "LR204": clamped_progress,
    "LR205": guarded_division,
    "LR209": above_zero,
    "LR210": returned,
    "LR211": in_its_place,
    "LR301": stepped_behind,
    "LR305": present_call,
    "LR306": without_metric,
    "LR308": saved_beside,
    "LR310": over_its_own_length,
    "LR314": the_other_way,
}

__all__ = ["FINDERS"]
