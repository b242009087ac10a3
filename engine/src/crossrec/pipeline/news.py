"""What a store holds beyond what a pipeline has learnt, in the indexes of the pipeline to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossrec.data.catalog import Catalog
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError
from crossrec.pipeline.pipeline import Pipeline
from crossrec.scenario import Scenario
from crossrec.store.base import NumberedEvents, Store

#: In the report: sources that have not learnt all events, with the number of the last that they
#: have.
BEHIND = "behind"


@dataclass(frozen=True, eq=False)
class News:
    """What a store holds beyond a pipeline, in the indexes of the pipeline to come.

    Attributes
    ----------
    users : Vocabulary
        The pipeline's, and new ones behind.
    records : mapping of item id to fields
        New items in the order of ingestion; None where only events name the item.
    found : mapping of int to NumberedEvents
        By the number of a last known event: all events of the users who have one after it.
    last_event : int
    stored : int
        How many events the store holds.
    has_clock : bool
    """

    users: Vocabulary
    records: Mapping[str, Mapping[str, Any] | None]
    found: Mapping[int, NumberedEvents]
    last_event: int
    stored: int
    has_clock: bool

    def count(self, since: int) -> int:
        """Return how many events are new."""
        return int((self.found[since].numbers > since).sum())

    def change(self, since: int, catalog: Catalog) -> EventChange:
        """Return how the events have changed since."""
        numbered = self.found[since]
        return EventChange.between(
            self.users,
            catalog,
            numbered.until(since),
            numbered.events,
            has_clock=self.has_clock,
        )


def last_event(pipeline: Pipeline) -> int:
    """Return the number of the last event that the pipeline was fitted on or refreshed with.

    Raises
    ------
    ArtifactError
        If the fit did not write it down.
    """
    found = pipeline.report.get("last_event")
    if found is None:
        raise ArtifactError(
            f"{pipeline.scenario} was fitted without a note of its last event: run "
            f"`crossrec fit {pipeline.scenario}`"
        )
    return int(found)


def known_event(pipeline: Pipeline, label: str) -> int:
    """Return the number of the last event that one source has learnt."""
    return int(pipeline.report.get(BEHIND, {}).get(label, last_event(pipeline)))


def read_news(fitted: Pipeline, scenario: Scenario, store: Store) -> News:
    """Read what is new, as one consistent state of the store."""
    name = scenario.name
    able = fitted.capabilities
    stamps = {last_event(fitted)} | {
        known_event(fitted, label)
        for label in fitted.sources
        if "update" in able.get(label, frozenset())
    }
    with store.snapshot():
        user_ids, _ = store.users(name)
        item_ids, records = store.items(name)
        latest = store.last_event(name)
        counts = store.counts(name)
        found = {stamp: store.events_since(scenario, stamp) for stamp in sorted(stamps)}
    known = fitted.catalog.items
    new_users = [id_ for id_ in user_ids.ids if id_ not in fitted.users]
    users = Vocabulary((*fitted.users.ids, *new_users)) if new_users else fitted.users
    new_items = {id_: records.get(id_) for id_ in item_ids.ids if id_ not in known}
    items = Vocabulary((*known.ids, *new_items))
    to_users, to_items = users.indexes(user_ids.ids), items.indexes(item_ids.ids)

    def renumbered(numbered: NumberedEvents) -> NumberedEvents:
        events: Events = numbered.events
        own = replace(events, users=to_users[events.users], items=to_items[events.items])
        return NumberedEvents(own, numbered.numbers)

    return News(
        users,
        new_items,
        {stamp: renumbered(one) for stamp, one in found.items()},
        latest,
        counts.events,
        fitted.has_clock or bool(counts.has_clock),
    )
