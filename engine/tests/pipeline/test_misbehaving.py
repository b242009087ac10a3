"""Plugins that break their word: the list stays valid, and the answer says who did it."""

import dataclasses
import threading
import time

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.policies import flag
from crossrec.components.query import Query, QueryBatch
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.config import parse_config
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_explanation import explain_item
from crossrec.pipeline.request import resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.user_states import with_given_history
from crossrec.testing.requests import TOY, ask, serve, user_with, with_parts
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


def planned(pipeline, labels):
    """The pipeline with these sources in every plan."""
    surfaces = {
        name: dataclasses.replace(one, plan=dataclasses.replace(one.plan, sources=labels))
        for name, one in pipeline.surfaces.items()
    }
    return dataclasses.replace(pipeline, surfaces=surfaces)


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
    more = dataclasses.replace(
        pipeline,
        sources={**pipeline.sources, "rogue": source},
        capabilities={**pipeline.capabilities, "rogue": frozenset(able)},
    )
    return planned(more, (*pipeline.sources, "rogue"))


def alone(pipeline, source, *able):
    only = dataclasses.replace(
        pipeline, sources={"rogue": source}, capabilities={"rogue": frozenset(able)}
    )
    return planned(only, ("rogue",))


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
        check(slate)
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
    check(slate, 5)
    assert {r.source for i in slate.items for r in i.reasons} == {"fallback"}
    assert explain_item(rogue, rogue.main, batch_of(rogue, "i0"), 2).sources[0].reason == ""


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
    gone = dataclasses.replace(planned(pipeline, ("gone",)), unavailable={"gone": "no plugin"})
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
    rogue = with_parts(pipeline, ranker=Ranks(give))
    fused = with_parts(pipeline, ranker=ReciprocalRankFusion())
    slate = ask(rogue, history=("i0", "i4"))
    assert slate.item_ids == ask(fused, history=("i0", "i4")).item_ids
    check(slate)
    chosen = pipeline.report["gate"]["chosen"]
    assert [d.component for d in slate.degraded] == [f"ranker {chosen}"]


class Policy:
    """A policy made of a function of the ranked pool."""

    def __init__(self, change):
        self.change = change

    def apply(self, ranked, context):
        return self.change(ranked)


def ruled(pipeline, *changes):
    policies = {f"p{n}": Policy(change) for n, change in enumerate(changes)}
    return with_parts(pipeline, policies=policies)


def pool_with(ranked, index, *changes, score=None, propensity=None):
    """Return a pool of other items, with what was done to the one before and more."""
    index = np.array(index)
    score = np.linspace(1, 0, len(index)) if score is None else score
    propensity = np.ones(len(index)) if propensity is None else propensity
    return Ranked(index, score, propensity, (*ranked.changes, *changes))


def inserting(*items):
    def change(ranked):
        rest = [item for item in ranked.index.tolist() if item not in items]
        changes = (PolicyChange(item, "inserted", "paid") for item in items)
        return pool_with(ranked, [*items, *rest], *changes)

    return change


def test_a_policy_may_insert_what_the_catalog_holds(pipeline):
    plain = ask(pipeline, history=("i0",), k=3)
    slate = ask(ruled(pipeline, inserting(7)), history=("i0",), k=3)
    first = slate.items[0]
    assert (first.item_id, first.index, first.title) == ("i7", 7, "item 7")
    assert first.reasons[0].text.startswith(("popular", "often together"))
    assert slate.item_ids[1:] == plain.item_ids[:2]
    assert slate.degraded == ()
    (change,) = slate.changes
    assert (change.policy, change.item_id, change.why) == ("p0", "i7", "paid")
    check(slate, 3)


BOUGHT, BANNED, EXCLUDED = 1, 3, 5


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (inserting(99), "it returned what is no item of the catalog"),
        (inserting(-1), "it returned what is no item of the catalog"),
        (inserting(BANNED), "it returned an item that is excluded for this user"),
        (inserting(BOUGHT), "it returned an item that is excluded for this user"),
        (inserting(EXCLUDED), "it returned an item that is excluded for this user"),
        (lambda r: pool_with(r, [2, 4, 2]), "it returned an item twice"),
        (lambda r: pool_with(r, r.index[1:]), "it dropped or inserted 1 items without a change"),
        (lambda r: pool_with(r, r.index[:0]), "it dropped or inserted 17 items without a change"),
        (
            lambda r: pool_with(r, r.index[2:], PolicyChange(int(r.index[0]), "dropped", "x")),
            "it dropped or inserted 1 items without a change",
        ),
        (
            lambda r: pool_with(r, r.index, score=np.full(len(r), np.nan)),
            "it returned scores that are not finite",
        ),
        (
            lambda r: pool_with(r, r.index, propensity=np.zeros(len(r))),
            "it returned propensities outside of (0, 1]",
        ),
        (
            lambda r: pool_with(r, r.index, propensity=np.full(len(r), np.nan)),
            "it returned propensities outside of (0, 1]",
        ),
        (
            lambda r: pool_with(r, r.index.astype(float)),
            "it returned what is no item of the catalog",
        ),
        (
            lambda r: pool_with(r, r.index, PolicyChange(99, "moved", "x")),
            "it recorded what is no change of an item of the catalog",
        ),
        (
            lambda r: pool_with(r, r.index, PolicyChange(2, "moved", "x", None)),
            "it recorded what is no change of an item of the catalog",
        ),
        (
            lambda r: pool_with(r, r.index, "because"),
            "it recorded what is no change of an item of the catalog",
        ),
        (lambda r: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda r: pool_with(r, [[2]]), "ValueError: index, score and propensity must be flat"),
    ],
)
def test_a_policy_that_breaks_its_word_is_left_out_of_that_answer(pipeline, change, complaint):
    """Its work is not half used: the others go on from what was there before it."""
    user = user_with(liked=("i1",), disliked=("i3",), user_id="u1")
    fields = {"user_id": "u1", "exclude": ("i5",), "k": 6}
    plain = ask(ruled(pipeline, inserting(7)), user, **fields)
    slate = ask(ruled(pipeline, change, inserting(7)), user, **fields)
    check(slate, 6, never=("i5", "i3", "i1"))
    assert slate.item_ids == plain.item_ids
    assert [c.policy for c in slate.changes] == ["p1"]
    (degraded,) = slate.degraded
    assert degraded.component == "p0"
    assert degraded.error.startswith(complaint)


def test_the_changes_of_the_policies_before_must_stay(pipeline):
    def forgetful(ranked):
        return Ranked(ranked.index, ranked.score, ranked.propensity)

    slate = ask(ruled(pipeline, inserting(7), forgetful), history=("i0",), k=3)
    assert slate.item_ids[0] == "i7"
    assert [c.policy for c in slate.changes] == ["p0"]
    assert [d.component for d in slate.degraded] == ["p1"]
    assert slate.degraded[0].error == "it dropped the changes of the policies before it"


def test_a_policy_cannot_sign_with_the_name_of_another(pipeline):
    def signing(ranked):
        return pool_with(ranked, ranked.index, PolicyChange(2, "moved", "x", policy="availability"))

    slate = ask(ruled(pipeline, signing), history=("i0",), k=3)
    assert [c.policy for c in slate.changes] == ["p0"]


def test_a_familiar_item_may_be_put_in_front_and_a_given_one_too(pipeline):
    """What nothing but the rule for known items keeps back bars no policy."""
    user = user_with(viewed=("i4",), user_id="u1")
    slate = ask(ruled(pipeline, inserting(4)), user, user_id="u1", k=3)
    assert slate.item_ids[0] == "i4"
    assert slate.degraded == ()


@pytest.mark.parametrize("value", [None, (), "slate", [1, 2]])
def test_a_policy_that_returns_no_pool_is_left_out(pipeline, value):
    slate = ask(ruled(pipeline, lambda ranked: value), history=("i0",))
    assert slate.item_ids == ask(pipeline, history=("i0",)).item_ids
    assert "not Ranked" in slate.degraded[0].error


def test_a_policy_that_empties_the_pool_says_so(pipeline):
    slate = ask(ruled(pipeline, dropping_all_but()), history=("i0",))
    assert slate.items == ()
    assert slate.short_because.startswith("only 0 of 10")
    assert slate.short_because.endswith("policies dropped 19")


def dropping_all_but(*kept):
    def change(ranked):
        return ranked.without(~np.isin(ranked.index, kept), "hidden")

    return change


def test_a_policy_sees_the_whole_pool_once_however_short_the_list(make_shop, pipeline):
    """With k = 1 too: the only item that it lets pass may be the last of the catalog."""
    many = fit_many(pipeline, make_shop(n_items=400))
    last = int(many.fallback[-1])
    seen = []

    def picky(ranked):
        seen.append(len(ranked))
        return dropping_all_but(last)(ranked)

    slate = ask(ruled(many, picky), history=("i0",), k=1)
    assert slate.item_ids == (many.catalog.items.id(last),)
    assert seen == [399]
    none = ask(ruled(many, dropping_all_but()), history=("i0",), k=1)
    assert none.items == ()
    assert none.short_because.endswith("policies dropped 399")


def test_chance_is_the_same_for_one_request_and_another_for_the_next(pipeline):
    drawn = []

    class Draws:
        def apply(self, ranked, context):
            drawn.append(context.rng.random(3).tolist())
            return ranked

    rolling = with_parts(pipeline, policies={"a": Draws(), "b": Draws()})
    for _ in range(2):
        ask(rolling, history=("i0",))
    assert len({tuple(one) for one in drawn}) == 4


def test_propensities_of_a_policy_reach_the_answer(pipeline):
    def explore(ranked):
        return pool_with(ranked, ranked.index, propensity=np.full(len(ranked), 0.25))

    slate = ask(ruled(pipeline, explore), history=("i0",), k=2)
    assert [item.propensity for item in slate.items] == [0.25, 0.25]
    assert slate.to_dict()["items"][0]["propensity"] == 0.25


def fit_many(pipeline, data):
    """The same sources over a larger catalog."""
    sources = {label: type(source)() for label, source in pipeline.sources.items()}
    for source in sources.values():
        source.fit(data, RunOptions())
    return dataclasses.replace(
        pipeline,
        catalog=data.catalog,
        sources=sources,
        people=data.item_people,
        fallback=np.argsort(-data.item_evidence, kind="stable"),
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


class Exits(Answers):
    """A source that tries to end the process, wherever it is called."""

    def generate(self, queries, k):
        raise SystemExit(3)

    def score(self, queries, index):
        raise SystemExit(4)

    def explain(self, queries, index):
        raise SystemExit(5)


class ScoresByExit(Exits):
    def generate(self, queries, k):
        return Answers.generate(self, queries, k)


def exits(*_):
    raise SystemExit(6)


def test_nothing_that_a_plugin_raises_ends_the_process(pipeline):
    slate = ask(beside(pipeline, Exits([[2]]), "score", "explain"), history=("i0",))
    assert [(d.component, d.error) for d in slate.degraded] == [("rogue", "SystemExit: 3")]
    check(slate)
    slate = ask(beside(pipeline, ScoresByExit([[2]]), "score", "explain"), history=("i0",))
    assert [d.error for d in slate.degraded] == ["it could not score others' finds: SystemExit: 4"]
    check(slate)
    ranker = dataclasses.replace(pipeline.main, ranker_name="r", ranker=Ranks(exits))
    slate = ask(with_parts(pipeline, ranker=ranker.ranker), history=("i0",))
    assert [d.error for d in slate.degraded] == ["SystemExit: 6"]
    check(slate)
    slate = ask(ruled(pipeline, exits), history=("i0",))
    assert [(d.component, d.error) for d in slate.degraded] == [("p0", "SystemExit: 6")]
    check(slate)


def limited(pipeline, seconds):
    """The pipeline with a time limit."""
    config = {**pipeline.config.model_dump(exclude_unset=True), "time_limit": seconds}
    return with_config(pipeline, parse_config(config, "test"))


class Sleeps(Answers):
    """A source that waits for a sign before it answers."""

    calls = 0

    def generate(self, queries, k):
        Sleeps.calls += 1
        self.more["go_on"].wait(20)
        return Candidates(np.array(self.index), np.ones(np.shape(self.index), np.float32))


@pytest.fixture
def go_on():
    sign = threading.Event()
    yield sign
    sign.set()


def test_a_source_that_is_late_is_left_out_and_threads_do_not_pile_up(pipeline, go_on):
    rogue = limited(beside(pipeline, Sleeps([[2]], more={"go_on": go_on})), 0.1)
    Sleeps.calls = 0
    ask(pipeline, history=("i0",))
    slate = ask(rogue, history=("i0",))
    check(slate)
    assert [(d.component, d.error) for d in slate.degraded] == [
        ("rogue", "left out: it took longer than 0.1 s")
    ]
    before, started = threading.active_count(), time.perf_counter()
    for _ in range(50):
        slate = ask(rogue, history=("i0",))
        check(slate)
        assert slate.degraded[0].error == "left out: it is still busy with an earlier request"
    assert time.perf_counter() - started < 4, "nobody waits for it again"
    assert threading.active_count() <= before
    assert Sleeps.calls == 1
    go_on.set()
    for _ in range(100):
        slate = ask(rogue, history=("i0",))
        if not slate.degraded:
            break
        time.sleep(0.02)
    assert slate.degraded == (), "once its late call has ended it takes part again"


def test_a_late_ranker_or_policy_is_left_out_too(pipeline, go_on):
    def waits(what):
        go_on.wait(20)
        return what

    slow = with_parts(limited(pipeline, 0.1), ranker=Ranks(waits), ranker_name="slow")
    slate = ask(slow, history=("i0",))
    check(slate)
    assert [d.component for d in slate.degraded] == ["ranker slow"]
    slate = ask(ruled(limited(pipeline, 0.1), waits), history=("i0",))
    check(slate)
    assert [(d.component, d.error) for d in slate.degraded] == [
        ("p0", "left out: it took longer than 0.1 s")
    ]


class Scribbles(Answers):
    """A source that writes into whatever it is handed."""

    where: object = None

    def generate(self, queries, k):
        self.where(queries)[:] = 0
        return super().generate(queries, k)


SHARED = {
    "history": lambda q: q.history.values,
    "history rows": lambda q: q.history.indptr,
    "exclude": lambda q: q.exclude.values,
    "about": lambda q: q.about.values,
    "negatives": lambda q: q.negatives.values,
    "users": lambda q: q.users,
    "times": lambda q: q.times,
    "types": lambda q: q.types,
    "weights": lambda q: q.weights,
    "session start": lambda q: q.session_start,
    "context": lambda q: q.context["device"],
}


@pytest.mark.parametrize("what", SHARED)
def test_a_source_that_writes_into_a_query_corrupts_nobody(pipeline, what):
    source = Scribbles([[2, 6]])
    source.where = SHARED[what]
    fields = {"history": ("i4", "i5"), "exclude": ("i7",), "context": {"device": 3}}
    slate = ask(beside(pipeline, source), **fields)
    assert slate.item_ids == ask(pipeline, **fields).item_ids
    (named,) = slate.degraded
    assert (named.component, named.error) == (
        "rogue", "ValueError: assignment destination is read-only",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["index", "scores", "ranks", "mean", "std"])
def test_a_ranker_that_writes_into_the_pool_corrupts_nobody(pipeline, name):
    class Writes(Ranks):
        def score(self, queries, pool):
            getattr(pool, name)[:] = 0
            return np.zeros(pool.index.shape)

    slate = ask(with_parts(pipeline, ranker=Writes(None), ranker_name="w"), history=("i0", "i4"))
    fused = ask(with_parts(pipeline, ranker=ReciprocalRankFusion()), history=("i0", "i4"))
    assert slate.item_ids == fused.item_ids
    assert slate.degraded[0].error == "ValueError: assignment destination is read-only"


CATALOG_WRITES = {
    "pool": lambda ranked, c: ranked.index,
    "scores": lambda ranked, c: ranked.score,
    "column of numbers": lambda ranked, c: c.items.numbers("is_hidden", flag),
    "known": lambda ranked, c: c.items.catalog.known,
    "entities": lambda ranked, c: c.items.entities("title").items("item 3"),
    "past": lambda ranked, c: c.user.history.weights,
}


@pytest.mark.parametrize("what", CATALOG_WRITES)
def test_a_policy_that_writes_into_what_is_shared_corrupts_nobody(pipeline, what):
    class Writes:
        def apply(self, ranked, context):
            CATALOG_WRITES[what](ranked, context)[:] = 0
            return ranked

    rogue = with_parts(pipeline, policies={"w": Writes(), "p": Policy(inserting(7))})
    slate = ask(rogue, history=("i0",))
    assert slate.item_ids == ask(ruled(pipeline, inserting(7)), history=("i0",)).item_ids
    assert [d.component for d in slate.degraded] == ["w"]


def test_what_a_policy_puts_into_the_context_reaches_no_other(pipeline):
    seen = []

    class Writes:
        def apply(self, ranked, context):
            context.query.context["device"] = "hers"
            return ranked

    class Reads:
        def apply(self, ranked, context):
            seen.append(dict(context.query.context))
            return ranked

    rogue = with_parts(pipeline, policies={"w": Writes(), "r": Reads()})
    slate = ask(rogue, history=("i0",), context={"device": "mine"})
    assert seen == [{"device": "mine"}]
    assert [d.component for d in slate.degraded] == ["w"]
