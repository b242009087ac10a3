"""Comparisons that the conformance classes share."""

from __future__ import annotations

import numpy as np

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.query import QueryBatch

#: Tolerances of float32 sums that may be taken in another order.
_RTOL, _ATOL = 1e-3, 1e-5


def check_candidates(found: Candidates, queries: QueryBatch, k: int, n_items: int) -> None:
    """Assert all that `Candidates` promises: types, shapes, order, padding, no excluded item."""
    assert isinstance(found, Candidates), f"generate returned {type(found).__name__}"
    index, score = found.index, found.score
    assert index.dtype == np.int64, f"index is {index.dtype}, not int64"
    assert score.dtype == np.float32, f"score is {score.dtype}, not float32"
    assert index.shape == score.shape
    assert len(index) == len(queries), f"{len(index)} rows for {len(queries)} queries"
    assert index.shape[1] <= k, f"{index.shape[1]} candidates where {k} were asked for"
    there = index != PAD
    assert index.size == 0 or (index.min() >= PAD and index.max() < n_items)
    assert not (there[:, 1:] & ~there[:, :-1]).any(), "padding stands before a candidate"
    assert np.isfinite(score[there]).all(), "a candidate without a finite score"
    assert (score[~there] == -np.inf).all(), "padding must have the score -inf"
    falling = score[:, 1:] <= score[:, :-1]
    assert falling.all(), "candidates must stand best first"
    for row in range(len(queries)):
        got = found.row(row)
        assert len(np.unique(got)) == len(got), f"query {row}: an item twice"
        excluded = np.intersect1d(got, queries.exclude.row(row))
        assert not len(excluded), f"query {row}: excluded items {excluded} came back"
    check_statistics(found, queries, n_items)


def check_statistics(found: Candidates, queries: QueryBatch, n_items: int) -> None:
    """Assert that the optional parts, where given, are aligned with the queries."""
    for name in ("mean", "std"):
        values = getattr(found, name)
        if values is not None:
            assert values.shape == (len(queries),), f"{name} needs one number for each query"
            assert np.isfinite(values).all(), f"{name} is not finite"
    if found.std is not None:
        assert (found.std >= 0).all()
    if found.full is not None and found.full.shape[1]:
        assert found.full.shape == (len(queries), n_items), "full needs all items"
        excluded = found.full[queries.exclude.row_of, queries.exclude.values]
        assert (excluded == -np.inf).all(), "full must be -inf where an item is excluded"
        rows, columns = np.nonzero(found.index != PAD)
        full = found.full[rows, found.index[rows, columns]]
        np.testing.assert_allclose(full, found.score[rows, columns], rtol=_RTOL, atol=_ATOL)


def check_same(left: Candidates, right: Candidates) -> None:
    """Assert that two answers agree; items of equal score may stand in another order."""
    assert len(left) == len(right)
    for row in range(len(left)):
        a = dict(zip(left.row(row).tolist(), left.score[row].tolist(), strict=False))
        b = dict(zip(right.row(row).tolist(), right.score[row].tolist(), strict=False))
        assert len(a) == len(b), f"query {row}: {len(a)} candidates against {len(b)}"
        # Where the cut falls among equal scores, either of them may be the last.
        last = min(a.values(), default=0.0)
        for item in a.keys() | b.keys():
            one, other = a.get(item, last), b.get(item, last)
            assert np.isclose(one, other, rtol=_RTOL, atol=_ATOL), (
                f"query {row}, item {item}: {one} ≠ {other}"
            )


def check_equal(left: Candidates, right: Candidates) -> None:
    """Assert that two answers are the same, item by item."""
    np.testing.assert_array_equal(left.index, right.index)
    np.testing.assert_allclose(left.score, right.score, rtol=1e-5)
