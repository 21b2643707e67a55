"""The runs of statements of which one call could take the place: they compute one value and do nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lrfix.domains.clock import tick_of
from lrfix.domains.roles import LENGTHS, role_of
from lrfix.names import FUNCTION_NODES, Names
from lrfix.rewriting.in_place.derived import in_settings
from lrfix.rewriting.in_place.each_group import Each, listed, one_of_each
from lrfix.rewriting.in_place.methods import as_function, receiver, with_functions
from lrfix.rewriting.in_place.reads import NotPure, Reads, root_of
from lrfix.rewriting.in_place.shares import names_share
from lrfix.sites.vocabulary import names_position
from lrfix.trees import stored_names

_MOST_LEAVES = 14
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True)
class Region:
    """Consecutive statements of one block that compute a value.

    ``target`` is the text that the value is assigned to; None where it is returned. ``steps`` are the leaves that may
    be the position in training, the likeliest first; ``truths`` the leaves that are tested for truth. ``computed`` are
    the statements with ``position``, an expression that puts the position together, as a leaf, where there is one.
    ``nones`` are the leaves that may be None: the statements ask. ``forgotten`` are names that they delete, ``methods``
    the names of the methods of the object at hand that are among the ``helpers``. ``holder`` is the lambda whose body
    the one statement stands for. ``each`` are the name and the list of ``return [... for base in self.base_lrs]``: the
    value is that of one group, and ``computed`` returns it. ``in_settings``: ``computed`` is told in what the object is
    given, not in what its constructor works out of that.
    """

    statements: tuple[ast.stmt, ...]
    target: str | None
    leaves: dict[str, ast.expr]
    steps: tuple[str, ...]
    truths: frozenset[str]
    helpers: tuple[ast.FunctionDef, ...]
    computed: tuple[ast.stmt, ...]
    checks: tuple[ast.stmt, ...] = ()
    position: str | None = None
    nones: frozenset[str] = frozenset()
    forgotten: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ()
    holder: ast.Lambda | None = None
    each: Each | None = None
    in_settings: bool = False

    @property
    def first(self) -> ast.stmt:
        return self.statements[0]


def regions(names: Names, block: Sequence[ast.stmt], parameters: Sequence[str]) -> Iterator[list[Region]]:
    """Runs that end at one statement of ``block`` and compute one value, the longest first; one list for each end.

    ``parameters`` are those of the function around.
    """
    end = len(block)
    while end > 0:
        found = []
        for begin in _begins(names, block, end):
            region = _region(names, tuple(block[begin:end]), parameters)
            if region is not None:
                found.append(region)
        if found:
            yield found
        end -= 1


def _begins(names: Names, block: Sequence[ast.stmt], end: int) -> range:
    """Where a run that ends before ``end`` may begin: as far back as all is computation."""
    begin = end
    while begin > 0:
        statement = block[begin - 1]
        if isinstance(statement, ast.Pass):
            break
        try:
            reads = Reads(names, [statement], among_others=True)
        except NotPure:
            if begin != end or _whole_target(names, statement) is None:
                break
            begin -= 1
            break
        if reads.always_returns and begin != end:
            break
        begin -= 1
    return range(begin, end)


def _whole_target(names: Names, statement: ast.stmt) -> str | None:
    """``group["lr"]`` of ``group["lr"] = <computation>``."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    return ast.unparse(target) if isinstance(target, ast.Attribute | ast.Subscript) else None


def in_settings_of(names: Names, region: Region, parameters: Sequence[str]) -> Region | None:
    """The region told in what its object is given, where it reads what the constructor works out of that."""
    told = in_settings(names, region.statements) if region.holder is None else None
    made = _region(names, region.statements, parameters, told) if told is not None else None
    return replace(made, in_settings=True) if made is not None else None


def _region(
    names: Names,
    statements: tuple[ast.stmt, ...],
    parameters: Sequence[str],
    told: tuple[ast.stmt, ...] | None = None,
) -> Region | None:
    """``told``: the statements in other terms."""
    last = statements[-1] if told is None else told[-1]
    direct = _whole_target(names, last)
    if direct is not None:
        if len(statements) > 1 or not isinstance(last, ast.Assign):
            return None
        value = ast.copy_location(ast.Return(last.value), last)
        if told is not None:
            names.parents[value] = last
        try:
            reads = Reads(names, [value])
        except NotPure:
            return None
        return _made(names, statements, direct, reads, parameters, told)
    told = statements if told is None else told
    each = listed(names, told)
    one = told if each is None else one_of_each(names, told)
    try:
        reads = Reads(names, one, elements=each[:1] if each is not None else ())
    except NotPure:
        return None
    if reads.always_returns:
        outer = [n for s in reads.stored for n in _live(names, statements, s)]
        if outer or (each is not None and root_of(each[1]) in reads.stored):
            return None
        made = _made(names, statements, None, reads, parameters, one)
        return replace(made, each=each) if made is not None else None
    if reads.returns:
        return None
    live = [name for name in reads.stored if _live(names, statements, name)]
    if len(live) != 1 or live[0] not in reads.assigned | set(reads.leaves):
        return None
    if live[0] not in stored_names(last):
        return None
    return _made(names, statements, live[0], reads, parameters, told)


def _made(
    names: Names,
    statements: tuple[ast.stmt, ...],
    target: str | None,
    reads: Reads,
    parameters: Sequence[str],
    one: tuple[ast.stmt, ...] | None = None,
) -> Region | None:
    computed = statements if one is None else one
    if not 1 <= len(reads.leaves) <= _MOST_LEAVES or not _means_the_same(names, computed[0], reads):
        return None
    if target is not None and (role_of(target) in LENGTHS or tick_of(target) is not None):
        return None
    methods = frozenset(reads.methods.values())
    holder = names.parents[statements[0]]
    return Region(
        statements=statements,
        target=target,
        leaves=reads.leaves,
        steps=_steps(names, reads.leaves, parameters),
        truths=frozenset(reads.truths),
        helpers=tuple(as_function(h, methods) for h in reads.helpers) if methods else tuple(reads.helpers),
        computed=with_functions(computed, methods) if methods or computed is not statements else computed,
        checks=tuple(reads.checks),
        nones=frozenset(reads.nones),
        forgotten=frozenset(reads.forgotten),
        methods=tuple(method.name for method in reads.methods),
        holder=holder if isinstance(holder, ast.Lambda) else None,
    )


def _means_the_same(names: Names, at: ast.stmt, reads: Reads) -> bool:
    """Whether a name that a helper reads is the same where the helper is called."""
    scope = names.scope_of(at)
    for text, node in reads.leaves.items():
        root = root_of(text)
        around = names.enclosing(node, FUNCTION_NODES)
        if isinstance(around, ast.FunctionDef) and around in reads.methods and receiver(around) == root:
            continue
        if names.owner(root, scope) is not names.owner(root, names.scope_of(node)):
            return False
    return True


def _steps(names: Names, leaves: dict[str, ast.expr], parameters: Sequence[str]) -> tuple[str, ...]:
    places = {leaf for leaf, node in leaves.items() if _counts_groups(names, leaf, node)}
    told = [leaf for leaf in leaves if tick_of(leaf) is not None and leaf not in places]
    if told:
        return tuple(told)
    counted = [leaf for leaf in leaves if leaf in counters(names) and leaf not in places]
    if counted:
        return tuple(counted)
    spoken = [leaf for leaf in leaves if names_position(leaf) and role_of(leaf) not in LENGTHS and leaf not in places]
    own = [leaf for leaf in leaves if leaf in parameters and role_of(leaf) not in LENGTHS]
    shares = [leaf for leaf in leaves if names_share(leaf) and leaf not in places]
    return tuple(dict.fromkeys((*spoken, *own, *shares)))


def _counts_groups(names: Names, leaf: str, node: ast.expr) -> bool:
    """Whether a name is bound by a loop over parameter groups: it says which group it is, not when."""
    if not isinstance(node, ast.Name):
        return False
    loops = [outer for outer in names.ancestors(node) if isinstance(outer, ast.For)]
    return any(leaf in stored_names(loop.target) and "param_groups" in ast.unparse(loop.iter) for loop in loops)


def counters(names: Names) -> set[str]:
    """What the file counts up by one."""
    return {
        ast.unparse(node.target)
        for node in names.nodes
        if isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Add)
        and isinstance(node.value, ast.Constant)
        and node.value.value == 1
    }


def _live(names: Names, statements: tuple[ast.stmt, ...], name: str) -> list[ast.AST]:
    """The places outside of the statements that may read what they leave in a name."""
    scope = names.scope_of(statements[0])
    owner = names.owner(name, scope)
    if owner is not scope:
        return [statements[0]]  # a name of the module, or of a function around: anyone may read it
    inside = {n for s in statements for n in ast.walk(s)}
    found: list[ast.AST] = []
    for node in names.nodes:
        if not isinstance(node, ast.Name) or node.id != name or isinstance(node.ctx, ast.Store) or node in inside:
            continue
        if names.owner(name, names.scope_of(node)) is owner and _may_follow(names, statements, node):
            found.append(node)
    return found


def _may_follow(names: Names, statements: tuple[ast.stmt, ...], node: ast.AST) -> bool:
    """Whether ``node`` may be evaluated after the statements, with what they set still in place."""
    first = statements[0]
    function = names.enclosing(first, FUNCTION_NODES)
    if names.enclosing(node, FUNCTION_NODES) is not function:
        return True
    around = {a for a in names.ancestors(first) if isinstance(a, _LOOPS) and _within(names, a, function)}
    if any(loop in around for loop in names.ancestors(node)):
        return True
    if (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)) < (first.lineno, first.col_offset):
        return False
    return not other_arm(names, first, node)


def _within(names: Names, node: ast.AST, function: ast.AST | None) -> bool:
    return function is None or function in names.ancestors(node)


def other_arm(names: Names, first: ast.AST, second: ast.AST) -> bool:
    """Whether the two stand in the two sides of one ``if``."""
    sides = {}
    child = first
    for outer in names.ancestors(first):
        if isinstance(outer, ast.If):
            sides[outer] = child in outer.body
        child = outer
    child = second
    for outer in names.ancestors(second):
        if isinstance(outer, ast.If) and outer in sides and child is not outer.test:
            return sides[outer] != (child in outer.body)
        child = outer
    return False


def blocks_of(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks inside a statement, outermost first; those of functions and classes are left out."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if isinstance(block, list) and block:
            yield block
    for handler in getattr(statement, "handlers", []):
        yield handler.body


__all__ = ["Region", "blocks_of", "counters", "in_settings_of", "other_arm", "regions"]
