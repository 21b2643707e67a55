"""What a schedule site is: a definition, the places where it is built or called, and what it writes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal

from lrfix.findings import Span
from lrfix.names import Names

Form = Literal["lambda", "subclass", "setter", "wrapper", "function", "array", "composition", "training"]
REPLACED = frozenset[Form]({"lambda", "subclass", "composition"})
"""The forms that a rewrite replaces by a scheduler."""
IN_PLACE = frozenset[Form]({"setter", "function", "array", "wrapper"})
"""The forms whose formula a rewrite replaces where it stands."""
REWRITTEN = REPLACED | IN_PLACE
"""The forms that a rewrite changes; the others are found, simulated and judged only."""


@dataclass(frozen=True)
class Construction:
    """A call that builds a scheduler: ``LambdaLR(optimizer, f)`` or ``MyScheduler(optimizer, 10)``.

    ``optimizer`` is the argument that stands for the optimizer, ``optimizer_call`` the expression that built it
    (``SGD(model.parameters(), lr=0.1)``) where the file shows it. ``names`` are those of the file the call stands in,
    and ``path`` its path, where that is another file than the definition's.
    """

    call: ast.Call
    optimizer: ast.expr | None
    optimizer_call: ast.Call | None
    names: Names | None = None
    path: str | None = None

    @property
    def place(self) -> str:
        """Words for where it stands, after a verb: nothing in the definition's own file."""
        return f" in {self.path}, line {self.call.lineno}" if self.path is not None else ""


@dataclass(frozen=True)
class ScheduleSite:
    """A place that defines a schedule.

    ``nodes`` are the definitions: a class; a function or lambda (several for a list of lambdas); for an inline setter
    the statements of the loop that compute and write the rate, in order; for an array the statement or function that
    makes the table; for a composition the statements or the function that put it together. ``span`` covers the first
    definition whole, and all statements of an inline one. ``base`` is the torch class that is subclassed or called
    (``LambdaLR``), empty where none is.

    ``constructions`` are the calls that build the scheduler (forms with an object), ``calls`` the calls of the
    function (setter, function), ``writes`` the statements that write ``param_group["lr"]`` (setter, wrapper).
    ``elsewhere`` are the uses that other files of the project show.

    The form ``training`` stands for the whole file where it uses schedules; rules that judge uses look at it, and it is
    never reported as a site.
    """

    form: Form
    name: str | None
    base: str
    nodes: tuple[ast.AST, ...]
    span: Span
    constructions: tuple[Construction, ...] = field(default=())
    calls: tuple[ast.Call, ...] = field(default=())
    writes: tuple[ast.stmt, ...] = field(default=())
    elsewhere: tuple[Construction, ...] = field(default=())

    @property
    def node(self) -> ast.AST:
        return self.nodes[0]

    @property
    def inline(self) -> bool:
        """Whether the site is a run of statements in the training loop, not a definition."""
        return isinstance(self.node, ast.stmt) and not isinstance(
            self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        )
