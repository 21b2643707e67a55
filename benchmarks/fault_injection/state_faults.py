"""LR101 to LR107, LR109, LR210, LR215: the state behind a schedule, and the methods that ask for its rate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from operators import Fault, operator
from parsed import Edit, File
from sites import NO_FORMULA_NAME, Site, first_statement
from vocabulary import (
    COUNTERS,
    FLOOR,
    FUNCTIONS,
    NAMES,
    RAMP_START,
    RATE,
    defaults,
    divides,
    dotted,
    is_arithmetic,
    is_horizon,
    is_lr_key,
    is_warmup,
    last_name,
    own,
    parameters,
)

# LR101, LR103: asking for a rate changes what is asked


def none_by_default(function: ast.AST) -> set[str]:
    """Parameters that may be None: adding to them would be another fault."""
    return {name for name, d in defaults(function).items() if isinstance(d, ast.Constant) and d.value is None}


def is_number_use(file: File, node: ast.AST) -> bool:
    """Whether the place treats the value as one number: not called, indexed, iterated or filled with something else."""
    above = file.parent[node]
    if isinstance(above, (ast.Call, ast.Subscript, ast.For, ast.comprehension)) and node in (
        getattr(above, "func", None),
        getattr(above, "value", None),
        getattr(above, "iter", None),
    ):
        return False
    filled = above.value if isinstance(above, ast.Assign) and node in above.targets else None
    return not isinstance(filled, (ast.List, ast.ListComp, ast.Lambda, ast.Tuple, ast.Dict))


def own_lengths(file: File, function: ast.FunctionDef, owner: ast.ClassDef) -> list[str]:
    """Attributes that hold a length, as a number, which this method reads."""
    uses = {
        n.attr
        for n in own(function)
        if isinstance(n, ast.Attribute) and dotted(n) == f"self.{n.attr}" and (is_warmup(n) or is_horizon(n))
    }
    optional = {
        dotted(s.target)
        for s in owner.body
        if isinstance(s, ast.AnnAssign) and re.search("Optional|None", file.text(s))
    }
    for f in ast.walk(owner):
        if isinstance(f, ast.FunctionDef):
            optional |= none_by_default(f)
            if any(dotted(d) == "property" for d in f.decorator_list):
                optional.add(f.name)  # nothing can be added to it
    other = {n.attr for n in file.nodes if isinstance(n, ast.Attribute) and not is_number_use(file, n)}
    return sorted(uses - optional - other)


@operator("hyperparameter-mutated", "LR101", "LR103", "LR215")
def hyperparameter_mutated(file: File, site: Site) -> Iterator[Fault]:
    for function in site.evaluators():
        first, owner = first_statement(function), file.class_of(function)
        if any(dotted(d) in ("staticmethod", "classmethod") for d in function.decorator_list):
            continue
        if file.scope(function) is file.tree and owner is not None:
            if any("frozen" in file.text(d) for d in owner.decorator_list):
                continue
            for name in own_lengths(file, function, owner)[:1]:
                yield Fault(file.before(first, f"self.{name} += 1"), f"inserted: self.{name} += 1 in {function.name}")
        elif isinstance(file.scope(function), FUNCTIONS) and file.scope(function) is file.function(function):
            outer = set(parameters(file.scope(function))) - none_by_default(file.scope(function))
            read = {n.id for n in own(function) if isinstance(n, ast.Name) and (is_warmup(n) or is_horizon(n))}
            given = any(function is d for _, _, d in site.given_functions())
            codes = ("LR103", "LR101") if given else ("LR101", "LR103")
            for name in sorted((read & outer) - set(parameters(function)) - file.stored(function))[:1]:
                edits = file.before(first, f"nonlocal {name}", f"{name} += 1")
                yield Fault(edits, f"inserted: {name} += 1 in {function.name}", codes)


@operator("own-counter", "LR103")
def own_counter(file: File, site: Site) -> Iterator[Fault]:
    for _, _, f in site.given_functions():
        if isinstance(f, ast.Lambda):
            continue
        step = f.args.args[0].arg
        uses = [n for n in ast.walk(f) if isinstance(n, ast.Name) and n.id == step]
        if uses and all(isinstance(n.ctx, ast.Load) for n in uses) and file.whole_lines(f):
            kind = "nonlocal" if file.function(f) else "global"
            edits = file.before(f, "calls_so_far = -1")
            edits += file.before(first_statement(f), f"{kind} calls_so_far", "calls_so_far += 1")
            yield Fault(edits + [e for n in uses for e in file.put(n, "calls_so_far")], f"{step} -> an own counter")


# LR102: what can never run


@operator("update-after-return", "LR102", "LR105")
def update_after_return(file: File, site: Site) -> Iterator[Fault]:
    for f in site.functions:
        if isinstance(f, ast.Lambda) or not isinstance(f.body[-1], ast.Return):
            continue
        result = f.body[-1]
        for update in f.body[:-1]:
            if not isinstance(update, (ast.AugAssign, ast.Assign)):
                continue
            target = update.target if isinstance(update, ast.AugAssign) else update.targets[0]
            if isinstance(update, ast.Assign):
                counts = last_name(target) in COUNTERS and file.counts(update.value)
            else:
                counts = not divides(update.value)
            if dotted(target).startswith("self.") and counts and "lr" not in last_name(target).split("_"):
                gone, there = file.drop(update), file.after(result, file.text(update))
                if gone and there and file.whole_lines(result):
                    yield Fault(gone + there, f"{file.text(update)} moved behind the return")


@operator("rate-written-after-return", "LR102", "LR104", "LR105")
def rate_written_after_return(file: File, site: Site) -> Iterator[Fault]:
    """The rate is worked out and given back, and the loop that sets it stands behind the return."""
    for f in site.functions:
        if isinstance(f, ast.Lambda) or not f.body:
            continue
        last = f.body[-2] if isinstance(f.body[-1], ast.Return) and len(f.body) > 2 else f.body[-1]
        if not (isinstance(last, ast.For) and dotted(last.iter).endswith("param_groups")) or f.body.index(last) == 0:
            continue
        writes = [n for n in ast.walk(last) if isinstance(n, ast.Assign) and is_lr_key(n.targets[0])]
        others = [n for n in ast.walk(f) if is_lr_key(n) and isinstance(n.ctx, ast.Store) and n not in ast.walk(last)]
        names = {n.id for w in writes for n in ast.walk(w.value) if isinstance(n, ast.Name)} - {last_name(last.target)}
        local = sorted(names & file.stored(f))
        if len(writes) == 1 and not others and local:
            yield Fault(file.before(last, f"return {local[0]}"), f"return {local[0]} before the rate is set")


# LR104, LR105, LR106, LR107: the formula is not used


@operator("current-rates-returned", "LR105", "LR104", "LR106")
def current_rates_returned(file: File, site: Site) -> Iterator[Fault]:
    for _, methods in site.torch_classes():
        f = methods.get("get_lr")
        lines = file.whole_lines(f.body[0]) if f else None
        if f and lines and f in set(site.evaluators()):
            text = f'{file.indent(f.body[0])}return [group["lr"] for group in self.optimizer.param_groups]\n'
            yield Fault([(lines[0], file.starts[f.end_lineno], text)], "get_lr returns the current rates")


@operator("step-bypasses-formula", "LR104", "LR105", "LR107")
def step_bypasses_formula(file: File, site: Site) -> Iterator[Fault]:
    """A `step` that counts and never asks `get_lr`."""
    for owner, methods in site.torch_classes():
        if "step" not in methods and "get_lr" in methods and methods["get_lr"] in set(site.evaluators()):
            edits = file.append(
                owner,
                "def step(self, epoch=None):",
                "    self.last_epoch = self.last_epoch + 1 if epoch is None else epoch",
                '    self._last_lr = [group["lr"] for group in self.optimizer.param_groups]',
            )
            yield Fault(edits, f"{owner.name}.step never asks get_lr")


@operator("base-rate-written", "LR105", "LR104", "LR106")
def base_rate_written(file: File, site: Site) -> Iterator[Fault]:
    """The rate is worked out, and the base rate is written."""
    writes = site.writes()
    if len(writes) != 1 or not isinstance(writes[0].value, ast.Name):
        return
    name = writes[0].value.id
    scope = file.scope(writes[0])
    sets = [n for n in ast.walk(scope) if isinstance(n, ast.Assign) and dotted(n.targets[0]) == name]
    if not sets or not any(file.counts(n.value) for n in sets):
        return
    bases = sorted(
        {
            dotted(n)
            for s in sets
            for n in ast.walk(s.value)
            if isinstance(n, NAMES) and RATE.match(last_name(n)) and "?" not in dotted(n)
        }
        - file.stored(scope)
        - {name}
    )
    if bases:
        yield Fault(file.put(writes[0].value, bases[0]), f"{file.text(writes[0])}: {bases[0]} written instead")


def is_product(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


@operator("parameter-ignored", "LR106")
def parameter_ignored(file: File, site: Site) -> Iterator[Fault]:
    evaluators = set(site.evaluators())
    for f in site.functions:
        for name in [] if isinstance(f, ast.Lambda) else parameters(f):
            if not (FLOOR.match(name) or RAMP_START.match(name)):
                continue
            owner = file.class_of(f)
            if f.name == "__init__" and owner in site.classes:
                where: ast.AST = owner
                used = attribute_reads(file, f, owner, name)
            elif f in evaluators or any(is_lr_key(n) for n in ast.walk(f)):
                where = f
                used = [
                    n for n in ast.walk(f) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
                ]
                if name in file.stored(f):
                    continue
            else:
                continue
            other = (ast.Assert, ast.Compare, ast.JoinedStr, ast.Dict, ast.Raise)
            looked_at = any(isinstance(p, other) for n in used for p in site.inside(n, where))
            if (
                used
                and not looked_at
                and any(isinstance(file.parent[n], (ast.BinOp, ast.Call, ast.Return)) for n in used)
            ):
                value = "1.0" if re.search("ratio|factor", name) and RAMP_START.match(name) else "0.0"
                if value == "0.0" and any(is_product(file.parent[n]) for n in used):
                    continue  # a rate of 0 would be another fault
                yield Fault([e for n in used for e in file.put(n, value)], f"parameter {name} replaced by {value}")


def attribute_reads(file: File, init: ast.FunctionDef, owner: ast.ClassDef, name: str) -> list[ast.Attribute]:
    """Where a class reads the attribute in which its constructor keeps a parameter and does nothing else with it."""
    loads = [n for n in ast.walk(init) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
    keeps = [
        s
        for s in init.body
        if isinstance(s, ast.Assign) and dotted(s.targets[0]).startswith("self.") and s.value in loads
    ]
    inherited = any(last_name(b) == owner.name for c in file.nodes if isinstance(c, ast.ClassDef) for b in c.bases)
    if len(loads) != 1 or len(keeps) != 1 or inherited:
        return []
    kept = dotted(keeps[0].targets[0])
    return [
        n for n in ast.walk(owner) if isinstance(n, ast.Attribute) and dotted(n) == kept and isinstance(n.ctx, ast.Load)
    ]


@operator("super-first", "LR107")
def super_first(file: File, site: Site) -> Iterator[Fault]:
    for _, methods in site.torch_classes():
        init, formula = methods.get("__init__"), methods.get("get_lr")
        if init is None or formula is None:
            continue
        reads = {n.attr for n in ast.walk(formula) if isinstance(n, ast.Attribute) and dotted(n) == f"self.{n.attr}"}
        for i, s in enumerate(init.body):
            if not (i and isinstance(s, ast.Expr) and "super(" in file.text(s) and ".__init__(" in file.text(s)):
                continue
            before = init.body[:i]
            kept = {
                last_name(t)
                for e in before
                if isinstance(e, ast.Assign)
                for t in e.targets
                if isinstance(t, ast.Attribute)
            }
            local = {n for e in before for n in file.stored(e) if "." not in n}
            first = first_statement(init)
            if (
                kept & reads
                and first is not s
                and not any(isinstance(n, ast.Name) and n.id in local for n in ast.walk(s))
            ):
                gone = file.drop(s)
                if gone:
                    edits = gone + file.before(first, file.text(s))
                    yield Fault(edits, "super().__init__() moved before the attributes")


@operator("step-keeps-no-state", "LR107", "LR105")
def step_keeps_no_state(file: File, site: Site) -> Iterator[Fault]:
    for _, methods in site.torch_classes():
        f = methods.get("step")
        for n in own(f) if f and "super(" not in file.text(f) else ():
            if (
                isinstance(n, ast.Assign)
                and dotted(n.targets[0]) in ("self._last_lr", "self.last_epoch")
                and n in f.body
            ):
                # A count that no formula reads is only wrong in checkpoints.
                kept = dotted(n.targets[0])
                read = any(dotted(x) == kept for e in site.evaluators() for x in ast.walk(e))
                legal = kept == "self.last_epoch" and not read
                yield Fault(file.drop(n), f"deleted: {file.text(n)}", legal=legal)


@operator("formula-misnamed", "LR107", "LR104")
def formula_misnamed(file: File, site: Site) -> Iterator[Fault]:
    """`get_lrs` in a subclass of torch's scheduler: the base class's `get_lr` refuses."""
    for _, methods in site.torch_classes():
        f = methods.get("get_lr")
        calls = [n for n in file.nodes if isinstance(n, ast.Attribute) and n.attr == "get_lr"]
        if f and not calls and "step" not in methods:
            at = file.span(f)[0] + len("def ")
            if file.source[at : at + 6] == b"get_lr":
                yield Fault([(at, at + 6, "get_lrs")], "get_lr is called get_lrs")


# LR109, LR215: what is saved, and what is stated twice


@operator("counter-not-saved", "LR109")
def counter_not_saved(file: File, site: Site) -> Iterator[Fault]:
    for owner, methods in site.torch_classes():
        if {"state_dict", "load_state_dict"} & set(methods) or methods.get("get_lr") not in set(site.evaluators()):
            continue
        if any(isinstance(n, ast.Attribute) and dotted(n) == "self.last_epoch" for n in ast.walk(methods["get_lr"])):
            edits = file.append(
                owner,
                "def state_dict(self):",
                '    left_out = ("optimizer", "last_epoch")',
                "    return {key: value for key, value in self.__dict__.items() if key not in left_out}",
            )
            yield Fault(edits, f"{owner.name}.state_dict leaves out last_epoch")
    for owner in site.classes:
        saved = {f.name: f for f in owner.body if isinstance(f, ast.FunctionDef)}
        if "state_dict" not in saved or "load_state_dict" not in saved:
            continue
        for d in ast.walk(saved["state_dict"]):
            if not isinstance(d, ast.Dict) or len(d.keys) < 2:
                continue
            for i, (key, value) in enumerate(zip(d.keys, d.values, strict=False)):
                if (
                    not isinstance(key, ast.Constant)
                    or not file.is_counter(value)
                    or not dotted(value).startswith("self.")
                ):
                    continue
                loads = [
                    n
                    for n in saved["load_state_dict"].body
                    if isinstance(n, ast.Assign)
                    and dotted(n.targets[0]) == dotted(value)
                    and repr(key.value)[1:-1] in file.text(n)
                ]
                start = file.span(key)[0] if i + 1 < len(d.keys) else file.span(d.values[i - 1])[1]
                end = file.span(d.keys[i + 1])[0] if i + 1 < len(d.keys) else file.span(value)[1]
                if len(loads) == 1 and file.drop(loads[0]):
                    edits: list[Edit] = [(start, end, ""), *file.drop(loads[0])]
                    yield Fault(edits, f"{dotted(value)} is neither saved nor loaded")


@operator("closed-form-ahead", "LR215", "LR209")
def closed_form_ahead(file: File, site: Site) -> Iterator[Fault]:
    """The closed form counts one step more than `get_lr`."""
    for _, methods in site.torch_classes():
        f = methods.get("_get_closed_form_lr")
        reads = [n for n in ast.walk(f) if isinstance(n, ast.Attribute) and dotted(n) == "self.last_epoch"] if f else []
        if reads and "get_lr" in methods and all(isinstance(n.ctx, ast.Load) for n in reads):
            edits = [e for n in reads for e in file.put(n, "(self.last_epoch + 1)")]
            yield Fault(edits, "the closed form is one step ahead")


@operator("closed-form-constant", "LR215", "LR105")
def closed_form_constant(file: File, site: Site) -> Iterator[Fault]:
    """A closed form that gives the base rates, beside a `get_lr` that does not."""
    for owner, methods in site.torch_classes():
        if methods.get("get_lr") in set(site.evaluators()) and not {"_get_closed_form_lr", "step"} & set(methods):
            edits = file.append(owner, "def _get_closed_form_lr(self):", "    return list(self.base_lrs)")
            yield Fault(edits, f"{owner.name}: step(epoch) gives the base rates")


# LR210


@operator("return-deleted", "LR210")
def return_deleted(file: File, site: Site) -> Iterator[Fault]:
    for f in site.evaluators():
        returns = [n for n in own(f) if isinstance(n, ast.Return)]
        last = f.body[-1]
        writes = any(is_lr_key(n) and isinstance(n.ctx, ast.Store) for n in ast.walk(f))
        if (
            not isinstance(last, ast.Return)
            or writes
            or not is_arithmetic(last.value)
            or NO_FORMULA_NAME.search(f.name)
        ):
            continue
        if len(returns) > 1:
            yield Fault(file.drop(last), f"deleted: {file.text(last)}")
        elif len(f.body) > 2 and isinstance(f.body[-2], ast.If) and "\n" not in file.text(last):
            inner = (f.body[-2].orelse or f.body[-2].body)[-1]
            ends = any(isinstance(n, (ast.Return, ast.Raise)) for n in ast.walk(f.body[-2]))
            if file.whole_lines(inner) and not isinstance(inner, ast.If) and not ends:
                edits = file.drop(last) + file.after(inner, file.text(last), indent=file.indent(inner))
                yield Fault(edits, "the last return moved into a branch")
