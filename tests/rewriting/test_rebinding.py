"""What is set anew once a scheduler is built, what a schedule changes besides rates, and who asks for its class."""

from __future__ import annotations

import pytest

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")

HEAD = "from torch.optim.lr_scheduler import LambdaLR, LRScheduler\n\nTOTAL = 50\nMARKS = [3, 6]\n\n\n"
BY_NAME = "def build(optimizer):\n    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / TOTAL))\n\n\n"
BY_LIST = "def build(optimizer):\n    return LambdaLR(optimizer, lambda k: 0.1 ** sum(k >= m for m in MARKS))\n\n\n"
BY_CLASS = (
    "class Options:\n    total = 50\n\n\n"
    "def build(optimizer):\n    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / Options.total))\n\n\n"
)
TRAINER = """
class Trainer:
    def __init__(self, optimizer, total):
        self.total = total
        self.scheduler = LambdaLR(optimizer, lambda k: max(0.0, 1 - k / self.total))

"""
LATER = {
    "a global": (BY_NAME + "def main(n):\n    global TOTAL\n    TOTAL = n\n", "line 13 may change `TOTAL`"),
    "a list": (BY_LIST + "def main(o):\n    s = build(o)\n    MARKS.append(9)\n    return s\n", "`MARKS`"),
    "an option": (BY_CLASS + "def main(o):\n    s = build(o)\n    Options.total = 9\n", "`Options.total`"),
    "an attribute": (TRAINER + "    def extend(self, n):\n        self.total += n\n", "`self.total`"),
}
BEFORE = {
    "nothing": BY_NAME,
    "an option": BY_CLASS + "def main(o):\n    Options.total = 9\n    return build(o)\n",
    "an attribute": TRAINER,
    "a local of that name": BY_NAME + "def other(n):\n    TOTAL = n\n    return TOTAL\n",
}


@pytest.mark.parametrize(("text", "told"), LATER.values(), ids=LATER)
def test_what_is_set_once_the_scheduler_is_built_is_followed_by_the_old_one_alone(rewrite, text, told):
    result = rewrite(HEAD + text)
    assert not result.sites
    assert told in result.left[0].reason and "the old one follows it" in result.left[0].reason


@pytest.mark.parametrize("text", BEFORE.values(), ids=BEFORE)
def test_what_is_set_before_is_read_once(rewrite, text):
    assert rewrite(HEAD + text).sites


@pytest.mark.parametrize("change", ["seen.append(k)", "seen[k] = 1"])
def test_a_function_that_fills_what_belongs_to_others_stays(rewrite, change):
    text = f"seen = {'[]' if 'append' in change else '{}'}\n\n\ndef build(optimizer, total):\n    def rule(k):\n"
    text += f"        {change}\n        return max(0.0, 1 - k / total)\n    return LambdaLR(optimizer, rule)\n"
    result = rewrite(HEAD + text)
    assert not result.sites and "`seen`" in result.left[0].reason


DERIVED = """
class Base({base}):
    pass


class Linear({of}):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, {more}last_epoch)

    def {method}:
        {body}


def asked(scheduler):
    return isinstance(scheduler, {wanted})
"""
OWN = DERIVED.format(
    base="LRScheduler",
    of="Base",
    more="",
    method="get_lr(self)",
    body="return [b * max(0.0, 1 - self.last_epoch / self.total) for b in self.base_lrs]",
    wanted="{wanted}",
)


@pytest.mark.parametrize(("wanted", "stays"), [("Base", True), ("(int, Base)", True), ("LRScheduler", False)])
def test_a_class_whose_base_is_asked_for_stays(rewrite, wanted, stays):
    result = rewrite(HEAD + OWN.format(wanted=wanted))
    assert ("class Linear(Base)" in result.after) is stays


def test_a_class_of_torch_that_is_asked_for_stays_the_base(rewrite):
    text = DERIVED.format(
        base="object",
        of="LambdaLR",
        more="self.factor, ",
        method="factor(self, k)",
        body="return max(0.0, 1 - k / self.total)",
        wanted="LambdaLR",
    )
    assert "tests whether a scheduler is a LambdaLR" in rewrite(HEAD + text).left[0].reason


@pytest.mark.parametrize(
    ("asked", "stays"), [('g.get("total", self.total)', True), ('g["lr"] * 0 + self.total', False)]
)
def test_a_class_that_asks_the_groups_for_more_than_rates_stays(rewrite, asked, stays):
    text = "class Linear(LRScheduler):\n    def __init__(self, optimizer, total, last_epoch=-1):\n"
    text += "        self.total = total\n        super().__init__(optimizer, last_epoch)\n\n    def get_lr(self):\n"
    text += f"        pairs = [(b, {asked}) for b, g in zip(self.base_lrs, self.optimizer.param_groups)]\n"
    text += "        return [b * max(0.0, 1 - self.last_epoch / total) for b, total in pairs]\n"
    left = rewrite(HEAD + text).left
    assert any("it reads `total` of each parameter group" in each.reason for each in left) is stays
