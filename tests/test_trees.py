"""Texts of nodes, kept on them."""

from __future__ import annotations

import ast
from pathlib import Path

from lrfix.trees import written

HERE = Path(__file__)


def test_a_node_is_written_as_ast_writes_it() -> None:
    tree = ast.parse(HERE.read_text(encoding="utf-8") + "\n(1).real\n(a.b).c[0].d(e)\n'x'.y\n(yield_ := f).g\n")
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    assert [written(node) for node in nodes] == [ast.unparse(node) for node in nodes]
    assert [written(node) for node in nodes] == [ast.unparse(node) for node in nodes]
