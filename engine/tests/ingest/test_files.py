import csv
import gzip
import json
import threading
from dataclasses import replace

import pandas as pd
import pytest
from crossrec.errors import DataError, WorkspaceError
from crossrec.ingest import IngestOptions, RejectedRowsError, ingest_files
from crossrec.workspace import Workspace

ITEMS = ("sku,name,price,colour", "i1,One,2.50,red", "i2,Two,,blue")
EVENTS = (
    "customer_id,sku,action,timestamp,value",
    "u1,i1,view,1000,",
    "u1,i2,purchase,1010,9.5",
    "u2,i1,click,1020,",
    "u2,i9,rating,1030,1",
)


def test_files_become_a_dataset(shop, workspace, write, stored):
    report = ingest_files(
        workspace, shop, items=write("items.csv", *ITEMS), events=write("events.csv", *EVENTS)
    )
    assert stored(workspace, shop) == [
        ("u1", "i1", "view", 1000.0, 1.0),
        ("u1", "i2", "purchase", 1010.0, 5.0),
        ("u2", "i1", "view", 1020.0, 1.0),
        ("u2", "i9", "rating", 1030.0, -3.0),
    ]
    catalog = workspace.dataset(shop).catalog
    assert catalog.titles == ("One", "Two", "")
    assert catalog.attributes == {"colour": ("red", "blue", None), "price": (2.5, None, None)}
    assert report.totals == {"users": 2, "items": 3, "known_items": 2, "events": 4}
    assert report.has_clock
    assert [table.kind for table in report.tables] == ["items", "events"]
    events = report.table("events")
    assert events.columns == {
        "user": "customer_id",
        "item": "sku",
        "event": "action",
        "time": "timestamp",
        "value": "value",
    }
    assert (events.rows, events.good, events.new, events.n_bad) == (4, 4, 4, 0)
    assert events.notes[:2] == ["delimiter: comma", "time: unix seconds"]
    assert "all times lie on 1970-01-01" in events.notes[2]
    notice = events.notices["item is not in the item table; kept"]
    assert (notice.count, notice.lines) == (1, [5])
    assert events.rejected is None


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_all_formats_give_the_same(shop, workspace, write, stored, tmp_path, kind):
    rows = [line.split(",") for line in EVENTS]
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    path = tmp_path / f"events.{kind}"
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        frame.astype({"timestamp": int}).to_parquet(path)
    elif kind.startswith("json"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    ingest_files(workspace, shop, events=path)
    assert [row[:4] for row in stored(workspace, shop)] == [
        ("u1", "i1", "view", 1000.0),
        ("u1", "i2", "purchase", 1010.0),
        ("u2", "i1", "view", 1020.0),
        ("u2", "i9", "rating", 1030.0),
    ]
    # The same rows from another format are the same events.
    report = ingest_files(workspace, shop, events=write("again.csv", *EVENTS))
    assert report.table("events").new == 0


BAD = (
    "user,item,event,time,value",
    "u1,i1,view,1000,",
    ",i1,view,1000,",
    "u1,,view,1000,",
    "u1,i1,viev,1000,",
    "u1,i1,view,soon,",
    "u1,i1,view,-5,",
    "u1,i1,view,99999999999,",
    "u1,i1,view,1000,much",
    f"u1,{'x' * 10_000},view,1000,",
    "u1,i1,view,1000,1,surplus",
    "u2,i2,view,1001,",
)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_bad_rows_are_counted_written_and_do_not_stop_the_good_ones(
    shop, workspace, write, stored, size
):
    report = ingest_files(
        workspace, shop, events=write("e.csv", *BAD), options=IngestOptions(chunk_rows=size)
    )
    assert [row[0] for row in stored(workspace, shop)] == ["u1", "u2"]
    table = report.table("events")
    assert (table.rows, table.good, table.n_bad) == (11, 2, 9)
    found = {cause: (tally.count, tally.lines) for cause, tally in table.bad.items()}
    assert found == {
        "missing user": (1, [3]),
        "missing item": (1, [4]),
        "unknown event type 'viev' (nearest: view)": (1, [5]),
        "unparsable time": (1, [6]),
        "negative time": (1, [7]),
        "future time": (1, [8]),
        "value is not a number": (1, [9]),
        "item id longer than 1,024 characters": (1, [10]),
        "more than 5 cells": (1, [11]),
    }
    assert table.rejected == workspace.rejected / "shop" / "e.csv.rejected.csv"
    rows = list(csv.reader(table.rejected.open(newline="")))
    assert rows[0] == ["rejected_line", "rejected_cause", "user", "item", "event", "time", "value"]
    assert sorted(int(row[0]) for row in rows[1:]) == list(range(3, 12))
    assert ["6", "unparsable time", "u1", "i1", "view", "soon", ""] in rows


def test_strict_stores_nothing_of_any_file(shop, workspace, write):
    with pytest.raises(RejectedRowsError, match="9 bad rows .*nothing was stored") as error:
        ingest_files(
            workspace,
            shop,
            items=write("items.csv", *ITEMS),
            events=write("e.csv", *BAD),
            options=IngestOptions(strict=True),
        )
    assert error.value.exit_code == 1
    assert workspace.store().counts("shop").items == 0
    assert workspace.store().scenarios() == []
    report = error.value.report
    assert not report.stored
    assert report.table("events").rejected.exists()
    assert "now holds" not in "\n".join(report.lines())


def test_strict_stores_everything_when_all_is_good(shop, workspace, write):
    report = ingest_files(
        workspace, shop, events=write("e.csv", *EVENTS), options=IngestOptions(strict=True)
    )
    assert report.table("events").new == 4


def test_rejected_rows_that_were_mended_can_be_ingested(shop, workspace, write):
    report = ingest_files(workspace, shop, events=write("e.csv", *BAD[:5]))
    path = report.table("events").rejected
    path.write_text(path.read_text().replace("viev", "view"))
    again = ingest_files(workspace, shop, events=path)
    assert (again.table("events").good, again.table("events").new) == (1, 0)
    report = ingest_files(workspace, shop, events=write("e.csv", *EVENTS))
    assert report.table("events").rejected is None
    assert not path.exists()


def test_two_files_of_one_name_do_not_share_their_rejected_rows(shop, workspace, tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "e.csv")
        paths[-1].write_text(f"user,item\n{folder},\n{folder},i\n")
    report = ingest_files(workspace, shop, events=paths)
    names = [table.rejected.name for table in report.tables]
    assert names == ["e.csv.rejected.csv", "e.csv.rejected-2.csv"]
    assert report.totals["events"] == 2


def test_columns_can_be_mapped(shop, workspace, write, stored):
    options = IngestOptions(columns={"user_id": "who", "item_id": "what", "title": "label"})
    report = ingest_files(
        workspace,
        shop,
        items=write("i.csv", "what,label,name", "i1,One,uno"),
        events=write("e.csv", "who,what", "u1,i1"),
        options=options,
    )
    assert stored(workspace, shop) == [("u1", "i1", "view", 1.0, 1.0)]
    assert workspace.dataset(shop).catalog.titles == ("One",)
    assert report.table("items").columns == {"item": "what", "title": "label", "name": "name"}


def test_a_mapped_column_that_no_file_has_is_an_error(shop, workspace, write):
    options = IngestOptions(columns={"user_id": "buyer"})
    with pytest.raises(DataError, match="no file has a column 'buyer'.*found: user, item"):
        ingest_files(workspace, shop, events=write("e.csv", "user,item", "a,b"), options=options)


def test_files_are_looked_at_before_a_workspace_is_made(shop, tmp_path, write):
    good, bad = write("i.csv", *ITEMS), write("e.csv", "a,b", "1,2")
    with pytest.raises(DataError, match="no column for the user"):
        ingest_files(tmp_path / "new", shop, items=good, events=bad)
    with pytest.raises(DataError, match="there is no file"):
        ingest_files(tmp_path / "new", shop, items=good, events=tmp_path / "none.csv")
    assert not (tmp_path / "new").exists()
    ingest_files(tmp_path / "new", shop, items=good)
    assert Workspace.open(tmp_path / "new").store().counts("shop").items == 2


def test_a_workspace_given_as_a_path_is_left_closed_and_whole(shop, tmp_path, write):
    ingest_files(tmp_path / "new", shop, events=write("e.csv", *EVENTS))
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {
        "workspace.json",
        "crossrec.db",
        "artifacts",
        "rejected",
        "cache",
        ".lock",
        ".writer",
    }


def test_nothing_to_ingest_is_an_error(shop, workspace):
    with pytest.raises(DataError, match="nothing to ingest"):
        ingest_files(workspace, shop)


def test_a_workspace_that_is_written_to_is_not_touched(shop, workspace, write):
    taken, done = threading.Event(), threading.Event()

    def hold():
        with Workspace.open(workspace.path).writing():
            taken.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert taken.wait(60)
        for place, options in (
            (workspace.path, IngestOptions(wait=0)),
            (Workspace(workspace.path, wait=0), IngestOptions()),
        ):
            with pytest.raises(WorkspaceError, match="in use by another process"):
                ingest_files(place, shop, items=write("i.csv", *ITEMS), options=options)
    finally:
        done.set()
        thread.join(60)
    assert workspace.store().counts("shop").items == 0


def test_without_a_time_column_the_file_is_in_order(shop, workspace, write, stored):
    report = ingest_files(
        workspace, shop, events=write("e.csv", "user,item", "u,i3", "u,i1", "u,i2")
    )
    assert report.has_clock is False
    assert "(in order, without times)" in report.lines()[-1]
    assert [row[1] for row in stored(workspace, shop)] == ["i3", "i1", "i2"]
    dataset = workspace.dataset(shop)
    assert not dataset.has_clock
    assert dataset.sequences.row(0).tolist() == [0, 1, 2]


def test_times_can_be_left_out(shop, workspace, write):
    path = write("e.csv", "user,item,time", "u,i1,9", "u,i2,3")
    report = ingest_files(workspace, shop, events=path, options=IngestOptions(has_clock=False))
    assert report.has_clock is False
    assert workspace.dataset(shop).sequences.row(0).tolist() == [0, 1]


def test_users_are_kept_with_their_attributes(shop, workspace, write):
    path = write("u.jsonl", json.dumps({"id": "u1", "age": 30}), json.dumps({"id": "u2"}))
    report = ingest_files(workspace, shop, users=path)
    assert workspace.store().users("shop")[1] == {"u1": {"age": 30}, "u2": {}}
    assert report.table("users").new == 2


def test_declared_fields_of_users_have_their_names_and_kinds(shop, workspace, write):
    path = write(
        "u.csv",
        "user_id,likes,Kids Profile,joined,points,shoe size",
        "u1,jazz|soul,yes,2023-11-14T22:13:20Z,12,44",
        "u2,jazz,maybe,,many,",
    )
    report = ingest_files(workspace, shop, users=path)
    assert workspace.store().users("shop")[1] == {
        "u1": {
            "favourites": ["jazz", "soul"],
            "is_kids": True,
            "joined": 1_700_000_000.0,
            "points": 12,
            "shoe size": "44",
        },
        "u2": {"favourites": "jazz", "is_kids": "maybe", "points": "many"},
    }
    lines = "\n".join(report.lines())
    assert "field 'is_kids': 1 cells are not flags, such as 'maybe', and were kept as text" in lines
    assert "field 'points': 1 cells are not numbers, such as 'many', and were kept as text" in lines


def test_repeated_items_are_noticed_and_the_last_wins(shop, workspace, write):
    path = write("i.csv", "id,title,price", "a,old,1", "b,B,", "a,new,")
    report = ingest_files(workspace, shop, items=path, options=IngestOptions(chunk_rows=2))
    notice = report.table("items").notices["repeated id, the later fields count"]
    assert (notice.count, notice.lines) == (1, [4])
    assert workspace.store().items("shop")[1]["a"] == {"title": "new", "price": 1}


@pytest.mark.parametrize("id_", ["a b", "a/b/../c", "it's", 'say "hi"', "🎧🎸", "x" * 1_024, "007"])
def test_unusual_ids_go_all_the_way(shop, workspace, tmp_path, id_):
    path = tmp_path / "e.csv"
    pd.DataFrame({"user": [id_], "item": [id_]}).to_csv(path, index=False)
    ingest_files(workspace, shop, events=path)
    assert workspace.store().user_events(shop, id_).item_ids[0] == id_


def test_progress_is_reported_by_table(shop, workspace, write):
    steps = []
    options = IngestOptions(chunk_rows=3, progress=lambda *step: steps.append(step))
    ingest_files(workspace, shop, events=write("e.csv", *EVENTS), options=options)
    assert steps == [("e.csv", 3, 0), ("e.csv", 4, 0)]


def test_the_future_starts_a_day_from_now(shop, workspace, write):
    path = write("e.csv", "user,item,time", "u,i,1000", "u,j,90000")
    options = IngestOptions(now=lambda: 2_000.0)
    report = ingest_files(workspace, shop, events=path, options=options)
    assert report.table("events").bad["future time"].lines == [3]
    options = replace(options, now=lambda: 4_000.0)
    assert ingest_files(workspace, shop, events=path, options=options).n_bad == 0


def test_a_table_of_bad_rows_only_stores_nothing_and_reports_all(shop, workspace, write):
    report = ingest_files(workspace, shop, events=write("e.csv", "user,item", "u,", ",i"))
    assert (report.table("events").good, report.n_bad) == (0, 2)
    assert report.totals["events"] == 0


def test_a_gzipped_file_with_quoted_line_breaks_has_true_line_numbers(shop, workspace, tmp_path):
    path = tmp_path / "i.csv.gz"
    path.write_bytes(gzip.compress(b'id,title\na,"one\ntwo"\n,lost\n'))
    report = ingest_files(workspace, shop, items=path)
    assert report.table("items").bad["missing item"].lines == [4]


def test_a_time_format_of_digits_is_read_as_text(shop, workspace, write, stored):
    path = write("e.csv", "user,item,time", "u,i,19700102", "u,j,", "u,k,19700103")
    options = IngestOptions(time_format="%Y%m%d")
    report = ingest_files(workspace, shop, events=path, options=options)
    assert [row[3] for row in stored(workspace, shop)] == [86_400.0, 172_800.0]
    assert report.table("events").bad["missing time"].lines == [3]
