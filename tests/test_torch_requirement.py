"""Which versions of torch a project may run on decides whether it is told of what later ones took away."""

from __future__ import annotations

import json
import textwrap

import pytest
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.torch_requirement import reaches, torch_requirement

VERBOSE = """
    from torch.optim.lr_scheduler import _LRScheduler

    class Halving(_LRScheduler):
        def __init__(self, optimizer, period, last_epoch=-1, verbose=False):
            self.period = period
            super().__init__(optimizer, last_epoch, verbose)

        def get_lr(self):
            return [base * 0.5 ** (self.last_epoch // self.period) for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("file", "text", "required"),
    [
        ("requirements.txt", "numpy\ntorch==1.13.1  # the cluster's\ntorchvision==0.14\n", "==1.13.1"),
        ("requirements.txt", "torch[extra] >= 1.10, < 2.1 ; python_version > '3.8'\n", ">=1.10,<2.1"),
        ("requirements.txt", "torch\n", None),
        ("requirements.txt", "torchmetrics==0.5\npytorch-lightning==1.9\n", None),
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["numpy", "torch~=2.2"]\n', "~=2.2"),
        ("pyproject.toml", "[project\n", None),
        ("setup.cfg", "[options]\ninstall_requires =\n    torch<2\n    numpy\n", "<2"),
        ("setup.py", 'from setuptools import setup\nsetup(name="x", install_requires=["torch==1.7.1"])\n', "==1.7.1"),
        ("setup.py", "def broken(:\n", None),
        ("setup.py", 'needs = ["torch<2"]\nsetup(name="x", install_requires=needs)\n', "<2"),
        ("pyproject.toml", '[project.optional-dependencies]\nall = ["torch==2.1"]\n', "==2.1"),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntorch = "^1.11.0"\n', ">=1.11.0,<2"),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntorch = {version = "~1.13", extras = ["x"]}\n', ">=1.13,<1.14"),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntorch = "*"\n', None),
        ("requirements_gpu.txt", "torch==1.12.1\n", "==1.12.1"),
        ("dev-requirements.in", "torch<2.3\n", "<2.3"),
        ("environment.yml", "name: x\ndependencies:\n  - python=3.8\n  - pytorch=1.11.0=py3.8_cuda11\n", "==1.11.0.*"),
        ("environment.yml", "channels:\n  - pytorch\n  - nvidia\ndependencies:\n  - pytorch=2.0.0\n", "==2.0.0.*"),
        ("env.yaml", "dependencies:\n- pytorch::pytorch==1.12\n", "==1.12"),
        ("gpu.yml", "dependencies:\n- conda-forge::pytorch >=1.8\n", ">=1.8"),
        ("env.yml", "dependencies:\n  - pip\n  - pip:\n    - torch==1.13.1+cu117\n", "==1.13.1+cu117"),
        ("env.yml", "dependencies:\n  - pytorch\n", None),
        ("train.yml", "model:\n  - torch==1.0\n", None),
        ("Dockerfile", "FROM python:3.8\nRUN pip install -U \\\n    torch==1.11.0 torchvision\n", "==1.11.0"),
        ("Dockerfile.gpu", 'FROM nvidia/cuda\nRUN pip3 install "torch<2.1" && rm -rf /x\n', "<2.1"),
        ("Dockerfile", "FROM pytorch/pytorch:1.9.1-cuda11.1-cudnn8-runtime\n", "==1.9.1"),
        ("Dockerfile", "RUN conda install -y pytorch=1.10 -c pytorch\n", "==1.10.*"),
        ("setup.sh", "pip install -U pip\npython3 -m pip install torch==1.9.1+cu111 -f https://x\n", "==1.9.1+cu111"),
        ("run.sh", "python train.py --lr=0.1  # pip install torch==1.9\n", None),
        ("README.md", "## Needs\n- Python 3.6\n- [PyTorch 1.0](https://pytorch.org)\n", "==1.0.*"),
        ("README.md", "* torch >= 1.4\n* torchvision\n", ">=1.4"),
        ("README", "1. PyTorch 1.5+\n", ">=1.5"),
        ("README.md", "- pytorch>=1.0\n", ">=1.0"),
        ("README.md", "PyTorch (1.2 or higher)\n", ">=1.2"),
        ("README.md", "We ran this on PyTorch 1.9 and 2.1.\n", None),
        ("README.md", "PyTorch 1.9 and 2.1 both work.\n", None),
    ],
)
def test_the_requirement_is_read_from_the_project_s_own_files(tmp_path, file, text, required):
    (tmp_path / file).write_text(text)
    (tmp_path / "src").mkdir()
    assert torch_requirement(tmp_path / "src") == required


EARLY = """
    import torch

    def train(model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [40, 80])
        for epoch in range(100):
            scheduler.step()
            for batch in loader:
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
    """


@pytest.mark.parametrize(("needs", "told"), [("PyTorch 1.0", False), ("PyTorch 1.4", True)])
def test_the_scheduler_came_first_before_torch_1_1(tmp_path, needs, told):
    (tmp_path / "README.md").write_text(f"- {needs}\n")
    (tmp_path / "train.py").write_text(textwrap.dedent(EARLY))
    command = ["check", "--no-cache", "--jobs", "1", "--select", "LR301", str(tmp_path)]
    assert ("LR301" in CliRunner().invoke(main, command).output) is told


def test_what_is_packaged_is_asked_before_what_an_experiment_ran_on(tmp_path):
    (tmp_path / "environment.yml").write_text("dependencies:\n- pytorch=1.11\n")
    (tmp_path / "requirements-dev.txt").write_text("torch==1.12\n")
    assert torch_requirement(tmp_path) == "==1.12"
    (tmp_path / "requirements.txt").write_text("torch>=2\n")
    assert torch_requirement(tmp_path) == ">=2"
    (tmp_path / "setup.py").write_text("setup(install_requires=['torch>=2.1'])\n")
    assert torch_requirement(tmp_path) == ">=2.1"


def test_settings_of_an_experiment_end_no_search(tmp_path):
    (tmp_path / "requirements.txt").write_text("torch==1.0\n")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yml").write_text("lr: 0.1\n")
    assert torch_requirement(tmp_path / "configs") == "==1.0"


def test_the_search_ends_at_the_project(tmp_path):
    (tmp_path / "requirements.txt").write_text("torch==1.0\n")
    (tmp_path / "project" / ".git").mkdir(parents=True)
    assert torch_requirement(tmp_path / "project") is None


@pytest.mark.parametrize(
    ("torch", "version", "met"),
    [
        (None, "2.7", True),
        ("2.6", "2.7", False),
        ("2.7", "2.7", True),
        ("2.7.1", "2.7", True),
        ("==1.13.1", "2.7", False),
        ("==1.7.1+cu110", "2.7", False),
        ("==1.11.0.*", "2.7", False),
        ("<2.7", "2.7", False),
        ("<=2.7", "2.7", True),
        (">=1.10,<2.1", "2.7", False),
        (">=2.0", "2.7", True),
        ("~=2.2", "2.7", True),
        ("!=2.8", "2.9", True),
        ("==nonsense", "2.7", True),
    ],
)
def test_a_version_is_met_where_the_requirement_allows_it_or_a_later_one(torch, version, met):
    assert reaches(torch, version) is met


def codes(folder, *more):
    result = CliRunner().invoke(main, ["check", "--output-format", "json", "--exit-zero", *more, str(folder)])
    return {finding["code"] for finding in json.loads(result.stdout)["findings"]}


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("requirements.txt", "torch==1.13.1\n", False),
        ("requirements.txt", "torch>=1.13\n", True),
        ("pyproject.toml", '[tool.lrfix]\ntorch = "2.6"\n', False),
        ("pyproject.toml", '[tool.lrfix]\ntorch = "2.7"\n', True),
        ("notes.txt", "torch==1.13.1\n", True),
    ],
)
def test_what_a_later_torch_took_away_is_told_where_the_project_may_meet_it(tmp_path, file, text, told):
    (tmp_path / "halving.py").write_text(textwrap.dedent(VERBOSE))
    (tmp_path / file).write_text(text)
    assert ("LR107" in codes(tmp_path)) is told


def test_each_of_several_projects_has_its_own_torch(tmp_path):
    for name, torch in (("old", "torch==1.13.1"), ("new", "torch>=2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text(f"{torch}\n")
        (tmp_path / name / "halving.py").write_text(textwrap.dedent(VERBOSE))
    paths = [str(tmp_path / name) for name in ("old", "new")]
    result = CliRunner().invoke(main, ["check", "--output-format", "json", "--exit-zero", "--select", "LR107", *paths])
    found = json.loads(result.stdout)["findings"]
    assert [finding["path"].split("/")[-2] for finding in found] == ["new"]
