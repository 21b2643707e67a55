"""Scheduler classes and the contract with their base class: what is reported, where, and what is left alone."""

from __future__ import annotations

import textwrap

import pytest

HEAD = "from torch.optim.lr_scheduler import LRScheduler, StepLR\n"


def scheduler(init: str = "", get_lr: str = "", more: str = "") -> str:
    """A class derived from LRScheduler with these bodies of ``__init__`` and ``get_lr`` and these further methods."""
    init = init or "self.steps = steps\nsuper().__init__(optimizer, last_epoch)"
    get_lr = get_lr or "return [base * min(1.0, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]"
    return (
        HEAD
        + "class Ramp(LRScheduler):\n"
        + "    def __init__(self, optimizer, steps, last_epoch=-1, **kwargs):\n"
        + textwrap.indent(textwrap.dedent(init).strip(), " " * 8)
        + "\n    def get_lr(self):\n"
        + textwrap.indent(textwrap.dedent(get_lr).strip(), " " * 8)
        + "\n"
        + textwrap.indent(textwrap.dedent(more), " " * 4)
    )


def lines(findings, source):
    return [(f.code, source.splitlines()[f.span.start.line - 1].strip()) for f in findings]


def test_a_sound_subclass_is_left_alone(codes):
    assert codes(scheduler()) == []


def test_an_attribute_set_too_late_is_reported_at_the_constructor_that_reads_it(check):
    source = scheduler("super().__init__(optimizer, last_epoch)\nself.steps = steps")
    found = check(source)
    assert lines(found, source) == [("LR107", "super().__init__(optimizer, last_epoch)")]
    assert "`self.steps`" in found[0].message and "(line 5)" in found[0].message


def test_the_order_is_seen_without_a_simulation_too(codes):
    source = scheduler("super().__init__(optimizer, last_epoch)\nself.steps = steps")
    source = source.replace(HEAD, "").replace("(LRScheduler)", "(torch.optim.lr_scheduler.LRScheduler)")
    source += "\nif __name__ == '__main__':\n    import torch\n"
    assert codes(source) == ["LR107"]


def test_an_attribute_read_only_later_in_the_schedule_is_no_matter_of_order(codes):
    source = scheduler(
        "self.steps = steps\nsuper().__init__(optimizer, last_epoch)\nself.floor = 0.1",
        """
        if self.last_epoch < self.steps:
            return [base * (self.last_epoch + 1) / self.steps for base in self.base_lrs]
        return [base * self.floor for base in self.base_lrs]
        """,
    )
    assert "LR107" not in codes(source)


def test_a_flag_that_only_get_lr_creates_is_reported_where_it_is_read(check):
    source = scheduler(
        get_lr="""
        if not self.started:
            self.started = True
        return [base * min(1.0, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]
        """
    )
    found = check(source)
    assert ("LR107", "if not self.started:") in lines(found, source)


def test_a_constructor_that_never_calls_the_base_class_is_reported(findings):
    source = scheduler(
        """
        self.optimizer = optimizer
        self.steps = steps
        self.last_epoch = last_epoch
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        """,
        more="""
        def step(self):
            self.last_epoch += 1
            for group, rate in zip(self.optimizer.param_groups, self.get_lr()):
                group["lr"] = rate
        """,
    )
    [finding] = [f for f in findings(source) if f.code == "LR107"]
    assert "`_step_count`" in finding.message and "`_last_lr`" in finding.message


def test_one_value_for_all_groups_is_advice_while_nobody_shows_two(asked):
    source = scheduler(get_lr="return [self.base_lrs[0] * min(1.0, (self.last_epoch + 1) / self.steps)]")
    (found,) = asked("LR107", source)
    assert "two groups" in found.message and found.advice


def test_one_value_is_right_where_the_file_shows_one_group(codes):
    source = scheduler(get_lr="return [self.base_lrs[0] * min(1.0, (self.last_epoch + 1) / self.steps)]")
    source += "\nimport torch\ndef build(model):\n    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    assert codes(source + "    return Ramp(optimizer, 10)\n") == []


def test_a_number_instead_of_a_list_is_reported(codes):
    assert codes(scheduler(get_lr="return 0.1 * (self.last_epoch + 1) / self.steps")) == ["LR107"]


HAND_OVER = """
def step(self, epoch=None):
    if self.last_epoch < self.steps:
        super().step(epoch)
    else:
        self.after.step()
        {left}

def state_dict(self):
    return {{"last_epoch": self.last_epoch, "after": self.after.state_dict()}}

def load_state_dict(self, state):
    self.last_epoch = state["last_epoch"]
    self.after.load_state_dict(state["after"])
"""
INNER = 'self.steps = steps\nself.after = kwargs["after"]\nsuper().__init__(optimizer, last_epoch)'


@pytest.mark.parametrize(
    ("left", "behind"),
    [
        ("self._last_lr = self.after.get_last_lr()", "`last_epoch`"),
        ("self.last_epoch += 1", "`_last_lr`"),
    ],
)
def test_what_one_way_through_step_forgets_is_named(findings, left, behind):
    found = [f for f in findings(scheduler(INNER, more=HAND_OVER.format(left=left))) if f.code == "LR107"]
    assert len(found) == 1 and found[0].message.startswith(behind)


LOGGED = "\n\ndef log(model, args):\n    schedule = Ramp(SGD(model.parameters(), lr=0.1), 10)\n    {}\n"


@pytest.mark.parametrize(
    ("reads", "severity"),
    [("print(schedule.get_last_lr())", "error"), ('print(schedule.optimizer.param_groups[0]["lr"])', "info")],
)
def test_a_rate_that_is_not_noted_is_an_error_only_where_somebody_asks_for_it(findings, reads, severity):
    source = scheduler(INNER, more=HAND_OVER.format(left="self.last_epoch += 1")) + LOGGED.format(reads)
    assert [f.severity.value for f in findings(source) if f.code == "LR107"] == [severity]


@pytest.mark.parametrize(("again", "severity"), [("", "info"), (" or self.last_epoch >= 8", "error")])
def test_a_count_that_stands_still_is_an_error_only_where_a_rate_waits_for_it(findings, again, severity):
    more = HAND_OVER.replace("self.last_epoch < self.steps", f"self.last_epoch < 4{again}")
    source = scheduler(
        "self.after = StepLR(optimizer, 2)\nsuper().__init__(optimizer)",
        "return [base * 0.9 ** self.last_epoch for base in self.base_lrs]",
        more.format(left="self._last_lr = self.after.get_last_lr()"),
    )
    found = [f for f in findings(source) if f.code == "LR107"]
    assert [f.severity.value for f in found] == [severity]


def test_ways_that_keep_everything_in_step_are_left_alone(codes):
    left = "self.last_epoch += 1\n        self._last_lr = self.after.get_last_lr()"
    assert "LR107" not in codes(scheduler(INNER, more=HAND_OVER.format(left=left)))


def test_a_way_that_moves_no_rate_may_leave_everything_as_it_was(codes):
    more = """
    def step(self, epoch=None):
        if self.steps == 0:
            return
        super().step(epoch)
    """
    assert "LR107" not in codes(scheduler(more=more))


def test_torch_asks_for_the_first_rate_before_its_constructor_returns():
    torch = pytest.importorskip("torch")

    class Late(torch.optim.lr_scheduler.LRScheduler):
        def __init__(self, optimizer, steps):
            super().__init__(optimizer)
            self.steps = steps

        def get_lr(self):
            return [base / self.steps for base in self.base_lrs]

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(AttributeError, match="steps"):
        Late(optimizer, 5)


@pytest.mark.parametrize(
    "call",
    [
        "super().__init__(optimizer, last_epoch, verbose)",
        "super(Ramp, self).__init__(optimizer, last_epoch, False)",
        "super().__init__(optimizer, last_epoch=last_epoch, verbose=verbose)",
        "LRScheduler.__init__(self, optimizer, last_epoch, verbose)",
    ],
)
@pytest.mark.parametrize("built", [True, False])
def test_an_argument_that_torch_no_longer_takes_names_the_version(call, built, asked):
    """A class that nothing in sight builds hurts nobody as long as that is so."""
    source = scheduler(f"verbose = False\nself.steps = steps\n{call}")
    (finding,) = asked("LR107", source + ("\nSCHEDULERS = {'ramp': Ramp}\n" if built else ""))
    assert "torch 2.7" in finding.message
    assert finding.advice is not built


@pytest.mark.parametrize(
    "call",
    [
        "super().__init__(optimizer, last_epoch)",
        "super().__init__(optimizer, *kwargs.values())",
        "if kwargs:\n    super().__init__(optimizer, last_epoch, 1)\nelse:\n    super().__init__(optimizer)",
    ],
)
def test_what_torch_takes_or_what_asks_for_its_version_first_is_left_alone(call, codes):
    assert "LR107" not in codes(scheduler(f"self.steps = steps\n{call}"))


def test_a_method_under_its_old_name_names_the_version(check):
    source = """
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    class Patient(ReduceLROnPlateau):
        def step(self, metrics, epoch=None):
            self.last_epoch += 1
            if self.is_better(metrics, self.best):
                self.best = metrics
            else:
                self._reduce_lr(self.last_epoch)
        {own}
    """
    [finding] = [f for f in check(source.format(own="")) if f.code == "LR107"]
    assert "`_is_better`" in finding.message and "2.9" in finding.message
    own = "def is_better(self, a, best): return a < best"
    assert not [f for f in check(source.format(own=own)) if f.code == "LR107"]


LEFT_OUT = """
    from torch.optim.lr_scheduler import LRScheduler

    class Ramp(LRScheduler):
        def __init__(self, optimizer, warmup_steps=None, warmup_ratio=0.1, max_steps=1000, last_epoch=-1):
            if warmup_steps is None:
                self.warmup = int(warmup_ratio * max_steps)
            else:
                self.warmup = warmup_steps
            self.slope = 1 / ({used} + 1)
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base * min(1.0, (self.last_epoch + 1) * self.slope) for base in self.base_lrs]
    """


def test_a_length_that_may_be_left_out_and_is_worked_with_all_the_same_is_reported(check, codes):
    [finding] = [f for f in check(LEFT_OUT.format(used="warmup_steps")) if f.code == "LR107"]
    assert "`warmup_steps` is None" in finding.message
    assert "LR107" not in codes(LEFT_OUT.format(used="self.warmup"))


def test_arguments_that_the_base_class_does_not_take_are_reported(check):
    source = scheduler("self.steps = steps\nsuper().__init__(optimizer, last_epoch, warmup=steps)")
    [finding] = [f for f in check(source) if f.code == "LR107"]
    assert "TypeError" in finding.message


@pytest.mark.parametrize("decorator", ["@torch.no_grad()", "@torch.jit.ignore"])
def test_a_decorator_hides_nothing(decorator, codes):
    source = scheduler(get_lr="return [base * self.gain / self.steps for base in self.base_lrs]")
    source = "import torch\n" + source.replace("    def get_lr", f"    {decorator}\n    def get_lr")
    assert "LR107" in codes(source)


UNASKED = """
from torch.optim.lr_scheduler import _LRScheduler

class Ramp(_LRScheduler):
    def __init__(self, optimizer, steps, last_epoch=-1):
        self.steps = steps
        super().__init__(optimizer, last_epoch)

    def {name}(self):
        done = min(1.0, (self.last_epoch + 1) / self.steps)
        return [base * done for base in self.base_lrs]
"""


class TestAFormulaThatTorchDoesNotAskFor:
    def broken(self, check, source: str) -> bool:
        return any(f.code == "LR107" and "NotImplementedError" in f.message for f in check(source))

    def test_another_name_than_get_lr(self, check):
        assert self.broken(check, UNASKED.format(name="compute_rates"))
        assert not self.broken(check, UNASKED.format(name="get_lr"))

    def test_what_a_derived_class_asks_for_is_a_helper(self, check):
        heir = "\nclass Whole(Ramp):\n    def get_lr(self):\n        return self.ramp()\n"
        assert not self.broken(check, UNASKED.format(name="ramp") + heir)

    def test_a_class_that_cannot_be_one_by_itself(self, check):
        refused = "\n    def horizon(self):\n        raise NotImplementedError\n"
        assert not self.broken(check, UNASKED.format(name="ramp") + refused)


@pytest.mark.parametrize(("default", "spared"), [("0", True), ("5", False)])
def test_an_attribute_that_a_default_leads_past_is_told_with_that_default(asked, default, spared):
    source = f"""
from torch.optim.lr_scheduler import LRScheduler

class Ramp(LRScheduler):
    def __init__(self, optimizer, steps, warmup_steps={default}, last_epoch=-1):
        self.steps, self.warmup_steps = steps, warmup_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch < self.warmup_steps:
            return [base * self.last_epoch / self.slope for base in self.base_lrs]
        return [base * (1 - self.last_epoch / self.steps) for base in self.base_lrs]
"""
    (told,) = asked("LR107", source)
    assert told.advice is spared
    assert ("It is not where `warmup_steps` is 0, its default." in told.message) is spared
