"""Who does the work changes nothing: processes, threads, a cluster one of whose workers is killed at it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lrfix import spreading
from lrfix.cache import Cache
from lrfix.cli import main
from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths
from lrfix.output import emit
from lrfix.output.document import Document

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = Settings(selected=frozenset({"LR001", "LR205", "LR209"}))
#: Its verdict is another file's, and each has numbers of its own.
BORROWS = """\
from torch.optim.lr_scheduler import LambdaLR

from lengths import WARMUP


def build(optimizer):
    return LambdaLR(optimizer, lambda step: {peak} * min(1.0, step / WARMUP))  # lrfix: ignore[LR101]
"""
#: Soon looked at.
STOCK = "from torch.optim.lr_scheduler import StepLR\n\nscheduler = StepLR(optimizer, 30)  # lrfix: ignore[LR202]\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "lengths.py").write_text("WARMUP = 0\n")
    (folder / "broken.py").write_text("lr_ = (\n")
    cells = [{"cell_type": "code", "source": BORROWS.format(peak=9), "metadata": {}, "outputs": []}]
    (folder / "train.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    for number in range(10):
        (folder / f"f{number}.py").write_text(STOCK if number % 4 else BORROWS.format(peak=number + 1))
    return folder


@pytest.fixture
def targets(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    """Named as at a user's: relative to where the run is begun."""
    monkeypatch.chdir(project)
    return [Target(path.name) for path in project.iterdir()]


def document(targets: Sequence[Target], **options: Any) -> str:
    out = StringIO()
    emit.report(Document.of(list(check_paths(targets, SETTINGS, **options))), "json", out, curves=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def expected(project: Path) -> str:
    """What one process says of the files, in the order of their names, without a cache."""
    before = os.getcwd()
    os.chdir(project)
    try:
        return document([Target(path.name) for path in sorted(project.iterdir())], jobs=1)
    finally:
        os.chdir(before)


class TestTheSameByteForByte:
    def test_there_is_something_to_say(self, expected: str) -> None:
        said = json.loads(expected)
        assert len({finding["path"] for finding in said["findings"] if finding["code"] == "LR205"}) == 4
        assert [error["path"] for error in said["errors"]] == ["broken.py"]

    def test_any_number_of_processes_and_any_order_of_paths(self, expected: str, targets: list[Target]) -> None:
        assert document(targets[::-1], jobs=2) == expected

    def test_a_cache_that_is_empty_half_full_or_full(self, expected: str, targets: list[Target], tmp_path) -> None:
        cache = Cache.at(str(tmp_path / "cache"))
        document(targets[:5], jobs=1, cache=cache)
        assert [document(targets, jobs=1, cache=cache) for _ in range(2)] == [expected, expected]

    def test_threads(self, expected: str, targets: list[Target]) -> None:
        with ThreadPoolExecutor(3) as threads:
            assert document(targets, executor=threads) == expected

    def test_workers_that_stand_in_another_folder(self, expected: str, targets: list[Target], tmp_path: Path) -> None:
        class Elsewhere(ThreadPoolExecutor):
            def submit(self, function, /, *arguments, **options):
                return super().submit(self._moved, function, *arguments, **options)

            def _moved(self, function, *arguments):
                os.chdir(tmp_path)
                return function(*arguments)

        with Elsewhere(1) as threads:
            assert document(targets, executor=threads) == expected


class TestWorkThatIsNotDone:
    @pytest.mark.parametrize("where", ["submit", "result"])
    def test_whatever_an_executor_raises_is_an_error_of_its_files_and_stops_nothing(
        self, targets: list[Target], where: str
    ) -> None:
        class Unwilling(ThreadPoolExecutor):
            def submit(self, function, /, *arguments, **options):
                if "f3.py" not in str(arguments):
                    return super().submit(function, *arguments, **options)
                if where == "submit":
                    raise RuntimeError("the queue is full")
                return super().submit(self._refuse)

            def _refuse(self):
                raise RuntimeError("the queue is full")

        with Unwilling(1) as executor:
            results = list(check_paths(targets, SETTINGS, executor=executor))
        lost = [error for result in results for error in result.errors if error.kind == "internal"]
        assert sorted(result.path for result in results) == sorted(target.path for target in targets)
        assert "f3.py" in {error.path for error in lost} and len(lost) <= 4
        assert {error.message for error in lost} == {"no worker could do it: RuntimeError: the queue is full"}

    def test_a_worker_with_another_lrfix_says_so(self, targets: list[Target], monkeypatch: pytest.MonkeyPatch) -> None:
        class Older(ThreadPoolExecutor):
            def submit(self, function, /, *arguments, **options):
                return super().submit(self._as_another, function, *arguments)

            def _as_another(self, function, *arguments):
                monkeypatch.setattr(spreading, "__version__", "0.0.1")
                return function(*arguments)

        with Older(1) as executor:
            results = list(check_paths(targets, SETTINGS, executor=executor))
        said = {error.message for result in results for error in result.errors if error.kind == "internal"}
        assert any("the worker runs lrfix 0.0.1" in message for message in said)


class TestTheOption:
    def run(self, *options: str) -> Result:
        return CliRunner().invoke(main, ["check", *options])

    @pytest.mark.parametrize("name", ["dask", "dask://", "dask://host", "ray://host:1", "tcp://host:1"])
    def test_a_name_that_means_nothing_is_bad_usage(self, name: str) -> None:
        result = self.run("--executor", name)
        assert result.exit_code == 2
        assert f"'{name}' is no executor; there are processes and dask://HOST:PORT" in result.stderr

    def test_processes_are_not_counted_elsewhere(self) -> None:
        result = self.run("--executor", "dask://127.0.0.1:1", "--jobs", "2")
        assert result.exit_code == 2 and "--jobs counts processes of this machine" in result.stderr

    def test_the_extra_is_named_where_it_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "distributed", None)
        result = self.run("--executor", "dask://127.0.0.1:1")
        assert result.exit_code == 2 and 'pip install "lrfix[dask]"' in result.stderr


class TestThePage:
    """docs/cluster.md, done as it says."""

    def blocks(self) -> list[str]:
        return re.findall(r"```python\n(.*?)```", (ROOT / "docs/cluster.md").read_text(encoding="utf-8"), re.DOTALL)

    def test_any_executor_of_one_s_own_reports(
        self, targets: list[Target], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Ray's part is played by threads; the page's own lines are what runs."""
        threads = ThreadPoolExecutor(2)

        class Remote:
            def __init__(self, function):
                self._function = function

            def remote(self, *arguments):
                return SimpleNamespace(future=lambda: threads.submit(self._function, *arguments))

        monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=lambda: None, remote=lambda **_: Remote))
        monkeypatch.setattr(sys, "argv", ["check_with_ray.py", "f0.py", "f1.py"])
        report, ray, *_ = self.blocks()
        exec(report + ray, {})
        said = json.loads(capsys.readouterr().out)
        assert "f0.py" in {finding["path"] for finding in said["findings"]} and said["files"]["seen"] == 2

    def test_the_driver_of_many_repositories_holds_a_window_of_them(self) -> None:
        asked: list[str] = []

        def check(name: str) -> bytes:
            if name == "3":
                raise OSError("gone")
            return name.encode()

        def repositories() -> Iterator[str]:
            for number in range(20):
                asked.append(str(number))
                yield str(number)

        names: dict[str, Any] = {}
        exec(self.blocks()[-1], names)
        answered: dict[str, object] = {}
        with ThreadPoolExecutor(2) as executor:
            for name, answer in names["answers"](executor, check, repositories(), 4):
                assert name not in answered and len(asked) - len(answered) <= 4
                answered[name] = answer
        assert isinstance(answered.pop("3"), OSError)
        assert answered == {str(n): str(n).encode() for n in range(20) if n != 3}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="the extra dask")
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        running.wait_for_workers()
        yield running
    finally:
        running.close()


class Cluster:
    """A scheduler and two workers, each a process of its own that stands in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contact = folder / "scheduler.json"
        alone = ["--host", "127.0.0.1", "--scheduler-file", str(self._contact)]
        scheduler = self._started("dask_scheduler", *alone, "--port", "0", "--no-dashboard")
        self.workers = [
            self._started("dask_worker", *alone, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", str(name))
            for name in range(2)
        ]
        self._processes = [scheduler, *self.workers]

    def _started(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_for_workers(self) -> None:
        from distributed import Client

        until(self._contact.exists)
        self.address = json.loads(self._contact.read_text())["address"].removeprefix("tcp://")
        self.client = Client(f"tcp://{self.address}", set_as_default=False)
        self.client.wait_for_workers(2, timeout=60)
        self._addresses = {pid: address for address, pid in self.client.run(os.getpid).items()}

    def held_by(self, worker: int) -> int:
        """How much of the work lies with a worker."""
        return len(self.client.processing().get(self._addresses[self.workers[worker].pid], ()))

    def close(self) -> None:
        if hasattr(self, "client"):
            self.client.close()
        for process in self._processes:
            process.kill()
            process.wait()


def until(happens: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
class TestDask:
    """In this order: the cluster has two workers, and then one."""

    def check(self, cluster: Cluster) -> str:
        select = ",".join(sorted(SETTINGS.selected))
        options = ["--executor", f"dask://{cluster.address}", "--select", select, "--output-format", "json", "--curves"]
        result = CliRunner().invoke(main, ["check", "--no-cache", *options, "."])
        assert result.exit_code == 1, result.output
        return result.stdout

    def test_the_command_says_what_one_process_says(
        self, cluster: Cluster, expected: str, targets: list[Target]
    ) -> None:
        assert self.check(cluster) == expected

    def test_nothing_is_lost_and_nothing_said_twice_where_a_worker_is_killed_at_work(
        self, cluster: Cluster, expected: str, targets: list[Target]
    ) -> None:
        from distributed import Client

        victim = cluster.workers[0]
        said: list[str] = []

        def work(executor: Executor) -> None:
            said.append(document(targets, executor=executor))

        with Client(f"tcp://{cluster.address}", set_as_default=False) as client:
            os.kill(victim.pid, signal.SIGSTOP)  # so that it is seen to hold work, and has not done it
            working = threading.Thread(target=work, args=(client.get_executor(pure=False),))
            working.start()
            until(lambda: cluster.held_by(0) > 0 and cluster.held_by(1) == 0)
            assert working.is_alive()
            victim.kill()
            working.join(60)
        assert said == [expected]
        assert len(cluster.client.nthreads()) == 1

    def test_a_scheduler_that_does_not_answer_is_named(
        self, cluster: Cluster, targets: list[Target], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from lrfix import executors

        monkeypatch.setattr(executors, "_SECONDS_TO_CONNECT", 0.2)
        result = CliRunner().invoke(main, ["check", "--executor", "dask://127.0.0.1:9", "."])
        assert result.exit_code == 2 and "no Dask scheduler answers at 127.0.0.1:9" in result.stderr
