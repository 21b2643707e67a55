"""What every form looks like once it is built."""

from __future__ import annotations

from typing import Any, Protocol


class Running(Protocol):
    """A schedule that was built. ``scheduler`` is its object, None where it has none."""

    scheduler: Any

    def rates(self, step: int) -> list[Any]:
        """The rate of every group at ``step``; asked for 0, 1, 2 ... in order."""

    def jump(self, step: int) -> None:
        """Go to just before ``step`` at once, where the form can; raises Opaque where it cannot."""
