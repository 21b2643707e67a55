"""``lrfix verify``."""

from __future__ import annotations

import sys
import time
import warnings

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
    # The proof uses no numpy, and torch complains at the first tensor where there is none.
    warnings.filterwarnings("ignore", message=".*NumPy")
    try:
        from lrfix import proof
    except ImportError as error:
        raise click.UsageError(f"the proof needs torch, which cannot be imported here: {error}") from None
    try:
        device = proof.usable_device(device)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    click.echo(proof.surroundings(device))
    to_people = sys.stderr.isatty()

    def announce(number: int, name: str) -> None:
        if to_people:
            click.echo(f"... {number} of {len(proof.PROMISES)}: {name}", err=True)

    begin = time.perf_counter()
    failed = cases = 0
    for result in proof.run_proof(device, announce):
        mark = "ok  " if result.ok else "FAIL"
        click.echo(f"{mark} {result.number}. {result.name}: {result.worst} [{result.cases:,} cases]")
        failed += not result.ok
        cases += result.cases
    verdict = f"{failed} of {len(proof.PROMISES)} promises do not hold" if failed else "every promise holds"
    click.echo(f"{verdict}: {cases:,} cases in {time.perf_counter() - begin:.0f} s")
    sys.exit(1 if failed else 0)
