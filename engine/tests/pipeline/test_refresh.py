"""What came since a fit is learnt without one, by every part as far as it can, and published."""

import sys
from typing import ClassVar

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.feedback import Feedback
from crossrec.components.ranked import Ranked
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.errors import ArtifactError, NotFittedError, RefitNeededError
from crossrec.ingest import ingest_files
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from crossrec.pipeline.saving import load_pipeline
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.decisions import Decision, ShownItem
from crossrec.store.decisions import Feedback as Given
from crossrec.testing.toy_sources import Popular
from crossrec.workspace import Workspace

SCHEMA = ItemSchema((ItemField("title"), ItemField("price", "number")), "{title}")
EVENTS = (EventType("buy", strength=2.0), EventType("refund", polarity=-1, strength=-2.0))


class Learning(Popular):
    """Counts events, and goes on counting."""

    able = frozenset({"explain", "update", "forget"})

    def update(self, change):
        counts = np.zeros(change.n_items, np.float32)
        counts[: len(self.learnt())] = self.learnt()
        self.counts = counts + change.after.item_counts - change.before.item_counts

    def forget(self, change):
        self.update(change)


class Slow(Learning):
    """Learns only when it is allowed to."""

    ready: ClassVar[bool] = False

    def update(self, change):
        if not self.ready:
            raise RefitNeededError("slow has no room: run `crossrec fit`")
        super().update(change)


class Breaks(Learning):
    """Fails in the middle of an update."""

    def update(self, change):
        self.counts = self.counts[:0]
        raise ValueError("what is this?")


class Described(Popular):
    """Knows items by their texts: new ones too, and no events."""

    able = frozenset({"explain", "add_items"})

    def fit(self, dataset, run):
        self.counts = np.ones(dataset.n_items, np.float32)

    def add_items(self, dataset):
        self.counts = np.ones(dataset.n_items, np.float32)

    def generate(self, queries, k):
        return top_k(np.array(self.scores(queries)), k, queries.exclude, minimum=0.0)


class Clicks:
    """A policy that counts what was shown and what was bought, by item id."""

    able = frozenset({"learn"})

    def __init__(self):
        self.shown, self.bought = {}, {}

    def apply(self, ranked, context):
        return Ranked(ranked.index, ranked.score, ranked.propensity, ranked.changes)

    def learn(self, feedback: Feedback):
        ids = feedback.catalog.items
        self.shown, self.bought = dict(self.shown), dict(self.bought)
        for item in feedback.shown.items.tolist():
            self.shown[ids.id(item)] = self.shown.get(ids.id(item), 0) + 1
        for item, weight in zip(feedback.answered.items.tolist(), feedback.weights, strict=True):
            self.bought[ids.id(item)] = self.bought.get(ids.id(item), 0.0) + float(weight)

    def state(self):
        return State(values={"shown": self.shown, "bought": self.bought})

    def restore(self, state, catalog):
        self.shown, self.bought = dict(state.values["shown"]), dict(state.values["bought"])


class Careless(Clicks):
    """A policy that cannot learn."""

    def learn(self, feedback):
        raise ValueError("nothing makes sense")


PIPELINES = {
    "shop": '[[sources]]\nname="learning"\n[[sources]]\nname="together"\n'
    '[[sources]]\nname="described"\n',
    "slow": 'sources = [{name = "slow"}, {name = "learning"}]\n',
    "breaking": 'sources = [{name = "breaks"}, {name = "learning"}]\n',
    "policies": 'policies = ["clicks", "careless"]\nsources = [{name = "learning"}]\n',
}


def scenario(name):
    return lambda: Scenario(
        name, name, EVENTS, SCHEMA, (Surface("home"), Surface("like-this", "item")),
        f"refresh_resources:{name}.toml", "buy", "home",
    )  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_registry):
    folder = tmp_path_factory.mktemp("resources")
    package = folder / "refresh_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in PIPELINES.items():
        (package / f"{name}.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield make_registry(
            scenarios={name: scenario(name) for name in PIPELINES},
            candidate_generators={
                "learning": Learning, "slow": Slow, "breaks": Breaks, "described": Described,
            },
            policies={"clicks": Clicks, "careless": Careless},
        )  # fmt: skip
    sys.modules.pop("refresh_resources", None)


class Shop:
    """One workspace and an engine on it."""

    def __init__(self, folder, registry, name="shop", fit=True, known=True):
        self.folder, self.registry, self.name = folder, registry, name
        folder.mkdir(exist_ok=True)
        self.engine = Engine(Workspace.create(folder / "ws"), registry, background=False)
        self.items(*range(12))
        rows = [row(u, 2 * (i % 6) + u % 2, i + 10 * u) for u in range(20) for i in range(4)]
        if known:
            self.events(*rows)
        if fit:
            self.engine.fit(name)

    def items(self, *numbers):
        rows = "".join(f"t{n},thing {n}\n" for n in numbers)
        self._ingest("items", "item_id,title\n" + rows)

    def events(self, *rows):
        self._ingest("events", "user_id,item_id,event_type,time\n" + "\n".join(rows) + "\n")

    def _ingest(self, kind, text):
        table = self.folder / f"{kind}.csv"
        table.write_text(text)
        other = Workspace.open(self.folder / "ws")  # as another process would
        ingest_files(other, self.registry.scenario(self.name), **{kind: table})

    def stored(self):
        path = self.engine.workspace.artifact_path(self.name)
        return load_pipeline(path, self.registry)

    def version(self):
        return (self.engine.workspace.artifact_path(self.name) / "current").read_text()

    def refresh(self):
        return self.engine.refresh(self.name)


def row(user, item, time, event="buy"):
    return f"u{user},t{item},{event},{time}"


@pytest.fixture
def shop(tmp_path, registry):
    def make(name="shop", folder="one", **more):
        return Shop(tmp_path / folder, registry, name, **more)

    return make


NEW = (
    row(0, 11, 1000),
    row(1, 1, 1001, "refund"),
    row(2, 5, 3),  # earlier than all that is known of the user
    row("new", 4, 1002),
    row("new", 6, 1003),
)


def test_nothing_new_publishes_nothing(shop):
    one = shop()
    before = one.version()
    report = one.refresh()
    assert not report.published
    assert (report.items, report.users, report.events) == (0, 0, 0)
    assert {source.status for source in report.sources.values()} == {"updated"}
    assert one.version() == before


def test_events_are_learnt_as_by_a_fit_on_all(shop):
    refreshed, fitted = shop(), shop(folder="two", fit=False)
    refreshed.events(*NEW)
    report = refreshed.refresh()
    assert (report.items, report.users, report.events, report.published) == (0, 1, 5, True)
    fitted.events(*NEW)
    fitted.engine.fit("shop")
    ours, theirs = refreshed.stored(), fitted.stored()
    assert list(ours.users.ids) == list(theirs.users.ids)
    for name in ("people", "evidence", "fallback"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    np.testing.assert_array_equal(
        ours.sources["learning"].counts, theirs.sources["learning"].counts
    )
    for key in ("users", "items", "events", "last_event"):
        assert ours.report[key] == theirs.report[key], key


def test_what_cannot_learn_says_why_and_serves_on(shop):
    one = shop()
    one.events(*NEW)
    report = one.refresh()
    assert report.sources["learning"].status == "updated"
    assert report.sources["together"].status == "waits"
    assert "only in a fit" in report.sources["together"].why
    assert report.sources["described"].why == "it learns new events only in a fit"
    assert one.stored().report["behind"] == {"together": 80, "described": 80}
    slate = one.engine.recommend("shop", user_id="unew", k=5)
    assert slate.path == "stored history"
    assert not slate.degraded
    again = one.version()
    assert not one.refresh().published
    assert one.version() == again


def test_new_items_and_sources_that_do_not_know_them_survive_the_disk(shop):
    one = shop()
    one.items(12, 13)
    one.events(row(3, 12, 2000), row(4, "only-in-events", 2001))
    report = one.refresh()
    assert (report.items, report.events) == (3, 2)
    assert report.sources["learning"].items == report.sources["described"].items == 3
    assert report.sources["described"].status == "items"
    assert report.sources["together"].items == 0
    stored = one.stored()
    assert len(stored.catalog) == 15
    assert stored.catalog.known.tolist()[-3:] == [True, True, False]
    frozen = stored.sources["together"]
    assert isinstance(frozen, FrozenCatalogSource)
    assert frozen.known_items == 12
    assert not isinstance(stored.sources["learning"], FrozenCatalogSource)
    engine = Engine(Workspace.open(one.folder / "ws"), one.registry, background=False)
    slate = engine.recommend("shop", history=["t0", "t12"], k=14)
    assert {"t13", "tonly-in-events"} <= set(slate.item_ids)
    assert not slate.degraded
    one.items(14)  # and grows on while it serves
    assert "t14" in engine.recommend("shop", history=["t0"], k=20).item_ids
    one.refresh()
    frozen = one.stored().sources["together"]
    assert isinstance(frozen, FrozenCatalogSource)
    assert frozen.known_items == 12


def test_an_engine_that_serves_picks_it_up(shop):
    one = shop()
    server = Engine(Workspace.open(one.folder / "ws"), one.registry, background=False)
    before = server.pipeline("shop")
    one.events(*NEW)
    one.refresh()
    after = server.pipeline("shop")
    assert after is not before
    assert after.people.sum() > before.people.sum()
    assert before.sources["learning"].counts.sum() == 80


def test_changed_fields_of_old_items_still_count(shop):
    one = shop()
    one._ingest("items", "item_id,title,price\nt3,thing 3,9.5\n")
    one.events(*NEW)
    one.refresh()
    items = one.engine.serving("shop").items
    assert items.changed[items.catalog.items.index("t3")]["price"] == 9.5


def test_a_source_that_could_not_learn_catches_up_later(shop, monkeypatch):
    one = shop("slow")
    one.events(*NEW)
    report = one.refresh()
    assert report.sources["slow"].status == "waits"
    assert report.sources["slow"].why == "slow has no room: run `crossrec fit`"
    assert one.stored().report["behind"] == {"slow": 80}
    one.events(row(7, 0, 3000), row(0, 11, 3001, "refund"))
    monkeypatch.setattr(Slow, "ready", True)
    assert one.refresh().sources["slow"].status == "updated"
    stored = one.stored()
    assert stored.report["behind"] == {}
    np.testing.assert_array_equal(stored.sources["slow"].counts, stored.sources["learning"].counts)


def test_an_update_that_raises_harms_nothing(shop):
    one = shop("breaking")
    one.events(*NEW)
    report = one.refresh()
    assert report.sources["breaks"].status == "waits"
    assert "ValueError: what is this?" in report.sources["breaks"].why
    assert report.sources["learning"].status == "updated"
    assert one.stored().sources["breaks"].counts.sum() == 80


def decision(number, *items, surface="home", scenario="policies"):
    shown = tuple(ShownItem(item, 1.0, 0.5, "learning") for item in items)
    return Decision(
        f"r{number}", float(number), scenario, surface, "u1", "v", "p", "stored history", 1.0, shown
    )


def learnt(one):
    policy = one.stored().surfaces["home"].policies["clicks"]
    return policy.shown, policy.bought


def test_policies_learn_from_what_came_since_and_keep_it(shop):
    one = shop("policies")
    assert one.refresh().policies["home/clicks"] == "nothing new"
    log = one.engine.workspace.decision_log()
    log.write([decision(1, "t0", "t1"), decision(2, "t1", surface="like-this")])
    log.write([decision(3, "t0", scenario="another"), decision(4, "unknown item")])
    log.add_feedback([Given("r1", "t1", "buy", None, 5.0), Given("r1", "t9", "buy", None, 5.0)])
    report = one.refresh()
    assert report.published
    assert report.policies["home/clicks"] == "learnt from impressions: 2, feedback: 1"
    assert learnt(one) == ({"t0": 1, "t1": 1}, {"t1": 2.0})
    assert not one.refresh().published
    log.write([decision(5, "t0")])
    log.add_feedback([Given("r1", "t0", "refund", None, 6.0)])  # late, about an old impression
    assert one.refresh().policies["home/clicks"] == "learnt from impressions: 1, feedback: 1"
    assert learnt(one) == ({"t0": 2, "t1": 1}, {"t1": 2.0, "t0": -2.0})
    serving = one.engine.pipeline("policies").surfaces["home"].policies["clicks"]
    assert (serving.shown, serving.bought) == learnt(one)


def test_a_policy_that_cannot_learn_is_named_and_stays(shop):
    one = shop("policies")
    one.engine.workspace.decision_log().write([decision(1, "t0")])
    done = one.refresh().policies
    assert "nothing makes sense" in done["home/careless"]
    assert one.stored().surfaces["home"].policies["careless"].shown == {}
    assert one.engine.recommend("policies", user_id="u1", k=3).item_ids


def test_after_a_fit_policies_learn_from_all_that_the_log_holds(shop):
    one = shop("policies")
    one.engine.workspace.decision_log().write([decision(1, "t0", "t1")])
    one.refresh()
    one.engine.fit("policies")
    assert learnt(one) == ({}, {})
    one.refresh()
    assert learnt(one) == ({"t0": 1, "t1": 1}, {})


def test_an_artifact_of_which_a_part_is_missing_here_is_refused(shop, make_registry):
    one = shop()
    one.events(*NEW)
    without = make_registry(
        scenarios={"shop": scenario("shop")}, candidate_generators={"learning": Learning}
    )
    engine = Engine(Workspace.open(one.folder / "ws"), without, background=False)
    with pytest.raises(ArtifactError, match=r"described.*crossrec fit shop"):
        engine.refresh("shop")


def test_without_a_fit_there_is_nothing_to_refresh(shop):
    one = shop(fit=False)
    with pytest.raises(NotFittedError, match="run `crossrec fit shop` first"):
        one.refresh()


def test_the_first_events_bring_the_clock(shop):
    one = shop(known=False)
    assert not one.stored().has_clock
    one.events(*(row(u, i, 10 * u + i) for u in range(4) for i in range(3)))
    report = one.refresh()
    assert (report.users, report.events) == (4, 12)
    stored = one.stored()
    assert stored.has_clock
    assert stored.people.tolist() == stored.sources["learning"].counts.tolist() == [4] * 3 + [0] * 9
