"""What ``lrfix check`` costs, as ratios of processor time to tools that read the same tree.

    python benchmarks/check_speed.py [--package timm==1.0.9 ...] [--rounds 3] [--json]

The packages are fetched as wheels of the package index, whose files are the same for everybody, and only unpacked:
nothing of them runs. All programs are measured in turn, round after round, by the processor time of their process; a
figure is the median. ``ruff`` has to be installed; what is not is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent.parent
_PACKAGES = ("timm==1.0.9", "transformers==4.46.3", "pytorch-lightning==2.4.0")
_LRFIX = (sys.executable, "-m", "lrfix")
#: What the whole tree and what a single file is compared with.
_READS_ALL, _READS_ONE = "ruff check --select E9", "import libcst"


@dataclass(frozen=True)
class Measurement:
    """Seconds of processor time and MiB of memory at the most, each the median of the rounds."""

    program: str
    seconds: float
    peak: float


def programs(tree: Path) -> dict[str, Sequence[str]]:
    """The commands by their names: on a whole tree, on one file, and what they are compared with."""
    plain, scheduled = tree / "plain.py", tree / "scheduled.py"
    plain.write_text("import torch\n\nprint(torch.__version__)\n", encoding="utf-8")
    scheduled.write_text(
        "from torch.optim.lr_scheduler import LambdaLR\n\n\ndef build(optimizer, total_steps):\n"
        "    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total_steps))\n",
        encoding="utf-8",
    )
    check = (*_LRFIX, "check", "--no-cache", "--exit-zero", "--quiet", "--jobs", "1")
    found: dict[str, Sequence[str]] = {
        "lrfix check": (*check, str(tree)),
        "lrfix check, a file without a schedule": (*check, str(plain)),
        "lrfix check, a file with one": (*check, str(scheduled)),
        "lrfix --version": (*_LRFIX, "--version"),
        _READS_ONE: (sys.executable, "-c", "import libcst"),
        "pass": (sys.executable, "-c", "pass"),
    }
    ruff = shutil.which("ruff", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    if ruff is not None:
        found[_READS_ALL] = (ruff, "check", "--no-cache", "--isolated", "--select", "E9", "--exit-zero", str(tree))
    return found


def measured(commands: Mapping[str, Sequence[str]], rounds: int) -> list[Measurement]:
    """Every command in turn, ``rounds`` times."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(_once(command))
    return [
        Measurement(name, *(statistics.median(column) for column in zip(*figures, strict=True)))
        for name, figures in taken.items()
    ]


def _once(command: Sequence[str]) -> tuple[float, float]:
    process = subprocess.Popen(command, cwd=_HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # bytes there, kilobytes elsewhere
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit


def seconds_of_files(tree: Path) -> list[float]:
    """The processor time of each file that is looked into, in ascending order, in this process."""
    sys.path.insert(0, str(_HERE))
    from lrfix.config import Settings
    from lrfix.discovery import Target, has_schedule_words
    from lrfix.engine import check_file
    from lrfix.registry import load_rules

    settings = Settings(frozenset(load_rules()))
    taken = []
    for path in sorted(tree.rglob("*.py")):
        if has_schedule_words(path.read_bytes()):
            before = time.process_time()
            check_file(Target(str(path), explicit=False), settings)
            taken.append(time.process_time() - before)
    return sorted(taken)


def share(ascending: Sequence[float], part: float) -> float:
    """The least value that ``part`` of all values do not exceed."""
    return ascending[min(int(part * len(ascending)), len(ascending) - 1)]


def ratios(measurements: Sequence[Measurement]) -> dict[str, float]:
    """Processor times of lrfix over those of what reads the same."""
    seconds = {each.program: each.seconds for each in measurements}
    whole = {f"lrfix check : {_READS_ALL}": ("lrfix check", _READS_ALL)}
    single = {f"{name} : {_READS_ONE}": (name, _READS_ONE) for name in seconds if name.startswith("lrfix check, ")}
    start = {"lrfix --version : pass": ("lrfix --version", "pass")}
    asked = {**whole, **single, **start}
    return {words: seconds[a] / seconds[b] for words, (a, b) in asked.items() if a in seconds and b in seconds}


def fetched(packages: Sequence[str], folder: Path) -> Path:
    """The files of some packages, unpacked."""
    wheels, tree = folder / "wheels", folder / "tree"
    tree.mkdir()
    fetch = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest")
    subprocess.run([*fetch, str(wheels), *packages], check=True)
    for wheel in sorted(wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(tree)
    return tree


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", action="append", help=f"default: {', '.join(_PACKAGES)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = fetched(options.package or _PACKAGES, Path(folder))
        # A process starts with the memory of the one that starts it: this one stays small until then.
        found = measured(programs(tree), options.rounds)
        files = seconds_of_files(tree)
    each = {"files": len(files), "p50": share(files, 0.5), "p99": share(files, 0.99), "most": files[-1]}
    if options.json:
        print(json.dumps({"programs": [asdict(m) for m in found], "ratios": ratios(found), "files": each}, indent=1))
        return
    for one in found:
        print(f"{one.seconds:9.3f} s {one.peak:7.0f} MiB  {one.program}")
    for words, ratio in ratios(found).items():
        print(f"{ratio:9.2f}    {words}")
    of_files = f"median {each['p50']:.3f} s, 99 of 100 below {each['p99']:.3f} s, the longest {each['most']:.3f} s"
    print(f"{each['files']} files with words of schedules: {of_files}")


if __name__ == "__main__":
    main()
