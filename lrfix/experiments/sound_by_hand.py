"""Schedules without a fault that are written by hand: what LR401 and LR402 have to say of them, and what they show."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.driving.group_keys import counts_in_groups, numbers_put
from lrfix.experiments.equivalence import equivalent
from lrfix.experiments.own_numbers import in_own_numbers
from lrfix.experiments.study import Study
from lrfix.findings import Evidence
from lrfix.recognition import Recognition
from lrfix.sites.subclasses import SCHEDULE_METHODS
from lrfix.trees import walk

_PROTOCOL = SCHEDULE_METHODS | {"__init__", "state_dict", "load_state_dict"}


def sound_by_hand(study: Study) -> Recognition | None:
    """What a schedule is that a bundled scheduler expresses under every setting; None where anything is wrong with it
    or with its use, and where `rewrite` would not touch it."""
    if not study.ran or study.faults or study.unseen or not study.rewritable:
        return None
    if _begins_unseen(study) or _moved_from_outside(study):
        return None
    recognition = equivalent(study)
    return recognition if recognition is not None and recognition.spec is not None else None


def _begins_unseen(study: Study) -> bool:
    """Whether the schedule counts in the parameter groups, and nothing says what such a count begins with."""
    return any(not list(numbers_put(study.names.nodes, key)) for key in counts_in_groups(study.site.nodes))


def _moved_from_outside(study: Study) -> bool:
    """Whether a scheduler has a method beside torch's own that changes what its rates are worked out from."""
    node = study.node
    if study.site.form != "subclass" or not isinstance(node, ast.ClassDef):
        return False
    methods = {s.name: s for s in node.body if isinstance(s, ast.FunctionDef) and not s.decorator_list}
    reached = _PROTOCOL & methods.keys()
    while more := {n.attr for m in reached for n in _of_self(methods[m], ast.Load)} & methods.keys() - reached:
        reached |= more
    read = {n.attr for m in reached - {"__init__"} for n in _of_self(methods[m], ast.Load)}
    outside = [method for name, method in methods.items() if name not in reached]
    return any(n.attr in read for method in outside for n in _of_self(method, ast.Store))


def _of_self(method: ast.FunctionDef, context: type[ast.expr_context]) -> Iterator[ast.Attribute]:
    for node in walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, context) and ast.unparse(node.value) == "self":
            yield node


def whole_curve(study: Study) -> Evidence:
    """The curve with the numbers that the file states: its begin, its middle and its end."""
    told = in_own_numbers(study)
    run = told.runs[0]
    last = min(len(run.curve) - 1, told.horizon(run) or len(run.curve))
    return told.evidence(run, [0, 1, last // 2, last])


__all__ = ["sound_by_hand", "whole_curve"]
