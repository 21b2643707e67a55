"""From one source to its analysed sites: the seam between the engine and everything that understands schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrfix.findings import Span, Status

if TYPE_CHECKING:
    from lrfix.names import Names
    from lrfix.recognition import Recognition
    from lrfix.sites.model import ScheduleSite
    from lrfix.source import Source


@dataclass(frozen=True)
class SimulatedScenario:
    """Concrete values of the free expressions, and the rates they gave: one row of ``lr`` a group.

    ``values`` maps the user's expressions, valid where the scheduler is built (for a class: the parameters of its
    ``__init__``), to numbers.
    """

    values: Mapping[str, object]
    base_lrs: tuple[float, float]
    lr: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class SiteAnalysis:
    """One site, simulated, judged and recognised.

    ``recognition`` holds for the code as it is; ``leaves`` are the expressions of the user's code that the
    scenarios gave values to (``args.epochs``, ``len(loader)``, for a class the names of ``__init__``'s parameters).
    """

    site: ScheduleSite
    span: Span
    form: str
    family: str
    parameters: Mapping[str, str]
    handrolled: bool
    status: Status
    reason: str | None
    curve: tuple[float, ...]
    name: str | None
    study: object
    counters: Mapping[str, int] = field(default_factory=dict)
    recognition: Recognition | None = None
    scenarios: tuple[SimulatedScenario, ...] = ()
    leaves: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    names: Names | None = None


def analyse(source: Source, torch_version: str | None = None) -> Sequence[SiteAnalysis]:
    """Every schedule site of ``source``, in the order of the text."""
    from lrfix.sites import find_sites
    from lrfix.study import analyse_site

    del torch_version
    names, sites = find_sites(source)
    return [analyse_site(source, names, site) for site in sites]


__all__ = ["SimulatedScenario", "SiteAnalysis", "analyse"]
