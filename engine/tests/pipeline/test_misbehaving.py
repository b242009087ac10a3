"""Plugins that break their word: the list stays valid, and the answer says who did it."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_explanation import explain_item
from crossrec.pipeline.query_resolution import resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.user_states import with_given_history
from crossrec.testing.misbehaving import Answers, Ranks, alone, beside, check_slate, planned
from crossrec.testing.requests import TOY, ask, serve, with_parts
from hypothesis import given, settings
from hypothesis import strategies as st

N = 20


@pytest.fixture(scope="module")
def pipeline(registry, make_shop, make_config):
    config = make_config("popular", "together")
    return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())


def with_config(pipeline, config):
    return dataclasses.replace(
        pipeline, resolved=dataclasses.replace(pipeline.resolved, config=config)
    )


def batch_of(pipeline, *history):
    """Return the query of a given history, as the main surface sees it."""
    user = with_given_history(UserState(), history, TOY, 0.0)
    query = Query(history=history)
    return resolve_query(serve(pipeline), pipeline.main, query, user, 0.0).batch


def pool_of(pipeline, *history):
    """Return the pool of a history of item indexes, and what was left out of it."""
    queries = QueryBatch.from_histories(Ragged.from_rows([history]))
    pool, _, degraded = pipeline.scored_pool(pipeline.main, queries)
    return pool, degraded


def test_excluded_and_impossible_items_are_dropped_and_named(pipeline):
    rogue = beside(pipeline, Answers([[0, 4, 6, 99, -7, 2]]))
    slate = ask(rogue, history=("i0", "i4"), exclude=("i6",))
    check_slate(slate, never=("i0", "i4", "i6"))
    assert [d.component for d in slate.degraded] == ["rogue"]
    assert slate.degraded[0].error == "5 candidates that are excluded or no item were dropped"


def test_the_valid_rest_of_such_a_source_is_used(pipeline):
    rogue = alone(pipeline, Answers([[99, 8, 0]]))
    slate = ask(rogue, history=("i0",), k=3)
    assert slate.item_ids[0] == "i8"
    check_slate(slate, 3, never=("i0",))


def test_an_item_named_twice_stands_once_at_its_best_place(pipeline):
    rogue = alone(pipeline, Answers([[8, 6, 8, 8, 6]]))
    slate = ask(rogue, history=("i0",), k=4)
    assert slate.item_ids[:2] == ("i8", "i6")
    check_slate(slate, 4)


def test_more_candidates_than_requested_do_no_harm(pipeline):
    config = pipeline.config.model_copy(update={"candidates": 3})
    rogue = alone(with_config(pipeline, config), Answers([list(range(1, N))]))
    pool, degraded = pool_of(rogue, 0)
    assert pool.index.tolist() == [[1, 2, 3]]
    assert degraded == []


@pytest.mark.parametrize(
    ("score", "dropped"),
    [([np.nan] * 3, 3), ([np.inf, 1, 0], 1), ([1e300, 1e299, 0], 2), ([3, 2, 1], 0)],
)
def test_scores_of_any_kind_give_finite_slates(pipeline, score, dropped):
    """Candidates without a finite score are dropped, and the source is named."""
    for rogue in (beside, alone):
        slate = ask(rogue(pipeline, Answers([[2, 6, 8]], [score])), history=("i0",))
        check_slate(slate)
        complaint = f"{dropped} candidates without a finite score were dropped"
        assert [d.error for d in slate.degraded] == [complaint] * bool(dropped)


@pytest.mark.parametrize(
    "more",
    [
        {"full": np.zeros((1, 3), np.float32)},
        {"full": np.full((1, N), np.nan, np.float32)},
        {"mean": np.zeros(5, np.float32), "std": np.zeros(5, np.float32)},
        {"mean": np.full(1, np.nan, np.float32), "std": np.full(1, np.inf, np.float32)},
    ],
)
def test_extras_that_make_no_sense_do_no_harm(pipeline, more):
    check_slate(ask(beside(pipeline, Answers([[2, 6, 8]], more=more)), history=("i0",)))


class Nothing:
    def __init__(self, value):
        self.value = value

    def generate(self, queries, k):
        return self.value


@pytest.mark.parametrize(
    "value", [None, (), Candidates(np.array([[1], [2]]), np.ones((2, 1))), "i1"]
)
def test_what_is_no_answer_leaves_the_source_out(pipeline, value):
    slate = ask(beside(pipeline, Nothing(value)), history=("i0",))
    check_slate(slate)
    assert [d.component for d in slate.degraded] == ["rogue"]
    assert {r.source for i in slate.items for r in i.reasons} <= {"popular", "together"}


class BadScores(Answers):
    """Proposes valid items, and scores those of others in a wrong shape."""

    def score(self, queries, index):
        return np.zeros((7, 3))


def test_scores_for_others_in_a_wrong_shape_are_missing(pipeline):
    rogue = beside(pipeline, BadScores([[2, 6]]), "score")
    pool, degraded = pool_of(rogue, 0)
    at = pool.sources.index("rogue")
    assert np.isnan(pool.scores[:, :, at]).all()
    assert pool.ranks[0, pool.index[0] == 6, at].tolist() == [1]
    (named,) = degraded
    assert named.component == "rogue"
    assert named.error.startswith("it could not score others' finds: ValueError: scores of shape")


class GoodScores(Answers):
    """Proposes valid items, and thinks as much of an item as its number."""

    def score(self, queries, index):
        return np.where(index < 0, np.nan, index).astype(np.float32)


@pytest.mark.parametrize("declared", [True, False])
def test_a_source_judges_the_others_candidates_only_where_it_declares_so(pipeline, declared):
    able = ("score",) if declared else ()
    rogue = beside(pipeline, GoodScores([[2, 6]], [[9.0, 8.0]]), *able)
    pool, _ = pool_of(rogue, 0)
    own = dict(zip(pool.index[0].tolist(), pool.scores[0, :, pool.sources.index("rogue")]))
    if declared:
        assert own == {item: float(item) for item in own}
    else:
        assert {item: score for item, score in own.items() if not np.isnan(score)} == {2: 9, 6: 8}


def test_a_score_is_missing_where_a_source_has_none(pipeline):
    rogue = beside(pipeline, Answers([[2, 6]], [[9.0, 8.0]]))
    batch = batch_of(rogue, "i0")
    found = [explain_item(rogue, rogue.main, batch, item).sources[-1] for item in (6, 8)]
    known, unknown = found
    assert (known.source, known.rank, known.z) == ("rogue", 2, pytest.approx(-1.0))
    assert (unknown.source, unknown.rank, unknown.z) == ("rogue", None, None)


class BadEvidence(Answers):
    evidence: object = None

    def explain(self, queries, index):
        return self.evidence


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        7,
        ["words"] * 30,
        [Evidence("often with", (N + 3,))] * 30,
        [Evidence("often with", (-1,))] * 30,
        [Evidence("often with", values=None)] * 30,
    ],
)
def test_evidence_that_is_none_is_not_shown(pipeline, evidence):
    source = BadEvidence([[2, 6, 8]])
    source.evidence = evidence
    rogue = alone(pipeline, source, "explain")
    slate = ask(rogue, history=("i0",), k=5)
    check_slate(slate, 5)
    assert {r.source for i in slate.items for r in i.reasons} == {"fallback"}
    assert explain_item(rogue, rogue.main, batch_of(rogue, "i0"), 2).sources[0].reason == ""


def test_when_every_source_fails_the_popular_items_serve(pipeline):
    rogue = alone(pipeline, Nothing(None))
    for query in ({"history": ("i0",)}, {"item_ids": ("i0",)}, {}):
        slate = ask(rogue, **query, k=4)
        check_slate(slate, 4)
        free = [i for i in pipeline.fallback if not (query and i == 0)]
        assert slate.item_ids == tuple(f"i{i}" for i in free[:4])
        assert [d.component for d in slate.degraded] == ["rogue"]
    with pytest.raises(CrossrecError, match="no source could answer .rogue: TypeError"):
        rogue.rank(QueryBatch.from_histories(Ragged.from_rows([[0]])), 3)


def test_item_surfaces_whose_sources_are_gone_show_popular_items(pipeline):
    gone = dataclasses.replace(planned(pipeline, ("gone",)), unavailable={"gone": "no plugin"})
    slate = ask(gone, item_ids=("i0",), k=4)
    check_slate(slate, 4, never=("i0",))
    assert [d.component for d in slate.degraded] == ["gone"]


@pytest.mark.parametrize(
    "give",
    [
        lambda pool: np.full(pool.index.shape, np.nan),
        lambda pool: np.zeros((1, 2)),
        lambda pool: 1 / 0,
        lambda pool: None,
    ],
)
def test_a_ranker_that_fails_is_named_and_ranks_are_fused(pipeline, give):
    rogue = with_parts(pipeline, ranker=Ranks(give))
    fused = with_parts(pipeline, ranker=ReciprocalRankFusion())
    slate = ask(rogue, history=("i0", "i4"))
    assert slate.item_ids == ask(fused, history=("i0", "i4")).item_ids
    check_slate(slate)
    chosen = pipeline.report["gate"]["chosen"]
    assert [d.component for d in slate.degraded] == [f"ranker {chosen}"]


wild = st.lists(st.integers(-4, N + 4), min_size=1, max_size=30)
odd = st.one_of(st.floats(width=32), st.just(float("nan")))


@settings(max_examples=80, deadline=None)
@given(data=st.data(), index=wild, k=st.integers(1, 25))
def test_no_source_can_make_a_slate_invalid(pipeline, data, index, k):
    score = data.draw(st.lists(odd, min_size=len(index), max_size=len(index)))
    some = st.lists(st.sampled_from([f"i{i}" for i in range(N)]), max_size=6)
    history, exclude = data.draw(some), data.draw(some)
    for rogue in (beside, alone):
        changed = rogue(pipeline, Answers([index], [score]))
        slate = ask(changed, history=tuple(history), exclude=tuple(exclude), k=k)
        check_slate(slate, min(k, N - len({*history, *exclude})), never=(*history, *exclude))
