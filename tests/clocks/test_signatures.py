"""The arguments in the tables are those of the real libraries, where they can be imported."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import warnings
from typing import Any

import pytest

from lrfix.clocks import LIBRARIES
from lrfix.clocks.model import Argument, Library

#: Names that an older or newer version has, and the one that is installed may not have.
OF_OTHER_VERSIONS = (
    "pytorch_transformers.",
    "transformers.WarmupLinearSchedule",
    "diffusers.",
    "ignite.contrib.",
)


def imported(qualified: str) -> Any:
    """What the name means, or None where the module or the name is not there."""
    parts = qualified.split(".")
    for i in range(len(parts) - 1, 0, -1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found: Any = importlib.import_module(".".join(parts[:i]))
        except ImportError:
            continue
        for part in parts[i:]:
            found = getattr(found, part, None)
        return found
    return None


def needs(known: Library) -> None:
    for module in known.modules:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(module)
            return
        except ImportError:
            continue
    # None of them is a dependency of lrfix: together they take gigabytes, and some shut each other out.
    pytest.skip(f"{known.name} is not installed; its own signatures are what the table is compared with")


def given(known: Library) -> list[tuple[str, Argument]]:
    """Every argument that the tables name, with the call it is given to."""
    pairs = []
    for builder in known.builders:
        arguments = [builder.optimizer, builder.warmup, *builder.horizon]
        pairs += [(name, a) for name in builder.names for a in arguments if a is not None]
    for taken in known.take_overs:
        pairs += [(name, a) for name in taken.names for a in (*taken.optimizers, *taken.schedulers)]
    for method in known.methods:
        arguments = [method.position, method.metric, method.optimizer]
        pairs += [(f"{owner}.{method.name}", a) for owner in method.owners for a in arguments if a is not None]
    return pairs


def parameters(function: Any) -> list[inspect.Parameter]:
    if inspect.isclass(function):
        found = list(inspect.signature(function.__init__).parameters.values())[1:]
    else:
        found = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    return found


@pytest.mark.parametrize("known", LIBRARIES, ids=lambda known: known.name)
def test_every_argument_stands_where_the_table_says(known):
    needs(known)
    missing = []
    for name, argument in given(known):
        function = imported(name)
        if function is None:
            if not name.startswith(OF_OTHER_VERSIONS) and importlib.util.find_spec(name.split(".")[0]):
                missing.append(name)
            continue
        found = parameters(function)
        if any(p.kind is p.VAR_POSITIONAL for p in found):
            continue  # it hands on what it is given
        names = [p.name for p in found]
        assert argument.name in names, (name, argument, names)
        if argument.place is not None:
            assert names[argument.place] == argument.name, (name, names)
    assert missing == []
