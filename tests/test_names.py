"""Which binding a name means."""

from __future__ import annotations

from lrfix.names import Assigned, Names
from lrfix.source import parse_source


def names_of(text: str) -> Names:
    return Names(parse_source(text.encode(), "train.py").tree)


def test_a_global_statement_of_the_module_itself_binds_nothing():
    names = names_of("global rate\nrate = 0.1\nprint(rate)\n")
    use = next(n for n in names.nodes if getattr(n, "id", None) == "rate" and n.lineno == 3)
    found = names.bindings("rate", use)
    assert len(found) == 1
    assert isinstance(found[0], Assigned)


def test_a_global_statement_of_a_function_binds_a_name_of_the_module():
    names = names_of("def setup():\n    global rate\n    rate = 0.1\n\nprint(rate)\n")
    use = next(n for n in names.nodes if getattr(n, "id", None) == "rate" and n.lineno == 5)
    found = names.bindings("rate", use)
    assert [type(b) for b in found] == [Assigned]
