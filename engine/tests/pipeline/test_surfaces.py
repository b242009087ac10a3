"""Surfaces: one fit, and a plan over it for each place where recommendations are shown."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.request import answer
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY, serve, user_with, with_every_source

RUN = RunOptions(seed=1)


@pytest.fixture
def fit(registry, make_config, dataset):
    def fit(data=dataset, *sources, registry=registry, scenario=TOY, **values):
        config = make_config(*(sources or ("popular", "together")), **values)
        return fit_pipeline(scenario, data, resolve_pipeline(config, registry, "user"), RUN)

    return fit


def repeating(dataset, n_users):
    """The dataset in which so many users come back to their first item at the end."""
    first = dataset.sequences.values[dataset.sequences.indptr[:n_users]]
    events = dataset.events
    return dataset.with_events(
        Events.from_columns(
            np.concatenate([events.users, np.arange(n_users)]),
            np.concatenate([events.items, first]),
            np.concatenate([events.times, np.full(n_users, 1e6)]),
        )
    )


def test_every_surface_is_fitted_and_reported(fit):
    surfaces = {"user": {}, "like": {"input": "item"}, "shelf": {"sources": ["popular"]}}
    pipeline = fit(surfaces=surfaces)
    assert list(pipeline.surfaces) == list(pipeline.report["surfaces"]) == list(surfaces)
    for name, surface in pipeline.surfaces.items():
        report = pipeline.report["surfaces"][name]
        assert surface.plan.name == name
        assert surface.ranker_name == report["chosen"]
    assert pipeline.main is pipeline.surfaces["user"]
    assert pipeline.report["gate"] == pipeline.report["surfaces"]["user"]
    like = pipeline.report["surfaces"]["like"]
    assert (like["chosen"], like["queries"]) == ("rrf", 0)
    assert like["why"] == "no events of this surface to choose by"


def test_surfaces_of_one_plan_share_their_ranker(fit):
    surfaces = {"user": {}, "twin": {"k": 3}, "other": {"sources": ["popular"]}}
    found = fit(surfaces=surfaces).surfaces
    assert found["user"].ranker is found["twin"].ranker
    assert found["user"].ranker is not found["other"].ranker


def test_a_ranker_that_is_named_for_items_serves_without_a_trial(fit):
    surfaces = {"user": {}, "like": {"input": "item", "ranker": "inverted"}}
    pipeline = fit(surfaces=surfaces)
    assert pipeline.surfaces["like"].ranker_name == "inverted"
    assert pipeline.surfaces["like"].ranker.fitted
    assert pipeline.report["surfaces"]["like"]["why"] == "named in the pipeline file"
    assert pipeline.report["surfaces"]["user"]["chosen"] != "inverted"


def test_a_ranker_learns_from_the_candidates_of_its_surface_alone(fit, make_registry):
    seen = {}

    class Learns:
        def fit(self, dataset, examples, run):
            seen[examples.pool.sources] = examples

        def score(self, queries, pool):
            return np.where(pool.valid, 0.0, -np.inf).astype(np.float32)

    registry = make_registry(rankers={"learns": Learns})
    surfaces = {"user": {}, "own": {"sources": ["together"]}}
    fit(surfaces=surfaces, ranker="learns", registry=registry)
    assert set(seen) == {("popular", "together"), ("together",)}
    own = seen["together",].pool
    assert (own.index == PAD).any(), "what popularity alone proposed is no candidate here"
    proposed = (own.ranks >= 0).any(axis=2)
    assert np.array_equal(proposed, own.index != PAD)


@pytest.mark.parametrize(
    ("history", "kept"), [("keep", True), ("last", False), ("exclude", False), ("auto", False)]
)
def test_the_rule_for_known_items_is_the_surfaces(fit, history, kept):
    pipeline = fit(surfaces={"user": {"history": history}, "item": {"input": "item"}})
    assert pipeline.surfaces["user"].keeps_history is kept
    assert pipeline.surfaces["item"].keeps_history is False


@pytest.mark.parametrize(("n_users", "kept"), [(5, False), (6, True)])
def test_where_people_come_back_known_items_are_kept(fit, dataset, n_users, kept):
    """Of 120 users 6 are five in a hundred."""
    pipeline = fit(repeating(dataset, n_users), surfaces={"user": {}, "own": {"history": "last"}})
    assert pipeline.report["repeats"] == {"rate": round(n_users / 120, 4), "users": 120}
    assert pipeline.surfaces["user"].keeps_history is kept
    assert pipeline.surfaces["own"].keeps_history is False


def on(pipeline, name, user=None, scenario=TOY, **fields):
    """Ask one surface by its name."""
    fields.setdefault("k", 10)
    user = user or user_with()
    return answer(serve(pipeline, scenario), Query(**fields), user, name)


def test_each_surface_answers_by_its_own_sources(fit):
    surfaces = {"user": {}, "hits": {"sources": ["popular"]}, "like": {"input": "item"}}
    pipeline = fit(surfaces=surfaces, item_sources=["together"])
    user = user_with(liked=("i1", "i3"))
    shown = {
        name: {r.source for i in on(pipeline, name, user, k=5).items for r in i.reasons}
        for name in ("user", "hits")
    }
    assert shown["hits"] == {"popular"}
    assert "together" in shown["user"]
    like = on(pipeline, "like", user, item_ids=("i2",), k=5)
    assert {r.source for i in like.items for r in i.reasons} == {"together"}
    assert {id_ for i in like.items for r in i.reasons for id_ in r.history} == {"i2"}
    assert (like.surface, like.path) == ("like", "items")


def test_a_surface_about_several_items_is_about_all_of_them(fit):
    pipeline = fit(surfaces={"user": {}, "cart": {"input": "items"}}, item_sources=["together"])
    slate = on(pipeline, "cart", item_ids=("i2", "i4"), k=18)
    assert not {"i2", "i4"} & set(slate.item_ids)
    named = {id_ for item in slate.items for reason in item.reasons for id_ in reason.history}
    assert named <= {"i2", "i4"}


def test_each_surface_has_its_own_policies(fit):
    surfaces = {"user": {}, "strict": {"policies": ["drops-first"]}, "free": {"policies": []}}
    pipeline = fit(surfaces=surfaces, policies=["raises"])
    assert [d.component for d in on(pipeline, "user").degraded] == ["raises"]
    strict, free = on(pipeline, "strict"), on(pipeline, "free")
    assert (free.changes, free.degraded) == ((), ())
    assert [change.policy for change in strict.changes] == ["drops-first"]
    assert strict.item_ids[0] == free.item_ids[1]


def test_a_surface_whose_sources_are_all_gone_falls_back_in_its_order(fit):
    surfaces = {
        "user": {}, "new": {"sources": ["together"], "fallback": ["newest"]},
        "mixed": {"sources": ["together"], "fallback": ["popular", "newest"]},
        "bare": {"sources": ["together"], "fallback": []},
    }  # fmt: skip
    pipeline = fit(surfaces=surfaces)
    newest = [f"i{at}" for at in range(19, -1, -1)]
    assert on(pipeline, "new").item_ids == tuple(newest[:10]), "without a history it finds nothing"
    popular = [f"i{at}" for at in pipeline.fallback[:10]]
    assert on(pipeline, "mixed").item_ids == tuple(popular)
    bare = on(pipeline, "bare")
    assert bare.items == ()
    assert bare.short_because.startswith("only 0 of 10")


def test_a_fallback_that_fails_or_is_gone_is_passed_over(fit):
    surfaces = {"user": {}, "shelf": {"sources": ["together"], "fallback": ["popular", "newest"]}}
    pipeline = fit(surfaces=surfaces)

    class Broken:
        def generate(self, queries, k):
            raise RuntimeError("out of order")

    for sources in ({"together": pipeline.sources["together"]},
                    {**pipeline.sources, "popular": Broken()}):  # fmt: skip
        changed = dataclasses.replace(pipeline, sources=sources)
        assert on(changed, "shelf", k=2).item_ids == ("i19", "i18")


def test_what_a_fallback_returns_is_checked_like_a_source(fit):
    surfaces = {"user": {}, "shelf": {"sources": ["together"], "fallback": ["popular", "newest"]}}
    pipeline = fit(surfaces=surfaces)

    class Wild:
        def generate(self, queries, k):
            from crossrec.components.candidates import Candidates

            index = np.array([[99, 5, 5, -3, 4, 1]])
            return Candidates(index, np.zeros(index.shape, np.float32))

    changed = dataclasses.replace(pipeline, sources={**pipeline.sources, "popular": Wild()})
    slate = on(changed, "shelf", user_with(disliked=("i4",)), k=4)
    assert slate.item_ids == ("i5", "i1", "i19", "i18")


def test_fresh_and_weighs_are_the_surfaces(fit, dataset):
    """A play of 5 days ago, of a half-life of 4: no longer fresh here, still fresh there."""
    radio = dataclasses.replace(
        TOY,
        events=(
            dataclasses.replace(TOY.events[0], name="play", consumes="soft", half_life_days=4.0),
            *TOY.events[1:],
        ),
        default_event="play",
    )
    surfaces = {
        "user": {"history": "keep"}, "slow": {"history": "keep", "fresh": 2.0},
        "light": {"history": "keep", "weighs": 0.0},
    }  # fmt: skip
    pipeline = with_every_source(fit(scenario=radio, surfaces=surfaces), dataset)
    day = 86_400.0
    user = user_with(liked=("i0",))
    options = {"k": 20, "now": 5 * day}
    assert "i0" in on(pipeline, "user", user, radio, **options).item_ids
    assert "i0" not in on(pipeline, "slow", user, radio, **options).item_ids
    left = on(pipeline, "user", user, radio, **options)
    (change,) = left.changes
    assert (change.policy, change.item_id, change.action) == ("consumption", "i0", "demoted")
    assert change.values == {"factor": round(1 - 0.5 ** (5 / 4), 4)}
    light = on(pipeline, "light", user, radio, **options)
    assert light.changes == ()
    places = [slate.item_ids.index("i0") for slate in (light, left)]
    assert places[0] < places[1]


def test_known_items_are_last_kept_or_left_out(fit):
    surfaces = {name: {"history": name} for name in ("keep", "last", "exclude")}
    pipeline = fit(surfaces={"user": {}, **surfaces})
    user = user_with(viewed=("i0", "i2", "i4"))
    slates = {name: on(pipeline, name, user, k=20) for name in surfaces}
    assert len(slates["keep"].items) == len(slates["last"].items) == 20
    assert slates["last"].item_ids[-3:] == ("i4", "i2", "i0"), "the latest of them first"
    assert set(slates["exclude"].item_ids) == {f"i{at}" for at in range(20)} - {"i0", "i2", "i4"}
    kept = [slates["keep"].item_ids.index(one) for one in ("i0", "i2", "i4")]
    assert max(kept) < 17, "ranked like others"


def test_the_default_surface_is_the_main_one(fit):
    pipeline = fit(surfaces={"like": {"input": "item"}, "user": {}})
    slate = answer(serve(pipeline), Query(history=()), user_with())
    assert slate.surface == "user"


def test_ranking_for_an_evaluation_is_that_of_the_main_surface(fit):
    pipeline = fit(surfaces={"user": {"sources": ["together"]}, "hits": {"sources": ["popular"]}})
    queries = QueryBatch.from_histories(Ragged.from_rows([[0, 2]]))
    pool, scores, _ = pipeline.scored_pool(pipeline.main, queries)
    assert pool.sources == ("together",)
    best = pipeline.rank(queries, 3)
    order = np.argsort(-scores[0], kind="stable")[:3]
    assert best.index[0].tolist() == pool.index[0, order].tolist()
    gone = dataclasses.replace(pipeline, sources={"popular": pipeline.sources["popular"]})
    with pytest.raises(CrossrecError, match="no source could answer"):
        gone.rank(queries, 3)


def test_pool_scores_lie_between_0_and_1(fit, dataset):
    pipeline = with_every_source(fit(), dataset)
    queries = QueryBatch.from_histories(Ragged.from_rows([[0, 2], [1], []]))
    for surface in (
        pipeline.main, dataclasses.replace(pipeline.main, ranker=ReciprocalRankFusion()),
    ):  # fmt: skip
        pool, scores, _ = pipeline.scored_pool(surface, queries)
        assert np.isneginf(scores[~pool.valid]).all()
        for row in range(3):
            own = scores[row][pool.valid[row]]
            assert own.max() == 1.0
            assert own.min() == (0.0 if len(set(own.tolist())) > 1 else 1.0)


def test_datasets_of_one_item_have_scores_too(fit, dataset):
    pipeline = with_every_source(fit(), dataset)
    assert isinstance(pipeline.catalog.items.ids, list)
    queries = QueryBatch.from_histories(
        Ragged.from_rows([[0]]), exclude=Ragged.from_rows([list(range(19))])
    )
    pool, scores, _ = pipeline.scored_pool(pipeline.main, queries)
    assert (pool.index.tolist(), scores.tolist()) == ([[19]], [[1.0]])


def test_a_catalog_and_its_users_are_those_of_the_fit(fit, dataset):
    pipeline = fit()
    assert isinstance(dataset, Dataset)
    assert pipeline.users is dataset.users
    assert pipeline.catalog is dataset.catalog
    assert pipeline.people.tolist() == dataset.item_people.tolist()
    assert pipeline.fallback.tolist() == np.argsort(-dataset.item_evidence, kind="stable").tolist()


def test_the_latest_items_of_history_and_session_are_left_out_of_a_radio(fit):
    plan = {"history": "keep", "consumed": "keep"}
    surfaces = {"user": plan, "radio": {**plan, "recent": 3}}
    pipeline = fit(surfaces=surfaces)
    user = user_with(viewed=("i0", "i2", "i4", "i6"))
    assert {"i0", "i2", "i4", "i6"} <= set(on(pipeline, "user", user, k=20).item_ids)
    radio = on(pipeline, "radio", user, k=20)
    assert len(radio.items) == 17
    assert not {"i2", "i4", "i6"} & set(radio.item_ids)
    session = on(pipeline, "radio", user, session=("i8", "i10"), k=20)
    assert not {"i6", "i8", "i10"} & set(session.item_ids)
    assert "i4" in session.item_ids
    assert len(on(pipeline, "radio", k=20).items) == 20, "nothing was played yet"
