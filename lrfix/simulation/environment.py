"""Variables: environments that nest as scopes do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Environment:
    """One scope's variables.

    ``missing`` resolves a name that the scope binds but has no value for yet; it raises ``KeyError`` for a name the scope
    does not bind, and is asked once for each name. ``local_names`` are the names a function binds itself: reading one of
    them before it has a value is an error, never a look at the outer scope. ``closure`` is the environment that functions
    defined here see, which in a class body is the one around the class.
    """

    __slots__ = ("__weakref__", "_absent", "closure", "local_names", "missing", "parent", "values")

    def __init__(
        self,
        parent: Environment | None = None,
        missing: Callable[[str], Any] | None = None,
        *,
        values: dict[str, Any] | None = None,
        local_names: frozenset[str] = frozenset(),
        closure: Environment | None = None,
    ) -> None:
        self.values: dict[str, Any] = {} if values is None else values
        self.parent = parent
        self.missing = missing
        self.local_names = local_names
        self.closure = self if closure is None else closure
        self._absent: set[str] | None = None

    def get(self, name: str) -> Any:
        """The value ``name`` has here or in an outer scope; raises ``KeyError`` where it has none."""
        return self.owner(name).values[name]

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value

    def holds(self, name: str) -> bool:
        """Whether this very scope has a value for ``name``, resolving it if need be."""
        if name in self.values:
            return True
        if self.missing is None or (self._absent is not None and name in self._absent):
            return False
        try:
            self.values[name] = self.missing(name)
        except KeyError:
            if self._absent is None:
                self._absent = set()
            self._absent.add(name)
            return False
        return True

    def owner(self, name: str) -> Environment:
        """The innermost scope that has a value for ``name``; raises ``KeyError`` where none has."""
        scope: Environment | None = self
        while scope is not None:
            if scope.holds(name):
                return scope
            if name in scope.local_names:
                raise KeyError(name)
            scope = scope.parent
        raise KeyError(name)

    def outermost(self) -> Environment:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope
