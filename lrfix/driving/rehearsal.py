"""Asking a function once more than the training does: what its own writes do to the answers that follow."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.recorder import Recorder
from lrfix.interpreter.values import MISSING


class Rehearsal:
    """One extra call of ``function`` before each of its calls; a schedule that is a function of the step cannot tell.

    With ``kept`` everything that the extra call wrote is put back but the state of that name: what is then still
    different, that state alone has made so.
    """

    def __init__(self, function: ast.AST, kept: str | None = None) -> None:
        self.function = function
        self.kept = kept
        self._rehearsing = False

    def on(self, machine: Interpreter) -> Callable[[ast.AST, Callable[[], Any]], None]:
        def before_call(definition: ast.AST, again: Callable[[], Any]) -> None:
            if definition is not self.function or self._rehearsing:
                return
            self._rehearsing = True
            recorder, written = machine.recorder, _Written()
            machine.recorder = written
            try:
                again()
            finally:
                machine.recorder = recorder
                self._rehearsing = False
            if self.kept is not None:
                written.put_back(self.kept)

        return before_call


class _Written(Recorder):
    """What a call writes, with what stood there before."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[tuple[Any, Any, Any]] = []

    def attribute_write(self, instance: Any, name: str, old: Any, new: Any, node: ast.AST) -> None:
        values = getattr(instance, "attributes", None)
        if isinstance(values, dict):
            self.before.append((values, name, values.get(name, MISSING)))

    def variable_write(self, environment: Any, name: str, old: Any, new: Any, node: ast.AST, kind: str) -> None:
        self.before.append((environment.variables, name, environment.variables.get(name, MISSING)))

    def item_write(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None:
        if isinstance(container, dict):
            self.before.append((container, key, container.get(key, MISSING)))
        elif isinstance(container, list | deque) and isinstance(key, int) and -len(container) <= key < len(container):
            self.before.append((container, key, container[key]))

    def put_back(self, kept: str) -> None:
        for holder, key, value in reversed(self.before):
            if str(key) == kept:
                continue
            if value is MISSING:
                holder.pop(key, None)
            else:
                holder[key] = value


__all__ = ["Rehearsal"]
