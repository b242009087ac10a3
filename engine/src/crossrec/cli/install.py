"""``crossrec install`` and ``crossrec uninstall``: pip, and what it changed among the plugins."""

from __future__ import annotations

import click

from crossrec.plugins import installer
from crossrec.plugins.installer import PluginChanges


@click.command()
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE...")
@click.option("-U", "--upgrade", is_flag=True, help="Take the newest version.")
@click.option("-e", "--editable", is_flag=True, help="PACKAGE is a folder that you work on.")
@click.option("--no-deps", is_flag=True, help="Install nothing that the package requires.")
@click.option("--no-index", is_flag=True, help="Ask no index; with --find-links.")
@click.option("--find-links", metavar="FOLDER", help="Also look for packages here.")
def install(
    packages: tuple[str, ...],
    upgrade: bool,
    editable: bool,
    no_deps: bool,
    no_index: bool,
    find_links: str | None,
) -> None:
    """Install plugins or scenario packages with the pip of this interpreter.

    Exit code 1 if pip fails, or if a plugin that was installed cannot be used.
    """
    flags = {"--upgrade": upgrade, "--no-deps": no_deps, "--no-index": no_index}
    options = [flag for flag, given in flags.items() if given]
    if find_links is not None:
        options.append(f"--find-links={find_links}")
    changes = installer.install(packages, options, editable=editable)
    if changes == PluginChanges():
        click.echo("No plugin appeared or changed.")
    _report(changes)
    if changes.broken:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE...")
def uninstall(packages: tuple[str, ...]) -> None:
    """Remove plugins or scenario packages, also those that are broken."""
    changes = installer.uninstall(packages)
    if not changes.disappeared:
        click.echo("No plugin disappeared.")
    _report(changes)


def _report(changes: PluginChanges) -> None:
    """Print one line for each plugin that pip touched."""
    for sign, states in (
        ("+", changes.appeared),
        ("~", changes.changed),
        ("-", changes.disappeared),
    ):
        for state in states:
            line = f"{sign} {state.name} ({state.distribution} {state.version})"
            if sign != "-":
                line += f" {state.status}"
            if sign != "-" and state.error:
                line += f": {state.error}"
            click.echo(line)
