"""Fences of Python around a program while it runs: restricted builtins and imports, and an audit hook.

They cannot be undone, and they are for good messages: what they miss, the kernel stops (``kernel``). Everything that
the process still needs (torch, open streams) must be there before.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import os
import sys
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lrfix.verification.allowed import ATTRIBUTE_BUILTINS, MODULES, SAFE_BUILTINS, words

# Whatever is named nowhere is refused: an event of a later Python is a closed door, not an open one.
_HARMLESS_EVENTS = words("sys.unraisablehook sys.excepthook builtins.id array.__new__ time.sleep")
# Events that hand out frames, code or objects, or make code: only these modules of the library may cause them.
_FRAMES = words("collections typing enum warnings lrfix.verification.experiments")
_OF_LIBRARIES = {
    "sys._getframe": _FRAMES,
    "sys._getframemodulename": _FRAMES,
    "object.__setattr__": words("collections typing enum functools"),
    "object.__getattr__": words("lrfix.verification.experiments"),
    "compile": words("collections lrfix.verification.experiments lrfix.verification.sandbox"),
    "exec": words("collections importlib._bootstrap importlib._bootstrap_external lrfix.verification.experiments"),
    "marshal.loads": words("importlib._bootstrap_external"),
}
# Torch and Python load parts of themselves late; these parts reach outside and stay out.
_LATE_PACKAGES = frozenset({"torch", "numpy", "lrfix"})
_REFUSED_LATE = words(
    """
    ctypes _ctypes socket _socket _socketio ssl _ssl subprocess _posixsubprocess multiprocessing asyncio http urllib
    ftplib smtplib mmap pty fcntl webbrowser antigravity gc
    """
)
_MOST_TEXT = 200
_OWN_DICT = "__lrfix_own_dict__"  # a name that no program may use
_NAME = vars(type)["__name__"]  # of a class, whatever its metaclass says


class RefusedByFence(OSError):
    """A program asked for something outside its process."""


def close_fence(libraries: Sequence[str]) -> Callable[[], tuple[str, ...]]:
    """Close the fence, and return a function that says what it refused since. ``libraries`` may be read.

    Nothing of the fence is an attribute of anything: its state lies in variables that only its own code has.
    """
    refused: list[str] = []
    below = tuple(sorted(os.path.realpath(path) + os.sep for path in libraries))
    asking = False
    allowed = {
        event: frozenset(id(vars(sys.modules[name])) for name in names if name in sys.modules)
        for event, names in _OF_LIBRARIES.items()
    }
    frame_of = sys._getframe

    def hook(event: str, arguments: Sequence[Any]) -> None:
        nonlocal asking
        if event in _HARMLESS_EVENTS or asking:
            return
        if event in allowed:
            # Asking who asks is such an event itself. Nothing of the program runs while the answer is looked for.
            asking = True
            try:
                caller = frame_of(1)
                if id(caller.f_globals) in allowed[event]:
                    return
            finally:
                asking = False
        elif event == "import":
            top = str.partition(arguments[0], ".")[0] if type(arguments[0]) is str else ""
            if top in _LATE_PACKAGES or (top in sys.stdlib_module_names and top not in _REFUSED_LATE):
                return
        elif event == "open":
            if _only_reads(arguments[1], arguments[2]) and _is_source(arguments[0], below):
                return
        elif event == "os.listdir" and _lies_in(arguments[0], below):
            return
        what = event + (f" {_shown(arguments[0])}" if arguments else "")
        refused.append(what[:_MOST_TEXT])
        raise RefusedByFence(f"a schedule may not do this: {what[:_MOST_TEXT]}")

    sys.addaudithook(hook)
    return lambda: tuple(refused)


def _shown(argument: object) -> str:
    """Only plain values are shown: what a program made could run code of its own while it is."""
    return repr(argument) if type(argument) in (str, bytes, int) else str(_NAME.__get__(type(argument)))


def _lies_in(path: object, below: tuple[str, ...]) -> bool:
    return type(path) is str and (os.path.realpath(path) + os.sep).startswith(below)


def _is_source(path: object, below: tuple[str, ...]) -> bool:
    return type(path) is str and path.endswith((".py", ".pyc", ".so", ".pyd")) and _lies_in(path, below)


def _only_reads(mode: object, flags: object) -> bool:
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return mode in (None, "r", "rb") and not (type(flags) is int and flags & writing)


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


class _Guarded(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr != "__dict__" or not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(
            ast.Call(ast.copy_location(ast.Name(_OWN_DICT, ast.Load()), node), [node.value], []), node
        )


def guarded(source: str) -> ast.Module:
    """A program's tree, in which whoever asks for a ``__dict__`` gets it of an object alone: that of a class or a
    module would give out by text what may not be named."""
    # Not by `ast.parse`: the fence is up, and takes a compilation out of another module for the program's own.
    tree = compile(source, "<schedule>", "exec", ast.PyCF_ONLY_AST)
    assert isinstance(tree, ast.Module)
    _Guarded().visit(tree)
    return ast.fix_missing_locations(tree)


def _own_dict(value: Any) -> Any:
    if isinstance(value, (type, types.ModuleType)):
        sys.audit("lrfix.__dict__ of a class")
    return value.__dict__


def program_builtins() -> dict[str, Any]:
    """The builtins a program sees: the allow-list, and an import that gives allow-listed modules alone."""
    names = {name: getattr(builtins, name) for name in SAFE_BUILTINS | ATTRIBUTE_BUILTINS}
    names["__build_class__"] = builtins.__build_class__
    names["__import__"] = _import_allowed
    names[_OWN_DICT] = _own_dict
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
