"""The functions under test: the installed package's, and those of the vendored file. Neither needs torch."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from lrfix import schedules
from lrfix.vendoring import public_names, vendored_source


def load_vendored(path) -> ModuleType:
    functions = [name for name in public_names() if name.islower()]
    path.write_text(vendored_source(functions), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session", params=["installed", "vendored"])
def bundle(request, tmp_path_factory):
    if request.param == "vendored":
        return load_vendored(tmp_path_factory.mktemp("vendored") / "vendored_schedules.py")
    return schedules
