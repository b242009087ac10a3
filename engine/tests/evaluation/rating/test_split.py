"""What is predicted is later than everything that is learnt from."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.data.dataset import Dataset
from crossrec.errors import DataError
from crossrec.evaluation.rating.split import scale_of, split_ratings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NONE = float("nan")
ROWS = [(at % 4, at % 3, float(at), 1.0 + at % 5) for at in range(20)]


def times_of(dataset: Dataset) -> list[float]:
    return sorted(dataset.events.times.tolist())


def test_two_cuts_in_time(rated) -> None:
    split = split_ratings(rated(ROWS), "temporal")
    assert times_of(split.train) == list(range(16))
    assert sorted(split.validation.times) == [16, 17]
    assert times_of(split.learnt) == list(range(18))
    assert sorted(split.test.times) == [18, 19]
    at = np.argsort(split.test.times)
    assert split.test.rows.users[at].tolist() == [2, 3]
    assert split.test.rows.ratings[at].tolist() == [4.0, 5.0]


def test_equal_times_stay_together(rated) -> None:
    rows = [(at, 0, float(at // 3 * 3), 3.0) for at in range(20)]
    split = split_ratings(rated(rows), "temporal")
    assert times_of(split.learnt)[-1] < split.test.times.min()
    assert len(split.learnt.events) + len(split.test) == 20


def test_events_without_a_rating_train_but_are_never_predicted(rated) -> None:
    rows = [*ROWS, (0, 1, 3.5, NONE), (0, 1, 18.5, NONE), (1, 1, 19.5, NONE)]
    split = split_ratings(rated(rows), "temporal")
    assert 3.5 in times_of(split.train)
    assert 18.5 not in times_of(split.learnt)
    assert sorted(split.test.times) == [18, 19]
    assert len(split.learnt.ratings) == 18


def test_the_last_two_of_each_user_without_a_clock(rated) -> None:
    rows = [(0, at, at, 3.0) for at in range(4)] + [(1, at, 9.0 + at, 4.0) for at in range(2)]
    split = split_ratings(rated(rows, clock=False), "leave-one-out")
    assert split.test.rows.items.tolist() == [3]
    assert split.validation.rows.items.tolist() == [2]
    assert split.train.events.items.tolist() == [0, 1, 0, 1]
    assert split.learnt.events.items.tolist() == [0, 1, 2, 0, 1]
    assert split.notes == ()
    assert split_ratings(rated(rows), "leave-one-out").notes


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 30), st.integers(1, 5)),
        min_size=20,
        max_size=60,
    ),
    st.sampled_from(["temporal", "leave-one-out"]),
)
def test_nothing_that_is_predicted_was_learnt(rated, rows, protocol) -> None:
    dataset = rated(rows)
    try:
        split = split_ratings(dataset, protocol)
    except DataError:
        return
    learnt = split.learnt.events
    for user, time in zip(split.test.rows.users, split.test.times, strict=True):
        own = learnt.times[learnt.users == user]
        assert (own <= time).all()
        if protocol == "temporal":
            assert (learnt.times < time).all()
    assert len(split.train.events) <= len(learnt) <= len(dataset.events) - len(split.test)


@pytest.mark.parametrize(
    ("rows", "protocol", "words"),
    [
        ([(0, 0, 1.0, 5.0)], "temporal", "too few distinct times"),
        ([(at, 0, 7.0, 5.0) for at in range(30)], "temporal", "too few distinct times"),
        ([(at, 0, float(at), 5.0) for at in range(9)], "leave-one-out", "three ratings or more"),
    ],
)
def test_too_little_to_split_is_said(rated, rows, protocol, words) -> None:
    with pytest.raises(DataError, match=words):
        split_ratings(rated(rows), protocol)


def test_no_clock_no_temporal_split(rated) -> None:
    with pytest.raises(DataError, match="--protocol leave-one-out"):
        split_ratings(rated(ROWS, clock=False), "temporal")


def test_no_ratings_at_all_are_said(rated) -> None:
    dataset = rated(ROWS)
    assert scale_of(dataset, "shop").high == 5
    with pytest.raises(DataError, match="no events with a rating"):
        scale_of(rated([(0, 0, 1.0, NONE)]), "shop")
    events = dataset.events
    bare = type(events)(events.users, events.items, events.types, events.times, events.weights)
    with pytest.raises(DataError, match="declares no event type whose value is a rating"):
        scale_of(dataset.with_events(bare), "shop")
