"""``crossrec link`` and ``crossrec consent``: one person in several scenarios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.cli.records.shared import many, page_options
from crossrec.errors import DataError, UsageError
from crossrec.terminal import echo_json, json_option, table, wait_option, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.engine import Engine

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _opened(workspace: Path, wait: float | None = None) -> Engine:
    from crossrec.pipeline.engine import Engine

    engine = Engine.open(workspace, background=False)
    engine.workspace.wait = wait
    return engine


def _changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that writes."""
    return workspace_option(wait_option(json_option(command)))


def _listing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that lists."""
    return page_options(workspace_option(json_option(command)))


def _say(key: str, n: int, sentence: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({key: n})
    else:
        click.echo(sentence)


@click.group(no_args_is_help=True)
def link() -> None:
    """Say which users of two scenarios are the same people.

    The same id is the same person where no link says otherwise. A link alone lets nothing be read:
    see `crossrec consent`.
    """


@link.command("add")
@click.argument("scenario")
@click.argument("user")
@click.argument("other")
@click.argument("other_user")
@_changing
def add_link(
    scenario: str,
    user: str,
    other: str,
    other_user: str,
    workspace: Path,
    wait: float | None,
    as_json: bool,
) -> None:
    """Link USER of SCENARIO to OTHER_USER of OTHER."""
    n = _opened(workspace, wait).link(scenario, other, [(user, other_user)])
    _say("linked", n, f"{many(n, 'new link')}", as_json=as_json)


@link.command("import")
@click.argument("scenario")
@click.argument("other")
@click.argument("file", type=_FILE)
@_changing
def import_links(
    scenario: str, other: str, file: Path, workspace: Path, wait: float | None, as_json: bool
) -> None:
    """Link all pairs in FILE, a CSV with a head and two columns: users of SCENARIO and of OTHER.

    Where one pair is wrong none is stored.
    """
    pairs = [(row[0], row[1]) for row in read_ids(file, 2)]
    n = _opened(workspace, wait).link(scenario, other, pairs)
    _say("linked", n, f"{many(n, 'new link')} of {len(pairs):,}", as_json=as_json)


@link.command("remove")
@click.argument("scenario")
@click.argument("other")
@click.option("--user", help="User of SCENARIO.")
@click.option("--all", "everybody", is_flag=True, help="Remove the links of all users.")
@_changing
def remove_link(
    scenario: str,
    other: str,
    user: str | None,
    everybody: bool,
    workspace: Path,
    wait: float | None,
    as_json: bool,
) -> None:
    """Remove the link of a user of SCENARIO to OTHER."""
    _one_of("--user", user, everybody)
    n = _opened(workspace, wait).unlink(scenario, other, user)
    _say("removed", n, f"{many(n, 'link')} removed", as_json=as_json)


@link.command("list")
@click.option("--scenario", help="Only links of this scenario.")
@click.option("--user", help="Only links of this user.")
@_listing
def list_links(
    scenario: str | None,
    user: str | None,
    limit: int,
    offset: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """List the links."""
    found = _opened(workspace).links(scenario, user, limit=limit, offset=offset)
    if as_json:
        echo_json([one._asdict() for one in found])
        return
    rows = [(*one[:4], _day(one.time)) for one in found]
    table(("SCENARIO", "USER", "OTHER", "USER THERE", "SINCE (UTC)"), rows)


@click.group(no_args_is_help=True)
def consent() -> None:
    """Say whose history in one scenario may be used for them in another.

    A consent has one direction, counts from the next request on and can be taken back. Without it
    nothing of SOURCE is read for TARGET.
    """


def _user_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--users", "file", type=_FILE, help="CSV with a head: one id a row.")(
        command
    )
    return click.option("--user", "users", multiple=True, help="User of SOURCE (repeatable).")(
        command
    )


@consent.command("grant")
@click.argument("source")
@click.argument("target")
@_user_options
@_changing
def grant(
    source: str,
    target: str,
    users: tuple[str, ...],
    file: Path | None,
    workspace: Path,
    wait: float | None,
    as_json: bool,
) -> None:
    """Let what users did in SOURCE be used for them in TARGET."""
    ids = _ids(users, file)
    if not ids:
        raise UsageError("name the users: --user ID or --users FILE")
    n = _opened(workspace, wait).grant_consent(source, target, ids)
    _say("granted", n, f"{many(n, 'new consent')} of {len(ids):,}", as_json=as_json)


@consent.command("revoke")
@click.argument("source")
@click.argument("target")
@_user_options
@click.option("--all", "everybody", is_flag=True, help="Take back the consents of all users.")
@_changing
def revoke(
    source: str,
    target: str,
    users: tuple[str, ...],
    file: Path | None,
    everybody: bool,
    workspace: Path,
    wait: float | None,
    as_json: bool,
) -> None:
    """Take consents back: from the next request on nothing of SOURCE is used in TARGET.

    What a fit has learnt of it stays until the next `crossrec fit`.
    """
    ids = _ids(users, file)
    _one_of("--user or --users", ids, everybody)
    n = _opened(workspace, wait).revoke_consent(source, target, None if everybody else ids)
    _say("revoked", n, f"{many(n, 'consent')} taken back", as_json=as_json)


@consent.command("list")
@click.option("--source", help="Only consents to the use of this scenario.")
@click.option("--target", help="Only consents to the use in this scenario.")
@click.option("--user", help="Only consents of this user.")
@_listing
def list_consents(
    source: str | None,
    target: str | None,
    user: str | None,
    limit: int,
    offset: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """List the consents, also those that were taken back."""
    found = _opened(workspace).consents(source, target, user, limit=limit, offset=offset)
    if as_json:
        echo_json([one._asdict() for one in found])
        return
    rows = [(one.user_id, one.source, one.target, *map(_day, one[3:])) for one in found]
    table(("USER", "SOURCE", "TARGET", "GRANTED (UTC)", "TAKEN BACK"), rows)


def read_ids(file: Path, columns: int) -> list[list[str]]:
    """Return the rows of a CSV file behind its head.

    Raises
    ------
    DataError
        If it is no text or has no row, or the cells of a row are empty or not so many.
    """
    import csv

    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            rows = [
                (at, [cell.strip() for cell in row]) for at, row in enumerate(csv.reader(text), 1)
            ]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{file} cannot be read as CSV: {error}") from None
    rows = [(at, row) for at, row in rows[1:] if any(row)]
    if not rows:
        raise DataError(f"{file} has no row behind its head: write one, then an id a row")
    for at, row in rows:
        if len(row) != columns or not all(row):
            cells = "one id" if columns == 1 else f"{columns} ids, separated by a comma"
            raise DataError(f"{file}, line {at}: write {cells}; nothing was stored")
    return [row for _, row in rows]


def _ids(users: tuple[str, ...], file: Path | None) -> list[str]:
    return [*users, *([] if file is None else [row[0] for row in read_ids(file, 1)])]


def _one_of(option: str, users: object, everybody: bool) -> None:
    if bool(users) == everybody:
        raise UsageError(f"name {option}, or --all" + (": not both" if users else ""))


def _day(seconds: float | None) -> str:
    from datetime import UTC, datetime

    return (
        "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    )
