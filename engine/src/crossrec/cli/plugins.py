"""``crossrec plugins``: what is installed, what it brings and what is broken."""

from __future__ import annotations

from dataclasses import asdict

import click

from crossrec.cli.extend import collect_commands
from crossrec.cli.table import add_commands
from crossrec.commands import LazyGroup
from crossrec.plugins.loader import hook_names
from crossrec.plugins.registry import load_registry
from crossrec.plugins.state import PluginState
from crossrec.terminal import echo_json, json_option, table


@click.group(no_args_is_help=True)
def plugins() -> None:
    """List and check what is installed."""


@plugins.command("list")
@json_option
@click.option("--hook", type=click.Choice(hook_names()), help="Only plugins with this hook.")
def list_plugins(as_json: bool, hook: str | None) -> None:
    """List every installed plugin, also those that cannot be used."""
    states = [state for state in plugin_states() if hook is None or hook in state.hooks]
    if as_json:
        echo_json([state.to_dict() for state in states])
        return
    table(("PLUGIN", "PACKAGE", "VERSION", "STATUS", "COMPONENTS"), map(_row, states))
    _explain(states)


@plugins.command()
@json_option
def check(as_json: bool) -> None:
    """Check every plugin and build all that it brings: exit code 1 if anything is wrong.

    A plugin that failed or is incompatible, a name that two plugins have, a component that cannot
    be built with its default settings or lacks what it declares: one line each.
    """
    from crossrec.plugins.checks import problems_of

    states = plugin_states()
    problems = problems_of(load_registry(warn=False))
    broken = [state for state in states if state.broken]
    ok = not broken and not problems and not any(state.collisions for state in states)
    if as_json:
        found = [state.to_dict() for state in states]
        echo_json({"ok": ok, "plugins": found, "problems": [asdict(one) for one in problems]})
    else:
        _explain(states)
        for problem in problems:
            click.echo(problem.line)
        loaded = sum(state.status == "loaded" for state in states)
        summary = f"{loaded} loaded, {len(broken)} broken"
        click.echo(
            summary if not problems else f"{summary}, {len(problems)} problems of components"
        )
    if not ok:
        raise click.exceptions.Exit(1)


def plugin_states() -> list[PluginState]:
    """Return the states of all plugins after every hook was called, `register_commands` too."""
    registry = load_registry(warn=False)
    cli = LazyGroup(name="crossrec")
    add_commands(cli)
    collect_commands(registry, cli)
    return registry.plugins


def _row(state: PluginState) -> tuple[str, ...]:
    """Return one line of the table."""
    components = [component.partition(":")[2] for component in state.components]
    return state.name, state.distribution, state.version, state.status, ", ".join(components)


def _explain(states: list[PluginState]) -> None:
    """Print one line for each error and warning."""
    for state in states:
        if state.error:
            click.echo(f"{state.name} ({state.distribution}) is {state.status}: {state.error}")
        for warning in state.warnings:
            click.echo(f"{state.name} ({state.distribution}) warns: {warning}")
        for collision in state.collisions:
            click.echo(collision)
