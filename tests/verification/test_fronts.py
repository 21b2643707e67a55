"""Every way to have a schedule run goes through the same fence: what may not be run is not, and is told as that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from attempts import planted
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.server import checked
from lrfix.verification import compare

pytest.importorskip("torch")

#: Analysis lets it pass, the check of the text does not.
BODY = "if step < -1:\n    return step.__class__.__subclasses__()"


def lrfix(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.output


def on_the_server(path: str) -> str:
    text, words = checked.rewritten(checked.check(path, Path(path).read_text(encoding="utf-8"), 1))
    assert text is None
    return "\n".join(words)


FRONTS: dict[str, Callable[[str], str]] = {
    "diff": lambda path: lrfix("rewrite", "--diff", "--device", "cpu", path),
    "json": lambda path: lrfix("rewrite", "--output-format", "json", "--apply", "--device", "cpu", path),
    "proof": lambda path: lrfix("rewrite", "--proof", "proof.py", "--device", "cpu", path),
    "the server": on_the_server,
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "train.py"
    found.write_text(planted(BODY, str(tmp_path), str(found), 0), encoding="utf-8")
    return str(found)


@pytest.mark.parametrize("front", FRONTS)
def test_what_may_not_be_run_is_not(front: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[object] = []
    monkeypatch.setattr(compare, "run_requests", lambda requests, *_: run.extend(requests) or [])
    before = Path(path).read_bytes()
    told = FRONTS[front](path)
    assert "may not be run" in told
    assert not run and Path(path).read_bytes() == before and os.listdir(".") == ["train.py"]


def test_nor_is_it_in_a_notebook(path: str) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**cell, "source": Path(path).read_text(encoding="utf-8")}]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    Path("train.ipynb").write_text(text, encoding="utf-8")
    assert "may not be run" in lrfix("rewrite", "--apply", "--device", "cpu", "train.ipynb")
    assert Path("train.ipynb").read_text(encoding="utf-8") == text
