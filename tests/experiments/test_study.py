"""What one study of a site ran, another one of the same site need not run again."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import studied
from lrfix.driving.budget import reserve_of
from lrfix.driving.forms import wrappers
from lrfix.driving.laboratory import Laboratory
from lrfix.experiments.alternatives import distinct
from lrfix.experiments.study import Study
from lrfix.names import Names
from lrfix.sites import find_sites
from lrfix.source import parse_source

SETTER = """
    def adjust(optimizer, epoch, decay):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * decay ** (epoch // 30)

    def main(optimizer, args):
        for epoch in range(args.epochs):
            adjust(optimizer, epoch, {decay})
    """


def studies(decay: str) -> tuple[Study, Study]:
    source = parse_source(textwrap.dedent(SETTER.format(decay=decay)).encode(), "train.py")
    names, sites = find_sites(source, Names(source.tree))
    laboratory = Laboratory(names, sites[0])
    return (
        Study(source, names, sites[0], laboratory=laboratory),
        Study(source, names, sites[0], laboratory=laboratory),
    )


def test_two_studies_of_one_call_share_its_runs() -> None:
    one, other = studies("0.5")
    assert one.use is not None
    assert one.use is not other.use
    assert one.run(0).lr is other.run(0).lr


def test_the_definition_by_itself_is_another_run_than_its_call() -> None:
    one, other = studies("0.5")
    assert one.run(0).lr != other.run(0, use=None).lr


def study(code: str) -> Study:
    source = parse_source(textwrap.dedent(code).encode(), "train.py")
    names, sites = find_sites(source, Names(source.tree))
    return Study(source, names, sites[0])


def runs_made(one: Study) -> int:
    reserve = reserve_of(one.names.tree, one.site.node)
    return reserve.runs


def test_a_function_of_the_step_is_run_once_whatever_the_optimizer_is() -> None:
    one = study("""
        def get_lr(step, warmup_steps, max_lr):
            return max_lr * min(step / warmup_steps, 1.0)
        """)
    plain = one.run(0, use=None)
    made = runs_made(one)
    other = one.run(0, use=None, groups=3, base_lrs=(2.5, 0.03, 0.007))
    assert runs_made(one) == made
    assert other.lr == [plain.curve] * 3
    assert len(other.base_lrs) == 3


def test_numbers_of_unknown_part_are_moved_only_where_there_are_some() -> None:
    body = """
        def adjust(optimizer, epoch, epochs{more}):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * (1 - epoch / epochs){times}
        """
    without, with_one = study(body.format(more="", times="")), study(body.format(more=", quirk=3", times=" / quirk"))
    for one in (without, with_one):
        one.run(0, use=None)
    made = [runs_made(one) for one in (without, with_one)]
    curves = [one.run(0, use=None, vary_unknown=True).curve for one in (without, with_one)]
    assert [runs_made(one) for one in (without, with_one)] == [made[0], made[1] + 1]
    assert curves[0] == without.run(0, use=None).curve
    assert curves[1] != with_one.run(0, use=None).curve


def test_where_schedulers_are_put_together_is_no_other_run() -> None:
    one = study("""
        import torch
        from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR


        def build(optimizer, warmup_steps, total_steps):
            warmup = LinearLR(optimizer, 0.1, total_iters=warmup_steps)
            cosine = CosineAnnealingLR(optimizer, total_steps - warmup_steps)
            return SequentialLR(optimizer, [warmup, cosine], [warmup_steps])


        def main(model, args):
            optimizer = torch.optim.AdamW(model.parameters())
            return build(optimizer, args.warmup, args.steps)
        """)
    alone = one.run(0, use=None)
    made = runs_made(one)
    assert one.use is not None
    assert one.run(0).curve == alone.curve
    assert runs_made(one) == made


def test_what_the_text_of_a_class_says_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    entries = wrappers.entries
    monkeypatch.setattr(wrappers, "entries", lambda bench, node: (asked.append(node), entries(bench, node))[1])
    one = study("""
        class Warmup:
            def __init__(self, optimizer, warmup_steps, max_lr):
                self.optimizer, self.warmup_steps, self.max_lr, self.count = optimizer, warmup_steps, max_lr, 0

            def step(self):
                self.count += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.max_lr * min(self.count / self.warmup_steps, 1.0)
        """)
    curves = [one.run(draw, use=None).curve for draw in range(2)]
    assert len(curves[0]) > 40
    assert curves[0] != curves[1]
    assert len(asked) == 1


def test_what_was_drawn_for_a_models_parameters_is_no_evidence(asked):
    source = """
        import torch


        def main(model, loader, epochs, lr):
            trainable = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.SGD(trainable, lr)
            for epoch in range(epochs):
                for group in optimizer.param_groups:
                    group["lr"] = lr * epoch / 5 if epoch < 5 else lr * (1 - epoch / epochs)
                for batch in loader:
                    model(batch).backward()
                    optimizer.step()
        """
    (found,) = asked("LR203", source)
    assert found.evidence is not None and sorted(found.evidence.scenario) == ["epochs", "lr"]


RAMP = """
    class Ramp:
        def __init__(self, optimizer, total_steps):
            self.optimizer, self.total, self.at = optimizer, total_steps, 0

        def step(self):
            self.at += 1
            for group in self.optimizer.param_groups:
                group["lr"] = 0.1 / (self.total - self.at)
    """


def study_of(text: str) -> Study:
    source = parse_source(textwrap.dedent(text).encode(), "train.py")
    names, sites = find_sites(source, Names(source.tree))
    return Study(source, names, sites[0])


def test_a_run_that_is_asked_for_more_steps_goes_on_and_is_the_run_that_was_as_long_at_once() -> None:
    study, other = study_of(RAMP), study_of(RAMP)
    first = study.run(0, use=None, steps=6)
    walked = study.run(0, use=None, steps=60)
    assert len(first.curve) == 6
    assert walked.lr == other.run(0, use=None, steps=60).lr
    assert walked.walk is first.walk


def test_fewer_steps_of_a_run_that_fails_later_have_no_failure() -> None:
    study = study_of(RAMP)
    whole = study.run(0, use=None)
    assert whole.failure is not None
    assert whole.failure.kind == "ZeroDivisionError"
    end = whole.failure.step
    assert study.run(0, use=None, steps=end).failure is None
    assert study.run(0, use=None, steps=end).lr == whole.lr
    assert study.run(0, use=None, steps=end + 1).failure is whole.failure


def test_who_compares_a_run_with_another_does_not_end_it_for_who_wants_the_whole() -> None:
    study = study_of(RAMP)
    plain = study.run(0, use=None)
    assert study.run(0, use=None, steps=4, overrides={"total_steps": 50}).walk is not None
    assert study.run(0, use=None, overrides={"total_steps": 50}, beside=plain).parted
    assert len(study.run(0, use=None, overrides={"total_steps": 50}).curve) == 49


LAMBDA = """
    import argparse
    from torch.optim import SGD
    from torch.optim.lr_scheduler import LambdaLR

    def main(model):
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        parser.add_argument("--epochs", type=int, default=12)
        args = parser.parse_args()
        optimizer = SGD([{"params": model.a}, {"params": model.b}], lr=args.lr)
        return LambdaLR(optimizer, lambda step: 1 - min(step / args.epochs, 1))
    """


def test_a_run_that_goes_on_has_asked_for_no_more_values_than_one_that_was_as_long_at_once() -> None:
    study, other = study_of(LAMBDA), study_of(LAMBDA)
    study.run(0, steps=6)
    assert study.run(0).leaves == other.run(0).leaves


CHOOSES = """
    from torch.optim import SGD, RMSprop, Adam

    def adjust(optimizer, epoch, kind, epochs):
        if kind in ("sgd", "rmsprop"):
            rate = 0.1
        elif kind == "adam":
            rate = 0.001
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - min(epoch / epochs, 1))
    """


def test_settings_that_lead_through_the_same_code_to_the_same_curve_are_judged_once() -> None:
    source = parse_source(textwrap.dedent(CHOOSES).encode(), "train.py")
    names, sites = find_sites(source, Names(source.tree))
    _, studies = studied(source, names, sites[0])
    assert [study.settings["kind"] for study in studies] == ["sgd", "rmsprop", "adam"]
    assert [study.settings["kind"] for study in distinct(studies)] == ["sgd", "adam"]
    assert studies[1].like is studies[0]


def test_a_conditional_expression_chooses_unseen() -> None:
    text = CHOOSES.replace("rate * (", '(1 if kind == "sgd" else 1.0) * rate * (')
    source = parse_source(textwrap.dedent(text).encode(), "train.py")
    names, sites = find_sites(source, Names(source.tree))
    _, studies = studied(source, names, sites[0])
    assert len(distinct(studies)) == len(studies)
