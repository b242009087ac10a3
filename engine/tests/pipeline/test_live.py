"""New items join the pipeline that serves: through the engine, beside sources that cannot grow."""

import json
import sys
import threading
import time
from typing import ClassVar

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.history import weigh
from crossrec.components.policies import number
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.pipeline import live as live_module
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface
from crossrec.workspace import Workspace

SCHEMA = ItemSchema(
    (
        ItemField("title"), ItemField("is_hidden", "flag"), ItemField("price", "number"),
        ItemField("availability", "category"), ItemField("available_quantity", "number"),
    ),
    "{title}",
)  # fmt: skip


def vector_of(text):
    """Even things point one way, odd ones the other; the same in any company."""
    number = int(text.split()[1])
    return [1.0, 0.0] if number % 2 == 0 else [0.0, 1.0]


class Plain:
    """An encoder that looks at one text at a time, and counts how many it was given."""

    wanted: ClassVar[list[int]] = []

    def encode(self, catalog, run):
        type(self).wanted.append(len(catalog))
        rows = [vector_of(text) if text else [0.0, 0.0] for text in catalog.texts]
        return np.array(rows, dtype=np.float32).reshape(len(catalog), 2)


class Social:
    """An encoder whose vectors depend on the company, as those of a truncated SVD do."""

    def encode(self, catalog, run):
        return np.full((len(catalog), 1), 1.0 / max(len(catalog), 1), dtype=np.float32)


class Mute:
    def encode(self, catalog, run):
        raise OSError("no model")


class Alike:
    """Items whose vectors point where the history points."""

    able = frozenset({"score", "explain", "add_items"})

    def fit(self, dataset, run):
        self.rows = dataset.vectors.get("plain", np.zeros((dataset.n_items, 2), np.float32))

    def add_items(self, dataset):
        rows = dataset.vectors.get("plain", np.zeros((dataset.n_items, 2), np.float32))
        self.rows = np.concatenate([self.rows, rows[len(self.rows) :]])

    def scores(self, queries):
        profile = weigh(queries.related(), len(self.rows)).matrix
        return np.asarray(profile @ self.rows @ self.rows.T, np.float32)

    def generate(self, queries, k):
        return top_k(self.scores(queries), k, queries.exclude, minimum=0.0)

    def score(self, queries, index):
        scores = np.take_along_axis(self.scores(queries), np.maximum(index, 0), axis=1)
        return np.where(index >= 0, scores, np.nan)

    def explain(self, queries, index):
        return [None] * len(index)

    def state(self):
        return State({"rows": self.rows})

    def restore(self, state, catalog):
        self.rows = state.arrays["rows"]


class Refuses(Alike):
    def add_items(self, dataset):
        self.rows = self.rows[:0]
        raise MemoryError("too many")


class Cheap:
    """A policy that reads a live field."""

    def apply(self, ranked, context):
        prices = context.items.numbers("price", number)[ranked.index]
        dear = prices > 10
        return ranked.without(dear, "too_dear", [{"price": float(one)} for one in prices[dear]])


EVENTS = (
    EventType("view"),
    EventType("ban_maker", "explicit", -1, -1.0, consumes="hard", relation="maker"),
)


def scenario(name):
    surfaces = (Surface("home"), Surface("like-this", "item"))
    return lambda: Scenario(
        name, name, EVENTS, SCHEMA, surfaces, f"fresh_resources:{name}.toml", "view", "home",
        (Relation("maker", "maker"),),
    )  # fmt: skip


PIPELINES = {
    "growing": 'encoder = "plain"\nsources = [{name = "alike"}, {name = "together"}]\n'
    'item_sources = ["alike"]\n',
    "fixed": 'sources = [{name = "together"}]\n',
    "refusing": 'encoder = "plain"\nsources = [{name = "refuses"}, {name = "alike"}]\n',
    "strict": 'policies = ["availability"]\nsources = [{name = "together"}]\n',
    "strict-growing": 'policies = ["availability"]\nencoder = "plain"\n'
    'sources = [{name = "alike"}]\n',
    "cheap": 'policies = ["cheap"]\nsources = [{name = "together"}]\n',
    "makers": 'sources = [{name = "together"}]\n',
    "social": 'encoder = "social"\nsources = [{name = "alike"}, {name = "together"}]\n',
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_registry):
    folder = tmp_path_factory.mktemp("resources")
    package = folder / "fresh_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in PIPELINES.items():
        (package / f"{name}.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield make_registry(
            scenarios={name: scenario(name) for name in PIPELINES},
            candidate_generators={"alike": Alike, "refuses": Refuses},
            policies={"cheap": Cheap},
            encoders={"plain": Plain, "social": Social, "mute": Mute},
        )
    sys.modules.pop("fresh_resources", None)


class Shop:
    """One workspace and an engine on it."""

    def __init__(self, folder, registry, name, background=False):
        self.folder, self.registry, self.name = folder, registry, name
        self.engine = Engine(Workspace.create(folder / "ws"), registry, background=background)
        self.add(*range(12))
        rows = [f"u{u},t{2 * (i % 6) + u % 2},{1000 * u + i}" for u in range(20) for i in range(4)]
        self.events(*rows)
        self.engine.fit(name)

    def add(self, *numbers, titles=True):
        table = self.folder / "items.csv"
        rows = [f"t{n},{f'thing {n}' if titles else ''}" for n in numbers]
        table.write_text("item_id,title\n" + "\n".join(rows) + "\n")
        other = Workspace.open(self.folder / "ws")  # as another process would
        ingest_files(other, self.registry.scenario(self.name), items=table)

    def write(self, *rows):
        """Write rows of items as JSON."""
        table = self.folder / "items.jsonl"
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
        other = Workspace.open(self.folder / "ws")
        ingest_files(other, self.registry.scenario(self.name), items=table)

    def events(self, *rows):
        table = self.folder / "events.csv"
        head = (
            "user_id,item_id,event_type,time" if rows[0].count(",") == 3 else "user_id,item_id,time"
        )
        table.write_text(head + "\n" + "\n".join(rows) + "\n")
        other = Workspace.open(self.folder / "ws")
        ingest_files(other, self.registry.scenario(self.name), events=table)

    def ids(self, *history, k=20, **more):
        return self.slate(*history, k=k, **more).item_ids

    def slate(self, *history, k=20, **more):
        return self.engine.recommend(self.name, history=list(history), k=k, **more)


@pytest.fixture
def shop(tmp_path, registry):
    def make(name="growing", **more):
        return Shop(tmp_path, registry, name, **more)

    return make


def test_a_new_item_is_served_without_a_fit(shop):
    shop = shop()
    assert "t14" not in shop.ids("t0", "t2")
    shop.add(14, 15)
    slate = shop.slate("t0", "t2")
    found = list(slate.item_ids)
    assert found.index("t14") < found.index("t1"), "it points where the history points"
    assert found.index("t14") < found.index("t15")
    assert {item.item_id: item.title for item in slate.items}["t14"] == "thing 14"
    assert slate.degraded == ()
    assert shop.engine.pipeline("growing").report["new_items"] == {
        "items": 2, "in": ["alike"], "not_in": ["together"],
    }  # fmt: skip


def test_it_is_served_by_a_process_that_starts_later(shop, registry):
    shop = shop()
    shop.add(14)
    again = Engine(Workspace.open(shop.folder / "ws"), registry, background=False)
    assert "t14" in again.recommend("growing", history=["t0"], k=20).item_ids


def test_it_is_a_history_a_query_and_can_be_excluded(shop):
    shop = shop()
    shop.add(14)
    slate = shop.slate("t14", k=3)
    assert slate.notes == ()
    assert {int(id_[1:]) % 2 for id_ in slate.item_ids} == {0}
    about = shop.engine.similar("growing", "t14", k=3)
    assert about.degraded == ()
    assert {int(id_[1:]) % 2 for id_ in about.item_ids} == {0}
    assert "t14" not in shop.ids("t0", exclude=["t14"])
    assert shop.slate("t0", exclude=["t14"]).degraded == ()
    assert shop.engine.explain("growing", "t14", history=["t0"]).place is not None


def test_a_user_who_interacts_with_it_is_answered_from_it(shop):
    shop = shop()
    before = shop.engine.recommend("growing", "newcomer")
    assert "unknown" in before.notes[0]
    shop.add(15)
    shop.events("newcomer,t15,90000")
    after = shop.engine.recommend("growing", "newcomer", k=3)
    assert (after.path, after.notes, after.degraded) == ("stored history", (), ())
    assert {int(id_[1:]) % 2 for id_ in after.item_ids} == {1}


def test_a_source_that_cannot_grow_answers_as_before(shop):
    shop = shop()
    own = shop.engine.pipeline("growing").sources["together"]
    before = shop.engine.explain("growing", "t4", history=["t0"])
    shop.add(14)
    after = shop.engine.explain("growing", "t4", history=["t0", "t14"])
    said = [{v.source: v.rank for v in one.sources}["together"] for one in (before, after)]
    assert said[0] == said[1]
    grown = shop.engine.pipeline("growing")
    assert grown.sources["together"].counts is own.counts


def test_a_pipeline_that_cannot_grow_stays_what_it_is(shop):
    shop = shop("fixed")
    before = shop.engine.pipeline("fixed")
    shop.add(14)
    assert shop.engine.pipeline("fixed") is before
    assert "t14" not in shop.ids("t0")


def test_a_source_that_fails_serves_its_own_items_and_is_named(shop):
    shop = shop("refusing")
    shop.add(14)
    slate = shop.slate("t0")
    assert "t14" in slate.item_ids
    (degraded,) = slate.degraded
    assert degraded.component == "refuses"
    assert degraded.error == "new items could not be taken in: MemoryError: too many"
    shown = shop.engine.explain("refusing", "t2", history=["t0"])
    assert {view.source: view.rank for view in shown.sources}["refuses"] is not None


def test_an_encoder_that_depends_on_company_is_not_believed(shop):
    shop = shop("social")
    shop.add(14)
    (degraded,) = shop.slate("t0").degraded
    assert degraded.component == "encoder social"
    assert "depend on the whole catalog" in degraded.error
    assert "t14" in shop.ids("t0"), "it stands at the end of the list, as one of the catalog"


def test_an_encoder_that_fails_is_named(shop, monkeypatch):
    shop = shop()
    monkeypatch.setattr(Plain, "encode", Mute.encode)
    shop.add(14)
    (degraded,) = shop.slate("t0").degraded
    assert degraded.component == "encoder plain"
    assert "OSError: no model" in degraded.error
    assert "t14" in shop.ids("t0")


def test_only_what_is_new_is_encoded(shop, monkeypatch):
    shop = shop()
    shop.ids("t0")
    monkeypatch.setattr(Plain, "wanted", [])
    monkeypatch.setattr(live_module, "_COMPANY", 5)
    shop.add(14, 15, 16)
    shop.ids("t0")
    assert Plain.wanted == [5, 8]


def test_nothing_is_made_anew_where_nothing_is_new(shop, monkeypatch):
    shop = shop()
    shop.add(14)
    made = []
    build = live_module.with_items
    monkeypatch.setattr(live_module, "with_items", lambda *a: made.append(1) or build(*a))
    for _ in range(3):
        shop.ids("t0")
    assert made == [1]
    shop.add(3)  # written again, as it was
    shop.ids("t0")
    assert made == [1]
    shop.add(15)
    assert {"t14", "t15"} <= set(shop.ids("t0"))
    assert made == [1, 1]


def test_a_new_item_may_be_corrected(shop):
    shop = shop()
    shop.add(14, titles=False)
    assert shop.slate("t0").degraded == ()
    shop.add(14)
    slate = shop.slate("t0")
    assert "thing 14" in [item.title for item in slate.items]
    found = list(slate.item_ids)
    assert found.index("t14") < found.index("t1"), "and its place is that of its title"


def test_another_price_of_a_new_item_is_no_reason_to_take_it_in_anew(shop, monkeypatch):
    shop = shop()
    shop.write({"item_id": "t14", "title": "thing 14", "price": 3})
    made = []
    build = live_module.with_items
    monkeypatch.setattr(live_module, "with_items", lambda *a: made.append(1) or build(*a))
    assert "t14" in shop.ids("t0")
    shop.write({"item_id": "t14", "price": 2})
    assert "t14" in shop.ids("t0")
    assert made == [1]
    serving = shop.engine.serving("growing")
    at = serving.pipeline.catalog.items.index("t14")
    assert serving.items.value("price", at) == 2
    shop.write({"item_id": "t14", "title": "thing 15"})
    found = list(shop.ids("t0"))
    assert made == [1, 1]
    assert found.index("t14") > found.index("t10"), "it points the other way now"


def test_an_item_of_events_joins_when_it_gets_a_row(shop):
    shop = shop()
    shop.events("u1,t14,90001")
    assert "t14" not in shop.ids("t0")
    shop.add(14)
    assert "t14" in shop.ids("t0")


def test_a_fit_makes_new_items_old(shop):
    shop = shop()
    shop.add(14)
    assert "new_items" in shop.engine.pipeline("growing").report
    fitted = shop.engine.fit("growing")
    assert "t14" in fitted.catalog.items
    assert "new_items" not in shop.engine.pipeline("growing").report
    assert "t14" in shop.ids("t0")


def test_whatever_goes_wrong_the_request_is_answered(shop, monkeypatch):
    shop = shop()
    before = shop.ids("t0")

    def fail(*arguments):
        raise RuntimeError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(live_module, "with_items", fail)
        shop.add(14)
        slate = shop.slate("t0")
        assert slate.item_ids == before
        assert [d.component for d in slate.degraded] == ["new items"]
        assert "disk on fire" in slate.degraded[0].error
    shop.add(15)
    assert {"t14", "t15"} <= set(shop.ids("t0"))
    assert shop.slate("t0").degraded == ()
    with monkeypatch.context() as patch:
        patch.setattr(type(shop.engine.workspace.store()), "item_changes", fail)
        assert {"t14", "t15"} <= set(shop.ids("t0"))


def test_items_that_were_taken_in_stay_when_the_next_ones_fail(shop, monkeypatch):
    shop = shop()
    shop.add(14)
    assert "t14" in shop.ids("t0")

    def fail(*arguments):
        raise SystemExit("too many")

    with monkeypatch.context() as patch:
        patch.setattr(live_module, "with_items", fail)
        shop.add(15)
        slate = shop.slate("t0")
    assert "t14" in slate.item_ids
    assert "t15" not in slate.item_ids
    assert [d.component for d in slate.degraded] == ["new items"]
    shop.add(16)
    slate = shop.slate("t0")
    assert {"t14", "t15", "t16"} <= set(slate.item_ids)
    assert slate.degraded == ()


def test_while_one_thread_makes_it_the_others_are_answered(shop, monkeypatch):
    shop = shop()
    shop.ids("t0")
    begun, go_on = threading.Event(), threading.Event()
    build = live_module.with_items

    def slow(*arguments):
        begun.set()
        assert go_on.wait(30)
        return build(*arguments)

    monkeypatch.setattr(live_module, "with_items", slow)
    shop.add(14)
    found = []
    thread = threading.Thread(target=lambda: found.append(shop.ids("t0")))
    thread.start()
    assert begun.wait(30)
    assert "t14" not in shop.ids("t0"), "the pipeline before goes on"
    go_on.set()
    thread.join(30)
    assert "t14" in found[0]
    assert "t14" in shop.ids("t0")


def test_looking_costs_a_request_next_to_nothing(shop):
    shop = shop()
    shop.add(14)
    shop.ids("t0")
    live = shop.engine._loaded["growing"].live
    started = time.thread_time()
    for _ in range(2000):
        live.serving()
    assert (time.thread_time() - started) / 2000 < 50e-6


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


# Fields that were written after the fit


def test_an_item_that_is_hidden_after_the_fit_is_gone_from_the_next_request_on(shop):
    shop = shop("strict")
    before = shop.slate("t0", k=4)
    first = before.item_ids[0]
    shop.write({"item_id": first, "is_hidden": True})
    after = shop.slate("t0", k=4)
    assert first not in after.item_ids
    assert after.item_ids[:3] == before.item_ids[1:]
    (change,) = after.changes
    assert (change.policy, change.item_id, change.code) == ("availability", first, "hidden")
    shop.write({"item_id": first, "is_hidden": False})
    assert shop.slate("t0", k=4).item_ids == before.item_ids


@pytest.mark.parametrize(
    "fields", [{"availability": "sold out"}, {"available_quantity": 0}, {"availability": "OOS"}]
)
def test_so_is_one_that_is_sold_out(shop, fields):
    shop = shop("strict")
    first = shop.ids("t0")[0]
    shop.write({"item_id": first, **fields})
    slate = shop.slate("t0")
    assert first not in slate.item_ids
    assert [change.why for change in slate.changes] == ["out of stock"]
    shop.write({"item_id": first, "availability": "in stock", "available_quantity": 5})
    assert first in shop.ids("t0")


def test_so_is_one_that_is_withdrawn(shop):
    shop = shop("strict")
    kept = {f"t{at}" for at in range(12)} - {"t4"}
    Workspace.open(shop.folder / "ws").store().withdraw_items("strict", kept)
    slate = shop.slate("t0")
    assert "t4" not in slate.item_ids
    assert [change.why for change in slate.changes] == ["no longer offered"]
    shop.add(4)
    assert "t4" in shop.ids("t0")


def test_what_was_withdrawn_before_the_fit_stays_so_after_it(shop):
    shop = shop("strict")
    kept = {f"t{at}" for at in range(12)} - {"t4"}
    Workspace.open(shop.folder / "ws").store().withdraw_items("strict", kept)
    shop.engine.fit("strict")
    assert "t4" not in shop.ids("t0")
    shop.add(4)
    assert "t4" in shop.ids("t0")


def test_another_price_and_another_title_are_read_by_policies_and_shown(shop):
    shop = shop("cheap")
    assert len(shop.ids("t0")) == 12, "nothing has a price yet"
    shop.write({"item_id": "t4", "price": 30}, {"item_id": "t6", "price": 8})
    slate = shop.slate("t0")
    assert "t4" not in slate.item_ids
    assert "t6" in slate.item_ids
    assert [(c.code, dict(c.values)) for c in slate.changes] == [("too_dear", {"price": 30.0})]
    shop.write({"item_id": "t4", "price": 7, "title": "thing 4, reduced"})
    shown = {item.item_id: item.title for item in shop.slate("t0").items}
    assert shown["t4"] == "thing 4, reduced"
    assert shown["t6"] == "thing 6"


def test_a_ban_of_a_maker_follows_a_change_of_the_maker(shop):
    shop = shop("makers")
    shop.write(*({"item_id": f"t{at}", "maker": f"m{at % 3}"} for at in range(12)))
    shop.events("angry,t3,ban_maker,95000")
    found = shop.engine.recommend("makers", "angry", k=20)
    assert {int(one[1:]) % 3 for one in found.item_ids} == {1, 2}
    shop.write({"item_id": "t4", "maker": "M0"}, {"item_id": "t6", "maker": "m1"})
    moved = shop.engine.recommend("makers", "angry", k=20).item_ids
    assert "t4" not in moved
    assert "t6" in moved


def test_a_pipeline_that_cannot_grow_reads_changed_fields_all_the_same(shop):
    shop = shop("strict")
    shop.add(14)
    shop.write({"item_id": "t2", "is_hidden": True})
    assert not {"t2", "t14"} & set(shop.ids("t0"))


def test_a_new_item_that_is_hidden_is_not_shown(shop):
    shop = shop("strict-growing")
    shop.write({"item_id": "t14", "title": "thing 14", "is_hidden": True})
    assert "t14" not in shop.ids("t0")
    shop.write({"item_id": "t14", "is_hidden": False})
    assert "t14" in shop.ids("t0")


def test_a_new_item_that_is_written_again_while_it_is_taken_in_has_its_newest_fields(
    shop, monkeypatch
):
    shop = shop("strict-growing", background=True)
    shop.ids("t0")
    built, go_on = threading.Event(), threading.Event()
    build = live_module.with_items

    def slow(*arguments):
        grown = build(*arguments)
        built.set()
        assert go_on.wait(30)
        return grown

    monkeypatch.setattr(live_module, "with_items", slow)
    shop.add(14)
    shop.ids("t0")
    assert built.wait(30)
    shop.write({"item_id": "t14", "is_hidden": True})
    shop.ids("t0")  # a request that sees the change before the item is there
    go_on.set()
    wait_until(lambda: "t14" in shop.engine.pipeline("strict-growing").catalog.items)
    assert "t14" not in shop.ids("t0")
    shop.write({"item_id": "t14", "is_hidden": False})
    assert "t14" in shop.ids("t0")


def test_a_store_that_fails_leaves_the_last_fields_serving(shop, monkeypatch):
    shop = shop("strict")
    shop.write({"item_id": "t4", "is_hidden": True})
    assert "t4" not in shop.ids("t0")

    def fail(*arguments):
        raise RuntimeError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.engine.workspace.store()), "items_changed", fail)
        shop.write({"item_id": "t6", "is_hidden": True})
        assert "t4" not in shop.ids("t0")
        assert "t6" in shop.ids("t0")
    assert "t6" not in shop.ids("t0"), "it is read once the store can be read again"


# In the background


def test_in_a_server_a_request_never_waits_for_new_items(shop, monkeypatch):
    shop = shop(background=True)
    shop.ids("t0")
    go_on, names = threading.Event(), []
    build = live_module.with_items

    def slow(*arguments):
        names.append(threading.current_thread().name)
        assert go_on.wait(30)
        return build(*arguments)

    monkeypatch.setattr(live_module, "with_items", slow)
    shop.add(14)
    assert "t14" not in shop.ids("t0"), "answered at once, by the pipeline before"
    shop.add(15)
    assert "t15" not in shop.ids("t0")
    go_on.set()
    wait_until(lambda: {"t14", "t15"} <= set(shop.ids("t0")))
    assert set(names) == {"crossrec-new-items"}
    assert shop.slate("t0").degraded == ()


def test_changed_fields_count_at_once_in_a_server_too(shop):
    shop = shop("strict", background=True)
    first = shop.ids("t0")[0]
    shop.write({"item_id": first, "is_hidden": True})
    assert first not in shop.ids("t0")


# Items that were deleted or withdrawn after the fit


def deleting(shop, *ids):
    """Delete items as another process would."""
    other = Workspace.open(shop.folder / "ws")
    deleted = other.store().delete_items(shop.name, ids)
    other.close()
    return deleted


@pytest.mark.parametrize("name", ["fixed", "strict", "growing"])
def test_a_deleted_item_is_not_offered_from_the_next_request_on_whatever_the_policies_are(
    shop, name
):
    shop = shop(name)
    first = shop.ids("t0")[0]
    assert deleting(shop, first).items == 1
    slate = shop.slate("t0")
    assert first not in slate.item_ids
    assert len(slate.items) == 11
    assert slate.degraded == ()
    assert first not in shop.engine.similar(name, "t0", k=20).item_ids
    shop.add(int(first[1:]))
    assert first in shop.ids("t0"), "it is written again, so it is offered again"


def test_an_engine_that_starts_after_the_deletion_knows_of_it(shop, registry):
    shop = shop("fixed")
    deleting(shop, "t4")
    again = Engine(Workspace.open(shop.folder / "ws"), registry, background=False)
    assert "t4" not in again.recommend("fixed", history=["t0"], k=20).item_ids
    shop.events("u0,t4,80000")
    late = Engine(Workspace.open(shop.folder / "ws"), registry, background=False)
    assert "t4" not in late.recommend("fixed", history=["t0"], k=20).item_ids
    deleting(shop, "t4")
    late.fit("fixed")
    assert "t4" not in late.recommend("fixed", history=["t0"], k=20).item_ids


def test_an_item_that_came_and_went_after_the_fit_is_not_offered(shop):
    shop = shop()
    shop.add(14, 15)
    assert {"t14", "t15"} <= set(shop.ids("t0"))
    deleting(shop, "t14")
    assert "t14" not in shop.ids("t0")
    assert "t15" in shop.ids("t0")
    shop.add(16)
    found = set(shop.ids("t0"))
    assert "t14" not in found, "taking in another item does not bring it back"
    assert {"t15", "t16"} <= found


def test_a_user_who_was_deleted_is_nobody_the_fit_knew(shop):
    shop = shop("fixed")
    assert shop.engine.recommend("fixed", "u1").path == "stored history"
    other = Workspace.open(shop.folder / "ws")
    other.store().delete_user("fixed", "u1")
    slate = shop.engine.recommend("fixed", "u1", k=5)
    assert (slate.path, len(slate.items)) == ("no history", 5)
    assert "unknown" in slate.notes[0]


def test_a_deleted_user_is_not_looked_up_among_the_fitted_ones(tmp_path, make_registry, registry):
    seen = []

    class Watching(Alike):
        able = frozenset()

        def fit(self, dataset, run):
            self.rows = np.ones((dataset.n_items, 2), np.float32)

        def generate(self, queries, k):
            seen.append(queries.users.tolist())
            return super().generate(queries, k)

    sources = {"together": Watching}
    own = make_registry(
        scenarios={"fixed": scenario("fixed")}, candidate_generators=sources, encoders={}
    )
    shop = Shop(tmp_path, own, "fixed")
    seen.clear()
    shop.engine.recommend("fixed", "u1")
    shop.engine.workspace.store().delete_user("fixed", "u1")
    shop.engine.recommend("fixed", "u1")
    assert seen == [[1], [-1]]


def test_an_item_of_events_alone_is_withdrawn_like_any_other(shop):
    shop = shop("strict")
    shop.events("u0,x1,70000", "u2,x1,70001", "u4,x1,70002")
    shop.engine.fit("strict")
    assert "x1" in shop.ids("t0")
    Workspace.open(shop.folder / "ws").store().withdraw_items("strict", {"t0", "t2"})
    assert set(shop.ids("t4")) == {"t0", "t2"}
    shop.engine.fit("strict")
    assert set(shop.ids("t4")) == {"t0", "t2"}


def test_a_full_feed_counts_at_the_next_request_and_a_broken_one_does_not(shop):
    shop = shop("strict")
    full = IngestOptions(complete="items")

    def feed(*numbers):
        table = shop.folder / "full.csv"
        table.write_text("item_id,title\n" + "".join(f"t{n},thing {n}\n" for n in numbers))
        return shop.engine.ingest("strict", items=table, options=full)

    every = set(shop.ids("t0"))
    assert feed(*range(2, 12)).feed.withdrawn == 2
    assert set(shop.ids("t0")) == every - {"t0", "t1"}
    with pytest.raises(DataError, match="nothing was stored"):
        feed(3)
    assert set(shop.ids("t0")) == every - {"t0", "t1"}
    assert feed(*range(1, 12)).feed.returned == 1
    assert set(shop.ids("t0")) == every - {"t0"}
