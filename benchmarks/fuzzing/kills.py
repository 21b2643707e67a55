"""``lrfix rewrite --apply`` and ``lrfix check`` killed at random moments: every file is the old one or the new one, the
next run leaves nothing behind, and what a check has kept of its results is as good as none or as good as whole.

    python benchmarks/fuzzing/kills.py [--kills 200] [--checks 100] [--seed 0]

Most kills fall anywhere in a whole run, analysis and verification included; every fourth falls into the writing: a
moment after the first file appears in the folder or changes. SIGKILL each time, to the command alone: what it started
has to end by itself. Status 1 where a file was half written, where something was left behind, or where the next check
answers otherwise than the first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "lrfix", "rewrite", "--apply", "--device", "cpu"]
_BUILD = """
def {name}(optimizer, total):
    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
"""
FILES = {
    "schedules.py": "from torch.optim.lr_scheduler import LambdaLR\n\n" + _BUILD.format(name="shared"),
    "train.py": "from torch.optim.lr_scheduler import LambdaLR\n\nfrom schedules import shared\n\n"
    + _BUILD.format(name="build"),
}
CHECK = [sys.executable, "-m", "lrfix", "check", "--exit-zero", "--output-format", "json"]
#: Enough for two workers, each with something to keep.
CHECKED = {f"train_{number}.py": FILES["train.py"].replace("1 - step", f"{number} - step") for number in range(9)}
#: How long what the killed command had started may take to be gone, in seconds beyond those of a whole run: what is
#: still loading torch notices once it has.
END_SECONDS = 10.0
#: How long after the first sign of writing the latest kill falls, in seconds.
WRITING_SECONDS = 0.15


def fresh(folder: Path, files: dict[str, str] = FILES) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def started(path: Path, command: Sequence[str] = COMMAND, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("CI", "LRFIX_NO_CACHE", "LRFIX_CACHE_DIR"):
        environment.pop(name, None)
    return subprocess.Popen(
        [*command, str(path)],
        cwd=path if path.is_dir() else path.parent,
        env=environment,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def contents(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            found[path.name] = path.read_bytes()
    return found


def of_session(session: int) -> list[int]:
    """The processes that are left of a command that began a session of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def at_time(seconds: float) -> Callable[[subprocess.Popen[bytes], Path], None]:
    def wait(process: subprocess.Popen[bytes], folder: Path) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)

    return wait


def while_writing(seconds: float) -> Callable[[subprocess.Popen[bytes], Path], None]:
    def wait(process: subprocess.Popen[bytes], folder: Path) -> None:
        before = {entry.name: entry.stat().st_ino for entry in os.scandir(folder)}
        while process.poll() is None:
            if {entry.name: entry.inode() for entry in os.scandir(folder)} != before:
                time.sleep(seconds)
                return
            time.sleep(0.0005)

    return wait


def caught(process: subprocess.Popen[bytes], found: Counter[str]) -> bool:
    """Kill a command; whether it was still at work, which is counted."""
    running = process.poll() is None
    if running:
        process.kill()
        process.wait()
    found["killed" if running else "ended before"] += 1
    return running


def ended(session: int, seconds: float) -> int:
    """How many processes of a killed command are still there after so long; they are killed then."""
    deadline = time.monotonic() + seconds
    while (left := of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(left)


def kill_rewrites(folder: Path, kills: int, draw: random.Random) -> Counter[str]:
    fresh(folder)
    old = contents(folder)
    begun = time.monotonic()
    started(folder).wait()
    whole = time.monotonic() - begun
    new = contents(folder)
    assert new.keys() == old.keys() and all(new[name] != old[name] for name in old), "both files have to change"
    print(f"a whole run takes {whole:.1f} s", file=sys.stderr, flush=True)
    found: Counter[str] = Counter()
    while found["killed"] < kills:
        fresh(folder)
        begun = time.monotonic()
        process = started(folder)
        if found["killed"] % 4 == 3:
            while_writing(draw.uniform(0, WRITING_SECONDS))(process, folder)
        else:
            at_time(draw.uniform(0, whole))(process, folder)
        if not caught(process, found):
            whole = time.monotonic() - begun
            continue
        state = contents(folder)
        each = ["old" if state.get(n) == old[n] else "new" if state.get(n) == new[n] else "half" for n in old]
        found[each[0] if len(set(each)) == 1 else "half" if "half" in each else "old and new"] += 1
        if state.keys() - old.keys():
            found["temporary files left"] += 1
            (folder / "other.py").write_text("import lr_scheduler\n", encoding="utf-8")
            started(folder / "other.py").wait()
            (folder / "other.py").unlink()
            found["litter after the next run"] += len(contents(folder).keys() - old.keys())
        found["processes left"] += ended(process.pid, END_SECONDS + whole)
        if found["killed"] % 10 == 0:
            print(dict(found), file=sys.stderr, flush=True)
    return found


def kill_checks(folder: Path, kills: int, draw: random.Random) -> Counter[str]:
    def check() -> bytes:
        return started(folder, CHECK, subprocess.PIPE).communicate()[0]

    fresh(folder, CHECKED)
    old = contents(folder)
    begun = time.monotonic()
    first = check()
    whole = time.monotonic() - begun
    assert check() == first
    print(f"a whole check takes {whole:.1f} s", file=sys.stderr, flush=True)
    found: Counter[str] = Counter()
    while found["killed"] < kills:
        fresh(folder, CHECKED)
        begun = time.monotonic()
        process = started(folder, CHECK)
        at_time(draw.uniform(0, whole))(process, folder)
        if not caught(process, found):
            whole = time.monotonic() - begun
            continue
        found["processes left"] += ended(process.pid, END_SECONDS)
        found["with results kept"] += any((folder / ".lrfix_cache").glob("*/*"))
        found["temporary files left"] += len(list(folder.rglob(".lrfix-*")))
        found["another answer"] += check() != first
        found["litter after the next run"] += len(list(folder.rglob(".lrfix-*")))
        found["half"] += contents(folder) != old
        if found["killed"] % 10 == 0:
            print(dict(found), file=sys.stderr, flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--checks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as made:
        for name, kill, kills in (("rewrite", kill_rewrites, options.kills), ("check", kill_checks, options.checks)):
            if not kills:
                continue
            begun = time.monotonic()
            found = kill(Path(made, "project"), kills, random.Random(options.seed))
            seconds = round(time.monotonic() - begun)
            print(json.dumps({"command": name, "seconds": seconds, **dict(sorted(found.items()))}), flush=True)
            bad += sum(found[k] for k in ("half", "litter after the next run", "processes left", "another answer"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
