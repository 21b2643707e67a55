#!/usr/bin/env python3
"""Measure a linter on planted faults (plant.py).

  judge.py --out DIR [--lrfix COMMAND] [--list] [--markdown [--into PAGE]] [--operator NAME]
           [--seconds N] [--workers N] [--reuse]

Runs `COMMAND check --output-format json --no-cache --exit-zero` once over DIR/files and once over DIR/originals (with
--operator only over what it is about), and keeps both answers as DIR/found-files.json and DIR/found-originals.json
(--reuse reads them instead of running again). With --seconds, the mutants are checked in small lots, the operators in
turn, until the time is up; what was judged so far is kept and reported.

A mutant is *named* when a finding with an accepted code overlaps the changed place or the schedule, and the original
does not have as many findings of that code there. It is named *loudly* by an error or a warning, and *as due* by that,
or by an info where only a setting that nobody is seen to use shows the fault. Findings on the originals are noise, or
faults that were there before: read them.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import Any, NamedTuple

LOT = 6  # mutants a call with --seconds
SLACK = 4  # lines by which a finding may miss the changed place
BEGIN, END = "<!-- fault-injection: begin -->", "<!-- fault-injection: end -->"
FLAGS = ("check", "--output-format", "json", "--no-cache", "--exit-zero")


class Result(NamedTuple):
    """What was said of one mutant."""

    row: dict[str, Any]
    named: bool
    loud: bool
    exact: bool  # by the code that is meant
    other: tuple[str, ...]  # codes of new findings, where none of them is accepted
    site: bool  # the schedule was recognised

    @property
    def due(self) -> bool:
        return self.named if self.row.get("due") == "info" else self.loud


# Running


def checked(command: list[str], paths: list[str], timeout: float | None) -> dict[str, Any] | None:
    """The linter's answer, or None where it did not end in time; anything else than an answer ends the measurement."""
    try:
        done = subprocess.run([*command, *FLAGS, *paths], capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return None
    if not done.stdout.startswith("{"):  # status 2 with a report is an internal error, which the report counts
        sys.exit(f"{shlex.join([*command, *FLAGS])} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def answer(command: list[str], out: Path, folder: str, names: set[str], reuse: bool) -> dict[str, Any]:
    """The answer on all files of a folder, or, where only some are judged, on those."""
    kept = out / f"found-{folder}.json"
    if not (reuse and kept.exists()):
        places = sorted({name.split("/")[0] for name in names})
        whole = len(places) == len(list((out / folder).iterdir()))
        paths = [str(out / folder)] if whole else [str(out / folder / place) for place in places]
        kept.write_text(json.dumps(checked(command, paths, None)))
    return json.loads(kept.read_text())


def answer_in_lots(
    command: list[str], out: Path, rows: list[dict[str, Any]], seconds: float, workers: int
) -> dict[str, Any]:
    """The operators in turn, so that an answer cut short still speaks of all of them."""
    turns: dict[str, list[str]] = collections.defaultdict(list)
    for row in rows:
        turns[row["operator"]].append(row["file"])
    for files in turns.values():
        random.Random(3).shuffle(files)
    order = [files[i] for i in range(len(rows)) for files in turns.values() if i < len(files)]
    lots = [order[i : i + LOT] for i in range(0, len(order), LOT)]
    end = time.monotonic() + seconds

    def check(lot: list[str]) -> dict[str, Any] | None:
        left = end - time.monotonic()
        paths = ["--jobs", "1", *(str(out / "files" / name.split("/")[0]) for name in lot)]
        return checked(command, paths, left) if left > 0 else None

    whole: dict[str, Any] = {"findings": [], "sites": [], "errors": [], "judged": []}
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for lot, found in zip(lots, pool.map(check, lots), strict=True):
            if found is not None:
                for key in ("findings", "sites", "errors"):
                    whole[key] += found.get(key, [])
                whole["judged"] += lot
                (out / "found-files.json").write_text(json.dumps(whole))
    return whole


# Judging


def by_file(items: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for item in items:
        grouped["/".join(PurePath(item["path"]).parts[-2:])].append(item)
    return grouped


def overlaps(found: dict[str, Any], lines: list[int]) -> bool:
    return found["start"]["line"] <= lines[1] + SLACK and found["end"]["line"] >= lines[0] - SLACK


def fresh_findings(
    row: dict[str, Any], after: list[dict[str, Any]], before: list[dict[str, Any]], moved: int
) -> list[dict[str, Any]]:
    """Findings near the fault, of codes that the original has less often near the same lines."""
    near = [f for f in after if any(overlaps(f, place) for place in (row["lines"], row["site"], *row["places"]))]
    old, now = counted(of_the_schedule(row, before, moved)), counted(near)
    # An info that has become an error is a new finding: the fault is worse than what was there.
    louder = {code for code in now if now[code] > old[code]}
    return [f for f in near if f["code"] in louder or (is_loud(f) and (f["code"], 1) in louder)]


def of_the_schedule(row: dict[str, Any], before: list[dict[str, Any]], moved: int) -> list[dict[str, Any]]:
    """The findings of the original at the lines of the schedule, which an edit may have moved."""
    return [f for f in before if overlaps(f, [row["site"][0] - abs(moved), row["site"][1] + abs(moved)])]


def has_it_already(row: dict[str, Any], before: list[dict[str, Any]], moved: int) -> bool:
    """Whether the original is called wrong by the code that is meant: nothing that is planted there can be counted."""
    schedule = of_the_schedule(row, before, moved)
    return any(is_loud(f) and f["code"] == row["accepted"][0] and row["form"] != "loop" for f in schedule)


def counted(found: list[dict[str, Any]]) -> collections.Counter[Any]:
    """Findings by code, and those that fail a build by code and 1."""
    return collections.Counter([f["code"] for f in found] + [(f["code"], 1) for f in found if is_loud(f)])


def is_loud(found: dict[str, Any]) -> bool:
    return bool(found["severity"] != "info")


def judged(out: Path, rows: list[dict[str, Any]], after: dict[str, Any], before: dict[str, Any]) -> list[Result]:
    found, sites, sound = by_file(after["findings"]), by_file(after["sites"]), by_file(before["findings"])
    results = []
    for row in rows:
        mutant, original = (
            (out / "files" / row["file"]).read_bytes(),
            (out / "originals" / row["original"]).read_bytes(),
        )
        moved = mutant.count(b"\n") - original.count(b"\n")
        if has_it_already(row, sound[row["original"]], moved):
            continue
        fresh = fresh_findings(row, found[row["file"]], sound[row["original"]], moved)
        right = [f for f in fresh if f["code"] in row["accepted"]]
        results.append(
            Result(
                row,
                named=bool(right),
                loud=any(is_loud(f) for f in right),
                exact=any(f["code"] == row["accepted"][0] for f in right),
                other=() if right else tuple(sorted({f["code"] for f in fresh})),
                site=row["form"] == "loop" or any(overlaps(s, row["site"]) for s in sites[row["file"]]),
            )
        )
    return results


# Telling

Key = Callable[[Result], str]
KEYS: dict[str, Key] = {
    "rule": lambda r: r.row["accepted"][0],
    "operator": lambda r: r.row["operator"],
    "form": lambda r: r.row["form"],
    "repository": lambda r: r.row["repo"],
}


def grouped(results: list[Result], key: Key) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = collections.defaultdict(list)
    for result in results:
        groups[key(result)].append(result)
    return dict(sorted(groups.items()))


def share(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{sum(values):>4}/{len(values):<4} {sum(values) / len(values):.2f}" if values else "   0/0      "


def mean_over_repositories(results: list[Result]) -> float:
    groups = grouped(results, KEYS["repository"]).values()
    return sum(sum(r.due for r in rows) / len(rows) for rows in groups) / max(len(groups), 1)


def noise(before: dict[str, Any]) -> tuple[int, int, str]:
    """Errors and warnings on the originals, infos, and both by code."""
    codes = collections.Counter((f["code"], f["severity"]) for f in before["findings"])
    loud = sum(n for (_, severity), n in codes.items() if severity != "info")
    listed = ", ".join(f"{code} {severity} {n}" for (code, severity), n in sorted(codes.items()))
    return loud, sum(codes.values()) - loud, listed


COLUMNS: dict[str, Callable[[Result], bool]] = {
    "as due": lambda r: r.due,
    "loud": lambda r: r.loud,
    "named": lambda r: r.named,
    "first code": lambda r: r.exact,
    "site seen": lambda r: r.site,
}


def report(results: list[Result], before: dict[str, Any], originals: int) -> str:
    lines = [f"{'all':<30} " + " ".join(f"{share(map(test, results)):<14}" for test in COLUMNS.values())]
    lines += [f"mean over repositories, as due: {mean_over_repositories(results):.3f}"]
    for name, key in KEYS.items():
        lines += ["", f"{name:<30} " + " ".join(f"{column:<14}" for column in COLUMNS)]
        for value, rows in grouped(results, key).items():
            lines.append(f"  {value:<28} " + " ".join(f"{share(map(test, rows)):<14}" for test in COLUMNS.values()))
    loud, infos, listed = noise(before)
    lines += ["", f"findings on the {originals} originals: {loud} errors or warnings, {infos} infos", f"  {listed}"]
    return "\n".join(lines)


def misses(results: list[Result]) -> str:
    lines = [
        f"missed {r.row['operator']:<26} {'/'.join(r.row['accepted']):<18} {r.row['file']} {r.row['repo']}:"
        f"{r.row['path']}:{r.row['lines'][0]} {'named as info' if r.named else f'got {list(r.other)}'}"
        f"{'' if r.site else ' no site'} | {r.row['what'][:110]}"
        for r in results
        if not r.due
    ]
    return "\n".join(sorted(lines))


def markdown(results: list[Result], before: dict[str, Any], originals: int) -> str:
    """The tables of the documentation: by rule, and by form."""
    loud, infos, _ = noise(before)
    repositories = len(grouped(results, KEYS["repository"]))
    due = [r for r in results if r.row.get("due") != "info"]
    lines = [
        f"{len(results)} faults in {originals} files of {repositories} repositories or packages. Named as due: "
        f"{ratio(r.due for r in results)}; by an error or a warning, of those where one is due: "
        f"{ratio(r.loud for r in due)}; mean over repositories: {mean_over_repositories(results):.2f}. On the "
        f"untouched files: {loud} errors or warnings, {infos} infos.",
    ]
    for name in ("rule", "form"):
        lines += ["", f"| {name} | planted | named as due | by error or warning | named at all |", "| --- " * 5 + "|"]
        for value, rows in grouped(results, KEYS[name]).items():
            cells = (ratio(test(r) for r in rows) for test in (COLUMNS["as due"], COLUMNS["loud"], COLUMNS["named"]))
            lines.append(f"| {value} | {len(rows)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ratio(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{sum(values) / len(values):.2f}" if values else "-"


def put_between_marks(page: Path, text: str) -> None:
    whole = page.read_text()
    if whole.count(BEGIN) != 1 or whole.count(END) != 1:
        sys.exit(f"{page} needs one line {BEGIN} and one line {END}")
    head, tail = whole.split(BEGIN)[0], whole.split(END)[1]
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lrfix", default="lrfix", help="the command to measure")
    parser.add_argument(
        "--out", type=Path, action="append", required=True, help="what plant.py wrote, or several of it"
    )
    parser.add_argument("--operator", action="append", default=[], help="only faults of this operator, or first code")
    parser.add_argument("--list", action="store_true", help="name every mutant that is missed")
    parser.add_argument("--markdown", action="store_true", help="the table of the documentation")
    parser.add_argument("--into", type=Path, help="with --markdown: the page that has the table between its marks")
    parser.add_argument("--seconds", type=float, help="check in lots, for so long")
    parser.add_argument("--workers", type=int, default=2, help="lots at a time, with --seconds")
    parser.add_argument("--reuse", action="store_true", help="read the answers of the last run")
    options = parser.parse_args()
    command = shlex.split(options.lrfix)

    results: list[Result] = []
    noises: dict[str, Any] = {"findings": []}
    originals = 0
    for out in options.out:
        rows = [json.loads(line) for line in (out / "mutants.jsonl").read_text().splitlines()]
        if options.operator:
            rows = [row for row in rows if {row["operator"], row["accepted"][0]} & set(options.operator)]
        if options.seconds and not options.reuse:
            after = answer_in_lots(command, out, rows, options.seconds, options.workers)
        else:
            after = answer(command, out, "files", {row["file"] for row in rows}, options.reuse)
        if "judged" in after:
            done = set(after["judged"])
            print(f"judged in the time given: {len(done)} of {len(rows)}", file=sys.stderr)
            rows = [row for row in rows if row["file"] in done]
        untouched = {row["original"] for row in rows}
        before = answer(command, out, "originals", untouched, options.reuse)
        results += judged(out, rows, after, before)
        noises["findings"] += before["findings"]
        originals += len(untouched)

    text = (markdown if options.markdown else report)(results, noises, originals)
    if options.into:
        put_between_marks(options.into, text)
    else:
        print(text)
    if options.list:
        print(f"\n{misses(results)}")


if __name__ == "__main__":
    main()
