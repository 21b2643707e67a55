"""What a trainer is told of the schedule that it builds itself: a warmup that nothing does, or longer than the run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from lrfix.clocks import settings
from lrfix.domains.facts import literal
from lrfix.experiments.study import Study
from lrfix.finite import finite
from lrfix.sites.stock import given

_CHOOSERS = frozenset(
    f"{home}.get_scheduler" for home in ("transformers", "transformers.optimization", "diffusers.optimization")
)
_KINDS = ("lr_scheduler_type", "name")
_WARMUPS = ("warmup_steps", "warmup_ratio", "num_warmup_steps")
#: A run of fewer updates is a trial.
_FEWEST = 10

#: A place, and what is wrong there.
Told = tuple[ast.expr, str]


def warmups_of_a_constant(study: Study) -> Iterator[Told]:
    """A warmup that is stated beside a schedule that has none: ``"constant"``, and not ``"constant_with_warmup"``."""
    for call, said in _stated(study):
        if not any(_is_constant(said[name]) for name in _KINDS if name in said):
            continue
        for name in _WARMUPS:
            length = _number(said.get(name))
            if length:
                yield (
                    said[name],
                    f"`{name}` has no effect: `{ast.unparse(call.func)}` is asked for a constant rate, which is at its "
                    'full height from the first update on. Ask for `"constant_with_warmup"`.',
                )


def warmups_longer_than_the_run(study: Study) -> Iterator[Told]:
    """A warmup in updates that is not over when the stated number of updates is."""
    if any(isinstance(node, ast.keyword) and node.arg == "optimizers" for node in study.names.nodes):
        return  # the trainer may be given its schedule
    for _, said in _stated(study):
        warmup, steps = _number(said.get("warmup_steps")), _number(said.get("max_steps"))
        kind = said.get("lr_scheduler_type")
        if warmup is None or steps is None or steps < _FEWEST or warmup < steps:
            continue
        if kind is None or not _is_constant(kind):
            yield (
                said["warmup_steps"],
                f"The warmup takes {warmup:g} updates, and training ends after `max_steps` = {steps:g}: the rate never "
                f"gets higher than {steps / warmup:.2g} of `learning_rate`, and the schedule behind the warmup never "
                "begins.",
            )


def _stated(study: Study) -> Iterator[tuple[ast.Call, Mapping[str, ast.expr]]]:
    """The calls that tell a library which schedule to build, with what they are given by parameter."""
    for node in study.names.nodes:
        if isinstance(node, ast.Call):
            called = study.names.qualified(node.func)
            if called & _CHOOSERS or any(settings(name) is not None for name in called):
                yield node, given(study.names, node)


def _is_constant(value: ast.expr) -> bool:
    return literal(value) == "constant" or (isinstance(value, ast.Attribute) and value.attr == "CONSTANT")


def _number(value: ast.expr | None) -> float | None:
    return finite(literal(value))


__all__ = ["Told", "warmups_longer_than_the_run", "warmups_of_a_constant"]
