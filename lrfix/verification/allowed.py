"""What a slice may use: everything that a learning-rate schedule needs, nothing that reaches outside the process."""

from __future__ import annotations

import sys


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


SAFE_BUILTINS = words(
    """
    abs all any bool bytes callable chr classmethod complex dict divmod enumerate filter float format frozenset hash
    id int isinstance issubclass iter len list map max min next object ord pow print property range repr reversed
    round set slice sorted staticmethod str sum super tuple type zip True False None NotImplemented Ellipsis
    ArithmeticError AssertionError AttributeError BaseException DeprecationWarning Exception FloatingPointError
    FutureWarning ImportError IndexError KeyError LookupError ModuleNotFoundError NameError NotImplementedError
    OverflowError RuntimeError RuntimeWarning StopIteration SyntaxWarning TypeError UserWarning ValueError Warning
    ZeroDivisionError
    """
)
# Allowed only as a direct call whose attribute name is a literal.
ATTRIBUTE_BUILTINS = frozenset({"getattr", "hasattr", "setattr", "delattr"})

_MATHS = words(
    """
    abs absolute acos add arange array as_tensor asarray asin atan atan2 cat ceil clamp clip concatenate cos cosh
    cumprod cumsum deg2rad diff div divide dtype e empty equal exp exp2 expm1 eye flip float16 float32 float64 floor
    floor_divide fmod full full_like geomspace hstack inf int32 int64 interp isclose isfinite isinf isnan linspace log
    log10 log1p log2 logspace max maximum mean min minimum mod mul multiply nan ndarray negative newaxis ones ones_like
    pi piecewise power pow prod rad2deg reciprocal remainder repeat rint round sign sin sinh size sqrt square stack
    sub subtract sum tan tanh tensor tile true_divide vstack where zeros zeros_like bool_ bool float int double long
    half float_ integer floating number isscalar ndim append logical_and logical_or searchsorted
    """
)

# Attributes of each importable module. None: every public one.
MODULES: dict[str, frozenset[str] | None] = {
    "math": None,
    "itertools": None,
    "bisect": frozenset({"bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right"}),
    # Not wraps: it copies any attribute by its name.
    "functools": frozenset({"partial", "reduce", "lru_cache", "cache", "cached_property", "total_ordering"}),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque", "namedtuple", "ChainMap"}),
    "collections.abc": frozenset({"Callable", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence", "Set"}),
    "typing": words(
        """
        Any Callable ClassVar Dict Final Generic Iterable Iterator List Literal Mapping NamedTuple Optional Protocol
        Sequence Set Tuple Type TypeVar Union TYPE_CHECKING cast overload
        """
    ),
    "abc": frozenset({"ABC", "ABCMeta", "abstractmethod", "abstractproperty"}),
    "warnings": frozenset({"warn", "simplefilter", "filterwarnings"}),
    "copy": frozenset({"copy", "deepcopy"}),
    "types": frozenset({"SimpleNamespace"}),
    "enum": frozenset({"Enum", "IntEnum", "auto"}),
    "numpy": _MATHS,
    "torch": _MATHS | {"Tensor", "no_grad", "is_tensor", "inference_mode", "manual_seed"},
    "torch.nn": frozenset({"Module", "Parameter"}),
    "torch.optim": None,
    "torch.optim.lr_scheduler": None,
    "torch.optim.optimizer": None,
    "lrfix": frozenset(),
    "lrfix.schedulers": None,
    "lrfix.schedules": None,
}

# Modules whose public names include what they import themselves: only classes count there.
CLASSES_ONLY = frozenset({"torch.optim", "torch.optim.lr_scheduler", "torch.optim.optimizer", "lrfix.schedulers"})
LEGACY_NAMES = frozenset({"_LRScheduler", "EPOCH_DEPRECATION_WARNING", "_enable_get_lr_call"})


def module_attribute_allowed(module: str, name: str) -> bool:
    """Whether a slice may read ``module.name``."""
    if f"{module}.{name}" in MODULES:
        return True
    names = MODULES[module]
    if names is not None:
        return name in names
    if module in CLASSES_ONLY:
        return name in LEGACY_NAMES or (name[:1].isupper() and name.isidentifier())
    if module.startswith("lrfix."):
        return not name.startswith("_") and name not in sys.stdlib_module_names and name not in ("torch", "numpy")
    return not name.startswith("_")
