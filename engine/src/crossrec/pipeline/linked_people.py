"""What a fit learns of one person in several scenarios, of those who agreed to it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossrec.components.user_state import HISTORY
from crossrec.data.catalog import Catalog
from crossrec.data.linked import LinkedHistories, linked_id
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.user_states import Scenarios
from crossrec.scenario import Scenario
from crossrec.store.base import Store


def read_linked(
    store: Store, scenario: Scenario, users: Vocabulary, others: Scenarios
) -> tuple[LinkedHistories | None, list[str]]:
    """Return the linked histories of a scenario's people, None where nobody agreed, and notes.

    Of another scenario its item table is read and the events of those who agreed, nothing else.

    Parameters
    ----------
    users : Vocabulary
        The scenario's users.
    others : callable
        Returns a scenario by its name.
    """
    linked = store.all_linked_users(scenario.name)
    catalog: Catalog | None = None
    notes: list[str] = []
    histories: dict[str, list[int]] = {}
    for source in dict.fromkeys(one.source for one in linked):
        try:
            other = others(source)
        except CrossrecError as error:
            notes.append(f"the histories of {source} are left out: {error}")
            continue
        own = _described_items(store, other)
        catalog = own if catalog is None else catalog.followed_by(own)
        for one in linked:
            if one.source == source:
                found = _items_of(store, other, one.source_user_id, catalog.items)
                histories.setdefault(one.user_id, []).extend(found)
    histories = {user: items for user, items in histories.items() if items}
    if catalog is None or not histories:
        return None, notes
    rows = sorted((users.index(user), items) for user, items in histories.items())
    here = [(index, items) for index, items in rows if index >= 0]
    return LinkedHistories(
        catalog,
        np.array([index for index, _ in here], dtype=np.int64),
        Ragged.from_rows([items for _, items in here]),
        len(histories),
    ), notes


def _described_items(store: Store, scenario: Scenario) -> Catalog:
    """Return the items of another scenario that have fields, without what only events name."""
    items, records = store.items(scenario.name)
    known = [id_ for id_ in items.ids if id_ in records]
    catalog = Catalog.from_records(Vocabulary(known), records, scenario.items)
    catalog = replace(catalog, attributes={})
    return replace(catalog, items=Vocabulary(linked_id(scenario.name, id_) for id_ in known))


def _items_of(store: Store, scenario: Scenario, user_id: str, items: Vocabulary) -> Sequence[int]:
    """Return what one person liked there, oldest first, as indexes of linked items."""
    events = store.user_events(scenario, user_id, HISTORY)
    liked = events.where(events.weights > 0)
    index = items.indexes([linked_id(scenario.name, id_) for id_ in liked.item_ids])
    found: list[int] = index[index >= 0].tolist()
    return found
