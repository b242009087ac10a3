"""Scores against the definition written out; a pruned scan answers what a whole one does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.history import WeightedHistory
from crossrec.components.run import RunOptions
from crossrec.components.topk import top_k
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.ranking.indexes import DenseIndex, PostingLists, TermProfile
from crossrec_backbone.ranking.search import Profiles, Scan, TextIndex
from crossrec_backbone.relations.scores import consensus_weights
from crossrec_backbone.sources.content import ContentConfig, ContentSource
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions()
VOCABULARY = [
    f"{a}{b}" for a in ("dr", "na", "mo", "po", "wi") for b in ("ill", "il", "use", "lish")
]
NOTHING = WeightedHistory(Ragged.empty(1), np.zeros(0), 400)
NO_TERMS = TermProfile(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


def random_catalog(seed: int, n: int, dim: int = 5, empty: float = 0.1):
    rng = np.random.default_rng(seed)
    titles = [" ".join(rng.choice(VOCABULARY, rng.integers(1, 4))) for _ in range(n)]
    texts = [f"{title}. {rng.choice(VOCABULARY)}" for title in titles]
    vectors = rng.normal(size=(n, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for at in np.flatnonzero(rng.random(n) < empty):
        titles[at], texts[at], vectors[at] = "", "", 0
    return titles, texts, vectors


def fitted(dataset_of, titles, texts, vectors, **config) -> ContentSource:
    source = ContentSource(ContentConfig(**config))
    source.fit(dataset_of(texts, titles, vectors), RUN)
    return source


def written_out(source: ContentSource, history, exclude, decay=0.8, limit=50) -> np.ndarray:
    """Score one query by the definition, with dense matrices; NaN where there is no score."""
    relations = source._relations
    described = source._index.described
    history = [item for item in history if described[item]]
    if not history:
        return np.full(relations.n_items, np.nan)
    decayed, last = np.zeros(relations.n_items), np.zeros(relations.n_items)
    for age, item in enumerate(history[::-1][:limit]):
        decayed[item] += decay**age
    last[history[-1]] = 1
    admitted = np.ones(relations.n_items, dtype=bool)
    admitted[list(exclude)] = False
    total = np.zeros(relations.n_items)
    for name, (a, b) in consensus_weights(relations, source.config.weights).items():
        factor = relations.factor(name)
        rows = np.asarray(factor if name in relations.dense else factor.toarray(), np.float64)
        similar = rows @ rows.T
        length = np.linalg.norm(decayed @ rows)
        weights = (a / length * decayed if length > 1e-9 else 0.0) + b * last
        own = np.where(admitted, np.diagonal(similar) * weights, 0.0)
        total += (similar @ weights - own) / relations.spread[name]
    total[~described] = np.nan
    return total


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 25), data=st.data())
def test_scores_are_as_defined(seed, n, data, dataset_of, queries_of):
    source = fitted(dataset_of, *random_catalog(seed, n))
    items = st.lists(st.integers(0, n - 1), max_size=8)
    history, exclude = data.draw(items), data.draw(items)
    queries = queries_of(history, exclude=[exclude])
    scores = source.score(queries, np.arange(n)[None, :])[0]
    expected = written_out(source, history, exclude)
    assert np.array_equal(np.isnan(scores), np.isnan(expected))
    # What an item has from itself is taken off in single precision.
    largest = np.nan_to_num(np.abs(expected)).max(initial=0)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4 + 1e-6 * largest)


@pytest.mark.parametrize(("decay", "limit"), [(1.0, 50), (0.5, 50), (0.8, 2)])
def test_decay_and_limit_are_as_defined(decay, limit, dataset_of, queries_of):
    catalog = random_catalog(3, 30)
    source = fitted(dataset_of, *catalog, history={"decay": decay, "limit": limit})
    history = [1, 4, 9, 16, 25, 4]
    scores = source.score(queries_of(history), np.arange(30)[None, :])[0]
    expected = written_out(source, history, history, decay, limit)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_mean_and_spread_are_those_over_what_the_query_admits(dataset_of, queries_of):
    source = fitted(dataset_of, *random_catalog(5, 200, empty=0))
    queries = queries_of([1, 2, 3], [50])
    found = source.generate(queries, 10)
    scores = source.score(queries, np.tile(np.arange(200), (2, 1)))
    for row, history in enumerate(([1, 2, 3], [50])):
        admitted = np.delete(scores[row], history)
        assert found.mean[row] == pytest.approx(admitted.mean(), abs=1e-4)
        assert found.std[row] == pytest.approx(admitted.std(), rel=1e-4)


def test_the_heaviest_terms_are_looked_up_and_no_others(dataset_of, queries_of):
    titles = ["alpha beta", "alpha", "beta", "beta gamma", "beta", "delta"]
    words = {"weights": {"text_words": (0.25, 0.125)}}
    few = fitted(dataset_of, titles, titles, None, postings=2, **words)
    scores = few.score(queries_of([0]), np.arange(6)[None, :])[0]
    # "alpha" is rarer than "beta", so it alone is looked up: what shares only "beta" gets nothing.
    assert scores[1] > 0.5
    np.testing.assert_array_equal(scores[[2, 3, 4, 5]], 0.0)
    every = fitted(dataset_of, titles, titles, None, **words)
    scores = every.score(queries_of([0]), np.arange(6)[None, :])[0]
    assert scores[2] > scores[5] + 0.3


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_shares_sum_to_the_score(seed, data, dataset_of, queries_of):
    n = 15
    titles, texts, vectors = random_catalog(seed, n)
    history = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=6))
    exclude = data.draw(st.lists(st.integers(0, n - 1), max_size=4))
    postings = data.draw(st.integers(1, 60))
    source = fitted(dataset_of, titles, texts, vectors, postings=postings)
    queries = queries_of(history, exclude=[exclude])
    described = np.array([bool(text) for text in texts])
    admitted = np.setdiff1d(np.flatnonzero(described), exclude)
    scores = source.score(queries, admitted[None, :])[0]
    items, shares, similar = source._scan(queries).shares(admitted)
    if np.isnan(scores).all():
        assert not len(items) or not len(admitted)
        return
    np.testing.assert_allclose(shares.sum(axis=0), scores, rtol=1e-4, atol=1e-4)
    assert set(items.tolist()) == {item for item in history if described[item]}
    for name, one in similar.items():
        factor = source._relations.factor(name)
        whole = factor[items] @ factor[admitted].T
        expected = whole if isinstance(whole, np.ndarray) else whole.toarray()
        np.testing.assert_allclose(one, expected, atol=1e-5)


def rows_of(seed: int, n: int, dim: int, fall: float) -> np.ndarray:
    """Rows of length 1 along their principal axes, the later ones the longer."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, dim)) * fall ** np.arange(dim)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows @ np.linalg.eigh(rows.T @ rows)[1]).astype(np.float32)


def scan_of(rows: np.ndarray, vector: np.ndarray, base: np.ndarray) -> Scan:
    """A scan of a single dense relation; items whose base is NaN are without text."""
    lexical = PostingLists.build({}, len(rows), 1)
    index = TextIndex(~np.isnan(base[0]), {"d": (1.0, 0.0)}, {"d": DenseIndex.build(rows)}, lexical)
    profiles = tuple(Profiles({"d": vector}, NO_TERMS, {"d": 1.0}) for _ in base)
    return Scan(index, NOTHING, profiles, base)


def random_scan(seed: int, n: int = 400, dim: int = 12, fall: float = 0.6, blank: int = 5) -> Scan:
    rng = np.random.default_rng(seed)
    rows = rows_of(seed, n, dim, fall)
    vector = rows[:3].mean(axis=0) * 4
    base = rng.exponential(0.3, (1, n)).astype(np.float32)
    without_text = rng.choice(n, blank, replace=False)
    base[0, without_text], rows[without_text] = np.nan, 0.0
    return scan_of(rows, vector, base)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 60),
    fall=st.floats(0.3, 1.0),
    dim=st.sampled_from([3, 4, 12, 20]),
)
def test_the_best_are_those_of_a_whole_scan(seed, k, fall, dim):
    scan = random_scan(seed, dim=dim, fall=fall)
    barred = Ragged.from_rows([np.random.default_rng(seed).integers(0, 400, 9)])
    found = scan.best(k, barred)
    whole = top_k(scan.whole.copy(), k, barred)
    np.testing.assert_allclose(found.score, whole.score, atol=2e-5)
    scores = scan.whole[0, found.index[0]]
    np.testing.assert_allclose(scores, found.score[0], atol=2e-5)
    np.testing.assert_allclose(found.mean, whole.mean, atol=0.03)
    np.testing.assert_allclose(found.std, whole.std, rtol=0.05)
    assert not set(found.index[0].tolist()) & set(barred.values.tolist())


def test_where_the_leading_axes_hold_most_few_are_scored():
    scan = random_scan(1)
    found = scan.best(10, Ragged.empty(1))
    assert found.full is None
    assert found.index.shape == (1, 10)
    assert "whole" not in scan.__dict__
    assert np.isfinite(scan._exact).sum() < 100


def test_where_they_hold_nothing_all_are_scored():
    """All that counts lies along the other axes."""
    scan = random_scan(2)
    vector = np.full(12, 50.0, dtype=np.float32)
    vector[scan.index.dense["d"].cut :] = 0.0
    blind = scan_of(scan.index.dense["d"].rows, vector, np.zeros((1, 400), np.float32))
    found = blind.best(10, Ragged.empty(1))
    assert found.full is not None
    assert found.index[0].tolist() == np.argsort(-blind.whole[0], kind="stable")[:10].tolist()


def test_an_item_that_only_the_other_axes_lift_is_found():
    scan = random_scan(3)
    rows = scan.index.dense["d"].rows.copy()
    rows[77] = 0.0
    rows[77, 0] = 1.0
    vector = scan.profiles[0].vectors["d"].copy()
    vector[0] = 9.0
    base = np.where(np.arange(400) == 77, np.float32(-1.0), scan.base)
    assert scan_of(rows, vector, base).best(5, Ragged.empty(1)).index[0, 0] == 77


@pytest.mark.parametrize("k", [0, 100, 101, 394, 395, 1000])
def test_more_than_a_pruned_scan_is_good_for(k):
    scan = random_scan(4)
    found = scan.best(k, Ragged.empty(1))
    whole = top_k(scan.whole.copy(), k)
    np.testing.assert_array_equal(found.index, whole.index)


def test_equal_items_tie_in_the_order_of_the_index():
    scan = random_scan(5, blank=0)
    rows, base = scan.index.dense["d"].rows.copy(), scan.base.copy()
    rows[[300, 20, 111]] = rows[0]
    base[0, [0, 300, 20, 111]] = base.max() + 3
    found = scan_of(rows, scan.profiles[0].vectors["d"], base).best(8, Ragged.empty(1))
    assert found.full is None
    assert found.index[0, :4].tolist() == [0, 20, 111, 300]


def test_scores_of_a_few_are_those_of_all():
    scan, again = random_scan(6), random_scan(6)
    items = np.array([5, 0, 399, 5])
    few = scan.at(0, items)
    assert "whole" not in scan.__dict__
    np.testing.assert_allclose(few, again.whole[0, items], atol=2e-5)
    np.testing.assert_array_equal(again.at(0, items), again.whole[0, items])
    blank = np.flatnonzero(np.isnan(scan.base[0]))
    assert np.isnan(scan.at(0, blank)).all()


def test_scores_are_computed_once():
    scan = random_scan(9, blank=0)
    first = scan.at(0, np.array([3, 8]))
    scan.base[0, [3, 8, 9]] = 100.0
    again = scan.at(0, np.array([9, 8, 3]))
    assert again[1:].tolist() == first[::-1].tolist()
    assert again[0] > 50.0


def test_a_batch_is_scored_as_a_whole():
    scan = random_scan(7)
    two = replace(scan, profiles=scan.profiles * 2, base=np.repeat(scan.base, 2, 0))
    best = int(two.best(1, Ragged.empty(2)).index[0, 0])
    found = two.best(4, Ragged.from_rows([[], [best]]))
    assert found.full is not None
    assert found.index[1, :3].tolist() == found.index[0, 1:4].tolist()
    assert PAD not in found.index


def test_without_vectors_words_alone_are_summed():
    described = np.ones(3, dtype=bool)
    base = np.array([[0.5, np.nan, 2.0]], dtype=np.float32)
    index = TextIndex(described, {}, {}, PostingLists.build({}, 3, 1))
    scan = Scan(index, NOTHING, (Profiles({}, NO_TERMS, {}),), base)
    found = scan.best(2, Ragged.empty(1))
    assert found.index.tolist() == [[2, 0]]
    assert found.score.tolist() == [[2.0, 0.5]]


def test_an_admitted_item_may_count_for_itself(dataset_of, queries_of):
    """By default what an item shares with itself is left out."""
    titles = ["red lamp", "red lamp large", "blue chair", "green desk"]
    source = fitted(dataset_of, titles, titles, None)
    index, history = source._fitted[2], source.config.history
    query = queries_of([0, 2], exclude=[[]])
    without, own = index.scan(query, history), index.scan(query, history, own=True)
    higher = own.whole[0] > without.whole[0] + 1e-3
    assert higher.tolist() == [True, False, True, False]
    barred = queries_of([0, 2], exclude=[[0, 2]])
    np.testing.assert_array_equal(index.scan(barred, history).whole, own.whole)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 12),
    history=st.lists(st.integers(0, 299), max_size=6),
)
def test_words_alone_order_only_what_shares_one(seed, k, history, dataset_of, queries_of):
    titles, texts, _ = random_catalog(seed, 300)
    source = fitted(dataset_of, titles, texts, None)
    queries = queries_of(history, exclude=[[*history, 7, 7]])
    scan = source._scan(queries)
    found = scan.best(k, queries.exclude)
    expected = top_k(scan.whole.copy(), k, queries.exclude)
    np.testing.assert_array_equal(found.index, expected.index)
    np.testing.assert_allclose(found.score, expected.score, atol=1e-6)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(found.std, expected.std, rtol=1e-4, atol=1e-6)
