"""What is searched for in the other files of a project is searched only where it can be."""

from __future__ import annotations

import pytest

from lrfix.rewriting.project import Project, needed_words
from lrfix.rewriting.users import SCHEDULER


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("climb", ("climb",)),
        (rf"{SCHEDULER}\.lr_lambdas", ("ched", "lr_lambdas")),
        (r"\A(?![\s\S]*(?:a|b))[\s\S]*\.add_param_group", ("add_param_group",)),
        (r"(?:isinstance|issubclass)\s*\([^\n]*\bLinear", ("Linear",)),
        (r"climbs?\(", ()),
        ("climb|fall", ()),
    ],
)
def test_the_words_that_a_pattern_needs(pattern, words):
    assert needed_words(pattern) == words


def test_a_pattern_is_found_where_its_words_are(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "one.py").write_text("class Line: ...\n")
    (tmp_path / "two.py").write_text("from one import Line\nscheduler.step(epoch)\n")
    project = Project.around(str(tmp_path / "one.py"))
    assert project.does(rf"{SCHEDULER}\.step\(\s*epoch", str(tmp_path / "one.py"))
    assert not project.does(rf"{SCHEDULER}\.step\(\s*batch", str(tmp_path / "one.py"))
