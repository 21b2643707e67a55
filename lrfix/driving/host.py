"""What the code does not fix, answered from one scenario: the interpreter's host."""

from __future__ import annotations

import ast
import re
from typing import Any

from lrfix.domains.clock import Clock, Tick, items_a_step, tick_of
from lrfix.domains.facts import Defaults, fallback
from lrfix.domains.kinds import is_number
from lrfix.domains.measures import Measures, speaks_of_units
from lrfix.domains.roles import Role, last_word, names_optimizer, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.sequences import several
from lrfix.driving.imported import imported
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import MISSING, Instance, Unknown

_BATCHES = re.compile(r"load|batch|_dl\b|^len\(dl|iter")
_COUNTING = re.compile(r"\.(sum|numel|nelement|count_nonzero|size|count)\([^()]*\)(\.\w+\(\))*$")


class Host:
    """Answers the interpreter's questions about what the code does not fix, from one scenario.

    ``clock`` answers for the present step and epoch, ``optimizer`` for an optimizer that code reaches for without
    having built it; both are None where a schedule has no use for them. ``foreign`` holds the classes that may be
    simulated although a base of theirs cannot be seen. ``looked``: another file of the project was looked at;
    ``borrowed``: it was needed; ``measured``: a length or a moment with a unit was.
    ``draws_lengths``: lengths that the code states are replaced where they are too long to be simulated.
    ``inventions`` counts how often a value was used that neither the code nor the field's vocabulary says anything
    about. ``variants``: the most definitions that one name may mean, of which the scenario's ``variant`` picks one.
    ``given_for``: how many groups the code has by what it is given for each, where lists run beside them.
    ``handed``: unknown code that got the optimizer itself in hand, and may write its rates.
    ``in_items``: the code counts tokens or samples, so a step is taken to have one of them.
    """

    def __init__(self, scenario: Scenario, defaults: Defaults, measures: Measures | None = None) -> None:
        self.scenario = scenario
        self.defaults = defaults
        self.measures = measures
        #: Whether numbers get units: where the file speaks of some.
        self._dresses = measures is not None and measures.spoken
        self.measured = False
        self.leaves: dict[str, object] = {}
        self.asked: dict[str, tuple[float, ...]] = {}
        self.clock: Clock | None = None
        self.optimizer: Instance | None = None
        self.handed: str | None = None
        self.foreign: set[ast.AST] = set()
        self.readings = 0
        self.looked = self.borrowed = False
        self.invented: set[str] = set()
        self.refused: tuple[str, str] | None = None
        self.inventions = 0
        self.variants = 1
        self.given_for: int | None = None
        self.in_items = False
        self.draws_lengths = False
        self.unknown_writes: list[tuple[str, str]] = []

    def concretise(self, unknown: Unknown, node: ast.AST | None, wanted: str) -> Any:
        path = unknown.path
        if path in self.leaves and not unknown.given:
            # What a schedule is given is asked for at every step, and is what it was.
            self.inventions += path in self.invented
            value = self.leaves[path]
        else:
            value = self._concretise(unknown, node, wanted)
        return self.dressed(path, value) if self._dresses else value

    def dressed(self, path: str, value: Any) -> Any:
        """A number with its unit, where the file speaks of units."""
        if self.measures is None or not self._dresses:
            return value
        found = self.measures.dressed(path, value)
        self.measured = self.measured or found is not value
        return found

    def _concretise(self, unknown: Unknown, node: ast.AST | None, wanted: str) -> Any:
        path = unknown.path
        if unknown.given and self.asked.setdefault(path, unknown.given) != unknown.given:
            # One number would stand for an answer that may be another at every step.
            raise Opaque(f"calls `{path}`, which this file does not show, anew with another value", node)
        if path in self.leaves:
            self.inventions += path in self.invented
            return self.leaves[path]
        tick = self._tick(path)
        if tick is not None and self.clock is not None and path not in self.scenario.overrides:
            self.readings += 1
            return self.clock.read(tick)
        default = self.defaults.get(path)
        if wanted == "identity" and path not in self.scenario.overrides and self.defaults.absent(path):
            self.leaves[path] = None
            return None
        if wanted == "bool" and self.clock is not None and default is None and not self.scenario.knows(path):
            # Outside torch's protocol much more of a program is run; a flag that nothing sets is down.
            self.leaves[path] = False
            return False
        if wanted == "container":
            if self.clock is not None and default is None and not self.scenario.knows(path):
                # What nothing speaks of holds nothing: a list of options, a text that names some.
                self.leaves[path] = ()
                return ()
            wanted = "iterable"
        if not self.scenario.knows(path) and default is None and wanted not in ("number", "any", "identity"):
            self.refused = (path, wanted)
            raise Opaque(f"depends on `{path}`, which this file does not fix", node)
        if self.clock is not None and _COUNTING.search(path):
            # One item a step, so that totals of items count steps.
            return 1
        if self.in_items and path not in self.scenario.overrides and items_a_step(path):
            self.leaves[path] = 1
            return 1
        known = path in self.scenario.overrides or default is not None
        if not known and (role_of(path) in (Role.UNKNOWN, Role.COUNT) or _counts_samples(path)):
            self.invented.add(path)
            self.inventions += 1
        if _is_call(path) and not self.scenario.knows(path):
            self.refused = (path, wanted)
            raise Opaque(f"calls `{path}`, which lrfix cannot simulate", node)
        value = self.scenario.value(path, wanted)
        self.leaves[path] = value = several(value) if wanted == "iterable" and not _is_call(path) else value
        return value

    def _tick(self, path: str) -> Tick | None:
        """The count that a free name stands for; what divides a count is an interval of it, what a loop counts up to
        its end."""
        setting = self.scenario.meant.get(last_word(path)) is Role.STEP_SIZE or self.scenario.ends(path)
        return tick_of(path) if self.clock is not None and not setting else None

    def unknown_write(self, unknown: Unknown, name: str, value: Any, node: ast.AST | None) -> None:
        self.unknown_writes.append((unknown.path, name))

    def unknown_attribute(self, unknown: Unknown, name: str) -> Any:
        if self.measures is not None and speaks_of_units(name):
            known = self.measures.attribute(unknown, name, self._number)
            if known is not MISSING:
                return known
        if self.optimizer is None:
            return MISSING
        if name == "param_groups":
            return self.optimizer.attributes["param_groups"]
        return optimizer_named(self.optimizer, name) if names_optimizer(name) else MISSING

    def falls_back(self, unknown: Unknown, node: ast.AST | None, default: Any) -> None:
        stated = fallback(node) if isinstance(node, ast.expr) else None
        if stated is not None:
            self.defaults.own.setdefault(unknown.path, stated)
        elif self.scenario.ordinary and unknown.path not in {**self.scenario.overrides, **self.scenario.values}:
            # Ordinarily nobody gives it, and it is what the code takes instead: ``getattr(args, "peak", args.lr)``.
            number = self.concretise(default, node, "number") if isinstance(default, Unknown) else default
            if is_number(number):
                self.scenario.values[unknown.path] = number

    def unknown_call(self, unknown: Unknown, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        if self.optimizer is not None and any(v is self.optimizer for v in (*arguments, *keywords.values())):
            self.handed = unknown.path
        if self.measures is None:
            return MISSING
        return self.measures.call(unknown, arguments, keywords, lambda: self.clock, self._number)

    def _number(self, unknown: Unknown) -> Any:
        return self.concretise(unknown, None, "number")

    def foreign_bases(self, node: ast.ClassDef) -> bool:
        return node in self.foreign

    def kept(self, unknown: Unknown, node: ast.AST) -> Any:
        moves = self._tick(unknown.path) is not None
        return self.concretise(unknown, node, "number") if moves else unknown

    def import_name(self, module: str, name: str | None) -> Any:
        qualified = f"{module}.{name}" if name else module
        return imported(qualified, name or module.split(".")[0])


def optimizer_named(optimizer: Instance, name: str) -> Any:
    """The optimizer, or the list of it where the name says several (``optimizers``, ``optim_list``)."""
    last = name.lower().rstrip("_").rpartition("_")[2]
    return [optimizer] if last in ("optimizers", "optims", "opts", "list") else optimizer


def _counts_samples(path: str) -> bool:
    """``len(dataset)``: how many batches that is, the code works out elsewhere."""
    return path.startswith("len(") and not _BATCHES.search(path.lower())


def _is_call(path: str) -> bool:
    return path.endswith(")") and not path.startswith("len(")


__all__ = ["Host", "optimizer_named"]
