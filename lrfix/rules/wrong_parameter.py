"""LR211: the wrong variable: names that do not exist, numbers compared with texts, one value in another's place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.arguments import misgiven
from lrfix.experiments.bindings import misnamed
from lrfix.experiments.cosines import sweeps
from lrfix.experiments.settings import Given, settings_of
from lrfix.experiments.shortfall import falls_as_long_as_it_warms_up, starts_by_its_length, stops_short
from lrfix.experiments.structure import assignments, decay_span, functions_of
from lrfix.experiments.study import Study
from lrfix.experiments.upside_down import climbs_from_its_floor
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import words
from lrfix.wording import num


@rule("LR211", uses=True)
def wrong_parameter(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from misgiven(study)
        return
    for judge in (_text_compared_with_number, _misnamed, _by_its_length, _short, _as_long, _upside_down):
        found = list(judge(study))
        if found:
            yield from found
            return


def _text_compared_with_number(study: Study) -> Iterator[Violation]:
    """``self.warmup_factor == "linear"``, where ``warmup_factor`` holds a number and a sibling holds the text."""
    owner = study.node
    taken = list(settings_of(owner)) if isinstance(owner, ast.ClassDef) else []
    for function in functions_of(study):
        taken += settings_of(function)
    numbers = {g.name: g.default for g in taken if g.default is not None and _numeric(g.default)}
    for node in (n for root in study.site.nodes for n in ast.walk(root)):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        left, right = node.left, node.comparators[0]
        if not (isinstance(right, ast.Constant) and isinstance(right.value, str)):
            continue
        name = left.attr if isinstance(left, ast.Attribute) else left.id if isinstance(left, ast.Name) else ""
        if name in numbers and not _may_be_text(study, taken, name):
            yield Violation(
                study.span(node),
                f"`{ast.unparse(left)}` is compared with the text {right.value!r}, and it is a number "
                f"(`{ast.unparse(numbers[name])}` by default): what stands under this condition never runs.",
            )


def _numeric(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _numeric(node.left) and _numeric(node.right)
    if isinstance(node, ast.UnaryOp):
        return _numeric(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _may_be_text(study: Study, taken: list[Given], name: str) -> bool:
    """Whether a setting may hold a text after all: by its annotation, or as something else is kept under its name."""
    if any(g.name == name and {"str", "Any", "Union"} & set(words(g.annotation.replace("[", "_"))) for g in taken):
        return True
    for statement in (n for root in study.site.nodes for n in ast.walk(root)):
        for target, value in assignments(statement):
            kept = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if kept == name and not (isinstance(value, ast.Name) and value.id == name):
                return True
    return False


def _misnamed(study: Study) -> Iterator[Violation]:
    for found in misnamed(study):
        # A copy of a method that nothing calls any more may have lost what it needs, and nobody is hurt.
        yield Violation(study.span(found.node), found.told, advice=found.spared or not _is_called(study))
        return


def _is_called(study: Study) -> bool:
    """Whether the code in sight runs the schedule: a class is there to be built, what stands in a loop runs."""
    site = study.site
    if site.inline or site.form not in ("setter", "function", "array"):
        return True
    return bool(site.calls or site.elsewhere or site.constructions)


def _by_its_length(study: Study) -> Iterator[Violation]:
    found = starts_by_its_length(study)
    if found is not None:
        path, (short, long) = found
        yield Violation(
            study.site.span,
            f"The decay starts at {num(short)} times the base rate when `{path}` is {study.runs[0].leaves[path]}, at "
            f"{num(long)} times when it is four times as long: the start of a decay cannot depend on its "
            "length. Check the precedence of `**` and `/`.",
            study.evidence(study.runs[0], [0, 1, 2]),
        )


def _short(study: Study) -> Iterator[Violation]:
    found = stops_short(study)
    if found is not None:
        run, (path, floor, end) = study.runs[0], found
        before, until = study.run(0, steps=_top(run.curve, end) + 1).stepped, study.run(0, steps=end + 1).stepped
        ran = (until.statements if until else set()) - (before.statements if before else set())
        inside = {node for root in study.site.nodes for node in ast.walk(root)}
        plain = [s for s in ran & inside if isinstance(s, ast.Assign | ast.AugAssign | ast.Return)]
        yield Violation(
            study.span(max(plain, key=lambda s: s.lineno)) if plain else decay_span(study),
            f"The decay ends far above its floor: at step {end}, the last one, the rate is {num(run.curve[end])} and "
            f"still falling, and `{path}` is {num(floor)}. The progress is divided by a length that is not the "
            "decay's.",
            study.evidence(run, [max(0, end - 10), end - 1, end, end + 1]),
        )


def _as_long(study: Study) -> Iterator[Violation]:
    found = falls_as_long_as_it_warms_up(study)
    if found is not None:
        path, lowest, again = found
        yield Violation(
            decay_span(study),
            f"The decay takes as many steps as the warmup, `{path}`, and then climbs again: the rate is lowest at step "
            f"{lowest} and back at its peak at step {again}. Its progress is divided by the length of the warmup.",
            study.evidence(study.runs[0], [lowest // 2, lowest, again]),
        )


def _upside_down(study: Study) -> Iterator[Violation]:
    shown = [climbs_from_its_floor(study, run) for run in study.runs] if study.ran else []
    found = shown[0] if shown and all(each is not None and each[:2] == (shown[0] or ())[:2] for each in shown) else None
    if found is not None and not any(True for _ in sweeps(study.runs[0])):  # of a cosine LR206 says it
        floor, start, end = found
        rates = study.runs[0].curve
        yield Violation(
            decay_span(study),
            f"The two ends of the schedule are exchanged: the rate begins at `{floor}`, {num(rates[0])}, and climbs to "
            f"`{start}` until the end, {num(rates[end - 1])} at step {end - 1}.",
            study.evidence(study.runs[0], [0, 1, end - 1]),
        )


def _top(curve: list[float], end: int) -> int:
    return max(k for k in range(end) if curve[k] == max(curve[:end]))


__all__ = ["wrong_parameter"]
