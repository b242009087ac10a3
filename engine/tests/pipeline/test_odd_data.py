"""Data at the edge: nothing, one of everything, dislikes only, all hidden, very long histories."""

from typing import ClassVar

import numpy as np
import pytest
from crossrec.components.eligibility import ALL
from crossrec.components.policies import Availability
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.cut import cut_for_validation
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import ItemField, ItemSchema
from crossrec.testing.requests import TOY, ask, user_with, with_parts
from hypothesis import given, settings
from hypothesis import strategies as st

SCHEMA = ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}")


def dataset(events=(), n_users=1, n_items=1, has_clock=True, hidden=()):
    users, items, weights = zip(*events) if events else ((), (), ())
    records = {f"i{i}": {"title": f"item {i}", "is_hidden": i in hidden} for i in range(n_items)}
    catalog = Catalog.from_records(Vocabulary(records), records, SCHEMA)
    return Dataset.build(
        Vocabulary(f"u{u}" for u in range(n_users)),
        catalog,
        Events.from_columns(users, items, weights=weights),
        has_clock=has_clock,
    )


@pytest.fixture
def fit(registry, make_config):
    def fit(data, *sources, **values):
        config = make_config(*(sources or ("popular", "together")), **values)
        return fit_pipeline(TOY, data, resolve_pipeline(config, registry), RunOptions())

    return fit


@pytest.mark.parametrize("has_clock", [True, False])
@pytest.mark.parametrize(
    "events", [(), ((0, 0, 1.0),), ((0, 0, 1.0), (0, 0, 1.0)), ((0, 0, -1.0),), ((0, 0, 0.0),)]
)
def test_one_user_one_item(fit, events, has_clock):
    pipeline = fit(dataset(events, has_clock=has_clock))
    slate = ask(pipeline, history=())
    assert slate.item_ids == ("i0",)
    assert slate.short_because == (
        "only 1 of 10: the catalog has 1 items, 0 are excluded for this query"
    )
    assert slate.items[0].reasons
    assert ask(pipeline, history=("i0",)).items == ()
    assert ask(pipeline, item_ids=("i0",)).items == ()
    assert ask(pipeline, user_id="nobody").item_ids == ("i0",)


def test_no_users_at_all(fit):
    pipeline = fit(dataset(n_users=0, n_items=3))
    assert ask(pipeline, user_id="u0", k=2).item_ids == ("i0", "i1")


def test_no_items_at_all(fit):
    pipeline = fit(dataset(n_users=2, n_items=0))
    for query in ({"history": ("i0",)}, {"user_id": "u0"}, {"item_ids": ("i0",)}):
        slate = ask(pipeline, **query)
        assert slate.items == ()
        assert slate.short_because.startswith("only 0 of 10: the catalog has 0 items")


def test_dislikes_only(fit):
    data = dataset([(u, i, -1.0) for u in range(3) for i in range(4)], 3, 6)
    pipeline = fit(data)
    assert pipeline.people.tolist() == [0] * 6
    user = user_with(disliked=("i0", "i1", "i2", "i3"))
    slate = ask(pipeline, user, user_id="u0")
    assert slate.item_ids == ("i4", "i5")
    assert slate.notes == ()
    assert slate.path == "no history"


def test_everything_disliked(fit):
    pipeline = fit(dataset([(0, 0, 1.0)], 1, 2))
    slate = ask(pipeline, user_with(disliked=("i0", "i1")), user_id="u0")
    assert slate.items == ()
    assert "2 are excluded" in slate.short_because


def test_everything_hidden(fit):
    data = dataset([(u, i, 1.0) for u in range(4) for i in range(5)], 4, 200, hidden=range(200))
    slate = ask(fit(data, policies=["availability"]), history=())
    assert slate.items == ()
    assert slate.short_because.endswith("policies dropped 200")
    assert {c.why for c in slate.changes} == {"hidden"}


@pytest.mark.parametrize("shown", [199, 0, 100])
def test_the_one_item_that_is_not_hidden_is_found(fit, shown):
    hidden = set(range(200)) - {shown}
    data = dataset([(u, i, 1.0) for u in range(4) for i in range(5)], 4, 200, hidden=hidden)
    slate = ask(fit(data, policies=["availability"]), history=(), k=1)
    assert slate.item_ids == (f"i{shown}",)
    assert slate.short_because == ""


@pytest.mark.parametrize(
    ("n_items", "k", "seen"), [(300, 10, 300), (2500, 1, 2000), (2500, 2100, 2100)]
)
def test_a_policy_looks_once_at_the_whole_pool(fit, n_items, k, seen):
    """At all that is there, but at no more than 2,000 items where the list is shorter."""

    class Counts(Availability):
        calls: ClassVar[list[int]] = []

        def apply(self, ranked, context):
            Counts.calls.append(len(ranked))
            assert context.k == k
            return super().apply(ranked, context)

    pipeline = with_parts(fit(dataset(n_items=n_items)), policies={"a": Counts()})
    assert len(ask(pipeline, history=(), k=k).items) == k
    assert Counts.calls == [seen]


def test_a_history_of_a_hundred_thousand_items(fit):
    data = dataset([(u, i, 1.0) for u in range(9) for i in range(u, u + 5)], 9, 14)
    pipeline = fit(data)
    long = tuple(f"i{i % 7}" for i in range(100_000))
    slate = ask(pipeline, history=long)
    assert set(slate.item_ids) == {f"i{i}" for i in range(7, 14)}
    assert slate.path == "given history"


@pytest.mark.parametrize("id_", ["", "a/b", "q\"'", "😀", "x" * 10_000, "\x00", "\ud800", "é"])
def test_ids_of_every_kind(registry, make_config, id_):
    records = {id_: {"title": "odd"}, "plain": {"title": "plain"}, "third": {}}
    catalog = Catalog.from_records(Vocabulary(records), records, SCHEMA)
    events = Events.from_columns([0, 0, 0], [0, 1, 2])
    data = Dataset.build(Vocabulary([id_]), catalog, events, has_clock=True)
    pipeline = fit_pipeline(
        TOY, data, resolve_pipeline(make_config("together"), registry), RunOptions()
    )
    slate = ask(pipeline, history=("plain",))
    assert set(slate.item_ids) == {id_, "third"}
    assert ask(pipeline, history=("plain",), exclude=(id_,)).item_ids == ("third",)
    assert id_ not in ask(pipeline, item_ids=(id_,)).item_ids
    user = user_with((id_,), user_id=id_)
    assert set(ask(pipeline, user, user_id=id_).item_ids) == {"plain", "third"}


@pytest.mark.parametrize("has_clock", [True, False])
def test_users_whose_every_event_is_after_the_cut_are_not_queried_about(has_clock):
    old = [(u, i, 1.0) for u in range(60) for i in (u % 5, u % 3 + 5)]
    new = [(60 + u, u % 8, 1.0) for u in range(6)]
    cut = cut_for_validation(dataset([*old, *new], 66, 8, has_clock=has_clock), ALL, seed=0)
    assert not set(cut.queries.users) & set(range(60, 66))
    assert cut.queries.history.lengths.min() > 0


def test_all_events_at_one_moment(fit):
    events = [(u, i, 1.0) for u in range(60) for i in (u % 5, u % 3 + 5)]
    data = dataset(events, 60, 8)
    still = Events.from_columns(data.events.users, data.events.items, np.zeros(len(events)))
    pipeline = fit(data.with_events(still))
    assert pipeline.report["cut"] == "last event"
    assert len(ask(pipeline, history=("i0",)).items) == 7


small = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([-1.0, 0.0, 1.0])), max_size=9
)


@settings(max_examples=40, deadline=None)
@given(small, st.booleans(), st.integers(1, 6))
def test_any_small_data_can_be_fitted_and_queried(registry, make_config, events, has_clock, k):
    data = dataset(events, 4, 5, has_clock)
    pipeline = fit_pipeline(
        TOY, data, resolve_pipeline(make_config("popular", "together"), registry), RunOptions()
    )
    for user in range(4):
        liked = [i for u, i, w in events if u == user and w > 0]
        disliked = [i for u, i, w in events if u == user and w < 0]
        past = user_with([f"i{i}" for i in liked], [f"i{i}" for i in disliked], f"u{user}")
        slate = ask(pipeline, past, user_id=f"u{user}", k=k)
        free = {f"i{i}" for i in range(5) if i not in liked and i not in disliked}
        assert set(slate.item_ids) <= free
        assert len(slate.items) == min(k, len(free))
        assert bool(slate.short_because) == (len(free) < k)
