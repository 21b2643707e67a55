"""The promises of the bundled schedules, checked on the torch and the device at hand, without pytest or mpmath."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from lrfix.proof.cases import Tally
from lrfix.proof.cost import cheap
from lrfix.proof.curves import accurate, equal_to_torch, restarts_are_found
from lrfix.proof.edges import no_surprises
from lrfix.proof.resume import resume_is_exact
from lrfix.proof.state import state_is_plain
from lrfix.proof.tensors import tensors_in_place

#: Name -> its check: tries cases on a device, and returns in words what the worst of them was.
PROMISES: dict[str, Callable[[Tally, torch.device], str]] = {
    "resume is exact": resume_is_exact,
    "within 5 ulp of the exact value, monotone, exact ends": accurate,
    "every restart is found": restarts_are_found,
    "equal to torch where torch is right": equal_to_torch,
    "tensor rates are filled in place": tensors_in_place,
    "the state is plain data": state_is_plain,
    "no surprises: warnings, edges, late groups, errors": no_surprises,
    "step() costs no more than LambdaLR's, to half a microsecond": cheap,
}


@dataclass(frozen=True)
class PromiseResult:
    """What came of one promise: number and name, how many cases were tried, the worst in words, whether it held."""

    number: int
    name: str
    cases: int
    worst: str
    ok: bool


def run_proof(device: str = "cpu", on_progress: Callable[[int, str], None] | None = None) -> Iterator[PromiseResult]:
    """Checks every promise with optimizers on ``device`` ("cpu", "cuda", ...); some ten seconds for all.

    ``on_progress`` is told number and name of each promise before its check; its result comes after it.
    """
    for number, (name, promise) in enumerate(PROMISES.items(), start=1):
        if on_progress is not None:
            on_progress(number, name)
        tally = Tally()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                worst = promise(tally, torch.device(device))
            except Exception as error:
                # One broken promise must not hide the others.
                tally.check(False, f"{type(error).__name__}: {error}")
                worst = ""
        yield PromiseResult(number, name, tally.cases, tally.failure or worst, not tally.failure)


def usable_device(wanted: str) -> str:
    """ "auto" as "cuda" where torch sees a GPU, else "cpu"; LookupError for a "cuda" that is not there."""
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise LookupError("torch sees no CUDA device; use --device cpu")
    return ("cuda" if present else "cpu") if wanted == "auto" else wanted


def surroundings(device: str) -> str:
    """The version of torch and the device, for people."""
    return f"torch {torch.__version__} on {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}"
