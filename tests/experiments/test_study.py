"""What one study of a site ran, another one of the same site need not run again."""

from __future__ import annotations

import textwrap

from lrfix.driving.laboratory import Laboratory
from lrfix.experiments.study import Study
from lrfix.names import Names
from lrfix.sites import find_sites
from lrfix.source import parse_source

SETTER = """
    def adjust(optimizer, epoch, decay):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * decay ** (epoch // 30)

    def main(optimizer, args):
        for epoch in range(args.epochs):
            adjust(optimizer, epoch, {decay})
    """


def studies(decay: str) -> tuple[Study, Study]:
    source = parse_source(textwrap.dedent(SETTER.format(decay=decay)).encode(), "train.py")
    names, sites = find_sites(source, Names(source.tree))
    laboratory = Laboratory(names, sites[0])
    return (
        Study(source, names, sites[0], laboratory=laboratory),
        Study(source, names, sites[0], laboratory=laboratory),
    )


def test_two_studies_of_one_call_share_its_runs() -> None:
    one, other = studies("0.5")
    assert one.use is not None
    assert one.use is not other.use
    assert one.run(0).lr is other.run(0).lr


def test_the_definition_by_itself_is_another_run_than_its_call() -> None:
    one, other = studies("0.5")
    assert one.run(0).lr != other.run(0, use=None).lr
