"""What the commands on stored items, users and events share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crossrec.errors import UsageError
from crossrec.terminal import echo_json

if TYPE_CHECKING:
    from crossrec.store.base import Deleted, Store
    from crossrec.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])

_WIDEST = 60


def page_options(command: Command) -> Command:
    """Add ``--limit`` and ``--offset``."""
    least = click.IntRange(min=0)
    command = click.option("--offset", default=0, type=least, help="Rows to leave out before.")(
        command
    )
    rows = click.IntRange(min=1)
    return click.option("--limit", default=20, show_default=True, type=rows, help="Most rows.")(
        command
    )


def yes_option(command: Command) -> Command:
    """Add ``--yes``."""
    return click.option("--yes", is_flag=True, help="Delete without a question.")(command)


def opened_workspace(path: Path, scenario: str, wait: float | None = None) -> Workspace:
    """Open a workspace; a scenario must have data in it, or be installed."""
    from crossrec.workspace import Workspace

    workspace = Workspace.open(path)
    workspace.wait = wait
    if scenario not in workspace.store().scenarios():
        from crossrec.plugins.registry import load_registry

        load_registry().scenario(scenario)
    return workspace


def unknown(kind: str, names: list[str], scenario: str) -> UsageError:
    """Return the error for what is not stored."""
    shown = ", ".join(map(repr, names[:3])) + (" …" if len(names) > 3 else "")
    plural = "s" if len(names) > 1 else ""
    return UsageError(f"scenario {scenario!r} has no {kind}{plural} {shown}: nothing was done")


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `yes`; anything but a yes ends the command with exit code 1."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        click.echo("", err=True)
        agreed = False
    if not agreed:
        click.echo("nothing was deleted; --yes deletes without a question", err=True)
        raise click.exceptions.Exit(1)


def delete_now(workspace: Workspace, delete: Callable[[Store], Deleted], *, as_json: bool) -> None:
    """Delete under the writer lock and say what is gone."""
    with workspace.writing():
        gone = delete(workspace.store())
    if as_json:
        echo_json({"deleted": gone._asdict()})
        return
    parts = [many(n, kind) for n, kind in zip(gone, ("item", "user", "event"), strict=True) if n]
    click.echo(f"deleted {', '.join(parts) or 'nothing'}")


def in_one_line(fields: Mapping[str, Any]) -> str:
    """Return fields on one line, cut where it gets long."""
    text = ", ".join(f"{name}={value}" for name, value in fields.items())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def named(kind: str, names: list[str]) -> str:
    """Return one name, or how many there are."""
    return f"{kind} {names[0]}" if len(names) == 1 else many(len(names), kind)


def many(n: int, kind: str) -> str:
    """Return a number with its noun."""
    return f"{n:,} {kind}{'' if n == 1 else 's'}"


def say_more(shown: int, offset: int, total: int, kind: str) -> None:
    """Say which rows these are, where there are others."""
    if shown < total:
        rows = f"{offset + 1:,} to {offset + shown:,}" if shown else "none"
        click.echo(f"{rows} of {total:,} {kind}; --limit and --offset show others")
