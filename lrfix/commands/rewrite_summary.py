"""What the proofs of one rewritten schedule showed, in few words: what the report and its JSON say alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrfix.verification import ScenarioOutcome, Verification
from lrfix.verification.compare import TOLERANCE
from lrfix.wording import num


@dataclass(frozen=True)
class Summary:
    """``settings`` were run, in ``apart`` of them the rates differ while training lasts; ``largest`` is the largest
    difference as a share of the peak. ``resume`` and ``weights`` are None where they were not looked at; ``weights``
    is else the largest relative difference after a short training, 0 where they are bit-equal. ``caveats`` say where
    old and new are not the same without being less equal for it. ``handover`` says what becomes of a checkpoint of the
    old code, "" where it goes on; None where that was not tried."""

    settings: int
    apart: int
    largest: float
    resume: bool | None
    weights: float | None
    devices: tuple[str, ...]
    torch: str | None
    caveats: tuple[str, ...]
    handover: str | None = None

    @property
    def words(self) -> str:
        said = (
            f"{self.apart} of {_settings(self.settings)} differ"
            if self.apart
            else (f"no difference in {_settings(self.settings)}")
        )
        parts = [said]
        if not self.apart:
            parts.append(f"rates within {num(self.largest)} of the peak" if self.largest else "rates bit-equal")
        if self.resume:
            parts.append("resumed runs bit-equal")
        if self.handover == "":
            parts.append("old checkpoints go on")
        if self.weights is not None:
            parts.append(f"weights within {self.weights:.1g}" if self.weights else "weights bit-equal")
        parts += [*self.devices, *([f"torch {self.torch}"] if self.torch else [])]
        return ", ".join(parts)


def summary(verifications: Sequence[Verification]) -> Summary:
    outcomes = [outcome for verification in verifications for outcome in verification.scenarios]
    compared = [outcome.largest.relative for outcome in outcomes if outcome.largest is not None]
    resumes = [o.new_resume.exact for o in outcomes if o.new_resume.exact is not None]
    trained = [o for o in outcomes if o.weights_equal is not None]
    handed = next((o.handover for o in outcomes if o.handover is not None), None)
    told = [f"a checkpoint of the old code {handed}"] if handed else []
    noted = dict.fromkeys(note for verification in verifications for note in verification.notes)
    return Summary(
        settings=len(outcomes),
        apart=sum(relative > TOLERANCE for relative in compared),
        largest=max(compared, default=0.0),
        resume=all(resumes) if resumes else None,
        weights=_weights(trained),
        devices=tuple(dict.fromkeys(device for v in verifications for device in v.devices)),
        torch=next((v.torch_version for v in verifications if v.torch_version), None),
        caveats=(*_raising(outcomes), *_parting(outcomes), *noted, *told),
        handover=handed,
    )


def _weights(trained: Sequence[ScenarioOutcome]) -> float | None:
    if not trained:
        return None
    return max(0.0 if outcome.weights_equal else outcome.weights_apart or 0.0 for outcome in trained)


def _raising(outcomes: Sequence[ScenarioOutcome]) -> list[str]:
    found = [o for o in outcomes if o.old_error is not None and o.new_error is None and o.scenario.words]
    if not found:
        return []
    more = f"; so it does in {_settings(len(found) - 1, 'more')}" if len(found) > 1 else ""
    return [f"{found[0].scenario.words} only the old version raises, at {found[0].old_error}{more}"]


def _parting(outcomes: Sequence[ScenarioOutcome]) -> list[str]:
    parted = [outcome for outcome in outcomes if outcome.beyond is not None]
    if not parted:
        return []
    first = parted[0]
    assert first.beyond is not None
    step, group = first.beyond.step, first.beyond.group
    before, after = first.old_curve[step][group], first.new_curve[step][group]
    return [
        f"past the end of training they part in {_settings(len(parted))}: "
        f"{first.scenario.words}{', ' if first.scenario.words else ''}{num(before)} before and {num(after)} after "
        f"at step {step}"
    ]


def _settings(number: int, more: str = "") -> str:
    return f"{number} {more + ' ' if more else ''}setting{'' if number == 1 else 's'}"


__all__ = ["Summary", "summary"]
