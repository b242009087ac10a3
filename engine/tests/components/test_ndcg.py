"""ndcg of pools and of single targets, against ndcg written out as a loop."""

import math

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.ndcg import (
    NdcgScorer,
    discount,
    relevance,
    target_gains,
    target_places,
)
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

N_ITEMS = 9


def naive_ndcg(items, scores, targets, k):
    """Order by score, sum the discounts of hits, divide by the best sum there could be."""
    ranked = sorted(zip(items, scores), key=lambda pair: -pair[1])
    found = [item for item, _ in ranked if item != PAD][:k]
    got = sum(1 / math.log2(place + 2) for place, item in enumerate(found) if item in targets)
    best = sum(1 / math.log2(place + 2) for place in range(min(k, len(targets))))
    return got / best if best else 0.0


pools = st.lists(st.integers(0, N_ITEMS - 1), unique=True, min_size=1, max_size=7)
wanted = st.lists(st.integers(0, N_ITEMS + 3), max_size=5)


@given(st.data(), st.integers(1, 4), st.integers(1, 12))
def test_equals_the_loop(data, n, k):
    rows = [data.draw(pools) for _ in range(n)]
    targets = [data.draw(wanted) for _ in range(n)]
    width = max(map(len, rows))
    index = np.array([row + [PAD] * (width - len(row)) for row in rows])
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    scores = rng.permutation(n * width).reshape(n, width).astype(np.float32)  # no ties
    got = NdcgScorer(index, Ragged.from_rows(targets), k).gains(scores)
    want = [naive_ndcg(i, s, set(t), k) for i, s, t in zip(index, scores, targets)]
    assert got.tolist() == pytest.approx(want)
    assert NdcgScorer(index, Ragged.from_rows(targets), k).mean(scores) == pytest.approx(
        np.mean(want)
    )


@given(st.data(), st.integers(1, 4))
def test_relevance_is_membership(data, n):
    rows = [data.draw(st.lists(st.integers(-1, N_ITEMS), min_size=4, max_size=4)) for _ in range(n)]
    targets = [data.draw(wanted) for _ in range(n)]
    got = relevance(np.array(rows), Ragged.from_rows(targets))
    want = [[item != PAD and item in target for item in row] for row, target in zip(rows, targets)]
    assert got.tolist() == want


def test_a_target_of_one_query_is_none_of_the_next():
    index = np.array([[0, 8], [0, 8]])
    assert relevance(index, Ragged.from_rows([[8], [0]])).tolist() == [[False, True], [True, False]]


def test_a_target_given_twice_counts_once():
    scorer = NdcgScorer(np.array([[0, 1]]), Ragged.from_rows([[0, 0, 0]]))
    assert scorer.gains(np.array([[2.0, 1.0]], np.float32)).tolist() == [1.0]


def test_the_same_scorer_scores_again_and_again():
    scorer = NdcgScorer(np.array([[0, 1, 2]]), Ragged.from_rows([[2]]))
    first = scorer.gains(np.array([[3.0, 2.0, 1.0]], np.float32))
    assert scorer.gains(np.array([[1.0, 2.0, 3.0]], np.float32)).tolist() == [1.0]
    assert scorer.gains(np.array([[3.0, 2.0, 1.0]], np.float32)).tolist() == first.tolist()
    assert first[0] == pytest.approx(1 / math.log2(4))


def test_beyond_k_is_a_miss():
    index = np.arange(12)[None, :]
    falling = -np.arange(12, dtype=np.float32)[None, :]
    assert NdcgScorer(index, Ragged.from_rows([[9]])).gains(falling)[0] == pytest.approx(
        1 / math.log2(11)
    )
    assert NdcgScorer(index, Ragged.from_rows([[10]])).gains(falling)[0] == 0.0


def test_scores_at_padding_do_not_matter_and_nan_stands_last():
    scorer = NdcgScorer(np.array([[4, 5, PAD]]), Ragged.from_rows([[5]]), k=1)
    assert scorer.gains(np.array([[0.0, 1.0, 99.0]], np.float32)).tolist() == [1.0]
    assert scorer.gains(np.array([[np.nan, -5.0, 0.0]], np.float32)).tolist() == [1.0]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (2, 0)])
def test_nothing_to_score(shape):
    scorer = NdcgScorer(np.full(shape, 1), Ragged.from_rows([[1]] * shape[0]))
    scores = np.zeros(shape, np.float32)
    assert scorer.gains(scores).tolist() == [0.0] * shape[0]
    assert scorer.mean(scores) == 0.0


def test_no_targets_gain_nothing():
    scorer = NdcgScorer(np.array([[1, 2]]), Ragged.empty(1))
    assert scorer.gains(np.array([[1.0, 2.0]], np.float32)).tolist() == [0.0]


def loop_place(scores, target):
    """Place of a target, candidate by candidate; equals count one half."""
    own = scores[target]
    if not np.isfinite(own):
        return np.inf
    others = [score for item, score in enumerate(scores) if item != target and np.isfinite(score)]
    return sum(1.0 if score > own else 0.5 if score == own else 0.0 for score in others)


@given(arrays(np.float32, (4, 6), elements=st.sampled_from([0.0, 1.0, 2.0, -np.inf, np.nan])))
def test_places_of_single_targets_against_a_loop(scores):
    targets = np.array([0, 2, 5, 3])
    want = [loop_place(row, target) for row, target in zip(scores, targets)]
    assert target_places(scores, targets).tolist() == want
    gains = [1 / math.log2(place + 2) if place < 10 else 0.0 for place in want]
    assert target_gains(scores, targets).tolist() == pytest.approx(gains)


def test_equal_scores_favour_no_column():
    same = np.ones((3, 5), dtype=np.float32)
    assert target_places(same, np.array([0, 2, 4])).tolist() == [2.0, 2.0, 2.0]


def test_gains_of_single_targets_by_hand():
    scores = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0], [5.0, 4.0, -np.inf]])
    want = [1 / math.log2(3), 1 / math.log2(2.5), 1 / math.log2(3)]
    assert target_gains(scores, np.array([2, 0, 1])).tolist() == pytest.approx(want)
    assert target_gains(np.arange(30.0)[None, :], np.array([19])).tolist() == [0.0]


def test_discounts_by_hand():
    places = np.array([0, 1, 9, 9.5, 10, np.inf])
    want = [1, 1 / math.log2(3), 1 / math.log2(11), 1 / math.log2(11.5), 0, 0]
    assert discount(places).tolist() == pytest.approx(want)
    assert discount(np.arange(3), 2).tolist() == pytest.approx([1, 1 / math.log2(3), 0])


def test_what_is_excluded_is_no_candidate():
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], np.float32)
    exclude = Ragged.from_rows([[0], [2]])
    assert target_places(scores, np.array([2, 2]), exclude).tolist() == [1.0, np.inf]
    assert scores[0, 0] == 3.0, "the scores are left as they are"
