"""Names that sound like an optimizer and hold the options of the run."""

from __future__ import annotations

import ast

import pytest

from lrfix.domains.options import options_of
from lrfix.names import Names


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("def f(optimizer, opt):\n    for e in range(opt.epochs):\n        optimizer.step(opt.lr)\n", {"opt"}),
        ("def f(opt):\n    opt.zero_grad()\n    opt.step()\n", set()),
        ("def f(opt):\n    for group in opt.param_groups:\n        group['lr'] = opt.lr\n", set()),
        ("def f(opt):\n    return opt.lr\n", set()),
        ("def f(args):\n    return args.lr, args.epochs\n", set()),
    ],
)
def test_settings_alone_are_read_off_them(text, options):
    assert options_of(Names(ast.parse(text))) == options
