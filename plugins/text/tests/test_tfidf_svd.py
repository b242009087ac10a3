from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec_text.settings import TfidfSvdConfig
from crossrec_text.tfidf_svd import TfidfSvdEncoder, word_rows
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions()
MICE = ["wireless mouse", "computer mouse", "mouse for computer"]
NAILS = ["nail polish", "red nail lacquer", "nail polish red"]


def encode(catalog, size: int = 256, run: RunOptions = RUN) -> np.ndarray:
    return TfidfSvdEncoder(TfidfSvdConfig(embedding_size=size)).encode(catalog, run)


def test_rows_have_norm_one_and_equal_words_give_equal_rows():
    texts = ["red nail polish", "nail file", "", "Nail POLISH red", "steel drill 5 mm", "中文 標題"]
    matrix = word_rows(texts)
    assert matrix.dtype == np.float32
    assert matrix.shape == (6, 10), "single digits and words of any alphabet count"
    norms = np.linalg.norm(matrix.toarray(), axis=1)
    np.testing.assert_allclose(norms, [1, 1, 0, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(matrix[[0]].toarray(), matrix[[3]].toarray())


def test_rarer_words_weigh_more_and_repeated_ones_less_than_twice():
    a, b, _, d = word_rows(["a b", "a c", "a a a a d"]).toarray().T  # columns are in order
    assert b[0] > a[0]
    assert a[2] < 4 * d[2]


def test_items_of_one_kind_are_nearer_than_items_of_two(catalog_of):
    vectors = encode(catalog_of(MICE + NAILS), size=2)
    similar = vectors @ vectors.T
    assert similar[:3, :3].min() > similar[:3, 3:].max() + 0.5
    assert similar[3:, 3:].min() > similar[:3, 3:].max() + 0.5


@pytest.mark.parametrize("size", [2, 3, 6, 4096])
def test_rows_have_length_one_and_no_words_give_zeros(catalog_of, size):
    vectors = encode(catalog_of([*MICE, "", "!!!", *NAILS]), size)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 0, 0, 1, 1, 1], atol=1e-5)
    assert vectors.dtype == np.float32


def test_a_catalog_smaller_than_the_dimension_keeps_its_cosines(catalog_of):
    texts = [f"{text} of {'very ' * at}many other words {at}" for at, text in enumerate(MICE)]
    terms = word_rows(texts).toarray()
    assert terms.shape[1] > len(texts)
    vectors = encode(catalog_of(texts))
    assert vectors.shape == (3, 3)
    np.testing.assert_allclose(vectors @ vectors.T, terms @ terms.T, atol=1e-5)


def test_a_vocabulary_smaller_than_the_dimension_keeps_its_cosines(catalog_of):
    texts = ["a b", "b", "a", "a a b", "b a"]
    terms = word_rows(texts).toarray()
    vectors = encode(catalog_of(texts))
    np.testing.assert_allclose(vectors @ vectors.T, terms @ terms.T, atol=1e-5)


@pytest.mark.parametrize("texts", [[], ["", ""], ["!!!", "?"]])
def test_no_words_at_all_is_no_error(catalog_of, texts):
    assert encode(catalog_of(texts)).shape == (len(texts), 0)


def test_encoding_is_deterministic(catalog_of):
    rng = np.random.default_rng(0)
    words = [f"w{at}" for at in range(80)]
    catalog = catalog_of([" ".join(rng.choice(words, 8)) for _ in range(200)])
    first = encode(catalog, 16)
    assert first.shape == (200, 16)
    np.testing.assert_array_equal(first, encode(catalog, 16))


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.text("ab c!", max_size=8), max_size=12),
    size=st.integers(1, 6),
)
def test_any_texts_give_unit_or_zero_rows(texts, size, catalog_of):
    vectors = encode(catalog_of(texts), size)
    assert len(vectors) == len(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.isfinite(vectors).all()
    assert (np.isclose(lengths, 1, atol=1e-4) | (lengths == 0)).all()
