"""torch's own schedulers as a file builds them, each run as the schedule that it is.

They are no sites: nobody wrote their formula. What is wrong with the numbers that they are built with shows in the
curve all the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, role_of
from lrfix.experiments.extent import is_part
from lrfix.experiments.study import Study
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.stock import TORCH, given
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS, optimizer_call, torch_scheduler

_MOST = 12
_BUILT: WeakKeyDictionary[Study, list[Study]] = WeakKeyDictionary()


def stock_studies(study: Study) -> list[Study]:
    """A study of each of torch's schedulers that the file of ``study`` builds by itself, the first dozen of them."""
    if study not in _BUILT:
        _BUILT[study] = list(_built(study))[:_MOST]
    return _BUILT[study]


def arguments(study: Study) -> dict[str, ast.expr]:
    """What the construction of a stock scheduler is given, by parameter."""
    return dict(given(study.names, study.site.constructions[0].call))


def empty_lengths(study: Study) -> list[str]:
    """The lengths that a construction states as 0."""
    found = arguments(study).items()
    return [name for name, value in found if role_of(name) in LENGTHS and _is_zero(literal(value))]


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _built(study: Study) -> Iterator[Study]:
    names = study.names
    for call in names.nodes:
        base = torch_scheduler(names, call.func) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or base is None or base not in TORCH or base in FACTOR_SCHEDULERS:
            continue
        statement, optimizer = names.statement_of(call), given(names, call).get("optimizer")
        if statement is None or optimizer is None or any(isinstance(a, ast.Starred) for a in call.args):
            continue
        construction = Construction(call, optimizer, optimizer_call(names, optimizer))
        span = study.source.span(call)
        site = ScheduleSite("composition", base, base, (statement,), span, constructions=(construction,))
        built = Study(study.source, names, site)
        if not is_part(built, construction):
            yield built


__all__ = ["arguments", "empty_lengths", "stock_studies"]
