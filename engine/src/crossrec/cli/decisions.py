"""``crossrec log`` and ``crossrec feedback``: what was answered, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.terminal import echo_json, json_option, table, workspace_option

if TYPE_CHECKING:
    from crossrec.store.decisions import Decision, DecisionLog

_SHOWN = 3


@click.command()
@click.argument("scenario")
@workspace_option
@click.option("--user", help="Only answers for this user.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Number of answers, the latest first.",
)
@json_option
def log(scenario: str, workspace: Path, user: str | None, limit: int, as_json: bool) -> None:
    """List the latest answers of SCENARIO in the decision log, with the feedback on them.

    Servers and an Engine(log=True) write it, and `crossrec recommend --log`.
    """
    from crossrec.pipeline.engine import Engine

    with Engine.open(workspace, background=False) as engine:
        found = engine.decisions(scenario, limit, user_id=user)
        decisions = engine.workspace.decision_log()
        if as_json:
            echo_json([_as_dict(one, decisions) for one in found])
            return
        if not found:
            click.echo("no answers in the decision log: `crossrec recommend --log` writes one")
            return
        columns = ("TIME", "REQUEST", "SURFACE", "USER", "ITEMS", "MS", "FEEDBACK")
        table(columns, [_row(one, decisions) for one in found])


def _as_dict(one: Decision, decisions: DecisionLog) -> dict[str, Any]:
    """Return a decision as JSON values."""
    return {
        "request_id": one.request_id,
        "time": one.time,
        "scenario": one.scenario,
        "surface": one.surface,
        "user_id": one.user_id,
        "arm": one.arm,
        "artifact": one.artifact,
        "policies": one.policies,
        "path": one.path,
        "milliseconds": one.milliseconds,
        "items": [shown._asdict() for shown in one.items],
        "feedback": [feedback._asdict() for feedback in decisions.feedback_on(one.request_id)],
    }


def _row(one: Decision, decisions: DecisionLog) -> tuple[object, ...]:
    """Return a decision as a row of the table."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(one.time, UTC).strftime("%Y-%m-%d %H:%M:%S")
    items = ", ".join(shown.item_id for shown in one.items[:_SHOWN])
    more = len(one.items) - _SHOWN
    done = decisions.feedback_on(one.request_id)
    feedback = ", ".join(f"{each.event_type} {each.item_id}" for each in done)
    return (
        moment,
        one.request_id,
        one.surface,
        one.user_id,
        f"{items} and {more} more" if more > 0 else items,
        f"{one.milliseconds:.1f}",
        feedback,
    )


@click.command()
@click.argument("request_id")
@click.option("--item", "item_id", required=True, help="Item that was shown.")
@click.option("--event", "event_type", required=True, help="What was done with it, such as view.")
@click.option("--value", type=float, help="Value of the event, such as a rating.")
@workspace_option
@json_option
def feedback(
    request_id: str,
    item_id: str,
    event_type: str,
    value: float | None,
    workspace: Path,
    as_json: bool,
) -> None:
    """Keep what somebody did with an item of the answer REQUEST_ID.

    It becomes an event of the user whom the answer was for, and counts from the next answer on.
    """
    from crossrec.pipeline.engine import Engine

    with Engine.open(workspace, background=False) as engine:
        done = engine.feedback(request_id, item_id, event_type, value)
    if as_json:
        echo_json(done._asdict())
    else:
        user = "and as an event of its user" if done.stored else "without a user"
        click.echo(f"kept as feedback {user}")
