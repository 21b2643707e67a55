"""What the rules say of one schedule, each asked once: status and report are made of the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lrfix.domains.roles import RATES, Role, role_of
from lrfix.findings import Severity, Violation
from lrfix.registry import Rule, load_rules

#: Rules about how the numbers of a schedule fit together, which drawn numbers need not.
_RELATIONS = frozenset({"LR105", "LR106", *(f"LR2{n:02}" for n in (2, 3, 4, 5, 9, 10, 11, 12, 13, 14))})
#: Rules about rates at certain moments: when a function is asked, and with which lengths, its callers say.
_MOMENTS = frozenset({"LR105", "LR212"})
_ASKED = frozenset({"setter", "function"})
#: What says nothing of how long the phases are.
_BESIDE = RATES | {Role.LOADER_LENGTH}


class Verdicts:
    """The answers of rules about one study, remembered with the crash that an answer may have ended in."""

    def __init__(self, study: Any) -> None:
        self.study = study
        self._known: dict[object, tuple[list[Violation], Exception | None]] = {}
        self._asked: list[Any] = []

    def of(self, rule: Rule) -> Iterator[Violation]:
        """What ``rule`` finds, in its order; raises what the rule raised, after what it had found until then."""
        found, crash = self._answer(rule)
        yield from self._told(rule, found)
        if crash is not None:
            raise crash

    def _told(self, rule: Rule, found: list[Violation]) -> Iterator[Violation]:
        """What a rule found, with the numbers that the code states instead of drawn ones where it finds it so as well.

        Asked when it is reported, after everything else: what the schedule is judged by does not depend on it. Rules
        that only inform speak of the schedule whatever its numbers are.
        """
        for violation in found:
            yield violation if rule.severity is Severity.INFO else self._in_own_numbers(rule, violation)

    def _in_own_numbers(self, rule: Rule, violation: Violation) -> Violation:
        """The same finding with the fewest numbers that are not the author's."""
        from lrfix.experiments.own_numbers import with_own_numbers

        if violation.evidence is None or not violation.evidence.replaced:
            return violation
        told = [violation]
        for study in reversed(with_own_numbers(self.study, violation.evidence)):
            seen = (v for v in self._seen(rule, study) if v.evidence is not None and v.span == violation.span)
            told += [v for v in seen if violation.advice or not v.advice][:1]
        plainest = min(told, key=lambda v: len(v.evidence.replaced) if v.evidence is not None else 0)
        return replace(plainest, advice=violation.advice, mendable=violation.mendable)

    def _seen(self, rule: Rule, study: Any) -> list[Violation]:
        """What a rule finds in another study."""
        assert rule.function is not None
        if (rule.function, study) not in self._known:
            self._known[rule.function, study] = list(rule.function(study)), None
        return self._known[rule.function, study][0]

    def _answer(self, rule: Rule) -> tuple[list[Violation], Exception | None]:
        if rule.function not in self._known:
            found: list[Violation] = []
            crash: Exception | None = None
            try:
                found.extend(rule.function(self.study) if rule.function is not None else ())
            except Exception as error:
                crash = error
            if crash is None and not all(violation.advice for violation in found) and rule.code in _RELATIONS:
                found = self._confirmed(rule, found)
            if found and rule.code in _MOMENTS and self.study.site.form in _ASKED:
                found = list(map(self._left_to_callers, found))
            self._known[rule.function] = found, crash
        return self._known[rule.function]

    def _confirmed(self, rule: Rule, found: list[Violation]) -> list[Violation]:
        """What a rule found, as advice where it finds no fault once all that the code leaves open is drawn otherwise.

        What is stated, or fails in every plausible draw, is found again. One draw has long warmups and rates that all
        differ, the other is as most runs are.
        """
        ordinary = self._ordinary()
        if ordinary is None or rule.function is None:
            return found
        if any(not violation.advice for violation in rule.function(ordinary)):
            return found
        return [replace(violation, advice=True) for violation in found]

    def _left_to_callers(self, violation: Violation) -> Violation:
        """A fault of a function as advice, where lengths that nobody states show it, and no loop in sight counts them.

        torch asks its schedulers for every step from 0 on; who calls a function chooses the lengths and the moments
        together. Of 10 such faults in repositories nobody had tried none was one.
        """
        from lrfix.experiments.extent import extent

        evidence = violation.evidence
        if violation.advice or evidence is None:
            return violation
        drawn = evidence.chosen.keys() - evidence.stated.keys() - evidence.shortened.keys()
        reached = extent(self.study, self.study.runs[0]) if self.study.runs else None
        if all(role_of(name) in _BESIDE for name in drawn) or (reached is not None and reached.counted):
            return violation
        return replace(violation, advice=True, mendable=True)

    def _ordinary(self) -> Any:
        """The study of the same schedule in ordinary runs, made when a fault is first found."""
        from lrfix.experiments.ordinary import ordinarily

        if not self._asked:
            self._asked.append(ordinarily(self.study))
        return self._asked[0]

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
