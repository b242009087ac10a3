"""Counts of near pairs, by hand and against every pair of every history."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.relations import prior_ease
from crossrec_backbone.relations.prior_ease import near_pairs
from hypothesis import given, settings
from hypothesis import strategies as st


def test_near_pairs_by_hand() -> None:
    rows = Ragged.from_rows([[0, 1, 2], [], [1, 0], [0, 1]])
    expected = [[0.0, 2.0, 0.5], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    np.testing.assert_array_equal(near_pairs(rows, [1.0, 0.5], 3).toarray(), expected)
    assert near_pairs(rows, [], 3).nnz == 0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), max_size=7), max_size=6),
    st.lists(st.floats(0.1, 1), max_size=8),
    st.booleans(),
)
def test_near_pairs_of_any_histories(
    rows: list[list[int]], values: list[float], sparse: bool
) -> None:
    expected = np.zeros((6, 6))
    for row in rows:
        for at, earlier in enumerate(row):
            for later, value in zip(row[at + 1 :], values, strict=False):
                expected[earlier, later] += value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prior_ease, "_PAIRS", 3)
        patch.setattr(prior_ease, "_CELLS", 0 if sparse else 1 << 25)
        found = near_pairs(Ragged.from_rows(rows), values, 6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-5)
