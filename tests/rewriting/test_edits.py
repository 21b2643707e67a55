"""Before and after: what a rewrite changes in a file, and what it leaves as it stands."""

from __future__ import annotations

import ast
import re
import textwrap

import pytest

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")


def _text(body: str) -> str:
    return textwrap.dedent(body).lstrip("\n")


BEFORE = _text(
    """
    import math

    import torch
    from torch.optim.lr_scheduler import LambdaLR


    def train(args, model):
        # the optimizer
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        # linear warmup, then cosine
        def factor(step):
            # in the function
            if step < args.warmup:
                return step / args.warmup
            done = min(1.0, (step - args.warmup) / max(1, args.total - args.warmup))
            return 0.5 * (1 + math.cos(math.pi * done))

        scheduler = LambdaLR(optimizer, lr_lambda=factor)  # stepped per batch
        return scheduler
    """
)
AFTER = _text(
    """
    import torch
    from lrfix.schedulers import WarmupCosineLR


    def train(args, model):
        # the optimizer
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        # linear warmup, then cosine
        scheduler = WarmupCosineLR(optimizer, args.total, warmup_steps=args.warmup)  # stepped per batch
        return scheduler
    """
)


class TestOneFunction:
    def test_the_call_is_replaced_and_what_only_it_used_goes(self, rewrite):
        assert rewrite(BEFORE).after == AFTER

    def test_a_second_rewrite_changes_nothing(self, rewrite):
        again = rewrite(rewrite(BEFORE).after)
        assert not again.changed and not again.sites

    @pytest.mark.parametrize("newline", ["\r\n", "\n"])
    def test_line_endings_stay(self, rewrite, newline):
        result = rewrite(BEFORE.replace("\n", newline).encode())
        lines = result.after.splitlines(keepends=True)
        assert lines and all(line.endswith(newline) for line in lines)
        assert result.after.replace(newline, "\n") == rewrite(BEFORE).after

    def test_tabs_stay(self, rewrite):
        result = rewrite(BEFORE.replace("    ", "\t"))
        assert "\tscheduler = WarmupCosineLR(optimizer, args.total, warmup_steps=args.warmup)" in result.after
        assert result.after == rewrite(BEFORE).after.replace("    ", "\t")

    def test_a_byte_order_mark_is_no_part_of_the_text(self, rewrite):
        result = rewrite(b"\xef\xbb\xbf" + BEFORE.encode())
        assert result.after == rewrite(BEFORE).after

    def test_another_encoding_is_read_by_its_cookie(self, rewrite):
        text = "# -*- coding: latin-1 -*-\n# é\n" + BEFORE
        result = rewrite(text.encode("latin-1"))
        assert result.after == "# -*- coding: latin-1 -*-\n# é\n" + rewrite(BEFORE).after

    def test_comments_inside_the_replaced_call_move_above_it(self, rewrite):
        before = BEFORE.replace(
            "LambdaLR(optimizer, lr_lambda=factor)",
            "LambdaLR(\n        optimizer,  # the only one\n        lr_lambda=factor,\n    )",
        )
        after = rewrite(before).after
        assert "    # the only one\n    scheduler = WarmupCosineLR(" in after
        assert "# stepped per batch" in after and "# in the function" not in after

    def test_last_epoch_is_kept_and_verbose_dropped_with_a_note(self, rewrite):
        before = BEFORE.replace("lr_lambda=factor)", "lr_lambda=factor, last_epoch=args.start - 1, verbose=True)")
        result = rewrite(before)
        assert "last_epoch=args.start - 1" in result.after and "verbose" not in result.after
        assert any("verbose" in note for note in result.sites[0].notes)

    def test_an_ignore_comment_is_respected(self, rewrite):
        before = BEFORE.replace("    def factor(step):", "    def factor(step):  # lrfix: ignore[LR401]")
        result = rewrite(before)
        assert not result.changed
        assert "ignore comment" in result.left[0].reason


class TestWhatIsTold:
    def test_calls_that_go_with_the_old_code(self, rewrite):
        before = BEFORE.replace("        if step <", "        logger.info('step %s', step)\n        if step <")
        result = rewrite("from mine import logger\n" + before)
        assert "`logger.info(...)` at line 15 goes with the old code" in result.sites[0].notes

    def test_what_the_text_alone_refuses_is_not_even_simulated(self, rewrite, monkeypatch):
        def analysed(*arguments):
            raise AssertionError("simulated")

        monkeypatch.setattr("lrfix.rewriting.analyses.analyse_site", analysed)
        several = (
            "from torch.optim.lr_scheduler import LambdaLR\n\n"
            "def build(optimizer):\n    return LambdaLR(optimizer, [lambda k: 0.9**k, lambda k: 1.0])\n"
        )
        (left,) = rewrite(several).left
        assert left.form == "lambda"
        assert left.reason == "each parameter group has a function of its own"


class TestWhatStays:
    def test_the_blank_line_above_a_group_of_imports(self, rewrite):
        before = BEFORE.replace(
            "import math\n\nimport torch\n", '"""Doc."""\n\nimport math\nimport os\n\nimport torch\n'
        )
        assert rewrite(before).after.startswith('"""Doc."""\n\nimport os\n\nimport torch\n')

    def test_the_blank_line_above_imports_of_which_none_stays_and_the_depth_of_a_class(self, rewrite):
        before = (
            '"""Doc."""\n\nimport math\nfrom torch.optim.lr_scheduler import LRScheduler\n\n\n'
            "class Cosine(LRScheduler):\n"
            '  """Half a wave"""\n'
            "  def __init__(self, optimizer, total):\n"
            "      self.total = total\n"
            "      super().__init__(optimizer)\n\n"
            "  def get_lr(self):\n"
            "      k = min(self.last_epoch, self.total)\n"
            "      return [b * (1 + math.cos(math.pi * k / self.total)) / 2 for b in self.base_lrs]\n"
        )
        assert rewrite(before).after == (
            '"""Doc."""\n\nfrom lrfix.schedulers import WarmupCosineLR\n\n\n'
            "class Cosine(WarmupCosineLR):\n"
            '  """Half a wave"""\n'
            "  def __init__(self, optimizer, total):\n"
            "      super().__init__(optimizer, total)\n"
        )

    def test_what_is_imported_twice_is_one_thing(self, rewrite):
        before = BEFORE.replace("import LambdaLR\n", "import LambdaLR\nimport torch.nn as nn\n")
        result = rewrite(
            before
            + "\n\nif __name__ == '__main__':\n    import torch\n    import math\n    train(math.e, nn.Linear(1, 1))\n"
        )
        assert "WarmupCosineLR(optimizer, args.total, warmup_steps=args.warmup)" in result.after

    def test_a_schedule_whose_end_is_not_simulated(self, rewrite):
        before = """
            from dataclasses import dataclass
            from torch.optim.lr_scheduler import LambdaLR

            @dataclass
            class Config:
                steps: int = 5100
                cooldown: int = 1450

            config = Config()

            def factor(step):
                if step < config.steps - config.cooldown:
                    return min(1.0, (step + 1) / 250)
                return (config.steps - step) / config.cooldown

            def build(optimizer):
                return LambdaLR(optimizer, factor)
            """
        result = rewrite(_text(before))
        assert not result.changed
        assert "the code speaks of 5100 steps" in result.left[0].reason

    def test_a_schedule_as_long_as_the_file_states(self, rewrite):
        before = """
            import math
            from torch.optim.lr_scheduler import LambdaLR

            cfg = {"warmup_steps": 2000, "total_steps": 100_000}

            def factor(step):
                if step < cfg["warmup_steps"]:
                    return step / cfg["warmup_steps"]
                done = min(1.0, (step - cfg["warmup_steps"]) / (cfg["total_steps"] - cfg["warmup_steps"]))
                return 0.5 * (1 + math.cos(math.pi * done))

            def build(optimizer):
                return LambdaLR(optimizer, factor)
            """
        result = rewrite(_text(before), external=lambda name: name == "factor")
        call = 'WarmupCosineLR( optimizer, cfg["total_steps"], warmup_steps=cfg["warmup_steps"], )'
        assert call in " ".join(result.after.split())
        labels = [proof.label for proof in result.sites[0].proofs]
        assert "with the lengths that the file states, divided by 10" in labels
        assert "def factor" in result.after
        assert [left.reason for left in result.left] == [
            "nothing in this file uses it any more; it stays because another file may import it"
        ]

    def test_a_long_default_of_a_class_is_no_end(self, rewrite):
        assert "WarmupCosineLR" in rewrite(CLASS.replace("total, floor=0.0", "total=100_000, floor=0.0")).after

    def test_a_function_with_another_use(self, rewrite):
        before = BEFORE.replace("        return scheduler\n", "").replace(
            "    return scheduler\n", "    print(factor(3))\n    return scheduler\n"
        )
        after = rewrite(before).after
        assert "    def factor(step):\n        # in the function\n        return warmup_cosine(" in after
        assert "LambdaLR" not in after

    def test_a_function_of_the_module_that_another_file_mentions(self, rewrite):
        before = _text(
            """
            import math
            from torch.optim.lr_scheduler import LambdaLR

            def schedule(step):
                return 0.5 * (1 + math.cos(math.pi * min(1.0, step / 300)))

            def build(optimizer):
                return LambdaLR(optimizer, schedule)
            """
        )
        gone = rewrite(before).after
        kept = rewrite(before, external=lambda name: name == "schedule").after
        assert "def schedule" not in gone and "import math" not in gone
        assert "def schedule" in kept and "import math" in kept
        assert "return WarmupCosineLR(optimizer, total_steps=300)" in kept

    def test_imports_that_something_else_uses(self, rewrite):
        before = BEFORE.replace("return scheduler", "return scheduler, math.e, LambdaLR")
        after = rewrite(before).after
        assert "import math\n" in after
        assert "from torch.optim.lr_scheduler import LambdaLR\nfrom lrfix.schedulers import WarmupCosineLR\n" in after

    def test_other_names_of_the_same_import(self, rewrite):
        before = BEFORE.replace("import LambdaLR", "import LambdaLR, StepLR").replace(
            "return scheduler", "return scheduler, StepLR"
        )
        assert "from torch.optim.lr_scheduler import StepLR\n" in rewrite(before).after

    def test_imports_of_a_package_init(self, rewrite):
        after = rewrite(BEFORE, path="package/__init__.py").after
        assert "import math" in after and "import LambdaLR" in after

    def test_a_call_that_hides_its_arguments(self, rewrite):
        before = BEFORE.replace("LambdaLR(optimizer, lr_lambda=factor)", "LambdaLR(optimizer, factor, **args.more)")
        result = rewrite(before)
        assert not result.changed and result.left


class TestImports:
    def test_after_docstring_and_future(self, rewrite):
        before = '"""Doc."""\n\nfrom __future__ import annotations\n\n' + BEFORE
        after = rewrite(before).after
        assert after.startswith('"""Doc."""\n\nfrom __future__ import annotations\n\n')
        ast.parse(after)

    def test_an_existing_import_is_extended(self, rewrite):
        before = BEFORE.replace(
            "import torch\n", "import torch\nfrom lrfix.schedulers import WarmupLinearLR\n"
        ).replace("return scheduler", "return scheduler, WarmupLinearLR")
        after = rewrite(before).after
        assert "from lrfix.schedulers import WarmupCosineLR, WarmupLinearLR\n" in after
        assert after.count("from lrfix") == 1

    def test_names_that_the_file_has_in_another_order_stay_in_it(self, rewrite):
        given = "from lrfix.schedulers import WarmupStepLR, WarmupLinearLR"
        before = BEFORE.replace("import torch\n", f"import torch\n{given}\n")
        before = before.replace("return scheduler", "return scheduler, WarmupLinearLR, WarmupStepLR")
        assert f"{given}, WarmupCosineLR\n" in rewrite(before).after

    def test_a_taken_name_is_avoided(self, rewrite):
        before = BEFORE.replace("return scheduler", "WarmupCosineLR = None\n    return scheduler, WarmupCosineLR")
        after = rewrite(before).after
        assert "from lrfix.schedulers import WarmupCosineLR as BundledWarmupCosineLR\n" in after
        assert "scheduler = BundledWarmupCosineLR(" in after


class TestSeveral:
    def test_two_functions_in_one_file(self, rewrite):
        before = _text(
            """
            import math
            from torch.optim import lr_scheduler

            def build(args, generator, critic):
                def first(step):
                    return 0.5 * (1 + math.cos(math.pi * min(1.0, step / args.total)))
                one = lr_scheduler.LambdaLR(generator, first)
                second = lambda step: max(0.0, 1 - step / args.total)
                two = lr_scheduler.LambdaLR(critic, second)
                return one, two
            """
        )
        after = rewrite(before).after
        assert after == _text(
            """
            from lrfix.schedulers import WarmupCosineLR, WarmupLinearLR

            def build(args, generator, critic):
                one = WarmupCosineLR(generator, args.total)
                two = WarmupLinearLR(critic, args.total)
                return one, two
            """
        )

    def test_one_function_for_two_schedulers(self, rewrite):
        before = _text(
            """
            import math
            from torch.optim.lr_scheduler import LambdaLR

            def build(args, generator, critic):
                cosine = lambda step: 0.5 * (1 + math.cos(math.pi * min(1.0, step / args.total)))
                return LambdaLR(generator, cosine), LambdaLR(critic, cosine)
            """
        )
        after = rewrite(before).after
        assert "return WarmupCosineLR(generator, args.total), WarmupCosineLR(critic, args.total)" in after
        assert "lambda" not in after

    def test_a_factory_goes_with_its_closure(self, rewrite):
        before = _text(
            """
            import math
            from torch.optim.lr_scheduler import LambdaLR

            def make(warmup, total):
                def factor(step):
                    if step < warmup:
                        return (step + 1) / warmup
                    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))
                return factor

            def build(args, optimizer):
                schedule = make(args.warmup, args.total)
                return LambdaLR(optimizer, schedule)
            """
        )
        after = rewrite(before).after
        assert "def make" not in after and "schedule =" not in after and "math" not in after
        assert 'warmup_progress="(k+1)/W"' in after


CLASS = _text(
    """
    import math
    from torch.optim.lr_scheduler import LambdaLR


    class WarmupCosine(LambdaLR):
        \"\"\"Cosine with warmup.\"\"\"

        def __init__(self, optimizer, warmup, total, floor=0.0, last_epoch=-1):
            self.warmup = warmup
            self.total = total
            self.floor = floor
            super().__init__(optimizer, self.factor, last_epoch)

        def factor(self, step):
            if step < self.warmup:
                return step / self.warmup
            done = min(1.0, (step - self.warmup) / (self.total - self.warmup))
            return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))
    """
)
BUILT = (
    CLASS + "\n\ndef build(args, optimizer):\n    return WarmupCosine(optimizer, args.warm, total=args.epochs + 5)\n"
)
#: The decay takes ``total`` steps of its own: the horizon is a sum.
LONGER = BUILT.replace("(self.total - self.warmup)", "self.total")


class TestClasses:
    def test_a_class_used_here_only_is_replaced_where_it_is_built(self, rewrite):
        after = rewrite(BUILT).after
        assert after == _text(
            """
            from lrfix.schedulers import WarmupCosineLR


            def build(args, optimizer):
                return WarmupCosineLR(optimizer, args.epochs + 5, warmup_steps=args.warm)
            """
        )

    def test_precedence_of_arguments_is_kept(self, rewrite):
        after = rewrite(LONGER).after
        assert "args.warm + (args.epochs + 5),\n" in after

    def test_an_argument_with_effects_is_not_evaluated_twice(self, rewrite):
        result = rewrite(LONGER.replace("args.warm,", "args.pop(),"))
        assert "`args.pop()`" in " ".join(result.sites[0].notes)
        assert "class WarmupCosine(WarmupCosineLR):" in result.after

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda text: CLASS, "built in other files"),
            (lambda text: CLASS.replace("super()", "super(WarmupCosine, self)"), "built in other files"),
            (lambda text: text + "\n\ndef test(s):\n    return isinstance(s, WarmupCosine)\n", "in another way"),
            (lambda text: text + '\n\n__all__ = ["WarmupCosine"]\n', "string"),
        ],
    )
    def test_otherwise_its_name_stays_for_a_thin_subclass(self, rewrite, change, why):
        result = rewrite(change(BUILT))
        assert why in " ".join(result.sites[0].notes)
        assert "class WarmupCosine(WarmupCosineLR):" in result.after
        assert '"""Cosine with warmup."""' in result.after
        assert "def __init__(self, optimizer, warmup, total, floor=0.0, last_epoch=-1):" in result.after
        assert "math" not in result.after
        assert not rewrite(result.after).changed

    def test_a_thin_subclass_says_what_its_callers_give_in_vain(self, rewrite):
        notes = rewrite(CLASS.replace("floor=0.0,", "floor=0.0, cycles=1,")).sites[0].notes
        assert [n for n in notes if "whatever a caller gives" in n] == [
            "`cycles` has no effect on the new schedule, whatever a caller gives"
        ]

    def test_a_thin_subclass_keeps_a_name_that_the_bundled_scheduler_has_too(self, rewrite):
        named = BUILT.replace("WarmupCosine(", "WarmupCosineLR(").replace("args.warm, total=args.epochs + 5", "**args")
        after = rewrite(named).after
        assert "import WarmupCosineLR as BundledWarmupCosineLR" in after
        assert "class WarmupCosineLR(BundledWarmupCosineLR):" in after

    def test_a_class_that_another_file_mentions_stays(self, rewrite):
        result = rewrite(BUILT, external=lambda name: name == "WarmupCosine")
        assert "class WarmupCosine(WarmupCosineLR):" in result.after
        assert "return WarmupCosine(optimizer, args.warm, total=args.epochs + 5)" in result.after

    def test_a_class_whose_own_attributes_are_read_is_left_alone(self, rewrite):
        before = (
            BUILT.replace("    return WarmupCosine(", "    scheduler = WarmupCosine(") + "    return scheduler.total\n"
        )
        result = rewrite(before)
        assert not result.changed
        assert "scheduler.total" in result.left[0].reason

    def test_a_class_that_another_is_derived_from_is_left_alone(self, rewrite):
        here = rewrite(CLASS + "\n\nclass Mine(WarmupCosine):\n    def factor(self, step):\n        return 1.0\n")
        assert "class WarmupCosine(LambdaLR):" in here.after
        assert any("derived from it" in left.reason for left in here.left)
        elsewhere = rewrite(CLASS, external=lambda name: re.search(name, "class Mine(WarmupCosine):") is not None)
        assert not elsewhere.changed and "another file of the project derives" in elsewhere.left[0].reason

    def test_so_is_one_that_inherits_them_from_another_class_of_the_file(self, rewrite):
        family = """
            from torch.optim.lr_scheduler import LambdaLR

            class Base(LambdaLR):
                @property
                def last_step(self):
                    return self.last_epoch

            class Warmup(Base):
                def __init__(self, optimizer, warmup, last_step=-1):
                    super().__init__(optimizer, lambda k: min(1.0, (k + 1) / warmup), last_step)
            """
        result = rewrite(_text(family))
        assert not result.changed
        assert "`Warmup.last_step` is there for others" in " ".join(left.reason for left in result.left)

    def test_where_to_go_on_is_passed_on_whatever_it_is_called(self, rewrite):
        renamed = BUILT.replace("last_epoch", "last_step")
        kept = rewrite(renamed, external=lambda name: name == "WarmupCosine").after
        assert "last_epoch=last_step" in kept
        resumed = rewrite(renamed.replace("args.epochs + 5)", "args.epochs + 5, last_step=args.done)")).after
        assert "last_epoch=args.done" in resumed

    def test_a_class_with_methods_for_others_is_left_alone(self, rewrite):
        result = rewrite(CLASS + "\n    def set_step(self, step):\n        self.last_epoch = step\n")
        assert not result.changed
        assert "WarmupCosine.set_step" in result.left[0].reason


class TestRequiredArguments:
    def test_an_inverse_root_without_warmup_says_so(self, rewrite):
        text = _text(
            """
            from torch.optim.lr_scheduler import LambdaLR

            def build(optimizer):
                return LambdaLR(optimizer, lambda step: (step + 1) ** -0.5)
            """
        )
        result = rewrite(text)
        assert "WarmupInverseSqrtLR(optimizer" in result.after and "warmup_steps=0" in result.after


def test_form_feeds_stay_where_they_are(rewrite):
    """They part the pages of a file; libcst drops those before a statement."""
    before = (
        BEFORE.replace("def train", "\f\ndef earlier():\n    pass\n\n\n\fdef train")
        + "\n\n\f\ndef later():\n    pass\n\n\n\fx = 1\n"
    )
    after = rewrite(before).after
    expected = (
        AFTER.replace("def train", "\f\ndef earlier():\n    pass\n\n\n\fdef train")
        + "\n\n\f\ndef later():\n    pass\n\n\n\fx = 1\n"
    )
    assert after == expected


def test_a_file_whose_lines_libcst_counts_in_another_way_is_left_alone(rewrite):
    result = rewrite("x = 1\n\\\ny = 2\n" + BEFORE)
    assert not result.changed
    assert "a line of the file that holds only a backslash" in (result.left[0].reason if result.left else result.error)
