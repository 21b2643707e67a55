"""``lrfix plot``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lrfix.commands import common

if TYPE_CHECKING:
    from lrfix.output.figures import Figure
    from lrfix.output.terminal import Colour, Style

KINDS = ("html", "pdf", "png", "svg")


@click.command("plot")
@common.paths_argument
@click.option("--output", "-o", metavar="FILE", help=f"Write a picture: FILE ends in .{', .'.join(KINDS)}.")
@click.option("--rewrite", is_flag=True, help="Draw old and new of each schedule that rewrite changes; needs torch.")
@common.work_options
def command(
    paths: tuple[str, ...],
    output: str | None,
    rewrite: bool,
    jobs: int | None,
    executor: str,
    no_cache: bool,
    cache_dir: str | None,
    stdin_filename: str | None,
    force_exclude: bool,
    color: Colour,
) -> None:
    """Draw the learning rate of every schedule in PATHS, in the terminal or into a file.

    Branches of one schedule lie over each other, findings mark their step. Exit status: 0, 1 where a file cannot be
    read or parsed, 2 as for check.
    """
    from lrfix.output.document import Document
    from lrfix.output.figures import figures
    from lrfix.output.terminal import Style, write

    kind = os.path.splitext(output)[1].lstrip(".").lower() if output is not None else ""
    if output is not None and kind not in KINDS:
        raise click.UsageError(f"--output must end in .{', .'.join(KINDS)}, not {output!r}")
    caching = common.Caching(no_cache, cache_dir)
    outcome = common.check(
        paths,
        None,
        jobs,
        stdin_filename,
        force_exclude=force_exclude,
        use_baseline=False,
        caching=caching,
        executor=executor,
    )
    document = Document.of(outcome.results)
    shown = _rewritten(paths, force_exclude) if rewrite else figures(document)
    common.tell_errors(outcome.results)
    if output is not None:
        _save(shown, output, kind)
        write(sys.stdout, f"{output}: {len(shown)} of {len(document.sites)} schedules drawn\n")
    else:
        write(sys.stdout, _drawn(shown, Style.of(sys.stdout, color)) or "no schedule to draw\n")
    sys.exit(common.exit_status([result for result in outcome.results if result.errors]))


def _drawn(shown: Sequence[Figure], style: Style) -> str:
    from lrfix.output.terminal_plot import in_terminal

    try:
        return "\n".join(in_terminal(figure, style) for figure in shown)
    except ImportError as error:
        told = "lrfix sites shows every curve in one line without it"
        raise click.UsageError(f"drawing needs plotille: pip install 'lrfix[plot]' ({error}); {told}") from None


def _save(shown: Sequence[Figure], output: str, kind: str) -> None:
    from lrfix.output.picture import page, picture
    from lrfix.rewriting.writing import WriteError, write_atomically

    try:
        content = page(shown) if kind == "html" else picture(shown, kind)
    except ImportError as error:
        raise click.UsageError(f"pictures need matplotlib: pip install 'lrfix[plot]' ({error})") from None
    try:
        write_atomically(output, content)
    except WriteError as error:
        raise common.Fatal(str(error)) from None


def _rewritten(paths: Sequence[str], force_exclude: bool) -> list[Figure]:
    """Old and new of every schedule that would be rewritten, as real torch runs them."""
    from lrfix.commands.rewrite import proposals
    from lrfix.output.figures import Curve, Figure
    from lrfix.wording import assigned

    found = []
    for result in proposals(paths, force_exclude):
        for site in result.sites:
            proofs = result.verifications.get(site.identity, ())
            outcome = next((each for proof in proofs for each in proof.scenarios if each.new_curve), None)
            if outcome is None:
                continue
            end = outcome.scenario.end
            curves = tuple(
                Curve(label, tuple(rates[0] if rates else float("nan") for rates in curve), label == "new")
                for label, curve in (("old", outcome.old_curve), ("new", outcome.new_curve))
                if curve
            )
            title = f"{site.path}:{site.span.start.line} {site.name or ''} -> {site.scheduler} ({site.kind})"
            notes = (f"with {assigned(outcome.scenario.values)}",) if outcome.scenario.values else ()
            found.append(Figure(title, curves, (), end, notes=notes))
    return found
