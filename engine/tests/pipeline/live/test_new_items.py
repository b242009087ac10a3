"""New items join the pipeline that serves: through the engine, beside sources that cannot grow."""

import threading
import time

from crossrec import Engine
from crossrec.pipeline import live as live_module
from crossrec.workspace import Workspace


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


def test_of_several_encoders_only_the_one_that_depends_on_company_is_not_believed(shop):
    shop = shop("beside")
    shop.add(14)
    slate = shop.slate("t0")
    assert [one.component for one in slate.degraded] == ["encoder social"]
    assert "t14" in slate.item_ids[:7], "the vectors of the other encoder place it"


def test_an_encoder_that_fails_is_named(shop, monkeypatch, parts):
    shop = shop()
    monkeypatch.setattr(parts.Plain, "encode", parts.Mute.encode)
    shop.add(14)
    (degraded,) = shop.slate("t0").degraded
    assert degraded.component == "encoder plain"
    assert "OSError: no model" in degraded.error
    assert "t14" in shop.ids("t0")


def test_only_what_is_new_is_encoded(shop, monkeypatch, parts):
    shop = shop()
    shop.ids("t0")
    monkeypatch.setattr(parts.Plain, "wanted", [])
    monkeypatch.setattr(live_module, "_COMPANY", 5)
    shop.add(14, 15, 16)
    shop.ids("t0")
    assert parts.Plain.wanted == [5, 8]


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
    live = shop.engine._pipelines._loaded["growing"].live
    started = time.thread_time()
    for _ in range(2000):
        live.serving()
    assert (time.thread_time() - started) / 2000 < 50e-6
