"""The ridge inverse against a plain inverse in float64."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.numeric import ridge
from crossrec.numeric.ridge import ridge_inverse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix


def gram(n: int, seed: int = 0) -> np.ndarray:
    x = (np.random.default_rng(seed).random((3 * n, n)) < 0.3).astype(np.float32)
    return x.T @ x


def plain(matrix: np.ndarray, reg: float) -> np.ndarray:
    return np.linalg.inv(matrix.astype(np.float64) + reg * np.eye(len(matrix)))


def test_two_items_by_hand() -> None:
    """[[2, 1], [1, 1]] + 1 has the determinant 5: the inverse is [[2, -1], [-1, 3]] / 5."""
    inverse = ridge_inverse(np.array([[2, 1], [1, 1]], dtype=np.float32), 1.0)
    np.testing.assert_allclose(inverse, [[0.4, -0.2], [-0.2, 0.6]], rtol=1e-6)


@given(st.integers(1, 9), st.floats(0.5, 100), st.integers(0, 99))
def test_equals_the_plain_inverse(n: int, reg: float, seed: int) -> None:
    matrix = gram(n, seed)
    sparse = ridge_inverse(csr_matrix(matrix), reg)
    np.testing.assert_allclose(sparse, plain(matrix, reg), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(ridge_inverse(matrix, reg), sparse)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_dense_matrix_is_overwritten(order: str) -> None:
    matrix = np.array(gram(40), order=order)  # type: ignore[call-overload]
    where, expected = matrix.ctypes.data, plain(matrix, 2.0)
    inverse = ridge_inverse(matrix, 2.0)
    assert inverse.ctypes.data == where
    assert inverse.flags.c_contiguous
    assert inverse.dtype == np.float32
    np.testing.assert_allclose(inverse, expected, rtol=1e-3, atol=1e-6)


def test_a_sparse_matrix_stays_as_it_is() -> None:
    matrix = csr_matrix(gram(5))
    before = matrix.toarray()
    ridge_inverse(matrix, 1.0)
    np.testing.assert_array_equal(matrix.toarray(), before)


def test_symmetric_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ridge_inverse(gram(30), 3.0)
    monkeypatch.setattr(ridge, "_ROWS", 7)
    parts = ridge_inverse(gram(30), 3.0)
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_array_equal(parts, parts.T)


def test_no_items() -> None:
    assert ridge_inverse(csr_matrix((0, 0), dtype=np.float32), 1.0).shape == (0, 0)
    assert ridge_inverse(np.zeros((0, 0), dtype=np.float32), 1.0).shape == (0, 0)


def test_what_is_not_positive_definite_has_no_inverse() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        ridge_inverse(-np.eye(3, dtype=np.float32), 0.5)
