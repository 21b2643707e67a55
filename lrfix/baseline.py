"""Known findings, kept in a file: what was there when lrfix came is not reported, what is new is.

The file is JSON, one line a finding, sorted, with paths relative to its own folder: it is made to be committed and
merged. A finding is known by its fingerprint, so that it may move within its file; with its file, where the old one is
gone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from lrfix.findings import FileResult, Finding
from lrfix.reading import LARGE, Unreadable, read_file

_VERSION = 1

#: Path relative to the file -> what is known there, by code and fingerprint.
Entries = Mapping[str, tuple[tuple[str, str], ...]]


class BaselineError(Exception):
    """A baseline that cannot be used; the message names the file."""


@dataclass(frozen=True)
class Baseline:
    """Known findings; ``folder`` is what the paths are relative to."""

    folder: str
    entries: Entries

    @classmethod
    def read(cls, path: str) -> Baseline:
        """Raises BaselineError for a file that is not there or is no baseline."""
        try:
            raw = read_file(path, LARGE)
        except Unreadable as error:
            hint = "; --write-baseline writes it" if error.missing else ""
            raise BaselineError(f"{path}: the baseline {error.message}{hint}") from None
        try:
            document = json.loads(raw)
            if document["version"] != _VERSION:
                raise BaselineError(f"{path}: a baseline of version {document['version']}, written by a newer lrfix")
            entries = {
                str(file): tuple((str(entry["code"]), str(entry["fingerprint"])) for entry in known)
                for file, known in document["files"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BaselineError(f"{path}: not a baseline of lrfix; --write-baseline writes one") from None
        return cls(os.path.dirname(os.path.abspath(path)), entries)

    def leave_out(self, results: Iterable[FileResult], selected: Collection[str]) -> list[FileResult]:
        """The results without what is known; each says how many findings it lacks, and how many known ones of the
        selected codes are gone."""
        results = list(results)
        moved = Counter(
            (code, _plain(fingerprint))
            for path, known in self.entries.items()
            if not os.path.exists(os.path.join(self.folder, path))
            for code, fingerprint in known
        )
        return [self._new(result, moved, selected) for result in results]

    def _new(self, result: FileResult, moved: Counter[tuple[str, str]], selected: Collection[str]) -> FileResult:
        known = Counter(self.entries.get(relative_to(self.folder, result.path), ()))
        new: list[Finding] = []
        for finding in result.findings:
            here, anywhere = _key(finding), (finding.code, _plain(finding.fingerprint))
            if known[here]:
                known[here] -= 1
            elif moved[anywhere]:
                moved[anywhere] -= 1
            else:
                new.append(finding)
        gone = sum(n for (code, _), n in known.items() if code in selected) if result.parsed else 0
        return replace(result, findings=tuple(new), known=len(result.findings) - len(new), gone=gone)

    def renewed(self, results: Iterable[FileResult]) -> Baseline:
        """What these results have; files that they do not speak of keep what was known, if they are still there, and so
        do files that could not be parsed."""
        looked_at = {relative_to(self.folder, result.path): result for result in results}
        kept = {
            path: known
            for path, known in self.entries.items()
            if (not looked_at[path].parsed if path in looked_at else os.path.exists(os.path.join(self.folder, path)))
        }
        found = {
            path: tuple(map(_key, result.findings))
            for path, result in looked_at.items()
            if result.parsed and result.findings
        }
        return Baseline(self.folder, {**kept, **found})

    def render(self) -> str:
        """The file's text."""
        files = ",\n".join(
            f"  {json.dumps(path)}: [\n"
            + ",\n".join(
                f"   {json.dumps({'code': code, 'fingerprint': fingerprint})}" for code, fingerprint in sorted(known)
            )
            + "\n  ]"
            for path, known in sorted(self.entries.items())
        )
        return f'{{\n "version": {_VERSION},\n "files": {{{chr(10) + files + chr(10) + " " if files else ""}}}\n}}\n'


def relative_to(folder: str, path: str) -> str:
    """The path as it stands in a baseline of that folder."""
    return os.path.relpath(os.path.abspath(path), folder).replace(os.sep, "/")


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.fingerprint


def _plain(fingerprint: str) -> str:
    """The fingerprint without its number among equals of one file."""
    return fingerprint.partition(":")[0]


__all__ = ["Baseline", "BaselineError"]
