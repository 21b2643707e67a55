"""Setters: functions and runs of statements in a loop that compute the rate and write it."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.discovery import has_schedule_words
from lrfix.sites import ScheduleSite, find_sites
from lrfix.source import parse_source


def setters(code: str) -> list[ScheduleSite]:
    raw = textwrap.dedent(code).encode()
    assert has_schedule_words(raw), "the byte prefilter must let the file through"
    return [s for s in find_sites(parse_source(raw, "train.py"))[1] if s.form == "setter"]


def only(code: str) -> ScheduleSite:
    (site,) = setters(code)
    return site


def lines(site: ScheduleSite) -> tuple[int, int]:
    return site.span.start.line, site.span.end.line


WRITES = {
    "a loop over the groups": "for g in optimizer.param_groups:\n        g['lr'] = lr",
    "an index": "optimizer.param_groups[0]['lr'] = lr",
    "an attribute of the trainer": "for g in self.opt.param_groups: g['lr'] = lr",
    "enumerate": "for i, g in enumerate(optimizer.param_groups):\n        g['lr'] = lr",
    "a range of indices": "for i in range(2):\n        optimizer.param_groups[i]['lr'] = lr",
    "an alias of the groups": "groups = optimizer.param_groups\n    for g in groups:\n        g['lr'] = lr",
    "several optimizers": "for o in optimizers:\n        for g in o.param_groups:\n            g['lr'] = lr",
    "a tensor": "for g in optimizer.param_groups:\n        g['lr'].fill_(lr)",
    "a tensor behind a name": "for g in optimizer.param_groups:\n        old = g['lr']\n        old.copy_(lr)",
    "update": "for g in optimizer.param_groups:\n        g.update({'lr': lr})",
    "zipped rates": "for g, rate in zip(optimizer.param_groups, [lr, lr / 10]):\n        g['lr'] = rate",
}


@pytest.mark.parametrize("spelling", WRITES.values(), ids=WRITES.keys())
def test_a_function_that_writes_a_formula_is_a_setter_however_the_write_is_spelled(spelling: str) -> None:
    head = "def adjust(optimizer, self, optimizers, epoch, args):\n    lr = args.lr * 0.1 ** (epoch // 30)\n"
    site = only(f"{head}    {spelling}\n")

    assert site.name == "adjust"
    assert isinstance(site.node, ast.FunctionDef)
    assert len(site.writes) == 1
    assert not site.inline


def test_the_calls_of_the_function_are_kept() -> None:
    site = only("""
        def adjust_lr(optimizer, epoch):
            for g in optimizer.param_groups:
                g["lr"] = 0.1 * 0.5 ** epoch
        for epoch in range(10):
            adjust_lr(optimizer, epoch)
    """)

    assert [c.lineno for c in site.calls] == [6]


def test_a_closure_belongs_to_the_function_that_makes_it() -> None:
    site = only("""
        def assign(optimizer, new_lr):
            for g in optimizer.param_groups:
                g["lr"] = new_lr
        def cosine_lr(optimizer, base_lr, warmup, steps):
            def adjust(step):
                lr = base_lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
                assign(optimizer, lr)
                return lr
            return adjust
    """)

    assert site.name == "cosine_lr"
    assert lines(site) == (5, 10)


def test_an_inline_setter_reaches_from_the_computation_to_the_write() -> None:
    site = only("""
        def train(model, loader, optimizer, base_lr, total):
            step = 0
            for batch in loader:
                loss = model(batch)
                loss.backward()
                optimizer.step()
                lr = base_lr * (1 - step / total) ** 0.9
                for group in optimizer.param_groups:
                    group["lr"] = lr
                step = step + 1
                print(loss)
    """)

    assert site.inline
    assert lines(site) == (8, 10)
    assert [type(n).__name__ for n in site.nodes] == ["Assign", "For"]


def test_a_test_that_holds_little_but_the_computation_belongs_to_it() -> None:
    site = only("""
        def train(model, loader, optimizer, base_lr, warmup):
            for step, batch in enumerate(loader):
                loss = model(batch)
                total = float(loss)
                loss.backward()
                if step < warmup:
                    lr = base_lr * step / warmup
                    for group in optimizer.param_groups:
                        group["lr"] = lr
                history = total + 1
                other = history * 2
                more = other
    """)

    assert lines(site) == (7, 10)


def test_a_rate_chosen_by_the_epoch_is_a_schedule_without_arithmetic() -> None:
    assert only("""
        for epoch in range(90):
            if epoch == 30:
                for g in optimizer.param_groups:
                    g["lr"] = 0.01
            train(epoch)
    """).inline


def test_scaling_what_is_there_is_a_schedule() -> None:
    assert (
        only("""
        def decay(optimizer):
            for g in optimizer.param_groups:
                g["lr"] *= 0.95
    """).name
        == "decay"
    )


GROUPS = "for g in optimizer.param_groups:"
NOT_SETTERS = {
    "a getter": f"def get_lr(optimizer):\n    {GROUPS}\n        return g['lr'] * 2",
    "weight decay": f"def adjust(optimizer, step):\n    {GROUPS}\n        g['weight_decay'] = 0.1 * step",
    "momentum": "def adjust(optimizer, epoch):\n    optimizer.param_groups[0]['momentum'] = 0.9 + epoch / 100",
    "a helper that only assigns": f"def set_lr(optimizer, lr):\n    {GROUPS}\n        g['lr'] = lr",
    "a constant put back once": f"{GROUPS}\n    g['lr'] = args.lr",
    "a constant put back by a function": f"def restore(optimizer, args):\n    {GROUPS}\n        g['lr'] = args.lr",
    "another dictionary": "def adjust(config, epoch):\n    config['lr'] = 0.1 * 0.5 ** epoch\n    return config",
    "a schedule computed elsewhere": f"for k in range(9):\n    lr = get_lr(k + 1)\n    {GROUPS}\n        g['lr'] = lr",
    "a LambdaLR that is stepped": "def advance(scheduler_lr):\n    scheduler_lr.step()",
}


@pytest.mark.parametrize("code", NOT_SETTERS.values(), ids=NOT_SETTERS.keys())
def test_what_computes_no_rate_is_no_setter(code: str) -> None:
    assert [s.name for s in find_sites(parse_source(code.encode(), "train.py"))[1]] == []


def test_nothing_is_reported_inside_a_scheduler_class() -> None:
    assert not setters("""
        from torch.optim.lr_scheduler import LRScheduler
        class Poly(LRScheduler):
            def step(self, epoch=None):
                for g in self.optimizer.param_groups:
                    g["lr"] = 0.1 * (1 - epoch / 10)
        class Warmup:
            def __init__(self, optimizer):
                self.optimizer = optimizer
                self.k = 0
            def step(self):
                self.k += 1
                for g in self.optimizer.param_groups:
                    g["lr"] = 0.1 * self.k / 10
    """)


def test_a_rate_kept_on_the_object_is_followed_there() -> None:
    assert (
        only("""
        class Agent:
            def train(self): ...
            def decay(self):
                self.lr = self.lr * 0.95
                for g in self.opt.param_groups:
                    g["lr"] = self.lr
    """).name
        == "decay"
    )


def test_a_call_of_a_plain_helper_with_a_formula_is_the_setter() -> None:
    site = only("""
        def set_lr(optimizer, lr):
            for g in optimizer.param_groups:
                g["lr"] = lr
        def main(optimizer, args):
            for epoch in range(100):
                set_lr(optimizer, args.lr * 0.1 ** (epoch // 30))
                train(epoch)
    """)

    assert site.inline
    assert lines(site) == (7, 7)


def test_a_call_of_a_setter_is_no_second_setter() -> None:
    assert [
        s.name
        for s in setters("""
        def adjust_learning_rate(optimizer, init_lr, epoch):
            for g in optimizer.param_groups:
                g["lr"] = init_lr if g["fixed"] else init_lr * 0.5 ** epoch
        def main(optimizer, args):
            init_lr = args.lr * args.batch_size / 256
            for epoch in range(100):
                adjust_learning_rate(optimizer, init_lr, epoch)
    """)
    ] == ["adjust_learning_rate"]


def test_a_run_holds_whatever_its_statements_read() -> None:
    site = only("""
        def train(loader, optimizer, args):
            for i, batch in enumerate(loader):
                step = i + args.start_step
                print("step")
                wd = args.wd * 2
                lr = args.lr * (1 - step / args.total)
                for g in optimizer.param_groups:
                    g["weight_decay"] = wd
                    g["lr"] = lr
                model(batch).backward()
    """)

    assert [n.lineno for n in site.nodes] == [4, 6, 7, 8]


def test_a_rate_read_off_a_scheduler_and_written_by_hand_every_epoch_is_a_setter() -> None:
    assert only("""
        for epoch in range(10):
            scheduler(optimizer, epoch)
            now = scheduler.learning_rate
            for g in optimizer.param_groups:
                g["lr"] = now
    """).inline


def test_a_table_looked_up_in_the_loop_belongs_to_who_made_it() -> None:
    assert not setters("""
        def train_one_epoch(loader, optimizer, lr_schedule, epoch):
            for i, batch in enumerate(loader):
                it = len(loader) * epoch + i
                for g in optimizer.param_groups:
                    g["lr"] = lr_schedule[it] * g["lr_scale"]
    """)


def test_a_rate_with_a_step_in_its_name_is_no_count() -> None:
    source = """
        def train(args, optimizer, t_total):
            for global_step in range(t_total):
                {name} = args.learning_rate * (1 - global_step / t_total)
                for group in optimizer.param_groups:
                    group["lr"] = {name}
                optimizer.step()
    """
    assert len(setters(source.format(name="lr_this_step"))) == len(setters(source.format(name="rate_now"))) == 1


def test_a_rate_that_a_nested_function_works_out_is_worked_out_here() -> None:
    site = only("""
        def adjust(optimizer, epoch, args):
            def factor(e):
                if e < 10:
                    return 1.0
                return 0.1
            for group in optimizer.param_groups:
                group["lr"] = args.lr * factor(epoch)
    """)
    assert site.name == "adjust"


@pytest.mark.parametrize("kept", ['state["lr"]', "args.lr", 'state["rates"]'])
def test_a_rate_that_is_kept_in_an_entry_and_scaled_there(kept: str) -> None:
    source = parse_source(
        f"""
def adjust_learning_rate(optimizer, epoch):
    global state
    if epoch in args.schedule:
        {kept} *= args.gamma
        for param_group in optimizer.param_groups:
            param_group["lr"] = {kept}
""".encode(),
        "train.py",
    )
    _, (site,) = find_sites(source)
    assert (site.form, site.name) == ("setter", "adjust_learning_rate")
