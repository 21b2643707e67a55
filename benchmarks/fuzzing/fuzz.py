"""Mutants of real and made-up schedules through ``check_source``: no internal error, no exception, no work without end.

    python benchmarks/fuzzing/fuzz.py [PATH ...] [--mutants 1000] [--seed 0] [--seconds 600] [--keep FOLDER]

Without PATHs the fixtures and the examples of the rule pages are mutated. A text is drawn the less often the more fuel
its schedules take, so that many mutants cost little. Each mutant is checked in a process that is forked for a batch of
them, with processor time and memory told apart: what took longest, what held most, what broke. Mutants that broke
something are kept as files. Status 1 where any did. ``--only NUMBER`` tries one mutant of a run again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mutations import mutant, rough_mutant, spliced

from lrfix.config import Config
from lrfix.driving import budget
from lrfix.engine import check_source
from lrfix.findings import FileResult
from lrfix.registry import load_rules

ROOT = Path(__file__).resolve().parents[2]
SLOW_SECONDS = 10.0
LARGE_BYTES = 1 << 30
_BATCH = 50
#: Seconds of the wall clock that one mutant is waited for, on a machine that others use too.
_PATIENCE = 20 * SLOW_SECONDS
#: Bytes of a text; the fuel below which all texts are drawn alike, since reading and judging cost as much then, and
#: the fuel at which a text is known to be dear.
_LARGEST = 40_000
_SMALL_FUEL, _MUCH_FUEL = 1_000, 20_000

Texts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """What one mutant gave. ``kind`` is ``ok``, ``syntax``, ``internal``, ``exception``, ``slow``, ``large`` or
    ``died``; ``seconds`` are of processor time; ``peak``, in bytes, is that of its process so far."""

    name: str
    kind: str
    seconds: float
    peak: int
    message: str = ""

    @property
    def broken(self) -> bool:
        return self.kind not in ("ok", "syntax")


def seeds(paths: Sequence[str], largest: int = _LARGEST) -> list[tuple[str, str]]:
    """The texts to mutate, by name: Python files and the examples of rule pages below ``paths``."""
    found: list[tuple[str, str]] = []
    for path in [Path(p) for p in paths] or [ROOT / "fixtures", ROOT / "rules"]:
        files = sorted([*path.rglob("*.py"), *path.rglob("*.md")]) if path.is_dir() else [path]
        for file in files:
            raw = file.read_bytes()
            if file.suffix == ".md":
                blocks = re.findall(r"```python[^\n]*\n(.*?)```", raw.decode("utf-8", "replace"), re.DOTALL)
                found += [(f"{file.name}#{index}", block) for index, block in enumerate(blocks)]
            elif len(raw) <= largest and b"lr" in raw:
                found.append((str(file), raw.decode("utf-8", "replace")))
    return found


def weights(texts: Texts) -> list[float]:
    """How often each text is drawn: by the fuel that its schedules take, which is the same everywhere."""
    allowed, budget.FILE = budget.FILE, _MUCH_FUEL
    fuel = [_checked(name, text).counters.get("fuel", 0) for name, text in texts]
    budget.FILE = allowed
    return [1 / (max(amount, _SMALL_FUEL) if amount < _MUCH_FUEL else 5 * _MUCH_FUEL) for amount in fuel]


def drawn(number: int, seed: int, texts: Texts, weights: Sequence[float] | None = None) -> tuple[str, str]:
    """Mutant ``number`` of a run, its name and its text: the same for the same seed and texts."""
    draw = random.Random(seed * 1_000_003 + number)
    name, text = draw.choices(texts, weights)[0]
    if draw.random() < 0.15:
        text = spliced(text, draw.choice(texts)[1], draw)
    text = rough_mutant(text, draw) if draw.random() < 0.08 else mutant(text, draw)
    return f"{number}:{Path(name).name}", text


def _checked(name: str, text: str) -> FileResult:
    settings = Config().settings(list(load_rules()))
    return check_source(text.encode("utf-8", "surrogatepass"), f"{name}.py", settings)


def tried(name: str, text: str) -> Outcome:
    """One mutant through ``check_source``."""
    before = time.process_time()
    try:
        result = _checked(name, text)
    except BaseException as error:
        return Outcome(name, "exception", time.process_time() - before, _peak(), f"{type(error).__name__}: {error}")
    seconds = time.process_time() - before
    internal = [error.message for error in result.errors if error.kind == "internal"]
    if internal:
        return Outcome(name, "internal", seconds, _peak(), internal[0])
    if seconds > SLOW_SECONDS:
        return Outcome(name, "slow", seconds, _peak())
    if _peak() > LARGE_BYTES:
        return Outcome(name, "large", seconds, _peak())
    return Outcome(name, "syntax" if result.errors else "ok", seconds, _peak())


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _batch(mutants: Iterator[tuple[str, str]], answers: Any) -> None:
    for name, text in mutants:
        answers.send(asdict(tried(name, text)))
    answers.close()


def run(numbers: range, seconds: float, draw: Callable[[int], tuple[str, str]]) -> list[Outcome]:
    """The outcomes of the mutants of ``numbers``, as far as ``seconds`` of the wall clock go."""
    outcomes: list[Outcome] = []
    context = multiprocessing.get_context("fork")
    deadline = time.monotonic() + seconds
    number = numbers.start
    while number < numbers.stop and time.monotonic() < deadline:
        batch = range(number, min(number + _BATCH, numbers.stop))
        told = len(outcomes)
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_batch, args=(map(draw, batch), theirs))
        process.start()
        theirs.close()
        try:
            for _ in batch:
                if not ours.poll(_PATIENCE):
                    raise TimeoutError
                outcomes.append(Outcome(**ours.recv()))
                number += 1
        except (EOFError, TimeoutError) as error:
            kind, why = ("slow", "no answer") if isinstance(error, TimeoutError) else ("died", "the process died")
            outcomes.append(Outcome(draw(number)[0], kind, _PATIENCE, 0, why))
            number += 1
        finally:
            process.kill()
            process.join()
        for outcome in outcomes[told:]:
            if outcome.broken:
                print(f"{outcome.kind:9} {outcome.seconds:6.1f} s  {outcome.name}  {outcome.message}", flush=True)
        if number % 1000 < _BATCH:
            print(f"{number} mutants, {sum(each.seconds for each in outcomes):.0f} s", file=sys.stderr, flush=True)
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, metavar="NUMBER", help="the first mutant of the run")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one mutant alone, printed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="wall clock; what is not reached is said")
    parser.add_argument("--largest", type=int, default=_LARGEST, metavar="BYTES", help="texts above are left out")
    parser.add_argument("--keep", metavar="FOLDER", help="where mutants that broke something are written")
    options = parser.parse_args()
    texts = seeds(options.paths, options.largest)
    chances = weights(texts)
    print(f"{len(texts)} texts, {time.process_time():.0f} s", file=sys.stderr, flush=True)

    def draw(number: int) -> tuple[str, str]:
        return drawn(number, options.seed, texts, chances)

    if options.only is not None:
        print(draw(options.only)[1])
        print(tried(*draw(options.only)))
        return 0
    outcomes = run(range(options.start, options.start + options.mutants), options.seconds, draw)
    kinds = Counter(outcome.kind for outcome in outcomes)
    broken = [outcome for outcome in outcomes if outcome.broken]
    if options.keep and broken:
        os.makedirs(options.keep, exist_ok=True)
        for outcome in broken:
            number = int(outcome.name.partition(":")[0])
            kept = Path(options.keep, f"{options.seed}_{number}.py")
            kept.write_text(draw(number)[1], encoding="utf-8", errors="surrogatepass")
    times = sorted(outcome.seconds for outcome in outcomes)
    summary = {
        "texts": len(texts),
        "mutants": len(outcomes),
        "asked": options.mutants,
        "kinds": dict(sorted(kinds.items())),
        "seconds": {
            "sum": sum(times),
            "mean": sum(times) / len(times),
            "median": times[len(times) // 2],
            "p99": times[int(len(times) * 0.99)],
        },
        "slowest": max(times),
        "peak": max(outcome.peak for outcome in outcomes),
    }
    print(json.dumps(summary))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
