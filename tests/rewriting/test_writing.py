"""Writing: whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from lrfix.rewriting import writing
from lrfix.rewriting.writing import Change, WriteError, write_atomically, write_together
from lrfix.unfinished import begun, remove_litter

POSIX = pytest.mark.skipif(os.name == "nt", reason="links, modes and locks of POSIX")


def test_the_content_is_replaced_and_the_mode_kept(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    path.chmod(0o751)
    write_atomically(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert os.listdir(tmp_path) == ["train.py"]


def test_what_a_killed_run_has_left_beside_it_is_removed(tmp_path):
    begun(str(tmp_path))[0].close()
    write_atomically(str(tmp_path / "baseline.json"), b"new")
    assert os.listdir(tmp_path) == ["baseline.json"]


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


def test_a_file_that_may_not_be_written_stays(tmp_path, monkeypatch):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.geteuid() == 0:
        # Root may write everything: the refusal is played.
        monkeypatch.setattr(writing.os, "access", lambda *asked: False)
    with pytest.raises(WriteError, match="read-only, left as it is"):
        write_atomically(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may write it")
def test_a_read_only_file_that_may_be_written_all_the_same_is_read_only_afterwards(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    path.chmod(0o444)
    write_atomically(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@POSIX
def test_a_file_of_several_names_stays(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    os.link(path, tmp_path / "other.py")
    with pytest.raises(WriteError, match="2 hard links lead to this file"):
        write_atomically(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert path.stat().st_nlink == 2


@POSIX
def test_bits_that_set_an_identity_are_not_handed_on(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    path.chmod(0o6755)
    write_atomically(str(path), b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes of Linux")
def test_extended_attributes_are_kept_or_the_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"here")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    write_atomically(str(path), b"new")
    assert os.getxattr(path, "user.origin") == b"here"

    def refuse(*arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(writing.os, "setxattr", refuse)
    with pytest.raises(WriteError, match=r"user\.origin cannot be kept"):
        write_atomically(str(path), b"newer")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["train.py"]


@POSIX
def test_an_owner_that_cannot_be_kept_keeps_the_file_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    status = os.stat(path)

    def refuse(*arguments):
        raise PermissionError(1, "Operation not permitted")

    theirs = os.stat_result((*status[:4], status.st_uid + 1, *status[5:]))
    monkeypatch.setattr(writing, "_status", lambda target: theirs)
    monkeypatch.setattr(writing.os, "chown", refuse)
    with pytest.raises(WriteError, match="its owner cannot be kept"):
        write_atomically(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["train.py"]


@POSIX
def test_a_file_that_became_a_pipe_is_left_alone(tmp_path):
    path = tmp_path / "train.py"
    os.mkfifo(path)
    with pytest.raises(WriteError, match="not a regular file"):
        write_atomically(str(path), b"new", expected=b"old")


@POSIX
def test_what_a_killed_run_left_is_removed_and_what_a_run_at_work_holds_is_not(tmp_path):
    import fcntl

    left, held = tmp_path / ".lrfix-abc.tmp", tmp_path / ".lrfix-def.tmp"
    (tmp_path / ".lrfix-notes.txt").write_bytes(b"somebody's own")
    left.write_bytes(b"half")
    with open(held, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert remove_litter([str(tmp_path), str(tmp_path / "none")]) == [str(left)]
    assert sorted(os.listdir(tmp_path)) == [".lrfix-def.tmp", ".lrfix-notes.txt"]
    assert remove_litter([str(tmp_path)]) == [str(held)]


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


class TestFilesThatBelongTogether:
    """All of them are written, or none."""

    def three(self, folder):
        for name in ("a.py", "b.py"):
            (folder / name).write_bytes(b"old " + name.encode())
            (folder / name).chmod(0o640)
        return [Change(str(folder / name), b"new", b"old " + name.encode()) for name in ("a.py", "b.py")] + [
            Change(str(folder / "made.py"), b"new")
        ]

    def assert_old(self, folder):
        assert sorted(os.listdir(folder)) == ["a.py", "b.py"]
        for name in ("a.py", "b.py"):
            assert (folder / name).read_bytes() == b"old " + name.encode()
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o640

    def test_all(self, tmp_path):
        write_together(self.three(tmp_path))
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(
            ("a.py", "b.py", "made.py"), b"new"
        )

    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
    @pytest.mark.parametrize("which", [1, 2])
    def test_none_where_one_cannot_take_its_place(self, tmp_path, monkeypatch, which, error):
        changes = self.three(tmp_path)
        replace, calls = os.replace, []

        def fail(source, target):
            calls.append(target)
            if len(calls) == which + 1:
                raise error
            replace(source, target)

        monkeypatch.setattr(writing.os, "replace", fail)
        with pytest.raises(WriteError if isinstance(error, OSError) else KeyboardInterrupt):
            write_together(changes)
        self.assert_old(tmp_path)

    def test_none_where_the_last_has_been_changed_by_someone(self, tmp_path):
        first, second, _ = self.three(tmp_path)
        with pytest.raises(WriteError, match=r"b\.py: changed on disk"):
            write_together([first, Change(second.path, b"new", b"older")])
        self.assert_old(tmp_path)

    def test_none_where_one_changes_while_the_others_are_prepared(self, tmp_path, monkeypatch):
        first, second, _ = self.three(tmp_path)
        fsync = os.fsync
        later = iter([None, None, None, lambda: (tmp_path / "b.py").write_bytes(b"edited")])

        def edit(descriptor):
            fsync(descriptor)
            (next(later, None) or (lambda: None))()

        monkeypatch.setattr(writing.os, "fsync", edit)
        with pytest.raises(WriteError, match=r"b\.py: changed on disk"):
            write_together([first, second])
        assert (tmp_path / "a.py").read_bytes() == b"old a.py"
        assert (tmp_path / "b.py").read_bytes() == b"edited"
        assert sorted(os.listdir(tmp_path)) == ["a.py", "b.py"]

    def test_what_a_killed_run_left_of_them_is_removed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(writing.os, "unlink", lambda path: None)
        monkeypatch.setattr(writing.os, "replace", lambda source, target: None)
        write_together(self.three(tmp_path))
        monkeypatch.undo()
        assert len(os.listdir(tmp_path)) > 4
        remove_litter([str(tmp_path)])
        self.assert_old(tmp_path)
