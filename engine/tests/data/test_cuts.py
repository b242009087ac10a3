"""The pieces that splits are made of, against plain loops over the events of each user."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.query_building import queries_of
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.splits import before, between, tails, without_tails
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import ItemSchema
from hypothesis import given, settings
from hypothesis import strategies as st

N_USERS, N_ITEMS = 5, 7


def dataset(rows, *, has_clock=True):
    """Build a set from (user, item, time, weight) rows."""
    columns = list(zip(*rows)) if rows else [(), (), (), ()]
    events = Events.from_columns(columns[0], columns[1], times=columns[2], weights=columns[3])
    items = Vocabulary(f"i{i}" for i in range(N_ITEMS))
    catalog = Catalog.from_records(items, {}, ItemSchema((), "{title}"))
    users = Vocabulary(f"u{u}" for u in range(N_USERS))
    return Dataset.build(users, catalog, events, has_clock=has_clock)


def sequence(rows, user):
    """Return one user's interactions, oldest first: (item, time)."""
    own = [(time, at, item) for at, (who, item, time, weight) in enumerate(rows)
           if who == user and weight > 0]  # fmt: skip
    return [(item, time) for time, _, item in sorted(own)]


row = st.tuples(
    st.integers(0, N_USERS - 1),
    st.integers(0, N_ITEMS - 1),
    st.integers(0, 9),
    st.sampled_from([1.0, 2.0, -1.0, 0.0]),
)
tables = st.lists(row, max_size=40)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 10))
def test_before_keeps_what_lies_before_of_every_kind(rows, cut):
    kept = before(dataset(rows), cut)
    assert len(kept.events) == sum(time < cut for _, _, time, _ in rows)
    for user in range(N_USERS):
        want = [item for item, time in sequence(rows, user) if time < cut]
        assert kept.sequences.row(user).tolist() == want


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 10), st.integers(0, 10))
def test_between_asks_for_distinct_items_in_their_order(rows, start, length):
    targets = between(dataset(rows), start, start + length)
    by_user = {int(user): at for at, user in enumerate(targets.users)}
    for user in range(N_USERS):
        own = sequence(rows, user)
        within = [item for item, time in own if start <= time < start + length]
        assert (user in by_user) == bool(within)
        if within:
            at = by_user[user]
            assert targets.targets.row(at).tolist() == list(dict.fromkeys(within))
            assert targets.history.row(at).tolist() == [i for i, time in own if time < start]
            assert targets.times[at] == start


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(1, 3))
def test_tails_and_what_is_left_make_the_whole(rows, drop):
    data = dataset(rows)
    users = np.flatnonzero(data.sequences.lengths >= drop)
    targets, left = tails(data, users, drop, drop), without_tails(data, users, drop)
    for at, user in enumerate(users):
        whole = data.sequences.row(user).tolist()
        assert targets.history.row(at).tolist() == whole[:-drop]
        assert left.sequences.row(user).tolist() == whole[:-drop]
        assert targets.targets.row(at).tolist() == list(dict.fromkeys(whole[-drop:]))
    for user in set(range(N_USERS)) - set(users.tolist()):
        assert left.sequences.row(user).tolist() == data.sequences.row(user).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=8), max_size=6))
def test_distinct_keeps_the_first_of_each(rows):
    got = Ragged.from_rows(rows).distinct()
    assert [got.row(i).tolist() for i in range(len(got))] == [list(dict.fromkeys(r)) for r in rows]


ROWS = [(0, 1, 1, 1.0), (0, 2, 2, 1.0), (0, 3, 3, 1.0), (1, 4, 1, 1.0), (1, 4, 5, 1.0)]


def test_users_without_anything_in_the_fit_are_unknown():
    data = dataset(ROWS)
    targets = tails(data, np.array([0, 1]), 1)
    fitted = before(data, 1)
    assert queries_of(targets, fitted, keep_history=False).users.tolist() == [-1, -1]
    assert queries_of(targets, data, keep_history=False).users.tolist() == [0, 1]


@pytest.mark.parametrize("keep", [True, False])
def test_the_history_is_excluded_or_not_at_all(keep):
    data = dataset(ROWS)
    queries = queries_of(tails(data, np.array([0]), 1), data, keep_history=keep)
    assert queries.history.row(0).tolist() == [1, 2]
    assert queries.exclude.row(0).tolist() == ([] if keep else [1, 2])


def test_queries_have_a_time_only_where_there_is_a_clock():
    for has_clock in (True, False):
        data = dataset(ROWS, has_clock=has_clock)
        now = queries_of(tails(data, np.array([0]), 1), data, keep_history=True).now
        assert (now is not None) == has_clock
        if now is not None:
            assert now.tolist() == [3.0]
