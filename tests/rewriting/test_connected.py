"""Files that belong together: a definition and whoever uses it."""

from __future__ import annotations

import ast

import pytest

from lrfix.rewriting.connected import connected

DEFINITION = "def build(optimizer):\n    pass\n"


@pytest.mark.parametrize(
    "user",
    [
        "import schedules",
        "import tools.schedules as s",
        "from tools.schedules import build",
        "from . import schedules",
        "from .schedules import *",
        "from tools import build  # through tools/__init__.py",
        "def late():\n    from schedules import build as make\n",
    ],
)
def test_a_user_belongs_to_the_definition(user):
    files = {"tools/train.py": user, "other.py": "import math\n", "tools/schedules.py": DEFINITION}
    assert connected({path: ast.parse(text) for path, text in files.items()}) == [
        ["tools/schedules.py", "tools/train.py"],
        ["other.py"],
    ]


def test_users_of_one_definition_belong_together_and_so_on():
    files = {"a.py": "import b", "c.py": "import b", "b.py": DEFINITION, "d.py": "import c", "e.py": "import math"}
    sets = connected({path: ast.parse(text) for path, text in files.items()})
    assert sets == [["a.py", "b.py", "c.py", "d.py"], ["e.py"]]
