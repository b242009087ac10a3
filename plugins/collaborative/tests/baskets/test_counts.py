"""What is counted over baskets, by hand and against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec_collaborative.baskets.counts import BasketCounts
from crossrec_collaborative.baskets.lines import lines_of_users
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BASKETS = st.lists(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), max_size=4), max_size=4
)
same = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def counts_of(shop_of, users, n_items=5, decay=0.5):
    return BasketCounts.of(lines_of_users(shop_of(users, n_items), None, 6.0), n_items, decay)


def test_a_small_shop_by_hand(shop_of):
    """Milk 0 and bread 1, then milk and eggs 2; another user buys milk once."""
    counts = counts_of(shop_of, [[[0, 1], [0, 2]], [[0]]])
    assert counts.pairs.toarray()[:3, :3].tolist() == [[1, 0, 1], [1, 0, 1], [0, 0, 0]]
    assert counts.starts.tolist() == [1, 1, 0, 0, 0]
    assert counts.popular.tolist() == [2.5, 0.5, 1, 0, 0]
    assert counts.chances.tolist() == [1, 1, 0, 0, 0]
    assert counts.returns.tolist() == [1, 0, 0, 0, 0]
    assert counts.people.tolist() == [2, 1, 1, 0, 0]


def test_what_comes_back_more_often_has_the_higher_rate(shop_of):
    users = [[[0, 1], [0], [0]] for _ in range(50)]
    rates = counts_of(shop_of, users).rates
    assert rates[0] > 1.2 > 0.8 > rates[1]
    assert rates[3] == pytest.approx(1.0), "nothing is known of it"
    assert counts_of(shop_of, [[[0], [1]]]).rates.tolist() == [1.0] * 5, "nothing comes back"


def test_the_relation_is_the_share_of_baskets_that_a_follower_comes_after(shop_of):
    users = [[[0], [1]], [[0], [1]], [[0], [2]]]
    relation = counts_of(shop_of, users).relation(1.0, 50)
    assert relation.rows(np.array([0]))[1].tolist() == [2]
    assert dict(zip(relation.indices.tolist(), relation.data.tolist())) == {1: 0.5, 2: 0.25}
    only = counts_of(shop_of, users).relation(1.0, 1)
    assert only.indices.tolist() == [1]


@same
@given(users=BASKETS)
def test_against_a_plain_loop(shop_of, users):
    counts = counts_of(shop_of, users)
    pairs, starts, popular = np.zeros((5, 5)), np.zeros(5), np.zeros(5)
    chances, returns, people = np.zeros(5), np.zeros(5), np.zeros(5)
    for baskets in users:
        had = set()
        for at, basket in enumerate(baskets):
            for item in set(basket):
                popular[item] += 0.5 ** (len(baskets) - 1 - at)
                returns[item] += item in had
                if item not in had:
                    people[item] += 1
                    chances[item] += len(baskets) - 1 - at
                if at + 1 < len(baskets):
                    starts[item] += 1
                    for follower in set(baskets[at + 1]):
                        pairs[item, follower] += 1
            had |= set(basket)
    np.testing.assert_array_equal(counts.pairs.toarray(), pairs)
    for name, wanted in (
        ("starts", starts), ("popular", popular), ("chances", chances),
        ("returns", returns), ("people", people),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(counts, name), wanted, err_msg=name)


@same
@given(first=BASKETS, second=BASKETS)
def test_counts_add_up_and_can_be_taken_away(shop_of, first, second):
    one, two = counts_of(shop_of, first), counts_of(shop_of, second)
    both = counts_of(shop_of, [*first, *second])
    for found, wanted in ((one.plus(two), both), (both.plus(two, -1), one)):
        for name, values in wanted.arrays().items():
            np.testing.assert_allclose(found.arrays()[name], values, atol=1e-9, err_msg=name)


def test_new_items_join(shop_of):
    few = counts_of(shop_of, [[[0], [1]]], n_items=2)
    many = counts_of(shop_of, [[[0], [4]]])
    assert few.plus(many).pairs.toarray()[0].tolist() == [0, 1, 0, 0, 1]
    assert few.plus(many).people.tolist() == [2, 1, 0, 0, 1]
