"""torch's optimizers and schedulers by qualified name: the stand-ins, interpreted once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from lrfix.simulation.environment import Environment
from lrfix.simulation.interpreter import Interpreter
from lrfix.simulation.values import ClassValue

_PLACES = {
    "lr_scheduler": ("torch.optim.lr_scheduler", "torch.optim"),
    "optimizer": ("torch.optim", "torch.optim.optimizer"),
}
_FUEL = 1_000_000


def stand_in(qualified: str) -> ClassValue | None:
    """The stand-in for a torch class, or None when there is none."""
    module, _, name = qualified.rpartition(".")
    for file, modules in _PLACES.items():
        if module in modules and not name.startswith("__"):
            value = _classes(file).get(name)
            if value is not None:
                return value
    return None


@cache
def _classes(file: str) -> dict[str, ClassValue]:
    path = Path(__file__).parent / "stand_ins" / f"{file}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    environment = Environment()
    Interpreter(fuel=_FUEL).execute(tree.body, environment)
    return {name: value for name, value in environment.variables.items() if isinstance(value, ClassValue)}


def optimizer_class() -> ClassValue:
    """The plain optimizer of the experiments."""
    found = stand_in("torch.optim.Optimizer")
    assert found is not None, "the stand-ins define Optimizer"
    return found
