"""`Engine` on a real workspace: two scenarios side by side, new artifacts, new events."""

import sys
import threading
import time
import types
from functools import partial

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.run import RunOptions
from crossrec.errors import (
    ArtifactError,
    ConfigError,
    CrossrecError,
    NotFittedError,
    UsageError,
    WorkspaceError,
)
from crossrec.ingest import ingest_files
from crossrec.pipeline import loading, user_states
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface
from crossrec.workspace import Workspace

SCHEMA = ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}")
EVENTS = (
    EventType("view"),
    EventType("dislike", kind="explicit", polarity=-1, strength=-1.0),
    EventType("shown", polarity=0, strength=0.0),
    EventType("buy", consumes="hard"),
    EventType("ban_maker", "explicit", -1, -1.0, consumes="hard", relation="maker"),
)


def scenario(name, *, about_items=True):
    surfaces = (Surface("home"), Surface("shelf", k=3))
    if about_items:
        surfaces += (Surface("like-this", "item"),)
    return lambda: Scenario(
        name, name, EVENTS, SCHEMA, surfaces, "engine_resources:two.toml", "view", "home",
        (Relation("maker", "maker"),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def engine_registry(tmp_path_factory, make_registry, toy_sources):
    class Unfit(toy_sources.popular):
        def fit(self, dataset, run):
            raise MemoryError("too large")

    folder = tmp_path_factory.mktemp("resources")
    package = folder / "engine_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "two.toml").write_text('sources = [{name = "popular"}, {name = "together"}]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        names = {"red": scenario("red"), "blue": scenario("blue")}
        names["lists"] = scenario("lists", about_items=False)
        yield make_registry(scenarios=names, candidate_generators={"never": Unfit})
    sys.modules.pop("engine_resources", None)


def rows(letter, n_users=12, n_items=8):
    """Even users view even items, odd users odd ones; user 0 dislikes item 1."""
    lines = ["user_id,item_id,event_type,time"]
    moment = 1_700_000_000
    for turn in range(3):
        for user in range(n_users):
            item = (user % 2) + 2 * ((user // 2 + turn) % (n_items // 2))
            moment += 60
            lines.append(f"u{user},{letter}{item},view,{moment}")
    lines.append(f"u0,{letter}1,dislike,{moment + 60}")
    lines.append(f"u-shown,{letter}1,shown,{moment + 61}")
    return lines


def ingest(workspace, registry, name, lines, items=()):
    events = workspace.path / f"{name}.csv"
    events.write_text("\n".join(lines) + "\n")
    table = None
    if items:
        table = workspace.path / f"{name}-items.csv"
        table.write_text("item_id,title\n" + "".join(f"{i},{t}\n" for i, t in items))
    ingest_files(workspace, registry.scenario(name), events=events, items=table)


@pytest.fixture
def workspace(tmp_path, engine_registry):
    place = Workspace.create(tmp_path / "ws")
    for name, letter in (("red", "r"), ("blue", "b")):
        items = [(f"{letter}{i}", f"{name} {i}") for i in range(8)]
        ingest(place, engine_registry, name, rows(letter), items)
    yield place
    place.close()


@pytest.fixture
def engine(workspace, engine_registry):
    engine = Engine(workspace, engine_registry, background=False)
    engine.fit("red")
    return engine


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
    for user in ("nobody", "", "u2 ", "😀", "\x00", "\ud800", "x" * 10_000):
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


def test_a_scenario_without_an_item_surface(workspace, engine_registry):
    ingest(workspace, engine_registry, "lists", rows("l"))
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


def test_events_after_the_fit_change_the_next_answer(engine, workspace, engine_registry):
    before = engine.recommend("red", "fresh", k=8)
    assert "unknown" in before.notes[0]
    ingest(
        workspace,
        engine_registry,
        "red",
        [
            "user_id,item_id,event_type,time",
            "fresh,r1,view,1750000000",
            "fresh,r3,view,1750000001",
            "fresh,r0,dislike,1750000002",
            "fresh,new,view,1750000003",
        ],
    )
    after = engine.recommend("red", "fresh", k=8)
    assert after.path == "stored history"
    assert after.item_ids[0] in ("r5", "r7")
    assert "r0" not in after.item_ids
    assert after.item_ids[-2:] == ("r3", "r1")
    assert after.notes == ("1 of 4 history items are not in the fitted catalog",)


def test_a_newer_artifact_is_picked_up_and_the_same_one_is_not_read_again(
    engine, workspace, engine_registry, monkeypatch
):
    loads = []
    load = loading.load_pipeline
    monkeypatch.setattr(loading, "load_pipeline", lambda *a, **k: loads.append(a) or load(*a, **k))
    for _ in range(3):
        engine.recommend("red", "u2")
    assert len(loads) == 1
    ingest(
        workspace, engine_registry, "red",
        ["user_id,item_id,event_type,time", "u2,brand-new,view,1750000000"],
        [("brand-new", "just in")],
    )  # fmt: skip
    assert "brand-new" not in engine.recommend("red", history=["r2"], k=50).item_ids
    Engine(Workspace.open(workspace.path), engine_registry).fit("red")
    assert "brand-new" in engine.recommend("red", history=["r2"], k=50).item_ids
    assert len(loads) == 2


def test_what_serves_goes_on_when_the_pointer_is_away_for_a_moment(engine, workspace):
    before = engine.recommend("red", "u2").item_ids
    pointer = workspace.artifact_path("red") / "current"
    content = pointer.read_bytes()
    pointer.unlink()
    assert engine.recommend("red", "u2").item_ids == before
    with pytest.raises(NotFittedError):
        Engine(workspace, engine.registry).recommend("red", "u2")
    pointer.write_bytes(content)
    assert engine.recommend("red", "u2").item_ids == before


def test_a_fit_that_fails_leaves_the_old_artifact_serving(engine, tmp_path):
    before = engine.recommend("red", "u2")
    own = tmp_path / "own.toml"
    for text, error in (
        ('sources = [{name = "never"}]', CrossrecError),
        ('sources = [{name = "nver"}]', UsageError),
        ("sources = 3", ConfigError),
    ):
        own.write_text(text)
        with pytest.raises(error):
            engine.fit("red", pipeline_file=own)
        assert engine.recommend("red", "u2").item_ids == before.item_ids
    own.write_text('sources = [{name = "never"}, {name = "popular"}]')
    report = engine.fit("red", pipeline_file=own).report
    assert report["failed"] == {"never": "MemoryError: too large"}
    assert set(engine.pipeline("red").sources) == {"popular"}


def test_a_damaged_artifact_is_refused_and_mended_by_a_fit(engine, workspace):
    version = next(p for p in workspace.artifact_path("red").iterdir() if p.is_dir())
    victim = max(version.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(bytes(content))
    fresh = Engine(workspace, engine.registry)
    with pytest.raises(ArtifactError, match="damaged"):
        fresh.recommend("red", "u2")
    fresh.fit("red")
    assert fresh.recommend("red", "u2").items


def test_a_newer_version_that_cannot_be_loaded_leaves_the_one_before_serving(
    engine, workspace, caplog
):
    before = engine.recommend("red", "u2").item_ids
    folder = workspace.artifact_path("red")
    served = (folder / "current").read_bytes()
    (folder / "current").write_text("no version at all\n")
    for _ in range(2):
        assert engine.recommend("red", "u2").item_ids == before
    (said,) = [one.getMessage() for one in caplog.records if "is not served" in one.getMessage()]
    assert said.startswith("the newest version of red is not served: ")
    with pytest.raises(ArtifactError):
        Engine(workspace, engine.registry).recommend("red", "u2")
    (folder / "current").write_bytes(served)
    assert engine.recommend("red", "u2").item_ids == before


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
    engine, workspace, engine_registry, more
):
    old = [
        "old,r2,buy,1600000000", "old,r4,dislike,1600000001", "old,r6,buy,1600000002",
        "old,r3,ban_maker,1600000003",
    ]  # fmt: skip
    many = [f"old,r{at % 2},view,{1_700_000_000 + at}" for at in range(2100)]
    ingest(workspace, engine_registry, "red", ["user_id,item_id,event_type,time", *old, *many])
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
    from crossrec.pipeline import request as request_module

    scored = request_module.Pipeline.scored_pool

    def watched(self, surface, queries, items):
        seen.append(queries)
        return scored(self, surface, queries, items)

    monkeypatch.setattr(request_module.Pipeline, "scored_pool", watched)
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


def test_many_threads_get_the_same_answers_as_one(engine):
    from concurrent.futures import ThreadPoolExecutor

    def ask(wanted, user):
        slate = wanted.recommend("red", user, k=5)
        return slate.item_ids, [[r.text for r in item.reasons] for item in slate.items]

    users = [f"u{n % 12}" for n in range(96)]
    alone = {user: ask(engine, user) for user in set(users)}
    fresh = Engine(engine.workspace, engine.registry, background=False)  # found unloaded by all
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(partial(ask, fresh), users)) == [alone[user] for user in users]


def test_the_first_requests_of_twenty_threads_load_an_artifact_once(engine, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    engine.fit("blue")
    loads, together = [], threading.Barrier(20)
    load = loading.load_pipeline

    def counted(folder, *arguments, **more):
        loads.append(folder.name)
        time.sleep(0.05)  # so that the others come while it is loaded
        return load(folder, *arguments, **more)

    monkeypatch.setattr(loading, "load_pipeline", counted)
    fresh = Engine(engine.workspace, engine.registry)

    def first(at):
        together.wait(30)
        return fresh.recommend(("red", "blue")[at % 2], "u2", k=3).item_ids

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(first, range(20)))
    assert sorted(loads) == ["blue", "red"]
    assert len(set(found)) == 2


def test_a_load_that_fails_is_tried_again_by_the_next_request(engine, monkeypatch):
    load = loading.load_pipeline

    def fail(*arguments, **more):
        raise ArtifactError("damaged")

    fresh = Engine(engine.workspace, engine.registry)
    with monkeypatch.context() as patch:
        patch.setattr(loading, "load_pipeline", fail)
        for _ in range(2):
            with pytest.raises(ArtifactError, match="damaged"):
                fresh.recommend("red", "u2")
    assert loading.load_pipeline is load
    assert fresh.recommend("red", "u2").items


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
