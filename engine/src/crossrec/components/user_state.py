"""What is known of the user of one request, built once and read by everything after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from crossrec.data.user_events import UserEvents

#: A break of so many seconds begins a new session.
SESSION_GAP = 1800.0
#: Events of a user that a request looks back on.
HISTORY = 2000


class Impressions(NamedTuple):
    """How often an item was shown to a user, and when last (seconds since 1970)."""

    times: int
    last: float


class LinkedHistory(NamedTuple):
    """What the user did in another scenario and agreed to have used in this one."""

    scenario: str
    events: UserEvents


def _no_links() -> tuple[LinkedHistory, ...]:
    return ()


def _no_impressions() -> Mapping[str, Impressions]:
    return {}


@dataclass(frozen=True, eq=False)
class UserState:
    """The user of one request.

    Attributes
    ----------
    user_id : str or None
    history : UserEvents
        The latest events, at most 2,000, oldest first; those of the session stand last.
    acting : UserEvents
        Stored events that act on candidates and are not in the history: consumptions, bans and
        what cancels them, however old.
    given : bool
        Whether the history came with the request: then the stored one is not read, the bans are.
    session_start : float or None
        Time of the first event of the running session; None where there is none.
    profile : mapping
        The row of the users table.
    consents : frozenset of str
    known : bool
        Whether the store has any event of the user.
    """

    user_id: str | None = None
    history: UserEvents = field(default_factory=UserEvents.empty)
    acting: UserEvents = field(default_factory=UserEvents.empty)
    given: bool = False
    session_start: float | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    consents: frozenset[str] = frozenset()
    known: bool = False
    read_impressions: Callable[[], Mapping[str, Impressions]] = _no_impressions
    read_linked: Callable[[], tuple[LinkedHistory, ...]] = _no_links

    @cached_property
    def impressions(self) -> Mapping[str, Impressions]:
        """What was shown to the user, by item id, from the decision log; read when it is needed."""
        return self.read_impressions()

    @cached_property
    def linked(self) -> tuple[LinkedHistory, ...]:
        """The histories of other scenarios that the user agreed to; read when they are needed."""
        return self.read_linked()

    @property
    def past(self) -> UserEvents:
        """All events that may act on candidates, the older ones first."""
        return self.acting.followed_by(self.history) if len(self.acting) else self.history

    @property
    def negatives(self) -> UserEvents:
        """The negative events: items, or the entities of items, that the user has refused."""
        past = self.past
        return past.where(past.weights < 0)


def session_start(events: UserEvents) -> float | None:
    """Return when the running session began: after the last break of half an hour or more."""
    if not len(events):
        return None
    times = events.times
    breaks = np.flatnonzero(times[1:] - times[:-1] > SESSION_GAP)
    return float(events.times[int(breaks[-1]) + 1 if len(breaks) else 0])
