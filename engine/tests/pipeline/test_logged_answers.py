"""What an engine writes down, and what it takes in: decisions, feedback, single events."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import pytest
from crossrec import Engine
from crossrec.errors import DataError, UsageError
from crossrec.pipeline.decision_record import decision_of
from crossrec.pipeline.user_states import consents_of, read_user_state
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.toy_sources import Popular, Together, registry_of
from crossrec.workspace import Workspace

SCHEMA = ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}")
SCENARIO = Scenario(
    "tools",
    "tools",
    (EventType("use"), EventType("drop", "explicit", -1, -1.0, aliases=("leave",))),
    SCHEMA,
    (Surface("bench"), Surface("ruled"), Surface("alike", "item")),
    "logged_resources:two.toml",
    "use",
    "bench",
)
PIPELINE = """
sources = [{name = "together"}, {name = "popular"}]
[surfaces.ruled]
policies = ["lottery", "availability"]
"""
START = 1_700_000_000


class Lottery:
    """Gives every item the same chance and writes it down."""

    def apply(self, ranked, context):
        from dataclasses import replace

        return replace(ranked, propensity=np.full(len(ranked), 0.25))


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resources")
    (folder / "logged_resources").mkdir()
    (folder / "logged_resources" / "__init__.py").touch()
    (folder / "logged_resources" / "two.toml").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield registry_of(
            scenarios={"tools": lambda: SCENARIO},
            candidate_generators={"popular": Popular, "together": Together},
            policies={"lottery": Lottery},
        )


def events(*, clock=True):
    """12 users; even ones use even tools, odd ones odd tools."""
    rows = [(f"u{u}", f"t{(u % 2) + 2 * ((u // 2 + n) % 4)}") for n in range(3) for u in range(12)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id"])
    return table.assign(time=START + 60 * np.arange(len(table))) if clock else table


ITEMS = pd.DataFrame({"item_id": [f"t{i}" for i in range(8)], "title": "Secret Hammer"})


@pytest.fixture
def make_engine(tmp_path, registry):
    opened = []

    def make(*, clock=True, settings="", log=True, fit=True):
        folder = tmp_path / f"ws{len(opened)}"
        folder.mkdir()
        (folder / "crossrec.toml").write_text(settings)
        engine = Engine(Workspace.create(folder, registry), registry, background=False, log=log)
        opened.append(engine)
        engine.ingest("tools", items=ITEMS, events=events(clock=clock))
        if fit:
            engine.fit("tools")
        return engine

    yield make
    for engine in opened:
        engine.close()


def test_every_answer_is_written_down(make_engine):
    engine = make_engine()
    before = time.time()
    slate = engine.recommend("tools", "u2", k=3)
    (found,) = engine.decisions("tools")
    assert found.request_id == slate.request_id
    assert before <= found.time <= time.time()
    assert (found.scenario, found.surface, found.user_id) == ("tools", "bench", "u2")
    assert (found.arm, found.path) == ("", "stored history")
    current = (engine.workspace.artifact_path("tools") / "current").read_text()
    assert found.artifact
    assert found.artifact in current
    assert 0 < found.milliseconds < 10_000
    assert [one.item_id for one in found.items] == list(slate.item_ids)
    assert [one.score for one in found.items] == [item.score for item in slate.items]
    assert {one.propensity for one in found.items} == {1.0}


def test_the_main_source_is_the_one_that_did_most(make_engine):
    engine = make_engine()
    engine.recommend("tools", "u2", k=8)
    (found,) = engine.decisions("tools")
    sources = {one.item_id: one.source for one in found.items}
    assert sources["t0"] == "together", "it shares users with the history"
    assert sources["t2"] == "fallback", "what is known already no source proposes"
    assert set(sources.values()) <= {"together", "popular", "fallback"}


def test_propensities_and_the_hash_of_the_policies_are_kept(make_engine):
    engine = make_engine()
    for surface in ("bench", "ruled", "ruled"):
        engine.recommend("tools", "u2", surface=surface, k=2)
    again, ruled, bench = engine.decisions("tools")
    assert {one.propensity for one in ruled.items} == {0.25}
    assert ruled.policies == again.policies != bench.policies
    assert len(bench.policies) == 12


def test_nothing_is_written_unless_it_is_on(make_engine):
    engine = make_engine(log=False)
    assert engine.recommend("tools", "u2").items[0].source == ""
    assert engine.decisions("tools") == []
    assert not list(engine.workspace.path.glob("*decisions*"))


def test_close_writes_what_waits_and_the_next_use_goes_on(make_engine):
    engine = make_engine()
    with engine:
        first = engine.recommend("tools", "u2").request_id
    reader = Engine(Workspace.open(engine.workspace.path), engine.registry)
    assert [one.request_id for one in reader.decisions("tools")] == [first]
    second = engine.recommend("tools", "u3").request_id
    engine.close()
    assert [one.request_id for one in reader.decisions("tools")] == [second, first]
    reader.close()


def test_no_title_is_in_any_file_of_the_log(make_engine):
    engine = make_engine()
    engine.recommend("tools", "u2", context={"query": "a very private search"})
    engine.close()
    files = list(engine.workspace.path.glob("*decisions*"))
    assert files
    for path in files:
        content = path.read_bytes()
        assert b"Secret" not in content
        assert b"private" not in content


def test_settings_say_how_much_is_kept(make_engine):
    engine = make_engine(settings="[decision_log]\nitems = 2\nkeep_days = 1.5\n")
    old = engine.recommend("tools", "u2", k=5)
    (found,) = engine.decisions("tools")
    assert [one.item_id for one in found.items] == list(old.item_ids[:2])
    nothing = make_engine(settings="[decision_log]\nsample = 0\n")
    nothing.recommend("tools", "u2")
    assert nothing.decisions("tools") == []


def test_old_answers_are_deleted_by_the_writer(make_engine):
    engine = make_engine(settings="[decision_log]\nkeep_days = 1\n")
    pipeline, slate = engine.pipeline("tools"), engine.recommend("tools", "u2")
    engine.close()
    one = decision_of(slate, "u2", pipeline, 1.0, 5)
    ages = {"fresh": 0.5, "old": 1.5}
    from dataclasses import replace

    engine.workspace.decision_log().write(
        [replace(one, request_id=n, time=time.time() - d * 86_400) for n, d in ages.items()]
    )
    engine.recommend("tools", "u2")
    names = [found.request_id for found in engine.decisions("tools")]
    assert "fresh" in names
    assert "old" not in names


def test_ids_that_no_user_can_have_cost_no_decision(make_engine):
    engine = make_engine()
    for user in ("\ud800", "x" * 10_000, "", "ü", None):
        engine.recommend("tools", user, k=1)
    assert [one.user_id for one in engine.decisions("tools")] == [None, "ü", None, None, None]


def test_many_threads_are_all_written_down(make_engine):
    engine = make_engine()
    engine.recommend("tools", "u0")

    def ask(user):
        for _ in range(10):
            engine.recommend("tools", user, k=2, explain=False)

    threads = [threading.Thread(target=ask, args=(f"u{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engine.decisions("tools", 100)) == 41


def test_feedback_belongs_to_the_answer_and_counts_at_once(make_engine):
    engine = make_engine()
    slate = engine.recommend("tools", "u2", k=3)
    item = slate.item_ids[0]
    assert engine.feedback(slate.request_id, item, "leave", value=2.0) == (True, True)
    (kept,) = engine.workspace.decision_log().feedback_on(slate.request_id)
    assert (kept.item_id, kept.event_type, kept.value) == (item, "drop", 2.0)
    assert item not in engine.recommend("tools", "u2", k=8).item_ids, "a disliked item"


def test_the_same_feedback_again_changes_nothing(make_engine):
    for clock in (True, False):
        engine = make_engine(clock=clock)
        slate = engine.recommend("tools", "u2", k=3)
        call = (slate.request_id, slate.item_ids[0], "use", None, START + 1e6)
        assert engine.feedback(*call).stored
        assert not engine.feedback(*call).stored
        later = (*call[:-1], START + 2e6)
        assert engine.feedback(*later).stored
        assert len(engine.workspace.decision_log().feedback_on(slate.request_id)) == 2
        assert engine.workspace.store().counts("tools").events == 38


def test_feedback_without_a_user_is_kept_with_the_answer_alone(make_engine):
    engine = make_engine()
    slate = engine.recommend("tools", history=["t2"], k=3)
    assert engine.feedback(slate.request_id, slate.item_ids[0], "use") == (False, True)
    assert engine.workspace.store().counts("tools").events == 36


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"request_id": "nonsense"}, UsageError, "'nonsense': request is not in the decision log"),
        ({"item_id": "t99"}, UsageError, "'t99': item is not among those"),
        ({"event_type": "usee"}, DataError, r"unknown event type 'usee' \(nearest: use\)"),
        ({"event_type": ""}, DataError, "missing event type"),
        ({"value": float("inf")}, DataError, "value is not a number"),
        ({"time": 9e9}, DataError, "future time"),
    ],
)
def test_impossible_feedback_is_one_line_and_stores_nothing(make_engine, change, error, complaint):
    engine = make_engine()
    slate = engine.recommend("tools", "u2", k=3)
    call = {"request_id": slate.request_id, "item_id": slate.item_ids[0], "event_type": "use"}
    with pytest.raises(error, match=complaint) as raised:
        engine.feedback(**{**call, **change})
    assert "\n" not in str(raised.value)
    assert engine.workspace.decision_log().feedback_on(slate.request_id) == []
    assert engine.workspace.store().counts("tools").events == 36


def test_an_appended_event_counts_from_the_next_request_on(make_engine):
    engine = make_engine(log=False)
    assert engine.recommend("tools", "new").path == "no history"
    assert engine.append_event("tools", "new", "t2", "use") == (True, False)
    slate = engine.recommend("tools", "new", k=3)
    assert slate.path == "stored history"
    assert {int(item[1:]) % 2 for item in slate.item_ids} == {0}


def test_an_appended_event_is_the_same_as_one_of_a_file(make_engine):
    engine = make_engine(fit=False)
    row = events().iloc[5]
    same = engine.append_event("tools", row.user_id, row.item_id, "use", time=int(row.time))
    assert not same.stored
    as_text = pd.to_datetime(row.time + 1, unit="s").isoformat()
    assert engine.append_event("tools", row.user_id, row.item_id, "use", time=as_text).stored


def test_without_times_every_appended_event_is_a_new_one(make_engine):
    engine = make_engine(clock=False, fit=False)
    for _ in range(2):
        assert engine.append_event("tools", "u2", "t2", "use").stored
    with pytest.raises(DataError, match="holds events without times: leave the time out"):
        engine.append_event("tools", "u2", "t2", "use", time=5.0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"user_id": " "}, "missing user"),
        ({"item_id": "x" * 2000}, "item id longer than"),
        ({"event_type": "buy"}, "unknown event type 'buy'"),
        ({"value": "much"}, "value is not a number"),
        ({"time": "some day"}, "unparsable time"),
        ({"time": -5}, "negative time"),
    ],
)
def test_events_are_validated_like_those_of_a_file(make_engine, change, complaint):
    engine = make_engine(fit=False)
    call = {"user_id": "u2", "item_id": "t2", "event_type": "use"}
    with pytest.raises(DataError, match=f"the event cannot be used: {complaint}"):
        engine.append_event("tools", **{**call, **change})
    assert engine.workspace.store().counts("tools").events == 36


def test_an_event_with_a_request_is_attributed_where_that_is_possible(make_engine):
    engine = make_engine()
    request = engine.recommend("tools", "u2", k=1)
    (item,) = request.item_ids
    own = {"item_id": item, "event_type": "use", "request_id": request.request_id}
    assert engine.append_event("tools", user_id="u2", **own) == (True, True)
    assert engine.append_event("tools", user_id="u3", **own) == (True, False)
    assert engine.append_event("tools", user_id="u2", **{**own, "item_id": "t1"}) == (True, False)
    unknown = {**own, "request_id": "long gone"}
    assert engine.append_event("tools", user_id="u2", **unknown) == (True, False)
    assert len(engine.workspace.decision_log().feedback_on(request.request_id)) == 1


def test_events_are_appended_by_many_threads_while_a_fit_holds_the_workspace(make_engine):
    engine = make_engine(fit=False)
    errors = []

    def append(user):
        try:
            for n in range(10):
                engine.append_event("tools", user, f"t{n % 8}", "use", time=START + 10_000 + n)
        except Exception as error:
            errors.append(error)

    with engine.workspace.writing():
        threads = [threading.Thread(target=append, args=(f"n{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    assert not errors
    assert engine.workspace.store().counts("tools").events == 36 + 40


def test_impressions_come_from_the_decision_log_when_something_looks(make_engine):
    engine = make_engine()
    store = engine.workspace.store()
    assert read_user_state(store, SCENARIO, "u2").impressions == {}
    for _ in range(2):
        item = engine.recommend("tools", "u2", k=1).item_ids[0]
    engine.recommend("tools", "u3", k=1)
    engine.flush()
    user = read_user_state(store, SCENARIO, "u2")
    assert set(user.impressions) == {item}
    shown = user.impressions[item]
    assert shown.times == 2
    assert abs(shown.last - time.time()) < 60
    assert user.impressions is user.impressions, "read once"


def test_the_log_is_not_read_unless_something_looks(make_engine, monkeypatch):
    engine = make_engine()
    log = engine.workspace.decision_log()
    monkeypatch.setattr(type(log), "impressions", lambda *_: pytest.fail("nobody looked"))
    assert engine.recommend("tools", "u2").degraded == ()


@pytest.mark.parametrize(
    ("given", "consents"),
    [
        ("mail, ads ,", {"mail", "ads"}),
        (["mail", "ads"], {"mail", "ads"}),
        ("", set()),
        (None, set()),
        (7, set()),
    ],
)
def test_consents_are_a_list_or_separated_by_commas(given, consents):
    assert consents_of({"consents": given}) == consents


def test_consents_come_from_the_users_table(make_engine):
    engine = make_engine(fit=False)
    users = pd.DataFrame({"user_id": ["u2", "u3"], "consents": [["mail", "ads"], "ads"]})
    engine.ingest("tools", users=users)
    store = engine.workspace.store()
    assert read_user_state(store, SCENARIO, "u2").consents == {"mail", "ads"}
    assert read_user_state(store, SCENARIO, "u3").consents == {"ads"}
    assert read_user_state(store, SCENARIO, "u4").consents == frozenset()
