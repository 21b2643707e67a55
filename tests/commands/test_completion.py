"""What a shell completes, as click asks for it."""

from __future__ import annotations

import pytest
from click.shell_completion import BashComplete

from lrfix.cli import main


def completed(*words: str) -> list[str]:
    complete = BashComplete(main, {}, "lrfix", "_LRFIX_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("rew",), ["rewrite"]),
        (("rewrite", "--di"), ["--diff"]),
        (("check", "--output-format", "s"), ["sarif"]),
        (("rule", "LR202"), ["LR202"]),
        (("rule", "boundary"), ["boundary-jump"]),
        (("check", "--select", "LR202,LR401"), ["LR202,LR401"]),
    ],
)
def test_commands_options_values_and_rules(words, expected):
    assert completed(*words) == expected


def test_nothing_begun_is_offered_codes_alone():
    assert all(word.startswith("LR") for word in completed("check", "--ignore", ""))
