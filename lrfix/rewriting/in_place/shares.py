"""Positions that are a share of the run: `frac_done` goes from 0 to 1, and what it decides ends at 1."""

from __future__ import annotations

import ast
from dataclasses import replace

from lrfix.domains.clock import Tick, tick_of
from lrfix.domains.roles import Role, role_of
from lrfix.names import Argument, Names
from lrfix.recognition import Sample
from lrfix.rewriting.in_place.calls import LENGTH_ARGUMENTS, Call
from lrfix.sites.vocabulary import words

WHOLE = "steps_of_lrfix"
"""In how many steps a run is walked whose position is a share of it."""
LENGTHS = (61, 79, 97, 113)
SHARES = tuple(k / 48 for k in range(73))
"""Positions that are asked for where the run goes from 0 to 1: half a run past its end too."""
_WORDS = frozenset({"frac", "fraction", "progress", "share", "portion"})


def is_share(names: Names, step: str, node: ast.expr) -> bool:
    """Whether a position may be a share: by its name, or because it is declared to be no whole number."""
    if tick_of(step) is Tick.PROGRESS or names_share(step):
        return True
    bindings = names.bindings(node.id, node) if isinstance(node, ast.Name) and node in names.parents else []
    return any(isinstance(b, Argument) and _annotation(b, step) == "float" for b in bindings)


def names_share(step: str) -> bool:
    spoken = words(step)
    return bool(_WORDS & set(spoken)) and (role_of(step) is Role.UNKNOWN or "of" in spoken)


def _annotation(binding: Argument, name: str) -> str | None:
    if not isinstance(binding.function, ast.FunctionDef):
        return None
    taken = binding.function.args
    everything = (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)
    return next((ast.unparse(a.annotation) for a in everything if a.arg == name and a.annotation is not None), None)


def held_at_one(sample: Sample) -> Sample:
    """A curve that stays where it is once the run is over."""
    whole = sample.names[WHOLE]
    assert isinstance(whole, int)
    kept = sample.lr[: whole + 1]
    return replace(sample, lr=(*kept, *[kept[-1]] * (len(sample.lr) - len(kept))))


def in_shares(call: Call) -> Call | None:
    """A call whose length is ``WHOLE`` steps as one of the share of them; None where it counts steps elsewhere."""
    lengths = {name: text for name, text in call.arguments.items() if name in LENGTH_ARGUMENTS}
    rest = [text for name, text in call.arguments.items() if name not in lengths]
    if lengths != {"total_steps": WHOLE} or any(WHOLE in text or "/D" in text or "/(" in text for text in rest):
        return None
    return replace(call, arguments={**call.arguments, "total_steps": "1"})


__all__ = ["LENGTHS", "SHARES", "WHOLE", "held_at_one", "in_shares", "is_share", "names_share"]
