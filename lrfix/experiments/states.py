"""Whether anything in sight saves or restores the state of a schedule: else nobody may resume it. No rules here."""

from __future__ import annotations

import ast

from lrfix.experiments.study import Study
from lrfix.sites.vocabulary import looks_like_optimizer
from lrfix.trees import walk, written

_STATE = ("state_dict", "load_state_dict")


def state_asked_for(study: Study, node: ast.AST | None) -> bool:
    """Whether this file, or one that builds the class ``node``, saves or restores a scheduler, or what may be one."""
    own = set(walk(node)) if node is not None else set()
    shown = dict.fromkeys([study.names, *(use.names for use in study.uses if use.names is not None)])
    return any(
        isinstance(n, ast.Attribute) and n.attr in _STATE and n not in own and _may_be_one(study, n.value)
        for names in shown
        for n in names.nodes
    )


def _may_be_one(study: Study, receiver: ast.expr) -> bool:
    """A scheduler by its name; of a class that wraps an optimizer, what is called one."""
    wraps = study.site.form == "wrapper" and looks_like_optimizer(receiver)
    return "sched" in written(receiver).lower() or wraps


__all__ = ["state_asked_for"]
