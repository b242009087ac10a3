"""The judge of orders against ndcg written out as a loop."""

import math

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.ndcg import NdcgScorer, relevance
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_target_said_twice_counts_once():
    judge = NdcgScorer(np.array([[0, 1]]), Ragged.from_rows([[0, 0, 0]]))
    assert judge.gains(np.array([[2.0, 1.0]], np.float32)).tolist() == [1.0]


def test_the_same_judge_judges_again_and_again():
    judge = NdcgScorer(np.array([[0, 1, 2]]), Ragged.from_rows([[2]]))
    first = judge.gains(np.array([[3.0, 2.0, 1.0]], np.float32))
    assert judge.gains(np.array([[1.0, 2.0, 3.0]], np.float32)).tolist() == [1.0]
    assert judge.gains(np.array([[3.0, 2.0, 1.0]], np.float32)).tolist() == first.tolist()
    assert first[0] == pytest.approx(1 / math.log2(4))


def test_beyond_k_is_a_miss():
    index = np.arange(12)[None, :]
    falling = -np.arange(12, dtype=np.float32)[None, :]
    assert NdcgScorer(index, Ragged.from_rows([[9]])).gains(falling)[0] == pytest.approx(
        1 / math.log2(11)
    )
    assert NdcgScorer(index, Ragged.from_rows([[10]])).gains(falling)[0] == 0.0


def test_scores_at_padding_do_not_matter_and_nan_stands_last():
    judge = NdcgScorer(np.array([[4, 5, PAD]]), Ragged.from_rows([[5]]), k=1)
    assert judge.gains(np.array([[0.0, 1.0, 99.0]], np.float32)).tolist() == [1.0]
    assert judge.gains(np.array([[np.nan, -5.0, 0.0]], np.float32)).tolist() == [1.0]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (2, 0)])
def test_nothing_to_judge(shape):
    judge = NdcgScorer(np.full(shape, 1), Ragged.from_rows([[1]] * shape[0]))
    scores = np.zeros(shape, np.float32)
    assert judge.gains(scores).tolist() == [0.0] * shape[0]
    assert judge.mean(scores) == 0.0


def test_no_targets_gain_nothing():
    judge = NdcgScorer(np.array([[1, 2]]), Ragged.empty(1))
    assert judge.gains(np.array([[1.0, 2.0]], np.float32)).tolist() == [0.0]
