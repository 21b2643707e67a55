"""The standard library as schedules use it: the interpreter agrees with CPython."""

from __future__ import annotations

import ast
import textwrap
from typing import Any

import pytest

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import FuelSpent, Opaque, UserError
from lrfix.interpreter.machine import Interpreter

HEAD = """
import ast, bisect, collections, collections.abc, copy, dataclasses, enum, functools, itertools, logging
import math, numbers, operator, types, typing, warnings
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from functools import lru_cache, partial, reduce
from itertools import accumulate, chain
"""
VALUES = "[1], (1,), {'a': 1}, 'text', 3, 2.5, None, lambda: 1, len, range(3), {1}"
ABSTRACT = ("Collection", "Sequence", "Iterable", "Mapping", "Sized", "Callable", "Container", "MutableSequence")
EXPRESSIONS = [
    *(f"[isinstance(v, collections.abc.{kind}) for v in ({VALUES})]" for kind in ABSTRACT),
    *(f"[isinstance(v, typing.{kind}) for v in ({VALUES})]" for kind in ABSTRACT),
    *(f"ast.literal_eval({text!r})" for text in ("[1, 2]", "{'a': (1, 2)}", " 3", "(", "f(1)", "-2.5")),
    "math.prod([2, 3.5]), math.isclose(0.3, 0.1 + 0.2), math.inf, -math.inf",
    "math.tau, math.hypot(3, 4), math.gcd(12, 18)",
    "math.copysign(1, -0.0), math.fsum([0.1] * 10), math.trunc(-2.5), math.isqrt(17), math.log(8, 2)",
    "math.log(0)",
    "math.sqrt(-1)",
    "math.exp(1000)",
    "bisect.bisect([1, 3, 5], 3), bisect.bisect_left([1, 3, 5], 3), bisect.bisect_right([1, 3], 9)",
    "sorted(Counter([30, 60, 30]).items())",
    "Counter([30, 60, 30])[30], Counter([30])[7], 7 in Counter([30]), Counter('abca').most_common(1)",
    "sum(Counter([1, 1, 2]).values()), len(Counter()), isinstance(Counter(), dict)",
    "list(OrderedDict([('a', 1), ('b', 2)]).items())",
    "defaultdict(int)['x'], defaultdict(list)['x'], defaultdict(lambda: 0.5)['x'], defaultdict(list, {'a': 1})['a']",
    "defaultdict()['x']",
    "list(deque([1, 2, 3], maxlen=2)), deque([4, 5])[0], len(deque([1])), sum(deque([1, 2])), deque([1, 2, 3])[-1]",
    "partial(lambda a, b: a - b, 10)(3), partial(lambda a, b: a - b, b=1)(3)",
    "reduce(lambda a, b: a * b, [1, 2, 3]), reduce(lambda a, b: a + b, [], 5)",
    "reduce(lambda a, b: a, [])",
    "list(chain([1], (2, 3))), list(chain.from_iterable([[1], [2, 3]]))",
    "list(accumulate([1, 2, 3])), list(accumulate([2, 3], operator.mul)), list(accumulate([1, 2], initial=10))",
    "list(itertools.islice(itertools.count(3, 2), 4)), list(itertools.islice(itertools.cycle('ab'), 1, 6, 2))",
    "list(itertools.repeat(5, 2)), list(zip([1, 2], itertools.repeat(0))), next(itertools.cycle([4]))",
    "list(itertools.product([1, 2], 'a')), list(itertools.product([0, 1], repeat=2))",
    "list(itertools.combinations([1, 2, 3], 2))",
    "list(itertools.takewhile(lambda x: x < 3, [1, 2, 3, 1])), list(itertools.dropwhile(lambda x: x < 3, [1, 3, 1]))",
    "list(itertools.starmap(lambda a, b: a * b, [(1, 2), (3, 4)])), list(itertools.pairwise([1, 2, 3]))",
    "list(itertools.zip_longest([1, 2], [3], fillvalue=0))",
    "operator.mul(2, 3.5), operator.add([1], [2]), operator.lt(1, 2), operator.pow(2, -1), operator.mod(-7, 3)",
    "operator.truediv(1, 0)",
    "operator.itemgetter(1)([4, 5]), operator.itemgetter('lr', 'k')({'lr': 1, 'k': 2})",
    "sorted([(2, 1), (1, 2)], key=operator.itemgetter(1))",
    "copy.copy([1, [2]]), copy.deepcopy({'a': [1]}), copy.copy((1, 2))",
    "copy.deepcopy(deque([1])), copy.deepcopy(Counter([1]))[5]",
    "types.SimpleNamespace(lr=0.1, epochs=3).lr",
    "operator.attrgetter('a.b')(types.SimpleNamespace(a=types.SimpleNamespace(b=4)))",
    "types.SimpleNamespace(lr=0.1).missing",
    "warnings.warn('late', UserWarning), print('x', end='')",
    "isinstance(3, numbers.Number), isinstance(2.5, numbers.Real)",
    "isinstance('x', numbers.Number), isinstance(2.5, numbers.Integral)",
]
PROGRAMS = {
    "methods taken apart and bound again": """
        import weakref
        class Counter:
            def __init__(self): self.count = 1
            def add(self, n): self.count += n; return self.count
        counter = Counter()
        method = counter.add
        again = method.__func__.__get__(weakref.ref(method.__self__)(), Counter)
        result = method(2), again(3), weakref.proxy(counter).count
    """,
    "dataclass": """
        @dataclass
        class Config:
            lr: float = 0.1
            milestones: list = field(default_factory=lambda: [30, 60])
            name: str = field(default="cosine")
        a, b = Config(), Config(0.2, name="step")
        a.milestones.append(90)
        c = dataclasses.replace(b, lr=3)
        result = (a.lr, a.milestones, b.milestones, b.lr, b.name, dataclasses.asdict(b), c.lr)
    """,
    "dataclass without a required value": """
        @dataclass
        class Config:
            lr: float
            steps: int = field(default=3)
        result = Config()
    """,
    "counting down milestones": """
        milestones = Counter([3, 5, 5])
        lr, curve = 1.0, []
        for epoch in range(7):
            if epoch in milestones:
                lr *= 0.5 ** milestones[epoch]
            curve.append(lr)
        result = curve
    """,
    "a default dictionary grows": """
        seen = defaultdict(list)
        for k in range(6):
            seen[k % 3].append(k)
        result = (sorted(seen.items()), seen.get(9), len(seen), list(seen[7]))
    """,
    "a window of recent losses": """
        window = deque(maxlen=3)
        out = []
        for loss in (5, 4, 3, 2):
            window.append(loss)
            out.append(sum(window) / len(window))
        window.popleft()
        window[0] = 9
        window.appendleft(1)
        window.extend([7, 8])
        result = (out, list(window), 8 in window, bool(deque()))
    """,
    "cached functions": """
        @lru_cache(maxsize=None)
        def f(k):
            return k * 2
        @functools.wraps(f)
        def g(k):
            return f(k) + 1
        result = (f(2), g(2))
    """,
    "insort keeps order": "a = [1, 3]\nbisect.insort(a, 2)\nresult = a",
    "a shallow copy shares what it holds": """
        class Box:
            def __init__(self):
                self.items = [1]
                self.n = 1
        a = Box()
        b = copy.copy(a)
        b.items.append(2)
        b.n = 5
        result = (a.items, a.n, b.n)
    """,
    "a method bound by hand": """
        class Box:
            n = 3
        box = Box()
        box.get = types.MethodType(lambda self, k: self.n * k, box)
        result = box.get(4)
    """,
    "exceptions inside iterators": """
        try:
            list(accumulate([1, 0], lambda a, b: a / b))
        except ZeroDivisionError:
            result = 'caught'
    """,
    "enum": """
        from enum import Enum, auto
        class Mode(Enum):
            COS = "cos"
            LINEAR = "linear"
            def upper(self):
                return self.value.upper()
        class Step(Enum):
            A = auto()
            B = auto()
        def pick(mode):
            if mode is Mode.COS:
                return 1
            return 2 if mode == Mode.LINEAR else 3
        result = (pick(Mode.COS), pick(Mode("linear")), pick(Mode["COS"]), Mode.COS.name, Mode.COS.value, Step.B.value,
                  [m.name for m in Mode], Mode.COS == "cos", len(Mode), Mode.COS.upper(), isinstance(Mode.COS, Mode),
                  {Mode.COS: 4}[Mode.COS], Mode.COS in (Mode.LINEAR, Mode.COS), Mode.COS != Mode.LINEAR)
    """,
    "enum without such a value": "from enum import Enum\nclass Mode(Enum):\n    A = 1\nresult = Mode(2)",
    "logging is silent": """
        logger = logging.getLogger("schedule")
        logger.info("rate %s", 0.1)
        logging.warning("late")
        result = 1
    """,
}


def simulated(source: str) -> Any:
    environment = Environment()
    Interpreter().execute(ast.parse(HEAD + source).body, environment)
    return environment.get("result")


def outcome(run: Any) -> tuple[str, Any]:
    try:
        return "gives", repr(run())
    except UserError as error:
        return "raises", error.kind
    except Opaque:
        raise
    except Exception as error:
        return "raises", type(error).__name__


def executed(source: str) -> Any:
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(HEAD + source, "program", "exec", dont_inherit=True), names)
    return names["result"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.filterwarnings("ignore")
def test_expressions_agree_with_python(expression: str) -> None:
    source = f"result = {expression}"
    assert outcome(lambda: simulated(source)) == outcome(lambda: executed(source))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.filterwarnings("ignore")
def test_programs_agree_with_python(name: str) -> None:
    source = textwrap.dedent(PROGRAMS[name])
    assert outcome(lambda: simulated(source)) == outcome(lambda: executed(source))


@pytest.mark.parametrize(
    "source",
    [
        "result = list(itertools.count())",
        "result = max(itertools.count())",
        "result = sum(itertools.cycle([1]))",
        "result = sorted(itertools.repeat(1))",
        "result = deque(itertools.count())",
        "result = list(itertools.product(range(1000), repeat=4))",
    ],
)
def test_endless_iterators_end(source: str) -> None:
    with pytest.raises(FuelSpent):
        simulated(source)


@pytest.mark.parametrize("source", ["range(3)[1]", "math.factorial(10**6)", "math.comb(10**5, 500)", "memoryview(b'')"])
def test_what_is_not_simulated_gives_no_approximation(source: str) -> None:
    if source == "range(3)[1]":
        assert simulated(f"result = {source}") == 1
        return
    with pytest.raises((Opaque, UserError)):
        simulated(f"result = {source}")
