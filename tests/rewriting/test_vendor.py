"""The file of ``--vendor`` over several rewrites."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from lrfix.rewriting.vendor import VendorFile
from lrfix.vendoring import vendored_source


def offered(path: Path) -> list[str]:
    (names,) = (
        ast.literal_eval(n.value)
        for n in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"
    )
    return list(names)


@pytest.mark.parametrize("first", ["WarmupCosineRestartsLR", "warmup_cosine_restarts", "restart_steps"])
def test_what_was_asked_for_before_stays_and_what_that_rests_on_is_not_asked_for(first, tmp_path):
    path = tmp_path / "own.py"
    VendorFile(str(path)).write([first])
    VendorFile(str(path)).write(["WarmupStepLR"])
    assert offered(path) == sorted([first, "WarmupStepLR"])
    assert path.read_text(encoding="utf-8") == vendored_source([first, "WarmupStepLR"])
