"""The schedule as its author means it to run, for code that fails before its first step.

Only the family is read off it: what fails has no curve of its own, and what is mended is no longer the user's code.
"""

from __future__ import annotations

import ast

from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, last_word, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.signatures import parameters
from lrfix.driving.laboratory import Failure
from lrfix.experiments.study import Study
from lrfix.families.runs import SHORT
from lrfix.names import Names
from lrfix.source import Source, SourceError, parse_source

_MOST_TRIED = 6
_ROUNDS = 3
_LIST = [SHORT, 2 * SHORT - 5, 3 * SHORT - 2]
_FACTORS = [0.7, 0.5, 0.3]
_NO_LIST = ("no len()", "not iterable", "not subscriptable")


def mended(study: Study) -> Study | None:
    """A study that runs, of the same schedule with other values or its constructor in order; None if none does."""
    failure = _early(study)
    if failure is None:
        return None
    sound = _sound_settings(study)
    if sound != study.settings:
        study = Study(study.source, study.names, study.site, sound)
        failure = _early(study)
        if failure is None:
            return study
    if failure.kind == "AttributeError" and (ordered := _ordered(study)) is not None:
        return ordered if _early(ordered) is None else None
    return _filled(study, failure)


def _sound_settings(study: Study) -> dict[str, object]:
    """The settings without texts for what is a number by default: the code compares it by mistake."""
    numbers = {name for name, default, _ in study.constructor if isinstance(literal(default), int | float)}
    return {path: value for path, value in study.settings.items() if not (path in numbers and isinstance(value, str))}


def _early(study: Study) -> Failure | None:
    run = study.run(0, use=None)
    return run.failure if run.failure is not None and run.failure.step <= 0 else None


def _filled(study: Study, failure: Failure) -> Study | None:
    """With a value for parameters that are None by default, and a list for those that the code takes for one."""
    settings = dict(study.settings)
    for _ in range(_ROUNDS):
        found = _better(study, settings, failure)
        if found is None:
            return None
        settings, still = found
        if still is None:
            return Study(study.source, study.names, study.site, settings)
        failure = still
    return None


def _better(
    study: Study, settings: dict[str, object], failure: Failure
) -> tuple[dict[str, object], Failure | None] | None:
    for name, value in _tries(study, settings, failure)[: 2 * _MOST_TRIED]:
        tried = Study(study.source, study.names, study.site, {**settings, name: value})
        run = tried.run(0, use=None)
        early = run.failure if run.failure is not None and run.failure.step <= 0 else None
        if run.opaque is None and (early is None or (early.node, early.message) != (failure.node, failure.message)):
            return tried.settings, early
    return None


def _tries(study: Study, settings: dict[str, object], failure: Failure) -> list[tuple[str, object]]:
    run = study.run(0, use=None, overrides=settings)
    drawn = run.names
    tries: list[tuple[str, object]] = []

    def numeric(name: str) -> bool:
        return _is_number(settings.get(name, drawn.get(name)))

    node = study.site.node
    for name, default, required in study.constructor or (parameters(node) if isinstance(node, ast.FunctionDef) else []):
        none = isinstance(default, ast.Constant) and default.value is None
        if name not in settings and none and "sched" not in name:
            known = role_of(name) is not Role.UNKNOWN
            tries += [(name, Scenario(0).value(name) if known else SHORT), (name, _LIST)]
        elif (required or none) and numeric(name) and any(text in failure.message for text in _NO_LIST):
            tries += [(name, _LIST), (name, _FACTORS)]
    if not study.constructor and any(text in failure.message for text in (*_NO_LIST, "'list'")):
        taken = ast.unparse(failure.node) if failure.node is not None else ""
        free = [path for path, value in run.leaves.items() if _is_number(settings.get(path, value))]
        free.sort(key=lambda path: last_word(path) not in taken)
        tries += [(path, several) for path in free for several in (_LIST, _FACTORS)]
    return tries


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(study: Study) -> Study | None:
    """With the base class's constructor called last, after everything that its first step reads was set."""
    from lrfix.sites import find_sites

    node = study.site.node
    if not isinstance(node, ast.ClassDef):
        return None
    tree = ast.parse(study.source.text)
    same = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.lineno == node.lineno]
    built = next((s for n in same for s in n.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
    if built is None:
        return None
    calls = [s for s in built.body if isinstance(s, ast.Expr) and "__init__(" in ast.unparse(s)]
    if len(calls) != 1 or built.body[-1] is calls[0]:
        return None
    built.body.remove(calls[0])
    built.body.append(calls[0])
    try:
        source: Source = parse_source(ast.unparse(tree).encode(), study.source.path)
    except (SourceError, RecursionError):
        return None
    names: Names
    names, sites = find_sites(source)
    site = next((s for s in sites if s.name == study.site.name and s.form == study.site.form), None)
    return Study(source, names, site, study.settings) if site is not None else None


__all__ = ["mended"]
