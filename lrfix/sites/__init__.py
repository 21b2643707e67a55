"""Finding the places where a schedule is defined, one module a form."""

from __future__ import annotations

import ast

from lrfix.names import Names
from lrfix.sites.arrays import array_sites
from lrfix.sites.compositions import composition_sites
from lrfix.sites.driven import driving_classes
from lrfix.sites.effects import Effects
from lrfix.sites.functions import function_sites
from lrfix.sites.lambdas import lambda_sites
from lrfix.sites.model import Construction, Form, ScheduleSite
from lrfix.sites.setters import setter_sites
from lrfix.sites.subclasses import subclass_sites
from lrfix.sites.training import training_code
from lrfix.sites.wrappers import wrapper_sites
from lrfix.source import Source

__all__ = ["Construction", "Form", "ScheduleSite", "find_sites", "training_code"]


def find_sites(source: Source, names: Names | None = None) -> tuple[Names, list[ScheduleSite]]:
    """All schedule sites of a file in the order of the text, with the name resolution they were found by.

    ``names`` are those of the file where somebody has them already, with its neighbours.
    """
    names = names or Names(source.tree)
    subclasses = subclass_sites(source, names)
    owned = {node for site in subclasses for node in site.nodes}
    effects = Effects(names)
    wrappers = wrapper_sites(source, names, effects, owned)
    wrapping = {node for site in wrappers for node in site.nodes}
    owned |= wrapping
    lambdas = [s for s in lambda_sites(source, names, owned) if not _inside(names, s, wrapping)]
    setters = setter_sites(source, names, effects, owned)
    known = [*subclasses, *wrappers, *lambdas, *setters]
    known += function_sites(source, names, effects, owned, known)
    known += array_sites(source, names, effects, owned, known)
    driving = driving_classes(source, names, owned)
    owned |= {node for site in driving for node in site.nodes}
    known += [*driving, *composition_sites(source, names, owned)]
    sites = sorted(known, key=lambda site: site.span)
    return names, sites


def _inside(names: Names, site: ScheduleSite, classes: set[ast.AST]) -> bool:
    return any(a in classes for a in names.ancestors(site.node))
