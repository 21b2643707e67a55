"""How much simulation one schedule and one file may take, in fuel; counted, so that results are the same everywhere."""

from __future__ import annotations

import ast

from lrfix.interpreter.reserve import Reserve

#: Statements, calls and loop turns that one run may take, all runs of a schedule, and all schedules of a file. Of the
#: schedules in 870 training files of public repositories none took more than 2.5 million, no file more than 5.9.
RUN = 3_000_000
SITE = 3_000_000
FILE = 8_000_000
# Kept on the nodes of the file's tree: whatever asks for another run of a schedule finds the same reserve.
_OF_FILE, _OF_SITE = "lrfix_file_reserve", "lrfix_site_reserve"


def open_file(tree: ast.Module) -> Reserve:
    """Give the schedules of a file what they may take, whatever an earlier analysis of the same tree has taken."""
    tree.__dict__[_OF_FILE] = reserve = Reserve(FILE)
    return reserve


def open_site(tree: ast.Module, node: ast.AST, times: int = 1) -> Reserve:
    """Give a schedule what it may take, ``times`` as much, whatever an earlier analysis has taken."""
    node.__dict__[_OF_SITE] = reserve = Reserve(SITE * times, tree.__dict__.get(_OF_FILE))
    return reserve


def reserve_of(tree: ast.Module, node: ast.AST) -> Reserve:
    """What the runs of a schedule take from."""
    reserve = node.__dict__.get(_OF_SITE)
    return reserve if isinstance(reserve, Reserve) else open_site(tree, node)


__all__ = ["FILE", "RUN", "SITE", "open_file", "open_site", "reserve_of"]
