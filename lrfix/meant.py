"""What somebody who misspelt a word is likely to have meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"did you mean LR202?"`` for ``LR2O2``; empty where nothing known is like the word."""
    by_fold = {each.casefold(): each for each in known}
    as_number = by_fold.get(word.casefold().replace("o", "0"))
    if as_number is not None:
        return f"did you mean {as_number}?"
    # Only who has misspelt something pays for it.
    from difflib import get_close_matches

    close = get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.8)
    return f"did you mean {by_fold[close[0]]}?" if close else ""


__all__ = ["did_you_mean"]
