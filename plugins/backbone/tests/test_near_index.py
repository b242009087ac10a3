"""An index proposes what a scan finds; what it cannot know is looked at all the same."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec_backbone.ranking.candidates import propose
from crossrec_backbone.ranking.shortlist import Shortlist
from crossrec_backbone.relations import near_index, search
from crossrec_backbone.relations.indexes import DenseIndex, NearRows
from crossrec_backbone.relations.near_index import NearIndex
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.sources.content import ContentConfig, ContentSource

pytest.importorskip("usearch")
RUN = RunOptions(threads=1)
N = 1_500


def rows_of(seed: int, n: int = N, width: int = 32) -> np.ndarray:
    """Rows in clusters, of length 1."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(60, width))
    rows = centres[rng.integers(0, 60, n)] + 0.7 * rng.normal(size=(n, width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


@pytest.fixture
def texts(dataset_of):
    """A catalogue of two words a title, and vectors."""
    rng = np.random.default_rng(5)
    words = np.array([a + b for a in "bdfgklmnpr" for b in ("ano", "eri", "ilo", "ute")])
    titles = [" ".join(rng.choice(words, 2)) for _ in range(N)]
    titles[17] = ""
    return dataset_of(titles, titles, rows_of(1))


@pytest.fixture
def indexed(monkeypatch):
    """Every catalogue is large enough for an index."""
    monkeypatch.setattr(near_index, "LEAST_ITEMS", 1)


def fitted(dataset) -> ContentSource:
    source = ContentSource(ContentConfig())
    source.fit(dataset, RUN)
    return source


def test_the_nearest_rows_are_found() -> None:
    rows = rows_of(0)
    index = NearIndex.build(rows)
    found = []
    for query in rows_of(2, 40):
        expected = np.argsort(-(rows @ query))[:50]
        found.append(np.isin(expected, index.nearest(3 * query, 100)).mean())
    assert np.mean(found) >= 0.98
    assert len(index.nearest(rows[0], 10 * N)) == N
    assert not len(index.nearest(np.zeros(32, dtype=np.float32), 5))
    assert not len(index.nearest(rows[0], 0))


def test_it_is_the_same_every_time_and_where_it_lies_on_disk(tmp_path) -> None:
    rows = rows_of(0)
    index = NearIndex.build(rows)
    assert index.packed.tobytes() == NearIndex.build(rows).packed.tobytes()
    index.packed.tofile(tmp_path / "index")
    mapped = np.memmap(tmp_path / "index", dtype=np.uint8, mode="r")
    back = NearIndex(mapped, N, 32)
    assert back.nearest(rows[3], 20).tolist() == index.nearest(rows[3], 20).tolist()


def test_content_answers_as_without(texts, indexed, queries_of) -> None:
    source = fitted(texts)
    assert source._index.has_index
    shared, spread = [], []
    rng = np.random.default_rng(3)
    for _ in range(30):
        history = rng.integers(0, N, 4).tolist()
        exclude = [*history, *rng.integers(0, N, 5).tolist()]
        query = queries_of(history, exclude=[exclude])
        found = source.generate(query, 60)
        expected = top_k(source._scan(query).whole.copy(), 60, query.exclude)
        assert found.index.shape == (1, 60)
        assert len(set(found.index[0].tolist()) - {17, *exclude}) == 60
        shared.append(np.isin(found.index, expected.index).mean())
        np.testing.assert_allclose(
            found.score[0], source._scan(query).whole[0, found.index[0]], atol=1e-4
        )
        spread.append([found.mean[0] - expected.mean[0], found.std[0] / expected.std[0]])
    assert np.mean(shared) >= 0.98
    gap, ratio = np.abs(spread).T
    assert gap.max() < 0.05
    assert 0.9 < ratio.min() <= ratio.max() < 1.1


def test_it_comes_back_from_an_artifact(texts, indexed, queries_of) -> None:
    source = fitted(texts)
    state = source.state()
    again = ContentSource(ContentConfig())
    again.restore(State(dict(state.arrays), dict(state.values)), texts.catalog)
    assert again._index.has_index
    query = queries_of([4, 9, 30])
    assert again.generate(query, 30).index.tolist() == source.generate(query, 30).index.tolist()


def test_what_came_after_the_fit_is_found(texts, indexed, dataset_of, queries_of) -> None:
    source = fitted(texts)
    titles = [*texts.catalog.titles, texts.catalog.titles[40]]
    vectors = np.concatenate([rows_of(1), rows_of(1)[40:41]])  # the very vector of item 40
    source.add_items(dataset_of(titles, titles, vectors))
    found = source.generate(queries_of([40], exclude=[[40]]), 10)
    assert N in found.index[0].tolist()


def test_the_backbone_proposes_as_without(shop, config, indexed, queries_of) -> None:
    dataset = shop(n_items=N, n_users=100)
    statistics = Statistics.fit(dataset, config)
    shortlist = Shortlist(statistics)
    assert shortlist.text.has_index
    shared = []
    for history in ([0, 4, 9], [7], [1, 5, 9, 13, 17], [2, 900, 1200]):
        query = queries_of(history, exclude=[history])
        found = shortlist.propose(query, 400.0)[0]
        assert len(found) == 300
        shared.append(np.isin(found, propose(statistics, query, kappa=400.0)[0]).mean())
    assert np.mean(shared) >= 0.98


def test_without_usearch_an_indexed_catalogue_is_scanned(texts, indexed, monkeypatch) -> None:
    state = fitted(texts).state()
    monkeypatch.setattr(search, "installed", lambda: False)
    source = ContentSource(ContentConfig())
    source.restore(state, texts.catalog)
    assert not source._index.has_index
    assert all(isinstance(one, DenseIndex) for one in source._index.dense.values())


def test_small_catalogues_have_none(texts) -> None:
    relations = TextRelations.fit(texts.catalog, texts.vectors, ContentConfig().text)
    assert relations.near == {}
    assert not any(isinstance(one, NearRows) for one in fitted(texts)._index.dense.values())
