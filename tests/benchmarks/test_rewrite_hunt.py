"""The hunt for wrong rewrites finds those that are wrong, and only those, in every form."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("torch")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "rewrite_hunt"
sys.path.insert(0, str(FOLDER))
try:
    import hunt as rewrite_hunt
finally:
    sys.path.pop(0)


def _text(body: str) -> str:
    return textwrap.dedent(body).lstrip("\n")


FUNCTION = _text(
    """
    import math
    from absent import anything

    def get_lr(it, warmup_iters, max_iters, learning_rate, min_lr):
        if it < warmup_iters:
            return learning_rate * it / warmup_iters
        done = min(1.0, (it - warmup_iters) / max(1, max_iters - warmup_iters))
        return min_lr + 0.5 * (1.0 + math.cos(math.pi * done)) * (learning_rate - min_lr)
    """
)
LOOP = _text(
    """
    def train(args, optimizer, loader):
        for epoch in range(args.epochs):
            lr = args.lr * (1 - epoch / args.epochs) ** 0.9
            for group in optimizer.param_groups:
                group["lr"] = lr * group.get("lr_scale", 1.0)
    """
)
FACTORY = _text(
    """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, num_steps: int):
        def factor(k):
            return max(0.0, 1 - k / max(1, num_steps))
        return LambdaLR(optimizer, factor)
    """
)
CLASS = _text(
    """
    from torch.optim.lr_scheduler import LRScheduler

    class Linear(LRScheduler):
        def __init__(self, optimizer, total_steps, min_ratio=0.1, last_epoch=-1):
            self.total_steps, self.min_ratio = max(1, total_steps), min_ratio
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            left = max(0.0, 1 - self.last_epoch / self.total_steps)
            return [base * (self.min_ratio + (1 - self.min_ratio) * left) for base in self.base_lrs]
    """
)
TABLE = _text(
    """
    import math

    def table(total_steps: int, lr):
        rates = []
        for k in range(total_steps):
            rates.append(lr * 0.5 * (1 + math.cos(math.pi * k / total_steps)))
        return rates
    """
)
_CALL = (
    "    return warmup_cosine({it}, total_steps={total}, warmup_steps={warmup}, peak=learning_rate, eta_min={floor})\n"
)


def _called(text: str, **changed: str) -> str:
    """The function with a call of the bundled one as its body."""
    given = {"it": "it", "total": "max(max_iters, warmup_iters)", "warmup": "warmup_iters", "floor": "min_lr"}
    head = text[: text.index("    if it")]
    return head.replace("import math\n", "from lrfix.schedules import warmup_cosine\n") + _CALL.format(
        **given | changed
    )


def _class(total: str, ratio: str) -> str:
    return _text(
        f"""
        from lrfix.schedulers import WarmupLinearLR

        class Linear(WarmupLinearLR):
            def __init__(self, optimizer, total_steps, min_ratio=0.1, last_epoch=-1):
                super().__init__(optimizer, {total}, eta_min_ratio={ratio}, last_epoch=last_epoch)
        """
    )


def _loop(call: str) -> str:
    old = "args.lr * (1 - epoch / args.epochs) ** 0.9"
    return "from lrfix.schedules import warmup_polynomial\n\n" + LOOP.replace(old, f"warmup_polynomial(epoch, {call})")


def _factory(call: str) -> str:
    return _text(
        f"""
        from lrfix.schedulers import WarmupLinearLR

        def build(optimizer, num_steps: int):
            return WarmupLinearLR(optimizer, {call})
        """
    )


def _table(call: str) -> str:
    return _text(
        f"""
        from lrfix.schedules import warmup_cosine

        def table(total_steps: int, lr):
            return [warmup_cosine(k, {call}) for k in range(total_steps)]
        """
    )


PAIRS: dict[str, tuple[str, str, bool]] = {
    "a function": (FUNCTION, _called(FUNCTION), True),
    "a function a step late": (FUNCTION, _called(FUNCTION, total="max(max_iters, warmup_iters) + 1"), False),
    "a function without its warmup": (FUNCTION, _called(FUNCTION, warmup="0"), False),
    "a function without its floor": (FUNCTION, _called(FUNCTION, floor="0.0"), False),
    "a function with a whole warmup": (FUNCTION, _called(FUNCTION, warmup="int(warmup_iters)"), False),
    "a loop": (LOOP, _loop("total_steps=args.epochs, power=0.9, peak=args.lr"), True),
    "a loop with another power": (LOOP, _loop("total_steps=args.epochs, power=1.0, peak=args.lr"), False),
    "a loop with a peak of its own": (LOOP, _loop("total_steps=args.epochs, power=0.9, peak=0.1"), False),
    "a builder": (FACTORY, _factory("max(1, num_steps)"), True),
    "a builder with a floor": (FACTORY, _factory("max(1, num_steps), eta_min=1e-6"), False),
    "a class": (CLASS, _class("max(1, total_steps)", "min_ratio"), True),
    "a class with its default alone": (CLASS, _class("max(1, total_steps)", "0.1"), False),
    "a class a step early": (CLASS, _class("max(1, total_steps - 1)", "min_ratio"), False),
    "a table": (TABLE, _table("total_steps=total_steps, peak=lr"), True),
    "a table that ends at its floor": (
        TABLE,
        _table('total_steps=total_steps, peak=lr, decay_progress="k/(D-1)"'),
        False,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_wrong_is_told_from_what_is_right(name: str) -> None:
    old, new, right = PAIRS[name]
    verdicts = list(rewrite_hunt.hunt(old, new, "train.py", settings=10, seed=0))
    assert verdicts
    assert all(verdict.counts["same"] or verdict.counts["wrong"] for _, verdict in verdicts)
    wrong = [verdict.example for _, verdict in verdicts if verdict.counts["wrong"]]
    assert bool(wrong) != right, wrong


@pytest.mark.parametrize(
    ("limits", "status", "told"),
    [
        ([["up to its end at `total`"]], 0, "0 wrong, 1 apart where the rewrite says that it may be"),
        ([[]], 1, "1 wrong, 0 apart"),
        ([["up to its end at `total`"], []], 1, "1 wrong, 0 apart"),
    ],
)
def test_what_differs_is_no_wrong_rewrite_where_every_one_of_the_file_says_how_far_it_goes(
    limits: list[list[str]], status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, rows = tmp_path / "train.py", tmp_path / "rows.jsonl"
    path.write_text(FACTORY)
    row = {"path": str(path), "outcome": "equivalent", "after": _factory("max(1, num_steps) + 1")}
    rows.write_text("".join(json.dumps({**row, "limits": each}) + "\n" for each in limits))
    assert rewrite_hunt.main(["--settings", "5", str(rows)]) == status
    assert told in capsys.readouterr().out
