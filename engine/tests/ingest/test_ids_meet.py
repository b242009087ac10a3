"""Ids of items, users and events meet, whatever type of file or request they come from."""

import json

import numpy as np
import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.mapping import parse_map

N = 12


def events(user="{}", item="{}", *, extra=""):
    rows = [
        f"{user.format(10 + i % 3)},{item.format(20 + i % 4)},{1000 + i}{extra}" for i in range(N)
    ]
    return ["user_id,item_id,time", *rows]


ITEMS = ["item_id,title", *(f"{i},Thing {i}" for i in range(20, 24))]


def ids(workspace, shop):
    dataset = workspace.dataset(shop)
    return sorted(dataset.users.ids), sorted(dataset.catalog.items.ids)


WANTED = (["10", "11", "12"], ["20", "21", "22", "23"])


@pytest.mark.parametrize(
    ("user", "item"),
    [("{}.0", "{}.0"), (" {}", " {} "), ("{}", "{}.00"), ("\u00a0{}", "\u200b{}"), ("{} ", "{}")],
)
def test_spellings_of_numbers_in_a_file_meet_the_item_table(shop, workspace, write, user, item):
    report = ingest_files(
        workspace,
        shop,
        items=write("i.csv", *ITEMS),
        events=write("e.csv", *events(user, item)),
    )
    assert ids(workspace, shop) == WANTED
    assert report.table("events").warnings == []
    assert report.table("events").notices == {}
    shortened = [note for note in report.table("events").notes if "whole numbers" in note]
    assert len(shortened) == (".0" in user) + (".0" in item)


def as_float(values):
    return np.array([*values, np.nan])[:-1].astype(np.float64)


@pytest.mark.parametrize("kind", ["frame", "floats", "parquet", "jsonl", "json floats"])
def test_types_of_files_and_tables_meet(shop, workspace, write, tmp_path, kind):
    users, items = [10 + i % 3 for i in range(N)], [20 + i % 4 for i in range(N)]
    frame = pd.DataFrame({"user_id": users, "item_id": items, "time": range(N)})
    given = frame
    if kind == "floats":
        given = frame.astype({"user_id": float, "item_id": object})
    elif kind == "parquet":
        pytest.importorskip("pyarrow")
        given = tmp_path / "e.parquet"
        frame.astype({"user_id": float}).to_parquet(given)
    elif kind.startswith("json"):
        number = float if kind == "json floats" else int
        rows = zip(users, items, range(N), strict=True)
        lines = [json.dumps({"user_id": number(u), "item_id": i, "time": t}) for u, i, t in rows]
        given = write("e.jsonl", *lines)
    ingest_files(workspace, shop, items=write("i.csv", *ITEMS), events=given)
    assert ids(workspace, shop) == WANTED


@pytest.mark.parametrize("marker", ["\\N", "NULL", "NaN", "None", "<NA>", "nan", "", " "])
def test_events_of_nobody_are_rejected_with_their_lines(shop, workspace, write, marker):
    lines = ["user_id,item_id,time", f"{marker},i0,1000", "u1,i1,1001", f"{marker},i2,1002"]
    report = ingest_files(workspace, shop, events=write("e.csv", *lines))
    tally = report.table("events").bad["missing user"]
    assert (tally.count, tally.lines) == (2, [2, 4])
    assert ids(workspace, shop) == (["u1"], ["i1"])


def test_ids_within_objects_are_found_and_shown(shop, workspace, write):
    lines = [json.dumps({"user": {"id": f"u{i % 3}"}, "item": f"i{i}"}) for i in range(6)]
    report = ingest_files(workspace, shop, events=write("e.jsonl", *lines))
    assert report.table("events").columns["user"] == "user.id"
    assert ids(workspace, shop)[0] == ["u0", "u1", "u2"]


def test_a_part_of_an_object_can_be_mapped(shop, workspace, write):
    lines = [json.dumps({"who": {"key": {"n": i}}, "item": "i"}) for i in range(3)]
    options = IngestOptions(columns=parse_map(["user=who.key.n"], shop))
    ingest_files(workspace, shop, events=write("e.jsonl", *lines), options=options)
    assert ids(workspace, shop)[0] == ["0", "1", "2"]
    options = IngestOptions(columns=parse_map(["user=who.name"], shop))
    with pytest.raises(DataError, match=r"no file has a column 'who\.name'"):
        ingest_files(workspace, shop, events=write("f.jsonl", *lines), options=options)


@pytest.mark.parametrize("cell", [{"key": "u"}, ["u"], True])
def test_what_can_be_no_id_is_rejected_with_its_cause(shop, workspace, write, cell):
    lines = [json.dumps({"user": "u", "item": "i"}), json.dumps({"user": cell, "item": "i"})]
    report = ingest_files(workspace, shop, events=write("e.jsonl", *lines))
    ((cause, tally),) = report.table("events").bad.items()
    assert cause.startswith("user id is ")
    assert (tally.count, tally.lines) == (1, [2])
    assert ids(workspace, shop)[0] == ["u"]


def test_true_is_not_the_item_1(shop, workspace, write):
    lines = [json.dumps({"user": "u", "item": item}) for item in (1, True, "1", 1.0)]
    report = ingest_files(workspace, shop, events=write("e.jsonl", *lines))
    assert ids(workspace, shop)[1] == ["1"]
    assert report.table("events").n_bad == 1


def test_events_that_miss_the_item_table_are_warned_of(shop, workspace, write):
    report = ingest_files(
        workspace,
        shop,
        items=write("i.csv", "item_id,title", *(f"00{i},Thing {i}" for i in range(20, 24))),
        events=write("e.csv", *events()),
    )
    (warning,) = report.table("events").warnings
    assert warning.startswith("12 of 12 events are about items that are not in the item table")
    assert "zeros at the front" in warning
    assert f"  warning: {warning}" in report.lines()
    assert report.totals["events"] == 12


def test_some_unknown_items_are_no_warning(shop, workspace, write):
    report = ingest_files(
        workspace, shop, items=write("i.csv", *ITEMS[:4]), events=write("e.csv", *events())
    )
    assert report.table("events").warnings == []
    assert report.table("events").notices["item is not in the item table; kept"].count == 3
