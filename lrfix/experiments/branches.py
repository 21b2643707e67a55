"""One construction for all sides of a setting: what each side was recognised as, its arguments chosen by the setting.

A warmup that is ``"constant"`` or ``"linear"`` by a parameter is one schedule with a mode; a floor that a flag turns
off is one argument with two values.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lrfix.experiments.recognised import recognised, up_to_the_end
from lrfix.experiments.study import Study, usable
from lrfix.trees import walk

if TYPE_CHECKING:
    from lrfix.recognition import ScheduleSpec

ANOTHER = "another"
"""A text that no code compares a setting with: it leads to the last ``else``."""
_MOST_SIDES = 5
_TEXT_METHODS = frozenset({"lower", "upper", "strip", "casefold"})
_DEFAULTS = {
    "warmup_steps": "0", "warmup_start_factor": "0.0", "warmup_start_lr": "0.0", "warmup_mode": '"linear"',
    "warmup_progress": '"k/W"', "decay_progress": '"k/D"', "warmup_cycles": '"first"', "peak_factor": "1.0",
    "eta_min": "0.0", "eta_min_ratio": "0.0", "eta_min_factor": "0.0", "T_mult": "1", "cycle_decay": "1.0",
    "power": "1.0", "num_cycles": "0.5",
}  # fmt: skip
_ONE_OF = (
    ("eta_min", "eta_min_ratio", "eta_min_factor"),
    ("warmup_start_factor", "warmup_start_lr"),
    ("eta_max", "peak_factor"),
)


def joined(study: Study, spec: ScheduleSpec, texts: Mapping[str, Sequence[str]], flags: Sequence[str]) -> ScheduleSpec:
    """``spec`` with the arguments that a setting chooses, where all sides of the setting are schedules of one kind.

    ``texts`` are what the code compares a setting with, ``flags`` the settings that are true or false.
    """
    for path, values in texts.items():
        if path in study.settings and not _changed_first(study, path):
            spec = _over(study, spec, path, [*values, ANOTHER]) or spec
    for path in flags:
        spec = _over(study, spec, path, [True, False]) or spec
    return spec


def _over(study: Study, spec: ScheduleSpec, path: str, values: Sequence[object]) -> ScheduleSpec | None:
    sides: dict[object, ScheduleSpec] = {}
    for value in values[: _MOST_SIDES + 1]:
        side = study
        if not _is_so(study, path, value):
            side = Study(study.source, study.names, study.site, {**study.settings, path: value}, study.by_itself)
            side.laboratory, side.groups = study.laboratory, study.groups
        if not usable(side.run(0, use=side.described_by)):
            continue  # a value that the code refuses
        found = recognised(side)
        if found is not None and found.spec is None:
            found = up_to_the_end(side)
        if found is None or found.spec is None:
            return None
        sides[value] = found.spec
    if len(sides) < 2 or len(values) > _MOST_SIDES + 1:
        return None
    return _joined(path, _of_one_kind(sides))


def _is_so(study: Study, path: str, value: object) -> bool:
    """Whether a setting has a value already: by the study's own settings, by its default, or as it was drawn."""
    stated = {name: getattr(default, "value", None) for name, default, _ in study.constructor}
    known = study.settings.get(path, study.run(0, use=study.described_by).leaves.get(path, stated.get(path)))
    return type(known) is type(value) and known == value


def _of_one_kind(sides: Mapping[object, ScheduleSpec]) -> dict[object, ScheduleSpec]:
    """A line is a polynomial of power 1 beside others."""
    kinds = {side.scheduler for side in sides.values()}
    if kinds != {"WarmupLinearLR", "WarmupPolynomialLR"}:
        return dict(sides)
    from lrfix.recognition import ScheduleSpec

    return {value: ScheduleSpec("WarmupPolynomialLR", (), side.arguments) for value, side in sides.items()}


def _joined(path: str, sides: Mapping[object, ScheduleSpec]) -> ScheduleSpec | None:
    from lrfix.recognition.model import construction

    kinds = {side.scheduler for side in sides.values()}
    if len(kinds) > 1:
        return None
    given = {value: side.arguments for value, side in sides.items()}
    arguments: dict[str, str] = {}
    for name in dict.fromkeys(name for each in given.values() for name in each):
        told = {value: text for value, each in given.items() if (text := _argument(each, name)) is not _OPEN}
        if None in told.values():
            return None
        arguments[name] = _chosen(path, {value: str(text) for value, text in told.items()})
    if any(sum(name in arguments for name in names) > 1 for names in _ONE_OF):
        return None
    return construction(kinds.pop(), arguments)


_OPEN = "open"


def _argument(given: Mapping[str, str], name: str) -> str | None:
    """The text of an argument; its default where it is not given, ``open`` where no value of it matters."""
    if name in given:
        return given[name]
    if name.startswith("warmup_") and name != "warmup_cycles" and "warmup_steps" not in given:
        return "0" if name == "warmup_steps" else _OPEN
    if name == "warmup_progress" and given.get("warmup_mode") == '"constant"':
        return _OPEN
    return _DEFAULTS.get(name)


def _chosen(path: str, told: Mapping[object, str]) -> str:
    """The expression that gives each value of a setting its text."""
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    if all(text == f'"{value}"' for value, text in told.items()):
        return path  # the author's words are the argument's own
    if set(told) <= {True, False}:
        return f"{told[True]} if {path} else {told[False]}"
    groups: dict[str, list[object]] = {}
    for value, text in told.items():
        groups.setdefault(text, []).append(value)
    rest = told[ANOTHER] if ANOTHER in told else next(reversed(groups))
    tests = ((text, _test(path, values)) for text, values in groups.items() if text != rest)
    return "".join(f"{text} if {test} else " for text, test in tests) + rest


def _test(path: str, values: Sequence[object]) -> str:
    quoted = [f'"{value}"' for value in values]
    return f"{path} == {quoted[0]}" if len(quoted) == 1 else f"{path} in ({', '.join(quoted)})"


def _changed_first(study: Study, path: str) -> bool:
    """Whether the code compares something made of a setting, ``mode.lower()``: then it has more names than these."""
    last = path.rpartition(".")[2]
    return any(
        isinstance(n, ast.Attribute) and n.attr in _TEXT_METHODS and ast.unparse(n.value).rpartition(".")[2] == last
        for n in _nodes(study)
    )


def _nodes(study: Study) -> Iterator[ast.AST]:
    for node in study.site.nodes:
        yield from walk(node)


__all__ = ["ANOTHER", "joined"]
