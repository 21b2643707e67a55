"""The smallest change that breaks a sound training script, for each rule of the loop, and what has to be said of it.

A break is a piece of text of a script in fixtures/clean/training and what stands in its place. The finding has to begin
on a line that holds one of the texts in ``at``: where the scheduler is built, stepped, saved or loaded. A break whose
rule is not built yet waits for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import asking
import pytest

from lrfix.findings import Severity
from lrfix.registry import load_rules

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "clean" / "training"
RULES = load_rules()


class Break(NamedTuple):
    """``old`` stands once in the script. ``codes``: the first is the one that is meant, the others say the same."""

    name: str
    script: str
    old: str
    new: str
    codes: tuple[str, ...]
    at: tuple[str, ...]


EPOCH_BODY = """        scheduler.step()
        best_accuracy = max"""
UPDATE = """                optimizer.step()
                scheduler.step()
"""
RESUME = """        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
"""
BUILT = """    warmup = LinearLR(optimizer, start_factor=0.01, total_iters=args.warmup_steps)
    decay = CosineAnnealingLR(optimizer, T_max=max_updates - args.warmup_steps, eta_min=args.min_lr)
    scheduler = SequentialLR(optimizer, schedulers=[warmup, decay], milestones=[args.warmup_steps])
"""
RESUMED = """
    first_epoch = 0
    if args.checkpoint and os.path.exists(args.checkpoint):
        state = torch.load(args.checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        first_epoch = state["epoch"] + 1
"""
COMPOSED = "schedulers=[warmup, decay], milestones=[args.warmup_steps])"
GAN_STEPS = """        scheduler_d.step()
        scheduler_g.step()
"""

BUILT_FIRST = "    scheduler = CosineAnnealingLR(optimizer, T_max=args.epochs)\n"
RESUMED_FIRST = """    start_epoch, best_accuracy = 0, 0.0
    if args.resume:
        checkpoint = torch.load(args.resume, map_location=device)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
"""
AND_BUILT = """        start_epoch = checkpoint["epoch"] + 1
        best_accuracy = checkpoint["best_accuracy"]
"""

BREAKS = (
    # LR109: what decides the rate is not brought back
    Break(
        "built when the epoch is restored, and not brought back",
        "plain_torch",
        f'{BUILT_FIRST}\n{RESUMED_FIRST}        scheduler.load_state_dict(checkpoint["scheduler"])\n{AND_BUILT}',
        f"{RESUMED_FIRST}{AND_BUILT}{BUILT_FIRST}",
        ("LR109", "LR308"),
        ("scheduler = CosineAnnealingLR(", "optimizer.load_state_dict"),
    ),
    # LR110: one writes over what the other has set
    Break(
        "the rate set by hand beside the scheduler",
        "plain_torch",
        EPOCH_BODY,
        '        for group in optimizer.param_groups:\n            group["lr"] = args.lr\n' + EPOCH_BODY,
        ("LR110",),
        ("for group in", 'group["lr"]', "scheduler.step()"),
    ),
    # LR301: the first rate is skipped
    Break(
        "stepped ahead of the epoch",
        "plain_torch",
        "        train_loss = train_one_epoch(",
        "        scheduler.step()\n        train_loss = train_one_epoch(",
        ("LR301", "LR304"),
        ("scheduler.step()",),
    ),
    # LR302: a horizon in one unit, steps in another
    Break(
        "a line over rollouts, stepped with their minibatches",
        "ppo",
        "                optimizer.step()\n        scheduler.step()\n",
        "                optimizer.step()\n                scheduler.step()\n",
        ("LR302", "LR310"),
        ("scheduler.step()", "LinearLR(", "total_iters"),
    ),
    Break(
        "a length in batches, stepped once an epoch",
        "plain_torch",
        "T_max=args.epochs)",
        "T_max=args.epochs * len(train_loader))",
        ("LR302", "LR310"),
        ("scheduler.step()", "CosineAnnealingLR(opt"),
    ),
    Break(
        "a length in updates under an interval of epochs",
        "lightning_module",
        '                "interval": "step",\n',
        "",
        ("LR302", "LR310"),
        ("OneCycleLR(", "total_steps", "return {", "configure_optimizers"),
    ),
    Break(
        "a length in epochs for a trainer that steps with every update",
        "trainer_finetune",
        "        num_training_steps=num_training_steps,\n",
        "        num_training_steps=args.epochs,\n",
        ("LR302", "LR310"),
        ("get_linear_schedule_with_warmup(", "num_training_steps=args.epochs", "optimizers=("),
    ),
    Break(
        "a length in batches, told the epoch",
        "timm_script",
        "t_initial=args.epochs,",
        "t_initial=args.epochs * len(loader_train),",
        ("LR302", "LR310"),
        ("lr_scheduler.step(", "CosineLRScheduler(", "t_initial"),
    ),
    # LR303
    Break(
        "never stepped",
        "plain_torch",
        EPOCH_BODY,
        "        best_accuracy = max",
        ("LR303",),
        ("CosineAnnealingLR(opt",),
    ),
    Break(
        "one of two never stepped",
        "gan",
        GAN_STEPS,
        "        scheduler_g.step()\n",
        ("LR303",),
        ("scheduler_d = LinearLR(",),
    ),
    Break(
        "prepared, and never stepped",
        "accelerate_script",
        "                lr_scheduler.step()\n",
        "",
        ("LR303",),
        ("lr_scheduler = get_cosine",),
    ),
    Break(
        "given to no trainer",
        "trainer_finetune",
        "        optimizers=(optimizer, scheduler),\n",
        "",
        ("LR303",),
        ("scheduler = get_linear",),
    ),
    Break(
        "given to a trainer that is told of none",
        "trainer_finetune",
        "optimizers=(optimizer, scheduler)",
        "optimizers=(optimizer, None)",
        ("LR303",),
        ("scheduler = get_linear",),
    ),
    Break(
        "told the update, and never the epoch",
        "timm_script",
        '        lr_scheduler.step(epoch + 1, eval_metrics["top1"])\n',
        "",
        ("LR303",),
        ("lr_scheduler = CosineLRScheduler(",),
    ),
    # LR304
    Break(
        "stepped twice an epoch, where two were meant",
        "gan",
        GAN_STEPS,
        "        scheduler_g.step()\n        scheduler_g.step()\n        scheduler_d.step()\n",
        ("LR304",),
        ("scheduler_g.step()",),
    ),
    Break(
        "stepped with the update, and again by the epoch",
        "accumulation",
        '        print(f"epoch {epoch}: loss',
        '        scheduler.step()\n        print(f"epoch {epoch}: loss',
        ("LR304", "LR302"),
        ("scheduler.step()",),
    ),
    Break(
        "stepped by the engine, and again by hand",
        "deepspeed_script",
        "            engine.step()\n",
        "            engine.step()\n            scheduler.step()\n",
        ("LR304",),
        ("scheduler.step()", "engine.step()"),
    ),
    Break(
        "stepped by the trainer, and again in the step",
        "lightning_module",
        '        self.log("train_loss", loss)\n',
        '        self.log("train_loss", loss)\n        self.lr_schedulers().step()\n',
        ("LR304",),
        ("self.lr_schedulers().step()",),
    ),
    # LR305
    Break(
        "told the epoch",
        "plain_torch",
        EPOCH_BODY,
        "        scheduler.step(epoch)\n        best_accuracy = max",
        ("LR305",),
        ("scheduler.step(epoch)",),
    ),
    Break(
        "asked for a rate from outside",
        "accumulation",
        "scheduler.get_last_lr()",
        "scheduler.get_lr()",
        ("LR305",),
        ("scheduler.get_lr()",),
    ),
    # LR306
    Break("a plateau without its metric", "amp", "step(val_loss)", "step()", ("LR306",), ("        scheduler.step()",)),
    Break(
        "a metric for a cosine",
        "plain_torch",
        EPOCH_BODY,
        "        scheduler.step(train_loss)\n        best_accuracy = max",
        ("LR306", "LR305"),
        ("scheduler.step(train_loss)",),
    ),
    # LR307: what gathers gradients or shares the data is forgotten
    Break(
        "stepped with every micro-batch",
        "accumulation",
        f"{UPDATE}                optimizer.zero_grad()\n",
        "                optimizer.step()\n                optimizer.zero_grad()\n            scheduler.step()\n",
        ("LR307", "LR302", "LR310"),
        ("scheduler.step()", "CosineAnnealingLR(opt", "SequentialLR(opt"),
    ),
    Break(
        "a length of micro-batches",
        "accumulation",
        "max_updates = args.epochs * updates_per_epoch",
        "max_updates = args.epochs * len(train_loader)",
        ("LR307", "LR310", "LR302"),
        ("scheduler.step()", "CosineAnnealingLR(opt", "SequentialLR(opt"),
    ),
    Break(
        "a length of one process",
        "accelerate_script",
        "max_train_steps * accelerator.num_processes",
        "max_train_steps",
        ("LR307", "LR310", "LR302"),
        ("get_cosine_schedule_with_warmup(", "num_training_steps=", "lr_scheduler.step()"),
    ),
    Break(
        "a length of batches for a trainer that gathers them",
        "trainer_finetune",
        "math.ceil(batches / args.accumulation)",
        "batches",
        ("LR307",),
        ("scheduler = get_linear",),
    ),
    Break(
        "a length of batches for an engine that gathers them",
        "deepspeed_script",
        "math.ceil(batches_per_epoch / args.gradient_accumulation_steps)",
        "batches_per_epoch",
        ("LR307",),
        ("scheduler = WarmupDecayLR(",),
    ),
    Break(
        "a length of updates, not prepared",
        "accelerate_script",
        "    lr_scheduler = accelerator.prepare(lr_scheduler)\n",
        "",
        ("LR307",),
        ("lr_scheduler = get_cosine",),
    ),
    # LR308
    Break(
        "not in the checkpoint, and not loaded",
        "accumulation",
        RESUME,
        '        optimizer.load_state_dict(state["optimizer"])\n',
        ("LR308",),
        ("optimizer.load_state_dict", "scheduler.state_dict()", "torch.save(", "SequentialLR(opt"),
    ),
    # LR309
    Break(
        "bound to the other optimizer",
        "gan",
        "scheduler_d = LinearLR(optimizer_d,",
        "scheduler_d = LinearLR(optimizer_g,",
        ("LR309", "LR110"),
        ("scheduler_d = LinearLR(", "optimizer_d.step()"),
    ),
    Break(
        "the optimizer built anew",
        "plain_torch",
        "    start_epoch, best_accuracy = 0, 0.0\n",
        "    optimizer = SGD(model.parameters(), lr=args.lr)\n    start_epoch, best_accuracy = 0, 0.0\n",
        ("LR309",),
        ("optimizer = SGD(", "scheduler = CosineAnnealingLR(", "scheduler.step()"),
    ),
    # LR310
    Break(
        "the warmup not subtracted",
        "accumulation",
        "T_max=max_updates - args.warmup_steps",
        "T_max=max_updates",
        ("LR310", "LR312"),
        ("CosineAnnealingLR(opt", "SequentialLR(opt", "scheduler.step()"),
    ),
    Break(
        "the epochs forgotten",
        "accumulation",
        "max_updates = args.epochs * updates_per_epoch",
        "max_updates = updates_per_epoch",
        ("LR310", "LR302"),
        ("CosineAnnealingLR(opt", "SequentialLR(opt", "scheduler.step()", "max_updates ="),
    ),
    Break(
        "a length in timesteps for a step a rollout",
        "ppo",
        "        total_iters=num_iterations,\n",
        "        total_iters=config.total_timesteps,\n",
        ("LR310", "LR302"),
        ("LinearLR(", "total_iters=", "scheduler.step()"),
    ),
    # LR311
    Break(
        "built when the optimizer's state is loaded",
        "accumulation",
        BUILT + RESUMED,
        RESUMED.replace('        scheduler.load_state_dict(state["scheduler"])\n', "")
        + BUILT
        + '    if first_epoch:\n        scheduler.load_state_dict(state["scheduler"])\n',
        ("LR311",),
        ("load_state_dict(", "SequentialLR(opt", "warmup = LinearLR("),
    ),
    # LR312
    Break(
        "the warmup last",
        "accumulation",
        COMPOSED,
        "schedulers=[decay, warmup], milestones=[args.warmup_steps])",
        ("LR312",),
        ("SequentialLR(opt",),
    ),
    Break(
        "one composition inside another",
        "accumulation",
        COMPOSED,
        "schedulers=[warmup, SequentialLR(optimizer, [decay], [])], milestones=[args.warmup_steps])",
        ("LR312",),
        ("SequentialLR(opt",),
    ),
    Break(
        "milestones from last to first",
        "accumulation",
        COMPOSED,
        "schedulers=[warmup, decay, warmup], milestones=[max_updates, args.warmup_steps])",
        ("LR312",),
        ("SequentialLR(opt",),
    ),
    # LR313
    Break(
        "prolonged on resume",
        "plain_torch",
        "    start_epoch, best_accuracy = 0, 0.0\n",
        "    start_epoch, best_accuracy = 0, 0.0\n    if args.resume:\n        args.epochs += 10\n",
        ("LR313", "LR310"),
        ("scheduler.load_state_dict", "scheduler = CosineAnnealingLR(", "args.epochs += 10"),
    ),
    # LR314
    Break("the wrong way", "amp", 'mode="min"', 'mode="max"', ("LR314",), ("ReduceLROnPlateau(opt", "step(val_loss)")),
)
#: Breaks whose rule is built, and does not name them yet. What is named again leaves this list.
KNOWN_MISSES: frozenset[str] = frozenset()


def named(broken: Break) -> object:
    marks = [
        pytest.mark.skipif(broken.codes[0] not in RULES, reason=f"{broken.codes[0]} is not built yet"),
        *([pytest.mark.xfail(reason="not named yet", strict=False)] if broken.name in KNOWN_MISSES else []),
    ]
    return pytest.param(broken, id=f"{broken.codes[0]} {broken.name}", marks=marks)


each = pytest.mark.parametrize("broken", [named(b) for b in BREAKS])


def source_of(broken: Break) -> str:
    source = (FOLDER / f"{broken.script}.py").read_text(encoding="utf-8")
    assert source.count(broken.old) == 1, f"{broken.old!r} stands {source.count(broken.old)} times in {broken.script}"
    return source.replace(broken.old, broken.new)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda b: b.name)
def test_a_break_is_one_change_of_a_script_that_still_compiles(broken):
    compile(source_of(broken), broken.script, "exec", dont_inherit=True)
    lines = source_of(broken).splitlines()
    assert all(any(text in line for line in lines) for text in broken.at[:1])


def test_every_rule_of_the_loop_has_a_break():
    assert {b.codes[0] for b in BREAKS} == {"LR109", "LR110", *(f"LR{n}" for n in range(301, 315))}


@each
def test_a_break_is_named_where_it_is(broken):
    source = source_of(broken)
    lines = source.splitlines()
    said = [found for code in broken.codes for found in asking.reported(code, source)]
    places = [lines[f.span.start.line - 1].strip() for f in said if f.severity is not Severity.INFO]
    assert places
    assert any(any(text.strip() in place for text in broken.at) for place in places), places


#: The scripts that need nothing but torch, which can show that a break is one.
WITH_TORCH = ("plain_torch", "amp", "accumulation", "gan", "ppo")
#: What only a second run, a warning or another version of torch shows.
SHOWN_ELSEWHERE = ("LR109", "LR305", "LR308", "LR311", "LR313")
BEFORE: dict[str, object] = {}  # the rates of each script as it is


@pytest.mark.parametrize(
    "broken",
    [b for b in BREAKS if b.script in WITH_TORCH and b.codes[0] not in SHOWN_ELSEWHERE],
    ids=lambda b: b.name,
)
def test_a_break_changes_the_rates_or_raises(broken, monkeypatch):
    pytest.importorskip("torch", reason="the script trains with torch")
    from test_training_scripts import rates_of

    if broken.script not in BEFORE:
        sound = (FOLDER / f"{broken.script}.py").read_text(encoding="utf-8")
        BEFORE[broken.script] = rates_of(sound, broken.script, monkeypatch)
    try:
        after = rates_of(source_of(broken), broken.script, monkeypatch)
    except Exception:
        return
    assert after != BEFORE[broken.script]
