"""Composer's trainer has the setting by which its schedulers step."""

from __future__ import annotations

import inspect

import pytest

from lrfix.clocks import take_over


def test_torchs_schedulers_step_once_an_epoch_by_default():
    composer = pytest.importorskip("composer", reason="composer is what is asked")
    taken = take_over("composer.Trainer")
    default = inspect.signature(composer.Trainer.__init__).parameters[taken.stepping.chosen_by.name].default
    assert default is taken.stepping.chosen_by.default is None
