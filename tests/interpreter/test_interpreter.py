"""The interpreter agrees with CPython in value, type and exception on the subset it supports."""

from __future__ import annotations

import ast
import math
import textwrap
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter


def interpreted(source: str) -> Any:
    environment = Environment()
    Interpreter().execute(ast.parse(source).body, environment)
    return environment.get("result")


def outcome_of_python(source: str) -> tuple[str, Any]:
    names: dict[str, Any] = {"__name__": "program"}
    try:
        exec(compile(source, "program", "exec"), names)
    except Exception as error:
        return "raises", type(error).__name__
    return "gives", repr(names["result"])


def outcome_of_interpreter(source: str) -> tuple[str, Any]:
    try:
        return "gives", repr(interpreted(source))
    except UserError as error:
        return "raises", error.kind


PROGRAMS = {
    "chained comparison evaluates its middle once": """
        seen = []
        def f(x):
            seen.append(x)
            return x
        result = (1 < f(2) < 3, 3 < f(1) < f(5), seen)
    """,
    "floor division and modulo of negatives": "result = (-7 // 2, -7 % 3, 7 % -3, -7.5 // 2, -7.5 % 2, divmod(-7, 2))",
    "negative base to a fraction is complex": "result = (-8) ** 0.5",
    "integers stay integers": "result = (2 ** 3, 2 ** -1, 6 / 3, 7 // 2.0, True + 1, 10 ** 30)",
    "rounding is the banker's": "result = (round(0.5), round(1.5), round(2.5), round(2.675, 2), round(-1.5))",
    "division by zero": "result = 1 / 0",
    "modulo by zero": "result = 1 % 0",
    "overflow": "result = 2.0 ** 5000",
    "short circuit gives the operand": "result = (0 or [] or 'x', 1 and 0 and 2, None or 0)",
    "not and unary operators": "result = (not 0, -True, +1.5, ~5)",
    "contexts are entered and left": """
        seen = []
        class Note:
            def __init__(self, name, swallow=False):
                self.name, self.swallow = name, swallow
            def __enter__(self):
                seen.append("in " + self.name)
                return self.name
            def __exit__(self, kind, value, trace):
                seen.append("out " + self.name)
                return self.swallow
        def inner():
            for n in range(3):
                with Note("a") as a, Note("b") as b:
                    if n == 1:
                        continue
                    if n == 2:
                        return a + b
                    seen.append(n)
        given = inner()
        with Note("c", swallow=True):
            seen.append(1 / 0)
        try:
            with Note("d"):
                raise KeyError("k")
        except KeyError:
            seen.append("told")
        result = (given, seen)
    """,
    "closures bind late": "result = [f() for f in [lambda: i for i in range(3)]]",
    "defaults are evaluated once": """
        def f(x, seen=[]):
            seen.append(x)
            return seen
        f(1)
        result = f(2)
    """,
    "nonlocal": """
        def counter():
            n = 0
            def step(by=1):
                nonlocal n
                n += by
                return n
            return step
        a, b = counter(), counter()
        result = (a(), a(5), b())
    """,
    "global": """
        n = 1
        def f():
            global n
            n += 1
        f(); f()
        result = n
    """,
    "local before assignment": """
        x = 1
        def f():
            y = x
            x = 2
            return y
        result = f()
    """,
    "undefined name": "result = nowhere",
    "keyword-only, positional-only, starred": """
        def f(a, /, b, *rest, c=3, **more):
            return (a, b, rest, c, sorted(more.items()))
        result = (f(1, 2), f(1, b=2, c=4), f(1, 2, 3, 4, d=5), f(*[1, 2], **{'e': 6}))
    """,
    "too many arguments": "result = (lambda x: x)(1, 2)",
    "missing argument": "result = (lambda x: x)()",
    "unexpected keyword": "result = (lambda x: x)(y=1)",
    "positional-only given by name": """
        def f(a, /): return a
        result = f(a=1)
    """,
    "for, else, break, continue": """
        out = []
        for i in range(6):
            if i == 1: continue
            if i == 4: break
            out.append(i)
        else:
            out.append('never')
        for i in []:
            pass
        else:
            out.append('else')
        result = (out, i)
    """,
    "while, else": """
        n, out = 3, []
        while n:
            n -= 1
            out.append(n)
        else:
            out.append('done')
        result = out
    """,
    "try, else, finally in order": """
        out = []
        def f(x):
            try:
                out.append('try')
                if x: raise ValueError('v')
            except (KeyError, ValueError) as e:
                out.append(str(e))
                return 'handled'
            else:
                out.append('else')
            finally:
                out.append('finally')
            return 'end'
        result = (f(0), f(1), out)
    """,
    "finally overrides a return": """
        def f():
            try:
                return 1
            finally:
                return 2
        result = f()
    """,
    "finally runs while an exception passes": """
        out = []
        def f():
            try:
                1 / 0
            finally:
                out.append('f')
        try:
            f()
        except ZeroDivisionError as e:
            out.append(str(e))
        result = out
    """,
    "raise again": """
        def f():
            try:
                {}['k']
            except KeyError:
                raise
        result = f()
    """,
    "an exception class of one's own": """
        class Wrong(ValueError):
            pass
        try:
            raise Wrong('a', 1)
        except ValueError as e:
            result = (e.args, type(e).__name__)
    """,
    "assert": "assert 1 > 2, 'no'",
    "the exception's name is gone afterwards": """
        try:
            1 / 0
        except ZeroDivisionError as e:
            pass
        result = e
    """,
    "unpacking": "a, (b, *c), d = 1, [2, 3, 4], 5; result = (a, b, c, d)",
    "unpacking too few": "a, b = [1]",
    "unpacking too many": "a, b = [1, 2, 3]",
    "augmented assignment works in place": "a = b = [1]; a += [2]; result = (a is b, b)",
    "slices": "x = list(range(10)); result = (x[2:5], x[::-2], x[-3:], 'abc'[1:], (1, 2, 3)[:-1])",
    "assignment to a slice": "x = list(range(5)); x[1:3] = [9]; del x[0]; result = x",
    "index out of range": "result = [1][3]",
    "comprehensions": """
        result = ([x * y for x in range(3) if x for y in range(x)], {x: x * x for x in range(3)},
                  sorted({x % 2 for x in range(5)}), sum(x for x in range(4)))
    """,
    "a comprehension has a scope of its own": "x = 1; [x for x in range(5)]; result = x",
    "a generator expression is lazy": "g = (1 / x for x in [1, 0]); result = next(g)",
    "a walrus in a comprehension binds outside": "[(last := x) for x in range(3)]; result = last",
    "f-strings": "x = 3.14159; result = f'{x:.2f} {x!r:>10} {1 + 1} {{}} {\"a\":>{3}}'",
    "percent formatting": "result = '%d of %.1f %s' % (1, 2.0, 'x')",
    "chained assignment to items": "d = {}; d['a'] = d['b'] = [1]; d['a'].append(2); result = d",
    "string methods": "result = ' a,b '.strip().split(',') + ['-'.join(['x', 'y']), 'x'.startswith('x')]",
    "dict methods": """
        d = {'a': 1}
        d.setdefault('b', 2); d.update(c=3)
        result = (d.get('z'), d.pop('a'), list(d.items()), 'b' in d, list(d), len(d))
    """,
    "list methods": "x = [3, 1, 2]; x.sort(); x.insert(0, 9); x.extend([4]); x.reverse()\nresult = (x, x.pop())",
    "min, max with key and default": "result = (max([1, 5, 3]), min('b', 'a'), max([], default=7), max(1, -5))",
    "sorted with key": "result = sorted(['bb', 'a', 'ccc'], key=len, reverse=True)",
    "zip, enumerate, map, filter": """
        result = (list(zip([1, 2], 'ab')), list(enumerate('ab', 1)), list(map(lambda x: x + 1, [1])),
                  list(filter(None, [0, 1])))
    """,
    "any and all": "result = (any(x > 2 for x in [1, 3]), all([]), any([]))",
    "conversions": "result = (int('7'), int(3.9), float('1e3'), str(1.0), bool([]), list('ab'), tuple([1]), int(-3.5))",
    "a bad conversion": "result = int('x')",
    "type mismatch": "result = 1 + 'a'",
    "order of mismatched types": "result = 1 < 'a'",
    "call of a number": "result = (1)()",
    "attribute of None": "result = None.x",
    "identity and membership": "result = (None is None, 1 in [1], 'a' not in 'abc', 2 in {2: 1})",
    "inheritance and super": """
        class A:
            def __init__(self, x): self.x = x
            def f(self): return 'A' + str(self.x)
        class B(A):
            def __init__(self): super().__init__(1)
            def f(self): return 'B' + super().f()
        class C(B):
            def f(self): return 'C' + super(C, self).f()
        result = (C().f(), isinstance(C(), A), issubclass(C, B), C.__name__)
    """,
    "the diamond": """
        class A:
            def f(self): return ['A']
        class B(A):
            def f(self): return ['B'] + super().f()
        class C(A):
            def f(self): return ['C'] + super().f()
        class D(B, C):
            def f(self): return ['D'] + super().f()
        result = D().f()
    """,
    "an impossible order of bases": """
        class A: pass
        class B(A): pass
        class C(A, B): pass
    """,
    "properties": """
        class A:
            def __init__(self): self._x = 1
            @property
            def x(self): return self._x
            @x.setter
            def x(self, v): self._x = v * 2
        a = A(); a.x = 5
        result = a.x
    """,
    "a property without a setter": """
        class A:
            @property
            def x(self): return 1
        A().x = 2
    """,
    "class and static methods": """
        class A:
            n = 3
            @classmethod
            def make(cls): return cls.n
            @staticmethod
            def twice(x): return 2 * x
        result = (A.make(), A().make(), A.twice(4), A().twice(5))
    """,
    "class attributes are shared until written": """
        class A:
            n = 0
            items = []
        a, b = A(), A()
        a.n += 1; a.items.append(1)
        result = (a.n, b.n, A.n, b.items)
    """,
    "a class's scope is not seen by its methods": """
        class A:
            n = 1
            def f(self): return n
        result = A().f()
    """,
    "a class body sees its own names": """
        class A:
            n = 2
            m = n * 3
            def f(self, k=m): return k
        result = A().f()
    """,
    "callable objects, length, items": """
        class A:
            def __call__(self, x): return x + 1
            def __len__(self): return 4
            def __getitem__(self, i): return i * 10
            def __contains__(self, x): return x == 1
        a = A()
        result = (a(1), len(a), a[3], 1 in a, bool(a))
    """,
    "operators of one's own": """
        class V:
            def __init__(self, x): self.x = x
            def __add__(self, o): return V(self.x + (o.x if isinstance(o, V) else o))
            def __radd__(self, o): return V(self.x + o)
            def __mul__(self, k): return V(self.x * k)
            def __eq__(self, o): return self.x == o.x
            def __lt__(self, o): return self.x < o.x
            def __neg__(self): return V(-self.x)
        result = ((V(1) + V(2)).x, (1 + V(2)).x, (V(2) * 3).x, V(1) == V(1), V(1) < V(2), (-V(1)).x, V(1) != V(2))
    """,
    "missing attribute": """
        class A: pass
        result = A().x
    """,
    "getattr, setattr, hasattr": """
        class A: pass
        a = A(); setattr(a, 'x', 1)
        result = (getattr(a, 'x'), getattr(a, 'y', 2), hasattr(a, 'y'), a.__dict__, a.__class__.__name__)
    """,
    "__dict__ is live": """
        class A: pass
        a = A(); a.__dict__.update({'x': 1}); a.__dict__['y'] = 2
        result = (a.x, a.y)
    """,
    "private names are mangled apart": """
        class A:
            def __init__(self): self.__x = 1
            def a(self): return self.__x
        class B(A):
            def __init__(self):
                super().__init__()
                self.__x = 2
            def b(self): return self.__x
        result = (B().a(), B().b())
    """,
    "decorators of one's own": """
        def twice(f):
            def g(*args): return f(*args) * 2
            return g
        @twice
        def h(x): return x + 1
        result = h(1)
    """,
    "attributes of functions": """
        def f(): f.n += 1; return f.n
        f.n = 0
        f(); result = f()
    """,
    "recursion": """
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        result = fib(10)
    """,
    "math": "import math\nfrom math import cos, pi as PI\nresult = (math.cos(1), cos(PI), math.floor(-1.5), math.inf)",
    "math domain": "import math\nresult = math.sqrt(-1)",
    "partial": "from functools import partial\nf = partial(lambda a, b: a - b, b=1)\nresult = f(5)",
    "deepcopy keeps what is shared shared": """
        import copy
        class A: pass
        a = A(); a.x = [1]; a.y = a.x; a.me = a
        b = copy.deepcopy(a); b.x.append(2)
        result = (a.x, b.y, b.me is b, copy.deepcopy({'k': (1, [2])}))
    """,
    "bisect": "from bisect import bisect_right\nresult = bisect_right([1, 3, 5], 3)",
    "del of a name": "x = 1; del x; result = x",
    "conditional expression": "result = ['a' if x else 'b' for x in (0, 1)]",
    "nested functions see later bindings": """
        def f():
            def g(): return x
            x = 3
            return g()
        result = f()
    """,
    "dict and set of unhashables": "result = {[]: 1}",
    "numeric methods": "result = ((2.0).is_integer(), (5).bit_length(), (1 + 2j).imag)",
    "a big integer keeps every digit": "result = 3 ** 200 // 7",
    "comparison of containers": "result = ((1, 2) < (1, 3), [1] == [1.0], {'a': 1} == {'a': 1}, (1,) != [1])",
    "comparisons are asked of the right operand too": """
        class Length:
            def __init__(self, value): self.value = value
            def __lt__(self, other): return self.value < (other.value if isinstance(other, Length) else other)
            def __gt__(self, other): return self.value > (other.value if isinstance(other, Length) else other)
            def __eq__(self, other): return self.value == (other.value if isinstance(other, Length) else other)
        a = Length(3)
        result = (2 < a, 4 < a, 2 > a, 3 == a, 4 == a, 3 != a, a != Length(3), a != 4, a == None, None != a)
    """,
    "a derived class is asked first": """
        class A:
            def __lt__(self, other): return "A.lt"
            def __gt__(self, other): return "A.gt"
        class B(A):
            def __gt__(self, other): return "B.gt"
        result = (A() < B(), B() < A(), A() > B(), A() < A())
    """,
    "objects that do not know each other": """
        class A: pass
        try:
            result = A() < A()
        except TypeError as error:
            result = str(error)
    """,
    "an object and a number that do not know each other": """
        class A: pass
        try:
            result = 3 >= A()
        except TypeError as error:
            result = str(error)
    """,
    "objects in Python's own order": """
        class Length:
            def __init__(self, value): self.value = value
            def __lt__(self, other): return self.value < other.value
            def __gt__(self, other): return self.value > other.value
        many = [Length(3), Length(1), Length(2)]
        many.sort()
        result = (
            max(many).value, min(Length(5), Length(4)).value, [m.value for m in sorted(many, reverse=True)],
            max(many, key=lambda m: -m.value).value, [m.value for m in many],
        )
    """,
    "sums of objects": """
        class Length:
            def __init__(self, value): self.value = value
            def __add__(self, other): return Length(self.value + (other.value if isinstance(other, Length) else other))
            __radd__ = __add__
        result = (sum([Length(1), Length(2)]).value, sum([Length(1)], Length(4)).value)
    """,
    "mathematics of objects": """
        import math
        class Share:
            def __float__(self): return 0.25
        result = (math.cos(Share()), math.sqrt(Share()), math.isclose(Share(), 0.25))
    """,
    "nan": "x = float('nan'); result = (x == x, x != x, x in [x], max(1, x), max(x, 1))",
    "assignment expressions": "result = [y for x in range(4) if (y := x * x) > 2]",
    "string multiplication and sum": "result = ('ab' * 2, [0] * 3, sum([[1], [2]], []))",
}


@pytest.mark.parametrize("source", [pytest.param(s, id=name) for name, s in PROGRAMS.items()])
def test_agrees_with_python(source: str) -> None:
    source = textwrap.dedent(source)
    assert outcome_of_interpreter(source) == outcome_of_python(source)


DATA = """
from dataclasses import dataclass
@dataclass
class Length:
    value: int
    unit: str = "step"
@dataclass(eq=False)
class Alone:
    value: int
a = Length(1)
result = (a == Length(1), a == Length(2), a != Length(1), a == 1, Alone(1) == Alone(1), a == a)
"""


def test_data_classes_are_equal_by_what_they_hold() -> None:
    assert interpreted(DATA) == (True, False, False, False, False, True)


def test_a_field_that_the_constructor_does_not_take_keeps_its_default() -> None:
    program = """
from dataclasses import dataclass, field
@dataclass
class Length:
    warned: bool = field(default=False, init=False, repr=False)
    value: int = 1
    seen: list = field(default_factory=lambda: [2])
result = (Length(3).value, Length(3).warned, Length().seen)
"""
    assert interpreted(program) == (3, False, [2])
    with pytest.raises(UserError, match="unexpected"):
        interpreted(program + "Length(warned=True)")


def test_the_order_that_a_data_class_generates_is_refused_not_guessed() -> None:
    with pytest.raises(Opaque, match="orders objects"):
        interpreted(DATA.replace("@dataclass\n", "@dataclass(order=True)\n") + "result = Length(1) < Length(2)")


def test_equality_of_one_s_own_inside_containers_is_refused_not_guessed() -> None:
    with pytest.raises(Opaque, match="inside a container"):
        interpreted("class A:\n  def __eq__(self, o): return True\nresult = [A()] == [A()]")


NUMBERS = st.one_of(st.integers(-20, 20), st.sampled_from([0.0, 0.5, -1.5, 1e3, 2.0]), st.booleans())
NAMES = st.sampled_from(["a", "b", "c"])


def _joined(parts: tuple[str, ...]) -> str:
    return "(" + " ".join(parts) + ")"


OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", "and", "or"]
EXPRESSIONS = st.recursive(
    st.one_of(NUMBERS.map(repr), NAMES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(_joined),
        st.tuples(inner, st.just("if"), inner, st.just("else"), inner).map(_joined),
        st.tuples(st.sampled_from(["abs", "int", "float", "bool", "round", "-", "str", "len"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        inner.map(lambda e: f"(not {e})"),
        st.tuples(inner, inner).map(lambda p: f"max({p[0]}, {p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} < {p[1]} <= {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}][{p[0]}]"),
        st.tuples(inner, inner).map(lambda p: f"(lambda a, b=1: {p[0]})({p[1]})"),
        st.tuples(NAMES, inner).map(lambda p: f"sum([{p[1]} for {p[0]} in range(3)])"),
    ),
    max_leaves=6,
)


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _statements(depth: int) -> st.SearchStrategy[list[str]]:
    simple = st.one_of(
        st.tuples(NAMES, st.sampled_from(["=", "+=", "-=", "*=", "//=", "%="]), EXPRESSIONS).map(
            lambda p: [" ".join(p)]
        ),
        EXPRESSIONS.map(lambda e: [f"log.append({e})"]),
        EXPRESSIONS.map(lambda e: [f"k.n = {e}"]),
        EXPRESSIONS.map(lambda e: [f"d[{e}] = a"]),
        st.sampled_from(
            [["a, b = b, a"], ["log.append(k.m())"], ["raise ValueError(a)"], ["del c"], ["assert a"], ["a = bump()"]]
        ),
    )
    if depth == 0:
        return simple
    body = st.lists(_statements(depth - 1), min_size=1, max_size=3).map(lambda parts: [x for p in parts for x in p])
    return st.one_of(
        simple,
        st.tuples(EXPRESSIONS, body, body).map(lambda p: [f"if {p[0]}:", *_indented(p[1]), "else:", *_indented(p[2])]),
        st.tuples(NAMES, body, st.sampled_from(["break", "continue", "pass"])).map(
            lambda p: [f"for {p[0]} in range(3):", *_indented([*p[1], p[2]]), "else:", "    log.append('else')"]
        ),
        st.tuples(
            st.sampled_from(["ValueError", "ArithmeticError", "(TypeError, KeyError)", "Exception"]), body, body
        ).map(
            lambda p: ["try:", *_indented(p[1]), f"except {p[0]}:", *_indented(p[2]), "finally:", "    log.append('f')"]
        ),
        body.map(lambda b: ["def f(a, b=a):", *_indented(["c = 0", *b, "return (a, b, c)"]), "log.append(f(b))"]),
    )


HEAD = """
log, d, a, b, c = [], {}, 1, 2, 3.5
class K:
    n = 0
    def m(self): return [self.n, a]
class L(K):
    def m(self): return super().m() + [1]
k = L()
def counter():
    total = 0
    def bump():
        nonlocal total
        total += 1
        return total
    return bump
bump = counter()
"""


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_statements(2), min_size=1, max_size=5))
def test_generated_programs_agree_with_python(parts: list[list[str]]) -> None:
    source = HEAD + "\n".join(line for part in parts for line in part) + "\nresult = (log, d, a, b, k.n, k.m())\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ours = outcome_of_interpreter(source)
        except Opaque:
            reject()
        assert ours == outcome_of_python(source)


def test_messages_are_python_s_own() -> None:
    with pytest.raises(UserError) as caught:
        interpreted("result = 1 / 0")
    assert caught.value.message == "division by zero"
    with pytest.raises(UserError) as caught:
        interpreted("raise ValueError(f'bad {1 + 1}')")
    assert (caught.value.kind, caught.value.message) == ("ValueError", "bad 2")


def test_numpy_and_torch_scalars_give_the_same_numbers_as_math() -> None:
    source = "import numpy as np, torch\nresult = (np.cos(1.0), np.pi, np.clip(5, 0, 1), np.minimum(2, 3), torch.pi)"
    assert interpreted(source) == (math.cos(1.0), math.pi, 1, 2, math.pi)


def test_a_context_that_reads_the_exception_it_is_left_with_is_not_followed() -> None:
    source = """
        class Note:
            def __enter__(self):
                return self
            def __exit__(self, kind, value, trace):
                return kind is KeyError
        with Note():
            raise KeyError("k")
        """
    with pytest.raises(Opaque, match="with an exception"):
        interpreted(textwrap.dedent(source))
