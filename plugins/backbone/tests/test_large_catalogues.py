"""What the backbone does less of in a very large catalogue."""

import pytest
from crossrec_backbone.adaptation.adapter import AdapterConfig
from crossrec_backbone.relations.config import BehaviourConfig
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("n_items", "queries"),
    [(0, 6_000), (4_385, 6_000), (100_000, 6_000), (200_000, 3_000), (10_000_000, 1_000)],
)
def test_known_sizes(n_items, queries):
    assert AdapterConfig().queries_in(n_items) == queries


@given(st.integers(1, 9_000), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_larger_catalogue_never_holds_out_more(queries, one, other):
    config = AdapterConfig(queries=queries)
    small, large = sorted((one, other))
    assert config.queries_in(large) <= config.queries_in(small) <= queries
    assert config.queries_in(large) >= min(queries, 1_000)


@pytest.mark.parametrize(
    ("n_items", "kept"),
    [(0, 300), (4_385, 300), (100_000, 300), (400_000, 100), (10**9, 1)],
)
def test_pairs_kept_of_each_item_of_known_sizes(n_items, kept):
    assert BehaviourConfig().kept_in(n_items) == kept


@given(st.integers(1, 10**6), st.integers(1, 10**7))
def test_all_pairs_together_stay_within_the_limit(entries, n_items):
    config = BehaviourConfig(entries=entries)
    assert config.kept_in(n_items) == 1 or config.kept_in(n_items) * n_items <= entries
