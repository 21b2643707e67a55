"""Variables, and where a name is looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrfix.interpreter.missing import MISSING

_NONE: frozenset[str] = frozenset()


class Passing:
    """A resolved value that holds for now only: it is not kept, the next lookup asks again."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Environment:
    """One scope's variables. ``missing`` resolves a name lazily; it raises KeyError for a name it does not bind.

    Which names those are never changes, so ``absent`` remembers them.
    """

    __slots__ = (
        "absent",
        "comprehension",
        "locals",
        "missing",
        "outer",
        "owner",
        "parent",
        "receiver",
        "result",
        "surrounding",
        "variables",
    )

    def __init__(
        self,
        parent: Environment | None = None,
        missing: Callable[[str], Any] | None = None,
        *,
        outer: dict[str, str] | None = None,
        locals: frozenset[str] = _NONE,
        owner: Any = None,
        absent: set[str] | None = None,
    ) -> None:
        self.parent = parent
        self.missing = missing
        self.absent = absent
        self.variables: dict[str, Any] = {}
        self.result: Any = None
        self.owner = owner
        self.receiver: Any = None
        self.outer = outer
        self.locals = locals
        self.surrounding: Environment | None = None
        self.comprehension = False

    def lookup(self, name: str) -> Any:
        """The value of ``name`` here or in an outer scope; MISSING when none binds it."""
        scope: Environment | None = self
        while scope is not None:
            value = scope.variables.get(name, MISSING)
            if value is not MISSING:
                return value
            if scope.missing is not None and (scope.absent is None or name not in scope.absent):
                try:
                    value = scope.missing(name)
                except KeyError:
                    value = MISSING
                    if scope.absent is None:
                        scope.absent = set()
                    scope.absent.add(name)
                if type(value) is Passing:
                    return value.value
                if value is not MISSING:
                    scope.variables[name] = value
                    return value
            if name in scope.locals:
                return MISSING
            scope = scope.parent
        return MISSING

    def get(self, name: str) -> Any:
        """Like ``lookup``; raises KeyError for an unbound name."""
        value = self.lookup(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def set(self, name: str, value: Any) -> None:
        self.variables[name] = value

    def holder(self, name: str) -> Environment | None:
        """The nearest scope, this one included, whose variables hold ``name``."""
        scope: Environment | None = self
        while scope is not None:
            if name in scope.variables:
                return scope
            scope = scope.parent
        return None

    def seen_by_functions(self) -> Environment:
        """What functions defined here close over: a class body's own names are not visible in its methods."""
        return self if self.surrounding is None else self.surrounding

    def root(self) -> Environment:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope
