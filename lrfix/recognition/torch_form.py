"""What a bundled schedule is in torch's own terms."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from lrfix.recognition.model import ScheduleSpec, says_nothing

#: Bundled schedulers without warmup: torch's class, and its names for their arguments.
_PLAIN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "WarmupExponentialLR": ("ExponentialLR", {"gamma": "gamma"}),
    "WarmupStepLR": ("StepLR", {"step_size": "step_size", "gamma": "gamma"}),
    "WarmupMultiStepLR": ("MultiStepLR", {"milestones": "milestones", "gamma": "gamma"}),
    "WarmupCosineLR": ("CosineAnnealingLR", {"total_steps": "T_max", "eta_min": "eta_min"}),
    "WarmupCosineRestartsLR": (
        "CosineAnnealingWarmRestarts",
        {"T_0": "T_0", "T_mult": "T_mult", "eta_min": "eta_min"},
    ),
    "WarmupPolynomialLR": ("PolynomialLR", {"total_steps": "total_iters", "power": "power"}),
}
_ATOMS = (ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Call)


@dataclass(frozen=True)
class TorchForm:
    """A construction of one of torch's schedulers. ``leans``: each rate is worked out of the one that stands in the
    group. ``ends``: past its end it stays where it is, as the bundled one does."""

    spec: ScheduleSpec
    leans: bool = True
    ends: bool = True


def torch_form(spec: ScheduleSpec) -> TorchForm | None:
    """What a bundled schedule would be in torch's own terms; None where torch has no class for it. Nothing is proved by
    that: torch takes other lengths, and goes on otherwise past its end."""
    given = {name: text for name, text in spec.arguments.items() if not says_nothing(name, text)}
    if spec.scheduler in _PLAIN:
        scheduler, renamed = _PLAIN[spec.scheduler]
        if not set(given) <= set(renamed):
            return None
        keywords = {new: given[old] for old, new in renamed.items() if old in given}
        leans, ends = scheduler != "CosineAnnealingWarmRestarts", scheduler != "CosineAnnealingLR"
        return TorchForm(ScheduleSpec(scheduler, (), keywords), leans, ends)
    if spec.scheduler == "WarmupLinearLR" and set(given) <= {"total_steps", "eta_min_ratio"}:
        lowest = given.get("eta_min_ratio", "0.0")
        return _linear(start_factor="1.0", end_factor=lowest, total_iters=given["total_steps"])
    if spec.scheduler == "WarmupConstantLR":
        return _warmup(given)
    return None


def _warmup(given: Mapping[str, str]) -> TorchForm | None:
    """A warmup and nothing after it."""
    if not set(given) <= {"warmup_steps", "warmup_start_factor", "warmup_progress", "warmup_mode"}:
        return None
    length, start = given.get("warmup_steps"), given.get("warmup_start_factor")
    mode = _literal(given.get("warmup_mode", "'linear'"))
    progress = _literal(given.get("warmup_progress", "'k/W'"))
    if length is None or mode not in ("linear", "constant"):
        return None
    if mode == "constant":
        keywords = {"factor": start, "total_iters": length} if start is not None else None
        return TorchForm(ScheduleSpec("ConstantLR", (), keywords)) if keywords is not None else None
    if progress == "k/W" and start is not None:
        return _linear(start_factor=start, total_iters=length)
    if progress == "(k+1)/W" and start is None:
        return _linear(start_factor=f"1 / {_operand(length)}", total_iters=_moved(length, -1))
    if progress == "(k+1)/(W+1)" and start is None:
        return _linear(start_factor=f"1 / {_operand(_moved(length, 1))}", total_iters=length)
    return None


def _moved(length: str, by: int) -> str:
    """A length and one step more or less."""
    number = _literal(length)
    if isinstance(number, int):
        return str(number + by)
    return f"{_operand(length)} {'+' if by > 0 else '-'} {abs(by)}"


def _literal(text: str) -> object:
    node = ast.parse(text, mode="eval").body
    return node.value if isinstance(node, ast.Constant) else None


def _operand(text: str) -> str:
    return text if isinstance(ast.parse(text, mode="eval").body, _ATOMS) else f"({text})"


def _linear(**keywords: str) -> TorchForm:
    return TorchForm(ScheduleSpec("LinearLR", (), keywords))


__all__ = ["TorchForm", "torch_form"]
