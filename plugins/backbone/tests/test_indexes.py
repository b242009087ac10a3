"""Layouts for a search: leading axes of vectors, posting lists of terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec_backbone.ranking.indexes import Codes, DenseIndex, PostingLists, TermProfile
from crossrec_backbone.relations.terms import Lexicon, word_terms
from hypothesis import given, settings
from hypothesis import strategies as st


def matrix_of(texts: list[str]) -> Any:
    """TF-IDF of the words of some texts."""
    terms = word_terms(texts)
    return Lexicon.fit(terms).rows(terms)


def lists_of(texts: list[str], budget: int = 1000) -> PostingLists:
    return PostingLists.build({"words": matrix_of(texts)}, len(texts), budget)


def profile_of(lists: PostingLists, history: list[int], decayed: float = 1.0, last: float = 0.0):
    """The profile of a history under one relation, and its scale."""
    profile, scales = lists.profile(
        np.array(history, dtype=np.int64), weights(len(history)), {"words": (decayed, last)}
    )
    return profile, scales["words"]


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
    lists = lists_of(texts, budget)
    history = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=5))
    profile, scale = profile_of(lists, history, 0.25, 0.125)
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
    np.testing.assert_allclose(lists.scores(profile), matrix @ kept, atol=1e-5)


def test_of_equally_heavy_terms_the_first_are_kept():
    texts = ["d c b a", "x y"]
    everything = profile_of(lists_of(texts), [0])[0].terms
    assert len(everything) == 4
    for budget in (1, 2, 3, 9):
        profile, _ = profile_of(lists_of(texts, budget), [0])
        assert profile.terms.tolist() == everything[:budget].tolist()


def test_a_list_longer_than_the_budget_is_still_read_where_it_is_the_heaviest():
    lists = lists_of(["a", "a", "a", "b"], budget=1)
    profile, _ = profile_of(lists, [0])
    np.testing.assert_allclose(lists.scores(profile), [1, 1, 1, 0], rtol=1e-6)


def test_no_history_has_no_terms():
    lists = lists_of(["a b", "c"])
    profile, scale = profile_of(lists, [], 1.0, 0.5)
    assert not len(profile.terms)
    assert scale == 0.0
    assert lists.scores(profile).tolist() == [0.0, 0.0]


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(
        st.tuples(st.text("ab ", max_size=8), st.text("abc ", max_size=8)), min_size=1, max_size=8
    ),
    data=st.data(),
    budget=st.integers(1, 12),
)
def test_relations_side_by_side_are_those_one_by_one(texts, data, budget):
    n = len(texts)
    relations = {
        name: matrix_of(list(one))
        for name, one in zip(("a", "b"), zip(*texts, strict=True), strict=True)
    }
    mixture = {"a": (0.25, 0.125), "b": (0.5, 0.0)}
    items = st.lists(st.integers(0, n - 1), min_size=1, max_size=5)
    history, others = (np.array(data.draw(items), dtype=np.int64) for _ in range(2))
    both = PostingLists.build(relations, n, budget)
    profile, scales = both.profile(history, weights(len(history)), mixture)
    similar, total = both.between(history, others, profile), np.zeros(n)
    for name, part in both.parts(profile.terms).items():
        one = PostingLists.build({name: relations[name]}, n, budget)
        alone, scale = one.profile(history, weights(len(history)), mixture)
        assert scale == {name: scales[name]}
        start = both.starts[both.names.index(name)]
        np.testing.assert_array_equal(profile.terms[part] - start, alone.terms)
        np.testing.assert_array_equal(profile.weights[part], alone.weights)
        for found, expected in zip(
            similar[name], one.between(history, others, alone)[name], strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-6)
        total += one.scores(alone)
    np.testing.assert_allclose(both.scores(profile), total, atol=1e-5)


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
    whole, looked_up = lists.between(left, right, profile)["words"]
    np.testing.assert_allclose(whole, rows[left] @ rows[right].T, atol=1e-5)
    expected = rows[np.ix_(left, chosen)] @ rows[np.ix_(right, chosen)].T
    np.testing.assert_allclose(looked_up, expected, atol=1e-5)


def test_read_only_rows_are_laid_out():
    matrix = matrix_of(["a b", "b c"])
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    lists = PostingLists.build({"words": matrix}, 2, 10)
    np.testing.assert_array_equal(lists.lists.toarray(), matrix.toarray().T)


def test_axes_by_hand():
    rows = np.array([[0.6, 0.0, 0.0, 0.8], [0.0, 0.6, 0.8, 0.0], [0.0, 0.0, 0.0, 0.0]])
    index = DenseIndex.build(rows.astype(np.float32))
    assert index.cuts == (1, 3)
    np.testing.assert_array_equal(index.codes[0].table, [[102, 0, 0]])
    np.testing.assert_array_equal(index.codes[1].table, [[0, 76, 0], [0, 102, 0]])
    np.testing.assert_allclose(index.rest[0], [0.6, 1.0, 0.0])
    np.testing.assert_allclose(index.rest[1], [0.6, 0.0, 0.0])
    np.testing.assert_allclose(index.total, [0.6, 0.6, 0.8])
    np.testing.assert_allclose(index.squares, [0.36, 0.36, 0.64])
    np.testing.assert_allclose(index.between(np.array([0]), np.array([0, 1])), [[1.0, 0.0]])
    vector = np.array([1.0, 2.0, 3.0, 4.0], dtype=np.float32)
    products, missing, error = index.coarse(vector)
    np.testing.assert_allclose(products, [3.2, 0.0, 0.0], atol=error)
    np.testing.assert_allclose(missing, np.array([0.6, 1.0, 0.0]) * 14**0.5, rtol=1e-3)
    products, missing, error = index.finer(vector, np.array([1, 0]))
    np.testing.assert_allclose(products, [3.6, 0.0], atol=error)
    np.testing.assert_allclose(missing, [0.0, 0.6], rtol=1e-3)
    np.testing.assert_allclose(index.exact(vector, np.array([1, 0])), [3.6, 3.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("width", "first", "second"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (384, 64, 224)]
)
def test_a_sixth_of_the_axes_is_read_first_and_up_to_three_quarters_second(width, first, second):
    index = DenseIndex.build(np.full((4, width), max(width, 1) ** -0.5, dtype=np.float32))
    assert [codes.table.shape for codes in index.codes] == [(first, 4), (second, 4)]


def test_codes_by_hand():
    rows = np.array([[0.6, 0.8], [0.0, 0.0]], dtype=np.float32)
    codes = Codes.of(rows, whole=True)
    np.testing.assert_array_equal(codes.table, [[76, 0], [102, 0]])
    assert codes.error == pytest.approx(np.hypot(0.6 - 76 / 127, 0.8 - 102 / 127), rel=1e-4)
    assert codes.longest == pytest.approx(np.hypot(76, 102))
    nothing = Codes.of(rows[:, :0], whole=False)
    np.testing.assert_array_equal(nothing.products(rows[0, :0])[0], [0.0, 0.0])


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    width=st.sampled_from([1, 2, 9, 384, 1024]),
    length=st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 50.0, 1e4]),
    alike=st.booleans(),
)
def test_products_of_codes_are_off_by_no_more_than_they_say(seed, width, length, alike):
    """Also where a vector points along a row, which is the largest sum that must be held."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(20, width)) * rng.random(width) ** 4
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[3] = 0.0
    rows = rows.astype(np.float32)
    vector = rows[0] if alike else rng.normal(size=width).astype(np.float32)
    vector = vector * np.float32(length)
    codes, few = Codes.of(rows, whole=True), np.array([7, 0, 3])
    products, error = codes.products(vector)
    exact = rows.astype(np.float64) @ vector
    assert np.abs(products - exact).max() <= error * 1.001 + 1e-6 * length
    assert error <= (0.01 + 0.005 * width**0.5) * np.linalg.norm(vector) + 1e-9
    products, error = Codes.of(rows, whole=False).products_of(few, vector)
    assert np.abs(products - exact[few]).max() <= error * 1.001 + 1e-6 * length


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text("ab ", max_size=8), min_size=1, max_size=8), data=st.data())
def test_a_whole_profile_scores_a_few_items_exactly(texts, data):
    lists, matrix = lists_of(texts, budget=1), matrix_of(texts).toarray()
    history = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=5))
    items = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=6)), np.int64)
    whole, _ = lists.profile(
        np.array(history), weights(len(history)), {"words": (0.25, 0.125)}, whole=True
    )
    sums = weights(len(history)) @ matrix[history]
    length = np.linalg.norm(sums)
    full = sums * (0.25 / length if length else 0.0) + 0.125 * matrix[history[-1]]
    np.testing.assert_array_equal(whole.terms, np.flatnonzero((matrix[history] > 0).any(axis=0)))
    np.testing.assert_allclose(lists.scores_at(whole, items), matrix[items] @ full, atol=1e-5)
