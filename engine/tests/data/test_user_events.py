"""The events of one user as aligned columns."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.data.user_events import UserEvents


def some() -> UserEvents:
    return UserEvents(
        ("a", "b", "a"),
        np.array([0, 2, 1]),
        np.array([np.nan, 3.0, 1.0]),
        np.array([1.0, -2.0, 0.5], np.float32),
        np.array([5.0, 6.0, 7.0]),
    )


def test_no_events() -> None:
    empty = UserEvents.empty()
    assert len(empty) == 0
    kinds = [empty.types, empty.values, empty.weights, empty.times]
    assert [kind.dtype.name for kind in kinds] == ["int64", "float64", "float32", "float64"]
    joined = empty.followed_by(some())
    assert joined.item_ids == some().item_ids
    assert joined.weights.dtype == np.float32


def test_one_event_of_weight_one_for_each_item() -> None:
    events = UserEvents.of_items(("x", "y", "x"), 3)
    assert events.item_ids == ("x", "y", "x")
    assert events.types.tolist() == [3, 3, 3]
    assert events.weights.tolist() == [1.0, 1.0, 1.0]
    assert events.times.tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(events.values).all()


def test_where_keeps_every_column_aligned() -> None:
    kept = some().where(np.array([True, False, True]))
    assert kept.item_ids == ("a", "a")
    assert kept.types.tolist() == [0, 1]
    assert kept.weights.tolist() == [1.0, 0.5]
    assert kept.times.tolist() == [5.0, 7.0]
    assert kept.values[1] == 1.0


def test_the_others_stand_behind() -> None:
    joined = some().followed_by(UserEvents.of_items(("z",)))
    assert joined.item_ids == ("a", "b", "a", "z")
    assert joined.times.tolist() == [5.0, 6.0, 7.0, 0.0]


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        UserEvents(("a",), np.zeros(2, np.int64), np.zeros(1), np.zeros(1, np.float32), np.zeros(1))
