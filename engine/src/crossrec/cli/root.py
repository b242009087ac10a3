"""The group ``crossrec`` itself: the engine's and the plugins' commands, and what errors become."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from crossrec.cli.logs import DEBUG, debugging, show_warnings
from crossrec.cli.table import add_commands
from crossrec.commands import LazyGroup
from crossrec.errors import CrossrecError, nearest

if TYPE_CHECKING:
    from crossrec.plugins.state import PluginState

INTERRUPTED = 130


class CrossrecGroup(LazyGroup):
    """The root group. Plugins are loaded for ``--help`` and for commands that are not its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_commands(self)
        self._broken: list[PluginState] | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the engine's commands, then those of plugins."""
        self._add_plugin_commands()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, looking into plugins only where the engine has none of this name."""
        if cmd_name not in self.lazy:
            self._add_plugin_commands()
        return super().get_command(ctx, cmd_name)

    def _add_plugin_commands(self) -> None:
        """Add the commands of plugins, once; a plugin that fails at that is named and left out."""
        if self._broken is not None:
            return
        from crossrec.cli.extend import add_plugin_commands

        self._broken = add_plugin_commands(self)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Name broken plugins at the end of the help."""
        super().format_epilog(ctx, formatter)
        if self._broken:
            names = ", ".join(f"{one.name} ({one.distribution})" for one in self._broken)
            formatter.write_paragraph()
            formatter.write_text(f"Broken plugins: {names}. See `crossrec plugins check`.")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, and name the nearest where there is none."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            meant = nearest(name, self.list_commands(ctx))
            hint = f": did you mean {meant!r}?" if meant else "; see `crossrec --help`"
            raise click.UsageError(f"no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line. Errors become one line on stderr and an exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        show_warnings()
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_stdout()
            sys.exit(1)
        except (Exception, KeyboardInterrupt) as error:
            sys.exit(_report(error))
        sys.exit(result if type(result) is int else 0)


def _report(error: BaseException) -> int:
    """Print an error as one line and return the exit code."""
    if isinstance(error, KeyboardInterrupt) or (
        isinstance(error, click.Abort) and isinstance(error.__cause__, KeyboardInterrupt)
    ):
        return INTERRUPTED
    if isinstance(error, click.Abort):
        return 1
    debug = debugging()
    if isinstance(error, click.ClickException):
        click.echo(f"Error: {_one_line(error.format_message())}{_where_to_look(error)}", err=True)
        return error.exit_code
    if debug:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, CrossrecError):
        click.echo(f"Error: {_one_line(str(error))}", err=True)
        return error.exit_code
    hint = "" if debug else f" (set {DEBUG}=1 to see where)"
    click.echo(f"Error: {type(error).__name__}: {_one_line(str(error))}{hint}", err=True)
    return 1


def _where_to_look(error: click.ClickException) -> str:
    """Return a hint to the help of the command."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None or context.parent is None:
        return ""
    return f" (see `{context.command_path} --help`)"


def _one_line(text: str) -> str:
    """Return text on one line."""
    return " ".join(text.split())


def _discard_stdout() -> None:
    """Let the interpreter flush into nothing at its end: the reader of stdout is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
