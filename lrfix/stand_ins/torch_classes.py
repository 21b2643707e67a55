"""The optimizers and schedulers of torch, and timm's schedulers, by qualified name: the stand-ins, interpreted once."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.machine import Interpreter, Refusing
from lrfix.interpreter.values import ClassValue
from lrfix.stand_ins.rates_at_once import at_once
from lrfix.stand_ins.steps_at_once import factors_at_once, step_at_once

_PLACES = {
    "lr_scheduler": ("torch.optim.lr_scheduler", "torch.optim"),
    "optimizer": ("torch.optim", "torch.optim.optimizer"),
    "swa_scheduler": ("torch.optim.swa_utils",),
    "timm_schedulers": (
        "timm.scheduler",
        "timm.scheduler.scheduler",
        "timm.scheduler.cosine_lr",
        "timm.scheduler.poly_lr",
        "timm.scheduler.step_lr",
        "timm.scheduler.multistep_lr",
    ),
}
_PACKAGE = "lrfix.stand_ins."
_FUEL = 1_000_000
_ATTRIBUTE = re.compile(r"\.\s*(\w+)")


def stand_in(qualified: str) -> ClassValue | None:
    """The stand-in for a torch class, or None when there is none."""
    module, _, name = qualified.rpartition(".")
    for file, modules in _PLACES.items():
        if module in modules and not name.startswith("_" if file == "timm_schedulers" else "__"):
            value = _classes(file).get(name)
            if value is not None:
                return value
    return None


class _Imports(Refusing):
    """The stand-ins import each other."""

    def import_name(self, module: str, name: str | None) -> Any:
        if module.startswith(_PACKAGE) and name is not None:
            return _names(module.removeprefix(_PACKAGE))[name]
        return super().import_name(module, name)


@cache
def _names(file: str) -> dict[str, Any]:
    path = Path(__file__).parent / f"{file}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    environment = Environment()
    Interpreter(host=_Imports(), fuel=_FUEL).execute(tree.body, environment)
    if file == "scheduler_base":
        environment.variables.update(at_once(environment.variables))
        step_at_once(environment.variables)
    if file == "epoch_schedulers":
        factors_at_once(environment.variables)
    return environment.variables


def _classes(file: str) -> dict[str, ClassValue]:
    return {name: value for name, value in _names(file).items() if isinstance(value, ClassValue)}


@cache
def attributes_read() -> frozenset[str]:
    """The names of attributes that a stand-in reads of anything, and some more: whatever it has behind a dot."""
    texts = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    return frozenset(name for text in texts for name in _ATTRIBUTE.findall(text))


def optimizer_class() -> ClassValue:
    """The plain optimizer of the experiments."""
    found = stand_in("torch.optim.Optimizer")
    assert found is not None, "the stand-ins define Optimizer"
    return found
