"""The command line. Each command is loaded when it is called, so that none pays for another's imports."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from typing import Any

import click

from lrfix import __version__
from lrfix.output.terminal import OutputError

#: Command -> (module, one-line help): the help page must not import every command.
COMMANDS = {
    "check": ("lrfix.commands.check", "Report what is wrong with the schedules in PATHS."),
    "rewrite": ("lrfix.commands.rewrite", "Rewrite schedules to the bundled scheduler, verified by running both."),
    "plot": ("lrfix.commands.plot", "Draw the learning rate of every schedule in PATHS."),
    "rule": ("lrfix.commands.rule", "Print a rule's page, or the table of rules."),
    "server": ("lrfix.commands.server", "Serve an editor by the language server protocol."),
    "verify": ("lrfix.commands.verify", "Prove the bundled scheduler's promises on your own torch and device."),
    "clean": ("lrfix.commands.clean", "Remove the results that are kept from run to run."),
    "sites": ("lrfix.commands.sites", "List every schedule with its family, parameters and status."),
}

#: How seldom Python looks for cycles in a process of lrfix's own. Trees of syntax and the closures on them are many and
#: live long: at Python's usual pace a tenth of the time goes into looking at them again.
COLLECTED = (50_000, 10, 5)


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from lrfix.meant import did_you_mean

            known = f"there are {', '.join(sorted(COMMANDS))}"
            ctx.fail(f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS) or known}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OutputError as error:
            _give_up_output()
            click.echo(f"lrfix: the output cannot be written: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            # As the shell has it for programs that an interrupt ends; nothing is half-written.
            click.echo("lrfix: interrupted", err=True)
            sys.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception:
            # Status 1 means findings: a bug of lrfix must not look like them.
            import traceback

            traceback.print_exc()
            click.echo("lrfix itself failed; please report the lines above as a bug.", err=True)
            sys.exit(2)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _give_up_output() -> None:
    """What still lies in the buffer would fail once more when Python ends, with a status and words of its own."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 nothing to report, 1 findings, 2 bad usage, bad configuration or an internal error.",
)
@click.version_option(__version__, prog_name="lrfix")
def main() -> None:
    """Finds and fixes bugs in hand-written PyTorch learning-rate schedules."""
    gc.set_threshold(*COLLECTED)


__all__ = ["COMMANDS", "LazyGroup", "main"]
