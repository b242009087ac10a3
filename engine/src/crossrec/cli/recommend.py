"""``crossrec recommend``, ``similar`` and ``explain``: answers for users, histories and items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, workspace_option

if TYPE_CHECKING:
    from crossrec.components.slate import Slate


def listed_ids(text: str | None) -> list[str]:
    """Split a comma-separated list of ids; a JSON list allows ids with commas."""
    if not text:
        return []
    if text.lstrip().startswith("["):
        import json

        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"not a JSON list of ids: {error}") from None
        if not all(type(value) in (str, int) for value in values):
            raise UsageError('a JSON list of ids holds strings: ["i1", "i2"]')
        return [str(value) for value in values]
    return [part.strip() for part in text.split(",") if part.strip()]


def named_entity(text: str | None) -> tuple[str, str] | None:
    """Return ``name=value`` as a pair."""
    if text is None:
        return None
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name or not value:
        raise UsageError(f"an entity is written as NAME=VALUE, such as genre=jazz, not {text!r}")
    return name, value


def named_values(pairs: Sequence[str]) -> dict[str, str | float]:
    """Return ``name=value`` pairs as a mapping; what reads as a number is one."""
    values: dict[str, str | float] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"a context is written as name=value, not {pair!r}")
        try:
            values[name.strip()] = float(value)
        except ValueError:
            values[name.strip()] = value.strip()
    return values


def changed_policies(options: tuple[str, ...]) -> dict[str, dict[str, Any] | None]:
    """Return the settings of ``--policy NAME.KEY=VALUE`` and ``--policy NAME=off``.

    A value is read as in a pipeline file; what is no TOML is a text.
    """
    import tomllib

    found: dict[str, dict[str, Any] | None] = {}
    for option in options:
        key, equals, text = option.partition("=")
        name, dot, setting = key.strip().rpartition(".")
        if equals and not dot and text.strip() == "off":
            found[setting] = None
        elif equals and name and setting:
            try:
                value = tomllib.loads(f"value = {text}")["value"]
            except tomllib.TOMLDecodeError:
                value = text.strip()
            found[name] = {**(found.get(name) or {}), setting: value}
        else:
            raise UsageError(f"--policy {option!r}: write NAME.KEY=VALUE, or NAME=off")
    return found


policy_option = click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME.KEY=VALUE",
    help="Change a policy's setting for this list, or NAME=off (repeatable).",
)


def show(slate: Slate, *, explain: bool, as_json: bool) -> None:
    """Print a slate."""
    if as_json:
        echo_json(slate.to_dict())
        return
    if slate.heading:
        click.echo(slate.heading)
    heads = (slate.answers.upper(), "SUCH AS") if slate.answers else ("ITEM", "TITLE")
    columns = ("#", *heads, "SCORE") + (("WHY",) if explain else ())
    rows = []
    for place, item in enumerate(slate.items, 1):
        such_as = "; ".join(one.title or one.item_id for one in item.examples)
        beside = such_as if slate.answers else item.title
        row = [place, item.item_id, beside, f"{item.score:.3f}"]
        if explain:
            row.append("; ".join(reason.text for reason in item.reasons))
        rows.append(row)
    table(columns, rows)
    if slate.short_because:
        click.echo(slate.short_because)
    for note in slate.notes:
        click.echo(f"note: {note}")
    for degraded in slate.degraded:
        click.echo(f"degraded: {degraded.component}: {degraded.error}")


@click.command()
@click.argument("scenario")
@workspace_option
@click.option("--user", help="User id; the history is read from the workspace.")
@click.option("--history", help="Item ids, oldest first: i1,i2,i3 (or a JSON list).")
@click.option("--item", "items", multiple=True, help="Item id that the list is about (repeatable).")
@click.option("--entity", help="What the list is of: genre=jazz, artist='Nina Simone'.")
@click.option("--row", default=1, show_default=True, help="Which row of a surface with several.")
@click.option("--rows", is_flag=True, help="All rows of a surface with several.")
@click.option("--session", help="Items of the running session, oldest first: i1,i2,i3.")
@click.option("--surface", help="Where the list is shown; the scenario's usual one by default.")
@click.option("--exclude", help="Item ids that must not be returned.")
@click.option("--cursor", default="", help="The next_cursor of the page before, to go on.")
@click.option("--filter", help="Only items that meet it: \"price < 20 and genres = 'jazz'\".")
@click.option("--text", default="", help="What is wanted, in words: “a quiet novel by the sea”.")
@click.option("--boost", help='Number that scores are multiplied by, as "1 + is_new".')
@click.option(
    "--context", "context", multiple=True, help="What is known now: device=tv (repeatable)."
)
@policy_option
@click.option("-k", type=int, help="Length of the list.  [default: the surface's own]")
@click.option("--explain", is_flag=True, help="Show why each item is recommended.")
@click.option("--language", help="Explain in this language, such as de.")
@click.option("--log", is_flag=True, help="Write the answer to the decision log, for feedback.")
@json_option
def recommend(
    scenario: str,
    workspace: Path,
    user: str | None,
    history: str | None,
    items: tuple[str, ...],
    entity: str | None,
    row: int,
    rows: bool,
    session: str | None,
    surface: str | None,
    exclude: str | None,
    cursor: str,
    filter: str | None,
    text: str,
    boost: str | None,
    context: tuple[str, ...],
    policies: tuple[str, ...],
    k: int | None,
    explain: bool,
    language: str | None,
    log: bool,
    as_json: bool,
) -> None:
    """Recommend items of SCENARIO to a user, for a history, about an item, or of one genre."""
    from crossrec.pipeline.engine import Engine

    if items and history is not None:
        raise UsageError("give --item without --history: a list about an item reads none")
    explain = explain or language is not None
    request: dict[str, Any] = {
        "history": None if history is None else listed_ids(history),
        "item_ids": items,
        "entity": named_entity(entity),
        "session": listed_ids(session),
        "exclude": listed_ids(exclude),
        "cursor": cursor,
        "filter": filter or "",
        "boost": boost or "",
        "text": text,
        "context": named_values(context),
        "k": k,
        "surface": surface,
        "explain": explain or as_json,
        "language": language,
        "policies": changed_policies(policies),
    }
    with Engine.open(workspace, background=False, log=log) as engine:
        slates = engine.rows(scenario, user, **request) if rows else []
        if not slates:  # or the first row, which says why there is none
            slates = [engine.recommend(scenario, user, row=row, **request)]
    if as_json:
        found = [slate.to_dict() for slate in slates]
        echo_json(found if rows else found[0])
        return
    for at, slate in enumerate(slates):
        if at:
            click.echo("")
        show(slate, explain=explain, as_json=False)
        if log:
            click.echo(f"request: {slate.request_id}")


@click.command()
@click.argument("scenario")
@click.argument("item_ids", nargs=-1, required=True)
@workspace_option
@click.option("-k", type=int, help="Length of the list.  [default: the surface's own]")
@click.option("--explain", is_flag=True, help="Show why each item is recommended.")
@json_option
def similar(
    scenario: str,
    item_ids: tuple[str, ...],
    workspace: Path,
    k: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """List items of SCENARIO that are similar to the given ones."""
    from crossrec.pipeline.engine import Engine

    engine = Engine.open(workspace, background=False)
    slate = engine.recommend(scenario, item_ids=item_ids, k=k, explain=explain or as_json)
    show(slate, explain=explain, as_json=as_json)


@click.command()
@click.argument("scenario")
@click.argument("item_id")
@workspace_option
@click.option("--user", help="User id; the history is read from the workspace.")
@click.option("--history", help="Item ids, oldest first: i1,i2,i3 (or a JSON list).")
@json_option
def explain(
    scenario: str,
    item_id: str,
    workspace: Path,
    user: str | None,
    history: str | None,
    as_json: bool,
) -> None:
    """Show the rank, score and evidence of one item for one user in every source of SCENARIO."""
    from crossrec.pipeline.engine import Engine

    engine = Engine.open(workspace, background=False)
    explanation = engine.explain(
        scenario, item_id, user, history=None if history is None else listed_ids(history)
    )
    if as_json:
        echo_json(explanation.to_dict())
        return
    place = f"place {explanation.place} of the pool" if explanation.place else explanation.outside
    click.echo(f"{explanation.item_id} {explanation.title}".rstrip() + f": {place}")
    rows = [
        (s.source, "" if s.rank is None else s.rank, "" if s.z is None else f"{s.z:+.2f}", s.reason)
        for s in explanation.sources
    ]
    table(("SOURCE", "RANK", "Z-SCORE", "EVIDENCE"), rows)
