"""The program: ``lrfix`` and ``python -m lrfix``."""

from __future__ import annotations

import sys


def run() -> None:
    """Runs the command line. An interrupt ends it alike whether or not the command line has been loaded by then."""
    try:
        from lrfix.cli import main

        main()
    except KeyboardInterrupt:
        sys.stderr.write("lrfix: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    run()

__all__ = ["run"]
