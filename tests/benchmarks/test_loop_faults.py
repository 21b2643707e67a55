"""Every operator on loops plants what it says, and that is a fault: torch itself trains with and without it."""

from __future__ import annotations

import ast
import collections
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "fault_injection"
sys.path.insert(0, str(FOLDER))

from candidates import LOOP, from_files, from_labels
from parsed import File, applied
from plant import OPERATORS
from scripts import Script


class Case(NamedTuple):
    """A sound script, what the operator must leave in it, and how to see that it trains differently."""

    source: str
    new: str  # in the mutant, not in the original
    ask: str = "rates(main)"  # an expression; the name of what is raised where it fails


HEAD = """
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import MultiStepLR, CosineAnnealingLR, LinearLR, ReduceLROnPlateau, SequentialLR, StepLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 3
train_loader = DataLoader(TensorDataset(torch.ones(20, 2)), batch_size=4)
"""
#: What the tests ask with; not part of the script that is planted into.
TAIL = """
from torch.optim.optimizer import register_optimizer_step_pre_hook

def rates(main, *arguments):
    seen = []
    hook = register_optimizer_step_pre_hook(lambda o, *_: seen.append([group["lr"] for group in o.param_groups]))
    try:
        main(*arguments)
    finally:
        hook.remove()
    return seen

def resumed(main):
    return rates(lambda: main(None)) + rates(lambda: main(main(None)))
"""
PER_EPOCH = (
    HEAD
    + """
def main():
    model = torch.nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
    for epoch in range(EPOCHS):
        train_loss = 0.0
        for (batch,) in train_loader:
            optimizer.zero_grad()
            loss = model(batch).mean()
            loss.backward()
            optimizer.step()
            train_loss = loss.item()
        scheduler.step()
        print(epoch, train_loss, scheduler.get_last_lr())
"""
)
PER_BATCH = (
    HEAD
    + """
class Trainer:
    def __init__(self, epochs):
        self.model = torch.nn.Linear(2, 1)
        self.optimizer = SGD(self.model.parameters(), lr=0.1)
        total_steps = epochs * len(train_loader)
        self.scheduler = CosineAnnealingLR(self.optimizer, T_max=total_steps)
        self.epochs = epochs

    def train_epoch(self):
        for (batch,) in train_loader:
            self.optimizer.zero_grad()
            loss = self.model(batch).mean()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            print(loss.item())

    def fit(self):
        for epoch in range(self.epochs):
            self.train_epoch()
            print(epoch)


def main():
    Trainer(EPOCHS).fit()
"""
)
#: Accelerate's part played by a class that steps its scheduler once a process.
ACCELERATED = PER_BATCH.replace(
    "class Trainer:",
    """num_processes = 2


class Prepared:
    def __init__(self, scheduler):
        self.step_once = scheduler.step

    def step(self):
        for _ in range(num_processes):
            self.step_once()


class Accelerator:
    def prepare(self, optimizer, scheduler):
        return optimizer, Prepared(scheduler)


accelerator = Accelerator()


class Trainer:""",
).replace(
    "        self.epochs = epochs",
    "        self.optimizer, self.scheduler = accelerator.prepare(self.optimizer, self.scheduler)\n"
    "        self.epochs = epochs",
)
ACCUMULATED = (
    HEAD
    + """
ACCUMULATION = 2

def main():
    model = torch.nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, len(train_loader) // ACCUMULATION * EPOCHS)
    for epoch in range(EPOCHS):
        for i, (batch,) in enumerate(train_loader):
            model(batch).mean().backward()
            if (i + 1) % ACCUMULATION == 0:
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
"""
)
PLATEAU = (
    HEAD
    + """
def main():
    model = torch.nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = ReduceLROnPlateau(optimizer, patience=0)
    for epoch in range(EPOCHS):
        for (batch,) in train_loader:
            loss = model(batch).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_loss = -float(epoch)
        scheduler.step(val_loss)
"""
)
COMPOSED = (
    HEAD
    + """
def main(steps=12, warmup=3):
    model = torch.nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    ramp = LinearLR(optimizer, start_factor=0.1, total_iters=warmup)
    decay = CosineAnnealingLR(optimizer, T_max=steps - warmup)
    tail = StepLR(optimizer, 1)
    scheduler = SequentialLR(optimizer, schedulers=[ramp, decay], milestones=[warmup])
    for step in range(steps):
        model(torch.ones(1, 2)).mean().backward()
        optimizer.step()
        scheduler.step()
"""
)
TWO = (
    HEAD
    + """
def main():
    generator, critic = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    optimizer_g = SGD(generator.parameters(), lr=0.1)
    optimizer_d = SGD(critic.parameters(), lr=0.4)
    scheduler_g = StepLR(optimizer_g, 2)
    scheduler_d = StepLR(optimizer_d, 1)
    for epoch in range(EPOCHS):
        for (batch,) in train_loader:
            generator(batch).mean().backward()
            optimizer_g.step()
            critic(batch).mean().backward()
            optimizer_d.step()
        scheduler_g.step()
        scheduler_d.step()
"""
)
BY_HAND = (
    HEAD
    + """
def main():
    body, head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    optimizer = SGD([{"params": body.parameters()}, {"params": head.parameters()}], lr=0.1)
    for epoch in range(EPOCHS):
        rate = 0.1 * (1 - epoch / EPOCHS)
        for group in optimizer.param_groups:
            group["lr"] = rate
        for (batch,) in train_loader:
            head(body(batch)).mean().backward()
            optimizer.step()
"""
)
RESUMED = (
    HEAD
    + """
def main(checkpoint):
    model = torch.nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = LinearLR(optimizer, start_factor=0.1, total_iters=8)
    start = 0
    if checkpoint:
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        start = checkpoint["epoch"] + 1
    for epoch in range(start, start + EPOCHS):
        for (batch,) in train_loader:
            model(batch).mean().backward()
            optimizer.step()
        scheduler.step()
    return {
        "epoch": epoch,
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
    }
"""
)

CASES: dict[str, Case] = {
    "scheduler-before-optimizer": Case(PER_BATCH, "self.scheduler.step()\n            self.optimizer.step()"),
    "moved-into-batch-loop": Case(PER_EPOCH, "            optimizer.step()\n            scheduler.step()"),
    "moved-to-epoch-level": Case(PER_BATCH, "self.train_epoch()\n            self.scheduler.step()"),
    "never-stepped": Case(PER_EPOCH, "train_loss = loss.item()\n        print(epoch"),
    "stepped-twice": Case(PER_EPOCH, "            optimizer.step()\n            scheduler.step()"),
    "stepped-twice-in-a-row": Case(PER_EPOCH, "scheduler.get_last_lr())\n        scheduler.step()"),
    "epoch-given-to-step": Case(PER_EPOCH, "scheduler.step(epoch)"),
    "rate-asked-from-outside": Case(PER_EPOCH, "scheduler.get_lr()", "asked(main)"),
    "metric-dropped": Case(PLATEAU, "scheduler.step()"),
    "metric-given": Case(COMPOSED.replace("scheduler.step()", "loss = 0.5\n        scheduler.step()"), "step(loss)"),
    "stepped-per-micro-batch": Case(ACCUMULATED, "optimizer.zero_grad()\n            scheduler.step()"),
    "horizon-in-epochs": Case(PER_BATCH, "T_max=epochs)"),
    "horizon-in-batches": Case(PER_EPOCH, "T_max=EPOCHS * len(train_loader)"),
    "epochs-dropped": Case(PER_BATCH, "T_max=len(train_loader))"),
    "epochs-twice": Case(PER_BATCH, "T_max=total_steps * epochs)"),
    "dataset-for-loader": Case(PER_BATCH, "T_max=epochs * len(train_loader.dataset))"),
    "accumulation-forgotten": Case(ACCUMULATED, "CosineAnnealingLR(optimizer, len(train_loader) * EPOCHS)"),
    "processes-forgotten": Case(
        ACCELERATED.replace("T_max=total_steps", "T_max=total_steps * num_processes"), "T_max=total_steps)"
    ),
    "warmup-not-subtracted": Case(COMPOSED, "T_max=steps)"),
    "optimizer-rebuilt": Case(PER_EPOCH, "T_max=EPOCHS)\n    optimizer = SGD("),
    "other-optimizer": Case(TWO, "StepLR(optimizer_d, 2)"),
    "one-group-updated": Case(BY_HAND, 'optimizer.param_groups[0]["lr"] = rate'),
    "rate-set-on-optimizer": Case(BY_HAND, "optimizer.lr = rate"),
    "children-swapped": Case(COMPOSED, "[decay, ramp]"),
    "composition-nested": Case(COMPOSED, "SequentialLR(optimizer, schedulers=[decay], milestones=[])"),
    "milestones-unsorted": Case(
        COMPOSED.replace("[ramp, decay]", "[ramp, decay, tail]").replace("=[warmup]", "=[warmup, steps]"),
        "milestones=[steps, warmup]",
        "rates(main, 16)",
    ),
    "mode-flipped": Case(PLATEAU, 'ReduceLROnPlateau(optimizer, "max", patience=0)'),
    "scheduler-not-saved": Case(RESUMED, '["optimizer"])\n        start', "resumed(main)"),
    "scheduler-not-loaded": Case(RESUMED, '["optimizer"])\n        start', "resumed(main)"),
    "built-after-load": Case(RESUMED, "start = checkpoint", "resumed(main)"),
}
CASES["built-after-load"] = Case(
    RESUMED.replace('        scheduler.load_state_dict(checkpoint["scheduler"])\n', "").replace(
        "    for epoch in range(start",
        '    if checkpoint:\n        scheduler.load_state_dict(checkpoint["scheduler"])\n    for epoch in range(start',
    ),
    '["epoch"] + 1\n    scheduler = LinearLR',
    "resumed(main)",
)
CASES["prolonged-on-resume"] = Case(
    RESUMED.replace("def main(checkpoint):", "def main(checkpoint, epochs=6, stop=2):")
    .replace("LinearLR(optimizer, start_factor=0.1, total_iters=8)", "CosineAnnealingLR(optimizer, T_max=epochs)")
    .replace("range(start, start + EPOCHS)", "range(start, epochs)")
    .replace(
        "        scheduler.step()\n",
        "        scheduler.step()\n        if not checkpoint and epoch == stop:\n            break\n",
    ),
    "epochs += 10",
    "resumed(main)",
)
ASKED = """
def asked(main):
    import builtins, contextlib, io
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main()
    return [said.getvalue()]
"""


def planted(operator: str, source: str) -> list[str]:
    """The script with each fault that the operator finds a place for."""
    file = File(source.encode())
    faults = OPERATORS[operator].plant(file, Script(file))
    made = [applied(file.source, fault.edits) for fault in faults if fault.edits]
    return [done[0].decode() for done in made if done is not None]


def outcome(source: str, ask: str) -> Any:
    """The rates of every update, or the name of what training raises."""
    torch = pytest.importorskip("torch", reason="the scripts train with torch")
    torch.manual_seed(0)
    world: dict[str, Any] = {}
    try:
        exec(compile(source + TAIL + ASKED, "script", "exec"), world)
        return eval(ask, world)
    except Exception as error:
        return type(error).__name__


def test_every_operator_on_loops_has_a_case():
    assert set(CASES) == {name for name, operator in OPERATORS.items() if operator.loops}


def test_every_rule_of_the_loop_has_an_operator_that_means_it():
    meant = {operator.codes[0] for operator in OPERATORS.values() if operator.loops}
    assert meant == {f"LR{n}" for n in range(301, 315)}


@pytest.mark.filterwarnings("ignore")  # torch warns of what a mutant does
@pytest.mark.parametrize("name", sorted(CASES))
def test_an_operator_plants_a_fault_that_training_shows(name):
    case = CASES[name]
    source = textwrap.dedent(case.source).lstrip()
    mutants = planted(name, source)
    assert mutants, "nothing planted"
    for mutant in mutants:
        ast.parse(mutant)
    assert case.new not in source
    mutant = next(text for text in mutants if case.new in text)
    before, after = outcome(source, case.ask), outcome(mutant, case.ask)
    assert isinstance(before, list), before
    assert before != after


SILENT = {
    "a loop that never turns": ("never-stepped", PER_EPOCH.replace("range(EPOCHS)", "range(0)")),
    "a scheduler that a trainer is given, and may be what comes back": (
        "never-stepped",
        PER_EPOCH.replace(
            "    for epoch in", "    model, scheduler = wrap(model=model, rate=scheduler)\n    for epoch in"
        ),
    ),
    "a second optimizer with several groups": (
        "one-group-updated",
        BY_HAND.replace(
            "    for epoch in", "    other, optimizer = optimizer, SGD(body.parameters(), lr=0.1)\n    for epoch in"
        ),
    ),
    "a length that is a number, of epochs or of batches": (
        "moved-into-batch-loop",
        PER_EPOCH.replace("T_max=EPOCHS", "T_max=50"),
    ),
    "a scheduler without a length": (
        "moved-into-batch-loop",
        PER_EPOCH.replace("CosineAnnealingLR(optimizer, T_max=EPOCHS)", "StepLR(optimizer, 10)"),
    ),
    "a scheduler that somebody else may step": (
        "never-stepped",
        PER_EPOCH.replace("    for epoch in", "    register(scheduler)\n    for epoch in"),
    ),
    "a scheduler that is given back to a caller elsewhere": (
        "never-stepped",
        PER_EPOCH + "    return {'scheduler': scheduler}\n",
    ),
    "a number that is not the loop's of epochs": (
        "moved-into-batch-loop",
        PER_EPOCH.replace("T_max=EPOCHS", "T_max=50").replace("range(EPOCHS)", "range(90)"),
    ),
    "a step that the file makes in two places already": (
        "scheduler-before-optimizer",
        PER_EPOCH.replace("        print(epoch", "        scheduler.step()\n        print(epoch"),
    ),
    "a scheduler of an unknown class, which may count from one": (
        "scheduler-before-optimizer",
        PER_EPOCH.replace("CosineAnnealingLR(optimizer, T_max=EPOCHS)", "build_scheduler(optimizer)"),
    ),
    "a scheduler that is told the epoch": (
        "stepped-twice",
        PER_EPOCH.replace("scheduler.step()", "scheduler.step(epoch)"),
    ),
    "a scheduler with a protocol of its own": (
        "stepped-twice",
        PER_EPOCH.replace("CosineAnnealingLR(optimizer, T_max=EPOCHS)", "build_scheduler(optimizer)").replace(
            "get_last_lr()", "begin_epoch()"
        ),
    ),
    "an optimizer whose state nobody restores": (
        "scheduler-not-saved",
        RESUMED.replace('        optimizer.load_state_dict(checkpoint["optimizer"])\n', ""),
    ),
    "a scheduler that is wound on to where training stood": (
        "scheduler-not-loaded",
        RESUMED.replace("    start = 0\n", "    start = 0\n    for _ in range(start):\n        scheduler.step()\n"),
    ),
    "a loader of single samples": ("dataset-for-loader", PER_BATCH.replace("batch_size=4)", "batch_size=1)")),
    "a metric of which lower or higher may be better": ("mode-flipped", PLATEAU.replace("val_loss", "score")),
    "milestones of a MultiStepLR, which counts them in any order": (
        "milestones-unsorted",
        PER_EPOCH.replace("CosineAnnealingLR(optimizer, T_max=EPOCHS)", "MultiStepLR(optimizer, milestones=[1, 2])"),
    ),
    "one optimizer": ("other-optimizer", PER_EPOCH),
    "an optimizer that may have one group": (
        "one-group-updated",
        BY_HAND.replace('[{"params": body.parameters()}, {"params": head.parameters()}]', "body.parameters()"),
    ),
}


@pytest.mark.parametrize("why", SILENT)
def test_an_operator_plants_nothing_where_the_edit_may_be_harmless(why):
    operator, source = SILENT[why]
    ast.parse(source)
    assert planted(operator, source) == []


#: The same script, as people write it: at module level, in functions, behind a scaler, with the objects handed on.
STYLES = {
    "at module level": PER_EPOCH.split("def main():\n")[0] + textwrap.dedent(PER_EPOCH.split("def main():\n")[1]),
    "behind a gradient scaler": PER_EPOCH.replace(
        "optimizer.step()", "scaler.step(optimizer)\n            scaler.update()"
    ),
    "with the loops in two functions": HEAD
    + """
def train_one_epoch(model, loader, optimizer):
    for (batch,) in loader:
        model(batch).mean().backward()
        optimizer.step()


def main():
    model = torch.nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
    for epoch in range(EPOCHS):
        train_one_epoch(model, train_loader, optimizer)
        scheduler.step()
""",
    "with a builder of its own": HEAD
    + """
def build(model):
    optimizer = SGD(model.parameters(), lr=0.1)
    return optimizer, CosineAnnealingLR(optimizer, T_max=EPOCHS)


def main():
    model = torch.nn.Linear(2, 1)
    optimizer, scheduler = build(model)
    for epoch in range(EPOCHS):
        for (batch,) in train_loader:
            model(batch).mean().backward()
            optimizer.step()
        if scheduler is not None:
            scheduler.step()
""",
}

#: What says that a schedule is counted in epochs, so that a step with every batch cannot be meant.
IN_EPOCHS = {
    "the name of its length": "CosineAnnealingLR(optimizer, args.max_epochs - 1)",
    "the number of the loop": "CosineAnnealingLR(optimizer, T_max=90)",
    "a step size that fits into the loop": "StepLR(optimizer, step_size=30)",
    "milestones that fit into the loop": "MultiStepLR(optimizer, milestones=[30, 60, 80])",
    "the function it is given": "LambdaLR(optimizer, lambda step: 1 - step / args.epochs)",
}


@pytest.mark.parametrize("why", IN_EPOCHS)
def test_a_step_is_moved_to_the_batches_where_the_code_says_that_the_schedule_counts_epochs(why):
    source = PER_EPOCH.replace("CosineAnnealingLR(optimizer, T_max=EPOCHS)", IN_EPOCHS[why])
    source = source.replace("range(EPOCHS)", "range(90)").replace("MultiStepLR,", "LambdaLR, MultiStepLR,", 1)
    assert len(planted("moved-into-batch-loop", source)) == 1


def test_a_length_that_is_kept_above_nothing_is_still_one():
    source = COMPOSED.replace("T_max=steps - warmup", "T_max=max(steps - warmup, 1)")
    assert ["T_max=steps)" in text for text in planted("warmup-not-subtracted", source)] == [True]


def test_a_length_that_only_has_a_name_is_told_from_the_loops():
    source = PER_BATCH.replace("epochs * len(train_loader)", "read_options().max_train_steps").replace(
        "T_max=total_steps", "T_max=args.max_train_steps"
    )
    source = source.replace("def __init__(self, epochs)", "def __init__(self, epochs, args=None)")
    texts = planted("horizon-in-epochs", source.replace("range(self.epochs)", "range(self.num_epochs)"))
    assert ["T_max=self.num_epochs)" in text for text in texts] == [True]


def test_an_object_stays_itself_when_it_is_prepared():
    assert len(planted("scheduler-before-optimizer", ACCELERATED)) == 1
    assert len(planted("moved-to-epoch-level", ACCELERATED)) == 1


def test_a_function_that_calls_itself_ends_the_search():
    source = PER_EPOCH + "\n\ndef build(n):\n    return build(n - 1)\n\n\nscheduler = build(3)\nscheduler.step()\n"
    assert len(planted("never-stepped", source)) <= 1


@pytest.mark.parametrize(
    ("operator", "source", "legal"),
    [
        ("epoch-given-to-step", PER_EPOCH, [False]),
        # The rates stay, and only the call is deprecated;
        ("epoch-given-to-step", PER_EPOCH.replace("range(EPOCHS)", "range(1, EPOCHS + 1)"), [True]),
        # documented is it of one class.
        ("epoch-given-to-step", PER_EPOCH.replace("CosineAnnealingLR", "CosineAnnealingWarmRestarts"), []),
        # One step of thousands.
        ("scheduler-before-optimizer", PER_EPOCH, [False]),
        ("scheduler-before-optimizer", PER_BATCH, [True]),
        # A position that is set back comes to the first rate with the first step.
        (
            "scheduler-before-optimizer",
            PER_EPOCH.replace("    for epoch", "    scheduler.last_epoch = -1\n    for epoch"),
            [],
        ),
        # A cosine that turns each epoch may be meant.
        ("epochs-dropped", PER_BATCH, [True]),
        (
            "epochs-dropped",
            PER_BATCH.replace("CosineAnnealingLR(", "LinearLR(").replace("T_max", "total_iters"),
            [False],
        ),
    ],
)
def test_advice_is_due_where_little_is_lost(operator, source, legal):
    file = File(source.encode())
    assert [fault.legal for fault in OPERATORS[operator].plant(file, Script(file))] == legal


@pytest.mark.parametrize("style", STYLES)
def test_the_loop_is_understood_however_the_script_is_cut_up(style):
    for operator in ("scheduler-before-optimizer", "never-stepped"):
        assert len(planted(operator, STYLES[style])) == 1, operator


def test_a_script_that_trains_is_a_candidate_as_a_whole():
    files = [("train.py", PER_EPOCH.encode()), ("tests/test_train.py", PER_EPOCH.encode()), ("data.py", HEAD.encode())]
    found = [(c.path, c.lines) for c in from_files("someone/something", files, collections.Counter()) if c.form == LOOP]
    assert found == [("train.py", (1, PER_EPOCH.count("\n")))]


def test_of_labels_the_scripts_are_taken_in_which_nothing_was_found_wrong(tmp_path):
    home = tmp_path / "mirror" / "someone+something" / "repo"
    home.mkdir(parents=True)
    names = ("sound.py", "clean.py", "faulty.py", "unread.py")
    for name in names:
        (home / name).write_text(PER_EPOCH)
    git = ["git", "-C", str(home), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    row = {"repo": "someone/something", "commit": commit}
    tables = {
        "files": [{**row, "path": name, "complete": name != "unread.py"} for name in names if name != "clean.py"],
        "clean": [{**row, "path": "clean.py"}],
        "sites": [{**row, "path": "faulty.py", "codes": ["LR303"], "confidence": "high", "handrolled": False}],
    }
    for table, rows in tables.items():
        (tmp_path / f"{table}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    found = from_labels(tmp_path, tmp_path / "mirror", collections.Counter())
    assert sorted(c.path for c in found if c.form == LOOP) == ["clean.py", "sound.py"]
