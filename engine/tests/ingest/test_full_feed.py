"""A full feed of items: what is missing is no longer offered, and no broken one is obeyed."""

import subprocess
import sys
import textwrap

import pytest
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions, ingest_files, ingest_frames
from crossrec.ingest.frames import Frames
from crossrec.ingest.report import FullFeed
from crossrec.workspace import Workspace

FULL = IngestOptions(complete="items")


@pytest.fixture
def feed(shop, workspace, write):
    """Ingest a full feed of these items."""

    def feed(*ids, options=FULL, rows=()):
        table = write("feed.csv", "item_id,title", *(f"{id_},thing {id_}" for id_ in ids), *rows)
        return ingest_files(workspace, shop, items=table, options=options)

    return feed


def offered(workspace):
    return sorted(workspace.store().known_items("shop", offered=True))


def test_what_is_missing_is_withdrawn_and_what_comes_back_is_offered_again(feed, workspace):
    assert feed("a", "b", "c", "d").feed == FullFeed(4, 0, 0)
    assert feed("a", "c", "d", "e").feed == FullFeed(4, withdrawn=1, returned=0)
    assert offered(workspace) == ["a", "c", "d", "e"]
    report = feed("a", "b", "d")
    assert report.feed == FullFeed(3, withdrawn=2, returned=1)
    assert report.lines()[-2] == ("full feed of 3 items: 2 no longer offered, 1 offered again")
    assert report.to_dict()["feed"] == {"items": 3, "withdrawn": 2, "returned": 1}
    assert offered(workspace) == ["a", "b", "d"]
    assert feed("a", "b", "d").feed == FullFeed(3, 0, 0), "the same feed again changes nothing"


def test_a_part_of_the_items_withdraws_nothing(feed, workspace):
    feed("a", "b")
    report = feed("a", options=IngestOptions())
    assert report.feed is None
    assert report.to_dict()["feed"] is None
    assert offered(workspace) == ["a", "b"]


def test_several_files_are_one_feed(shop, workspace, write, feed):
    feed("a", "b", "c")
    tables = [write("1.csv", "item_id,title", "a,A"), write("2.csv", "item_id,title", "b,B")]
    assert ingest_files(workspace, shop, items=tables, options=FULL).feed == FullFeed(2, 1, 0)
    assert offered(workspace) == ["a", "b"]


def test_batches_are_one_feed_too(feed, workspace):
    small = IngestOptions(complete="items", chunk_rows=2)
    feed("a", "b", "c", "d", "e")
    assert feed("a", "b", "c", "d", options=small).feed == FullFeed(4, 1, 0)
    assert offered(workspace) == ["a", "b", "c", "d"]


def test_items_of_events_alone_are_not_on_offer_either(shop, workspace, write, feed):
    events = write("e.csv", "user_id,item_id", *(f"u,x{n}" for n in range(9)), "u,a")
    ingest_files(workspace, shop, events=events)
    assert feed("a", "b").feed == FullFeed(2, withdrawn=9, returned=0)
    assert workspace.store().item("shop", "x3").withdrawn


def test_events_beside_the_feed_are_ingested_after_it(shop, workspace, write, feed):
    feed("a", "b")
    items = write("i.csv", "item_id,title", "a,A")
    events = write("e.csv", "user_id,item_id", "u,a", "u,b")
    report = ingest_files(workspace, shop, items=items, events=events, options=FULL)
    assert [table.kind for table in report.tables] == ["items", "events"]
    assert report.totals["events"] == 2
    assert offered(workspace) == ["a"]


def test_frames_can_be_a_full_feed(shop, workspace, feed):
    import pandas as pd

    feed("a", "b")
    frame = pd.DataFrame({"item_id": ["a"], "title": ["A"]})
    assert ingest_frames(workspace, shop, Frames(frame), options=FULL).feed == FullFeed(1, 1, 0)


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        ((), (), "has a header and no rows"),
        (("a", "b", "c", "d"), (",no id",), "1 of 5 rows of the full feed are bad"),
        (("x", "y"), (), "would withdraw 4 of 4 offered items, so nothing was stored: check"),
        (("a", "new"), (), "3 of 4 .*: check .*, or allow it with --most-withdrawn 0.75$"),
    ],
)
def test_a_broken_export_does_not_empty_the_shop(feed, workspace, ids, rows, message):
    feed("a", "b", "c", "d")
    changes = workspace.store().item_changes("shop")
    with pytest.raises(DataError, match=message) as raised:
        feed(*ids, rows=rows)
    assert "\n" not in str(raised.value)
    assert offered(workspace) == ["a", "b", "c", "d"]
    assert workspace.store().known_items("shop") == {"a", "b", "c", "d"}, "nothing new is stored"
    assert workspace.store().item_changes("shop") == changes


def test_an_empty_table_is_refused(shop, workspace, feed):
    import pandas as pd

    feed("a", "b")
    empty = Frames(pd.DataFrame({"item_id": [], "title": []}))
    message = "the full feed has no items and would withdraw all, so nothing was stored"
    with pytest.raises(DataError, match=message):
        ingest_frames(workspace, shop, empty, options=FULL)
    assert offered(workspace) == ["a", "b"]


def test_the_bad_rows_of_a_refused_feed_can_be_corrected(feed, workspace):
    with pytest.raises(DataError, match="they are in .*feed.csv.rejected.csv") as raised:
        feed("a", rows=(",no id",))
    assert "ingest the good rows without --complete" in str(raised.value)
    (path,) = (workspace.rejected / "shop").iterdir()
    assert "no id" in path.read_text()


def test_how_much_may_go_can_be_set(feed, workspace):
    feed("a", "b", "c", "d")
    with pytest.raises(DataError, match="would withdraw 1 of 4"):
        feed("a", "b", "c", options=IngestOptions(complete="items", most_withdrawn=0.2))
    feed("x", options=IngestOptions(complete="items", most_withdrawn=1.0))
    assert offered(workspace) == ["x"]


def test_a_full_feed_needs_items(shop, workspace, write):
    events = write("e.csv", "user_id,item_id", "u,a")
    with pytest.raises(DataError, match="give --items FILE beside --complete items"):
        ingest_files(workspace, shop, events=events, options=FULL)
    assert workspace.store().counts("shop").events == 0


CHILD = """
    import os, sys
    from crossrec.ingest import IngestOptions, ingest_files
    from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

    shop = Scenario(
        name="shop", summary="", events=(EventType("view"),),
        items=ItemSchema((ItemField("title"),), "{title}"), surfaces=(Surface("home"),),
        pipeline="", default_event="view", main_surface="home",
    )

    def die(name, rows, total):
        if rows >= 40:
            os._exit(9)

    options = IngestOptions(complete="items", chunk_rows=10, progress=die)
    ingest_files(sys.argv[1], shop, items=sys.argv[2], options=options)
"""


def test_a_process_that_dies_within_a_feed_leaves_what_was(feed, workspace, write):
    feed(*(f"i{n}" for n in range(60)))
    changes = workspace.store().item_changes("shop")
    table = write("next.csv", "item_id,title", *(f"i{n},new" for n in range(30, 90)))
    arguments = [sys.executable, "-c", textwrap.dedent(CHILD), str(workspace.path), str(table)]
    assert subprocess.run(arguments, check=False).returncode == 9
    again = Workspace.open(workspace.path)
    assert again.store().item_changes("shop") == changes
    assert offered(again) == sorted(f"i{n}" for n in range(60))
    assert again.store().item("shop", "i40").fields == {"title": "thing i40"}
    again.close()
