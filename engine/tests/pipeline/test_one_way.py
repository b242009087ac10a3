"""One way for all: a query gets the same alone, in a batch, in an evaluation and in a request."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.eligibility import UNSEEN, queries_of
from crossrec.components.fusion import BestSource, ReciprocalRankFusion, WeightedFusion
from crossrec.components.history import weigh
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.user_state import UserState
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.profiles import profile_columns
from crossrec.data.splits import before, between
from crossrec.data.user_events import UserEvents
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.fit import fit_pipeline, served_rule
from crossrec.pipeline.query_resolution import resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import EventType
from crossrec.testing.requests import TOY, serve, with_parts
from hypothesis import given, settings
from hypothesis import strategies as st

N_ITEMS = 20
DAY = 86_400.0


class Listed:
    """Proposes without scores of the whole catalog, and scores what others propose."""

    able = frozenset({"score"})
    seed = 7

    def fit(self, dataset, run):
        rng = np.random.default_rng(self.seed)
        self.table = rng.normal(size=(dataset.n_items, dataset.n_items)).astype(np.float32)

    def _scores(self, queries):
        return np.asarray(weigh(queries.related(), len(self.table), decay=0.7).matrix @ self.table)

    def generate(self, queries, k):
        scores = self._scores(queries)
        scores[queries.exclude.row_of, queries.exclude.values] = -np.inf
        scores[queries.seeds.lengths == 0] = -np.inf
        index = np.argsort(-scores, axis=1, kind="stable")[:, : min(k, 4)]
        score = np.take_along_axis(scores, index, axis=1)
        return Candidates(np.where(np.isfinite(score), index, -1), score.astype(np.float32))

    def score(self, queries, index):
        scores = np.take_along_axis(self._scores(queries), np.maximum(index, 0), axis=1)
        return np.where(index >= 0, scores, np.nan).astype(np.float32)

    def state(self):
        return State({"table": self.table})


class Mute(Listed):
    """Proposes without scoring what others propose."""

    able = frozenset()
    seed = 8


class Third(Listed):
    seed = 9


class Fourth(Listed):
    seed = 10


class Fifth(Listed):
    seed = 11


OWN = {"listed": Listed, "mute": Mute, "third": Third, "fourth": Fourth, "fifth": Fifth}
RANKERS = {"best": BestSource, "rrf": ReciprocalRankFusion, "weighted": WeightedFusion}


@pytest.fixture(scope="module")
def pipeline(make_registry, make_shop, make_config):
    registry = make_registry(candidate_generators=OWN)
    config = make_config("popular", "together", *OWN, candidates=18)
    return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())


def ranked_by(pipeline, name):
    """The pipeline with a ranker whose weights are no round numbers."""
    ranker = RANKERS[name]()
    if name == "weighted":
        names = ("popular", "together", *OWN)
        ranker.weights = dict(zip(names, np.random.default_rng(3).random(7).tolist()))
    if name == "best":
        ranker.source = "listed"
    return with_parts(pipeline, ranker=ranker)


items = st.lists(st.integers(0, N_ITEMS - 1), max_size=6)
many = st.lists(st.integers(0, N_ITEMS - 1), max_size=30)
query = st.tuples(items, many, st.one_of(st.just([]), st.lists(st.integers(0, 19), max_size=2)))


@settings(max_examples=60, deadline=None)
@given(st.lists(query, min_size=2, max_size=9), st.sampled_from(sorted(RANKERS)))
def test_a_query_alone_is_scored_as_it_is_in_a_batch(pipeline, rows, name):
    pipeline = ranked_by(pipeline, name)
    demoted = Ragged.from_rows([sorted(set(history)) for history, _, _ in rows])
    batch = QueryBatch(
        np.full(len(rows), -1),
        Ragged.from_rows([history for history, _, _ in rows]),
        Ragged.from_rows([exclude for _, exclude, _ in rows]),
        about=Ragged.from_rows([about for _, _, about in rows]),
        demoted=demoted,
        factors=((demoted.values + 1) / 30).astype(np.float32),
    )
    together, scores, _ = pipeline.scored_pool(pipeline.main, batch)
    for row in range(len(rows)):
        pool, own, _ = pipeline.scored_pool(pipeline.main, batch.take(np.array([row])))
        width = pool.index.shape[1]
        assert together.index[row, :width].tolist() == pool.index[0].tolist()
        assert (together.index[row, width:] == -1).all()
        np.testing.assert_array_equal(together.ranks[row, :width], pool.ranks[0])
        np.testing.assert_array_equal(together.scores[row, :width], pool.scores[0])
        np.testing.assert_array_equal(together.mean[row], pool.mean[0])
        np.testing.assert_array_equal(together.std[row], pool.std[0])
        np.testing.assert_array_equal(scores[row, :width], own[0])


RADIO = dataclasses.replace(
    TOY,
    events=(
        EventType("view"),
        EventType("buy", strength=2.0, consumes="hard"),
        EventType("play", consumes="soft", half_life_days=10.0),
        EventType("skip", polarity=-1, strength=-0.5, consumes="soft", half_life_days=10.0),
        EventType("like", "explicit"),
        EventType("dislike", "explicit", -1, -1.0, consumes="hard"),
        EventType("ban_maker", "explicit", -1, -1.0, consumes="hard", relation="maker"),
        EventType("unban_maker", "explicit", 0, 0.0, cancels=("ban_maker",)),
    ),
    default_event="view",
)
STRENGTH = np.array([event.strength for event in RADIO.events], np.float32)
MAKERS = tuple(f"m{at % 7}" for at in range(N_ITEMS))
CUT = 100 * DAY

event = st.tuples(st.integers(0, 3), st.integers(0, N_ITEMS - 1), st.integers(0, 7),
                  st.integers(0, 99))  # fmt: skip


@pytest.fixture(scope="module")
def radio(make_shop, registry, make_config):
    """The shop, whose items have makers, and a pipeline on it."""
    data = make_shop()
    catalog = dataclasses.replace(data.catalog, attributes={"maker": MAKERS})
    data = dataclasses.replace(data, catalog=catalog)
    resolved = resolve_pipeline(make_config("popular", "together"), registry)
    return data, fit_pipeline(RADIO, data, resolved, RunOptions())


def dataset_of(data, rows, *, has_clock):
    """The shop with the events of four users, and one event of each of them after the cut."""
    rows = [*rows, *((user, user, 0, 101) for user in range(4))]
    users, items, types, days = (np.array(column) for column in zip(*rows, strict=True))
    events = Events(users, items, types, DAY * days, STRENGTH[types])
    return dataclasses.replace(data.with_events(events), has_clock=has_clock)


def stored(known, user):
    """A user as a store would give it: the events that are known, oldest first."""
    own = known.events.take(known.events.users == user)
    ids = tuple(known.catalog.items.id(item) for item in own.items.tolist())
    history = UserEvents(ids, own.types, np.full(len(own), np.nan), own.weights, own.times)
    return UserState(f"u{user}", history, known=len(own) > 0)


@settings(max_examples=80, deadline=None)
@given(st.lists(event, max_size=40), st.booleans(), st.booleans(), st.sampled_from([0.5, 1.0, 3.0]))
def test_an_evaluation_poses_the_query_of_a_request(radio, rows, has_clock, keeps, fresh):
    """What is excluded, what is weighed down and by how much, and the history with its columns."""
    data, pipeline = radio
    whole = dataset_of(data, rows, has_clock=has_clock)
    targets, fitted = between(whole, CUT, np.inf), before(whole, CUT)
    plan = pipeline.main.plan
    plan = dataclasses.replace(
        plan, history="keep" if keeps else "exclude",
        config=plan.config.model_copy(update={"fresh": fresh, "weighs": 0.9}),
    )  # fmt: skip
    surface = dataclasses.replace(pipeline.main, plan=plan, keeps_history=keeps)
    batch = queries_of(targets, fitted, served_rule(RADIO, data.catalog, plan, comes_back=False))
    serving = serve(dataclasses.replace(pipeline, has_clock=has_clock), RADIO)
    for row, user in enumerate(targets.users.tolist()):
        state = stored(fitted, user)
        query = Query(user_id=f"u{user}")
        request = resolve_query(serving, surface, query, state, CUT).batch
        own = batch.take(np.array([row]))
        assert own.history.row(0).tolist() == request.history.row(0).tolist()
        assert sorted(own.exclude.row(0)) == sorted(request.exclude.row(0))
        assert own.demoted.row(0).tolist() == request.demoted.row(0).tolist()
        np.testing.assert_allclose(own.factors, request.factors, rtol=1e-6)
        assert own.times.tolist() == request.times.tolist()
        assert own.types.tolist() == request.types.tolist()
        np.testing.assert_allclose(own.weights, request.weights, rtol=1e-6)
        assert (own.now is None) == (request.now is None) == (not has_clock)
        if has_clock:
            assert own.now.tolist() == request.now.tolist() == [CUT]


@settings(max_examples=30, deadline=None)
@given(st.lists(event, max_size=40), st.booleans())
def test_and_so_the_same_scores_come_of_it(radio, rows, keeps):
    data, pipeline = radio
    whole = dataset_of(data, rows, has_clock=True)
    targets, fitted = between(whole, CUT, np.inf), before(whole, CUT)
    plan = dataclasses.replace(pipeline.main.plan, history="keep" if keeps else "exclude")
    surface = dataclasses.replace(pipeline.main, plan=plan, keeps_history=keeps)
    batch = queries_of(targets, fitted, served_rule(RADIO, data.catalog, plan, comes_back=False))
    serving = serve(pipeline, RADIO)
    pool, scores, _ = pipeline.scored_pool(surface, batch)
    for row, user in enumerate(targets.users.tolist()):
        request = resolve_query(
            serving, surface, Query(user_id=f"u{user}"), stored(fitted, user), CUT
        ).batch
        own, expected, _ = pipeline.scored_pool(surface, request)
        width = own.index.shape[1]
        assert pool.index[row, :width].tolist() == own.index[0].tolist()
        np.testing.assert_allclose(scores[row, :width], expected[0], rtol=1e-5)


def test_the_profile_is_the_same_too(radio):
    """Numbers and short texts as categories; what is none is not known in either."""
    data, pipeline = radio
    rows = {"place": ["PT", None, "DE"], "age": [30, 30.0, "30"], "friends": [["u1"], [], ["u2"]]}
    profiles = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    users = Vocabulary(["u0", "u1", "u2"])
    records = {f"u{at}": fields for at, fields in enumerate(profiles)}
    events = Events.from_columns([0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4, 5], [CUT - 1, CUT + 1] * 3)
    whole = dataclasses.replace(
        Dataset.build(users, data.catalog, events, has_clock=True),
        profiles=profile_columns(users, records),
    )
    targets, fitted = between(whole, CUT, np.inf), before(whole, CUT)
    batch = queries_of(targets, fitted, UNSEEN)
    assert batch.profile["place"].tolist() == ["PT", "", "DE"]
    assert batch.profile["age"].tolist() == ["30"] * 3
    assert "friends" not in batch.profile
    for user, fields in enumerate(profiles):
        state = dataclasses.replace(stored(fitted, user), profile=fields)
        query = Query(user_id=f"u{user}")
        request = resolve_query(serve(pipeline, RADIO), pipeline.main, query, state, CUT).batch
        for name, column in batch.profile.items():
            assert request.profile[name].tolist() == [column[user]]
        assert request.profile["friends"].tolist() == [""]
