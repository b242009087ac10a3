"""What comes back from an application: one event at a time, and feedback on answers."""

from __future__ import annotations

import time as clock
from typing import Any, NamedTuple

from crossrec.data.ids import requested_id
from crossrec.errors import DataError, UsageError
from crossrec.ingest.attribution import UNKNOWN, fault_of
from crossrec.ingest.single import NewEvent, event_rows
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario
from crossrec.store.decisions import Feedback
from crossrec.store.rows import EventRows
from crossrec.workspace import Workspace


class AppendedEvent(NamedTuple):
    """What became of an event.

    Attributes
    ----------
    stored : bool
        Whether it is a new event of a user; one that the store had already is not.
    attributed : bool
        Whether it is in the decision log as feedback on a request.
    """

    stored: bool
    attributed: bool


class Feedbacks:
    """Stores events and feedback of all scenarios of a workspace. Safe for many threads."""

    def __init__(self, workspace: Workspace, registry: Registry) -> None:
        self._workspace, self._registry = workspace, registry
        self._clocks: dict[str, bool] = {}

    def append_event(
        self,
        scenario: Scenario,
        user_id: str,
        item_id: str,
        event_type: str,
        value: float | None,
        time: Any,
        request_id: str | None,
    ) -> AppendedEvent:
        """Store one event, as feedback too where it can be attributed; see `Engine`."""
        has_clock = self._has_clock(scenario)
        if time is not None and not has_clock:
            raise DataError(
                f"scenario {scenario.name!r} holds events without times: leave the time out"
            )
        now = clock.time()
        event = NewEvent(user_id, item_id, event_type, value, now if time is None else time)
        rows = event_rows(event, scenario, has_clock=has_clock, now=now)
        stored = self._workspace.store().add_events(scenario.name, rows) > 0
        attributed = False
        if request_id:
            decisions = self._workspace.decision_log()
            user, item = rows.users.values[0], rows.items.values[0]
            decision = decisions.decision(request_id)
            attributed = not fault_of(decision, scenario.name, user, item)
            if attributed:
                decisions.add_feedback([_feedback(request_id, rows, now)])
        return AppendedEvent(stored, attributed)

    def give(
        self,
        request_id: str,
        item_id: str,
        event_type: str,
        value: float | None,
        time: float | None,
    ) -> AppendedEvent:
        """Keep feedback on a request, as an event of its user where it has one; see `Engine`."""
        decisions = self._workspace.decision_log()
        decision = decisions.decision(request_id)
        if decision is None:
            raise UsageError(
                f"request {request_id!r}: {UNKNOWN}: it was answered without the log, left out of "
                "the sample, is too old, or never was"
            )
        item_id = requested_id("item_id", item_id)
        fault = fault_of(decision, decision.scenario, None, item_id)
        if fault:
            raise UsageError(f"request {request_id!r}, item {item_id!r}: {fault}")
        scenario = self._registry.scenario(decision.scenario)
        now = clock.time()
        moment = now if time is None else float(time)
        # Without a clock the moment is in no column, but tells this event from the next.
        has_clock = self._has_clock(scenario)
        own = "" if has_clock else f"{request_id} {item_id} {event_type} {moment}"
        user = decision.user_id or "nobody"
        event = NewEvent(user, item_id, event_type, value, moment, own)
        rows = event_rows(event, scenario, has_clock=has_clock, now=now)
        stored = False
        if decision.user_id:
            stored = self._workspace.store().add_events(scenario.name, rows) > 0
        decisions.add_feedback([_feedback(request_id, rows, moment)])
        return AppendedEvent(stored, True)

    def _has_clock(self, scenario: Scenario) -> bool:
        """Whether the events of a scenario have times; those of an empty one will."""
        known = self._clocks.get(scenario.name)
        if known is None:
            known = self._workspace.store().counts(scenario.name).has_clock
            if known is None:
                return True
            self._clocks[scenario.name] = known
        return known


def _feedback(request_id: str, rows: EventRows, moment: float) -> Feedback:
    """Return the feedback that one checked event is."""
    value = float(rows.values[0])
    return Feedback(
        request_id,
        rows.items.values[0],
        rows.types.values[0],
        None if value != value else value,
        moment if rows.times is None else float(rows.times[0]),
    )
