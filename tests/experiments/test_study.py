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


def test_what_was_drawn_for_a_models_parameters_is_no_evidence(asked):
    source = """
        import torch


        def main(model, loader, epochs, lr):
            trainable = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.SGD(trainable, lr)
            for epoch in range(epochs):
                for group in optimizer.param_groups:
                    group["lr"] = lr * epoch / 5 if epoch < 5 else lr * (1 - epoch / epochs)
                for batch in loader:
                    model(batch).backward()
                    optimizer.step()
        """
    (found,) = asked("LR203", source)
    assert found.evidence is not None and sorted(found.evidence.scenario) == ["epochs", "lr"]
