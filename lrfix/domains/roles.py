"""The field's vocabulary: from the name of a value to the part it plays in a schedule.

This is the one table that knows names. It holds general terms (warmup, horizon, floor ...), never a
name of some project. A role only decides which values are plausible; what a schedule is, the curve tells.
"""

from __future__ import annotations

import ast
import re
from enum import Enum
from functools import lru_cache


class Role(str, Enum):
    """What a value is for. Lengths are in steps unless the role says epochs."""

    WARMUP = "warmup"
    WARMUP_EPOCHS = "warmup_epochs"
    WARMUP_FRACTION = "warmup_fraction"
    WARMUP_START = "warmup_start"
    WARMUP_FACTOR = "warmup_factor"
    HORIZON = "horizon"
    EPOCHS = "epochs"
    DECAY_LENGTH = "decay_length"
    LOADER_LENGTH = "loader_length"
    CYCLE = "cycle"
    CYCLE_MULT = "cycle_mult"
    CYCLES = "cycles"
    STEP_SIZE = "step_size"
    HOLD = "hold"
    MILESTONES = "milestones"
    BASE_RATE = "base_rate"
    PEAK = "peak"
    FLOOR = "floor"
    FLOOR_RATIO = "floor_ratio"
    POWER = "power"
    GAMMA = "gamma"
    WIDTH = "width"
    COUNT = "count"
    FRACTION = "fraction"
    INCREMENT = "increment"
    LAST_EPOCH = "last_epoch"
    UNKNOWN = "unknown"


_RULES: tuple[tuple[str, Role], ...] = (
    (r"^estimated_.*(steps|batches|iters)$", Role.HORIZON),
    (r"decay_?(start|begin|from|after)|(start|begin)_?decay|(^|_)decay_epoch$", Role.HOLD),
    (
        r"last_?epoch|last_?step|last_?iter|start_epoch|start_step|start_iter|(epoch|step|iter)_(begin|start)$|begin_(epoch|step|iter)$|resume",
        Role.LAST_EPOCH,
    ),
    (r"warm.*(fraction|ratio|prop|proportion|pct|percent|percentage)|pct_start", Role.WARMUP_FRACTION),
    (
        r"(cool_?down|decay|stable|constant|hold|anneal|annealing|plateau|flat|linear|cosine|cos)_?((steps|iters)_)?(fraction|frac|pct|percent|percentage|proportion|portion)$|(cool_?down|stable|constant|hold|plateau|flat)_?ratio$",
        Role.FRACTION,
    ),
    (r"(warm|ramp)_?down.*(fraction|frac|ratio|pct|percent|percentage|proportion|portion)$", Role.FRACTION),
    (r"(warm|ramp)_?down", Role.DECAY_LENGTH),
    (r"warm.*_(end|final|peak|max|target)_?(lr|rate|value)|warm.*_?(lr|rate|value)_(end|final|max)$", Role.PEAK),
    (
        r"warm.*(start|init|begin|min).*(lr|rate|value)|warm.*(lr|rate).*(start|init|begin|min)|(start|init|begin|initial)_?warm.*(lr|rate|value)|^start_warmup$|(start|init|initial)_lr_warm|warm.*(lr|rate)$",
        Role.WARMUP_START,
    ),
    (
        r"warm.*(factor|multiplier|scale|power|decay|coef)|start_factor|init_factor|(init|initial|start|starting)_(lr|rate|learning_rate)_(pct|percent|ratio|factor|frac|fraction|scale)$",
        Role.WARMUP_FACTOR,
    ),
    (r"warm(_?up)?_from$", Role.WARMUP_START),
    (r"warm(_?up)?_to$", Role.PEAK),
    (r"(^|_)div_?(isor|factor)?$|divisor", Role.UNKNOWN),
    # Where training stands, counted through all of its epochs.
    (r"(total|all|global)_?(cur|current|done|passed|elapsed)(_|$)|(cur|current)_total(_|$)", Role.UNKNOWN),
    (r"warm.*(method|mode|type|policy|strategy|schedule|prefix|fn|func)$", Role.UNKNOWN),
    (r"(^|_)peak_?epochs?$", Role.WARMUP_EPOCHS),
    (r"(^|_)peak_?(steps?|iters?|iterations?)$", Role.WARMUP),
    (r"warm.*epoch|epoch.*warm|ep_?warm|warm_?ep$|rampup_epoch", Role.WARMUP_EPOCHS),
    (
        r"warm|ramp_?up|^t_?up$|(^|_)burn(_?in)?|(^|_)delay_?(steps|iters)$|^(n_?)?ramp(_?(steps|iters|len|length|epochs))?$",
        Role.WARMUP,
    ),
    (r"t_?mult|cycle_?mult|mult_factor|cycle_factor|cycle_mul|mul_factor", Role.CYCLE_MULT),
    (
        r"t_?0$|t0$|t_i$|ti$|cycle_?(len|length|steps|size|epochs|iter|iters|step)|(first|init|initial)_cycle|restart_(period|every|interval|step|steps)|^periods?$|period_",
        Role.CYCLE,
    ),
    (r"n_?cycles|num_?cycles|cycles$|n_restarts|num_restarts", Role.CYCLES),
    (r"milestone|decay_epochs|lr_steps|lr_decay_epochs|boundaries", Role.MILESTONES),
    (
        r"step_?(size|length)|^step_epochs?$|^decay_t$|decay_?(step|every|interval|period)$|decay_iter$|lr_step$|lr_decay_step$",
        Role.STEP_SIZE,
    ),
    (
        r"(min|final|end|eta_min|floor|target|lr_min|lower).*(ratio|factor|frac|fraction|mult|scale|pct)|(ratio|factor|frac|fraction|mult|scale).*(min|final|end|floor)|^lrf$|^eta_(ratio|factor|mult)$|alpha_f|min_factor|min_scale|(lowest|smallest|min|minimum|final)_(lr_)?decay$",
        Role.FLOOR_RATIO,
    ),
    (
        r"(min|minimum|minimal|smallest|final|end|ending|target|floor|lowest|low|last|clamp)_?(lr|rate|learning)|(lr|rate|learning_rate)_?(min|final|end|floor|last|low|target)|eta_?min|lr_?min|min_?lr|^lr_?end|end_?value|final_?value|min_value|annealing_?to|(^|_)lr_[a-z0-9]_(min|end)$|(^|_)(min|minimum|final|end)_(decay|decayed|cosine|annealing|cooldown|schedule)_(lr|rate|learning_rate)$",
        Role.FLOOR,
    ),
    (
        r"(max|maximum|maximal|largest|peak|top|high|highest|upper)_?(lr|rate|learning|value)|(lr|rate|learning_rate)_?(max|peak|high)|eta_?max|lr_?max|max_?lr|peak",
        Role.PEAK,
    ),
    (
        r"(len|length|num|n)_?.*(loader|batches)|loader_?(len|length|size)$|len_?(of_?)?(train|data|loader|epoch$)|ep_len|^n_?b(atch)?$|(steps|iters|iterations|batches|itr|iter|step)_?per_?epoch|epoch_?(len|length|size|steps|iters|iterations|batches)$|num_batch(es)?$|n_?iters?_per|per_epoch|per_ep$|batches_per|train_len|nb_batches",
        Role.LOADER_LENGTH,
    ),
    (r"(hold|constant|plateau|flat|stable|keep)_?(steps?|iters?|epochs?|len|length|updates)$", Role.HOLD),
    (
        r"decay_?(steps|iters|iterations|episodes|length|len|duration)|^t_decay$|anneal.*(steps|iters|length)|lr_decay_(steps|iters)|cos_(steps|iters)|cooldown|^(n_?)?cool(_?(steps|iters|len|length|epochs))?$",
        Role.DECAY_LENGTH,
    ),
    (
        r"^t_?max$|^t_initial$|tmax|total|max_?(step|iter|itr|update|epoch|num|train)|(num|n|nb|all)_?(train|training|total|update|optimi[sz]ation).*(step|iter|update|itr)|n_?iter|max_it|num_(steps|iter|iters|iterations|updates)|(train|training|stop)_?(steps|iters|iterations|itrs)|^steps$|^iters$|^iterations$|horizon|^n_steps$|num_training|^(max|train|training|run)_duration$|(final|train|training|decay|exit|stop|end|max|target)_(tokens|samples|examples|images)$|^(final|last)_(steps?|iters?|iterations?|updates?)$",
        Role.HORIZON,
    ),
    (r"epoch|episodes$", Role.EPOCHS),
    (r"(^|_)(power|exponent|pow|poly)(_|$)|^p$|lr_?power|poly_?exp|exp_factor|decay_exp$", Role.POWER),
    (
        r"gamma|(decay|anneal|annealing|step)_?(ratio)$|(decay|anneal|annealing)_?(rate|factor|ratio|coef|mult)|lr_?decay$|lr_?gamma|^decay$|factor_decay|decay_lr",
        Role.GAMMA,
    ),
    (
        r"base_?(lr|rate|learning|value$)|(^|_)(lr|learning_?rate|eta|lrate)($|_?0$|_?base|_?init)|init_?(ial)?_?(lr|learning)|initial_(lr|learning)|start_?(ing)?_?(lr|learning)|^lr0?$|lr_?init|lr_?start|(^|_)lr$|learning_rate|(^|_)lr_[a-z0-9]$|^lr[1-9]$|^(initial|init|base|start)_value$",
        Role.BASE_RATE,
    ),
    (r"d_?model|model_?(size|dim|width)|hidden_?(size|dim)|dim|embed|width", Role.WIDTH),
    (
        r"^((epoch|step|iter)_)?offset$|^(step_?)?increment$|^inc$|^delta_?steps?$|^n_?steps_?done$",
        Role.INCREMENT,
    ),
    (
        r"batch_?size|world_?size|num_?(gpus?|workers|replicas|processes|devices)|accum|ngpu|n_gpu|dataset_?(len|size)|num_samples|n_train",
        Role.COUNT,
    ),
)
_COMPILED = tuple((re.compile(pattern), role) for pattern, role in _RULES)

LENGTHS = frozenset(
    {
        Role.WARMUP,
        Role.WARMUP_EPOCHS,
        Role.HORIZON,
        Role.EPOCHS,
        Role.DECAY_LENGTH,
        Role.LOADER_LENGTH,
        Role.CYCLE,
        Role.STEP_SIZE,
        Role.HOLD,
    }
)
_OPTIMIZER_WORDS = frozenset({"optimizer", "optimizers", "optim", "optims", "opt", "opts", "optimiser"})
_ABOUT_OPTIMIZERS = frozenset(
    {
        "name",
        "type",
        "cls",
        "class",
        "config",
        "cfg",
        "param",
        "params",
        "kwargs",
        "args",
        "state",
        "scheduler",
        "schedulers",
        "schedule",
        "step",
        "steps",
        "dict",
        "group",
        "groups",
        "factory",
        "constructor",
        "builder",
        "path",
        "index",
        "idx",
        "level",
        "epochs",
        "fn",
        "func",
        "key",
        "keys",
        "closure",
        "closures",
    }
)
RATES = frozenset({Role.BASE_RATE, Role.PEAK, Role.FLOOR, Role.WARMUP_START})
SCHEDULE_ROLES = frozenset(Role) - {Role.UNKNOWN, Role.LAST_EPOCH, Role.COUNT, Role.INCREMENT, Role.WIDTH}


# Words that say what a value is only together with what they are said of: ``cfg.warmup.steps``.
_GENERAL = frozenset(
    {"steps", "iters", "epochs", "iterations", "ratio", "fraction", "factor", "lr", "length", "updates"}
)


@lru_cache(maxsize=4096)
def role_of(path: str) -> Role:
    """The role of a value from the expression that names it: ``args.warmup``, ``cfg["min_lr"]``, ``len(loader)``."""
    word = last_word(path)
    for pattern, role in _COMPILED:
        if pattern.search(word):
            return role
    return Role.UNKNOWN


@lru_cache(maxsize=4096)
def names_optimizer(name: str) -> bool:
    """Whether a name stands for an optimizer (``optimizer``, ``opt_g``, ``wrapped_optimizer``)."""
    if role_of(name) is not Role.UNKNOWN:
        return False
    words = [word.rstrip("0123456789") for word in name.lower().strip("_").split("_")]
    if _ABOUT_OPTIMIZERS & set(words):
        return False
    return words[-1] in _OPTIMIZER_WORDS or words[0] in _OPTIMIZER_WORDS or "optimizer" in words


@lru_cache(maxsize=4096)
def last_word(path: str) -> str:
    """The telling part of an expression in snake case."""
    try:
        node: ast.expr = ast.parse(path, mode="eval").body
    except (SyntaxError, ValueError):
        return path.lower()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return f"len_{_word(node.args[0])}_loader" if node.args else "len_loader"
    return _word(node)


def _word(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop") and node.args:
            return _word(node.args[0])
        if isinstance(node.func, ast.Name) and node.func.id in ("int", "float", "max", "min") and node.args:
            return _word(node.args[0])
        return _word(node.func)
    if isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return _snake(node.slice.value)
        return _word(node.value)
    if isinstance(node, ast.Attribute):
        word = _snake(node.attr)
        outer = _snake(node.value.attr) if isinstance(node.value, ast.Attribute) else ""
        return f"{outer}_{word}" if word in _GENERAL and "warm" in outer else word
    if isinstance(node, ast.Name):
        return _snake(node.id)
    if isinstance(node, ast.Constant):
        return _snake(str(node.value))
    return ""


def _snake(word: str) -> str:
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", word)
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")
