"""The union of sources against a second implementation in plain Python."""

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.pooling import build_pool
from hypothesis import given, settings
from hypothesis import strategies as st

N_ITEMS = 12
lists = st.lists(st.integers(0, N_ITEMS - 1), unique=True, max_size=7)


def listed(rows, scores):
    width = max(map(len, rows), default=0)
    index = np.array([row + [PAD] * (width - len(row)) for row in rows], dtype=np.int64)
    filled = [row + [-np.inf] * (width - len(row)) for row in scores]
    return Candidates(index.reshape(len(rows), width), np.array(filled).reshape(len(rows), width))


def naive_union(row_of_each, size):
    """Deal the lists' items in turn, like cards, until there are `size` different ones."""
    taken = []
    for rank in range(max(map(len, row_of_each), default=0)):
        for row in row_of_each:
            if rank < len(row) and row[rank] not in taken and len(taken) < size:
                taken.append(row[rank])
    return sorted(taken)


@settings(max_examples=150)
@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 15))
def test_equals_dealing_cards(data, n, n_sources, size):
    rows = [[data.draw(lists) for _ in range(n)] for _ in range(n_sources)]
    scores = [[[float(len(r) - at) for at in range(len(r))] for r in part] for part in rows]
    found = {f"s{at}": listed(rows[at], scores[at]) for at in range(n_sources)}
    pool = build_pool(found, size)
    for i in range(n):
        want = naive_union([part[i] for part in rows], size)
        assert pool.index[i][pool.index[i] != PAD].tolist() == want
        assert pool.index[i][: len(want)].tolist() == want
        for column, item in enumerate(want):
            for at in range(n_sources):
                row = rows[at][i]
                rank = row.index(item) if item in row else -1
                assert pool.ranks[i, column, at] == rank
                score = pool.scores[i, column, at]
                if rank < 0:
                    assert np.isnan(score)
                else:
                    assert score == scores[at][i][rank]
        assert (pool.ranks[i, len(want) :] == -1).all()
        assert np.isnan(pool.scores[i, len(want) :]).all()


@given(st.data(), st.integers(1, 8))
def test_a_query_has_the_same_pool_alone(data, size):
    rows = [[data.draw(lists) for _ in range(3)] for _ in range(2)]
    scores = [[[float(-at) for at in range(len(r))] for r in part] for part in rows]
    together = build_pool({"a": listed(rows[0], scores[0]), "b": listed(rows[1], scores[1])}, size)
    for i in range(3):
        one = build_pool(
            {"a": listed(rows[0][i : i + 1], scores[0][i : i + 1]),
             "b": listed(rows[1][i : i + 1], scores[1][i : i + 1])},
            size,
        )  # fmt: skip
        width = one.index.shape[1]
        assert together.index[i, :width].tolist() == one.index[0].tolist()
        assert np.array_equal(together.ranks[i, :width], one.ranks[0])
        assert np.array_equal(together.scores[i, :width], one.scores[0], equal_nan=True)


def test_the_order_of_sources_decides_only_who_is_cut():
    a, b = listed([[1, 2]], [[2.0, 1.0]]), listed([[3, 4]], [[2.0, 1.0]])
    assert build_pool({"a": a, "b": b}, 3).index.tolist() == [[1, 2, 3]]
    assert build_pool({"b": b, "a": a}, 3).index.tolist() == [[1, 3, 4]]
    assert build_pool({"b": b, "a": a}, 4).index.tolist() == [[1, 2, 3, 4]]


def test_padding_inside_a_row_is_no_candidate():
    a = Candidates(np.array([[PAD, 3, PAD, 1]]), np.array([[0.0, 2.0, 0.0, 1.0]], np.float32))
    pool = build_pool({"a": a}, 10)
    assert pool.index.tolist() == [[1, 3]]
    assert pool.scores[0, :, 0].tolist() == [1.0, 2.0]


def test_a_source_that_says_an_item_twice_is_taken_at_its_first_word():
    a = Candidates(np.array([[5, 2, 5]]), np.array([[9.0, 8.0, 1.0]], np.float32))
    pool = build_pool({"a": a}, 10)
    assert pool.index.tolist() == [[2, 5]]
    assert pool.ranks[0, :, 0].tolist() == [1, 0]
    assert pool.scores[0, :, 0].tolist() == [8.0, 9.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_no_score_but_a_finite_one_enters_the_pool(bad):
    own = Candidates(np.array([[1, 2]]), np.array([[bad, 1.0]]))
    full = Candidates(np.array([[1, 2]]), np.zeros((1, 2)), full=np.array([[0, bad, 1.0]]))
    wanted = Candidates(np.array([[1, 2]]), np.zeros((1, 2)))
    scorers = {"wanted": lambda index: np.where(index == 1, bad, 1.0)}
    pool = build_pool({"own": own, "full": full, "wanted": wanted}, 5, scorers)
    assert np.isnan(pool.scores[0, 0]).all()
    assert pool.scores[0, 1].tolist() == [1.0, 1.0, 1.0]
    assert pool.scores.dtype == np.float32
    assert np.isfinite(pool.mean).all()


def test_scorers_are_queried_only_where_there_is_no_full_row():
    def never(index):
        raise AssertionError("wanted")

    full = Candidates(np.array([[1]]), np.ones((1, 1)), full=np.array([[0.5, 1.0, 0.25]]))
    other = Candidates(np.array([[2]]), np.ones((1, 1)))
    pool = build_pool({"full": full, "other": other}, 5, {"full": never})
    assert pool.scores[0, :, 0].tolist() == [1.0, 0.25]


def test_given_statistics_are_those_of_the_catalog():
    mean, std = np.array([7.0], np.float32), np.array([2.0], np.float32)
    a = Candidates(np.array([[1, 2]]), np.array([[4.0, 2.0]], np.float32), mean=mean, std=std)
    pool = build_pool({"a": a}, 5)
    assert pool.mean.tolist() == [[7.0]]
    assert pool.std.tolist() == [[2.0]]
    half = Candidates(a.index, a.score, mean=mean)
    assert build_pool({"a": half}, 5).mean.tolist() == [[3.0]]


@pytest.mark.parametrize(("mean", "std"), [(np.nan, 1.0), (1.0, np.inf), (np.inf, np.nan)])
def test_statistics_that_are_no_numbers_are_not_believed(mean, std):
    given = {"mean": np.array([mean, 7.0]), "std": np.array([std, 2.0])}
    a = Candidates(np.array([[1, 2], [1, 2]]), np.array([[4.0, 2.0], [4.0, 2.0]]), **given)
    pool = build_pool({"a": a}, 5)
    assert pool.mean[:, 0].tolist() == [3.0, 7.0]
    assert pool.std[:, 0].tolist() == [1.0, 2.0]


def test_select_and_take():
    a, b = listed([[1], [2]], [[1.0], [1.0]]), listed([[3], [2]], [[1.0], [1.0]])
    pool = build_pool({"a": a, "b": b}, 5)
    only = pool.select(("b",))
    assert only.sources == ("b",)
    assert only.index is pool.index
    assert only.ranks[0].tolist() == [[-1], [0]]
    swapped = pool.select(("b", "a"))
    assert np.array_equal(swapped.ranks[:, :, ::-1], pool.ranks)
    last = pool.take(np.array([1]))
    assert last.index.tolist() == [[2, PAD]]
    assert len(last) == 1
    assert last.mean.shape == last.std.shape == (1, 2)


def test_an_empty_pool_has_neither_sources_nor_candidates():
    pool = Pool.empty(3)
    assert len(pool) == 3
    assert pool.sources == ()
    assert pool.index.shape == (3, 0)
    assert pool.scores.shape == pool.ranks.shape == (3, 0, 0)
    assert pool.mean.shape == pool.std.shape == (3, 0)
    assert pool.valid.shape == (3, 0)


def test_candidates_must_be_two_aligned_tables():
    with pytest.raises(ValueError, match="two-dimensional"):
        Candidates(np.array([1]), np.array([1.0]))
    with pytest.raises(ValueError, match="one shape"):
        Candidates(np.array([[1]]), np.array([[1.0, 2.0]]))
