"""Arrays: tables of rates that are worked out before training, one rate a step."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import analyse_site
from lrfix.discovery import has_schedule_words
from lrfix.sites import ScheduleSite, find_sites
from lrfix.source import Source, parse_source


def parsed(code: str) -> Source:
    raw = textwrap.dedent(code).encode()
    assert has_schedule_words(raw), "the byte prefilter must let the file through"
    return parse_source(raw, "train.py")


def arrays(code: str) -> list[ScheduleSite]:
    return [s for s in find_sites(parsed(code))[1] if s.form == "array"]


def only(code: str) -> ScheduleSite:
    (site,) = arrays(code)
    return site


def lines(site: ScheduleSite) -> tuple[int, int]:
    return site.span.start.line, site.span.end.line


FUNCTION = """
    import numpy as np
    def cosine_schedule(base_value, final_value, total_steps, warmup_steps):
        ramp = np.linspace(0, base_value, warmup_steps)
        at = np.arange(total_steps - warmup_steps)
        rest = final_value + 0.5 * (base_value - final_value) * (1 + np.cos(np.pi * at / len(at)))
        return np.concatenate((ramp, rest))
"""


def test_a_function_that_returns_a_table_with_a_warmup_is_a_site() -> None:
    site = only(FUNCTION)

    assert (site.name, lines(site)) == ("cosine_schedule", (3, 7))


def test_the_table_is_read_as_the_schedule_it_holds() -> None:
    source = parsed(FUNCTION)
    names, (site,) = find_sites(source)
    analysis = analyse_site(source, names, site)

    assert analysis.family == "linear-warmup+cosine"
    assert analysis.curve[0] == 0.0


LISTS = {
    "a comprehension": "return [base_lr * 0.9**i for i in range(steps)]",
    "a loop": "out = []\n        for i in range(steps):\n            out.append(base_lr * 0.9**i)\n        return out",
    "a tensor": "return torch.tensor([base_lr * 0.9**i for i in range(steps)])",
    "an interpolation": "return np.interp(np.arange(steps), [0, 5, steps], [0, base_lr, 0])",
    "a vectorised formula": "return base_lr * 0.5 * (1 + torch.cos(torch.linspace(0, 3.14159, steps)))",
}


@pytest.mark.parametrize("body", LISTS.values(), ids=LISTS.keys())
def test_a_table_may_be_built_in_any_way(body: str) -> None:
    assert (
        only(f"    import numpy as np, torch\n    def lr_schedule(base_lr, steps):\n        {body}\n").name
        == "lr_schedule"
    )


def test_a_class_that_gives_a_table_by_position_is_a_site() -> None:
    site = only("""
        class CosineSchedule:
            def __init__(self, base, final, steps, warmup):
                ramp = np.linspace(0, base, warmup)
                self.values = np.concatenate((ramp, np.linspace(base, final, steps - warmup)))
            def __getitem__(self, it):
                return self.values[it]
    """)

    assert site.name == "CosineSchedule"


def test_statements_that_make_a_table_for_the_loop_are_one_site() -> None:
    site = only("""
        import numpy as np
        def main(args):
            optimizer = SGD(model.parameters(), lr=args.lr)
            warmup_lr_schedule = np.linspace(0, args.lr, args.warmup)
            iters = np.arange(args.steps - args.warmup)
            cosine_lr_schedule = np.array([0.5 * args.lr * (1 + math.cos(math.pi * t / len(iters))) for t in iters])
            lr_schedule = np.concatenate((warmup_lr_schedule, cosine_lr_schedule))
            train(loader, optimizer, lr_schedule)
    """)

    assert (lines(site), len(site.nodes)) == ((5, 8), 4)


READ = {
    "a write": "for step in range(9):\n    for g in optimizer.param_groups:\n        g['lr'] = rate_lrs[step]",
    "LambdaLR": "from torch.optim.lr_scheduler import LambdaLR\nscheduler = LambdaLR(optimizer, rate_lrs.__getitem__)",
    "a lambda for LambdaLR": (
        "from torch.optim.lr_scheduler import LambdaLR\nscheduler = LambdaLR(optimizer, lambda step: rate_lrs[step])"
    ),
}


@pytest.mark.parametrize("use", READ.values(), ids=READ.keys())
def test_a_table_is_known_by_who_reads_it(use: str) -> None:
    assert lines(only(f"import numpy as np\nrate_lrs = np.interp(np.arange(90), [0, 9, 90], [0, 1, 0])\n{use}\n")) == (
        2,
        2,
    )


OTHERS = {
    "a grid of rates to try": "lrs = np.logspace(-5, 0, 20)\nfor lr in lrs:\n    run(lr)\n",
    "a table that is only shown": "lr_schedule = [0.1 * 0.9**i for i in range(9)]\nplt.plot(lr_schedule)\n",
    "betas": "def beta_schedule(n, warmup):\n    return np.concatenate((np.zeros(warmup), np.linspace(0, 1, n)))\n",
    "a weight decay": "def wd_schedule(steps, warmup):\n    return np.linspace(0.04, 0.4, steps)\n",
    "a configuration": "def lr_schedule_config(warmup):\n    return {'lr': [0.1 / i for i in range(3)]}\n",
    "rates by layer": "def layer_lrs(base_lr, layers):\n    return [base_lr * 0.9**i for i in range(layers)]\n",
    "what was logged": "def lr_schedule(history):\n    return [row['lr'] / 2 for row in history]\n",
    "another framework": "import jax.numpy as jnp\ndef lr_schedule(n):\n    return 0.1 * jnp.cos(jnp.arange(n))\n",
}


@pytest.mark.parametrize("code", OTHERS.values(), ids=OTHERS.keys())
def test_look_alikes_are_no_sites(code: str) -> None:
    assert arrays(f"{code}\n# learning_rate\n") == []


def test_settings_that_a_function_makes_global_are_known_to_its_table() -> None:
    source = parsed("""
        import argparse
        import numpy as np
        parser = argparse.ArgumentParser()
        parser.add_argument("--base_lr", type=float, default=0.3)
        def main():
            global args
            args = parser.parse_args()
            lr_schedule = args.base_lr * np.linspace(1, 0, 50)
            train(model, lr_schedule)
    """)
    names, (site,) = find_sites(source)
    analysis = analyse_site(source, names, site)

    assert (analysis.reason, len(analysis.curve)) != ("fails when it is built", 0)
    assert "args.base_lr" in analysis.leaves
    assert analysis.curve[0] > analysis.curve[40] > 0
