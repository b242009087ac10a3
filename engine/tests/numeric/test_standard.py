"""Standard scores by hand."""

from __future__ import annotations

import numpy as np
from crossrec.numeric.standard import standardised


def test_by_hand() -> None:
    scores = np.array([[1.0, 3.0, 99.0], [5.0, 5.0, 5.0]], dtype=np.float32)
    valid = np.array([[True, True, False], [True, True, True]])
    np.testing.assert_array_equal(standardised(scores, valid), [[-1, 1, 0], [0, 0, 0]])
    whole = standardised(scores)
    np.testing.assert_allclose(whole.mean(axis=1), [0, 0], atol=1e-6)
    np.testing.assert_allclose(whole[0].std(), 1, rtol=1e-6)
    assert whole.dtype == np.float32


def test_nothing_valid_is_zero() -> None:
    scores = np.full((1, 2), np.nan, dtype=np.float32)
    np.testing.assert_array_equal(standardised(scores, np.zeros((1, 2), bool)), [[0, 0]])
