"""Requests on a handful of items, for tests of policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import Query
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.user_state import Impressions, UserState
from crossrec.data.catalog import Catalog
from crossrec.data.user_events import UserEvents
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemSchema

NOW = 1_700_000_000.0
DAY = 86_400.0
SCHEMA = ItemSchema((), "{title}", creator="creator")

#: Item id, event type, days ago.
PastEvent = tuple[str, str, float]


def request_on(
    rows: Sequence[Mapping[str, Any]],
    *,
    events: Sequence[PastEvent] = (),
    negative: Sequence[str] = (),
    profile: Mapping[str, Any] | None = None,
    shown: Mapping[str, tuple[int, float]] | None = None,
    query: Mapping[str, Any] | None = None,
    k: int = 10,
    **fields: Any,
) -> PolicyContext:
    """Return a request on items ``i0``, ``i1`` … of these fields.

    Parameters
    ----------
    events : sequence of (item id, event type, days ago)
        The history of the user, the oldest first.
    negative : sequence of str
        Event types that refuse an item.
    shown : mapping of item id to (times, seconds ago)
        What was shown to the user.
    query : mapping
        Fields of `Query`.
    fields
        Of `PolicyContext`.
    """
    ids = [f"i{at}" for at in range(len(rows))]
    catalog = Catalog.from_records(Vocabulary(ids), dict(zip(ids, rows, strict=True)), SCHEMA)
    types = tuple(dict.fromkeys(kind for _, kind, _ in events))
    seen = {item: Impressions(n, NOW - ago) for item, (n, ago) in (shown or {}).items()}
    past = UserEvents(
        tuple(item for item, _, _ in events),
        np.array([types.index(kind) for _, kind, _ in events], dtype=np.int64),
        np.full(len(events), np.nan),
        np.array([-1.0 if kind in negative else 1.0 for _, kind, _ in events], dtype=np.float32),
        np.array([NOW - DAY * ago for _, _, ago in events], dtype=np.float64),
    )
    return PolicyContext(
        query=Query(k=k, **(query or {})),
        user=UserState("u", past, profile=profile or {}, read_impressions=lambda: seen),
        surface="home",
        items=LiveItems(catalog, SCHEMA),
        now=NOW,
        seed=fields.pop("seed", 1),
        k=k,
        event_types=types,
        **fields,
    )


def pool_of(n: int | Sequence[int], scores: Sequence[float] | None = None) -> Ranked:
    """Return a ranked pool: items by index, or the first `n`; scores fall evenly from 1."""
    index = np.arange(n) if isinstance(n, int) else np.array(n, dtype=np.int64)
    falling = 1.0 - np.arange(len(index)) / max(len(index), 1)
    return Ranked.of(index, falling if scores is None else np.array(scores, dtype=np.float64))


def in_short(changes: Sequence[PolicyChange]) -> list[tuple[int, str, str]]:
    """Return the item, the action and the code of each change."""
    return [(change.item, change.action, change.code) for change in changes]
