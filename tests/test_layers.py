"""Imports point downwards only: the table of docs/architecture.md, read off every module's own syntax tree."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "lrfix"

#: A layer may import the layers of lower rank, and its own package. Two layers of one rank do not know each other.
RANKS = {
    "lrfix": 0,
    "lrfix.findings": 1,
    "lrfix.schedules": 1,
    "lrfix.clocks": 2,
    "lrfix.trees": 1,
    "lrfix.finite": 1,
    "lrfix.reading": 1,
    "lrfix.unfinished": 1,
    "lrfix.patterns": 1,
    "lrfix.meant": 1,
    "lrfix.wording": 2,
    "lrfix.whereabouts": 1,
    "lrfix.executors": 1,
    "lrfix.source": 2,
    "lrfix.pages": 2,
    "lrfix.notebooks": 2,
    "lrfix.looks": 2,
    "lrfix.codec": 2,
    "lrfix.torch_requirement": 2,
    "lrfix.vendoring": 2,
    "lrfix.schedulers": 2,
    "lrfix.interpreter": 2,
    "lrfix.proof": 3,
    "lrfix.names": 3,
    "lrfix.registry": 3,
    "lrfix.config": 3,
    "lrfix.discovery": 3,
    "lrfix.suppression": 3,
    "lrfix.fingerprints": 3,
    "lrfix.baseline": 3,
    "lrfix.ignoring": 4,
    "lrfix.stand_ins": 3,
    "lrfix.sites": 4,
    "lrfix.neighbours": 4,
    "lrfix.usage": 5,
    "lrfix.domains": 5,
    "lrfix.cache": 6,
    "lrfix.spreading": 6,
    "lrfix.driving": 6,
    "lrfix.tracing": 6,
    "lrfix.recognition": 6,
    "lrfix.experiments": 7,
    "lrfix.families": 8,
    "lrfix.judging": 8,
    "lrfix.analysis": 9,
    "lrfix.rules": 9,
    "lrfix.engine": 10,
    "lrfix.verification": 11,
    "lrfix.rewriting": 12,
    "lrfix.output": 12,
    "lrfix.server": 13,
    "lrfix.commands": 14,
    "lrfix.cli": 15,
    "lrfix.__main__": 16,
}

#: What rules are made of.
_OF_RULES = (
    "lrfix.findings",
    "lrfix.finite",
    "lrfix.names",
    "lrfix.recognition",
    "lrfix.registry",
    "lrfix.domains",
    "lrfix.driving",
    "lrfix.experiments",
    "lrfix.interpreter",
    "lrfix.sites",
    "lrfix.source",
    "lrfix.trees",
    "lrfix.tracing",
    "lrfix.wording",
)

#: Parts that stand lower than their package, or may know less than their rank allows.
ISOLATED = {
    "lrfix.findings": (),
    "lrfix.schedules": (),
    "lrfix.clocks": (),
    "lrfix.schedulers": ("lrfix.schedules",),
    "lrfix.pages": ("lrfix.findings",),
    "lrfix.proof": ("lrfix.schedulers", "lrfix.schedules"),
    "lrfix.registry": ("lrfix.findings", "lrfix.pages"),
    "lrfix.interpreter": (),
    "lrfix.stand_ins": ("lrfix.interpreter",),
    "lrfix.recognition": ("lrfix.domains.roles", "lrfix.findings", "lrfix.finite", "lrfix.schedules", "lrfix.wording"),
    "lrfix.rules": _OF_RULES,
}
FORBIDDEN_OUTSIDE = {"libcst": ("lrfix.rewriting",), "torch": ("lrfix.proof", "lrfix.schedulers", "lrfix.verification")}

MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2])


@cache
def nodes(path: Path) -> list[ast.AST]:
    """The imports and calls of a module: all that is asked for here, read once for all questions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)]


@cache
def imports(path: Path) -> list[tuple[int, str]]:
    """Every imported module with its line; names taken from a package count as its submodules where they are some."""
    found: list[tuple[int, str]] = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = PACKAGE.parent.joinpath(*node.module.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                found.append((node.lineno, f"{node.module}.{alias.name}" if is_module else node.module))
    return found


def within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_downwards_only(path):
    module = module_name(path)
    assert layer(module) in RANKS, f"{module} has no place in the layers: give it one here and in docs/architecture.md"
    for line, imported in imports(path):
        if layer(imported) == "lrfix" or not imported.startswith("lrfix."):
            continue
        assert layer(imported) in RANKS, f"{path}:{line}: {imported} has no place in the layers"
        if layer(imported) != layer(module):
            assert RANKS[layer(imported)] < RANKS[layer(module)], f"{path}:{line}: {module} must not import {imported}"


@pytest.mark.parametrize("part", sorted(ISOLATED))
def test_a_part_knows_only_what_it_is_allowed(part):
    members = [path for path in MODULES if within(module_name(path), (part,))]
    assert members, part
    for path in members:
        for line, imported in imports(path):
            if imported.startswith("lrfix."):
                assert within(imported, (*ISOLATED[part], part)), f"{path}:{line}: {part} must not import {imported}"


@pytest.mark.parametrize("library", sorted(FORBIDDEN_OUTSIDE))
def test_heavy_libraries_stay_where_they_belong(library):
    for path in MODULES:
        if within(module_name(path), FORBIDDEN_OUTSIDE[library]):
            continue
        for line, imported in imports(path):
            assert not within(imported, (library,)), f"{path}:{line}: {library} belongs to {FORBIDDEN_OUTSIDE[library]}"


def test_only_the_command_line_and_output_touch_the_terminal():
    allowed = ("lrfix.cli", "lrfix.commands", "lrfix.output", "lrfix.verification", "lrfix.rewriting")
    for path in MODULES:
        if within(module_name(path), allowed):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "exit", "input"), f"{path}:{node.lineno}"


def test_pages_are_no_package():
    assert not list((PACKAGE.parent / "rules").glob("*.py"))
    assert not (PACKAGE / "_rules").exists()


def test_no_two_modules_import_each_other():
    known = {module_name(path) for path in MODULES}
    uses: dict[str, set[str]] = {}
    for path in MODULES:
        module = module_name(path)
        # A package's __init__ is its face: what stands inside it is imported through it, or directly.
        uses[module] = {name for _, name in imports(path) if name in known and name != module}
    order: dict[str, int] = {}
    trail: list[str] = []

    def visit(module: str) -> None:
        order[module] = 1
        trail.append(module)
        for other in sorted(uses[module]):
            assert order.get(other) != 1, " -> ".join([*trail[trail.index(other) :], other])
            if other not in order:
                visit(other)
        trail.pop()
        order[module] = 2

    for module in sorted(uses):
        if module not in order:
            visit(module)


def test_every_rule_has_one_room_named_as_its_page():
    pages = {path.stem[6:].replace("-", "_"): path.stem[:5] for path in (PACKAGE.parent / "rules").glob("LR*.md")}
    rooms = {path.stem: path for path in (PACKAGE / "rules").glob("*.py") if path.stem != "__init__"}
    # Unused suppressions are about lrfix's own comments: the engine reports them.
    assert set(rooms) == set(pages) - {"unused_suppression"}
    for name, path in rooms.items():
        marks = [
            ast.literal_eval(decorator.args[0])
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
            for decorator in node.decorator_list
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "rule"
        ]
        assert marks == [pages[name]], path
