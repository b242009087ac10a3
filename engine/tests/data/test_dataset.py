"""Events and datasets, against loops over plain tuples."""

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.ingest.frames import Frames
from crossrec.scenario import ItemSchema
from hypothesis import given
from hypothesis import strategies as st

N_USERS, N_ITEMS = 4, 6
#: (user, item, time, weight)
event = st.tuples(
    st.integers(0, N_USERS - 1),
    st.integers(0, N_ITEMS - 1),
    st.integers(0, 5),
    st.sampled_from([-2.0, 0.0, 0.5, 1.0]),
)
rows = st.lists(event, max_size=25)


def dataset(events, has_clock=True):
    users, items, times, weights = zip(*events) if events else ((), (), (), ())
    return Dataset.build(
        Vocabulary(f"u{i}" for i in range(N_USERS)),
        Catalog.from_records(
            Vocabulary(f"i{i}" for i in range(N_ITEMS)), {}, ItemSchema((), "{title}")
        ),
        Events.from_columns(users, items, times, weights),
        has_clock=has_clock,
    )


def of_user(events, user, keep):
    """Items of one user's events, by time and then in the order given."""
    own = [e for e in events if e[0] == user and keep(e)]
    return [e[1] for e in sorted(own, key=lambda e: e[2])]  # Python's sort is stable


def left(events, user, item):
    """What one user's events about an item add up to."""
    return sum(weight for who, what, _, weight in events if (who, what) == (user, item))


def counts(events, event):
    """Whether an event is an interaction: positive, and so is the sum of its user and item."""
    return event[3] > 0 and left(events, event[0], event[1]) > 0


def test_order_by_hand():
    data = dataset([(1, 5, 2, 1.0), (0, 4, 1, 1.0), (0, 3, 1, 1.0), (0, 2, 0, -1.0)])
    assert data.events.users.tolist() == [0, 0, 0, 1]
    assert data.events.items.tolist() == [2, 4, 3, 5]
    assert data.sequences.row(0).tolist() == [4, 3]
    assert data.disliked.row(0).tolist() == [2]
    assert data.item_counts.tolist() == [0, 0, 0, 1, 1, 1]
    assert (data.n_users, data.n_items) == (N_USERS, N_ITEMS)


@given(rows)
def test_sequences_are_each_users_events_that_count_in_order(events):
    data = dataset(events)
    assert len(data.sequences) == len(data.disliked) == N_USERS
    for user in range(N_USERS):
        wanted = of_user(events, user, lambda e: counts(events, e))
        assert data.sequences.row(user).tolist() == wanted
        assert data.disliked.row(user).tolist() == of_user(events, user, lambda e: e[3] < 0)
    assert len(data.interactions) == sum(counts(events, e) for e in events)
    assert len(data.events) == len(events)


@given(rows)
def test_interactions_stand_in_events_and_their_weights_are_net(events):
    data = dataset(events)
    found, places = data.interactions, data.interaction_rows
    assert (np.diff(places) > 0).all()
    for name in ("users", "items", "types", "times"):
        assert np.array_equal(getattr(found, name), getattr(data.events, name)[places])
    assert (found.weights > 0).all()
    assert (found.weights <= data.events.weights[places]).all()


@given(rows)
def test_the_matrix_holds_what_the_events_of_a_pair_add_up_to(events):
    want = np.array(
        [[max(left(events, u, i), 0) for i in range(N_ITEMS)] for u in range(N_USERS)], np.float32
    )
    data = dataset(events)
    matrix = data.matrix()
    assert matrix.dtype == np.float32
    assert matrix.has_canonical_format
    np.testing.assert_allclose(matrix.toarray(), want, rtol=1e-6)
    assert np.array_equal(data.matrix(binary=True).toarray(), want > 0)
    np.testing.assert_allclose(data.item_evidence, want.sum(axis=0), rtol=1e-6)
    assert data.item_people.tolist() == (want > 0).sum(axis=0).tolist()
    each = [sum(e[1] == item and counts(events, e) for e in events) for item in range(N_ITEMS)]
    assert data.item_counts.tolist() == each


def test_a_refund_takes_the_purchase_out_of_everything_that_is_learnt():
    data = dataset([(0, 1, 0, 1.0), (0, 2, 1, 1.0), (0, 1, 2, -2.0), (1, 1, 0, 0.5)])
    assert data.sequences.row(0).tolist() == [2]
    assert data.disliked.row(0).tolist() == [1]
    assert data.item_counts.tolist() == data.item_people.tolist() == [0, 1, 1, 0, 0, 0]
    assert data.matrix().toarray()[0].tolist() == [0, 0, 1, 0, 0, 0]


def test_people_are_counted_once_and_evidence_is_summed():
    data = dataset([(0, 1, 0, 1.0), (0, 1, 1, 1.0), (1, 1, 2, 0.5)])
    assert data.item_counts[1] == 3
    assert data.item_people[1] == 2
    assert data.item_evidence[1] == 2.5
    assert data.item_evidence.dtype == np.float64


def test_two_matrices_share_nothing():
    data = dataset([(0, 1, 0, 1.0), (0, 2, 1, 0.5)])
    data.matrix(binary=True).data[:] = 7
    assert data.matrix().toarray()[0, 1:3].tolist() == [1.0, 0.5]
    assert data.events.weights.tolist() == [1.0, 0.5]


@given(rows, st.integers(0, 6))
def test_with_events_keeps_who_and_what_and_sorts_again(events, moment):
    data = dataset(events).with_vectors("v", np.ones((N_ITEMS, 2), np.float32))
    earlier = data.with_events(data.events.take(data.events.times < moment))
    assert earlier.users is data.users
    assert earlier.catalog is data.catalog
    assert earlier.has_clock == data.has_clock
    assert list(earlier.vectors) == ["v"]
    want = dataset([e for e in events if e[2] < moment])
    assert np.array_equal(earlier.sequences.indptr, want.sequences.indptr)
    assert np.array_equal(earlier.sequences.values, want.sequences.values)


def test_building_again_in_any_order_of_users_is_the_same():
    events = [(u, i, t, 1.0) for u in range(N_USERS) for t, i in enumerate([3, 1, 2])]
    forward, backward = dataset(events), dataset(sorted(events, key=lambda e: -e[0]))
    assert np.array_equal(forward.sequences.values, backward.sequences.values)


def test_vectors_need_one_row_for_each_item_and_add_up():
    data = dataset([])
    both = data.with_vectors("a", np.zeros((N_ITEMS, 1), np.float32)).with_vectors(
        "b", np.zeros((N_ITEMS, 3), np.float32)
    )
    assert set(both.vectors) == {"a", "b"}
    assert data.vectors == {}
    with pytest.raises(ValueError, match="5 vectors of 'c' for 6 items"):
        data.with_vectors("c", np.zeros((5, 1), np.float32))


def test_no_events():
    data = dataset([])
    assert data.sequences.lengths.tolist() == [0] * N_USERS
    assert data.matrix().nnz == 0
    assert data.item_counts.tolist() == [0] * N_ITEMS
    assert len(Events.empty()) == 0


def test_events_from_columns_fill_in_what_is_left_out():
    events = Events.from_columns([3, 1], [0, 2])
    assert events.times.tolist() == [0.0, 1.0]
    assert events.weights.tolist() == [1.0, 1.0]
    assert events.types.tolist() == [0, 0]
    kinds = [events.users, events.items, events.types, events.times, events.weights]
    assert [k.dtype.name for k in kinds] == ["int64", "int64", "int64", "float64", "float32"]


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="equally long"):
        Events.from_columns([1, 2], [0])


def test_take_events_by_index_and_by_mask():
    events = Events.from_columns([3, 1, 2], [0, 2, 4], weights=[1, -1, 2])
    assert events.take(np.array([2, 0])).items.tolist() == [4, 0]
    assert events.take(events.weights > 0).users.tolist() == [3, 2]


def test_frames_are_empty_unless_filled():
    frames = Frames()
    assert frames.items is frames.events is frames.users is None
    assert frames.has_clock is False
    assert frames.note == ""
