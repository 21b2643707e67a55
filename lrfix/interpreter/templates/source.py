"""The source of one definition while it is written: names counted out, and values that are handed over beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class NotCovered(Exception):
    """No template: the definition stays with the closures."""


class Source:
    """``variables``: the program's own names by the names that stand for them; ``inner`` the same for the names of the
    comprehensions around. ``assigned``: those that certainly have a value where the writing stands."""

    def __init__(self, names: list[str], parameters: list[str]) -> None:
        self.variables = {name: f"v{number}" for number, name in enumerate(names)}
        self.parameters = parameters
        self.assigned = set(parameters)
        self.inner: list[dict[str, str]] = []
        self.values: dict[str, Any] = {}
        self.lines: list[str] = []
        self.functions: list[str] = []
        self.uses_parent = False
        self._known: dict[int, str] = {}
        self._indent = 1
        self._counted = 0

    def fresh(self) -> str:
        """A name that nothing else has."""
        self._counted += 1
        return f"t{self._counted}"

    def value(self, value: Any) -> str:
        """The name under which a value is handed over."""
        known = self._known.get(id(value))  # not by what it equals: programs ask for identity, too
        if known is None:
            known = self._known[id(value)] = f"k{len(self.values)}"
            self.values[known] = value
        return known

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Lines one level deeper; what is assigned in them is not certainly assigned behind them."""
        assigned = set(self.assigned)
        self._indent += 1
        before = len(self.lines)
        try:
            yield
        finally:
            if len(self.lines) == before:
                self.line("pass")
            self._indent -= 1
            self.assigned = assigned

    def function(self, parameters: list[str], answer: str) -> str:
        """The call of a function within that gives an answer."""
        name, given = self.fresh(), ", ".join(parameters)
        self.functions += [f"    def {name}({given}):", f"        return {answer}"]
        return f"{name}({given})"

    def name(self, name: str, node: ast.AST) -> str:
        """The value of a name of the program."""
        for scope in reversed(self.inner):
            if name in scope:
                return scope[name]
        local = self.variables.get(name)
        if local is None:
            found, key, at = self.fresh(), self.value(name), self.value(node)
            return f"({found} if ({found} := G({key}, M)) is not M else free(F, {key}, {at}))"
        if name in self.assigned:
            return local
        missing = "undefined" if self.inner else "unbound"
        return f"({local} if {local} is not M else {missing}({self.value(name)}, {self.value(node)}))"

    def store(self, name: str) -> str:
        """What stands for a name on the left of an assignment, from here on certainly assigned."""
        self.assigned.add(name)
        return self.variables[name]


__all__ = ["NotCovered", "Source"]
