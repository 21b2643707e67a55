"""The bundle under test: the installed package, and the vendored classes, each from a file of its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from vendored import each_alone

from lrfix import schedules


@pytest.fixture(scope="session", params=["installed", "vendored"])
def bundle(request, tmp_path_factory):
    pytest.importorskip("torch")
    from lrfix import schedulers

    if request.param == "vendored":
        return each_alone(tmp_path_factory.mktemp("vendored"))
    return SimpleNamespace(**vars(schedules), **{n: getattr(schedulers, n) for n in schedulers.__all__})
