"""Neighbours by words: against all pairs, within the budget, and what is too common to be read."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec_backbone.relations import near_texts
from crossrec_backbone.relations.config import GraphConfig, TextConfig
from crossrec_backbone.relations.near_texts import NearTexts
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.relations.text_graph import similarity_block, text_graph
from scipy.sparse import csr_matrix

CONFIG = TextConfig(encoder="")


def catalogue(n: int, seed: int = 0) -> Catalog:
    rng = np.random.default_rng(seed)
    words = np.array([a + b for a in "bdfgklmnprst" for b in ("ano", "eri", "ilo", "ute")])
    titles = tuple(" ".join(rng.choice(words, 5)) for _ in range(n))
    ids = Vocabulary(map(str, range(n)))
    return Catalog(ids, titles, titles, ((),) * n, ("",) * n, np.ones(n, dtype=bool))


@pytest.fixture(scope="module")
def relations() -> TextRelations:
    return TextRelations.fit(catalogue(300), {}, CONFIG)


def test_without_a_limit_all_pairs_are_compared(relations) -> None:
    exact, near = text_graph(relations, GraphConfig(neighbours=300))
    listed, ten = text_graph(
        relations, GraphConfig(neighbours=300, exact_up_to=0, postings=1_000_000)
    )
    np.testing.assert_allclose(listed.toarray(), exact.toarray(), atol=1e-5)
    np.testing.assert_allclose(ten, near, atol=1e-5)


def test_threads_and_blocks_change_nothing(relations, monkeypatch) -> None:
    config = GraphConfig(neighbours=20, exact_up_to=0, postings=400)
    whole, near = text_graph(relations, config)
    monkeypatch.setattr(near_texts, "_BLOCK_ENTRIES", 4_000)
    parts, ten = text_graph(relations, config, threads=3)
    assert (whole != parts).nnz == 0
    np.testing.assert_array_equal(ten, near)


def test_a_budget_loses_little_and_what_is_found_is_exact(relations) -> None:
    texts = NearTexts.of([relations.sparse[n] for n in ("text_words", "title_grams")], 400)
    scores = similarity_block(relations, np.arange(300))
    np.fill_diagonal(scores, 0)
    found = texts.nearest(0, 300, 40).toarray()
    assert (np.count_nonzero(found, axis=1) <= 40).all()
    np.testing.assert_allclose(found[found > 0], scores[found > 0], atol=1e-5)
    best = np.sort(scores, axis=1)[:, -10:].mean()
    assert np.sort(found, axis=1)[:, -10:].mean() > 0.95 * best
    part = texts.nearest(100, 117, 40).toarray()
    np.testing.assert_allclose(part, found[100:117], atol=1e-6)


def test_only_so_many_entries_are_read_and_the_heaviest_first() -> None:
    # Terms 0 and 1 are in two items, term 2 in all.
    weights = [[0.9, 0.0, 0.4], [0.9, 0.0, 0.4], [0.0, 0.9, 0.4], [0.0, 0.9, 0.4], [0.0, 0.0, 1.0]]
    rows = csr_matrix(np.array(weights, dtype=np.float32))
    few = NearTexts.of([rows], 3).nearest(0, 5, 9).toarray()
    assert np.argwhere(few).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    assert few[0, 1] == pytest.approx(0.9**2 + 0.4**2), "exact, with the term that was not read"
    more = NearTexts.of([rows], 7).nearest(0, 5, 9).toarray()
    assert np.count_nonzero(more) == 5 * 4


def test_equal_texts_do_not_all_have_the_same_neighbours() -> None:
    rows = csr_matrix(np.ones((60, 1), dtype=np.float32))
    found = NearTexts.of([rows], 60).nearest(0, 60, 5)
    assert (np.diff(found.indptr) == 5).all()
    assert np.bincount(found.indices, minlength=60).max() < 30
