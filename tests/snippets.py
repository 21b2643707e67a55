"""The snippet that lrfix started from, in the spellings that people give it: a LambdaLR subclass with four faults.

A counter that guards the schedule is advanced where nothing gets to (LR102), so that the guard always holds; `get_lr`
never asks the schedule (LR104), so that the rate never changes (LR105); and were the schedule asked, it would multiply
its own cycle length (LR101).
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace

MODULE = "torch.optim.lr_scheduler"
NAMES = {
    "cls": "CosineAnnealingWarmUpRestarts",
    "first": "T_0",
    "mult": "T_mult",
    "peak": "eta_max",
    "warm": "T_warmup",
    "cycles": "cycle_count",
    "inner": "cycle_iterations",
    "total": "total_iterations",
    "fn": "lr_lambda",
    "step": "step",
}


@dataclass(frozen=True)
class Spelling:
    """How to write the snippet. Each field but ``names`` is a key of the table of the same name below."""

    names: dict[str, str] = field(default_factory=lambda: dict(NAMES))
    get_lr: str = "comprehension"
    body: str = "else"
    guard: str = "zero"
    mutation: str = "augmented"
    advance: str = "augmented"
    construction: str = "super"
    order: str = "written"
    place: str = "module"
    hints: str = "none"
    stepped: str = "per batch"

    def but(self, **changes: str) -> Spelling:
        return replace(self, **changes)  # type: ignore[arg-type]


GET_LR = {
    "comprehension": 'return [group["lr"] for group in self.optimizer.param_groups]  #LR104',
    "loop": """\
rates = []
for group in self.optimizer.param_groups:
    rates.append(group["lr"])
return rates
""",
    "map": 'return list(map(lambda group: group["lr"], self.optimizer.param_groups))',
    "base rates": "return [base * 1.0 for base in self.base_lrs]",
}
GUARD = {
    "zero": "self.{total} == 0 or {step} == 0",
    "swapped": "{step} == 0 or self.{total} == 0",
    "not": "not self.{total} or not {step}",
    "below one": "{step} < 1 or self.{total} < 1",
}
MUTATION = {
    "augmented": "self.{first} *= self.{mult}  #LR101",
    "assigned": "self.{first} = self.{first} * self.{mult}  #LR101",
    "rounded": "self.{first} = int(self.{first} * self.{mult})  #LR101",
}
ADVANCE = {
    "augmented": "self.{total} += 1  #LR102",
    "assigned": "self.{total} = self.{total} + 1  #LR102",
}
COSINE = "0.5 * (math.cos(math.pi * self.{inner} / length) + 1) * self.{peak}"
BODY = {
    "else": """\
if GUARD:
    return 1.0
elif {step} <= self.{warm}:
    return {step} / self.{warm}
else:
    {step} = {step} - self.{warm}
    length = self.{first} * (self.{mult} ** self.{cycles})
    if {step} >= length:
        self.{cycles} += 1
        self.{inner} = 0
        MUTATION
        return self.{peak}
    else:
        self.{inner} += 1
        return COSINE
ADVANCE
return self.{fn}
""",
    "early returns": """\
if GUARD:
    return 1.0
if {step} <= self.{warm}:
    return {step} / self.{warm}
{step} -= self.{warm}
length = self.{first} * self.{mult} ** self.{cycles}
if {step} >= length:
    self.{cycles} += 1
    self.{inner} = 0
    MUTATION
    return self.{peak}
self.{inner} += 1
return COSINE
ADVANCE
""",
    "one conditional": """\
if GUARD:
    return 1.0
elif {step} > self.{warm}:
    since = {step} - self.{warm}
    length = self.{first} * self.{mult} ** self.{cycles}
    if since >= length:
        self.{cycles}, self.{inner} = self.{cycles} + 1, 0
        MUTATION
    else:
        self.{inner} += 1
    return self.{peak} if since >= length else COSINE
else:
    return {step} / self.{warm}
ADVANCE
""",
    "loop": """\
if GUARD:
    return 1.0
elif {step} <= self.{warm}:
    return {step} / self.{warm}
else:
    {step} -= self.{warm}
    length = self.{first} * self.{mult} ** self.{cycles}
    while {step} >= length:
        {step} -= length
        self.{cycles} += 1
        MUTATION
        length = self.{first} * self.{mult} ** self.{cycles}
    return 0.5 * (math.cos(math.pi * {step} / length) + 1) * self.{peak}
ADVANCE
""",
}
CONSTRUCTION = {
    "super": "super().__init__(optimizer, self.{fn}, last_epoch)",
    "keywords": "super().__init__(optimizer, lr_lambda=self.{fn}, last_epoch=last_epoch)",
    "old super": "super({cls}, self).__init__(optimizer, self.{fn}, last_epoch)",
    "named base": "LambdaLR.__init__(self, optimizer, self.{fn}, last_epoch)",
    "list": "super().__init__(optimizer, [self.{fn}] * len(optimizer.param_groups), last_epoch)",
    "lambda": "super().__init__(optimizer, lambda {step}: self.{fn}({step}), last_epoch)",
}
ORDER = {
    "written": (0, 1, 2),
    "schedule first": (2, 0, 1),
    "constructor last": (1, 2, 0),
    "schedule between": (0, 2, 1),
}
PLACE = ("module", "function", "builder")
HINTS = {
    "none": "self, optimizer, {first}, {mult}=1, {peak}=0.1, {warm}=0, last_epoch=-1",
    "hints": "self, optimizer: Optimizer, {first}: int, {mult}: int = 1, {peak}: float = 0.1, {warm}: int = 0, "
    "last_epoch: int = -1",
    "keyword-only": "self, optimizer, *, {first}, {mult}=1, {peak}=0.1, {warm}=0, last_epoch=-1",
    "reordered": "self, optimizer, {warm}, {peak}, {first}, {mult}=2, last_epoch=-1",
}
STEPPED = ("per batch", "per epoch")


def written(spelling: Spelling) -> tuple[str, list[tuple[int, str]]]:
    """The script, and (line, code) of the four faults in it."""
    names = {**spelling.names}
    body = BODY[spelling.body]
    for slot, text in (
        ("GUARD", GUARD[spelling.guard]),
        ("MUTATION", MUTATION[spelling.mutation]),
        ("ADVANCE", ADVANCE[spelling.advance]),
        ("COSINE", COSINE),
    ):
        body = body.replace(slot, text)
    hinted = spelling.hints == "hints"
    definitions = [
        "def __init__(" + HINTS[spelling.hints] + ")" + (" -> None" if hinted else "") + ":\n"
        + textwrap.indent(
            "".join(f"self.{{{slot}}} = {{{slot}}}\n" for slot in ("first", "mult", "peak", "warm"))
            + "".join(f"self.{{{slot}}} = 0\n" for slot in ("cycles", "inner", "total"))
            + CONSTRUCTION[spelling.construction],
            "    ",
        ),
        "def get_lr(self)" + (" -> list[float]" if hinted else "") + ":  #LR104\n"
        + textwrap.indent(GET_LR[spelling.get_lr].replace("  #LR104", ""), "    "),
        "def {fn}(self, {step}" + (": int) -> float" if hinted else ")") + ":\n" + textwrap.indent(body, "    "),
    ]  # fmt: skip
    methods = "\n\n".join(definitions[i].rstrip() for i in ORDER[spelling.order])
    cls = "class {cls}(LambdaLR):  #LR105\n" + textwrap.indent(methods, "    ")
    built = "{cls}(optimizer, {first}=100, {mult}=2, {peak}=0.1, {warm}=10)"
    step = " " * (8 if spelling.stepped == "per batch" else 4) + "scheduler.step()"
    loop = f"for epoch in range(30):\n    for batch in range(8):\n        optimizer.step()\n{step}\n"
    optimizer = "net = torch.nn.Linear(3, 1)\noptimizer = torch.optim.Adam(net.parameters(), lr=1e-3)\n"
    head = f"import math\n\nimport torch\nfrom torch.optim import Optimizer\nfrom {MODULE} import LambdaLR\n\n\n"
    if spelling.place == "module":
        text = f"{head}{cls}\n\n\n{optimizer}scheduler = {built}\n{loop}"
    elif spelling.place == "function":
        inner = textwrap.indent(f"{cls}\n\n{optimizer}scheduler = {built}\n{loop}", "    ")
        text = f"{head}def main():\n{inner}\n\nmain()\n"
    else:
        inner = textwrap.indent(f"{cls}\n\nreturn {built}\n", "    ")
        text = f"{head}def build(optimizer):\n{inner}\n\n{optimizer}scheduler = build(optimizer)\n{loop}"
    text = text.format_map(names)
    lines = [line.rstrip() for line in text.splitlines()]
    marks = [(number, line[-5:]) for number, line in enumerate(lines, 1) if line[-6:-3] == "#LR"]
    return "\n".join(line[:-6].rstrip() if line[-6:-3] == "#LR" else line for line in lines) + "\n", marks
