"""Schedules without a fault that are written by hand: what LR401 and LR402 have to say of them, and what they show."""

from __future__ import annotations

from lrfix.experiments.equivalence import equivalent
from lrfix.experiments.own_numbers import in_own_numbers
from lrfix.experiments.study import Study
from lrfix.findings import Evidence
from lrfix.recognition import Recognition


def sound_by_hand(study: Study) -> Recognition | None:
    """What a schedule is that a bundled scheduler expresses under every setting; None where anything is wrong with it
    or with its use, and where `rewrite` would not touch it."""
    if not study.ran or study.faults or study.unseen or not study.rewritable:
        return None
    recognition = equivalent(study)
    return recognition if recognition is not None and recognition.spec is not None else None


def whole_curve(study: Study) -> Evidence:
    """The curve with the numbers that the file states: its begin, its middle and its end."""
    told = in_own_numbers(study)
    run = told.runs[0]
    last = min(len(run.curve) - 1, told.horizon(run) or len(run.curve))
    return told.evidence(run, [0, 1, last // 2, last])


__all__ = ["sound_by_hand", "whole_curve"]
