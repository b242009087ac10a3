"""Plain similarity: by text where there are vectors, else by who has the items."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.evaluation.models import Model
from crossrec.evaluation.surfaces.similarity import Similarity
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def people(timed):
    """Items 0 and 1 have the same two people, 2 shares one of them, 3 has another, 4 nobody."""
    rows = [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2), (2, 2), (3, 3)]
    return timed([(*row, at) for at, row in enumerate(rows)], n_items=5)


def test_by_people_the_nearest_comes_first(people):
    model = Similarity(people)
    assert isinstance(model, Model)
    assert model.name == "same people"
    found = model.top(QueryBatch.from_histories(Ragged.from_rows([[0], [3], []])), 5)
    assert found.index[0].tolist()[:2] == [1, 2]
    assert found.score[0].tolist()[:2] == pytest.approx([1.0, 0.5])
    assert (found.index[0, 2:] == -1).all()
    assert (found.index[1:] == -1).all()


def test_what_a_query_is_about_counts_not_the_history(people):
    batch = QueryBatch.from_histories(
        Ragged.from_rows([[3]]), exclude=Ragged.from_rows([[0, 3]]), about=Ragged.from_rows([[0]])
    )
    assert Similarity(people).top(batch, 2).index.tolist() == [[1, 2]]


def test_by_text_where_there_are_vectors(people):
    angles = np.array([0.0, 0.9, 0.2, 0.5, 0.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 3
    vectors[4] = 0.0
    model = Similarity(people.with_vectors("enc", vectors))
    assert model.name == "similar texts"
    found = model.top(QueryBatch.from_histories(Ragged.from_rows([[0], []])), 3)
    assert found.index[0].tolist() == [2, 3, 1]
    assert found.score[0].tolist() == pytest.approx(np.cos([0.2, 0.5, 0.9]).tolist(), abs=1e-6)
    assert (found.index[1] == -1).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), text=st.booleans())
def test_the_score_is_the_mean_cosine_to_the_distinct_items(at_random, seed, text):
    train = at_random(seed, True)
    rng = np.random.default_rng(seed)
    if text:
        train = train.with_vectors("enc", rng.normal(size=(train.n_items, 3)).astype(np.float32))
    rows = train.vectors["enc"] if text else train.matrix(binary=True).toarray().T
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    history = rng.integers(0, train.n_items, 5)
    found = Similarity(train).top(
        QueryBatch.from_histories(Ragged.from_rows([history.tolist()])), train.n_items
    )
    wanted = unit @ unit[np.unique(history)].mean(axis=0)
    for item, score in zip(found.index[0], found.score[0]):
        if item >= 0:
            assert item not in history
            assert score == pytest.approx(wanted[item], abs=1e-5)
    shown = set(found.index[0].tolist()) - {-1}
    missing = set(range(train.n_items)) - shown - set(history.tolist())
    assert all(not text and wanted[item] == 0 for item in missing)
