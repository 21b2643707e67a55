"""The slice of a file that defines one schedule, as a self-contained module with ``build(optimizer, p)``.

The slice is the transitive closure of a construction call over the names it reads: imports, functions, classes and the
assignments that reach it. What the file does not fix (``args.epochs``, ``len(loader)``, parameters of functions) is
looked up in ``p`` under the user's own expression. Scopes are kept as nested functions, so that a name means what it
meant.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lrfix.domains.facts import literal
from lrfix.domains.lengths import is_drawn
from lrfix.names import (
    Argument,
    Assigned,
    Augmented,
    Binding,
    Defined,
    Imported,
    Names,
    Opaquely,
    Scope,
)
from lrfix.rewriting.copying import BUILTINS, Copier
from lrfix.rewriting.data_classes import is_data_class, with_constructor
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.objects import NAMESPACE_IMPORT, made_of
from lrfix.verification.allowed import MODULES

_MOST_STATEMENTS = 400
#: What ``p`` is called inside, where the user's code may well have a ``p`` of its own.
_VALUES = "values_of_lrfix"


@dataclass(frozen=True)
class Slice:
    """The program, the keys of ``p`` that it looks up, and the defaults that the file gives for some of them."""

    source: str
    free: tuple[str, ...]
    defaults: Mapping[str, object] = field(default_factory=dict)


def call_slice(
    names: Names,
    call: ast.Call,
    optimizer: ast.expr,
    known: Collection[str] = (),
    modules: Mapping[str, str] | None = None,
    restart: ast.expr | None = None,
    opened: Collection[str] = (),
) -> Slice:
    """The slice of a construction call. ``known`` are expressions to be looked up wherever they stand, ``opened`` those
    of them that the file gives a number, ``modules`` maps a module that is imported to the one to import in its place.

    ``restart`` is the argument given as ``last_epoch``: the programs start from the beginning whatever it is.

    Raises NotRewritten where something the schedule needs cannot be taken out of the file.
    """
    slicer = Slicer(names, known, optimizer, modules)
    slicer.restart = restart
    slicer.opened = frozenset(opened)
    scope = names.scope_of(call)
    returned = slicer.expression(call, scope, frozenset())
    return slicer.program(scope, [ast.Return(returned)])


def class_slice(
    names: Names,
    node: ast.ClassDef,
    optimizer_name: str,
    parameters: Collection[str],
    modules: Mapping[str, str] | None = None,
) -> Slice:
    """The slice of a scheduler class, built from the parameters of its constructor."""
    slicer = Slicer(names, (), None, modules)
    scope = names.scope_of(node)
    slicer.include(Defined(node), node.name, scope)
    keywords = [ast.keyword(optimizer_name, ast.Name("optimizer", ast.Load()))]
    keywords += [ast.keyword(name, slicer.lookup(name)) for name in parameters]
    return slicer.program(scope, [ast.Return(ast.Call(ast.Name(node.name, ast.Load()), [], keywords))])


def spec_program(module: str, scheduler: str, arguments: str, parameters: Collection[str]) -> Slice:
    """The program of a bare construction whose expressions are in terms of ``parameters``."""
    call = ast.parse(f"{scheduler}(optimizer, {arguments})", mode="eval")
    free: list[str] = []

    class Lookup(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id not in parameters:
                return node
            free.append(node.id)
            return _lookup(node.id)

    call = Lookup().visit(call)
    modules = sorted({n.id for n in ast.walk(call) if isinstance(n, ast.Name)} & {"math"})
    head = "".join(f"import {name}\n" for name in modules) + f"from {module} import {scheduler}\n"
    text = f"{head}\ndef build(optimizer, p):\n    {_VALUES} = p\n    return {ast.unparse(call)}\n"
    return Slice(text, tuple(dict.fromkeys(free)))


def _lookup(key: str) -> ast.Subscript:
    return ast.Subscript(ast.Name(_VALUES, ast.Load()), ast.Constant(key), ast.Load())


class Slicer:
    def __init__(
        self, names: Names, known: Collection[str], optimizer: ast.expr | None, modules: Mapping[str, str] | None
    ) -> None:
        self.names = names
        self.modules = dict(modules or {})
        self.known = frozenset(known)
        self.optimizer = optimizer
        self.restart: ast.expr | None = None
        self.opened: frozenset[str] = frozenset()
        self.optimizer_text = ast.unparse(optimizer) if optimizer is not None else None
        self.imports: dict[str, str] = {}
        self.statements: dict[Scope, dict[ast.stmt, ast.stmt]] = {}
        self.methods: dict[ast.ClassDef, dict[str, ast.stmt]] = {}
        self.free: dict[str, None] = {}
        self.defaults: dict[str, object] = {}
        self._done: set[tuple[int, str]] = set()
        self._count = 0

    # Programs

    def program(self, scope: Scope, last: list[ast.stmt]) -> Slice:
        chain: list[Scope] = []
        current: Scope | None = scope
        while current is not None:
            if not isinstance(current.node, ast.ClassDef):
                chain.append(current)
            current = current.parent
        strays = [s for s in self.statements if s not in chain]
        if strays:
            raise NotRewritten("the schedule is assembled from several functions")
        body = last
        for depth, level in enumerate(chain):
            own = [new for _, new in sorted(self.statements.get(level, {}).items(), key=lambda item: item[0].lineno)]
            body = [*own, *body]
            if depth < len(chain) - 1 and own:
                inner = f"scope_{depth}"
                definition = ast.FunctionDef(inner, _no_arguments(), body, [], None)
                body = [definition, ast.Return(ast.Call(ast.Name(inner, ast.Load()), [], []))]
        holders: list[ast.stmt] = [
            ast.ClassDef(_holder(node), [], [], list(methods.values()), []) for node, methods in self.methods.items()
        ]
        arguments = ast.arguments([], [ast.arg("optimizer"), ast.arg("p")], None, [], [], None, [])
        given = ast.Assign([ast.Name(_VALUES, ast.Store())], ast.Name("p", ast.Load()))
        build = ast.FunctionDef("build", arguments, [given, *holders, *body], [], None)
        module = ast.Module([build], [])
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                # Python 3.12 unparses it, and its constructor does not set it; earlier trees do not have it.
                vars(node).setdefault("type_params", [])
        _globals_to_nonlocals(module)
        ast.fix_missing_locations(module)
        text = "".join(f"{line}\n" for line in self.imports.values()) + "\n" + ast.unparse(module) + "\n"
        return Slice(text, tuple(self.free), dict(self.defaults))

    def lookup(self, key: str) -> ast.expr:
        parts = [path for path in self.known if path.startswith((f"{key}.", f"{key}["))]
        if parts and key not in self.known:
            return self._whole(key, parts)
        self.free.setdefault(key)
        return _lookup(key)

    def _whole(self, key: str, parts: Collection[str]) -> ast.expr:
        """An object that is handed on, with what is known of it."""
        values: dict[str, ast.expr] = {f"whole{path[len(key) :]}": _lookup(path) for path in sorted(parts)}
        (made,) = made_of(values).values()
        self.free.update(dict.fromkeys(sorted(parts)))
        self.imports[NAMESPACE_IMPORT] = NAMESPACE_IMPORT
        return made

    # Expressions and statements, copied with what is free replaced

    def expression(self, node: ast.expr, scope: Scope, local: frozenset[Scope]) -> ast.expr:
        copied = Copier(self, local).visit(node)
        assert isinstance(copied, ast.expr)
        return copied

    def name(self, node: ast.Name, local: frozenset[Scope]) -> ast.expr:
        owner = self.names.owner(node.id, self.names.scope_of(node))
        if owner in local:
            return ast.Name(node.id, node.ctx)
        if owner is None:
            if node.id in BUILTINS:
                return ast.Name(node.id, node.ctx)
            return self.lookup(node.id)
        binding = self.names.reaching(node.id, owner, node)
        if self._free_name(node.id, binding):
            self._remember(node.id, binding)
            return self.lookup(node.id)
        assert binding is not None
        self.include(binding, node.id, owner)
        return ast.Name(node.id, node.ctx)

    def _free_name(self, name: str, binding: Binding | None) -> bool:
        if binding is None or isinstance(binding, Argument):
            return True
        if isinstance(binding, Opaquely):
            if name not in self.known and not all(isinstance(b, Assigned) for b in binding.alternatives or (None,)):
                raise NotRewritten(f"`{name}`: {binding.reason}")
            return True
        if isinstance(binding, Imported):
            return not self.allowed(binding.qualified)
        if isinstance(binding, Assigned):
            stated = literal(binding.value)
            moved = stated is None or name in self.opened or is_drawn(self.names, name, stated)
            return name in self.known and moved
        return False

    def _remember(self, name: str, binding: Binding | None) -> None:
        stated = getattr(binding, "default" if isinstance(binding, Argument) else "value", None)
        value = literal(stated)
        if value is not None:
            self.defaults.setdefault(name, value)

    def include(self, binding: Binding, name: str, scope: Scope) -> None:
        """Take the statement that makes a binding into the slice, with all it reads."""
        if isinstance(binding, Imported):
            self._import(binding, name)
            return
        statement = getattr(binding, "node", None)
        assert isinstance(statement, ast.stmt)
        if (id(statement), name) in self._done:
            return
        self._done.add((id(statement), name))
        self._count += 1
        if self._count > _MOST_STATEMENTS:
            raise NotRewritten("the schedule depends on too much of the file")
        own = self.statements.setdefault(scope, {})
        if isinstance(binding, Defined):
            own[statement] = self.definition(binding.node)
        elif isinstance(binding, Assigned):
            # Only the one name is taken: other targets of the statement may stand for things that cannot be run.
            value: ast.expr = self.expression(binding.value, scope, frozenset())
            for position in binding.index:
                value = ast.Subscript(value, ast.Constant(position), ast.Load())
            assigned = ast.Assign([ast.Name(name, ast.Store())], value)
            already = own.get(statement)
            if isinstance(already, ast.Assign):
                targets = already.targets[0]
                if isinstance(targets, ast.Name) and targets.id != name:
                    pair = ast.Tuple([targets, ast.Name(name, ast.Store())], ast.Store())
                    assigned = ast.Assign([pair], ast.Tuple([already.value, value], ast.Load()))
                elif isinstance(targets, ast.Tuple) and isinstance(already.value, ast.Tuple):
                    pair = ast.Tuple([*targets.elts, ast.Name(name, ast.Store())], ast.Store())
                    assigned = ast.Assign([pair], ast.Tuple([*already.value.elts, value], ast.Load()))
            own[statement] = assigned
        elif isinstance(binding, Augmented):
            before = self.names.reaching(name, scope, binding.node)
            if before is None or before is binding:
                raise NotRewritten(f"the value of `{name}` before line {binding.node.lineno} is not known")
            if isinstance(before, Argument):
                raise NotRewritten(f"the parameter `{name}` is changed at line {binding.node.lineno}")
            self.include(before, name, scope)
            value = self.expression(binding.node.value, scope, frozenset())
            own[statement] = ast.AugAssign(ast.Name(name, ast.Store()), binding.node.op, value)
        else:
            raise NotRewritten(f"`{name}`: {getattr(binding, 'reason', 'its value is not fixed by the file')}")

    def definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.stmt:
        local = frozenset(
            s for inner, s in self.names.scopes.items() if inner is node or node in self.names.ancestors(inner)
        )
        holds_data = isinstance(node, ast.ClassDef) and is_data_class(self.names, node)
        if holds_data:
            node = copy.copy(node)
            node.decorator_list = []
        copied = Copier(self, local).visit(node)
        assert isinstance(copied, ast.stmt)
        return with_constructor(copied) if holds_data and isinstance(copied, ast.ClassDef) else copied

    def method(self, node: ast.Attribute, owner: ast.ClassDef) -> ast.expr | None:
        """``self.method`` as an attribute of a stand-in for ``self`` that has only the methods needed."""
        method = next((s for s in owner.body if isinstance(s, ast.FunctionDef) and s.name == node.attr), None)
        if method is None or any(ast.unparse(d) not in ("staticmethod", "classmethod") for d in method.decorator_list):
            return None
        held = self.methods.setdefault(owner, {})
        if node.attr not in held:
            held[node.attr] = ast.Pass()
            held[node.attr] = self.definition(method)
        return ast.Attribute(ast.Call(ast.Name(_holder(owner), ast.Load()), [], []), node.attr, ast.Load())

    def self_of(self, node: ast.expr) -> ast.ClassDef | None:
        """The class whose instance a name stands for, where it is the first parameter of a method."""
        if not isinstance(node, ast.Name):
            return None
        owner = self.names.owner(node.id, self.names.scope_of(node))
        if owner is None or not isinstance(owner.node, ast.FunctionDef):
            return None
        cls = self.names.parents.get(owner.node)
        arguments = [*owner.node.args.posonlyargs, *owner.node.args.args]
        if isinstance(cls, ast.ClassDef) and arguments and arguments[0].arg == node.id:
            return cls
        return None

    def allowed(self, qualified: str) -> bool:
        return qualified.rpartition(".")[0] in self.modules or _allowed(qualified)

    def _import(self, binding: Imported, name: str) -> None:
        module, _, last = binding.qualified.rpartition(".")
        module = self.modules.get(module, module)
        if isinstance(binding.node, ast.ImportFrom):
            line = f"from {module} import {last}" + (f" as {name}" if name != last else "")
        elif binding.qualified != name:
            line = f"import {binding.qualified} as {name}"
        else:
            # ``import torch.optim`` binds ``torch``; the submodules come with it.
            node = binding.node
            aliases = node.names if isinstance(node, ast.Import) else []
            dotted = [a.name for a in aliases if a.asname is None and a.name.split(".")[0] == name]
            line = "\n".join(f"import {d}" for d in dotted or [name])
        self.imports[name] = line


def _allowed(qualified: str) -> bool:
    parts = qualified.split(".")
    return any(".".join(parts[:length]) in MODULES for length in range(1, len(parts) + 1))


def _no_arguments() -> ast.arguments:
    return ast.arguments([], [], None, [], [], None, [])


def _holder(node: ast.ClassDef) -> str:
    return f"{node.name}_"


def _globals_to_nonlocals(module: ast.Module) -> None:
    """The module's own variables have become those of ``build``."""
    for node in ast.walk(module):
        for attribute in ("body", "orelse", "finalbody"):
            block = getattr(node, attribute, None)
            if isinstance(block, list):
                block[:] = [
                    ast.Nonlocal(statement.names) if isinstance(statement, ast.Global) else statement
                    for statement in block
                ]


__all__ = ["Slice", "call_slice", "class_slice", "spec_program"]
