#!/usr/bin/env python3
"""What `lrfix rewrite` does with every schedule of a tree: rewritten, or left alone and why; nothing is written.

    rewrite_coverage.py [--limit 120] [--sample N --seed S] [--forms lambda,subclass] [--json ROWS] PATH ...

One line a schedule, then a table of outcomes by form and one of the reasons, most frequent first. Each file has a
process of its own and `--limit` seconds; what they do not suffice for is told, not skipped.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrfix.discovery import has_schedule_words

ROOT = Path(__file__).resolve().parent.parent
OUTCOMES = ("equivalent", "limited", "repair", "left", "failed")


def rows_of(path: Path) -> list[dict[str, object]]:
    """The schedules of one file and what is proposed for each, old and new run side by side."""
    from lrfix.rewriting.project import Project
    from lrfix.rewriting.proposal import Options
    from lrfix.rewriting.rewriter import rewrite_sources

    external = Project.around(str(path)).external_to(str(path))
    result = rewrite_sources([(str(path), path.read_bytes(), external, None)], Options(device="cpu"))[0]
    if result.error is not None or result.skipped is not None:
        return [
            {"line": 1, "form": "file", "name": None, "outcome": "failed", "reason": result.error or result.skipped}
        ]
    rows: list[dict[str, object]] = []
    for site in result.sites:
        form = site.identity[0]
        rows.append({"line": site.span.start.line, "form": form, "name": site.name, "outcome": site.kind})
        rows[-1] |= {"reason": f"-> {site.scheduler}", "limits": list(site.limits), "after": result.after}
    for left in result.left:
        form = left.form or (left.rewrite.identity[0] if left.rewrite is not None else "")
        outcome = "failed" if left.failed else "left"
        rows.append({"line": left.span.start.line, "form": form, "name": left.name, "outcome": outcome})
        rows[-1]["reason"] = left.reason
    return sorted(rows, key=lambda row: (int(str(row["line"])), str(row["form"])))


def without_details(reason: str) -> str:
    """A reason as a kind of reason: names and numbers left out."""
    kind = re.sub(r"\(scenario .*", "", reason)
    kind = re.sub(r"`[^`]*`|'[^']*'", "`…`", kind)
    kind = re.sub(r"-?\d[\d.e+-]*", "N", kind)
    return re.sub(r"(`…`, )+`…`|\(N(, N)*\)", "…", kind)[:130]


def asked(path: Path, limit: int) -> list[dict[str, object]]:
    command = [sys.executable, __file__, "--one", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=ROOT, check=False)
    except subprocess.TimeoutExpired:
        return [{"line": 1, "form": "file", "name": None, "outcome": "failed", "reason": f"not done in {limit} s"}]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        return [{"line": 1, "form": "file", "name": None, "outcome": "failed", "reason": f"ended: {last}"}]
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def files_in(paths: Sequence[str]) -> Iterator[Path]:
    for given in map(Path, paths):
        found = sorted(given.rglob("*.py")) if given.is_dir() else [given]
        yield from (path.resolve() for path in found if has_schedule_words(path.read_bytes()))


def tables(rows: Sequence[dict[str, object]]) -> str:
    """Outcomes by form, then the reasons of what was left, with counts."""
    counts = Counter((str(row["form"]), str(row["outcome"])) for row in rows)
    lines = ["", f"{'form':14}" + "".join(f"{outcome:>12}" for outcome in OUTCOMES)]
    for form in sorted({form for form, _ in counts}):
        lines.append(f"{form:14}" + "".join(f"{counts[form, outcome]:>12}" for outcome in OUTCOMES))
    lines.append(f"{'all':14}" + "".join(f"{sum(n for (_, o), n in counts.items() if o == x):>12}" for x in OUTCOMES))
    why = Counter(
        (str(row["form"]), without_details(str(row["reason"]))) for row in rows if row["outcome"] in ("left", "failed")
    )
    lines += ["", "why a schedule was left:"]
    lines += [f"{count:6}  {form:12} {reason}" for (form, reason), count in why.most_common()]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--limit", type=int, default=120, help="seconds for one file")
    parser.add_argument("--sample", type=int, help="so many files, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--forms", help="only these forms, separated by commas")
    parser.add_argument("--json", type=Path, help="write the rows there, one JSON document a line")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(rows_of(options.one)))
        return 0
    files = list(files_in(options.paths))
    if options.sample is not None and options.sample < len(files):
        files = sorted(random.Random(options.seed).sample(files, options.sample))
    wanted = set(options.forms.split(",")) if options.forms else None
    rows: list[dict[str, object]] = []
    if options.json is not None:
        options.json.write_text("", encoding="utf-8")
    for path in files:
        for row in asked(path, options.limit):
            if wanted is not None and row["form"] not in {*wanted, "file"}:
                continue
            rows.append({"path": str(path), **row})
            if options.json is not None:
                with options.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
            print(
                f"{path}:{row['line']}: {row['form']} {row['name'] or ''} {row['outcome']}: {row['reason']}", flush=True
            )
    print(tables(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
