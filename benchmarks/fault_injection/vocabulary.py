"""What the names in a schedule mean: the step counter, a warmup's length, a horizon, a base rate, a floor.

An operator must be sure that its edit plants a fault, so every test here is narrow on purpose: a name it does not know
means nothing. None of it is shared with lrfix: a vocabulary that both sides use would measure itself.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
NAMES = (ast.Name, ast.Attribute)
LOOPS = (ast.For, ast.AsyncFor, ast.While)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COUNTERS = words(
    "step _step it iter iteration epoch n_step num_step current_step cur_step curr_step global_step cur_iter curr_iter "
    "current_iter iter_num iteration_num step_num last_epoch num_updates n_steps _step_count step_count step_cnt "
    "current_epoch cur_epoch epoch_num T_cur t_cur real_iter iters current n_iter epoch_idx n_current_steps"
)
# Counters only where they are parameters of the function that reads them.
SHORT_COUNTERS = words("i n t T x k s e")
LENGTH_WORDS = words(
    "step steps epoch epochs iter iters iteration iterations itrs updates length tokens period duration max total"
)
HORIZONS = words("T N T_max t_max tmax total t_total max_epoch max_iter niter horizon num_iterations")
HORIZON_WORDS = words("total max num n training train decay cosine epochs final t all steps")
NO_HORIZON = words(
    "warm warmup start begin init current cur curr last global decay_rate size gamma per step_size lr rate"
)
RATE = re.compile(
    r"^(base_?|init(ial)?_?|max_?|peak_?|start_?|ref_?)?(lr|learning_?rate)(0|s)?$|^(base|initial|peak|max)_value$",
    re.I,
)
FLOOR = re.compile(
    r"^(min|end|final|eta_min|floor)(_?(lr|learning_rate|value|ratio|factor))?$|^(lr_?min|alpha_f|lr_min_factor|lr_end)$",
    re.I,
)
RAMP_START = re.compile(
    r"^(warmup_(start|init)_(lr|factor|value)|start_warmup(_value)?|warmup_start|start_lr|warmup_(ratio|factor))$", re.I
)


def dotted(node: ast.AST) -> str:
    """`self.x` as text; what is no name in it becomes `?`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def called(node: ast.AST | None, *names: str) -> bool:
    """Whether the node calls something whose last name is one of these: `cos`, `math.cos`, `np.cos`."""
    return isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in names


def is_number(node: ast.AST | None, *values: float) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and (not values or node.value in values)


def one_kept(node: ast.AST | None, names: tuple[str, ...], *numbers: float) -> ast.expr | None:
    """`e` of `max(1, e)` and `max(e, 1)`, where the names are of max and the numbers hold 1."""
    if isinstance(node, ast.Call) and called(node, *names) and len(node.args) == 2 and not node.keywords:
        first, second = node.args
        if is_number(first, *numbers) != is_number(second, *numbers):
            return second if is_number(first, *numbers) else first
    return None


def bare(node: ast.AST | None) -> ast.AST | None:
    """The value without the casts and guards around it: `x` of `float(max(1, x))`."""
    while node is not None:
        inner = (
            node.args[0]
            if isinstance(node, ast.Call) and called(node, "float", "int") and len(node.args) == 1
            else None
        )
        inner = inner or one_kept(node, ("max",), 0, 1)
        if inner is None:
            return node
        node = inner
    return None


def last_name(node: ast.AST | None) -> str:
    """`x` of `x`, `self.x`, `float(x)`, `max(1, x)`; the empty text for anything else."""
    node = bare(node)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def is_warmup(node: ast.AST | None) -> bool:
    """A length of the warmup."""
    words = last_name(node).lower().split("_")
    return (
        any(word.startswith("warm") for word in words)
        and (words[-1] in LENGTH_WORDS or words[-1] in ("warmup", "end"))
        and not {"lr", "init", "start"} & set(words[1:])
    )


def is_horizon(node: ast.AST | None) -> bool:
    """The length of the whole run, or of the decay."""
    name = last_name(node)
    words = name.lower().split("_")
    return name in HORIZONS or (
        words[-1] in LENGTH_WORDS
        and name not in COUNTERS
        and not set(words) & NO_HORIZON
        and bool(set(words) & HORIZON_WORDS)
    )


def is_length(node: ast.AST | None) -> bool:
    """A length, or a sum or difference that holds one."""
    node = bare(node)
    if isinstance(node, ast.BinOp):
        return is_length(node.left) or is_length(node.right)
    return is_warmup(node) or is_horizon(node)


def is_lr_key(node: ast.AST | None) -> bool:
    """`group["lr"]`."""
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "lr"


def is_division(node: ast.AST | None) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def divides(node: ast.AST) -> bool:
    return any(is_division(n) for n in ast.walk(node))


def has_cosine(node: ast.AST) -> bool:
    return any(called(n, "cos") for n in ast.walk(node))


def is_raised_cosine(node: ast.AST) -> bool:
    """`1 + cos(...)`, either way round."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and any(is_number(a, 1) and called(b, "cos") for a, b in ((node.left, node.right), (node.right, node.left)))
    )


def factors(node: ast.AST) -> list[ast.AST]:
    """The operands of a chain of products."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[str]:
    arguments = function.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def defaults(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    """The default of each parameter that has one."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(positional[::-1], arguments.defaults[::-1], strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False),
    ]
    return {a.arg: default for a, default in pairs if default is not None}


def own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions and classes inside it."""
    stack = list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            stack += list(ast.iter_child_nodes(node))


def is_arithmetic(node: ast.AST | None) -> bool:
    """A number or a list of them, as far as can be seen: no lambda, no tuple, no object built."""
    if node is None or isinstance(node, (ast.Lambda, ast.Tuple, ast.Dict)):
        return False
    if isinstance(node, ast.Constant):
        return is_number(node)
    if isinstance(node, ast.Call):
        return called(node, "max", "min", "float", "pow", "exp", "clip", "cos")
    words = ("lr", "factor", "lrs", "decay", "ratio", "coeff", "mult")
    return isinstance(node, (ast.BinOp, ast.ListComp, ast.IfExp)) or last_name(node).split("_")[-1] in words
