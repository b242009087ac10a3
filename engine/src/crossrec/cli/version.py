"""``crossrec --version``."""

from __future__ import annotations

import click


def version_option(version: str) -> click.Option:
    """Return the option that prints the version and ends."""

    def show(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            click.echo(f"crossrec {version}")
            context.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and exit.",
    )
