"""Answers before the first fit, counted from the store."""

from __future__ import annotations

import sys

import pytest
from crossrec import Engine
from crossrec.errors import NotFittedError, UsageError
from crossrec.ingest import ingest_files
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.workspace import Workspace

PIPELINE = """
sources = [
    { name = "counts" },
    { name = "together" },
    { name = "counts", label = "hits", listed_only = true },
]
[surfaces.hits]
sources = ["hits"]
fallback = []
"""
SCHEMA = ItemSchema((ItemField("title"),), "{title}")


def scenario():
    return Scenario(
        "shop", "a shop", (EventType("view"), EventType("buy", consumes="hard")), SCHEMA,
        (Surface("home"), Surface("hits", "nothing", k=3), Surface("alike", "item")),
        "counting_resources:pipeline.toml", "view", "home",
    )  # fmt: skip


@pytest.fixture
def registry(tmp_path, make_registry, toy_sources, monkeypatch):
    class Counts(toy_sources.popular):
        able = frozenset({"explain", "counts"})
        fits = 0

        def fit(self, dataset, run):
            type(self).fits += 1
            super().fit(dataset, run)

    package = tmp_path / "counting_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pipeline.toml").write_text(PIPELINE)
    monkeypatch.syspath_prepend(tmp_path)
    made = make_registry(scenarios={"shop": scenario}, candidate_generators={"counts": Counts})
    made.counts = Counts
    yield made
    sys.modules.pop("counting_resources", None)


def happen(workspace, registry, *lines):
    events = workspace.path / "events.csv"
    events.write_text("user_id,item_id,event_type,time\n" + "\n".join(lines) + "\n")
    ingest_files(workspace, registry.scenario("shop"), events=events)


@pytest.fixture
def shop(tmp_path, registry):
    workspace = Workspace.create(tmp_path / "ws")
    items = workspace.path / "items.csv"
    items.write_text("item_id,title\n" + "".join(f"i{at},item {at}\n" for at in range(6)))
    ingest_files(workspace, registry.scenario("shop"), items=items)
    lines = [f"u{user},i{at},view,{1_700_000_000 + 60 * user + at}"
             for user in range(5) for at in range(user + 1)]  # fmt: skip
    happen(workspace, registry, *lines)
    engine = Engine(workspace, registry)
    yield engine
    workspace.close()


def test_what_only_counts_answers_without_a_fit_and_says_so(shop):
    slate = shop.recommend("shop", surface="hits")
    assert slate.item_ids == ("i0", "i1", "i2")
    assert slate.path == "not fitted, no history"
    assert slate.notes == (
        "nothing is fitted yet: counted from the 15 stored events for this answer",
    )
    assert slate.items[0].reasons[0].text == "popular: 5 events"
    assert not shop.workspace.artifact_path("shop").exists(), "nothing is written"


def test_what_the_user_did_holds_there_too(shop):
    happen(shop.workspace, shop.registry, "u9,i0,buy,1700009000")
    slate = shop.recommend("shop", "u9", surface="hits")
    assert slate.item_ids == ("i1", "i2", "i3")
    assert slate.path == "not fitted, stored history"


def test_it_is_counted_once_until_something_comes(shop, registry):
    for _ in range(3):
        shop.recommend("shop", surface="hits")
    assert registry.counts.fits == 1
    happen(shop.workspace, registry, *(f"n{at},i5,view,17000{at}0000" for at in range(9)))
    assert shop.recommend("shop", surface="hits").item_ids[0] == "i5"
    assert registry.counts.fits == 2
    shop.append_event("shop", "n1", "i4", "view", time=1_700_100_000)
    shop.recommend("shop", surface="hits")
    assert registry.counts.fits == 3


def test_what_needs_a_fit_says_so_and_what_does_not(shop):
    with pytest.raises(NotFittedError, match=r"run `crossrec fit shop` first$"):
        shop.recommend("shop")
    with pytest.raises(NotFittedError, match="until then these answer: hits"):
        shop.recommend("shop", surface="home")
    with pytest.raises(NotFittedError, match="until then these answer: hits"):
        shop.recommend("shop", item_ids=["i1"], surface="alike")
    with pytest.raises(UsageError, match="has no surface 'shelf': it has"):
        shop.recommend("shop", surface="shelf")


def test_after_a_fit_the_fitted_pipeline_answers(shop):
    before = shop.recommend("shop", surface="hits")
    shop.fit("shop")
    after = shop.recommend("shop", surface="hits")
    assert after.item_ids == before.item_ids
    assert (after.path, after.notes) == ("no history", ())


def test_without_items_there_is_nothing_to_count(tmp_path, registry):
    engine = Engine(Workspace.create(tmp_path / "empty"), registry)
    with pytest.raises(NotFittedError, match="run `crossrec ingest shop` first"):
        engine.recommend("shop", surface="hits")
    engine.workspace.close()
