"""Which numbers of a finding are the user's and which are examples, in words."""

from __future__ import annotations

import re

from lrfix.findings import Evidence, Finding
from lrfix.wording import assigned

_QUOTED = re.compile(r"`[^`]*`")


def told(finding: Finding) -> str:
    """The message for formats that have nothing else: where it speaks of numbers that follow from values that lrfix
    chose, it says so."""
    note = chosen(finding.evidence) if finding.evidence is not None else ""
    if not note or not re.search(r"\d", _QUOTED.sub("", finding.message)):
        return finding.message
    return f"{finding.message} ({note[:1].upper()}{note[1:]}.)"


def chosen(evidence: Evidence) -> str:
    """``example values chosen by lrfix: warmup = 11 (your default: warmup = 100)``; empty where all are the user's."""
    examples = evidence.chosen
    if evidence.base_lr is not None:
        examples = {"the optimizer's lr": evidence.base_lr, **examples}
    if not examples:
        return ""
    own = {name: evidence.stated[name] for name in examples if name in evidence.stated}
    default = f" (your {'defaults' if len(own) > 1 else 'default'}: {assigned(own)})" if own else ""
    return f"example values chosen by lrfix: {assigned(examples)}{default}"


def lines(evidence: Evidence) -> list[str]:
    """What the rates of the evidence were computed with, one line each for the user's values and for examples."""
    examples = evidence.chosen
    own = {name: value for name, value in evidence.scenario.items() if name not in examples}
    found = [f"with your values: {assigned(own)}"] if own else []
    found += [chosen(evidence)] if chosen(evidence) else []
    if evidence.shortened:
        found.append(f"simulated shorter, in proportion: your code has {assigned(evidence.shortened)}")
    return found


__all__ = ["chosen", "lines", "told"]
