"""A formula of the step becomes one call where it stands; the loop, the signature and all comments around it stay."""

from __future__ import annotations

import textwrap

import pytest


def text(body: str) -> str:
    return textwrap.dedent(body).lstrip("\n")


FUNCTION = text(
    """
    import math

    learning_rate = 6e-4
    min_lr = 6e-5
    warmup_iters = 20
    lr_decay_iters = 180


    # cosine with warmup
    def get_lr(it):
        # 1) linear warmup
        if it < warmup_iters:
            return learning_rate * (it + 1) / (warmup_iters + 1)
        # 2) the floor
        if it > lr_decay_iters:
            return min_lr
        # 3) in between, cosine
        ratio = (it - warmup_iters) / (lr_decay_iters - warmup_iters)
        coeff = 0.5 * (1.0 + math.cos(math.pi * ratio))
        return min_lr + coeff * (learning_rate - min_lr)
    """
)
SETTER = text(
    """
    import math
    import sys


    def adjust_learning_rate(optimizer, epoch, args):
        \"\"\"Decay the learning rate.\"\"\"
        lr = args.lr
        if args.cos:  # cosine schedule
            lr *= 0.5 * (1.0 + math.cos(math.pi * epoch / args.epochs))
        else:  # staircase
            for milestone in args.schedule:
                lr *= 0.1 if epoch >= milestone else 1.0
        print("rate", lr, file=sys.stderr)
        for group in optimizer.param_groups:
            group["lr"] = lr * group["lr_scale"]  # per layer
        return lr
    """
)


class TestOneFunction:
    def test_the_body_becomes_one_call_in_the_users_terms(self, rewrite):
        assert rewrite(FUNCTION).after == text(
            """
            from lrfix.schedules import warmup_cosine

            learning_rate = 6e-4
            min_lr = 6e-5
            warmup_iters = 20
            lr_decay_iters = 180


            # cosine with warmup
            def get_lr(it):
                return warmup_cosine(
                    it,
                    total_steps=lr_decay_iters,
                    warmup_steps=warmup_iters,
                    peak=learning_rate,
                    eta_min=min_lr,
                    warmup_progress="(k+1)/(W+1)",
                )
            """
        )

    def test_a_second_rewrite_changes_nothing(self, rewrite):
        assert not rewrite(rewrite(FUNCTION).after).changed

    @pytest.mark.parametrize("indent", ["\t", "  "])
    def test_the_files_own_indentation_and_line_endings_stay(self, rewrite, indent):
        before = FUNCTION.replace("    ", indent)
        after = rewrite(before.replace("\n", "\r\n").encode()).after
        assert after.replace("\r\n", "\n") == rewrite(FUNCTION).after.replace("    ", indent)
        assert after.count("\r\n") == after.count("\n")

    def test_a_helper_that_others_may_import_stays(self, rewrite):
        before = text(
            """
            def poly(base, step, total, power):
                return base * (1 - step / total) ** power

            def set_lr(optimizer, step, args):
                rate = poly(args.lr, step, args.total, args.power)
                optimizer.param_groups[0]["lr"] = rate
            """
        )
        after = rewrite(before, external=lambda name: name == "poly").after
        assert "def poly(base, step, total, power):" in after


class TestOneSetter:
    def test_each_branch_of_a_switch_has_its_own_call_and_the_loop_stays(self, rewrite):
        assert rewrite(SETTER).after == SETTER.replace(
            "import math\nimport sys\n",
            "import sys\nfrom lrfix.schedules import warmup_cosine, warmup_multistep\n",
        ).replace(
            "lr *= 0.5 * (1.0 + math.cos(math.pi * epoch / args.epochs))",
            "lr = warmup_cosine(epoch, total_steps=args.epochs, peak=lr)",
        ).replace(
            "for milestone in args.schedule:\n            lr *= 0.1 if epoch >= milestone else 1.0",
            "lr = warmup_multistep(epoch, milestones=args.schedule, gamma=0.1, peak=lr)",
        )

    def test_a_rate_that_is_written_directly(self, rewrite):
        before = text(
            """
            def adjust(optimizer, epoch, args):
                for group in optimizer.param_groups:
                    group['lr'] = args.lr * (0.1 ** (epoch // 30))  # every 30 epochs
            """
        )
        after = "group['lr'] = warmup_step(epoch, step_size=30, gamma=0.1, peak=args.lr)  # every 30 epochs\n"
        assert rewrite(before).after.endswith(after)

    def test_in_a_loop(self, rewrite):
        before = text(
            """
            import math

            def train(model, optimizer, loader, args):
                step = 0
                for epoch in range(args.epochs):
                    for batch in loader:
                        if step < args.warmup_steps:
                            lr = args.lr * step / args.warmup_steps
                        else:
                            done = (step - args.warmup_steps) / (args.total_steps - args.warmup_steps)
                            lr = args.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
                        for group in optimizer.param_groups:
                            group["lr"] = lr
                        optimizer.zero_grad()
                        model(batch).backward()
                        optimizer.step()
                        step += 1
            """
        )
        after = rewrite(before).after
        call = "lr = warmup_cosine(step, total_steps=args.total_steps, warmup_steps=args.warmup_steps, peak=args.lr)"
        assert " ".join(after.split()).count("lr = warmup_cosine( step,") + after.count(call) == 1
        assert 'for group in optimizer.param_groups:\n                group["lr"] = lr\n' in after
        assert "import math" not in after

    def test_a_position_that_is_put_together_on_the_spot(self, rewrite):
        before = text(
            """
            class Trainer:
                def run(self):
                    while self.step + self.resume_step < self.anneal_steps:
                        self.anneal()
                        self.step += 1

                def anneal(self):
                    if not self.anneal_steps:
                        return
                    done = (self.step + self.resume_step) / self.anneal_steps
                    lr = self.lr * (1 - done)
                    for group in self.opt.param_groups:
                        group["lr"] = lr
            """
        )
        call = "lr = warmup_linear(self.step + self.resume_step, total_steps=self.anneal_steps, peak=self.lr)"
        after = " ".join(rewrite(before).after.split())
        assert call in after.replace("( ", "(").replace(", )", ")")

    def test_a_check_inside_the_formula_goes_with_it_and_is_told(self, rewrite):
        result = rewrite(FUNCTION.replace("    coeff =", "    assert 0 <= ratio <= 1\n    coeff ="))
        assert result.after == rewrite(FUNCTION).after
        assert result.sites[0].notes == ("the check at line 19 goes with the formula",)

    def test_numbers_that_only_the_code_states(self, rewrite):
        before = text(
            """
            def adjust(optimizer, epoch, args):
                lr = args.lr
                if epoch >= 75:
                    lr = args.lr * 0.1
                if epoch >= 90:
                    lr = args.lr * 0.01
                for group in optimizer.param_groups:
                    group["lr"] = lr

            for epoch in range(120):
                adjust(optimizer, epoch, args)
            """
        )
        assert "lr = warmup_multistep(epoch, milestones=[75, 90], gamma=0.1, peak=args.lr)" in rewrite(before).after

    def test_of_two_readings_in_numbers_the_one_that_the_code_writes(self, rewrite):
        # `(k + 1) / 10` is the same line as `(k + 1) / (9 + 1)`, and nobody wrote a 9.
        before = text(
            """
            def lr_linear_warmup(epoch):
                warmup_steps = 10
                return min(1.0, (epoch + 1) / warmup_steps)
            """
        )
        assert 'warmup_constant(epoch, warmup_steps=warmup_steps, warmup_progress="(k+1)/W")' in rewrite(before).after

    def test_in_a_class_that_counts_for_itself(self, rewrite):
        before = text(
            """
            class Noam:
                def __init__(self, optimizer, width, factor, warmup):
                    self.optimizer, self.width, self.factor, self.warmup = optimizer, width, factor, warmup
                    self.count = 0

                def step(self):
                    self.count += 1
                    for group in self.optimizer.param_groups:
                        group["lr"] = self.rate(self.count)
                    self.optimizer.step()

                def rate(self, step):
                    return self.factor * self.width ** -0.5 * min(step ** -0.5, step * self.warmup ** -1.5)
            """
        )
        after = rewrite(before).after
        assert "return warmup_inverse_sqrt(\n            step,\n            warmup_steps=self.warmup," in after
        assert after.partition("    def rate")[0].endswith(before.partition("    def rate")[0])


RAMPED = text(
    """
    import math

    class Scheduler:
        def __init__(self, mode, base_lr, num_epochs, iters_per_epoch, every=30, warmup_epochs=0):
            self.mode, self.lr, self.every = mode, base_lr, every
            self.iters_per_epoch = iters_per_epoch
            self.N = num_epochs * iters_per_epoch
            self.warmup_iters = warmup_epochs * iters_per_epoch

        def __call__(self, optimizer, i, epoch):
            T = epoch * self.iters_per_epoch + i
            if self.mode == "cos":
                lr = 0.5 * self.lr * (1 + math.cos(1.0 * T / self.N * math.pi))
            else:
                lr = self.lr * (0.1 ** (epoch // self.every))
            if self.warmup_iters > 0 and T < self.warmup_iters:
                lr = lr * 1.0 * T / self.warmup_iters
            for group in optimizer.param_groups:
                group["lr"] = lr
    """
)


class TestADecayUnderARamp:
    def test_each_branch_is_a_call_and_the_ramp_stays(self, rewrite):
        after = rewrite(RAMPED).after
        assert "lr = warmup_cosine(T, total_steps=self.N, peak=self.lr)" in after
        assert "lr = warmup_step(epoch, step_size=self.every, gamma=0.1, peak=self.lr)" in after
        assert "lr = lr * 1.0 * T / self.warmup_iters" in after

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("self.warmup_iters > 0 and T < self.warmup_iters", "self.warmup_iters > 0"),
            ("lr = lr * 1.0 * T / self.warmup_iters", "lr = lr + self.lr * T"),
            ("num_epochs * iters_per_epoch\n", "num_epochs * iters_per_epoch // 2\n"),
        ],
        ids=["no ramp", "no factor", "no end"],
    )
    def test_what_is_no_ramp_or_no_end_is_not(self, rewrite, old, new):
        assert "warmup_cosine" not in rewrite(RAMPED.replace(old, new, 1)).after


class TestLeftAlone:
    @pytest.mark.parametrize(
        ("before", "reason"),
        [
            pytest.param(
                SETTER.replace("math.cos(", "math.atan(").replace("epoch >= milestone", "epoch % milestone"),
                "have no such curve",
                id="no such curve",
            ),
            pytest.param(
                FUNCTION.replace("    ratio =", "    print(it)\n    ratio ="),
                "it holds a statement that is no computation (line 18)",
                id="more is done in the middle",
            ),
        ],
    )
    def test_what_is_more_than_a_formula_or_another_one(self, rewrite, before, reason):
        result = rewrite(before)
        assert not result.changed
        assert reason in result.left[0].reason

    @pytest.mark.parametrize(
        ("before", "reason"),
        [
            pytest.param(
                """
                def triangular_lr(epoch, step_size, low, high):
                    cycle = int(1 + epoch / (2 * step_size))
                    x = abs(epoch / step_size - 2 * cycle + 1)
                    return low + (high - low) * max(0, 1 - x)
                """,
                "",
                id="one cycle of several",
            ),
            pytest.param(
                """
                def get_lr(epoch, base_lr, period):
                    return base_lr * (1 - epoch / period)
                """,
                "past `period` the curve goes its own way, and nothing says that training ends there",
                id="a length that need not be the end",
            ),
            pytest.param(
                """
                def get_lr(epoch, base_lr, max_epochs, waves):
                    num_epochs = max_epochs // waves
                    return base_lr * (1 + math.cos(math.pi * epoch / num_epochs)) / 2

                import math
                """,
                "",
                id="a length that is one of several",
            ),
            pytest.param(
                """
                def get_lr(epoch, base_lr, total_epochs):
                    lr = base_lr * (1 - epoch / total_epochs)
                    print(lr)
                    return round(lr, 6)
                """,
                "only a part of the schedule: line 4 does more than scale the value",
                id="the value is cut off",
            ),
            pytest.param(
                """
                def get_lr(epoch, base_lr, gamma, width):
                    drop = 0.5 ** (epoch // width)
                    print(drop)
                    lr = base_lr * drop * gamma ** epoch
                    return lr
                """,
                "only a part of the schedule",
                id="two schedules in one",
            ),
            pytest.param(
                """
                def cooldown(optimizer, base_lr, steps, cooldown_steps):
                    def adjust(step):
                        start = steps - cooldown_steps
                        lr = base_lr if step < start else base_lr * (1 - ((step - start) / cooldown_steps) ** 0.4)
                        for group in optimizer.param_groups:
                            group["lr"] = lr
                    return adjust
                """,
                "",
                id="a length is no rate",
            ),
        ],
    )
    def test_what_is_only_a_part_of_the_schedule(self, rewrite, before, reason):
        result = rewrite(text(before))
        assert not result.changed
        assert reason in result.left[0].reason

    def test_a_value_that_only_one_branch_has_is_not_read_in_both(self, rewrite):
        before = text(
            """
            import math

            def adjust(optimizer, epoch, args):
                if args.warmup_epochs:
                    start = args.start_lr
                if epoch < args.warmup_epochs:
                    lr = start + (args.lr - start) * epoch / args.warmup_epochs
                else:
                    done = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
                    lr = args.lr * 0.5 * (1 + math.cos(math.pi * done))
                for group in optimizer.param_groups:
                    group["lr"] = lr
            """
        )
        assert "start=start" not in rewrite(before).after


TABLE = text(
    """
    import numpy as np

    def cosine_scheduler(base_value, final_value, epochs, niter_per_ep, warmup_epochs=0, start_warmup_value=0):
        warmup_schedule = np.array([])
        warmup_iters = warmup_epochs * niter_per_ep
        if warmup_epochs > 0:
            warmup_schedule = np.linspace(start_warmup_value, base_value, warmup_iters)
        iters = np.arange(epochs * niter_per_ep - warmup_iters)
        schedule = final_value + 0.5 * (base_value - final_value) * (1 + np.cos(np.pi * iters / len(iters)))
        schedule = np.concatenate((warmup_schedule, schedule))
        assert len(schedule) == epochs * niter_per_ep
        return schedule
    """
)


class TestOneTable:
    def test_an_array_stays_an_array(self, rewrite):
        assert rewrite(TABLE).after == text(
            """
            import numpy as np
            from lrfix.schedules import warmup_cosine

            def cosine_scheduler(base_value, final_value, epochs, niter_per_ep, warmup_epochs=0, start_warmup_value=0):
                return np.array(
                    [
                        warmup_cosine(
                            step,
                            total_steps=epochs * niter_per_ep,
                            warmup_steps=warmup_epochs * niter_per_ep,
                            warmup_start=start_warmup_value,
                            peak=base_value,
                            eta_min=final_value,
                            warmup_progress="k/(W-1)",
                        )
                        for step in range(int(epochs * niter_per_ep))
                    ]
                )
            """
        )

    def test_a_length_that_the_file_declares_to_be_whole_is_counted_as_it_stands(self, rewrite):
        whole = TABLE.replace("epochs, niter_per_ep", "epochs: int, niter_per_ep: int")
        assert "for step in range(epochs * niter_per_ep)" in rewrite(whole).after

    def test_a_list_that_is_filled_in_a_loop_stays_a_list(self, rewrite):
        before = text(
            """
            def warmup_schedule(base_lr, total_steps, warmup_steps):
                rates = []
                for step in range(total_steps):
                    if step < warmup_steps:
                        rates.append(base_lr * step / warmup_steps)
                    else:
                        rates.append(base_lr * (total_steps - step) / (total_steps - warmup_steps))
                return rates
            """
        )
        after = rewrite(before).after
        arguments = "step, total_steps=total_steps, warmup_steps=warmup_steps, peak=base_lr,"
        assert f"return [ warmup_linear( {arguments} ) for step in range(total_steps) ]" in " ".join(after.split())

    def test_a_second_rewrite_changes_nothing(self, rewrite):
        assert not rewrite(rewrite(TABLE).after).changed


def test_a_count_from_one_stays_where_it_is_counted(rewrite):
    text = """
import math


def adjust(optimizer, epoch, args):
    epoch = epoch + 1
    if epoch < 10:
        lr = args.lr * epoch / 10
    else:
        lr = args.lr_min + (args.lr - args.lr_min) * 0.5 * (1 + math.cos((epoch - 10) / (args.epochs - 10) * math.pi))
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
    after = rewrite(text, verify=True).after
    assert (
        "    epoch = epoch + 1\n"
        "    lr = warmup_cosine(epoch, total_steps=args.epochs, warmup_steps=10, peak=args.lr, eta_min=args.lr_min)\n"
    ) in after


def test_points_that_numpy_joins_by_lines_and_a_staircase_of_a_ratio(rewrite):
    text = """
import numpy as np


def get_cyclic_lr(epoch, lr, epochs, lr_peak_epoch):
    xs = [0, lr_peak_epoch, epochs]
    ys = [1e-4 * lr, lr, 0]
    return np.interp([epoch], xs, ys)[0]


def get_step_lr(epoch, lr, step_ratio, step_length, epochs):
    if epoch >= epochs:
        return 0
    return step_ratio ** (epoch // step_length) * lr
"""
    result = rewrite(text, verify=True)
    assert [site.kind for site in result.sites] == ["equivalent", "equivalent"]
    assert not result.left
    assert "warmup_steps=lr_peak_epoch,\n        warmup_start=1e-4 * lr,\n" in result.after
    assert "return warmup_step(epoch, step_size=step_length, gamma=step_ratio, peak=lr)" in result.after
