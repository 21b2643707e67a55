"""Which programs may run at all: the static check, before anything is executed."""

from __future__ import annotations

import inspect
import re

import pytest

from lrfix.verification import NoProgram, Program, RefusedSlice, check_program
from lrfix.verification.attributes import ATTRIBUTES

BUILD = "\ndef build(optimizer, p):\n    return None\n"

ALLOWED = {
    "a lambda over math": "import math\nf = lambda k: 0.5 * (1 + math.cos(math.pi * k / 10))\n",
    "names of math": "from math import pi, cos as cosine\nx = cosine(pi)\n",
    "a legacy subclass": (
        "from torch.optim.lr_scheduler import _LRScheduler\n"
        "class S(_LRScheduler):\n"
        "    def __init__(self, optimizer, last_epoch=-1):\n"
        "        super().__init__(optimizer, last_epoch)\n"
        "    def get_lr(self):\n"
        "        return [base for base in self.base_lrs]\n"
        "    def state_dict(self):\n"
        "        return {k: v for k, v in self.__dict__.items() if k != 'optimizer'}\n"
    ),
    "the module by another name": "import torch.optim.lr_scheduler as sched\nC = sched.CosineAnnealingLR\n",
    "a long chain": "import torch\nC = torch.optim.lr_scheduler.SequentialLR\n",
    "modules inside modules": "from torch.optim import lr_scheduler\nC = lr_scheduler.LambdaLR\n",
    "scalar torch and numpy": "import numpy as np, torch\nx = np.cos(np.pi) + torch.tensor(0.5).item()\n",
    "the bundled scheduler": "from lrfix.schedulers import WarmupCosineLR\nC = WarmupCosineLR\n",
    "the bundled functions": "from lrfix import schedules\nf = schedules.warmup_cosine\n",
    "either of two imports": (
        "try:\n    from torch.optim.lr_scheduler import LRScheduler\n"
        "except ImportError:\n    from torch.optim.lr_scheduler import _LRScheduler as LRScheduler\n"
    ),
    "a literal getattr": "x = getattr(max, '__name__', None)\n",
    "a partial": "from functools import partial\nf = partial(lambda a, k: a * k, 2)\n",
    "a simple namespace": "from types import SimpleNamespace\nargs = SimpleNamespace(warmup=3)\n",
    "printing and asserting": "def f(k):\n    print(f'{k:.3f}')\n    assert k >= 0, 'negative'\n    return k\n",
    "its own attributes": (
        "class S:\n    def __init__(self):\n        self._warmed = 3\n        self.peak = 1\n"
        "    def _rate(self):\n        return self._warmed * self.peak\n"
    ),
    "its own dictionary": "class S:\n    def load(self, state):\n        self.__dict__.update(state)\n",
    "fields of a named tuple": "from collections import namedtuple\nP = namedtuple('P', 'a b')\nx = P(1, 2).a\n",
    "a namespace": "from types import SimpleNamespace\nx = SimpleNamespace(warm=1).warm\n",
    "members of an enum": "from enum import Enum\nclass M(Enum):\n    UP = 1\nx = M.UP.value\n",
    "numbers in a text": "def f(k):\n    return '{:>{}.3f} {n}'.format(k, 8, n='a') + ('a {}' + 'b').format(1)\n",
    "the type of an object": "def f(x):\n    return type(x).__name__, isinstance(x, type)\n",
    "tensors in place": "import torch\ndef f(group):\n    group['lr'].fill_(0.1).mul_(2)\n",
    "a class of torch, extended": (
        "from torch.optim.lr_scheduler import LambdaLR\nclass S(LambdaLR):\n    def get_lr(self):\n"
        "        return [b * self.lr_lambdas[0](self._step_count) for b in self.base_lrs]\n"
    ),
    "annotations": "from __future__ import annotations\nfrom typing import Optional\nx: Optional[int] = 3\n",
    "a match": (
        "def f(k):\n    match k:\n        case {'a': a, **rest}:\n            return a, rest\n"
        "        case _:\n            return k\n"
    ),
}

REFUSED = {
    "a file": "open('x')\n",
    "the system": "import os\n",
    "a part of it": "from os import path\n",
    "a socket": "import socket\n",
    "a process": "from subprocess import run\n",
    "sys": "import sys\n",
    "everything": "from math import *\n",
    "a relative import": "from . import models\n",
    "exec": "exec('1')\n",
    "eval": "x = eval('1')\n",
    "eval by another name": "e = eval\n",
    "a hidden import": "__import__('os')\n",
    "the builtins": "x = __builtins__\n",
    "globals": "x = globals()\n",
    "vars": "import math\nx = vars(math)\n",
    "input": "x = input()\n",
    "a breakpoint": "breakpoint()\n",
    "an undefined name": "x = args.warmup\n",
    "the class tree": "x = ().__class__.__base__.__subclasses__()\n",
    "a function's globals": "def f(): pass\nx = f.__globals__\n",
    "globals through getattr": "def f(): pass\nx = getattr(f, '__globals__')\n",
    "a computed attribute": "def f(): pass\nx = getattr(f, '__glo' + 'bals__')\n",
    "getattr passed on": "from functools import reduce\nx = reduce(getattr, ['a'], max)\n",
    "getattr on a module": "import torch\nx = getattr(torch, 'hub')\n",
    "a frame": "def g():\n    yield 1\nx = g().gi_frame\n",
    "a module's dict": "import torch\nx = torch.__dict__\n",
    "a module handed on": "import torch\nx = torch\n",
    "torch.load": "import torch\nx = torch.load('a')\n",
    "torch.load by name": "from torch import load\n",
    "torch.save by another name": "import torch as t\nt.save(1, 'a')\n",
    "torch.hub": "import torch\ntorch.hub.load('a', 'b')\n",
    "torch.utils": "import torch.utils.cpp_extension\n",
    "torch.ops": "import torch\ntorch.ops.load_library('a')\n",
    "torch.jit": "from torch import jit\n",
    "modules that torch imports": "import torch\nx = torch.optim.lr_scheduler.warnings\n",
    "modules that torch imports, by name": "from torch.optim.lr_scheduler import types\n",
    "modules that lrfix imports": "from lrfix.schedulers import torch\n",
    "the rest of lrfix": "import lrfix.verification\n",
    "a module of collections": "import collections\nx = collections._sys\n",
    "numpy.load": "import numpy as np\nx = np.load('a')\n",
    "an array to a file": "import numpy as np\nnp.zeros(3).tofile('a')\n",
    "shared memory": "import torch\ntorch.zeros(3).share_memory_()\n",
    "ctypes of an array": "import numpy as np\nx = np.zeros(3).ctypes\n",
    "attrgetter": "from operator import attrgetter\n",
    "a coroutine": "async def f():\n    pass\n",
    "attributes copied by name": "from functools import wraps\nx = wraps(max, assigned=('__self__',))\n",
    "a data class, whose code is made of names": "from dataclasses import dataclass\n",
    "a class pattern by position": "def f(x, P):\n    match x:\n        case P(g):\n            return g\n",
    "a class pattern": "def f(x):\n    match x:\n        case object(__globals__=g):\n            return g\n",
    "an import inside a function": "def f():\n    import shutil\n",
    "an attribute that nobody defines": "import numpy as np\nx = np.zeros(3).newest\n",
    "a private method of a tensor": "import torch\ntorch.zeros(3)._typed_storage()\n",
    "memory of a tensor": "import torch\ntorch.zeros(3).as_strided((9,), (1,))\n",
    "memory by a name of its own": "import torch\nclass A:\n    def set_(self): pass\ntorch.zeros(3).set_()\n",
    "the dictionary of a class, changed": "class A: pass\nA.__dict__ = {}\n",
    "a format that walks": "x = '{0.__class__}'.format(3)\n",
    "a format that walks into an item": "x = '{0[a]}'.format({})\n",
    "a format that walks in a width": "x = '{0:{1.real}}'.format(3, 4)\n",
    "a format that is made": "def f(text, k):\n    return text.format(k)\n",
    "format_map": "x = '{a}'.format_map({})\n",
    "the method format": "f = str.format\n",
    "attributes by name": "class A:\n    def f(self, name):\n        return super().__getattr__(name)\n",
    "attributes set by name": "class A:\n    def f(self, name):\n        object.__setattr__(self, name, 1)\n",
    "any attribute by name": "class A:\n    def f(self, name):\n        return object.__getattribute__(self, name)\n",
    "a special name in a text": "x = {'__globals__': 1}\n",
    "memory at an address": "class A:\n    __array_interface__ = {}\n",
    "what numpy asks for": "class A:\n    def __array__(self): pass\n",
    "what torch asks for": "class A:\n    def __torch_function__(self, f, t, a, k): pass\n",
    "what copy asks for": "class A:\n    def __reduce_ex__(self, p): pass\n",
    "a class made of a dictionary": "A = type('A', (), {})\n",
    "type by another name": "t = type\n",
    "a method of torch replaced": "from torch.optim.lr_scheduler import LambdaLR\nLambdaLR.get_lr = None\n",
    "a function of a module replaced": "import math\nmath.cos = None\n",
    "the same through setattr": "from torch.optim import SGD\nsetattr(SGD, 'step', None)\n",
    "the same by another name": "from torch.optim import SGD\nS = SGD\nS.step = None\n",
    "a method of torch removed": "from torch.optim import SGD\ndel SGD.step\n",
    "a class further in": "import torch\ntorch.optim.SGD.step = None\n",
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_a_schedule_needs_is_allowed(name: str) -> None:
    check_program(ALLOWED[name] + BUILD)


@pytest.mark.parametrize("name", REFUSED)
def test_what_reaches_outside_is_refused(name: str) -> None:
    with pytest.raises(RefusedSlice):
        check_program(REFUSED[name] + BUILD)


def test_the_reason_names_what_and_where() -> None:
    with pytest.raises(RefusedSlice) as refused:
        check_program("import math\n\n\nimport shutil\n" + BUILD)
    assert refused.value.line == 4
    assert "shutil" in refused.value.reason


_NONLOCAL = "def build(optimizer, p):\n    def factor(k):\n        nonlocal last\n        last = k\n"


@pytest.mark.parametrize(
    "source", ["def build(optimizer, p:\n", "x = 1\n", "x = '\0'\n", "x = " + "(" * 5000, _NONLOCAL]
)
def test_what_is_no_program_is_told_apart(source: str) -> None:
    with pytest.raises(NoProgram):
        Program(source).check()


def test_what_torchs_own_schedulers_keep_may_be_read() -> None:
    lr_scheduler = pytest.importorskip("torch").optim.lr_scheduler
    kept = set(re.findall(r"self\.([a-z]\w+)", inspect.getsource(lr_scheduler)))
    assert kept - {"o"} <= ATTRIBUTES
    for name in sorted(kept - {"o"}):
        check_program(f"def f(scheduler):\n    return scheduler.{name}\n" + BUILD)
