"""Metrics against figures worked out by hand, and what must hold for any lists."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.evaluation.metrics import (
    MISS,
    ItemVectors,
    coverage,
    diversity,
    exposure,
    gini,
    head_items,
    mrr,
    ndcg,
    overlap,
    recall,
    target_ranks,
)
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st

N_ITEMS = 9


def lists_of(*rows: list[int]) -> np.ndarray:
    width = max((len(row) for row in rows), default=0)
    return np.array([row + [PAD] * (width - len(row)) for row in rows], dtype=np.int64).reshape(
        len(rows), width
    )


# Ranks


def test_ranks_are_places_from_zero_and_misses_are_misses():
    lists = lists_of([4, 2, 7], [1], [])
    targets = Ragged.from_rows([[7, 4, 5], [1], [3]])
    assert target_ranks(lists, targets, N_ITEMS).tolist() == [2, 0, MISS, 0, MISS]


def test_a_target_of_one_user_is_not_found_in_the_list_of_another():
    ranks = target_ranks(lists_of([0, 1], [2, 3]), Ragged.from_rows([[2], [0]]), N_ITEMS)
    assert ranks.tolist() == [MISS, MISS]


def test_of_a_repeated_item_the_first_place_counts():
    assert target_ranks(lists_of([5, 1, 5]), Ragged.from_rows([[5]]), N_ITEMS).tolist() == [0]


def test_the_last_item_of_the_catalog_is_no_neighbour_of_the_padding():
    # PAD of row 1 and item 8 of row 0 would share a key if padding took part.
    lists = lists_of([0, 1], [PAD, PAD])
    assert target_ranks(lists, Ragged.from_rows([[8], [0]]), N_ITEMS).tolist() == [MISS, MISS]


def test_no_lists_no_targets_and_lists_without_slots():
    assert target_ranks(np.zeros((0, 3), np.int64), Ragged.empty(0), N_ITEMS).tolist() == []
    empty = np.zeros((1, 0), np.int64)
    assert target_ranks(empty, Ragged.from_rows([[3]]), N_ITEMS).tolist() == [MISS]


# Recall, ndcg, mrr


def test_one_target_in_third_place():
    targets = Ragged.from_rows([[7]])
    ranks = np.array([2])
    assert recall(ranks, targets, 10).tolist() == [1.0]
    assert ndcg(ranks, targets, 10).tolist() == [0.5]  # 1 / log2(4)
    assert mrr(ranks, targets, 10).tolist() == [1 / 3]
    for metric in (recall, ndcg, mrr):
        assert metric(ranks, targets, 2).tolist() == [0.0]
        assert metric(ranks, targets, 3)[0] > 0


def test_several_targets_worked_by_hand():
    # Places 1 and 3 of three targets; the third is missed.
    targets = Ragged.from_rows([[0, 1, 2]])
    ranks = np.array([0, 2, MISS])
    gained = 1 / log2(2) + 1 / log2(4)
    assert recall(ranks, targets, 10)[0] == pytest.approx(2 / 3)
    assert ndcg(ranks, targets, 10)[0] == pytest.approx(
        gained / (1 / log2(2) + 1 / log2(3) + 1 / log2(4))
    )
    assert mrr(ranks, targets, 10)[0] == 1.0


def test_with_more_targets_than_places_the_ideal_fills_the_list_only():
    targets = Ragged.from_rows([[0, 1, 2, 3]])
    ranks = np.array([0, 1, MISS, MISS])
    assert ndcg(ranks, targets, 2)[0] == pytest.approx(1.0)
    assert recall(ranks, targets, 2)[0] == 0.5  # hits over all targets of the user


def test_mrr_takes_the_first_hit_whatever_the_order_of_the_targets():
    targets = Ragged.from_rows([[0, 1], [2, 3]])
    assert mrr(np.array([7, 3, MISS, MISS]), targets, 10).tolist() == [0.25, 0.0]


def test_slots_beyond_a_short_list_are_misses():
    targets = Ragged.from_rows([[3], [4]])
    ranks = target_ranks(lists_of([3], []), targets, N_ITEMS)
    assert recall(ranks, targets, 50).tolist() == [1.0, 0.0]


def test_counted_restricts_to_some_targets_and_drops_users_without_any():
    targets = Ragged.from_rows([[0, 1], [2], [3, 4]])
    ranks = np.array([0, MISS, 1, 4, 0])
    counted = np.array([False, True, False, True, True])
    assert recall(ranks, targets, 5, counted).tolist() == pytest.approx(
        [0.0, np.nan, 1.0], nan_ok=True
    )
    assert mrr(ranks, targets, 5, counted).tolist() == pytest.approx([0, np.nan, 1], nan_ok=True)
    second = (1 / log2(2) + 1 / log2(6)) / (1 + 1 / log2(3))
    assert ndcg(ranks, targets, 5, counted).tolist() == pytest.approx(
        [0.0, np.nan, second], nan_ok=True
    )


@st.composite
def lists_and_targets(draw: st.DrawFn) -> tuple[np.ndarray, Ragged]:
    """Lists of distinct items and distinct targets for a few users."""
    some = st.lists(st.integers(0, N_ITEMS - 1), unique=True, max_size=N_ITEMS)
    n = draw(st.integers(1, 5))
    lists = lists_of(*(draw(some) for _ in range(n)))
    targets = [draw(some.filter(len)) for _ in range(n)]
    return lists, Ragged.from_rows(targets)


@given(lists_and_targets(), st.integers(1, 10))
@settings(max_examples=120)
def test_metrics_equal_their_textbook_loops(case, k):
    lists, targets = case
    ranks = target_ranks(lists, targets, N_ITEMS)
    for user in range(len(targets)):
        shown = [item for item in lists[user].tolist() if item != PAD][:k]
        wanted = set(targets.row(user).tolist())
        hits = [place for place, item in enumerate(shown) if item in wanted]
        ideal = sum(1 / log2(place + 2) for place in range(min(k, len(wanted))))
        assert recall(ranks, targets, k)[user] == pytest.approx(len(hits) / len(wanted))
        gained = sum(1 / log2(place + 2) for place in hits)
        assert ndcg(ranks, targets, k)[user] == pytest.approx(gained / ideal)
        assert mrr(ranks, targets, k)[user] == pytest.approx(1 / (hits[0] + 1) if hits else 0)


@given(lists_and_targets(), st.integers(1, 9))
@settings(max_examples=80)
def test_values_lie_between_0_and_1_and_grow_with_k_where_they_must(case, k):
    lists, targets = case
    ranks = target_ranks(lists, targets, N_ITEMS)
    for metric in (recall, ndcg, mrr):
        values = metric(ranks, targets, k)
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    for metric in (recall, mrr):
        assert (metric(ranks, targets, k + 1) >= metric(ranks, targets, k)).all()


@given(lists_and_targets())
def test_a_list_that_starts_with_the_targets_is_perfect(case):
    _, targets = case
    lists = lists_of(*(targets.row(i).tolist() for i in range(len(targets))))
    ranks = target_ranks(lists, targets, N_ITEMS)
    for metric in (recall, ndcg, mrr):
        assert metric(ranks, targets, N_ITEMS).tolist() == pytest.approx([1.0] * len(targets))


# Coverage, Gini


def test_exposure_counts_lists_and_ignores_padding():
    assert exposure(lists_of([0, 2], [2]), 4).tolist() == [1, 0, 2, 0]
    assert exposure(lists_of([], []), 3).tolist() == [0, 0, 0]


def test_coverage_is_the_share_of_the_catalog_that_is_shown():
    assert coverage(np.array([3, 0, 1, 0])) == 0.5
    assert np.isnan(coverage(np.array([], dtype=np.int64)))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([2, 2, 2, 2], 0.0),
        ([0, 0, 0, 8], 0.75),  # (n - 1) / n
        ([1, 3], 0.25),  # mean absolute difference 1, over 2 · mean 2
        ([0, 1, 2, 3], 5 / 12),  # mean absolute difference 20/16, over 2 · mean 1.5
    ],
)
def test_gini_worked_by_hand(shown, expected):
    assert gini(np.array(shown)) == pytest.approx(expected)
    assert gini(np.array(shown[::-1])) == pytest.approx(expected)


def test_gini_of_nothing_shown_is_undefined():
    assert np.isnan(gini(np.zeros(4, dtype=np.int64)))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_gini_equals_the_mean_absolute_difference(shown):
    values = np.array(shown, dtype=float)
    expected = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert gini(np.array(shown)) == pytest.approx(expected, abs=1e-12)


# Overlap with popular


def test_overlap_is_the_share_of_the_list_that_the_reference_shows_too():
    lists = lists_of([1, 2, 3, 4], [5, 6], [])
    reference = lists_of([4, 9, 1, 8], [6, 5, 7], [1, 2])
    assert overlap(lists, reference, 10).tolist() == pytest.approx([0.5, 1.0, np.nan], nan_ok=True)


def test_overlap_does_not_look_into_other_users_references():
    assert overlap(lists_of([1], [2]), lists_of([2], [1]), 5).tolist() == [0.0, 0.0]


# Diversity


def unit(rows: list[list[float]]) -> ItemVectors:
    matrix = np.array(rows, dtype=np.float32)
    norm = np.linalg.norm(matrix, axis=1)
    matrix = matrix / np.where(norm > 0, norm, 1)[:, None]
    return ItemVectors(matrix, norm > 0, "test")


def test_diversity_worked_by_hand():
    vectors = unit([[1, 0], [0, 1], [1, 1], [0, 0]])
    half = 1 - 1 / np.sqrt(2)
    lists = lists_of([0, 1], [0, 2], [0, 1, 2], [0, 0])
    expected = [1.0, half, (1 + half + half) / 3, 0.0]
    assert diversity(lists, vectors).tolist() == pytest.approx(expected, abs=1e-6)


def test_items_without_a_vector_are_left_out_and_a_pair_is_needed():
    vectors = unit([[1, 0], [0, 1], [0, 0]])
    lists = lists_of([0, 2, 1], [0, 2], [1], [])
    expected = [1.0, np.nan, np.nan, np.nan]
    assert diversity(lists, vectors).tolist() == pytest.approx(expected, nan_ok=True)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_diversity_equals_the_loop_over_pairs(seed):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(N_ITEMS, 3)).tolist())
    row = rng.permutation(N_ITEMS)[:4]
    pairs = [
        1 - float(vectors.matrix[a] @ vectors.matrix[b])
        for i, a in enumerate(row)
        for b in row[i + 1 :]
    ]
    value = diversity(lists_of(row.tolist()), vectors)[0]
    assert value == pytest.approx(np.mean(pairs), abs=1e-5)


def test_vectors_come_first_then_categories_then_nothing(make_dataset):
    plain = make_dataset([(0, 0), (0, 1)])
    assert ItemVectors.of(plain) is None
    sorted_in = make_dataset([(0, 0), (0, 1)], categories=[("a", "b"), ("b", "b")], n_items=2)
    found = ItemVectors.of(sorted_in)
    assert found is not None
    assert found.basis == "categories"
    # {a, b} against {b}: cosine 1/√2.
    assert diversity(lists_of([0, 1]), found)[0] == pytest.approx(1 - 1 / np.sqrt(2), abs=1e-6)
    with_text = sorted_in.with_vectors("text", np.array([[2, 0], [0, 0]], np.float32))
    found = ItemVectors.of(with_text)
    assert found is not None
    assert found.basis == "the vectors of text"
    assert found.matrix.tolist() == [[1, 0], [0, 0]]
    assert found.filled.tolist() == [True, False]


def test_an_item_without_categories_has_no_vector(make_dataset):
    data = make_dataset([(0, 0)], n_items=3, categories=[("a",), (), ("c",)])
    found = ItemVectors.of(data)
    assert found is not None
    assert found.filled.tolist() == [True, False, True]
    assert diversity(lists_of([0, 1, 2]), found)[0] == pytest.approx(1.0)


# Long tail


def test_the_head_is_the_fewest_items_that_hold_half_of_the_events():
    assert head_items(np.array([1, 6, 0, 3, 2])).tolist() == [False, True, False, False, False]
    assert head_items(np.array([5, 1, 4, 1])).tolist() == [True, False, True, False]


def test_ties_of_the_head_go_by_index_and_unseen_items_are_tail():
    assert head_items(np.array([2, 2, 2, 2, 0])).tolist() == [True, True, False, False, False]
    assert head_items(np.zeros(3, dtype=np.int64)).tolist() == [False] * 3


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30))
def test_the_head_holds_half_and_is_minimal(counts):
    values = np.array(counts, dtype=np.int64)
    head = head_items(values)
    total = values.sum()
    assert values[head].sum() >= total / 2
    if head.any():
        assert values[head].sum() - values[head].min() < total / 2
        assert values[head].min() >= values[~head].max(initial=0)
