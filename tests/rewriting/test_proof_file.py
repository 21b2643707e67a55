"""``--proof``: what was proved as tests that torch and pytest run without lrfix."""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main

pytest.importorskip("torch")

SCHEDULE = textwrap.dedent(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, total):
        return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / total))
    """
).lstrip()
SETTER = textwrap.dedent(
    """
    def adjust(optimizer, epoch, args):
        lr = args.lr * (args.gamma ** (epoch // args.every))
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
).lstrip()
#: pytest where nothing of lrfix can be imported.
WITHOUT_LRFIX = (
    "import sys, pytest; sys.modules.update({'lrfix': None}); "
    "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', '.', *sys.argv[1:]]))"
)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lrfix(*arguments: str):
    return CliRunner().invoke(main, ["rewrite", "--device", "cpu", *arguments], catch_exceptions=False)


def test_it_is_one_test_a_file_that_runs_without_lrfix_and_fails_where_the_new_code_is_wrong(python):
    Path("train.py").write_text(SCHEDULE)
    Path("sub").mkdir()
    Path("sub/adjust.py").write_text(SETTER)
    result = lrfix("--proof", "tests", ".")
    assert "proof kept in tests/test_train_rewrite.py" in result.output
    kept = sorted(Path("tests").iterdir())
    assert [path.name for path in kept] == ["test_sub_adjust_rewrite.py", "test_train_rewrite.py"]
    assert Path("train.py").read_text() == SCHEDULE  # nothing else is written without --apply
    for path in kept:
        text = path.read_text()
        assert "import lrfix" not in text and "from lrfix" not in text
        assert "def old_1(optimizer, p):" in text and "def new_1(optimizer, p):" in text
        assert "THE SOFTWARE IS PROVIDED" in text
    assert "max(0.0, 1 - k / values_of_lrfix['total'])" in kept[1].read_text()
    wrong = {
        "step_size=args.every": "step_size=args.every + 1",
        "WarmupLinearLR(optimizer, ": "WarmupLinearLR(optimizer, 1 + ",
    }
    for path, (right, planted) in zip(kept, wrong.items(), strict=True):
        text = path.read_text()
        assert right in text
        Path(f"test_wrong_{path.name}").write_text(text.replace(right, planted))
    done = python(WITHOUT_LRFIX, "--tb=no", "-rfE", *map(str, kept), *(f"test_wrong_{path.name}" for path in kept))
    failed = {line.split("::")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))}
    assert failed == {f"FAILED test_wrong_{path.name}" for path in kept}, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_a_path_that_ends_in_py_is_the_file_itself_and_nobody_elses():
    Path("train.py").write_text(SCHEDULE)
    assert lrfix("--proof", "tests/test_rates.py", "train.py").exit_code == 1
    first = Path("tests/test_rates.py").read_text()
    assert lrfix("--proof", "tests/test_rates.py", "train.py").exit_code == 1
    assert Path("tests/test_rates.py").read_text() == first
    Path("mine.py").write_text("precious = 1\n")
    result = lrfix("--apply", "--proof", "mine.py", "train.py")
    assert result.exit_code == 2 and "was not written by lrfix" in result.output
    assert Path("mine.py").read_text() == "precious = 1\n" and Path("train.py").read_text() == SCHEDULE
    Path("other.py").write_text(SETTER)
    result = lrfix("--proof", "both.py", ".")
    assert result.exit_code == 2 and "name a directory" in result.output and not Path("both.py").exists()


def test_without_verification_there_is_nothing_to_keep():
    Path("train.py").write_text(SCHEDULE)
    result = lrfix("--no-verify", "--proof", "tests", "train.py")
    assert result.exit_code == 2 and not Path("tests").exists()


def test_what_is_not_rewritten_has_no_proof():
    Path("train.py").write_text("lr = 1\n")
    assert lrfix("--proof", "tests", "train.py").exit_code == 0 and not Path("tests").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="such names")
def test_the_name_of_a_file_is_no_code_of_its_proof():
    names = ['"""\nimport os\nos.mkdir("mark")\n"""x.py', "x\udcff\\\x1b.py"]
    for name in names:
        Path(name).write_text(SCHEDULE)
    lrfix("--proof", "tests", ".")
    proofs = list(Path("tests").iterdir())
    assert len(proofs) == 2
    assert all("mkdir" not in ast.dump(node) for path in proofs for node in ast.parse(path.read_text()).body[1:])
