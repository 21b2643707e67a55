"""Settings that choose between schedules: ``mode == "cos"``, ``args.lr in ("poly", "step")``, ``{"cos": f}[mode]``.

A function that holds several schedules is several schedules: each value that the code itself names is simulated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from lrfix.domains.facts import Defaults
from lrfix.domains.kinds import is_number
from lrfix.domains.signatures import arguments_of, parameters
from lrfix.names import Assigned, Defined, Names
from lrfix.sites.vocabulary import called_name
from lrfix.trees import stored_names, walk

MOST = 8
_MOST_HELPERS = 6
_SHORTEST_HEAD = 3
_ASKS = ast.Eq | ast.NotEq | ast.In | ast.NotIn
_TEXT_METHODS = frozenset({"lower", "upper", "strip", "casefold"})


def switches(names: Names, nodes: Sequence[ast.AST], defaults: Defaults) -> dict[str, list[str]]:
    """Path of a setting -> the texts that the code compares it with, its stated default first."""
    found: dict[str, list[str]] = {}
    helpers = _helpers(names, nodes)
    for node in (*nodes, *helpers):
        kept = _kept_under(node)
        given = helpers.get(node)
        bound = _bound(names, node) if given is None else {}
        walked = _walked(node)
        for inner in walk(node):
            for expression, texts in (*_choices(names, inner), *_looked_up(names, inner)):
                path = _path(names, expression, kept)
                if path is None or path.partition(".")[0].partition("[")[0] in walked:
                    continue
                if given is not None and (path := _outside(names, path, given)) is None:
                    continue
                known = found.setdefault(_outside(names, path, bound) or path, [])
                known += [text for text in texts if text not in known]
    for path, texts in found.items():
        stated = defaults.get(path) or _default(nodes, path)
        if isinstance(stated, str):
            texts[:] = [stated, *(text for text in texts if text != stated)]
    return found


def numbers(names: Names, nodes: Sequence[ast.AST]) -> Iterator[tuple[str, object]]:
    """Path of a setting and a number that a test asks it to be: ``if multiplier == 1.0``, ``if t_mul != 1``."""
    for node in nodes:
        kept = _kept_under(node)
        for inner in walk(node):
            if not isinstance(inner, ast.Compare) or len(inner.ops) != 1:
                continue
            number = getattr(inner.comparators[0], "value", None)
            path = _path(names, inner.left, kept) if isinstance(inner.ops[0], ast.Eq | ast.NotEq) else None
            if path is not None and is_number(number):
                yield path, number


def settings(found: dict[str, list[str]]) -> list[dict[str, object]]:
    """The assignments worth simulating: each switch through all its values, the others at their first."""
    first: dict[str, object] = {path: texts[0] for path, texts in found.items()}
    each = [{**first, path: text} for path, texts in found.items() for text in texts[1:]]
    return [first, *each][:MOST] if found else [{}]


def inherited(names: Names, nodes: Sequence[ast.AST]) -> list[ast.AST]:
    """The definitions of a site and the base classes of this file that they derive from, nearest last."""
    found: list[ast.AST] = []
    for node in nodes:
        found += [base for base in _bases(names, node, 0) if base not in found]
    return [*(base for base in found if base not in nodes), *nodes]


def _bases(names: Names, node: ast.AST, depth: int) -> Iterator[ast.AST]:
    if not isinstance(node, ast.ClassDef) or depth > 4:
        return
    for base in node.bases:
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                yield from _bases(names, binding.node, depth + 1)
                yield binding.node


def _helpers(names: Names, nodes: Sequence[ast.AST]) -> dict[ast.AST, dict[str, ast.expr]]:
    """The functions of the file that a site calls by their names, each with what it is given: what these compare
    chooses between schedules too."""
    found: dict[ast.AST, dict[str, ast.expr]] = {}
    for inner in (n for node in nodes for n in walk(node)):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and len(found) < _MOST_HELPERS:
            for binding in names.bindings(inner.func.id, inner.func):
                node = binding.node if isinstance(binding, Defined) else None
                if isinstance(node, ast.FunctionDef) and node not in nodes:
                    found.setdefault(node, arguments_of(inner, node))
    return found


def _bound(names: Names, node: ast.AST) -> dict[str, ast.expr]:
    """What the parameters of a function are bound to where it is defined, or by ``functools.partial``."""
    if not isinstance(node, ast.FunctionDef):
        return {}
    stated = {name: default for name, default, _ in parameters(node) if default is not None}
    for call in names.nodes:
        if isinstance(call, ast.Call) and call.args and called_name(call) == "partial":
            made = call.args[0]
            bindings = names.bindings(made.id, made) if isinstance(made, ast.Name) else []
            if any(isinstance(binding, Defined) and binding.node is node for binding in bindings):
                stated |= arguments_of(ast.Call(made, call.args[1:], call.keywords), node)
    return stated


def _outside(names: Names, path: str, given: Mapping[str, ast.expr]) -> str | None:
    """A path of a helper as the code that calls it says it; None for what means something in the helper alone."""
    root, dot, rest = path.partition(".")
    if root not in given:
        return None
    outer = _path(names, given[root], {})
    return f"{outer}{dot}{rest}" if outer is not None else None


def _looked_up(names: Names, node: ast.AST) -> Iterator[tuple[ast.expr, list[str]]]:
    """``globals()["lr_" + name]``, ``getattr(self, f"get_{name}")``: any name that stands behind the first part."""
    head: ast.expr | None = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        head, tail = node.left, node.right
    elif isinstance(node, ast.JoinedStr) and len(node.values) == 2 and isinstance(node.values[1], ast.FormattedValue):
        head, tail = node.values[0], node.values[1].value
    if not isinstance(head, ast.Constant) or not isinstance(head.value, str) or len(head.value) < _SHORTEST_HEAD:
        return
    defined = [n.name for n in names.nodes if isinstance(n, ast.FunctionDef) and n.name.startswith(head.value)]
    texts = list(dict.fromkeys(name[len(head.value) :] for name in defined if name != head.value))
    if texts:
        yield tail, texts


def _walked(node: ast.AST) -> set[str]:
    """What loops and comprehensions bind: parts of something, not settings."""
    targets = [n.target for n in walk(node) if isinstance(n, ast.For | ast.comprehension)]
    return {n.id for target in targets for n in walk(target) if isinstance(n, ast.Name)}


def _choices(names: Names, node: ast.AST) -> Iterator[tuple[ast.expr, list[str]]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], _ASKS):
        left, right = node.left, node.comparators[0]
        if (texts := _texts(names, right)) and not isinstance(left, ast.Constant):
            yield left, texts
        elif isinstance(node.ops[0], ast.Eq | ast.NotEq) and (texts := _texts(names, left)):
            yield right, texts
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
        keys = [k.value for k in node.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]
        if keys and not isinstance(node.slice, ast.Constant):
            yield node.slice, keys
    elif isinstance(node, ast.Match):
        texts = [
            text
            for case in node.cases
            for p in walk(case.pattern)
            if isinstance(p, ast.MatchValue)
            for text in _texts(names, p.value)
        ]
        if texts:
            yield node.subject, texts


def _texts(names: Names, node: ast.expr) -> list[str]:
    """The texts that an expression holds, be it by the name of a constant of the file or of a class."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and node.elts:
        texts = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
        return texts if len(texts) == len(node.elts) else []
    if isinstance(node, ast.Subscript):
        place, several = getattr(node.slice, "value", None), _texts(names, node.value)
        return several[place : place + 1] if type(place) is int and 0 <= place < len(several) else []
    stated = _constant(names, node) if isinstance(node, ast.Name | ast.Attribute) else None
    return _texts(names, stated) if isinstance(stated, ast.Constant | ast.List | ast.Tuple | ast.Set) else []


def _constant(names: Names, node: ast.Name | ast.Attribute) -> ast.expr | None:
    """What a name is assigned once, or an attribute in the body of a class of the file: ``LINEAR``, ``self.KINDS``."""
    if isinstance(node, ast.Name):
        bindings = names.bindings(node.id, node)
        values = [b.value for b in bindings if isinstance(b, Assigned) and not b.index]
        return values[0] if len(bindings) == len(values) == 1 else None
    around = names.enclosing(node, ast.ClassDef)
    if not isinstance(around, ast.ClassDef) or not isinstance(node.value, ast.Name):
        return None
    own = [s for s in around.body if isinstance(s, ast.Assign) and node.attr in stored_names(s)]
    return own[0].value if len(own) == 1 and node.value.id in ("self", "cls", around.name) else None


def _path(names: Names, node: ast.expr, kept: dict[str, str]) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TEXT_METHODS:
        return _path(names, node.func.value, kept)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and len(node.args) == 1:
        return _path(names, node.args[0], kept)
    if isinstance(node, ast.Name):
        bindings = names.bindings(node.id, node)
        values = [b.value for b in bindings if isinstance(b, Assigned) and not b.index]
        if len(bindings) == 1 and values and isinstance(values[0], ast.Attribute | ast.Subscript):
            return _path(names, values[0], kept)
        return node.id
    if isinstance(node, ast.Attribute):
        text = f"{_whole(names, node.value)}.{node.attr}"
        return kept.get(text, text)
    if isinstance(node, ast.Subscript):
        return ast.unparse(node)
    return None


def _whole(names: Names, node: ast.expr) -> str:
    """An expression in full: ``cfg`` where the code says ``cfg = self.cfg`` is ``self.cfg``."""
    if isinstance(node, ast.Attribute):
        return f"{_whole(names, node.value)}.{node.attr}"
    bindings = names.bindings(node.id, node) if isinstance(node, ast.Name) else []
    short = bindings[0] if len(bindings) == 1 else None
    if isinstance(short, Assigned) and not short.index and isinstance(short.value, ast.Attribute):
        return _whole(names, short.value)
    return ast.unparse(node)


def _kept_under(node: ast.AST) -> dict[str, str]:
    """``self.mode`` -> ``mode`` for parameters, ``args.mode`` for parts of them, that a constructor only stores."""
    found: dict[str, str] = {}
    if not isinstance(node, ast.ClassDef):
        return found
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            taken = {a.arg for a in (*method.args.args, *method.args.kwonlyargs)}
            for target, value in _stored(method):
                while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                    value = value.func.value
                root = value
                while isinstance(root, ast.Attribute):
                    root = root.value
                if isinstance(target, ast.Attribute) and isinstance(root, ast.Name) and root.id in taken - {"self"}:
                    found[ast.unparse(target)] = ast.unparse(value)
    return found


def _stored(method: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target and its value, those of ``self.a, self.b = a, b`` one by one."""
    for statement in walk(method):
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield statement.target, statement.value
        if not isinstance(statement, ast.Assign):
            continue
        value = statement.value
        for target in statement.targets:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
                yield from zip(target.elts, value.elts, strict=True)
            else:
                yield target, value


def _default(nodes: Sequence[ast.AST], path: str) -> object:
    for node in nodes:
        for function in walk(node):
            if isinstance(function, ast.FunctionDef):
                positional = [*function.args.posonlyargs, *function.args.args]
                stated = dict(
                    zip((a.arg for a in reversed(positional)), reversed(function.args.defaults), strict=False)
                )
                stated |= {
                    a.arg: d for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if d
                }
                default = stated.get(path)
                if isinstance(default, ast.Constant):
                    return default.value
    return None


__all__ = ["inherited", "numbers", "settings", "switches"]
