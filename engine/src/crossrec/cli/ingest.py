"""``crossrec ingest``: files in, a report of good and bad rows out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from crossrec.errors import DataError, UsageError
from crossrec.terminal import echo_json, json_option, progress, wait_option, workspace_option

if TYPE_CHECKING:
    from crossrec.ingest import IngestOptions
    from crossrec.ingest.mapping import TableKind
    from crossrec.ingest.report import IngestReport
    from crossrec.scenario import Scenario

_FILES = click.Path(path_type=Path)


@click.command()
@click.argument("scenario")
@click.argument("folder", required=False, type=_FILES)
@click.option("--items", multiple=True, type=_FILES, help="Items, one a row.")
@click.option("--events", multiple=True, type=_FILES, help="Events, one a row.")
@click.option("--users", multiple=True, type=_FILES, help="Users, one a row.")
@click.option("--format", "format_name", help="Public format of FOLDER, such as unisrec.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="NAME=COLUMN",
    help="Column for user, item, event, time, value, event_id, request, text, session or a field.",
)
@click.option(
    "--event-map",
    multiple=True,
    metavar="NAME=EVENT",
    help="What an event is called in the files, such as Kauf=purchase.",
)
@click.option("--encoding", help="Encoding of the files; UTF-8 if not given.")
@click.option("--delimiter", help="Delimiter of the files; found out if not given.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="[TABLE=]NAMES",
    help="Columns of files without a header line, such as user,item,value,time.",
)
@click.option(
    "--time-format",
    help="How times are written, such as '%d/%m/%Y %H:%M', seconds, milliseconds or excel.",
)
@click.option(
    "--value-scale",
    metavar="LOW:HIGH",
    help="Scale of ratings or portions, such as 0:10; found out if not given.",
)
@click.option("--no-clock", is_flag=True, help="Leave times out: the order of the rows counts.")
@click.option("--check", is_flag=True, help="Store nothing: show how the files are understood.")
@click.option("--strict", is_flag=True, help="Store nothing if any row is bad.")
@click.option(
    "--complete",
    type=click.Choice(["items"]),
    help="The items are a full feed: what is missing from it is no longer offered.",
)
@click.option(
    "--most-withdrawn",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Largest share of the offered items that a full feed may withdraw.",
)
@workspace_option
@wait_option
@json_option
def ingest(
    scenario: str,
    folder: Path | None,
    items: tuple[Path, ...],
    events: tuple[Path, ...],
    users: tuple[Path, ...],
    format_name: str | None,
    mapping: tuple[str, ...],
    event_map: tuple[str, ...],
    encoding: str | None,
    delimiter: str | None,
    headers: tuple[str, ...],
    time_format: str | None,
    value_scale: str | None,
    no_clock: bool,
    check: bool,
    strict: bool,
    complete: Literal["items"] | None,
    most_withdrawn: float,
    workspace: Path,
    wait: float | None,
    as_json: bool,
) -> None:
    """Read files of SCENARIO into the workspace, or a FOLDER in a public --format.

    CSV (any delimiter), JSON (lines or one array), Parquet and Excel workbooks, plain, compressed
    or in a zip archive. Columns are guessed and shown.
    Good rows are stored, bad ones counted by cause and written to a file; running the same
    again changes nothing. What --map, --event-map, --time-format and --value-scale say is kept for
    files with the same columns. The workspace is made where it is missing.
    """
    from crossrec.ingest import IngestOptions, RejectedRowsError, ingest_files
    from crossrec.ingest.mapping import parse_events, parse_headers, parse_map, parse_scale
    from crossrec.plugins.registry import load_registry

    if (format_name is None) != (folder is None):
        raise UsageError("--format NAME and FOLDER go together: give both, or --items/--events")
    if check and format_name:
        raise UsageError("--check reads files: leave --format out")
    if complete and not (items or format_name):
        raise UsageError("--complete items says that --items FILE is a full feed: give it too")
    if format_name and (items or events or users):
        raise UsageError("--format reads a folder: leave --items, --events and --users out")
    files: dict[TableKind, tuple[Path, ...]] = {"items": items, "events": events, "users": users}
    given = [kind for kind, paths in files.items() if paths]
    declared = load_registry().scenario(scenario)
    with progress() as report_progress:
        options = IngestOptions(
            columns=parse_map(mapping, declared),
            encoding=encoding,
            delimiter="\t" if delimiter in ("tab", "\\t") else delimiter,
            headers=parse_headers(headers, given),
            time_format=time_format,
            value_scale=parse_scale(value_scale),
            has_clock=not no_clock,
            events=parse_events(event_map, declared),
            check=check,
            strict=strict,
            complete=complete,
            most_withdrawn=most_withdrawn,
            wait=wait,
            progress=report_progress,
        )
        try:
            if format_name and folder:
                report = _imported(workspace, declared, format_name, folder, options)
            else:
                report = ingest_files(
                    workspace, declared, items=items, events=events, users=users, options=options
                )
        except RejectedRowsError as error:
            _show(error.report, as_json=as_json)
            raise
    _show(report, as_json=as_json)
    for table in report.tables:
        if table.rows and not table.good:
            cause = max(table.bad, key=lambda name: table.bad[name].count)
            raise DataError(
                f"{table.name}: no row could be used, mostly for: {table.described(cause)}"
            )
        if table.warnings:
            raise DataError(f"{table.name}: {'' if check else 'stored, but '}{table.warnings[0]}")


def _imported(
    workspace: Path, scenario: Scenario, name: str, folder: Path, options: IngestOptions
) -> IngestReport:
    from crossrec.ingest import ingest_format
    from crossrec.plugins.registry import load_registry

    importer = load_registry().get("importers", name).build()
    return ingest_format(workspace, scenario, importer, folder, options=options)


def _show(report: IngestReport, *, as_json: bool) -> None:
    if as_json:
        echo_json(report.to_dict())
        return
    for line in report.lines():
        click.echo(_coloured(line))


def _coloured(line: str) -> str:
    """Mark bad rows and notices; click drops the colours where stdout is not a terminal."""
    text = line.lstrip()
    if text.startswith(("bad", "warning")):
        return click.style(line, fg="red")
    if text.startswith("notice"):
        return click.style(line, fg="yellow")
    return line if line.startswith("  ") else click.style(line, bold=True)
