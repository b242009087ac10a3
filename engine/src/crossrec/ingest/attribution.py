"""Events that name the answer they came from: feedback on it, where the log has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from crossrec.ingest.validation import EventDraft
from crossrec.store.decisions import Decision, DecisionLog, Feedback

UNKNOWN = "request is not in the decision log"
OF_ANOTHER = "request was answered for another user"
NOT_SHOWN = "item is not among those that the log kept of the request"


def fault_of(decision: Decision | None, scenario: str, user_id: str | None, item_id: str) -> str:
    """Return why an event cannot be attributed to a decision; "" where it can."""
    if decision is None or decision.scenario != scenario:
        return UNKNOWN
    if user_id is not None and decision.user_id not in (None, user_id):
        return OF_ANOTHER
    if all(shown.item_id != item_id for shown in decision.items):
        return NOT_SHOWN
    return ""


def attribute_events(
    decisions: DecisionLog, scenario: str, draft: EventDraft
) -> tuple[int, Mapping[str, NDArray[np.int64]]]:
    """Store the events that name a request as feedback on it; those stored before change nothing.

    Returns
    -------
    attributed : int
        How many events belong to a decision.
    others : mapping of cause to int64 array
        Rows of the draft that name a request and cannot be attributed.
    """
    if draft.requests is None:
        return 0, {}
    requests = draft.requests.strings()
    known = {id_: decisions.decision(id_) for id_ in draft.requests.values if id_}
    named = [row for row, request in enumerate(requests) if request]
    feedback, others = _sorted_out(draft, named, requests, known, scenario)
    decisions.add_feedback(feedback)
    return len(feedback), {cause: np.array(rows, dtype=np.int64) for cause, rows in others.items()}


def _sorted_out(
    draft: EventDraft,
    named: Sequence[int],
    requests: Sequence[str],
    known: Mapping[str, Decision | None],
    scenario: str,
) -> tuple[list[Feedback], dict[str, list[int]]]:
    """Return the feedback among the rows, and the other rows by cause."""
    users, items, types = draft.users.strings(), draft.items.strings(), draft.types.strings()
    feedback: list[Feedback] = []
    others: dict[str, list[int]] = {}
    for row in named:
        decision = known[requests[row]]
        fault = fault_of(decision, scenario, users[row], items[row])
        if fault or decision is None:
            others.setdefault(fault, []).append(row)
            continue
        value = float(draft.values[row])
        time = decision.time if draft.times is None else float(draft.times[row])
        one = Feedback(
            decision.request_id, items[row], types[row], None if np.isnan(value) else value, time
        )
        feedback.append(one)
    return feedback, others
