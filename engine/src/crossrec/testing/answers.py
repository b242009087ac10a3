"""Checks of candidates that the conformance classes share."""

from __future__ import annotations

import numpy as np

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.query import QueryBatch

#: Tolerances for float32 sums, whose order may differ.
_RTOL, _ATOL = 1e-3, 1e-5


def check_candidates(found: Candidates, queries: QueryBatch, k: int, n_items: int) -> None:
    """Assert the contract of `Candidates`: types, shapes, order, padding, no excluded item."""
    assert isinstance(found, Candidates), f"generate returned {type(found).__name__}"
    index, score = found.index, found.score
    assert index.dtype == np.int64, f"index is {index.dtype}, not int64"
    assert score.dtype == np.float32, f"score is {score.dtype}, not float32"
    assert index.shape == score.shape, f"index is {index.shape}, score is {score.shape}"
    assert len(index) == len(queries), f"{len(index)} rows for {len(queries)} queries"
    assert index.shape[1] <= k, f"{index.shape[1]} candidates for k = {k}"
    real = index != PAD
    assert index.size == 0 or index.min() >= PAD, "an index below PAD"
    assert index.size == 0 or index.max() < n_items, "an index beyond the catalog"
    assert not (real[:, 1:] & ~real[:, :-1]).any(), "padding before a candidate"
    assert np.isfinite(score[real]).all(), "a candidate's score is not finite"
    assert (score[~real] == -np.inf).all(), "the score of padding must be -inf"
    assert (score[:, 1:] <= score[:, :-1]).all(), "candidates must be sorted, best first"
    for row in range(len(queries)):
        got = found.row(row)
        assert len(np.unique(got)) == len(got), f"query {row}: an item is returned twice"
        excluded = np.intersect1d(got, queries.exclude.row(row))
        assert not len(excluded), f"query {row}: excluded items {excluded} are returned"
    check_statistics(found, queries, n_items)


def check_statistics(found: Candidates, queries: QueryBatch, n_items: int) -> None:
    """Assert that the optional arrays, where given, are aligned with the queries."""
    for name in ("mean", "std"):
        values = getattr(found, name)
        if values is not None:
            assert values.shape == (len(queries),), f"{name} needs one number per query"
            assert np.isfinite(values).all(), f"{name} is not finite"
    if found.std is not None:
        assert (found.std >= 0).all(), "a standard deviation is negative"
    if found.full is not None and found.full.shape[1]:
        assert found.full.shape == (len(queries), n_items), "full needs a score for every item"
        excluded = found.full[queries.exclude.row_of, queries.exclude.values]
        assert (excluded == -np.inf).all(), "full must be -inf for excluded items"
        rows, columns = np.nonzero(found.index != PAD)
        full = found.full[rows, found.index[rows, columns]]
        np.testing.assert_allclose(full, found.score[rows, columns], rtol=_RTOL, atol=_ATOL)


def check_same(left: Candidates, right: Candidates) -> None:
    """Assert that two results agree; the order of items with equal scores may differ."""
    assert len(left) == len(right)
    for row in range(len(left)):
        a = dict(zip(left.row(row).tolist(), left.score[row].tolist(), strict=False))
        b = dict(zip(right.row(row).tolist(), right.score[row].tolist(), strict=False))
        assert len(a) == len(b), f"query {row}: {len(a)} candidates versus {len(b)}"
        # Where the cut falls among equal scores, any of them may be the last.
        last = min(a.values(), default=0.0)
        for item in a.keys() | b.keys():
            one, other = a.get(item, last), b.get(item, last)
            assert np.isclose(one, other, rtol=_RTOL, atol=_ATOL), (
                f"query {row}, item {item}: {one} ≠ {other}"
            )


def check_equal(left: Candidates, right: Candidates) -> None:
    """Assert that two results are the same, item by item."""
    np.testing.assert_array_equal(left.index, right.index)
    np.testing.assert_allclose(left.score, right.score, rtol=1e-5)
