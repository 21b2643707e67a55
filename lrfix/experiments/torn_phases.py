"""Where in one run two phases do not meet, as nobody designs it: behind a warmup, a hold or a decay."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.facts import literal
from lrfix.domains.kinds import is_number
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.grid import ENDS, Case, Grid
from lrfix.experiments.joined_phases import Found
from lrfix.experiments.phases import Jump, jumps, moves, overshoots
from lrfix.experiments.study import Study, all_real
from lrfix.interpreter.values import Instance, Unknown
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk

WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
#: What makes stairs and cycles: drops that are meant.
STAIRS = (Role.MILESTONES, Role.CYCLE, Role.CYCLES)
#: Steps behind the end of a schedule that tell how it ends.
BEYOND = 8
#: Schedules that do not restart: whoever puts one after a decay means to go on from there.
_ONWARD = frozenset({"LinearLR", "ConstantLR", "PolynomialLR", "ExponentialLR"})
#: What shapes a decay and may well be what tears it from the next.
_RELATIVE = (Role.FLOOR, Role.FLOOR_RATIO, Role.GAMMA, Role.POWER)
_APART = 0.25
_GROWS = 1.3
_GONE = 0.3
_NEAR = 0.03


def fault(study: Study, grid: Grid, case: Case, run: Run) -> Found | None:
    """The first jump of a run that is no stair, no turn of a cycle and no end that the decay never aimed at."""
    if not all_real(run.curve) or (overshoots(run) and all(map(overshoots, case.runs))):  # one step too many: LR209
        return None
    end = study.horizon(run)
    stairs = any(role_of(p) in STAIRS for p in (*run.leaves, *run.names))
    for group in range(len(run.lr)):
        found = list(_jumps(run, group, end))
        drops = [jump for jump in found if jump.behind == "decay"]
        for jump in found:
            if _is_a_milestone(study, run, jump.step + 1):
                continue
            if (jump.behind == "ramp" and not _begins_a_turn(study, jump.step)) or (
                jump.behind == "decay"
                and not stairs
                and len(drops) == 1
                and not _on_a_stair(study, run, jump.step)
                and not _is_written(study, run.lr[group], jump.step)
            ):
                return Found(case, run, group, jump.behind, jump.step, (jump.before, jump.after))
            if jump.behind == "floor" and not _aims_at_its_end(grid, case, run, group, jump):
                continue
            if jump.behind in ("hold", "floor") and _grows(grid, case, run, group, jump):
                return Found(case, run, group, jump.behind, jump.step, (jump.before, jump.after))
    leap = _leap(run) if study.site.base == "SequentialLR" else None
    if leap is None:
        return None
    moved = moves(run.curve)
    return Found(case, run, 0, "leap", leap, (abs(moved[leap - 1]), abs(moved[leap + 1])))


def _jumps(run: Run, group: int, end: int | None) -> Iterator[Jump]:
    """The jumps up to the end of the schedule; what comes after it is another question."""
    curve = run.lr[group]
    yield from (jump for jump in jumps(curve[: end + BEYOND]) if jump.step <= end + 1) if end else jumps(curve)


def _on_a_stair(study: Study, run: Run, step: int) -> bool:
    intervals = [int(v) for v in study.lengths(run, Role.STEP_SIZE).values() if v >= 1]
    return any((step + 1) % interval == 0 for interval in intervals)


def _is_a_milestone(study: Study, run: Run, position: int) -> bool:
    """Whether a position is one of those that a class changes its rate at; a composition's are where phases meet."""
    own = study.site.form != "composition" and isinstance(run.scheduler, Instance)
    attributes = run.scheduler.attributes if own else {}
    return any(
        role_of(name) is Role.MILESTONES and isinstance(held, list | tuple | dict) and position in held
        for name, held in attributes.items()
    )


def _is_written(study: Study, curve: Sequence[float], step: int) -> bool:
    """Whether a rate drops by a factor that the code states for a moment: ``if epoch >= 40: lr *= 0.3``."""
    if step < 1 or not curve[step - 1] or not curve[step]:
        return False
    goes_on = curve[step] * curve[step] / curve[step - 1]
    drop = curve[step + 1] / goes_on
    return any(abs(drop - factor) <= _NEAR * factor for factor in _drops(study))


def _drops(study: Study) -> Iterator[float]:
    """What a rate is multiplied by from a moment on: a branch that is a number, a product in one, a stock scheduler's
    ``gamma``."""
    for node in (n for root in study.site.nodes for n in walk(root)):
        stated: list[ast.expr] = []
        if isinstance(node, ast.IfExp):
            stated = [node.body, node.orelse]
        elif isinstance(node, ast.If):
            stated = [
                s.value for s in node.body if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Mult | ast.Div)
            ]
        elif isinstance(node, ast.Call) and called_name(node) == "MultiStepLR":
            stated = [*node.args[2:3], *(k.value for k in node.keywords if k.arg == "gamma")] or [ast.Constant(0.1)]
        for number in map(literal, stated):
            if is_number(number) and isinstance(number, int | float) and number > 0:
                yield number if number < 1 else 1 / number


def _begins_a_turn(study: Study, step: int) -> bool:
    """Whether a number that the code divides the position by, for the remainder, has its turn after a step."""
    divisors = {
        n.right.value
        for root in study.site.nodes
        for n in walk(root)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod) and isinstance(n.right, ast.Constant)
    }
    return any(isinstance(n, int) and n > 1 and (step + 1) % n == 0 for n in divisors)


def _aims_at_its_end(grid: Grid, case: Case, run: Run, group: int, jump: Jump) -> bool:
    """Whether a decay is another one for another end: an inverse root that is cut off somewhere never aimed there."""
    ends = {p: v for p, v in run.leaves.items() if role_of(p) in ENDS and isinstance(v, int)}
    if not ends:
        return True
    for path, length in ends.items():
        other = grid.changed(case, run, **{path: 2 * length})
        if not other.ran or other.lr[group][: jump.step] != run.lr[group][: jump.step]:
            return True
    return False


def _grows(grid: Grid, case: Case, run: Run, group: int, jump: Jump) -> bool:
    """Whether a jump goes away with the length of an earlier phase, and grows with it: nobody designs that."""
    for path, value in run.leaves.items():
        if role_of(path) not in (*WARMUPS, Role.HOLD) or not isinstance(value, int) or value < 2:
            continue
        sizes, lengths = [], (1, 2 * value)
        for length in lengths:
            other = grid.changed(case, run, **{path: length})
            if not other.ran or not all_real(other.curve):
                break
            alike = [j.size for j in _jumps(other, group, grid.study.horizon(other)) if j.behind == jump.behind]
            sizes.append(max(alike, default=0.0))
        if len(sizes) == len(lengths) and sizes[0] <= _GONE * jump.size and sizes[1] >= _GROWS * jump.size:
            return True
    return False


def _leap(run: Run) -> int | None:
    """The last step of a phase that has come down, where the next one, which never restarts, begins at the peak."""
    parts = _parts(run, "_schedulers")
    milestones = [run.leaves.get(m.path) if isinstance(m, Unknown) else m for m in _parts(run, "_milestones")]
    if len(parts) != len(milestones) + 1:
        return None
    for part, start in list(zip(parts[1:], milestones, strict=True))[1:]:
        if not isinstance(part, Instance) or part.cls.name not in _ONWARD:
            continue
        if not isinstance(start, int) or not 3 < start < len(run.curve) - 2:
            continue
        peak, before, after = max(run.curve[:start]), run.curve[start - 1], run.curve[start]
        falling = run.curve[start - 3] >= run.curve[start - 2] >= before
        if 0 < before < 0.5 * peak and falling and after >= 0.9 * peak:
            return start - 1
    return None


def _parts(run: Run, attribute: str) -> Sequence[object]:
    found = run.scheduler.attributes.get(attribute) if isinstance(run.scheduler, Instance) else None
    return found if isinstance(found, list | tuple) else []


def scaled_apart(grid: Grid, found: Found) -> bool:
    """Whether a number that is no length sets how far two decays lie apart: each has a level of its own."""
    run, step = found.run, found.step
    for path, value in run.leaves.items():
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or role_of(path) in LENGTHS
            or role_of(path) in _RELATIVE
        ):
            continue
        other = grid.changed(found.case, run, **{path: 2 * value})
        if not other.ran or not all_real(other.curve) or len(other.lr[found.group]) <= step + 1:
            continue
        (a, b), (c, d) = run.lr[found.group][step : step + 2], other.lr[found.group][step : step + 2]
        if abs(a * d - b * c) > _APART * abs(b * c):
            return True
    return False


__all__ = ["BEYOND", "STAIRS", "WARMUPS", "fault", "scaled_apart"]
