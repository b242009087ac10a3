"""How events have changed: who is concerned, and which items count for them."""

import numpy as np
from crossrec.data.catalog import Catalog
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemSchema


def change(before, after):
    users, items = Vocabulary("uvwx"), Vocabulary("abcdef")
    catalog = Catalog.from_records(items, {}, ItemSchema((), ""))
    columns = [
        Events.from_columns(*(zip(*rows, strict=True) if rows else ([], [], [], [])))
        for rows in (before, after)
    ]
    return EventChange.between(users, catalog, *columns, has_clock=True)


def test_users_and_items_of_either_side():
    found = change([(1, 0, 5.0, 1.0)], [(1, 0, 5.0, 1.0), (1, 3, 6.0, 1.0), (3, 2, 7.0, 1.0)])
    assert found.users.tolist() == [1, 3]
    assert found.items.tolist() == [0, 2, 3]
    assert (found.n_users, found.n_items) == (4, 6)


def test_what_was_taken_back_counts_before_alone():
    found = change([(0, 4, 1.0, 1.0)], [(0, 4, 1.0, 1.0), (0, 4, 2.0, -1.0)])
    assert found.before.item_people.tolist() == [0, 0, 0, 0, 1, 0]
    assert found.after.item_people.sum() == 0
    assert found.items.tolist() == [4]


def test_backdated_events_stand_where_they_belong():
    found = change([(2, 1, 9.0, 1.0)], [(2, 1, 9.0, 1.0), (2, 5, 3.0, 1.0)])
    assert found.after.sequences.row(2).tolist() == [5, 1]


def test_a_change_of_nothing():
    found = change([], [])
    assert len(found.users) == len(found.items) == 0
    np.testing.assert_array_equal(found.after.item_counts, np.zeros(6))
