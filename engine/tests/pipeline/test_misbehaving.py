"""Plugins that break their word: the list stays valid, and the answer says who did it."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.slate import Change, Slate, SlateItem
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_explanation import explain_item
from crossrec.pipeline.request import Past, answer, resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from hypothesis import given, settings
from hypothesis import strategies as st

N = 20


@pytest.fixture(scope="module")
def pipeline(registry, make_shop, make_config):
    config = make_config("popular", "together")
    return fit_pipeline("toy", make_shop(), resolve_pipeline(config, registry), RunOptions())


def with_config(pipeline, config):
    return dataclasses.replace(
        pipeline, resolved=dataclasses.replace(pipeline.resolved, config=config)
    )


def ask(pipeline, past=None, **query):
    return answer(pipeline, Query(**query), past or Past(), surface="home")


@dataclasses.dataclass
class Answers:
    """A source that answers what it was made with, for one query."""

    index: object
    scores: object = None
    more: dict = dataclasses.field(default_factory=dict)

    def generate(self, queries, k):
        index = np.array(self.index)
        score = np.zeros(index.shape) if self.scores is None else np.array(self.scores)
        return Candidates(index, score, **self.more)


def beside(pipeline, source, *able):
    """The pipeline with one more source."""
    return dataclasses.replace(
        pipeline,
        sources={**pipeline.sources, "rogue": source},
        capabilities={**pipeline.capabilities, "rogue": frozenset(able)},
    )


def alone(pipeline, source, *able):
    return dataclasses.replace(
        pipeline, sources={"rogue": source}, capabilities={"rogue": frozenset(able)}
    )


def check(slate, k=10, never=()):
    ids = slate.item_ids
    assert len(ids) == len(set(ids)) == k
    assert not set(ids) & set(never)
    assert all(np.isfinite(item.score) for item in slate.items)
    assert all(item.reasons for item in slate.items)


def test_excluded_and_impossible_items_are_dropped_and_named(pipeline):
    rogue = beside(pipeline, Answers([[0, 4, 6, 99, -7, 2]]))
    slate = ask(rogue, history=("i0", "i4"), exclude=("i6",))
    check(slate, never=("i0", "i4", "i6"))
    assert [d.component for d in slate.degraded] == ["rogue"]
    assert slate.degraded[0].error == "5 candidates that are excluded or no item were dropped"


def test_the_valid_rest_of_such_a_source_is_used(pipeline):
    rogue = alone(pipeline, Answers([[99, 8, 0]]))
    slate = ask(rogue, history=("i0",), k=3)
    assert slate.item_ids[0] == "i8"
    check(slate, 3, never=("i0",))


def test_an_item_named_twice_stands_once_at_its_best_place(pipeline):
    rogue = alone(pipeline, Answers([[8, 6, 8, 8, 6]]))
    slate = ask(rogue, history=("i0",), k=4)
    assert slate.item_ids[:2] == ("i8", "i6")
    check(slate, 4)


def test_more_candidates_than_requested_do_no_harm(pipeline):
    config = pipeline.config.model_copy(update={"candidates": 3})
    rogue = alone(with_config(pipeline, config), Answers([list(range(1, N))]))
    pool, _, degraded = rogue.rank_user(QueryBatch.from_histories(Ragged.from_rows([[0]])))
    assert pool.index.tolist() == [[1, 2, 3]]
    assert degraded == []


@pytest.mark.parametrize("score", [[np.nan] * 3, [np.inf, 1, 0], [1e300, 1e299, 0], [3, 2, 1]])
def test_scores_of_any_kind_give_finite_slates(pipeline, score):
    for rogue in (beside, alone):
        slate = ask(rogue(pipeline, Answers([[2, 6, 8]], [score])), history=("i0",))
        check(slate)
        assert slate.degraded == ()


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
    check(ask(beside(pipeline, Answers([[2, 6, 8]], more=more)), history=("i0",)))


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
    check(slate)
    assert [d.component for d in slate.degraded] == ["rogue"]
    assert {r.source for i in slate.items for r in i.reasons} <= {"popular", "together"}


class BadScores(Answers):
    """Proposes valid items, and scores those of others in a wrong shape."""

    def score(self, queries, index):
        return np.zeros((7, 3))


def test_scores_for_others_in_a_wrong_shape_are_missing(pipeline):
    rogue = beside(pipeline, BadScores([[2, 6]]), "score")
    pool, _, degraded = rogue.rank_user(QueryBatch.from_histories(Ragged.from_rows([[0]])))
    at = pool.sources.index("rogue")
    assert np.isnan(pool.scores[:, :, at]).all()
    assert pool.ranks[0, pool.index[0] == 6, at].tolist() == [1]
    assert degraded == []


class GoodScores(Answers):
    """Proposes valid items, and thinks as much of an item as its number."""

    def score(self, queries, index):
        return np.where(index < 0, np.nan, index).astype(np.float32)


@pytest.mark.parametrize("declared", [True, False])
def test_a_source_judges_the_others_candidates_only_where_it_declares_so(pipeline, declared):
    able = ("score",) if declared else ()
    rogue = beside(pipeline, GoodScores([[2, 6]], [[9.0, 8.0]]), *able)
    pool, _, _ = rogue.rank_user(QueryBatch.from_histories(Ragged.from_rows([[0]])))
    own = dict(zip(pool.index[0].tolist(), pool.scores[0, :, pool.sources.index("rogue")]))
    if declared:
        assert own == {item: float(item) for item in own}
    else:
        assert {item: score for item, score in own.items() if not np.isnan(score)} == {2: 9, 6: 8}


def test_a_score_is_missing_where_a_source_has_none(pipeline):
    rogue = beside(pipeline, Answers([[2, 6]], [[9.0, 8.0]]))
    batch = resolve_query(rogue, Query(history=("i0",)), Past(), 0.0).batch
    known, unknown = (explain_item(rogue, batch, item).sources[-1] for item in (6, 8))
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
    ],
)
def test_evidence_that_is_none_is_not_shown(pipeline, evidence):
    source = BadEvidence([[2, 6, 8]])
    source.evidence = evidence
    rogue = alone(pipeline, source, "explain")
    slate = ask(rogue, history=("i0",), k=5)
    check(slate, 5)
    assert {r.source for i in slate.items for r in i.reasons} == {"fallback"}
    batch = resolve_query(rogue, Query(history=("i0",)), Past(), 0.0).batch
    assert explain_item(rogue, batch, 2).sources[0].reason == ""


def test_when_every_source_fails_the_popular_items_serve(pipeline):
    rogue = alone(pipeline, Nothing(None))
    for query in ({"history": ("i0",)}, {"item_ids": ("i0",)}, {}):
        slate = ask(rogue, **query, k=4)
        check(slate, 4)
        free = [i for i in pipeline.fallback if not (query and i == 0)]
        assert slate.item_ids == tuple(f"i{i}" for i in free[:4])
        assert [d.component for d in slate.degraded] == ["rogue"]
    with pytest.raises(CrossrecError, match="no source could answer .rogue: TypeError"):
        rogue.rank(QueryBatch.from_histories(Ragged.from_rows([[0]])), 3)


def test_item_surfaces_whose_sources_are_gone_show_popular_items(pipeline):
    config = pipeline.config.model_copy(update={"item_sources": ("gone",)})
    gone = dataclasses.replace(with_config(pipeline, config), unavailable={"gone": "no plugin"})
    slate = ask(gone, item_ids=("i0",), k=4)
    check(slate, 4, never=("i0",))
    assert [d.component for d in slate.degraded] == ["gone"]


@dataclasses.dataclass
class Ranks:
    """A ranker that gives whatever it was made with."""

    give: object

    def score(self, queries, pool):
        return self.give(pool)

    def contributions(self, pool):
        raise RuntimeError("no account")


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
    from crossrec.components.fusion import ReciprocalRankFusion

    rogue = dataclasses.replace(pipeline, ranker=Ranks(give))
    fused = dataclasses.replace(pipeline, ranker=ReciprocalRankFusion())
    slate = ask(rogue, history=("i0", "i4"))
    assert slate.item_ids == ask(fused, history=("i0", "i4")).item_ids
    check(slate)
    chosen = pipeline.report["gate"]["chosen"]
    assert [d.component for d in slate.degraded] == [f"ranker {chosen}"]


class Policy:
    """A policy made of a function of the slate's items."""

    def __init__(self, change):
        self.change = change

    def apply(self, slate, context):
        return self.change(slate)


def ruled(pipeline, *changes):
    policies = {f"p{n}": Policy(change) for n, change in enumerate(changes)}
    return dataclasses.replace(pipeline, policies=policies)


def inserting(*items):
    return lambda slate: slate.with_items(
        (*items, *slate.items), *(Change("p", i.item_id, "inserted", "paid") for i in items)
    )


def test_a_policy_may_insert_what_the_catalog_holds(pipeline):
    slate = ask(ruled(pipeline, inserting(SlateItem(-1, "i7", 9.0))), history=("i0",), k=3)
    first = slate.items[0]
    assert (first.item_id, first.index, first.title) == ("i7", 7, "item 7")
    assert first.reasons[0].text.startswith(("popular", "often together"))
    assert slate.degraded == ()
    check(slate, 3)


def test_a_policy_cannot_insert_what_is_unknown_barred_or_there(pipeline):
    bad = [SlateItem(99, "advert", 9.0), SlateItem(5, "i5", 9.0), SlateItem(3, "i3", 8.0)]
    past = Past(liked=("i1",), disliked=("i3",), known=True)
    rogue = ruled(pipeline, inserting(*bad), inserting(SlateItem(0, "i2", 1.0)))
    slate = ask(rogue, past, user_id="u1", exclude=("i5",), k=6)
    check(slate, 6, never=("i5", "i3", "advert"))
    assert slate.degraded[0].component == "p0"
    assert slate.degraded[0].error.startswith("3 items that are barred or not in the catalog")
    assert slate.item_ids.count("i2") == 1


@pytest.mark.parametrize("value", [None, (), "slate"])
def test_a_policy_that_returns_no_slate_is_left_out(pipeline, value):
    slate = ask(ruled(pipeline, lambda slate: value), history=("i0",))
    assert slate.item_ids == ask(pipeline, history=("i0",)).item_ids
    assert "not Slate" in slate.degraded[0].error


def test_a_policy_that_empties_the_slate_says_so(pipeline):
    slate = ask(ruled(pipeline, lambda slate: Slate(())), history=("i0",))
    assert slate.items == ()
    assert slate.short_because.startswith("only 0 of 10")


def dropping_all_but(*kept):
    def change(slate):
        gone = [item for item in slate.items if item.item_id not in kept]
        changes = (Change("p", item.item_id, "dropped", "hidden") for item in gone)
        return slate.with_items(tuple(i for i in slate.items if i.item_id in kept), *changes)

    return change


def test_a_policy_that_drops_nearly_all_is_given_more_to_choose_from(make_shop, pipeline):
    """With k = 1 a policy sees 23 items first; the only one that it lets pass comes later."""
    many = fit_many(pipeline, make_shop(n_items=400))
    last = many.catalog.items.id(int(many.fallback[-1]))
    slate = ask(ruled(many, dropping_all_but(last)), history=("i0",), k=1)
    assert slate.item_ids == (last,)
    none = ask(ruled(many, dropping_all_but()), history=("i0",), k=1)
    assert none.items == ()
    assert none.short_because.endswith("policies dropped 399")


def fit_many(pipeline, data):
    """The same sources over a larger catalog."""
    sources = {label: type(source)() for label, source in pipeline.sources.items()}
    for source in sources.values():
        source.fit(data, RunOptions())
    counts = data.item_counts
    return dataclasses.replace(
        pipeline,
        catalog=data.catalog,
        sources=sources,
        counts=counts,
        fallback=np.argsort(-counts, kind="stable"),
    )


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
        check(slate, min(k, N - len({*history, *exclude})), never=(*history, *exclude))
