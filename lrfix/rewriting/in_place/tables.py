"""Tables of rates: the statements that make one, and the call that gives each of its entries."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from lrfix.domains.whole import WholeNumbers
from lrfix.interpreter.arrays.values import Array, NumpyArray
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.names import Imported, Names, Scope
from lrfix.recognition import Sample
from lrfix.recognition.expressions import Expressions
from lrfix.rewriting.in_place.calls import as_written
from lrfix.rewriting.in_place.reads import root_of
from lrfix.rewriting.in_place.regions import Region
from lrfix.rewriting.in_place.sampling import SAMPLES, Curve, Formula, call_for, drawn

_COUNTERS = ("step", "k", "step_index", "entry")
_SHORTEST = 8


def table_of(names: Names, region: Region) -> Formula | str:
    """The table that a region makes as one call for each of its entries, or why there is none."""
    roots = {root_of(leaf) for leaf in region.leaves}
    counter = next((name for name in _COUNTERS if name not in roots), None)
    if counter is None:
        return "no name is free for the entries of the table"
    draws = [drawn(names, region, "", index) for index in range(SAMPLES)]
    samples: list[Sample] = []
    kinds: set[type] = set()
    for values in draws:
        try:
            made = Curve(names, region, "").made(values)
        except Opaque as opaque:
            return f"it cannot be simulated: {opaque.reason}"
        except UserError as error:
            return f"it raises {error.kind}: {error.message}"
        if not isinstance(made, list | Array) or len(rates := _numbers(made)) < _SHORTEST:
            return "it makes no table of rates"
        kinds.add(type(made))
        numbers = {k: v for k, v in values.items() if isinstance(v, int | float | list) and not isinstance(v, bool)}
        samples.append(Sample(tuple(rates), 1.0, numbers))
    if len(kinds) != 1:
        return "it makes a list for some settings and an array for others"
    lengths = Expressions([s.names for s in samples]).find([float(len(s.lr)) for s in samples], "total_steps")
    if lengths is None:
        return "no expression of what it reads gives the length of the table"
    array: str | None = None
    if kinds == {NumpyArray}:
        array = _numpy(names, region)
        if array is None:
            return "numpy is not known where the table is made"
    length = as_written(lengths.text, region.computed)
    call = call_for(samples, counter, region, (length,))
    if isinstance(call, str):
        return call
    if not _is_whole(names, region, length):
        # Whoever counts with numpy may count up to 150.0: `range` alone would refuse it. Where a fraction makes
        # another table than its whole part, the proof says so.
        if names.owner("int", names.scope_of(region.first)) is not None:
            return "`int` is a name of the file where the table is made"
        length = f"int({length})"
    return Formula(region, call, False, tuple(draws), length=length, array=array)


def _is_whole(names: Names, region: Region, length: str) -> bool:
    """Whether a length is a whole number by what the file declares of all that it is made of."""
    declared = WholeNumbers(names)
    nodes = list(ast.walk(ast.parse(length, mode="eval")))
    if length in declared:
        return True
    if any(isinstance(n, ast.Div) or (isinstance(n, ast.Constant) and isinstance(n.value, float)) for n in nodes):
        return False
    read = {ast.unparse(n) for n in nodes if isinstance(n, ast.expr)}
    return all(leaf in declared for leaf in region.leaves if leaf in read)


def _numbers(made: Any) -> list[float]:
    found = list(made.values) if isinstance(made, Array) else made
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in found):
        return []
    return [float(v) for v in found]


def _numpy(names: Names, region: Region) -> str | None:
    """The name of numpy at the region."""
    scope: Scope | None = names.scope_of(region.first)
    while scope is not None:
        for name, bindings in scope.bindings.items():
            if all(isinstance(b, Imported) and b.qualified == "numpy" for b in bindings):
                return name
        scope = scope.parent
    return None


def list_text(turns: str, array: str | None, prefix: str, call: Sequence[str], unit: str, fits: int) -> str:
    """``rates = np.array([warmup_cosine(step, ...) for step in range(total)])``, one part a line where it is long.

    ``turns`` is the part from ``for`` on, ``array`` the module whose array it becomes, if any, ``call`` are the
    function and its arguments, ``fits`` how many characters a line has.
    """
    head, *arguments = call
    one = f"{head}({', '.join(arguments)})"
    opening, closing = (f"{array}.array([", "])") if array is not None else ("[", "]")
    line = f"{prefix}{opening}{one} {turns}{closing}"
    if len(line) <= fits:
        return line
    if array is None:
        return f"{prefix}[\n{_inside(one, head, arguments, turns, unit, unit, fits)}]"
    inner = _inside(one, head, arguments, turns, unit, 2 * unit, fits)
    return f"{prefix}{array}.array(\n{unit}[\n{inner}{unit}]\n)"


def _inside(one: str, head: str, arguments: Sequence[str], turns: str, unit: str, indent: str, fits: int) -> str:
    if len(indent) + len(one) <= fits:
        return f"{indent}{one}\n{indent}{turns}\n"
    parts = "".join(f"{indent}{unit}{argument},\n" for argument in arguments)
    return f"{indent}{head}(\n{parts}{indent})\n{indent}{turns}\n"


__all__ = ["list_text", "table_of"]
