"""The union of sources: who is in it, with which ranks, scores and statistics."""

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.pooling import build_pool
from crossrec.components.topk import top_k
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def listed(rows, scores=None, source=""):
    width = max(len(row) for row in rows)
    index = np.array([row + [PAD] * (width - len(row)) for row in rows])
    if scores is None:
        scores = [[float(width - at) for at in range(len(row))] for row in rows]
    filled = [row + [-np.inf] * (width - len(row)) for row in scores]
    return Candidates(index, np.array(filled, np.float32), source)


def test_union_of_two_sources_by_hand():
    pool = build_pool({"a": listed([[3, 1], [2]]), "b": listed([[1, 7], [2, 0]])}, 10)
    assert pool.index.tolist() == [[1, 3, 7], [0, 2, PAD]]
    assert pool.ranks[0].tolist() == [[1, 0], [0, -1], [-1, 1]]
    assert pool.ranks[1].tolist() == [[-1, 1], [0, 0], [-1, -1]]
    assert np.isnan(pool.scores[0, 2, 0])
    assert pool.scores[0, 0].tolist() == [1.0, 2.0]


def test_size_keeps_the_best_ranks_of_every_source():
    pool = build_pool({"a": listed([[1, 2, 3]]), "b": listed([[4, 5, 6]])}, 4)
    assert pool.index.tolist() == [[1, 2, 4, 5]]


def test_the_others_candidates_are_scored_through_full():
    full = np.array([[0.5, 4.0, 3.0, -np.inf]], np.float32)
    a = top_k(full.copy(), 1, source="a")
    pool = build_pool({"a": a, "b": listed([[2, 3]])}, 10)
    assert pool.index.tolist() == [[1, 2, 3]]
    assert pool.scores[0, :2, 0].tolist() == [4.0, 3.0]
    assert np.isnan(pool.scores[0, 2, 0])
    assert pool.mean[0, 0] == pytest.approx(2.5)


def test_the_others_candidates_are_scored_through_the_scorer():
    def doubled(index):
        return np.where(index == PAD, np.nan, index * 2.0).astype(np.float32)

    pool = build_pool({"a": listed([[1]]), "b": listed([[2, 3]])}, 10, {"a": doubled})
    assert pool.scores[0, :, 0].tolist() == [2.0, 4.0, 6.0]


def test_statistics_fall_back_to_the_pool():
    pool = build_pool({"a": listed([[1, 2]], [[4.0, 2.0]])}, 10)
    assert pool.mean[0, 0] == pytest.approx(3.0)
    assert pool.std[0, 0] == pytest.approx(1.0)


def test_no_candidates_at_all():
    pool = build_pool({"a": Candidates.empty(3), "b": Candidates.empty(3)}, 10)
    assert pool.index.shape == (3, 0)
    assert pool.scores.shape == (3, 0, 2)
    assert pool.mean.shape == (3, 2)


def test_no_queries_at_all():
    pool = build_pool({"a": Candidates.empty(0)}, 10)
    assert len(pool) == 0


rows = st.lists(
    st.lists(st.integers(0, 30), unique=True, max_size=8), min_size=3, max_size=3
).filter(lambda lists: any(lists))


@given(first=rows, second=rows, size=st.integers(1, 20))
def test_union_properties(first, second, size):
    pool = build_pool({"a": listed(first), "b": listed(second)}, size)
    for i in range(3):
        items = pool.index[i][pool.index[i] != PAD].tolist()
        either = set(first[i]) | set(second[i])
        assert items == sorted(set(items))
        assert set(items) <= either
        assert len(items) == min(size, len(either))
        for at, item in enumerate(items):
            want = [row.index(item) if item in row else -1 for row in (first[i], second[i])]
            assert pool.ranks[i, at].tolist() == want


@given(arrays(np.float32, (4, 12), elements=st.floats(-5, 5, width=32)), st.integers(1, 15))
def test_top_k_is_the_sorted_head(scores, k):
    want = np.sort(scores, axis=1)[:, ::-1][:, :k]
    got = top_k(scores.copy(), k)
    assert np.array_equal(got.score, want)
    assert np.array_equal(np.take_along_axis(scores, got.index, axis=1), want)


def test_top_k_leaves_out_nan_excluded_and_low_scores():
    from crossrec.numeric.ragged import Ragged

    scores = np.array([[5.0, np.nan, 3.0, 0.0], [1.0, 2.0, 3.0, 4.0]], np.float32)
    got = top_k(scores, 3, Ragged.from_rows([[0], [0, 1, 2, 3]]), minimum=0.0)
    assert got.index.tolist() == [[2], [PAD]]
    assert got.row(1).tolist() == []
    assert got.score[1, 0] == -np.inf


def test_top_k_breaks_ties_by_index():
    got = top_k(np.zeros((1, 6), np.float32), 6)
    assert got.index.tolist() == [[0, 1, 2, 3, 4, 5]]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(1, 12))
def test_top_k_lets_the_lowest_index_win_at_the_edge(values, k):
    scores = np.array([values], dtype=np.float32)
    want = sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]
    assert top_k(scores.copy(), k).row(0).tolist() == want
