"""Room on the interpreter's stack for simulations.

CPython 3.11 and newer keep frames in chunks of 16 KiB. A call that does not fit maps another chunk into memory, and its
return unmaps it. Simulated code that goes up and down across such an edge, step after step, spends up to half of its
time there. A frame that alone needs more than a chunk gets a larger one, and all that it calls lives in what is left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_SLOTS = 33_000
"""Just over 256 KiB in pointers: the chunk is the next power of two, so nearly half of 512 KiB is left."""


def roomy(function: Callable[P, T]) -> Callable[P, T]:
    """``function``, called from a frame that leaves its callees a quarter of a megabyte in one piece."""

    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    if sys.implementation.name == "cpython" and sys.version_info >= (3, 11):
        assert isinstance(called, FunctionType)
        called.__code__ = called.__code__.replace(co_stacksize=_SLOTS)
    return wraps(function)(called)


__all__ = ["roomy"]
