"""Wrong calls inside functions and methods of schedulers that stay, for wrong_rewrites.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lrfix.rewriting.in_place.calls import Call
from lrfix.rewriting.in_place.planning import Search
from lrfix.rewriting.in_place.regions import Region
from lrfix.rewriting.in_place.sampling import Formula

Choose = Callable[[Search, Sequence[Region], Sequence[str]], Formula | None]

#: Schedulers that have to stay, with formulas in what they ask: one falsified call for each row below.
HELD = {
    "branches": """
        def train(optimizer, args, model):
            if args.cos:
                lf = lambda x: (1 + math.cos(x * math.pi / args.epochs)) / 2 * (1 - args.lrf) + args.lrf
            else:
                def lf(x):
                    return (1 - x / args.epochs) * (1.0 - args.lrf) + args.lrf
            scheduler = LambdaLR(optimizer, lr_lambda=lf)
            optimizer.add_param_group({"params": model.head.parameters()})
            for epoch in range(args.epochs):
                scheduler.step()
    """,
    "groups": """
        def build(optimizer, total, warmup):
            return LambdaLR(optimizer, [lambda k: min(1.0, k / warmup), lambda k: max(0.0, 1 - k / total)])
    """,
    "each": """
        class Poly(LRScheduler):
            def __init__(self, optimizer, warmup, total, power, floor, share):
                self.warmup, self.total, self.power, self.floor, self.share = warmup, total, power, floor, share
                super().__init__(optimizer)

            def __repr__(self):
                return "Poly"

            def get_lr(self):
                if self.last_epoch < self.warmup:
                    up = self.share + (1 - self.share) * self.last_epoch / self.warmup
                    return [self.floor + (base - self.floor) * up for base in self.base_lrs]
                done = min(1.0, (self.last_epoch - self.warmup) / (self.total - self.warmup))
                return [self.floor + (base - self.floor) * (1 - done) ** self.power for base in self.base_lrs]
    """,
    "ramp": """
        class Ramped(LRScheduler):
            def __init__(self, optimizer, warmup, epochs):
                self.warmup, self.epochs = warmup, epochs
                super().__init__(optimizer)

            def __repr__(self):
                return "Ramped"

            def get_lr(self):
                factor = self.factor(self.last_epoch)
                return [base * factor for base in self.base_lrs]

            def factor(self, epoch):
                factor = 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
                if epoch <= self.warmup:
                    factor *= epoch / self.warmup
                return factor
    """,
}
WRONG_CALLS: list[tuple[str, str, dict[str, str | None]]] = [
    ("a step too many", "branches", {"total_steps": "args.epochs + 1"}),
    ("a step too few", "branches", {"total_steps": "args.epochs - 1"}),
    ("the floor lost", "branches", {"eta_min": None}),
    ("floor and peak exchanged", "branches", {"eta_min": "1.0", "peak": "args.lrf"}),
    ("the floor a clamp", "branches", {"eta_min_mode": '"clamp"'}),
    ("the other branch", "branches", {"function": "other"}),
    ("the other group", "groups", {"function": "other"}),
    ("a warmup counted from one", "groups", {"warmup_progress": '"(k+1)/W"'}),
    ("the other group's length", "groups", {"warmup_steps": "total", "total_steps": "warmup"}),
    ("a step too many", "each", {"total_steps": "self.total + 1"}),
    ("the warmup lost", "each", {"warmup_steps": None, "warmup_start": None}),
    ("the warmup a step longer", "each", {"warmup_steps": "self.warmup + 1"}),
    ("the warmup from its share", "each", {"warmup_start": "base * self.share"}),
    ("the warmup from nothing", "each", {"warmup_start": None}),
    ("floor and peak exchanged", "each", {"peak": "self.floor", "eta_min": "base"}),
    ("the floor lost", "each", {"eta_min": None}),
    ("the first group for all", "each", {"peak": "self.base_lrs[0]"}),
    ("the power lost", "each", {"power": None}),
    ("the decay counted from its ramp", "ramp", {"warmup_steps": "self.warmup"}),
    ("half the length", "ramp", {"total_steps": "self.epochs / 2"}),
    ("a line for a cosine", "ramp", {"function": "warmup_linear"}),
    ("the floor of another schedule", "ramp", {"eta_min": "0.01"}),
]  # fmt: skip
_BOTH = {"warmup_cosine": "warmup_linear", "warmup_linear": "warmup_cosine"}
#: Sound schedulers that stay, and that tell their formulas more than the steps: a call is no call of theirs.
TOLD = {
    "fractions": ("scheduler.step()", "scheduler.step(epoch + model.done / len(model.batches))"),
    "steps below nothing": ("scheduler.step()", "scheduler.step(epoch - args.warmup)"),
    "a fraction by hand": ("scheduler.step()", "scheduler.step(); lf(epoch + 0.5)"),
    "steps past its end": ("range(args.epochs)", "range(args.epochs + 50)"),
}


def falsified(right: Choose, which: str, changes: Mapping[str, str | None]) -> Choose:
    """A choice of formulas that takes the right ones, with every call of them changed."""

    def wrong(search: Search, candidates: Sequence[Region], parameters: Sequence[str]) -> Formula | None:
        found = right(search, candidates, parameters)
        if found is None:
            return None
        arguments = {**found.call.arguments, **{k: v for k, v in changes.items() if k != "function"}}
        function = changes.get("function") or found.call.function
        if function == "other" and which == "branches":
            function = _BOTH[found.call.function]
        elif function == "other":
            rises = found.call.function == "warmup_constant"
            function = "warmup_linear" if rises else "warmup_constant"
            arguments = {"total_steps": "total"} if rises else {"warmup_steps": "warmup"}
        kept = {name: text for name, text in arguments.items() if text is not None}
        return replace(found, call=Call(function, found.call.step, kept))

    return wrong


__all__ = ["HELD", "TOLD", "WRONG_CALLS", "falsified"]
