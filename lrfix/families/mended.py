"""The schedule as its author means it to run, for a class that fails before its first step.

Only the family is read off it: what fails has no curve of its own, and what is mended is no longer the user's code.
"""

from __future__ import annotations

import ast

from lrfix.domains.facts import literal
from lrfix.driving.laboratory import Failure
from lrfix.experiments.study import Study
from lrfix.names import Names
from lrfix.source import Source, SourceError, parse_source
from lrfix.trees import walk


def mended(study: Study) -> Study | None:
    """A study that runs, of the same schedule with its settings or its constructor in order; None if neither does."""
    failure = _early(study)
    if failure is None:
        return None
    sound = _sound_settings(study)
    if sound != study.settings:
        study = Study(study.source, study.names, study.site, sound)
        failure = _early(study)
        if failure is None:
            return study
    ordered = _ordered(study) if failure.kind == "AttributeError" else None
    return ordered if ordered is not None and _early(ordered) is None else None


def _sound_settings(study: Study) -> dict[str, object]:
    """The settings without texts for what is a number by default: the code compares it by mistake."""
    numbers = {name for name, default, _ in study.constructor if isinstance(literal(default), int | float)}
    return {path: value for path, value in study.settings.items() if not (path in numbers and isinstance(value, str))}


def _early(study: Study) -> Failure | None:
    run = study.run(0, use=None)
    return run.failure if run.failure is not None and run.failure.step <= 0 else None


def _ordered(study: Study) -> Study | None:
    """With the base class's constructor called last, after everything that its first step reads was set."""
    from lrfix.sites import find_sites

    node = study.site.node
    if not isinstance(node, ast.ClassDef):
        return None
    tree = ast.parse(study.source.text)
    same = [n for n in walk(tree) if isinstance(n, ast.ClassDef) and n.lineno == node.lineno]
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
