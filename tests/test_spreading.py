"""Workers: none outlives the run that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

import pytest

from lrfix.spreading import in_pool

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = r"""
import os, sys, time
sys.path.insert(0, {root!r})
from lrfix.spreading import in_pool


def work(batch):
    os.write(1, b"%d\n" % os.getpid())
    time.sleep(600)
    return []


if __name__ == "__main__":
    list(in_pool(list(range(8)), work, 2))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes are left")
def test_no_worker_outlives_a_run_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(root=str(ROOT)), encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        workers = {int(run.stdout.readline()) for _ in range(2)}
        assert len(workers - {run.pid}) == 2
        run.kill()
        deadline = time.monotonic() + 20
        while (left := {pid for pid in workers if alive(pid)}) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in left:
            os.kill(pid, 9)
    assert not left


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_configuration_starts_more_workers_than_a_system_can_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def none(max_workers: int, **_: object) -> None:
        asked.append(max_workers)
        raise OSError

    monkeypatch.setattr(futures, "ProcessPoolExecutor", none)
    with pytest.raises(OSError):
        list(in_pool([], lambda batch: [], 10**9))
    assert asked == [61]
