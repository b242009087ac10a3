"""Items and users that were deleted or withdrawn after the fit."""

import numpy as np
import pytest
from crossrec import Engine
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions
from crossrec.workspace import Workspace


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


def test_a_deleted_user_is_not_looked_up_among_the_fitted_ones(
    tmp_path, make_registry, registry, parts
):
    seen = []

    class Watching(parts.Alike):
        able = frozenset()

        def fit(self, dataset, run):
            self.rows = np.ones((dataset.n_items, 2), np.float32)

        def generate(self, queries, k):
            seen.append(queries.users.tolist())
            return super().generate(queries, k)

    sources = {"together": Watching}
    own = make_registry(
        scenarios={"fixed": parts.scenario("fixed")}, candidate_generators=sources, encoders={}
    )
    shop = parts.Shop(tmp_path, own, "fixed")
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
