"""Mutants of real and made-up schedules through ``check_source``: no internal error, no exception, no work without end.

    python benchmarks/fuzzing/fuzz.py [PATH ...] [--mutants 1000] [--seed 0] [--seconds 600] [--keep FOLDER]

Without PATHs the fixtures and the examples of the rule pages are mutated. Each mutant is checked in a process that is
forked for a batch of them, with processor time and memory told apart: what took longest, what held most, what broke.
Mutants that broke something are kept as files. Status 1 where any did.
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
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mutations import mutant, rough_mutant, spliced

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SLOW_SECONDS = 10.0
LARGE_BYTES = 1 << 30
_BATCH = 20


@dataclass(frozen=True)
class Outcome:
    """What one mutant gave. ``kind`` is ``ok``, ``syntax``, ``internal``, ``exception``, ``slow``, ``large`` or
    ``died``; ``seconds`` are of processor time; ``peak``, in bytes, is that of its process so far."""

    name: str
    kind: str
    seconds: float
    peak: int
    message: str = ""


def seeds(paths: Sequence[str]) -> list[tuple[str, str]]:
    """The texts to mutate, by name: Python files below ``paths``, else fixtures and the examples of rule pages."""
    found: list[tuple[str, str]] = []
    for path in [Path(p) for p in paths] or [ROOT / "fixtures"]:
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            raw = file.read_bytes()
            if len(raw) <= 40_000 and b"lr" in raw:
                found.append((str(file), raw.decode("utf-8", "replace")))
    if not paths:
        for page in sorted((ROOT / "rules").glob("*.md")):
            blocks = re.findall(r"```python[^\n]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
            found += [(f"{page.name}#{index}", block) for index, block in enumerate(blocks)]
    return found


def drawn(number: int, seed: int, texts: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Mutant ``number`` of a run, its name and its text: the same for the same seed and texts."""
    draw = random.Random(seed * 1_000_003 + number)
    name, text = draw.choice(texts)
    if draw.random() < 0.15:
        text = spliced(text, draw.choice(texts)[1], draw)
    text = rough_mutant(text, draw) if draw.random() < 0.08 else mutant(text, draw)
    return f"{number}:{Path(name).name}", text


def tried(name: str, text: str) -> Outcome:
    """One mutant through ``check_source``."""
    from lrfix.config import Config
    from lrfix.engine import check_source
    from lrfix.registry import load_rules

    settings = Config().settings(list(load_rules()))
    before = time.process_time()
    try:
        result = check_source(text.encode("utf-8", "surrogatepass"), f"{name}.py", settings)
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


def _batch(numbers: range, seed: int, texts: Sequence[tuple[str, str]], answers: Any) -> None:
    for number in numbers:
        answers.send(asdict(tried(*drawn(number, seed, texts))))
    answers.close()


def run(texts: Sequence[tuple[str, str]], mutants: int, seed: int, seconds: float) -> list[Outcome]:
    """The outcomes of mutants 0 .. ``mutants - 1``, as far as ``seconds`` of the wall clock go."""
    outcomes: list[Outcome] = []
    context = multiprocessing.get_context("fork")
    deadline = time.monotonic() + seconds
    number = 0
    while number < mutants and time.monotonic() < deadline:
        numbers = range(number, min(number + _BATCH, mutants))
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_batch, args=(numbers, seed, texts, theirs))
        process.start()
        theirs.close()
        try:
            for _ in numbers:
                if not ours.poll(6 * SLOW_SECONDS):
                    raise TimeoutError
                outcomes.append(Outcome(**ours.recv()))
                number += 1
        except (EOFError, TimeoutError) as error:
            name = drawn(number, seed, texts)[0]
            kind, why = ("slow", "no answer") if isinstance(error, TimeoutError) else ("died", "the process died")
            outcomes.append(Outcome(name, kind, 6 * SLOW_SECONDS, 0, why))
            number += 1
        finally:
            process.kill()
            process.join()
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="wall clock; what is not reached is said")
    parser.add_argument("--keep", metavar="FOLDER", help="where mutants that broke something are written")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    texts = seeds(options.paths)
    outcomes = run(texts, options.mutants, options.seed, options.seconds)
    kinds = Counter(outcome.kind for outcome in outcomes)
    broken = [outcome for outcome in outcomes if outcome.kind not in ("ok", "syntax")]
    if options.keep and broken:
        os.makedirs(options.keep, exist_ok=True)
        for outcome in broken:
            number = int(outcome.name.partition(":")[0])
            Path(options.keep, f"{options.seed}_{number}.py").write_text(
                drawn(number, options.seed, texts)[1], encoding="utf-8", errors="surrogatepass"
            )
    times = sorted(outcome.seconds for outcome in outcomes)
    summary = {
        "texts": len(texts),
        "mutants": len(outcomes),
        "asked": options.mutants,
        "kinds": dict(sorted(kinds.items())),
        "seconds": {"sum": sum(times), "median": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]},
        "slowest": max(times),
        "peak": max(outcome.peak for outcome in outcomes),
    }
    if options.json:
        print(json.dumps({**summary, "broken": [asdict(outcome) for outcome in broken]}, indent=1))
    else:
        for outcome in broken:
            print(f"{outcome.kind:9} {outcome.seconds:6.1f} s  {outcome.name}  {outcome.message}")
        print(json.dumps(summary))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
