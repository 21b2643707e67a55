"""Generated programs through the closures and through the templates of the interpreter, at length.

    python benchmarks/fuzzing/engines.py [--examples 20000]

The programs and what is compared are those of ``tests/interpreter/test_templates.py``, which tries few of them: values,
exceptions and their places, fuel that is left, and all that an observer is told. Other programs are drawn at every run.
The last line says how many programs were tried and how many of them a template was made of; status 1 where two differ.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrfix.interpreter import calls
from lrfix.interpreter.templates.definitions import template_of

TESTS = Path(__file__).resolve().parents[2] / "tests" / "interpreter"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(TESTS))
    test_templates = importlib.import_module("test_templates")
    counted: Counter[str] = Counter()

    def counting(node: Any, *rest: Any) -> Any:
        made = template_of(node, *rest)
        counted["with a template"] += made is not None and getattr(node, "name", "") == "run"
        return made

    calls.template_of = counting

    @settings(
        max_examples=options.examples,
        deadline=None,
        derandomize=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(test_templates._statements(2), min_size=1, max_size=4), st.sampled_from([40, 90, 5_000]))
    def equal(parts: list[list[str]], fuel: int) -> None:
        source = test_templates.program(parts)
        if source is None:
            return
        with pytest.MonkeyPatch.context() as monkeypatch:
            told = [test_templates.outcome(source, after, fuel, monkeypatch) for after in (None, 0)]
        counted["programs"] += 1
        assert told[0] == told[1], source

    equal()
    print(f"{counted['programs']} programs, {counted['with a template']} with a template: the engines agree")


if __name__ == "__main__":
    main()
