"""Layouts for a search: leading axes of vectors, posting lists of terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec_backbone.relations.indexes import DenseIndex, PostingLists, TermProfile
from crossrec_backbone.relations.terms import Lexicon, word_terms
from hypothesis import given, settings
from hypothesis import strategies as st


def matrix_of(texts: list[str]) -> Any:
    """TF-IDF of the words of some texts."""
    terms = word_terms(texts)
    return Lexicon.fit(terms).rows(terms)


def lists_of(texts: list[str], budget: int = 1000) -> PostingLists:
    return PostingLists.build(matrix_of(texts), budget)


def weights(n: int) -> np.ndarray:
    """Decayed weights of a history of `n` items, oldest first."""
    return (0.8 ** np.arange(n)[::-1]).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.text("ab ", max_size=8), min_size=1, max_size=8),
    data=st.data(),
    budget=st.integers(1, 12),
)
def test_similarity_is_the_product_with_the_heaviest_terms(texts, data, budget):
    matrix = matrix_of(texts)
    lists = PostingLists.build(matrix, budget)
    history = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=5)))
    profile, scale = lists.profile(history, weights(len(history)), 0.25, 0.125)
    rows = matrix.toarray()
    sums = weights(len(history)) @ rows[history]
    length = np.linalg.norm(sums)
    assert scale == pytest.approx(0.25 / length if length else 0.0, rel=1e-5)
    full = sums * scale + 0.125 * rows[history[-1]]
    read = np.asarray((matrix > 0).sum(axis=0)).ravel()[profile.terms].sum()
    assert read <= budget or len(profile.terms) == 1
    assert len(profile.terms) >= min(1, (full > 0).sum())
    if len(profile.terms):
        left_out = np.setdiff1d(np.flatnonzero(full), profile.terms)
        assert full[left_out].max(initial=0) <= full[profile.terms].min() + 1e-6
    kept = np.zeros_like(full)
    kept[profile.terms] = full[profile.terms]
    scores = np.ones(len(texts), dtype=np.float32)
    lists.add_to(scores, profile)
    np.testing.assert_allclose(scores, 1.0 + matrix @ kept, atol=1e-5)


def test_of_equally_heavy_terms_the_first_are_kept():
    texts = ["d c b a", "x y"]
    everything = lists_of(texts).profile(np.array([0]), weights(1), 1.0, 0.0)[0].terms
    assert len(everything) == 4
    for budget in (1, 2, 3, 9):
        profile, _ = lists_of(texts, budget).profile(np.array([0]), weights(1), 1.0, 0.0)
        assert profile.terms.tolist() == everything[:budget].tolist()


def test_a_list_longer_than_the_budget_is_still_read_where_it_is_the_heaviest():
    lists = lists_of(["a", "a", "a", "b"], budget=1)
    profile, _ = lists.profile(np.array([0]), weights(1), 1.0, 0.0)
    scores = np.zeros(4, dtype=np.float32)
    lists.add_to(scores, profile)
    np.testing.assert_allclose(scores, [1, 1, 1, 0], rtol=1e-6)


def test_no_history_has_no_terms():
    nothing = np.zeros(0, dtype=np.int64)
    profile, scale = lists_of(["a b", "c"]).profile(nothing, weights(0), 1.0, 0.5)
    assert not len(profile.terms)
    assert scale == 0.0


def test_entries_of_rows_in_any_order():
    texts = ["red nail polish", "nail file", "", "Nail POLISH red", "steel drill 5 mm"]
    matrix, lists = matrix_of(texts), lists_of(texts)
    items = np.array([4, 2, 0, 4])
    terms, values, place = lists.entries(items)
    for at, item in enumerate(items):
        row = matrix[[item]]
        np.testing.assert_array_equal(terms[place == at], row.indices)
        np.testing.assert_array_equal(values[place == at], row.data)
    assert len(lists.entries(np.zeros(0, dtype=np.int64))[0]) == 0


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text("abc ", max_size=8), min_size=1, max_size=8), data=st.data())
def test_similarity_between_items_whole_and_by_a_profile(texts, data):
    lists = lists_of(texts)
    rows = lists.rows.toarray()
    items = st.lists(st.integers(0, len(texts) - 1), max_size=4)
    left, right = (np.array(data.draw(items), dtype=np.int64) for _ in range(2))
    every = np.arange(lists.rows.shape[1])
    chosen = every[data.draw(st.lists(st.booleans(), min_size=len(every), max_size=len(every)))]
    profile = TermProfile(chosen, np.ones(len(chosen), dtype=np.float32))
    whole, looked_up = lists.between(left, right, profile)
    np.testing.assert_allclose(whole, rows[left] @ rows[right].T, atol=1e-5)
    expected = rows[np.ix_(left, chosen)] @ rows[np.ix_(right, chosen)].T
    np.testing.assert_allclose(looked_up, expected, atol=1e-5)


def test_read_only_rows_are_laid_out():
    matrix = matrix_of(["a b", "b c"])
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    lists = PostingLists.build(matrix, 10)
    np.testing.assert_array_equal(lists.lists.toarray(), matrix.toarray().T)


def test_leading_axes_by_hand():
    rows = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=np.float32)
    index = DenseIndex.build(rows)
    assert index.cut == 2
    np.testing.assert_allclose(index.lead, [[0.8, 0.0, 0.0]])
    np.testing.assert_allclose(index.rest, [0.6, 1.0, 0.0])
    np.testing.assert_allclose(index.total, [0.6, 1.0])
    np.testing.assert_allclose(index.squares, [0.36, 1.0])
    np.testing.assert_allclose(index.between(np.array([0]), np.array([0, 1])), [[1.0, 0.0]])


@pytest.mark.parametrize(("width", "lead"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (384, 128)])
def test_a_third_of_the_axes_leads_rounded_up(width, lead):
    index = DenseIndex.build(np.ones((4, width), dtype=np.float32))
    assert index.lead.shape == (lead, 4)
    assert index.others.shape == (4, width - lead)
    assert index.cut == width - lead
