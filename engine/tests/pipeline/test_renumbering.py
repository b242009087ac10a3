"""Indexes are inside only: items and users in another order give the same ids."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.topk import top_k
from crossrec.components.user_state import UserState
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_explanation import explain_item
from crossrec.pipeline.query_resolution import resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.user_states import with_given_history
from crossrec.scenario import ItemField, ItemSchema
from crossrec.testing.requests import TOY, ask, serve, with_parts

SCHEMA = ItemSchema((ItemField("title"),), "{title}")
N_USERS, N_ITEMS = 90, 16


@pytest.fixture(scope="module")
def rows():
    """(user, item) pairs, oldest first."""
    rng = np.random.default_rng(5)
    weight = 1 / np.arange(1, N_ITEMS + 1)
    rows = []
    for user in range(N_USERS):
        own = weight * np.where(np.arange(N_ITEMS) % 3 == user % 3, 6, 1)
        rows += [(user, i) for i in rng.choice(N_ITEMS, 5, replace=False, p=own / own.sum())]
    return [rows[at] for at in rng.permutation(len(rows))]


def renumbered(rows, seed):
    """The same users, items and events, with indexes drawn by `seed`."""
    rng = np.random.default_rng(seed)
    items = [f"i{i}" for i in rng.permutation(N_ITEMS)]
    users = [f"u{u}" for u in rng.permutation(N_USERS)]
    item_vocabulary, user_vocabulary = Vocabulary(items), Vocabulary(users)
    catalog = Catalog.from_records(item_vocabulary, {i: {"title": f"T {i}"} for i in items}, SCHEMA)
    events = Events.from_columns(
        user_vocabulary.indexes(f"u{u}" for u, _ in rows),
        item_vocabulary.indexes(f"i{i}" for _, i in rows),
        np.arange(len(rows)),
    )
    return Dataset.build(user_vocabulary, catalog, events, has_clock=True)


@pytest.fixture(scope="module")
def registry_without_ties(make_registry, toy_sources):
    """Sources that decide ties by something that does not hang on the index: the id."""

    def spread(catalog):
        return np.array([int(id_[1:]) / 1000 for id_ in catalog.items.ids], np.float32)

    class Popular(toy_sources.popular):
        def fit(self, dataset, run):
            self.counts = dataset.item_counts + spread(dataset.catalog)

        def generate(self, queries, k):
            scores = np.tile(self.counts, (len(queries), 1)).astype(np.float32)
            return top_k(scores, k, queries.exclude, minimum=0.0)

    class Together(toy_sources.together):
        def fit(self, dataset, run):
            super().fit(dataset, run)
            tilt = spread(dataset.catalog)
            self.counts += tilt[None, :] + tilt[:, None] / 7
            np.fill_diagonal(self.counts, 0)

    return make_registry(candidate_generators={"popular-2": Popular, "together-2": Together})


@pytest.fixture(scope="module")
def pipelines(rows, registry_without_ties, make_config):
    config = make_config("popular-2", "together-2")
    return [
        fit_pipeline(
            TOY,
            renumbered(rows, s),
            resolve_pipeline(config, registry_without_ties),
            RunOptions(seed=1),
        )
        for s in (0, 1)
    ]


def explained(pipeline, item, history=("i3",)):
    """Return every source's score of one item, by index, for a given history."""
    user = with_given_history(UserState(), history, TOY, 0.0)
    query = Query(history=history)
    batch = resolve_query(serve(pipeline), pipeline.main, query, user, 0.0).batch
    return explain_item(pipeline, pipeline.main, batch, item)


def test_the_numbering_is_really_another(pipelines):
    first, second = pipelines
    assert first.catalog.items != second.catalog.items
    assert sorted(first.catalog.items.ids) == sorted(second.catalog.items.ids)


def test_weights_are_the_same(pipelines):
    """The gate draws queries by row, so its halves differ; what is learnt of all does not."""
    weights = [getattr(p.main.ranker, "weights", None) for p in pipelines]
    assert type(pipelines[0].main.ranker) is type(pipelines[1].main.ranker)
    if weights[0] is not None:
        assert weights[0] == pytest.approx(weights[1], abs=1e-4)


@pytest.mark.parametrize(
    "history", [("i0",), ("i3", "i7"), ("i15", "i15", "i2", "i9"), ("i1", "nope", "i4")]
)
def test_the_same_history_gets_the_same_ids_and_reasons(pipelines, history):
    first, second = (ask(p, history=history, k=12) for p in pipelines)
    assert first.item_ids == second.item_ids
    assert [i.title for i in first.items] == [f"T {i}" for i in first.item_ids]
    for one, other in zip(first.items, second.items):
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert [(r.source, sorted(r.history)) for r in one.reasons] == [
            (r.source, sorted(r.history)) for r in other.reasons
        ]


def test_pool_scores_are_of_ids_too(pipelines):
    scores = []
    for pipeline in pipelines:
        items = pipeline.catalog.items
        history = Ragged.from_rows([items.indexes(("i3", "i7"))])
        pool, own, _ = pipeline.scored_pool(pipeline.main, QueryBatch.from_histories(history))
        scores.append({items.id(at): score for at, score in zip(pool.index[0], own[0])})
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


@pytest.mark.parametrize("item", ["i0", "i8"])
def test_so_do_the_same_items(pipelines, item):
    first, second = (ask(p, item_ids=(item,), k=12) for p in pipelines)
    assert first.item_ids == second.item_ids


def test_scores_are_of_ids(pipelines):
    def explanation(pipeline, id_):
        found = explained(pipeline, pipeline.catalog.items.index(id_))
        views = [
            dataclasses.replace(v, z=None if v.z is None else round(v.z, 3)) for v in found.sources
        ]
        return found.item_id, found.place, views

    for id_ in ("i0", "i3", "i11"):
        assert explanation(pipelines[0], id_) == explanation(pipelines[1], id_)


def test_places_are_those_of_the_slate(pipelines):
    for pipeline in pipelines:
        slate = ask(pipeline, history=("i3",), k=8)
        places = [explained(pipeline, item.index).place for item in slate.items]
        assert places == list(range(1, 9))


def test_places_differ_even_where_scores_tie(pipelines):
    class Ties:
        def score(self, queries, pool):
            return np.where(pool.valid, 1.0, -np.inf).astype(np.float32)

    tied = with_parts(pipelines[0], ranker=Ties())
    slate = ask(tied, history=("i3",), k=5)
    assert [explained(tied, item.index).place for item in slate.items] == [1, 2, 3, 4, 5]
