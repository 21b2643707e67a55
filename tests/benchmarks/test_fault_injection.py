"""Every operator plants what it says, and that is a fault: Python itself runs the schedule with and without it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "fault_injection"
sys.path.insert(0, str(FOLDER))

from candidates import schedules
from parsed import File, applied
from plant import OPERATORS
from sites import Site


class Case(NamedTuple):
    """A sound schedule, what the operator must leave in it, and how to ask for its rates."""

    source: str
    new: str  # in the mutant, not in the original
    ask: str  # an expression; None in the place of a value it fails to give


COSINE = """
import math

def get_lr(step, warmup_steps=3, total_steps=12, base_lr=1.0, min_lr=0.1):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * 0.5 * (1 + math.cos(math.pi * progress))
"""
HALF_COSINE = """
import math

def cosine_lr(step, total_steps=12, base_lr=1.0):
    progress = min(1.0, step / total_steps)
    return base_lr * 0.5 * (1 + math.cos(math.pi * progress))
"""
LINEAR = """
def linear_decay(step, total_steps=12, base_lr=1.0):
    return base_lr * (1 - step / total_steps)
"""
FACTOR = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, warmup_steps, total_steps):
    def factor(step):
        if step < warmup_steps:
            return step / warmup_steps
        return (total_steps - step) / (total_steps - warmup_steps)

    return LambdaLR(optimizer, factor)
"""
SUBCLASS = """
import math

from torch.optim.lr_scheduler import LRScheduler

class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup_steps=3, total_steps=12, eta_min=0.1, last_epoch=-1):
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch < self.warmup_steps:
            scale = (self.last_epoch + 1) / self.warmup_steps
        else:
            progress = (self.last_epoch - self.warmup_steps) / (self.total_steps - self.warmup_steps)
            scale = self.eta_min + (1 - self.eta_min) * 0.5 * (1 + math.cos(math.pi * progress))
        return [base_lr * scale for base_lr in self.base_lrs]
"""
CLOSED_FORM = """
from torch.optim.lr_scheduler import LRScheduler

class Poly(LRScheduler):
    def __init__(self, optimizer, total_steps=12):
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self):
        return [base_lr * (1 - self.last_epoch / self.total_steps) for base_lr in self.base_lrs]

    def _get_closed_form_lr(self):
        return [base_lr * (1 - self.last_epoch / self.total_steps) for base_lr in self.base_lrs]
"""
SETTER = """
def adjust_lr(optimizer, epoch, base_lr=1.0, total_epochs=12):
    lr = base_lr * (1 - epoch / total_epochs)
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
WRAPPER = """
class WarmupScheduler:
    def __init__(self, optimizer, base_lr=1.0, warmup_steps=4):
        self.optimizer = optimizer
        self.base_lr = base_lr
        self.warmup_steps = warmup_steps
        self.n_steps = 0

    def state_dict(self):
        return {"base_lr": self.base_lr, "n_steps": self.n_steps}

    def load_state_dict(self, state):
        self.base_lr = state["base_lr"]
        self.n_steps = state["n_steps"]

    def scale(self):
        n_steps = self.n_steps
        return min(1.0, n_steps / self.warmup_steps)

    def step(self):
        self.n_steps += 1
        lr = self.base_lr * self.scale()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr
"""
OPTIMIZER = """
import torch

def fresh(*rates):
    rates = rates or (0.5, 0.25)
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in rates], lr=0.5)

def walked(scheduler, steps=10):
    curve = []
    for _ in range(steps):
        curve.append([group["lr"] for group in scheduler.optimizer.param_groups])
        scheduler.optimizer.step()
        scheduler.step()
    return curve

def jumped(scheduler, step):
    scheduler.step(step)
    return [group["lr"] for group in scheduler.optimizer.param_groups]

def resumed(make):
    first, second = make(), make()
    walked(first, 4)
    second.load_state_dict(first.state_dict())
    return walked(second, 3)
"""
GROUPS = """
class Optimizer:
    def __init__(self):
        self.param_groups = [{"lr": 1.0}, {"lr": 1.0}]

    def set(self, change):
        change(self)
        return [group["lr"] for group in self.param_groups]
"""
SUBCLASS_CURVE = "walked(WarmupCosine(fresh()))"
FACTOR_CURVE = "walked(build(fresh(), 3, 12))"
GET_LR = "[get_lr(step) for step in range(12)]"
WRAPPER_CURVE = "[WrappedOptimizer.run(WarmupScheduler) for _ in range(2)]"
RUN = """
class WrappedOptimizer:
    def __init__(self):
        self.param_groups = [{"lr": 0.0}, {"lr": 0.0}]

    @staticmethod
    def run(made, reload=False):
        optimizer = WrappedOptimizer()
        scheduler = made(optimizer)
        curve = []
        for step in range(6):
            scheduler.step()
            curve.append([group["lr"] for group in optimizer.param_groups])
            if step == 2 and reload:
                state = scheduler.state_dict()
                scheduler = made(optimizer)
                scheduler.load_state_dict(state)
        return curve
"""

CASES: dict[str, Case] = {
    "pi-dropped": Case(COSINE, "math.cos(progress)", GET_LR),
    "degrees": Case(COSINE, "math.cos(180 * progress)", GET_LR),
    "whole-period": Case(COSINE, "(2 * math.pi)", GET_LR),
    "cosine-sign": Case(COSINE, "(1 - math.cos(", GET_LR),
    "half-dropped": Case(COSINE, "(base_lr - min_lr) * (1 + math.cos", GET_LR),
    "clamp-removed": Case(HALF_COSINE, "progress = (step / total_steps)", "[cosine_lr(k) for k in range(20)]"),
    "clamp-counter-removed": Case(
        LINEAR.replace("    return", "    step = min(step, total_steps)\n    return"),
        "base_lr=1.0):\n    return",
        "[linear_decay(k) for k in range(20)]",
    ),
    "warmup-offset-dropped": Case(COSINE, "progress = (step) / (total_steps - warmup_steps)", GET_LR),
    "warmup-of-length-dropped": Case(FACTOR, "(total_steps - step) / (total_steps)", "walked(build(fresh(), 3, 12))"),
    "ramp-too-long": Case(COSINE, "if step < 2 * warmup_steps", GET_LR),
    "ramp-too-short": Case(COSINE, "if step < warmup_steps // 2", GET_LR),
    "full-rate-first": Case(FACTOR, "if 0 < step < warmup_steps", FACTOR_CURVE),
    "first-epoch-zero": Case(
        "def warmup_lr(epoch, warmup_epochs=4):\n    return min(1.0, (epoch + 1) / warmup_epochs)\n",
        "(epoch) / warmup_epochs",
        "[warmup_lr(k) for k in range(6)]",
    ),
    "ramp-one-step-too-long": Case(COSINE, "if step <= warmup_steps", GET_LR),
    "ramp-counted-from-two": Case(COSINE, "(step + 2) / warmup_steps", GET_LR),
    "first-interval-lost": Case(
        """
        def adjust_lr(optimizer, epoch):
            if epoch > 0 and epoch % 3 == 0:
                for group in optimizer.param_groups:
                    group["lr"] *= 0.5
        """,
        "if (epoch % 3 == 0)",
        "[Optimizer().set(lambda o: adjust_lr(o, k)) for k in range(6)]",
    ),
    "decay-one-step-late": Case(FACTOR, "(total_steps - step + 1) / (total_steps", FACTOR_CURVE),
    "floor-division": Case(COSINE, "(step - warmup_steps) // (total_steps - warmup_steps)", GET_LR),
    "progress-as-int": Case(COSINE, "int((step - warmup_steps) / (total_steps - warmup_steps))", GET_LR),
    "decay-too-fast": Case(LINEAR, "(1 - 2 * step / total_steps)", "[linear_decay(k) for k in range(12)]"),
    "guard-removed": Case(
        "def warmup_lr(step, warmup_steps=0):\n    return min(1.0, step / max(1, warmup_steps))\n",
        "step / warmup_steps",
        "[warmup_lr(k) for k in range(4)]",
    ),
    "zero-warmup-divides": Case(
        COSINE.replace("(step + 1)", "step") + "\nfor k in range(2):\n    get_lr(k)\n",
        "step <= warmup_steps",
        "[get_lr(k, warmup_steps=0) for k in range(4)]",
    ),
    "inverse-root-of-zero": Case(
        """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer):
            return LambdaLR(optimizer, lambda step: (step + 1) ** -0.5)
        """,
        "(step) ** -0.5",
        "walked(build(fresh()))",
    ),
    "zero-warmup-pins": Case(
        "def warmup_lr(step, warmup_steps=0):\n    return min(1.0, step / max(1, warmup_steps))\n",
        "(min(step, warmup_steps) / max(1, warmup_steps))",
        "[warmup_lr(k) for k in range(4)]",
    ),
    "no-warmup-no-rate": Case(COSINE, "if warmup_steps == 0:\n        return 0.0", "[get_lr(k, 0) for k in range(4)]"),
    "empty-decay-pins": Case(
        COSINE, "if warmup_steps >= total_steps:\n        return 0.0", "[get_lr(k, 6, 6) for k in range(4)]"
    ),
    "factor-times-rate": Case(FACTOR, 'optimizer.defaults["lr"] * (step / warmup_steps)', FACTOR_CURVE),
    "base-rate-dropped": Case(SUBCLASS, "[scale for base_lr in self.base_lrs]", SUBCLASS_CURVE),
    "cumulative": Case(SUBCLASS, '[group["lr"] * scale for group in', SUBCLASS_CURVE),
    "multiplicative-class": Case(FACTOR, "return MultiplicativeLR(optimizer", FACTOR_CURVE),
    "arguments-swapped": Case(
        COSINE + "\ndef lr_at(step, warmup_steps, total_steps):\n"
        "    return 1.0 * get_lr(step, warmup_steps=warmup_steps, total_steps=total_steps) / 1.0\n",
        "warmup_steps=total_steps",
        "[lr_at(k, 3, 12) for k in range(12)]",
    ),
    "peak-and-floor-swapped": Case(COSINE, "return base_lr + (min_lr - base_lr)", GET_LR),
    "warmup-for-horizon": Case(COSINE, "(step - warmup_steps) / (warmup_steps)", GET_LR),
    "misspelt-attribute": Case(SUBCLASS, "self.last_epoch < self.warmup_step:", SUBCLASS_CURVE),
    "first-base-for-all": Case(SUBCLASS, "self.base_lrs[0] * scale", SUBCLASS_CURVE),
    "first-group-only": Case(
        SETTER, 'optimizer.param_groups[0]["lr"] = lr', "[Optimizer().set(lambda o: adjust_lr(o, k)) for k in range(9)]"
    ),
    "hyperparameter-mutated": Case(SUBCLASS, "self.total_steps += 1", SUBCLASS_CURVE),
    "own-counter": Case(FACTOR, "calls_so_far += 1", FACTOR_CURVE),
    "update-after-return": Case(WRAPPER, "return lr\n        self.n_steps += 1", WRAPPER_CURVE),
    "rate-written-after-return": Case(WRAPPER, "return lr\n        for group in", WRAPPER_CURVE),
    "current-rates-returned": Case(SUBCLASS, 'return [group["lr"] for group', SUBCLASS_CURVE),
    "step-bypasses-formula": Case(SUBCLASS, "def step(self, epoch=None)", SUBCLASS_CURVE),
    "base-rate-written": Case(
        SETTER, 'group["lr"] = base_lr', "[Optimizer().set(lambda o: adjust_lr(o, k)) for k in range(9)]"
    ),
    "parameter-ignored": Case(SUBCLASS, "scale = 0.0 + (1 - 0.0)", SUBCLASS_CURVE),
    "super-first": Case(SUBCLASS, "super().__init__(optimizer, last_epoch)\n        self.warmup_steps", SUBCLASS_CURVE),
    "step-keeps-no-state": Case(
        SUBCLASS
        + """
    def step(self, epoch=None):
        self.last_epoch = self.last_epoch + 1
        rates = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, rates):
            group["lr"] = lr
        self._last_lr = rates
""",
        "epoch=None):\n        rates",
        SUBCLASS_CURVE,
    ),
    "formula-misnamed": Case(SUBCLASS, "def get_lrs(self)", SUBCLASS_CURVE),
    "counter-not-saved": Case(SUBCLASS, "def state_dict(self)", "resumed(lambda: WarmupCosine(fresh()))"),
    "closed-form-ahead": Case(CLOSED_FORM, "(self.last_epoch + 1)", "[jumped(Poly(fresh()), k) for k in range(5)]"),
    "closed-form-constant": Case(
        SUBCLASS, "return list(self.base_lrs)", "[jumped(WarmupCosine(fresh()), k) for k in range(5)]"
    ),
    "return-deleted": Case(COSINE + "# the end\n", "(total_steps - warmup_steps)\n# the end", GET_LR),
    "late-binding": Case(
        """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, lengths):
            return LambdaLR(optimizer, [lambda step, n=n: 1 / (1 + step / n) for n in lengths])
        """,
        "lambda step: 1",
        "walked(build(fresh(), [2, 8]))",
    ),
    "late-binding-of-groups": Case(FACTOR, "0.9**i for i in range", FACTOR_CURVE),
    "rate-reset-each-step": Case(
        """
        from torch.optim import SGD
        from torch.optim.lr_scheduler import LambdaLR

        def train(parameters, lr=0.5):
            optimizer = SGD(parameters, lr=lr)
            scheduler = LambdaLR(optimizer, lambda step: 1 - step / 10)
            curve = []
            for _ in range(8):
                curve.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
            return curve
        """,
        'group["lr"] = lr',
        "train(fresh().param_groups[0]['params'])",
    ),
}
CASES["second-schedule"] = CASES["rate-reset-each-step"]._replace(new="decay_scheduler.step()")
HELPERS = {"walked(": OPTIMIZER, "fresh(": OPTIMIZER, "Optimizer()": GROUPS, "WrappedOptimizer": RUN}


def planted(operator: str, source: str) -> list[tuple[bytes, Any]]:
    """What the operator makes of the schedules that the finder sees in the source, with the fault."""
    file = File(source.encode())
    made = []
    for form, lines in schedules(file):
        for fault in OPERATORS[operator].plant(file, Site(file, lines, form)):
            done = applied(file.source, fault.edits)
            if done is not None:
                made.append((done[0], fault))
    return made


def outcome(source: str, ask: str) -> Any:
    """The rates, as far as they are given; the name of what is raised where none are."""
    world: dict[str, Any] = {}
    helpers = {text for word, text in HELPERS.items() if word in ask}
    try:
        exec(compile(source + "".join(sorted(helpers)), "schedule", "exec"), world)
        return eval(ask, world)
    except Exception as error:
        return type(error).__name__


def test_every_operator_on_schedules_has_a_case_of_its_own():
    assert set(CASES) == {name for name, operator in OPERATORS.items() if not operator.loops}


def test_every_rule_of_state_and_of_the_formula_has_an_operator_that_means_it():
    meant = {operator.codes[0] for operator in OPERATORS.values()}
    assert {f"LR{n}" for n in (*range(101, 111), *range(201, 216))} <= meant


@pytest.mark.filterwarnings("ignore")  # torch warns of what a mutant does
@pytest.mark.parametrize("name", sorted(CASES))
def test_an_operator_plants_a_fault_that_python_itself_can_see(name):
    case = CASES[name]
    source = textwrap.dedent(case.source).lstrip()
    if "torch" in source or "fresh(" in case.ask:
        pytest.importorskip("torch", reason="the schedule is run on torch's own classes")
    mutants = [text.decode() for text, _ in planted(name, source)]
    assert mutants, "nothing planted"
    for mutant in mutants:
        ast.parse(mutant)
    assert case.new not in source
    mutant = next(text for text in mutants if case.new in text)
    before, after = outcome(source, case.ask), outcome(mutant, case.ask)
    assert isinstance(before, list), before
    assert before != after


SILENT = {
    "a guard that no step reaches with a warmup of 0": (
        "guard-removed",
        "def warmup_lr(step, warmup_steps=0):\n"
        "    if step < warmup_steps:\n"
        "        return step / max(1, warmup_steps)\n"
        "    return 1.0\n",
    ),
    "an exponent, where a floor makes an ordinary staircase": (
        "floor-division",
        "def decayed_lr(step, total_steps, base_lr=1.0):\n    return base_lr * 0.1 ** (step / total_steps)\n",
    ),
    "a warmup too short to be seen": (
        "warmup-offset-dropped",
        COSINE.replace("warmup_steps=3, total_steps=12", "warmup_steps=100, total_steps=600000"),
    ),
    "an object that counts for itself, from 1": (
        "full-rate-first",
        WRAPPER.replace(
            "return min(1.0, n_steps / self.warmup_steps)",
            "return n_steps / self.warmup_steps if n_steps < self.warmup_steps else 1.0",
        ),
    ),
    "a function whose caller may count from 1": ("full-rate-first", COSINE),
    "a file whose optimizer may have one group": (
        "first-group-only",
        SETTER + "\n\ndef main(model):\n    return SGD(model.parameters(), lr=1.0)\n",
    ),
    "a cosine over several periods": (
        "whole-period",
        "import math\n\ndef cosine_lr(step, total_steps, num_cycles, base_lr=1.0):\n"
        "    return base_lr * 0.5 * (1 + math.cos(math.pi * num_cycles * step / total_steps))\n",
    ),
    "a decay that something keeps above zero": (
        "decay-too-fast",
        LINEAR.replace("(1 - step / total_steps)", "max(0, 1 - step / total_steps)"),
    ),
    "a relation that the code refuses": (
        "empty-decay-pins",
        COSINE.replace("    if step", "    assert warmup_steps < total_steps\n    if step", 1),
    ),
    "a ramp whose caller looks at the step first": (
        "ramp-too-long",
        "def warmup_lr(step, warmup_steps, lr):\n"
        "    if step < warmup_steps:\n"
        "        return lr * step / warmup_steps\n"
        "    return lr\n\n\n"
        "def adjust(optimizer, step, warmup_steps, lr):\n"
        "    if step < warmup_steps:\n"
        '        optimizer.param_groups[0]["lr"] = warmup_lr(step, warmup_steps, lr)\n',
    ),
    "a length that is a function": (
        "empty-decay-pins",
        "def warmup_lr(step, warmup_steps):\n"
        "    if step < warmup_steps:\n"
        "        return step / warmup_steps\n"
        "    return max(0.1, (warmup_steps / step) ** 0.5)\n",
    ),
    "one step of hundreds": ("ramp-counted-from-two", COSINE.replace("warmup_steps=3", "warmup_steps=715")),
    "one step of a decay under a warmup": (
        "decay-one-step-late",
        SUBCLASS.split("        if self")[0] + "        warmup = min(1.0, (self.last_epoch + 1) / self.warmup_steps)\n"
        "        return [lr * warmup * (1 - self.last_epoch / self.total_steps) for lr in self.base_lrs]\n",
    ),
    "a table of where training stands": (
        "zero-warmup-pins",
        WRAPPER.replace("min(1.0, n_steps / self.warmup_steps)", "1.0 / (1 + n_steps)") + "    def state(self):\n"
        '        return {"warmup": min(1.0, self.n_steps / max(1, self.warmup_steps))}\n',
    ),
    "a length worked out in the function": (
        "zero-warmup-divides",
        "def warmup_lr(step, loader):\n"
        "    warmup_steps = 10 * len(loader)\n"
        "    if step < warmup_steps:\n"
        "        return step / warmup_steps\n"
        "    return 1.0\n",
    ),
}


@pytest.mark.parametrize("why", SILENT)
def test_an_operator_plants_nothing_where_the_edit_may_be_harmless(why):
    operator, source = SILENT[why]
    assert list(schedules(File(source.encode()))), "the finder sees no schedule"
    assert planted(operator, source) == []


def test_what_only_a_legal_setting_shows_is_due_as_info():
    assert [fault.legal for _, fault in planted("clamp-removed", HALF_COSINE)] == [True]
    assert [fault.legal for _, fault in planted("guard-removed", CASES["guard-removed"].source)] == [False]
    unused = COSINE.replace("warmup_steps=3", "warmup_steps=0")
    assert [fault.legal for _, fault in planted("ramp-too-long", COSINE)] == [False]
    assert [fault.legal for _, fault in planted("ramp-too-long", unused)] == [True]
    # What another function states of its own parameter is no default of this one.
    other = "def rest(step, warmup_steps=0):\n    return step\n" + COSINE.replace("warmup_steps=3", "warmup_steps")
    assert [fault.legal for _, fault in planted("no-warmup-no-rate", other.replace("total_steps=12", "total_steps"))]
    assert [fault.legal for _, fault in planted("first-group-only", SETTER)] == [True]
    count = CASES["step-keeps-no-state"].source
    own = count.replace("def get_lr", "position = 0\n\n    def get_lr").replace("(self.last_epoch", "(self.position")
    own = own.replace("self.last_epoch <", "self.position <").replace(
        "rates = self", "self.position += 1; rates = self"
    )
    for source, legal in ((count, [False, False]), (own, [False, True])):
        assert [fault.legal for _, fault in planted("step-keeps-no-state", source)] == legal
    short, long = (FACTOR.replace("warmup_steps, total", f"warmup_steps={n}, total_steps=12): #") for n in (1, 6))
    assert [fault.legal for _, fault in planted("warmup-of-length-dropped", short)] == [True]
    assert [fault.legal for _, fault in planted("warmup-of-length-dropped", long)] == [False]
    # A cosine that is counted from step 0 has lost nothing that is seen behind a warmup of a twentieth.
    share = COSINE.replace("total_steps=12", "total_steps={}")
    for total, legal in ((12, False), (60, True)):
        both = [fault for _, fault in planted("warmup-offset-dropped", share.format(total)) if "both" in fault.what]
        assert [fault.legal for fault in both] == [legal]


def test_the_finder_names_the_form_and_leaves_what_is_no_rate():
    found = {
        name: [form for form, _ in schedules(File(source.encode()))]
        for name, source in {
            "function": COSINE,
            "lambda": FACTOR,
            "subclass": SUBCLASS,
            "setter": SETTER,
            "wrapper": WRAPPER,
            "": COSINE.replace("get_lr", "weight_decay_schedule"),
            "no rate": COSINE.replace("get_lr", "schedule").replace("base_lr", "start").replace("min_lr", "end"),
            # a base of that name with a contract of its own
            "another base": SUBCLASS.replace("torch.optim.lr_scheduler", "mine.schedulers"),
        }.items()
    }
    assert found == {name: [] if name in ("", "no rate", "another base") else [name] for name in found}


@pytest.fixture(scope="module")
def planted_tree(tmp_path_factory):
    """A small repository with faults planted into it, by the script."""
    tree = tmp_path_factory.mktemp("trees") / "someone+something"
    (tree / "tests").mkdir(parents=True)
    (tree / "schedule.py").write_text(COSINE.lstrip())
    (tree / "scheduler.py").write_text(CLOSED_FORM.lstrip())
    (tree / "old.py").write_text("print 'def get_lr'\n")
    (tree / "tests" / "test_schedule.py").write_text(COSINE)
    out = tmp_path_factory.mktemp("planted")
    run_script("plant.py", str(tree), "--out", str(out), "--per-operator", "2")
    return tree, out


def run_script(name: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "mutants.jsonl").read_text().splitlines()]


def test_a_mutant_differs_from_its_original_only_where_its_row_says(planted_tree):
    tree, out = planted_tree
    rows = rows_of(out)
    assert {row["repo"] for row in rows} == {"someone/something"}
    assert {row["path"] for row in rows} == {"schedule.py", "scheduler.py"}
    for row in rows:
        original = (out / "originals" / row["original"]).read_text()
        mutant = (out / "files" / row["file"]).read_text().splitlines()
        assert original == (tree / row["path"]).read_text()
        changed = {number for number, line in enumerate(mutant, 1) if line not in original.splitlines()}
        assert changed <= {n for first, last in row["places"] for n in range(first, last + 1)}
        first, last = row["site"]
        assert row["lines"][1] >= first and row["lines"][0] <= last + 1  # what is deleted at its end stood behind it


def test_the_same_seed_plants_the_same_faults(planted_tree, tmp_path):
    tree, out = planted_tree
    run_script("plant.py", str(tree), "--out", str(tmp_path / "again"), "--per-operator", "2")
    assert (tmp_path / "again" / "mutants.jsonl").read_text() == (out / "mutants.jsonl").read_text()
    run_script("plant.py", str(tree), "--out", str(tmp_path / "one"), "--per-operator", "2", "--only", "pi-dropped")
    assert [r["what"] for r in rows_of(tmp_path / "one")] == [
        r["what"] for r in rows_of(out) if r["operator"] == "pi-dropped"
    ]


def test_a_tree_without_a_place_for_a_fault_is_told_as_such(planted_tree, tmp_path):
    tree, _ = planted_tree
    told = run_script("plant.py", str(tree), "--out", str(tmp_path / "none"), "--only", "never-stepped")
    assert "0 mutants of 0 originals" in told
    assert rows_of(tmp_path / "none") == []


def test_labels_say_which_schedules_are_sound_and_git_keeps_them(tmp_path):
    home = tmp_path / "mirror" / "someone+something" / "repo"
    home.mkdir(parents=True)
    (home / "schedule.py").write_text(COSINE + LINEAR)
    git = ["git", "-C", str(home), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    row = {"repo": "someone/something", "commit": commit, "path": "schedule.py", "form": "function", "lines": [4, 8]}
    sound = {**row, "codes": [], "confidence": "high", "handrolled": True}
    (tmp_path / "sites.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in (sound, {**sound, "lines": [10, 11], "codes": ["LR204"]}))
    )
    out = tmp_path / "out"
    run_script("plant.py", "--labels", str(tmp_path), "--mirror", str(tmp_path / "mirror"), "--out", str(out))
    operators = {r["operator"] for r in rows_of(out)}
    assert "pi-dropped" in operators
    assert "decay-too-fast" not in operators  # the linear decay is labelled with a defect


LINTER = """
import json, pathlib, sys

findings, sites = [], []
for path in sorted(pathlib.Path(sys.argv[-1]).rglob("*.py")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = {"path": str(path), "start": {"line": number, "column": 1}, "end": {"line": number, "column": 9}}
        sites += [where] if line.startswith(("def", "class")) else []
        if "cos(progress)" in line:
            findings.append({**where, "code": "LR206", "severity": "error"})
        if "2 * warmup" in line:
            findings.append({**where, "code": "LR202", "severity": "info"})
        if "min_lr +" in line:
            findings.append({**where, "code": "LR401", "severity": "info"})
print(json.dumps({"version": 1, "findings": findings, "sites": sites, "errors": []}))
"""


def test_the_judge_counts_what_is_new_and_what_fails_a_build(planted_tree, tmp_path):
    _, out = planted_tree
    linter = tmp_path / "linter.py"
    linter.write_text(LINTER)
    command = f"{sys.executable} {linter}"
    told = run_script("judge.py", "--lrfix", command, "--out", str(out), "--list")
    lines = {line.split()[0]: line.split() for line in told.splitlines() if line.startswith("  ")}
    for operator, loud, named in (("pi-dropped", 1, 1), ("ramp-too-long", 0, 1), ("degrees", 0, 0)):
        count = sum(r["operator"] == operator for r in rows_of(out))
        assert count
        found = re.findall(r"(\d+)/(\d+)", " ".join(lines[operator]))
        assert found[:3] == [(str(n * count), str(count)) for n in (loud, loud, named)]  # as due, loud, named
    assert "findings on the 2 originals: 0 errors or warnings, 1 infos" in told
    assert "missed degrees" in told
    assert "missed pi-dropped" not in told
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- fault-injection: begin -->\nold\n<!-- fault-injection: end -->\nrest\n")
    run_script("judge.py", "--out", str(out), "--reuse", "--markdown", "--into", str(page))
    text = page.read_text()
    assert text.startswith("# Page\n") and text.endswith("rest\n") and "old" not in text
    assert "| LR206 |" in text and "| function |" in text


def test_a_fault_in_one_of_two_formulas_may_be_named_by_their_difference(tmp_path):
    (tmp_path / "tree").mkdir()
    done = "min(1.0, self.last_epoch / self.total_steps)"
    formula = f"[base * 0.5 * (1 + math.cos(math.pi * {done})) for base in self.base_lrs]"
    (tmp_path / "tree" / "cosine.py").write_text(
        "import math\nfrom torch.optim.lr_scheduler import LRScheduler\n\n\nclass Cosine(LRScheduler):\n"
        "    def __init__(self, optimizer, total_steps, last_epoch=-1):\n        self.total_steps = total_steps\n"
        "        super().__init__(optimizer, last_epoch)\n\n"
        f"    def get_lr(self):\n        return {formula}\n\n"
        f"    def _get_closed_form_lr(self):\n        return {formula}\n\n\n"
        "def cosine_lr(step, total_steps, base):\n"
        "    return base * 0.5 * (1 + math.cos(math.pi * step / total_steps))\n"
    )
    command = [sys.executable, str(FOLDER / "plant.py"), str(tmp_path / "tree"), "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True)
    rows = [json.loads(line) for line in (tmp_path / "out" / "mutants.jsonl").read_text().splitlines()]
    second = [row for row in rows if row["form"] == "subclass"]
    assert second and len(second) < len(rows)
    assert all(("LR215" in row["accepted"]) is (row in second) for row in rows if row["accepted"][0] == "LR206")
