"""Schedules into which faults can be planted: from labels, or found in any Python file.

The finder knows nothing of lrfix and shares no code with it. It is narrow: a schedule that it does not see is one less
to plant into, something that is no schedule would be a mutant that nobody can name.
"""

from __future__ import annotations

import ast
import collections
import json
import re
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from parsed import File
from sites import Site, is_torch_scheduler
from vocabulary import LOOPS, called, divides, is_lr_key, last_name, own, parameters

LOOP = "loop"  # the form of a whole script that trains
LARGEST = 400_000  # bytes of a file that is read
WORDS = (b'["lr"]', b"['lr']", b"LambdaLR", b"LRScheduler", b"def get_lr", b"def lr_", b"learning_rate", b"schedule")
TEST = re.compile(r"(^|/)(tests?|testing|test_\w+\.py|\w+_test\.py|conftest\.py)(/|$)")
RATE_NAME = re.compile(r"(^|_)(lr|lrs|learning_rate|warmup|cosine|anneal\w*|schedule\w*|decay)(_|$)", re.I)
ANY_NAME = re.compile(r"^(?!.*(lr|rate|warm)).*(schedule\w*|decay|anneal\w*)", re.I)
LR_WORD = re.compile(r"lr(_|\b|s\b)|learning.?rate|warm_?up", re.I)
OTHER_NAME = re.compile(
    r"wd|weight_decay|momentum|ema|tau|temperature|beta|noise|dropout|sigma|diffusion|timestep", re.I
)


class Candidate(NamedTuple):
    repo: str
    commit: str
    path: str
    form: str
    lines: tuple[int, int]
    file: File
    arguable: tuple[str, ...] = ()  # codes of which readers could not agree whether they hold of the original


def parsed(source: bytes | None) -> File | None:
    try:
        return File(source) if source is not None and source.decode() and b"\r" not in source else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def trains(file: File) -> bool:
    """Whether something steps in the file, and something is called a scheduler: no promise, only worth a look."""
    steps = any(isinstance(n, ast.Call) and called(n, "step") for n in file.nodes)
    return steps and re.search(rb"sched|lr_", file.source, re.I) is not None


def whole(file: File) -> tuple[int, int]:
    """All lines: a scheduler is built far from where it steps and is saved."""
    return 1, max(len(file.starts) - 1, 1)


# Labels


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def shown(mirror: Path, repo: str, commit: str, path: str) -> bytes | None:
    """A file of a commit, from `owner+name/repo` or the one git directory below `owner+name`."""
    home = mirror / repo.replace("/", "+")
    places = [home / "repo", *sorted(home.glob("*")), home] if home.is_dir() else []
    for place in places:
        done = subprocess.run(["git", "-C", str(place), "show", f"{commit}:{path}"], capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout
    return None


def from_labels(labels: Path, mirror: Path, notes: collections.Counter[str]) -> Iterator[Candidate]:
    """The hand-written schedules that a reader called sound, with high confidence."""
    files: dict[tuple[str, str, str], File | None] = {}
    for row in rows_of(labels / "sites.jsonl"):
        if row["codes"] or row["confidence"] != "high" or not row["handrolled"] or row.get("unparsable"):
            continue
        key = (row["repo"], row["commit"], row["path"])
        if key not in files:
            files[key] = parsed(shown(mirror, *key))
            notes["files read" if files[key] else "files not read"] += 1
        file = files[key]
        if file is not None:
            yield Candidate(*key, row["form"], tuple(row["lines"]), file, tuple(row.get("arguable", ())))
    yield from scripts_of(labels, mirror, files, notes)


def scripts_of(
    labels: Path, mirror: Path, files: dict[tuple[str, str, str], File | None], notes: collections.Counter[str]
) -> Iterator[Candidate]:
    """Whole scripts in which a reader found nothing wrong."""
    sites = rows_of(labels / "sites.jsonl")
    faulty = {(r["repo"], r["path"]) for r in (*rows_of(labels / "bugfix.jsonl"), *(r for r in sites if r["codes"]))}
    complete = [r for r in rows_of(labels / "files.jsonl") if r.get("complete")]
    keys = {(r["repo"], r["commit"], r["path"]): None for r in (*rows_of(labels / "clean.jsonl"), *sites, *complete)}
    for key in keys:
        if (key[0], key[2]) in faulty:
            continue
        if key not in files:
            files[key] = parsed(shown(mirror, *key))
            notes["files read" if files[key] else "files not read"] += 1
        file = files[key]
        if file is not None and trains(file):
            yield Candidate(*key, LOOP, whole(file), file)


# Any Python files


def in_tree(tree: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(tree.rglob("*.py")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(tree).as_posix(), path.read_bytes()


def in_wheel(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".py"):
                yield name, archive.read(name)


def from_files(repo: str, files: Iterable[tuple[str, bytes]], notes: collections.Counter[str]) -> Iterator[Candidate]:
    for path, source in files:
        if TEST.search(path) or len(source) > LARGEST or not any(word in source for word in WORDS):
            continue
        file = parsed(source)
        notes["files read" if file else "files not read"] += 1
        for form, lines in schedules(file) if file else ():
            yield Candidate(repo, "", path, form, lines, file)
        if file and trains(file):
            yield Candidate(repo, "", path, LOOP, whole(file), file)


def from_trees(trees: list[Path], notes: collections.Counter[str]) -> Iterator[Candidate]:
    for tree in trees:
        yield from from_files(tree.name.replace("+", "/"), in_tree(tree), notes)


def from_wheels(wheels: list[Path], notes: collections.Counter[str]) -> Iterator[Candidate]:
    for wheel in wheels:
        yield from from_files("==".join(wheel.name.split("-")[:2]), in_wheel(wheel), notes)


# The finder


def schedules(file: File) -> Iterator[tuple[str, tuple[int, int]]]:
    """The form and the lines of each schedule that the file shows."""
    taken: set[ast.AST] = set()
    for n in file.nodes:  # breadth first: what lies around comes before what lies in it
        if any(p in taken for p in file.up(n)):
            continue
        form = ""
        if isinstance(n, ast.ClassDef):
            form = class_form(file, n)
        elif isinstance(n, ast.FunctionDef):
            form = function_form(file, n)
        elif isinstance(n, LOOPS) and file.function(n) is None and inline_write(file, n):
            form = "setter"
        if form:
            taken.add(n)
            yield form, (file.first_line(n), n.end_lineno)


def class_form(file: File, owner: ast.ClassDef) -> str:
    if is_torch_scheduler(file, owner):
        methods = [f for f in owner.body if isinstance(f, ast.FunctionDef)]
        return "subclass" if any(file.counts(f) for f in methods) else ""
    if OTHER_NAME.search(owner.name) or not re.search(r"sched|lr|warm|optim|anneal", owner.name, re.I):
        return ""
    site = Site(file, (owner.lineno, owner.end_lineno), "wrapper")
    formulas = [*site.evaluators(), *(file.function(w) for w in site.writes())]
    return "wrapper" if site.writes() and any(f and divides(f) and file.counts(f) for f in formulas) else ""


def function_form(file: File, function: ast.FunctionDef) -> str:
    nodes = list(ast.walk(function))
    if OTHER_NAME.search(function.name):
        return ""
    if any(isinstance(n, ast.Call) and called(n, "LambdaLR") for n in nodes) and any(
        isinstance(n, (ast.Lambda, ast.FunctionDef)) and n is not function and file.counts(n) for n in nodes
    ):
        return "lambda"
    given = any(
        isinstance(n, ast.Call) and called(n, "LambdaLR") and any(last_name(a) == function.name for a in n.args)
        for n in file.nodes
    )
    if given and file.counts(function) and file.class_of(function) is None:
        return "lambda"
    if inline_write(file, function):
        return "setter"
    if not RATE_NAME.search(function.name) or not LR_WORD.search(file.text(function)):
        return ""
    if ANY_NAME.search(function.name) and not re.search(r"lr(_|\b|s\b)|rate|base_value", file.text(function), re.I):
        return ""  # a schedule of something else
    site = Site(file, (function.lineno, function.end_lineno), "function")
    if function in set(site.evaluators()) and any(file.is_counter(ast_name(p, function)) for p in parameters(function)):
        return "function" if any(divides(n) for n in own(function)) else ""
    tables = any(called(n, "linspace", "arange") for n in nodes) and any(called(n, "cos") for n in nodes)
    return "array" if tables and any(isinstance(n, ast.Return) for n in nodes) else ""


def ast_name(parameter: str, function: ast.FunctionDef) -> ast.AST | None:
    """The place in the function where a parameter is read."""
    return next((n for n in own(function) if isinstance(n, ast.Name) and n.id == parameter), None)


def inline_write(file: File, around: ast.AST) -> bool:
    """Whether a rate worked out from the step is written to parameter groups in these lines."""
    for n in ast.walk(around):
        if isinstance(n, ast.AugAssign) and is_lr_key(n.target) and file.clock_tests(n):
            return True
        if isinstance(n, ast.Assign) and is_lr_key(n.targets[0]):
            if divides(n.value) and file.counts(n.value):
                return True
            name = last_name(n.value)
            for a in ast.walk(around) if name else ():
                if (
                    isinstance(a, ast.Assign)
                    and last_name(a.targets[0]) == name
                    and divides(a.value)
                    and file.counts(a.value)
                ):
                    return True
    return False


def base_name(path: str) -> str:
    return PurePosixPath(path).name
