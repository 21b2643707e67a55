"""What calls of libraries give, as far as a trace is about it: schedulers, optimizers, gradient scalers, loaders.

Names are qualified through the file's own imports. What is not named here is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from lrfix.sites.stock import TORCH, WARMED_UP
from lrfix.sites.vocabulary import words
from lrfix.tracing.values import Unknown, Value

#: Constructors of schedulers by the names of their parameters, in order.
SCHEDULERS: Mapping[str, tuple[str, ...]] = {
    **TORCH,
    "ReduceLROnPlateau": ("optimizer", "mode", "factor", "patience", "threshold", "threshold_mode", "cooldown"),
    "SequentialLR": ("optimizer", "schedulers", "milestones", "last_epoch"),
    "ChainedScheduler": ("schedulers", "optimizer"),
    "SWALR": ("optimizer", "swa_lr", "anneal_epochs", "anneal_strategy", "last_epoch"),
}
#: Functions that build one of torch's LambdaLR, stepped as such.
FACTORIES: Mapping[str, tuple[str, ...]] = {"get_constant_schedule": ("optimizer",), **WARMED_UP}
#: They work the rate out from the base rate and the step alone, whatever stands in the optimizer.
CLOSED_FORMS = frozenset({"LambdaLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "CyclicLR"})
_BASES = frozenset({"LRScheduler", "_LRScheduler"})
#: What a gradient scaler's name speaks of beside scaling; others scale features.
_SCALED = frozenset({"grad", "gradient", "loss", "amp", "apex", "native"})
_OPTIMIZERS = frozenset(
    {"SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "LBFGS", "ASGD"}
    | {"SparseAdam", "Adafactor", "FusedAdam", "FusedLAMB", "FusedSGD", "Lamb", "LAMB", "LARS", "Lion", "AdamW8bit"}
    | {"Adam8bit", "PagedAdamW8bit", "AdaBelief", "RangerQH", "Ranger", "BertAdam", "Muon", "DeepSpeedCPUAdam"}
)
_TRANSPARENT = frozenset({"tqdm", "tqdm_notebook", "track", "progress_bar", "progressbar", "notebook_tqdm"})
#: Words of calls that look at what they are given, write it down or bring it back, and step nothing.
_LOOKING = frozenset(
    {"save", "load", "log", "print", "info", "debug", "warning", "resume", "restore", "checkpoint", "checkpointer"}
    | {"count", "summary", "report", "len", "type", "isinstance", "id", "str", "repr", "format", "write", "dump"}
    | {"wandb", "logger", "append", "state", "hasattr", "getattr", "clip", "freeze", "update", "dict", "watch"}
)
#: The words of calls that ask for the rate of what they are given: ``get_lr``, ``get_current_learning_rate``.
_RATES = frozenset({"lr", "lrs", "rate", "rates"})
_ASKING = _RATES | {"get", "current", "cur", "last", "learning", "from", "optimizer"}
#: Words of names that are about an optimizer or a scheduler and hold none.
_ABOUT = frozenset(
    {"path", "paths", "file", "dict", "state", "states", "name", "names", "type", "config", "cfg", "args", "kwargs"}
    | {"params", "param", "spec", "specs", "class", "cls", "fn", "func", "options", "settings", "id", "key", "lrs"}
    | {"checkpoint", "ckpt", "loss", "group", "groups", "builder", "factory", "metric", "step", "steps", "interval"}
)
#: Words of names that hold the settings of the run, and of the calls that read them.
_SETTINGS = frozenset({"cfg", "config", "args", "opt", "opts", "conf", "hparams", "params", "option", "options"})
_READING = frozenset({"parse", "parser", "arguments", "argparse", "settings", "flags"})
#: Words of names of schedules of something else than a rate.
_OTHER_SCHEDULES = frozenset(
    {"noise", "diffusion", "ddpm", "ddim", "timestep", "sampler", "profiler", "task", "beta", "wd", "momentum"}
)
#: Words of calls that do something to a scheduler, and make none.
_CHANGING = frozenset({"step", "adjust", "set", "apply", "register", "add", "run", "train", "use", "prepare"})
#: Arguments of an Accelerator under which a scheduler that it prepares may step otherwise.
_OTHER_CLOCKS = ("split_batches", "dataloader_config", "step_scheduler_with_optimizer", "dispatch_batches")
_PREPARING = frozenset({"prepare", "setup", "setup_optimizers", "initialize", "prepare_optimizer", "prepare_scheduler"})


def scheduler_class(qualified: str) -> str | None:
    """``StepLR`` for the qualified name of a scheduler's class, ``*.StepLR`` being a star import's."""
    root, _, last = qualified.rpartition(".")
    if last in SCHEDULERS and (root.startswith(("torch.", "*")) or root == "torch"):
        return last
    return None


def scheduler_factory(qualified: str) -> str | None:
    """The name of a function that builds a LambdaLR with documented parameters."""
    root, _, last = qualified.rpartition(".")
    if last in FACTORIES and root.split(".")[0] in ("transformers", "pytorch_transformers", "diffusers", "*"):
        return last
    return None


def is_scheduler_base(qualified: str) -> bool:
    """Whether classes derived from it are schedulers on torch's contract."""
    root, _, last = qualified.rpartition(".")
    return root.startswith("torch.optim") and (last in _BASES or last in SCHEDULERS)


def is_optimizer(qualified: str) -> bool:
    """Whether a call of the name builds an optimizer."""
    root, _, last = qualified.rpartition(".")
    if root == "torch.optim" and last[:1].isupper():
        return True
    return last in _OPTIMIZERS


def is_optimizer_base(qualified: str) -> bool:
    return qualified == "torch.optim.Optimizer" or is_optimizer(qualified)


def is_scaler(qualified: str) -> bool:
    """Whether a call of the name builds a gradient scaler: torch's, or a class that scales gradients or losses."""
    spoken = set(words(qualified.rpartition(".")[2]))
    return "scaler" in spoken and bool(spoken & _SCALED)


def is_loader(qualified: str) -> bool:
    return qualified.rpartition(".")[2] == "DataLoader"


def is_transparent(last: str) -> bool:
    """Whether a call gives the elements of what it is given, one by one."""
    return last in _TRANSPARENT


@lru_cache(maxsize=2048)
def only_looks(name: str) -> bool:
    """Whether a call, by its name, steps nothing that it is given."""
    spoken = set(words(name))
    return bool(_LOOKING & spoken) or ("get" in spoken and bool(spoken & _RATES) and spoken <= _ASKING)


def prepares(name: str) -> bool:
    """Whether a call, by its name, gives back what it was given, wrapped."""
    return name in _PREPARING


def processes_of(accelerator: Value) -> Unknown | None:
    """The number of processes among which an Accelerator shares what it prepares, where its settings are in sight.

    A scheduler that it prepares steps once for each of them, and a loader has the batches of one; it is otherwise with
    ``split_batches`` or ``step_scheduler_with_optimizer=False``.
    """
    call = accelerator.origin if isinstance(accelerator, Unknown) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] != "Accelerator":
        return None
    if any(keyword.arg in (None, *_OTHER_CLOCKS) for keyword in call.keywords):
        return None
    found = accelerator.part(".num_processes", ".num_processes")
    return found if isinstance(found, Unknown) else None


def may_wait(accelerator: Value) -> bool:
    """Whether an Accelerator may wait for several micro-batches: unless it is built in sight and is told of none."""
    call = accelerator.origin if isinstance(accelerator, Unknown) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] != "Accelerator":
        return True
    told = [keyword for keyword in call.keywords if keyword.arg is None or "accumulation" in keyword.arg]
    one = all(isinstance(keyword.value, ast.Constant) and keyword.value.value == 1 for keyword in told)
    return not one or (".gradient_accumulation_steps" in accelerator.parts and not told)


@lru_cache(maxsize=2048)
def names_optimizer(path: str) -> bool:
    """Whether a name says that it is an optimizer."""
    spoken = words(_last(path))
    if set(spoken) & _ABOUT or names_scheduler(path):
        return False
    return any(word in ("opt", "opts") or word.startswith("optim") for word in spoken)


@lru_cache(maxsize=2048)
def names_scheduler(path: str) -> bool:
    """Whether a name says that it is a scheduler of a rate."""
    spoken = words(_last(path))
    if set(spoken) & (_OTHER_SCHEDULES | _ABOUT):
        return False
    return any(word.startswith("sched") or word == "lrs" for word in spoken)


def names_settings(path: str) -> bool:
    """Whether a path leads through the settings of the run: ``config.train.optimizer`` says which one, and is none."""
    before, _, _ = path.rpartition(".")
    return bool(set(words(before)) & _SETTINGS)


def reads_settings(name: str) -> bool:
    """Whether a call, by its name, gives the settings of the run: ``parse_option()``."""
    spoken = set(words(name.rpartition(".")[2]))
    return bool(spoken & (_SETTINGS | _READING)) and not any(w.startswith(("optim", "sched")) for w in spoken)


def names_scaler(path: str) -> bool:
    return any(word in ("scaler", "gradscaler") for word in words(_last(path)))


@lru_cache(maxsize=2048)
def makes_scheduler(name: str) -> bool:
    """Whether a call, by its name, builds or gives a scheduler or an optimizer."""
    spoken = set(words(name))
    if name[:1].isupper() and words(name)[-1] == "lr":
        return True
    return any(w.startswith(("sched", "optim")) for w in spoken) and not spoken & {"step", "load", "save", "train"}


def makes_only_scheduler(name: str, target: str = "") -> bool:
    """Whether a call, by its name or by that of what gets its answer, gives one scheduler of a rate and no more."""
    spoken = set(words(name))
    if spoken & (_OTHER_SCHEDULES | _CHANGING) or only_looks(name) or any(w.startswith("optim") for w in spoken):
        return False
    if any(w.startswith("sched") for w in spoken) or (name[:1].isupper() and words(name)[-1] == "lr"):
        return True
    return names_scheduler(target) and not prepares(name)


@lru_cache(maxsize=2048)
def trains(name: str) -> bool:
    """Whether a name is that of something which trains: a trainer, a function that runs an epoch."""
    return any(word.startswith(("train", "fit", "learner", "solver", "runner", "engine")) for word in words(name))


@lru_cache(maxsize=2048)
def builds(name: str) -> bool:
    """Whether a call, by its name alone, may build a scheduler or an optimizer."""
    return name in SCHEDULERS or name in FACTORIES or name in _OPTIMIZERS or makes_scheduler(name)


def _last(path: str) -> str:
    """The name that a path ends in: ``optimizer`` of ``self.optimizers["g"].optimizer``."""
    text = path.split("(")[0]
    while text.endswith("]"):
        text = text[: text.rindex("[")] if "[" in text else text.rstrip("]")
    return text.rpartition(".")[2]
