"""Landlock: which files a process may touch, given up by the process itself and for good.

Documentation: https://docs.kernel.org/userspace-api/landlock.html and landlock(7). Three system calls that have the
same numbers on every machine; each version of the ABI knows more rights, and those it does not know must not be named.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH

_WRITE_FILE, _READ_FILE, _READ_DIR, _IOCTL_DEV = 1 << 1, 1 << 2, 1 << 3, 1 << 15
#: LANDLOCK_ACCESS_FS_*: how many rights each version of the ABI has; the last stays as it is for later ones.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_RIGHTS = 0b11  # bind and connect of TCP, from version 4 on
_SCOPES = 0b11  # abstract sockets and signals of others, from version 6 on


def version() -> int:
    """The version of the kernel's ABI. Raises OSError where it has none."""
    return _call(_CREATE_RULESET, None, 0, _VERSION)


def restrict(readable: Iterable[str], devices: Iterable[str] = ()) -> None:
    """Only what lies in ``readable`` can be read from now on, and only ``devices`` written; nothing can be made,
    changed, removed or run. Raises OSError where the kernel cannot.

    The process must have given up new privileges (``kernel.confine_files``).
    """
    abi = version()
    files = (1 << _FILE_RIGHTS[min(abi, max(_FILE_RIGHTS))]) - 1
    attributes = struct.pack("=QQQ", files, _NETWORK_RIGHTS if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    held = ctypes.create_string_buffer(attributes, len(attributes))
    rules = _call(_CREATE_RULESET, ctypes.byref(held), size, 0)
    try:
        for path in readable:
            _allow(rules, path, _READ_FILE | _READ_DIR)
        for path in devices:
            _allow(rules, path, (_READ_FILE | _WRITE_FILE | _IOCTL_DEV) & files)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """A path that is not there needs no rule."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= ~_READ_DIR
        # struct landlock_path_beneath_attr is packed.
        beneath = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        _call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    answer: int = library.syscall(ctypes.c_long(number), *given)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer


__all__ = ["restrict", "version"]
