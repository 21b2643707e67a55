"""docs/schemas: the configuration that lrfix accepts and the JSON that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.config import KEYS
from lrfix.pages import load_pages

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).resolve().parent.parent


def schema(name: str) -> dict:
    read = json.loads((ROOT / "docs/schemas" / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(read)
    return read


def test_the_configuration_has_the_keys_that_lrfix_reads():
    assert set(schema("configuration")["properties"]) == set(KEYS)


@pytest.mark.parametrize(
    ("table", "legal"),
    [
        ({"select": ["LR2", "boundary-jump"], "per-file-ignores": {"a/*.py": ["LR"]}, "torch": "2.7"}, True),
        ({"selct": []}, False),
        ({"torch": 2.7}, False),
        ({"jobs": 0}, False),
    ],
)
def test_it_tells_right_from_wrong(table, legal):
    assert jsonschema.Draft202012Validator(schema("configuration")).is_valid(table) is legal


@pytest.mark.parametrize("curves", [[], ["--curves"]])
def test_what_check_writes_is_as_described(curves, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(load_pages()["LR202"].bad[0].code, encoding="utf-8")
    Path("old.py").write_text("print 'x'  # warmup\n", encoding="utf-8")
    written = CliRunner().invoke(main, ["check", "--output-format", "json", *curves]).stdout
    document = json.loads(written)
    jsonschema.validate(document, schema("output"))
    assert document["findings"] and document["errors"] and document["sites"]
    known = schema("output")["properties"]
    assert set(document) == set(known)
    for part in ("findings", "sites", "errors"):
        assert set(document[part][0]) | {"curve"} == set(known[part]["items"]["properties"]) | {"curve"}
    assert ("curve" in document["sites"][0]) == bool(curves)
    if not curves:
        assert len(written.splitlines()) < 150
