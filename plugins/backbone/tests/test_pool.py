from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.adaptation.behaviour_weight import KappaChoice, choose_kappa
from crossrec_backbone.adaptation.folds import last_event_folds
from crossrec_backbone.ranking.candidates import QUOTAS, propose
from crossrec_backbone.relations.scores import behaviour_scores, text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics, TextSide
from hypothesis import given, settings
from hypothesis import strategies as st

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


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=12), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_folds_hold_out_each_user_once_and_leak_nothing(rows: list[list[int]], n: int) -> None:
    sequences = Ragged.from_rows(rows)
    held: list[int] = []
    for fold in last_event_folds(sequences, n, seed=0):
        for at, user in enumerate(fold.queries.users.tolist()):
            row = sequences.row(user).tolist()
            assert fold.targets[at] == row[-1]
            assert fold.sequences.row(user).tolist() == row[:-1]
            assert fold.queries.history.row(at).tolist() == row[:-1]
            assert row[-1] not in row[:-1]
        others = np.setdiff1d(np.arange(len(rows)), fold.queries.users)
        for user in others:
            assert fold.sequences.row(user).tolist() == sequences.row(user).tolist()
        held += fold.queries.users.tolist()
    fit = [u for u, row in enumerate(rows) if len(row) >= 3 and row[-1] not in row[:-1]]
    assert sorted(held) == fit


def world(seed: int, *, text: bool, events: bool) -> Dataset:
    """Users with a taste for one of 8 groups; the group shows in texts, in events or in both."""
    from dataclasses import replace

    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary

    rng = np.random.default_rng(seed)
    n, groups = 160, np.arange(160) % 8
    named = groups if text else rng.permutation(groups)
    titles = tuple(f"kind{named[i]} thing{rng.integers(50)} w{rng.integers(50)}" for i in range(n))
    catalog = Catalog(
        Vocabulary([f"i{i}" for i in range(n)]),
        titles,
        titles,
        ((),) * n,
        ("",) * n,
        np.ones(n, dtype=bool),
    )
    rows = []
    for user in range(400):
        own = np.flatnonzero(groups == user % 8)
        row = rng.choice(own, 6, replace=False)
        if not events:  # only the last two of the history are of the group; the rest is noise
            row[:4] = rng.choice(n, 4, replace=False)
        rows.append(row)
    users = np.repeat(np.arange(400), 6)
    built = Dataset.build(
        Vocabulary([f"u{u}" for u in range(400)]),
        catalog,
        Events.from_columns(users, np.concatenate(rows)),
        has_clock=False,
    )
    return replace(built)


def choose(dataset: Dataset, config: BackboneConfig) -> KappaChoice:
    text = TextSide.fit(dataset, config)
    return choose_kappa(dataset.sequences, text, config, RunOptions())


def test_where_text_is_noise_behaviour_gets_the_weight(config) -> None:
    settings_ = config.model_copy(
        update={"consensus": config.consensus.model_copy(update={"kappa": 1.0})}
    )
    choice = choose(world(0, text=False, events=True), settings_)
    assert choice.kappa > 50
    assert choice.users == 400
    assert choice.scores[choice.kappa] > choice.scores[0.0] + 0.1


def test_where_nothing_is_better_the_prior_is_kept(config) -> None:
    choice = choose(world(1, text=True, events=True), config)
    best = max(choice.scores.values())
    assert choice.scores[choice.kappa] >= best - 0.03
    assert choice.prior == config.consensus.kappa


def test_too_few_users_decide_nothing(shop, config) -> None:
    choice = choose(shop(n_users=20), config)
    assert choice == KappaChoice(400.0, 400.0, {}, 0)


def test_the_choice_reports_progress(shop, config) -> None:
    dataset, seen = shop(n_users=80), []
    text = TextSide.fit(dataset, config)
    run = RunOptions(progress=lambda message, done, total: seen.append((message, done, total)))
    choose_kappa(dataset.sequences, text, config, run, folds=2)
    assert [part[1:] for part in seen] == [(0, 2), (1, 2), (2, 2)]
