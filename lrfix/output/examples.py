"""Which numbers of a finding are the user's and which are examples, in words."""

from __future__ import annotations

import re

from lrfix.findings import Evidence, Finding
from lrfix.wording import assigned, num

_QUOTED = re.compile(r"`[^`]*`")


def told(finding: Finding) -> str:
    """The message for formats that have nothing else: where it speaks of numbers that follow from values that lrfix
    chose or lengths that it shortened, it says so."""
    evidence = finding.evidence
    notes = [note for note in (shorter(evidence), chosen(evidence)) if note] if evidence is not None else []
    if not notes or not re.search(r"\d", _QUOTED.sub("", finding.message)):
        return finding.message
    note = "; ".join(notes)
    return f"{finding.message} ({note[:1].upper()}{note[1:]}.)"


def chosen(evidence: Evidence) -> str:
    """``example values chosen by lrfix: warmup = 11 (your default: warmup = 100)``; empty where all are the user's."""
    examples = evidence.chosen
    if evidence.base_lr is not None:
        examples = {"the optimizer's lr": evidence.base_lr, **examples}
    if not examples:
        return ""
    own = evidence.replaced
    default = f" (your {'defaults' if len(own) > 1 else 'default'}: {assigned(own)})" if own else ""
    return f"example values chosen by lrfix: {assigned(examples)}{default}"


def shorter(evidence: Evidence) -> str:
    """``with your lengths, simulated shorter in proportion: warmup = 31 for 2000``; empty where none was shortened."""
    lengths = [
        f"{assigned({name: evidence.scenario[name]})} for {num(stated)}"
        for name, stated in evidence.shortened.items()
        if name in evidence.scenario
    ]
    return f"with your lengths, simulated shorter in proportion: {', '.join(lengths)}" if lengths else ""


def lines(evidence: Evidence) -> list[str]:
    """What the rates of the evidence were computed with, one line each for the user's values and for examples."""
    others = {*evidence.chosen, *evidence.shortened}
    own = {name: value for name, value in evidence.scenario.items() if name not in others}
    found = [f"with your values: {assigned(own)}" if own else "", shorter(evidence), chosen(evidence)]
    return [line for line in found if line]


__all__ = ["chosen", "lines", "shorter", "told"]
