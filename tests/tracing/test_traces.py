"""The training trace: what happens, to which object, in which loop, behind which condition."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Basis, Kind

HEAD = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau, StepLR
"""


def traces(source: str):
    return traces_of(ast.parse(HEAD + textwrap.dedent(source)))


def trace(source: str):
    return traces(source)[0]


def story(source: str, which: int = 0) -> list[str]:
    """The events of a trace in one line each: what, and to which name."""
    return [
        f"{event.kind.value} {event.thing.path}" if event.thing is not None else event.kind.value
        for event in traces(source)[which].events
    ]


PLAIN = """
    def main(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, 30)
        for epoch in range(epochs):
            for batch in loader:
                optimizer.zero_grad()
                model(batch).backward()
                optimizer.step()
            scheduler.step()
    """


def test_a_loop_turns_once_as_the_first_and_once_for_all_the_rest():
    batch = ["zero_grad optimizer", "backward", "step optimizer"]
    epoch = [*batch, *batch, "step scheduler"]
    assert story(PLAIN) == ["build optimizer", "build scheduler", *epoch, *epoch]


def test_an_event_knows_how_often_the_loops_around_it_turn():
    steps = trace(PLAIN).of(Kind.STEP)
    assert [str(turn.trip) for turn in steps[0].turns] == ["epochs", "len(loader)"]
    assert [turn.later for turn in steps[0].turns] == [False, False]
    assert [str(turn.trip) for turn in steps[2].turns] == ["epochs"]


def test_an_object_is_one_object_through_functions_attributes_and_containers():
    found = trace(
        """
        def build(model):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            return {"optimizer": optimizer, "schedulers": [StepLR(optimizer, 30)]}

        class Trainer:
            def __init__(self, model, parts):
                self.optimizer = parts["optimizer"]
                self.schedulers = parts["schedulers"]

            def fit(self, loader):
                for batch in loader:
                    self.update(self.optimizer)
                for scheduler in self.schedulers:
                    scheduler.step()

            def update(self, opt):
                opt.step()

        if __name__ == "__main__":
            model = Model()
            Trainer(model, build(model)).fit(loader)
        """
    )
    optimizer, scheduler = (event.thing for event in found.of(Kind.BUILD))
    assert scheduler.optimizer is optimizer
    assert {event.thing for event in found.of(Kind.STEP)} == {optimizer, scheduler}


def test_an_unknown_is_what_its_use_shows_it_to_be_under_every_name():
    found = trace(
        """
        def train(self, loader):
            opt = self.optimizer
            for batch in loader:
                self.optimizer.zero_grad()
                opt.step()
        """
    )
    assert len(found.things) == 1


def test_a_scaler_steps_the_optimizer_that_it_is_given():
    found = trace(
        """
        def train(model, loader):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            scaler = torch.cuda.amp.GradScaler()
            for batch in loader:
                scaler.scale(model(batch)).backward()
                scaler.step(optimizer)
                scaler.update()
        """
    )
    assert {event.thing.cls for event in found.of(Kind.STEP)} == {"SGD"}


def test_accumulation_is_a_condition_that_comes_round():
    for condition in ("(i + 1) % accumulation == 0", "not (i + 1) % accumulation"):
        found = trace(
            f"""
            def train(model, loader, optimizer, accumulation):
                for i, batch in enumerate(loader):
                    model(batch).backward()
                    if {condition}:
                        optimizer.step()
            """
        )
        (guard,) = found.of(Kind.STEP)[-1].guards
        assert str(guard.period) == "accumulation"


def test_a_branch_that_was_left_out_guards_what_follows_it():
    found = trace(
        """
        def train(model, loader, optimizer, accumulation):
            for i, batch in enumerate(loader):
                model(batch).backward()
                if (i + 1) % accumulation != 0:
                    continue
                optimizer.step()
        """
    )
    assert [str(g.period) for g in found.of(Kind.STEP)[-1].guards] == ["accumulation"]


def test_one_condition_goes_the_same_way_each_time():
    found = traces(
        """
        def main(args, model, loader):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if args.plateau:
                scheduler = ReduceLROnPlateau(optimizer)
            else:
                scheduler = StepLR(optimizer, 30)
            for batch in loader:
                optimizer.step()
            if args.plateau:
                scheduler.step(loss)
            else:
                scheduler.step()
        """
    )
    steps = {
        (event.thing.cls, len(event.arguments))
        for each in found
        for event in each.of(Kind.STEP)
        if event.thing.path == "scheduler"
    }
    assert ("ReduceLROnPlateau", 1) in steps
    assert ("StepLR", 0) in steps
    first = found[0].of(Kind.STEP)[-1]
    assert first.guards[-1].basis is Basis.DECIDED


def test_an_option_is_one_value_at_a_time():
    found = trace(
        """
        def main(args, model):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if args.sched == "cosine":
                scheduler = CosineAnnealingLR(optimizer, 10)
            elif args.sched == "step":
                scheduler = StepLR(optimizer, 30)
            optimizer.step()
            if args.sched == "step":
                scheduler.step()
        """
    )
    assert [event.thing.cls for event in found.of(Kind.STEP)] == ["SGD"]


def test_the_default_of_an_option_decides_until_the_other_side_is_tried():
    source = """
        import argparse

        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("--resume", default="")
            parser.add_argument("--nesterov", action="store_true")
            args = parser.parse_args()
            optimizer = torch.optim.SGD(parameters, lr=0.1)
            if args.nesterov:
                optimizer = torch.optim.Adam(parameters)
            optimizer.step()

        main()
        """
    first, other = traces(source)
    assert [event.thing.cls for event in first.of(Kind.STEP)] == ["SGD"]
    assert [event.thing.cls for event in other.of(Kind.STEP)] == ["Adam"]


def test_a_default_that_was_left_is_no_reason_any_more():
    found = traces(
        """
        import argparse

        parser = argparse.ArgumentParser()
        parser.add_argument("--sched", default="plateau")
        args = parser.parse_args()
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        if args.sched == "plateau":
            scheduler = ReduceLROnPlateau(optimizer)
        else:
            scheduler = StepLR(optimizer, 30)
        if args.sched == "step":
            scheduler.step()
        optimizer.step()
        if args.sched == "plateau":
            scheduler.step(loss)
        """
    )
    told = {(event.thing.cls, len(event.arguments)) for each in found for event in each.of(Kind.STEP)}
    assert told == {("SGD", 0), ("ReduceLROnPlateau", 1), ("StepLR", 0)}


def test_what_was_assumed_once_is_not_taken_back_in_the_same_run():
    found = traces(
        """
        def main(config, model):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if config["scheduler"] == "cosine":
                scheduler = CosineAnnealingLR(optimizer, 10)
            elif config["scheduler"] == "plateau":
                scheduler = ReduceLROnPlateau(optimizer)
            optimizer.step()
            if config["scheduler"] == "cosine":
                scheduler.step()
            elif config["scheduler"] == "plateau":
                scheduler.step(loss)
        """
    )
    told = {(event.thing.cls, len(event.arguments)) for each in found for event in each.of(Kind.STEP)}
    assert told == {("SGD", 0), ("CosineAnnealingLR", 0), ("ReduceLROnPlateau", 1)}


def test_an_exception_on_a_condition_that_lrfix_chose_ends_nothing():
    found = trace(
        """
        def main(args, model, kind="a"):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if kind == "b":
                loss = one(model)
            elif kind == "c":
                loss = other(model)
            else:
                raise ValueError(kind)
            optimizer.step()
        """
    )
    assert found.ended is None
    assert found.of(Kind.STEP)


def test_a_resume_is_not_what_a_new_run_does():
    found = trace(
        """
        def main(args, model, optimizer, scheduler):
            if os.path.exists(args.path):
                checkpoint = torch.load(args.path)
                for _ in range(checkpoint["epoch"]):
                    scheduler.step()
            optimizer.step()
        """
    )
    assert [event.thing.path for event in found.of(Kind.STEP)] == ["optimizer"]


def test_what_unknown_code_has_in_hand_escapes():
    found = trace(
        """
        def main(model):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            print(optimizer)
            torch.save({"optimizer": optimizer.state_dict()}, "last.pt")
            fit(model, optimizer)
        """
    )
    assert [event.detail for event in found.of(Kind.ESCAPE)] == ["fit"]
    assert len(found.of(Kind.STATE)) == 1


def test_what_a_library_prepares_comes_back_as_the_same_object():
    found = trace(
        """
        def main(model, loader, accelerator):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
            for batch in loader:
                accelerator.backward(model(batch))
                optimizer.step()
        """
    )
    (optimizer,) = found.things
    assert optimizer.library == "prepare"
    assert {str(event.turns[0].trip) for event in found.of(Kind.STEP)} == {"len(loader)"}


def test_every_function_that_trains_is_an_entry_where_nothing_runs_it():
    found = traces(
        """
        class Trainer:
            def train_epoch(self):
                self.optimizer.step()

            def end_epoch(self):
                self.scheduler.step()

        def other(optimizer):
            optimizer.step()
        """
    )
    assert [each.entry for each in found] == ["Trainer.train_epoch", "Trainer.end_epoch", "other"]


@pytest.mark.parametrize(
    "body",
    ["while True: optimizer.step()", "main(model)", "for i in range(10 ** 9): optimizer.step()", "raise ValueError"],
)
def test_nothing_keeps_a_trace_from_its_end(body):
    source = f"""
        def main(model):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            {body}
        """
    assert trace(source).of(Kind.BUILD)


def test_code_without_a_step_is_not_traced():
    assert traces("def area(r):\n    return 3 * r ** 2\n") == []


@pytest.mark.parametrize(
    ("bounds", "turns"),
    [
        ("epochs", "epochs"),
        ("2, epochs", "epochs + -2"),
        ("0, epochs, 4", "0.25 * epochs"),
        ("0, epochs, size", "epochs / size"),
        ("0, 30, 4", "8"),
        ("epochs, 0, -1", "epochs"),
    ],
)
def test_a_range_turns_as_often_as_its_stride_allows(bounds, turns):
    source = f"""
        def main(optimizer, epochs, size):
            for i in range({bounds}):
                optimizer.step()
        """
    assert str(trace(source).of(Kind.STEP)[0].turns[0].trip) == turns


def test_a_number_that_a_class_names_keeps_its_name():
    source = """
        class Config:
            epochs: int = 90

        def main(optimizer, config=Config()):
            for epoch in range(config.epochs):
                optimizer.step()
        """
    trip = trace(source).of(Kind.STEP)[0].turns[0].trip
    assert (str(trip), trip.stated) == ("epochs", 90)


def test_what_a_text_is_made_of_is_run():
    source = """
        def main(optimizer, loader):
            scheduler = StepLR(optimizer, 30)
            for batch in loader:
                optimizer.step()
                print(f"{scheduler.get_last_lr()[0]:.3f}")
        """
    assert trace(source).of(Kind.READ_RATE)


@pytest.mark.parametrize(
    "doubled",
    [
        *("kept = kept + kept", "kept.extend(kept)", "kept = [*kept, *kept]", "kept = zip(kept, kept)", "n = n * n"),
        "asked = (asked and args.a) or (asked and args.b)",
    ],
)
def test_what_doubles_at_every_line_is_traced_in_bounded_work(doubled):
    lines = "\n".join(f"        {doubled}" for _ in range(60))
    found = trace(f"""
    EPOCHS = 90

    def main(model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        kept, n, asked = [1, 2], EPOCHS, args.ask
{lines}
        scheduler = StepLR(optimizer, n)
        for pair in kept:
            optimizer.step()
            if asked:
                scheduler.step()
    """)
    assert Kind.STEP in {event.kind for event in found.events} and found.ended is None


@pytest.mark.parametrize("listed", ['["step", "cos"]', '("step", "cos")', '{"step", "cos"}'])
def test_an_option_is_one_of_several_where_it_was_taken_for_one_of_them(listed):
    for name in ("step", "cos", "plateau"):
        for test, runs in ((f"args.sched in {listed}", True), (f"args.sched not in {listed}", False)):
            found = traces(
                f"""
                def train(model, loader, optimizer, args):
                    if args.sched == "{name}":
                        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
                        for batch in loader:
                            if {test}:
                                scheduler.step()
                """
            )
            stepped = any(each.of(Kind.STEP) for each in found)
            assert stepped is (runs is (name != "plateau"))


def test_a_function_that_is_given_an_object_which_holds_the_optimizer_is_followed():
    found = trace(
        """
        class Update:
            def __init__(self, optimizer):
                self.optimizer = optimizer

            def __call__(self, loss):
                loss.backward()
                self.optimizer.step()

        def epoch_of(loader, model, update):
            seen = 0
            kept = []
            for batch in loader:
                loss = model(batch)
                seen += 1
                kept.append(seen)
                update(loss)
            print(seen)
            return kept

        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, 30)
        for epoch in range(100):
            epoch_of(loader, model, Update(optimizer))
            scheduler.step()
        """
    )
    (step,) = {id(event.node) for event in found.of(Kind.STEP) if event.thing.path == "optimizer"}
    assert step and len(found.of(Kind.STEP)) > 1


def test_what_a_lookup_gives_where_nothing_is_there_is_no_statement():
    found = trace(
        """
        from library import instantiate

        def build(cfg, optimizer):
            if cfg is None:
                return None
            return instantiate(cfg, optimizer)

        def main(cfg, model, loader, optimizer):
            scheduler = build(cfg.get("schedule", None), optimizer)
            for batch in loader:
                model(batch).backward()
                optimizer.step()
                if scheduler is not None:
                    scheduler.step()
        """
    )
    assert any(event.thing.path == "scheduler" for event in found.of(Kind.STEP))
