"""Calling: binding of arguments, construction of instances, natives that must never see an unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable
from typing import Any

from lrfix.interpreter.arrays.library import CONSTRUCTORS as ARRAY_CONSTRUCTORS
from lrfix.interpreter.builtins import CONSTRUCTORS
from lrfix.interpreter.compilation import RETURN, block, compiled, imports
from lrfix.interpreter.enums import is_enumeration, member_of_value
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, TooDeep, UserError
from lrfix.interpreter.generators import generator_body
from lrfix.interpreter.limits import PLAIN_NUMBERS
from lrfix.interpreter.recorder import HEARD
from lrfix.interpreter.standard_library import Field
from lrfix.interpreter.templates.definitions import template_of
from lrfix.interpreter.values import (
    MISSING,
    BoundMethod,
    ClassMethod,
    ClassValue,
    Function,
    Instance,
    NativeFunction,
    Partial,
    StaticMethod,
    Unknown,
)

Machine = Any
#: Fuel for one call into another file, or for working out one of its names.
ALLOWANCE = 100_000
#: What a call of an unknown takes: working out what its result may be costs as much as so many statements.
_UNKNOWN_CALL = 4
#: After how many calls a definition gets a template; None for never. Nothing but time depends on it.
TEMPLATES_AFTER: int | None = 60
#: What a call is known again by; of anything else by its type.
_TOLD = frozenset({int, float, bool, str, type(None)})
_ARITHMETIC = frozenset({"ZeroDivisionError", "OverflowError"})


def invoke(
    machine: Machine, function: Any, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None
) -> Any:
    """Call ``function``; any callable value of the interpreted program."""
    kind = type(function)
    if kind is Function:
        run = _elsewhere if function.elsewhere else call_function
        return run(machine, function, arguments, keywords, node)
    if kind is NativeFunction:
        return _native(machine, function, arguments, keywords, node)
    if kind is BoundMethod:
        method = function.function
        if type(method) is Function and not method.elsewhere:
            return call_function(machine, method, [function.receiver, *arguments], keywords, node)
        return invoke(machine, function.function, [function.receiver, *arguments], keywords, node)
    if kind is ClassValue and function.remote:
        return _unknown(Unknown(function.name), arguments, keywords, node)
    if kind is ClassValue:
        return _construct(machine, function, arguments, keywords, node)
    if kind is Instance:
        method = function.cls.find("__call__")
        if method is MISSING:
            raise UserError(TypeError(f"'{function.cls.name}' object is not callable"), node)
        return invoke(machine, BoundMethod(method, function), arguments, keywords, node)
    if kind is Partial:
        return invoke(
            machine, function.function, [*function.arguments, *arguments], {**function.keywords, **keywords}, node
        )
    if kind is StaticMethod or kind is ClassMethod:
        return invoke(machine, function.function, arguments, keywords, node)
    if kind is Unknown:
        machine.fuel -= _UNKNOWN_CALL
        if machine.fuel < 0:
            machine.refuel(node)
        known = machine.host.unknown_call(function, arguments, keywords)
        return known if known is not MISSING else _unknown(function, arguments, keywords, node)
    if isinstance(function, type) and issubclass(function, BaseException):
        return machine.native(function, tuple(arguments), node)
    if isinstance(function, type):
        native = CONSTRUCTORS.get(function) or ARRAY_CONSTRUCTORS.get(function)
        if native is not None:
            return _native(machine, native, arguments, keywords, node)
        raise Opaque(f"builds a {function.__name__}, which lrfix does not simulate", node)
    raise UserError(TypeError(f"'{type(function).__name__}' object is not callable"), node)


def _unknown(function: Unknown, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None) -> Any:
    given = tuple(v for v in (*arguments, *keywords.values()) if isinstance(v, int | float))
    text = _text(node) if isinstance(node, ast.Call) else ""
    return Unknown(text if 0 < len(text) < 200 else f"{function.path}(...)", given)


def _text(node: ast.Call) -> str:
    """A call as it is written, kept on its node."""
    known: str | None = node.__dict__.get("lrfix_text")
    if known is None:
        known = node.__dict__["lrfix_text"] = ast.unparse(node)
    return known


def _elsewhere(
    machine: Machine, function: Function, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None
) -> Any:
    """A function of another file, on an allowance of its own; where it cannot be simulated, its value is unknown."""
    depth = machine.depth
    try:
        with machine.limited(ALLOWANCE, _call_of(function, arguments, keywords)):
            return call_function(machine, function, arguments, keywords, node)
    except Opaque:
        machine.depth = depth
    except UserError as error:
        if error.kind not in _ARITHMETIC:
            machine.depth = depth
        else:
            raise
    return _unknown(Unknown(function.name), arguments, keywords, node)


def _call_of(function: Function, arguments: list[Any], keywords: dict[str, Any]) -> Hashable:
    """A call as it may come again in another run: with the same numbers and texts, objects of the same kinds."""
    given = (*arguments, *keywords.values())
    told = (repr(v) if type(v) in _TOLD else v.path if type(v) is Unknown else type(v).__name__ for v in given)
    return function.node, (*keywords,), *told


def call_function(
    machine: Machine, function: Function, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None
) -> Any:
    definition = function.node
    if machine.before_call is not None:
        machine.before_call(definition, lambda: call_function(machine, function, arguments, keywords, node))
    shape: Shape = definition.__dict__.get("lrfix_shape") or shape_of(definition)
    machine.fuel -= 1
    if machine.fuel < 0:
        machine.refuel(node)
    machine.depth += 1
    if machine.depth > machine.max_depth:
        machine.depth = 0
        raise TooDeep("calls itself too deeply to simulate", node)
    template = shape.template
    if template is None and shape.waits:
        template = shape.warm(definition)
    simple = shape.simple and not keywords
    if simple and len(arguments) != shape.count:
        # What is not given has a default, in nearly all calls.
        first = len(arguments) - shape.count + len(function.defaults)
        simple = first >= 0 and len(arguments) < shape.count
        if simple:
            arguments = [*arguments, *function.defaults[first:]]
    if template is not None:
        values = arguments if simple else bound(machine, function, shape, arguments, keywords, node)
        machine.recorder.call(function, arguments, node)
        try:
            value = template(machine, function, *values)
        finally:
            machine.depth -= 1
        machine.recorder.returned(function, value, node)
        return value
    environment = Environment(function.environment, outer=shape.outer, locals=shape.locals, owner=function.owner)
    if simple:
        environment.variables.update(zip(shape.positional, arguments, strict=True))
    else:
        bind(machine, function, shape, environment.variables, arguments, keywords, node)
    if shape.first is not None:
        environment.receiver = environment.variables.get(shape.first)
    machine.recorder.call(function, arguments, node)
    try:
        body = shape.body or shape.compiled(definition)
        if shape.answers:
            value = body(machine, environment)
        else:
            value = environment.result if body(machine, environment) is RETURN else None
    finally:
        machine.depth -= 1
    machine.recorder.returned(function, value, node)
    return value


class Shape:
    """What is the same for every call of one definition."""

    def __init__(self, node: ast.FunctionDef | ast.Lambda) -> None:
        arguments = node.args
        self.positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        self.count = len(self.positional)
        self.positional_only = {a.arg for a in arguments.posonlyargs}
        self.keyword = [a.arg for a in arguments.kwonlyargs]
        self.keywords = set(self.keyword)
        self.rest = arguments.vararg.arg if arguments.vararg else None
        self.more = arguments.kwarg.arg if arguments.kwarg else None
        self.first = self.positional[0] if self.positional else None
        self.body: Any = None
        own = list(_own_nodes(node))
        self.generator = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own)
        #: Whether running the body gives the value of the call itself, not how control left it.
        self.answers = self.generator or isinstance(node, ast.Lambda)
        self.simple = not (self.rest or self.more or self.keyword)
        outer: dict[str, str] = {}
        for n in own:
            if isinstance(n, ast.Global | ast.Nonlocal):
                outer.update(dict.fromkeys(n.names, "global" if isinstance(n, ast.Global) else "nonlocal"))
        self.outer = outer or None
        stored = {n.id for n in own if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store | ast.Del)}
        stored |= {n.name for n in own if isinstance(n, ast.FunctionDef | ast.ClassDef) and n is not node}
        stored |= {name for n in own if isinstance(n, ast.Import | ast.ImportFrom) for name, _, _ in imports(n)}
        stored |= {n.name for n in own if isinstance(n, ast.MatchAs | ast.MatchStar) and n.name is not None}
        self.locals = frozenset(stored - set(outer))
        more = [name for name in (self.rest, self.more) if name is not None]
        self.parameters = [*self.positional, *self.keyword, *more]
        #: What runs the definition once it has been called so often that making that is worth its while.
        self.template: Callable[..., Any] | None = None
        self.waits = TEMPLATES_AFTER is not None and not self.generator and self.outer is None
        self._calls = 0

    def warm(self, node: ast.FunctionDef | ast.Lambda) -> Callable[..., Any] | None:
        """Count a call; the template from the one on that makes it worth its while."""
        self._calls += 1
        if TEMPLATES_AFTER is None or self._calls > TEMPLATES_AFTER:
            self.waits = False
            self.template = template_of(node, self.parameters, self.locals, self.first)
        return self.template

    def compiled(self, node: ast.FunctionDef | ast.Lambda) -> Any:
        if isinstance(node, ast.Lambda):
            self.body = compiled(node.body)
        else:
            self.body = (generator_body if self.generator else block)(node.body)
        return self.body


def _own_nodes(node: ast.FunctionDef | ast.Lambda) -> Any:
    stack: list[ast.AST] = list(node.body) if isinstance(node, ast.FunctionDef) else [node.body]
    while stack:
        current = stack.pop()
        yield current
        if isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(current, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            stack.extend(n for n in ast.walk(current) if isinstance(n, ast.NamedExpr | ast.Yield | ast.YieldFrom))
            continue
        stack.extend(ast.iter_child_nodes(current))


def shape_of(node: ast.FunctionDef | ast.Lambda) -> Shape:
    known: Shape | None = node.__dict__.get("lrfix_shape")
    if known is None:
        known = node.__dict__["lrfix_shape"] = Shape(node)
    return known


def bound(
    machine: Machine,
    function: Function,
    shape: Shape,
    arguments: list[Any],
    keywords: dict[str, Any],
    node: ast.AST | None,
) -> list[Any]:
    """What the parameters get, in the order of ``Shape.parameters``."""
    names = shape.positional
    given_all = len(arguments) + len(keywords) == len(names)
    if given_all and shape.simple and not shape.positional_only and [*names[: len(arguments)], *keywords] == names:
        return [*arguments, *keywords.values()]
    if shape.simple and not shape.positional_only and len(arguments) + len(keywords) <= len(names):
        given = dict(zip(names, arguments, strict=False))
        if given.keys().isdisjoint(keywords):
            given.update(keywords)
            with_defaults = len(names) - len(function.defaults)
            for position, name in enumerate(names[with_defaults:]):
                if name not in given:
                    given[name] = function.defaults[position]
            if len(given) == len(names) and all(name in given for name in names):
                return [given[name] for name in names]
    named = shape.keyword and len(arguments) == len(names) and len(keywords) == len(shape.keyword)
    if named and shape.rest is None and shape.more is None and keywords.keys() == shape.keywords:
        return [*arguments, *[keywords[name] for name in shape.keyword]]
    variables: dict[str, Any] = {}
    bind(machine, function, shape, variables, arguments, keywords, node)
    return [variables[name] for name in shape.parameters]


def bind(
    machine: Machine,
    function: Function,
    shape: Shape,
    variables: dict[str, Any],
    arguments: list[Any],
    keywords: dict[str, Any],
    node: ast.AST | None,
) -> None:
    """Python's binding of arguments to parameters."""
    positional = shape.positional
    count = len(positional)
    if len(arguments) > count and shape.rest is None:
        raise UserError(
            TypeError(f"{function.name}() takes {count} positional arguments but {len(arguments)} were given"), node
        )
    for name, value in zip(positional, arguments, strict=False):
        variables[name] = value
    if shape.rest is not None:
        variables[shape.rest] = tuple(arguments[count:])
    extra: dict[str, Any] = {}
    for name, value in keywords.items():
        if (name in positional and name not in shape.positional_only) or name in shape.keyword:
            if name in variables:
                raise UserError(TypeError(f"{function.name}() got multiple values for argument '{name}'"), node)
            variables[name] = value
        elif shape.more is not None:
            extra[name] = value
        else:
            raise UserError(TypeError(f"{function.name}() got an unexpected keyword argument '{name}'"), node)
    if shape.more is not None:
        variables[shape.more] = extra
    start = count - len(function.defaults)
    for index in range(count):
        name = positional[index]
        if name not in variables:
            if index < start:
                raise UserError(TypeError(f"{function.name}() missing required positional argument: '{name}'"), node)
            variables[name] = function.defaults[index - start]
    for name in shape.keyword:
        if name not in variables:
            if name not in function.keyword_defaults:
                raise UserError(TypeError(f"{function.name}() missing required keyword-only argument: '{name}'"), node)
            variables[name] = function.keyword_defaults[name]


def _construct(
    machine: Machine, cls: ClassValue, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None
) -> Any:
    if is_enumeration(cls):
        if len(arguments) != 1 or keywords:
            raise Opaque(f"makes the enumeration `{cls.name}` anew", node)
        return member_of_value(machine, cls, arguments[0], node)
    instance = Instance(cls)
    if cls.foreign:
        instance.fallback = _foreign(machine)
    if cls.native is not None:
        instance.attributes["args"] = tuple(arguments)
    if is_dataclass(cls):
        _fill_dataclass(machine, instance, arguments, keywords, node)
        return instance
    initialiser = cls.find("__init__")
    if initialiser is MISSING and cls.foreign:
        instance.attributes.update(keywords)
        return instance
    if initialiser is MISSING:
        if (arguments or keywords) and cls.native is None:
            raise UserError(TypeError(f"{cls.name}() takes no arguments"), node)
        return instance
    invoke(machine, BoundMethod(initialiser, instance), arguments, keywords, node)
    return instance


def _foreign(machine: Machine) -> Any:
    def answer(name: str) -> Any:
        known = machine.host.unknown_attribute(Unknown("self"), name)
        return Unknown(f"self.{name}") if known is MISSING else known

    return answer


def is_dataclass(cls: ClassValue) -> bool:
    return any(
        c.node is not None and any(names_dataclass(d) for d in c.node.decorator_list) for c in cls.mro
    ) and not any("__init__" in c.namespace for c in cls.mro)


def names_dataclass(decorator: ast.expr) -> bool:
    """Whether a decorator is ``dataclass``, bare, called, or of a module."""
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (getattr(named, "attr", None) or getattr(named, "id", None)) == "dataclass"


def _fill_dataclass(
    machine: Machine, instance: Instance, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None
) -> None:
    fields: dict[str, Any] = {}
    for cls in reversed(instance.cls.mro):
        for statement in cls.node.body if cls.node is not None else ():
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                fields[statement.target.id] = cls.namespace.get(statement.target.id, MISSING)
    names = [name for name, value in fields.items() if not isinstance(value, Field) or value.given]
    given = dict(zip(names, arguments, strict=False)) | keywords
    for name in fields:
        value = given.pop(name, fields[name]) if name in names else fields[name]
        if isinstance(value, Field):
            value = value.default if value.factory is MISSING else invoke(machine, value.factory, [], {}, node)
        if value is MISSING and name not in names:
            continue
        if value is MISSING:
            raise UserError(TypeError(f"{instance.cls.name}() missing required argument: '{name}'"), node)
        instance.attributes[name] = value
    if given or len(arguments) > len(names):
        raise UserError(TypeError(f"{instance.cls.name}() got unexpected arguments"), node)
    after = instance.cls.find("__post_init__")
    if after is not MISSING:
        invoke(machine, BoundMethod(after, instance), [], {}, node)


def _native(
    machine: Machine, native: NativeFunction, arguments: list[Any], keywords: dict[str, Any], node: ast.AST | None
) -> Any:
    machine.burn(node)
    if native.accepts_callables:
        if native.name.endswith(HEARD):
            machine.recorder.applied(native.name, arguments, node)
        return machine.native(native.function, (machine, node, *arguments), node, **keywords)
    if not keywords and PLAIN_NUMBERS.issuperset(map(type, arguments)):
        if native.name.endswith(HEARD):
            machine.recorder.applied(native.name, arguments, node)
        return machine.native(native.function, arguments, node)
    plain = [_as_float(machine, native, machine.concrete(a, node, "number"), node) for a in arguments]
    named = {k: machine.concrete(v, node, "number") for k, v in keywords.items()}
    for value in (*plain, *named.values()):
        if type(value) in PLAIN_NUMBERS:
            continue
        machine.charge(value, node)
        if isinstance(value, Instance | Function | BoundMethod | ClassValue | Partial):
            raise Opaque(f"gives an object to `{native.name}`", node)
    if native.name.endswith(HEARD):
        machine.recorder.applied(native.name, plain, node)
    return machine.native(native.function, tuple(plain), node, **named)


def _as_float(machine: Machine, native: NativeFunction, value: Any, node: ast.AST | None) -> Any:
    """What ``math`` makes of an object: what its ``__float__`` gives."""
    if not isinstance(value, Instance) or not native.name.startswith("math.") or value.cls.find("__float__") is MISSING:
        return value
    if any(value.cls.find(name) is not MISSING for name in ("__floor__", "__ceil__", "__trunc__", "__index__")):
        return value
    return machine.call_method(value, "__float__", (), node or ast.Pass())
