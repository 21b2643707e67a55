"""What a curve owes to the rates that are given: the base rates of the optimizer, and the rates that the code names.

Rates are the one dimension in which every schedule is simple: whatever its form, doubling a rate must double what
follows it, once. A rate that counts twice quadruples the curve; one that counts not at all leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lrfix.domains.roles import RATES, Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, all_real
from lrfix.sites.model import Construction

_CLOSE = 1e-6
#: The share of the moving steps that must agree: at the others a floor or a start of its own may decide.
_MOST = 0.3
_ENOUGH = 60
_FAR = 40
#: Code that asks for another rate at each step has a table, and no formula with so many rates.
_MOST_NAMED = 12


@dataclass(frozen=True)
class Doubled:
    """One run before and after a rate was doubled. ``what`` says which."""

    what: str
    before: Run
    after: Run

    @property
    def counts_twice(self) -> bool:
        """Whether the curve is four times as high at its peak, and more than twice as high at a good part of its steps.

        Where the decay goes down to a floor that is a number, or one that counts once, it grows the less the further
        down it is.
        """
        pairs = [(a, b) for a, b in zip(self.before.curve, self.after.curve, strict=False) if a > 0]
        if not pairs:
            return False
        agree = [(a, b) for a, b in pairs if abs(b / a - 4) <= 4 * _CLOSE]
        more = [(a, b) for a, b in pairs if b / a / (1 + _CLOSE) > 2 and b / a <= 4 * (1 + _CLOSE)]
        return max(pairs)[0] == max(agree, default=(0.0, 0.0))[0] and len(more) >= _MOST * len(pairs)

    @property
    def stays(self) -> bool:
        """Whether the curve is the same."""
        pairs = zip(self.before.curve, self.after.curve, strict=False)
        return all(abs(a - b) <= 1e-12 * max(abs(a), abs(b)) for a, b in pairs)


def sound(run: Run) -> bool:
    """Whether a run gave real rates to its end, or failed far on: past the end of a decay that turns complex there."""
    far = run.failure is None or len(run.curve) >= _FAR
    return run.ran and far and bool(run.curve) and all_real(run.curve)


def own_rates_doubled(study: Study, index: int, use: Construction | None) -> Doubled | None:
    """The optimizer's own base rates doubled, and nothing else."""
    plain = study.run(index, use=use)
    if not sound(plain) or not plain.base_lrs:
        return None
    doubled = tuple(2 * rate for rate in plain.base_lrs)
    after = study.run(index, use=use, base_lrs=doubled, steps=_past_the_peak(plain))
    return Doubled("", plain, after) if sound(after) else None


def _past_the_peak(run: Run) -> int:
    """How long to run again with another rate: the peak and a good part of its surroundings decide."""
    return min(len(run.curve), max(_ENOUGH, highest(run.curve) + _ENOUGH // 2))


def named_rates(run: Run, *also: str) -> list[str]:
    """The free expressions of a run that are rates by their names, and those of ``also``."""
    return [
        path
        for path, value in run.leaves.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and value > 0
        and (role_of(path) in RATES or path in also)
    ]


def named_rate_doubled(study: Study, index: int, use: Construction | None, path: str) -> Doubled | None:
    """A rate that the code names, doubled wherever it is used: in the optimizer too, where that is built with it."""
    before = study.run(index, use=use)
    value = before.leaves.get(path)
    if not sound(before) or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    after = study.run(index, use=use, overrides={path: 2 * value}, steps=_past_the_peak(before))
    return Doubled(path, before, after) if sound(after) else None


def rate_for_rate(study: Study, index: int, use: Construction | None, *also: str) -> Iterator[Doubled]:
    """Every rate doubled, one at a time: the optimizer's own, then those that the code names."""
    own = own_rates_doubled(study, index, use)
    if own is not None:
        yield own
    for path in named_rates(study.run(index, use=use), *also)[:_MOST_NAMED]:
        named = named_rate_doubled(study, index, use, path)
        if named is not None:
            yield named


def knows_no_rate(study: Study, index: int, use: Construction | None) -> bool:
    """Whether no rate, neither the optimizer's own nor one that the code names, has any effect on the curve."""
    if study.site.form == "function":
        told = [named_rate_doubled(study, index, use, path) for path in named_rates(study.run(index, use=use))]
        return all(doubled is not None and doubled.stays for doubled in told)
    own = list(rate_for_rate(study, index, use))
    return bool(own) and all(doubled.stays for doubled in own)


def factors(run: Run, multiplied: bool) -> list[float]:
    """What the function of a LambdaLR returned at each step; ``multiplied``: of a MultiplicativeLR, from step 1 on."""
    if multiplied:
        return [after / before if before else 0.0 for before, after in pairwise(run.curve)]
    return [rate / run.base_lrs[0] for rate in run.curve]


def peaks(run: Run) -> list[str]:
    """The base and peak rates by name that the factors of a run reach, and that tell from 1 and the base rate."""
    top = max(map(abs, run.curve)) / run.base_lrs[0]
    return [
        path
        for path, value in run.leaves.items()
        if role_of(path) in (Role.BASE_RATE, Role.PEAK)
        and isinstance(value, float)
        and value not in (1.0, run.base_lrs[0])
        and abs(top - value) <= 1e-9 * value
    ]


def highest(curve: Sequence[float]) -> int:
    return max(range(len(curve)), key=lambda k: abs(curve[k]))


__all__ = [
    "Doubled",
    "factors",
    "highest",
    "knows_no_rate",
    "named_rate_doubled",
    "own_rates_doubled",
    "peaks",
    "rate_for_rate",
    "sound",
]
