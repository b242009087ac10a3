"""Parts that exit, sleep or write into what is shared: nobody else notices, and they are named."""

import dataclasses
import threading
import time

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.policies import flag
from crossrec.components.run import RunOptions
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.misbehaving import (
    Answers,
    PolicyOf,
    Ranks,
    beside,
    check_slate,
    inserting,
    ruled,
)
from crossrec.testing.requests import TOY, ask, with_parts


@pytest.fixture(scope="module")
def pipeline(registry, make_shop, make_config):
    config = make_config("popular", "together")
    return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())


def with_config(pipeline, config):
    return dataclasses.replace(
        pipeline, resolved=dataclasses.replace(pipeline.resolved, config=config)
    )


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
    check_slate(slate)
    slate = ask(beside(pipeline, ScoresByExit([[2]]), "score", "explain"), history=("i0",))
    assert [d.error for d in slate.degraded] == ["it could not score others' finds: SystemExit: 4"]
    check_slate(slate)
    ranker = dataclasses.replace(pipeline.main, ranker_name="r", ranker=Ranks(exits))
    slate = ask(with_parts(pipeline, ranker=ranker.ranker), history=("i0",))
    assert [d.error for d in slate.degraded] == ["SystemExit: 6"]
    check_slate(slate)
    slate = ask(ruled(pipeline, exits), history=("i0",))
    assert [(d.component, d.error) for d in slate.degraded] == [("p0", "SystemExit: 6")]
    check_slate(slate)


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
    rogue = limited(beside(pipeline, Sleeps([[2]], more={"go_on": go_on})), 0.5)
    Sleeps.calls = 0
    ask(pipeline, history=("i0",))
    slate = ask(rogue, history=("i0",))
    check_slate(slate)
    assert [(d.component, d.error) for d in slate.degraded] == [
        ("rogue", "left out: it took longer than 0.5 s")
    ]
    before, started = threading.active_count(), time.perf_counter()
    for _ in range(50):
        slate = ask(rogue, history=("i0",))
        check_slate(slate)
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

    slow = with_parts(limited(pipeline, 0.5), ranker=Ranks(waits), ranker_name="slow")
    slate = ask(slow, history=("i0",))
    check_slate(slate)
    assert [d.component for d in slate.degraded] == ["ranker slow"]
    slate = ask(ruled(limited(pipeline, 0.5), waits), history=("i0",))
    check_slate(slate)
    assert [(d.component, d.error) for d in slate.degraded] == [
        ("p0", "left out: it took longer than 0.5 s")
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

    rogue = with_parts(pipeline, policies={"w": Writes(), "p": PolicyOf(inserting(7))})
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
