"""Which features an item has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from crossrec.data.catalog import Catalog
from crossrec_lightfm.features import ItemFeatures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[[Sequence[dict[str, object]]], Catalog]


def named(features: ItemFeatures, item: int) -> list[str]:
    return [features.names[at] for at in features.rows.row(item)]


def test_words_categories_and_maker_that_items_share(catalog_of: Make) -> None:
    catalog = catalog_of(
        [
            {"title": "Red pan", "categories": ["kitchen"], "brand": "Acme"},
            {"title": "red pot", "categories": ["kitchen"], "brand": "Rouge"},
            {"title": "saw", "categories": ["tools"], "brand": "Acme"},
            {"title": "drill", "categories": ["tools"]},
            {"title": "lamp"},
        ]
    )
    features = ItemFeatures.of(catalog, 100)
    assert sorted(features.names) == ["Acme", "kitchen", "kitchen", "red", "tools", "tools"]
    assert sorted(named(features, 0)) == ["Acme", "kitchen", "kitchen", "red"]
    assert sorted(named(features, 3)) == ["tools", "tools"]
    assert named(features, 4) == []


def test_what_one_item_or_most_items_have_is_no_feature(catalog_of: Make) -> None:
    titles = ["thing alpha", "thing alpha", "thing beta", "thing gamma", "thing delta"]
    features = ItemFeatures.of(catalog_of([{"title": title} for title in titles]), 100)
    assert features.names == ("alpha",)


def test_the_most_frequent_stay_and_come_first(catalog_of: Make) -> None:
    titles = ["aa bb", "aa bb", "aa", "cc", "cc", "dd", "ee", "ff"]
    catalog = catalog_of([{"title": title} for title in titles])
    assert ItemFeatures.of(catalog, 100).names == ("aa", "bb", "cc")
    assert ItemFeatures.of(catalog, 2).names == ("aa", "bb")
    assert ItemFeatures.of(catalog, 0).names == ()


def test_any_script_is_words(catalog_of: Make) -> None:
    titles = ["Crème brûlée", "crème caramel", "東京 ラーメン", "東京 寿司", "x", "y_z"]
    features = ItemFeatures.of(catalog_of([{"title": title} for title in titles]), 100)
    assert set(features.names) == {"crème", "東京"}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["aa", "bb", "cc", "dd"]), max_size=4), max_size=8))
def test_rows_of_the_matrix_weigh_one_in_all(catalog_of: Make, rows: list[list[str]]) -> None:
    catalog = catalog_of([{"title": " ".join(row)} for row in rows])
    features = ItemFeatures.of(catalog, 100)
    matrix = features.matrix()
    assert matrix.shape == (len(rows), len(features.names))
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    for at, row in enumerate(rows):
        kept = set(row) & set(features.names)
        assert sorted(named(features, at)) == sorted(kept)
        assert np.isclose(sums[at], 1.0 if kept else 0.0)
