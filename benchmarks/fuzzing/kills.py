"""``lrfix rewrite --apply`` killed at random moments: every file is the old one or the new one, and the next run leaves
nothing behind.

    python benchmarks/fuzzing/kills.py [--kills 200] [--seed 0]

Most kills fall anywhere in a whole run, analysis and verification included; every fourth falls into the writing: a
moment after the first file appears in the folder or changes. SIGKILL each time, to the command alone: what it started
has to end by itself. Status 1 where a file was half written, or where something was left behind.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
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
#: How long what the killed command had started may take to be gone, in seconds beyond those of a whole run: what is
#: still loading torch notices once it has.
END_SECONDS = 10.0
#: How long after the first sign of writing the latest kill falls, in seconds.
WRITING_SECONDS = 0.15


def fresh(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


def started(path: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [*COMMAND, str(path)], cwd=ROOT, env=environment, stdout=quiet, stderr=quiet, start_new_session=True
    )


def contents(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        fresh(folder)
        old = contents(folder)
        begun = time.monotonic()
        started(folder).wait()
        whole = time.monotonic() - begun
        new = contents(folder)
        assert new.keys() == old.keys() and all(new[name] != old[name] for name in old), "both files have to change"
        print(f"a whole run takes {whole:.1f} s", file=sys.stderr, flush=True)
        found: Counter[str] = Counter()
        while found["killed"] < options.kills:
            fresh(folder)
            begun = time.monotonic()
            process = started(folder)
            if found["killed"] % 4 == 3:
                while_writing(draw.uniform(0, WRITING_SECONDS))(process, folder)
            else:
                at_time(draw.uniform(0, whole))(process, folder)
            if process.poll() is not None:
                whole = time.monotonic() - begun
                found["ended before"] += 1
                continue
            process.kill()
            process.wait()
            found["killed"] += 1
            state = contents(folder)
            each = ["old" if state.get(n) == old[n] else "new" if state.get(n) == new[n] else "half" for n in old]
            found[each[0] if len(set(each)) == 1 else "half" if "half" in each else "old and new"] += 1
            if state.keys() - old.keys():
                found["temporary files left"] += 1
                (folder / "other.py").write_text("import lr_scheduler\n", encoding="utf-8")
                started(folder / "other.py").wait()
                (folder / "other.py").unlink()
                found["litter after the next run"] += len(contents(folder).keys() - old.keys())
            deadline = time.monotonic() + END_SECONDS + whole
            while (left := of_session(process.pid)) and time.monotonic() < deadline:
                time.sleep(0.05)
            found["processes left"] += len(left)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if found["killed"] % 10 == 0:
                print(dict(found), file=sys.stderr, flush=True)
    print(json.dumps({"seconds of a whole run": round(whole, 1), **dict(sorted(found.items()))}))
    return 1 if found["half"] or found["litter after the next run"] or found["processes left"] else 0


if __name__ == "__main__":
    sys.exit(main())
