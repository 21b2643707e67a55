"""Lambdas: the callable that LambdaLR is given, found through what it is made by."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.sites import find_sites
from lrfix.source import parse_source

OBJECT = """
    from torch.optim.lr_scheduler import LambdaLR

    class Decay:
        def __init__(self, total, start):
            self.total, self.start = total, start

        def step(self, epoch):
            return 1 - max(0, epoch - self.start) / (self.total - self.start)

    def build(optimizer, opt):
        {made}
        return LambdaLR(optimizer, lr_lambda={handed})
    """


@pytest.mark.parametrize(
    ("made", "handed"),
    [
        ("pass", "Decay(opt.n_epochs, opt.decay_epoch).step"),
        ("decay = Decay(opt.n_epochs, opt.decay_epoch)", "decay.step"),
        ("decay = Decay(opt.n_epochs, opt.decay_epoch)", "lambda epoch: decay.step(epoch)"),
    ],
)
def test_a_method_of_an_object_made_in_place_or_before(made: str, handed: str) -> None:
    source = parse_source(textwrap.dedent(OBJECT.format(made=made, handed=handed)).encode(), "train.py")
    assert "lambda" in [site.form for site in find_sites(source)[1]]


def test_a_method_of_an_object_that_another_file_makes_is_no_lambda() -> None:
    handed = OBJECT.format(made="from decays import Decay", handed="Decay(opt.n_epochs).step")
    source = parse_source(textwrap.dedent(handed.replace("class Decay", "class Other")).encode(), "train.py")
    assert [site for site in find_sites(source)[1] if site.form == "lambda"] == []
