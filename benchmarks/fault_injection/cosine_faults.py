"""LR206: the mistakes that are made with a cosine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from operators import Fault, operator, without
from parsed import File
from sites import Site
from vocabulary import NAMES, called, factors, is_number, is_raised_cosine, last_name


def clocked_cosines(file: File, site: Site) -> Iterator[ast.Call]:
    """Cosines of something that moves with the step."""
    for n in site.nodes:
        if isinstance(n, ast.Call) and called(n, "cos") and len(n.args) == 1 and file.counts(n.args[0]):
            yield n


def pi_products(cosine: ast.Call) -> Iterator[tuple[ast.BinOp, ast.expr, ast.expr]]:
    """`pi * rest` in the angle: the product, pi, the rest."""
    for n in ast.walk(cosine.args[0]):
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult):
            for pi, rest in ((n.left, n.right), (n.right, n.left)):
                if isinstance(pi, NAMES) and last_name(pi) == "pi":
                    yield n, pi, rest


def is_half_period(file: File, cosine: ast.Call) -> bool:
    """Whether nothing but pi scales the progress, so that the cosine falls once, from top to bottom."""
    numbers = [n for n in ast.walk(cosine.args[0]) if is_number(n) and n.value not in (0, 1, 1e-8)]
    above = file.parent[cosine]
    raised = isinstance(above, ast.BinOp) and is_raised_cosine(above)
    return raised and not numbers and not any("cycle" in last_name(n) for n in ast.walk(cosine.args[0]))


@operator("pi-dropped", "LR206", "LR209", "LR202")
def pi_dropped(file: File, site: Site) -> Iterator[Fault]:
    for cosine in clocked_cosines(file, site):
        for product, _, rest in pi_products(cosine):
            yield Fault(file.put(product, rest), f"{file.text(cosine)}: pi dropped")


@operator("degrees", "LR206", "LR204", "LR202")
def degrees(file: File, site: Site) -> Iterator[Fault]:
    for cosine in clocked_cosines(file, site):
        for _, pi, _ in pi_products(cosine):
            yield Fault(file.put(pi, "180"), f"{file.text(cosine)}: in degrees")


@operator("whole-period", "LR206", "LR204", "LR202")
def whole_period(file: File, site: Site) -> Iterator[Fault]:
    for cosine in clocked_cosines(file, site):
        for _, pi, _ in pi_products(cosine) if is_half_period(file, cosine) else ():
            yield Fault(file.put(pi, f"(2 * {file.text(pi)})"), f"{file.text(cosine)}: down and up again")


@operator("cosine-sign", "LR206", "LR202", "LR211")
def cosine_sign(file: File, site: Site) -> Iterator[Fault]:
    for cosine in clocked_cosines(file, site):
        above = file.parent[cosine]
        if is_half_period(file, cosine) and isinstance(above, ast.BinOp) and above.right is cosine:
            between = file.source[file.span(above.left)[1] : file.span(cosine)[0]]
            if between.count(b"+") == 1 and b"#" not in between:
                at = file.span(above.left)[1] + between.index(b"+")
                yield Fault([(at, at + 1, "-")], f"{file.text(above)}: minus for plus")


@operator("half-dropped", "LR206", "LR202", "LR211")
def half_dropped(file: File, site: Site) -> Iterator[Fault]:
    for n in site.nodes:
        if not isinstance(n, ast.BinOp):
            continue
        above = file.parent[n]
        if isinstance(above, ast.BinOp) and isinstance(above.op, ast.Mult):
            continue  # not the whole product
        chain = factors(n.left if isinstance(n.op, ast.Div) else n)
        if not any(is_raised_cosine(f) and file.counts(f) for f in chain):
            continue
        if isinstance(n.op, ast.Div) and is_number(n.right, 2):
            yield Fault(file.put(n, n.left), f"{file.text(n)}: / 2 dropped")
        elif isinstance(n.op, ast.Mult):
            for f in chain:
                if is_number(f, 0.5):
                    yield Fault(without(file, f), f"{file.text(n)}: 0.5 dropped")
