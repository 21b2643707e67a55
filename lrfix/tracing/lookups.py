"""Attributes and elements of traced values: the same unknown each time that the same one is read."""

from __future__ import annotations

import ast
from dataclasses import replace

from lrfix.tracing import library
from lrfix.tracing.machine import Machine
from lrfix.tracing.values import (
    MISSING,
    Bound,
    ClassValue,
    Function,
    Given,
    Groups,
    Imported,
    Instance,
    Known,
    KnownMethod,
    Many,
    Optimizer,
    Scheduler,
    Super,
    Unknown,
    Value,
    known,
)
from lrfix.trees import written

_OPTIONS = frozenset({"args", "arg", "opt", "opts", "options", "flags", "config", "cfg", "hparams", "params", "conf"})
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})


class Lookups(Machine):
    """What is read from a value."""

    def attribute_of(self, value: Value, name: str, node: ast.AST) -> Value:
        """``value.name``, the same unknown each time."""
        if isinstance(value, Imported) and name == "__name__":
            return value.last
        if isinstance(value, Imported):
            options = self._options_elsewhere(value) if value.last in _OPTIONS else None
            if options is not None:
                return self.attribute_of(options, name, node)
            source = replace(value.source, trail=(*value.source.trail, name)) if value.source is not None else None
            return Imported(f"{value.qualified}.{name}", source, read=True)
        if isinstance(value, Instance):
            return self._attribute_of_instance(value, name, node)
        if isinstance(value, Super):
            found = value.cls.find(name, after=value.cls)
            return Bound(found, value.receiver) if isinstance(found, Function) else Unknown(f"super().{name}")
        if isinstance(value, ClassValue):
            found = value.find(name)
            if isinstance(found, Unknown) and any(
                isinstance(b, Imported) and b.last in _ENUMS for b in value.lineage()
            ):
                return Imported(f"{value.node.name}.{name}")  # one of the values of an enumeration, and no other one
            return found if found is not MISSING else Unknown(f"{value.node.name}.{name}")
        thing = known(value)
        if thing is not None:
            return self._attribute_of_known(thing, name)
        if isinstance(value, Unknown):
            part = value.part(f".{name}", f".{name}")
            if isinstance(part, Unknown) and part.stated is MISSING and name in self.options and holds_options(value):
                part.stated = self.options[name]
            return part
        return Unknown(written(node))

    def _options_elsewhere(self, imported: Imported) -> Value:
        """The options of a run that another file reads, one object for all who import it; None for a module."""
        if imported.qualified not in self.options_elsewhere:
            found = self.follow(imported)
            if found is MISSING:
                found = None if self.is_module(imported) else Unknown(imported.last)
            self.options_elsewhere[imported.qualified] = found if isinstance(found, Unknown | Instance) else None
        return self.options_elsewhere[imported.qualified]

    def _attribute_of_instance(self, value: Instance, name: str, node: ast.AST) -> Value:
        if name in value.attributes:
            return value.attributes[name]
        found = value.cls.find(name)
        if isinstance(found, Function):
            if found.kind in ("property", "cached property"):
                got = self.call(Bound(found, value), Given(), node, name) if self._follows(found) else Unknown(name)
                if found.kind == "cached property":
                    value.attributes[name] = got
                return got
            return found if found.kind == "static" else Bound(found, value)
        if found is MISSING:
            found = value.attributes[name] = Unknown(f"self.{name}")
        return found

    def _follows(self, function: Function) -> bool:
        return True

    def _attribute_of_known(self, thing: Known, name: str) -> Value:
        if isinstance(thing, Optimizer) and name == "param_groups":
            return Groups(thing)
        if isinstance(thing, Scheduler) and name == "optimizer" and thing.optimizer is not None:
            return thing.optimizer
        if thing.library is not None and name in ("optimizer", "scheduler", "lr_scheduler"):
            return thing  # what a library wrapped
        if name == "step" and isinstance(thing, Optimizer | Scheduler):
            return KnownMethod(thing, name)
        if name == "__class__" and thing.own is None and thing.cls in library.SCHEDULERS:
            return Imported(f"torch.optim.lr_scheduler.{thing.cls}")
        if name not in thing.parts:
            thing.parts[name] = Unknown(f"{thing.path}.{name}")
        return thing.parts[name]

    def item(self, value: Value, index: Value, node: ast.AST) -> Value:
        """``value[index]``, the same unknown each time for the same index."""
        if isinstance(value, Groups):
            at = index if isinstance(index, int) else None
            return Unknown(written(node)) if value.single else Groups(value.optimizer, single=True, index=at)
        if isinstance(value, Many):
            return value.element
        if isinstance(value, list | tuple) and isinstance(index, int) and -len(value) <= index < len(value):
            return value[index]
        if isinstance(value, dict):
            if isinstance(index, str | int) and index in value:
                return value[index]
            return Unknown(written(node))
        if isinstance(value, Imported):
            return Imported(f"{value.qualified}.?") if value.last == "__dict__" else Unknown(written(node))
        if isinstance(value, Unknown) and value.known is None:
            if isinstance(index, str) and "by name" in value.parts:
                return value.parts.setdefault(f"[{index!r}]", Unknown(index))  # a parameter of that name
            if isinstance(index, str | int):
                return value.part(f"[{index!r}]", f"[{index!r}]")
            if isinstance(index, Unknown) and not index.moving:
                return value.part(("[]", index), f"[{index.path}]")
        thing = known(value)
        if thing is not None:
            thing.parts.setdefault("[]", None)
        return Unknown(written(node), measured=isinstance(value, Unknown) and value.measured)


def holds_options(value: Value) -> bool:
    """Whether a value is, by its name, what the command line was parsed to, or an object of a class of the project."""
    if not isinstance(value, Unknown):
        return isinstance(value, Instance)
    before, _, last = value.path.lower().rpartition(".")
    return before in ("", "self") and last in _OPTIONS


__all__ = ["Lookups", "holds_options"]
