"""Slices: what is cut out of a file is a program of its own that builds the same scheduler."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.names import Names
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.slices import call_slice, class_slice
from lrfix.verification import check_program


def _slice(text: str, known: tuple[str, ...] = ()):
    tree = ast.parse(textwrap.dedent(text))
    names = Names(tree)
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "LambdaLR")
    return call_slice(names, call, call.args[0], known)


def _built(cut, values):
    """Runs the program with LambdaLR replaced by a tuple of its arguments."""
    check_program(cut.source)
    text = cut.source.replace("from torch.optim.lr_scheduler import LambdaLR", "LambdaLR = lambda *given: given")
    namespace: dict[str, object] = {}
    exec(text, namespace)
    return namespace["build"]("the optimizer", values)


HEAD = "import math\nfrom torch.optim.lr_scheduler import LambdaLR\n"


def test_what_the_file_does_not_fix_is_looked_up_by_the_users_own_expression():
    cut = _slice(
        HEAD
        + """
def main(args, loader, model):
    total = args.epochs * len(loader)
    warm = int(0.1 * total)
    opt = make(model)
    s = LambdaLR(opt, lambda k: min(1.0, k / warm) if k < total else 0.0)
"""
    )
    assert set(cut.free) == {"args.epochs", "len(loader)"}
    optimizer, factor = _built(cut, {"args.epochs": 10, "len(loader)": 5})
    assert optimizer == "the optimizer"
    assert [factor(0), factor(2), factor(20), factor(50)] == [0.0, 0.4, 1.0, 0.0]


def test_assignments_hold_as_they_reach_the_call():
    cut = _slice(HEAD + "n = 3\nn = n * 2\nn += 1\ns = LambdaLR(opt, lambda k: n)\nn = 100\n")
    assert _built(cut, {})[1](0) == 7


def test_scopes_keep_names_apart():
    cut = _slice(
        HEAD
        + """
scale = 2
def outer(k):
    return k * scale
def main(opt):
    scale = 10
    s = LambdaLR(opt, lambda k: outer(k) + scale)
"""
    )
    assert _built(cut, {})[1](1) == 12


def test_a_users_own_p_is_not_in_the_way():
    cut = _slice(HEAD + "def main(args, opt):\n    p = args.power\n    s = LambdaLR(opt, lambda k: (1 - k) ** p)\n")
    assert _built(cut, {"args.power": 2})[1](3) == 4


def test_a_global_counter_becomes_one_of_the_program():
    cut = _slice(
        HEAD
        + """
calls = 0
def factor(k):
    global calls
    calls += 1
    return calls
s = LambdaLR(opt, factor)
"""
    )
    factor = _built(cut, {})[1]
    assert [factor(0), factor(0)] == [1, 2]
    assert _built(cut, {})[1](0) == 1


def test_a_method_comes_without_its_class():
    cut = _slice(
        HEAD
        + """
class Trainer(Base):
    def __init__(self, cfg):
        self.s = LambdaLR(self.opt, self.factor)
    def factor(self, k):
        return self.scaled(k) / self.warmup
    def scaled(self, k):
        return 2 * k
"""
    )
    assert set(cut.free) == {"self.warmup"}
    assert _built(cut, {"self.warmup": 4})[1](2) == 1.0


def test_logging_and_annotations_are_left_out():
    cut = _slice(
        HEAD
        + """
from mine import logger, Config
def main(opt, cfg: Config):
    def factor(k: Config) -> Config:
        logger.info("step %s", k)
        return k / 2
    s = LambdaLR(opt, factor)
"""
    )
    assert cut.free == ()
    assert _built(cut, {})[1](3) == 1.5


def test_a_length_that_the_code_fixes_is_that_number():
    cut = _slice(HEAD + "batches = [load(i) for i in range(8)]\ns = LambdaLR(opt, lambda k: len(batches))\n")
    assert cut.free == ()
    assert _built(cut, {})[1](0) == 8


def test_a_class_is_built_from_its_parameters():
    tree = ast.parse(
        textwrap.dedent(
            """
            from torch.optim.lr_scheduler import LambdaLR
            SCALE = 3
            class Mine(LambdaLR):
                def __init__(self, optimizer, warmup, last_epoch=-1):
                    self.warmup = warmup * SCALE
                    super().__init__(optimizer, self.f, last_epoch)
                def f(self, k):
                    return k / self.warmup
            """
        )
    )
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef))
    cut = class_slice(Names(tree), node, "optimizer", ["warmup"])
    check_program(cut.source)
    assert cut.free == ("warmup",)
    torch = pytest.importorskip("torch")
    namespace: dict[str, object] = {}
    exec(cut.source, namespace)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = namespace["build"](optimizer, {"warmup": 2})
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [1 / 6]


def test_a_name_set_in_several_branches_is_not_guessed():
    with pytest.raises(NotRewritten, match="more than one branch"):
        _slice(
            HEAD
            + """
def main(args, opt):
    if args.cosine:
        def f(k): return 1.0
    else:
        def f(k): return 2.0
    s = LambdaLR(opt, f)
"""
        )


def test_an_object_that_is_handed_on_has_what_is_known_of_it():
    text = """
def factor(step, cfg):
    return min(step, cfg.TRAIN.WARMUP) / cfg.TRAIN.WARMUP * cfg.SCALES["lr"]
def main(cfg, opt):
    s = LambdaLR(opt, lambda k: factor(k, cfg))
"""
    cut = _slice(HEAD + text, known=("cfg.TRAIN.WARMUP", "cfg.SCALES['lr']"))
    assert set(cut.free) == {"cfg.TRAIN.WARMUP", "cfg.SCALES['lr']"}
    factor = _built(cut, {"cfg.TRAIN.WARMUP": 10, "cfg.SCALES['lr']": 0.5})[1]
    assert [factor(0), factor(5), factor(20)] == [0.0, 0.25, 0.5]


def test_one_that_is_read_in_two_ways_is_no_such_object():
    text = "def factor(k, cfg):\n    return cfg.a\ndef main(cfg, opt):\n    LambdaLR(opt, lambda k: factor(k, cfg))\n"
    with pytest.raises(NotRewritten, match="by attribute and by key"):
        _slice(HEAD + text, known=("cfg.a", "cfg['b']"))


@pytest.mark.parametrize("held", ["optimizer", "self.optimizer"])
def test_what_the_optimizer_has_is_that_of_the_programs_own(held):
    text = f"""
def build(self, optimizer, n):
    factors = [lambda k: k / n for _ in {held}.param_groups]
    s = LambdaLR({held}, factors)
"""
    cut = _slice(HEAD + text, known=(f"{held}.param_groups", "n"))
    assert set(cut.free) == {"n"}
    assert "for _ in optimizer.param_groups" in cut.source
