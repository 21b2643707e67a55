"""What is known of each text on the way, so that no site is simulated twice."""

from __future__ import annotations

from lrfix.analysis import SiteAnalysis, analyse_site
from lrfix.names import Names
from lrfix.sites import find_sites
from lrfix.sites.model import ScheduleSite
from lrfix.source import Source

_Text = tuple[str, bytes]
_PATIENCE = 4
"""How many times the work of a check a rewrite may take: it asks for many more settings, of one schedule."""


class Analyses:
    """The sites of texts, each analysed when it is first asked for.

    A file is planned again from its first text when a proof fails, and most of its sites are then as they were.
    """

    def __init__(self) -> None:
        self._found: dict[_Text, tuple[Source, Names, list[ScheduleSite]]] = {}
        self._analysed: dict[tuple[_Text, int], SiteAnalysis] = {}

    def sites(self, source: Source) -> tuple[Source, Names, list[ScheduleSite]]:
        """The sites of a text, with the source and names that their nodes belong to."""
        text = source.path, source.raw
        if text not in self._found:
            self._found[text] = (source, *find_sites(source))
        return self._found[text]

    def of(self, source: Source, index: int) -> SiteAnalysis:
        """The analysis of one of the sites of a text."""
        text = source.path, source.raw
        known, names, sites = self._found[text]
        key = text, index
        if key not in self._analysed:
            self._analysed[key] = analyse_site(known, names, sites[index], _PATIENCE)
        return self._analysed[key]


__all__ = ["Analyses"]
