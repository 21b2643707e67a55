"""``lrfix verify``."""

from __future__ import annotations

import sys

import click


@click.command("verify")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the optimizers live; auto takes the GPU if torch sees one.",
)
def command(device: str) -> None:
    """Prove the bundled scheduler's promises on the torch and the device at hand, one line a promise.

    Exit status: 0 every promise holds, 1 one does not, 2 torch or the device is missing.
    """
    try:
        from lrfix import proof
    except ImportError as error:
        raise click.UsageError(f"the proof needs torch, which cannot be imported here: {error}") from None
    try:
        device = proof.usable_device(device)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    click.echo(proof.surroundings(device))
    progress = sys.stderr.isatty()

    def show(name: str) -> None:
        if progress:
            click.echo(f"... {name}", err=True)

    results = proof.run_proof(device, show)
    for result in results:
        mark = "ok  " if result.ok else "FAIL"
        click.echo(f"{mark} {result.number}. {result.name}: {result.worst} [{result.cases:,} cases]")
    failed = sum(not result.ok for result in results)
    click.echo("every promise holds" if not failed else f"{failed} of {len(results)} promises do not hold")
    sys.exit(1 if failed else 0)
