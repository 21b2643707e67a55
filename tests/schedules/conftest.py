"""The functions under test, installed and vendored, these each from a file of its own. None needs torch."""

from __future__ import annotations

import pytest
from vendored import each_alone

from lrfix import schedules
from lrfix.vendoring import public_names


@pytest.fixture(scope="session", params=["installed", "vendored"])
def bundle(request, tmp_path_factory):
    if request.param == "vendored":
        return each_alone(tmp_path_factory.mktemp("vendored"), [name for name in public_names() if name.islower()])
    return schedules
