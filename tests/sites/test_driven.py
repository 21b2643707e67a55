"""Classes that build several torch schedulers and decide which of them moves are schedules of their own."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.source import parse_source

HEAD = "from torch.optim.lr_scheduler import *\n"


def analysed(code: str) -> dict[str | None, SiteAnalysis]:
    found = analyse(parse_source((HEAD + textwrap.dedent(code)).encode(), "train.py"))
    return {site.name: site for site in found}


@pytest.mark.parametrize(
    "moves",
    [
        "self.warmup.step() if self.count < self.warmup_steps else self.main.step()",
        "(self.warmup if self.count < self.warmup_steps else self.main).step() or self.main.last_epoch",
    ],
)
def test_one_of_two_moves(moves: str) -> None:
    found = analysed(
        f"""
        class TwoPhases:
            def __init__(self, optimizer, warmup_steps, total_steps):
                self.count, self.warmup_steps = 0, warmup_steps
                self.warmup = LinearLR(optimizer, 0.1, 1.0, total_iters=warmup_steps)
                self.main = CosineAnnealingLR(optimizer, T_max=total_steps - warmup_steps)

            def step(self):
                {moves}
                if self.count >= 10 ** 9:
                    self.main.step()
                self.count += 1
        """
    )["TwoPhases"]
    assert (found.form, found.family) == ("composition", "linear-warmup+cosine")


def test_what_depends_on_the_size_of_the_rate_is_not_called_equal() -> None:
    found = analysed(
        """
        class UntilOne:
            def __init__(self, optimizer, warmup_steps, total_steps):
                self.fall = LambdaLR(optimizer, lambda k: max(0.0, 1 - k / total_steps))
                self.warmup = LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / warmup_steps))

            def step(self):
                if self.warmup.get_last_lr()[0] < 1.0:
                    self.warmup.step()
                else:
                    self.fall.step()
        """
    )["UntilOne"]
    assert found.status.value == "unsupported"


@pytest.mark.parametrize(
    "body",
    [
        # Each on an optimizer of its own, as where two networks play against each other.
        "self.a = StepLR(opt_g, 5); self.b = StepLR(opt_d, 5)",
        # One alone is torch's schedule, wrapped.
        "self.a = StepLR(opt_g, 5); self.b = None",
    ],
)
def test_no_schedule_of_its_own(body: str) -> None:
    found = analysed(
        f"""
        class Both:
            def __init__(self, opt_g, opt_d):
                {body}

            def step(self):
                self.a.step()
        """
    )
    assert "Both" not in found


def test_trainers_are_no_schedules() -> None:
    found = analysed(
        """
        class Trainer:
            def __init__(self, optimizer):
                self.warm, self.rest = None, None
                self.warm = LinearLR(optimizer, 0.1)
                self.rest = StepLR(optimizer, 5)

            def train(self):
                self.step()

            def step(self):
                self.warm.step()
                self.rest.step()
        """
    )
    assert "Trainer" not in found


@pytest.mark.parametrize("choice", ["if", "match"])
def test_parts_that_a_list_is_given_under_a_choice(choice: str) -> None:
    lines = {
        "if": """
            if cfg.kind == "cosine":
                parts.append(CosineAnnealingLR(optimizer, cfg.max_steps - cfg.warmup_steps))
            elif cfg.kind == "steps":
                parts.append(StepLR(optimizer, 20))
            else:
                raise ValueError(cfg.kind)
        """,
        "match": """
            match cfg.kind:
                case "cosine":
                    parts.append(CosineAnnealingLR(optimizer, cfg.max_steps - cfg.warmup_steps))
                case "steps":
                    parts.append(StepLR(optimizer, 20))
                case _:
                    raise ValueError(cfg.kind)
        """,
    }[choice]
    body = textwrap.indent(textwrap.dedent(lines), "    ")
    (found,) = analysed(
        "def build(optimizer, cfg):\n    parts = [LinearLR(optimizer, 0.01, 1.0, cfg.warmup_steps)]\n"
        f"{body}    return SequentialLR(optimizer, parts, [cfg.warmup_steps])\n"
    ).values()
    assert found.status.judged, found.reason
    assert {"linear-warmup", "cosine"} <= set(found.family.split("+"))
