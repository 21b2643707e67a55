"""One analysis of one text: the command line's tests ask for a dozen texts some hundred times.

Whatever an analysis may look at is part of what it is remembered under: the text, and of a file in a temporary folder
every file of the folder. Rules answer once about a schedule, as they do within a run.
"""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from lrfix.analysis import SiteAnalysis, examine
from lrfix.looks import Looks
from lrfix.source import Source
from lrfix.usage import Place

_MOST_TEXTS = 60
_MOST_FILES = 20
_KNOWN: OrderedDict[object, Sequence[SiteAnalysis]] = OrderedDict()


def remembering(
    source: Source, torch: str | None = None, place: Place | None = None, looks: Looks | None = None
) -> Sequence[SiteAnalysis]:
    """As ``examine``."""
    key = (source.raw, torch, _around(place))
    if key[-1] is None:
        return examine(source, torch, place, looks)
    if key not in _KNOWN:
        _KNOWN[key] = examine(source, torch, place, looks)
        if len(_KNOWN) > _MOST_TEXTS:
            _KNOWN.popitem(last=False)
    _KNOWN.move_to_end(key)
    return _KNOWN[key]


def _around(place: Place | None) -> object:
    """All that a file may be looked at with; None where that is more than a few files."""
    here = Path.cwd()
    if place is None:
        return "alone"
    if os.path.isabs(place.path) or Path(tempfile.gettempdir()) not in here.parents:
        return None
    held = [path for path in here.rglob("*") if path.is_file()][: _MOST_FILES + 1]
    if len(held) > _MOST_FILES or any(path.stat().st_size > 100_000 for path in held):
        return None
    try:
        return repr(place), tuple(sorted((path.relative_to(here).as_posix(), path.read_bytes()) for path in held))
    except OSError:
        return None
