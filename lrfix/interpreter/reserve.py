"""Fuel that several simulations share, so that work is bounded by what it is for and not only run by run."""

from __future__ import annotations

from collections.abc import Hashable

SPENT = "takes more work than lrfix spends on one schedule"


class Reserve:
    """``left`` is fuel (statements, calls and loop turns) that has not been taken yet; what is taken from a reserve is
    taken from its ``parent`` too."""

    def __init__(self, amount: int, parent: Reserve | None = None) -> None:
        self.amount = amount
        self.left = amount
        self.parent = parent
        self.refused = False
        #: What took a whole allowance without an end, and would again: calls into other files, and names of theirs.
        self.endless: set[Hashable] = parent.endless if parent is not None else set()
        #: How many programs ran on it, and the steps that they were taken.
        self.runs = 0
        self.steps = 0

    @property
    def taken(self) -> int:
        return self.amount - self.left

    def take(self, amount: int) -> int:
        """As much of ``amount`` as there is, down to nothing."""
        granted = min(amount, self.left)
        if self.parent is not None:
            granted = self.parent.take(granted)
        self.left -= granted
        self.refused = self.refused or granted < amount
        return granted


__all__ = ["SPENT", "Reserve"]
