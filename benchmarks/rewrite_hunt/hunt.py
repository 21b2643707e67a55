#!/usr/bin/env python3
"""Hunts for wrong rewrites: old and new code run against each other under random legal settings.

    rewrite_coverage.py --json rows.jsonl PATH ...
    hunt.py [--settings 200] [--seed 0] rows.jsonl ...

Nothing of lrfix's proof takes part: neither its domains nor its verification, only `ast`, `random`, torch and the two
texts. What differs between them is cut out, statement by statement; every name that is free in it gets a value by its
spelling alone: lengths of nothing, of one step, fractional (unless the file says that they are whole), rates, flags;
optimizers of one to three groups with rates of their own. Functions and blocks are asked at many positions, schedulers
are stepped past their end, stopped in the middle, saved, built anew, loaded and stepped on.

This runs the code of the files it is given: only for code that you would run anyway. Status 1 where one was wrong.
A file whose rewrites all say how far they are equivalent is shown and counted apart: whether a setting lies beyond
what they say, the reader decides.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import copy
import json
import math
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from blocks import Block, attributes, blocks, free_names, holders
from draws import OPTIMIZERS, POSITIONS, Absorbing, Draw, Options, end_of, spelled_texts, whole_numbers
from running import Module, asked

TOLERANCE = 1e-11


def curve(scheduler: Any, optimizer: Any, steps: int, stop: int | None, rebuilt: Any) -> list[Any]:
    """The rates of all groups; at ``stop`` everything is saved, built anew by ``rebuilt`` and loaded."""
    rates: list[Any] = []
    for k in range(steps):
        rates.append([float(g["lr"]) for g in optimizer.param_groups])
        if k == stop:
            saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
            scheduler, optimizer = rebuilt()
            optimizer.load_state_dict(saved[0])
            scheduler.load_state_dict(saved[1])
        optimizer.step()
        scheduler.step()
    return rates


# Comparing


def numbers(value: Any) -> Iterator[float]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        yield abs(value)


def same(a: Any, b: Any, peak: float) -> bool:
    if hasattr(a, "tolist"):
        a = a.tolist()
    if hasattr(b, "tolist"):
        b = b.tolist()
    if isinstance(a, dict) and isinstance(b, dict):
        return all(same(a[k], b[k], peak) for k in a.keys() & b.keys())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y, peak) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) <= TOLERANCE * peak + 1e-300 or (a != a and b != b) or a == b
    if isinstance(a, str | bool | None) or isinstance(b, str | bool | None):
        return bool(a == b)
    return type(a).__name__ == type(b).__name__ or callable(a)


@dataclass
class Verdict:
    """How often old and new were the same, and the first setting where they were not."""

    counts: Counter[str] = field(default_factory=Counter)
    example: str | None = None

    def wrong(self, what: str) -> None:
        self.counts["wrong"] += 1
        self.example = self.example or what


def hunt(old: str, new: str, path: str, settings: int, seed: int) -> Iterator[tuple[int, Verdict]]:
    """Every place that differs, with what random settings showed."""
    before, after = Module(old, path), Module(new, path)
    texts, whole = spelled_texts(before.tree), whole_numbers(old)
    for block in blocks(before.tree.body, after.tree.body):
        if not block.old or not block.new:
            continue
        yield block.line, tried(block, before, after, texts, whole, settings, seed)


def tried(
    block: Block, before: Module, after: Module, texts: dict[str, list[str]], whole: set[str], settings: int, seed: int
) -> Verdict:
    verdict = Verdict()
    names = free_names(block.old) | free_names(block.new)
    objects = frozenset(holders(block.old))
    makes = [partial(Draw, seed * 100_000 + index, texts, whole, objects) for index in range(settings)]
    (old, *more), new = block.old, block.new[0]
    if not more and len(block.new) == 1 and isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
        name = old.name
        for make in makes:
            _schedulers(verdict, make, lambda module, draw: _built(module.namespace[name], draw), before, after)
        return verdict

    def scheduler(module: Module, draw: Draw) -> Any:
        return _scheduler_in(asked(module, block.old if module is before else block.new, draw, None, names)[0])

    for make in makes:
        try:
            first = asked(before, block.old, make(), 3, names)[0]
        except Exception:
            first = {}
        if _scheduler_in(first) is not None:
            _schedulers(verdict, make, scheduler, before, after)
        else:
            _positions(verdict, make, block, before, after, names)
    return verdict


def _scheduler_in(left: dict[str, Any]) -> Any:
    return next(
        (
            value
            for name, value in left.items()
            if hasattr(value, "step") and not isinstance(value, Options | Absorbing) and not OPTIMIZERS.search(name)
        ),
        None,
    )


def _built(cls: Any, draw: Draw) -> Any:
    code = cls.__init__.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    defaults = dict(
        zip(reversed(code.co_varnames[: code.co_argcount]), reversed(cls.__init__.__defaults__ or ()), strict=False)
    )
    given = {}
    for name in names:
        if name == "last_epoch":
            continue
        if name in defaults and draw.chance(f"default {name}") < 0.4:
            continue
        given[name] = draw.value(name)
    return cls(**given)


def _schedulers(verdict: Verdict, make: Any, build: Any, before: Module, after: Module) -> None:
    draws = make(), make()
    try:
        old = build(before, draws[0])
        steps = int(max([v for v in draws[0].drawn.values() if isinstance(v, int | float)] + [10])) + 15
        steps = min(steps, 300)
        unbroken = curve(old, draws[0].optimizer(), steps, None, None)
    except Exception as error:
        verdict.counts[f"old raises {type(error).__name__}"] += 1
        return
    setting = {k: v for k, v in draws[0].drawn.items() if isinstance(v, int | float | str | list)}
    end = end_of(setting)

    def again() -> tuple[Any, Any]:
        draw = make()
        return build(after, draw), draw.optimizer()

    stop = random.Random(draws[0].seed).randrange(max(1, steps - 5))
    try:
        new = curve(build(after, draws[1]), draws[1].optimizer(), steps, stop, again)
    except Exception as error:
        verdict.wrong(f"the new one raises {type(error).__name__}: {error}, with {setting}")
        return
    peaks = [max(column) for column in zip(*unbroken, strict=True)]
    # Built to go on, the schedule begins where training was left.
    begun = int(setting.get("last_epoch", -1)) + 1
    for k, (a, b) in enumerate(zip(unbroken, new, strict=True), begun):
        if all(same(x, y, peak) for x, y, peak in zip(a, b, peaks, strict=True)):
            verdict.counts["same"] += 1
        elif k >= end:
            verdict.counts["beyond"] += 1
        else:
            verdict.wrong(f"step {k}: {a} before, {b} after, with {setting}")
            return


def _positions(verdict: Verdict, make: Any, block: Block, before: Module, after: Module, names: set[str]) -> None:
    spelled = attributes([*block.old, *block.new])
    r = random.Random(make().seed)
    positions = [0, 1, 2, 3, r.randint(0, 10), r.randint(0, 60), r.randint(0, 200), 2.5, 7.25]
    results = []
    draw = make()
    for position in positions:
        pair: list[Any] = []
        for module, statements in ((before, block.old), (after, block.new)):
            try:
                pair.append(asked(module, statements, make(), position, names))
            except Exception as error:
                pair.append(error)
        results.append(pair)
    values = [x for old, _ in results if not isinstance(old, Exception) for x in numbers(old[0].get("<returned>", []))]
    values += [x for old, _ in results if not isinstance(old, Exception) for x in numbers(list(old[0].values()))]
    for name in sorted(names):
        known = name in before.namespace or name in after.namespace or hasattr(builtins, name)
        if not POSITIONS.match(name) and not known:
            for inner in spelled.get(name, ()) if isinstance(draw.value(name), Options) else ():
                draw.value(inner)
    end = end_of(draw.drawn)
    shown = {k: v for k, v in draw.drawn.items() if isinstance(v, int | float | str)}
    for position, (old, new) in zip(positions, results, strict=True):
        if isinstance(old, Exception):
            verdict.counts[f"old raises {type(old).__name__}"] += 1
            continue
        setting = f"at {position} with {shown}"
        if isinstance(new, Exception):
            verdict.wrong(f"the new one raises {type(new).__name__}: {new}, {setting}")
            return
        left = {k: v for k, v in old[0].items() if k in new[0]}
        if any(isinstance(v, complex) or (isinstance(v, float) and v != v) for v in left.values()):
            verdict.counts["no rate before"] += 1
        elif not left and not any(old[1].values()) and not old[2]:
            verdict.counts["nothing to compare"] += 1
        elif same(left, {k: new[0][k] for k in left}, max(values, default=0.0)) and same(
            old[1:], new[1:], max([*values, *numbers(list(old[1:]))], default=0.0)
        ):
            verdict.counts["same"] += 1
        elif position >= end:
            verdict.counts["beyond"] += 1
        else:
            verdict.wrong(f"{left} {old[1:]} before, { {k: new[0][k] for k in left} } {new[1:]} after, {setting}")
            return


def rewritten(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Path, old and new text of every file that has an accepted rewrite that keeps the curve; and how far it is said to
    keep it, where that is said of every one of them."""
    files: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("outcome") in ("equivalent", "limited") and row.get("after"):
            files.setdefault(row["path"], []).append(row)
    for path, kept in files.items():
        limits = dict.fromkeys(limit for row in kept for limit in row.get("limits", ()))
        said = " and ".join(limits) if all(row.get("limits") for row in kept) else ""
        yield path, Path(path).read_text(encoding="utf-8", errors="surrogateescape"), kept[0]["after"], said


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", type=Path, help="rows that rewrite_coverage.py --json wrote")
    parser.add_argument("--settings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    wrong = places = silent = limited = 0
    rows = [json.loads(line) for path in options.rows for line in path.read_text(encoding="utf-8").splitlines()]
    for path, old, new, said in rewritten(rows):
        try:
            verdicts = list(hunt(old, new, path, options.settings, options.seed))
        except Exception as error:
            verdicts = [(0, Verdict(Counter({f"hunt failed: {type(error).__name__}: {error}": 1})))]
        for line, verdict in verdicts:
            places += 1
            wrong += bool(verdict.counts["wrong"]) and not said
            limited += bool(verdict.counts["wrong"] and said)
            silent += not verdict.counts["same"] and not verdict.counts["wrong"]
            told = f" (equivalent only {said})" if verdict.counts["wrong"] and said else ""
            print(f"{path}:{line}: {dict(verdict.counts)} {verdict.example or ''}{told}", flush=True)
    apart = f"{wrong} wrong, {limited} apart where the rewrite says that it may be"
    print(f"{places} places that differ: {apart}, {silent} in which no setting ran")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
