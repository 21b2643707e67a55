"""Which files of a project an object of one of them can get to."""

from __future__ import annotations

import pytest

from lrfix.rewriting.import_graph import within_reach

ROOT = "/project"


def reach(path, **contents):
    files = {f"{ROOT}/{name}": text.encode() for name, text in contents["files"].items()}
    return {found.removeprefix(f"{ROOT}/") for found in within_reach(f"{ROOT}/{path}", files, ROOT)}


@pytest.mark.parametrize(
    ("train", "schedules"),
    [
        ("import schedules\n", "schedules.py"),
        ("import os, schedules as own\n", "schedules.py"),
        ("from schedules import (\n    build,\n    other,\n)\n", "schedules.py"),
        ("from .schedules import build\n", "schedules.py"),
        ("def late():\n    from tools.schedules import build\n", "tools/schedules.py"),
        ("from tools import schedules\n", "tools/schedules.py"),
        ("from project.schedules import build\n", "src/project/schedules.py"),
    ],
)
def test_a_file_that_imports_another_is_connected_with_it_both_ways(train, schedules):
    files = {"train.py": train, schedules: "", "apart.py": "import math\n"}
    assert reach("train.py", files=files) == {"train.py", schedules}
    assert reach(schedules, files=files) == {"train.py", schedules}


def test_files_are_connected_through_a_third():
    files = {"train.py": "import schedules\nimport tools\n", "schedules.py": "", "tools.py": "", "apart.py": ""}
    assert reach("schedules.py", files=files) == {"train.py", "schedules.py", "tools.py"}


def test_a_package_of_another_root_that_has_a_librarys_name_is_not_that_library():
    files = {"examples/train.py": "import torch\n", "clocks/torch.py": "import helpers\n", "helpers.py": ""}
    assert reach("examples/train.py", files=files) == {"examples/train.py"}


def test_a_configuration_connects_what_it_names():
    files = {
        "conf/main.yaml": "scheduler:\n  _target_: own.schedules.Warmup\ncallback:\n  _target_: own.callbacks.Scale\n",
        "own/schedules.py": "",
        "own/callbacks.py": "",
        "apart.py": "",
    }
    assert reach("own/schedules.py", files=files) == {"conf/main.yaml", "own/schedules.py", "own/callbacks.py"}


def test_a_notebook_imports_in_the_lines_of_its_cells():
    files = {"study.ipynb": '{"cells": [{"source": [\n    "from schedules import build\\n"\n]}]}', "schedules.py": ""}
    assert reach("schedules.py", files=files) == {"study.ipynb", "schedules.py"}


def test_two_programs_that_share_a_library_never_meet():
    files = {
        "one/train.py": "import schedules\nimport common.tools\n",
        "one/schedules.py": "",
        "two/train.py": "import common.tools\n",
        "common/tools.py": "",
    }
    assert reach("one/schedules.py", files=files) == {"one/train.py", "one/schedules.py", "common/tools.py"}
    assert reach("common/tools.py", files=files) == set(files)
