"""The whole definition around a formula, as a program that can be run by itself, and what it reads from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lrfix.domains.clock import Tick, parameter_ticks, tick_of
from lrfix.domains.roles import names_optimizer
from lrfix.names import Defined, Imported, Names
from lrfix.rewriting.in_place.programs import objects, program, without_annotations
from lrfix.rewriting.in_place.reads import root_of
from lrfix.rewriting.in_place.regions import counters
from lrfix.rewriting.model import NotRewritten

_MODULES = frozenset({"math", "numpy", "bisect"})


@dataclass
class Inputs:
    """What a definition reads from outside: leaves by text, and what is known of their kind.

    ``written`` are the attributes that it changes, ``keys`` the keys of a parameter group that are read, ``guarded``
    those that may be missing.
    """

    leaves: dict[str, None] = field(default_factory=dict)
    texts: dict[str, dict[str, None]] = field(default_factory=dict)
    flags: dict[str, None] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)
    key_flags: set[str] = field(default_factory=set)
    optimizers: dict[str, None] = field(default_factory=dict)
    helpers: dict[str, ast.FunctionDef] = field(default_factory=dict)
    written: dict[str, None] = field(default_factory=dict)


class Definition:
    """A function, or the statements of a loop, that can be run by itself. Raises NotRewritten where it cannot."""

    def __init__(self, names: Names, body: Sequence[ast.stmt], function: ast.FunctionDef | None) -> None:
        self.names = names
        self.function = function
        self.inputs = Inputs()
        self.body = [s for s in body if not _only_tells(s)]
        self.parameters = _parameters(function) if function is not None else []
        self._gather()

    @property
    def ticks(self) -> dict[str, Tick]:
        """The inputs that are the position in training."""
        given = [p for p in self.parameters if p in self.inputs.leaves] or list(self.inputs.leaves)
        found = {leaf: t for leaf in self.inputs.leaves if (t := tick_of(leaf)) is not None}
        counted = {leaf: Tick.STEP for leaf in self.inputs.leaves if leaf in counters(self.names)}
        return found or counted or parameter_ticks(given)

    # What it reads

    def _gather(self) -> None:
        stored: set[str] = set(self.parameters)
        local: set[str] = set()
        groups: set[str] = set()
        nodes = [n for s in self.body for n in _in_order(s)]
        for node in nodes:
            if isinstance(node, ast.For) and _walks_groups(node.iter) and isinstance(node.target, ast.Name):
                groups.add(node.target.id)
            if isinstance(node, ast.For) and _enumerates_groups(node):
                assert isinstance(node.target, ast.Tuple)
                groups |= {e.id for e in node.target.elts[-1:] if isinstance(e, ast.Name)}
        parents = {c: n for s in self.body for n in ast.walk(s) for c in ast.iter_child_nodes(n)}
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.Global | ast.Nonlocal | ast.Yield):
                raise NotRewritten(f"it holds a {type(node).__name__}")
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                local.add(node.id)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id not in local:
                self.inputs.leaves.setdefault(node.target.id)
            if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Store):
                continue
            if node.id in groups:
                self._group_key(node, parents)
            elif node.id not in local or node.id in stored:
                self._read(node, parents)

    def _read(self, node: ast.Name, parents: Mapping[ast.AST, ast.AST]) -> None:
        path: ast.expr = node
        while True:
            parent = parents.get(path)
            if isinstance(parent, ast.Attribute) and parent.value is path:
                if parent.attr == "param_groups":
                    self.inputs.optimizers.setdefault(ast.unparse(path))
                    self._index(parent, parents)
                    return
                path = parent
            elif isinstance(parent, ast.Subscript) and parent.value is path and isinstance(parent.slice, ast.Constant):
                path = parent
            else:
                break
        if isinstance(path, ast.Name) and self._known(path):
            return
        if isinstance(node, ast.Name) and self._is_module(node):
            return
        text = ast.unparse(path)
        parent = parents.get(path)
        if isinstance(getattr(path, "ctx", None), ast.Store):
            if not isinstance(path, ast.Attribute):
                raise NotRewritten(f"it writes `{text}`")
            self.inputs.written.setdefault(text)
            if not isinstance(parents.get(path), ast.AugAssign):
                return
        if isinstance(parent, ast.Call) and parent.func is path:
            raise NotRewritten(f"it calls `{text}`, which cannot be run by itself")
        if isinstance(parent, ast.Call) and ast.unparse(parent.func) == "len":
            self.inputs.leaves.setdefault(ast.unparse(parent))
            return
        if isinstance(parent, ast.Call) and ast.unparse(parent.func) in self.inputs.helpers and names_optimizer(text):
            raise NotRewritten(f"it hands `{text}` on")
        self.inputs.leaves.setdefault(text)
        self._kind(text, path, parent)

    def _kind(self, text: str, path: ast.expr, parent: ast.AST | None) -> None:
        if isinstance(parent, ast.Compare):
            sides = [parent.left, *parent.comparators]
            for side in sides:
                parts = side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]
                for part in parts:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        self.inputs.texts.setdefault(text, {}).setdefault(part.value)
        tested = isinstance(parent, ast.If | ast.IfExp) and parent.test is path
        if (
            tested
            or isinstance(parent, ast.BoolOp)
            or (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not))
        ):
            self.inputs.flags.setdefault(text)

    def _known(self, node: ast.Name) -> bool:
        """Whether a name is a builtin, a function of ``math``, or a function of the file, which is then taken along."""
        if node.id in self.parameters:
            return False
        scope = self.names.scopes[self.names.tree] if node not in self.names.parents else self.names.scope_of(node)
        owner = self.names.owner(node.id, scope)
        if owner is None:
            return True
        bindings = owner.bindings[node.id]
        if all(isinstance(b, Imported) and _allowed(b.qualified) for b in bindings):
            return True
        if len(bindings) == 1 and isinstance(bindings[0], Defined) and isinstance(bindings[0].node, ast.FunctionDef):
            self._helper(bindings[0].node)
            return True
        return False

    def _helper(self, node: ast.FunctionDef) -> None:
        if node.name in self.inputs.helpers or node is self.function:
            return
        self.inputs.helpers[node.name] = node
        inner = Definition(self.names, node.body, node)
        self.inputs.helpers.update(inner.inputs.helpers)
        own = set(_parameters(node))
        for leaf in inner.inputs.leaves:
            if root_of(leaf) not in own:
                self.inputs.leaves.setdefault(leaf)
            elif "." in leaf or "[" in leaf:
                raise NotRewritten(f"`{node.name}` reads `{leaf}` off what it is given")

    def _is_module(self, node: ast.Name) -> bool:
        bindings = self.names.scopes[self.names.tree].bindings.get(node.id, [])
        return bool(bindings) and all(isinstance(b, Imported) and _allowed(b.qualified) for b in bindings)

    def _group_key(self, node: ast.Name, parents: Mapping[ast.AST, ast.AST]) -> None:
        parent = parents.get(node)
        if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.slice, ast.Constant):
            self._key(str(parent.slice.value), parents.get(parent), parent)
        elif isinstance(parent, ast.Compare) and isinstance(parent.left, ast.Constant):
            self.inputs.guarded.add(str(parent.left.value))
            self.inputs.keys.setdefault(str(parent.left.value))
        elif isinstance(parent, ast.Attribute) and parent.attr in ("get", "setdefault", "update", "keys"):
            call = parents.get(parent)
            if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                self.inputs.guarded.add(str(call.args[0].value))
                self.inputs.keys.setdefault(str(call.args[0].value))
        elif not isinstance(parent, ast.Subscript):
            raise NotRewritten(f"it uses `{node.id}`, a parameter group, as a whole")

    def _index(self, node: ast.Attribute, parents: Mapping[ast.AST, ast.AST]) -> None:
        """``optimizer.param_groups[0]["name"]``"""
        first = parents.get(node)
        second = parents.get(first) if isinstance(first, ast.Subscript) else None
        if isinstance(second, ast.Subscript) and isinstance(second.slice, ast.Constant):
            self._key(str(second.slice.value), parents.get(second), second)

    def _key(self, key: str, holder: ast.AST | None, node: ast.expr) -> None:
        if key in ("lr", "params") or isinstance(getattr(node, "ctx", None), ast.Store):
            return
        self.inputs.keys.setdefault(key)
        if isinstance(holder, ast.If | ast.IfExp | ast.BoolOp) or (
            isinstance(holder, ast.UnaryOp) and isinstance(holder.op, ast.Not)
        ):
            self.inputs.key_flags.add(key)

    # Programs

    def text(self, steps: set[str], leaves: Mapping[str, None], bundled: str) -> str:
        """The program: what is read is made anew for each call, so that nothing is carried from one to the next."""
        given = objects(leaves, steps)
        body: list[ast.stmt] = []
        for root, value in given.items():
            if not (self.function is not None and root in self.parameters):
                body.append(ast.Assign([ast.Name(root, ast.Store())], value))
        body += [without_annotations(h) for h in self.inputs.helpers.values()]
        if self.function is None:
            body += self._optimizers(given) + [without_annotations(s) for s in self.body]
        else:
            body += self._called(given)
        code = [*self.body, *self.inputs.helpers.values()]
        return program(self.names, body or [ast.Pass()], code, bundled)

    def _optimizers(self, given: Mapping[str, ast.expr]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for text in self.inputs.optimizers:
            if text == "optimizer":
                continue
            target = ast.parse(text, mode="eval").body
            if isinstance(target, ast.Attribute) and root_of(text) not in given:
                bare = ast.Call(ast.Name("SimpleNamespace", ast.Load()), [], [])
                found.append(ast.Assign([ast.Name(root_of(text), ast.Store())], bare))
            if isinstance(target, ast.Attribute) and not isinstance(target.value, ast.Name):
                raise NotRewritten(f"the optimizer is `{text}`")
            if not isinstance(target, ast.Name | ast.Attribute):
                raise NotRewritten(f"the optimizer is `{text}`")
            target.ctx = ast.Store()
            found.append(ast.Assign([target], ast.Name("optimizer", ast.Load())))
        return found

    def _called(self, given: Mapping[str, ast.expr]) -> list[ast.stmt]:
        assert self.function is not None
        copied = without_annotations(self.function)
        assert isinstance(copied, ast.FunctionDef)
        copied.body = [without_annotations(s) for s in self.body] or [ast.Pass()]
        arguments = copied.args
        if arguments.vararg is not None:
            raise NotRewritten("it takes `*` arguments")
        arguments.kwarg = None
        set_up: list[ast.stmt] = []
        keywords: list[ast.keyword] = []
        roots = {root_of(o): o for o in self.inputs.optimizers}
        changed = {root_of(text) for text in self.inputs.written}
        for name in self.parameters:
            value = given.get(name)
            if value is None and name in changed and name not in roots:
                value = ast.Call(ast.Name("SimpleNamespace", ast.Load()), [], [])
            if name in roots and roots[name] == name:
                value = ast.Name("optimizer", ast.Load())
            elif name in roots:
                if value is None:
                    value = ast.Call(ast.Name("SimpleNamespace", ast.Load()), [], [])
                if not isinstance(value, ast.Call):
                    raise NotRewritten(f"`{name}` is read in two ways")
                inner = ast.parse(roots[name], mode="eval").body
                if not isinstance(inner, ast.Attribute) or not isinstance(inner.value, ast.Name):
                    raise NotRewritten(f"the optimizer is `{roots[name]}`")
                value = ast.Call(value.func, value.args, [*value.keywords, ast.keyword(inner.attr, _optimizer())])
            if value is None:
                value = ast.Constant(None)
            keywords.append(ast.keyword(name, value))
        free = [o for o in self.inputs.optimizers if root_of(o) not in self.parameters and o != "optimizer"]
        for text in free:
            target = ast.parse(text, mode="eval").body
            if not isinstance(target, ast.Name):
                raise NotRewritten(f"the optimizer is `{text}`")
            set_up.append(ast.Assign([ast.Name(text, ast.Store())], _optimizer()))
        arguments.kwonlyargs = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        arguments.posonlyargs, arguments.args, arguments.defaults = [], [], []
        arguments.kw_defaults = [None] * len(arguments.kwonlyargs)
        call = ast.Call(ast.Name(copied.name, ast.Load()), [], keywords)
        return [*set_up, copied, ast.Return(call)]


def _optimizer() -> ast.Name:
    return ast.Name("optimizer", ast.Load())


def _allowed(qualified: str) -> bool:
    return qualified.split(".")[0] in _MODULES or qualified.startswith("lrfix.schedules.")


def _parameters(node: ast.FunctionDef) -> list[str]:
    return [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes as they are evaluated: values before the names that they are bound to."""
    yield node
    fields = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
        fields = [node.value, *(f for f in fields if f is not node.value)]
    elif isinstance(node, ast.For):
        fields = [node.iter, node.target, *node.body, *node.orelse]
    elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
        fields = [*node.generators, *(f for f in fields if not isinstance(f, ast.comprehension))]
    for child in fields:
        yield from _in_order(child)


def _only_tells(statement: ast.stmt) -> bool:
    """A line of a log, a docstring: it decides nothing, and stands unchanged in both versions."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Constant)


def _walks_groups(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "param_groups"


def _enumerates_groups(node: ast.For) -> bool:
    call = node.iter
    if not isinstance(call, ast.Call) or not isinstance(node.target, ast.Tuple):
        return False
    return ast.unparse(call.func) == "enumerate" and len(call.args) == 1 and _walks_groups(call.args[0])


def defined_again(names: Names, function: ast.FunctionDef, before: Names) -> ast.FunctionDef:
    """The function of the edited text that stands where ``function`` stood."""
    depth = len(list(before.ancestors(function)))
    same = [
        n
        for n in before.nodes
        if isinstance(n, ast.FunctionDef) and n.name == function.name and len(list(before.ancestors(n))) == depth
    ]
    found = [
        n
        for n in names.nodes
        if isinstance(n, ast.FunctionDef) and n.name == function.name and len(list(names.ancestors(n))) == depth
    ]
    if len(found) != len(same):
        raise NotRewritten(f"`{function.name}` could not be found again in the edited text")
    return found[same.index(function)]


__all__ = ["Definition", "Inputs", "defined_again"]
