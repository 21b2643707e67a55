"""``lrfix rewrite``."""

from __future__ import annotations

import sys

import click

from lrfix.commands import common


@click.command("rewrite")
@common.paths_argument
@click.option("--apply", is_flag=True, help="Write the changes. Without it nothing is changed.")
@click.option("--only", type=click.Choice(("equivalent",)), help="Leave out repairs, which change the curve.")
@click.option("--no-verify", is_flag=True, help="Do not run the old and the new version side by side.")
@click.option("--unverified", is_flag=True, help="Allow --apply together with --no-verify.")
@click.option("--reading", metavar="TEXT", help="Choose another reading where broken code has several.")
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True)
def command(
    paths: tuple[str, ...],
    apply: bool,
    only: str | None,
    no_verify: bool,
    unverified: bool,
    reading: str | None,
    device: str,
) -> None:
    """Rewrite the schedules in PATHS to the bundled scheduler, after running the old and the new version.

    Prints a unified diff and a table of old and new rates, and changes nothing without --apply. Exit status without
    --apply: 0 no change to make, 1 a change would be made; 2 as for check.
    """
    if apply and no_verify and not unverified:
        raise click.UsageError("--apply without verification needs --unverified as well")
    from lrfix.rewriting import rewrite_paths

    found = common.groups(paths, None)
    sys.exit(
        rewrite_paths(
            found,
            apply=apply,
            only=only,
            verify=not no_verify,
            reading=reading,
            device=device,
            stream=sys.stdout,
        )
    )
