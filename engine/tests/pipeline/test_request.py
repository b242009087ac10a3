"""The request path: histories, fallbacks, exclusions, policies, reasons."""

import dataclasses

import pytest
from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.errors import UsageError
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_explanation import explain_item
from crossrec.pipeline.request import Past, answer, resolve_query
from crossrec.pipeline.resolved import resolve_pipeline
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def pipeline(registry, make_shop, make_config):
    config = make_config("popular", "together", item_sources=["together"])
    return fit_pipeline("toy", make_shop(), resolve_pipeline(config, registry), RunOptions())


def ask(pipeline, past=None, **query):
    return answer(pipeline, Query(**query), past or Past(), surface="home")


def test_a_history_gets_its_own_kind_with_evidence(pipeline):
    slate = ask(pipeline, history=("i0", "i4"), k=5)
    assert len(slate.items) == 5
    assert all(int(i[1:]) % 2 == 0 for i in slate.item_ids)
    assert not {"i0", "i4"} & set(slate.item_ids)
    assert slate.path == "given history"
    together = [r for item in slate.items for r in item.reasons if r.source == "together"]
    assert together
    for reason in together:
        assert set(reason.history) <= {"i0", "i4"}
        assert reason.text.startswith("often together with “item ")


def test_every_item_has_a_reason(pipeline):
    for query in ({"history": ("i0",)}, {"history": ()}, {"item_ids": ("i3",)}):
        assert all(item.reasons for item in ask(pipeline, **query, k=20).items)


def test_an_unknown_user_gets_popular_items_and_is_said(pipeline):
    slate = ask(pipeline, user_id="stranger", k=4)
    assert slate.path == "no history"
    assert slate.item_ids == tuple(pipeline.catalog.items.id(i) for i in pipeline.fallback[:4])
    assert "user 'stranger' is unknown" in slate.notes[0]
    assert slate.items[0].reasons[0].text == f"popular: {pipeline.counts.max()} events"


def test_a_known_user_is_answered_from_the_store(pipeline):
    past = Past(liked=("i1", "i3"), disliked=("i5",), known=True)
    slate = ask(pipeline, past, user_id="u1", k=6)
    assert slate.path == "stored history"
    assert not {"i1", "i3", "i5"} & set(slate.item_ids)
    assert slate.notes == ()


def test_unknown_history_items_are_counted(pipeline):
    slate = ask(pipeline, history=("nope", "i0", "nada"))
    assert "2 of 3 history items" in slate.notes[0]
    assert len(slate.items) == 10


def test_a_history_of_unknown_items_only(pipeline):
    slate = ask(pipeline, history=("nope",))
    assert slate.path == "no history"
    assert len(slate.items) == 10


def test_k_larger_than_the_catalog_says_why_it_is_short(pipeline):
    slate = ask(pipeline, history=("i0",), k=500)
    assert len(slate.items) == 19
    assert slate.short_because.startswith(
        "only 19 of 500: the catalog has 20 items, 1 are excluded"
    )


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_refused(k):
    with pytest.raises(UsageError, match="k must be 1 or more"):
        Query(k=k)


def test_item_surface_uses_item_sources_only(pipeline):
    slate = ask(pipeline, item_ids=("i2",), k=5)
    assert slate.path == "items"
    assert "i2" not in slate.item_ids
    assert {r.source for item in slate.items for r in item.reasons} == {"together"}


def test_exclude(pipeline):
    slate = ask(pipeline, history=("i0",), exclude=("i2", "i4", "unheard of"))
    assert not {"i0", "i2", "i4"} & set(slate.item_ids)


def test_keep_history_lets_items_come_back(pipeline):
    keep = dataclasses.replace(
        pipeline,
        resolved=dataclasses.replace(
            pipeline.resolved, config=pipeline.config.model_copy(update={"history": "keep"})
        ),
    )
    slate = ask(keep, history=("i0", "i2"), k=20)
    assert {"i0", "i2"} <= set(slate.item_ids)
    assert "i2" not in ask(keep, history=("i0",), exclude=("i2",), k=20).item_ids


def test_session_items_follow_the_history(pipeline):
    wanted = resolve_query(pipeline, Query(history=("i0",), session=("i4",)), Past(), 0.0)
    assert wanted.batch.history.row(0).tolist() == [0, 4]
    assert 4 in wanted.batch.exclude.row(0)


def test_session_items_follow_the_stored_history_too(pipeline):
    past = Past(liked=("i2", "i0"), known=True)
    wanted = resolve_query(pipeline, Query(user_id="u1", session=("i4", "i6")), past, 0.0)
    assert wanted.batch.history.row(0).tolist() == [2, 0, 4, 6]
    assert wanted.batch.exclude.row(0).tolist() == [0, 2, 4, 6]
    assert wanted.batch.last_items().tolist() == [6]


def test_a_known_user_is_queried_about_by_index_and_time(pipeline):
    wanted = resolve_query(pipeline, Query(user_id="u7"), Past(known=True), 12.0)
    assert wanted.batch.users.tolist() == [7]
    assert wanted.batch.now.tolist() == [12.0]
    for stranger in (Query(user_id="nobody"), Query(user_id="u7", history=()), Query()):
        assert resolve_query(pipeline, stranger, Past(), 12.0).batch.users.tolist() == [-1]
    about = resolve_query(pipeline, Query(user_id="u7", item_ids=("i1",)), Past(), 12.0)
    assert about.batch.users.tolist() == [-1]
    timeless = dataclasses.replace(pipeline, has_clock=False)
    assert resolve_query(timeless, Query(user_id="u7"), Past(), 12.0).batch.now is None


def with_policies(pipeline, registry, *names):
    policies = {name: registry.get("policies", name).build() for name in names}
    return dataclasses.replace(pipeline, policies=policies)


def test_policies_change_the_slate_and_it_is_made_up_for(pipeline, registry):
    plain = ask(pipeline, history=("i0",))
    changed = ask(with_policies(pipeline, registry, "drops-first"), history=("i0",))
    assert changed.item_ids[0] == plain.item_ids[1]
    assert len(changed.items) == 10
    assert changed.changes[0].why == "because it is first"


def test_a_short_list_says_how_many_were_dropped(pipeline, registry):
    slate = ask(with_policies(pipeline, registry, "drops-first"), history=("i0",), k=500)
    assert slate.short_because.endswith("policies dropped 1")


def test_a_failing_policy_is_left_out_and_named(pipeline, registry):
    slate = ask(with_policies(pipeline, registry, "raises", "drops-first"), history=("i0",))
    assert slate.degraded[0].component == "raises"
    assert "no rules today" in slate.degraded[0].error
    assert len(slate.changes) == 1


def test_public_form_has_ids_only(pipeline):
    public = ask(pipeline, history=("i0",), k=2).to_dict()
    assert set(public["items"][0]) == {"item_id", "title", "score", "reasons"}
    assert public["request_id"]
    assert public["surface"] == "home"


def test_explanation_names_places_and_evidence(pipeline):
    batch = resolve_query(pipeline, Query(history=("i0", "i4")), Past(), 0.0).batch
    first = pipeline.rank(batch, 1).index[0, 0]
    explanation = explain_item(pipeline, batch, int(first))
    assert explanation.place == 1
    assert {view.source for view in explanation.sources} == {"popular", "together"}
    out = explain_item(pipeline, batch, 0)
    assert out.place is None
    assert "excluded" in out.outside


ids = st.lists(st.sampled_from([f"i{i}" for i in range(20)] + ["x", "ü/ \"'"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(history=ids, exclude=ids, disliked=ids, k=st.integers(1, 30), items=ids)
def test_slates_are_always_valid(pipeline, history, exclude, disliked, k, items):
    past = Past(tuple(history), tuple(disliked), bool(history))
    for query in (
        {"user_id": "u", "exclude": tuple(exclude)},
        {"history": tuple(history), "exclude": tuple(exclude)},
        {"item_ids": tuple(items), "exclude": tuple(exclude)},
    ):
        slate = ask(pipeline, past, k=k, **query)
        got = slate.item_ids
        assert len(set(got)) == len(got) <= k
        assert all(i in pipeline.catalog.items for i in got)
        assert not set(got) & (set(exclude) | set(disliked))
        assert bool(slate.short_because) == (len(got) < k)
        scores = [item.score for item in slate.items]
        assert scores == sorted(scores, reverse=True)
