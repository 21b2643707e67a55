"""Rewriting texts in memory: what stands before, what stands after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrfix.rewriting.model import FileRewrite
from lrfix.rewriting.rewriter import Options, rewrite_sources

Rewrite = Callable[..., FileRewrite]


@pytest.fixture
def rewrite() -> Rewrite:
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
        return rewrite_sources([(path, raw, external, module)], Options(device="cpu", **options))[0]

    return run
