"""Arrays and scalars agree with numpy, and with torch on the CPU, in value, kind and exception."""

from __future__ import annotations

import ast
import math
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix.interpreter.arrays.scalars import SCALARS, plain
from lrfix.interpreter.arrays.values import Array
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import FuelSpent, Opaque, UserError
from lrfix.interpreter.machine import Interpreter

np = pytest.importorskip("numpy")

# One unit in the last place for functions that no library rounds correctly.
CLOSE = 4e-16
_KINDS = {"float64": "float", "int64": "int", "bool": "bool", "float32": "float32"}


def simulated(source: str, fuel: int = 200_000) -> Any:
    environment = Environment()
    head = "import numpy as np\nimport torch\nimport math\n"
    Interpreter(fuel=fuel).execute(ast.parse(head + source).body, environment)
    return environment.get("result")


def seen(value: Any) -> Any:
    """A value as (library and kind, plain value), whichever side it is from."""
    if isinstance(value, Array):
        return f"{value.library} {value.kind}", [_number(v) for v in value.values]
    if isinstance(value, SCALARS):
        return f"{value.library} {value.kind}", _number(plain(value))
    if isinstance(value, np.ndarray | np.generic):
        found = value.tolist()
        listed = [_number(v) for v in found] if isinstance(found, list) else _number(found)
        return f"numpy {_KINDS[value.dtype.name]}", listed
    if type(value).__name__ == "Tensor":
        found = value.tolist()
        listed = [_number(v) for v in found] if isinstance(found, list) else _number(found)
        return f"torch {_KINDS[str(value.dtype).removeprefix('torch.')]}", listed
    if isinstance(value, list | tuple):
        return type(value).__name__, [seen(v) for v in value]
    return type(value).__name__, _number(value)


def _number(value: Any) -> Any:
    return pytest.approx(value, rel=CLOSE, abs=0, nan_ok=True) if isinstance(value, float) else value


def outcome(run: Any) -> Any:
    try:
        return "gives", seen(run())
    except UserError as error:
        return "raises", error.kind
    except Opaque:
        raise
    except Exception as error:
        known = (TypeError, ValueError, IndexError, RuntimeError, ZeroDivisionError, OverflowError)
        return "raises", next(k.__name__ for k in known if isinstance(error, k))


def executed(source: str) -> Any:
    names: dict[str, Any] = {"np": np, "math": math}
    if "torch" in source:
        names["torch"] = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(source, names)
    return names["result"]


def agree(source: str) -> None:
    ours, theirs = outcome(lambda: simulated(source)), outcome(lambda: executed(source))
    # approx compares with plain numbers only: the real side is taken without it.
    assert _stripped(ours) == theirs, source


def _stripped(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_stripped(v) for v in value)
    return value.expected if type(value).__name__ == "ApproxScalar" else value


EXPRESSIONS = """
np.array([1, 2.5]); np.array([1, 2]); np.array([True, False]); np.array([]); np.array(3)
np.array((1, 2), dtype=float); np.asarray([1, 2], dtype=np.float64); np.zeros(3); np.ones(4, dtype=int)
np.zeros((2,)); np.full(3, 0.5); np.full(2, 7); np.zeros_like([1, 2]); np.zeros_like(np.linspace(0, 1, 3))
np.full_like(np.arange(3), 2.5); np.zeros(-1); np.linspace(0, 1, 7); np.linspace(1e-4, 1e-1, 11)
np.linspace(0, 1, 5, endpoint=False); np.linspace(3, 1, 1); np.linspace(1, 1, 4); np.linspace(0, 10, 4, dtype=int)
np.linspace(5, -5, 6); np.arange(5); np.arange(2, 9, 3); np.arange(0, 1, 0.1); np.arange(5, 0, -2); np.arange(3.0)
np.arange(5, 2); np.concatenate([np.arange(3), np.linspace(0, 1, 3)]); np.concatenate(([1, 2], [3]))
np.concatenate([]); np.hstack([np.ones(2), 5, [1, 2]]); np.append([1, 2], 3.5); np.append(np.zeros(2), np.ones(1))
np.repeat([1, 2], 3); np.repeat([1.5, 2], [2, 1]); np.tile([1, 2], 2); np.flip([1, 2, 3]); np.diff([1, 4, 9.5])
np.cumsum([1, 2, 3]); np.cumsum([0.1] * 9); np.cumprod([1, 2, 3.5]); np.sum([0.1] * 13)
np.sum(np.linspace(0, 1, 300)); np.arange(7).sum(); np.mean([1, 2, 4]); np.mean(np.linspace(0, 3, 17))
np.max([1, 5, 2]); np.min(np.array([2.5, 1])); np.array([3, 1]).max(); np.argmin([3, 1, 1])
np.argmax(np.array([0.5, 2, 2])); np.prod([2, 3.5]); np.any([0, 1]); np.all(np.array([1, 0]) > 0)
np.std([1.0, 2.0, 4.0]); np.var([1, 2]); np.array([]).max(); np.array([1, 2]).mean(); np.clip(np.arange(5), 1, 3)
np.clip(0.5, 0, 1); np.clip(5, 0, 1.5); np.clip(7, None, 3); np.clip([1.5, 9], 2, 4); np.minimum([1, 5], 3)
np.maximum(2, 3.5); np.maximum(np.arange(3), np.array([2.5, 0, 0])); np.minimum(3, 4)
np.where(np.arange(4) < 2, 1.0, 0.0); np.where([True, False], [1, 2], [3, 4]); np.where(3 > 2, 1, 2.5)
np.interp(2.5, [0, 5, 10], [0, 1, 0.5]); np.interp([0, 3, 20], [0, 5, 10], [0, 1, 0.5])
np.interp(-1, [0, 1], [2, 3]); np.interp(5, [0, 5, 5, 10], [0, 1, 2, 3]); np.interp(12, [0, 5], [1, 2], right=0)
np.interp(1, [], []); np.searchsorted([1, 3, 5], 3); np.searchsorted([1, 3, 5], 3, side='right')
np.searchsorted([1, 3], [0, 4]); np.digitize(3, [1, 3, 5]); np.digitize([0, 3, 9], [1, 3, 5])
np.digitize(3, [1, 3, 5], right=True); np.cos(0.5); np.sin([0, 1.5]); np.exp(1000); np.log(0); np.log(-1)
np.sqrt(-1); np.log2(8); np.log10(1000); np.tanh(0.3); np.exp([1, 2]); np.cos(np.pi); np.log1p(-1); np.expm1(0.1)
np.arccos(2); np.arctan2(1, 2); np.hypot(3, 4); np.floor(2.5); np.ceil(-0.5); np.floor([1.5, -1.5]); np.floor(5)
np.rint(2.5); np.round(2.675, 2); np.round([0.5, 1.5]); np.around(1.2345, 3); np.round(3); np.trunc(-2.7)
np.abs([-1, 2.5]); np.abs(-3); np.fabs(-3); np.sign(-2.5); np.sign([2, -3]); np.power(2, 3); np.power(2.0, -1)
np.power(2, -1); np.power([1, 2], 2); np.power(-8, 1 / 3); np.power(0.0, -1); np.float_power(2, -1); np.mod(-7, 3)
np.mod(-7.5, 2); np.mod(5.0, 0); np.fmod(-7.0, 3); np.floor_divide(-7, 2); np.divide(1, 0); np.divide(0, 0)
np.divide(3, 2); np.multiply(2, 3.5); np.subtract([1, 2], 1); np.square([1, 3]); np.square(1.5)
np.isnan(float('nan')); np.isinf([1.0, np.inf]); np.isfinite(1); np.isclose(1.0, 1.0 + 1e-9)
np.allclose([1, 2], [1, 2.1]); np.isclose([1, 2], [1, 2.1]); np.logical_and([True, False], True); np.logical_not(3)
np.deg2rad(90); np.float64(2) / 0; np.float64(0) / 0; np.float64(-1) / 0; np.int64(7) / 2; np.int64(7) // 2
np.int64(2) ** -1; np.int64(-7) % 3; np.float64(-8) ** 0.5; np.float64(10) ** 400; np.float64(3) // 0
np.float64(3) % 0; 1 / np.float64(4); 2 ** np.float64(0.5); np.float64(2) + 1; np.int64(2) + 1.5; np.int64(2) * True
-np.int64(3); abs(np.float64(-2)); np.float64(2.5) > 2; np.bool_(1); round(np.float64(2.675), 2)
round(np.float64(2.5)); int(np.float64(2.9)); float(np.int64(3)); bool(np.float64(0)); np.float64(0.1).item()
np.int64(3).item(); np.cos(1).item(); np.float64(3).is_integer(); np.ceil(7 / 2).astype(int)
max(np.float64(1), 2.0); min(np.int64(5), 2.5); sum(np.ones(3)); sum([np.float64(0.5), 1]); math.cos(np.float64(1))
isinstance(np.float64(1), float); isinstance(np.int64(1), int); isinstance(np.arange(2), np.ndarray)
isinstance(1.0, np.ndarray); len(np.arange(4)); list(np.arange(3)); [x for x in np.array([1.5, 2])]
np.arange(3).tolist(); np.arange(3).shape; np.arange(3).size; np.arange(3).ndim; np.linspace(0, 1, 3).shape[0]
np.arange(6)[2]; np.arange(6)[-1]; np.arange(6)[6]; np.arange(6)[1:4]; np.arange(6)[::-1]; np.arange(6)[[0, 2]]
np.arange(6)[np.arange(6) > 3]; np.arange(6)[np.array([1, -1])]; np.arange(6)[1.0]; np.arange(6)[np.int64(2)]
np.arange(6)[np.float64(2)]; [1, 2, 3][np.int64(1)]; [1, 2][np.float64(1)]; np.arange(3)[[True, False]]
np.arange(3).item(); np.array([4]).item(); np.arange(4).astype(float); np.array([1.7, -1.7]).astype(int)
np.arange(3) + np.arange(2); np.arange(3) * 2; 2 - np.arange(3); np.arange(3) / 2; np.arange(1, 4) ** 2
np.arange(3) ** -1; 2.0 ** np.arange(3); np.arange(3) * [1, 2, 3]; [1, 2, 3] + np.arange(3); np.arange(3) // 2
np.arange(3) % 2; np.ones(2) / 0; -np.arange(3); ~np.array([True, False]); ~np.arange(2); ~np.ones(2)
abs(np.array([-1.5])); np.arange(3) == 1; np.arange(3) < 2; (np.arange(4) > 0) & (np.arange(4) < 3)
(np.arange(3) > 0) | (np.arange(3) < 0); np.array([True]) - np.array([True]); np.array([True, False]) * 2
np.array([True, False]) + np.array([True, True]); 1 if np.arange(2) else 0; 1 if np.array([0]) else 2
np.array([1, 2]) * 0.5 * (1 + np.cos(np.pi * np.arange(2) / 10)); float(np.array(2.5)); 5 in np.arange(6); np.inf
np.pi; np.arange(4).clip(1, 2); np.arange(4).cumsum(); np.linspace(0, 1, 4).round(1); np.arange(4).reshape(-1)
np.ones(3).copy(); np.isclose(0.3, 0.1 + 0.2) + 0.5; (np.float64(1) < 2) + 1; (np.float64(1) < 2) * 0.1
not np.float64(0); np.float64(1) == 1; np.float64(1) and 5; np.array(1.0) + 1; np.arange(1, 6)[1:][0]; np.cos([])
np.sum([]); np.append([], 1)
""".replace("\n", "; ").split("; ")


@pytest.mark.parametrize("expression", [e for e in EXPRESSIONS if e.strip()])
def test_agrees_with_numpy(expression: str) -> None:
    agree(f"result = {expression}")


PROGRAMS = {
    "slices are views": "a = np.arange(5.0)\nb = a[1:4]\nb[0] = 9\na[2:] += 1\nresult = (a, b)",
    "masks and lists copy": "a = np.arange(5)\nb = a[[1, 2]]\nc = a[a > 2]\nb[0] = 9\nc[0] = 9\nresult = a",
    "assignment converts": "a = np.zeros(3, dtype=int)\na[0] = 2.9\na[1:] = [3.7, -1.2]\nresult = a",
    "assignment through a mask": "a = np.linspace(0, 1, 5)\na[a > 0.5] = 0.5\na[a < 0.5] *= 2\nresult = a",
    "assignment of a wrong length": "a = np.zeros(3)\na[:] = [1, 2]\nresult = a",
    "assignment out of bounds": "a = np.zeros(3)\na[3] = 1\nresult = a",
    "in place keeps the kind": "a = np.arange(3)\na += 0.5\nresult = a",
    "in place division of integers": "a = np.arange(3)\na /= 2\nresult = a",
    "in place is seen by all names": "a = np.ones(2)\nb = a\na *= 3\nresult = b",
    "copy is not a view": "a = np.ones(2)\nb = a.copy()\nb[0] = 5\nresult = (a, b)",
    "asarray keeps, array copies": "a = np.ones(2)\nb, c = np.asarray(a), np.array(a)\na[0] = 7\nresult = (b, c)",
    "reversed view": "a = np.arange(4)\nb = a[::-1]\nb[0] = 9\nresult = (a, b[1:3])",
    "fill": "a = np.arange(3)\na.fill(2.5)\nresult = a",
    "unpacking": "a, b = np.array([1, 2.5])\nresult = (a, b)",
    "accumulation": "t = 0\nfor x in np.arange(4) / 3:\n    t += x\nresult = t",
    "lr schedule by concatenation": """
warmup = np.linspace(0, 0.1, 5)
iters = np.arange(20)
cosine = np.array([1e-3 + 0.5 * (0.1 - 1e-3) * (1 + math.cos(math.pi * i / len(iters))) for i in iters])
result = np.concatenate((warmup, cosine))
""",
    "division of a scalar by zero": "result = [np.float64(x) / 0 for x in (1, -1)]",
    "negative zero": "result = (np.float64(1) / np.float64(-0.0), np.ceil(-0.3))",
    "integers beyond int64": "a = np.array([1, 2])\nresult = a[0] + 1",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_agree_with_numpy(name: str) -> None:
    agree(PROGRAMS[name])


TENSORS = """
torch.tensor(0.1); torch.tensor([0.1, 2]); torch.tensor(3); torch.tensor([1, 2]); torch.tensor(0.1).item()
float(torch.tensor(0.5)); torch.tensor(0.1) + 0.2; torch.tensor(0.1) * 3; torch.tensor(3) / 2; torch.tensor(3) * 0.1
torch.tensor([0.1, 0.7]) * 3; torch.tensor(0.1, dtype=torch.float64) * 3
torch.tensor([1, 2]) * torch.tensor(0.1, dtype=torch.float64); torch.zeros(3)
torch.tensor([0.1]) * torch.tensor(0.1, dtype=torch.float64); torch.ones(2, dtype=torch.long); torch.full((2,), 0.1)
torch.arange(5); torch.arange(1, 6, 2); torch.arange(3.0); torch.arange(0, 3, dtype=torch.float32)
torch.linspace(0, 1, 5); torch.cat([torch.arange(2), torch.zeros(1)]); torch.clamp(torch.tensor([0.5, 2.0]), 0, 1)
torch.clamp(torch.tensor(5), max=3); torch.where(torch.tensor([True, False]), 1.0, 0.5)
torch.where(torch.arange(3) > 1, torch.tensor(2.0), torch.tensor(0.1)); torch.max(torch.tensor([1, 3]))
torch.min(torch.tensor(2.0), torch.tensor(0.1)); torch.arange(4)[1:3]; torch.arange(4)[-1]; torch.arange(4)[::-1]
torch.arange(4)[5]; torch.arange(4).sum(); torch.arange(4).tolist(); len(torch.zeros(3)); torch.arange(3) == 1
torch.tensor([1.5, 2]).max().item(); torch.tensor(2) ** -1; torch.tensor(2.0) ** 2; torch.tensor(5) % 3
torch.tensor(1.0) / 0; torch.tensor(0.25).sqrt(); torch.sqrt(torch.tensor(0.25)); torch.tensor(-1.5).abs()
torch.floor(torch.tensor(2.5)); torch.pi; torch.inf; torch.tensor(1.0) > 0.5; bool(torch.tensor(0.0))
isinstance(torch.tensor(1.0), float); isinstance(torch.tensor(1.0), torch.Tensor); torch.tensor([1, 2]).float() / 3
torch.arange(3).double() / 3; torch.mean(torch.arange(3)); torch.tensor([1.0, 2]).numel(); torch.arange(3).shape[0]
torch.zeros(3).size(0); float(torch.arange(3)); torch.tensor(7) // 2; torch.cumsum(torch.arange(4), 0)
torch.tensor([0.1, 0.2], dtype=torch.float64).cumsum(0); torch.arange(3) + torch.arange(2)
""".replace("\n", "; ").split("; ")


@pytest.mark.parametrize("expression", [e for e in TENSORS if e.strip()])
def test_agrees_with_torch(expression: str) -> None:
    agree(f"result = {expression}")


@pytest.mark.parametrize("function", ["cos", "sin", "exp", "log", "tanh", "sigmoid"])
def test_float32_functions_are_within_a_unit_of_torchs(function: str) -> None:
    torch = pytest.importorskip("torch")
    for value in (0.1, 0.5, 1.7, 3.0):
        ours = simulated(f"result = torch.{function}(torch.tensor({value})).item()")
        theirs = getattr(torch, function)(torch.tensor(value)).item()
        assert ours == pytest.approx(theirs, rel=2.4e-7)


_NUMBERS = st.one_of(
    st.integers(-9, 9), st.floats(-8, 8).map(lambda x: round(x, 3)), st.sampled_from([0, 0.0, -0.0, 0.1, 1e-3, True])
)
_LEAVES = st.one_of(
    _NUMBERS.map(repr),
    st.lists(st.integers(-5, 5), min_size=3, max_size=3).map(lambda v: f"np.array({v})"),
    st.lists(st.integers(-20, 20).map(lambda v: v / 8), min_size=3, max_size=3).map(lambda v: f"np.array({v})"),
    st.sampled_from(
        ["np.arange(3)", "np.linspace(0, 1, 3)", "np.ones(3)", "np.float64(0.3)", "np.int64(-2)", "np.arange(5)[1:4]"]
    ),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(st.sampled_from(["minimum", "maximum", "add", "multiply", "mod"]), inner, inner).map(
            lambda t: f"np.{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(st.sampled_from(["abs", "floor", "ceil", "sign", "square", "sqrt"]), inner).map(
            lambda t: f"np.{t[0]}({t[1]})"
        ),
        st.tuples(inner, st.sampled_from(["<", "<=", "==", ">"]), inner, inner, inner).map(
            lambda t: f"np.where({t[0]} {t[1]} {t[2]}, {t[3]}, {t[4]})"
        ),
        st.tuples(st.sampled_from(["sum", "max", "min", "mean", "cumsum", "diff"]), inner).map(
            lambda t: f"np.{t[0]}(np.hstack([{t[1]}]))"
        ),
        inner.map(lambda e: f"(-{e})"),
        st.tuples(inner, st.integers(-4, 4)).map(lambda t: f"np.hstack([{t[0]}, 1.5])[{t[1]}]"),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(_LEAVES, _grown, max_leaves=8))
def test_generated_expressions_agree_with_numpy_or_are_opaque(expression: str) -> None:
    try:
        agree(f"result = {expression}")
    except Opaque:
        return


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6), st.sampled_from([1, 2, -1])), min_size=1, max_size=3))
def test_views_of_views_share_their_elements(slices: list[tuple[int, int, int]]) -> None:
    lines = ["a = np.arange(6)", "b = a"]
    for number, (start, stop, step) in enumerate(slices):
        lines += [f"b = b[{start}:{stop}:{step}]", f"b += {10 * (number + 1)}"]
    agree("\n".join([*lines, "result = (a, b)"]))


class TestBounds:
    @pytest.mark.parametrize(
        "expression",
        [
            "np.zeros(10**9)",
            "np.arange(10**9)",
            "np.linspace(0, 1, 10**9)",
            "np.tile([1, 2], 10**8)",
            "np.repeat([1], 10**9)",
            "torch.zeros(10**9)",
            "np.full(10**9, 0.5)",
        ],
    )
    def test_long_arrays_are_refused(self, expression: str) -> None:
        with pytest.raises(Opaque, match="too long"):
            simulated(f"result = {expression}")

    def test_doubling_ends(self) -> None:
        with pytest.raises(Opaque):
            simulated("a = np.ones(2)\nwhile True:\n    a = np.concatenate([a, a])\n")

    def test_elements_cost_fuel(self) -> None:
        with pytest.raises(FuelSpent):
            simulated("a = np.ones(10000)\nfor i in range(1000):\n    a = a * 1.5\n", fuel=50_000)

    @pytest.mark.parametrize(
        "expression",
        [
            "np.zeros((2, 3))",
            "np.arange(np.inf)",
            "np.linspace(0, None, 3)",
            "np.interp(None, [1], [2])",
            "np.mean([1, 2], keepdims=True)",
            "np.ndarray((2,))",
            "np.array([[1, 2], [3, 4]])",
            "np.random.rand(3)",
            "np.float32(0.1)",
            "np.arange(3).foo",
            "np.array(['a'])",
            "np.arange(3)[None]",
            "np.array([2**63])",
            "np.array([1, 2]) * 2**70",
            "np.arange(3, dtype=np.float32)",
            "np.zeros(3, dtype='float16')",
            "torch.sum(torch.tensor([0.1, 0.2, 0.3]))",
            "np.arange(2) + torch.arange(2)",
            "np.int64(5) // 0",
            "np.int64(2) ** 200",
            "[np.arange(2)] == [np.arange(2)]",
            "np.linspace(0, 1, 3, retstep=True)",
        ],
    )
    def test_what_is_not_simulated_is_opaque(self, expression: str) -> None:
        with pytest.raises(Opaque):
            found = simulated(f"result = {expression}\nresult = result + 0")
            raise AssertionError(found)


def test_a_float32_that_is_exact_is_that_number() -> None:
    assert simulated("result = np.float32(0.5) * 2.0") == 1.0


def test_a_clone_keeps_views_together() -> None:
    found = simulated(
        "import copy\na = np.arange(4)\nb = a[1:]\nc, d = copy.deepcopy([a, b])\nc[1] = 9\n"
        "result = (a.tolist(), d.tolist())"
    )
    assert found == ([0, 1, 2, 3], [9, 2, 3])


@pytest.mark.parametrize(
    "test", ["rates and step", "not rates", "step or rates", "0 if rates else 1", "[r for r in [1] if rates]"]
)
def test_several_numbers_are_neither_true_nor_false(test):
    environment = Environment()
    program = f"import numpy as np\nrates, step = np.linspace(1.0, 0.0, 3), 0\n{test}\nif rates:\n    pass\n"
    with pytest.raises(UserError, match="ambiguous"):
        Interpreter().execute(ast.parse(program).body, environment)
