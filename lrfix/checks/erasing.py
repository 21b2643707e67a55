"""For LR110: rates that are erased or multiplied behind a scheduler's back. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from lrfix.checks.class_reading import own_attribute
from lrfix.experiments.structure import methods
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import BLOCK_FIELDS
from lrfix.sites.stock import stock_scheduler
from lrfix.sites.vocabulary import looks_like_optimizer

#: Schedulers that go on from the rate which they find in the optimizer.
_RECURSIVE = frozenset(
    {"CosineAnnealingLR", "StepLR", "MultiStepLR", "ExponentialLR", "LinearLR", "PolynomialLR", "ConstantLR"}
)
_WARMUP_PACKAGE = "pytorch_warmup"
#: What a method may be called that means to bring everything back, the rate included.
_MEANT = ("reset", "restore", "rollback", "revert", "reload", "load", "undo")


def erasing(study: Study) -> Iterator[Violation]:
    yield from _dampened(study)
    for node in study.names.nodes:
        if isinstance(node, ast.ClassDef):
            yield from _snapshot(study, node)


def _dampened(study: Study) -> Iterator[Violation]:
    """``scheduler.step(); warmup.dampen()``: the scheduler starts its next step from the dampened rate."""
    imported = [n for n in study.names.nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    if not any(_WARMUP_PACKAGE in ast.unparse(n) for n in imported):
        return
    recursive = {
        ast.unparse(n.targets[0]): base
        for n in study.names.nodes
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)
        if (base := stock_scheduler(study.names, n.value)) in _RECURSIVE
    }
    for node in study.names.nodes:
        for field in BLOCK_FIELDS:
            block = getattr(node, field, None)
            if isinstance(block, list):
                yield from _dampened_in(study, block, recursive)


def _dampened_in(study: Study, block: Sequence[ast.stmt], recursive: Mapping[str, str]) -> Iterator[Violation]:
    calls = [(s, s.value.func) for s in block if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    stepped = next(
        (ast.unparse(f.value) for _, f in calls if isinstance(f, ast.Attribute) and f.attr == "step"
         and ast.unparse(f.value) in recursive),
        None,
    )  # fmt: skip
    dampens = next((s for s, f in calls if isinstance(f, ast.Attribute) and f.attr == "dampen"), None)
    if stepped is not None and dampens is not None:
        yield Violation(
            study.span(dampens),
            f"`{stepped}` ({recursive[stepped]}) works out each rate from the one it finds in the optimizer, and this "
            "multiplies that rate by the factor of the warmup: the factors pile up from step to step, and the rate "
            "never comes back. Step it inside `with ... .dampening():`.",
        )


def _snapshot(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """The optimizer's state as it was at construction, loaded back while a schedule is running."""
    made = next((m for m in methods(node) if m.name == "__init__"), None)
    if made is None or not any(m.name == "set_lr" for m in methods(node)):
        return
    kept: dict[str, ast.stmt] = {}
    for statement in ast.walk(made):
        if isinstance(statement, ast.Assign) and _state_of_optimizer(statement.value):
            kept |= {name: statement for t in statement.targets if (name := own_attribute(t)) is not None}
    for name in kept:
        others = [m for m in methods(node) if m is not made]
        if any(own_attribute(n) == name and isinstance(n.ctx, ast.Store) for m in others for n in ast.walk(m)
               if isinstance(n, ast.Attribute)):  # fmt: skip
            continue
        back = next((c for m in others if not _means_to(m) for c in ast.walk(m) if _loads(c, name)), None)
        restored = next(
            (c for m in others if m.name == "load_state_dict" for c in ast.walk(m) if _loads(c, None)), None
        )
        if back is not None and restored is not None:
            yield Violation(
                study.span(restored),
                f"What is restored here is lost again: line {getattr(back, 'lineno', 0)} loads `self.{name}`, the "
                f"optimizer's state at construction (line {kept[name].lineno}), whose rate erases what a checkpoint or "
                f"`set_lr` has brought since. Keep `self.{name}` up to date here.",
            )
            return


def _means_to(function: ast.FunctionDef) -> bool:
    """Whether a method says by its name that everything comes back, the rate included."""
    return any(word in function.name for word in _MEANT)


def _state_of_optimizer(value: ast.expr) -> bool:
    return any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "state_dict"
        and looks_like_optimizer(n.func.value)
        for n in ast.walk(value)
    )


def _loads(call: ast.AST, name: str | None) -> bool:
    """Whether a call loads an optimizer's state: that kept as ``self.name``, or any."""
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "load_state_dict"
        and looks_like_optimizer(call.func.value)
        and (name is None or any(own_attribute(a) == name for a in call.args))
    )


__all__ = ["erasing"]
