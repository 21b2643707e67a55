"""What a run takes for true of the values that the code leaves open: once taken, it is never taken back.

Each belief is about one value: that a test holds of it, or does not. Whether another test holds of the same value is
asked of samples: those values that agree with all that is believed so far. Where they are of one mind, the beliefs
decide; so ``sched in ("step", "cosine")`` makes ``sched == "plateau"`` false, and ``warmup > 0`` makes ``warmup`` true.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

#: Beyond it no number is put between two others.
_LARGEST = 10**15
#: So many texts are looked for in one value at once, in every order.
_MOST_FRAGMENTS = 4


@dataclass(frozen=True)
class Test:
    """``holds`` of a value or not, TypeError where it cannot be asked.

    ``constants`` are what it compares with, ``fragments`` are the texts that it looks for in the value.
    """

    holds: Callable[[Any], bool]
    constants: tuple[Hashable, ...] = ()
    fragments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A test of one value, which ``subject`` tells apart from all others."""

    subject: Hashable
    test: Test


@dataclass(frozen=True)
class _Belief:
    test: Test
    side: bool
    at: int
    #: Whether it followed from those before it, and was no choice.
    follows: bool = False

    def allows(self, value: Any) -> bool:
        try:
            return bool(self.test.holds(value)) is self.side
        except TypeError:
            return False


TRUE = Test(bool)


class Beliefs:
    """What one run believes, and where it first had to."""

    def __init__(self) -> None:
        self._about: dict[Hashable, list[_Belief]] = {}
        #: The last question and its answer: a branch asks it several times.
        self._last: tuple[Hashable, Test, int] | None = None
        self._told: bool | None = None

    def answer(self, question: Question) -> bool | None:
        """What follows from what is believed; None where it leaves the question open."""
        beliefs = self._about.get(question.subject)
        if not beliefs:
            return None
        asked = (question.subject, question.test, len(beliefs))
        if asked != self._last:
            self._last, self._told = asked, _answer(beliefs, question.test)
        return self._told

    def allow(self, subject: Hashable, value: Any) -> bool:
        """Whether a value may be the one that a run believes something about."""
        return all(belief.allows(value) for belief in self._about.get(subject, ()))

    def believe(self, question: Question, side: bool, at: int) -> None:
        """Take the answer to be ``side`` from now on, by the choice made at the node ``at``."""
        answer = self.answer(question)
        if answer is not None and answer is not side:
            self._about[question.subject] = []
            self._last = None
        beliefs = self._about.setdefault(question.subject, [])
        # What follows today is written down too: a value that is compared with later must not open it again.
        if answer is not side or not any(belief.at == at for belief in beliefs):
            beliefs.append(_Belief(question.test, side, at, answer is side))

    def choices_behind(self, question: Question) -> list[int]:
        """The nodes at which what decides a question came to be believed; none where it is open."""
        if self.answer(question) is None:
            return []
        chosen = [belief for belief in self._about[question.subject] if not belief.follows]
        alone = next((belief.at for belief in chosen if _answer([belief], question.test) is not None), None)
        return [alone] if alone is not None else [belief.at for belief in chosen]


def _answer(beliefs: list[_Belief], test: Test) -> bool | None:
    tests = [test, *(belief.test for belief in beliefs)]
    found: bool | None = None
    for value in _samples(tests):
        if all(belief.allows(value) for belief in beliefs):
            for answer in _asked(test, value):
                if found is not None and answer is not found:
                    return None
                found = answer
    return found


def _asked(test: Test, value: Any) -> Iterator[bool]:
    try:
        yield bool(test.holds(value))
    except TypeError:
        return


def _samples(tests: Iterable[Test]) -> Iterator[Any]:
    """A value of each kind that the tests can tell apart."""
    constants = dict.fromkeys(constant for test in tests for constant in test.constants)
    fragments = list(dict.fromkeys(fragment for test in tests for fragment in test.fragments))[:_MOST_FRAGMENTS]
    yield from constants
    texts = [text for text in constants if isinstance(text, str)]
    yield from dict.fromkeys(each for text in texts for each in (text.lower(), text.upper()))
    yield from (None, True, False, "", "another text", _Other())
    numbers = sorted({0, *(n for n in constants if isinstance(n, int | float) and abs(n) < _LARGEST)})
    yield from numbers
    yield from (low + (high - low) / 2 for low, high in itertools.pairwise(numbers))
    yield from (numbers[0] - 1, numbers[-1] + 1)
    for together in range(1, len(fragments) + 1):
        for text in map("+".join, itertools.permutations(fragments, together)):
            yield from (text, f"{text}+", f"+{text}", f"+{text}+")


class _Other:
    """A value that equals nothing that a file writes down."""


__all__ = ["TRUE", "Beliefs", "Question", "Test"]
