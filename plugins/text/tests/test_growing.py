"""New items join the content source by their words and vectors."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec_text.content import ContentSource
from crossrec_text.dense import DenseSpace
from crossrec_text.settings import ContentConfig

RUN = RunOptions()
KINDS = ("cordless drill", "nail polish")


@pytest.fixture(scope="module")
def whole(dataset_of):
    """Even items are drills, odd ones polish; the last four are those that come later."""
    titles = [f"{KINDS[at % 2]} model {chr(97 + at)}{at * 7}" for at in range(24)]
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.2, (24, 6)).astype(np.float32)
    vectors[np.arange(24), np.arange(24) % 2] += 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return dataset_of([f"{title}. things" for title in titles], titles, vectors)


def first(dataset, n):
    """The first items of a set."""
    vectors = {name: rows[:n] for name, rows in dataset.vectors.items()}
    return replace(dataset, catalog=dataset.catalog.take(range(n)), vectors=vectors)


def later(dataset, n):
    """The set with vectors of the items from `n` on alone."""
    vectors = {name: rows.copy() for name, rows in dataset.vectors.items()}
    for rows in vectors.values():
        rows[:n] = 0.0
    return replace(dataset, vectors=vectors)


def fitted(dataset, encoder="transformer"):
    source = ContentSource(ContentConfig(encoder=encoder))
    source.fit(dataset, RUN)
    return source


@pytest.mark.parametrize("encoder", ["transformer", ""])
def test_new_items_of_the_kind_come_before_old_ones_of_the_other(whole, queries_of, encoder):
    source = fitted(first(whole, 20), encoder)
    source.add_items(later(whole, 20))
    found = source.generate(queries_of([0, 4], [1, 5]), 24)
    for row, kind in enumerate((0, 1)):
        order = found.row(row).tolist()
        worst = max(order.index(20 + kind), order.index(22 + kind))
        assert worst < min(order.index(at) for at in range(1 - kind, 24, 2))


def test_grown_is_nearly_what_a_fit_of_all_gives(whole, queries_of):
    """Words are the same; vectors differ by a mean over 20 items in place of one over 24."""
    grown, anew = fitted(first(whole, 20)), fitted(whole)
    grown.add_items(later(whole, 20))
    queries, index = queries_of([0, 4], [1]), np.tile(np.arange(24), (2, 1))
    ours, theirs = grown.score(queries, index), anew.score(queries, index)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99
    silent = [fitted(first(whole, 20), ""), fitted(whole, "")]
    silent[0].add_items(later(whole, 20))
    ours, theirs = (each.score(queries, index) for each in silent)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_original_goes_on_as_it_was(whole, queries_of):
    source = fitted(first(whole, 20))
    before = source.generate(queries_of([0, 4]), 20)
    longer = copy(source)
    longer.add_items(later(whole, 20))
    after = source.generate(queries_of([0, 4]), 20)
    np.testing.assert_array_equal(after.index, before.index)
    np.testing.assert_array_equal(after.score, before.score)


def test_a_source_that_was_saved_grows_like_the_one_that_was_fitted(whole, queries_of):
    source = fitted(first(whole, 20))
    state = source.state()
    back = ContentSource()
    back.restore(State(dict(state.arrays), dict(state.values)), first(whole, 20).catalog)
    for each in (source, back):
        each.add_items(later(whole, 20))
    index = np.arange(24)[None, :]
    ours, theirs = (each.score(queries_of([0, 4]), index) for each in (source, back))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_an_artifact_from_before_grows_by_words(whole, queries_of):
    state = fitted(first(whole, 20)).state()
    kept = {k: v for k, v in state.arrays.items() if k not in ("dense.mean", "dense.axes")}
    back = ContentSource()
    back.restore(State(kept, dict(state.values)), first(whole, 20).catalog)
    back.add_items(later(whole, 20))
    assert not back._fit.dense.columns[:, 20:].any()
    order = back.generate(queries_of([0, 4]), 24).row(0).tolist()
    assert order.index(20) < order.index(21)


def test_new_items_without_text_or_without_vectors(whole, dataset_of, queries_of):
    source = fitted(first(whole, 20))
    bare = replace(whole, vectors={})
    source.add_items(bare)
    assert np.isfinite(source.score(queries_of([0]), np.array([[20, 23]]))).all()
    silent = whole.catalog.with_texts([*whole.catalog.texts[:22], "", ""])
    source = fitted(first(whole, 20))
    source.add_items(replace(later(whole, 20), catalog=silent))
    scores = source.score(queries_of([0]), np.array([[21, 22, 23]]))[0]
    assert np.isfinite(scores).tolist() == [True, False, False]
    assert source.explain(queries_of([0, 20]), np.array([2, 22]))[1] is None


def test_vectors_join_the_space_by_hand():
    """Centred by the mean of the first two, and turned: similarities are those of the plane."""
    rows = np.array([[1, 0], [0, 1]], dtype=np.float32)
    space = DenseSpace.build(rows)
    new = np.array([[0.9, 0.1], [0.5, 0.5], [0, 0]], dtype=np.float32)
    longer = space.extended(new)
    assert longer.columns.shape == (2, 5)
    similar = longer.columns.T @ longer.columns
    assert similar[0, 2] == pytest.approx(1.0, abs=1e-6), "the same side of the mean"
    assert similar[1, 2] == pytest.approx(-1.0, abs=1e-6)
    assert not similar[3:].any(), "the mean itself points nowhere, and nothing is nothing"
    np.testing.assert_allclose(longer.total, longer.columns.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(longer.gram, longer.columns @ longer.columns.T, atol=1e-6)
    np.testing.assert_array_equal(longer.columns[:, :2], space.columns)


@pytest.mark.parametrize("width", [0, 3])
def test_vectors_of_another_width_are_none(width):
    space = DenseSpace.build(np.eye(2, dtype=np.float32))
    longer = space.extended(np.ones((2, width), dtype=np.float32))
    assert longer.columns.shape == (2, 4)
    assert not longer.columns[:, 2:].any()
    assert DenseSpace.empty(3).extended(np.ones((1, 2), np.float32)).columns.shape == (0, 4)
