"""What a setting fixes, and which of it a run asked for: two settings that answer alike give the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrfix.interpreter.missing import MISSING


class Overrides(Mapping[str, object]):
    """Values by the user's expressions that notes what it is asked.

    ``asked`` holds the expressions and ``families`` the beginnings of expressions that were looked for, found or not;
    ``whole`` says that somebody looked at everything.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values_by_path = dict(values)
        self.asked: set[str] = set()
        self.families: set[str] = set()
        self.whole = False

    def __getitem__(self, path: str) -> object:
        self.asked.add(path)
        return self.values_by_path[path]

    def __contains__(self, path: object) -> bool:
        if isinstance(path, str):
            self.asked.add(path)
        return path in self.values_by_path

    def __iter__(self) -> Iterator[str]:
        self.whole = True
        return iter(self.values_by_path)

    def __len__(self) -> int:
        self.whole = True
        return len(self.values_by_path)

    def answers_alike(self, others: Mapping[str, object]) -> bool:
        """Whether all that was asked has the same answer in another setting."""
        mine = self.values_by_path
        if self.whole:
            return _told(mine) == _told(others)
        return all(_same(mine.get(path, MISSING), others.get(path, MISSING)) for path in self.asked) and all(
            _told(starting(mine, beginning)) == _told(starting(others, beginning)) for beginning in self.families
        )


def starting(values: Mapping[str, object], beginning: str) -> dict[str, object]:
    """The values of all expressions that begin so."""
    if isinstance(values, Overrides):
        values.families.add(beginning)
        values = values.values_by_path
    return {path: value for path, value in values.items() if path.startswith(beginning)}


def _same(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and repr(one) == repr(other))


def _told(values: Mapping[str, object]) -> str:
    return repr(list(values.items()))


__all__ = ["Overrides", "starting"]
