"""A pruned scan answers what a whole one does; the space may be turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from crossrec_text.dense import DenseSpace
from crossrec_text.scanning import Scan
from hypothesis import given, settings
from hypothesis import strategies as st


def vectors_of(seed: int, n: int, dim: int, fall: float) -> np.ndarray:
    """Vectors whose axes are the shorter the later, turned so that no axis tells more."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return (rng.normal(size=(n, dim)) * fall ** np.arange(dim) @ turn).astype(np.float32)


def scan_of(seed: int, n: int = 400, dim: int = 12, fall: float = 0.6, blank: int = 5) -> Scan:
    rng = np.random.default_rng(seed)
    dense = DenseSpace.build(vectors_of(seed, n, dim, fall))
    profile = dense.rows[:3].mean(axis=0, keepdims=True) * 4
    coarse = profile[:, : dense.lead] @ dense.columns[: dense.lead]
    coarse += rng.exponential(0.3, n).astype(np.float32)
    coarse[0, rng.choice(n, blank, replace=False)] = np.nan
    return Scan(dense, profile, coarse)


def pruned(scan: Scan, k: int, exclude: Ragged):
    return scan._pruned(k, exclude)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 60),
    fall=st.floats(0.3, 1.0),
    dim=st.sampled_from([2, 3, 12, 20]),
)
def test_the_best_are_those_of_a_whole_scan(seed, k, fall, dim):
    scan = scan_of(seed, dim=dim, fall=fall)
    barred = Ragged.from_rows([np.random.default_rng(seed).integers(0, 400, 9)])
    found = scan.best(k, barred)
    whole = top_k(scan.whole.copy(), k, barred)
    np.testing.assert_allclose(found.score, whole.score, atol=2e-5)
    scores = scan.whole[0, found.index[0]]
    np.testing.assert_allclose(scores, found.score[0], atol=2e-5)
    np.testing.assert_allclose(found.mean, whole.mean, atol=0.03)
    np.testing.assert_allclose(found.std, whole.std, rtol=0.05)
    assert not set(found.index[0].tolist()) & set(barred.values.tolist())


def test_where_the_leading_axes_tell_most_few_are_scored():
    found = pruned(scan_of(1), 10, Ragged.empty(1))
    assert found is not None
    assert found.full is None
    assert found.index.shape == (1, 10)


def test_where_they_tell_nothing_all_are_scored():
    """All that counts lies along the later axes."""
    scan = scan_of(2)
    profile = np.zeros_like(scan.profiles)
    profile[:, scan.dense.lead :] = 50.0
    blind = replace(scan, profiles=profile, coarse=np.zeros_like(scan.coarse))
    assert pruned(blind, 10, Ragged.empty(1)) is None
    best = blind.best(10, Ragged.empty(1))
    assert best.index[0].tolist() == np.argsort(-blind.whole[0], kind="stable")[:10].tolist()


def test_an_item_that_only_the_later_axes_lift_is_found():
    scan = scan_of(3)
    columns = scan.dense.columns.copy()
    columns[:, 77] = 0.0
    columns[-1, 77] = 1.0
    dense = DenseSpace(columns, columns.sum(axis=1), (columns @ columns.T).astype(float))
    profile = scan.profiles.copy()
    profile[0, -1] = 9.0
    lifted = Scan(dense, profile, np.where(np.arange(400) == 77, -1.0, scan.coarse))
    assert lifted.best(5, Ragged.empty(1)).index[0, 0] == 77


@pytest.mark.parametrize("k", [0, 100, 101, 394, 395, 1000])
def test_more_than_a_pruned_scan_is_good_for(k):
    scan = scan_of(4)
    found = scan.best(k, Ragged.empty(1))
    whole = top_k(scan.whole.copy(), k)
    np.testing.assert_array_equal(found.index, whole.index)


def test_equal_items_tie_in_the_order_of_the_index():
    scan = scan_of(5, blank=0)
    columns = scan.dense.columns.copy()
    columns[:, [300, 20, 111]] = columns[:, [0]]
    coarse = scan.coarse.copy()
    coarse[0, [0, 300, 20, 111]] = coarse.max() + 1
    gram = (columns @ columns.T).astype(float)
    twins = Scan(DenseSpace(columns, columns.sum(axis=1), gram), scan.profiles, coarse)
    found = pruned(twins, 8, Ragged.empty(1))
    assert found is not None
    assert found.index[0, :4].tolist() == [0, 20, 111, 300]


def test_scores_of_a_few_are_those_of_all():
    scan, again = scan_of(6), scan_of(6)
    items = np.array([5, 0, 399, 5])
    few = scan.at(0, items)
    assert "whole" not in scan.__dict__
    np.testing.assert_allclose(few, again.whole[0, items], atol=2e-5)
    np.testing.assert_array_equal(again.at(0, items), again.whole[0, items])
    blank = np.flatnonzero(np.isnan(scan.coarse[0]))
    assert np.isnan(scan.at(0, blank)).all()


def test_a_batch_is_scored_as_a_whole():
    scan = scan_of(7)
    two = Scan(scan.dense, np.repeat(scan.profiles, 2, 0), np.repeat(scan.coarse, 2, 0))
    found = two.best(4, Ragged.from_rows([[], [int(two.best(1, Ragged.empty(2)).index[0, 0])]]))
    assert found.full is not None
    assert found.index[1, :3].tolist() == found.index[0, 1:4].tolist()
    assert PAD not in found.index


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), dim=st.integers(1, 8))
def test_turned_vectors_are_as_similar_as_before(seed, n, dim):
    given_ = vectors_of(seed, n, dim, 0.8)
    centred = given_ - given_.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    centred /= np.maximum(lengths, 1e-6)
    dense = DenseSpace.build(given_)
    np.testing.assert_allclose(dense.rows @ dense.rows.T, centred @ centred.T, atol=1e-4)
    spread = np.diagonal(dense.gram)
    assert (np.diff(spread) <= 1e-4 * spread.max()).all()
    np.testing.assert_allclose(dense.gram, np.diag(spread), atol=1e-4 * spread.max())


def test_vectors_kept_along_other_axes_are_turned_once():
    dense = DenseSpace.build(vectors_of(8, 60, 6, 0.5))
    same = DenseSpace.restored(dense.columns, dense.total, dense.gram)
    np.testing.assert_array_equal(same.columns, dense.columns)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0].astype(np.float32)
    other = turn @ dense.columns
    gram = (other @ other.T).astype(np.float64)
    restored = DenseSpace.restored(other, other.sum(axis=1, dtype=np.float64), gram)
    np.testing.assert_allclose(np.abs(restored.columns), np.abs(dense.columns), atol=1e-4)
    np.testing.assert_allclose(restored.rest_lengths, dense.rest_lengths, atol=1e-4)


def test_lengths_behind_the_leading_axes():
    columns = np.array([[3.0, 0.0], [4.0, 1.0], [0.0, 1.0]], np.float32)
    dense = DenseSpace(columns, columns.sum(axis=1), columns @ columns.T)
    assert dense.lead == 1
    np.testing.assert_allclose(dense.rest_lengths, [4.0, np.sqrt(2.0)])
    assert dense.rest(np.array([1, 0])).tolist() == [[1.0, 1.0], [4.0, 0.0]]
    assert DenseSpace.empty(4).rest_lengths.tolist() == [0.0] * 4


def test_scores_are_computed_once():
    scan = scan_of(9, blank=0)
    first = scan.at(0, np.array([3, 8]))
    scan.coarse[0, [3, 8, 9]] = 100.0
    again = scan.at(0, np.array([9, 8, 3]))
    assert again[1:].tolist() == first[::-1].tolist()
    assert again[0] > 50.0
