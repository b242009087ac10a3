"""`mmr` and `dpp`: by their definitions, on vectors and on sets of values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.evaluation.metrics import ItemVectors, diversity
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.lists.dpp import Dpp, DppConfig, greedy_map
from crossrec_policies.lists.mmr import Mmr, MmrConfig, marginal
from crossrec_policies.lists.similarity import similarity_rows
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

GENRES = [["drama"], ["drama"], ["drama", "crime"], ["comedy"], []]
ROWS: list[dict[str, Any]] = [{"categories": genres} for genres in GENRES]
SCORES = [1.0, 0.95, 0.9, 0.85, 0.8]


def unit_rows(n: int, dim: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def ild(ranked: Ranked, rows: NDArray[np.float32], k: int) -> float:
    vectors = ItemVectors(rows, np.ones(len(rows), dtype=bool), "test")
    return float(diversity(ranked.index[None, :k], vectors)[0])


def test_sets_are_compared_by_their_cosine() -> None:
    rows = similarity_rows(request_on(ROWS), np.arange(5))
    assert rows is not None
    half = 1 / np.sqrt(2)
    np.testing.assert_allclose((rows @ rows.T)[0], [1, 1, half, 0, 0], rtol=1e-6)
    np.testing.assert_allclose((rows @ rows.T)[2], [half, half, 1, 0, 0], rtol=1e-6)
    assert similarity_rows(request_on(ROWS), np.array([4])) is None
    assert similarity_rows(request_on([{"title": "a"}]), np.arange(1)) is None


def test_vectors_go_before_categories_and_a_named_field_before_both() -> None:
    vectors = np.eye(5, dtype=np.float32)
    context = request_on(ROWS, read_vectors=lambda: vectors)
    np.testing.assert_array_equal(similarity_rows(context, np.array([3, 1])), vectors[[3, 1]])
    named = similarity_rows(context, np.arange(5), "categories")
    assert named is not None
    assert named.shape == (5, 3)


def test_mmr_takes_what_is_unlike_the_places_before() -> None:
    policy = Mmr(MmrConfig(relevance=0.7))
    after = policy.apply(pool_of(5, SCORES), request_on(ROWS, k=3))
    assert after.index.tolist() == [0, 3, 4, 1, 2]
    assert in_short(after.changes) == [(3, "moved", "more_various"), (4, "moved", "more_various")]
    assert after.changes[0].values == {"from": 4, "to": 2}
    words = in_english("more_various", after.changes[0].values)
    assert words == "moved from place 4 to 2, for variety"


def test_dpp_takes_what_makes_the_list_various() -> None:
    after = Dpp(DppConfig(theta=0.3)).apply(pool_of(5, SCORES), request_on(ROWS, k=3))
    assert set(after.index[:3].tolist()) == {0, 3, 4}
    assert sorted(after.index.tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("policy", [Mmr(MmrConfig(relevance=1)), Dpp(DppConfig(theta=0.999))])
def test_with_all_weight_on_relevance_the_order_stays(policy: Any) -> None:
    after = policy.apply(pool_of(5, SCORES), request_on(ROWS, k=5))
    assert after.index.tolist() == [0, 1, 2, 3, 4]
    assert after.changes == ()


@pytest.mark.parametrize("policy", [Mmr(), Dpp()])
def test_where_nothing_is_known_of_the_items_nothing_moves(policy: Any) -> None:
    pool = pool_of(3)
    assert policy.apply(pool, request_on([{"title": "x"}] * 3)) is pool
    assert policy.apply(pool_of(0), request_on(ROWS)).index.tolist() == []


@pytest.mark.parametrize("policy", [Mmr(MmrConfig(head=3)), Dpp(DppConfig(head=3))])
def test_what_stands_behind_the_head_stays_there(policy: Any) -> None:
    after = policy.apply(pool_of(5, SCORES), request_on(ROWS, k=5))
    assert after.index[3:].tolist() == [3, 4]


@pytest.mark.parametrize("policy", [Mmr(MmrConfig(relevance=0.5)), Dpp(DppConfig(theta=0.5))])
def test_more_variety_than_the_order_of_the_scores(policy: Any) -> None:
    """Thirty items in three tight groups, the best ten of one group."""
    centre = np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], 10)]
    rows = centre + 0.05 * unit_rows(30, 3, 1)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    context = request_on([{"title": "x"}] * 30, k=6, read_vectors=lambda: rows)
    before = pool_of(30)
    after = policy.apply(before, context)
    assert ild(after, rows, 6) > 5 * ild(before, rows, 6)
    assert len({item // 10 for item in after.index[:6].tolist()}) == 3


@given(st.integers(1, 12), st.integers(1, 4), st.floats(0, 1), st.integers(0, 50))
def test_mmr_by_its_definition(n: int, dim: int, relevance: float, seed: int) -> None:
    rows = unit_rows(n, dim, seed)
    score = np.sort(np.random.default_rng(seed + 1).random(n))[::-1]
    chosen = marginal(score.copy(), rows, relevance, n).tolist()
    assert sorted(chosen) == list(range(n))
    for step in range(1, n):
        left = [at for at in range(n) if at not in chosen[:step]]
        similar = (rows[left] @ rows[chosen[:step]].T).max(axis=1)
        value = relevance * score[left] - (1 - relevance) * similar
        assert value[left.index(chosen[step])] >= value.max() - 1e-6


@given(st.integers(1, 9), st.integers(3, 6), st.floats(0, 0.9), st.integers(0, 50))
def test_dpp_by_determinants(n: int, dim: int, theta: float, seed: int) -> None:
    """Each step has the largest determinant that one more item can give."""
    rows = unit_rows(n, dim, seed)
    score = np.random.default_rng(seed + 1).random(n)
    quality = np.exp(theta / (2 * (1 - theta)) * (score - score.max()))
    kernel = 0.95 * np.outer(quality, quality) * (1 + rows @ rows.T) / 2
    np.fill_diagonal(kernel, quality**2)
    chosen = greedy_map(quality, rows, n).tolist()
    assert len(set(chosen)) == len(chosen)
    for step in range(len(chosen)):
        before = chosen[:step]

        def determinant(at: int, before: list[int] = before) -> float:
            part = [*before, at]
            return float(np.linalg.det(kernel[np.ix_(part, part)]))

        best = max(determinant(at) for at in range(n) if at not in before)
        assert determinant(chosen[step]) >= best * (1 - 1e-5)


def test_dpp_takes_a_second_item_of_the_same_kind_where_it_is_good_enough() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    various = np.array([1.0, 1.0, 0.9])
    assert greedy_map(various, rows, 3).tolist() == [0, 2, 1]
    relevant = np.array([1.0, 1.0, 0.1])
    assert greedy_map(relevant, rows, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("config", "wrong"),
    [(MmrConfig, {"relevance": 2}), (MmrConfig, {"head": 1}), (DppConfig, {"theta": 1})],
)
def test_settings_are_checked(config: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        config(**wrong)
