"""For LR109: schedulers that Lightning does not know of, and so does not save. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.class_reading import own_attribute, stored_in
from lrfix.experiments.structure import method, statements
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.stock import stock_scheduler
from lrfix.sites.vocabulary import words

#: Methods through which a module may save more than Lightning does.
_SAVING = frozenset({"on_save_checkpoint", "on_load_checkpoint", "state_dict", "load_state_dict", "lr_schedulers"})


def kept_apart(study: Study) -> Iterator[Violation]:
    """A scheduler made in ``configure_optimizers``, stepped by hand, and not returned from there."""
    for node in study.names.nodes:
        made = method(node, "configure_optimizers")
        if made is None or not isinstance(node, ast.ClassDef) or any(method(node, name) for name in _SAVING):
            continue
        for statement in statements(made.body):
            for name, value in stored_in(statement):
                if not isinstance(value, ast.Call) or not _builds_scheduler(study, value) or _returned(made, name):
                    continue
                users = [study.names.parents.get(n) for n in ast.walk(node) if _reads(n, name)]
                if users and all(isinstance(u, ast.Attribute) and u.attr in ("step", "get_last_lr") for u in users):
                    yield Violation(
                        study.span(statement),
                        f"`self.{name}` is stepped by hand and not returned from `configure_optimizers`: Lightning "
                        "saves and restores the optimizer without it, and a resumed run begins the schedule again. "
                        f"Return it, or save `self.{name}.state_dict()` in `on_save_checkpoint`.",
                    )


def _reads(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and own_attribute(node) == name and isinstance(node.ctx, ast.Load)


def _builds_scheduler(study: Study, call: ast.Call) -> bool:
    named = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return stock_scheduler(study.names, call) is not None or {"scheduler", "sched"} & set(words(named)) != set()


def _returned(function: ast.FunctionDef, name: str) -> bool:
    return any(
        own_attribute(n) == name
        for returned in ast.walk(function)
        if isinstance(returned, ast.Return) and returned.value is not None
        for n in ast.walk(returned.value)
    )


__all__ = ["kept_apart"]
