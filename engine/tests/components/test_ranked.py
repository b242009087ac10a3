"""A ranked pool as arrays: what policies take out of it, weigh down and record."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.ranked import PolicyChange, Ranked
from hypothesis import given
from hypothesis import strategies as st


def pool(*items: int, changes: tuple[PolicyChange, ...] = ()) -> Ranked:
    n = len(items)
    scores = np.linspace(1.0, 0.1, n) if n else np.zeros(0)
    return Ranked(np.array(items, dtype=np.int64), scores, np.ones(n), changes)


EARLIER = PolicyChange(9, "dropped", "seen", policy="before")


def test_a_pool_that_nothing_was_done_to() -> None:
    ranked = Ranked.of(np.array([4, 2]), np.array([1.0, 0.5]))
    assert len(ranked) == 2
    assert ranked.propensity.tolist() == [1.0, 1.0]
    assert ranked.changes == ()


def test_its_arrays_are_read_only_and_the_callers_are_not() -> None:
    index = np.array([4, 2])
    ranked = Ranked.of(index, np.array([1.0, 0.5]))
    for name in ("index", "score", "propensity"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(ranked, name)[0] = 0
    index[0] = 7


@pytest.mark.parametrize(
    ("index", "score"),
    [([1, 2], [1.0]), ([[1]], [[1.0]]), ([1], [[1.0]])],
)
def test_columns_must_be_flat_and_equally_long(index, score) -> None:
    with pytest.raises(ValueError, match="flat and equally long"):
        Ranked.of(np.array(index), np.array(score))


def test_take_by_places_and_by_mask_keeps_columns_and_changes() -> None:
    ranked = pool(5, 3, 8, changes=(EARLIER,))
    moved = ranked.take(np.array([2, 0]), PolicyChange(8, "moved", "first"))
    assert moved.index.tolist() == [8, 5]
    assert moved.score.tolist() == pytest.approx([0.1, 1.0])
    assert moved.changes == (EARLIER, PolicyChange(8, "moved", "first"))
    assert ranked.take(np.array([False, True, True])).index.tolist() == [3, 8]


def test_without_records_every_drop_with_its_numbers() -> None:
    left = pool(5, 3, 8, changes=(EARLIER,)).without(
        np.array([True, False, True]), "too_dear", [{"price": 9}, {"price": 7}]
    )
    assert left.index.tolist() == [3]
    assert left.changes == (
        EARLIER,
        PolicyChange(5, "dropped", "too_dear", {"price": 9}),
        PolicyChange(8, "dropped", "too_dear", {"price": 7}),
    )


def test_without_nothing_is_the_pool_itself() -> None:
    ranked = pool(5, 3)
    assert ranked.without(np.zeros(2, dtype=bool), "hidden") is ranked


def test_one_reason_for_each_drop_or_none_at_all() -> None:
    bare = pool(5, 3).without(np.array([True, True]), "hidden")
    assert [dict(change.values) for change in bare.changes] == [{}, {}]
    with pytest.raises(ValueError, match="zip"):
        pool(5, 3).without(np.array([True, True]), "hidden", [{}])


def test_weighed_orders_anew_and_names_only_what_loses() -> None:
    ranked = Ranked.of(np.array([5, 3, 8]), np.array([1.0, 0.9, 0.8]))
    weighed = ranked.weighed(np.array([0.5, 1.0, 0.9]), "seen_lately")
    assert weighed.index.tolist() == [3, 8, 5]
    assert weighed.score.tolist() == pytest.approx([0.9, 0.72, 0.5])
    assert weighed.changes == (
        PolicyChange(5, "demoted", "seen_lately", {"factor": 0.5}),
        PolicyChange(8, "demoted", "seen_lately", {"factor": 0.9}),
    )


def test_of_what_weighs_nearly_everything_only_the_first_places_are_recorded() -> None:
    ranked = Ranked.of(np.array([5, 3, 8, 9]), np.array([1.0, 0.9, 0.8, 0.7]))
    weighed = ranked.weighed(
        np.array([0.1, 0.5, 0.9, 0.9]), "older", first=1, values=lambda at: {"place": at}
    )
    assert weighed.index.tolist() == [8, 9, 3, 5]
    assert weighed.changes == (
        PolicyChange(5, "demoted", "older", {"factor": 0.1, "place": 0}),
        PolicyChange(8, "demoted", "older", {"factor": 0.9, "place": 2}),
    )


def test_equal_scores_keep_their_order() -> None:
    ranked = Ranked.of(np.array([5, 3, 8]), np.array([0.5, 0.5, 1.0]))
    assert ranked.weighed(np.array([1.0, 1.0, 0.5]), "x").index.tolist() == [5, 3, 8]


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=12))
def test_whatever_is_done_the_columns_stay_aligned(rows) -> None:
    n = len(rows)
    ranked = Ranked.of(np.arange(n) * 3, np.linspace(1, 0, n))
    scores = dict(zip(ranked.index.tolist(), ranked.score.tolist(), strict=True))
    dropped = np.array([gone for gone, _ in rows], dtype=bool)
    left = ranked.without(dropped, "gone")
    assert {change.item for change in left.changes} == set(ranked.index[dropped].tolist())
    factors = np.array([factor for gone, factor in rows if not gone])
    weighed = left.weighed(factors, "down")
    by_item = dict(zip(left.index.tolist(), factors.tolist(), strict=True))
    assert sorted(weighed.index.tolist()) == sorted(left.index.tolist())
    assert (np.diff(weighed.score) <= 0).all()
    for item, score in zip(weighed.index.tolist(), weighed.score.tolist(), strict=True):
        assert score == scores[item] * by_item[item]
