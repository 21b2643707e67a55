"""Curves written out naively here must come back as their family and as a construction that gives the same curve.

The construction is judged on a run whose values recognition never saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix import schedules
from lrfix.recognition import Recognition, Sample, ScheduleSpec, recognise

FUNCTIONS = {
    "WarmupConstantLR": schedules.warmup_constant,
    "WarmupCosineLR": schedules.warmup_cosine,
    "WarmupCosineRestartsLR": schedules.warmup_cosine_restarts,
    "WarmupLinearLR": schedules.warmup_linear,
    "WarmupPolynomialLR": schedules.warmup_polynomial,
    "WarmupExponentialLR": schedules.warmup_exponential,
    "WarmupInverseSqrtLR": schedules.warmup_inverse_sqrt,
    "WarmupStepLR": schedules.warmup_step,
    "WarmupMultiStepLR": schedules.warmup_multistep,
    "WarmupStableDecayLR": schedules.warmup_stable_decay,
}
LEADING = {
    "WarmupCosineLR": ["total_steps"],
    "WarmupCosineRestartsLR": ["T_0"],
    "WarmupLinearLR": ["total_steps"],
    "WarmupPolynomialLR": ["total_steps"],
    "WarmupExponentialLR": ["gamma"],
    "WarmupStepLR": ["step_size"],
    "WarmupMultiStepLR": ["milestones"],
    "WarmupStableDecayLR": ["total_steps"],
}


class Run:
    """One scenario: lengths, rates, and the names under which the user's code knows them."""

    def __init__(self, warmup: int, decay: int, batches: int, lr: float, floor: float) -> None:
        self.warmup_epochs, self.batches, self.lr, self.floor = warmup, batches, lr, floor
        self.warmup = warmup * batches
        self.total = self.warmup + decay
        self.cycle = warmup + 7
        self.names: dict[str, object] = {
            "warmup": self.warmup,
            "total": self.total,
            "args.lr": lr,
            "args.min_lr": floor,
            "len(loader)": batches,
            "args.warmup_epochs": warmup,
            "cycle": self.cycle,
            "args.name": "run",
            "args.nesterov": True,
        }

    @property
    def namespace(self) -> dict[str, object]:
        arguments = SimpleNamespace(lr=self.lr, min_lr=self.floor, warmup_epochs=self.warmup_epochs)
        return {
            "args": arguments, "loader": [0] * self.batches, "warmup": self.warmup, "total": self.total,
            "cycle": self.cycle, "math": math,
        }  # fmt: skip


Curve = Callable[[int, Run], float]
RUNS = [Run(3, 53, 3, 0.13, 0.01), Run(5, 97, 2, 0.07, 0.003), Run(4, 131, 5, 0.3, 0.002), Run(7, 83, 3, 0.21, 0.05)]
FRESH = Run(6, 71, 2, 0.11, 0.007)


def sampled(curve: Curve, runs: list[Run], *, hidden: tuple[str, ...] = ()) -> list[Sample]:
    return [
        Sample(
            tuple(curve(k, run) for k in range(2 * run.total + 30)),
            run.lr,
            {name: value for name, value in run.names.items() if name not in hidden},
        )
        for run in runs
    ]


def rates(spec: ScheduleSpec, run: Run, steps: int) -> list[float]:
    """The bundled curve in a run, the argument texts evaluated by Python itself."""
    texts = {**dict(zip(LEADING.get(spec.scheduler, []), spec.positional, strict=True)), **spec.keywords}
    values = {name: eval(text, run.namespace) for name, text in texts.items()}
    peak = values.pop("eta_max", run.lr * values.pop("peak_factor", 1.0))
    if "warmup_start_factor" in values:
        values["warmup_start"] = values.pop("warmup_start_factor") * peak
    if "warmup_start_lr" in values:
        values["warmup_start"] = values.pop("warmup_start_lr")
    if "eta_min_ratio" in values:
        values["eta_min"] = values.pop("eta_min_ratio") * peak
    return [FUNCTIONS[spec.scheduler](k, peak=peak, **values) for k in range(steps)]


def expect_same_curve(found: Recognition, curve: Curve) -> None:
    assert found.spec is not None, found
    assert found.reason is None
    steps = 2 * FRESH.total
    assert rates(found.spec, FRESH, steps) == pytest.approx(
        [curve(k, FRESH) for k in range(steps)], rel=1e-11, abs=1e-16
    )


def half_cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def clamped(progress: float) -> float:
    return min(1.0, max(0.0, progress))


WARMUPS: dict[str, Curve] = {
    "k/W": lambda k, run: k / run.warmup,
    "(k+1)/W": lambda k, run: (k + 1) / run.warmup,
    "k/(W-1)": lambda k, run: k / (run.warmup - 1),
    "(k+1)/(W+1)": lambda k, run: (k + 1) / (run.warmup + 1),
    "max(k,1)/W": lambda k, run: max(k, 1) / run.warmup,
}
PROGRESS: dict[str, Curve] = {
    "k/D": lambda k, run: clamped((k - run.warmup) / (run.total - run.warmup)),
    "(k+1)/D": lambda k, run: clamped((k - run.warmup + 1) / (run.total - run.warmup)),
    "k/(D-1)": lambda k, run: clamped((k - run.warmup) / (run.total - run.warmup - 1)),
}
SHAPES: dict[str, Callable[[float], float]] = {
    "cosine": half_cosine,
    "linear": lambda progress: 1.0 - progress,
    "poly": lambda progress: (1.0 - progress) ** 0.9,
}
FLOORS: dict[str, Callable[[Run], float]] = {
    "none": lambda run: 0.0,
    "rate": lambda run: run.floor,
    "share": lambda run: 0.05 * run.lr,
    "literal": lambda run: 1e-3,
}
STARTS: dict[str, Callable[[Run], float]] = {
    "zero": lambda run: 0.0,
    "share": lambda run: 0.1 * run.lr,
    "literal": lambda run: 1e-5,
    "rate": lambda run: run.floor / 2,
}


@st.composite
def runs(draw: st.DrawFn) -> list[Run]:
    """Four scenarios whose lengths differ, as simulation draws them: generic values, in any pairing."""
    warmups = draw(st.permutations([2, 3, 5, 7, 11]))
    decays = draw(st.permutations([41, 53, 79, 97, 131]))
    # None of the warmups' numbers: where both agree in every run, a length has two true texts.
    batches = draw(st.permutations([4, 6, 8, 9, 13]))
    lrs = draw(st.permutations([0.13, 0.071, 0.31, 0.0023, 0.57]))
    shares = draw(st.permutations([0.011, 0.0043, 0.17, 0.083, 0.00019]))
    return [
        Run(w, d, b, lr, lr * share)
        for w, d, b, lr, share in islice(zip(warmups, decays, batches, lrs, shares, strict=True), 4)
    ]


@settings(max_examples=120, deadline=None)
@given(
    runs=runs(),
    warmup=st.sampled_from(sorted(WARMUPS)),
    progress=st.sampled_from(sorted(PROGRESS)),
    shape=st.sampled_from(sorted(SHAPES)),
    floor=st.sampled_from(sorted(FLOORS)),
    start=st.sampled_from(sorted(STARTS)),
    clamp=st.booleans(),
    hidden=st.sampled_from([(), ("warmup",)]),
)
def test_warmup_and_decay_in_every_convention(
    runs: list[Run],
    warmup: str,
    progress: str,
    shape: str,
    floor: str,
    start: str,
    clamp: bool,
    hidden: tuple[str, ...],
) -> None:
    def curve(k: int, run: Run) -> float:
        if k < run.warmup:
            begin = STARTS[start](run)
            return begin + (run.lr - begin) * WARMUPS[warmup](k, run)
        low, left = FLOORS[floor](run), SHAPES[shape](PROGRESS[progress](k, run))
        return max(low, run.lr * left) if clamp else low + (run.lr - low) * left

    found = recognise(sampled(curve, runs, hidden=hidden))
    assert found.family == f"linear-warmup+{shape}"
    expect_same_curve(found, curve)


@settings(max_examples=40, deadline=None)
@given(
    runs=runs(),
    multiplier=st.sampled_from([1, 2, 3]),
    shrink=st.sampled_from([1.0, 0.5, 0.9]),
    floor=st.sampled_from(["none", "literal"]),
    warm=st.booleans(),
)
def test_restarts(runs: list[Run], multiplier: int, shrink: float, floor: str, warm: bool) -> None:
    def curve(k: int, run: Run) -> float:
        if warm and k < run.warmup:
            return run.lr * k / run.warmup
        k -= run.warmup if warm else 0
        length, peak, low = run.cycle, run.lr, FLOORS[floor](run)
        while k >= length:
            k, length, peak = k - length, length * multiplier, peak * shrink
        # A floor above a shrunk peak would have no one meaning.
        low = 0.0 if shrink < 1.0 else min(low, 1e-9)
        return low + (peak - low) * half_cosine(k / length)

    found = recognise(sampled(curve, runs))
    assert found.family == ("linear-warmup+" if warm else "") + "cosine-restarts"
    assert found.parameters["T_0"] == "cycle"
    expect_same_curve(found, curve)


def every_cycle(k: int, run: Run) -> float:
    k %= run.total
    return run.lr * (k / run.warmup if k < run.warmup else half_cosine((k - run.warmup) / (run.total - run.warmup)))


def staircase(k: int, run: Run) -> float:
    return run.lr * 0.1 ** (k // run.cycle)


def warm_staircase(k: int, run: Run) -> float:
    return run.lr * ((k + 1) / run.warmup if k < run.warmup else 0.5 ** ((k - run.warmup) // 19))


def milestones(k: int, run: Run) -> float:
    return run.lr * 0.1 ** ((k >= run.cycle) + (k >= run.total))


def stable(decay: Callable[[float], float]) -> Curve:
    def curve(k: int, run: Run) -> float:
        if k < run.warmup:
            return run.lr * k / run.warmup
        return run.lr * decay(clamped((k - run.total + run.cycle) / run.cycle))

    return curve


def noam(k: int, run: Run) -> float:
    return run.lr * 512**-0.5 * min((k + 1) ** -0.5, (k + 1) * run.warmup**-1.5)


def inverse_sqrt(k: int, run: Run) -> float:
    return run.lr * (k / run.warmup if k < run.warmup else math.sqrt(run.warmup / k))


def exponential_warmup(k: int, run: Run) -> float:
    if k < run.warmup:
        return run.lr * 0.01 ** (1 - k / run.warmup)
    return run.lr * half_cosine(clamped((k - run.warmup) / (run.total - run.warmup)))


@pytest.mark.parametrize(
    ("curve", "family"),
    [
        (lambda k, run: run.lr, "constant"),
        (lambda k, run: 0.5, "constant"),
        (lambda k, run: run.lr * min(1.0, (k + 1) / run.warmup), "linear-warmup+constant"),
        (lambda k, run: run.lr * half_cosine(clamped(k / run.total)), "cosine"),
        (lambda k, run: run.lr * half_cosine(clamped((k + 1) / run.total)), "cosine"),
        (lambda k, run: run.floor + (0.5 - run.floor) * half_cosine(clamped(k / run.total)), "cosine"),
        (lambda k, run: run.lr * (1 - clamped(k / run.total)) ** 2, "poly"),
        (lambda k, run: run.lr * 0.97**k, "exponential"),
        (every_cycle, "linear-warmup+cosine-restarts"),
        (staircase, "step"),
        (warm_staircase, "linear-warmup+step"),
        (milestones, "multistep"),
        (stable(half_cosine), "linear-warmup+wsd"),
        (stable(lambda p: 1 - p), "linear-warmup+wsd"),
        (stable(lambda p: 1 - math.sqrt(p)), "linear-warmup+wsd"),
        (noam, "linear-warmup+inverse-sqrt"),
        (inverse_sqrt, "linear-warmup+inverse-sqrt"),
        (exponential_warmup, "exp-warmup+cosine"),
    ],
)
def test_every_bundled_family(curve: Curve, family: str) -> None:
    found = recognise(sampled(curve, RUNS))
    assert found.family == family
    expect_same_curve(found, curve)


def test_parameters_are_the_users_own_expressions() -> None:
    def curve(k: int, run: Run) -> float:
        warmup = run.warmup_epochs * run.batches
        return run.lr * (k / warmup if k < warmup else half_cosine(clamped((k - warmup) / (run.total - warmup))))

    found = recognise(sampled(curve, RUNS, hidden=("warmup",)))
    assert found.spec is not None
    assert found.spec.positional == ("total",)
    assert found.spec.keywords["warmup_steps"] in (
        "args.warmup_epochs * len(loader)",
        "len(loader) * args.warmup_epochs",
    )


def test_drops_that_go_on_past_the_samples_are_not_spelled_out_as_milestones() -> None:
    found = recognise(sampled(lambda k, run: run.lr * 0.5 ** ((k + 1) // 10), RUNS))

    assert found.spec is None
    assert found.reason is not None
    assert "go on past the simulated steps" in found.reason


def test_a_list_in_scope_gives_the_milestones() -> None:
    samples = [
        Sample(sample.lr, sample.base_lr, {"args.steps": [run.cycle, run.total], **sample.names})
        for sample, run in zip(sampled(milestones, RUNS), RUNS, strict=True)
    ]
    assert recognise(samples).parameters["milestones"] == "args.steps"


def test_truncation_in_the_users_expression_is_found() -> None:
    def curve(k: int, run: Run) -> float:
        warmup = int(0.3 * run.total)
        return run.lr * (k / warmup if k < warmup else half_cosine(clamped((k - warmup) / (run.total - warmup))))

    found = recognise(sampled(curve, RUNS))
    assert found.parameters["warmup_steps"] == "int(total * 0.3)"
    expect_same_curve(found, curve)


def test_a_warmup_of_zero_steps_in_one_scenario_is_still_a_warmup() -> None:
    def curve(k: int, run: Run) -> float:
        warmup = run.warmup - RUNS[0].warmup
        return run.lr * (k / warmup if k < warmup else half_cosine(clamped((k - warmup) / (run.total - warmup))))

    samples = [
        Sample(s.lr, s.base_lr, {"args.warmup": run.warmup - RUNS[0].warmup, **s.names})
        for s, run in zip(sampled(curve, RUNS), RUNS, strict=True)
    ]
    found = recognise(samples)
    assert found.family == "linear-warmup+cosine"
    assert found.spec is not None
    assert found.spec.keywords["warmup_steps"] == "args.warmup"


def test_a_floor_of_zero_in_one_scenario_is_still_the_floor() -> None:
    chosen = [Run(3, 53, 3, 0.13, 0.0), *RUNS[1:]]
    found = recognise(
        sampled(lambda k, run: run.floor + (run.lr - run.floor) * half_cosine(clamped(k / run.total)), chosen)
    )
    assert found.parameters == {"total_steps": "total", "eta_min": "args.min_lr"}
    assert found.spec is not None


def test_stairs_of_one_step_in_one_scenario_are_still_stairs() -> None:
    def rate(k: int, every: int) -> float:
        return 0.1 * (k + 1) / 7 if k < 7 else 0.1 * 0.93 ** ((k - 7) // every)

    samples = [Sample(tuple(rate(k, n) for k in range(90)), 0.1, {"every": n}) for n in (1, 4, 6)]
    found = recognise(samples)
    assert found.family == "linear-warmup+step"
    assert found.spec is not None
    assert found.spec.scheduler == "WarmupStepLR"
    assert found.spec.arguments["step_size"] == "every"


def warm(then: Curve) -> Curve:
    return lambda k, run: run.lr * (k / run.warmup if k < run.warmup else then(k, run))


@pytest.mark.parametrize(
    ("curve", "family", "reason"),
    [
        (warm(lambda k, run: half_cosine(clamped(k / run.total))), "linear-warmup+cosine", "counted from step 0"),
        (
            warm(lambda k, run: half_cosine((k - run.warmup) / (run.total - run.warmup))),
            "linear-warmup+cosine",
            "rises again past step",
        ),
        (warm(lambda k, run: max(0.1, 1 - PROGRESS["k/D"](k, run) ** 3)), "linear-warmup+other", "no such curve"),
        (
            warm(lambda k, run: (run.total - k) / (run.total - run.warmup)),
            "linear-warmup+linear",
            "below zero past step",
        ),
        (lambda k, run: run.lr * abs(1 - k / run.total), "linear", "rises again past step"),
        (lambda k, run: run.lr * (1 - k / run.total) ** 2, "poly", "rises again past step"),
        (
            lambda k, run: run.lr * (0.5 * k / run.warmup if k < run.warmup else half_cosine(PROGRESS["k/D"](k, run))),
            "linear-warmup+cosine",
            "do not meet",
        ),
        (lambda k, run: run.lr * half_cosine(clamped((k // 4) / run.total)), "cosine", "only every 4 steps"),
        (lambda k, run: run.lr * (k + 1), "linear", "never arrives"),
        (
            lambda k, run: run.floor / 2 + run.lr * (1 - abs(k % (2 * run.cycle) / run.cycle - 1)),
            "cyclic",
            "no such curve",
        ),
        (lambda k, run: float("nan") if k == 5 else run.lr, "other", "step 5 is nan"),
    ],
)
def test_a_curve_the_bundled_schedulers_do_not_have_gets_its_family_and_a_reason(
    curve: Curve, family: str, reason: str
) -> None:
    found = recognise(sampled(curve, RUNS))
    assert found.family == family
    assert found.spec is None
    assert reason in (found.reason or "")


def test_a_number_without_an_expression_is_named() -> None:
    found = recognise(sampled(lambda k, run: run.lr * half_cosine(clamped(k / (run.total**2 % 97 + 60))), RUNS))
    assert (found.family, found.spec) == ("cosine", None)
    assert "total_steps" not in found.parameters
    assert "total_steps" in (found.reason or "")


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shape=st.sampled_from(sorted(SHAPES)), change=st.sampled_from([1e-9, -1e-6, 0.01]))
def test_one_rate_that_differs_in_one_scenario_costs_the_construction(
    data: st.DataObject, shape: str, change: float
) -> None:
    samples = sampled(warm(lambda k, run: SHAPES[shape](PROGRESS["k/D"](k, run))), RUNS)
    which = data.draw(st.integers(0, len(samples) - 1))
    step = data.draw(st.integers(0, len(samples[which].lr) - 1))
    changed = list(samples[which].lr)
    changed[step] += change * RUNS[which].lr
    samples[which] = Sample(tuple(changed), samples[which].base_lr, samples[which].names)
    found = recognise(samples)
    assert found.spec is None
    assert found.reason


@pytest.mark.parametrize("offset", [-1, 1])
def test_a_horizon_off_by_one_in_the_code_is_off_by_one_in_the_construction(offset: int) -> None:
    def curve(k: int, run: Run) -> float:
        return run.lr * (1 - clamped(k / (run.total + offset)))

    expect_same_curve(recognise(sampled(curve, RUNS)), curve)


def test_samples_are_required() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        recognise([])


def test_the_construction_is_accepted_by_the_bundled_scheduler() -> None:
    torch = pytest.importorskip("torch")
    from lrfix import schedulers

    for curve in (every_cycle, warm_staircase, noam, exponential_warmup, milestones, stable(half_cosine)):
        spec = recognise(sampled(curve, RUNS)).spec
        assert spec is not None
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=FRESH.lr)
        positional = [eval(text, FRESH.namespace) for text in spec.positional]
        keywords = {name: eval(text, FRESH.namespace) for name, text in spec.keywords.items()}
        scheduler = getattr(schedulers, spec.scheduler)(optimizer, *positional, **keywords)
        for k in range(60):
            assert optimizer.param_groups[0]["lr"] == pytest.approx(curve(k, FRESH), rel=1e-11, abs=1e-16)
            optimizer.step()
            scheduler.step()


@settings(max_examples=200, deadline=None)
@given(
    lr=st.lists(st.one_of(st.sampled_from([0.0, 0.1, 0.2, 1.0, -1.0]), st.floats()), min_size=2, max_size=40),
    base=st.sampled_from([0.1, 0.0, -1.0]),
    number=st.sampled_from([3, 10**400, math.inf, math.nan, 1e300, 5e-324, -1e-200]),
)
def test_any_numbers_at_all_get_an_answer_that_either_constructs_or_explains(
    lr: list[float], base: float, number: float
) -> None:
    found = recognise([Sample(tuple(lr), base, {"n": 3, "none": None, "no expression": 1, "total_steps": number})] * 3)
    assert found.family
    assert (found.spec is None) == (found.reason is not None)


SWEEP = [(math.cos(math.pi * (k % 20) / 20) - 1) / 2 for k in range(80)]


@pytest.mark.parametrize(
    "lr",
    [
        pytest.param(SWEEP, id="cycles with a peak of nothing"),
        pytest.param([1e-170 / (1 + k % 7) for k in range(50)] + [0.1], id="squares that underflow"),
        pytest.param([1.0, 1.0 + 1e-9, -1e-9, *(1 - k / 30 for k in range(1, 20))], id="a ratio below zero"),
        pytest.param([1e-200, 1e200, *(1e200 * (1 - k / 9) for k in range(1, 10))], id="a ratio beyond float"),
    ],
)
def test_numbers_at_the_ends_of_float_are_recognised_or_not(lr: list[float]) -> None:
    names: dict[str, object] = {"n": 3, "tiny": 1e-300, "huge": 1e300, "timescale": 5e-324}
    found = recognise([Sample(tuple(lr), 0.1, names)] * 2)
    assert (found.spec is None) == (found.reason is not None)
