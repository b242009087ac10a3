from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.data.events import Events
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.ranking.candidates import QUOTAS, propose
from crossrec_backbone.relations.scores import behaviour_scores, text_scores
from crossrec_backbone.relations.statistics import Statistics

ROWS = [[0, 4, 8], [5], [], [2, 6, 10, 14]]


def batch(rows: list[list[int]] = ROWS) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(rows))


@pytest.mark.parametrize("size", [0, 1, 7, 30, 40, 300])
def test_a_pool_keeps_its_contract(shop, config, size: int) -> None:
    index = propose(Statistics.fit(shop(), config), batch(), size)
    assert index.shape[0] == 4
    assert index.shape[1] <= min(size, 40)
    for row, history in enumerate(ROWS):
        found = index[row][index[row] != PAD]
        assert (np.diff(found) > 0).all()
        assert not set(found.tolist()) & set(history)
        assert len(found) == min(size, 40 - len(history))


def test_a_small_pool_holds_the_best_of_the_sum(shop, config) -> None:
    statistics = Statistics.fit(shop(n_items=200, n_users=300), config)
    queries = batch(ROWS[:2])
    total = text_scores(statistics.text.relations, queries, config.consensus, config.history)
    behaved = behaviour_scores(
        statistics.behaviour.relations["prior_ease"], queries, config.history
    )
    total += config.consensus.kappa * behaved
    index = propose(statistics, queries, 150)
    for row in range(2):
        total[row, queries.history.row(row)] = -np.inf
        best = np.argsort(-total[row])[:20]
        assert set(best.tolist()) <= set(index[row].tolist())


def test_every_relation_sends_its_best(shop, config) -> None:
    statistics = Statistics.fit(shop(n_items=400, n_users=300), config)
    queries = batch([[0, 4, 8]])
    index = set(propose(statistics, queries, 300)[0].tolist())
    for name, matrix in statistics.behaviour.relations.items():
        scores = behaviour_scores(matrix, queries, config.history)[0]
        scores[[0, 4, 8]] = 0
        best = np.argsort(-scores, kind="stable")[: QUOTAS["relation"] // 2]
        assert set(best[scores[best] > 0].tolist()) <= index, name
    popular = statistics.behaviour.popularity.copy()
    popular[[0, 4, 8]] = 0
    clear = popular > np.sort(popular)[-QUOTAS["popular"]]
    assert set(np.flatnonzero(clear).tolist()) <= index


def test_batch_equals_single(shop, config) -> None:
    statistics = Statistics.fit(shop(n_items=120), config)
    together = propose(statistics, batch(), 50)
    for row in range(4):
        alone = propose(statistics, batch().take(np.array([row])), 50)
        found = together[row][together[row] != PAD]
        assert alone[0][alone[0] != PAD].tolist() == found.tolist()


def test_a_pool_without_events_is_made_of_texts(shop, config) -> None:
    statistics = Statistics.fit(shop().with_events(Events.empty()), config)
    index = propose(statistics, batch([[0, 4]]), 8)
    assert (index % 4 == 0).sum() >= 6, "items of the history's own kind"


def test_no_queries_no_pool(shop, config) -> None:
    statistics = Statistics.fit(shop(), config)
    assert propose(statistics, batch([]), 10).shape[0] == 0
