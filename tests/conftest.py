"""The same cases in every run (``pytest --hypothesis-profile=explore`` looks for new ones), and findings of source text
as ``lrfix check`` gives them."""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import lru_cache

import asking
import pytest
from hypothesis import settings
from remembering import remembering
from warm_server import WarmServers

from lrfix import engine
from lrfix.cli import COLLECTED
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import Finding, Severity, Violation
from lrfix.registry import load_rules
from lrfix.verification import process

# Under CI nothing is run without the kernel's fences, which a container may lack; the tests that are about it set it.
os.environ.pop("CI", None)
# What a test changes in lrfix is no part of what a result is kept under; the tests of the cache do without this.
os.environ["LRFIX_NO_CACHE"] = "1"
# Hundreds of processes of lrfix's own are started: where nothing may be kept, each of them compiles it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Seldom the whole heap: it holds what all tests share, and each text's own goes with the text.
gc.set_threshold(*COLLECTED[:2], 10)
# What a random search finds must not turn somebody else's run red: it becomes a case of its own first.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")


@lru_cache(maxsize=4)
def _findings(source: str) -> tuple[Finding, ...]:
    settings = Settings(selected=frozenset(load_rules()), described=False)
    result = check_source(textwrap.dedent(source).encode(), "train.py", settings)
    assert result.errors == ()
    return result.findings


@lru_cache(maxsize=4)
def _judged(source: str) -> tuple[Finding, ...]:
    """The same without ``SOUND``, which most tests are not about."""
    settings = Settings(selected=frozenset(load_rules()).difference(asking.SOUND), described=False)
    result = check_source(textwrap.dedent(source).encode(), "train.py", settings, analyse=asking.unrecognised)
    assert result.errors == ()
    return result.findings


#: The first customer's whole way, with servers as users start them.
OWN_SERVERS = {"test_first_customer.py"}
#: What is about how often a text is analysed, or in which process.
OWN_ANALYSES = {"test_cache.py", "test_engine.py", "test_executors.py", "test_first_customer.py", "test_judging.py"}

#: Files of few tests that take long: begun first, so that no worker is left alone with one of them at the end.
BEGUN_FIRST = (
    "test_first_customer.py",
    "test_isolation.py",
    "test_attempts.py",
    "test_fixtures.py",
    "test_pairs.py",
    "test_benchmarks.py",
    "test_precommit.py",
)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):  # pytest-xdist would begin the files of many tests first
        config.option.loadscopereorder = False


def pytest_collection_finish() -> None:
    # Ten thousand tests and torch stay to the end: they are not what a collection has to go through each time.
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in BEGUN_FIRST)


@pytest.fixture(scope="session")
def _warm_servers() -> Iterator[WarmServers]:
    servers = WarmServers()
    yield servers
    servers.close()


FORKS = sys.platform == "linux" and importlib.util.find_spec("torch") is not None


@pytest.fixture(scope="session")
def python(_warm_servers: WarmServers) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``python(program, *arguments)`` runs a program that needs torch, in a process of its own."""

    def started(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    return _warm_servers.run if FORKS else started


@pytest.fixture(scope="module", autouse=True)
def _texts_are_analysed_once(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.path.name not in OWN_ANALYSES:
            patch.setattr(engine, "_analyse", lambda: remembering)
        yield


@pytest.fixture(scope="module", autouse=True)
def _proofs_start_soon(request: pytest.FixtureRequest, _warm_servers: WarmServers) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if FORKS and request.path.name not in OWN_SERVERS:
            patch.setattr(process, "subprocess", _warm_servers)
        yield


def _check(source: str) -> list[Finding]:
    return [finding for finding in _judged(source) if finding.severity is not Severity.INFO]


@pytest.fixture
def check() -> Callable[[str], list[Finding]]:
    """What is reported on a source text, in the order of the text."""
    return _check


@pytest.fixture
def findings() -> Callable[[str], tuple[Finding, ...]]:
    """Everything that is said of a source text, advice included."""
    return _findings


@pytest.fixture
def advice() -> Callable[[str], list[Finding]]:
    """What is told with severity info, LR401 and LR402 left out."""
    return lambda source: [f for f in _judged(source) if f.severity is Severity.INFO]


@pytest.fixture
def handrolled() -> Callable[[str], list[str]]:
    """The messages of LR401 and LR402."""
    return lambda source: [f.message for f in _findings(source) if f.code in asking.SOUND]


@pytest.fixture
def codes() -> Callable[[str], list[str]]:
    """The codes alone."""
    return lambda source: [finding.code for finding in _check(source)]


@pytest.fixture
def asked() -> Callable[[str, str], list[Violation]]:
    """What one rule says of a source text, the other rules unasked: much sooner than ``check``."""
    return asking.asked
