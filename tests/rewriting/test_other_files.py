"""What the other files of a project take from one whose schedule is rewritten: it is still there afterwards."""

from __future__ import annotations

import pytest

from lrfix.rewriting.project import Project

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")

_SETTER = """
import math


def adjust_learning_rate(optimizer, epoch, args):
    lr = args.lr * 0.5 * (1.0 + math.cos(math.pi * epoch / args.epochs))
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
_CLASS = """
from torch.optim.lr_scheduler import LRScheduler


class Linear(LRScheduler):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * max(0.0, 1 - self.last_epoch / self.total) for base in self.base_lrs]
"""
_LAMBDA = """
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, total):
    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
"""


@pytest.fixture
def rewrite_beside(rewrite, tmp_path):
    """Rewrites ``utils.py`` of a project whose other files have the given texts."""

    def run(content, **others):
        (tmp_path / "pyproject.toml").write_text("")
        for name, text in others.items():
            (tmp_path / f"{name}.py").write_text(text)
        path = tmp_path / "utils.py"
        path.write_text(content)
        return rewrite(content, path=str(path), external=Project.around(str(path)).external_to(str(path)))

    return run


@pytest.mark.parametrize(
    "others",
    [
        {"train": "from utils import *\n\nprint(math.pi)\n"},
        {"train": "from .utils import adjust_learning_rate, math\n"},
        {"train": "from project.utils import (\n    adjust_learning_rate,\n    math,\n)\n"},
        {"train": "import utils\n\nprint(utils.math.pi)\n"},
        {"__init__": "from .utils import *\n"},
    ],
    ids=["with a star", "by name", "by name on lines of their own", "as an attribute", "handed on"],
)
def test_an_import_that_another_file_gets_from_here_stays(rewrite_beside, others):
    after = rewrite_beside(_SETTER, **others).after
    assert "warmup_cosine(" in after
    assert "import math\n" in after


@pytest.mark.parametrize(
    "others",
    [
        {"train": "import math\nfrom utils import *\n\nprint(math.pi)\n"},
        {"train": "from utils import *\n\n\ndef train():\n    adjust_learning_rate(optimizer, 0, args)\n"},
        {"train": "from utils import adjust_learning_rate\nimport math\n\nprint(math.pi)\n"},
    ],
    ids=["it has its own", "it does not use it", "it takes the function alone"],
)
def test_an_import_that_no_other_file_gets_from_here_goes(rewrite_beside, others):
    assert "import math\n" not in rewrite_beside(_SETTER, **others).after


@pytest.mark.parametrize(
    "train",
    [
        "s = Linear(optimizer, 100)\nprint(s.total)\n",
        "class Trainer:\n    def left(self):\n        return self.lr_scheduler.total - self.step\n",
        "def left(trainer):\n    return trainer.get_scheduler().total\n",
    ],
    ids=["of one that it builds", "of one that it holds", "of one that it asks for"],
)
def test_a_class_whose_attributes_another_file_reads_is_left_alone(rewrite_beside, train):
    result = rewrite_beside(_CLASS, train=f"from utils import Linear\n{train}")
    assert not result.changed
    assert result.left[0].reason == ("another file uses `total` of a scheduler, which the bundled one does not have")


def test_a_class_whose_attributes_the_file_reads_wherever_it_holds_it_is_left_alone(rewrite_beside):
    result = rewrite_beside(
        _CLASS + "\n\ndef left(trainer):\n    return trainer.lr_scheduler.total - trainer.lr_scheduler.last_epoch\n"
    )
    assert not result.changed
    assert result.left[0].reason == (
        "line 15 uses `trainer.lr_scheduler.total`, which the bundled scheduler does not have"
    )


def test_an_attribute_of_the_same_name_that_is_no_schedulers_does_not_matter(rewrite_beside):
    train = "def train(args, scheduler):\n    for step in range(args.total):\n        scheduler.step()\n"
    assert rewrite_beside(_CLASS, train=train).changed


#: Not in one word with its scheduler: other files are looked at as text, and this is one, to the fixtures.
BASES = "base_lrs"


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        (
            "print(scheduler.lr_lambdas[0](3))\n",
            "another file reads `lr_lambdas`, which the bundled scheduler does not have",
        ),
        (
            "if isinstance(self.scheduler(), LambdaLR):\n    pass\n",
            "another file of the project tests whether a scheduler is a LambdaLR",
        ),
        (
            'if type(scheduler).__name__ == "LambdaLR":\n    pass\n',
            "another file of the project tests whether a scheduler is a LambdaLR",
        ),
        (
            f"self.scheduler.{BASES} = [0.5 * rate for rate in self.scheduler.{BASES}]\n",
            "another file sets the base rates, which the bundled scheduler reads once",
        ),
        (
            "def unfreeze(optimizer, head):\n    optimizer.add_param_group({'params': head.parameters()})\n",
            "another file adds parameter groups, which the old scheduler leaves alone and the new one would not",
        ),
    ],
    ids=["its functions", "its class", "the name of its class", "other base rates", "more groups"],
)
def test_a_scheduler_of_which_another_file_wants_more_than_rates_is_left_alone(rewrite_beside, train, reason):
    result = rewrite_beside(_LAMBDA, train=f"from utils import build\n{train}")
    assert not result.changed
    assert result.left[0].reason == reason


@pytest.mark.parametrize(
    "train",
    [
        "for rate in scheduler.base_lrs:\n    assert rate == 0.1\nassert scheduler.base_lrs == [0.1]\n",
        "optimizer = SGD(body, lr=0.1)\noptimizer.add_param_group({'params': head})\nbuild(optimizer, 100)\n",
        "if isinstance(scheduler, ReduceLROnPlateau):\n    pass\n",
    ],
    ids=["base rates that are read", "groups of an optimizer just built", "another class"],
)
def test_what_changes_nothing_for_a_scheduler_does_not_matter(rewrite_beside, train):
    assert rewrite_beside(_LAMBDA, train=train).changed


def test_a_class_that_a_configuration_names_keeps_its_name(rewrite, tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "conf.yaml").write_text("scheduler:\n  _target_: utils.Linear\n  total: 100\n")
    path = tmp_path / "utils.py"
    content = _CLASS + "\n\ndef demonstrate(optimizer):\n    return Linear(optimizer, 100)\n"
    path.write_text(content)
    result = rewrite(content, path=str(path), external=Project.around(str(path)).external_to(str(path)))
    assert "class Linear(WarmupLinearLR):" in result.after


def test_a_file_that_nothing_connects_with_this_one_has_no_scheduler_of_it(rewrite_beside):
    tools = f"def halve(scheduler):\n    scheduler.{BASES} = [0.5 * rate for rate in scheduler.{BASES}]\n"
    assert rewrite_beside(_LAMBDA, tools=tools).changed
    train = "from tools import halve\nfrom utils import build\n"
    assert not rewrite_beside(_LAMBDA, tools=tools, train=train).changed
