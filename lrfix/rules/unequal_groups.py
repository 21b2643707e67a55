"""LR213: parameter groups that do not follow the schedule: another's base rate, never written, or late by an update."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from lrfix.domains.roles import RATES, role_of
from lrfix.experiments.each_base import first_base_for_all
from lrfix.experiments.groups import Apart, Setting, borrowed, groups_shown, told_apart, unlike, walks_groups
from lrfix.experiments.structure import methods
from lrfix.experiments.study import Study, constant
from lrfix.experiments.writes import is_rate_key
from lrfix.findings import Span, Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS
from lrfix.wording import num

_CLASSES = ("subclass", "wrapper")
#: An element of something that the code does not fix: ``multipliers[1]``.
_ELEMENT = re.compile(r"\[\d+\]$")
_ONE_GROUP = re.compile(r"\b(?:one|single)\s+param(?:eter)?[ _]group\b", re.IGNORECASE)


@rule("LR213")
def unequal_groups(study: Study) -> Iterator[Violation]:
    if study.site.form not in (*_CLASSES, "setter") or study.groups == 1 or told_apart(study):
        return
    if study.site.form == "wrapper" and not study.site.writes:
        return  # what it drives writes the rates
    if study.site.form == "subclass" and study.site.base in FACTOR_SCHEDULERS:
        return  # torch hands every group its own base rate
    if isinstance(study.node, ast.ClassDef) and _ONE_GROUP.search(ast.get_docstring(study.node) or ""):
        return  # it says itself that it is for one group alone
    shown = groups_shown(study)
    first = first_base_for_all(study) if shown != 1 else None
    if first is not None:
        yield Violation(
            study.span(first),
            f"Every parameter group gets the base rate of the first: the list goes through all of them as "
            f"`{ast.unparse(first.generators[0].target)}`, and its elements are made of one. Use the name that goes "
            "through them.",
        )
        return
    for setting in _settings(study):
        other = replace(setting, draw=1)
        apart = unlike(study, setting)
        again = unlike(study, other) if apart is not None else None
        found = _treated_unlike(study, [apart, again], shown) if apart is not None and again is not None else None
        if found is not None:
            yield found
            return
        if study.site.form not in _CLASSES or shown == 1:
            continue
        run = borrowed(study, setting)
        if run is not None and borrowed(study, other) is not None:
            yield Violation(
                _place_of_first(study),
                f"Every parameter group gets the base rate of the first: with base rates {num(run.base_lrs[0])} and "
                f"{num(run.base_lrs[1])} both groups go to {num(_top(run.lr[1]))}, and changing the second's own base "
                'rate changes nothing. Keep one base rate a group, `[group["lr"] for group in '
                "optimizer.param_groups]`.",
                study.evidence(run, [0, 1, len(run.curve) // 2]),
                # What is no scheduler of torch need not take what torch's schedulers take.
                advice=study.site.form != "subclass" and shown is None,
            )
            return


def _settings(study: Study) -> Iterator[Setting]:
    """The uses that the project shows, the definition by itself, and that again with each rate it may do without."""
    yield from (Setting(use, {}, 0) for use in dict.fromkeys([study.use, None]))
    for name, default, _ in study.constructor:
        if isinstance(default, ast.Constant) and default.value is None and role_of(name) in RATES:
            yield Setting(None, {name: None}, 0)


def _treated_unlike(study: Study, apart: list[Apart], shown: int | None) -> Violation | None:
    one = apart[0]
    run, group = one.run, one.group
    if all(a.late for a in apart):
        since = one.last + 1
        return Violation(
            _place_of_first(study),
            f"Group {group} keeps its full rate {num(run.lr[group][0])} for {_updates(since)}, where the first "
            f"group has {num(run.curve[0])}: the first rates are written to one group only.",
            study.evidence(run, [0, since, since + 1]),
        )
    if all(a.stays for a in apart) and not constant(run.curve):
        if not walks_groups(study) and (shown == 1 or (shown is None and study.site.form == "setter")):
            return None  # one group by construction, as far as anybody can see
        return Violation(
            _place_of_write(study),
            f"Only some parameter groups are written: group {group} stays at {num(run.lr[group][-1])} while the first "
            f"group goes to {num(run.curve[min(len(run.curve) - 1, one.first + 20)])}.",
            study.evidence(run, [0, one.first, one.first + 1]),
            # A class of one's own that names the first group may never see another; torch's protocol knows them all.
            advice=study.site.form == "wrapper" and shown is None and not walks_groups(study),
        )
    if any(isinstance(value, list | tuple) or _ELEMENT.search(path) for path, value in run.leaves.items()):
        return None  # what the code is given may hold a number for each group
    own = all(not a.stays and not a.late and not _depends_on_count(study, a) for a in apart)
    if walks_groups(study) and own and _carried_on(study, one):
        return Violation(
            _place_of_write(study),
            f"Parameter groups with one base rate get different rates: at step {one.first} the first has "
            f"{num(run.curve[one.first])}, group {group} has {num(run.lr[group][one.first])}. What is computed for one "
            "group is carried on to the next.",
            study.evidence(run, [one.first, one.first + 1]),
        )
    return None


def _carried_on(study: Study, apart: Apart) -> bool:
    """Whether a third group is apart from the second too: a first group that is written alone is meant to be."""
    for use in dict.fromkeys([study.use, None]):
        run = study.run(0, use=use, groups=3, base_lrs=apart.run.base_lrs[:1] * 3)
        if run.ran and len(run.lr) == 3 and run.lr[1] != run.lr[2]:
            return True
    return False


def _depends_on_count(study: Study, apart: Apart) -> bool:
    """Whether the first group's own curve depends on how many groups there are: then it is state that is at fault."""
    for use in dict.fromkeys([study.use, None]):
        alone = study.run(0, use=use, groups=1, base_lrs=apart.run.base_lrs[:1])
        several = study.run(0, use=use, groups=3, base_lrs=apart.run.base_lrs)
        if alone.ran and several.ran and alone.curve != several.curve:
            return True
    return False


def _updates(count: int) -> str:
    return "its first update" if count == 1 else f"its first {count} updates"


def _top(rates: list[float]) -> float:
    return max(rates, key=abs)


def _place_of_first(study: Study) -> Span:
    """Where the first group alone is read, or a single rate is given where there are several."""
    for root in study.site.nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == 0:
                statement = study.names.statement_of(node)
                if statement is not None and not hasattr(statement, "body"):
                    return study.span(statement)
    for function in methods(study.node):
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.List) and len(node.value.elts) == 1:
                return study.span(node)
    return _place_of_write(study)


def _place_of_write(study: Study) -> Span:
    for root in study.site.nodes:
        for node in ast.walk(root):
            if is_rate_key(node) and isinstance(getattr(node, "ctx", None), ast.Store):
                statement = study.names.statement_of(node)
                if statement is not None:
                    return study.span(statement)
    return study.span(study.site.writes[-1]) if study.site.writes else study.site.span


__all__ = ["unequal_groups"]
