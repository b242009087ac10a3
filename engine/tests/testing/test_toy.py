"""The toys are what they promise: known right answers, read-only, odd where real data is odd."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.testing import toy as toys
from crossrec.testing.larder import larder


@pytest.mark.parametrize("size", [8, 16, 40])
@pytest.mark.parametrize("clock", [True, False])
def test_everybody_of_the_same_kind_but_the_user_has_the_withheld_item(
    size: int, clock: bool
) -> None:
    toy = toys.checkerboard(size, clock=clock)
    matrix = toy.dataset.matrix(binary=True).toarray()
    expected = (np.arange(size)[:, None] % 2 == np.arange(size) % 2).astype(float)
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(matrix, expected)
    np.testing.assert_array_equal(toy.withheld, np.arange(size))
    assert toy.dataset.has_clock is clock
    assert (toy.queries.now is not None) is clock


def test_the_withheld_item_follows_upon_the_last_one() -> None:
    toy = toys.checkerboard(12)
    assert toy.queries.history.row(3).tolist() == [5, 7, 9, 11, 1]
    followers = [
        row[np.flatnonzero(row == 1)[0] + 1]
        for row in (toy.queries.history.row(user) for user in range(1, 12, 2))
        if 1 in row[:-1]
    ]
    assert set(followers) == {3}


def test_no_item_is_more_popular_than_another_at_any_time() -> None:
    dataset = toys.checkerboard(12).dataset
    assert set(dataset.item_counts.tolist()) == {5}
    for time in np.unique(dataset.events.times):
        at = dataset.events.items[dataset.events.times == time]
        assert len(np.unique(at)) == dataset.n_items


def test_queries_come_after_the_events_and_exclude_the_history() -> None:
    for toy in (toys.checkerboard(12), toys.shop()):
        assert toy.queries.now is not None
        assert (toy.queries.now > toy.dataset.events.times.max()).all()
        np.testing.assert_array_equal(toy.queries.exclude.values, toy.queries.history.values)


@pytest.mark.parametrize("size", [0, 6, 9])
def test_a_board_of_odd_or_too_small_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="even size of 8 or more"):
        toys.checkerboard(size)


def test_the_shop_has_what_real_data_has() -> None:
    toy = toys.shop()
    dataset = toy.dataset
    assert dataset.sequences.row(9).tolist() == []
    assert dataset.sequences.row(8).tolist() == [11]
    assert dataset.sequences.row(0).tolist() == [1, 2, 3, 4, 1]
    assert dataset.disliked.row(0).tolist() == [6]
    assert dataset.item_counts[10] == 0
    assert not dataset.catalog.known[11]
    assert dataset.catalog.texts[11] == ""
    assert dataset.catalog.texts[10] == "Crème brûlée torch 🔥. kitchen tools. Voltary"
    assert dataset.catalog.attributes["price"][0] == 14.9


def test_withheld_items_of_the_shop_are_of_the_users_shelf() -> None:
    toy = toys.shop()
    for user in range(8):
        shelf = toy.groups[toy.queries.history.row(user)]
        assert (shelf == toy.groups[toy.withheld[user]]).sum() >= 4
        assert toy.withheld[user] not in toy.queries.history.row(user)
    assert toy.withheld[8:].tolist() == [-1, -1]


@pytest.mark.parametrize("make", [toys.checkerboard, toys.shop])
def test_nothing_of_a_toy_can_be_changed_by_mistake(make: object) -> None:
    toy = make()  # type: ignore[operator]
    events = toy.with_vectors("v").dataset.events
    for name in ("users", "items", "times", "weights"):
        column = getattr(toys.checkerboard().dataset.events, name)
        assert len(column) > 0
        assert getattr(events, name).dtype == column.dtype
    with pytest.raises(ValueError, match="read-only"):
        toy.dataset.events.weights[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        toy.with_vectors("v").dataset.vectors["v"][0, 0] = 5


def test_vectors_follow_the_groups() -> None:
    toy = toys.shop().with_vectors("v")
    vectors = toy.dataset.vectors["v"]
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[:11], 1, atol=1e-6)
    assert lengths[11] == 0
    cosine = vectors @ vectors.T
    assert cosine[0, 1] > 0.9 > cosine[0, 5]


def test_a_batch_of_unknown_users() -> None:
    toy = toys.shop()
    queries = toys.batch([[1, 2], []], toy.queries, exclude=[[], [3]])
    assert queries.users.tolist() == [-1, -1]
    assert queries.exclude.row(1).tolist() == [3]
    assert queries.now is not None
    assert queries.now.tolist() == [toy.queries.now.max()] * 2  # type: ignore[union-attr]
    assert toys.batch([[1]], toys.shop(clock=False).queries).now is None


def test_reviews_of_the_shop_follow_the_tastes_of_its_users():
    shop = toys.with_reviews(toys.shop().with_vectors("e"), "e")
    events = shop.dataset.events
    assert events.reviews.scale.neutral == 3.0
    fans = shop.withheld[events.users] >= 0
    liked = shop.groups[events.items] == shop.groups[np.maximum(shop.withheld[events.users], 0)]
    assert (events.reviews.ratings[fans & liked] >= 4).all()
    assert (events.reviews.ratings[fans & ~liked] <= 2).all()
    assert (events.reviews.ratings[~fans] == 3).all()
    vectors = events.reviews.vectors["e"]
    assert np.corrcoef(vectors[:, 0], events.reviews.ratings)[0, 1] > 0.8
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    assert not vectors.flags.writeable
    assert len(set(events.reviews.texts)) == len(events)


def test_reviews_need_no_vectors():
    shop = toys.with_reviews(toys.shop())
    assert not shop.dataset.events.reviews.vectors
    assert shop.queries is not None
    assert toys.shop().dataset.events.reviews is None


@pytest.mark.parametrize("clock", [True, False])
def test_the_larder_has_one_thing_that_is_due(clock: bool) -> None:
    toy = larder(clock=clock)
    events, now = toy.dataset.interactions, toy.queries.now
    assert len(toy.queries.exclude.values) == 0
    assert toy.dataset.has_clock is clock
    assert (now is not None) is clock
    for user, due in enumerate(toy.withheld.tolist()):
        own = events.take(events.users == user)
        assert set(own.items.tolist()) == {due, (due + 1) % 12}
        assert np.bincount(own.items).max() == 6
        if now is None:
            continue
        for item, share in ((due, 1.0), ((due + 1) % 12, 0.2)):
            days = own.times[own.items == item] / 86_400.0
            interval = 5.0 + 2.0 * item
            np.testing.assert_allclose(np.diff(days), interval)
            assert now[user] / 86_400.0 - days[-1] == pytest.approx(share * interval)
