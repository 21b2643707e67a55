"""Finding the places where a schedule is defined, one module a form."""

from __future__ import annotations

from lrfix.names import Names
from lrfix.sites.lambdas import lambda_sites
from lrfix.sites.model import Construction, Form, ScheduleSite
from lrfix.sites.subclasses import subclass_sites
from lrfix.source import Source

__all__ = ["Construction", "Form", "ScheduleSite", "find_sites"]


def find_sites(source: Source) -> tuple[Names, list[ScheduleSite]]:
    """All schedule sites of a file in the order of the text, with the name resolution they were found by."""
    names = Names(source.tree)
    subclasses = subclass_sites(source, names)
    owned = {node for site in subclasses for node in site.nodes}
    lambdas = lambda_sites(source, names, owned)
    sites = sorted([*subclasses, *lambdas], key=lambda site: site.span)
    return names, sites
