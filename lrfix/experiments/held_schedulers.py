"""Schedulers that a class holds, and what its own ``state_dict`` keeps of them. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrfix.experiments.class_reading import own_attribute, stored_in
from lrfix.experiments.structure import method, methods, statements
from lrfix.experiments.study import Study
from lrfix.sites.vocabulary import torch_scheduler
from lrfix.trees import walk

#: What one step of a scheduler leaves to the next one beside the rate; of the others, ``last_epoch`` alone.
_CARRIED: Mapping[str, tuple[str, ...]] = {"ReduceLROnPlateau": ("best", "num_bad_epochs")}


@dataclass(frozen=True)
class HalfSaved:
    """A scheduler of torch's in ``self.name``, of which ``saver`` keeps some attributes and leaves out ``missing``."""

    name: str
    class_name: str
    saver: ast.FunctionDef
    missing: str


def half_saved(study: Study) -> Iterator[HalfSaved]:
    """Schedulers that a class of the file builds and steps, and that its ``state_dict`` takes apart, not taking all."""
    for node in study.names.nodes:
        if isinstance(node, ast.ClassDef):
            yield from _of_class(study, node)


def _of_class(study: Study, node: ast.ClassDef) -> Iterator[HalfSaved]:
    saver, initialiser = method(node, "state_dict"), method(node, "__init__")
    if saver is None or initialiser is None:
        return
    for statement in statements(initialiser.body):
        for name, value in stored_in(statement):
            if not isinstance(value, ast.Call):
                continue
            class_name = torch_scheduler(study.names, value.func)
            kept = _attributes(saver, name)
            if class_name is None or not kept or not _stepped(node, name, needs_metric=class_name in _CARRIED):
                continue
            carried = _CARRIED.get(class_name, ("last_epoch",))
            missing = next((each for each in carried if each not in kept), None)
            if missing is not None and not _never_counts(value, missing) and not _touched(node, name, missing):
                yield HalfSaved(name, class_name, saver, missing)


def _attributes(saver: ast.FunctionDef, name: str) -> set[str]:
    """Which attributes of ``self.name`` are read one by one; none where the scheduler is used in any other way."""
    read = [n for n in walk(saver) if isinstance(n, ast.Attribute) and own_attribute(n.value) == name]
    whole = [n for n in walk(saver) if own_attribute(n) == name]
    called = {id(n.func) for n in walk(saver) if isinstance(n, ast.Call)}
    spelled = any(isinstance(n, ast.Constant) and n.value in (name, "__dict__") for n in walk(saver))
    opaque = any(own_attribute(n) == "__dict__" or (isinstance(n, ast.Name) and n.id == "super") for n in walk(saver))
    if len(whole) != len(read) or spelled or opaque or any(id(n) in called or n.attr == "__dict__" for n in read):
        return set()
    return {n.attr for n in read}


def _stepped(node: ast.ClassDef, name: str, *, needs_metric: bool) -> bool:
    """Whether the class steps it and leaves the counting to it: a metric or nothing, never the epoch alone."""
    calls = [
        n
        for n in walk(node)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "step"
        and own_attribute(n.func.value) == name
    ]
    return bool(calls) and (needs_metric or not any(c.args or c.keywords for c in calls))


def _never_counts(build: ast.Call, missing: str) -> bool:
    """Whether no bad epoch is ever waited for: with a patience of 0 the count is 0 again after each step."""
    if missing != "num_bad_epochs":
        return False
    stated = [k.value for k in build.keywords if k.arg == "patience"] + build.args[3:4]
    return any(isinstance(s, ast.Constant) and s.value == 0 for s in stated)


def _touched(node: ast.ClassDef, name: str, attribute: str) -> bool:
    """Whether the class sets the attribute itself when it is loaded or stepped."""
    return any(
        isinstance(n, ast.Attribute)
        and n.attr == attribute
        and isinstance(n.ctx, ast.Store)
        and own_attribute(n.value) == name
        for m in methods(node)
        for n in walk(m)
    )


__all__ = ["HalfSaved", "half_saved"]
