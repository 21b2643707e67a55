"""timm's protocol: the training loop counts, and tells ``step`` the epoch and ``step_update`` the update."""

from __future__ import annotations

import ast
from typing import Any

from lrfix.driving.bench import Bench
from lrfix.interpreter.values import ClassValue, Function, Instance
from lrfix.stand_ins.torch_classes import stand_in


class Counted:
    """The rate at step k is what stands in the groups once the scheduler was told k, 0 included.

    It listens to one of the two calls only, so both are told the same count. Whether a training loop tells it 0 before
    the first step or leaves what the constructor set is the loop's affair, and not judged here.
    """

    def __init__(self, bench: Bench, scheduler: Instance, optimizer: Instance) -> None:
        self.bench = bench
        self.scheduler = scheduler
        self.optimizer = optimizer

    def rates(self, step: int) -> list[Any]:
        for name in ("step", "step_update"):
            self.bench.interpreter.call(self.bench.interpreter.attribute(self.scheduler, name), step)
        return self.bench.rates_of(self.optimizer)

    def jump(self, step: int) -> None:
        """Nothing: each call says where it stands."""


def counted_by_caller(value: Any) -> bool:
    """Whether a class is one of timm's schedulers, torch's protocol not among its bases, and keeps no count itself."""
    base = stand_in("timm.scheduler.scheduler.Scheduler")
    torch_base = stand_in("torch.optim.lr_scheduler.LRScheduler")
    if not isinstance(value, ClassValue) or base is None or not value.derives(base):
        return False
    if torch_base is not None and value.derives(torch_base):
        return False
    step = value.find("step")
    given = step.node.args if isinstance(step, Function) and isinstance(step.node, ast.FunctionDef) else None
    return given is not None and len(given.args) - len(given.defaults) > 1


__all__ = ["Counted", "counted_by_caller"]
