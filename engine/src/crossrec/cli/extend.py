"""Commands that plugins add to the command line."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from crossrec.commands import LazyGroup
from crossrec.errors import CrossrecError, PluginError
from crossrec.plugins.loader import LoadedPlugin
from crossrec.plugins.registry import Registry, load_registry

if TYPE_CHECKING:
    from crossrec.plugins.state import PluginState


def add_plugin_commands(cli: LazyGroup) -> list[PluginState]:
    """Add every plugin's commands to `cli` and return the plugins that are broken.

    Each plugin gets an empty group of its own first, so that one that raises half-way, or takes a
    name that is taken, adds nothing.
    """
    try:
        registry = load_registry(warn=False)
        collect_commands(registry, cli)
    except CrossrecError as error:
        click.echo(f"Warning: {error}", err=True)
        return []
    return [state for state in registry.plugins if state.broken]


def collect_commands(registry: Registry, cli: LazyGroup) -> None:
    """Call `register_commands` of every loaded plugin; mark failed in `registry` what raises.

    Raises
    ------
    PluginError
        For the first that raises, where the registry is strict.
    """
    owners: dict[str, str] = dict.fromkeys(cli.lazy, "crossrec")
    for one in registry.loaded:
        if not one.commands:
            continue
        try:
            own = _commands_of(one)
            for name in [*own.lazy, *own.commands]:
                if name in owners:
                    raise PluginError(f"command {name!r} is already added by {owners[name]}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            registry.mark_failed(one.state, error)
            continue
        owners |= dict.fromkeys([*own.lazy, *own.commands], one.state.distribution)
        cli.lazy |= own.lazy
        cli.commands.update(own.commands)


def _commands_of(one: LoadedPlugin) -> LazyGroup:
    """Return the commands of one plugin in a group of their own."""
    group = LazyGroup(name="crossrec")
    with redirect_stdout(sys.stderr):
        for impl in one.commands:
            impl.function(*(group for _ in impl.argnames))
    return group
