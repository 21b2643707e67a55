"""The attributes that a slice may name of objects that it has not made: those that schedules and numbers are about.

The list is positive: an attribute that a schedule defines itself may be used as well (``slice``), any other is refused.
"""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict, defaultdict, deque

from lrfix.verification.allowed import words

_SCHEDULERS = words(
    """
    optimizer base_lrs last_epoch verbose step get_lr get_last_lr print_lr state_dict load_state_dict lr_lambdas
    lr_lambda milestones gamma step_size T_max eta_min T_0 T_i T_mult T_cur factor factors start_factor
    end_factor total_iters total_steps power schedulers min_lrs min_lr eps patience cooldown cooldown_counter
    num_bad_epochs best mode threshold threshold_mode anneal_func default_min_lr scale_fn scale_mode total_size
    step_ratio use_beta1 parameters on_mismatch in_cooldown is_better mode_worse base_momentums max_momentums
    max_lrs cycle_momentum recursive_undo warmup_steps warmup_start_factor eta_min_ratio _last_lr _step_count
    _initial_step _get_lr_called_within_step _get_closed_form_lr _schedulers _milestones _is_initial _reduce_lr
    _reset _init_is_better _is_better _update_lr _anneal_func _annealing_cos _annealing_linear _schedule_phases
    _get_lr _set_lr
    """
)
_OPTIMIZERS = words("param_groups defaults state zero_grad add_param_group params lr")
_TENSORS = words(
    """
    abs abs_ absolute acos add add_ addcdiv addcdiv_ addcmul addcmul_ all allclose amax amin any argmax argmin
    argsort asin astype atan atan2 backward bool bfloat16 byte cat ceil ceil_ char chunk clamp clamp_ clamp_max
    clamp_min clip clone conj contiguous copy copy_ cos cos_ cosh count_nonzero cpu cuda cummax cummin cumprod
    cumsum data deg2rad detach detach_ device diff dim div div_ divide dot double dtype eq equal erf exp exp_
    exp2 expand expand_as expm1 fill fill_ flat flatten flip float float_power floor floor_ floor_divide fmod
    frac gather ge get_device grad grad_fn greater gt half imag index_select int inverse is_complex
    is_contiguous is_cuda is_floating_point is_leaf isclose isfinite isinf isnan item itemsize layout le lerp
    lerp_ less log log_ log10 log1p log2 logical_and logical_not logical_or logspace long lt masked_fill
    masked_fill_ masked_select matmul max maximum mean median min minimum mm mul mul_ multiply nbytes ndim
    ndimension ne neg neg_ negative nelement new_full new_ones new_tensor new_zeros nonzero norm not_equal numel
    numpy outer permute pow pow_ prod rad2deg ravel real reciprocal remainder repeat requires_grad
    requires_grad_ reshape roll round round_ rsqrt scatter searchsorted shape short sigmoid sign sin sin_ sinh
    size softmax sort split sqrt sqrt_ square squeeze std stride sub sub_ subtract sum swapaxes t T take tan
    tanh tile to tolist topk transpose tril triu trunc type type_as unbind unique unsqueeze values var view
    where zero_ tiny resolution
    """
)
_OF_LIBRARY = words("func args keywords cache_clear cache_info cache_parameters register name value names")
#: ``format`` walks attributes that its text names, and is allowed on texts that are written out (``slice``).
_BY_TEXT = frozenset({"format", "format_map"})
_PLAIN = (
    bool, int, float, complex, str, bytes, list, dict, tuple, set, frozenset, range, slice, property, BaseException,
    deque, Counter, OrderedDict, defaultdict, functools.partial,
)  # fmt: skip


def _public(kinds: tuple[type, ...]) -> frozenset[str]:
    return frozenset(name for kind in kinds for name in dir(kind) if not name.startswith("_"))


ATTRIBUTES = (_public(_PLAIN) - _BY_TEXT) | _SCHEDULERS | _OPTIMIZERS | _TENSORS | _OF_LIBRARY

# Names that lead from a value to frames, code, memory or files, whoever defines them.
REFUSED_ATTRIBUTES = words(
    """
    gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await tb_frame tb_next
    f_back f_builtins f_code f_globals f_locals f_trace func_globals func_code func_closure func_defaults
    co_code co_consts mro _module tofile dump dumps ctypes memmap fromfile from_file from_buffer frombuffer
    share_memory share_memory_ storage storage_type untyped_storage typed_storage data_ptr const_data_ptr set_
    set_data as_strided as_strided_ as_strided_copy as_strided_scatter as_subclass resize resize_ resize_as_
    resize_as_sparse_ pin_memory to_dlpack setflags setfield getfield newbyteorder module_load record_stream
    """
)

SAFE_DUNDERS = words(
    """
    __init__ __new__ __call__ __name__ __qualname__ __class__ __doc__ __len__ __iter__ __next__ __getitem__
    __setitem__ __delitem__ __contains__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __bool__ __enter__
    __exit__ __repr__ __str__ __post_init__ __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__
    __radd__ __rsub__ __rmul__ __rtruediv__ __neg__ __abs__ __float__ __int__ __index__ __all__ __slots__
    """
)
"""Special names that a slice may read and define; ``__dict__`` is answered by a guard (``sandbox``)."""
DEFINED_DUNDERS = SAFE_DUNDERS | words("__getattr__ __setattr__ __getstate__ __setstate__ __round__ __pos__")


def clashing(names: frozenset[str]) -> str | None:
    """One of the private ``names`` of a slice's own that something of torch, numpy or Python has as well, where its own
    definition would be the way to what lies behind. Torch must be there."""
    import types

    import torch

    kinds: list[type] = [
        torch.Tensor, torch.nn.Parameter, torch.UntypedStorage, torch.TypedStorage, torch.Generator, type, object,
        types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, types.CodeType,
        types.FrameType, types.TracebackType, types.GeneratorType, types.MappingProxyType, memoryview,
    ]  # fmt: skip
    try:
        import numpy
    except ImportError:
        pass
    else:
        kinds += [numpy.ndarray, numpy.generic, numpy.dtype, numpy.ufunc]
    meant = {name for kind in kinds for name in dir(kind) if name.startswith("_")} - SAFE_DUNDERS
    return min((name for name in names if name in meant), default=None)


__all__ = ["ATTRIBUTES", "DEFINED_DUNDERS", "REFUSED_ATTRIBUTES", "SAFE_DUNDERS", "clashing"]
