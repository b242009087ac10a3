"""The request path: histories, fallbacks, exclusions, policies, reasons."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.query import Query
from crossrec.components.user_state import UserState
from crossrec.errors import UsageError
from crossrec.pipeline.item_explanation import explain_item
from crossrec.testing.requests import TOY, ask, resolved, user_with, with_parts
from hypothesis import given, settings
from hypothesis import strategies as st


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
    assert slate.items[0].reasons[0].text == f"popular: {pipeline.people.max()} events"


def test_a_known_user_is_answered_from_the_store(pipeline):
    user = user_with(("i1", "i3"), ("i5",), "u1")
    slate = ask(pipeline, user, user_id="u1", k=6)
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


def test_what_was_bought_stays_away_on_a_surface_that_keeps_its_history_too(pipeline):
    keep = with_parts(pipeline, keeps_history=True)
    user = user_with(liked=("i0",), viewed=("i2",))
    slate = ask(keep, user, user_id="u1", k=20)
    assert "i0" not in slate.item_ids
    assert "i2" in slate.item_ids
    assert "i2" not in ask(keep, user, user_id="u1", exclude=("i2",), k=20).item_ids


def test_session_items_follow_the_history(pipeline):
    found = resolved(pipeline, history=("i0",), session=("i4",))
    assert found.batch.history.row(0).tolist() == [0, 4]
    assert 4 in found.batch.exclude.row(0)
    assert found.familiar.tolist() == [4], "of a session it is not known that it was bought"


def test_session_items_follow_the_stored_history_too(pipeline):
    user = user_with(liked=("i2", "i0"))
    found = resolved(pipeline, user, user_id="u1", session=("i4", "i6"))
    assert found.batch.history.row(0).tolist() == [2, 0, 4, 6]
    assert found.batch.exclude.row(0).tolist() == [0, 2, 4, 6]
    assert found.batch.last_items().tolist() == [6]
    for name in ("times", "types", "weights"):
        assert len(getattr(found.batch, name)) == 4


def test_a_known_user_is_named_by_index_and_time(pipeline):
    found = resolved(pipeline, UserState("u7", known=True), 12.0, user_id="u7")
    assert found.batch.users.tolist() == [7]
    assert found.batch.now.tolist() == [12.0]
    for stranger in ({"user_id": "nobody"}, {"user_id": "u7", "history": ()}, {}):
        assert resolved(pipeline, None, 12.0, **stranger).batch.users.tolist() == [-1]
    known = UserState("u7", known=True)
    about = resolved(pipeline, known, 12.0, "item", user_id="u7", item_ids=("i1",))
    assert about.batch.users.tolist() == [7], "an item surface knows its user too"
    assert about.batch.about.row(0).tolist() == [1]
    assert about.batch.surface == "item"
    timeless = dataclasses.replace(pipeline, has_clock=False)
    assert resolved(timeless, None, 12.0, user_id="u7").batch.now is None


def test_a_batch_carries_what_is_known_of_the_moment(pipeline):
    user = dataclasses.replace(user_with(liked=("i0",), disliked=("i3",)), session_start=7.0)
    found = resolved(pipeline, user, user_id="u1", context={"hour": 9, "device": "phone"})
    assert found.batch.context["hour"].tolist() == [9]
    assert found.batch.context["device"].tolist() == ["phone"]
    assert found.batch.session_start.tolist() == [7.0]
    assert found.batch.negatives.row(0).tolist() == [3]
    assert np.isnan(resolved(pipeline).batch.session_start[0])


def test_a_history_holds_what_counts_with_its_net_weight(pipeline):
    """A purchase and its refund are no evidence; of two purchases and a refund one is left."""
    user = user_with(liked=("i2", "i0", "i0", "i4"), disliked=("i2", "i0"))
    batch = resolved(pipeline, user, user_id="u1").batch
    assert batch.history.row(0).tolist() == [0, 0, 4]
    assert batch.weights.tolist() == [0.5, 0.5, 1.0]
    assert batch.times.tolist() == [1.0, 2.0, 3.0]
    assert batch.types.tolist() == [0, 0, 0]


def test_a_given_history_counts_as_events_of_the_default_type_just_now(pipeline):
    batch = resolved(pipeline, now=500.0, history=("i4", "i0", "nope")).batch
    assert batch.history.row(0).tolist() == [4, 0]
    assert [TOY.events[kind].name for kind in batch.types] == ["buy", "buy"]
    assert batch.times.tolist() == [500.0, 500.0]
    viewing = dataclasses.replace(TOY, default_event="view")
    slate = ask(pipeline, scenario=viewing, history=("i4", "i0"), k=20)
    assert slate.item_ids[-2:] == ("i0", "i4"), "what was only viewed is behind all others"
    assert len(slate.items) == 20


# Policies


def with_policies(pipeline, registry, *names):
    policies = {name: registry.get("policies", name).build() for name in names}
    return with_parts(pipeline, policies=policies)


def test_policies_change_the_slate_and_it_is_made_up_for(pipeline, registry):
    plain = ask(pipeline, history=("i0",))
    changed = ask(with_policies(pipeline, registry, "drops-first"), history=("i0",))
    assert changed.item_ids == (*plain.item_ids[1:], changed.item_ids[-1])
    assert len(changed.items) == 10
    (change,) = changed.changes
    assert (change.policy, change.item_id) == ("drops-first", plain.item_ids[0])
    assert (change.action, change.code) == ("dropped", "because_it_is_first")
    assert change.why == "because it is first"


def test_a_short_list_says_how_many_were_dropped(pipeline, registry):
    slate = ask(with_policies(pipeline, registry, "drops-first"), history=("i0",), k=500)
    assert slate.short_because.endswith("policies dropped 1")


def test_a_failing_policy_is_left_out_and_named(pipeline, registry):
    slate = ask(with_policies(pipeline, registry, "raises", "drops-first"), history=("i0",))
    assert slate.degraded[0].component == "raises"
    assert "no rules today" in slate.degraded[0].error
    assert len(slate.changes) == 1


def test_scores_fall_from_one_towards_nothing(pipeline):
    slate = ask(pipeline, history=("i0",), k=4)
    assert [item.score for item in slate.items] == [1.0, 0.75, 0.5, 0.25]
    assert [item.propensity for item in slate.items] == [1.0] * 4


def test_public_form_has_ids_only(pipeline):
    public = ask(pipeline, history=("i0",), k=2).to_dict()
    own = {"item_id", "title", "score", "propensity", "reasons", "examples"}
    assert set(public["items"][0]) == own
    assert public["request_id"]
    assert public["surface"] == "user"


def test_explanation_names_places_and_evidence(pipeline):
    batch = resolved(pipeline, history=("i0", "i4")).batch
    first = pipeline.rank(batch, 1).index[0, 0]
    explanation = explain_item(pipeline, pipeline.main, batch, int(first))
    assert explanation.place == 1
    assert {view.source for view in explanation.sources} == {"popular", "together"}
    out = explain_item(pipeline, pipeline.main, batch, 0)
    assert out.place is None
    assert "excluded" in out.outside


ids = st.lists(st.sampled_from([f"i{i}" for i in range(20)] + ["x", "ü/ \"'"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(history=ids, exclude=ids, disliked=ids, k=st.integers(1, 30), items=ids)
def test_slates_are_always_valid(pipeline, history, exclude, disliked, k, items):
    user = user_with(history, disliked, "u")
    for query in (
        {"user_id": "u", "exclude": tuple(exclude)},
        {"history": tuple(history), "exclude": tuple(exclude)},
        {"item_ids": tuple(items), "exclude": tuple(exclude)},
    ):
        slate = ask(pipeline, user, k=k, **query)
        got = slate.item_ids
        assert len(set(got)) == len(got) <= k
        assert all(i in pipeline.catalog.items for i in got)
        bought = set(query.get("history", ())) | set(history) | set(query.get("item_ids", ()))
        assert not set(got) & (set(exclude) | set(disliked) | bought)
        assert bool(slate.short_because) == (len(got) < k)
        scores = [item.score for item in slate.items]
        assert scores == sorted(scores, reverse=True)
