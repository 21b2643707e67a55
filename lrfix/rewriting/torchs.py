"""``--prefer torch``: schedules that a class of torch's own is, so that the new code needs nothing but torch."""

from __future__ import annotations

from lrfix.analysis import SiteAnalysis
from lrfix.experiments.torchs_own import unlike_torchs
from lrfix.recognition.torch_form import TorchForm
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.plan import Plan

TORCH = "torch.optim.lr_scheduler"


def check_torch_fits(analysis: SiteAnalysis, form: TorchForm, plan: Plan) -> None:
    """Raises NotRewritten where torch's class would be another schedule for reasons that no run of it alone shows."""
    if plan.alias is not None:
        raise NotRewritten("the class stays, and who builds it is not in sight")
    if (why := unlike_torchs(analysis.study, form)) is not None:
        raise NotRewritten(why)
    if form.leans and any("last_epoch=" in r.text and "last_epoch=-1" not in r.text for r in plan.edit.calls):
        raise NotRewritten("torch's own would not find the rate of `last_epoch`")


def torch_notes(form: TorchForm) -> tuple[str, ...]:
    told = [f"torch's own `{form.spec.scheduler}`: no import of lrfix is needed"]
    if form.leans:
        told.append(
            "it goes on from the rate that stands in the optimizer: save and load the optimizer with the scheduler, "
            "and let nothing else write the rate"
        )
    return tuple(told)


__all__ = ["TORCH", "check_torch_fits", "torch_notes"]
