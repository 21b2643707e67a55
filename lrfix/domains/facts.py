"""What a file says about values it does not fix: argparse defaults, dataclass fields, literal parameter defaults."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

from lrfix.finite import finite
from lrfix.names import Argument, Defined, Names
from lrfix.sites.imported import meant_elsewhere
from lrfix.trees import walk

#: What most expressions are, told without an exception. (``set()`` is a call and a literal.)
_NO_LITERALS = (ast.Name, ast.Attribute, ast.Subscript, ast.Compare, ast.BoolOp, ast.IfExp, ast.Lambda, ast.JoinedStr)


def literal(node: ast.expr | None) -> object:
    """The value of a literal expression, arithmetic on numbers included; None when it is none."""
    if isinstance(node, ast.Constant):
        return node.value
    if node is None or isinstance(node, _NO_LITERALS):
        return None
    if isinstance(node, ast.BinOp) and not isinstance(getattr(node.right, "value", None), complex):
        return _arithmetic(node)
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _arithmetic(node)
    return value


def numbers_written(nodes: Collection[ast.AST]) -> frozenset[float]:
    """The numbers that stand in code, as they are written."""
    found = (finite(node.value) for root in nodes for node in walk(root) if isinstance(node, ast.Constant))
    return frozenset(number for number in found if number is not None)


def _arithmetic(node: ast.expr) -> object:
    if not isinstance(node, ast.BinOp):
        return None
    left, right = literal(node.left), literal(node.right)
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    try:
        if isinstance(node.op, ast.Mult):
            product = left * right
            # Python does not even write out an integer of thousands of digits.
            return product if isinstance(product, float) or finite(product) is not None else None
        if isinstance(node.op, ast.Div):
            return left / right
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Pow) and abs(left) <= 1000 and abs(right) <= 20:
            return float(left**right)
    except (ArithmeticError, ValueError):
        return None
    return None


_ENDLESS = 1e8
_INFINITIES = frozenset({"inf", "infty", "Inf", "Infinity", "maxsize"})


def boundless(names: Names, node: ast.expr | None) -> bool:
    """Whether an expression stands for "no bound": infinity, or a number that no training reaches.

    A name is followed to the one literal that the file gives it (``INF = int(1e9)``).
    """
    if isinstance(node, ast.Name):
        values = [getattr(binding, "value", None) for binding in names.bindings(node.id, node)]
        return len(values) == 1 and not isinstance(values[0], ast.Name) and boundless(names, values[0])
    if isinstance(node, ast.Attribute):
        return node.attr in _INFINITIES and isinstance(node.value, ast.Name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("int", "float"):
        given = node.args[0] if len(node.args) == 1 else None
        text = literal(given)
        return (isinstance(text, str) and text.lower().strip("+") in ("inf", "infinity")) or boundless(names, given)
    number = literal(node)
    return isinstance(number, int | float) and not isinstance(number, bool) and number >= _ENDLESS


# What configuration libraries write for a value that has to be given.
_MANDATORY = "???"


class Defaults(Mapping[str, object]):
    """Defaults by the user's expression: ``args.warmup`` finds ``add_argument("--warmup", default=5)``.

    Function parameters are looked up by their bare name first (``own``), then any expression by its last attribute.
    ``from_elsewhere``: other files have a say in them.
    """

    def __init__(self, names: Names) -> None:
        self.own: dict[str, object] = {}
        stated = _stated(names)
        self._by_attribute = dict(stated.by_attribute)
        self._absent = set(stated.absent)
        imported = [_stated(other) for other in names.neighbours.settings()] if names.neighbours is not None else []
        for attribute in {a for other in imported for a in other.by_attribute} - set(self._by_attribute):
            values = [other.by_attribute[attribute] for other in imported if attribute in other.by_attribute]
            if all(value == values[0] for value in values):
                self._by_attribute[attribute] = values[0]
        self._absent |= {a for other in imported for a in other.absent}
        self._absent -= set(self._by_attribute)
        self.from_elsewhere = self._by_attribute != stated.by_attribute or self._absent != stated.absent

    def join(self, names: Names) -> None:
        """Add what another file states; where the two say different things, nothing is known."""
        other = Defaults(names)
        for attribute, value in other._by_attribute.items():
            if self._by_attribute.get(attribute, value) == value:
                self._by_attribute[attribute] = value
            else:
                del self._by_attribute[attribute]
        self._absent = (self._absent | other._absent) - set(self._by_attribute)

    def remember(self, argument: Argument) -> None:
        value = literal(argument.default)
        if value is not None:
            self.own.setdefault(argument.name, value)

    def __getitem__(self, path: str) -> object:
        if path in self.own:
            return self.own[path]
        fallback = _fallback_in(path) if path.endswith(")") else None
        if fallback is not None:
            return fallback
        head, _, attribute = path.rpartition(".")
        if head and attribute.isidentifier() and attribute in self._by_attribute and not head.endswith(")"):
            return self._by_attribute[attribute]
        raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self.own)

    def __len__(self) -> int:
        return len(self.own)

    def absent(self, path: str) -> bool:
        """Whether the file says that the expression is None unless somebody sets it."""
        head, _, attribute = path.rpartition(".")
        return bool(head) and attribute in self._absent and path not in self.own


_CONVERSIONS = frozenset({"int", "float", "round"})


def fallback(call: ast.expr) -> object:
    """The literal that a lookup gives where nothing is found: ``getattr(cfg, "hold", 0.6)``."""
    default = fallback_of(call)
    return literal(default) if default is not None else None


def fallback_of(call: ast.expr) -> ast.expr | None:
    """What a lookup gives where nothing is found; None for what is no lookup with a default."""
    if not isinstance(call, ast.Call) or call.keywords:
        return None
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if isinstance(call.func, ast.Name) and name in _CONVERSIONS and len(call.args) == 1:
        return fallback_of(call.args[0])
    looks_up = name in ("get", "pop") if isinstance(call.func, ast.Attribute) else name == "getattr"
    key = call.args[-2] if len(call.args) == (2 if isinstance(call.func, ast.Attribute) else 3) else None
    return call.args[-1] if looks_up and isinstance(getattr(key, "value", None), str) else None


@lru_cache(maxsize=1024)
def _fallback_in(path: str) -> object:
    try:
        return fallback(ast.parse(path, mode="eval").body)
    except (SyntaxError, ValueError):
        return None


class _Stated:
    """What one file states by itself."""

    def __init__(self, names: Names) -> None:
        self.by_attribute: dict[str, object] = {}
        self.absent: set[str] = set()
        for node in names.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
                self._argparse(node)
            elif isinstance(node, ast.ClassDef):
                self._fields(node)
        self._options(names.tree)
        self.by_attribute = {k: v for k, v in self.by_attribute.items() if v is not None and v != _MANDATORY}
        self.absent -= set(self.by_attribute)

    def _argparse(self, call: ast.Call) -> None:
        keywords = {k.arg: k.value for k in call.keywords if k.arg}
        destination = option_name(call)
        if destination is None:
            return
        default = keywords.get("default")
        self.by_attribute[destination] = literal(default)
        if _is_none(default) or (default is None and "action" not in keywords and "required" not in keywords):
            self.absent.add(destination)

    def _fields(self, node: ast.ClassDef) -> None:
        if not any("dataclass" in ast.unparse(d).partition("(")[0] for d in node.decorator_list):
            return
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                value = field_default(statement.value)
                self.by_attribute.setdefault(statement.target.id, literal(value))
                if _is_none(value):
                    self.absent.add(statement.target.id)

    def _options(self, tree: ast.Module) -> None:
        """What a module sets on an object that it has just built: ``cfg = EasyDict()``, ``cfg.epochs = 90``."""
        built: set[str] = set()
        found: dict[str, list[object]] = {}
        for statement in tree.body:
            if not isinstance(statement, ast.Assign):
                continue
            for target in statement.targets:
                if isinstance(target, ast.Name) and isinstance(statement.value, ast.Call):
                    built.add(target.id)
                elif isinstance(target, ast.Attribute) and _root(target) in built:
                    found.setdefault(target.attr, []).append(literal(statement.value))
        for attribute, values in found.items():
            if all(value == values[0] for value in values):
                self.by_attribute.setdefault(attribute, values[0])


def option_name(call: ast.Call) -> str | None:
    """The name under which argparse keeps the option that ``add_argument`` declares."""
    destination = next((literal(k.value) for k in call.keywords if k.arg == "dest"), None)
    if isinstance(destination, str):
        return destination
    flags = [flag for flag in map(literal, call.args) if isinstance(flag, str)]
    first = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else None)
    return first.lstrip("-").replace("-", "_") if first is not None else None


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


_KNOWN: WeakKeyDictionary[Names, _Stated] = WeakKeyDictionary()


def _stated(names: Names) -> _Stated:
    if names not in _KNOWN:
        _KNOWN[names] = _Stated(names)
    return _KNOWN[names]


def field_default(value: ast.expr | None) -> ast.expr | None:
    """The default in ``field(default=...)``; the value itself otherwise."""
    if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in ("field", "Field"):
        return next((k.value for k in value.keywords if k.arg == "default"), None)
    return value


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def sets_its_names(names: Names) -> bool:
    """Whether a module lets others set its names: ``exec(...)``, ``globals().update(...)``, ``globals()[key] = value``.

    What it sets to numbers itself are then defaults of settings, not constants.
    """
    return any(_sets_globals(node) for node in names.nodes)


def _sets_globals(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "exec"
    if isinstance(node, ast.Attribute):
        changed, sets = node.value, node.attr == "update"
    elif isinstance(node, ast.Subscript):
        changed, sets = node.value, isinstance(node.ctx, ast.Store)
    else:
        return False
    return sets and isinstance(changed, ast.Call) and ast.unparse(changed.func) == "globals"


#: Values that hold the numbers they stand for: a constant, what is worked out of some, a list or table of them.
_STATED = (ast.Constant, ast.BinOp, ast.List, ast.Tuple, ast.Dict)


def largest_number(
    names: Names,
    roots: Sequence[ast.AST],
    replaced: Collection[ast.AST] = (),
    drawn: Callable[[str, ast.expr], bool] = lambda name, value: False,
) -> int:
    """The largest number (below 1e7, truncated) that some code holds or reads under a name.

    Apart from the nodes ``replaced``, and from what is ``drawn``: of this name and value.
    """
    nodes = list(roots)
    fields = _fields(names)
    for root in roots:
        for inner in walk(root):
            if isinstance(inner, ast.Attribute) and inner.attr in fields and not drawn(inner.attr, fields[inner.attr]):
                nodes.append(fields[inner.attr])
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
                for binding in names.bindings(inner.id, inner):
                    value = getattr(binding, "value", None)
                    if isinstance(value, _STATED) and not drawn(inner.id, value):
                        nodes += _entries(value, drawn)
            if isinstance(inner, ast.Name | ast.Attribute) and names.neighbours is not None:
                nodes += _imported(names, inner)
    numbers = [
        int(n.value)
        for node in nodes
        for n in walk(node)
        if isinstance(n, ast.Constant)
        and n not in replaced
        and isinstance(n.value, int | float)
        and not isinstance(n.value, bool)
        and 1 < abs(n.value) < 1e7
    ]
    return max(numbers, default=0)


def _entries(value: ast.expr, drawn: Callable[[str, ast.expr], bool]) -> list[ast.expr]:
    """The parts of a table that are not drawn under their own keys; anything else whole."""
    if not isinstance(value, ast.Dict):
        return [value]
    pairs = zip(value.keys, value.values, strict=True)
    return [v for k, v in pairs if not (isinstance(k, ast.Constant) and drawn(str(k.value), v))]


def _imported(names: Names, node: ast.Name | ast.Attribute) -> list[ast.AST]:
    """What a name of another file stands for: a number, a definition, a field of the settings that file makes."""
    found = meant_elsewhere(names, node)
    if found is None or found.name is None:
        origin = meant_elsewhere(names, node.value) if isinstance(node, ast.Attribute) else None
        field = _fields(origin.names).get(node.attr) if origin is not None and isinstance(node, ast.Attribute) else None
        return [field] if field is not None else []
    binding = found.names.reaching(found.name, found.names.scopes[found.names.tree], None)
    if isinstance(binding, Defined):
        return [binding.node]
    value = getattr(binding, "value", None)
    return [value] if isinstance(value, ast.Constant | ast.BinOp) else []


def _fields(names: Names) -> dict[str, ast.expr]:
    """What the classes of the file set their fields to (``num_iterations: int = 5100``)."""
    found: dict[str, ast.expr] = {}
    for node in names.nodes:
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(statement, ast.AnnAssign) and statement.value is not None:
                targets: list[ast.expr] = [statement.target]
            elif isinstance(statement, ast.Assign):
                targets = statement.targets
            else:
                continue
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(statement.value, ast.Constant | ast.BinOp):
                    found[target.id] = statement.value
    return found
