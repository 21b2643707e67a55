"""LR109: state that decides the rate and does not survive a checkpoint."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.driving.resumption import Resumption, resume
from lrfix.experiments.carried_rates import carried_rates
from lrfix.experiments.class_reading import name_span, own_attribute, stored_in, torch_named
from lrfix.experiments.counters import forgotten_counters, skipped_milestones
from lrfix.experiments.held_schedulers import half_saved
from lrfix.experiments.late_schedulers import built_late
from lrfix.experiments.states import state_asked_for
from lrfix.experiments.structure import method, methods, statements, updates
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Defined
from lrfix.registry import rule
from lrfix.sites.vocabulary import looks_like_optimizer, torch_scheduler
from lrfix.wording import num

_STOPS = (6, 24, 60)
_AFTER = 24
#: A rate of less than this share of the highest is that of a schedule that has ended.
_SPENT = 1e-3
_SAVES, _LOADS = ("state_dict", "__getstate__"), ("load_state_dict", "__setstate__")


@rule("LR109", uses=True)
def lossy_resume(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from built_late(study)
        yield from _taken_apart(study)
        return
    if study.site.form == "setter":
        yield from _counted_anew(study)
        yield from _passed_over(study)
        yield from _carried_beside(study)
    node = study.node
    if not isinstance(node, ast.ClassDef):
        return
    found = [
        *_scheduler_in_the_state(study, node),
        *_saved_and_never_loaded(study, node),
    ]
    yield from found
    if not found:
        yield from _parts_from_the_run(study, node)


def _counted_anew(study: Study) -> Iterator[Violation]:
    for counter in forgotten_counters(study):
        yield Violation(
            study.span(counter.start),
            f"`{counter.name}` decides the rate and starts anew here in every process, while the optimizer and "
            f"`{counter.restored}` are restored from the checkpoint: a resumed run begins the schedule again. Save and "
            f"restore `{counter.name}`, or work it out from `{counter.restored}`.",
        )


def _passed_over(study: Study) -> Iterator[Violation]:
    for counter in skipped_milestones(study):
        yield Violation(
            study.span(counter.change),
            f"`{counter.name}` moves on only in the very turn of a milestone, and the loop may begin behind it, at "
            f"`{counter.start}`: a run that goes on there has not counted the milestones before, and trains at another "
            f"rate than it had. Count those up to `{counter.start}` first.",
        )


def _carried_beside(study: Study) -> Iterator[Violation]:
    for rate in carried_rates(study):
        yield Violation(
            study.span(rate.change),
            f"`{rate.name}` starts anew in every process and is scaled here from what it was, while the optimizer and "
            f"`{rate.restored}` are restored from the checkpoint: after a resume the next change forgets those before "
            'it. Scale `param_group["lr"]` itself, or restore the variable.',
        )


def _taken_apart(study: Study) -> Iterator[Violation]:
    for held in half_saved(study):
        yield Violation(
            name_span(study, held.saver),
            f"`self.{held.name}` is a {held.class_name}, and what is saved of it here leaves out `{held.missing}`, "
            f"which is lost when training resumes. Save `self.{held.name}.state_dict()` as a whole.",
            advice=not state_asked_for(study, study.names.enclosing(held.saver, ast.ClassDef)),
        )


def _parts_from_the_run(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """The experiment: stop, build anew, load what was saved, go on."""
    if study.site.form not in ("subclass", "wrapper") or not study.ran or any(r.failure for r in study.runs):
        return
    family = _family(study, node)
    both = all(any(method(c, name) is not None for c in family) for name in ("state_dict", "load_state_dict"))
    saved = both or any(torch_named(study, base) for base in node.bases)
    for at in _STOPS:
        trials = [t for t in _trials(study, at, saved) if t is not None and (saved or t.told)]
        if not trials:
            return
        if len(trials) == len(study.runs) and all(map(_lost_inside, trials, map(study.horizon, study.runs))):
            yield _lost(study, node, trials[0], saved)
            return


def _lost_inside(trial: Resumption, end: int | None) -> bool:
    """Whether a trial lost something before the schedule ends; nobody resumes a run that is over.

    Where no length says so, it is over once next to nothing is left of the rate and that stays.
    """
    if trial.lost is None or (end is not None and trial.lost >= end):
        return False
    rest = trial.walked[trial.lost - trial.at :]
    top = max((*trial.walked, *trial.resumed), default=0.0)
    return end is not None or any(rate != rest[0] for rate in rest) or rest[0] > _SPENT * top


def _trials(study: Study, at: int, saved: bool) -> Iterator[Resumption | None]:
    """The experiment under every scenario, as far as the one before has lost something."""
    for index in range(len(study.runs)):
        trial = resume(
            study.laboratory,
            index,
            overrides=study.settings,
            construction=study.use,
            at=at,
            steps=_AFTER,
            saved=saved,
        )
        yield trial
        if trial is None or trial.lost is None:
            return


def _lost(study: Study, node: ast.ClassDef, shown: Resumption, saved: bool) -> Violation:
    step = shown.lost or 0
    walked, resumed = shown.walked[step - shown.at], shown.resumed[step - shown.at]
    kept = [u for m in methods(node) if m.name not in ("__init__", *_SAVES, *_LOADS) for u in updates(m) if u.own]
    ran = [u for u in kept if any(r.stepped is not None and u.statement in r.stepped.statements for r in study.runs)]
    save = method(node, "state_dict")
    if saved and save is not None:
        span, why = name_span(study, save), "what `state_dict` saves is not all that decides the rate"
    elif ran:
        name = ran[0].name
        span = study.span(ran[0].statement)
        why = (
            f"`{name}` is carried from step to step and saved nowhere, though the step itself is given"
            if not saved
            else f"`{name}` is carried from step to step and does not come back with `load_state_dict`"
        )
    else:
        span, why = study.site.span, "the rate depends on more than the step and what is saved"
    return Violation(
        span,
        f"A resumed run gets another rate: stopped at step {shown.at}, it has {num(resumed)} at step {step}, where the "
        f"uninterrupted run has {num(walked)}, because {why}.",
        study.evidence(study.runs[0], [step - 1, step]),
        # Whoever saves schedulers asks one that is torch's own by its base for its state.
        advice=saved and study.site.form == "wrapper" and not state_asked_for(study, node),
    )


def _scheduler_in_the_state(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """torch saves every attribute but the optimizer: a scheduler held inside goes along as an object, its own optimizer
    with it, and comes back bound to that copy."""
    own_state = method(node, "state_dict")
    if own_state is None:
        if not any(torch_named(study, base) for base in node.bases):
            return
        if any(method(c, name) is not None for c in _family(study, node) for name in (*_SAVES, *_LOADS)):
            return
    elif not _saves_everything(own_state):
        return
    initialiser = method(node, "__init__")
    for statement in statements(initialiser.body) if initialiser is not None else ():
        for name, value in stored_in(statement):
            if not _holds_scheduler(study, node, name, value):
                continue
            if own_state is not None and any(
                isinstance(n, ast.Constant | ast.Attribute) and name in (getattr(n, "value", None), own_attribute(n))
                for n in ast.walk(own_state)
            ):
                continue
            latent = own_state is None and not state_asked_for(study, node)
            state = "a `state_dict` of this class" if latent else "the state saved here"
            yield Violation(
                study.span(statement),
                f"`self.{name}` is a scheduler, and {state} holds it as an object, with a copy of its optimizer: after "
                "`load_state_dict` the copy is stepped, and the optimizer in use keeps its rate. Save "
                f"`self.{name}.state_dict()` instead.",
                advice=latent,
            )
            return


def _saves_everything(save: ast.FunctionDef) -> bool:
    return any(own_attribute(n) == "__dict__" for n in ast.walk(save))


def _holds_scheduler(study: Study, node: ast.ClassDef, name: str, value: ast.expr) -> bool:
    """Whether an attribute is a scheduler, or several: built as one, or stepped and asked for its rates."""
    if isinstance(value, ast.Call) and torch_scheduler(study.names, value.func) is not None:
        return True
    if not isinstance(value, ast.Name) or looks_like_optimizer(ast.Attribute(ast.Name("self"), name)):
        return False
    asked: set[str] = set()
    walked = {
        n.target.id
        for n in ast.walk(node)
        if isinstance(n, ast.For) and isinstance(n.target, ast.Name) and own_attribute(n.iter) == name
    }
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            receiver = call.func.value
            if own_attribute(receiver) == name or (isinstance(receiver, ast.Name) and receiver.id in walked):
                asked.add(call.func.attr)
    return "step" in asked and (bool(asked & {"get_lr", "get_last_lr"}) or "sched" in name.lower())


def _saved_and_never_loaded(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """A class that saves its state and has nothing to load it with."""
    if node.bases and any(not isinstance(b, ast.Name) or b.id != "object" for b in node.bases):
        return
    names = {m.name for m in methods(node)}
    saver = method(node, "state_dict")
    if saver is not None and not names & {"load_state_dict", "__setattr__", "__getattr__"}:
        yield Violation(
            name_span(study, saver),
            f"`{node.name}` saves its state and has no `load_state_dict`: what is saved here never comes back when "
            "training resumes.",
            advice=not state_asked_for(study, node),
        )


def _family(study: Study, node: ast.ClassDef) -> list[ast.ClassDef]:
    """The class and the classes of this file that it derives from."""
    found = [node]
    for known in found:
        for base in known.bases:
            for binding in study.names.bindings(base.id, known) if isinstance(base, ast.Name) else ():
                if (
                    isinstance(binding, Defined)
                    and isinstance(binding.node, ast.ClassDef)
                    and binding.node not in found
                ):
                    found.append(binding.node)
    return found
