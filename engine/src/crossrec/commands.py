"""A click group that imports a command only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from crossrec.errors import CrossrecError


class LazyGroup(click.Group):
    """A group with commands that are import paths until they are needed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy: dict[str, tuple[str, str]] = {}

    def add_lazy(self, name: str, target: str, summary: str = "") -> None:
        """Add the command at ``"package.module:command"`` with one line of help."""
        self.lazy[name] = (target, summary)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which they were added."""
        return [*self.lazy, *(name for name in self.commands if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported; None for an unknown name.

        Raises
        ------
        CrossrecError
            If the module of the command cannot be imported.
        """
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise CrossrecError(f"the command {cmd_name!r} cannot be loaded: {error}") from error
        assert isinstance(command, click.Command)
        return command

    def summary(self, ctx: click.Context, name: str, limit: int) -> str | None:
        """Return a command's line of help, unimported; None for a hidden one."""
        if name in self.lazy:
            return self.lazy[name][1]
        command = super().get_command(ctx, name)
        if command is None or command.hidden:
            return None
        return command.get_short_help_str(limit)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max((len(name) for name in names), default=0)
        rows = [(name, self.summary(ctx, name, limit)) for name in names]
        shown = [(name, summary) for name, summary in rows if summary is not None]
        if shown:
            with formatter.section("Commands"):
                formatter.write_dl(shown)
