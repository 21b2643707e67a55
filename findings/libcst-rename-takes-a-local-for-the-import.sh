#!/usr/bin/env bash
# libcst 1.9.0: ScopeProvider books the target of := in a comprehension in the comprehension, where Python binds it in the function around it
# (PEP 572), and books the captures of a match pattern nowhere. QualifiedNameProvider then resolves the local name to an import of the same
# name, and the RenameCommand that libcst ships renames it: a function that never used the import returns another object after it,
# and a capture such as case {"sep": sep} turns into a comparison with path.sep. Names bound by =, for, with, except or a parameter are left alone.
# The documentation of the metadata promises the scope of name assignments and accesses, with no exception.
# Seen, moving os.sep to os.path.sep: last(["a", "b"]) is "b" before and os.sep after; read({"sep": ";"}) is ";" before and None after; plain() stays.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "libcst==1.9.0"
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import os

import libcst
from libcst.codemod import CodemodContext
from libcst.codemod.commands.rename import RenameCommand

BEFORE = '''
from os import sep

def last(parts):
    lengths = [len(sep := part) for part in parts]
    return sep

def read(config):
    match config:
        case {"sep": sep}:
            return sep

def plain(config):
    sep = config["sep"]
    return sep
'''


def outcome(source: str) -> list:
    names: dict = {}
    exec(source, names)
    return [names["last"](["a", "b"]), names["read"]({"sep": ";"}), names["plain"]({"sep": ";"})]


command = RenameCommand(CodemodContext(), old_name="os.sep", new_name="os:path.sep")
after = command.transform_module(libcst.parse_module(BEFORE)).code
print("libcst", importlib.metadata.version("libcst"))
print(after)
print("last, read, plain before:", outcome(BEFORE), "and after:", outcome(after))
assert outcome(BEFORE) == ["b", ";", ";"]
assert outcome(after) == [os.sep, None, ";"]
PYTHON
