"""Columns predicted from every field: against dense solves, on data with and without a pattern."""

from __future__ import annotations

import numpy as np
import pytest
from cold_start.kernel import (
    ColdKernel,
    ItemFeatures,
    KernelConfig,
    best_for_cold,
    block,
    bumps,
    tags,
)
from cold_start.protocol import item_cold, measure_items
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.relations.config import HistoryConfig, PriorConfig, TextConfig
from crossrec_backbone.relations.prior_ease import fit_prior_ease
from crossrec_backbone.relations.text import TextRelations
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

FLAT = HistoryConfig(decay=1.0, limit=1000)
CONFIG = KernelConfig()


class TestBumps:
    @given(st.lists(st.floats(-100, 100), min_size=3, max_size=12, unique=True))
    @settings(max_examples=25)
    def test_two_rows_multiply_to_a_gaussian_of_the_distance(self, numbers):
        values = np.array(numbers)
        if values.std() < 1e-3:
            return
        rows = bumps(numbers, 0.2)
        width = 0.2 * values.std()
        expected = np.exp(-np.square(values[:, None] - values[None, :]) / (2 * width**2))
        assert rows @ rows.T == pytest.approx(expected, abs=2e-3)

    def test_a_missing_number_is_like_nothing(self):
        rows = bumps([1990.0, None, 1991.0, 1950.0, float("nan")], 0.2)
        assert not rows[1].any()
        assert not rows[4].any()
        assert rows[0] @ rows[2] > 0.9
        assert rows[0] @ rows[3] < 0.01

    def test_one_number_for_all_is_no_feature(self):
        assert bumps([3.0, 3.0, None], 0.2).shape == (3, 0)

    def test_far_numbers_cost_no_more(self):
        rows = bumps([*range(100), 1e9], 0.2)
        assert rows.shape[1] <= 120
        assert np.isfinite(rows).all()
        assert rows[-1].any()


class TestTags:
    def test_two_rows_multiply_to_the_number_shared(self):
        rows = tags([("a", "b", "B"), ("B", "a"), ("a", "only here"), ()])
        assert (rows @ rows.T).toarray().tolist() == [
            [2, 2, 1, 0],
            [2, 2, 1, 0],
            [1, 1, 1, 0],
            [0, 0, 0, 0],
        ]

    def test_no_tags(self):
        assert tags([(), ()]).shape == (2, 0)
        assert tags([("a",), ("b",)]).shape == (2, 0)


class TestBlock:
    def test_the_kind_is_seen_from_the_values(self):
        prose = ["a long story about a boy and a dog", "another long story about a dog", None]
        assert block([1990.0, None, 1991.0], CONFIG)[1] == CONFIG.number
        assert block([["x"], None, ["x"]], CONFIG)[1] == CONFIG.person
        assert block(["PG", "R", None], CONFIG)[1] == CONFIG.label
        assert block(prose, CONFIG)[1] == CONFIG.prose
        assert block([True, False, True], CONFIG)[1] == CONFIG.label

    def test_rows_are_aligned_with_the_values(self):
        rows, _ = block([["x", "y"], None, ["x"]], CONFIG)
        assert (rows @ rows.T).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]
        rows, _ = block(["PG", "", "PG"], CONFIG)
        assert (rows @ rows.T).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]

    def test_no_values(self):
        rows, weight = block([None, "", float("nan")], CONFIG)
        assert rows.shape == (3, 0)
        assert weight == 0.0


def features(data: Dataset) -> ItemFeatures:
    relations = TextRelations.fit(data.catalog, data.vectors, TextConfig(encoder="enc"))
    return ItemFeatures.fit(data.catalog, relations, CONFIG)


class TestKernel:
    def test_by_hand(self):
        item_features = ItemFeatures(
            np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32),
            csr_matrix(np.array([[1.0], [1.0]], dtype=np.float32)),
        )
        config = KernelConfig(reach=2.0, constant=0.5)
        every = np.arange(2)
        got = item_features.kernel(every, every, config)
        apart = 1.0**2 + 2.0**2  # they share the sparse part
        assert got[0, 1] == pytest.approx(np.exp(-apart / 4.0) + 0.5)
        assert np.diag(got) == pytest.approx([1.5, 1.5])

    def test_it_is_positive_definite_and_symmetric(self, shop):
        every = np.arange(40)
        kernel = features(shop(40, 10)).kernel(every, every, CONFIG).astype(np.float64)
        assert kernel == pytest.approx(kernel.T, abs=1e-5)
        assert np.linalg.eigvalsh(kernel).min() > -1e-4

    def test_words_are_used_where_there_are_no_vectors(self, shop):
        with_, without = features(shop(40, 10)), features(shop(40, 10, vectors=False))
        assert with_.dense.shape[1] == 32
        assert without.dense.shape == (40, 0)
        assert without.sparse.shape[1] > with_.sparse.shape[1]


def test_the_columns_are_the_mean_of_a_gaussian_process(shop):
    item_features = features(shop(40, 10))
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(40, 40)).astype(np.float32)
    counts = np.where(np.arange(40) % 5 == 0, 0, 3)
    fitted = ColdKernel.fit(item_features, csr_matrix(weights), counts, CONFIG)
    warm, cold = np.flatnonzero(counts), np.flatnonzero(counts == 0)
    assert fitted.items.tolist() == cold.tolist()
    own = item_features.kernel(warm, warm, CONFIG) + CONFIG.ridge * np.eye(len(warm))
    expected = weights[:, warm] @ np.linalg.solve(own, item_features.kernel(warm, cold, CONFIG))
    queries = QueryBatch.from_histories(Ragged.from_rows([[1, 2, 7], [], [0]]))
    got = fitted.scores(queries, FLAT)
    assert got[0] == pytest.approx(expected[[1, 2, 7]].sum(axis=0), abs=1e-3)
    assert got[1].tolist() == [0.0] * len(cold)
    assert got[2] == pytest.approx(expected[0], abs=1e-3)


def test_a_large_catalogue_is_regressed_on_its_most_popular_items(shop):
    item_features = features(shop(40, 10))
    weights = csr_matrix(np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32))
    counts = np.arange(40)
    config = KernelConfig(exact_up_to=10)
    few = ColdKernel.fit(item_features, weights, counts, config)
    only = np.where(counts >= 30, counts, 0)
    same = ColdKernel.fit(item_features, weights, only, config)
    assert few.items.tolist() == [0]
    assert few.spread.shape == (10, 1)
    assert few.spread[:, 0] == pytest.approx(same.spread[:, 0], abs=1e-5)


def test_full_and_sparse_weights_give_the_same(shop):
    item_features = features(shop(40, 10))
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(40, 40)) * (rng.random((40, 40)) < 0.05)
    counts = np.where(np.arange(40) < 8, 0, 2)
    queries = QueryBatch.from_histories(Ragged.from_rows([[9, 10, 11], [12]]))
    sparse = ColdKernel.fit(item_features, csr_matrix(weights), counts, CONFIG)
    weights[8:, 8:] += 1e-9
    full = ColdKernel.fit(item_features, csr_matrix(weights), counts, CONFIG)
    assert not isinstance(sparse.weights, np.ndarray)
    assert isinstance(full.weights, np.ndarray)
    assert sparse.scores(queries, FLAT) == pytest.approx(full.scores(queries, FLAT), abs=1e-5)


def test_the_weights_of_cold_items_do_not_matter(shop):
    item_features = features(shop(40, 10))
    weights = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    counts = np.where(np.arange(40) < 8, 0, 2)
    other = weights.copy()
    other[:, :8] = 99.0
    one, two = (
        ColdKernel.fit(item_features, csr_matrix(w), counts, CONFIG) for w in (weights, other)
    )
    assert (one.spread == two.spread).all()
    assert (one.weights == two.weights).all()


def generated(*, planted: bool, seed: int = 0) -> Dataset:
    """People who go by era and maker, or by nothing; vectors show a colour that nobody minds."""
    rng = np.random.default_rng(seed)
    n, people = 160, 240
    era, maker, colour = rng.integers(0, 3, n), rng.integers(0, 3, n), rng.integers(0, 4, n)
    likes = rng.integers(0, 3, (people, 2))
    rows = []
    for one in range(people):
        liked = (era == likes[one, 0]) & (maker == likes[one, 1])
        odds = np.where(liked, 1.0, 0.02) if planted else np.ones(n)
        rows.append(rng.choice(n, 10, replace=False, p=odds / odds.sum()))
    catalog = Catalog(
        Vocabulary([f"i{i}" for i in range(n)]),
        ("",) * n,
        ("",) * n,
        ((),) * n,
        tuple(f"maker {at}" for at in maker),
        np.ones(n, dtype=bool),
        {"year": tuple(1950.0 + 20 * float(at) for at in era)},
    )
    events = Events.from_columns(np.repeat(np.arange(people), 10), np.concatenate(rows))
    names = Vocabulary([f"u{u}" for u in range(people)])
    data = Dataset.build(names, catalog, events, has_clock=False)
    dense = np.eye(4)[colour] + 0.3 * rng.normal(size=(n, 4))
    return data.with_vectors("enc", dense.astype(np.float32))


def scorers(split):
    """Nearest vectors, and the regression, both fitted on the training part alone."""
    train, n = split.train, split.train.n_items
    nothing = csr_matrix((n, n), dtype=np.float32)
    weights = fit_prior_ease(train.sequences, nothing, PriorConfig(reg=20.0, proximity=1.0)).ease
    counts = np.bincount(train.sequences.values, minlength=n)
    fitted = ColdKernel.fit(features(train), weights, counts, CONFIG)
    dense = train.vectors["enc"]

    def text(queries):
        return (weigh(queries, n, limit=1000).matrix @ dense) @ dense.T

    def kernel(queries):
        out = np.full((len(queries), n), np.nan, dtype=np.float32)
        out[:, fitted.items] = fitted.scores(queries, FLAT)
        return out

    return {"text": text, "kernel": kernel}


class TestGenerated:
    def test_attributes_that_people_go_by_win(self):
        split = item_cold(generated(planted=True))
        methods = scorers(split)
        assert best_for_cold(methods, split, k=5) == "kernel"
        found = measure_items(methods, split, k=5)
        kernel, text = (found[name]["cold among cold"]["recall@5"] for name in ("kernel", "text"))
        assert kernel > 2 * text
        assert kernel > 0.5

    @pytest.mark.parametrize("seed", range(3))
    def test_attributes_that_nobody_minds_change_nothing(self, seed):
        split = item_cold(generated(planted=False, seed=seed), seed=seed)
        assert best_for_cold(scorers(split), split, k=5) == "text"

    def test_no_event_of_a_cold_item_reaches_the_regression(self):
        data = generated(planted=True)
        split = item_cold(data)
        assert not split.cold[split.train.sequences.values].any()
        kernel = scorers(split)["kernel"]
        queries = QueryBatch.from_histories(split.train.sequences.take(np.arange(5)))
        scores = kernel(queries)
        never = np.bincount(split.train.sequences.values, minlength=160) == 0
        assert split.cold[never].sum() == split.cold.sum()
        assert np.isfinite(scores[:, split.cold]).all()
        assert np.isnan(scores[:, ~never]).all()
