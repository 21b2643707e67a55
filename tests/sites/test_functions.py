"""Functions: what returns a rate, or a factor of one, from the position in training."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.discovery import has_schedule_words
from lrfix.sites import ScheduleSite, find_sites
from lrfix.source import parse_source


def functions(code: str) -> list[ScheduleSite]:
    raw = textwrap.dedent(code).encode()
    assert has_schedule_words(raw), "the byte prefilter must let the file through"
    return [s for s in find_sites(parse_source(raw, "train.py"))[1] if s.form == "function"]


def only(code: str) -> ScheduleSite:
    (site,) = functions(code)
    return site


COSINE = """
    import math
    def {name}({parameters}):
        if {step} < warmup:
            return {peak} * {step} / warmup
        ratio = ({step} - warmup) / (total - warmup)
        return {peak} * 0.5 * (1 + math.cos(math.pi * ratio))
"""
WORDS = {
    "the function's name": COSINE.format(name="get_lr", parameters="it", step="it", peak="peak"),
    "a parameter": COSINE.format(name="cosine_decay", parameters="epoch, base_lr", step="epoch", peak="base_lr"),
    "a configuration": COSINE.format(name="schedule", parameters="cur_iter", step="cur_iter", peak="args.lr"),
    "its warmup": COSINE.format(name="cosine_schedule", parameters="step", step="step", peak="1.0"),
    "the result": "def poly(base, cur_iter):\n    lr = base * (1 - cur_iter / 9)  # annealing\n    return lr\n",
    "the documentation": '''
        def poly_decay(base, cur_iter, power):
            """Polynomial learning rate policy."""
            return base * (1 - cur_iter / 100) ** power
    ''',
    "a method": "class Trainer:\n    def compute_lr(self, step):\n        return self.base_lr * 0.9 ** step\n",
    "keyword-only parameters": "def noam_lr(*, step, warmup):\n    return min(step**-0.5, step * warmup**-1.5)\n",
}


@pytest.mark.parametrize("code", WORDS.values(), ids=WORDS.keys())
def test_a_formula_of_the_step_that_speaks_of_a_rate_is_a_site_without_any_use_in_the_file(code: str) -> None:
    site = only(code)

    assert site.name is not None
    assert site.calls == ()


def test_where_the_result_goes_tells_more_than_words() -> None:
    site = only("""
        def f(e):
            return 0.1 * 0.5 ** (e // 10)
        for epoch in range(90):
            value = f(epoch)
            for g in optimizer.param_groups:
                g["lr"] = value
            train()
    """)

    assert (site.name, [c.lineno for c in site.calls]) == ("f", [5])


def test_a_function_that_a_lambda_for_lambdalr_calls_is_a_site_beside_the_lambda() -> None:
    site = only("""
        from torch.optim.lr_scheduler import LambdaLR
        def rate(step, width, warmup):
            step = max(step, 1)
            return width ** -0.5 * min(step ** -0.5, step * warmup ** -1.5)
        scheduler = LambdaLR(optimizer, lambda step: rate(step, 512, 4000))
    """)

    assert site.name == "rate"


FACTORIES = {
    "a closure": "def schedule(step):\n        return base * 0.9 ** step\n    return schedule",
    "a lambda": "return lambda epoch: base * 0.9 ** epoch",
    "a partial": "def inner(base, step):\n        return base * 0.9 ** step\n    return partial(inner, base)",
    "a partial behind a name": "def at(b, it):\n        return b * 0.9**it\n    f = partial(at, base)\n    return f",
}


@pytest.mark.parametrize("body", FACTORIES.values(), ids=FACTORIES.keys())
def test_a_factory_is_one_site_with_what_it_returns(body: str) -> None:
    site = only(f"from functools import partial\ndef make_lr_schedule(base):\n    {body}\n")

    assert site.name == "make_lr_schedule"


def test_an_enclosing_training_function_is_not_part_of_the_site() -> None:
    site = only("""
        def main(args):
            def get_lr(it):
                return args.lr * (it + 1) / args.warmup
            for it in range(10):
                loss.backward()
                for g in optimizer.param_groups:
                    g["lr"] = get_lr(it)
    """)

    assert (site.span.start.line, site.span.end.line) == (3, 4)


OTHERS = {
    "a getter": "def get_lr(optimizer):\n    return optimizer.param_groups[0]['lr'] * 1.0\n",
    "a momentum": "def momentum_schedule(step, warmup):\n    return 0.9 + 0.09 * step / warmup\n",
    "a weight decay": "def wd_schedule(step, warmup_steps):\n    return 0.04 + step / warmup_steps\n",
    "a method of an averaged model": """
        class EMAModel:
            def get_decay(self, step):
                return 1 - (1 + step / self.warmup) ** -self.power
    """,
    "a profiler's schedule": """
        def cyclic_schedule(wait, warmup):
            def schedule(step):
                if step % (wait + warmup) < wait:
                    return ProfilerAction.SKIP
                return ProfilerAction.RECORD
            return schedule
    """,
    "text": "def show_lr(step, lr):\n    return f'{step / 10}: {lr}'\n",
    "no formula": "def get_lr(step):\n    return LR\n",
    "a table": "def lrs(step):\n    return [0.1 * i * step for i in range(3)]\n",
    "a rate by the size of the run": "def get_lr(training_tokens):\n    return 1.79 * training_tokens**0.307\n",
    "a rate by layer": "def layer_lr(layer, base_lr):\n    return base_lr * 0.9 ** layer\n",
    "training": "def learning_rate_step(step):\n    loss.backward()\n    return loss / step\n",
    "another framework": "import jax.numpy as jnp\ndef lr_schedule(step):\n    return 0.1 * jnp.cos(step / 10)\n",
    "a weight of a loss": "def linear_warmup(epoch, warmup_epochs):\n    return min(1.0, epoch / warmup_epochs)\n",
    "a test": "def test_lr(step):\n    return 0.1 * step / 10\n",
}


@pytest.mark.parametrize("code", OTHERS.values(), ids=OTHERS.keys())
def test_look_alikes_are_no_sites(code: str) -> None:
    assert functions(textwrap.dedent(code) + "\n# warmup\n") == []


def test_a_function_that_only_a_setter_asks_is_part_of_the_setter() -> None:
    code = textwrap.dedent("""
        def warmup_lr(base_lr, length, step):
            return base_lr * (step + 1) / length
        def adjust(optimizer, step, base_lr, length):
            if step < length:
                lr = warmup_lr(base_lr, length, step)
            else:
                lr = base_lr * 0.5 * (1 + math.cos(step))
            for g in optimizer.param_groups:
                g["lr"] = lr
    """)
    sites = find_sites(parse_source(code.encode(), "train.py"))[1]

    assert [(s.form, s.name) for s in sites] == [("setter", "adjust")]


def test_what_a_scheduler_class_asks_of_a_function_is_not_a_use_to_judge_it_by() -> None:
    site = only("""
        from torch.optim.lr_scheduler import LRScheduler
        def square_annealing(initial_lr, step, max_steps):
            return initial_lr * ((max_steps - step) / max_steps) ** 2
        class Square(LRScheduler):
            def get_lr(self):
                return [square_annealing(b, self.last_epoch - self.warmup, 100) for b in self.base_lrs]
    """)

    assert (site.name, site.calls) == ("square_annealing", ())


NAMED = {
    "its name": "lr_at = lambda step: 0.1 * 0.5 ** (step // 30)\n",
    "its use": """
        f = lambda e: 0.1 * 0.5 ** (e // 30)
        for epoch in range(90):
            for g in optimizer.param_groups:
                g["lr"] = f(epoch)
            train()  # learning_rate
    """,
}


@pytest.mark.parametrize("code", NAMED.values(), ids=NAMED.keys())
def test_a_lambda_with_a_name_is_a_function(code: str) -> None:
    site = only(code + "\n# learning_rate\n" if code.startswith("lr") else code)

    assert site.span.start.line == site.span.end.line


def test_a_lambda_that_only_reads_the_rate_is_none() -> None:
    assert functions("get_lr = lambda optimizer: optimizer.param_groups[0]['lr'] * 1.0\n") == []


def test_a_partial_of_a_function_for_lambdalr_is_the_lambdas_own_and_its_helper_a_function() -> None:
    site = only("""
        import functools
        from torch.optim.lr_scheduler import LambdaLR
        def shape(x, power):
            return (1 - x / 100) ** power
        def build(optimizer, power):
            def at(step):
                return functools.partial(shape, power=power)(step)
            return LambdaLR(optimizer, at)
    """)

    assert site.name == "shape"


@pytest.mark.parametrize(("name", "found"), [("LambdaLR", True), ("Average", False)])
def test_a_method_of_the_position_in_a_class_that_is_about_learning_rates(name: str, found: bool) -> None:
    code = f"""
        class {name}:
            def __init__(self, n_epochs, decay_start_epoch):
                self.n_epochs, self.decay_start_epoch = n_epochs, decay_start_epoch

            def step(self, epoch):
                return 1.0 - max(0, epoch - self.decay_start_epoch) / (self.n_epochs - self.decay_start_epoch)

        learning_rate = 0.1
    """
    assert [site.name for site in functions(code)] == (["step"] if found else [])


@pytest.mark.parametrize("name", ["cos_lr", "get_learning_rate"])
@pytest.mark.parametrize("step", ["i", "n", "k", "s"])
def test_a_function_that_says_it_gives_rates_may_spare_letters(name, step):
    source = f"def {name}({step}, total, base):\n    return base * (1 - {step} / total)  # annealing\n"
    assert only(source).name == name


@pytest.mark.parametrize("step", ["i", "n", "k", "s"])
def test_a_letter_is_no_position_in_a_function_that_says_nothing_of_rates(step):
    assert functions(f"warmup = 3\n\ndef share({step}, total):\n    return 1 - {step} / total\n") == []


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        ("max_lr * (1 - epoch / total)", True),
        ("floor + max_lr * gamma ** epoch", True),
        ("name(max_lr) * epoch", False),
        ("epoch / total", False),
    ],
)
def test_what_multiplies_a_rate_that_it_is_given_is_a_rate_whatever_its_name(returned, found):
    source = f"def sgdr(epoch, max_lr, floor, total, gamma):\n    return {returned}\n"
    assert bool(functions(source)) == found


def test_a_function_that_returns_a_scheduler_is_no_rate() -> None:
    source = """
    from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

    class Warm(LRScheduler):
        def get_lr(self):
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    def get_scheduler(optimizer, name, epochs):
        if name == "warm":
            return Warm(optimizer)
        if name == "multistep":
            return MultiStepLR(optimizer, [epochs // 2], gamma=optimizer.param_groups[0]["lr"] * 0.1**3)
    """
    assert functions(source) == []
