"""Which programs may run at all: the static check, before anything is executed."""

from __future__ import annotations

import pytest

from lrfix.verification import NoProgram, Program, RefusedSlice, check_program

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


@pytest.mark.parametrize("source", ["def build(optimizer, p:\n", "x = 1\n", "x = '\0'\n", "x = " + "(" * 5000])
def test_what_is_no_program_is_told_apart(source: str) -> None:
    with pytest.raises(NoProgram):
        Program(source).check()
