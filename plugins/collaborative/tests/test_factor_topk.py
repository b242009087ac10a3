"""Blocks of products against a plain sort."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative import factor_topk as module
from crossrec_collaborative.factor_topk import best_products

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(23, 7)).astype(np.float32)
ITEMS = RNG.normal(size=(31, 7)).astype(np.float32)
AWAY = Ragged.from_rows([RNG.integers(0, 31, RNG.integers(0, 40)) for _ in range(23)])


@pytest.mark.parametrize("rows", [1, 5, 256])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_agrees_with_top_k_over_all_products(
    rows: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", rows)
    found = best_products(VECTORS, ITEMS, k, AWAY)
    expected = top_k(VECTORS @ ITEMS.T, k, AWAY)
    width = expected.index.shape[1]
    np.testing.assert_array_equal(found.index[:, :width], expected.index)
    assert (found.index[:, width:] == PAD).all()
    np.testing.assert_allclose(found.score[:, :width], expected.score, rtol=1e-5)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.std, expected.std, rtol=1e-4, atol=1e-6)


def test_all_excluded_is_all_padding() -> None:
    away = Ragged.from_rows([range(31)] * 23)
    found = best_products(VECTORS, ITEMS, 3, away)
    assert (found.index == PAD).all()
    assert np.isneginf(found.score).all()


def test_no_items_and_no_queries() -> None:
    none = np.zeros((0, 7), np.float32)
    assert best_products(VECTORS, none, 3, Ragged.empty(23)).index.shape == (23, 0)
    assert best_products(none, ITEMS, 3, Ragged.empty(0)).index.shape == (0, 3)


def test_read_only_arrays_are_fine() -> None:
    vectors, items = VECTORS.copy(), ITEMS.copy()
    vectors.flags.writeable = items.flags.writeable = False
    found = best_products(vectors, items, 2, Ragged.empty(23))
    np.testing.assert_array_equal(found.index[:, 0], (VECTORS @ ITEMS.T).argmax(axis=1))
