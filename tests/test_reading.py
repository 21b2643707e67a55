"""Reading a file: regular ones only, no more than asked for, and never a wait."""

from __future__ import annotations

import os

import pytest

from lrfix.reading import SMALL, Unreadable, read_file, read_small_text

POSIX = pytest.mark.skipif(os.name == "nt", reason="pipes and devices of POSIX")


def test_a_file_is_read_whole_up_to_the_limit_and_one_byte_beyond(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"x" * 200_000)
    assert read_file(path, 200_000) == b"x" * 200_000
    assert len(read_file(path, 199_999)) == 200_000
    assert len(read_file(path, 70_000)) == 70_001


def test_a_limit_without_end_takes_no_memory(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"lr = 1\n")
    assert read_file(path, 1 << 80) == b"lr = 1\n"


def test_what_is_missing_or_a_directory_is_told_apart(tmp_path):
    with pytest.raises(Unreadable, match="No such file") as missing:
        read_file(tmp_path / "none.py", 10)
    with pytest.raises(Unreadable, match="not a regular file but a directory") as folder:
        read_file(tmp_path, 10)
    assert (missing.value.missing, missing.value.directory) == (True, False)
    assert (folder.value.missing, folder.value.directory) == (False, True)


def test_a_name_that_no_file_can_have_is_unreadable():
    with pytest.raises(Unreadable, match="null"):
        read_file("a\0b.py", 10)


@POSIX
def test_pipes_and_devices_are_refused_also_behind_links(tmp_path):
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    link = tmp_path / "link.py"
    link.symlink_to("/dev/zero")
    with pytest.raises(Unreadable, match="but a pipe"):
        read_file(pipe, 10)
    with pytest.raises(Unreadable, match="but a device"):
        read_file(link, 10)
    assert read_small_text(pipe) is None


@POSIX
def test_a_link_to_itself_is_unreadable(tmp_path):
    link = tmp_path / "loop.py"
    link.symlink_to(link)
    with pytest.raises(Unreadable, match="symbolic links"):
        read_file(link, 10)


def test_a_small_text_is_read_whatever_its_bytes_and_a_large_one_is_not(tmp_path):
    path = tmp_path / ".gitignore"
    path.write_bytes(b"build\n\xff\n")
    assert read_small_text(path) == "build\n\ufffd\n"
    path.write_bytes(b"x" * (SMALL + 1))
    assert read_small_text(path) is None
