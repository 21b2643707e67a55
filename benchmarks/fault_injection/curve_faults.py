"""LR202, LR203, LR204, LR208, LR209, LR212: the curve meets its phases, its end and its limits wrongly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from operators import Fault, operator
from parsed import Edit, File
from sites import Ramp, Site, asked_at_zero, none_by_default, stated_default
from vocabulary import (
    NAMES,
    bare,
    called,
    dotted,
    factors,
    has_cosine,
    is_division,
    is_horizon,
    is_length,
    is_number,
    is_warmup,
    last_name,
    one_kept,
)

SMALLEST_WARMUP = 0.02  # of the run: a decay counted from step 0 behind a shorter one is off by less than anyone sees
HUNDREDS = 100  # steps of a ramp of which one more or less is no difference that anyone sees
LONG_WARMUP = 0.2  # of the run: a cosine that is counted from step 0 has lost a tenth by then


def replaced(file: File, node: ast.AST, value: ast.AST) -> list[Edit]:
    """The value in the place of the node; a statement that would then say `x = x` goes."""
    above = file.parent[node]
    same = isinstance(above, ast.Assign) and dotted(above.targets[0]) == dotted(value) != "?"
    return file.drop(above) if same and isinstance(above, ast.Assign) else file.put(node, value)


# Past the horizon: no more than a legal setting, since these lines do not show how long the loop runs


def clamped(node: ast.AST) -> ast.expr | None:
    """The progress that `min(1, x)`, `max(0, x)` or `clip(x, 0, 1)` keeps between its ends."""
    value = one_kept(node, ("min",), 1)
    if value is None:
        value = one_kept(node, ("max",), 0)
        value = None if value is not None and has_cosine(value) else value
    if value is None and isinstance(node, ast.Call) and called(node, "clip", "clamp") and len(node.args) == 3:
        value = node.args[0] if is_number(node.args[1], 0) and is_number(node.args[2], 1) else None
    return value


@operator("clamp-removed", "LR204", "LR202", "LR212")
def clamp_removed(file: File, site: Site) -> Iterator[Fault]:
    for n in site.nodes:
        value = clamped(n)
        if value is None:
            continue
        ratio = bare(value)
        plain = is_division(ratio) and file.reads_counter(ratio)
        named = isinstance(ratio, ast.Name) and ratio.id in file.progress_names(file.scope(n))
        ramp = any(is_warmup(x) for x in ast.walk(n)) and not any(is_horizon(x) for x in ast.walk(n))
        if not (plain or named) or (ramp and file.clock_tests(n)):
            continue
        stops = [
            c
            for c in ast.walk(file.scope(n))
            if isinstance(c, ast.Compare) and file.reads_counter(c) and any(is_horizon(x) for x in ast.walk(c))
        ]
        nested = any(clamped(a) is not None or called(a, "clip", "clamp") for a in file.up(n))
        if not stops and not nested:
            what = f"{file.text(n)} -> {file.text(value)}"
            if ramp:  # it goes on growing inside the run: everybody gets there
                codes = ("LR204", "LR202", "LR209", "LR212")
                unused = isinstance(ratio, ast.BinOp) and none_by_default(file, ratio.right)
                yield Fault(replaced(file, n, value), what, codes, legal=unused)
            else:
                yield Fault(replaced(file, n, value), what, legal=True)


@operator("clamp-counter-removed", "LR204", "LR212")
def clamp_counter_removed(file: File, site: Site) -> Iterator[Fault]:
    for n in site.nodes:
        if not (isinstance(n, ast.Call) and called(n, "min") and len(n.args) == 2 and not n.keywords):
            continue
        for counter, length in (n.args, n.args[::-1]):
            if not (isinstance(counter, NAMES) and file.is_counter(counter)) or file.clock_tests(n):
                continue
            if file.looked_at_first(n):
                continue
            if is_horizon(length) or is_warmup(length):
                legal = not is_warmup(length)
                yield Fault(replaced(file, n, counter), f"{file.text(n)} -> {file.text(counter)}", legal=legal)


# Where phases meet


def stated_share(file: File, site: Site, warmup: ast.AST) -> float | None:
    """The warmup's share of the run, where the file states both lengths."""
    length = stated_default(file, warmup)
    totals = [stated_default(file, n) for n in site.nodes if isinstance(n, NAMES) and is_horizon(n)]
    numbers = [t.value for t in totals if isinstance(t, ast.Constant)]
    return length.value / max(numbers) if isinstance(length, ast.Constant) and numbers and max(numbers) else None


def is_visible(file: File, site: Site, warmup: ast.AST) -> bool:
    """Whether the warmup is more than a sliver of the run, as far as the file states it."""
    share = stated_share(file, site, warmup)
    return share is None or share >= SMALLEST_WARMUP


def is_long(file: File, site: Site, warmup: ast.AST) -> bool:
    """Whether the file states a warmup that takes a good part of the run."""
    share = stated_share(file, site, warmup)
    return share is not None and share >= LONG_WARMUP


def feeds_division(file: File, statement: ast.AST, value: ast.AST) -> bool:
    """`x = value` with x on top of a division further down."""
    if (
        isinstance(statement, ast.Assign)
        and bare(statement.value) is value
        and isinstance(statement.targets[0], ast.Name)
    ):
        name = statement.targets[0].id
    elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        name = statement.target.id
    else:
        return False
    return any(
        isinstance(d, ast.BinOp)
        and is_division(d)
        and d.lineno > statement.lineno
        and any(isinstance(x, ast.Name) and x.id == name for x in ast.walk(d.left))
        for d in ast.walk(file.scope(statement))
    )


@operator("warmup-offset-dropped", "LR202", "LR204", "LR206", "LR209")
def warmup_offset_dropped(file: File, site: Site) -> Iterator[Fault]:
    for n in site.nodes:
        if (
            isinstance(n, ast.BinOp)
            and isinstance(n.op, ast.Sub)
            and is_warmup(n.right)
            and is_visible(file, site, n.right)
        ):
            above = next(p for p in file.up(n) if not called(p, "float", "int"))
            top = isinstance(above, ast.BinOp) and is_division(above) and bare(above.left) is n
            if file.is_counter(n.left) and (top or feeds_division(file, above, n)):
                unused = none_by_default(file, n.right)
                yield Fault(replaced(file, n, n.left), f"{file.text(n)} -> {file.text(n.left)}", legal=unused)
                below = bare(above.right) if isinstance(above, ast.BinOp) else None
                if isinstance(below, ast.BinOp) and last_name(below.right) == last_name(n.right):
                    edits = file.put(n, n.left) + file.put(below, below.left)
                    # The phases lie apart by the warmup's share of the run: little, where nobody states a long one.
                    legal = unused or not is_long(file, site, n.right)
                    yield Fault(edits, f"{file.text(above)}: warmup out of both", legal=legal)
        if (
            isinstance(n, ast.AugAssign)
            and isinstance(n.op, ast.Sub)
            and is_warmup(n.value)
            and file.is_counter(n.target)
            and feeds_division(file, n, n.target)
            and is_visible(file, site, n.value)
        ):
            yield Fault(file.drop(n), f"deleted: {file.text(n)}", legal=none_by_default(file, n.value))


@operator("warmup-of-length-dropped", "LR202", "LR209", "LR211")
def warmup_of_length_dropped(file: File, site: Site) -> Iterator[Fault]:
    """`(total - step) / (total - warmup)` divided by the total: the decay begins below the peak."""
    for n in site.divisions():
        top, below = bare(n.left), bare(n.right)
        if not all(isinstance(x, ast.BinOp) and isinstance(x.op, ast.Sub) for x in (top, below)):
            continue
        if (
            is_horizon(top.left)
            and file.is_counter(top.right)
            and is_horizon(below.left)
            and is_warmup(below.right)
            and is_visible(file, site, below.right)
        ):
            what = f"{file.text(n)}: warmup out of the length"
            # As with the warmup out of both: the phases lie apart by its share of the run.
            legal = none_by_default(file, below.right) or not is_long(file, site, below.right)
            yield Fault(file.put(below, below.left), what, legal=legal)


@operator("ramp-too-long", "LR202", "LR209", "LR211")
def ramp_too_long(file: File, site: Site) -> Iterator[Fault]:
    """The ramp goes on for twice its length: to twice the peak."""
    for ramp in site.ramps():
        if file.looked_at_first(ramp.branch):
            continue  # nobody asks for the steps that are wrong
        right = ramp.comparison.comparators[0]
        edits = file.put(right, f"2 * {file.text(right)}")
        what = f"{file.text(ramp.comparison)}: with twice the length"
        yield Fault(edits, what, legal=none_by_default(file, right))


@operator("ramp-too-short", "LR202", "LR209", "LR211")
def ramp_too_short(file: File, site: Site) -> Iterator[Fault]:
    """The test ends the ramp at half of its length: from half of the peak to what follows."""
    for ramp in site.ramps():
        right = ramp.comparison.comparators[0]
        rest = ramp.branch.orelse if isinstance(ramp.branch, ast.If) else [ramp.branch.orelse]
        if rest or isinstance(ramp.branch.body[-1] if isinstance(ramp.branch.body, list) else None, ast.Return):
            what = f"{file.text(ramp.comparison)}: with half the length"
            yield Fault(file.put(right, f"{file.text(right)} // 2"), what, legal=none_by_default(file, right))


@operator("full-rate-first", "LR203", "LR202", "LR212")
def full_rate_first(file: File, site: Site) -> Iterator[Fault]:
    """Step 0 is not of the warmup: it gets what comes after it."""
    for ramp in site.ramps():
        counter = ramp.comparison.left
        after = ramp.branch.orelse if isinstance(ramp.branch, ast.If) else [ramp.branch.orelse]
        ends = isinstance(ramp.branch, ast.IfExp) or isinstance(ramp.branch.body[-1], ast.Return)
        first_test = file.clock_tests(ramp.branch)[:1] in ([], [ramp.branch])
        if (after or ends) and first_test and asked_at_zero(file, site, counter):
            edits = file.put(ramp.comparison, f"0 < {file.text(ramp.comparison)}")
            what = f"{file.text(ramp.comparison)}: {file.text(counter)} 0 left out"
            yield Fault(edits, what, legal=none_by_default(file, ramp.comparison.comparators[0]))


@operator("first-epoch-zero", "LR203", "LR209", "LR202")
def first_epoch_zero(file: File, site: Site) -> Iterator[Fault]:
    for d in site.divisions():
        n = bare(d.left)
        if (
            isinstance(n, ast.BinOp)
            and isinstance(n.op, ast.Add)
            and is_number(n.right, 1)
            and is_warmup(d.right)
            and last_name(n.left) in ("epoch", "cur_epoch", "current_epoch")
        ):
            what = f"{file.text(d)}: a whole epoch at rate 0"
            yield Fault(file.put(n, n.left), what, legal=none_by_default(file, d.right))


# One step too many


def one_added(file: File, ramp: Ramp) -> ast.expr | None:
    """The 1 of `(step + 1) / warmup` and `base * (step + 1) / warmup`, of a ramp that is not stated to be long."""
    length = stated_default(file, ramp.division.right)
    if isinstance(length, ast.Constant) and length.value >= HUNDREDS:
        return None
    for f in factors(bare(ramp.division.left)):
        n = bare(f)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add) and file.is_counter(n.left) and is_number(n.right, 1):
            return n.right
    return None


@operator("ramp-one-step-too-long", "LR209", "LR202")
def ramp_one_step_too_long(file: File, site: Site) -> Iterator[Fault]:
    """`step <= warmup` where the ramp already adds one: for one step it is above the peak."""
    for ramp in site.ramps():
        between = (file.span(ramp.comparison.left)[1], file.span(ramp.comparison.comparators[0])[0])
        if one_added(file, ramp) is not None and file.source[slice(*between)].strip() == b"<":
            what = f"{file.text(ramp.comparison)}: <= for <"
            yield Fault([(*between, " <= ")], what, legal=none_by_default(file, ramp.comparison.comparators[0]))


@operator("ramp-counted-from-two", "LR209", "LR202", "LR203")
def ramp_counted_from_two(file: File, site: Site) -> Iterator[Fault]:
    """`(step + 2) / warmup`: the last step of the ramp is above the peak."""
    for ramp in site.ramps():
        one = one_added(file, ramp)
        if one is not None:
            what = f"{file.text(ramp.division)}: counted from 2"
            yield Fault(file.put(one, "2"), what, legal=none_by_default(file, ramp.division.right))


@operator("decay-one-step-late", "LR209", "LR202", "LR203", "LR204")
def decay_one_step_late(file: File, site: Site) -> Iterator[Fault]:
    """`total - step + 1` on top of a linear decay, or `step - 1`: it begins above the peak and ends a step late."""
    for d in site.divisions():
        top, length, above = bare(d.left), bare(d.right), file.parent[d]
        around = list(site.inside(d, file.scope(d)))
        if any(one_kept(p, ("min",), 1) or called(p, "cos", "clip", "clamp") for p in around):
            continue
        if any(isinstance(f, NAMES) and re.search("warm", last_name(f)) for p in around for f in factors(p)):
            continue  # under a warmup nobody sees one step of the decay
        if isinstance(top, ast.BinOp) and isinstance(top.op, ast.Sub):
            to_the_end = is_horizon(length.left if isinstance(length, ast.BinOp) else length)
            if to_the_end and is_horizon(top.left) and asked_at_zero(file, site, top.right):
                yield Fault(file.put(top, f"{file.text(top)} + 1"), f"{file.text(d)}: one step late")
        elif is_horizon(length) and asked_at_zero(file, site, top):
            minus = isinstance(above, ast.BinOp) and isinstance(above.op, ast.Sub) and above.right is d
            if minus and is_number(above.left, 1):
                yield Fault(file.put(d.left, f"({file.text(d.left)} - 1)"), f"{file.text(above)}: one step late")


@operator("first-interval-lost", "LR209", "LR203", "LR207")
def first_interval_lost(file: File, site: Site) -> Iterator[Fault]:
    """`epoch > 0 and epoch % 30 == 0` without its first half: the first decay comes at once."""
    for n in site.nodes:
        if not (isinstance(n, ast.BoolOp) and isinstance(n.op, ast.And) and len(n.values) == 2):
            continue
        for guard, test in (n.values, n.values[::-1]):
            remainder = isinstance(test, ast.Compare) and any(
                isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mod) and file.is_counter(x.left)
                for x in ast.walk(test)
            )
            if (
                remainder
                and re.fullmatch(r"\(?\w+ *(>|!=) *0\)?|\w+ *>= *1", file.text(guard))
                and file.reads_counter(guard)
            ):
                branch = file.parent[n]
                lowers = isinstance(branch, ast.If) and any(
                    isinstance(s, ast.AugAssign) for b in branch.body for s in ast.walk(b)
                )
                if lowers:
                    yield Fault(file.put(n, test), f"{file.text(n)} -> {file.text(test)}")


# A progress that is cut, or too fast


def is_exponent(file: File, node: ast.AST) -> bool:
    """Whether the value ends in an exponent, where a floor makes an ordinary staircase."""
    return any(
        (isinstance(p, ast.BinOp) and isinstance(p.op, ast.Pow) and node in ast.walk(p.right))
        or (isinstance(p, ast.Call) and called(p, "pow", "exp") and p.args and node in ast.walk(p.args[-1]))
        for p in file.up(node)
    )


def progress_divisions(file: File, site: Site) -> Iterator[ast.BinOp]:
    """Divisions of the step by a length that give a share of it, and nothing coarser on purpose."""
    for d in site.divisions():
        scaled = any(
            isinstance(x, ast.BinOp)
            and (isinstance(x.op, ast.Pow) or (isinstance(x.op, ast.Mult) and not is_number(x.left)))
            for x in (d, *ast.walk(d.left))
        )
        if is_length(d.right) and file.reads_counter(d.left) and not scaled and not is_exponent(file, d):
            name = file.parent[d]
            if isinstance(name, ast.Assign) and isinstance(name.targets[0], ast.Name):
                uses = [n for n in ast.walk(file.scope(d)) if isinstance(n, ast.Name) and n.id == name.targets[0].id]
                if any(is_exponent(file, n) for n in uses):
                    continue
            yield d


def is_unused_ramp(file: File, division: ast.BinOp) -> bool:
    return is_warmup(division.right) and none_by_default(file, division.right)


@operator("floor-division", "LR208", "LR105", "LR202")
def floor_division(file: File, site: Site) -> Iterator[Fault]:
    for d in progress_divisions(file, site):
        start = file.span(d.left)[1]
        between = file.source[start : file.span(d.right)[0]]
        if between.count(b"/") == 1 and b"#" not in between:
            at = start + between.index(b"/")
            yield Fault([(at, at + 1, "//")], f"{file.text(d)}: // for /", legal=is_unused_ramp(file, d))


@operator("progress-as-int", "LR208", "LR105", "LR202")
def progress_as_int(file: File, site: Site) -> Iterator[Fault]:
    for d in progress_divisions(file, site):
        if not called(file.parent[d], "int"):
            what = f"{file.text(d)}: cut to whole numbers"
            yield Fault(file.put(d, f"int({file.text(d)})"), what, legal=is_unused_ramp(file, d))


def is_squared(file: File, base: ast.AST) -> bool:
    """Whether the power above the value may be an even one, which makes every rate positive again."""
    power = next((p for p in file.up(base) if isinstance(p, ast.BinOp) and isinstance(p.op, ast.Pow)), None)
    if power is None:
        return False
    exponent = power.right if is_number(power.right) else stated_default(file, power.right)
    return not isinstance(exponent, ast.Constant) or exponent.value % 2 == 0


@operator("decay-too-fast", "LR212", "LR204", "LR202")
def decay_too_fast(file: File, site: Site) -> Iterator[Fault]:
    """`1 - step / total` falling twice as fast: below zero, or complex, from the middle of the run on."""
    for n in site.nodes:
        if not (isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) and is_number(n.left, 1)):
            continue
        share, scope = bare(n.right), file.scope(n)
        if isinstance(share, ast.Name) and share.id in file.progress_names(scope):
            made = [a.value for a in ast.walk(scope) if isinstance(a, ast.Assign) and dotted(a.targets[0]) == share.id]
            divided = next((d for a in made for d in ast.walk(a) if isinstance(d, ast.BinOp) and is_division(d)), None)
        else:
            divided = share if isinstance(share, ast.BinOp) and is_division(share) else None
        if divided is None or not file.reads_counter(divided.left):
            continue
        length = bare(divided.right)
        to_the_end = is_horizon(length.left if isinstance(length, ast.BinOp) else length)
        around = list(site.inside(n, scope))
        kept = any(called(p, "max", "min", "clip", "clamp", "cos") for p in around)
        floor = any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.Add) for p in around)
        named = next((p.targets[0] for p in file.up(n) if isinstance(p, ast.Assign)), None)
        if named is not None:  # a floor may be added where the name is used
            adds = (a for a in ast.walk(scope) if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Add))
            floor = floor or any(dotted(x) == dotted(named) for a in adds for x in ast.walk(a))
        later = any(called(c, "max", "clip", "clamp") and c.lineno > n.end_lineno for c in ast.walk(scope))
        if to_the_end and not (kept or floor or later) and not is_squared(file, n):
            yield Fault(file.put(n.right, f"2 * {file.text(n.right)}"), f"{file.text(n)}: twice as fast")
