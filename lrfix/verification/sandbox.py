"""Fences around a program while it runs: restricted builtins and imports, an audit hook, limits of the process.

``lock_down`` cannot be undone. Everything that the process still needs (torch, open streams) must be there before.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lrfix.verification.allowed import ATTRIBUTE_BUILTINS, MODULES, SAFE_BUILTINS, words

ADDRESS_SPACE = 4 << 30
"""Bytes of address space that programs may take beyond what the process held when it was locked."""

# Whatever is not named here is refused: an event of a later Python is a closed door, not an open one.
_HARMLESS_EVENTS = words(
    """
    compile exec marshal.loads code.__new__ function.__new__ object.__getattr__ object.__setattr__ object.__delattr__
    sys._getframe sys._getframemodulename sys._current_frames sys.unraisablehook sys.excepthook builtins.id
    array.__new__ gc.get_objects gc.get_referrers gc.get_referents pickle.find_class time.sleep
    """
)
# Torch and Python load parts of themselves late; these parts reach outside and stay out.
_LATE_PACKAGES = frozenset({"torch", "numpy", "lrfix"})
_REFUSED_LATE = words(
    """
    ctypes _ctypes socket _socket _socketio ssl _ssl subprocess _posixsubprocess multiprocessing asyncio http urllib
    ftplib smtplib mmap pty fcntl webbrowser antigravity
    """
)


class RefusedByFence(OSError):
    """A program asked for something outside its process."""


class Fence:
    """The audit hook, once closed, and what it refused since the last ``forget``."""

    def __init__(self) -> None:
        self.closed = False
        self.refused: list[str] = []
        self._library = tuple(
            sorted({os.path.realpath(path) + os.sep for path in sys.path if path and os.path.isdir(path)})
        )

    def close(self) -> None:
        sys.addaudithook(self._hook)
        self.closed = True

    def forget(self) -> None:
        self.refused.clear()

    def _hook(self, event: str, arguments: Sequence[Any]) -> None:
        if not self.closed or event in _HARMLESS_EVENTS:
            return
        if event == "import":
            top = str(arguments[0]).partition(".")[0]
            if top in _LATE_PACKAGES or (top in sys.stdlib_module_names and top not in _REFUSED_LATE):
                return
        elif event == "open":
            if self._is_library_source(arguments[0], arguments[1], arguments[2]):
                return
        elif event == "os.listdir" and self._is_library(arguments[0]):
            return
        what = f"{event} {arguments[0]!r}" if arguments else event
        self.refused.append(what[:200])
        raise RefusedByFence(f"a schedule may not do this: {what[:200]}")

    def _is_library(self, path: Any) -> bool:
        return isinstance(path, str) and (os.path.realpath(path) + os.sep).startswith(self._library)

    def _is_library_source(self, path: Any, mode: Any, flags: Any) -> bool:
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        return (
            self._is_library(path)
            and str(path).endswith((".py", ".pyc", ".so", ".pyd"))
            and mode in (None, "r", "rb")
            and not (isinstance(flags, int) and flags & writing)
        )


def limit_process(cuda: bool) -> None:
    """No files written, no core files, few files open, a bound on memory. A CUDA context opens devices late and
    reserves address space without end: with ``cuda`` there is no bound on memory. Nothing happens where the system has
    no limits."""
    try:
        import resource
    except ImportError:
        return
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, 1024 if cuda else 64)
    held = _address_space_held()
    if not cuda and held is not None:
        _lower(resource.RLIMIT_AS, held + ADDRESS_SPACE)


def limit_cpu_seconds(more: float) -> None:
    """Let the process use ``more`` seconds of processor time from now on; beyond that the system ends it."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(usage.ru_utime + usage.ru_stime + more) + 1
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _lower(limit: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, value))


def _address_space_held() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def silence_warnings() -> None:
    """Showing a warning reads source files; here nobody would see it."""
    warnings.showwarning = _ignore
    warnings.simplefilter("ignore")


def _ignore(*_arguments: Any, **_named: Any) -> None:
    return None


def import_allowed_modules() -> None:
    """Load every module that a program may import, so that none has to be found later."""
    for name in MODULES:
        with contextlib.suppress(Exception):  # the program that needs it will say so
            importlib.import_module(name)


def program_builtins() -> dict[str, Any]:
    """The builtins a program sees: the allow-list, and an import that gives allow-listed modules alone."""
    names = {name: getattr(builtins, name) for name in SAFE_BUILTINS | ATTRIBUTE_BUILTINS}
    names["__build_class__"] = builtins.__build_class__
    names["__import__"] = _import_allowed
    return names


def _import_allowed(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    if level or (name not in MODULES and name != "__future__"):
        raise RefusedByFence(f"a schedule may not import {name}")
    return importlib.__import__(name, globals, locals, fromlist or (), 0)
