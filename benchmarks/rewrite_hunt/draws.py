"""Values by the spelling of names alone: one setting for the old text and the new one."""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

POSITIONS = re.compile(
    r"^(cur(r|rent)?_?)?(global_?)?(i|e|it|itr|iter|iters|iteration|iter_num|niter|n_iter|i_iter|epoch|epoch_num|step|"
    r"step_num|steps_done|n_steps|num_updates|num_steps_done|t|k|n|x|cur_iters|last_epoch|batch_idx|tokens|step_count)$|"
    r"^_?(cur|curr|current|global|last)_?(it|iter|iters|step|steps|epoch|epochs|iteration|lr_step)$"
)
OPTIMIZERS = re.compile(r"optim|^opt(_[a-z])?$|^optimizer", re.IGNORECASE)
OPTIONS = re.compile(r"^(args?|cfg|conf|config|opts?|options|hparams?|hps|flags|self|params|c|p)$", re.IGNORECASE)


class Absorbing:
    """Whatever an import that is not to be had would give: calls and attributes of it are more of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absorbing()

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        # As a decorator it changes nothing.
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) and not keywords else Absorbing()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, key: Any) -> Any:
        return Absorbing()


class Options:
    """An object whose every attribute and item has a value by its name; what is written to it is kept."""

    def __init__(self, draw: Draw, prefix: str) -> None:
        vars(self).update(_draw=draw, _prefix=prefix, _values={}, _written=set())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._values:
            self._values[name] = self._draw.value(name, self._prefix)
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = value
        self._written.add(name)

    def __getitem__(self, name: Any) -> Any:
        return getattr(self, name) if isinstance(name, str) else Options(self._draw, f"{self._prefix}[{name}]")

    def __setitem__(self, name: Any, value: Any) -> None:
        setattr(self, str(name), value)

    def __contains__(self, name: str) -> bool:
        return name in self._values or self._draw.chance(f"in {name}") < 0.5

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name) if name in self else default

    def written(self) -> dict[str, Any]:
        return {name: self._values[name] for name in sorted(self._written)}


@dataclass
class Draw:
    """One setting: the value of each name is drawn once, by seed and name, the same for old and new."""

    seed: int
    texts: dict[str, list[str]]
    whole: set[str]
    objects: frozenset[str] = frozenset()
    groups: int = 0
    drawn: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = 1 + self.seed % 3
        self.fractional = self.seed % 4 == 1
        r = random.Random(self.seed)
        self.total = r.choice([0, 1, 2, 7, 20, 37, 60, 90, 100, 150, r.randint(3, 200)])
        self.epochs = r.choice([1, 2, 5, 10, 30, 40])

    def chance(self, name: str) -> float:
        return random.Random(f"{self.seed}:{name}").random()

    def value(self, name: str, prefix: str = "") -> Any:
        key = name if OPTIONS.match(name) or OPTIMIZERS.search(name) else name.lower().strip("_")
        if key not in self.drawn:
            self.drawn[key] = self._value(key, f"{prefix}{name}.")
        return self.drawn[key]

    def _value(self, name: str, path: str) -> Any:
        r = random.Random(f"{self.seed}:{name}")
        low = name.lower()
        if low in self.texts:
            return r.choice(self.texts[low])
        if OPTIMIZERS.search(low) and not low.endswith(("_lr", "type", "name", "config", "cfg")):
            return self.optimizer()
        if OPTIONS.match(low) or name in self.objects:
            return Options(self, path)
        if low in ("param_group", "group", "g", "param", "pg"):
            return Options(self, path)
        if low == "param_groups":
            return self.optimizer().param_groups
        if "loader" in low or low in ("dataset", "data_iter", "batches"):
            return range(r.choice([1, 3, 10, 25]))
        if "milestone" in low or low in ("schedule", "lr_steps", "lr_decay_epochs", "decay_epochs", "step_epochs"):
            return sorted(r.sample(range(1, 120), r.randint(0, 4)))
        if re.search(r"ratio|fraction|pct|percent|frac_|_frac", low):
            return r.choice([0.0, 0.05, 0.1, 0.3, 0.5, 1.0])
        if re.search(r"gamma|decay_rate|decay_factor|lr_decay$|drop$", low):
            return r.choice([0.1, 0.5, 0.9, 0.97, 1.0])
        if re.search(r"power|exp$|exponent", low):
            return r.choice([0.9, 1, 2, 0.5, 1.0, 3])
        if re.search(r"cycles?$|num_cycles", low):
            return r.choice([0.5, 0.5, 1, 2, 0.25])
        if re.search(r"mult", low):
            return r.choice([1, 1, 2, 3])
        if re.search(r"factor|scale|multiplier|alpha$", low):
            return r.choice([1, 1.0, 0.5, 2, 0.1, 0.0])
        if re.search(r"d_model|embed|hidden", low):
            return r.choice([1, 16, 128, 512])
        if low.startswith(("use_", "is_", "do_", "no_")) or low in ("cos", "cosine", "verbose", "decay", "decay_lr"):
            return r.choice([True, False])
        if re.search(r"(steps|epochs?|iters?|iterations)$", low) and not re.search(r"warm|ramp", low):
            return self._length(name, self.total, r)
        if re.search(r"lr|rate|eta|peak|base_value|final_value|start_warmup_value", low) and "iter" not in low:
            if re.search(r"min|final|end|floor|target", low):
                return r.choice([0, 0.0, 1e-6, 1e-5, 1e-4])
            if re.search(r"warm|start", low):
                return r.choice([0, 0.0, 1e-6, 1e-4])
            return r.choice([0.1, 1e-3, 3e-4, 1.0, 0.05])
        if re.search(r"min|floor|lowest|final", low) and "step" not in low and "ep" not in low:
            return r.choice([0, 0.0, 1e-6, 0.01, 0.1])
        if re.search(r"warm|rampup|ramp", low):
            return self._length(name, r.choice([0, 0, 1, 2, 5, self.total // 4, self.total // 2, self.total]), r)
        if re.search(r"epochs?$", low) and not POSITIONS.match(low):
            return self._length(name, self.epochs, r)
        if re.search(r"total|max|num_|iters|iterations|steps|horizon|length|t_max|t_0|duration|n_iter", low):
            return self._length(name, self.total, r)
        if re.search(r"size|every|interval|period|freq|batches|accum|world", low):
            return r.choice([1, 3, 10, 30])
        return r.choice([1, 2, 3, 5, 0.5])

    def _length(self, name: str, length: int, r: random.Random) -> float:
        if not self.fractional or name in self.whole or not length:
            return length
        return length * r.choice([0.06, 0.5, 1.37, 1.0]) + r.choice([0.0, 0.5, 0.25])

    def optimizer(self, salt: int = 0) -> torch.optim.Optimizer:
        if f"<optimizer {salt}>" not in self.drawn:
            r = random.Random(f"{self.seed}:bases")
            bases = [r.choice([0.1, 3e-4, 1.0, 0.02, 7.0]) for _ in range(self.groups)]
            groups: list[dict[str, Any]] = [
                {"params": [torch.nn.Parameter(torch.ones(1))], "lr": base, "initial_lr": base, "base_lr": base}
                for base in bases
            ]
            for i, group in enumerate(groups):
                group.update(lr_mult=(1.0, 0.3, 10.0)[i], lr_multiplier=(0.5, 1.0, 2.0)[i], fix_lr=i % 2 == 1)
                if (self.seed + i) % 2:
                    group["lr_scale"] = 0.5 + i
            self.drawn[f"<optimizer {salt}>"] = torch.optim.SGD(groups, lr=0.1)
        found: torch.optim.Optimizer = self.drawn[f"<optimizer {salt}>"]
        return found


def spelled_texts(tree: ast.AST) -> dict[str, list[str]]:
    """What names are compared with, where that is text."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name | ast.Attribute):
            name = (node.left.id if isinstance(node.left, ast.Name) else node.left.attr).lower().strip("_")
            for other in node.comparators:
                parts = other.elts if isinstance(other, ast.List | ast.Tuple | ast.Set) else [other]
                texts = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
                if texts:
                    found.setdefault(name, []).extend(texts)
    return found


def whole_numbers(text: str) -> set[str]:
    """Names that the file says are whole numbers."""
    found = set(re.findall(r"(\w+)\s*:\s*int\b", text))
    for option, rest in re.findall(r"add_argument\(\s*['\"]--([\w-]+)['\"]([^)]*)", text):
        if re.search(r"type\s*=\s*int", rest):
            found.add(option.replace("-", "_").lower())
    return found | {name.lower() for name in found}


def end_of(drawn: dict[str, Any]) -> float:
    """Where training ends, by the spelling of the lengths."""
    found = [
        v
        for k, v in drawn.items()
        if isinstance(v, int | float)
        and re.search(r"total|max|num_|epochs|iter|steps|t_0|length", k)
        and not re.search(r"warm|lr$|rate|cycle", k)
        and not POSITIONS.match(k)
    ]
    return max(map(float, found), default=math.inf)
