"""Schedulers that are told the step, `scheduler.step(epoch + i / batches)`: old and new have to agree there as well,
and not only where they count by themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lrfix.domains.clock import tick_of
from lrfix.names import Assigned, Names
from lrfix.rewriting.liveness import External, done_elsewhere
from lrfix.rewriting.model import Proof
from lrfix.rewriting.slices import Slice
from lrfix.rewriting.users import SCHEDULER, last_name, targets_of
from lrfix.sites.model import ScheduleSite
from lrfix.sites.vocabulary import call_argument, names_position
from lrfix.tracing.library import names_scheduler
from lrfix.verification import Scenario as Values
from lrfix.verification import VerificationRequest
from lrfix.verification.values import Device

#: Where the programs find what to tell: no expression of anyone's.
_STEPS = "steps of lrfix"
WORDS = "where `step()` is told the step"
_MOST = 40
_BETWEEN = (0.25, 0.5, 0.9)
_TELLING = f"""

class ToldScheduler:
    def __init__(self, scheduler, steps):
        self.scheduler = scheduler
        self.steps = steps

    def step(self):
        self.scheduler.step(self.steps.pop(0))


build_untold = build


def build(optimizer, p):
    return ToldScheduler(build_untold(optimizer, p), list(p[{_STEPS!r}]))
"""
_POSITION = r"\w*(?:epoch|step|iter|it|i|t|curr|progress)\w*"


def told_steps(names: Names, site: ScheduleSite, external: External) -> str | None:
    """``whole`` or ``fractional``: what the code is seen to tell the scheduler of a site; None where it tells nothing.

    A class that takes the step itself may be told any.
    """
    told = [kind for node in names.nodes if (kind := _told(names, site, node)) is not None]
    # Only what tells a scheduler a name is searched for what the name was assigned, which takes long.
    assigned = (
        rf"\A(?=[\s\S]*{SCHEDULER}\.step\(\s*[\w(])[\s\S]*?"
        rf"(?<!\w)(\w+)\s*=\s*[^\n]*/(?!/)[\s\S]*{SCHEDULER}\.step\(\s*(?:epoch\s*=\s*)?\1\b"
    )
    fractions = rf"{SCHEDULER}\.step\([^)\n]*/(?!/)[\s\S]*", rf"{assigned}[\s\S]*"
    if any(done_elsewhere(external, pattern) for pattern in fractions):
        told.append("fractional")
    elif done_elsewhere(external, rf"{SCHEDULER}\.step\(\s*(?:epoch\s*=\s*)?{_POSITION}"):
        told.append("whole")
    if isinstance(site.node, ast.ClassDef) and any(map(_takes_step, site.node.body)):
        told.append("whole")
    return min(told, default=None)


def _takes_step(method: ast.stmt) -> bool:
    return isinstance(method, ast.FunctionDef) and method.name == "step" and len(method.args.args) > 1


def _told(names: Names, site: ScheduleSite, node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "step":
        return None
    argument = call_argument(node, 0, "epoch")
    holders = {last_name(target) for c in site.constructions for target in targets_of(names, c.call)}
    holder = last_name(node.func.value)
    if argument is None or not (holder in holders or names_scheduler(holder)):
        return None
    meant = [argument, *_assigned(names, argument)]
    if not any(_is_position(part) for each in meant for part in ast.walk(each)):
        return None  # a metric, say
    divided = any(isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div) for e in meant for part in ast.walk(e))
    return "fractional" if divided else "whole"


def _assigned(names: Names, node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Name):
        yield from (b.value for b in names.bindings(node.id, node) if isinstance(b, Assigned) and not b.index)


def _is_position(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and names_position(node.value)
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    return tick_of(ast.unparse(node)) is not None or names_position(last_name(node))


def told_proof(
    before: Slice, after: Slice, scenarios: Sequence[Values], lasts: Sequence[int], fractional: bool, device: Device
) -> Proof:
    """Old and new, told steps up to the last one of each scenario, and what lies between where it is ``fractional``."""
    told = [_steps(last, fractional) for last in lasts]
    count = max(map(len, told))
    # More are told than are compared: the curves go on beyond their end.
    padded = [[*steps, *[steps[-1]] * (2 * count + 20 - len(steps))] for steps in told]
    given = tuple(
        replace(scenario, values={**scenario.values, _STEPS: steps}, words=WORDS)
        for scenario, steps in zip(scenarios, padded, strict=True)
    )
    old, new = (program.source + _TELLING for program in (before, after))
    request = VerificationRequest(old, new, given, count, "equivalent", device, curves_only=True, old_may_raise=True)
    return Proof(request, WORDS)


def _steps(last: int, fractional: bool) -> list[float]:
    """Steps from 0 to ``last``, in order and then out of it, and what lies between them."""
    whole = sorted({*range(min(last, _MOST) + 1), *(last * share // _MOST for share in range(_MOST + 1))})
    found: list[float] = [*whole]
    if fractional:
        found += [step + part for step in whole if step < last for part in _BETWEEN]
    return [*sorted(found), last // 2, 0, last, min(3, last)]


__all__ = ["told_proof", "told_steps"]
