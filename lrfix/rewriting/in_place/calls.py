"""From a recognised schedule to the text of a call of the pure function that gives it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrfix.recognition.model import ScheduleSpec

MODULE = "lrfix.schedules"
FUNCTIONS = {
    "WarmupConstantLR": "warmup_constant",
    "WarmupCosineLR": "warmup_cosine",
    "WarmupCosineRestartsLR": "warmup_cosine_restarts",
    "WarmupLinearLR": "warmup_linear",
    "WarmupPolynomialLR": "warmup_polynomial",
    "WarmupExponentialLR": "warmup_exponential",
    "WarmupInverseSqrtLR": "warmup_inverse_sqrt",
    "WarmupStepLR": "warmup_step",
    "WarmupMultiStepLR": "warmup_multistep",
    "WarmupStableDecayLR": "warmup_stable_decay",
}
"""The pure function on which a bundled scheduler stands."""

LENGTH_ARGUMENTS = frozenset(
    {"total_steps", "warmup_steps", "T_0", "step_size", "decay_steps", "milestones", "timescale"}
)
RATE_ARGUMENTS = frozenset({"peak", "eta_min", "warmup_start"})

_ORDER = (
    "total_steps", "T_0", "T_mult", "step_size", "milestones", "decay_steps", "decay", "gamma", "power", "timescale",
    "warmup_steps", "warmup_start", "warmup_mode", "peak", "cycle_decay", "eta_min",
)  # fmt: skip
_DEFAULTS = {"warmup_steps": 0.0, "warmup_start": 0.0, "eta_min": 0.0, "peak": 1.0, "cycle_decay": 1.0}
_SHARES = {"warmup_start_factor": "warmup_start", "eta_min_ratio": "eta_min"}


@dataclass(frozen=True)
class Call:
    """``function(step, name=text, ...)`` of ``lrfix.schedules``; ``horizon`` is the text of its length, if it has one.

    All texts are in the user's own terms.
    """

    function: str
    step: str
    arguments: Mapping[str, str]

    @property
    def horizon(self) -> str | None:
        return self.arguments.get("total_steps")

    @property
    def texts(self) -> tuple[str, ...]:
        return self.step, *self.arguments.values()

    def plainer_than(self, other: Call) -> bool:
        """Whether it is the same schedule by fewer conventions."""
        own, others = (
            {name for name, text in call.arguments.items() if not text.startswith('"')} for call in (self, other)
        )
        plainer = len(self._conventions) < len(other._conventions)
        return self.function == other.function and own == others and plainer

    @property
    def _conventions(self) -> tuple[str, ...]:
        return tuple(sorted(text for text in self.arguments.values() if text.startswith('"')))

    @property
    def shape(self) -> tuple[object, ...]:
        """What kind of schedule it is, apart from the expressions: equal for two readings of one formula."""
        return self.function, tuple(sorted(self.arguments)), self._conventions


def call_of(spec: ScheduleSpec, step: str) -> Call:
    """The call for a schedule that was recognised with a base rate of 1, so that its factors are rates."""
    given = dict(spec.arguments)
    factor, top = given.pop("peak_factor", None), given.pop("eta_max", None)
    peak = top if top is not None else factor
    arguments: dict[str, str] = {}
    if peak is not None:
        arguments["peak"] = peak
    for name, text in given.items():
        if name in _SHARES:
            arguments[_SHARES[name]] = text if peak is None else _product(peak, text)
        elif name == "warmup_start_lr":
            arguments["warmup_start"] = text
        else:
            arguments[name] = text
    if FUNCTIONS[spec.scheduler] in ("warmup_step", "warmup_multistep"):
        arguments.setdefault("gamma", "0.1")  # the default, which a reader should not have to know
    required = {"warmup_inverse_sqrt": {"warmup_steps"}}.get(FUNCTIONS[spec.scheduler], set())
    kept = {n: t for n, t in arguments.items() if n in required or not _says_nothing(n, t)}
    place = {name: index for index, name in enumerate(_ORDER)}
    order = sorted(kept, key=lambda name: place.get(name, len(_ORDER)))
    return Call(FUNCTIONS[spec.scheduler], step, {name: kept[name] for name in order})


def as_written(text: str, statements: Sequence[ast.stmt]) -> str:
    """An expression as the statements have it, where they have it in another order: ``epochs * batches``."""
    known = {
        _in_any_order(n): ast.unparse(n)
        for s in reversed(statements)
        for n in ast.walk(s)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Mult)
    }
    node = ast.parse(text, mode="eval").body
    if text in known.values():
        return text
    return known.get(_in_any_order(node), text)


def _in_any_order(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult):
        sides = sorted((_in_any_order(node.left), _in_any_order(node.right)))
        return f"({type(node.op).__name__} {' '.join(sides)})"
    return ast.unparse(node)


def _product(left: str, right: str) -> str:
    def inside(text: str) -> str:
        node = ast.parse(text, mode="eval").body
        return f"({text})" if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Pow | ast.Mult) else text

    return f"{inside(left)} * {inside(right)}"


def _says_nothing(name: str, text: str) -> bool:
    node = ast.parse(text, mode="eval").body
    return name in _DEFAULTS and isinstance(node, ast.Constant) and node.value == _DEFAULTS[name]


__all__ = ["FUNCTIONS", "LENGTH_ARGUMENTS", "MODULE", "RATE_ARGUMENTS", "Call", "as_written", "call_of"]
