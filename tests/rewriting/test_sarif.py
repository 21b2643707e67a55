"""``lrfix rewrite --output-format sarif``: who applies the fixes has, byte for byte, what ``--apply`` writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner, Result
from sarif_schema import SCHEMA

from lrfix.cli import main
from lrfix.pages import load_pages
from lrfix.source import parse_source

jsonschema = pytest.importorskip("jsonschema")
UNVERIFIED = ("--no-verify", "--unverified")

#: Four repairs: of two calls that are alike, of the order of steps between them, and of a formula beside.
REPAIRABLE = """\
# é
import torch


def build(model, epochs, batches):
\toptimizer, \u03b1 = torch.optim.SGD(model.parameters(), lr=0.1), "\U0001d6fc"
\tscheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30, verbose=True)
\tfor epoch in range(epochs):
\t\tscheduler.step()
\t\tfor batch in batches:
\t\t\tmodel(batch).backward()
\t\t\toptimizer.step()
\treturn "é", torch.optim.lr_scheduler.StepLR(optimizer, 30, verbose=True), \u03b1


def get_lr(step, lr, warmup=0):
\treturn lr * min(1.0, (step + 1) / (warmup))
"""
DIVIDING = "def get_lr(step, lr, warmup=0):\n    return lr * min(1.0, (step + 1) / (warmup))\n"
SOUND = """\
import math
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, warmup, total):
    def factor(step):
        if step < warmup:
            return step / warmup
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        return 0.5 * (1 + math.cos(math.pi * done))

    return LambdaLR(optimizer, factor)
"""


def lrfix(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def results_of(*arguments: str) -> list[dict]:
    """The results of a run whose document is valid."""
    told = lrfix(*arguments, "--output-format", "sarif")
    document = json.loads(told.stdout)
    jsonschema.validate(document, SCHEMA)
    (run,) = document["runs"]
    assert run["columnKind"] == "unicodeCodePoints" and run["newlineSequences"] == ["\r\n", "\n", "\r"]
    return run["results"]


def changed(text: str, replacements: list[dict]) -> str:
    """What a reader of SARIF makes of a text: lines end at the document's line breaks, columns count characters."""
    starts = [0, *(match.end() for match in re.finditer("\r\n|\n|\r", text))]
    edits = []
    for each in replacements:
        region = each["deletedRegion"]
        start, end = (starts[region[f"{at}Line"] - 1] + region[f"{at}Column"] - 1 for at in ("start", "end"))
        edits.append((start, end, each.get("insertedContent", {"text": ""})["text"]))
    in_turn = text
    for start, end, new in edits:
        in_turn = in_turn[:start] + new + in_turn[end:]
    last_first = text
    for start, end, new in sorted(edits, reverse=True):
        last_first = last_first[:start] + new + last_first[end:]
    assert in_turn == last_first
    return in_turn


def fixed(results: list[dict]) -> dict[str, bytes]:
    """The content of every file after all fixes, each taken once."""
    fixes = {json.dumps(fix["artifactChanges"]): fix["artifactChanges"] for each in results for fix in each["fixes"]}
    edits: dict[str, list[dict]] = {}
    for change in (change for fix in fixes.values() for change in fix):
        edits.setdefault(unquote(change["artifactLocation"]["uri"]), []).extend(change["replacements"])
    return {path: as_bytes(path, sorted(each, key=place, reverse=True)) for path, each in edits.items()}


def place(replacement: dict) -> tuple[int, int]:
    return replacement["deletedRegion"]["startLine"], replacement["deletedRegion"]["startColumn"]


def as_bytes(path: str, replacements: list[dict]) -> bytes:
    raw = Path(path).read_bytes()
    if path.endswith(".ipynb"):
        return changed(raw.decode(), replacements).encode()
    source = parse_source(raw, path)
    return source.encoded(changed(source.text, replacements))


def of_check(*paths: str) -> list[tuple]:
    return [known(each) for each in results_of("check", *paths)]


def known(result: dict) -> tuple:
    """What makes two results the same to code scanning."""
    where = result["locations"][0]["physicalLocation"]
    return result["ruleId"], str(where), result["partialFingerprints"]["lrfix/v1"], result["message"]["text"]


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_repairs_are_applied_together_and_each_alone():
    raw = REPAIRABLE.replace("\n", "\r\n").encode()
    Path("a b.py").write_bytes(raw)
    results = results_of("rewrite", "--repair", "a b.py")
    assert [each["ruleId"] for each in results] == ["LR305", "LR301", "LR305", "LR205"]
    assert {known(each) for each in results} <= set(of_check("a b.py"))
    after = fixed(results)
    assert len({json.dumps(each["fixes"]) for each in results}) == len(results)
    (fix,) = results[-1]["fixes"]
    assert fix["description"]["text"].endswith("; no rate changes")
    (change,) = fix["artifactChanges"]
    assert as_bytes("a b.py", change["replacements"]) == raw.replace(b"/ (warmup)", b"/ max(1, warmup)")
    assert lrfix("rewrite", "--repair", "--apply", "a b.py").exit_code == 0
    assert after == {"a b.py": Path("a b.py").read_bytes()} and after["a b.py"] != raw


def test_a_rewrite_is_told_as_the_finding_it_settles():
    pytest.importorskip("torch")
    Path("train.py").write_bytes(b"\xef\xbb\xbf" + f"# é\n{SOUND}".replace("\n", "\r\n").encode())
    (result,) = results_of("rewrite", *UNVERIFIED, "train.py")
    assert known(result) in of_check("train.py") and result["ruleId"] == "LR401"
    text = result["fixes"][0]["description"]["text"]
    assert "-> WarmupCosineLR" in text and "not verified" in text
    after = fixed([result])
    assert lrfix("rewrite", "--apply", *UNVERIFIED, "train.py").exit_code == 0
    assert after == {"train.py": Path("train.py").read_bytes()}


def test_rewrites_of_one_file_are_one_fix():
    pytest.importorskip("torch")
    other = SOUND.partition("\n\n\n")[2].replace("build", "other")
    Path("train.py").write_text(f"{SOUND}\n\n{other}")
    results = results_of("rewrite", *UNVERIFIED, "train.py")
    assert len(results) == 2 and len({known(each) for each in results}) == 2
    assert results[0]["fixes"][0]["artifactChanges"] == results[1]["fixes"][0]["artifactChanges"]
    assert all("Together with the other change of this file" in str(each["fixes"]) for each in results)
    after = fixed(results)
    assert lrfix("rewrite", "--apply", *UNVERIFIED, "train.py").exit_code == 0
    assert after == {"train.py": Path("train.py").read_bytes()}


def test_files_that_belong_together_are_one_fix():
    Path("rates.py").write_text(DIVIDING)
    Path("main.py").write_text(
        "import torch\nfrom rates import get_lr\n\n\ndef build(optimizer):\n"
        "    return torch.optim.lr_scheduler.StepLR(optimizer, 30, verbose=True)\n"
    )
    results = results_of("rewrite", "--repair", "main.py", "rates.py")
    assert [each["ruleId"] for each in results] == ["LR305", "LR205"]
    assert all(len(fix["artifactChanges"]) == 2 for each in results for fix in each["fixes"])
    after = fixed(results)
    assert lrfix("rewrite", "--repair", "--apply", "main.py", "rates.py").exit_code == 0
    assert after == {path: Path(path).read_bytes() for path in ("main.py", "rates.py")}


def test_of_a_notebook_the_lines_of_its_file_are_changed():
    nbformat = pytest.importorskip("nbformat")
    first, _, rest = load_pages()["LR202"].bad[0].code.replace("  # LR202", "").partition("\n\n\n")
    cells = [nbformat.v4.new_code_cell(f"!pip install é\n{first}"), nbformat.v4.new_code_cell(f"%%time\n{rest}")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), "train.ipynb")
    (result,) = results_of("rewrite", "--repair", "train.ipynb")
    assert known(result) in of_check("train.ipynb")
    after = fixed([result])
    assert lrfix("rewrite", "--repair", "--apply", "train.ipynb").exit_code == 0
    assert after == {"train.ipynb": Path("train.ipynb").read_bytes()}


def test_it_is_a_dry_run_with_its_status():
    Path("train.py").write_text(DIVIDING)
    assert lrfix("rewrite", "--repair", "--output-format", "sarif", "train.py").exit_code == 1
    assert Path("train.py").read_text() == DIVIDING
    for option in (("--apply",), ("--vendor", "v.py")):
        refused = lrfix("rewrite", "--output-format", "sarif", *option, "train.py")
        assert refused.exit_code == 2 and option[0] in refused.output


def test_what_cannot_be_read_is_a_notification_and_nothing_to_do_is_no_result():
    Path("old.py").write_text("print 'warmup'\n")
    document = json.loads(lrfix("rewrite", "--repair", "--output-format", "sarif", "old.py").stdout)
    jsonschema.validate(document, SCHEMA)
    (run,) = document["runs"]
    assert run["results"] == []
    assert run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"] == "syntax"
