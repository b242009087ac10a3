"""Columns of items without events: against a dense solve, and where text predicts behaviour."""

from __future__ import annotations

import numpy as np
import pytest
from cold_start.text_ridge import TextRidge, TextRidgeConfig, text_coordinates
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.relations.config import HistoryConfig, TextConfig
from crossrec_backbone.relations.text import TextRelations
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

FLAT = HistoryConfig(decay=1.0, limit=1000)


@given(st.integers(0, 50))
@settings(max_examples=15)
def test_the_factors_are_the_ridge_regression_of_every_column(seed):
    rng = np.random.default_rng(seed)
    n, d, ridge = 12, 4, 2.5
    where = rng.normal(size=(n, d)).astype(np.float32)
    weights = rng.normal(size=(n, n)).astype(np.float32)
    np.fill_diagonal(weights, 0)
    warm = np.ones(n, dtype=bool)
    warm[rng.choice(n, 3, replace=False)] = False
    fitted = TextRidge.fit(where, csr_matrix(weights), warm, TextRidgeConfig(ridge=ridge))
    rows = where[warm].astype(np.float64)
    for h in range(n):  # one ridge regression for each row of B, over its warm columns
        row = weights[h, warm].astype(np.float64)
        coefficients = np.linalg.solve(rows.T @ rows + ridge * np.eye(d), rows.T @ row)
        assert fitted.reach[h] == pytest.approx(coefficients, abs=1e-3)
    queries = QueryBatch.from_histories(Ragged.from_rows([[0, 3, 5], [2]]))
    cold = np.flatnonzero(~warm)
    got = fitted.scores(queries, FLAT, cold)
    predicted = fitted.reach @ where.T
    assert got[0] == pytest.approx(predicted[[0, 3, 5]].sum(axis=0)[cold], abs=1e-3)
    assert got[1] == pytest.approx(predicted[2][cold], abs=1e-3)


def test_the_weights_of_cold_items_do_not_matter():
    rng = np.random.default_rng(0)
    where, weights = rng.normal(size=(10, 3)).astype(np.float32), rng.normal(size=(10, 10))
    warm = np.arange(10) < 7
    other = weights.copy()
    other[:, ~warm] = 99.0
    one = TextRidge.fit(where, weights.astype(np.float32), warm, TextRidgeConfig())
    two = TextRidge.fit(where, other.astype(np.float32), warm, TextRidgeConfig())
    assert (one.reach == two.reach).all()


def test_text_that_predicts_behaviour_is_found_among_text_that_does_not():
    """Items have a taste and a colour; people go by taste, the text shows both."""
    rng = np.random.default_rng(1)
    n = 120
    taste, colour = rng.integers(0, 4, n), rng.integers(0, 4, n)
    where = np.hstack([np.eye(4)[taste], 2 * np.eye(4)[colour]]).astype(np.float32)
    weights = (taste[:, None] == taste[None, :]).astype(np.float32)
    np.fill_diagonal(weights, 0)
    warm = rng.random(n) < 0.7
    cold = np.flatnonzero(~warm)
    fitted = TextRidge.fit(where, csr_matrix(weights), warm, TextRidgeConfig(ridge=1.0))
    similarity = where @ where.T
    right = {"predicted": 0, "nearest": 0}
    for item in np.flatnonzero(warm):
        queries = QueryBatch.from_histories(Ragged.from_rows([[item]]))
        best = cold[fitted.scores(queries, FLAT, cold)[0].argmax()]
        right["predicted"] += taste[best] == taste[item]
        right["nearest"] += taste[cold[similarity[item, cold].argmax()]] == taste[item]
        colours_only = cold[np.argsort(-similarity[item, cold])[:8]]
        assert (colour[colours_only] == colour[item]).mean() > 0.5
    assert right["predicted"] == warm.sum()


def test_an_empty_history_has_no_scores():
    fitted = TextRidge(np.ones((5, 2), np.float32), np.ones((5, 2), np.float32))
    queries = QueryBatch.from_histories(Ragged.from_rows([[], [1]]))
    got = fitted.scores(queries, FLAT, np.array([0, 4]))
    assert got.tolist() == [[0.0, 0.0], [2.0, 2.0]]


class TestCoordinates:
    def relations(self, shop, **options) -> TextRelations:
        data = shop(40, 10, **options)
        return TextRelations.fit(data.catalog, data.vectors, TextConfig(encoder="enc"))

    def test_enough_directions_keep_every_lexical_similarity(self, shop):
        relations = self.relations(shop, vectors=False)
        where = text_coordinates(relations, TextRidgeConfig(dims=1000))
        assert (where[:, -1] == 1).all()
        expected = sum((m @ m.T).toarray() for m in relations.sparse.values())
        assert where[:, :-1] @ where[:, :-1].T == pytest.approx(expected, abs=1e-3)

    def test_few_directions_are_the_best_few(self, shop):
        relations = self.relations(shop, vectors=False)
        where = text_coordinates(relations, TextRidgeConfig(dims=5))[:, :-1].astype(np.float64)
        expected = sum((m @ m.T).toarray() for m in relations.sparse.values())
        values = np.sort(np.linalg.eigvalsh(expected))[::-1]
        assert where.shape[1] == 5
        assert np.sort(np.linalg.eigvalsh(where.T @ where))[::-1] == pytest.approx(
            values[:5], rel=0.02
        )

    def test_dense_vectors_are_put_beside_them_and_the_result_is_the_same_twice(self, shop):
        relations = self.relations(shop)
        one, two = (text_coordinates(relations, TextRidgeConfig(dims=8)) for _ in range(2))
        assert (one == two).all()
        width = sum(rows.shape[1] for rows in relations.dense.values())
        assert one.shape == (40, width + 8 + 1)
        assert one.dtype == np.float32
