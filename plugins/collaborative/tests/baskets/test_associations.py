"""Pairs within baskets and the bound of their lift, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec_collaborative.baskets.associations import ItemGroups, PairTable, lowest_log_lift
from crossrec_collaborative.baskets.lines import lines_of_users
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def table_of(shop_of, users, n_items=5, largest=100):
    return PairTable.of(lines_of_users(shop_of(users, n_items), None, 6.0), n_items, largest)


def test_baskets_with_both_and_with_each(shop_of):
    table = table_of(shop_of, [[[0, 1], [0, 1, 2]], [[0], [3, 3]]])
    assert table.pairs.toarray()[:3, :3].tolist() == [[0, 2, 1], [2, 0, 1], [1, 1, 0]]
    assert table.singles.tolist() == [3, 2, 1, 1, 0]
    assert table.baskets == 4


def test_a_very_large_basket_tells_nothing_of_its_pairs(shop_of):
    table = table_of(shop_of, [[[0, 1, 2, 3], [0, 1]]], largest=3)
    assert table.pairs.nnz == 2
    assert table.singles.tolist() == [2, 2, 1, 1, 0], "its items were bought all the same"


BASKETS = st.lists(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), max_size=4), max_size=4
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=BASKETS, second=BASKETS)
def test_against_a_plain_loop_and_back(shop_of, first, second):
    one, two = table_of(shop_of, first), table_of(shop_of, second)
    both = table_of(shop_of, [*first, *second])
    wanted, singles = np.zeros((5, 5)), np.zeros(5)
    for baskets in [*first, *second]:
        for basket in baskets:
            for item in set(basket):
                singles[item] += 1
                for other in set(basket) - {item}:
                    wanted[item, other] += 1
    np.testing.assert_array_equal(both.pairs.toarray(), wanted)
    np.testing.assert_array_equal(both.singles, singles)
    for found, right in ((one.plus(two), both), (both.plus(two, -1), one)):
        np.testing.assert_array_equal(found.pairs.toarray(), right.pairs.toarray())
        np.testing.assert_array_equal(found.singles, right.singles)
        assert found.baskets == right.baskets


def bound(both, first, second, baskets, z=1.64):
    columns = (np.array([float(value)]) for value in (both, first, second))
    return float(lowest_log_lift(*columns, float(baskets), z)[0])


def test_the_estimate_is_the_lift():
    assert bound(10, 20, 50, 1000, z=0.0) == pytest.approx(np.log(10))
    assert bound(1, 20, 50, 1000, z=0.0) == pytest.approx(0.0)


def test_more_baskets_make_it_surer():
    """Thrice as often as by chance: no proof in 3 baskets, one in 300."""
    assert bound(3, 10, 100, 1000) < 0.4 < np.log(3)
    assert bound(300, 1000, 10_000, 100_000) > 0.95
    assert bound(2, 10, 100, 1000) < 0.0, "2 where 1 is chance may be chance"


def test_the_spread_is_that_of_simulated_counts():
    """The delta method against 20,000 draws of the four counts."""
    rng = np.random.default_rng(0)
    n, shares = 5_000, np.array([0.02, 0.04, 0.06, 0.88])
    draws = rng.multinomial(n, shares, size=20_000).astype(np.float64)
    both, first, second = draws[:, 0], draws[:, :2].sum(axis=1), draws[:, [0, 2]].sum(axis=1)
    lifts = lowest_log_lift(both, first, second, float(n), 0.0)
    mean = (n * 0.02, n * 0.06, n * 0.08, n)
    spread = bound(*mean, z=0.0) - bound(*mean, z=1.0)
    assert lifts.std() == pytest.approx(spread, rel=0.03)


def test_at_95_percent_about_one_pair_in_twenty_is_wrong():
    """Of items that meet by chance alone."""
    rng = np.random.default_rng(1)
    n = 2_000
    draws = rng.multinomial(n, [0.01, 0.09, 0.09, 0.81], size=20_000).astype(np.float64)
    both = np.maximum(draws[:, 0], 1)
    first, second = both + draws[:, 1], both + draws[:, 2]
    wrong = (lowest_log_lift(both, first, second, float(n), 1.64) > 0).mean()
    assert 0.04 < wrong < 0.07


def catalog_of(**columns):
    n = 4
    none = ("",) * n
    categories = columns.pop("categories", ((),) * n)
    ids = Vocabulary(f"i{i}" for i in range(n))
    return Catalog(ids, none, none, categories, none, np.ones(n, bool), columns)


def test_variants_share_the_product_of_the_first():
    """The main product may be named by its variants alone."""
    groups = ItemGroups.of(catalog_of(primary_product_id=(None, "i0", "g7", "g7")))
    first, second, third, fourth = groups.variants.tolist()
    assert first == second
    assert third == fourth
    assert first != third
    assert len(set(ItemGroups.of(catalog_of()).variants.tolist())) == 4


def test_leaves_are_the_last_categories():
    paths = (("Food", "Food > Dairy"), ("Food > Dairy",), ("Food",), ())
    leaves = ItemGroups.of(catalog_of(categories=paths)).leaves.tolist()
    assert leaves[0] == leaves[1] != leaves[2]
    assert leaves[3] == -1
