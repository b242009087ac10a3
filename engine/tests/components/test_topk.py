"""The best k of dense scores, against sorting a list of pairs."""

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.topk import moments_with_zeros, top_k, top_sums
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st

value = st.one_of(
    st.integers(-3, 3).map(float), st.sampled_from([float("nan"), float("inf"), -float("inf")])
)


def naive(scores, k, exclude=(), minimum=-np.inf):
    """Sort (−score, index) of what is finite, admitted and above the minimum."""
    pairs = [
        (-score, at)
        for at, score in enumerate(scores)
        if np.isfinite(score) and at not in exclude and score > minimum
    ]
    return [at for _, at in sorted(pairs)][: max(k, 0)]


@settings(max_examples=200)
@given(st.data(), st.integers(1, 12), st.integers(1, 14), st.sampled_from([-np.inf, 0.0, 1.5]))
def test_equals_sorting(data, n_items, k, minimum):
    row = st.lists(value, min_size=n_items, max_size=n_items)
    scores = data.draw(st.lists(row, min_size=1, max_size=4))
    out = st.lists(st.integers(0, n_items - 1), max_size=4)
    exclude = data.draw(st.lists(out, min_size=len(scores), max_size=len(scores)))
    found = top_k(np.array(scores, np.float32), k, Ragged.from_rows(exclude), minimum=minimum)
    for i, (given_scores, barred) in enumerate(zip(scores, exclude)):
        want = naive(given_scores, k, barred, minimum)
        assert found.row(i).tolist() == want
        assert found.score[i][: len(want)].tolist() == [given_scores[at] for at in want]
        assert np.isneginf(found.score[i][len(want) :]).all()
        admitted = [s for at, s in enumerate(given_scores) if at not in barred and np.isfinite(s)]
        if found.mean is not None and admitted:
            assert found.mean[i] == pytest.approx(np.mean(admitted), abs=1e-5)
            assert found.std[i] == pytest.approx(np.std(admitted), abs=1e-5)
    assert found.index.dtype == np.int64
    assert found.score.dtype == np.float32


@given(st.integers(0, 2**16), st.integers(1, 9))
def test_an_answer_for_fewer_is_the_head_of_the_answer_for_more(seed, k):
    scores = np.random.default_rng(seed).integers(0, 4, (3, 10)).astype(np.float32)
    few, more = top_k(scores.copy(), k), top_k(scores.copy(), k + 1)
    assert np.array_equal(few.index, more.index[:, :k])


@given(st.integers(0, 2**16))
def test_a_query_gets_the_same_answer_alone(seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(5, 8)).astype(np.float32)
    exclude = Ragged.from_rows([np.flatnonzero(rng.random(8) < 0.3) for _ in range(5)])
    together = top_k(scores.copy(), 3, exclude)
    for i in range(5):
        alone = top_k(scores[i : i + 1].copy(), 3, exclude.take(np.array([i])))
        assert alone.row(0).tolist() == together.row(i).tolist()


def test_full_holds_all_scores_and_nothing_excluded():
    found = top_k(np.array([[3.0, 1.0, 2.0]], np.float32), 1, Ragged.from_rows([[0]]))
    assert found.index.tolist() == [[2]]
    assert found.full.tolist() == [[-np.inf, 1.0, 2.0]]


def test_infinity_is_no_evidence_and_takes_nobodys_place():
    scores = np.array([[np.inf, 1.0, -np.inf, 2.0, np.inf]], np.float32)
    found = top_k(scores, 2)
    assert found.index.tolist() == [[3, 1]]
    assert found.mean.tolist() == [1.5]


@pytest.mark.parametrize("k", [0, -1])
def test_none_requested(k):
    found = top_k(np.ones((2, 3), np.float32), k)
    assert found.index.shape == (2, 0)


@pytest.mark.parametrize("shape", [(0, 5), (0, 0), (3, 0)])
def test_nothing_to_choose_from(shape):
    found = top_k(np.ones(shape, np.float32), 4, Ragged.empty(shape[0]))
    assert found.index.shape == (shape[0], 0)
    assert found.score.shape == (shape[0], 0)


def test_everything_excluded():
    found = top_k(np.ones((1, 3), np.float32), 2, Ragged.from_rows([[0, 1, 2]]))
    assert found.row(0).tolist() == []
    assert found.mean.tolist() == found.std.tolist() == [0.0]


def test_rows_of_unequal_length_are_padded_behind():
    scores = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]], np.float32)
    found = top_k(scores, 3, minimum=0.0)
    assert found.index.tolist() == [[2, 1, 0], [2, PAD, PAD]]


def test_double_precision_is_taken():
    found = top_k(np.array([[0.25, 0.75]]), 2)
    assert found.score.dtype == np.float32
    assert found.index.tolist() == [[1, 0]]


def test_statistics_of_large_equal_scores_are_exact():
    """A float32 sum of a hundred thousand large numbers would be off."""
    found = top_k(np.full((1, 100_000), 16_777.217, np.float32), 1)
    assert found.mean[0] == pytest.approx(16_777.217, rel=1e-6)
    assert found.std[0] == pytest.approx(0.0, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**16),
    st.sampled_from(["smooth", "levels", "sparse", "sorted", "hidden"]),
    st.sampled_from([1, 10, 60, 300]),
    st.sampled_from([-np.inf, 0.0]),
)
def test_a_sample_that_deceives_changes_nothing(seed, kind, k, minimum):
    """Long rows are first looked at in part: the parts left out may hold all that is high."""
    rng = np.random.default_rng(seed)
    row = rng.normal(size=rng.integers(300, 2500)).astype(np.float32)
    if kind == "levels":
        row = np.round(row)
    elif kind == "sparse":
        row[rng.random(len(row)) < 0.9] = 0.0
    elif kind == "sorted":
        row = np.sort(row)
    elif kind == "hidden":  # the sample alone is high, or alone is low
        row[::8] += rng.choice([-9.0, 9.0])
    barred = rng.integers(0, len(row), 20)
    found = top_k(row[None].copy(), k, Ragged.from_rows([barred]), minimum=minimum)
    assert found.row(0).tolist() == naive(row.tolist(), k, set(barred.tolist()), minimum)
    admitted = np.delete(row, np.unique(barred)).astype(np.float64)
    assert found.mean[0] == pytest.approx(admitted.mean(), abs=1e-5)
    assert found.std[0] == pytest.approx(admitted.std(), abs=1e-5)


def test_nothing_finite_gives_no_candidates_and_no_warning(recwarn):
    found = top_k(np.full((2, 1), np.nan, np.float32), 3)
    assert found.index.shape == (2, 0)
    assert found.mean.tolist() == found.std.tolist() == [0.0, 0.0]
    assert not recwarn.list


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([1, 5, 60, 300]), st.sampled_from([8, 700]))
def test_the_best_of_sums_are_those_above_zero(seed, k, n_items):
    """`top_sums` is `top_k` with a minimum of 0, and what is 0 has no score."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=(3, n_items)), 1).astype(np.float32)
    scores[rng.random(scores.shape) < rng.random()] = 0.0
    scores[0, 0] = rng.choice([np.nan, np.inf, 1.0])
    exclude = Ragged.from_rows([rng.integers(0, n_items, length) for length in (0, 3, 9)])
    sums = np.where(np.isfinite(scores), scores, np.float32(0.0))
    want = top_k(sums.copy(), k, exclude, minimum=0.0)
    found = top_sums(scores.copy(), k, exclude, source="own")
    assert found.source == "own"
    assert found.index.tolist() == want.index.tolist()
    assert found.score.tolist() == want.score.tolist()
    assert found.full.tolist() == np.where(sums == 0, -np.inf, want.full).tolist()
    assert found.mean == pytest.approx(want.mean, abs=1e-6)
    assert found.std == pytest.approx(want.std, abs=1e-6)


@pytest.mark.parametrize(("shape", "k"), [((0, 5), 4), ((3, 0), 4), ((2, 3), 0), ((2, 3), -1)])
def test_no_sums_or_none_requested(shape, k):
    found = top_sums(np.ones(shape, np.float32), k, Ragged.empty(shape[0]))
    assert found.index.shape == found.score.shape == (shape[0], 0)


@given(st.lists(st.floats(-9, 9, allow_nan=False).filter(bool), max_size=20), st.integers(1, 60))
def test_moments_of_numbers_that_are_mostly_zero(sums, more):
    whole = np.concatenate([sums, np.zeros(more)])
    mean, std = moments_with_zeros(np.array(sums, dtype=np.float64), len(whole))
    assert mean == pytest.approx(whole.mean(), abs=1e-12)
    assert std == pytest.approx(whole.std(), abs=1e-12)
