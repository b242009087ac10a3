"""Fields that were written after the fit count from the next request on."""

import threading

import pytest
from crossrec.pipeline import live as live_module
from crossrec.workspace import Workspace


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
    shop, monkeypatch, wait_until
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


def test_in_a_server_a_request_never_waits_for_new_items(shop, monkeypatch, wait_until):
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
