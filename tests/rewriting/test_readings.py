"""Broken schedules: what they may have meant, which meaning is taken, and that another can be chosen."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

BUGGY = Path(__file__).resolve().parents[2] / "fixtures" / "buggy"


def _fixture(name: str) -> str:
    return (BUGGY / f"{name}.py").read_text(encoding="utf-8")


def _lambda(body: str, arguments: str = "warmup, total") -> str:
    head = "import math\nfrom torch.optim.lr_scheduler import LambdaLR\n\n"
    inner = textwrap.indent(textwrap.dedent(body).strip("\n"), "        ")
    call = "    return LambdaLR(optimizer, factor)\n"
    return f"{head}def build(optimizer, {arguments}):\n    def factor(step):\n{inner}\n{call}"


def _emitted(text: str) -> str:
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    return next(ast.unparse(c) for c in calls if isinstance(c.func, ast.Name) and c.func.id.startswith("Warmup"))


class TestTheSnippet:
    @pytest.fixture
    def text(self):
        return _fixture("warm_restarts_per_batch")

    def test_its_readings_and_the_one_that_is_taken(self, rewrite, text):
        (site,) = rewrite(text).sites
        assert [r.key for r in site.readings] == ["peak-is-base", "peak-absolute", "peak-factor"]
        assert site.reading.key == "peak-is-base"
        assert {"LR101", "LR102", "LR104", "LR105"} <= set(site.codes)

    def test_their_curves_are_drawn_with_the_numbers_of_the_call(self, rewrite, text):
        (site,) = rewrite(text).sites
        peaks = {key: max(curve) for key, curve in site.curves.items()}
        assert peaks == pytest.approx({"peak-is-base": 1e-3, "peak-absolute": 0.1, "peak-factor": 1e-4})

    @pytest.mark.parametrize(
        ("reading", "peak"),
        [("peak-is-base", ""), ("peak-absolute", ", eta_max=0.1"), ("peak-factor", ", peak_factor=0.1")],
    )
    def test_each_can_be_chosen(self, rewrite, text, reading, peak):
        emitted = _emitted(rewrite(text, reading=reading).after)
        assert emitted == f"WarmupCosineRestartsLR(optimizer, T_0=100, T_mult=2, warmup_steps=10{peak})"

    def test_a_parameter_that_the_code_reads_and_whose_name_says_nothing_is_not_lost(self, rewrite, text):
        (left,) = rewrite(text.replace("T_warmup", "quiet")).left
        assert left.reason == "what `quiet` should do is not told by its name"

    def test_other_names_and_another_order_say_the_same(self, rewrite, text):
        renamed = text
        for old, new in {
            "T_0": "cycle_steps",
            "T_mult": "cycle_mult",
            "eta_max": "max_lr",
            "T_warmup": "warmup",
        }.items():
            renamed = renamed.replace(old, new)
        renamed = renamed.replace(
            "cycle_steps, cycle_mult=1, max_lr=0.1, warmup=0", "warmup, max_lr, cycle_steps, cycle_mult=1"
        )
        (site,) = rewrite(renamed).sites
        assert [r.key for r in site.readings] == ["peak-is-base", "peak-absolute", "peak-factor"]
        assert _emitted(site.after) == "WarmupCosineRestartsLR(optimizer, T_0=100, T_mult=2, warmup_steps=10)"


class TestFaults:
    def test_a_cosine_counted_from_step_0_keeps_its_horizon(self, rewrite):
        text = _lambda(
            """
            if step < warmup:
                return step / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
            """
        )
        (site,) = rewrite(text).sites
        assert [r.key for r in site.readings] == ["horizon-kept", "length-kept"]
        assert _emitted(site.after) == "WarmupCosineLR(optimizer, total, warmup_steps=warmup)"
        longer = rewrite(text, reading="length-kept").after
        assert _emitted(longer) == "WarmupCosineLR(optimizer, total + warmup, warmup_steps=warmup)"

    def test_a_curve_that_rebounds_stays_at_its_floor(self, rewrite):
        (site,) = rewrite(_fixture("lr204_cosine_rebound")).sites
        assert site.reading.key == "stays-at-floor"
        assert _emitted(site.after) == "WarmupCosineLR(optimizer, T_max)"

    def test_a_power_that_turns_complex_stays_at_its_floor(self, rewrite):
        (site,) = rewrite(_fixture("lr204_poly_complex")).sites
        assert _emitted(site.after) == "WarmupPolynomialLR(optimizer, max_iter, power=0.9)"

    def test_a_returned_rate_is_kept_as_a_rate(self, rewrite):
        (site,) = rewrite(_fixture("lr201_rate_for_factor")).sites
        assert [r.key for r in site.readings] == ["peak-absolute", "peak-factor"]
        assert _emitted(site.after) == "WarmupCosineLR(optimizer, total, warmup_steps=warmup)"
        squared = rewrite(_fixture("lr201_rate_for_factor"), reading="peak-factor").after
        assert "peak_factor=args.lr" in _emitted(squared)

    def test_a_factor_given_as_a_rate_becomes_one(self, rewrite):
        (site,) = rewrite(_fixture("lr201_factor_for_rate")).sites
        assert [r.key for r in site.readings] == ["peak-factor", "peak-absolute"]
        assert "eta_max" not in _emitted(site.after)

    def test_a_floor_without_effect_can_be_put_in_force(self, rewrite):
        (site,) = rewrite(_fixture("lr106_floor_never_used")).sites
        assert [r.key for r in site.readings] == ["as-written", "floor-applied"]
        assert "eta_min" not in _emitted(site.after)
        assert "eta_min" in _emitted(rewrite(_fixture("lr106_floor_never_used"), reading="floor-applied").after)

    def test_a_counter_of_its_own_gives_way_to_the_step(self, rewrite):
        text = textwrap.dedent(
            """
            from torch.optim.lr_scheduler import LambdaLR

            def build(optimizer, warmup):
                calls = 0
                def factor(step):
                    nonlocal calls
                    calls += 1
                    return min(1.0, calls / warmup)
                return LambdaLR(optimizer, factor)
            """
        )
        (site,) = rewrite(text).sites
        assert "LR103" in site.codes
        assert _emitted(site.after) == "WarmupConstantLR(optimizer, warmup_steps=warmup, warmup_progress='(k+1)/W')"

    def test_full_rate_on_the_first_step_only(self, rewrite):
        text = _lambda(
            """
            if 0 < step < warmup:
                return step / warmup
            done = min(1.0, (step - warmup) / max(1, total - warmup))
            return 1.0 if step == 0 else 0.5 * (1 + math.cos(math.pi * done))
            """
        )
        (site,) = rewrite(text).sites
        assert site.reading.key == "first-step-in-line"
        assert _emitted(site.after) == "WarmupCosineLR(optimizer, total, warmup_steps=warmup)"

    def test_an_exponent_is_told_by_its_place_whatever_it_is_called(self, rewrite):
        text = """
            from torch.optim.lr_scheduler import _LRScheduler

            class PolynomialLR(_LRScheduler):
                def __init__(self, optimizer, max_iter, decay_iter=1, gamma=0.9, last_epoch=-1):
                    self.max_iter, self.decay_iter, self.gamma = max_iter, decay_iter, gamma
                    super().__init__(optimizer, last_epoch)

                def get_lr(self):
                    if self.last_epoch % self.decay_iter or self.last_epoch % self.max_iter:
                        return self.base_lrs
                    return [base * (1 - self.last_epoch / self.max_iter) ** self.gamma for base in self.base_lrs]
            """
        (site,) = rewrite(textwrap.dedent(text)).sites
        assert "LR105" in site.codes
        assert site.reading.spec.scheduler == "WarmupPolynomialLR"
        assert site.reading.spec.positional == ("max_iter", "gamma")

    def test_a_bypassed_schedule_comes_into_force(self, rewrite):
        (site,) = rewrite(_fixture("lr104_step_ignores_get_lr")).sites
        assert site.reading.key == "schedule-in-force"
        assert "warmup_progress='(k+1)/W'" in _emitted(site.after)

    def test_a_schedule_that_fails_behind_a_switch_is_left_alone(self, rewrite):
        text = """
            from torch.optim.lr_scheduler import LRScheduler

            class WarmupPoly(LRScheduler):
                def __init__(self, optimizer, max_iter, warmup_iter=50, warmup="exp", last_epoch=-1):
                    self.max_iter, self.warmup_iter, self.warmup = max_iter, warmup_iter, warmup
                    super().__init__(optimizer, last_epoch)

                def get_lr(self):
                    if self.last_epoch < self.warmup_iter:
                        share = self.last_epoch / self.warmup_iter
                        factor = share if self.warmup == "linear" else share**3
                    else:
                        done = (self.last_epoch - self.warmup_iter) / (self.max_iter - self.warmup_iter)
                        factor = (1 - done) ** 0.9
                    return [base * factor for base in self.base_lrs]
            """
        result = rewrite(textwrap.dedent(text))
        assert not result.changed
        assert result.left[0].reason == "the bundled schedulers have no such curve"

    def test_where_nothing_tells_what_was_meant_the_reason_is_given(self, rewrite):
        (left,) = rewrite(_fixture("lr202_spike")).left
        assert "LR202" in left.reason

    def test_only_equivalent_leaves_repairs_out(self, rewrite):
        result = rewrite(_fixture("warm_restarts_per_batch"), only_equivalent=True)
        assert not result.changed
        assert "--only equivalent" in result.left[0].reason

    def test_what_comes_past_an_end_that_nobody_is_known_to_reach_is_told(self, rewrite):
        result = rewrite(_lambda("return 0.5 * (1 + math.cos(math.pi * step / total))", "total"))
        (site,) = result.sites
        assert site.kind == "equivalent"
        assert _emitted(result.after) == "WarmupCosineLR(optimizer, total)"
        assert any("past its end at `total` the old curve goes on" in note for note in site.notes)
