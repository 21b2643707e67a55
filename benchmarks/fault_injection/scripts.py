"""What a training script shows: the schedulers and optimizers it builds, where each steps, and in which loops.

All of it is read off one file. Where the file does not show who made an object, or who calls a function, the answer is
that it is not known, and an operator that needs it plants nothing.
"""

from __future__ import annotations

import ast
import collections
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from parsed import File
from sites import TORCH_BASES, torch_names
from vocabulary import FUNCTIONS, LOOPS, NAMES, dotted, last_name, own, parameters, words

TORCH = words(
    "LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR "
    "CosineAnnealingWarmRestarts ReduceLROnPlateau CyclicLR OneCycleLR SequentialLR ChainedScheduler"
)
BUILDER = re.compile(r"^get_(\w+_schedule(_with_\w+)?|scheduler)$")
OPTIMIZER = re.compile(r"^(SGD|\w*Adam\w*|RMSprop|Lion|Adagrad|Adadelta|Lamb|LAMB|LARS|Adafactor|Muon|Rprop)$")
OPTIMIZER_NAME = re.compile(r"(^|_)(opt|optim|optims|optimizer|optimiser)(_|\d|$)|optimizer|optimiser", re.I)
SCHEDULER_NAME = re.compile(r"sched", re.I)
EPOCHS = re.compile(r"epoch|\bep\b", re.I)
DEEPEST = 8  # bindings, calls and returns that are followed from one use of a name

#: The objects that a value may be: their constructions, or where they come into the file (a parameter, an attribute).
Made = frozenset[Any]
OWN, UNKNOWN = "own", "?"  # kinds of a scheduler that are no class of torch
NOTHING: Made = frozenset()


class Step(NamedTuple):
    """`scheduler.step(...)` or `optimizer.step(...)` as a statement of its own."""

    statement: ast.Expr
    call: ast.Call
    owner: ast.expr  # the scheduler or the optimizer; of `scaler.step(optimizer)` the optimizer
    made: Made  # the constructions that it may be; empty where the file does not show them


class Binding(NamedTuple):
    value: ast.expr | None  # None: bound by something that is no assignment
    place: int | None = None  # of a tuple that is taken apart


class Script:
    """One file, seen as a program that trains."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.torch = torch_names(file)
        self.builders = {
            a.asname or a.name
            for n in file.nodes
            if isinstance(n, ast.ImportFrom) and (n.module or "").split(".")[0] in ("transformers", "diffusers")
            for a in n.names
            if BUILDER.match(a.name)
        }
        self.functions: dict[str, list[ast.FunctionDef]] = collections.defaultdict(list)
        self.calls: dict[str, list[ast.Call]] = collections.defaultdict(list)
        for n in file.nodes:
            if isinstance(n, ast.FunctionDef):
                self.functions[n.name].append(n)
            elif isinstance(n, ast.Call):
                self.calls[dotted(n.func).split(".")[-1]].append(n)
        #: Classes of this file that leave `step` to torch's scheduler, from which they come.
        self.own_schedulers = {
            n.name
            for n in file.nodes
            if isinstance(n, ast.ClassDef)
            and any(
                dotted(b).split(".")[-1] in (*TORCH, *TORCH_BASES) and dotted(b).split(".")[0] in self.torch
                for b in n.bases
            )
            and not any(isinstance(f, ast.FunctionDef) and f.name == "step" for f in n.body)
        }
        self._bindings: dict[ast.AST, dict[str, list[Binding]]] = {}
        self._origins: dict[tuple[ast.AST, bool], Made | None] = {}
        self._loose = False  # whether what is not known is left out, and the rest told
        self.scheduler_steps: list[Step] = []
        self.optimizer_steps: list[Step] = []
        self.other_steps: list[ast.Call] = []  # whose object the file does not show
        for call in self.calls["step"]:
            self._sort(call)

    def _sort(self, call: ast.Call) -> None:
        above = self.file.parent[call]
        if not isinstance(call.func, ast.Attribute):
            return
        owner = call.func.value
        scaled = re.search("scaler", last_name(owner), re.I) and call.args
        owner = call.args[0] if scaled else owner
        made = self.origin(owner) or NOTHING
        schedules = bool(SCHEDULER_NAME.search(last_name(owner)))
        optimizes = bool(OPTIMIZER_NAME.search(last_name(owner))) and not schedules
        if not isinstance(above, ast.Expr):
            self.other_steps.append(call)
        elif made and ((schedules and not call.args) or UNKNOWN not in self.kinds(made)):
            self.scheduler_steps.append(Step(above, call, owner, made))
        elif optimizes or (made and all(self.is_optimizer(c) for c in made)):
            self.optimizer_steps.append(Step(above, call, owner, made))
        else:
            self.other_steps.append(call)

    # What is built

    def scheduler_kind(self, call: Any) -> str:
        """The name of the scheduler of torch that the call builds, or of a known library's function that does."""
        if not isinstance(call, ast.Call):
            return ""
        name = dotted(call.func)
        if name in self.own_schedulers:
            return OWN
        last = name.split(".")[-1]
        if last in TORCH and name.split(".")[0] in self.torch:
            return last
        return last if last in self.builders and "." not in name else ""

    def is_optimizer(self, call: Any) -> bool:
        if not isinstance(call, ast.Call):
            return False
        name = dotted(call.func).split(".")
        of_torch = name[0] in self.torch and "optim" in name[:-1] and name[-1][:1].isupper()
        return (of_torch or bool(OPTIMIZER.match(name[-1]))) and not self.scheduler_kind(call)

    def kinds(self, made: Made) -> set[str]:
        return {self.scheduler_kind(call) or UNKNOWN for call in made}

    def optimizer_of(self, scheduler: ast.Call) -> ast.expr | None:
        """What a scheduler's construction is given as its optimizer."""
        named = [k.value for k in scheduler.keywords if k.arg == "optimizer"]
        at = 1 if dotted(scheduler.func).split(".")[-1] == "get_scheduler" else 0
        given = [*named, *scheduler.args[at : at + 1]]
        return given[0] if given and not isinstance(given[0], ast.Starred) else None

    def same_optimizer(self, scheduler: Step, optimizer: Step) -> bool:
        """Whether the file shows that the optimizer that steps is the one that the scheduler holds, or has only one."""
        alone = len({dotted(o.owner).split(".")[-1] for o in self.optimizer_steps}) == 1
        return all(
            self._is_given(call, optimizer) or (alone and not self._is_other(call, optimizer))
            for call in scheduler.made
        )

    def _is_given(self, scheduler: Any, optimizer: Step) -> bool:
        if not isinstance(scheduler, ast.Call):
            return False
        given = self.optimizer_of(scheduler) if self.scheduler_kind(scheduler) else None
        choices = [given] if given is not None else [*scheduler.args, *(k.value for k in scheduler.keywords)]
        return any(self._may_be(choice, optimizer) for choice in choices)

    def _is_other(self, scheduler: Any, optimizer: Step) -> bool:
        """Whether both optimizers are built in this file, and are two."""
        given = self.optimizer_of(scheduler) if self.scheduler_kind(scheduler) else None
        made = (self.origin(given) if given is not None else None) or NOTHING
        built = all(self.is_optimizer(c) for c in (*made, *optimizer.made))
        return bool(made and optimizer.made) and built and not made & optimizer.made

    def _may_be(self, given: ast.expr, optimizer: Step) -> bool:
        made = self.origin(given)
        if made and optimizer.made:
            return bool(made & optimizer.made)
        return dotted(given) == dotted(optimizer.owner) and "?" not in dotted(given)

    # Where an object comes from

    def bindings(self, scope: ast.AST) -> dict[str, list[Binding]]:
        """What each name of a function or the module is bound to; of a class, what its `self.x` are."""
        if scope not in self._bindings:
            found: dict[str, list[Binding]] = collections.defaultdict(list)
            for n in ast.walk(scope) if isinstance(scope, ast.ClassDef) else own(scope):
                for target, binding in bound_by(n):
                    if isinstance(scope, ast.ClassDef) == isinstance(target, ast.Attribute):
                        found[dotted(target)].append(binding)
            self._bindings[scope] = dict(found)
        return self._bindings[scope]

    def scopes(self, node: ast.AST) -> Iterator[ast.AST]:
        """The functions around a place, nearest first, and the module."""
        for p in self.file.up(node):
            if isinstance(p, FUNCTIONS):
                yield p
        yield self.file.tree

    def home(self, node: ast.expr) -> ast.AST | None:
        """Whose binding a name or a `self.x` is: a function's, the module's, or a class's."""
        if isinstance(node, ast.Attribute):
            owner = self.file.class_of(node)
            return owner if owner is not None and dotted(node) == f"self.{node.attr}" else None
        if not isinstance(node, ast.Name):
            return None
        for scope in self.scopes(node):
            if node.id in self.bindings(scope) or node.id in all_parameters(scope):
                return scope
        return None

    def values(self, node: ast.expr) -> list[Binding]:
        home = self.home(node)
        return self.bindings(home).get(dotted(node), []) if home is not None else []

    def origin(self, node: ast.expr, depth: int = 0) -> Made | None:
        """The constructions of schedulers and optimizers that a value may be; None where something else may be it."""
        key = (node, self._loose)
        if key not in self._origins:
            self._origins[key] = NOTHING  # where it comes from itself, as `x` does in `x = prepare(x)`
            self._origins[key] = self._origin(node, None, depth)
        return self._origins[key]

    def possible(self, node: ast.expr) -> Made:
        """All that a value may be, as far as the file shows it."""
        self._loose = True
        try:
            return self.origin(node) or NOTHING
        finally:
            self._loose = False

    def _origin(self, node: ast.expr, place: int | None, depth: int) -> Made | None:
        if depth > DEEPEST:
            return None
        if isinstance(node, ast.Constant) and node.value is None:
            return NOTHING
        if isinstance(node, ast.IfExp):
            return self.joined(self._origin(side, place, depth + 1) for side in (node.body, node.orelse))
        if isinstance(node, ast.Tuple) and place is not None:
            return self.origin(node.elts[place], depth + 1) if place < len(node.elts) else None
        if isinstance(node, ast.Call):
            return self._of_call(node, place, depth)
        if place is not None or not isinstance(node, NAMES):
            return None
        home = self.home(node)
        if home is None:
            return frozenset([("outside", dotted(node))]) if "?" not in dotted(node) else None
        values = self.bindings(home).get(dotted(node), [])
        if isinstance(home, ast.ClassDef) and not values:
            return frozenset([(home, dotted(node))])  # a base class binds it
        made = [self._of_binding(b, depth) for b in values]
        if isinstance(node, ast.Name) and node.id in all_parameters(home) and not isinstance(home, ast.Module):
            made.append(self._of_parameter(home, node.id, depth))
        return self.joined(made)

    def _of_binding(self, binding: Binding, depth: int) -> Made | None:
        if binding.value is None:
            return None
        if binding.place is None:
            return self.origin(binding.value, depth + 1)
        return self._origin(binding.value, binding.place, depth + 1)

    def _of_call(self, call: ast.Call, place: int | None, depth: int) -> Made | None:
        if place is None and (self.scheduler_kind(call) or self.is_optimizer(call)):
            return frozenset([call])
        if dotted(call.func).split(".")[-1] in ("prepare", "initialize"):  # Accelerate's, apex's: in order
            if place is None and len(call.args) == 1:
                return self.origin(call.args[0], depth + 1)
            given = call.args[place : place + 1] if place is not None else []
            starred = any(isinstance(a, ast.Starred) for a in call.args)
            return self.origin(given[0], depth + 1) if given and not starred and not call.keywords else None
        function = self.function_of(call)
        if function is None:
            return frozenset([call if place is None else (call, place)])
        results = [n.value for n in own(function) if isinstance(n, ast.Return) and n.value is not None]
        return self.joined(self._origin(r, place, depth + 1) for r in results) if results else None

    def _of_parameter(self, function: ast.AST, name: str, depth: int) -> Made | None:
        given = [self.argument(c, function, name) for c in self.callers(function)]
        if not given:
            return frozenset([(function, name)])
        return self.joined(self.origin(g, depth + 1) if g is not None else None for g in given)

    # Functions and their callers

    def function_of(self, call: ast.Call) -> ast.FunctionDef | None:
        """The function or method of this file that a call reaches, where only one has the name."""
        name = dotted(call.func).split(".")
        found = self.functions.get(name[-1], [])
        if len(found) != 1 or "?" in name or "super" in name:
            return None
        method = isinstance(self.file.parent[found[0]], ast.ClassDef)
        return found[0] if method == (len(name) > 1) else None

    def callers(self, function: ast.AST) -> list[ast.Call]:
        """The calls of a function in this file; of a constructor, those of its class."""
        name = getattr(function, "name", "")
        owner = self.file.parent.get(function, None)
        if name == "__init__" and isinstance(owner, ast.ClassDef):
            return self.calls.get(owner.name, [])
        return [c for c in self.calls.get(name, []) if self.function_of(c) is function]

    def argument(self, call: ast.Call, function: ast.AST, name: str) -> ast.expr | None:
        """What a call gives to a parameter; None where that does not show."""
        arguments = function.args
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            return None
        named = [k.value for k in call.keywords if k.arg == name]
        places = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        method = isinstance(self.file.parent[function], ast.ClassDef) and places[:1] in (["self"], ["cls"])
        places = places[1:] if method else places
        if named or (name in places and places.index(name) < len(call.args)):
            return named[0] if named else call.args[places.index(name)]
        free = [*places][::-1][: len(arguments.defaults)]
        return arguments.defaults[::-1][free.index(name)] if name in free else None

    # Loops

    def around(self, node: ast.AST) -> list[ast.AST]:
        """The loops around a place in its own function, nearest first."""
        found = []
        for p in self.file.up(node):
            if isinstance(p, (*FUNCTIONS, ast.ClassDef)):
                break
            if isinstance(p, LOOPS):
                found.append(p)
        return found

    def nest(self, node: ast.AST, depth: int = 0) -> list[ast.AST]:
        """The loops around a place, nearest first: those around the only call of its function included."""
        found = self.around(node)
        function = self.file.function(node)
        if isinstance(function, ast.FunctionDef) and depth < DEEPEST:
            callers = self.callers(function)
            if len(callers) == 1 and function.name != "__init__" and self.file.function(callers[0]) is not function:
                found = found + self.nest(callers[0], depth + 1)
        return found

    def is_epoch_loop(self, loop: ast.AST) -> bool:
        if isinstance(loop, ast.While):
            return bool(EPOCHS.search(self.file.text(loop.test)))
        over = self.file.text(loop.iter)
        counted = re.search(r"range\(", over) is not None
        return (
            counted and bool(EPOCHS.search(self.file.text(loop.target)) or EPOCHS.search(over)) and "len(" not in over
        )

    def is_batch_loop(self, loop: ast.AST) -> bool:
        listed = isinstance(getattr(loop, "iter", None), (ast.List, ast.Tuple))  # for phase in ("train", "val")
        return isinstance(loop, ast.For) and not listed and not self.is_epoch_loop(loop)

    def visible(self, owner: ast.expr, place: ast.AST) -> bool:
        """Whether the name means the same at another place."""
        home = self.home(owner)
        if home is None:
            return False
        if isinstance(home, ast.ClassDef):
            return self.file.class_of(place) is home
        inner = list(self.scopes(place))
        if home not in inner:
            return False
        between = inner[: inner.index(home)]
        return not any(dotted(owner) in self.bindings(s) or dotted(owner) in all_parameters(s) for s in between)

    def loads(self, made: Made) -> Iterator[ast.expr]:
        """Every place where the file reads a name that may be one of these objects."""
        for n in self.file.nodes:
            if isinstance(n, NAMES) and isinstance(n.ctx, ast.Load) and self.possible(n) & made:
                yield n

    def joined(self, made: Iterable[Made | None]) -> Made | None:
        """What any of them may be; None where one of them is not known, or there is none."""
        known = list(made)
        if self._loose:
            known = [m for m in known if m is not None]
        return frozenset().union(*(m or NOTHING for m in known)) if known and None not in known else None


def all_parameters(scope: ast.AST) -> set[str]:
    if not isinstance(scope, FUNCTIONS):
        return set()
    others = [p for p in (scope.args.vararg, scope.args.kwarg) if p is not None]
    return {*parameters(scope), *(p.arg for p in others)}


def bound_by(node: ast.AST) -> Iterator[tuple[ast.expr, Binding]]:
    """The names that a statement binds, with what."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from taken_apart(target, node.value)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield from taken_apart(node.target, node.value)
    elif isinstance(node, ast.NamedExpr):
        yield node.target, Binding(node.value)
    elif isinstance(node, ast.AugAssign):
        yield node.target, Binding(None)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield from ((n, Binding(None)) for n in ast.walk(node.target) if isinstance(n, NAMES))
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from ((n, Binding(None)) for n in ast.walk(node.optional_vars) if isinstance(n, NAMES))


def taken_apart(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, Binding]]:
    if isinstance(target, NAMES):
        yield target, Binding(value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        pairs = value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) else None
        for i, element in enumerate(target.elts):
            if isinstance(element, NAMES):
                yield element, Binding(pairs[i]) if pairs else Binding(value, i)
