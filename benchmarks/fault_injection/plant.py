#!/usr/bin/env python3
"""Plant faults into sound public schedules, one a file, so that recall is measured on bugs nobody tuned a linter to.

  plant.py TREE... --out DIR                    trees of Python files; schedules are found by a finder of our own
  plant.py --labels DIR --mirror DIR --out DIR  schedules that a reader called sound, read with `git show` from mirrors
  plant.py --index --out DIR                    the wheels pinned in packages.txt, brought by pip; none of it is run

Written are OUT/files/NNNNN/<name>.py, the mutants (all but the fault keeps its bytes), OUT/originals/NNNNN/<name>.py,
and OUT/mutants.jsonl, a row a mutant:

  file, original        where both lie                    repo, commit, path  where the original is from
  form, operator, what  what was done, and to what        accepted            codes that name it, the one meant first
  lines, places, site   what was changed, the schedule    due                 `loud`: an error or a warning; or `info`:
                        (both in the mutant's lines)                          only a setting that nobody uses shows it

The same seed gives the same mutants; a new operator does not change what the others draw. judge.py measures on it.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import itertools
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from candidates import LOOP, Candidate, base_name, from_labels, from_trees, from_wheels
from operators import OPERATORS, Fault
from parsed import applied, differs, moved_line
from scripts import Script
from sites import Site

# Importing a module of faults registers its operators; the order of the names is that of the tables.
for _faults in sorted(Path(__file__).parent.glob("*_faults.py")):
    importlib.import_module(_faults.stem)

PACKAGES = Path(__file__).with_name("packages.txt")
WIDEST = 60  # lines between the first and the last edit that still count as one place


class Mutant(NamedTuple):
    row: dict
    source: bytes
    original: bytes


def mutant_of(candidate: Candidate, operator: str, codes: tuple[str, ...], fault: Fault) -> Mutant | None:
    """The file with the fault, or None where the edits do not fit or leave something that is no Python."""
    source = candidate.file.source
    done = applied(source, fault.edits) if fault.edits else None
    if done is None or codes[0] in candidate.arguable or not differs(source, done[0]):
        return None
    places = done[1]
    first, last = min(p[0] for p in places), max(p[1] for p in places)
    start, end = candidate.lines
    row = {
        "repo": candidate.repo,
        "commit": candidate.commit,
        "path": candidate.path,
        "form": candidate.form,
        "operator": operator,
        "accepted": list(codes),
        "due": "info" if fault.legal else "loud",
        "places": [list(p) for p in places],
        "lines": [first, last] if last - first < WIDEST else list(places[0]),
        "site": [
            moved_line(source, fault.edits, start),
            max(moved_line(source, fault.edits, end + 1) - 1, start),
        ],
        "what": " ".join(fault.what.split())[:240],
    }
    return Mutant(row, done[0], source)


def mutants(candidates: Iterable[Candidate], only: set[str]) -> Iterator[Mutant]:
    """Every fault that an operator finds, each text once."""
    known = set()
    for candidate in candidates:
        loops = candidate.form == LOOP
        aim = Script(candidate.file) if loops else Site(candidate.file, candidate.lines, candidate.form)
        for operator in OPERATORS.values():
            if (only and operator.name not in only) or operator.loops != loops:
                continue
            for fault in operator.plant(candidate.file, aim):
                codes = fault.codes or operator.codes
                if candidate.file.states_two_formulas(fault.edits) and "LR215" not in codes:
                    codes = (*codes, "LR215")  # they differ now
                mutant = mutant_of(candidate, operator.name, codes, fault)
                if mutant and (operator.name, mutant.source) not in known:
                    known.add((operator.name, mutant.source))
                    yield mutant


def drawn(pool: dict[str, list[Mutant]], rng: random.Random, per_operator: int, per_repo: int) -> list[Mutant]:
    """One of each repository in turn, until there are enough."""
    queues = [rng.sample(found, min(len(found), per_repo)) for _, found in sorted(pool.items())]
    rng.shuffle(queues)
    return [m for turn in itertools.zip_longest(*queues) for m in turn if m is not None][:per_operator]


def write(out: Path, chosen: list[Mutant]) -> int:
    """Writes mutants, originals and rows; the number of originals."""
    originals: dict[bytes, str] = {}
    out.mkdir(parents=True, exist_ok=True)

    def put(folder: str, number: int, mutant: Mutant, text: bytes) -> str:
        where = f"{number:05d}/{base_name(mutant.row['path'])}"
        target = out / folder / where
        target.parent.mkdir(parents=True)
        target.write_bytes(text)
        return where

    rows = []
    for number, mutant in enumerate(chosen):
        if mutant.original not in originals:
            originals[mutant.original] = put("originals", len(originals), mutant, mutant.original)
        where = put("files", number, mutant, mutant.source)
        rows.append({"file": where, "original": originals[mutant.original], **mutant.row})
    (out / "mutants.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(originals)


def fetched(packages: Path, folder: Path) -> list[Path]:
    """The pinned wheels. A wheel is only unpacked: pip runs nothing of it, as it would of a source archive."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # The same files on every Python that runs this.
    pure = ["--only-binary", ":all:", "--platform", "any", "--implementation", "py", "--python-version", "3.11"]
    pinned = ["--require-hashes", "--dest", str(folder), "-r", str(packages)]
    if subprocess.run([*command, *pure, *pinned], check=False).returncode:
        sys.exit(f"pip could not bring what {packages} pins; its own words stand above")
    return sorted(folder.glob("*.whl"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, nargs="*", metavar="TREE", help="folders, each a repository")
    parser.add_argument("--labels", type=Path, help="a folder with sites.jsonl")
    parser.add_argument("--mirror", type=Path, help="git directories, each in a folder owner+name")
    parser.add_argument("--index", type=Path, nargs="?", const=PACKAGES, help="pinned packages (packages.txt)")
    parser.add_argument("--wheels", type=Path, help="where the wheels are kept (OUT/wheels)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-operator", type=int, default=20, help="at most so many mutants of an operator")
    parser.add_argument("--per-repo", type=int, default=4, help="at most so many in a repository")
    parser.add_argument("--only", action="append", default=[], choices=sorted(OPERATORS), help="this operator")
    options = parser.parse_args()
    if bool(options.labels) != bool(options.mirror):
        parser.error("--labels and --mirror go together")
    if not (options.trees or options.labels or options.index):
        parser.error("nothing to plant into: give trees, --labels with --mirror, or --index")
    missing = [str(tree) for tree in options.trees if not tree.is_dir()]
    if missing:
        parser.error(f"no folder: {', '.join(missing)}")
    if (options.out / "files").exists():
        parser.error(f"{options.out / 'files'} exists already")

    notes: collections.Counter[str] = collections.Counter()
    sources: list[Iterator[Candidate]] = [from_trees(options.trees, notes)]
    if options.labels:
        sources.append(from_labels(options.labels, options.mirror, notes))
    if options.index:
        sources.append(from_wheels(fetched(options.index, options.wheels or options.out / "wheels"), notes))
    pool: dict[str, dict[str, list[Mutant]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for mutant in mutants(itertools.chain(*sources), set(options.only)):
        pool[mutant.row["operator"]][mutant.row["repo"]].append(mutant)

    chosen: list[Mutant] = []
    for name in OPERATORS:
        rng = random.Random(f"{options.seed} {name}")
        some = drawn(pool[name], rng, options.per_operator, options.per_repo)
        chosen += some
        possible = sum(map(len, pool[name].values()))
        print(f"{name:<28} {len(some):>4} of {possible:>4} possible, {len(pool[name])} repositories")
    originals = write(options.out, chosen)
    read = ", ".join(f"{n} {what}" for what, n in sorted(notes.items()))
    print(f"{len(chosen)} mutants of {originals} originals; {read}")


if __name__ == "__main__":
    main()
