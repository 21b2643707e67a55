"""What a wheel holds: the package and its pages, nothing else at top level."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lrfix import __version__

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel built from this tree, and its metadata."""
    # Without hatchling beside us pip builds in isolation, which needs the package index.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", str(folder)]
    done = subprocess.run(
        [*command, str(ROOT)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=180
    )
    if done.returncode != 0 and not isolation:
        pytest.skip("hatchling is not installed and the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("lrfix-*.whl")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        return names, archive.read(metadata).decode()


def test_the_top_level_is_the_package_and_its_metadata(wheel):
    names, _ = wheel
    assert {name.split("/")[0] for name in names} == {"lrfix", f"lrfix-{__version__}.dist-info"}


def test_the_pages_are_inside_the_package(wheel):
    names, _ = wheel
    shipped = {name.removeprefix("lrfix/_rules/") for name in names if name.startswith("lrfix/_rules/")}
    assert shipped == {path.name for path in (ROOT / "rules").iterdir() if path.is_file()}
    assert any(name.startswith("LR101-") for name in shipped)


def test_every_module_and_the_type_marker_are_shipped(wheel):
    names, _ = wheel
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lrfix").rglob("*.py")}
    assert modules - set(names) == set()
    assert "lrfix/py.typed" in names


def test_the_licence_travels_with_it(wheel):
    names, _ = wheel
    assert any(name.endswith("LICENSE") for name in names)


def test_installing_it_asks_for_no_torch(wheel):
    _, metadata = wheel
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert any("click" in line for line in required)
    assert [line for line in required if "torch" in line] == []


def test_a_checkout_keeps_one_copy_of_the_pages():
    assert not (ROOT / "lrfix" / "_rules").exists()
