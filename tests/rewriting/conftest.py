"""Rewriting texts in memory: what stands before, what stands after.

The tests of one process share what costs time and does not change: how a text is analysed and read, and how a request
to the verifying process was answered. Whoever alters any of that gets another text or another request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from lrfix.analysis import SiteAnalysis
from lrfix.rewriting import proposal, rewriter
from lrfix.rewriting.analyses import Analyses
from lrfix.rewriting.model import FileRewrite, Reading
from lrfix.rewriting.proposal import Options
from lrfix.rewriting.readings import readings_of
from lrfix.rewriting.rewriter import rewrite_sources
from lrfix.verification import Verification, VerificationRequest, verify_many

Rewrite = Callable[..., FileRewrite]


@pytest.fixture(scope="session")
def analyses() -> Analyses:
    return Analyses()


@pytest.fixture(scope="session")
def answers() -> dict[str, Verification]:
    return {}


@pytest.fixture(scope="session")
def readings() -> dict[int, list[Reading]]:
    return {}


@pytest.fixture
def exchanged_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler is exchanged or left: no formula in what it asks becomes a call."""
    monkeypatch.setattr(proposal, "ASKED", frozenset())


@pytest.fixture(autouse=True)
def _remembered(
    analyses: Analyses,
    answers: dict[str, Verification],
    readings: dict[int, list[Reading]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def remembering(requests: Sequence[VerificationRequest], unfenced: bool = False) -> tuple[Verification, ...]:
        new = {repr(request): request for request in requests if repr(request) not in answers}
        answers.update(zip(new, verify_many(list(new.values())), strict=True))
        return tuple(answers[repr(request)] for request in requests)

    def read(analysis: SiteAnalysis) -> list[Reading]:
        # `analyses` keeps the analysis, and so its identity, as long as the process lives.
        if id(analysis) not in readings:
            readings[id(analysis)] = readings_of(analysis)
        return readings[id(analysis)]

    monkeypatch.setattr(rewriter, "verify_many", remembering)
    monkeypatch.setattr(proposal, "readings_of", read)
    monkeypatch.setattr(rewriter, "rewrite_sources", partial(rewrite_sources, analyses=analyses))


@pytest.fixture
def rewrite(analyses: Analyses) -> Rewrite:
    """``rewrite(text_or_bytes, external=..., path=..., **options)``; nothing is run unless ``verify=True``."""

    def run(
        content: str | bytes,
        *,
        external: Callable[[str], bool] = lambda name: False,
        path: str = "train.py",
        module: str | None = None,
        **options: Any,
    ) -> FileRewrite:
        raw = content if isinstance(content, bytes) else content.encode()
        options.setdefault("verify", False)
        return rewrite_sources([(path, raw, external, module)], Options(device="cpu", **options), analyses)[0]

    return run
