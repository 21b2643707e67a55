"""What a simulation leaves behind: statements run, functions called, angles of cosines, state written."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import Any, NamedTuple

from lrfix.finite import finite
from lrfix.interpreter.arrays.values import Array
from lrfix.interpreter.recorder import Recorder


class Write(NamedTuple):
    """State that outlives the call that wrote it: an attribute, an outer variable, an element of a container.

    ``within`` are the user's functions that were being called, the outermost first.
    """

    kind: str
    name: str
    old: object
    new: object
    node: ast.AST
    within: tuple[ast.AST, ...] = ()


#: Writes are many: this makes one in half the time that ``Write(...)`` takes.
_new = tuple.__new__


class Trace(Recorder):
    """Records what runs of the user's own file, between construction and the end.

    ``mine`` holds the nodes of the user's tree; the stand-ins' own statements are not of interest. ``step`` is the
    step that is being asked for, -1 while the schedule is built; ``angles`` holds, by call, what was given to a cosine
    and at which step; ``nothing`` the steps at which a function returned None, ``answers`` the functions that gave
    a number, or several.
    """

    def __init__(self, mine: dict[ast.AST, ast.AST]) -> None:
        super().__init__()
        self.mine: dict[ast.AST, ast.AST] = mine
        self.calls: dict[ast.AST, int] = defaultdict(int)
        self.writes: list[Write] = []
        self.step = -1
        self.angles: dict[ast.AST, list[tuple[int, float]]] = {}
        self.nothing: dict[ast.AST, set[int]] = {}
        self.answers: set[ast.AST] = set()
        self._calling: list[ast.AST] = []
        #: The calls under way as they were at some write: writes are many, and those of every step are made alike.
        self._stacks: dict[tuple[ast.AST, ...], tuple[ast.AST, ...]] = {}

    def call(self, function: Any, args: Any, node: ast.AST | None) -> None:
        definition = function.node
        self.calls[definition] += 1
        if definition in self.mine:
            self._calling.append(definition)

    def applied(self, name: str, arguments: Any, node: ast.AST | None) -> None:
        if node not in self.mine or len(arguments) != 1:
            return
        given = arguments[0]
        known = self.angles.setdefault(node, [])
        if isinstance(given, Array) and len(given.values) == 1:
            given = given.values[0]  # a tensor of one number is asked for at every step, as a number is
        if isinstance(given, Array):
            known += [(at, angle) for at, each in enumerate(given.values) if (angle := finite(each)) is not None]
        elif (angle := finite(given)) is not None:
            known.append((self.step, angle))

    def returned(self, function: Any, value: Any, node: ast.AST | None) -> None:
        definition = function.node
        if definition not in self.mine:
            return
        # A call that ended with an exception does not come by here.
        while self._calling and self._calling.pop() is not definition:
            pass
        if type(value) is float or type(value) is list:
            self.answers.add(definition)
        elif value is None:
            self.nothing.setdefault(definition, set()).add(self.step)
        elif isinstance(value, int | float | list | tuple) and not isinstance(value, bool):
            self.answers.add(definition)

    def attribute_write(self, instance: Any, name: str, old: Any, new: Any, node: ast.AST) -> None:
        if node in self.mine:
            self._write("attribute", name, old, new, node)

    def variable_write(self, environment: Any, name: str, old: Any, new: Any, node: ast.AST, kind: str) -> None:
        if node in self.mine:
            self._write(kind, name, old, new, node)

    def item_write(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None:
        if node in self.mine:
            self._write("item", str(key), old, new, node)

    def _write(self, kind: str, name: str, old: Any, new: Any, node: ast.AST) -> None:
        within = tuple(self._calling)
        self.writes.append(_new(Write, (kind, name, old, new, node, self._stacks.setdefault(within, within))))
