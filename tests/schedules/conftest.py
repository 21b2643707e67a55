"""The bundle under test: the installed package, and the vendored file generated from it."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest

from lrfix import schedules
from lrfix.vendoring import vendored_source


def load_vendored(path) -> ModuleType:
    path.write_text(vendored_source(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session", params=["installed", "vendored"])
def bundle(request, tmp_path_factory):
    pytest.importorskip("torch")
    from lrfix import schedulers

    if request.param == "vendored":
        return load_vendored(tmp_path_factory.mktemp("vendored") / "vendored_schedules.py")
    return SimpleNamespace(**vars(schedules), **{n: getattr(schedulers, n) for n in schedulers.__all__})
