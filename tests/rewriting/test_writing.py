"""Writing: whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from lrfix.rewriting import writing
from lrfix.rewriting.writing import WriteError, write_atomically


def test_the_content_is_replaced_and_the_mode_kept(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    path.chmod(0o751)
    write_atomically(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert os.listdir(tmp_path) == ["train.py"]


def test_a_link_still_links(tmp_path):
    (tmp_path / "real.py").write_bytes(b"old")
    (tmp_path / "link.py").symlink_to("real.py")
    write_atomically(str(tmp_path / "link.py"), b"new")
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "real.py").read_bytes() == b"new"


@pytest.mark.parametrize("step", ["replace", "fsync", "chmod"])
def test_a_failure_on_the_way_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch, step):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, step, fail)
    with pytest.raises(WriteError, match="No space left on device"):
        write_atomically(str(path), b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["train.py"]


def test_an_interrupt_leaves_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(str(path), b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["train.py"]


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"edited by someone")
    with pytest.raises(WriteError, match="changed on disk"):
        write_atomically(str(path), b"new", expected=b"old")
    assert path.read_bytes() == b"edited by someone"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="cannot be written"):
            write_atomically(str(path), b"new")
    finally:
        tmp_path.chmod(0o700)
    assert path.read_bytes() == b"old"
