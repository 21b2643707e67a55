"""What the rules say of one schedule, each asked once: status and report are made of the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lrfix.findings import Severity, Violation
from lrfix.registry import Rule, load_rules


class Verdicts:
    """The answers of rules about one study, remembered with the crash that an answer may have ended in."""

    def __init__(self, study: Any) -> None:
        self.study = study
        self._known: dict[object, tuple[list[Violation], Exception | None]] = {}

    def of(self, rule: Rule) -> Iterator[Violation]:
        """What ``rule`` finds, in its order; raises what the rule raised, after what it had found until then."""
        found, crash = self._answer(rule)
        yield from found
        if crash is not None:
            raise crash

    def _answer(self, rule: Rule) -> tuple[list[Violation], Exception | None]:
        if rule.function not in self._known:
            found: list[Violation] = []
            crash: Exception | None = None
            try:
                found.extend(rule.function(self.study) if rule.function is not None else ())
            except Exception as error:
                crash = error
            self._known[rule.function] = found, crash
        return self._known[rule.function]

    @property
    def faults(self) -> frozenset[str]:
        """The codes of the rules that find something to mend: advice of another kind is left out.

        A rule that crashes finds nothing; the engine reports the crash. Rules that only inform are left out: what they
        say rests on these codes.
        """
        found = set()
        for code, rule in load_rules().items():
            if rule.severity is Severity.INFO:
                continue
            violations, crash = self._answer(rule)
            if crash is None and any(violation.to_mend for violation in violations):
                found.add(code)
        return frozenset(found)


__all__ = ["Verdicts"]
