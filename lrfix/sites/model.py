"""What a schedule site is: a definition, and the places where a scheduler is built from it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal

from lrfix.findings import Span

Form = Literal["lambda", "subclass", "setter", "wrapper", "function", "array", "composition"]


@dataclass(frozen=True)
class Construction:
    """A call that builds a scheduler: ``LambdaLR(optimizer, f)`` or ``MyScheduler(optimizer, 10)``.

    ``optimizer`` is the argument that stands for the optimizer, ``optimizer_call`` the expression that built it
    (``SGD(model.parameters(), lr=0.1)``) where the file shows it.
    """

    call: ast.Call
    optimizer: ast.expr | None
    optimizer_call: ast.Call | None


@dataclass(frozen=True)
class ScheduleSite:
    """A place that defines a schedule.

    ``nodes`` are the definitions (a class; a function or lambda; several for a list of lambdas), ``span`` covers the
    first of them whole. ``base`` is the torch class that is subclassed or called (``LambdaLR``).
    """

    form: Form
    name: str | None
    base: str
    nodes: tuple[ast.AST, ...]
    span: Span
    constructions: tuple[Construction, ...] = field(default=())

    @property
    def node(self) -> ast.AST:
        return self.nodes[0]
