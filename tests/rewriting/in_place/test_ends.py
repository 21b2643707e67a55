"""A formula that goes its own way past its end: equivalent up to there, and without more words where a loop ends it."""

from __future__ import annotations

import re
import textwrap

import pytest


def _text(body: str) -> str:
    return textwrap.dedent(body).lstrip()


METHOD = _text(
    """
    class Loop:
        def run(self):
            while not self.lr_anneal_steps or self.step + self.resume_step < self.lr_anneal_steps:
                self.step += 1
                self.anneal()

        def anneal(self):
            if not self.lr_anneal_steps:
                return
            done = (self.step + self.resume_step) / self.lr_anneal_steps
            lr = self.lr * (1 - done)
            for group in self.opt.param_groups:
                group["lr"] = lr
    """
)
LOOP = _text(
    """
    def train(optimizer, base_lr, total_steps):
        for step in range(total_steps):
            lr = base_lr * (1 - step / total_steps)
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
    """
)
WHILE = _text(
    """
    def train(optimizer, base_lr, total_steps):
        step = 0
        while step < total_steps:
            lr = base_lr * (1 - step / total_steps)
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
            step += 1
    """
)
INNER = _text(
    """
    def train(optimizer, loader, base_lr, total_steps):
        step = 0
        while step < total_steps:
            for batch in loader:
                lr = base_lr * (1 - step / total_steps)
                for group in optimizer.param_groups:
                    group["lr"] = lr
                optimizer.step()
                step += 1
    """
)
CLAMPED = _text(
    """
    def get_lr(step, total_steps, base_lr):
        return base_lr * max(0.0, 1 - step / total_steps)
    """
)


def test_a_method_that_anyone_may_call_is_equal_up_to_the_end(rewrite):
    """A loop that ends there is no proof of where its method is called: this one counts before it does."""
    (site,) = rewrite(METHOD).sites
    assert site.standing == "equivalent up to its end at `self.lr_anneal_steps`"


@pytest.mark.parametrize("text", [LOOP, WHILE], ids=["for", "while"])
def test_a_loop_around_the_formula_that_ends_there_is_proof(rewrite, text):
    (site,) = rewrite(text).sites
    assert site.standing == "equivalent"


@pytest.mark.parametrize(
    "text",
    [
        LOOP.replace("range(total_steps)", "range(2 * total_steps)"),
        LOOP.replace("range(total_steps):", "range(total_steps):\n        step = step + 1"),
        WHILE.replace("step < total_steps", "step <= total_steps or True"),
        WHILE.replace("step < total_steps:", "step < total_steps:\n        step += 1"),
        INNER,
    ],
    ids=["a longer loop", "counted on in a for", "a looser test", "counted on in a while", "counted in an inner loop"],
)
def test_a_loop_that_may_go_beyond_is_none(rewrite, text):
    assert all(site.standing != "equivalent" for site in rewrite(text).sites)


LINE = _text(
    """
    def adjust(optimizer, epoch, args):
        lr = args.min_lr + (args.lr - args.min_lr) * (1 - epoch / args.epochs)
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
)


def test_a_line_without_an_end_of_its_own_ends_where_the_run_does(rewrite):
    (site,) = rewrite(LINE, verify=True).sites
    assert site.standing == "equivalent up to its end at `args.epochs`"
    assert {"total_steps=args.epochs", "eta_min=args.min_lr"} <= set(re.findall(r"\w+=[\w.]+", site.after))
    assert not rewrite(LINE.replace("args.epochs", "args.period")).changed


def test_a_formula_that_stays_at_its_floor_has_no_limit(rewrite):
    (site,) = rewrite(CLAMPED).sites
    assert site.limits == ()


GUARDED = _text(
    """
    def get_lr(step, warmup_iters: int, decay_iters: int, lr, min_lr):
        if step < warmup_iters:
            return lr * step / warmup_iters
        if step > decay_iters:
            return min_lr
        return min_lr + (lr - min_lr) * (1 - (step - warmup_iters) / max(1, decay_iters - warmup_iters))
    """
)


def test_a_warmup_as_long_as_the_run_is_merely_legal(rewrite):
    """There the guard of the division decides what the last step gets, the peak or the floor."""
    (site,) = rewrite(GUARDED).sites
    settings = [setting for proof in site.proofs for setting in proof.request.settings]
    assert any(s.legal == "with a warmup as long as the run (`warmup_iters` = 71)" for s in settings)
    assert all(s.legal for s in settings if s.values["warmup_iters"] == s.values["decay_iters"])
