"""Settings of a site that lead through the same code to the same curves: one of them stands for all."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.clock import tick_of
from lrfix.domains.kinds import is_number
from lrfix.domains.roles import LENGTHS, last_word, role_of
from lrfix.domains.switches import inherited, numbers
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study
from lrfix.trees import walk

#: So many numbers are tried of those that the code compares its settings with.
_MOST = 2


def distinct(studies: Sequence[Study]) -> list[Study]:
    """The studies that differ; of the others each is ``like`` the one that goes the same way.

    ``"SGD"`` and ``"RMSprop"`` that are compared in one test choose an optimizer, and the schedule is the same.
    """
    known: dict[object, Study] = {}
    found = []
    for study in studies:
        way = _way(study) if len(studies) > 1 else None
        first = known.setdefault(way, study) if way is not None else study
        if first is study:
            found.append(study)
        else:
            study.like = first
    return found


def at_its_numbers(study: Study) -> Iterator[Study]:
    """The schedule with each number that the code asks a setting to be: the branch for it is no edge of another."""
    leaves = study.runs[0].leaves if study.ran else {}
    asked = dict.fromkeys(numbers(study.names, inherited(study.names, study.site.nodes)))
    open_ = [(p, n) for p, n in asked if is_number(leaves.get(p)) and leaves[p] != n and p not in study.settings]
    for path, number in [(p, n) for p, n in open_ if role_of(p) not in LENGTHS and tick_of(p) is None][:_MOST]:
        settings = {**study.settings, path: number}
        other = Study(study.source, study.names, study.site, settings, study.by_itself, study.laboratory)
        other.groups = study.groups
        if other.ran and other.runs[0].curve != study.runs[0].curve:
            yield other


def _way(study: Study) -> object | None:
    """The rates of every draw with the code that they came out of; None where a run fails, or where expressions
    choose, which leave no trace."""
    # A caller may choose for all of them: then the definition by itself tells.
    alone = [study.run(0, use=None)] if study.use is not None and study.site.form != "lambda" else []
    runs = [*study.runs, *alone]
    if not study.ran or any(not run.ran or run.failure is not None for run in runs):
        return None
    texts = {last_word(path) for path, value in study.settings.items() if isinstance(value, str)}
    if texts & set(_choosing(study)):
        return None
    others = [(path, repr(value)) for path, value in study.settings.items() if not isinstance(value, str)]
    return (tuple(sorted(others)), study.groups, study.use, *(_taken(run) for run in runs))


def _choosing(study: Study) -> Iterator[str]:
    """The words that conditional expressions and keys of tables ask for."""
    for node in (n for root in study.site.nodes for n in walk(root)):
        asked = node.test if isinstance(node, ast.IfExp) else node.slice if isinstance(node, ast.Subscript) else None
        for part in walk(asked) if asked is not None else ():
            if isinstance(part, ast.Name | ast.Attribute):
                yield last_word(ast.unparse(part))


def _taken(run: Run) -> object:
    traces = [trace for trace in (run.built, run.stepped) if trace is not None]
    return (
        tuple(map(tuple, run.lr)),
        tuple(run.leaves),
        *(frozenset(trace.statements) for trace in traces),
        *(frozenset(trace.calls) for trace in traces),
    )


__all__ = ["at_its_numbers", "distinct"]
