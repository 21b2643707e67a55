"""Templates do what the closures do: values, exceptions and their places, fuel, and what an observer is told."""

from __future__ import annotations

import ast
import contextlib
import io
import keyword
import re
import tokenize
import warnings
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lrfix.interpreter import calls
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter, Refusing
from lrfix.interpreter.recorder import Recorder
from lrfix.interpreter.templates import definitions
from lrfix.interpreter.templates.guards import NAMES
from lrfix.interpreter.values import Unknown


def _place(node: ast.AST | None) -> tuple[Any, ...]:
    return (type(node).__name__, getattr(node, "lineno", None), getattr(node, "col_offset", None))


class _Told(Recorder):
    """Everything that an observer is told, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def attribute_write(self, instance: Any, name: str, old: Any, new: Any, node: ast.AST) -> None:
        self.events.append(("attribute", name, _shown(old), _shown(new), _place(node)))

    def item_write(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None:
        self.events.append(("item", _shown(key), _shown(old), _shown(new), _place(node)))

    def call(self, function: Any, args: Any, node: ast.AST | None) -> None:
        self.events.append(("call", function.name, _place(node)))

    def applied(self, name: str, arguments: Any, node: ast.AST | None) -> None:
        self.events.append(("applied", name, _shown(list(arguments)), _place(node)))

    def returned(self, function: Any, value: Any, node: ast.AST | None) -> None:
        self.events.append(("returned", _shown(value), _place(node)))


class _Drawing(Refusing):
    """What is free is a number, but for what has ``none`` or ``text`` in its name."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def concretise(self, unknown: Unknown, node: ast.AST | None, wanted: str) -> Any:
        self.asked.append((unknown.path, wanted))
        if "refused" in unknown.path:
            raise Opaque(f"depends on `{unknown.path}`", node)
        return None if "none" in unknown.path else "text" if "text" in unknown.path else len(unknown.path)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {[_shown(v) for v in value]}"
    if isinstance(value, dict):
        return f"dict of {[(_shown(k), _shown(v)) for k, v in value.items()]}"
    return f"{type(value).__name__} {value}" if isinstance(value, int | float | str | Unknown) else type(value).__name__


def outcome(source: str, after: int | None, fuel: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a program does that calls its ``run`` several times, with templates ``after`` so many calls."""
    monkeypatch.setattr(calls, "TEMPLATES_AFTER", after)
    told, host = _Told(), _Drawing()
    machine = Interpreter(host, told, fuel=fuel)
    tree = ast.parse(source)
    environment = Environment(missing=lambda name: _free(name))
    results: list[Any] = []
    try:
        machine.execute(tree.body, environment)
        for number in (0, 3, 0.5):
            results.append(_shown(machine.call(environment.get("run"), number, 2)))
    except UserError as error:
        results.append((error.kind, re.sub(r"0x\w+", "", error.message), _place(error.node)))
    except Opaque as opaque:
        results.append((type(opaque).__name__, opaque.reason, _place(opaque.node)))
    ran = sorted(map(_place, told.statements), key=repr)
    return results, machine.fuel, machine.depth, host.asked, told.events, ran


def _free(name: str) -> Any:
    if name.startswith("free"):
        return Unknown(name)
    raise KeyError(name)


NAMES_OF_A_PROGRAM = st.sampled_from(
    ["a", "b", "c", "x", "k.n", "k.own", "values", "group", "free", "free_none", "math.pi"]
)
ATOMS = st.one_of(
    st.sampled_from(["0", "1", "-1", "2", "0.5", "-0.0", "1e308", "10 ** 400", "None", "True", "'lr'", "'text'"]),
    NAMES_OF_A_PROGRAM,
    NAMES_OF_A_PROGRAM,
)


OF_TWO = [
    "max({}, {})",
    "min({}, {}, 3)",
    "k.method({}, {})",
    "k.known({}, {})",
    "k.total({}, {})",
    "helper({}, b={})",
    "helper(*values, **{{'b': {}, 'c': {}}})",
    "math.pow({}, {})",
    "getattr(k, 'n', {}) + {}",
    "isinstance({}, (int, {}))",
    "f'{{{}}} {{{}:.3f}}'",
    "[{}, *values, {}]",
    "({}, {})",
    "{{'a': {}, 'b': {}}}",
    "{{{}, {}}}",
    "values[{}:{}]",
    "[{} + c for c in values if c != {}]",
    "sum({} * c for c in values if {})",
    "list({} for c in range({}))",
    "[p + q * {} for p, q in zip(values, [{}, 2])]",
]


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", "is", "is not", "in", "and", "or"]
    )
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} < {p[1]} <= {p[2]})"),
        st.tuples(st.sampled_from(["-", "not ", "+", "~"]), inner).map(lambda p: f"({p[0]}{p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(
            st.sampled_from(OF_TWO),
            inner,
            inner,
        ).map(lambda p: p[0].format(p[1], p[2])),
        inner.map(lambda e: f"values[{e}]"),
        inner.map(lambda e: f"group[{e}]"),
        inner.map(lambda e: f"math.cos({e})"),
        inner.map(lambda e: f"int({e})"),
        inner.map(lambda e: f"len({e})"),
        inner.map(lambda e: f"free.member({e})"),
    )


EXPRESSIONS = st.recursive(ATOMS, _expressions, max_leaves=5)
TARGETS = st.sampled_from(
    ["a", "b", "c", "x", "k.n", "k.own", "k.checked", "values[0]", "values[-9]", "group['lr']", "group[a]", "free.kept"]
)


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _statements(depth: int) -> st.SearchStrategy[list[str]]:
    simple = st.one_of(
        st.tuples(TARGETS, st.sampled_from(["=", "=", "+=", "-=", "*=", "/=", "**="]), EXPRESSIONS).map(
            lambda p: [" ".join(p)]
        ),
        EXPRESSIONS.map(lambda e: [f"return {e}"]),
        EXPRESSIONS.map(lambda e: [e]),
        EXPRESSIONS.map(lambda e: [f"assert {e}, a"]),
        st.tuples(EXPRESSIONS, EXPRESSIONS).map(lambda p: [f"a, (b, c) = {p[0]}, {p[1]}"]),
        EXPRESSIONS.map(lambda e: [f"a = c = k.n = {e}"]),
        st.sampled_from(
            [["raise ValueError(a)"], ["raise"], ["del c"], ["c: int = 1"], ["x: int"], ["values += [c]"], ["k.step()"]]
        ),
        st.sampled_from([["c = lambda s: s + b", "a = c(1)"], ["break"], ["pass"], ["nobody"], ["with k: a = 1"]]),
    )
    if depth == 0:
        return simple
    body = st.lists(_statements(depth - 1), min_size=1, max_size=3).map(lambda parts: [x for p in parts for x in p])
    return st.one_of(
        simple,
        simple,
        st.tuples(EXPRESSIONS, body, body).map(lambda p: [f"if {p[0]}:", *_indented(p[1]), "else:", *_indented(p[2])]),
        st.tuples(EXPRESSIONS, body).map(lambda p: [f"if {p[0]}:", *_indented(p[1])]),
        st.tuples(
            st.sampled_from(["a", "b, c", "k.n"]),
            st.sampled_from(["range(3)", "values", "zip(values, [1, 2])", "[1, 2]"]),
            body,
        ).map(lambda p: [f"for {p[0]} in {p[1]}:", *_indented([*p[2], "if a: continue"]), "else:", "    c = 'else'"]),
        body.map(lambda b: ["while x < 3:", *_indented(["x += 1", *b])]),
        st.tuples(
            st.sampled_from(
                ["except ZeroDivisionError", "except (KeyError, TypeError)", "except", "except Exception as error"]
            ),
            body,
            body,
        ).map(
            lambda p: [
                "try:",
                *_indented(p[1]),
                f"{p[0]}:",
                *_indented(p[2]),
                *(["else:", "    c = 4"] if p[0] != "except" else []),
            ]
        ),
    )


HEAD = """
import math
class Base:
    shared = 7
    def __init__(self, n):
        self.n = n
        self._checked = 0
    def method(self, a, b=2): return a * self.n + b
    def step(self): self.n += 1
    def total(self, a, b): return sum(self.method(c) for c in [a, b])
    @property
    def checked(self): return self._checked
    @checked.setter
    def checked(self, value): self._checked = value
    @staticmethod
    def known(a, b): return a if a else b
class Kind(Base):
    def method(self, a, b=3): return super().method(a, b) + self.checked
    def step(self):
        super().step()
        self.own = [self.n, self.shared]
k = Kind(0.5)
values, group = [1, 2.5, 3], {"lr": 0.1, 1: 2}
def helper(a, *rest, b=1, **more): return (a, rest, b, more)
"""


def program(parts: list[list[str]]) -> str | None:
    """The statements in the body of ``run``; None where they are no Python (a quote within a quote)."""
    source = "\n".join([HEAD, "def run(x, a, b=1):", *_indented([line for part in parts for line in part])])
    for each in (source, source.replace("break", "pass")):
        with contextlib.suppress(SyntaxError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(each, "program", "exec")
            return f"{each}\n    return (a, b, x)"
    return None


@settings(max_examples=80, deadline=None)
@given(st.lists(_statements(2), min_size=1, max_size=4), st.sampled_from([40, 90, 5_000]))
def test_templates_do_what_the_closures_do(parts: list[list[str]], fuel: int) -> None:
    source = program(parts)
    if source is None:
        reject()
    with pytest.MonkeyPatch.context() as monkeypatch:
        told = [outcome(source, after, fuel, monkeypatch) for after in (None, 0, 1)]
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("expression", ["'lr' is 'lr'", "(a is b, [] is [], None is None)", "'' 'lr' is x"])
def test_values_that_are_equal_stay_as_many_as_they_are(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"def run(x, a, b=2):\n    return {expression}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert outcome(source, None, 100, monkeypatch) == outcome(source, 0, 100, monkeypatch)


EVERY_KIND = [
    *(
        "{1, a}",
        "{'a': x, 1: 2}",
        "[a, *values]",
        "(a,)",
        "()",
        "values[0:a]",
        "values[::-1]",
        "values[-9]",
        "group['no']",
    ),
    *(
        "-a",
        "+x",
        "~a",
        "not a",
        "-free",
        "a if x else b",
        "a and x",
        "x or b",
        "a < x <= b",
        "a is None",
        "free is not None",
    ),
    *(
        "a in values",
        "a not in group",
        "'lr' in group",
        "a + x",
        "x - 1",
        "2 - x",
        "x * 2.0",
        "a * 3",
        "x / 2",
        "1 / x",
        "a / x",
    ),
    *(
        "a // 2",
        "a % 2",
        "a ** x",
        "a << 1",
        "a & 1",
        "a | 4",
        "a ^ 1",
        "a @ 1",
        "10 ** 400 * x",
        "1e308 * 1e308 + a",
        "free + a",
    ),
    *(
        "[c * x for c in values if c]",
        "[c + d for c, d in zip(values, values)]",
        "list(c for c in values if c > a)",
        "[nobody for c in values]",
    ),
    *(
        "max(x, a)",
        "math.cos(x)",
        "math.sqrt(-1)",
        "int('no')",
        "len(values)",
        "helper(a, *values, b=x, **{'c': 1})",
        "helper(**{1: 2})",
    ),
    *(
        "k.method(x)",
        "k.method(a + 1)",
        "k.known(a, x)",
        "k.checked",
        "k.shared",
        "k.nothing",
        "k.total(a, x)",
        "free.a.b(x)",
        "values.append(a)",
    ),
    *(
        "f'{x:.2f} {a!r} {free}'",
        "f'{a:{b}}'",
        "nobody",
        "math.pi",
        "'text'.upper()",
        "a()",
        "k(1)",
        "Kind(2).n",
        "isinstance(a, int)",
    ),
]
EVERY_STATEMENT = [
    *(
        "c = a\nc += x\nreturn c",
        "c += 1",
        "c = [a]\nc += values\nreturn c",
        "k.n -= x\nreturn k.n",
        "group['lr'] *= x\nreturn group",
    ),
    *(
        "if x: return a\nelse: c = 1\nreturn c",
        "if x: c = 1\nreturn c",
        "for c in values: pass\nelse: a = 5\nreturn (a, c)",
        "return",
    ),
    *(
        "for c, d in zip(values, values):\n    if c > 1: break\n    x += d\nreturn x",
        "while x < 9: x += 1\nreturn x",
        "while True: pass",
    ),
    *(
        "try: return values[9]\nexcept IndexError: return a",
        "try: raise ValueError(a)\nexcept (KeyError, ValueError): raise",
        "raise a",
        "raise",
    ),
    *(
        "try: c = a\nexcept KeyError: pass\nelse: return c",
        "try: nobody\nexcept: return 1",
        "assert x, a",
        "assert free",
        "c: int = 2\nreturn c",
    ),
    *(
        "a, (b, x) = 1, (2, 3)\nreturn x",
        "a, b = values",
        "a = c = k.n = 3\nreturn c",
        "k.checked = a\nreturn k.checked",
        "free.kept = a",
    ),
    *(
        "import math as m, os.path\nreturn (m.pi, os.name)",
        "from math import pi, cos as wave\nreturn wave(pi * x)",
        "if x: from math import pi\nreturn pi",
        "c = math.pi\nimport math\nreturn c",
    ),
]


@pytest.mark.parametrize("body", [*(f"return {each}" for each in EVERY_KIND), *EVERY_STATEMENT])
def test_every_kind_of_code_is_the_same_to_both(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    definition = "\n".join(["def run(x, a, b=2):", *_indented(body.split("\n"))])
    assert any(part in body for part in ("@", ":{b}")) is (_template_of(definition) is None)
    source = f"{HEAD}\n{definition}"
    assert outcome(source, None, 300, monkeypatch) == outcome(source, 0, 300, monkeypatch)


COVERED = {
    "a schedule": "def run(x, a):\n    if x < a:\n        return x / max(1, a)\n    return 0.5 * math.cos(math.pi * x)",
    "a loop": "def run(x, a):\n    for g in k.groups:\n        g['lr'] = a * 2\n        k.n -= 1",
    "comprehensions": "def run(x, a):\n    return [p * q for p, q in zip(a, x)], sum(c for c in a if c)",
    "a lambda": "run = lambda x, a, b=1: a if x is None else f'{x:.2f}'",
    "an attempt": "def run(x, a):\n    try:\n        y = a[x]\n    except KeyError:\n        y = None\n    return y",
}


@pytest.mark.parametrize("source", COVERED.values(), ids=COVERED.keys())
def test_schedules_and_what_steps_them_have_templates(source: str) -> None:
    assert _template_of(source) is not None


@pytest.mark.parametrize("statement", ["del a", "b = lambda: a", "a = (y := x)", "with a: pass"])
def test_what_has_no_template_stays_with_the_closures(statement: str) -> None:
    assert _template_of(f"def run(x, a):\n    {statement}\n    return x") is None


@pytest.mark.parametrize("statement", ["global x", "yield a"])
def test_what_writes_outside_or_yields_waits_for_none(statement: str) -> None:
    node = ast.parse(f"def run(a):\n    {statement}").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert not calls.Shape(node).waits


def _template_of(source: str) -> Any:
    statement = ast.parse(source).body[0]
    node = statement.value if isinstance(statement, ast.Assign) else statement
    assert isinstance(node, ast.FunctionDef | ast.Lambda)
    shape = calls.Shape(node)
    return definitions.template_of(node, shape.parameters, shape.locals, shape.first)


OF_THE_MACHINE = {
    *(
        "fuel",
        "burn",
        "refuel",
        "environment",
        "variables",
        "get",
        "recorder",
        "statements",
        "add",
        "iterate",
        "spread",
        "truth",
        "compare",
    ),
    *("relation", "set_attribute", "set_item", "native", "hashable", "invoke", "handled", "append", "pop", "matches"),
    *("attributes", "cls", "properties", "host", "import_name"),
}
OWN = {"template", "machine", "function", "receiver", "ran", "F", "G"}


def test_no_word_of_a_program_is_in_the_source_that_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[str] = []
    compiled = definitions._compiled
    monkeypatch.setattr(definitions, "_compiled", lambda text: (sources.append(text), compiled(text))[1])
    source = """
def run(secret, other=1):
    held = {"secret text": secret.member + 12345, 'k': -6.5e3}
    for each in secret.groups[0:other]:
        each["lr"] = [part * 2 for part in held.values() if part is not None]
    assert held, f"told {secret!r:>10}"
    from elsewhere import outside
    return super().run(*secret, named=outside, **held)
"""
    assert _template_of(source) is not None
    words = {t.string for t in tokenize.generate_tokens(io.StringIO(sources[0]).readline) if t.type == tokenize.NAME}
    own = {word for word in words if not re.fullmatch(r"[vtk]\d+", word) and not keyword.iskeyword(word)}
    assert own <= set(NAMES) | OF_THE_MACHINE | OWN
    assert not re.search(r"[\"']", sources[0])
    assert set(re.findall(r"(?<!\w)\d+", sources[0])) <= {"0", "1", "2"}


@pytest.mark.parametrize(
    "given", ["1", "1, 2", "1, 2, 3", "1, 2, 3, 4", "1, b=2", "b=2, a=1", "1, a=2", "1, 2, 3, d=4"]
)
def test_calls_that_do_not_fit_fail_the_same_in_both(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = "def helper(a, b, c=3):\n    return a + 10 * b + 100 * c\n"
    source = f"{helper}def run(x, n):\n    helper(x, n)\n    return helper({given})"
    assert outcome(source, 0, 1_000, monkeypatch) == outcome(source, None, 1_000, monkeypatch)
