"""A schedule in a parsed file, and the parts of it at which operators aim."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from parsed import File
from vocabulary import (
    FUNCTIONS,
    NAMES,
    bare,
    called,
    defaults,
    dotted,
    is_arithmetic,
    is_division,
    is_lr_key,
    is_number,
    is_warmup,
    last_name,
    own,
    parameters,
)

TORCH_BASES = ("_LRScheduler", "LRScheduler")
NO_FORMULA_NAME = re.compile(r"step|update|adjust|set_|print|log|plot|save|load", re.I)


class Ramp(NamedTuple):
    """`if step < warmup: ... step / warmup ...`, as a statement or an expression."""

    branch: ast.If | ast.IfExp
    comparison: ast.Compare
    division: ast.BinOp  # the ramp's own, counter over warmup


class Given(NamedTuple):
    """A function given to LambdaLR."""

    call: ast.Call
    optimizer: ast.expr
    function: ast.FunctionDef | ast.Lambda


class Site:
    """The lines of one schedule."""

    def __init__(self, file: File, lines: tuple[int, int], form: str) -> None:
        self.file, self.form = file, form
        first, last = lines
        self.nodes = [n for n in file.nodes if hasattr(n, "lineno") and first <= n.lineno and n.end_lineno <= last]
        self.functions = [n for n in self.nodes if isinstance(n, FUNCTIONS)]
        self.classes = [n for n in self.nodes if isinstance(n, ast.ClassDef)]

    def divisions(self) -> Iterator[ast.BinOp]:
        """The divisions of the schedule, without those of functions that only tell where training stands."""
        told = {n for f in self.functions if only_tells(f) for n in ast.walk(f)}
        return (n for n in self.nodes if isinstance(n, ast.BinOp) and is_division(n) and n not in told)

    def evaluators(self) -> Iterator[ast.FunctionDef]:
        """Functions that compute a rate from the counter and return it."""
        for function in self.functions:
            if (
                isinstance(function, ast.FunctionDef)
                and not function.name.startswith("__")
                and any(isinstance(n, ast.Return) and is_arithmetic(n.value) for n in own(function))
                and any(isinstance(n, NAMES) and self.file.is_counter(n) for n in own(function))
            ):
                yield function

    def torch_classes(self) -> Iterator[tuple[ast.ClassDef, dict[str, ast.FunctionDef]]]:
        """Direct subclasses of torch's scheduler base, each with its methods."""
        for owner in self.classes:
            if is_torch_scheduler(self.file, owner):
                yield owner, {f.name: f for f in owner.body if isinstance(f, ast.FunctionDef)}

    def over_bases(self) -> Iterator[tuple[ast.ListComp, str, dict[str, ast.FunctionDef]]]:
        """`[base * factor for base in self.base_lrs]` in a torch subclass, with the name and the class's methods."""
        for _, methods in self.torch_classes():
            for n in (n for method in methods.values() for n in ast.walk(method)):
                if (
                    (
                        isinstance(n, ast.ListComp)
                        and len(n.generators) == 1
                        and isinstance(n.generators[0].target, ast.Name)
                    )
                    and dotted(n.generators[0].iter) == "self.base_lrs"
                    and not n.generators[0].ifs
                ):
                    yield n, n.generators[0].target.id, methods

    def ramps(self) -> Iterator[Ramp]:
        """Warmups that a test on the counter guards and a division by the same length makes."""
        for n in self.nodes:
            if not isinstance(n, (ast.If, ast.IfExp)) or not isinstance(n.test, ast.Compare) or len(n.test.ops) != 1:
                continue
            left, right = n.test.left, n.test.comparators[0]
            if not (isinstance(n.test.ops[0], ast.Lt) and self.file.is_counter(left) and is_warmup(right)):
                continue
            if not isinstance(left, NAMES) or not isinstance(right, NAMES):
                continue
            for statement in n.body if isinstance(n.body, list) else [n.body]:
                for d in ast.walk(statement):
                    if (
                        isinstance(d, ast.BinOp)
                        and is_division(d)
                        and last_name(d.right) == last_name(right)
                        and (
                            self.file.reads_counter(d.left)
                            and not any(called(p, "min", "max") for p in self.inside(d, n))
                        )
                    ):
                        yield Ramp(n, n.test, d)

    def inside(self, node: ast.AST, end: ast.AST) -> Iterator[ast.AST]:
        """What lies around the node, up to another node."""
        for p in self.file.up(node):
            if p is end:
                return
            yield p

    def given_functions(self) -> Iterator[Given]:
        """Functions given to LambdaLR, by name or in place, of which the call or the function lies in the site."""
        for call in (n for n in self.file.nodes if isinstance(n, ast.Call) and called(n, "LambdaLR")):
            functions = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "lr_lambda")]
            optimizers = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "optimizer")]
            for f in functions if optimizers else []:
                if isinstance(f, ast.Lambda) and f in self.functions:
                    yield Given(call, optimizers[0], f)
                if isinstance(f, ast.Name):
                    for d in self.functions:
                        if isinstance(d, ast.FunctionDef) and d.name == f.id and d.args.args:
                            near = self.file.scope(d) in (self.file.scope(call), self.file.tree)
                            if near and not isinstance(self.file.parent[d], ast.ClassDef):
                                yield Given(call, optimizers[0], d)

    def writes(self) -> list[ast.Assign]:
        """`group["lr"] = value` in the site."""
        return [n for n in self.nodes if isinstance(n, ast.Assign) and len(n.targets) == 1 and is_lr_key(n.targets[0])]


def torch_names(file: File) -> set[str]:
    """The names that the file's imports from torch bind."""
    names: set[str] = set()
    for n in file.nodes:
        if isinstance(n, ast.ImportFrom) and not n.level and (n.module or "").split(".")[0] == "torch":
            names |= {a.asname or a.name for a in n.names}
        elif isinstance(n, ast.Import):
            names |= {a.asname or "torch" for a in n.names if a.name.split(".")[0] == "torch"}
    return names


def is_torch_scheduler(file: File, owner: ast.ClassDef) -> bool:
    """Whether a base of the class is torch's scheduler, by its import: others have the name, and another contract."""
    bases = [dotted(base).split(".") for base in owner.bases]
    return any(base[-1] in TORCH_BASES and base[0] in torch_names(file) for base in bases)


def returned(function: ast.FunctionDef | ast.Lambda) -> list[ast.expr]:
    """The values that a function may give back."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    return [n.value for n in own(function) if isinstance(n, ast.Return) and n.value is not None]


def only_tells(function: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether a function gives back texts and tables alone, and sets no rate."""
    values = returned(function)
    tells = bool(values) and all(isinstance(v, (ast.Dict, ast.JoinedStr)) for v in values)
    return tells and not any(is_lr_key(n) and isinstance(n.ctx, ast.Store) for n in ast.walk(function))


def asked_at_zero(file: File, site: Site, counter: ast.AST) -> bool:
    """Whether step 0 is asked for: torch does; of others the file must show it, since many count from 1."""
    if isinstance(counter, ast.Attribute):
        return dotted(counter) == "self.last_epoch" and any(True for _ in site.torch_classes())
    function = file.function(counter)
    if not isinstance(counter, ast.Name) or function is None or counter.id not in parameters(function):
        return False
    owner = file.class_of(function)
    if owner is not None:
        return any(dotted(base).split(".")[-1] == "LambdaLR" for base in owner.bases)
    if any(function is given for _, _, given in site.given_functions()):
        return True
    name = getattr(function, "name", "")
    place = parameters(function).index(counter.id)
    calls = [n for n in file.nodes if isinstance(n, ast.Call) and name and dotted(n.func) == name]
    given = [c.args[place] for c in calls if len(c.args) > place]
    given += [k.value for c in calls for k in c.keywords if k.arg == counter.id]
    return any(isinstance(value, ast.Name) and begins_at_zero(file, value.id) for value in given)


def begins_at_zero(file: File, name: str) -> bool:
    """Whether the file shows a name that counts from 0: set to 0, or the target of `range(n)` or `enumerate(x)`."""
    for n in file.nodes:
        if isinstance(n, ast.Assign) and any(dotted(t) == name for t in n.targets) and is_number(n.value, 0):
            return True
        if isinstance(n, ast.For) and isinstance(n.iter, ast.Call) and len(n.iter.args) == 1 and not n.iter.keywords:
            target = n.target.elts[0] if isinstance(n.target, ast.Tuple) else n.target
            if called(n.iter, "range" if target is n.target else "enumerate") and dotted(target) == name:
                return True
    return False


def first_statement(function: ast.FunctionDef) -> ast.stmt:
    """The first statement behind the docstring."""
    head = function.body[0]
    documented = isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and len(function.body) > 1
    return function.body[1] if documented else head


def stated_default(file: File, node: ast.AST) -> ast.expr | None:
    """The number that the file states as the default of a name: of a parameter, an option, a field or a constant.

    None where the file states none or several, so that nobody can say which of them holds.
    """
    name = last_name(node)
    found: list[ast.expr] = []
    # What other functions state of their own parameters says nothing of a parameter of this one.
    owners = [f for f in file.up(node) if isinstance(f, FUNCTIONS) and isinstance(node, ast.Name)]
    owner = next((f for f in owners if name in parameters(f)), None)
    for n in file.nodes:
        if isinstance(n, FUNCTIONS) and owner in (None, n):
            found += [value for key, value in defaults(n).items() if key == name]
        elif isinstance(n, ast.Call) and called(n, "add_argument") and n.args:
            option = n.args[0]
            if isinstance(option, ast.Constant) and str(option.value).lstrip("-").replace("-", "_") == name:
                found += [k.value for k in n.keywords if k.arg == "default"]
        elif isinstance(n, (ast.Assign, ast.AnnAssign)) and n.value is not None:
            targets = n.targets if isinstance(n, ast.Assign) else [n.target]
            if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                found.append(n.value)
    return found[0] if len(found) == 1 and is_number(found[0]) else None


def none_by_default(file: File, warmup: ast.AST) -> bool:
    """Whether the file states that there is no warmup: what is wrong with one is then seen only by who asks for it."""
    return is_number(stated_default(file, bare(warmup) or warmup), 0)
