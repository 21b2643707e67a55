"""Names and attributes that a schedule reads and that nothing ever sets."""

from __future__ import annotations

import ast
import builtins
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.driving.laboratory import Failure
from lrfix.experiments.inheritance import RENAMED, TORCH_STATE
from lrfix.experiments.reached import spared_by
from lrfix.experiments.structure import methods
from lrfix.experiments.study import Study
from lrfix.names import Defined
from lrfix.trees import walk

_DYNAMIC = frozenset({"__getattr__", "__getattribute__", "__dict__", "setattr", "vars", "__slots__"})
_OPEN = frozenset({"globals", "exec", "locals"})
_CLOSE = 0.8
#: torch's schedulers that have nothing of their own but these.
_PLAIN = frozenset({"LRScheduler", "_LRScheduler"})
_TORCH_OWN = frozenset(
    {*TORCH_STATE, "get_lr", "get_last_lr", "step", "state_dict", "load_state_dict", "print_lr", "verbose"}
    | {"_initial_step", "_update_lr", "_is_initial", "_get_lr_called_within_step", "_get_closed_form_lr"}
)
_UNBOUND = frozenset({"NameError", "UnboundLocalError"})


@dataclass(frozen=True)
class Misnamed:
    """A name that means nothing, and what to tell of it; ``spared``: the defaults lead past it."""

    node: ast.AST
    told: str
    spared: bool = False


def misnamed(study: Study) -> Iterator[Misnamed]:
    """Where a name means nothing."""
    if not _open_module(study):
        yield from _names(study)
    yield from _attributes(study)


def _ended(study: Study) -> Failure | None:
    """The exception that ends every run of the schedule at the same place."""
    failures = [run.failure for run in study.runs]
    first = failures[0] if failures else None
    if first is None or any(f is None or f.kind != first.kind or f.node is not first.node for f in failures):
        return None
    return first


def _unless(study: Study, ended: Failure) -> str:
    """The defaults that lead past an exception, as they stand behind what is said of it."""
    spared = spared_by(study, ended)
    return f", unless {spared}" if spared is not None else ""


def _names(study: Study) -> Iterator[Misnamed]:
    owner = study.node if isinstance(study.node, ast.ClassDef) else study.names.enclosing(study.node, ast.ClassDef)
    kept = _kept(owner) if isinstance(owner, ast.ClassDef) else set()
    ended = _ended(study)
    for root in study.site.nodes:
        for node in walk(root):
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load) or not _nowhere(study, node):
                continue
            function = study.names.enclosing(node, (ast.FunctionDef, ast.Lambda))
            builds = isinstance(function, ast.FunctionDef) and function.name == "__init__"
            if node.id in kept and not builds:
                yield Misnamed(
                    node,
                    f"`{node.id}` is defined nowhere: this fails with a NameError. It is kept as `self.{node.id}`.",
                )
            elif ended is not None and ended.kind == "NameError" and f"'{node.id}'" in ended.message:
                if study.site.form == "subclass" or not study.site.inline:
                    unless = _unless(study, ended)
                    yield Misnamed(
                        node,
                        f"`{node.id}` is defined nowhere: {'a' if unless else 'every'} run fails with a NameError "
                        f"here, {_when(ended)}{unless}.",
                        spared=bool(unless),
                    )
            elif function is not None and (close := _closest(node.id, _bound_in(study, function))) is not None:
                yield Misnamed(
                    node, f"`{node.id}` is defined nowhere: this fails with a NameError. Is `{close}` meant?"
                )


def _when(failure: Failure) -> str:
    return f"at step {failure.step}" if failure.step >= 0 else "when it is built"


def _bound_in(study: Study, function: ast.AST) -> set[str]:
    """The parameters and local names of a function and of those around it."""
    found: set[str] = set()
    for around in (function, *study.names.ancestors(function)):
        if isinstance(around, ast.FunctionDef | ast.Lambda):
            found |= {a.arg for a in walk(around.args) if isinstance(a, ast.arg)}
            found |= {n.id for n in walk(around) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


def _attributes(study: Study) -> Iterator[Misnamed]:
    """``self.n_steps``, where the class keeps ``self.n_step``; a read of what nothing sets, that ends every run."""
    owner = next((n for n in study.site.nodes if isinstance(n, ast.ClassDef)), None) or _class_of(study)
    related = _family(study, owner) if owner is not None else None
    if owner is None or any(_text(n) in _DYNAMIC for cls in related or [owner] for n in walk(cls)):
        return
    if related is None:
        yield from _beside_what_nothing_reads(study, owner) if owner in study.site.nodes else ()
        return
    kept = {name for cls in related for name in _kept(cls)}
    fields = {name for cls in related for s in cls.body if (name := _declared(s))}
    known = kept | {n.name for cls in related for n in cls.body if isinstance(n, ast.FunctionDef)}
    known |= {n.id for cls in related for s in cls.body for n in walk(s) if isinstance(n, ast.Name)}
    known |= {n.attr for n in study.names.nodes if isinstance(n, ast.Attribute) and _is_set(study, n)}
    heirs = [n for n in study.names.nodes if isinstance(n, ast.ClassDef) and n not in related]
    brought = {_text(part) for heir in heirs for part in heir.body}
    brought |= {n.id for heir in heirs for s in heir.body for n in walk(s) if isinstance(n, ast.Name)}
    brought |= {name for heir in heirs for name in _kept(heir)}
    ended = _ended(study)
    shown = study.site.form != "subclass" or study.site.base in _PLAIN
    # What is spoken of as a text is asked for with `hasattr`.
    texts = (n.value for cls in related for n in walk(cls) if isinstance(n, ast.Constant))
    brought |= {text for text in texts if isinstance(text, str)}
    brought |= _TORCH_OWN if study.site.form == "subclass" else set()
    # Who reads more than it keeps, and spells nothing like it, is given that by others: a mixin by the class it is in.
    asked = {n.attr for cls in related for n in walk(cls) if isinstance(n, ast.Attribute) and _is_own(n)}
    elsewhere = any(_closest(name, kept | fields) is None for name in asked - known - brought)
    shown_nodes = [owner] if owner in study.site.nodes else study.site.nodes
    for read in (n for root in shown_nodes for n in walk(root)):
        if not _is_own(read) or not isinstance(read, ast.Attribute) or read.attr in known | brought:
            continue
        if (study.site.base, read.attr) in RENAMED:
            continue  # LR107 says in which version
        fails = ended is not None and ended.kind == "AttributeError" and f"'{read.attr}'" in ended.message
        close = _closest(read.attr, kept | fields)
        if fails and ended is not None and not (read.attr.startswith("__") or inherits_privately(study, read.attr)):
            meant = f" The class keeps `self.{close}`." if close else ""
            unless = _unless(study, ended)
            yield Misnamed(
                read,
                f"`self.{read.attr}` is read and nothing ever sets it: the schedule stops with an AttributeError "
                f"{_when(ended)}{unless}.{meant}",
                spared=bool(unless),
            )
        elif close is not None and shown and not elsewhere:
            told = f"`self.{read.attr}` is read and nothing ever sets it. The class keeps `self.{close}`."
            yield Misnamed(read, told)


def _beside_what_nothing_reads(study: Study, owner: ast.ClassDef) -> Iterator[Misnamed]:
    """``self.n_step`` in a class that keeps ``self.n_steps`` and reads it nowhere: a base in another file may set what
    is read, and would have no use for what is kept."""
    attributes = [n for n in study.names.nodes if isinstance(n, ast.Attribute)]
    read = {n.attr for n in attributes if not isinstance(n.ctx, ast.Store)}
    known = {n.attr for n in attributes if _is_set(study, n)} | {_text(part) for part in owner.body}
    for node in walk(owner):
        if _is_own(node) and isinstance(node, ast.Attribute) and node.attr in read - known:
            close = _closest(node.attr, _kept(owner) - read)
            if close is not None:
                told = f"`self.{node.attr}` is read and nothing here sets it. The class keeps `self.{close}`"
                yield Misnamed(node, f"{told}, and reads that nowhere.")


def _class_of(study: Study) -> ast.ClassDef | None:
    """The class whose method the schedule is."""
    owner = study.names.enclosing(study.node, ast.ClassDef)
    return owner if isinstance(owner, ast.ClassDef) and study.node in owner.body else None


def _declared(statement: ast.stmt) -> str | None:
    """The name of a field that a class declares: ``warmup_steps: int``."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return None


def _is_set(study: Study, node: ast.Attribute) -> bool:
    """Whether a statement gives an attribute its value; ``+=`` needs one to be there already."""
    return isinstance(node.ctx, ast.Store) and not isinstance(study.names.parents.get(node), ast.AugAssign)


def _kept(owner: ast.ClassDef) -> set[str]:
    augmented = {n.target for n in walk(owner) if isinstance(n, ast.AugAssign)}
    return {
        n.attr
        for function in methods(owner)
        for n in walk(function)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and _is_own(n) and n not in augmented
    }


def _family(study: Study, owner: ast.ClassDef) -> list[ast.ClassDef] | None:
    """The class and its bases of this file; None where one stands in another file that is not torch's."""
    found, waiting = [], [owner]
    while waiting:
        cls = waiting.pop()
        found.append(cls)
        for base in cls.bases:
            known = study.names.bindings(base.id, cls) if isinstance(base, ast.Name) else []
            here = [b.node for b in known if isinstance(b, Defined) and isinstance(b.node, ast.ClassDef)]
            qualified = study.names.qualified(base) | {ast.unparse(base)}
            if not here and (ast.unparse(base) == "object" or any(q.startswith("torch.optim.") for q in qualified)):
                continue
            if len(known) != 1 or not here:
                return None
            waiting += [c for c in here if isinstance(c, ast.ClassDef) and c not in found]
    return found


def _nowhere(study: Study, node: ast.Name) -> bool:
    names = study.names
    known = hasattr(builtins, node.id) or node.id.startswith("__") or names.bindings(node.id, node)
    return not known and names.owner(node.id, names.scope_of(node)) is None and not _bound_around(study, node)


def _bound_around(study: Study, node: ast.Name) -> bool:
    """Whether something around a name binds it for a while: a comprehension, a pattern, a handler."""
    around = [outer for outer in study.names.ancestors(node) if not isinstance(outer, ast.Module)]
    return any(
        (isinstance(n, ast.Name) and n.id == node.id and isinstance(n.ctx, ast.Store))
        or (isinstance(n, ast.MatchAs | ast.MatchStar | ast.ExceptHandler) and n.name == node.id)
        for outer in around[-1:]
        for n in walk(outer)
    )


def _open_module(study: Study) -> bool:
    """Whether names may come from where the file does not show: star imports, ``globals()``, ``exec``."""
    for node in study.names.nodes:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OPEN:
            return True
    return False


def _is_own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _text(node: ast.AST) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None) or ""


def _closest(name: str, known: set[str]) -> str | None:
    if len(name) < 4:
        return None
    return next(iter(difflib.get_close_matches(name, sorted(known - {name}), n=1, cutoff=_CLOSE)), None)


def inherits_privately(study: Study, name: str) -> bool:
    """Whether a private name may be one that torch's own scheduler, which the class stands on, keeps to itself."""
    return name.startswith("_") and study.site.base not in ("", "LRScheduler", "_LRScheduler")


__all__ = ["inherits_privately", "misnamed"]
