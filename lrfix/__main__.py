"""``python -m lrfix``."""

from __future__ import annotations

from lrfix.cli import main

if __name__ == "__main__":
    main()
