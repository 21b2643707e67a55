"""What is kept from run to run: the answers are those of a run that keeps nothing, and what cannot have changed is not
looked at again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix import cache, engine
from lrfix.analysis import examine
from lrfix.cli import main
from lrfix.unfinished import begun

ROOT = Path(__file__).resolve().parents[1]
#: Soon looked at, and with schedule words enough to be.
STOCK = "from torch.optim.lr_scheduler import LambdaLR, StepLR\n\nscheduler = StepLR(optimizer, 30)\n"
#: Its verdict is another file's: `lengths` says whether the warmup is none.
BORROWS = """\
from torch.optim.lr_scheduler import LambdaLR

from lengths import WARMUP


def build(optimizer):
    return LambdaLR(optimizer, lambda step: min(1.0, step / WARMUP))
"""
#: A class that a caller in another file builds.
CLASS = """\
class RampScheduler:
    def __init__(self, optimizer, warmup_steps):
        self.optimizer, self.warmup_steps = optimizer, warmup_steps

    def lr_at(self, step):
        return 0.1 * step / self.warmup_steps

    def step(self, step):
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr_at(step)
"""
FEW_RULES = '[tool.lrfix]\nselect = ["LR202", "LR205", "LR209"]\n'
CALLER = "from ramp import RampScheduler\n\nwarmup = {}\nscheduler = RampScheduler(optimizer, warmup)\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that the command runs in, as at a user's."""
    monkeypatch.delenv("LRFIX_NO_CACHE")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(FEW_RULES)
    return tmp_path


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were analysed, one after the other."""
    seen: list[str] = []

    def spying(source, torch, **places):
        seen.append(os.path.basename(source.path))
        return examine(source, torch, **places)

    monkeypatch.setattr(engine, "_analyse", lambda: spying)
    return seen


def check(*options: str, form: str = "json") -> str:
    result = CliRunner().invoke(main, ["check", "--jobs", "1", "--output-format", form, *options, "."])
    assert result.exit_code in (0, 1), result.output
    return result.stdout


def written(**files: str) -> None:
    for name, text in files.items():
        Path(f"{name}.py").write_text(text)


def test_the_output_is_the_same_byte_for_byte(looked_at: list[str]) -> None:
    written(ramp=CLASS, caller=CALLER.format(0), borrows=BORROWS, lengths="WARMUP = 0\n", broken="lr = (\n")
    written(spike=(ROOT / "fixtures/buggy/lr202_spike.py").read_text())
    forms = ("json", "text")
    without = [check("--no-cache", form=form) for form in forms]
    assert not Path(".lrfix_cache").exists()
    cold = check()
    looked_at.clear()
    assert [check(form=form) for form in forms] == without and cold == without[0]
    assert looked_at == []
    # What was kept without an inventory does not take the place of one.
    check("--ignore", "LR101", form="text")
    assert check("--ignore", "LR101") == check("--no-cache", "--ignore", "LR101")


class TestWhatAResultDependsOn:
    """Each change is seen; what it cannot concern is not looked at again."""

    def again(self, looked_at: list[str], *options: str) -> list[str]:
        looked_at.clear()
        found = check(*options)
        seen = sorted(set(looked_at))
        assert found == check("--no-cache", *options)
        return seen

    def test_its_own_content(self, looked_at: list[str]) -> None:
        written(stock=STOCK, other=STOCK)
        check()
        written(stock=STOCK.replace("30", "40"))
        assert self.again(looked_at) == ["stock.py"]

    def test_what_is_selected_and_which_torch_is_meant(self, looked_at: list[str]) -> None:
        written(stock=STOCK)
        check()
        assert self.again(looked_at, "--select", "LR2") == ["stock.py"]
        assert self.again(looked_at) == []
        Path("pyproject.toml").write_text(FEW_RULES + 'torch = "2.4"\n')
        assert self.again(looked_at) == ["stock.py"]
        Path("pyproject.toml").write_text(FEW_RULES + 'torch = "2.4"\nper-file-ignores = {"other.py" = ["LR2"]}\n')
        assert self.again(looked_at) == []

    def test_a_file_that_it_imports_from_changed_gone_and_back(self, looked_at: list[str]) -> None:
        written(borrows=BORROWS, stock=STOCK)
        check()
        written(lengths="WARMUP = 100\n")
        assert self.again(looked_at) == ["borrows.py"]
        written(lengths="WARMUP = 0\n")
        assert self.again(looked_at) == ["borrows.py"]
        Path("lengths.py").unlink()
        assert self.again(looked_at) == ["borrows.py"]
        Path("lengths").mkdir()
        Path("lengths/__init__.py").write_text("WARMUP = 0\n")
        assert self.again(looked_at) == ["borrows.py"]

    def test_a_file_that_may_use_it(self, looked_at: list[str]) -> None:
        written(ramp=CLASS, stock=STOCK)
        check()
        for lengths in (0, 100):
            written(caller=CALLER.format(lengths))
            assert "ramp.py" in self.again(looked_at)
        written(stock=STOCK + "\n")
        assert self.again(looked_at) == ["stock.py"]

    def test_a_hook_on_one_file_and_a_run_over_all_do_not_take_each_other_s_results(self, looked_at: list[str]) -> None:
        written(ramp=CLASS, caller=CALLER.format(100))
        check()
        CliRunner().invoke(main, ["check", "ramp.py"])
        looked_at.clear()
        CliRunner().invoke(main, ["check", "ramp.py"])
        check()
        assert looked_at == []

    def test_where_its_project_begins(self, looked_at: list[str]) -> None:
        Path("inner").mkdir()
        Path("inner/borrows.py").write_text(BORROWS)
        written(lengths="WARMUP = 0\n")
        check()
        Path("inner/setup.py").write_text("")
        assert self.again(looked_at) == ["borrows.py"]

    def test_lrfix_itself(self, looked_at: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        written(stock=STOCK)
        check()
        monkeypatch.setattr(cache, "__version__", "0.0.0")
        assert self.again(looked_at) == ["stock.py"]

    def test_files_that_ended_in_an_error_are_looked_at_again(
        self, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written(stock=STOCK)
        with monkeypatch.context() as patch:
            patch.setattr(engine, "_analyse", lambda: lambda source, torch, **places: 1 // 0)
            CliRunner().invoke(main, ["check", "."])
        assert self.again(looked_at) == ["stock.py"]


class TestEntriesThatAreNone:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda raw: b"",
            lambda raw: raw[:-20],
            lambda raw: raw.replace(b"[3,", b"[2,", 1),
            lambda raw: b"null",
            lambda raw: bytes(raw[::-1]),
        ],
        ids=["empty", "cut", "altered", "something else", "noise"],
    )
    def test_they_are_made_anew(self, looked_at: list[str], spoil: Callable[[bytes], bytes]) -> None:
        written(stock=STOCK)
        first = check()
        (entry,) = entries()
        sound = entry.read_bytes()
        entry.write_bytes(spoil(sound))
        looked_at.clear()
        assert check() == first and looked_at == ["stock.py"]
        assert entry.read_bytes() == sound

    def test_one_of_another_file_is_none_of_this(self, looked_at: list[str]) -> None:
        written(stock=STOCK, ramp=CLASS)
        first = check()
        one, other = entries()
        one.write_bytes(other.read_bytes())
        looked_at.clear()
        assert check() == first and len(looked_at) == 1

    def test_what_a_killed_run_has_left_is_removed_by_the_next(self, looked_at: list[str]) -> None:
        written(stock=STOCK)
        first = check()
        killed, at_work = (begun(".lrfix_cache") for _ in range(2))
        killed[0].close()
        looked_at.clear()
        assert check() == first and looked_at == []
        assert not Path(killed[1]).exists() and Path(at_work[1]).exists()
        at_work[0].close()

    def test_runs_at_the_same_time_agree(self) -> None:
        written(**{f"f{number}": STOCK.replace("30", f"3{number}") for number in range(4)})
        command = [sys.executable, "-m", "lrfix", "check", "--output-format", "json", "."]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(2)]
        outputs = {run.communicate(timeout=120)[0] for run in runs}
        assert outputs == {check("--no-cache").encode()} == {check().encode()}
        assert len(entries()) == 4


def entries() -> list[Path]:
    return sorted(path for path in Path(".lrfix_cache").glob("*/*"))


class TestTheFolder:
    def test_it_is_marked_as_a_cache_and_ignored(self) -> None:
        written(stock=STOCK)
        check()
        folder = Path(".lrfix_cache")
        assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
        assert (folder / ".gitignore").read_text() == "*\n"

    def test_it_lies_in_the_project_whichever_files_are_asked_for(self, tree: Path, monkeypatch) -> None:
        Path("pyproject.toml").write_text("")
        Path("inner").mkdir()
        Path("inner/stock.py").write_text(STOCK)
        monkeypatch.chdir(tree / "inner")
        CliRunner().invoke(main, ["check", "stock.py"])
        monkeypatch.chdir(tree)
        assert [path.name for path in tree.glob("**/.lrfix_cache")] == [".lrfix_cache"] and entries()

    def test_it_is_not_made_where_it_cannot_be_or_may_be_a_stranger_s(self, monkeypatch) -> None:
        written(stock=STOCK)
        with monkeypatch.context() as patch:
            patch.setenv("CI", "true")
            check()
            assert not Path(".lrfix_cache").exists()
            check("--cache-dir", "elsewhere")
            assert Path("elsewhere/CACHEDIR.TAG").exists()
        Path("target").mkdir()
        Path(".lrfix_cache").symlink_to("target")
        check()
        assert list(Path("target").iterdir()) == []
        Path(".lrfix_cache").unlink()
        Path(".lrfix_cache").write_text("a file")
        assert check() == check("--no-cache")

    def test_clean_removes_what_lrfix_has_made_and_nothing_else(self) -> None:
        written(stock=STOCK)
        check()
        for expected in ("removed", "nothing is kept"):
            result = CliRunner().invoke(main, ["clean"])
            assert result.exit_code == 0 and expected in result.output
        assert not Path(".lrfix_cache").exists() and Path("stock.py").exists()
        Path(".lrfix_cache").mkdir()
        Path(".lrfix_cache/precious").write_text("")
        assert "nothing is kept" in CliRunner().invoke(main, ["clean"]).output
        assert Path(".lrfix_cache/precious").exists()

    def test_a_folder_that_holds_other_things_keeps_them_and_gets_no_marks(self) -> None:
        written(stock=STOCK)
        mine = {f"mine/{number}" for number in range(6)}
        for folder in mine:
            Path(folder).mkdir(parents=True)
            Path(folder, "precious").write_text("")
        check("--cache-dir", "mine")
        assert len(found := {str(path) for path in Path("mine").iterdir()} - mine) == 1
        assert "removed" in CliRunner().invoke(main, ["clean", "--cache-dir", "mine"]).output
        assert not Path(*found).exists()
        assert {str(path.parent) for path in Path("mine").rglob("precious")} == mine

    def test_marks_that_lead_elsewhere_are_not_followed(self) -> None:
        written(stock=STOCK)
        Path(".lrfix_cache").mkdir()
        for mark in ("CACHEDIR.TAG", ".gitignore"):
            Path(".lrfix_cache", mark).symlink_to(f"../elsewhere-{mark}")
        check()
        assert entries() and not list(Path().glob("elsewhere*"))

    def test_a_folder_whose_marks_a_killed_run_did_not_finish_gets_them(self) -> None:
        written(stock=STOCK)
        Path(".lrfix_cache").mkdir()
        begun(".lrfix_cache")[0].close()
        check()
        assert {path.name for path in Path(".lrfix_cache").iterdir()} > {"CACHEDIR.TAG", ".gitignore"}

    def test_only_a_few_editions_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written(stock=STOCK)
        for number in range(6):
            monkeypatch.setattr(cache, "__version__", f"0.0.{number}")
            check()
        assert len(list(Path(".lrfix_cache").glob("0.*"))) == 4


def test_statistics_say_how_much_is_of_earlier_runs() -> None:
    written(stock=STOCK, ramp=CLASS)
    options = ("--statistics", "--quiet")
    assert "earlier runs" not in check(*options, form="concise")
    written(stock=STOCK + "\n")
    assert "1  files of these by earlier runs" in check(*options, form="concise")
