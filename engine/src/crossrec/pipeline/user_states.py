"""From a store to what a request knows of its user."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from crossrec.components.consumption import EventEffects
from crossrec.components.query import Query
from crossrec.components.user_state import (
    HISTORY,
    Impressions,
    LinkedHistory,
    UserState,
    session_start,
)
from crossrec.data.user_events import UserEvents
from crossrec.errors import CrossrecError
from crossrec.scenario import Scenario
from crossrec.store.base import Store

log = logging.getLogger("crossrec")

Scenarios = Callable[[str], Scenario]


def user_state_of(
    store: Store, scenario: Scenario, query: Query, others: Scenarios | None = None
) -> UserState:
    """Return what is known of the user of a query.

    Parameters
    ----------
    others : callable, optional
        Returns a scenario by its name. Without it nothing is read of any other scenario.
    """
    user = UserState()
    if query.user_id is not None:
        user = read_user_state(store, scenario, query.user_id)
        if others is not None:
            linked = partial(linked_histories, store, scenario.name, query.user_id, others)
            user = replace(user, read_linked=linked)
    if query.history is None:
        return user
    now = time.time() if query.now is None else query.now
    return with_given_history(user, query.history, scenario, now)


def read_user_state(store: Store, scenario: Scenario, user_id: str) -> UserState:
    """Return the latest events of a user, older ones that still act, and the profile."""
    try:
        with store.snapshot():
            history = store.user_events(scenario, user_id, HISTORY)
            acting = UserEvents.empty()
            if len(history) == HISTORY:
                types = EventEffects.of(scenario).acting_types
                acting = store.acting_events(scenario, user_id, types, float(history.times[0]))
            profile = store.user_fields(scenario.name, user_id)
    except UnicodeEncodeError:  # half a character: no user that was ever ingested
        return UserState(user_id)
    return UserState(
        user_id,
        history,
        acting,
        session_start=session_start(history),
        profile=profile,
        consents=consents_of(profile),
        known=len(history) > 0,
        read_impressions=partial(_impressions, store, scenario.name, user_id),
    )


def linked_histories(
    store: Store, scenario: str, user_id: str, others: Scenarios
) -> tuple[LinkedHistory, ...]:
    """Return what a user did in the scenarios whose use in this one holds now.

    No table of another scenario is touched without that consent. What is not installed any more is
    left out: nothing can be made of its events.
    """
    found = []
    try:
        for one in store.linked_users(scenario, user_id):
            try:
                other = others(one.source)
            except CrossrecError as error:
                log.warning("the history of %s is left out: %s", one.source, error)
                continue
            events = store.user_events(other, one.source_user_id, HISTORY)
            found.append(LinkedHistory(one.source, events.where(events.weights > 0)))
    except UnicodeEncodeError:  # half a character: no user that was ever ingested
        return ()
    return tuple(found)


def consents_of(profile: Mapping[str, Any]) -> frozenset[str]:
    """Return what a user agreed to: the field ``consents``, a list or separated by commas."""
    given = profile.get("consents")
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, (list, tuple)):
        return frozenset()
    return frozenset(str(part).strip() for part in parts) - {""}


def _impressions(store: Store, scenario: str, user_id: str) -> dict[str, Impressions]:
    """Return what was shown to a user, from the decision log."""
    shown = store.decision_log().impressions(scenario, user_id)
    return {item: Impressions(*n) for item, n in shown.items()}


def with_given_history(
    user: UserState, item_ids: tuple[str, ...], scenario: Scenario, now: float
) -> UserState:
    """Return the user with a history that came with the request, in place of the stored one.

    Each given item counts as an event of the scenario's default type, just now. What the store
    knows the user has banned or consumed still holds.
    """
    default = next(
        (at for at, event in enumerate(scenario.events) if event.name == scenario.default_event), 0
    )
    given = replace(
        UserEvents.of_items(item_ids, default), times=np.full(len(item_ids), now, np.float64)
    )
    return replace(user, history=given, acting=user.past, given=True, session_start=None)
