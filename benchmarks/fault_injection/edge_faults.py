"""LR205, LR214: what a setting at the edge does, above all a warmup of 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from operators import Fault, operator
from parsed import Edit, File
from sites import Ramp, Site, asked_at_zero, returned, stated_default
from vocabulary import (
    NAMES,
    bare,
    dotted,
    is_arithmetic,
    is_division,
    is_horizon,
    is_length,
    is_lr_key,
    is_number,
    is_warmup,
    last_name,
    one_kept,
)


def zero_stated(file: File, length: ast.AST) -> list[Edit] | None:
    """The edit that makes 0 the stated default of a length: none is needed where it is 0, None where none is stated."""
    default = stated_default(file, length)
    if default is None:
        return None
    return [] if is_number(default, 0) else file.put(default, "0")


def reached_with_zero(file: File, division: ast.AST) -> bool:
    """Whether a warmup of 0 still comes here: under `if step < warmup` it never does."""
    return not file.clock_tests(division)


def whole_guards(file: File, site: Site) -> Iterator[tuple[ast.Call, ast.expr, ast.BinOp]]:
    """`max(1, length)` as a whole divisor: the guard, the length and the division."""
    for d in site.divisions():
        for n in ast.walk(d.right):
            length = one_kept(n, ("max",), 1)
            if (
                isinstance(n, ast.Call)
                and length is not None
                and bare(d.right) is bare(n)
                and not file.tested(d, last_name(length))
            ):
                yield n, length, d


@operator("guard-removed", "LR205", "LR212")
def guard_removed(file: File, site: Site) -> Iterator[Fault]:
    """A divisor without its guard; where the file states a default for the length, that becomes 0."""
    for guard, length, division in whole_guards(file, site):
        if not isinstance(length, NAMES):
            continue  # `total - warmup` is 0 only where nothing is left to decay
        if is_length(length) and reached_with_zero(file, division):
            what = f"{file.text(guard)} -> {file.text(length)}"
            zero = zero_stated(file, length) if is_warmup(length) else None
            if zero is None:
                yield Fault(file.put(guard, length), what, legal=True)
            else:
                yield Fault(file.put(guard, length) + zero, f"{what}, which is 0 by default")
    for n in site.nodes:
        if not (isinstance(n, (ast.If, ast.IfExp)) and isinstance(n.test, ast.Compare) and len(n.test.ops) == 1):
            continue
        left, right = n.test.left, n.test.comparators[0]
        if not (isinstance(n.test.ops[0], ast.Gt) and is_warmup(left) and is_number(right, 0)) or file.clock_tests(n):
            continue
        body = n.body if isinstance(n.body, list) else [n.body]
        inside = [x for b in body for x in ast.walk(b)]
        divided = [
            x for x in inside if is_division(x) and isinstance(x.right, NAMES) and last_name(x.right) == last_name(left)
        ]
        if divided and not any(isinstance(x, ast.Compare) for x in inside):
            zero = zero_stated(file, left)
            edits = file.put(n.test, f"{file.text(left)} >= 0") + (zero or [])
            yield Fault(edits, f"{file.text(n.test)} -> >= 0", legal=zero is None)


@operator("zero-warmup-divides", "LR205", "LR212", "LR209")
def zero_warmup_divides(file: File, site: Site) -> Iterator[Fault]:
    """`step <= warmup` before an unguarded division by the warmup: with a warmup of 0, step 0 gets there."""
    for ramp in site.ramps():
        warmup, below = ramp.comparison.comparators[0], ramp.division.right
        if not isinstance(bare(below), NAMES) or file.tested(ramp.branch, last_name(below)):
            continue
        earlier = [t for t in file.clock_tests(ramp.branch) if t is not ramp.branch]
        start, end = file.span(ramp.comparison.left)[1], file.span(warmup)[0]
        if earlier or not asked_at_zero(file, site, ramp.comparison.left) or file.source[start:end].strip() != b"<":
            continue
        if dotted(warmup) in file.stored(file.scope(warmup)):
            continue  # worked out here: 0 is not for anyone to choose
        zero = zero_stated(file, warmup)
        guard = [] if isinstance(below, NAMES) else file.put(below, bare(below))
        what = f"{file.text(ramp.comparison)}: <= for <, no guard" + ("" if zero is None else ", no warmup by default")
        yield Fault([(start, end, " <= "), *guard, *(zero or [])], what, legal=zero is None)


@operator("inverse-root-of-zero", "LR205", "LR212")
def inverse_root_of_zero(file: File, site: Site) -> Iterator[Fault]:
    """`(step + 1) ** -0.5` or `max(step, 1) ** -0.5` without what keeps step 0 away."""
    started_at_zero = {f for _, _, f in site.given_functions()}
    started_at_zero |= {f for _, methods in site.torch_classes() for f in methods.values() if f.name == "get_lr"}
    for n in site.nodes:
        if not (isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow) and file.function(n) in started_at_zero):
            continue
        negative = isinstance(n.right, ast.UnaryOp) and isinstance(n.right.op, ast.USub)
        kept = n.left
        inner = one_kept(kept, ("max",), 1)
        if inner is None and isinstance(kept, ast.BinOp) and isinstance(kept.op, ast.Add) and is_number(kept.right, 1):
            inner = kept.left
        if negative and inner is not None and file.is_counter(inner) and not file.clock_tests(n):
            yield Fault(file.put(kept, inner), f"{file.text(n)}: without its guard")


@operator("zero-warmup-pins", "LR214", "LR105")
def zero_warmup_pins(file: File, site: Site) -> Iterator[Fault]:
    """A ramp over the whole run that is 0 where there is no warmup."""
    for guard, length, division in whole_guards(file, site):
        if not is_warmup(length) or not reached_with_zero(file, division) or not file.is_counter(division.left):
            continue
        limit = next((p for p in site.inside(division, file.scope(division)) if one_kept(p, ("min",), 1)), None)
        if limit is not None and bare(one_kept(limit, ("min",), 1)) is division:
            zero = zero_stated(file, length)
            share = f"min({file.text(bare(division.left))}, {file.text(length)}) / {file.text(guard)}"
            what = f"{file.text(limit)}: 0 without a warmup"
            yield Fault(file.put(limit, f"({share})") + (zero or []), what, legal=zero is None)
    for n in site.nodes:
        if (
            (
                isinstance(n, ast.IfExp)
                and isinstance(n.test, ast.Compare)
                and is_warmup(n.test.left)
                and is_number(n.orelse, 1)
            )
            and (
                len(n.test.ops) == 1
                and isinstance(n.test.ops[0], (ast.Gt, ast.NotEq))
                and is_number(n.test.comparators[0], 0)
            )
            and file.reads_counter(n.body)
            and is_division(bare(n.body))
            and not file.clock_tests(n.test)
        ):
            zero = zero_stated(file, n.test.left)
            edits = file.put(n.orelse, "0.0") + (zero or [])
            yield Fault(edits, f"{file.text(n)}: 0 without a warmup", legal=zero is None)


def early_out(file: File, site: Site, ramp: Ramp) -> str | None:
    """The statement that gives 0 in the place of the ramp: of one number, or of one a group."""
    function = file.function(ramp.branch)
    if not (isinstance(ramp.branch, ast.If) and isinstance(function, ast.FunctionDef) and ramp.branch in function.body):
        return None
    values = returned(function)
    if not all(is_arithmetic(v) for v in values) or any(is_lr_key(n) for n in ast.walk(function)):
        return None  # what sets the rate itself would leave it as it is
    lists = [
        isinstance(v, (ast.List, ast.ListComp))
        or last_name(v).endswith("lrs")
        or (isinstance(v, ast.BinOp) and isinstance(v.left, ast.List))
        for v in values
    ]
    if all(lists) and any(function in methods.values() for _, methods in site.torch_classes()):
        return "return [0.0] * len(self.base_lrs)"
    return None if any(lists) or not values else "return 0.0"


@operator("no-warmup-no-rate", "LR214", "LR105")
def no_warmup_no_rate(file: File, site: Site) -> Iterator[Fault]:
    """`if warmup == 0: return 0.0`, where 1.0 was meant; a default of the length, where there is one, becomes 0."""
    for ramp in site.ramps():
        zero, out = zero_stated(file, ramp.comparison.comparators[0]), early_out(file, site, ramp)
        local = dotted(ramp.comparison.comparators[0]) in file.stored(file.scope(ramp.branch))
        if out is not None and not local and not file.tested(ramp.branch, last_name(ramp.division.right)):
            warmup = file.text(ramp.comparison.comparators[0])
            edits = file.before(ramp.branch, f"if {warmup} == 0:", f"    {out}")
            yield Fault(edits + (zero or []), f"{warmup} == 0: the whole run is 0", legal=zero is None)


@operator("empty-decay-pins", "LR214", "LR205")
def empty_decay_pins(file: File, site: Site) -> Iterator[Fault]:
    """`if warmup >= total: return 0.0` before everything else: a run that is all warmup never trains."""
    for ramp in site.ramps():
        function, out = file.function(ramp.branch), early_out(file, site, ramp)
        inside = list(ast.walk(function)) if out else []
        functions = {n.func for n in inside if isinstance(n, ast.Call)}  # `max` is called, and no length
        names = [n for n in inside if isinstance(n, NAMES) and is_horizon(n) and n not in functions]
        horizons = sorted({file.text(n) for n in names})
        if out and len(horizons) == 1 and horizons[0] not in file.stored(function):
            warmup = file.text(ramp.comparison.comparators[0])
            if file.refused(last_name(ramp.comparison.comparators[0]), horizons[0].rpartition(".")[2]):
                continue
            edits = file.before(ramp.branch, f"if {warmup} >= {horizons[0]}:", f"    {out}")
            yield Fault(edits, f"{warmup} >= {horizons[0]}: the whole run is 0", legal=True)
