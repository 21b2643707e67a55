"""LR211: what calls give to the schedulers of libraries and of the project's own functions."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported

from lrfix.config import Settings
from lrfix.engine import check_source


def lines(source: str) -> list[int]:
    return [finding.span.start.line for finding in reported("LR211", source)]


def given(call: str, build: str = "SGD(model.parameters(), lr=args.lr)") -> list[int]:
    return lines(f"""
        from torch.optim import SGD, lr_scheduler
        from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup, get_scheduler

        def build(model, args, total_steps, warmup_steps):
            optimizer = {build}
            return {call}
    """)


class TestSwapped:
    @pytest.mark.parametrize(
        "call",
        [
            "get_linear_schedule_with_warmup(optimizer, total_steps, warmup_steps)",
            "get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=total_steps, num_training_steps=warmup_steps)",
            "get_linear_schedule_with_warmup(optimizer, args.max_steps, int(args.warmup_ratio * args.max_steps))",
            "get_scheduler('linear', optimizer, total_steps, warmup_steps)",
            "lr_scheduler.CyclicLR(optimizer, base_lr=args.max_lr, max_lr=args.base_lr)",
            "lr_scheduler.StepLR(optimizer, args.gamma, args.step_size)",
        ],
    )
    def test_two_arguments_in_each_other_s_place(self, call):
        assert given(call) == [7]

    @pytest.mark.parametrize(
        "call",
        [
            "get_linear_schedule_with_warmup(optimizer, warmup_steps, total_steps)",
            "get_linear_schedule_with_warmup(optimizer, int(args.warmup_ratio * total_steps), total_steps)",
            "get_linear_schedule_with_warmup(optimizer, total_steps, total_steps)",
            "get_scheduler('linear', optimizer, warmup_steps, total_steps)",
            "lr_scheduler.StepLR(optimizer, args.step_size, args.gamma)",
            "lr_scheduler.CyclicLR(optimizer, base_lr=args.min_lr, max_lr=args.max_lr)",
        ],
    )
    def test_each_in_its_own_place(self, call):
        assert given(call) == []

    def test_the_parameters_of_a_function_of_the_project_are_read_off_its_definition(self):
        source = """
            def make_schedule(optimizer, warmup_steps, total_steps):
                return build(optimizer, warmup_steps, total_steps)

            def train(optimizer, args):
                return make_schedule(optimizer, {arguments})
        """
        assert lines(source.format(arguments="args.total_steps, args.warmup_steps")) == [6]
        assert lines(source.format(arguments="args.warmup_steps, args.total_steps")) == []

    def test_a_name_imported_from_the_project_says_nothing_about_positions(self):
        assert (
            lines("""
            from utils import get_linear_schedule_with_warmup

            def train(optimizer, total_steps, warmup_steps):
                return get_linear_schedule_with_warmup(optimizer, total_steps, warmup_steps)
        """)
            == []
        )


class TestOfAnotherKind:
    @pytest.mark.parametrize(
        "call",
        [
            "get_linear_schedule_with_warmup(optimizer, args.warmup_ratio, total_steps)",
            "get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0.1, num_training_steps=total_steps)",
            "lr_scheduler.CosineAnnealingLR(optimizer, args.min_lr, args.epochs)",
            "lr_scheduler.CosineAnnealingLR(optimizer, T_max=warmup_steps)",
            "lr_scheduler.ExponentialLR(optimizer, args.learning_rate)",
            "lr_scheduler.StepLR(optimizer, 0.1, 30)",
            "lr_scheduler.CosineAnnealingLR(optimizer, args.epochs, eta_min=args.lr)",
        ],
    )
    def test_a_share_a_rate_or_a_length_where_something_else_is_due(self, call):
        assert given(call) == [7]

    @pytest.mark.parametrize(
        "call",
        [
            "get_linear_schedule_with_warmup(optimizer, 0, total_steps)",
            "get_linear_schedule_with_warmup(optimizer, 0.1 * total_steps, total_steps)",
            "lr_scheduler.CosineAnnealingLR(optimizer, args.epochs, args.min_lr)",
            "lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps - warmup_steps)",
            "lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs_after_warmup)",
            "lr_scheduler.CosineAnnealingLR(optimizer, args.lr_max_iter, eta_min=args.lr * 0.01)",
            "lr_scheduler.StepLR(optimizer, args.lr_decay, 0.1)",
            "lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=warmup_steps)",
            "lr_scheduler.ExponentialLR(optimizer, args.lr_decay)",
        ],
    )
    def test_names_that_may_mean_it_and_values_that_are_worked_out(self, call):
        assert given(call) == []

    def test_a_floor_is_compared_with_the_rate_that_this_optimizer_starts_with(self):
        call = "lr_scheduler.CosineAnnealingLR(optimizer, args.epochs, eta_min=args.lr)"
        assert given(call, build="SGD(model.parameters(), lr=args.lr * 10)") == []


class TestMethods:
    SOURCE = """
        class Schedule:
            def linear_warmup(self, initial_lr, step, warmup_steps):
                return initial_lr * min(step, warmup_steps) / warmup_steps

            def get_lr(self, initial_lr, step, max_steps):
                if step < self.warmup_steps:
                    return self.linear_warmup(initial_lr, {warmup})
                return initial_lr

        class Outer(Schedule):
            def after(self, initial_lr, step, max_steps):
                return self.inner.get_lr(initial_lr, {inner})
    """

    @pytest.mark.parametrize(
        ("warmup", "inner", "wrong"),
        [
            ("step, self.warmup_steps", "step, max_steps", []),
            ("self.warmup_steps, step", "step, max_steps", [9]),
            ("step, self.warmup_steps", "max_steps, self.warmup_steps", [14]),
            ("step, self.warmup_steps", "self.warmup_steps, max_steps", []),
        ],
    )
    def test_the_position_and_a_length(self, warmup, inner, wrong):
        head = "from torch.optim.lr_scheduler import LambdaLR\n"
        assert lines(head + textwrap.dedent(self.SOURCE.format(warmup=warmup, inner=inner))) == wrong


def test_the_warmup_given_for_the_whole_too():
    source = """
        def make_schedule(optimizer, warmup_steps, total_steps):
            return build(optimizer, warmup_steps, total_steps)

        def train(optimizer, args):
            return make_schedule(optimizer, warmup_steps=args.warmup, total_steps={whole})
    """
    assert lines(source.format(whole="args.warmup")) == [6]
    assert lines(source.format(whole="args.steps")) == []


class TestStatedNumbers:
    @pytest.mark.parametrize(
        ("call", "wrong"),
        [
            ("lr_scheduler.CosineAnnealingLR(optimizer, 100, eta_min=1e-2)", True),
            ("lr_scheduler.CosineAnnealingLR(optimizer, 100, 1e-3)", True),
            ("lr_scheduler.CosineAnnealingLR(optimizer, 100, eta_min=1e-5)", False),
            ("lr_scheduler.CosineAnnealingLR(optimizer, 100, eta_min=args.eta_min)", False),
            ("lr_scheduler.CyclicLR(optimizer, 0.1, 0.001)", True),
            ("lr_scheduler.CyclicLR(optimizer, 0.001, 0.1)", False),
        ],
    )
    def test_a_floor_above_the_start_and_a_cycle_upside_down(self, call, wrong):
        assert given(call, build="SGD(model.parameters(), lr=1e-3)") == ([7] if wrong else [])


def test_a_use_is_no_site():
    source = b"from torch.optim.lr_scheduler import StepLR\n\nscheduler = StepLR(optimizer, 0.1, 30)\n"
    result = check_source(source, "train.py", Settings(selected=frozenset({"LR211"})))
    assert result.sites == ()
    [finding] = result.findings
    assert finding.site is None


def test_a_comment_silences_the_use_of_a_library_s_scheduler():
    source = """
        from torch.optim.lr_scheduler import StepLR

        scheduler = StepLR(optimizer, 0.1, 30)  # lrfix: ignore[LR211]
    """
    assert lines(source)
    chosen = Settings(selected=frozenset({"LR211"}))
    assert check_source(textwrap.dedent(source).encode(), "train.py", chosen).findings == ()


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("Table(optimizer, 10, epochs, 0.1, n_iter)", []),
        ("Table(optimizer, epochs, 10, 0.1, n_iter)", []),
    ],
)
def test_a_count_of_epochs_that_is_given_the_epochs_is_no_position(call, wrong):
    source = f"""
    class Table:
        def __init__(self, optimizer, warmup_epochs, num_epochs, lr, iter_per_epoch):
            self.optimizer = optimizer
            self.rates = [lr * k for k in range(num_epochs * iter_per_epoch)]

    def build(optimizer):
        epochs = 100
        n_iter = 1000
        return {call}
    """
    assert lines(textwrap.dedent(source)) == wrong


CALL = """
    import torch

    class WarmupPoly{bases}:
        {decorated}
        def __init__(self, min_lr, max_lr, t_max, warmup_steps{more}):
            self.min_lr, self.max_lr, self.t_max, self.warmup_steps = min_lr, max_lr, t_max, warmup_steps

    def make_scheduler(optimizer, *, warmup_steps, power=1.0):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, (k + 1) / warmup_steps) ** power)

    def save(optimizer, path, epoch):
        torch.save([optimizer.state_dict(), epoch], path)

    def main(model, config):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        schedule = {call}

    {entered}
"""


def told_of_calls(call: str, entered: str = "main(model, config)", bases="", decorated="pass", more="") -> list:
    text = textwrap.dedent(CALL).format(call=call, entered=entered, bases=bases, decorated=decorated, more=more)
    return reported("LR211", text)


class TestLeftOut:
    """A call that leaves out what a definition of the project needs raises TypeError: no run comes of it."""

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            ("WarmupPoly(config.lr, config.steps, config.warmup)", "`WarmupPoly` needs `warmup_steps` as well"),
            ("WarmupPoly(0.0, max_lr=config.lr)", "`WarmupPoly` needs `t_max` and `warmup_steps` as well"),
            ("make_scheduler(optimizer, power=2.0)", "`make_scheduler` needs `warmup_steps` as well"),
        ],
    )
    def test_a_parameter_without_a_default(self, call, said):
        (found,) = told_of_calls(call)
        assert found.message.startswith(said)
        assert found.severity.value == "error"

    @pytest.mark.parametrize(
        ("call", "kinds"),
        [
            ("WarmupPoly(0.0, config.lr, config.steps, config.warmup)", {}),
            ("WarmupPoly(0.0, config.lr, *config.lengths)", {}),
            ("WarmupPoly(0.0, config.lr, **config.lengths)", {}),
            ("WarmupPoly(0.0, config.lr, config.steps)", {"bases": "(metaclass=Configured)"}),
            ("WarmupPoly(0.0, config.lr, config.steps)", {"decorated": "@configured"}),
            ("make_scheduler(optimizer, warmup_steps=10)", {}),
            ("save(optimizer, config.path)", {}),  # no schedule
        ],
    )
    def test_a_call_that_gives_everything_or_may(self, call, kinds):
        assert told_of_calls(call, **kinds) == []

    def test_in_a_function_that_nothing_here_calls_it_is_advice(self):
        (found,) = told_of_calls("WarmupPoly(config.lr, config.steps, config.warmup)", entered="")
        assert found.severity.value == "info"
