"""Learning without a fit: what an update or a forgotten user leaves is what a fit would learn."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import RefitNeededError
from crossrec_collaborative.covisitation import Covisitation, CovisitationConfig
from crossrec_collaborative.item_knn import ItemKnn, ItemKnnConfig
from crossrec_collaborative.pairs import count_pairs
from crossrec_collaborative.popularity import Popularity
from crossrec_collaborative.relations import SparseRelation
from crossrec_collaborative.user_knn import UserKnn
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
USERS, ITEMS = 6, 7

#: Few neighbours, so that what is cut off and comes back again matters.
MAKERS = {
    "popularity": Popularity,
    "covisitation": lambda: Covisitation(CovisitationConfig(window=3, neighbours=3)),
    "item-knn": lambda: ItemKnn(ItemKnnConfig(neighbours=3)),
    "user-knn": UserKnn,
}
every = pytest.mark.parametrize("name", list(MAKERS))

# Equal times, repeats, and weights that take others back: refunds and late dislikes.
EVENT = st.tuples(
    st.integers(0, USERS - 1),
    st.integers(0, ITEMS - 1),
    st.sampled_from([1.0, 1.0, 2.5, 0.3, 0.0, -1.0, -0.3, -2.5]),
    st.integers(0, 5),
)
EVENTS = st.lists(st.tuples(EVENT, st.booleans()), max_size=40)


def dataset_of(events: Events, n_users: int = USERS, n_items: int = ITEMS) -> Dataset:
    none = ("",) * n_items
    items = Vocabulary(f"i{i}" for i in range(n_items))
    catalog = Catalog(items, none, none, ((),) * n_items, none, np.ones(n_items, dtype=bool))
    users = Vocabulary(f"u{u}" for u in range(n_users))
    return Dataset.build(users, catalog, events, has_clock=True)


def events_of(rows: list[Any]) -> Events:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    users, items, weights, times = columns
    return Events.from_columns(users, items, times, weights)


def changed(whole: Events, late: np.ndarray[Any, Any], like: Dataset) -> EventChange:
    own = np.isin(whole.users, whole.users[late])
    return EventChange.between(
        like.users, like.catalog, whole.take(own & ~late), whole.take(own), has_clock=True
    )


def fitted(name: str, dataset: Dataset) -> Any:
    source = MAKERS[name]()
    source.fit(dataset, RUN)
    return source


def assert_same_state(left: Any, right: Any) -> None:
    """Bit by bit, but for sums of floats."""
    ours, theirs = left.state().arrays, right.state().arrays
    assert set(ours) == set(theirs)
    for key, values in theirs.items():
        if key in ("scores", "data"):
            np.testing.assert_allclose(ours[key], values, rtol=1e-6, atol=1e-9, err_msg=key)
        else:
            np.testing.assert_array_equal(ours[key], values, err_msg=key)


@every
@given(drawn=EVENTS)
@settings(max_examples=60)
def test_an_update_equals_a_fit_on_all_events(name: str, drawn: list[Any]) -> None:
    whole = events_of([event for event, _ in drawn])
    late = np.array([is_late for _, is_late in drawn], dtype=bool)
    early = whole.take(~late)
    # New users and items: the first fit knows only those up to its highest ones.
    n_users, n_items = (int(part.max(initial=0)) + 1 for part in (early.users, early.items))
    source = fitted(name, dataset_of(early, n_users, n_items))
    before = {key: np.array(value) for key, value in source.state().arrays.items()}
    everything = dataset_of(whole)
    updated = copy(source)
    updated.update(changed(whole, late, everything))
    assert_same_state(updated, fitted(name, everything))
    for key, value in source.state().arrays.items():
        np.testing.assert_array_equal(value, before[key], err_msg="the original was written into")


@every
@given(drawn=EVENTS, user=st.integers(0, USERS - 1))
@settings(max_examples=60)
def test_forgetting_equals_a_fit_without_the_user(name: str, drawn: list[Any], user: int) -> None:
    whole = events_of([event for event, _ in drawn])
    own = whole.users == user
    dataset = dataset_of(whole)
    source = fitted(name, dataset)
    source.forget(
        EventChange.between(
            dataset.users, dataset.catalog, whole.take(own), Events.empty(), has_clock=True
        )
    )
    assert_same_state(source, fitted(name, dataset_of(whole.take(~own))))


def test_a_refund_takes_a_popular_item_off_the_board() -> None:
    whole = events_of([(0, 1, 2.5, 0), (1, 1, 0.3, 0), (0, 1, -2.5, 1), (1, 1, -0.3, 2)])
    late = np.array([False, False, True, True])
    source = fitted("popularity", dataset_of(whole.take(~late)))
    assert source.board.order.tolist() == [1]
    source.update(changed(whole, late, dataset_of(whole)))
    assert source.board.order.tolist() == []
    assert source.board.scores[1] == 0.0


def test_pairs_that_nobody_has_any_more_are_gone() -> None:
    whole = events_of([(0, 0, 1, 0), (0, 1, 1, 1), (1, 0, 1, 0), (1, 2, 1, 1), (0, 1, -1, 2)])
    late = np.arange(5) == 4
    source = fitted("covisitation", dataset_of(whole.take(~late)))
    source.update(changed(whole, late, dataset_of(whole)))
    assert source.state().arrays["pairs.first"].tolist() == [0]
    assert source.state().arrays["pairs.second"].tolist() == [2]


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        (Covisitation(CovisitationConfig(update_pairs=2)), "update_pairs = 2"),
        (Covisitation(CovisitationConfig(half_life_days=30)), "half_life_days"),
        (ItemKnn(ItemKnnConfig(update_entries=3)), "update_entries = 3"),
    ],
    ids=["pairs", "ageing", "entries"],
)
def test_beyond_what_is_kept_a_fit_is_due(source: Any, limit: str) -> None:
    whole = events_of([(u, i, 1, i) for u in range(2) for i in range(4)])
    dataset = dataset_of(whole)
    source.fit(dataset, RUN)
    kept = source.state().arrays
    assert not any(name.startswith(("pairs.", "matrix.")) for name in kept)
    late = np.arange(8) == 7
    with pytest.raises(RefitNeededError, match=limit):
        source.update(changed(whole, late, dataset))
    with pytest.raises(RefitNeededError):
        source.forget(changed(whole, late, dataset))
    assert len(source.generate(_no_queries(), 3)) == 0


def _no_queries() -> Any:
    from crossrec.components.query import QueryBatch
    from crossrec.numeric.ragged import Ragged

    return QueryBatch.from_histories(Ragged.empty(0))


@given(
    first=st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=4),
    second=st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=4),
)
def test_pairs_that_were_added_can_be_taken_away_exactly(
    first: list[list[int]], second: list[list[int]]
) -> None:
    from crossrec.numeric.ragged import Ragged

    one, two = (
        count_pairs(Ragged.from_rows(rows), 6, window=4, decay=0.9) for rows in (first, second)
    )
    both = count_pairs(Ragged.from_rows([*first, *second]), 6, window=4, decay=0.9)
    for found, wanted in ((one.plus(two), both), (both.minus(two), one)):
        for name, values in wanted.arrays().items():
            np.testing.assert_array_equal(found.arrays()[name], values, err_msg=name)


def test_rows_are_replaced_and_added() -> None:
    relation = SparseRelation(
        np.array([0, 2, 2, 3]),
        np.array([1, 2, 0], dtype=np.int32),
        np.array([1, 2, 3], dtype=np.float32),
    )
    other = SparseRelation(
        np.array([0, 1, 1]), np.array([3], dtype=np.int32), np.array([9], dtype=np.float32)
    )
    found = relation.with_rows(other, np.array([1, 2]), 5)
    assert found.indptr.tolist() == [0, 2, 3, 3, 3, 3]
    assert found.indices.tolist() == [1, 2, 3]
    assert found.data.tolist() == [1, 2, 9]
