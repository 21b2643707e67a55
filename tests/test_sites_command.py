"""``lrfix sites``: where schedules are, what they are, with which parameters, where they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main

SCRIPT = """\
import math

import torch
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, args):
    def factor(step):
        if step < args.warmup:
            return step / args.warmup
        share = (step - args.warmup) / max(1, args.total_steps - args.warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1, share)))

    return LambdaLR(optimizer, factor)


def adjust(optimizer, epoch, args):
    if args.policy == "poly":
        lr = args.lr * max(0.0, 1 - epoch / args.epochs) ** 0.9
    elif args.policy == "step":
        lr = args.lr * (0.1 ** (epoch // 30))
    elif args.policy == "cos":
        lr = args.lr * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))
    for group in optimizer.param_groups:
        group["lr"] = lr


def restore(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate
"""


def inventory(tmp_path: Path, *arguments: str, script: str = SCRIPT) -> str:
    path = tmp_path / "train.py"
    path.write_text(script)
    result = CliRunner().invoke(main, ["sites", *arguments, str(path)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def sites(tmp_path: Path) -> dict[str | None, dict]:
    report = json.loads(inventory(tmp_path, "--output-format", "json", "--curves"))
    assert report["findings"] == []
    return {site["name"]: site for site in report["sites"]}


def test_a_schedule_with_its_parameters_and_its_end(sites: dict[str | None, dict]) -> None:
    site = sites["factor"]
    assert (site["form"], site["family"], site["status"]) == ("lambda", "linear-warmup+cosine", "equivalent")
    assert site["parameters"] == {"warmup_steps": "args.warmup", "total_steps": "args.total_steps"}
    assert site["horizon"] == "args.total_steps"
    assert (site["start"]["line"], site["schedules"]) == (8, [])
    assert site["curve"][0] == 0.0 and max(site["curve"]) == pytest.approx(0.1)


def test_a_function_of_several_schedules_has_them_all(sites: dict[str | None, dict]) -> None:
    site = sites["adjust"]
    assert site["form"] == "setter"
    assert set(site["family"].split("+")) == {"poly", "step", "cosine"}
    assert {each["settings"]["args.policy"]: each["family"] for each in site["schedules"]} == {
        "'poly'": "poly",
        "'step'": "step",
        "'cos'": "cosine",
    }
    assert site["horizon"] == "args.epochs"


def test_writing_a_given_rate_is_no_schedule_of_a_family(sites: dict[str | None, dict]) -> None:
    assert "restore" not in sites or sites["restore"]["family"] == "other"


def test_the_table_for_people(tmp_path: Path) -> None:
    lines = inventory(tmp_path).splitlines()
    assert lines[0].split() == ["place", "name", "form", "family", "status", "curve"]
    assert any(line.split()[1:5] == ["factor", "lambda", "linear-warmup+cosine", "equivalent"] for line in lines)
    assert "    warmup_steps=args.warmup, total_steps=args.total_steps" in lines
    assert any(line.startswith("    args.policy='step': step (") for line in lines)


def test_a_wrong_schedule_still_has_its_family(tmp_path: Path) -> None:
    wrong = SCRIPT.replace("(step - args.warmup) / max(1, args.total_steps - args.warmup)", "step / args.total_steps")
    report = json.loads(inventory(tmp_path, "--output-format", "json", script=wrong))
    site = next(site for site in report["sites"] if site["name"] == "factor")
    assert site["family"] == "linear-warmup+cosine"
    assert site["status"] != "equivalent"


def test_what_cannot_be_run_is_said_to_be_so(tmp_path: Path) -> None:
    opaque = "from disk import curve_from_disk\n" + SCRIPT.replace("step / args.warmup", "curve_from_disk(step)")
    report = json.loads(inventory(tmp_path, "--output-format", "json", script=opaque))
    site = next(site for site in report["sites"] if site["name"] == "factor")
    assert (site["status"], site["family"]) == ("opaque", "other")
    assert "curve_from_disk" in site["reason"]
