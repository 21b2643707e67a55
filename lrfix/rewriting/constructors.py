"""What a call gives to the constructor of a class, parameter by parameter."""

from __future__ import annotations

import ast

from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, role_of
from lrfix.recognition.model import ScheduleSpec
from lrfix.rewriting.emission import pure
from lrfix.rewriting.model import NotRewritten
from lrfix.source import Source


def names_of(spec: ScheduleSpec) -> list[str]:
    """The names that the expressions of a construction read, each once."""
    texts = (*spec.positional, *spec.keywords.values())
    return list(dict.fromkeys(n.id for t in texts for n in ast.walk(ast.parse(t)) if isinstance(n, ast.Name)))


def check_plain(call: ast.Call) -> None:
    """Raises NotRewritten where a call does not show its arguments."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        raise NotRewritten(f"the call at line {call.lineno} hides arguments behind `*` or `**`")


def constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    """The class's own ``__init__``."""
    return next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)


def restart_parameter(node: ast.ClassDef) -> str | None:
    """The parameter of a class's constructor that is torch's ``last_epoch``, whatever it is called."""
    initialiser = constructor(node)
    if initialiser is None:
        return None
    arguments = initialiser.args
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = dict(
        zip([a.arg for a in plain][len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True)
    )
    defaults.update(
        {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}
    )
    names = [a.arg for a in (*plain, *arguments.kwonlyargs)]
    if "last_epoch" in names:
        return "last_epoch"
    alike = [name for name in names if role_of(name) is Role.LAST_EPOCH and literal(defaults.get(name)) == -1]
    return alike[0] if len(alike) == 1 else None


def bound_arguments(source: Source, node: ast.ClassDef, call: ast.Call) -> dict[str, tuple[str, ast.expr]]:
    """What a call gives for each parameter of a class's constructor, defaults included: text and node.

    Raises NotRewritten where the call does not fit the signature or a default is no literal.
    """
    initialiser = constructor(node)
    if initialiser is None:
        raise NotRewritten(f"`{node.name}` has no constructor of its own")
    arguments = initialiser.args
    if arguments.vararg is not None or arguments.kwarg is not None:
        raise NotRewritten(f"the constructor of `{node.name}` takes `*` or `**` arguments")
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)][1:]
    defaults: dict[str, ast.expr] = {}
    if arguments.defaults:
        defaults.update(zip(positional[-len(arguments.defaults) :], arguments.defaults, strict=True))
    defaults.update(
        {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}
    )
    check_plain(call)
    given: dict[str, ast.expr] = dict(zip(positional, call.args, strict=False))
    given.update({k.arg: k.value for k in call.keywords if k.arg is not None})
    known = {*positional, *(a.arg for a in arguments.kwonlyargs)}
    if len(call.args) > len(positional) or not set(given) <= known:
        raise NotRewritten(f"the call at line {call.lineno} does not fit the constructor of `{node.name}`")
    found: dict[str, tuple[str, ast.expr]] = {}
    for name in known:
        if name in given:
            found[name] = (source.segment(given[name]), given[name])
        elif name in defaults:
            default = defaults[name]
            if literal(default) is None and not isinstance(default, ast.Constant) and not pure(default):
                raise NotRewritten(f"the default of `{name}` in `{node.name}` is no literal")
            found[name] = (ast.unparse(default), default)
        else:
            raise NotRewritten(f"the call at line {call.lineno} does not give `{name}`")
    return found


__all__ = ["bound_arguments", "check_plain", "constructor", "names_of", "restart_parameter"]
