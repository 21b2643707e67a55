"""``--prefer torch``: schedules that a class of torch's own is, so that the new code needs nothing but torch."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from lrfix.analysis import SiteAnalysis
from lrfix.domains.facts import literal
from lrfix.domains.whole import WholeNumbers
from lrfix.experiments.company import company
from lrfix.names import Names
from lrfix.recognition.model import ScheduleSpec
from lrfix.rewriting.emission import says_nothing, substitute
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.plan import Plan
from lrfix.rewriting.short_decays import is_whole
from lrfix.rewriting.users import last_name
from lrfix.sites.vocabulary import looks_like_optimizer
from lrfix.tracing.library import names_scheduler

TORCH = "torch.optim.lr_scheduler"

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

_LENGTHS = frozenset({"step_size", "milestones", "T_max", "T_0", "total_iters"})


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
    mode = literal(ast.parse(given.get("warmup_mode", "'linear'"), mode="eval").body)
    progress = literal(ast.parse(given.get("warmup_progress", "'k/W'"), mode="eval").body)
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
    number = literal(ast.parse(length, mode="eval").body)
    if isinstance(number, int):
        return str(number + by)
    return f"{_operand(length)} {'+' if by > 0 else '-'} {abs(by)}"


def _operand(text: str) -> str:
    return substitute("-text", {"text": (text, ast.parse(text, mode="eval").body)}).removeprefix("-")


def _linear(**keywords: str) -> TorchForm:
    return TorchForm(ScheduleSpec("LinearLR", (), keywords))


def check_torch_fits(analysis: SiteAnalysis, form: TorchForm, plan: Plan) -> None:
    """Raises NotRewritten where torch's class would be another schedule for reasons that no run of it alone shows: it
    goes on from the rate that it finds, so nobody else may write one, and the rate has to come back with a checkpoint.
    """
    if plan.alias is not None:
        raise NotRewritten("the class stays, and who builds it is not in sight")
    whole = WholeNumbers(analysis.names)
    for name, text in form.spec.keywords.items():
        for length in _lengths(ast.parse(text, mode="eval").body) if name in _LENGTHS else ():
            if not is_whole(analysis.names, whole, length):
                raise NotRewritten(f"`{ast.unparse(length)}` may be a fraction, which torch's own would never meet")
    if not form.leans:
        return
    if (others := company(analysis.study)) is not None:
        raise NotRewritten(f"torch's own goes on from the rate that it finds, and {others}")
    if any("last_epoch=" in r.text and "last_epoch=-1" not in r.text for r in plan.edit.calls):
        raise NotRewritten("torch's own would not find the rate of `last_epoch`")
    if _restored_without_rates(analysis.names):
        raise NotRewritten("a checkpoint is loaded into the scheduler and none into the optimizer, where the rate is")


def _lengths(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def _restored_without_rates(names: Names) -> bool:
    loaded = [
        node.func.value
        for node in names.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load_state_dict"
    ]
    return any(names_scheduler(last_name(held)) for held in loaded) and not any(map(looks_like_optimizer, loaded))


def torch_notes(form: TorchForm) -> tuple[str, ...]:
    told = [f"torch's own `{form.spec.scheduler}`: no import of lrfix is needed"]
    if form.leans:
        told.append(
            "it goes on from the rate that stands in the optimizer: save and load the optimizer with the scheduler, "
            "and let nothing else write the rate"
        )
    return tuple(told)


__all__ = ["TORCH", "TorchForm", "check_torch_fits", "torch_form", "torch_notes"]
