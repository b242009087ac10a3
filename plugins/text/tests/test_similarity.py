"""The scores against the definition, written out with dense matrices and masks."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec_text.content import ContentSource
from crossrec_text.settings import ContentConfig
from crossrec_text.terms import ngram_terms, word_terms
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions()
VOCABULARY = [
    f"{a}{b}" for a in ("dr", "na", "mo", "po", "wi") for b in ("ill", "il", "use", "lish")
]


def written_out(titles, texts, vectors, history, exclude, decay=0.8, limit=50):
    """Score one query by the definition; NaN where there is no score."""
    n = len(texts)
    described = np.array([bool(text.strip()) for text in texts])
    given_ = np.linalg.norm(vectors, axis=1) > 0
    dense = np.zeros_like(vectors, dtype=np.float64)
    if given_.any():
        dense[given_] = vectors[given_] - vectors[given_].mean(axis=0)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    dense = np.where(lengths > 1e-6, dense / np.maximum(lengths, 1e-6), 0)
    words = word_terms(texts)[0].toarray().astype(np.float64)
    ngrams = ngram_terms(titles).toarray().astype(np.float64)
    history = [item for item in history if described[item]]
    if not history:
        return np.full(n, np.nan)
    decayed = np.zeros(n)
    for age, item in enumerate(history[::-1][:limit]):
        decayed[item] += decay**age
    decayed /= decayed.sum()
    last = np.zeros(n)
    last[history[-1]] = 1
    admitted = described.copy()
    admitted[list(exclude)] = False
    total = np.zeros(n)
    for matrix, weights, share in (
        (dense, decayed, 0.25),
        (words, decayed, 0.25),
        (ngrams, decayed, 0.25),
        (dense, last, 0.125),
        (words, last, 0.125),
    ):
        similar = matrix @ matrix.T
        own = np.diagonal(similar) * weights
        values = similar @ weights - np.where(admitted, own, 0)
        spread = values[admitted].std() if admitted.any() else 0
        if spread > 1e-4:
            total += share * (values - values[admitted].mean()) / spread
    total[~described] = np.nan
    return total


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


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 25),
    data=st.data(),
)
def test_scores_are_as_defined(seed, n, data, dataset_of, queries_of):
    titles, texts, vectors = random_catalog(seed, n)
    items = st.lists(st.integers(0, n - 1), max_size=8)
    history, exclude = data.draw(items), data.draw(items)
    source = fitted(dataset_of, titles, texts, vectors)
    queries = queries_of(history, exclude=[exclude])
    scores = source.score(queries, np.arange(n)[None, :])[0]
    expected = written_out(titles, texts, vectors, history, exclude)
    # Where a few admitted items are nearly alike, an excluded one lies hundreds of their standard
    # deviations away: beyond 20 of them single precision knows four digits, no longer 2e-3.
    assert np.array_equal(np.isnan(scores), np.isnan(expected))
    allowed = np.maximum(2e-3, 1e-4 * np.abs(np.nan_to_num(expected)))
    assert (np.abs(np.nan_to_num(scores - expected)) <= allowed).all()


def test_a_single_admitted_item_spreads_nothing(dataset_of, queries_of):
    titles, texts, vectors = random_catalog(0, 4)
    source = fitted(dataset_of, titles, texts, vectors)
    scores = source.score(queries_of([0], exclude=[[0, 1, 2]]), np.arange(4)[None, :])[0]
    expected = written_out(titles, texts, vectors, [0], [0, 1, 2])
    np.testing.assert_allclose(scores, expected, atol=2e-3)


@pytest.mark.parametrize(("decay", "limit"), [(1.0, 50), (0.5, 50), (0.8, 2)])
def test_decay_and_limit_are_as_defined(decay, limit, dataset_of, queries_of):
    titles, texts, vectors = random_catalog(3, 30)
    source = fitted(dataset_of, titles, texts, vectors, decay=decay, history_limit=limit)
    history = [1, 4, 9, 16, 25, 4]
    scores = source.score(queries_of(history), np.arange(30)[None, :])[0]
    expected = written_out(titles, texts, vectors, history, history, decay, limit)
    np.testing.assert_allclose(scores, expected, atol=2e-3)


def test_the_score_is_a_standard_score_over_what_the_query_admits(dataset_of, queries_of):
    titles, texts, vectors = random_catalog(5, 200, empty=0)
    source = fitted(dataset_of, titles, texts, vectors)
    found = source.generate(queries_of([1, 2, 3], [50]), 10)
    np.testing.assert_allclose(found.mean, 0, atol=1e-4)
    assert (found.std > 0.3).all()
    assert (found.std <= 1.0).all()


def test_the_heaviest_terms_are_looked_up_and_no_others(dataset_of, queries_of):
    titles = ["alpha beta", "alpha", "beta", "beta gamma", "beta", "delta"]
    vectors = np.zeros((6, 0))
    few = fitted(dataset_of, titles, titles, vectors, postings=2)
    scores = few.score(queries_of([0]), np.arange(6)[None, :])[0]
    # "alpha" is rarer than "beta", so it alone is looked up: what shares only "beta" gets nothing.
    assert scores[1] > 0.5
    np.testing.assert_allclose(scores[[2, 3, 4]], scores[5], atol=1e-5)
    every = fitted(dataset_of, titles, titles, vectors)
    scores = every.score(queries_of([0]), np.arange(6)[None, :])[0]
    assert scores[2] > scores[5] + 0.3


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_shares_and_a_constant_make_the_score(seed, data, dataset_of, queries_of):
    n = 15
    titles, texts, vectors = random_catalog(seed, n)
    history = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=6))
    exclude = data.draw(st.lists(st.integers(0, n - 1), max_size=4))
    source = fitted(dataset_of, titles, texts, vectors, postings=data.draw(st.integers(1, 60)))
    queries = queries_of(history, exclude=[exclude])
    described = np.array([bool(text) for text in texts])
    admitted = np.setdiff1d(np.flatnonzero(described), exclude)
    scores = source.score(queries, admitted[None, :])[0]
    items, dense, lexical = source._fit.shares(queries, admitted)
    if np.isnan(scores).all():
        assert not len(items) or not len(admitted)
        return
    constant = scores - (dense + lexical).sum(axis=1)
    np.testing.assert_allclose(constant, constant[0], atol=2e-3)
    assert set(items.tolist()) == {item for item in history if described[item]}
