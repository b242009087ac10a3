"""The pieces that splits are made of, against plain loops over the events of each user."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.eligibility import ALL, UNSEEN, queries_of
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
    """Return what one user interacted with, oldest first: (item, time).

    An event counts where all events about its item add up to more than nothing.
    """
    mine = [(time, at, item, weight) for at, (who, item, time, weight) in enumerate(rows)
            if who == user]  # fmt: skip
    left = {item: sum(w for _, _, other, w in mine if other == item) for _, _, item, _ in mine}
    return [(item, time) for time, _, item, w in sorted(mine) if w > 0 and left[item] > 0]


def earlier(rows, cut):
    """Return the rows of before a time."""
    return [row for row in rows if row[2] < cut]


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
        want = [item for item, _ in sequence(earlier(rows, cut), user)]
        assert kept.sequences.row(user).tolist() == want


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 10), st.integers(0, 10))
def test_between_wants_distinct_items_in_their_order(rows, start, length):
    """Targets count by all that is known of them, histories by what a request would know."""
    found = between(dataset(rows), start, start + length)
    by_user = {int(user): at for at, user in enumerate(found.users)}
    for user in range(N_USERS):
        own = sequence(rows, user)
        within = [item for item, time in own if start <= time < start + length]
        assert (user in by_user) == bool(within)
        if within:
            at = by_user[user]
            known = sequence(earlier(rows, start), user)
            assert found.targets.row(at).tolist() == list(dict.fromkeys(within))
            assert found.history.row(at).tolist() == [item for item, _ in known]
            assert found.times[at] == start
    assert found.known is not None
    assert len(found.known.events) == len(earlier(rows, start))


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(1, 3))
def test_tails_are_cut_off_and_histories_know_nothing_of_what_follows(rows, drop):
    data = dataset(rows)
    users = np.flatnonzero(data.sequences.lengths >= drop)
    found, left = tails(data, users, drop, drop), without_tails(data, users, drop)
    for at, user in enumerate(users):
        whole = data.sequences.row(user).tolist()
        assert found.targets.row(at).tolist() == list(dict.fromkeys(whole[-drop:]))
        cut = data.interaction_rows[data.sequences.indptr[user + 1] - drop]
        start = int(np.searchsorted(data.events.users, user))
        known = [
            (int(user), item, place, weight)
            for place, (item, weight) in enumerate(
                zip(data.events.items[start:cut].tolist(), data.events.weights[start:cut].tolist())
            )
        ]
        want = [item for item, _ in sequence(known, user)]
        assert found.history.row(at).tolist() == want
        assert left.sequences.row(user).tolist() == want
    for user in set(range(N_USERS)) - set(users.tolist()):
        assert left.sequences.row(user).tolist() == data.sequences.row(user).tolist()


def test_a_refund_after_the_cut_is_not_known_before_it():
    rows = [(0, 1, 1, 1.0), (0, 2, 2, 1.0), (0, 3, 3, 1.0), (0, 1, 4, -1.0)]
    data = dataset(rows)
    assert data.sequences.row(0).tolist() == [2, 3]
    found = tails(data, np.array([0]), 1)
    assert found.targets.row(0).tolist() == [3]
    assert found.history.row(0).tolist() == [1, 2], "the refund had not been made yet"
    assert between(data, 3, 9).history.row(0).tolist() == [1, 2]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=8), max_size=6))
def test_distinct_keeps_the_first_of_each(rows):
    got = Ragged.from_rows(rows).distinct()
    assert [got.row(i).tolist() for i in range(len(got))] == [list(dict.fromkeys(r)) for r in rows]


ROWS = [(0, 1, 1, 1.0), (0, 2, 2, 1.0), (0, 3, 3, 1.0), (1, 4, 1, 1.0), (1, 4, 5, 1.0)]


def test_users_without_anything_in_the_fit_are_unknown():
    data = dataset(ROWS)
    found = tails(data, np.array([0, 1]), 1)
    fitted = before(data, 1)
    assert queries_of(found, fitted, UNSEEN).users.tolist() == [-1, -1]
    assert queries_of(found, data, UNSEEN).users.tolist() == [0, 1]


@pytest.mark.parametrize(("rule", "excluded"), [(ALL, []), (UNSEEN, [1, 2])])
def test_the_history_is_excluded_or_not_at_all(rule, excluded):
    data = dataset(ROWS)
    queries = queries_of(tails(data, np.array([0]), 1), data, rule)
    assert queries.history.row(0).tolist() == [1, 2]
    assert queries.exclude.row(0).tolist() == excluded


def test_queries_have_a_time_only_where_there_is_a_clock():
    for has_clock in (True, False):
        data = dataset(ROWS, has_clock=has_clock)
        now = queries_of(tails(data, np.array([0]), 1), data, ALL).now
        assert (now is not None) == has_clock
        if now is not None:
            assert now.tolist() == [3.0]


def test_queries_carry_the_times_types_and_weights_of_their_history():
    rows = [(0, 1, 1, 2.0), (0, 2, 2, 1.0), (0, 1, 3, -1.0), (0, 3, 4, 1.0), (1, 4, 1, 1.0)]
    data = dataset(rows)
    queries = queries_of(tails(data, np.array([0]), 1), data, UNSEEN)
    assert queries.history.row(0).tolist() == [1, 2]
    assert queries.times.tolist() == [1.0, 2.0]
    assert queries.types.tolist() == [0, 0]
    assert queries.weights.tolist() == [1.0, 1.0], "one half of the first was taken back"
