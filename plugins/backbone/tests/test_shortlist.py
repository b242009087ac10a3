"""A single query gets the candidates that it has in a batch, where some must be left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.events import Events
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import largest
from crossrec_backbone.adaptation.adapter import AdapterConfig
from crossrec_backbone.ranking import shortlist
from crossrec_backbone.ranking.candidates import QUOTAS, propose
from crossrec_backbone.ranking.shortlist import LEAST_ITEMS, Shortlist
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.sources.backbone import BackboneSource, BackboneSourceConfig

RUN = RunOptions(seed=0, threads=1)
N_ITEMS = LEAST_ITEMS + 200
HISTORIES = ([0, 4, 9], [1, 5, 9, 13, 17], [7], [3, 3, 11], [2, 6, 10, 2])


@pytest.fixture(scope="module")
def large(shop):
    return shop(n_items=N_ITEMS, n_users=150)


@pytest.fixture(scope="module")
def statistics(large, config):
    return Statistics.fit(large, config)


def batch(histories, exclude=None) -> QueryBatch:
    rows = Ragged.from_rows(histories)
    return QueryBatch.from_histories(rows, exclude=Ragged.from_rows(exclude or histories))


def recall(found, expected) -> float:
    assert len(found) == len(set(found.tolist())) == len(expected)
    assert (np.diff(found) > 0).all()
    return len(np.intersect1d(found, expected)) / len(expected)


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("kappa", [0.0, 400.0, 10_000.0])
def test_a_single_query_has_the_candidates_of_a_batch(statistics, history, kappa) -> None:
    query = batch([history])
    expected = propose(statistics, query, kappa=kappa)[0]
    found = Shortlist(statistics).propose(query, kappa)
    assert recall(found[0], expected) >= 0.99


@pytest.mark.parametrize("history", HISTORIES)
def test_items_that_are_admitted_count_for_themselves(statistics, history) -> None:
    query = batch([history], [[20, 21]])
    expected = propose(statistics, query)[0]
    found = Shortlist(statistics).propose(query, statistics.config.consensus.kappa)[0]
    assert recall(found, expected) >= 0.99
    assert set(history) <= set(found.tolist())
    assert not {20, 21} & set(found.tolist())


def test_without_events_text_proposes(large, config) -> None:
    young = Statistics.fit(large.with_events(Events.empty()), config)
    query = batch([[0, 4]])
    found = Shortlist(young).propose(query, 400.0)[0]
    assert recall(found, propose(young, query)[0]) >= 0.99
    assert not len(Shortlist(young).popular)


def test_without_vectors_words_and_behaviour_propose(large, config) -> None:
    bare = Statistics.fit(replace(large, vectors={}), config)
    query = batch([[0, 4, 9]])
    near = propose(bare, query, size=150)[0]  # beyond them there is no evidence: any item will do
    found = Shortlist(bare).propose(query, bare.config.consensus.kappa)[0]
    assert len(found) == 300
    assert np.isin(near, found).mean() >= 0.99


def test_where_few_items_are_open_all_of_them_are_candidates(statistics) -> None:
    closed = np.arange(100, N_ITEMS)
    found = Shortlist(statistics).propose(batch([[0, 4]], [closed]), 400.0)[0]
    assert found.tolist() == list(range(100))


def test_new_items_are_candidates_too(statistics, shop) -> None:
    longer = statistics.extended(shop(n_items=N_ITEMS + 100))
    query = batch([[N_ITEMS + 4, N_ITEMS + 8]])
    expected = propose(longer, query)[0]
    assert recall(Shortlist(longer).propose(query, 400.0)[0], expected) >= 0.99


def test_few_posting_lists_lose_few_candidates(statistics, monkeypatch) -> None:
    monkeypatch.setattr(shortlist, "POSTINGS", 300)
    query = batch([[0, 4, 9]])
    found = Shortlist(statistics).propose(query, 400.0)[0]
    assert recall(found, propose(statistics, query)[0]) >= 0.95


@pytest.fixture(scope="module")
def fitted(large, config):
    values = {name: getattr(config, name) for name in type(config).model_fields}
    source = BackboneSource(BackboneSourceConfig(**values, adapter=AdapterConfig(queries=200)))
    source.fit(large, RUN)
    return source


@pytest.mark.parametrize("history", HISTORIES)
def test_a_single_query_is_answered_as_in_a_batch(fitted, history) -> None:
    alone = fitted.generate(batch([history]), 50)
    together = fitted.generate(batch([history, [8]]), 50)
    np.testing.assert_array_equal(alone.row(0), together.row(0))
    np.testing.assert_allclose(alone.score[0], together.score[0], rtol=1e-4, atol=1e-5)


def test_the_most_popular_are_those_of_the_dense_pass(statistics) -> None:
    """Whatever ties for the last places: both take them in even steps."""
    popularity = np.random.default_rng(0).integers(0, 4, N_ITEMS).astype(np.float32)
    behaviour = replace(statistics.behaviour, popularity=popularity)
    found = Shortlist(replace(statistics, behaviour=behaviour))
    for seed in range(5):
        taken = np.random.default_rng(seed).random(N_ITEMS) < 0.3
        expected = largest(np.where(taken, np.float32(0.0), popularity), QUOTAS["popular"])
        np.testing.assert_array_equal(np.sort(found.most_popular(taken)), expected)


def test_fewer_popular_items_than_there_is_room_for(statistics) -> None:
    popularity = np.zeros(N_ITEMS, dtype=np.float32)
    popularity[[5, 900, 17]] = 1.0, 3.0, 2.0
    behaviour = replace(statistics.behaviour, popularity=popularity)
    found = Shortlist(replace(statistics, behaviour=behaviour))
    taken = np.zeros(N_ITEMS, dtype=bool)
    assert found.popular.tolist() == [900, 17, 5]
    assert sorted(found.most_popular(taken).tolist()) == [5, 17, 900]
    taken[17] = True
    assert sorted(found.most_popular(taken).tolist()) == [5, 900]


def test_what_others_found_is_scored_beside_the_shortlist(fitted) -> None:
    query = batch([[0, 4, 9]])
    own = fitted.generate(query, 300)
    others = np.setdiff1d(np.arange(N_ITEMS), own.row(0))[:20]
    wanted = np.concatenate([[PAD], own.row(0)[:5], others, own.row(0)[:1], [PAD]])[None]
    scores = fitted.score(query, wanted)[0]
    assert np.isnan(scores[[0, -1]]).all()
    np.testing.assert_array_equal(scores[1:6], own.score[0, :5])
    assert scores[-2] == own.score[0, 0]
    assert np.isfinite(scores[6:26]).any()


def test_without_a_history_there_are_no_candidates(fitted) -> None:
    query = QueryBatch.from_histories(Ragged.from_rows([[]]))
    assert (fitted.generate(query, 20).index == PAD).all()


def test_the_same_query_has_the_same_answer_each_time(fitted) -> None:
    first = fitted.generate(batch([[0, 4, 9]]), 50)
    fitted.generate(batch([[1, 2, 3]]), 50)
    again = fitted.generate(batch([[0, 4, 9]]), 50)
    np.testing.assert_array_equal(first.index, again.index)
    np.testing.assert_array_equal(first.score, again.score)


def test_each_query_of_a_batch_has_its_own_candidates(statistics) -> None:
    histories, excluded = [[0, 4, 9], [], [7]], [[0, 4, 9], [2], [7, 8]]
    shortlist = Shortlist(statistics).prepare()
    found = shortlist.propose_each(batch(histories, excluded), 400.0)
    for row in (0, 2):
        alone = shortlist.propose(batch([histories[row]], [excluded[row]]), 400.0)[0]
        assert found[row].tolist() == alone.tolist()
    taken = np.zeros(statistics.n_items, dtype=bool)
    taken[2] = True
    popular = shortlist.most_popular(taken)
    assert 0 < len(popular) <= QUOTAS["popular"]
    assert found[1, : len(popular)].tolist() == popular.tolist()
    assert (found[1, len(popular) :] == PAD).all()
    assert shortlist.propose_each(batch([], []), 400.0).shape == (0, 0)


def test_what_single_queries_read_is_laid_out_before_the_first(fitted, large, monkeypatch) -> None:
    """In a catalogue of a million that takes longer than the first request may wait."""
    restored = BackboneSource(fitted.config)
    restored.restore(fitted.state(), large.catalog)
    refuse = "laid out within a request"
    monkeypatch.setattr(shortlist.TextIndex, "build", lambda *_: pytest.fail(refuse))
    query = batch([[0, 4, 9]])
    assert fitted._fitted.adapter.serves == "mixture"
    assert restored.generate(query, 10).index.shape == (1, 10)
