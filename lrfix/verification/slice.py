"""The static check of a program before it may run: an allow-list over its syntax tree.

It is the first fence, and there for good messages. The process that runs the program gives it only the allowed builtins
and imports, and refuses files, sockets and processes whoever asks for them (``sandbox``); the kernel stops what these
two miss (``kernel``). The check is deliberately narrow: what it does not know, it refuses, and says where.
"""

from __future__ import annotations

import ast
import re
import string
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.verification.allowed import ATTRIBUTE_BUILTINS, MODULES, SAFE_BUILTINS, module_attribute_allowed
from lrfix.verification.attributes import ATTRIBUTES, DEFINED_DUNDERS, REFUSED_ATTRIBUTES, SAFE_DUNDERS

_PLAIN_TEXTS = ("__main__", "__dict__", "__version__", "__file__")
_SPECIAL = re.compile(r"__\w+__")


@dataclass(frozen=True)
class Program:
    """The text of a self-contained module that defines ``build(optimizer, p)``, which returns a scheduler."""

    source: str

    def check(self) -> None:
        """Raises RefusedSlice where the program uses anything outside the allow-list, NoProgram where it is none."""
        check_program(self.source)


class NoProgram(Exception):
    """A text that cannot be run at all: not Python, or without ``build``."""


class RefusedSlice(Exception):
    """A program that will not be run. ``line`` is 1-based in the program's own text."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line


def check_program(source: str) -> None:
    """Return quietly where ``source`` keeps to the allow-list; raise RefusedSlice where it does not, NoProgram where it
    could not be run."""
    try:
        tree = ast.parse(source)
        symtable.symtable(source, "<schedule>", "exec")  # a `nonlocal` of nothing parses, and does not compile
    except SyntaxError as error:
        raise NoProgram(f"line {error.lineno or 1}: it is not valid Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NoProgram(f"it cannot be parsed: {error}") from error
    check = _Check(tree)
    try:
        check.visit(tree)
    except RecursionError as error:
        raise NoProgram("it is nested too deeply to be checked") from error
    if not any(isinstance(node, ast.FunctionDef) and node.name == "build" for node in tree.body):
        raise NoProgram("it does not define build(optimizer, p) at module level")


def own_private_names(source: str) -> frozenset[str]:
    """Private attributes that a program uses and that it defines itself."""
    check = _Check(ast.parse(source))
    return frozenset(
        node.attr
        for node in ast.walk(check.tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr in check.own - ATTRIBUTES
    )


class _Check(ast.NodeVisitor):
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.bound: set[str] = set()
        self.modules: dict[str, set[str]] = {}
        self.imported: set[str] = set()
        #: Attributes that the program makes: those it assigns, and every name that it binds anywhere.
        self.own: set[str] = set()
        self.called: dict[int, ast.Call] = {}
        self.compared: set[int] = set()
        for node in ast.walk(tree):
            self._collect(node)
        self.own |= self.bound
        # Another name for what is imported is imported.
        for _ in range(3):
            self.imported |= {name for node in ast.walk(tree) for name in self._aliases(node)}

    def _collect(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            self.own.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self.bound.add(node.name)
        elif isinstance(node, ast.arg):
            self.bound.add(node.arg)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            self.bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self.bound.add(node.rest)
        elif isinstance(node, ast.Call):
            self.called[id(node.func)] = node
            if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
                self.compared |= {id(inner) for argument in node.args[1:] for inner in ast.walk(argument)}
            self.own |= set(_made_by(node))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._bind_module(alias.asname or alias.name.partition(".")[0], alias.name, bool(alias.asname))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                qualified = f"{node.module}.{alias.name}"
                self.bound.add(alias.asname or alias.name)
                self.imported.add(alias.asname or alias.name)
                if qualified in MODULES:
                    self._bind_module(alias.asname or alias.name, qualified, True)

    def _aliases(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, (ast.Assign, ast.NamedExpr, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if _root(node.value) in self.imported:
                yield from (target.id for target in targets if isinstance(target, ast.Name))

    def _bind_module(self, name: str, module: str, whole: bool) -> None:
        self.bound.add(name)
        self.imported.add(name)
        self.modules.setdefault(name, set()).add(module if whole else module.partition(".")[0])

    def _refuse(self, reason: str, node: ast.AST) -> RefusedSlice:
        return RefusedSlice(reason, getattr(node, "lineno", 1))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name not in MODULES:
                raise self._refuse(f"it imports {alias.name}, which a schedule may not use", node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == "__future__" and not node.level:
            return
        if node.level or node.module not in MODULES:
            raise self._refuse(f"it imports from {'.' * node.level}{node.module or ''}, which it may not use", node)
        for alias in node.names:
            if alias.name == "*" or not module_attribute_allowed(node.module, alias.name):
                raise self._refuse(f"it imports {node.module}.{alias.name}, which it may not use", node)

    def visit_Name(self, node: ast.Name) -> None:
        name = node.id
        if name in self.modules:
            raise self._refuse(f"it uses the module {name} other than by a named attribute", node)
        if _SPECIAL.fullmatch(name) and name not in ("__name__", "__class__") and name not in SAFE_DUNDERS:
            raise self._refuse(f"it uses {name}", node)
        if name == "type" and "type" not in self.bound and not self._asks_for_the_type(node):
            raise self._refuse("it uses type other than to ask for the type of one object", node)
        if name in ATTRIBUTE_BUILTINS:
            raise self._refuse(f"it uses {name} other than with a literal attribute name", node)
        if name not in self.bound and name not in SAFE_BUILTINS and name != "__name__":
            raise self._refuse(f"it uses {name}, which it does not define and may not use", node)

    def _asks_for_the_type(self, node: ast.Name) -> bool:
        call = self.called.get(id(node))
        if call is None:
            return id(node) in self.compared
        return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[ast.Attribute] = [node]
        while isinstance(chain[-1].value, ast.Attribute):
            chain.append(chain[-1].value)
        chain.reverse()
        inner = chain[0].value
        if isinstance(inner, ast.Name) and inner.id in self.modules:
            names = [each.attr for each in chain]
            taken = max(self._check_chain(module, names, node) for module in self.modules[inner.id])
            chain = chain[taken:]
        else:
            self.visit(inner)
        if not isinstance(node.ctx, ast.Load) and _root(node.value) in self.imported:
            raise self._refuse(f"it changes {ast.unparse(node)}, which it has imported", node)
        for each in chain:
            self._check_attribute(each.attr, each)

    def _check_attribute(self, name: str, node: ast.AST) -> None:
        if name == "__dict__" and isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            return
        if name == "format" and isinstance(node, ast.Attribute) and _formats_plainly(node.value):
            return
        special = _SPECIAL.fullmatch(name) is not None
        if name in REFUSED_ATTRIBUTES or (special and name not in SAFE_DUNDERS):
            raise self._refuse(f"it reads the attribute {name}", node)
        if not special and name not in ATTRIBUTES and name not in self.own:
            raise self._refuse(f"it reads the attribute {name}, which no schedule needs and it does not define", node)

    def _check_chain(self, module: str, chain: list[str], node: ast.AST) -> int:
        """How many of the names are of modules; each of them has to be allowed."""
        if module not in MODULES:
            raise self._refuse(f"it uses {module}, which it may not use", node)
        for position, name in enumerate(chain):
            if not module_attribute_allowed(module, name) or name.startswith("__"):
                raise self._refuse(f"it uses {module}.{name}, which it may not use", node)
            module = f"{module}.{name}"
            if module not in MODULES:
                return position + 1
            if position == len(chain) - 1:
                raise self._refuse(f"it uses the module {module} other than by a named attribute", node)
        return len(chain)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if _SPECIAL.fullmatch(node.name) and node.name not in DEFINED_DUNDERS:
            raise self._refuse(f"it defines {node.name}", node)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            for name in _SPECIAL.findall(node.value):
                if name not in SAFE_DUNDERS and name not in _PLAIN_TEXTS:
                    raise self._refuse(f"it names {name} in a text", node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name) and function.id in ATTRIBUTE_BUILTINS:
            self._check_attribute_call(function.id, node)
        else:
            self.visit(function)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def _check_attribute_call(self, name: str, node: ast.Call) -> None:
        literal = node.args[1] if len(node.args) > 1 else None
        if not isinstance(literal, ast.Constant) or not isinstance(literal.value, str):
            raise self._refuse(f"it calls {name} with an attribute name that is not written out", node)
        self._check_attribute(literal.value, node)
        if name in ("setattr", "delattr") and _root(node.args[0]) in self.imported:
            raise self._refuse(f"it changes {ast.unparse(node.args[0])}, which it has imported", node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        if node.patterns:
            # A class says in a string which attribute a position means.
            raise self._refuse("it matches a class by position", node)
        for attribute in node.kwd_attrs:
            self._check_attribute(attribute, node)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        raise self._refuse("it defines a coroutine", node)

    def visit_Await(self, node: ast.Await) -> None:
        raise self._refuse("it awaits", node)


def _root(node: ast.AST) -> str | None:
    """The name that a chain of attributes begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _made_by(call: ast.Call) -> Iterator[str]:
    """The attributes that a call makes: fields of a named tuple, of a namespace, one that is set by name."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    if name == "SimpleNamespace":
        yield from (keyword.arg for keyword in call.keywords if keyword.arg)
    elif name in ("namedtuple", "NamedTuple", "Enum", "IntEnum", "setattr"):
        for constant in ast.walk(call):
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                yield from constant.value.replace(",", " ").split()


def _formats_plainly(node: ast.expr) -> bool:
    """Whether a text is written out and names its arguments alone, none of their attributes."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _formats_plainly(node.left) and _formats_plainly(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and _plain_fields(node.value)


def _plain_fields(text: str) -> bool:
    try:
        fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:
        return False
    return all(not set(name) & set(".[") and _plain_fields(spec or "") for name, spec in fields)
