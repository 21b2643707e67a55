"""Copies of interpreted object graphs, for checkpoints."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from lrfix.interpreter.arrays.values import Array
from lrfix.interpreter.enums import is_enumeration
from lrfix.interpreter.values import Instance


def clone(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """A deep copy of containers and instances; functions, classes and unknowns are shared."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    copied: Any
    if isinstance(value, list):
        copied = memo[id(value)] = []
        copied.extend(clone(v, memo) for v in value)
        return copied
    if isinstance(value, dict):
        copied = defaultdict(value.default_factory) if isinstance(value, defaultdict) else type(value)()
        memo[id(value)] = copied
        # One by one: a Counter would count the pairs.
        for k, v in value.items():
            copied[clone(k, memo)] = clone(v, memo)
        return copied
    if isinstance(value, Array):
        # Views of one buffer stay views of one buffer.
        buffer = memo.get(id(value.buffer))
        if buffer is None:
            buffer = memo[id(value.buffer)] = list(value.buffer)
        copied = memo[id(value)] = type(value)(buffer, value.kind, value.positions)
        return copied
    if isinstance(value, deque):
        copied = memo[id(value)] = deque((clone(v, memo) for v in value), value.maxlen)
        return copied
    if isinstance(value, tuple):
        return tuple(clone(v, memo) for v in value)
    if isinstance(value, set):
        return set(value)
    if isinstance(value, Instance) and is_enumeration(value.cls):
        return value
    if isinstance(value, Instance):
        copied = Instance(value.cls, fallback=value.fallback)
        memo[id(value)] = copied
        copied.attributes = clone(value.attributes, memo)
        return copied
    return value
