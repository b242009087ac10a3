"""`Engine` on a real workspace: who is answered how, and what is refused."""

import types

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.run import RunOptions
from crossrec.errors import (
    NotFittedError,
    UsageError,
    WorkspaceError,
)
from crossrec.ingest import ingest_files
from crossrec.pipeline import user_states
from crossrec.workspace import Workspace


def test_open_needs_a_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match="there is no workspace"):
        Engine.open(tmp_path / "none")
    Workspace.create(tmp_path / "ws").close()
    assert Engine.open(str(tmp_path / "ws")).workspace.path == tmp_path / "ws"


def test_a_known_user_is_answered_from_the_store(engine):
    slate = engine.recommend("red", "u2", k=3)
    assert (slate.scenario, slate.surface, slate.path) == ("red", "home", "stored history")
    seen = {"r2", "r4", "r6"}
    assert not seen & set(slate.item_ids)
    assert slate.item_ids[0] == "r0"
    longer = engine.recommend("red", "u2", k=8)
    assert longer.item_ids[-3:] == ("r6", "r4", "r2"), "what is known comes last, the latest first"
    assert slate.items[0].title == "red 0"
    assert slate.notes == slate.degraded == ()
    assert len({engine.recommend("red", "u2").request_id for _ in range(3)}) == 3


def test_dislikes_never_come_back_and_are_no_history(engine):
    for more in ({}, {"history": ["r2"]}, {"item_ids": ["r2"]}):
        slate = engine.recommend("red", "u0", k=20, **more)
        assert "r1" not in slate.item_ids
        assert "1 disliked" in slate.short_because
    shown = engine.recommend("red", "u-shown", k=8)
    assert "r1" in shown.item_ids  # what was only shown is neither liked nor disliked
    assert shown.path == "no history"
    assert shown.notes == ()


def test_strangers_of_every_kind_get_popular_items(engine):
    popular = engine.recommend("red", k=4)
    for user in ("nobody", "", "u2 x", "😀", "\x00", "\ud800", "x" * 10_000):
        slate = engine.recommend("red", user, k=4)
        assert slate.item_ids == popular.item_ids
        assert "is unknown" in slate.notes[0]
    assert popular.notes == ()


def test_a_given_history_beats_the_stored_one(engine):
    given = engine.recommend("red", "u2", history=["r1", "r3"], k=2)
    assert given.path == "given history"
    assert set(given.item_ids) <= {"r5", "r7"}
    assert engine.recommend("red", "u2", history=[], k=2).path == "no history"


def test_a_session_follows_the_stored_history(engine):
    slate = engine.recommend("red", "u2", session=["r0"], k=8)
    assert slate.item_ids[-4:] == ("r0", "r6", "r4", "r2"), "it is the latest of what is known"
    alone = engine.recommend("red", "nobody", session=["r1", "r3"], k=1)
    assert alone.item_ids[0] in ("r5", "r7")


def test_items_like_another(engine):
    slate = engine.similar("red", "r2", k=3)
    assert (slate.path, slate.surface) == ("items", "like-this")
    assert slate.item_ids[0] in ("r0", "r4", "r6")
    assert "r2" not in slate.item_ids
    both = engine.recommend("red", item_ids=["r2", "nope"], k=8)
    assert both.notes == ("1 of 2 given items are not in the fitted catalog",)
    assert "r2" not in both.item_ids


def test_excluded_items_stay_away(engine):
    slate = engine.recommend("red", "u2", exclude=["r0", "nope"], k=8)
    assert set(slate.item_ids) == {f"r{at}" for at in range(1, 8)}
    assert set(slate.item_ids[:4]) == {"r1", "r3", "r5", "r7"}
    assert slate.short_because == (
        "only 7 of 8: the catalog has 8 items, 1 are excluded for this query"
    )


def test_explain_names_every_source(engine):
    explanation = engine.explain("red", "r0", "u2")
    assert explanation.place == 1
    by_source = {view.source: view for view in explanation.sources}
    assert set(by_source) == {"popular", "together"}
    assert by_source["together"].reason.startswith("often together with “red ")
    seen = engine.explain("red", "r2", "u2")
    assert seen.place is None
    assert "excluded for this user" in seen.outside
    assert engine.explain("red", "r0", history=["r1"]).item_id == "r0"
    assert engine.explain("red", "r0").title == "red 0"
    with pytest.raises(UsageError, match="'b0' is not in the fitted catalog of 'red'"):
        engine.explain("red", "b0", "u2")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.recommend("red", k=0), "k must be 1 or more"),
        (lambda e: e.recommend("red", k=1.5), "k must be a whole number"),
        (lambda e: e.recommend("rde", "u1"), "red"),
        (lambda e: e.recommend("red", surface="foyer"), "it has home, shelf, like-this"),
        (lambda e: e.recommend("red", surface="like-this"), "give --item"),
        (lambda e: e.recommend("red", item_ids=["r1"], surface="home"), "give --user or --history"),
        (lambda e: e.recommend("red", history="r1"), r"history is a list of ids.*\['r1'\]"),
        (lambda e: e.recommend("red", item_ids="r1"), "item_ids is a list"),
        (lambda e: e.recommend("red", exclude="r1"), "exclude is a list"),
        (lambda e: e.recommend("red", session="r1"), "session is a list"),
        (lambda e: e.explain("red", "r1", history="r1"), "history is a list"),
    ],
)
def test_wrong_calls_say_what_to_do(engine, call, message):
    with pytest.raises(UsageError, match=message):
        call(engine)


def test_another_surface_is_named_in_the_answer(engine):
    assert engine.recommend("red", "u2", surface="shelf").surface == "shelf"


def test_a_scenario_without_an_item_surface(workspace, engine_registry, write):
    lines = [
        f"u{user},l{(user + turn) % 8},view,{60 * user + turn}"
        for user in range(12)
        for turn in (0, 2)
    ]
    write(workspace, "lists", ["user_id,item_id,event_type,time", *lines])
    engine = Engine(workspace, engine_registry)
    engine.fit("lists")
    assert engine.recommend("lists", "u2").surface == "home"
    with pytest.raises(UsageError, match="has no surface about an item"):
        engine.similar("lists", "l1")


def test_two_scenarios_in_one_workspace_do_not_mix(engine):
    with pytest.raises(NotFittedError, match="run `crossrec fit blue`"):
        engine.recommend("blue", "u2")
    engine.fit("blue")
    for name, letter in (("red", "r"), ("blue", "b")):
        slate = engine.recommend(name, "u2", k=20)
        assert slate.scenario == name
        assert {id_[0] for id_ in slate.item_ids} == {letter}
        assert {h[0] for i in slate.items for r in i.reasons for h in r.history} == {letter}
    foreign = engine.recommend("red", history=["b0", "b2"])
    assert foreign.notes == ("2 of 2 history items are not in the fitted catalog",)
    assert foreign.path == "no history"


def test_nothing_ingested(workspace, engine_registry):
    with pytest.raises(NotFittedError, match="run `crossrec ingest lists` first"):
        Engine(workspace, engine_registry).fit("lists")


def test_items_without_any_event_can_be_fitted(workspace, engine_registry):
    table = workspace.path / "only.csv"
    table.write_text("item_id,title\na,A\nb,B\n")
    ingest_files(workspace, engine_registry.scenario("lists"), items=table)
    engine = Engine(workspace, engine_registry)
    engine.fit("lists")
    slate = engine.recommend("lists", "anybody", k=5)
    assert slate.item_ids == ("a", "b")
    assert slate.items[0].reasons[0].text == "from the catalog, nobody has chosen it yet"


def test_only_so_many_events_of_a_user_are_looked_back_on(engine, monkeypatch):
    """u2 has seen r2, r4 and r6 in this order; with a limit of 1 the first two count as new."""
    monkeypatch.setattr(user_states, "HISTORY", 1)
    slate = engine.recommend("red", "u2", k=8)
    assert slate.item_ids[-1] == "r6"
    assert set(slate.item_ids[:3]) == {"r0", "r2", "r4"}


def test_the_limit_is_far_beyond_what_people_do():
    assert user_states.HISTORY == 2000


@pytest.mark.parametrize("more", [{}, {"history": ["r0"]}, {"item_ids": ["r0"]}])
def test_bans_and_purchases_of_before_the_last_2000_events_hold(
    engine, workspace, engine_registry, more, write
):
    old = [
        "old,r2,buy,1600000000", "old,r4,dislike,1600000001", "old,r6,buy,1600000002",
        "old,r3,ban_maker,1600000003",
    ]  # fmt: skip
    many = [f"old,r{at % 2},view,{1_700_000_000 + at}" for at in range(2100)]
    write(workspace, "red", ["user_id,item_id,event_type,time", *old, *many])
    assert len(workspace.store().user_events(engine_registry.scenario("red"), "old")) == 2000
    slate = engine.recommend("red", "old", k=8, **more)
    assert not {"r2", "r3", "r4", "r6"} & set(slate.item_ids)
    assert "2 consumed, 1 disliked, 1 entity banned" in slate.short_because


def test_the_surfaces_own_length_holds_unless_the_request_names_another(engine):
    assert len(engine.recommend("red", "u2").items) == 8
    assert len(engine.recommend("red", "u2", surface="shelf").items) == 3
    assert len(engine.recommend("red", "u2", surface="shelf", k=5).items) == 5


def test_an_item_surface_knows_its_user(engine):
    slate = engine.recommend("red", "u2", item_ids=["r0"], k=8)
    assert (slate.surface, slate.path) == ("like-this", "items")
    assert slate.item_ids[-3:] == ("r6", "r4", "r2"), "what the user knows comes last here too"
    assert "r0" not in slate.item_ids


def test_the_moment_reaches_policies_and_sources(engine, monkeypatch):
    seen = []
    from crossrec.pipeline.pipeline import Pipeline

    scored = Pipeline.scored_pool

    def watched(self, surface, queries, items):
        seen.append(queries)
        return scored(self, surface, queries, items)

    monkeypatch.setattr(Pipeline, "scored_pool", watched)
    engine.recommend("red", "u2", now=1_700_000_999.0, context={"hour": 9}, surface="shelf")
    (queries,) = seen
    assert queries.now.tolist() == [1_700_000_999.0]
    assert queries.context["hour"].tolist() == [9]
    assert queries.surface == "shelf"
    assert len(queries.times) == len(queries.weights) == len(queries.history.values) == 3


def test_progress_and_cache_reach_the_fit(workspace, engine_registry):
    said = []
    run = RunOptions(progress=lambda message, done, total: said.append((message, done, total)))
    Engine(workspace, engine_registry).fit("red", run=run)
    assert said[0] == ("fitting popular before the cut", 0, 2)
    assert said[-1] == ("fitted on all events", 2, 2)


def test_answers_hold_plain_python_values(engine):
    public = engine.recommend("red", "u2", k=3).to_dict()

    def plain(value):
        if isinstance(value, dict):
            return all(plain(part) for part in value.values())
        if isinstance(value, list):
            return all(plain(part) for part in value)
        return type(value) in (str, int, float, bool, types.NoneType)

    assert plain(public)
    assert not any(isinstance(i["score"], np.generic) for i in public["items"])


def test_a_filter_reads_what_was_written_after_the_fit(engine, workspace, write):
    """Titles that change count from the next request on, without a fit."""
    assert engine.recommend("red", "u2", filter="title = 'sold'").items == ()
    write(workspace, "red", rows_of_nobody(), items=[("r3", "sold")])
    slate = engine.recommend("red", "u2", filter="title = 'sold'")
    assert slate.item_ids == ("r3",)


def test_filters_read_the_fields_of_the_user(engine, workspace, tmp_path):
    users = tmp_path / "users.csv"
    users.write_text("user_id,wants,most\nu2,red 3,3\n")
    ingest_files(workspace, engine.registry.scenario("red"), users=users)
    assert engine.recommend("red", "u2", filter="title = user.wants").item_ids == ("r3",)
    assert engine.recommend("red", "u2", filter="user.most < 3").items == ()
    assert len(engine.recommend("red", "u2", filter="user.most <= 3").items) == 8
    assert engine.recommend("red", "stranger", filter="title = user.wants").items == ()


def test_a_boost_is_logged_as_what_changed_an_item(engine):
    boost = "CASE WHEN title = context.lifted THEN 9 ELSE 1 END"
    plain = engine.recommend("red", "u2", k=3)
    last = plain.items[-1]
    slate = engine.recommend("red", "u2", k=3, boost=boost, context={"lifted": last.title})
    assert slate.item_ids[0] == last.item_id
    (change,) = [one for one in slate.changes if one.policy == "boost"]
    assert (change.item_id, change.code, change.values) == (
        last.item_id,
        "boosted",
        {"factor": 9.0},
    )


@pytest.mark.parametrize("filter", ["title", "1 = ", "titel = 'x'", "title < 3 AND x.y"])
def test_a_wrong_filter_is_refused(engine, filter):
    with pytest.raises(UsageError, match=r"filter|character|field"):
        engine.recommend("red", "u2", filter=filter)


def rows_of_nobody():
    return ["user_id,item_id,event_type,time", "u-new,r0,view,1700000001"]


def pages(engine, *arguments, **more):
    """Return all pages of a list, as tuples of ids."""
    found, cursor = [], ""
    while True:
        slate = engine.recommend(*arguments, cursor=cursor, **more)
        found.append(slate.item_ids)
        cursor = slate.next_cursor
        if not cursor:
            return found


@pytest.mark.parametrize("k", [1, 3, 8, 20])
@pytest.mark.parametrize(
    "more", [{"user_id": "u2"}, {"history": ["r2", "r4"]}, {"item_ids": ["r1"]}]
)
def test_pages_hold_every_item_once(engine, k, more):
    whole = engine.recommend("red", k=20, **more).item_ids
    parts = pages(engine, "red", k=k, **more)
    flat = [item for part in parts for item in part]
    assert flat == list(whole), "page by page the list is the whole list"
    assert all(len(part) == k for part in parts[:-1])


def test_what_happens_between_pages_repeats_nothing(engine):
    """A person who views something while paging gets no item of the pages before."""
    first = engine.recommend("red", "u2", k=3)
    engine.append_event("red", "u2", "r5", "view", time=1_700_100_000)
    second = engine.recommend("red", "u2", k=3, cursor=first.next_cursor)
    assert not set(first.item_ids) & set(second.item_ids)


def test_a_cursor_of_another_surface_or_of_nobody_is_refused(engine):
    cursor = engine.recommend("red", "u2", k=2).next_cursor
    with pytest.raises(UsageError, match="of surface 'home'"):
        engine.recommend("red", "u2", surface="shelf", cursor=cursor)
    with pytest.raises(UsageError, match="no cursor"):
        engine.recommend("red", "u2", cursor="AAAA")
