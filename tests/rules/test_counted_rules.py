"""LR302, LR307 and LR310: the length of a schedule against the steps that the loop makes, in the units of both."""

from __future__ import annotations

import asking
import pytest

from lrfix.findings import Severity

SCRIPT = """
    import argparse
    import torch
    from torch.optim.lr_scheduler import (
        CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, OneCycleLR, SequentialLR, StepLR
    )
    from torch.utils.data import DataLoader
    from transformers import get_linear_schedule_with_warmup

    EPOCHS = 90

    def main(model, dataset, warmup):
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int, default=100)
        parser.add_argument("--accumulation", type=int, default=4)
        args = parser.parse_args()
        loader = DataLoader(dataset, batch_size=32)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = {scheduler}
        for epoch in {epochs}:
            for i, batch in enumerate(loader):
                model(batch).backward()
                {update}
                {batch}
            {epoch}
    """


def script(scheduler, batch="pass", epoch="pass", epochs="range(args.epochs)", update="optimizer.step()"):
    return SCRIPT.format(scheduler=scheduler, batch=batch, epoch=epoch, epochs=epochs, update=update)


def found(source):
    return set(asking.faults(source, "LR302", "LR307", "LR310"))


STEP = "scheduler.step()"
WARMED = "SequentialLR(optimizer, [LinearLR(optimizer, 0.1, 1, warmup), "


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("CosineAnnealingLR(optimizer, args.epochs)", {"LR302"}),
        ("CosineAnnealingLR(optimizer, args.epochs * len(loader))", set()),
        ("CosineAnnealingLR(optimizer, 1000)", set()),
        ("CosineAnnealingLR(optimizer, 100)", {"LR302"}),
        ("LambdaLR(optimizer, lambda epoch: 1 - epoch / args.epochs)", {"LR302"}),
        ("LambdaLR(optimizer, lambda step: 1 - step / (args.epochs * len(loader)))", set()),
        ("LambdaLR(optimizer, lambda step: 1 - float(step) / args.epochs / len(loader))", set()),
        ("LambdaLR(optimizer, lambda step: 1 - step * 32 / (args.epochs * len(dataset)))", set()),
        ("MultiStepLR(optimizer, [int(0.5 * args.epochs), int(0.75 * args.epochs)])", {"LR302"}),
        ("MultiStepLR(optimizer, [30, 60, 90])", {"LR302"}),
        ("MultiStepLR(optimizer, [30000, 60000])", set()),
        ("StepLR(optimizer, 30)", {"LR302"}),
        ("StepLR(optimizer, 10000)", set()),
        ("ExponentialLR(optimizer, 0.95)", {"LR302"}),
        ("ExponentialLR(optimizer, 0.9999)", set()),
        ("OneCycleLR(optimizer, 0.1, total_steps=args.epochs)", {"LR302"}),
        ("OneCycleLR(optimizer, 0.1, epochs=args.epochs, steps_per_epoch=len(loader))", set()),
        ("OneCycleLR(optimizer, 0.1, epochs=args.epochs, steps_per_epoch=args.epochs * len(loader))", {"LR310"}),
        ("get_linear_schedule_with_warmup(optimizer, 0, len(loader))", {"LR310"}),
        ("get_linear_schedule_with_warmup(optimizer, 0, args.epochs * len(dataset))", {"LR310"}),
        ("get_linear_schedule_with_warmup(optimizer, 0, args.epochs * len(loader.dataset))", {"LR310"}),
        ("get_linear_schedule_with_warmup(optimizer, 0, int(args.epochs * len(dataset) / 32))", set()),
        ("LinearLR(optimizer, 0.1, total_iters=len(loader))", set()),
        # A composition that ends with the first epoch does; a cosine may be meant to fall and rise with each.
        (f"{WARMED}CosineAnnealingLR(optimizer, len(loader) - warmup)], [warmup])", {"LR310"}),
        (f"{WARMED}CosineAnnealingLR(optimizer, args.epochs * len(loader) - warmup)], [warmup])", set()),
        ("CosineAnnealingLR(optimizer, len(loader))", set()),
    ],
)
def test_stepped_per_batch(scheduler, expected):
    assert found(script(scheduler, batch=STEP)) == expected


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("CosineAnnealingLR(optimizer, args.epochs)", set()),
        ("CosineAnnealingLR(optimizer, args.epochs * len(loader))", {"LR302"}),
        ("StepLR(optimizer, 10 * len(loader))", {"LR302"}),
        ("StepLR(optimizer, 30)", set()),
        ("CosineAnnealingLR(optimizer, args.epochs - warmup)", set()),
        ("SequentialLR(optimizer, [LinearLR(optimizer, 0.1, 1, warmup), CosineAnnealingLR(optimizer, args.epochs)], "
         "[warmup])", {"LR310"}),
        ("SequentialLR(optimizer, [LinearLR(optimizer, 0.1, 1, warmup), "
         "CosineAnnealingLR(optimizer, args.epochs - warmup)], [warmup])", set()),
    ],
)  # fmt: skip
def test_stepped_per_epoch(scheduler, expected):
    assert found(script(scheduler, epoch=STEP)) == expected


@pytest.mark.parametrize(("length", "told"), [("len(loader)", 1), ("args.epochs * len(loader)", 0), ("100", 0)])
def test_a_cosine_that_comes_down_in_every_epoch_may_be_meant(length, told):
    advised = asking.asked("LR310", script(f"CosineAnnealingLR(optimizer, {length})", batch=STEP))
    assert [violation.advice for violation in advised] == [True] * told


PERIODIC = "optimizer.step() if (i + 1) % args.accumulation == 0 else None"
TOTAL = "args.epochs * len(loader)"


@pytest.mark.parametrize(
    ("total", "batch", "expected"),
    [
        (f"{TOTAL} // args.accumulation", STEP, {"LR307"}),
        (TOTAL, STEP, set()),
        (f"{TOTAL} // args.accumulation", f"{STEP} if (i + 1) % args.accumulation == 0 else None", set()),
        (TOTAL, f"{STEP} if (i + 1) % args.accumulation == 0 else None", {"LR307"}),
        ("1000", STEP, set()),
        # A name may say what it counts; most do not.
        ("args.optimization_steps", STEP, {"LR307"}),
        ("args.total_steps", STEP, set()),
        ("args.optimization_steps * args.accumulation", STEP, set()),
        ("args.optimization_steps", f"{STEP} if (i + 1) % args.accumulation == 0 else None", set()),
    ],
)
def test_accumulation(total, batch, expected):
    assert found(script(f"CosineAnnealingLR(optimizer, {total})", batch=batch, update=PERIODIC)) == expected


@pytest.mark.parametrize(
    ("scheduler", "batch", "advised"),
    [
        ("CosineAnnealingLR(optimizer, 1000)", STEP, True),
        ("CosineAnnealingLR(optimizer, args.total_steps)", STEP, True),
        ("build_scheduler(optimizer)", STEP, True),
        (f"CosineAnnealingLR(optimizer, {TOTAL})", STEP, False),
        ("CosineAnnealingLR(optimizer, args.total_steps * args.accumulation)", STEP, False),
        ("build_scheduler(optimizer)", f"{STEP} if (i + 1) % args.accumulation == 0 else None", False),
        ("build_scheduler(optimizer)", f"{STEP} if i % 100 == 0 else None", False),
    ],
)
def test_a_scheduler_that_moves_where_its_optimizer_waits_is_advice_where_nothing_says_what_it_counts(
    scheduler, batch, advised
):
    source = script(scheduler, batch=batch, update=PERIODIC)
    assert [each.severity for each in asking.reported("LR307", source)] == [Severity.INFO] * advised


@pytest.mark.parametrize(
    ("total", "expected"), [("args.max_steps", {"LR307"}), ("args.max_steps * args.accumulation", set())]
)
def test_a_number_of_updates_that_the_epochs_are_worked_out_from(total, expected):
    epochs = "range(args.max_steps * args.accumulation // len(loader) + 1)"
    source = script(f"CosineAnnealingLR(optimizer, {total})", batch=STEP, update=PERIODIC, epochs=epochs)
    assert found(source) == expected


BRANCHES = """
    import torch
    from torch.optim.lr_scheduler import LambdaLR

    def main(model, loader, args):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        total = {total}

        def factor(step):
            if step < args.warmup:
                return step / args.warmup
            return max(0.0, {decay})

        scheduler = LambdaLR(optimizer, factor)
        for epoch in range(args.epochs):
            for i, batch in enumerate(loader):
                model(batch).backward()
                if (i + 1) % args.accumulation == 0:
                    optimizer.step()
                    {update}
                {batch}
    """
ALL, UPDATES = "len(loader) * args.epochs", "len(loader) // args.accumulation * args.epochs"
LINEAR, REST = "1 - step / total", "(total - step) / (total - args.warmup)"


@pytest.mark.parametrize(
    ("total", "decay", "update", "batch", "expected"),
    [
        (UPDATES, LINEAR, "pass", STEP, {"LR307"}),
        (UPDATES, REST, "pass", STEP, {"LR307"}),
        (ALL, LINEAR, STEP, "pass", {"LR307"}),
        (UPDATES, LINEAR, STEP, "pass", set()),
        (UPDATES, REST, STEP, "pass", set()),
        (ALL, LINEAR, "pass", STEP, set()),
        ("args.epochs", LINEAR, "pass", STEP, {"LR302"}),
        ("args.epochs", REST, "pass", STEP, set()),  # epochs, if the warmup is none
    ],
)
def test_every_branch_of_a_function_says_how_long_it_is(total, decay, update, batch, expected):
    source = BRANCHES.format(total=total, decay=decay, update=update, batch=batch)
    assert found(source) == expected


def test_a_decay_without_an_end_beside_the_condition_of_the_update():
    assert found(script("ExponentialLR(optimizer, 0.99999)", batch=STEP, update=PERIODIC)) == {"LR307"}


@pytest.mark.parametrize(
    "epochs", ["range(1, args.epochs + 1)", "tqdm(range(args.epochs))", "range(start, args.epochs)"]
)
def test_a_loop_over_epochs_in_every_spelling(epochs):
    assert found(script("CosineAnnealingLR(optimizer, args.epochs)", batch=STEP, epochs=epochs)) == {"LR302"}
    assert found(script("CosineAnnealingLR(optimizer, args.epochs)", epoch=STEP, epochs=epochs)) == set()


@pytest.mark.parametrize(
    ("built", "stepped", "expected"),
    [
        ("args.schedule", "args.schedule", {"LR302"}),
        ("args.kind == 'cos'", "args.kind == 'cos'", {"LR302"}),
        ("args.schedule", "args.rarely", set()),
    ],
)
def test_a_scheduler_that_an_option_builds_and_steps_is_stepped_whenever_it_is_there(built, stepped, expected):
    source = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def main(model, loader, args):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        if {built}:
            scheduler = CosineAnnealingLR(optimizer, args.epochs)
        for epoch in range(args.epochs):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
                if {stepped}:
                    scheduler.step()
    """
    assert found(source.format(built=built, stepped=stepped)) == expected


def test_a_constant_of_the_file_is_a_count_too():
    per_batch = script("CosineAnnealingLR(optimizer, EPOCHS)", batch=STEP, epochs="range(EPOCHS)")
    assert found(per_batch) == {"LR302"}
    assert found(script("CosineAnnealingLR(optimizer, EPOCHS)", epoch=STEP, epochs="range(EPOCHS)")) == set()


@pytest.mark.parametrize("hands", ["engine.attach(scheduler)", "fit(scheduler)"])
def test_unknown_code_that_may_step_keeps_counts_from_being_told(hands):
    assert found(script("CosineAnnealingLR(optimizer, args.epochs)", batch=STEP, epoch=hands)) == set()


ACCELERATE = """
    import torch
    from accelerate import Accelerator
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def main(args, model, loader):
        accelerator = Accelerator(gradient_accumulation_steps=args.accumulation)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = CosineAnnealingLR(optimizer, {total})
        {prepare}
        for epoch in range(args.epochs):
            for i, batch in enumerate(loader):
                with accelerator.accumulate(model):
                    accelerator.backward(model(batch))
                    optimizer.step()
                    {step}
    """
ALL = "model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)"
NOT_IT = "model, optimizer, loader = accelerator.prepare(model, optimizer, loader)"


@pytest.mark.parametrize(
    ("prepare", "step", "total", "expected"),
    [
        (ALL, STEP, "args.max_steps", set()),
        (NOT_IT, STEP, "args.max_steps", {"LR307"}),
        (NOT_IT, f"{STEP} if accelerator.sync_gradients else None", "args.max_steps", set()),
        (NOT_IT, f"{STEP} if not args.dry and i % args.accumulation == 0 else None", "args.max_steps", set()),
        (NOT_IT, STEP, "args.max_steps * args.accumulation", set()),
        ("pass", STEP, "args.max_steps", set()),
    ],
)
def test_a_scheduler_that_is_not_prepared_counts_micro_batches(prepare, step, total, expected):
    assert found(ACCELERATE.format(prepare=prepare, step=step, total=total)) == expected


ROLLOUTS = """
    import torch
    from dataclasses import dataclass
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR

    @dataclass
    class Config:
        timesteps: int = 100000
        envs: int = 4
        length: int = 128
        epochs: int = 4

    def main(agent, config=Config()):
        optimizer = torch.optim.Adam(agent.parameters())
        rollouts = config.timesteps // (config.envs * config.length)
        scheduler = {scheduler}
        for rollout in range(1, rollouts + 1):
            batch = agent.collect(config.length)
            for epoch in range(config.epochs):
                for start in range(0, config.envs * config.length, 64):
                    agent.loss(batch, start).backward()
                    optimizer.step()
                    {batch}
            {rollout}
    """


@pytest.mark.parametrize(
    ("scheduler", "batch", "rollout", "expected"),
    [
        ("LinearLR(optimizer, 1.0, 0.0, rollouts)", "pass", STEP, set()),
        ("LinearLR(optimizer, 1.0, 0.0, rollouts)", STEP, "pass", {"LR302"}),
        ("LinearLR(optimizer, 1.0, 0.0, config.timesteps)", "pass", STEP, {"LR310"}),
        ("CosineAnnealingLR(optimizer, config.timesteps)", "pass", STEP, {"LR310"}),
        ("LambdaLR(optimizer, lambda i: 1 - i / config.timesteps)", "pass", STEP, {"LR310"}),
        ("LambdaLR(optimizer, lambda i: 1 - i * config.envs * config.length / config.timesteps)", "pass", STEP, set()),
        ("CosineAnnealingLR(optimizer, 2 * config.timesteps)", "pass", STEP, set()),
    ],
)
def test_a_step_that_stands_for_many_timesteps(scheduler, batch, rollout, expected):
    assert found(ROLLOUTS.format(scheduler=scheduler, batch=batch, rollout=rollout)) == expected


@pytest.mark.parametrize(
    ("milestones", "found"),
    [
        ("[warmup, total]", False),
        ("[total, warmup]", True),
        ("[warmup, total - args.cooldown]", False),
        ("[warmup, warmup + args.cooldown]", False),
        ("[warmup + args.cooldown, warmup]", True),
        ("[2000, 100]", True),
        ("[total, total + args.cooldown]", False),
        ("[args.first, args.second]", False),
    ],
)
def test_milestones_rise_whatever_the_numbers_are(milestones, found):
    total = "args.epochs * len(loader)"
    parts = "LinearLR(optimizer, 0.1, 1, warmup), CosineAnnealingLR(optimizer, 7), StepLR(optimizer, 5)"
    built = f"SequentialLR(optimizer, [{parts}], {milestones.replace('total', total)})"
    assert (asking.faults(script(built, batch=STEP), "LR312") != []) is found


BUILDER = """
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR, StepLR

    def build(optimizer, {parameters}):
        warmup = LinearLR(optimizer, {start}, total_iters={warmup})
        rest = CosineAnnealingLR(optimizer, T_max={rest})
        return SequentialLR(optimizer, [warmup, rest], milestones=[{warmup}])
    """


@pytest.mark.parametrize(
    ("parameters", "warmup", "rest", "told"),
    [
        ("total_steps, warmup_steps", "warmup_steps", "total_steps", True),
        ("total_steps, warmup_steps", "warmup_steps", "total_steps - warmup_steps", False),
        ("total_steps, ratio", "int(0.1 * total_steps)", "total_steps", True),
        ("length", "int(0.1 * length)", "length", True),
        ("length", "int(0.1 * length)", "int(0.9 * length)", False),
        ("length, warmup_ratio", "int(warmup_ratio * length)", "length", True),
        ("epochs, warmup_epochs", "warmup_epochs", "epochs", True),
        ("decay_steps, warmup_steps", "warmup_steps", "decay_steps", False),
        ("loader, warmup_epochs", "warmup_epochs * len(loader)", "len(loader)", False),
    ],
)
def test_a_builder_that_forgets_the_warmup(parameters, warmup, rest, told):
    source = BUILDER.format(parameters=parameters, warmup=warmup, rest=rest, start=0.01)
    assert found(source) == ({"LR310"} if told else set())
    # What does not climb is no warmup.
    assert not found(BUILDER.format(parameters=parameters, warmup=warmup, rest=rest, start="1.0, 0.1"))


SHARED = """
    import math
    import torch
    from accelerate import Accelerator
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def main(args, model, loader):
        accelerator = Accelerator({settings})
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        before = len(loader)
        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        after = len(loader)
        scheduler = CosineAnnealingLR(optimizer, {total})
        scheduler = {scheduler}
        for epoch in range(args.epochs):
            for batch in loader:
                with accelerator.accumulate(model):
                    accelerator.backward(model(batch))
                    optimizer.step()
                    scheduler.step()
    """
PREPARED = "accelerator.prepare(scheduler)"
GATHERS = "gradient_accumulation_steps=args.accumulation"


@pytest.mark.parametrize(
    ("settings", "scheduler", "total", "expected"),
    [
        ("", PREPARED, "args.epochs * before", set()),
        ("", PREPARED, "args.epochs * after", {"LR307"}),
        ("", PREPARED, "args.epochs * after * accelerator.num_processes", set()),
        ("", PREPARED, "args.epochs * math.ceil(before / accelerator.num_processes)", {"LR307"}),
        ("split_batches=True", PREPARED, "args.epochs * after", set()),
        ("**args.accelerator", PREPARED, "args.epochs * after", set()),
        (GATHERS, PREPARED, "args.epochs * math.ceil(before / args.accumulation)", set()),
        (GATHERS, PREPARED, "args.epochs * math.ceil(after / args.accumulation)", {"LR307"}),
        (GATHERS, PREPARED, "args.epochs * math.ceil(after / args.accumulation) * accelerator.num_processes", set()),
        (GATHERS, PREPARED, "args.max_steps", set()),
    ],
)
def test_a_prepared_scheduler_steps_once_a_process(settings, scheduler, total, expected):
    assert found(SHARED.format(settings=settings, scheduler=scheduler, total=total)) == expected


COUNTED = """
    import torch
    from accelerate import Accelerator
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def main(args, model, loader):
        accelerator = Accelerator({settings})
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        {before}
        scheduler = CosineAnnealingLR(optimizer, {total})
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
        done, batches = 0, iter(loader)
        {loop}
            with accelerator.accumulate(model):
                accelerator.backward(model(next(batches)))
                optimizer.step()
                scheduler.step()
            {after}
    """
DONE = "if done >= args.max_steps:\n                return"
EACH = f"done += 1\n            {DONE}"
GATHERED = f"if accelerator.sync_gradients:\n                done += 1\n            {DONE}"


@pytest.mark.parametrize(
    ("settings", "before", "total", "loop", "after", "expected"),
    [
        ("", "pass", "args.max_steps", "while True:", EACH, {"LR307"}),
        (GATHERS, "pass", "args.max_steps", "for batch in loader:", GATHERED, {"LR307"}),
        (GATHERS, "pass", "args.max_steps", "for batch in loader:", EACH, set()),
        ("", "pass", "args.max_steps * accelerator.num_processes", "while True:", EACH, set()),
        ("split_batches=True", "pass", "args.max_steps", "while True:", EACH, set()),
        ("", "args.max_steps = args.epochs * len(loader)", "args.max_steps", "while True:",
         EACH, set()),
        ("", "pass", "args.max_steps", "for step in range(args.max_steps):", "pass", {"LR307"}),
        ("", "pass", "args.max_steps * accelerator.num_processes", "for step in range(args.max_steps):", "pass", set()),
    ],
)  # fmt: skip
def test_a_prepared_scheduler_for_a_number_of_updates(settings, before, total, loop, after, expected):
    # Without accumulation nothing waits in the context.
    source = COUNTED.format(settings=settings, before=before, total=total, loop=loop, after=after)
    if not settings:
        source = source.replace("with accelerator.accumulate(model)", "if True")
    assert found(source) == expected


@pytest.mark.parametrize(
    ("told", "found"),
    [("gradient_accumulation_steps=args.n", {"LR307"}), ("mixed_precision='bf16'", set()), ("**args.rest", {"LR307"})],
)
def test_an_accelerator_that_is_told_of_no_accumulation_waits_for_none(told, found):
    source = f"""
    import torch
    from accelerate import Accelerator

    def main(args, model, loader):
        accelerator = Accelerator({told})
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.max_steps)
        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        for epoch in range(args.epochs):
            for x, y in loader:
                with accelerator.accumulate(model):
                    accelerator.backward(model(x, y))
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
    """
    assert set(asking.faults(source, "LR307")) == found


@pytest.mark.parametrize(
    ("batch", "epoch", "told"),
    [
        ("pass", "scheduler.step(epoch)", {"LR302"}),
        ("scheduler.step(epoch * len(loader) + i)", "pass", set()),  # told with every batch, it counts batches
    ],
)
def test_a_class_that_is_told_where_training_stands_counts_what_it_is_told(batch, epoch, told):
    source = script("CosineLRScheduler(optimizer, t_initial=args.epochs * len(loader))", batch=batch, epoch=epoch)
    source = source.replace("import argparse", "import argparse\n    from timm.scheduler import CosineLRScheduler")
    assert found(source) == told


ONE_AFTER_THE_OTHER = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR

    def build(optimizer, kind, total_epochs):
        if kind == "step":
            return StepLR(optimizer, 30)
        return CosineAnnealingLR(optimizer, T_max=total_epochs)

    def compare(loader):
        optimizer = torch.optim.Adam(torch.nn.Linear(10, 2).parameters(), lr=1e-3)
        total_epochs = 100
        for kind in ["step", "cosine", "other"]:
            scheduler = build(optimizer, kind, total_epochs)
            for epoch in range(total_epochs):
                for batch in loader:
                    optimizer.step()
                    {inner}
                {outer}
    """


@pytest.mark.parametrize(
    ("inner", "outer", "expected"), [("pass", "scheduler.step()", set()), ("scheduler.step()", "pass", {"LR302"})]
)
def test_the_updates_beside_a_scheduler_are_those_of_its_own_loop(inner, outer, expected):
    assert found(ONE_AFTER_THE_OTHER.format(inner=inner, outer=outer)) == expected


AFTER_A_WARMUP = """
    import math
    import torch
    from torch.optim.lr_scheduler import LambdaLR

    def main(model, loader, args):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def factor(step):
            if step < args.warmup:
                return (step + 1) / args.warmup
            return {decay}

        scheduler = LambdaLR(optimizer, factor)
        for epoch in range({epochs}):
            for batch in loader:
                optimizer.zero_grad()
                model(batch).backward()
                optimizer.step()
            scheduler.step()
    """
REST = "(args.epochs - args.warmup)"


@pytest.mark.parametrize(
    ("decay", "epochs", "reported"),
    [
        ("1 - (step - args.warmup) / args.epochs", "args.epochs", True),
        ("0.5 * (1 + math.cos(math.pi * (step - args.warmup) / args.epochs))", "args.epochs", True),
        ("0.1 + 0.9 * (1 - (step - args.warmup) / args.epochs) ** 2", "args.epochs", True),
        ("1 - (step - args.warmup) / args.epochs", "args.warmup + args.epochs", False),
        (f"1 - (step - args.warmup) / {REST}", "args.epochs", False),
        (f"0.5 * (1 + math.cos(math.pi * (step - args.warmup) / {REST}))", "args.epochs", False),
        ("0.99 ** (step - args.warmup)", "args.epochs", False),
        ("(1 + step - args.warmup) ** -0.5", "args.epochs", False),
    ],
)
def test_a_decay_as_long_as_the_whole_that_begins_after_the_warmup_is_not_over_in_time(decay, epochs, reported):
    assert found(AFTER_A_WARMUP.format(decay=decay, epochs=epochs)) == ({"LR310"} if reported else set())
