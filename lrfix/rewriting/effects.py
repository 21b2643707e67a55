"""What a schedule does besides computing rates, and would no longer do once it is replaced."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.names import Defined, Names, Scope
from lrfix.rewriting.constructors import constructor
from lrfix.rewriting.model import NotRewritten
from lrfix.sites.subclasses import optimizer_parameter

_PROTOCOL = frozenset({"step", "get_lr", "get_last_lr", "state_dict", "load_state_dict", "zero_grad"})
#: What torch's schedulers save of themselves.
_STATE = frozenset({"base_lrs", "last_epoch", "verbose", "_step_count", "_get_lr_called_within_step", "_last_lr"})
_RATES = frozenset({"lr", "initial_lr"})
_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception"})
_OWN_STATE = frozenset(
    {"append", "appendleft", "extend", "insert", "pop", "popleft", "remove", "clear", "update", "setdefault", "add",
     "discard", "sort", "reverse"}
)  # fmt: skip


def check_drives_nothing(node: ast.ClassDef) -> None:
    """Raises NotRewritten where a scheduler class works another object that its constructor was given.

    The rates of its own part alone would be all that a bundled scheduler keeps of it.
    """
    initialiser = constructor(node)
    if initialiser is None:
        return
    _, optimizer = optimizer_parameter(node)
    arguments = initialiser.args
    given = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {optimizer, "self"}
    held = {
        target.attr
        for statement in ast.walk(initialiser)
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name) and statement.value.id in given
        for target in statement.targets
        if isinstance(target, ast.Attribute)
    }
    driving = [
        call
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in _PROTOCOL
        and _given(call.func.value, given, held)
    ]
    if driving:
        first = min(driving, key=lambda call: call.lineno)
        raise NotRewritten(
            f"it drives another object as well: `{ast.unparse(first.func)}` at line {first.lineno}, "
            "which the bundled scheduler would not do"
        )


#: What callers may give to the methods that torch's schedulers have.
_TAKEN = {"step": 1, "get_last_lr": 0, "state_dict": 0, "load_state_dict": 1}


def check_used_as_torchs(names: Names, node: ast.ClassDef) -> None:
    """Raises NotRewritten where a class gives its callers more than a torch scheduler: an argument that its ``step``
    takes, say, or an entry of its own in a checkpoint."""
    family = [node, *bases_in(names, node)]
    own = {
        n.attr for cls in family for n in ast.walk(cls) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    }
    for method in (s for cls in family for s in cls.body if isinstance(s, ast.FunctionDef) and s.name in _TAKEN):
        given = method.args
        plain = [*given.posonlyargs, *given.args][1:]
        more = [*plain[_TAKEN[method.name] :], *given.kwonlyargs, given.vararg, given.kwarg]
        taken = next((a.arg for a in more if a is not None), None)
        if taken is not None:
            raise NotRewritten(
                f"`{node.name}.{method.name}` takes `{taken}`, which that of the bundled scheduler does not"
            )
        if method.name == "state_dict":
            saved = next((key for key in _keys(method) if key not in own | _STATE), None)
            if saved is not None:
                raise NotRewritten(f"`{node.name}.state_dict` saves {saved!r}, which the bundled scheduler would not")


def _keys(method: ast.FunctionDef) -> Iterator[str]:
    """The keys that a method writes out and sets."""
    for node in ast.walk(method):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            found = list(node.keys)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            found = [node.slice]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("dict", "update"):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg is not None)
        yield from (key.value for key in found if isinstance(key, ast.Constant) and isinstance(key.value, str))


def check_changes_nothing(names: Names, nodes: Sequence[ast.AST]) -> None:
    """Raises NotRewritten where the functions of a schedule fill or change what belongs to the code around them.

    A list of the rates that were given, say: whoever reads it would find it empty.
    """
    inside = {n for node in nodes for n in ast.walk(node)}
    # What a comprehension binds is gone with it, whatever the code around calls by the same name.
    passing = {n for c in inside if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
    for node in (n for each in nodes for n in ast.walk(each)):
        rebound = isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node not in passing
        changed = node if isinstance(node, ast.Name) and rebound else changed_by(node)
        root: ast.expr | None = changed
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if changed is None or not isinstance(root, ast.Name) or root.id == "self":
            continue
        owner = names.owner(root.id, names.scope_of(root))
        if rebound and _read_by_none_but(inside, names, root.id, owner):
            continue  # a counter of the schedule's own
        if owner is not None and owner.node not in inside:
            raise NotRewritten(
                f"it changes `{ast.unparse(changed)}` at line {root.lineno} as well, which the bundled scheduler "
                "would not do"
            )


def _read_by_none_but(inside: set[ast.AST], names: Names, name: str, owner: Scope | None) -> bool:
    """Whether only the functions of the schedule read a variable of a function around them."""
    if owner is None or owner is names.scopes[names.tree]:
        return False  # what a module holds, other files may read
    return all(
        node in inside
        for node in names.nodes
        if isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Load)
        and names.owner(name, names.scope_of(node)) is owner
    )


def check_reads_no_group(nodes: Sequence[ast.AST]) -> None:
    """Raises NotRewritten where a schedule asks the parameter groups for more than their rates."""
    every = [n for node in nodes for n in ast.walk(node)]
    loops = [n for n in every if isinstance(n, ast.For | ast.comprehension) and _is_groups(n.iter)]
    groups = {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    for node in every:
        held: ast.expr | None = None
        function = node.func if isinstance(node, ast.Call) and node.args else None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            held, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(function, ast.Attribute) and function.attr == "get":
            held, key = function.value, node.args[0]
        if held is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str) or key.value in _RATES:
            continue
        if (isinstance(held, ast.Name) and held.id in groups) or (isinstance(held, ast.Subscript) and _is_groups(held)):
            raise NotRewritten(
                f"it reads `{key.value}` of each parameter group at line {held.lineno}, which the bundled scheduler "
                "does not look at"
            )


def _is_groups(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "param_groups" for n in ast.walk(node))


def changed_by(node: ast.AST) -> ast.expr | None:
    """The object that ``node`` changes in place: ``seen`` of ``seen.append(k)`` or of ``seen[k] = rate``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _OWN_STATE:
        return node.func.value
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return node.value
    return None


def _given(receiver: ast.expr, parameters: set[str], held: set[str]) -> bool:
    if isinstance(receiver, ast.Attribute):
        return receiver.attr in held and isinstance(receiver.value, ast.Name) and receiver.value.id == "self"
    return isinstance(receiver, ast.Name) and receiver.id in parameters


def bases_in(names: Names, node: ast.ClassDef) -> list[ast.ClassDef]:
    """The classes of the file that a class is derived from, the nearest first."""
    found: list[ast.ClassDef] = []
    pending = [node]
    while pending:
        cls = pending.pop(0)
        for base in cls.bases:
            scope = names.owner(base.id, names.scope_of(cls)) if isinstance(base, ast.Name) else None
            binding = names.reaching(base.id, scope, cls) if isinstance(base, ast.Name) and scope else None
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node not in found:
                found.append(binding.node)
                pending.append(binding.node)
    return found


def check_tells_nobody(names: Names, nodes: Sequence[ast.AST]) -> None:
    """Raises NotRewritten where a schedule hands something on besides its rates, to a tracker of metrics say."""
    for call in _statements_that_call(names, nodes):
        if not _is_log(call.func):
            raise NotRewritten(
                f"it calls `{ast.unparse(call.func)}` at line {call.lineno} as well, which the bundled scheduler would "
                "not do"
            )


def dropped_calls(names: Names, nodes: Sequence[ast.AST]) -> list[str]:
    """Notes on lines of a log that go with the old code."""
    return list(
        dict.fromkeys(
            f"`{ast.unparse(call.func)}(...)` at line {call.lineno} goes with the old code"
            for call in _statements_that_call(names, nodes)
        )
    )


def _statements_that_call(names: Names, nodes: Sequence[ast.AST]) -> Iterator[ast.Call]:
    """Statements that only call something, and not for the schedule's own sake."""
    for inner in (n for node in nodes for n in ast.walk(node)):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call) and not _is_own(names, inner.value.func):
            yield inner.value


def _is_log(function: ast.expr) -> bool:
    """Whether a call only says something: to the terminal, or as a line of a log."""
    if isinstance(function, ast.Name):
        return function.id == "print"
    if not isinstance(function, ast.Attribute) or function.attr not in _LEVELS:
        return False
    return "log" in ast.unparse(function.value).rpartition(".")[2].lower()


def _is_own(names: Names, function: ast.expr) -> bool:
    """Whether a call serves the schedule itself: a base constructor, a check, a list of its own."""
    if isinstance(function, ast.Name):
        if function.id == "print":
            return False
        return function.id in ("setattr", "super") or names.owner(function.id, names.scope_of(function)) is None
    if not isinstance(function, ast.Attribute):
        return True
    if function.attr in _OWN_STATE or function.attr.startswith("__"):
        return True
    root: ast.expr = function.value
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if isinstance(root, ast.Call):
        return isinstance(root.func, ast.Name) and root.func.id == "super"
    if isinstance(root, ast.Name) and root.id == "self" and isinstance(function.value, ast.Name):
        return True
    return bool(names.qualified(function) & {"warnings.warn"})


__all__ = [
    "bases_in",
    "changed_by",
    "check_changes_nothing",
    "check_drives_nothing",
    "check_reads_no_group",
    "check_tells_nobody",
    "check_used_as_torchs",
    "dropped_calls",
]
