"""Where a new import goes, under which name, and which imports nothing needs any more."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrfix.names import Imported, Names
from lrfix.rewriting.liveness import External, Uses
from lrfix.rewriting.model import DeadImport, NewImport
from lrfix.sites.blocks import block_of

SCHEDULERS = "lrfix.schedulers"


@dataclass(frozen=True)
class InsertedImport:
    """An import to add: ``into`` an existing statement, else ``after`` a top-level one, else at the very start."""

    wanted: NewImport
    after: ast.stmt | None = None
    into: ast.ImportFrom | None = None


def local_name(names: Names, scheduler: str, module: str, gone: Collection[ast.AST]) -> tuple[str, bool]:
    """The name to call ``scheduler`` by, and whether it has to be imported."""
    qualified = f"{module}.{scheduler}"
    for name, bindings in names.scopes[names.tree].bindings.items():
        if any(isinstance(b, Imported) and b.qualified == qualified and _at_top(names, b.node) for b in bindings):
            return name, False
    others = [b for scope in names.scopes.values() for b in scope.bindings.get(scheduler, ())]
    if all(getattr(b, "node", None) in gone for b in others):
        return scheduler, True
    whose = "Torch" if module.startswith("torch.") else "Bundled"
    local = f"bundled_{scheduler}" if scheduler[0].islower() else f"{whose}{scheduler}"
    while any(local in scope.bindings for scope in names.scopes.values()):
        local += "_"
    return local, True


def placed(names: Names, wanted: Sequence[NewImport], first_use: ast.AST) -> tuple[InsertedImport, ...]:
    """The place of each import: in a statement that already imports from there, else below torch's imports."""
    found = []
    before = [s for s in names.tree.body if s.lineno < getattr(first_use, "lineno", 1 << 30)]
    for new in wanted:
        existing = next(
            (
                statement
                for statement in before
                if isinstance(statement, ast.ImportFrom)
                and "." * statement.level + (statement.module or "") == new.module
                and statement.names[0].name != "*"
            ),
            None,
        )
        if existing is not None and new.name:
            found.append(InsertedImport(new, into=existing))
        else:
            found.append(InsertedImport(new, after=_anchor(before)))
    return tuple(found)


def import_lines(wanted: Sequence[NewImport]) -> list[str]:
    """The statements of new imports: what comes from one module in one line."""
    lines: dict[str, str] = {}
    for new in wanted:
        known = lines.get(new.module)
        if known is None or not new.name:
            lines[new.module if new.name else f"import {new.module}"] = new.text
        else:
            lines[new.module] = known + ", " + new.text.partition(" import ")[2]
    return list(lines.values())


def _anchor(before: Sequence[ast.stmt]) -> ast.stmt | None:
    imports = [s for s in before if isinstance(s, ast.Import | ast.ImportFrom)]
    torch = [s for s in imports if _imports_torch(s)]
    if torch or imports:
        return _end_of_group((torch or imports)[-1], before)
    first = before[0] if before else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first
    return None


def _end_of_group(anchor: ast.stmt, before: Sequence[ast.stmt]) -> ast.stmt:
    """The last of the imports that follow one without a blank line, as far as they are of other people's code."""
    for statement in before[before.index(anchor) + 1 :]:
        if statement.lineno != (anchor.end_lineno or anchor.lineno) + 1:
            break
        if not isinstance(statement, ast.Import | ast.ImportFrom) or _is_relative(statement):
            break
        anchor = statement
    return anchor


def _is_relative(statement: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.level > 0


def _imports_torch(statement: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and (statement.module or "").split(".")[0] == "torch"
    return any(alias.name.split(".")[0] == "torch" for alias in statement.names)


def dead_imports(names: Names, uses: Uses, read: Iterable[str], path: str) -> tuple[DeadImport, ...]:
    """Imports of the names in ``read`` (read only by code that goes) that nothing else reads, nor takes from here."""
    found: dict[ast.stmt, list[str]] = {}
    for name in sorted(set(read)):
        for scope in names.scopes.values():
            bindings = scope.bindings.get(name, [])
            if not bindings or not all(isinstance(b, Imported) for b in bindings) or uses.used(name, scope):
                continue
            for binding in bindings:
                assert isinstance(binding, Imported)
                at_module = scope.node is names.tree
                if _may_go(names, binding.node) and not (at_module and taken_from_here(uses.external, path, name)):
                    found.setdefault(binding.node, []).append(name)
    return tuple(
        DeadImport(node, tuple(dead)) for node, dead in found.items() if isinstance(node, ast.Import | ast.ImportFrom)
    )


def taken_from_here(external: External, path: str, name: str) -> bool:
    """Whether another file gets ``name`` by importing the module at ``path``: all of it (``import *``), or that name.

    A file that defines nothing hands on to others what it imports with a star.
    """
    module = rf"[\w.]*\b{re.escape(Path(path).stem)}"
    starred = rf"from\s+{module}\s+import\s+\*"
    own = rf"(?:import|from\s+\S+\s+import)\s[^\n]*\b{name}\b"
    without = rf"\A(?!{own})(?![\s\S]*\n{own})"
    return any(
        external(pattern)
        for pattern in (
            rf"from\s+{module}\s+import\s+(?:\([^)]*|[^\n(]*)\b{name}",
            rf"{module}\.{name}",
            rf"{without}[\s\S]*{starred}[\s\S]*\b{name}",
            rf"{without}(?![\s\S]*\b(?:def|class)\s)[\s\S]*{starred}",
        )
    )


def _may_go(names: Names, node: ast.stmt) -> bool:
    """Whether a block goes on without an import: something else stands there, and nobody tries whether it fails."""
    inner: ast.AST = node
    for around in names.ancestors(node):
        if isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            return True
        if isinstance(around, ast.Try) and inner in around.body:
            return False
        if inner is node and all(isinstance(s, ast.Import | ast.ImportFrom) for s in block_of(names, node)):
            return False
        inner = around
    return True


def missing_modules(names: Names, texts: Iterable[str], at: ast.AST) -> tuple[NewImport, ...]:
    """``import math`` and the like where an emitted expression calls into a module that the place does not know."""
    found = []
    for text in texts:
        for node in ast.walk(ast.parse(text, mode="eval")):
            known = isinstance(node, ast.Name) and names.owner(node.id, names.scope_of(at)) is not None
            if isinstance(node, ast.Name) and node.id == "math" and not known:
                found.append(NewImport("math", "", "math"))
    return tuple(dict.fromkeys(found))


def _at_top(names: Names, node: ast.stmt) -> bool:
    return isinstance(names.parents.get(node), ast.Module)


__all__ = [
    "SCHEDULERS",
    "InsertedImport",
    "dead_imports",
    "import_lines",
    "local_name",
    "missing_modules",
    "placed",
]
