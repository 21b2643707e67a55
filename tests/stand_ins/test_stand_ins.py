"""The stand-ins side by side with torch itself: the same rates, the same state, the same refusals."""

from __future__ import annotations

import ast
import copy
import functools
import math
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.recorder import Recorder
from lrfix.stand_ins import lr_scheduler as ours
from lrfix.stand_ins import optimizer as our_optimizers
from lrfix.stand_ins import swa_scheduler as our_swa
from lrfix.stand_ins.torch_classes import stand_in

torch = pytest.importorskip("torch")
from torch.optim import lr_scheduler as theirs

TORCH_VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
STEPS = 60
BASES = (0.1, 3e-4)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Halving:
    """A callable object: its attributes are part of a scheduler's state."""

    def __init__(self, every: int) -> None:
        self.every = every

    def __call__(self, step: int) -> float:
        return 0.5 ** (step // self.every)


def optimizer_of(module: ModuleType, kind: str = "SGD", bases: tuple[float, ...] = BASES) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in bases]
    namespace = torch.optim if module is theirs else our_optimizers
    return getattr(namespace, kind)(groups, lr=bases[0])


def bits(values: list[Any]) -> list[bytes]:
    return [struct.pack("<d", value) for value in values]


def rates(optimizer: Any) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


Build = Callable[[ModuleType, Any], Any]


def swa(**settings: Any) -> Build:
    return lambda module, optimizer: (our_swa if module is ours else torch.optim.swa_utils).SWALR(optimizer, **settings)


def plain(name: str, *args: Any, **kwargs: Any) -> Build:
    return lambda module, optimizer: getattr(module, name)(optimizer, *args, **kwargs)


def warmup_then_cosine(module: ModuleType, optimizer: Any) -> Any:
    first = module.LinearLR(optimizer, 0.1, total_iters=10)
    return module.SequentialLR(optimizer, [first, module.CosineAnnealingLR(optimizer, 40, 1e-6)], [10])


def three_phases(module: ModuleType, optimizer: Any) -> Any:
    members = [
        module.ConstantLR(optimizer, 0.5, total_iters=100),
        module.CosineAnnealingWarmRestarts(optimizer, 8, 2),
        module.LambdaLR(optimizer, lambda step: 0.1 / (1 + step)),
    ]
    return module.SequentialLR(optimizer, members, [7, 33])


def nested_first(module: ModuleType, optimizer: Any) -> Any:
    inner = module.SequentialLR(
        optimizer, [module.LinearLR(optimizer, 0.25, total_iters=4), module.StepLR(optimizer, 5)], [4]
    )
    return module.SequentialLR(optimizer, [inner, module.ExponentialLR(optimizer, 0.9)], [20])


def nested_last(module: ModuleType, optimizer: Any) -> Any:
    inner = module.SequentialLR(
        optimizer, [module.ConstantLR(optimizer, 0.5, total_iters=3), module.CosineAnnealingLR(optimizer, 20)], [6]
    )
    return module.SequentialLR(optimizer, [module.LinearLR(optimizer, 0.1, total_iters=8), inner], [8])


def chained_in_sequential(module: ModuleType, optimizer: Any) -> Any:
    return module.SequentialLR(optimizer, [chained(module, optimizer), module.ExponentialLR(optimizer, 0.9)], [15])


def sequential_in_chained(module: ModuleType, optimizer: Any) -> Any:
    return module.ChainedScheduler([warmup_then_cosine(module, optimizer), module.StepLR(optimizer, 9, 0.5)])


def chained(module: ModuleType, optimizer: Any) -> Any:
    return module.ChainedScheduler(
        [module.LinearLR(optimizer, 0.2, total_iters=9), module.ExponentialLR(optimizer, 0.95)], optimizer=optimizer
    )


SCHEDULERS: dict[str, Build] = {
    "lambda": plain("LambdaLR", lambda step: 1 / math.sqrt(step + 1)),
    "lambda list": plain("LambdaLR", [lambda step: 0.9**step, Halving(7)]),
    "multiplicative": plain("MultiplicativeLR", lambda step: 1 - 1 / (step + 3)),
    "multiplicative pair": plain("MultiplicativeLR", (lambda step: 0.97, lambda step: 1.01)),
    "step": plain("StepLR", 7),
    "step by five": plain("StepLR", 5, gamma=0.3),
    "multistep": plain("MultiStepLR", [10, 30, 30, 41], gamma=0.2),
    "multistep unsorted": plain("MultiStepLR", [40, 3, 17]),
    "constant": plain("ConstantLR"),
    "constant 13": plain("ConstantLR", factor=0.7, total_iters=13),
    "linear": plain("LinearLR"),
    "linear down": plain("LinearLR", start_factor=1.0, end_factor=0.01, total_iters=37),
    "linear up": plain("LinearLR", start_factor=1e-3, end_factor=0.9, total_iters=11),
    "exponential": plain("ExponentialLR", 0.93),
    "exponential up": plain("ExponentialLR", 1.01),
    "cosine": plain("CosineAnnealingLR", 50),
    "cosine rebounding": plain("CosineAnnealingLR", 13, eta_min=1e-5),
    "restarts": plain("CosineAnnealingWarmRestarts", 10),
    "restarts doubling": plain("CosineAnnealingWarmRestarts", 7, 2, 1e-5),
    "restarts tripling": plain("CosineAnnealingWarmRestarts", 1, 3),
    "polynomial": plain("PolynomialLR"),
    "polynomial 0.9": plain("PolynomialLR", total_iters=43, power=0.9),
    "cyclic": plain("CyclicLR", 1e-3, 0.1, step_size_up=8),
    "cyclic triangular2": plain("CyclicLR", [1e-3, 1e-4], [0.1, 0.2], 5, 9, "triangular2"),
    "cyclic exp_range": plain("CyclicLR", 1e-3, 0.1, 6, mode="exp_range", gamma=0.98, cycle_momentum=False),
    "cyclic own scale": plain("CyclicLR", 1e-3, 0.1, 6, scale_fn=lambda x: 1 / x, scale_mode="cycle"),
    "onecycle": plain("OneCycleLR", 0.1, total_steps=STEPS + 1),
    "onecycle linear": plain("OneCycleLR", [0.1, 0.3], epochs=7, steps_per_epoch=9, anneal_strategy="linear"),
    "onecycle three phases": plain("OneCycleLR", 0.1, total_steps=64, three_phase=True, pct_start=0.4, div_factor=10.0),
    "onecycle linear momentum": plain(
        "OneCycleLR", 0.1, total_steps=61, anneal_strategy="linear", base_momentum=[0.5, 0.6], max_momentum=[0.8, 0.9]
    ),
    "onecycle without momentum": plain("OneCycleLR", 0.1, total_steps=61, cycle_momentum=False, final_div_factor=10),
    "cyclic triangular2 momenta": plain(
        "CyclicLR", 1e-3, 0.1, 4, 6, "triangular2", base_momentum=[0.5, 0.6], max_momentum=[0.8, 0.9]
    ),
    "cyclic own scale by iteration": plain(
        "CyclicLR", 1e-3, 0.1, 6, scale_fn=lambda x: 0.99**x, scale_mode="iterations"
    ),
    "swa": swa(swa_lr=0.02),
    "swa linear": swa(swa_lr=[0.02, 1e-4], anneal_epochs=23, anneal_strategy="linear"),
    "swa at once": swa(swa_lr=0.02, anneal_epochs=0),
    "sequential": warmup_then_cosine,
    "chained in sequential": chained_in_sequential,
    "sequential in chained": sequential_in_chained,
    "sequential of three": three_phases,
    "sequential in sequential": nested_first,
    "chained": chained,
}
CLOSED_FORMS = [name for name in SCHEDULERS if not name.startswith(("sequential", "chained", "onecycle", "swa"))]


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_rates_and_momenta_equal_torchs_bit_for_bit(name: str, kind: str) -> None:
    pair = []
    for module in (ours, theirs):
        optimizer = optimizer_of(module, kind)
        pair.append((optimizer, SCHEDULERS[name](module, optimizer)))
    for step in range(STEPS + 1):
        (our_optimizer, our_scheduler), (their_optimizer, their_scheduler) = pair
        assert bits(rates(our_optimizer)) == bits(rates(their_optimizer)), step
        assert our_scheduler.get_last_lr() == their_scheduler.get_last_lr(), step
        for key in ("momentum", "betas", "initial_lr"):
            assert [g.get(key) for g in our_optimizer.param_groups] == [
                g.get(key) for g in their_optimizer.param_groups
            ], (step, key)
        if step < STEPS:
            for optimizer, scheduler in pair:
                optimizer.step()
                scheduler.step()


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_step_with_an_epoch_equals_torchs(name: str) -> None:
    for epochs in ([5, 6, 30, 2, 59], [13, 39, 40, 41], [0, 1, 4, 9, 27, 121]):
        pair = []
        for module in (ours, theirs):
            optimizer = optimizer_of(module)
            scheduler = SCHEDULERS[name](module, optimizer)
            seen = []
            for epoch in epochs:
                scheduler.step(epoch)
                seen.append(bits(rates(optimizer)))
                scheduler.step()
                seen.append(bits(rates(optimizer)))
            pair.append((seen, scheduler.last_epoch))
        assert pair[0] == pair[1]


def comparable(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: comparable(value) for key, value in state.items()}
    return [comparable(value) for value in state] if isinstance(state, list) else state


@pytest.mark.skipif(TORCH_VERSION < (2, 13), reason="the attributes of a scheduler differ between torch versions")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_state_dict_is_torchs(name: str) -> None:
    states = []
    for module in (ours, theirs):
        optimizer = optimizer_of(module)
        scheduler = SCHEDULERS[name](module, optimizer)
        for _ in range(12):
            optimizer.step()
            scheduler.step()
        states.append(comparable(scheduler.state_dict()))
    assert states[0] == states[1]


@pytest.mark.parametrize("optimizer_first", [False, True])
@pytest.mark.parametrize("at", [1, 10, 33])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_resuming_does_what_torch_does_right_or_wrong(name: str, at: int, optimizer_first: bool) -> None:
    curves = []
    for module in (ours, theirs):
        optimizer = optimizer_of(module)
        scheduler = SCHEDULERS[name](module, optimizer)
        for _ in range(at):
            optimizer.step()
            scheduler.step()
        saved = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(scheduler.state_dict())
        optimizer = optimizer_of(module)
        if optimizer_first:
            optimizer.load_state_dict(saved[0])
            scheduler = SCHEDULERS[name](module, optimizer)
        else:
            scheduler = SCHEDULERS[name](module, optimizer)
            optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        curve = [bits(rates(optimizer))]
        for _ in range(at, STEPS):
            optimizer.step()
            scheduler.step()
            curve.append(bits(rates(optimizer)))
        curves.append(curve)
    assert curves[0] == curves[1]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"patience": 2, "cooldown": 3},
        {"mode": "max", "threshold_mode": "abs"},
        {"mode": "max", "patience": 1, "threshold": 0.05},
        {"threshold_mode": "abs", "threshold": 0.1, "patience": 0, "min_lr": [1e-3, 1e-5]},
        {"factor": 0.9, "patience": 3, "min_lr": 0.01, "eps": 1e-3},
    ],
)
def test_plateau_equals_torchs(settings: dict[str, Any]) -> None:
    curves = []
    for module in (ours, theirs):
        optimizer = optimizer_of(module)
        scheduler = module.ReduceLROnPlateau(optimizer, **settings)
        curve = []
        for step in range(STEPS):
            scheduler.step(1.0 + math.sin(step * 0.7) / (1 + step))
            curve.append((bits(rates(optimizer)), scheduler.num_bad_epochs, scheduler.in_cooldown))
        curves.append((curve, scheduler.state_dict()))
    assert curves[0] == curves[1]
    assert curves[0][0][0][0] != curves[0][0][-1][0], "the metric must force at least one reduction"


class TestLambdaState:
    def test_a_function_is_not_saved_and_a_callable_object_is_by_its_attributes(self) -> None:
        for module in (ours, theirs):
            scheduler = module.LambdaLR(optimizer_of(module), [lambda step: 1.0, Halving(4)])
            assert scheduler.state_dict()["lr_lambdas"] == [None, {"every": 4}]

    def test_a_partial_saves_nothing_of_its_arguments(self) -> None:
        for module in (ours, theirs):
            scheduler = module.LambdaLR(optimizer_of(module), functools.partial(lambda a, step: a, 0.5))
            assert scheduler.state_dict()["lr_lambdas"] == [{}, {}]

    def test_loading_overrides_the_new_objects_attributes(self) -> None:
        for module in (ours, theirs):
            old = module.LambdaLR(optimizer_of(module), Halving(4))
            new = module.LambdaLR(optimizer_of(module), Halving(9))
            state = old.state_dict()
            new.load_state_dict(state)
            assert new.lr_lambdas[0].every == 4
            assert state["lr_lambdas"] == [{"every": 4}, {"every": 4}], "loading leaves the caller's state as it was"


class TestSubclasses:
    def test_get_lr_runs_inside_the_base_constructor(self) -> None:
        for module in (ours, theirs):

            class Late(module.LRScheduler):  # type: ignore[name-defined, misc]
                def __init__(self, optimizer: Any) -> None:
                    super().__init__(optimizer)
                    self.scale = 2.0

                def get_lr(self) -> list[float]:
                    return [base * self.scale for base in self.base_lrs]

            with pytest.raises(AttributeError):
                Late(optimizer_of(module))

    def test_epochs_count_from_zero_after_construction(self) -> None:
        for module in (ours, theirs):

            class Noting(module.LRScheduler):  # type: ignore[name-defined, misc]
                def __init__(self, optimizer: Any) -> None:
                    self.seen: list[tuple[int, int]] = []
                    super().__init__(optimizer)

                def get_lr(self) -> list[float]:
                    self.seen.append((self.last_epoch, self._step_count))
                    return [base / (1 + self.last_epoch) for base in self.base_lrs]

            scheduler = Noting(optimizer_of(module))
            scheduler.step()
            scheduler.step(7)  # lrfix: ignore[LR305]
            scheduler.step()
            assert scheduler.seen == [(0, 1), (1, 2), (7, 3), (8, 4)]

    def test_a_second_scheduler_starts_from_the_first_ones_initial_lr(self) -> None:
        for module in (ours, theirs):
            optimizer = optimizer_of(module)
            module.StepLR(optimizer, 5)
            for group in optimizer.param_groups:
                group["lr"] = 0.5
            assert module.LambdaLR(optimizer, lambda step: 1.0).get_last_lr() == list(BASES)

    @pytest.mark.parametrize("values", [0.1, [0.1], [0.1, 0.2, 0.3]])
    @pytest.mark.skipif(TORCH_VERSION < (2, 10), reason="torch checks the number of rates since 2.10")
    def test_a_wrong_number_of_rates_is_refused_as_by_torch(self, values: Any) -> None:
        kinds = []
        for module in (ours, theirs):

            class Wrong(module.LRScheduler):  # type: ignore[name-defined, misc]
                def get_lr(self) -> Any:
                    return values

            with pytest.raises((TypeError, ValueError)) as refused:
                Wrong(optimizer_of(module))
            kinds.append(refused.type)
        assert kinds[0] is kinds[1]


REFUSALS: dict[str, Build] = {
    "swa strategy": swa(swa_lr=0.1, anneal_strategy="cosine"),
    "swa epochs": swa(swa_lr=0.1, anneal_epochs=-1),
    "swa three rates": swa(swa_lr=[0.1, 0.1, 0.1]),
    "cyclic three peaks": plain("CyclicLR", 0.1, [0.2, 0.2, 0.2]),
    "plateau threshold mode": plain("ReduceLROnPlateau", threshold_mode="least"),
    "no initial_lr": plain("StepLR", 5, last_epoch=3),
    "too few lambdas": plain("LambdaLR", [lambda step: 1.0]),
    "multiplicative number": plain("MultiplicativeLR", 0.5),
    "linear from zero": plain("LinearLR", start_factor=0.0),
    "linear beyond one": plain("LinearLR", end_factor=1.5),
    "constant beyond one": plain("ConstantLR", factor=2.0),
    "fractional T_0": plain("CosineAnnealingWarmRestarts", 2.5),
    "zero T_0": plain("CosineAnnealingWarmRestarts", 0),
    "fractional T_mult": plain("CosineAnnealingWarmRestarts", 5, 1.5),
    "string eta_min": plain("CosineAnnealingWarmRestarts", 5, 1, "0"),
    "onecycle without length": plain("OneCycleLR", 0.1),
    "onecycle integer pct_start": plain("OneCycleLR", 0.1, total_steps=10, pct_start=1),
    "onecycle strategy": plain("OneCycleLR", 0.1, total_steps=10, anneal_strategy="cosine"),
    "onecycle three peaks": plain("OneCycleLR", [0.1, 0.1, 0.1], total_steps=10),
    "cyclic mode": plain("CyclicLR", 0.1, 0.2, mode="square"),
    "plateau factor": plain("ReduceLROnPlateau", factor=1.0),
    "plateau mode": plain("ReduceLROnPlateau", mode="least"),
    "plateau min_lr": plain("ReduceLROnPlateau", min_lr=[0.1]),
    "sequential milestones": lambda m, o: m.SequentialLR(o, [m.StepLR(o, 5)], [3]),
    "sequential empty": lambda m, o: m.SequentialLR(o, [], []),
    "sequential with plateau": lambda m, o: m.SequentialLR(o, [m.StepLR(o, 5), m.ReduceLROnPlateau(o)], [3]),
    "sequential of two optimizers": lambda m, o: m.SequentialLR(o, [m.StepLR(optimizer_of(m), 5)], []),
    "chained empty": lambda m, o: m.ChainedScheduler([]),
    "chained with plateau": lambda m, o: m.ChainedScheduler([m.ReduceLROnPlateau(o)]),
    "not an optimizer": lambda m, o: m.StepLR(object(), 5),
    "past the end of one cycle": lambda m, o: (
        [m.OneCycleLR(o, 0.1, total_steps=5).step() for _ in range(1)] + [m.OneCycleLR(o, 0.1, total_steps=5).step(9)]
    ),
    "cosine over nothing": lambda m, o: m.CosineAnnealingLR(o, 0).step(),
    "restart before the start": lambda m, o: m.CosineAnnealingWarmRestarts(o, 5).step(-1),
    "epoch for a sequence": lambda m, o: m.SequentialLR(o, [m.StepLR(o, 5)], []).step(1),
    "base class": lambda m, o: m.LRScheduler(o),
    "a sequence that is not the first of a sequence": lambda m, o: [
        scheduler.step() for scheduler in [nested_last(m, o)] for _ in range(20)
    ],
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_torch_refuses_is_refused_with_the_same_exception(name: str) -> None:
    kinds = []
    for module in (ours, theirs):
        with pytest.raises(Exception) as refused:
            REFUSALS[name](module, optimizer_of(module))
        kinds.append(refused.type)
    assert kinds[0] is kinds[1]


def test_a_later_group_is_refused_by_closed_forms_and_taken_by_recursive_ones() -> None:
    for module in (ours, theirs):
        for name, accepts in (("lambda", False), ("restarts", False), ("step by five", True), ("exponential", True)):
            optimizer = optimizer_of(module)
            scheduler = SCHEDULERS[name](module, optimizer)
            optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
            if accepts:
                scheduler.step()
            elif module is ours or TORCH_VERSION >= (2, 10):
                with pytest.raises(ValueError):
                    scheduler.step()


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta"])
def test_optimizers_have_torchs_groups(kind: str) -> None:
    made = []
    for namespace in (our_optimizers, torch.optim):
        weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
        optimizer = getattr(namespace, kind)([{"params": weights[:2], "weight_decay": 0.3}, {"params": weights[2]}])
        made.append(optimizer.state_dict()["param_groups"])
    mine, real = made
    for my_group, real_group in zip(mine, real, strict=True):
        assert {key: real_group[key] for key in my_group if key != "params"} == {
            key: value for key, value in my_group.items() if key != "params"
        }
        assert my_group["params"] == real_group["params"]


class TestOptimizer:
    def test_a_flat_list_of_parameters_is_one_group(self) -> None:
        optimizer = our_optimizers.SGD(["w", "b"], 0.1, momentum=0.9)
        assert [group["params"] for group in optimizer.param_groups] == [["w", "b"]]
        assert optimizer.param_groups[0]["lr"] == 0.1
        assert optimizer.defaults["momentum"] == 0.9

    def test_loading_needs_as_many_groups(self) -> None:
        with pytest.raises(ValueError, match="different number of parameter groups"):
            our_optimizers.SGD(["w"]).load_state_dict({"state": {}, "param_groups": []})

    @pytest.mark.parametrize("bad", [{"params": []}, {"params": ["w"], "lr": -1.0}])
    def test_empty_parameters_and_negative_rates_are_refused(self, bad: dict[str, Any]) -> None:
        with pytest.raises(ValueError):
            our_optimizers.Adam(**bad)

    def test_step_returns_the_closures_loss(self) -> None:
        assert our_optimizers.SGD(["w"]).step(lambda: 0.25) == 0.25


PACKAGE = "lrfix.stand_ins."
#: These find the stand-ins and speed them up; they are no stand-ins themselves.
AROUND = ("rates_at_once", "steps_at_once", "torch_classes")
FILES = [f for f in sorted(Path(str(ours.__file__)).parent.glob("*.py")) if f.stem not in AROUND]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_the_source_keeps_to_the_interpreted_subset(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert [alias.name for alias in node.names] == ["math"]
        elif isinstance(node, ast.ImportFrom):
            assert node.module in ("__future__", "typing") or str(node.module).startswith(PACKAGE)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            assert decorators <= {"property", "staticmethod", "classmethod"}
        assert not isinstance(node, (ast.Yield, ast.YieldFrom, ast.With, ast.Try, ast.Global, ast.Match, ast.Await))


INTERPRETED = [
    "LambdaLR(optimizer, [lambda k: 0.9**k, Halving(7)])",
    "MultiplicativeLR(optimizer, lambda k: 0.97)",
    "StepLR(optimizer, 7)",
    "MultiStepLR(optimizer, [10, 30, 30])",
    "ConstantLR(optimizer)",
    "LinearLR(optimizer, 0.1)",
    "ExponentialLR(optimizer, 0.9)",
    "CosineAnnealingLR(optimizer, 13, 1e-5)",
    "CosineAnnealingWarmRestarts(optimizer, 7, 2)",
    "PolynomialLR(optimizer, 43, 0.9)",
    "CyclicLR(optimizer, 1e-3, 0.1, 8)",
    "CyclicLR(optimizer, 1e-3, 0.1, 8, mode='exp_range', gamma=0.99)",
    "OneCycleLR(optimizer, 0.1, total_steps=61)",
    "OneCycleLR(optimizer, 0.1, total_steps=61, three_phase=True)",
    "SequentialLR(optimizer, [LinearLR(optimizer, 0.1), CosineAnnealingLR(optimizer, 40)], [10])",
    "SWALR(optimizer, 0.02)",
    "ChainedScheduler([LinearLR(optimizer, 0.2), ExponentialLR(optimizer, 0.95)])",
]
TRAINING = """
class Halving:
    def __init__(self, every):
        self.every = every

    def __call__(self, step):
        return 0.5 ** (step // self.every)

optimizer = SGD([{{"params": ["a"], "lr": 0.1}}, {{"params": ["b"], "lr": 3e-4}}], lr=0.1, momentum=0.9)
scheduler = {scheduler}
curve = []
for k in range(60):
    curve.append([group["lr"] for group in optimizer.param_groups])
    optimizer.step()
    scheduler.step()
saved = optimizer.state_dict(), scheduler.state_dict()
optimizer.load_state_dict(saved[0])
scheduler.load_state_dict(saved[1])
curve.append(scheduler.get_last_lr())
"""


@pytest.mark.parametrize("scheduler", INTERPRETED)
def test_interpreted_and_executed_they_are_the_same(scheduler: str) -> None:
    source = TRAINING.format(scheduler=scheduler)
    executed: dict[str, Any] = {**vars(our_optimizers), **vars(ours), **vars(our_swa)}
    exec(source, executed)
    environment = interpreted(ast.parse(source), Interpreter(fuel=10_000_000))
    assert environment.variables["curve"] == executed["curve"]
    assert len(set(map(tuple, executed["curve"]))) > 1


def interpreted(tree: ast.Module, interpreter: Interpreter) -> Environment:
    environment = Environment()
    for name in re.findall(r"\b[A-Z]\w+", ast.unparse(tree)):
        for module in ("torch.optim.lr_scheduler", "torch.optim", "torch.optim.swa_utils"):
            found = stand_in(f"{module}.{name}")
            if found is not None:
                environment.set(name, found)
    interpreter.execute(tree.body, environment)
    return environment


def plain(value: object) -> object:
    """A value as two runs may compare it: functions and objects are each run's own."""
    parts = value if isinstance(value, list | tuple) else [value]
    return [part if isinstance(part, int | float) else type(part) for part in parts]


class Heard(Recorder):
    """Everything that an observer hears, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []

    def attribute_write(self, instance: Any, name: str, old: Any, new: Any, node: ast.AST) -> None:
        self.heard.append((name, plain(old), plain(new), node))

    def item_write(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None:
        self.heard.append((key, plain(old), plain(new)))

    def call(self, function: Any, args: Any, node: ast.AST | None) -> None:
        self.heard.append(function.node)

    def returned(self, function: Any, value: Any, node: ast.AST | None) -> None:
        self.heard.append((function.node, plain(value)))


OF_ITS_OWN = """
class Own(LambdaLR):
    {own}

optimizer = SGD([{{"params": ["a"], "lr": 0.1}}, {{"params": ["b"], "lr": 3e-4}}], lr=0.1)
scheduler = Own(optimizer, lambda k: 0.9**k)
{before}
curve = []
for k in range(5):
    curve.append([group["lr"] for group in optimizer.param_groups])
    try:
        scheduler.step({step})
    except (ArithmeticError, ValueError):
        pass
saved = scheduler.state_dict()
"""
OWN = {
    "nothing": {},
    "a step to an epoch": {"step": "3 * k"},
    "a place in training that is no whole number": {"before": "scheduler.last_epoch = 0.5"},
    "another update": {"own": "def _update_lr(self, epoch=None): self.last_epoch += 2"},
    "an update of one object": {
        "before": "scheduler._update_lr = lambda epoch: optimizer.param_groups[0].update(lr=k)"
    },
    "rates of one object": {"before": "scheduler.get_lr = lambda: [0.5, k]"},
    "a property in the place of a state": {
        "own": """
    @property
    def last_epoch(self): return self.at
    @last_epoch.setter
    def last_epoch(self, value): self.at = 2 * value
"""
    },
    "rates that raise": {"own": "def get_lr(self): return [1 / (self.last_epoch - 2)] * 2"},
    "too few rates": {"own": "def get_lr(self): return [0.1] if self.last_epoch else [0.1, 0.1]"},
    "too few functions": {"before": "scheduler.lr_lambdas.pop()"},
    "a tuple of functions": {"before": "scheduler.lr_lambdas = tuple(scheduler.lr_lambdas)"},
    "functions that change the base rates": {
        "before": "scheduler.lr_lambdas[0] = lambda k: scheduler.base_lrs.reverse() or 0.5"
    },
    "a tuple of rates": {"own": "def get_lr(self): return 0.1, 0.2"},
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_a_step_at_once_is_the_step_that_is_interpreted(own: dict[str, str]) -> None:
    tree = ast.parse(OF_ITS_OWN.format(**{"own": "pass", "before": "", "step": "", **own}))
    seen = []
    for listens in (None, lambda definition, again: None):
        recorder = Heard()
        interpreter = Interpreter(recorder=recorder, fuel=1_000_000)
        interpreter.before_call = listens
        known = interpreted(tree, interpreter).variables
        saved = {name: plain(value) for name, value in known["saved"].items()}
        seen.append((known["curve"], saved, recorder.heard, recorder.statements, interpreter.fuel, interpreter.depth))
    assert seen[0] == seen[1]
