from __future__ import annotations

import numpy as np
import pytest
from crossrec_text.asked import ask
from crossrec_text.lexical import TermIndex
from crossrec_text.terms import ngram_terms, terms_of, word_terms
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = "red nail polish file steel drill 5 mm 中文 標題"
TEXTS = ["red nail polish", "nail file", "", "Nail POLISH red", "steel drill 5 mm", "中文 標題"]


def test_words_are_those_of_any_alphabet_in_lower_case():
    matrix, names = word_terms(TEXTS)
    assert set(names) == set(WORDS.split())
    assert matrix.shape == (6, len(names))
    assert matrix.dtype == np.float32


def test_rows_have_norm_one_and_equal_words_give_equal_rows():
    matrix, _ = word_terms(TEXTS)
    norms = np.linalg.norm(matrix.toarray(), axis=1)
    np.testing.assert_allclose(norms, [1, 1, 0, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(matrix[[0]].toarray(), matrix[[3]].toarray())


def test_rarer_words_weigh_more_and_repeated_ones_less_than_twice():
    matrix, names = word_terms(["a b", "a c", "a a a a d"])
    dense = matrix.toarray()
    at = {name: column for column, name in enumerate(names)}
    assert dense[0, at["b"]] > dense[0, at["a"]]
    assert dense[2, at["a"]] < 4 * dense[2, at["d"]]


def test_ngrams_reach_across_inflection_and_joined_words():
    matrix = ngram_terms(["headphone", "headphones", "head phone", "garden hose"])
    similar = (matrix @ matrix.T).toarray()
    assert similar[0, 1] > 0.7
    assert similar[0, 2] > 0.3
    assert similar[0, 3] < 0.05


@pytest.mark.parametrize("make", [lambda texts: word_terms(texts)[0], ngram_terms])
@pytest.mark.parametrize("texts", [[], [""], ["", "  "], ["!"]])
def test_texts_without_terms_give_empty_rows(make, texts):
    matrix = make(texts)
    assert matrix.shape[0] == len(texts)
    assert matrix.nnz == 0 or texts == ["!"]


def test_terms_of_rows_in_any_order():
    matrix, _ = word_terms(TEXTS)
    items = np.array([4, 2, 0, 4])
    terms, weights, lengths = terms_of(matrix, items)
    start = 0
    for item, length in zip(items, lengths, strict=True):
        row = matrix[[item]]
        np.testing.assert_array_equal(terms[start : start + length], row.indices)
        np.testing.assert_array_equal(weights[start : start + length], row.data)
        start += length
    assert start == len(terms)
    assert len(terms_of(matrix, np.zeros(0, dtype=np.int64))[0]) == 0


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.text("ab ", max_size=8), min_size=1, max_size=8),
    data=st.data(),
    budget=st.integers(1, 12),
)
def test_similarity_is_the_product_with_the_heaviest_terms(texts, data, budget, queries_of):
    matrix, _ = word_terms(texts)
    index = TermIndex.build(matrix, budget)
    history = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=5))
    described = np.ones(len(texts), dtype=bool)
    asked = ask(queries_of(history), described, 0.8, 50)
    (profile,) = index.profiles(asked.decayed)
    sums = queries_of(history).profile(len(texts), decay=0.8) @ matrix
    full = sums.toarray()[0]
    read = np.asarray((matrix > 0).sum(axis=0)).ravel()[profile.terms].sum()
    assert read <= budget or len(profile.terms) == 1
    assert len(profile.terms) >= min(1, (full > 0).sum())
    if len(profile.terms):
        left_out = np.setdiff1d(np.flatnonzero(full), profile.terms)
        assert full[left_out].max(initial=0) <= full[profile.terms].min() + 1e-6
    kept = np.zeros_like(full)
    kept[profile.terms] = full[profile.terms]
    found = index.similarity(asked, [profile], asked.own_decayed)
    np.testing.assert_allclose(found[0], matrix @ kept, atol=1e-5)


def test_of_equally_heavy_terms_the_first_are_kept(queries_of):
    matrix, _ = word_terms(["d c b a", "x y"])
    asked = ask(queries_of([0]), np.ones(2, dtype=bool), 0.8, 50)
    for budget, kept in ((1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (9, [0, 1, 2, 3])):
        index = TermIndex.build(matrix, budget)
        assert index.profiles(asked.decayed)[0].terms.tolist() == kept


def test_a_list_longer_than_the_budget_is_still_read_where_it_is_the_heaviest(queries_of):
    matrix, names = word_terms(["a", "a", "a", "b"])
    asked = ask(queries_of([0]), np.ones(4, dtype=bool), 0.8, 50)
    (profile,) = TermIndex.build(matrix, 1).profiles(asked.decayed)
    assert [names[at] for at in profile.terms] == ["a"]


def test_terms_of_one_item_with_their_weights():
    texts = ["red nail polish", "", "nail"]
    matrix, names = word_terms(texts)
    index = TermIndex.build(matrix, 10)
    terms = index.terms(0)
    assert [names[at] for at in terms] == ["nail", "polish", "red"]
    np.testing.assert_allclose(list(terms.values()), matrix[[0]].data)
    assert index.terms(1) == {}
    assert index.terms(2) == {names.index("nail"): 1.0}
