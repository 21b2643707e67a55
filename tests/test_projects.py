"""Definitions across files: a schedule is judged with what its project says of it, and alone without a project."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.config import Settings
from lrfix.discovery import discover
from lrfix.engine import check_paths, check_source
from lrfix.findings import Severity, Status
from lrfix.registry import load_rules

EVERY_RULE = Settings(selected=frozenset(load_rules()))
Tree = Callable[..., None]

TRAIN = """
    import argparse
    import torch
    from torch.optim.lr_scheduler import LambdaLR

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=90)
    args = parser.parse_args()
"""


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Tree:
    """Writes a project of the given files and makes it the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str], marker: str | None = "pyproject.toml") -> None:
        if marker is not None:
            (tmp_path / marker).touch()
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))

    return write


def found(*paths: str) -> list[tuple[str, str]]:
    """What checking ``paths`` reports, advice left out: file and code."""
    results = list(check_paths(discover(paths or ["."]), EVERY_RULE, jobs=1))
    assert not [error for result in results for error in result.errors]
    return [(f.path, f.code) for result in results for f in result.findings if f.severity is not Severity.INFO]


def advice(*paths: str) -> list[str]:
    results = check_paths(discover(paths), EVERY_RULE, jobs=1)
    return [f.code for result in results for f in result.findings if f.severity is Severity.INFO]


def alone(path: str) -> list[str]:
    with open(path, "rb") as file:
        findings = check_source(file.read(), path, EVERY_RULE).findings
    return [f.code for f in findings if f.severity is not Severity.INFO]


def sites(path: str) -> dict[str | None, object]:
    results = check_paths(discover(["."]), EVERY_RULE, jobs=1)
    return {site.name: site for result in results if result.path == path for site in result.sites}


COSINE_RATE = """
    import math

    def warmup_cosine(step, warmup, total, lr):
        if step < warmup:
            return lr * step / warmup
        done = min(1.0, (step - warmup) / (total - warmup))
        return lr * 0.5 * (1 + math.cos(math.pi * done))
"""


class TestAScheduleAndItsUseInAnotherFile:
    def test_a_rate_handed_to_lambda_lr_elsewhere_is_reported_where_it_is_defined(self, tree):
        tree(
            {
                "schedules.py": COSINE_RATE,
                "train.py": textwrap.dedent(TRAIN)
                + textwrap.dedent(
                    """
                    from functools import partial
                    from schedules import warmup_cosine

                    def train(model, loader):
                        optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
                        scheduler = LambdaLR(optimizer, partial(warmup_cosine, warmup=5, total=90, lr=args.lr))
                        for batch in loader:
                            optimizer.step()
                            scheduler.step()
                    """
                ),
            }
        )
        assert found() == [("schedules.py", "LR201")]
        assert alone("schedules.py") == []
        assert found("schedules.py") == []

    def test_the_same_function_is_left_in_peace_where_its_rate_is_used_as_a_rate(self, tree):
        tree(
            {
                "schedules.py": COSINE_RATE,
                "train.py": """
                    import torch
                    from schedules import warmup_cosine

                    def train(model, loader):
                        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                        for step in range(90):
                            for group in optimizer.param_groups:
                                group["lr"] = warmup_cosine(step, 5, 90, 0.1)
                            optimizer.step()
                """,
            }
        )
        assert found() == []

    def test_two_uses_that_contradict_each_other_say_nothing(self, tree):
        handed = """
            import torch
            from torch.optim.lr_scheduler import LambdaLR
            from functools import partial
            from schedules import warmup_cosine

            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = LambdaLR(optimizer, partial(warmup_cosine, warmup=5, total=90, lr=0.1))
        """
        asked = """
            import torch
            from schedules import warmup_cosine

            def learning_rate(step):
                return warmup_cosine(step, 5, 90, 0.1)
        """
        tree({"schedules.py": COSINE_RATE, "handed.py": handed})
        assert ("schedules.py", "LR201") in found()
        tree({"schedules.py": COSINE_RATE, "handed.py": handed, "asked.py": asked})
        assert ("schedules.py", "LR201") not in found()

    def test_a_loop_in_another_file_that_goes_past_the_end(self, tree):
        definition = """
            import math
            from torch.optim.lr_scheduler import LRScheduler

            class Cosine(LRScheduler):
                def __init__(self, optimizer, total, last_epoch=-1):
                    self.total = total
                    super().__init__(optimizer, last_epoch)

                def get_lr(self):
                    done = self.last_epoch / self.total
                    return [base * 0.5 * (1 + math.cos(math.pi * done)) for base in self.base_lrs]
        """
        loop = """
            import torch
            from schedulers import Cosine

            def train(model):
                optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                scheduler = Cosine(optimizer, 60)
                for epoch in range({epochs}):
                    optimizer.step()
                    scheduler.step()
        """
        tree({"schedulers.py": definition, "train.py": loop.format(epochs=90)})
        assert found() == [("schedulers.py", "LR204")]
        assert alone("schedulers.py") == []
        tree({"schedulers.py": definition, "train.py": loop.format(epochs=60)})
        assert found() == []

    def test_a_constructor_that_refuses_the_experiment_leaves_the_file_to_itself(self, tree):
        definition = """
            from base import Base

            class WarmupScheduler(Base):
                def __init__(self, optimizer, warmup_steps):
                    super().__init__(optimizer)
                    self.warmup_steps = warmup_steps

                def step_update(self, num_updates):
                    for group in self.optimizer.param_groups:
                        group["lr"] = 0.1 * min(1.0, num_updates / self.warmup_steps)
        """
        tree({"scheduler.py": definition})
        before = sites("scheduler.py")["WarmupScheduler"]
        tree(
            {
                "base.py": """
                    from optimizers import OwnOptimizer

                    class Base:
                        def __init__(self, optimizer):
                            if not isinstance(optimizer, OwnOptimizer):
                                raise ValueError("optimizer must be an OwnOptimizer")
                            self.optimizer = optimizer
                """,
                "optimizers.py": "class OwnOptimizer:\n    pass\n",
            }
        )
        after = sites("scheduler.py")["WarmupScheduler"]
        assert before.family == after.family == "linear-warmup+constant"
        assert before.curve == after.curve

    def test_what_one_use_rules_out_is_reported_all_the_same(self, tree):
        definition = """
            def adjust_learning_rate(optimizer, epoch, lr, epochs=1):
                rate = lr * (1 - epoch / (epochs - 1))
                for group in optimizer.param_groups:
                    group["lr"] = rate
        """
        tree({"rates.py": definition})
        before = found()
        assert before == [("rates.py", "LR205")]
        tree(
            {
                "train.py": """
                    import torch
                    from rates import adjust_learning_rate

                    def train(model):
                        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                        for epoch in range(90):
                            adjust_learning_rate(optimizer, epoch, 0.1, 90)
                            optimizer.step()
                """
            }
        )
        assert found() == before

    def test_a_default_of_the_file_that_calls(self, tree):
        tree(
            {
                "rates.py": """
                    def adjust_learning_rate(optimizer, epoch, args):
                        rate = args.lr * min(1.0, epoch / args.warmup)
                        for group in optimizer.param_groups:
                            group["lr"] = rate
                """,
                "train.py": textwrap.dedent(TRAIN).replace("default=5", "default=0")
                + textwrap.dedent(
                    """
                    from rates import adjust_learning_rate

                    def train(model):
                        optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
                        for epoch in range(args.epochs):
                            adjust_learning_rate(optimizer, epoch, args)
                            optimizer.step()
                    """
                ),
            }
        )
        assert found() == [("rates.py", "LR205")]
        assert alone("rates.py") == []

    def test_tests_of_a_project_are_no_use_of_it(self, tree):
        tree(
            {
                "schedules.py": COSINE_RATE,
                "tests/test_schedules.py": """
                    import torch
                    from torch.optim.lr_scheduler import LambdaLR
                    from functools import partial
                    from schedules import warmup_cosine

                    def test_it():
                        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                        LambdaLR(optimizer, partial(warmup_cosine, warmup=5, total=90, lr=0.1)).step()
                """,
            }
        )
        assert found() == []

    @pytest.mark.parametrize(
        ("statement", "name"),
        [
            ("from pkg.schedules import ratio", "ratio"),
            ("from pkg import ratio", "ratio"),
            ("from .schedules import ratio", "ratio"),
            ("from . import schedules", "schedules.ratio"),
            ("from .schedules import ratio as factor", "factor"),
            ("import pkg.schedules as s", "s.ratio"),
            ("import pkg", "pkg.ratio"),
            ("from pkg.schedules import (\n    other,  # unused\n    ratio,\n)", "ratio"),
            ("from .schedules import *", "ratio"),
        ],
    )
    def test_every_way_to_import(self, tree, statement, name):
        tree(
            {
                "pkg/__init__.py": "from .schedules import ratio  # lr_lambda",
                "pkg/schedules.py": """
                    other = None  # learning_rate

                    def ratio(epoch):
                        return 0.1 * 0.95 ** epoch
                """,
                "pkg/train.py": f"""
import torch
from torch.optim.lr_scheduler import LambdaLR
{statement}

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = LambdaLR(optimizer, {name})
""",
            }
        )
        assert found() == [("pkg/schedules.py", "LR201")]


class TestWhatAFileImports:
    SUBCLASS = """
        from schedules import WarmupBase

        class Halved(WarmupBase):
            def get_lr(self):
                return [base * self.ramp() * 0.5 for base in self.base_lrs]
    """
    BASE = """
        from torch.optim.lr_scheduler import LRScheduler

        class WarmupBase(LRScheduler):
            def __init__(self, optimizer, warmup=0, last_epoch=-1):
                self.warmup = warmup
                super().__init__(optimizer, last_epoch)

            def ramp(self):
                return min(1.0, (self.last_epoch + 1) / {divisor})
    """

    def test_a_base_class_of_another_file(self, tree):
        tree({"schedules.py": self.BASE.format(divisor="self.warmup"), "halved.py": self.SUBCLASS})
        assert found() == [("halved.py", "LR205")]
        assert alone("halved.py") == []

    def test_a_base_class_that_guards_itself(self, tree):
        tree({"schedules.py": self.BASE.format(divisor="max(1, self.warmup)"), "halved.py": self.SUBCLASS})
        assert found() == []
        assert sites("halved.py")["Halved"].form == "subclass"

    def test_a_formula_of_another_file(self, tree):
        setter = """
            import torch
            from formulas import poly

            def adjust_learning_rate(optimizer, epoch):
                rate = 0.1 * poly(epoch, 30) if epoch > 2 else 0.02 * (epoch + 1)
                for group in optimizer.param_groups:
                    group["lr"] = rate
        """
        tree(
            {
                "train.py": setter,
                "formulas.py": "def poly(epoch, total):\n    return max(0.0, 1 - epoch / total) ** 0.9\n",
            }
        )
        site = sites("train.py")["adjust_learning_rate"]
        assert site.curve[:5] == pytest.approx([0.02, 0.04, 0.06, 0.1 * 0.9**0.9, 0.1 * (26 / 30) ** 0.9])

    @pytest.mark.parametrize(
        ("statement", "name"),
        [
            ("from config import MILESTONES", "MILESTONES"),
            ("import config", "config.MILESTONES"),
            ("import config as c", "c.MILESTONES"),
            ("from config import *", "MILESTONES"),
        ],
    )
    def test_constants(self, tree, statement, name):
        tree(
            {
                "config.py": "MILESTONES = [3, 6]\n",
                "train.py": f"""
                    import torch
                    {statement}
                    from torch.optim.lr_scheduler import LambdaLR

                    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
                    scheduler = LambdaLR(optimizer, lambda epoch: 0.1 ** sum(epoch >= m for m in {name}))
                """,
            }
        )
        (site,) = sites("train.py").values()
        assert site.curve[:8] == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01])

    def test_settings_of_another_file(self, tree):
        tree(
            {
                "options.py": """
                    import argparse

                    parser = argparse.ArgumentParser()
                    parser.add_argument("--warmup", type=int, default=0)
                    parser.add_argument("--lr", type=float, default=0.1)
                """,
                "train.py": """
                    import torch
                    from options import parser

                    args = parser.parse_args()

                    def adjust_learning_rate(optimizer, epoch):
                        rate = args.lr * min(1.0, epoch / args.warmup)
                        for group in optimizer.param_groups:
                            group["lr"] = rate
                """,
            }
        )
        assert found() == [("train.py", "LR205")]
        assert alone("train.py") == []

    def test_a_rewrite_is_offered_only_where_the_file_alone_shows_enough(self, tree):
        train = """
            import torch
            from formulas import poly
            from torch.optim.lr_scheduler import LambdaLR

            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = LambdaLR(optimizer, lambda epoch: poly(epoch, 30) + 0.0)
        """
        tree(
            {
                "train.py": train,
                "formulas.py": "def poly(epoch, total):\n    return max(0.0, 1 - epoch / total) ** 0.9\n",
            }
        )
        (site,) = sites("train.py").values()
        assert (site.family, site.status) == ("poly", Status.UNSUPPORTED)
        assert "other files" in site.reason
        assert "LR401" not in advice("train.py")


class TestWhatIsNotFollowed:
    TRAIN = """
        import torch
        from torch.optim.lr_scheduler import LambdaLR
        {statement}

        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        scheduler = LambdaLR(optimizer, lambda epoch: 0.1 ** sum(epoch >= m for m in MILESTONES))
    """

    def stepped(self, path: str = "train.py") -> bool:
        """Whether the milestones of the other file were taken in."""
        (site,) = sites(path).values()
        return list(site.curve[2:4]) == pytest.approx([1.0, 0.1])

    def test_nothing_is_imported_or_run(self, tree, tmp_path):
        marker = tmp_path / "ran"
        tree(
            {
                "config.py": f"MILESTONES = [3, 6]\nopen({str(marker)!r}, 'w').close()\n",
                "train.py": self.TRAIN.format(statement="from config import MILESTONES"),
            }
        )
        assert self.stepped()
        assert not marker.exists()

    def test_a_cycle_of_imports(self, tree):
        tree(
            {
                "a.py": "from b import MILESTONES",
                "b.py": "from a import MILESTONES",
                "train.py": self.TRAIN.format(statement="from a import MILESTONES"),
            }
        )
        assert not self.stepped()

    def test_a_file_that_does_not_parse(self, tree):
        tree(
            {
                "config.py": "MILESTONES = [3, 6]\ndef (:\n",
                "train.py": self.TRAIN.format(statement="from config import MILESTONES"),
            }
        )
        assert not self.stepped()

    def test_a_file_outside_the_project(self, tree):
        tree(
            {
                "config.py": "MILESTONES = [3, 6]\n",
                "inner/setup.cfg": "",
                "inner/train.py": self.TRAIN.format(statement="from config import MILESTONES"),
                "own/train.py": self.TRAIN.format(statement="from config import MILESTONES"),
            }
        )
        assert not self.stepped("inner/train.py")
        assert self.stepped("own/train.py")

    def test_without_a_project_only_the_own_directory(self, tree):
        tree(
            {
                "config.py": "MILESTONES = [3, 6]\n",
                "train.py": self.TRAIN.format(statement="from config import MILESTONES"),
                "inner/train.py": self.TRAIN.format(statement="from config import MILESTONES"),
            },
            marker=None,
        )
        assert self.stepped("train.py")
        assert not self.stepped("inner/train.py")

    def test_a_module_that_two_files_may_be(self, tree):
        tree(
            {
                "config.py": "MILESTONES = [3, 6]\n",
                "inner/config.py": "MILESTONES = [4, 6]\n",
                "inner/train.py": self.TRAIN.format(statement="from config import MILESTONES"),
            }
        )
        assert not self.stepped("inner/train.py")

    def test_a_chain_of_more_files_than_are_read(self, tree):
        chain = {f"m{i}.py": f"from m{i + 1} import MILESTONES" for i in range(40)}
        chain["m40.py"] = "MILESTONES = [3, 6]"
        tree({**chain, "train.py": self.TRAIN.format(statement="from m0 import MILESTONES")})
        assert not self.stepped()

    def test_a_link_out_of_the_project(self, tree, tmp_path_factory):
        outside = tmp_path_factory.mktemp("outside") / "config.py"
        outside.write_text("MILESTONES = [3, 6]\n")
        tree({"train.py": self.TRAIN.format(statement="from config import MILESTONES")})
        from pathlib import Path

        Path("config.py").symlink_to(outside)
        assert not self.stepped()

    def test_what_cannot_be_simulated_there_is_as_if_it_was_not_seen(self, tree):
        plain = """
            import torch
            from helpers import log

            def adjust_learning_rate(optimizer, epoch):
                log(epoch)
                for group in optimizer.param_groups:
                    group["lr"] = 0.1 * 0.95 ** epoch
        """
        tree({"train.py": plain})
        before = sites("train.py")["adjust_learning_rate"]
        tree(
            {
                "helpers.py": """
                    import torch

                    def log(epoch):
                        for line in open("log.txt"):
                            raise KeyError(line)
                        while True:
                            epoch += 1
                """
            }
        )
        after = sites("train.py")["adjust_learning_rate"]
        assert before.curve == after.curve and before.family == after.family == "exponential"


class TestTheCommandLine:
    FILES = TestAScheduleAndItsUseInAnotherFile

    def test_a_directory_is_checked_as_a_project(self, tree):
        tree(
            {
                "schedules.py": "def ratio(epoch):\n    return 0.1 * 0.95 ** epoch  # learning_rate\n",
                "train.py": """
                    import torch
                    from torch.optim.lr_scheduler import LambdaLR
                    from schedules import ratio

                    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                    scheduler = LambdaLR(optimizer, ratio)
                """,
            }
        )
        result = CliRunner().invoke(main, ["check", "."])
        assert "schedules.py:1:1" in result.stdout or "schedules.py:2" in result.stdout
        assert "LR201" in result.stdout
        assert "LambdaLR in train.py, line 7 multiplies" in result.stdout
        assert result.exit_code == 1

    def test_workers_say_the_same(self, tree):
        files = {
            f"p{i}/schedules.py": "def ratio(epoch):\n    return 0.1 * 0.95 ** epoch  # learning_rate\n"
            for i in range(6)
        }
        for i in range(6):
            files[f"p{i}/train.py"] = """
                import torch
                from torch.optim.lr_scheduler import LambdaLR
                from .schedules import ratio

                optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                scheduler = LambdaLR(optimizer, ratio)
            """
        tree(files)
        targets = discover(["."])
        here = list(check_paths(targets, EVERY_RULE, jobs=1))
        with ThreadPoolExecutor(2) as executor:
            spread = list(check_paths(targets, EVERY_RULE, executor))
        assert here == spread
        assert [f.path for r in here for f in r.findings] == [f"p{i}/schedules.py" for i in range(6)]
        assert list(check_paths(targets, EVERY_RULE, jobs=2)) == here


def test_without_a_marker_absolute_imports_begin_above_the_outermost_package(tree: Tree) -> None:
    tree(
        {
            "lib/__init__.py": "",
            "lib/schedules/__init__.py": "",
            "lib/schedules/base.py": """
                from torch.optim.lr_scheduler import LRScheduler

                class Timed(LRScheduler):
                    def __init__(self, optimizer, total_steps, last_epoch=-1):
                        self.total_steps = total_steps
                        super().__init__(optimizer, last_epoch)
            """,
            "lib/schedules/half.py": """
                import math
                from lib.schedules.base import Timed

                class HalfCosine(Timed):
                    def get_lr(self):
                        done = min(1.0, self.last_epoch / self.total_steps)
                        return [base * 0.5 * (1 + math.cos(math.pi * done)) for base in self.base_lrs]
            """,
        },
        marker=None,
    )
    site = sites("lib/schedules/half.py")["HalfCosine"]
    assert (site.form, site.family, site.curve[0]) == ("subclass", "cosine", 0.1)
