"""Whether a schedule is one of torch's own classes, under all that the file shows of its use.

Most of torch's classes go on from the rate that they find, so they are the same schedule only where nobody else writes
a rate, and where the rate comes back with a checkpoint. They count whole steps, and CosineAnnealingLR rises again past
its end.
"""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from lrfix.domains.signatures import arguments_of
from lrfix.domains.whole import WholeNumbers, is_whole
from lrfix.experiments.company import company
from lrfix.experiments.equivalence import equivalent
from lrfix.experiments.study import Study
from lrfix.names import Names
from lrfix.recognition.torch_form import TorchForm, torch_form
from lrfix.sites.stock import TORCH
from lrfix.sites.vocabulary import call_argument, looks_like_optimizer
from lrfix.tracing.library import names_scheduler

_LENGTHS = frozenset({"step_size", "milestones", "T_max", "T_0", "total_iters"})
_SCHEDULERS = ("lambda", "subclass")
_KNOWN: WeakKeyDictionary[Study, TorchForm | None] = WeakKeyDictionary()


def torchs_own(study: Study) -> TorchForm | None:
    """The class of torch's own that a sound schedule is, step for step; None where there is none."""
    if study not in _KNOWN:
        _KNOWN[study] = _torchs_own(study)
    return _KNOWN[study]


def _torchs_own(study: Study) -> TorchForm | None:
    recognition = equivalent(study) if study.site.form in _SCHEDULERS else None
    if recognition is None or recognition.spec is None:
        return None
    form = torch_form(recognition.spec)
    if form is None or not (form.ends or recognition.until_end) or unlike_torchs(study, form) is not None:
        return None
    return form


def unlike_torchs(study: Study, form: TorchForm) -> str | None:
    """Words for why torch's class would be another schedule, for reasons that no run of it alone shows."""
    whole = WholeNumbers(study.names)
    for name, text in form.spec.keywords.items():
        for length in _lengths(ast.parse(text, mode="eval").body) if name in _LENGTHS else ():
            if not is_whole(study.names, whole, length):
                return f"`{ast.unparse(length)}` may be a fraction, which torch's own would never meet"
    if not form.leans:
        return None
    if (others := company(study)) is not None:
        return f"torch's own goes on from the rate that it finds, and {others}"
    if any(_begins_in_the_middle(study, use.call) for use in study.uses):
        return "torch's own would not find the rate of `last_epoch`"
    if _restored_without_rates(study.names):
        return "a checkpoint is loaded into the scheduler and none into the optimizer, where the rate is"
    return None


def _lengths(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def _begins_in_the_middle(study: Study, call: ast.Call) -> bool:
    if study.site.form == "lambda":
        given = call_argument(call, TORCH["LambdaLR"].index("last_epoch"), "last_epoch")
    else:
        given = arguments_of(call, study.node).get("last_epoch")
    return given is not None and ast.unparse(given) != "-1"


def _restored_without_rates(names: Names) -> bool:
    loaded = [
        node.func.value
        for node in names.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load_state_dict"
    ]
    schedulers = any(names_scheduler(ast.unparse(held)) for held in loaded)
    return schedulers and not any(map(looks_like_optimizer, loaded))


__all__ = ["torchs_own", "unlike_torchs"]
