"""From paths to files: order, what is left out, what never is."""

from __future__ import annotations

import os

import pytest

from lrfix.discovery import PathError, Target, discover, has_schedule_words, is_generated
from lrfix.vendoring import vendored_source


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(*paths: str, text: str = "lr = 1\n") -> None:
    for path in paths:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def found(*paths: str, **options: object) -> list[str]:
    return [target.path for target in discover(paths or (".",), **options)]


def test_a_directory_is_walked_for_python_files_and_notebooks_in_order():
    make("b.py", "a.py", "a/z.py", "a/b/c.py", "a.pyi", "a/script", "c.ipynb", ".ipynb_checkpoints/d.ipynb")
    assert found() == ["a.py", "a/b/c.py", "a/z.py", "b.py", "c.ipynb"]


def test_files_named_twice_are_found_once():
    make("a/b.py", "a/c.py")
    assert found("a", "a/b.py", "./a/c.py", ".") == ["a/b.py", "a/c.py"]


def test_a_file_given_by_name_is_always_taken_and_marked():
    make("build/gen.py", "script", "notes.ipynb", ".venv/lib.py")
    make(".gitignore", text="build\n")
    named = ("build/gen.py", "script", "notes.ipynb", ".venv/lib.py")
    assert discover(named, exclude=["*"]) == sorted(Target(path, explicit=True) for path in named)


def test_what_is_excluded_is_left_out_by_name_too_where_that_is_asked_for():
    make("a.py", "third_party/b.py", "build/c.py", "src/d.py")
    named = ("a.py", "third_party/b.py", "build/c.py", "src/d.py", "third_party")
    assert found(*named, exclude=["third_party/"], force_exclude=True) == ["a.py", "src/d.py"]
    assert found("src/d.py", exclude=["*.py"], root="src", force_exclude=True) == []


def test_a_project_may_stand_in_a_directory_of_any_name():
    make("build/project/a.py")
    assert found("build/project/a.py", root="build/project", force_exclude=True) == ["build/project/a.py"]


def test_directories_that_hold_no_code_of_the_users_are_left_out():
    make("src/a.py", ".git/x.py", ".venv/x.py", "venv/x.py", "node_modules/x.py", "build/x.py", "dist/x.py")
    make("src/__pycache__/x.py", ".tox/x.py")
    assert found() == ["src/a.py"]


def test_a_default_exclude_given_by_name_is_walked():
    make("build/a.py")
    assert found("build") == ["build/a.py"]


def test_exclude_patterns_are_relative_to_the_root():
    make("third_party/a.py", "src/third_party/a.py", "src/a_pb2.py", "src/a.py")
    assert found(exclude=["/third_party/", "*_pb2.py"]) == ["src/a.py", "src/third_party/a.py"]
    assert found("src", exclude=["/src/a.py"], root=os.getcwd()) == ["src/a_pb2.py", "src/third_party/a.py"]


def test_gitignore_files_are_honoured_with_nesting_and_negation():
    make("out/a.py", "src/a.py", "src/tmp/a.py", "src/tmp/keep.py", "src/deep/out/a.py")
    make(".gitignore", text="/out/\n**/tmp/*\n")
    make("src/.gitignore", text="!tmp/keep.py\n")
    assert found() == ["src/a.py", "src/deep/out/a.py", "src/tmp/keep.py"]


def test_the_gitignore_of_the_repository_above_counts():
    make("repo/src/generated/a.py", "repo/src/a.py", "repo/.git/config")
    make("repo/.gitignore", text="generated/\n")
    make(".gitignore", text="*.py\n")
    assert found("repo/src") == ["repo/src/a.py"]


def test_an_ignored_directory_given_by_name_is_walked():
    make("repo/scratch/a.py", "repo/.git/config")
    make("repo/.gitignore", text="scratch/\n")
    assert found("repo") == []
    assert found("repo/scratch") == ["repo/scratch/a.py"]


@pytest.mark.skipif(os.name == "nt", reason="links need privileges on Windows")
def test_links_to_directories_are_not_followed_and_loops_end():
    make("src/a.py")
    os.symlink(os.path.abspath("src"), "src/loop")
    os.symlink("nowhere.py", "src/dangling.py")
    assert found() == ["src/a.py"]


@pytest.mark.skipif(os.name == "nt", reason="links need privileges on Windows")
def test_a_link_to_a_file_is_followed_inside_the_given_paths_only():
    make("src/a.py", "elsewhere/b.py")
    os.symlink("a.py", "src/again.py")
    os.symlink("../elsewhere/b.py", "src/out.py")
    os.symlink("none.py", "src/dangling.py")
    os.symlink("loop.py", "src/loop.py")
    assert discover(["src"]) == [Target("src/a.py"), Target("src/out.py", outside=True)]
    assert found("src", "elsewhere") == ["elsewhere/b.py", "src/a.py"]
    assert discover(["src/out.py"]) == [Target("src/out.py", explicit=True)]


@pytest.mark.skipif(os.name == "nt", reason="links need privileges on Windows")
def test_a_file_of_two_names_is_found_once_and_the_one_given_counts():
    make("src/a.py")
    os.symlink("src", "other")
    assert discover(["src", "other/a.py"]) == [Target("other/a.py", explicit=True)]


def test_lines_of_a_gitignore_that_are_no_patterns_are_skipped():
    make("a.py", "b.py")
    make(".gitignore", text="!\n[z-a]\nb.py\n")
    assert found() == ["a.py"]


def test_a_path_that_does_not_exist_is_an_error():
    with pytest.raises(PathError, match=r"no_such\.py: no such file or directory"):
        discover(["no_such.py"])


def test_an_empty_directory_has_no_files():
    assert found() == []


@pytest.mark.parametrize(
    "code",
    [
        b"from torch.optim.lr_scheduler import LambdaLR",
        b"class Cosine(LRScheduler):",
        b"class Cosine(_LRScheduler):",
        b"sched = optim.LambdaLR(opt, f)",
        b"sched = MultiplicativeLR(opt, f)",
        b"def get_lr(self):",
        b"for group in optimizer.param_groups:",
        b"def adjust_learning_rate(opt, epoch):",
        b"self.base_lrs = [0.1]",
        b"if step < warmup:",
        b"scheduler.step()",
        b"# lrfix: ignore",
    ],
)
def test_the_prefilter_keeps_whatever_can_be_a_schedule(code):
    assert has_schedule_words(b"import torch\n" + code + b"\n")


def test_the_prefilter_drops_what_cannot():
    assert not has_schedule_words(b"import torch\n\ndef forward(self, x):\n    return self.linear(x)\n")


def test_generated_files_say_so_in_their_first_4_kb():
    assert is_generated(b"# @generated by protoc\n")
    assert not is_generated(b"#" * 5000 + b"\n# @generated\n")
    assert not is_generated(b"")


def test_what_lrfix_has_vendored_is_generated():
    assert is_generated(vendored_source(["WarmupCosineLR"]).encode())
