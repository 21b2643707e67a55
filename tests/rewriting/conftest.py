"""Rewriting texts in memory: what stands before, what stands after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrfix.rewriting.analyses import Analyses
from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.rewriter import Options, rewrite_sources

Rewrite = Callable[..., FileRewrite]


@pytest.fixture(scope="session")
def analyses() -> Analyses:
    """What the tests of one process found out about the texts that they share."""
    return Analyses()


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
