"""Two settings that answer alike to all that a run asked give the same run."""

from lrfix.domains.overrides import Overrides, starting


class TestWhatWasAsked:
    def test_a_setting_that_nobody_asked_for_makes_no_difference(self) -> None:
        fixed = Overrides({"warmup": 0})
        assert "total" not in fixed and fixed.get("floor") is None
        assert fixed.answers_alike({"warmup": 7})
        assert not fixed.answers_alike({"total": 7})
        assert not fixed.answers_alike({"floor": 0.1})

    def test_values_are_told_apart_by_their_types(self) -> None:
        fixed = Overrides({"warmup": 1})
        assert fixed["warmup"] == 1
        assert fixed.answers_alike({"warmup": 1, "total": 3})
        assert not fixed.answers_alike({"warmup": True})
        assert not fixed.answers_alike({"warmup": 1.0})

    def test_whoever_looks_at_everything_has_asked_for_everything(self) -> None:
        fixed = Overrides({"warmup": 1})
        assert list(fixed.items()) == [("warmup", 1)]
        assert not fixed.answers_alike({"warmup": 1, "total": 3})

    def test_expressions_may_be_asked_for_by_how_they_begin(self) -> None:
        fixed = Overrides({"group['a']": 1, "total": 3})
        assert starting(fixed, "group['") == {"group['a']": 1} == starting(dict(fixed.values_by_path), "group['")
        assert fixed.answers_alike({"group['a']": 1})
        assert not fixed.answers_alike({"group['a']": 1, "group['b']": 1})
