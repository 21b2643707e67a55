"""LR201, LR207, LR211, LR213: another rate than the one that is meant goes into the formula, or out of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from operators import Fault, operator, without
from parsed import Edit, File
from sites import Site, returned
from vocabulary import (
    FLOOR,
    NAMES,
    RATE,
    bare,
    called,
    dotted,
    factors,
    is_division,
    is_horizon,
    is_lr_key,
    is_number,
    is_warmup,
    last_name,
    parameters,
)

# A factor, and a rate


@operator("factor-times-rate", "LR201", "LR202")
def factor_times_rate(file: File, site: Site) -> Iterator[Fault]:
    for call, optimizer, function in site.given_functions():
        values = returned(function)
        if not isinstance(optimizer, NAMES) or file.scope(function) is not file.scope(call):
            continue
        body = file.text(function.body if isinstance(function, ast.Lambda) else function)
        if re.search(r"lr\b|rate", body.replace("lr_lambda", "")) or not any(file.counts(v) for v in values):
            continue  # it may be a rate already; a constant is no schedule
        rate = f'{file.text(optimizer)}.defaults["lr"]'
        for a in ast.walk(file.scope(call)):
            if (
                isinstance(a, ast.Assign)
                and dotted(a.targets[0]) == dotted(optimizer)
                and isinstance(a.value, ast.Call)
            ):
                stated = [k.value for k in a.value.keywords if k.arg == "lr"]
                rate = next((file.text(v) for v in stated if isinstance(v, NAMES)), rate)
        edits = [(*file.span(v), f"{rate} * ({file.text(v)})") for v in values]
        yield Fault(edits, f"returned factor times {rate}")


@operator("base-rate-dropped", "LR201", "LR202", "LR213")
def base_rate_dropped(file: File, site: Site) -> Iterator[Fault]:
    for comprehension, name, _ in site.over_bases():
        rate = [f for f in factors(comprehension.elt) if isinstance(f, ast.Name) and f.id == name]
        if rate and len(factors(comprehension.elt)) > 1:
            yield Fault(without(file, rate[0]), f"{file.text(comprehension.elt)}: base rate dropped")
    setter = any(is_lr_key(n) and isinstance(n.ctx, ast.Store) for n in site.nodes)
    for n in site.nodes:
        if not (setter and isinstance(n, ast.Assign) and len(n.targets) == 1):
            continue
        if is_lr_key(n.targets[0]) or re.fullmatch(r"(cur_|new_)?lr_?", last_name(n.targets[0])):
            stored = file.stored(file.scope(n))
            found = [f for f in factors(n.value) if RATE.match(last_name(f)) and dotted(f) not in stored]
            if len(found) == 1 and len(factors(n.value)) > 1 and file.counts(n.value):
                yield Fault(without(file, found[0]), f"{file.text(n)}: base rate dropped")


# A factor of the whole, applied again and again


@operator("cumulative", "LR207", "LR101")
def cumulative(file: File, site: Site) -> Iterator[Fault]:
    for n, name, methods in site.over_bases():
        rate = [f for f in factors(n.elt) if isinstance(f, ast.Name) and f.id == name]
        uses = [x for x in ast.walk(n.elt) if isinstance(x, ast.Name) and x.id == name]
        if len(rate) == len(uses) == 1 and len(factors(n.elt)) > 1 and file.counts(methods.get("get_lr", n)):
            generator = n.generators[0]
            edits = file.put(rate[0], 'group["lr"]') + file.put(generator.target, "group")
            edits += file.put(generator.iter, "self.optimizer.param_groups")
            yield Fault(edits, f"{file.text(n)}: current rate for base rate")
    writes = site.writes()
    if len(writes) != 1 or not isinstance(writes[0].value, ast.Name):
        return
    write, name = writes[0], writes[0].value.id
    sets = [
        n
        for n in ast.walk(file.scope(write))
        if isinstance(n, (ast.Assign, ast.AugAssign))
        and last_name(n.targets[0] if isinstance(n, ast.Assign) else n.target) == name
    ]
    if len(sets) == 1 and isinstance(sets[0], ast.Assign) and sets[0] in site.nodes:
        chain = factors(sets[0].value)
        rate = [f for f in chain if RATE.match(last_name(f))]
        start = file.span(write.targets[0])[1]
        if len(rate) == 1 < len(chain) and file.counts(sets[0].value) and file.source[start : start + 3] == b" = ":
            edits = [*without(file, rate[0]), (start, start + 3, " *= ")]
            yield Fault(edits, f"{file.text(sets[0])}: multiplied onto the current rate")


@operator("multiplicative-class", "LR207", "LR201")
def multiplicative_class(file: File, site: Site) -> Iterator[Fault]:
    """A factor of the whole schedule given to MultiplicativeLR."""
    for call, _, function in site.given_functions():
        if not any(file.counts(v) for v in returned(function)):
            continue
        if isinstance(call.func, ast.Attribute):
            end = file.span(call.func)[1]
            yield Fault([(end - len("LambdaLR"), end, "MultiplicativeLR")], f"{file.text(call.func)}: MultiplicativeLR")
        names = [
            a
            for n in file.tree.body
            if isinstance(n, ast.ImportFrom) and (n.module or "").endswith("lr_scheduler")
            for a in n.names
            if a.name == "LambdaLR" and a.asname is None
        ]
        if isinstance(call.func, ast.Name) and len(names) == 1:
            edits = file.put(names[0], "LambdaLR, MultiplicativeLR") + file.put(call.func, "MultiplicativeLR")
            yield Fault(edits, f"{file.text(call.func)}: MultiplicativeLR")


# The wrong variable


@operator("arguments-swapped", "LR211", "LR202", "LR204")
def arguments_swapped(file: File, site: Site) -> Iterator[Fault]:
    for call in (n for n in site.nodes if isinstance(n, ast.Call)):
        warm = [k.value for k in call.keywords if k.arg and is_warmup(ast.Name(k.arg)) and is_warmup(k.value)]
        rest = [k.value for k in call.keywords if k.arg and is_horizon(ast.Name(k.arg)) and is_horizon(k.value)]
        if len(warm) == len(rest) == 1:
            edits = file.put(warm[0], rest[0]) + file.put(rest[0], warm[0])
            yield Fault(edits, f"{file.text(call)}: two lengths swapped")
            yield Fault(file.put(rest[0], warm[0]), f"{file.text(call)}: the warmup given for the horizon")
        for a, b in zip(call.args, call.args[1:], strict=False):
            warmup, other = (a, b) if is_warmup(a) else (b, a)
            if last_name(warmup) == "warmup" or last_name(other) == "last_epoch" or called(call, "max", "min"):
                continue  # often a method's name; torch's own argument; where the order says nothing
            if is_warmup(warmup) and (is_horizon(other) or file.is_counter(other)):
                codes = ("LR211", "LR202", "LR204") + (("LR205",) if file.is_counter(other) else ())
                edits = file.put(a, b) + file.put(b, a)
                yield Fault(edits, f"{file.text(call)}: {file.text(a)} and {file.text(b)} swapped", codes)
        if called(call, "CosineAnnealingLR"):
            for k in call.keywords:
                if k.arg == "T_max" and isinstance(k.value, ast.BinOp) and is_warmup(k.value.right):
                    codes = ("LR211", "LR310", "LR204")
                    edits = file.put(k.value, k.value.right)
                    yield Fault(edits, f"{file.text(call)}: T_max is the warmup", codes)


@operator("peak-and-floor-swapped", "LR211", "LR206", "LR202")
def peak_and_floor_swapped(file: File, site: Site) -> Iterator[Fault]:
    """`floor + (peak - floor) * decay` with the two exchanged: the decay climbs."""
    for n in site.nodes:
        if not (isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add)):
            continue
        for low, product in ((n.left, n.right), (n.right, n.left)):
            # The chain may end in a division by 2.
            chain = factors(product.left if isinstance(product, ast.BinOp) and is_division(product) else product)
            for f in chain:
                if not (isinstance(f, ast.BinOp) and isinstance(f.op, ast.Sub)) or dotted(f.right) != dotted(low):
                    continue
                names = (f.left, f.right, low)
                if not all(isinstance(x, NAMES) for x in names) or not FLOOR.match(last_name(low)):
                    continue
                falls = any(not is_number(g) and file.counts(g) for g in chain if g is not f)
                if falls and not any(is_warmup(x) for x in ast.walk(n)):
                    high = file.text(f.left)
                    edits = file.put(f.left, low) + file.put(f.right, high) + file.put(low, high)
                    yield Fault(edits, f"{file.text(n)}: peak and floor exchanged")


@operator("warmup-for-horizon", "LR211", "LR202", "LR204", "LR206", "LR212", "LR205", "LR106")
def warmup_for_horizon(file: File, site: Site) -> Iterator[Fault]:
    """The decay is divided by the length of the warmup, with nothing to stop it: far past its end inside the run.

    The run's own length may have no effect after that.
    """
    for d in site.divisions():
        below = bare(d.right)
        if not (isinstance(below, ast.BinOp) and isinstance(below.op, ast.Sub) and is_warmup(below.right)):
            continue
        kept = any(called(p, "max", "min", "clip", "clamp") for p in site.inside(d, file.scope(d)))
        name = file.parent[d]
        if isinstance(name, ast.Assign):
            kept = kept or any(
                isinstance(c, ast.Call)
                and called(c, "max", "min", "clip", "clamp")
                and any(dotted(a) == dotted(name.targets[0]) for a in c.args)
                for c in ast.walk(file.scope(d))
            )
        top = bare(d.left)
        counted = isinstance(top, ast.BinOp) and isinstance(top.op, ast.Sub) and file.is_counter(top.left)
        if is_horizon(below.left) and counted and not kept:
            yield Fault(file.put(below, below.right), f"{file.text(d)}: over the warmup")


@operator("misspelt-attribute", "LR211", "LR107", "LR101")
def misspelt_attribute(file: File, site: Site) -> Iterator[Fault]:
    """An attribute that nothing sets, read by a formula: it fails when that phase begins."""
    known = {n.attr for n in file.nodes if isinstance(n, ast.Attribute)}
    for function in site.evaluators():
        owner = file.class_of(function)
        if owner is None or any(isinstance(f, ast.FunctionDef) and f.name.startswith("__getattr") for f in owner.body):
            continue
        for n in sorted(
            (n for n in ast.walk(function) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)),
            key=lambda n: (n.lineno, n.col_offset),
        ):
            wrong = n.attr[:-1] if n.attr.endswith("s") else f"{n.attr}s"
            if dotted(n) == f"self.{n.attr}" and (is_warmup(n) or is_horizon(n)) and wrong not in known:
                yield Fault(file.put(n, f"self.{wrong}"), f"self.{n.attr} misspelt in {function.name}")
                break


# Groups


def visible_single_group(file: File) -> bool:
    """Whether the file itself builds an optimizer: it may have one group only, and all is well then."""
    return any(isinstance(n, ast.Call) and any(k.arg == "lr" for k in n.keywords) for n in file.nodes)


@operator("first-base-for-all", "LR213")
def first_base_for_all(file: File, site: Site) -> Iterator[Fault]:
    for n, name, _ in site.over_bases():
        uses = [x for x in ast.walk(n.elt) if isinstance(x, ast.Name) and x.id == name]
        edits: list[Edit] = [e for use in uses for e in file.put(use, "self.base_lrs[0]")]
        if uses:
            yield Fault(edits, f"{file.text(n)}: the first group's base rate for all")


@operator("first-group-only", "LR213", "LR309")
def first_group_only(file: File, site: Site) -> Iterator[Fault]:
    """A function or a class that is given its optimizer sets the rate of the first group alone."""
    for n in site.nodes:
        if not (isinstance(n, ast.For) and isinstance(n.target, ast.Name) and dotted(n.iter).endswith(".param_groups")):
            continue
        group, function = n.target.id, file.function(n)
        holder = dotted(n.iter).removesuffix(".param_groups")
        given = function is not None and (holder.split(".")[0] in parameters(function))
        write = n.body[0]
        if not given or len(n.body) != 1 or n.orelse or not isinstance(write, ast.Assign) or visible_single_group(file):
            continue
        reads = any(isinstance(x, ast.Name) and x.id == group for x in ast.walk(write.value))
        if is_lr_key(write.targets[0]) and dotted(write.targets[0].value) == group and not reads:
            edits = file.put(n, f'{file.text(n.iter)}[0]["lr"] = {file.text(write.value)}')
            # Whether there is a second group is for others to say: none in sight has one.
            yield Fault(edits, f"{file.text(n)}: the first group alone", legal=True)
