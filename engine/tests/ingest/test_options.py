import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions
from crossrec.ingest.columns import ITEM, TIME, USER
from crossrec.ingest.mapping import parse_map
from crossrec.ingest.options import plan_inputs, plan_sources
from crossrec.ingest.reading.chunks import FrameReader


def frame(*names):
    return FrameReader("table", pd.DataFrame(columns=list(names)))


def test_items_come_before_users_and_events(shop, write):
    inputs = {
        "events": write("e.csv", "user,item", "u,i"),
        "users": write("u.csv", "user", "u"),
        "items": [write("i.csv", "item", "i"), write("j.csv", "item", "j")],
    }
    tables = plan_inputs(shop, inputs, IngestOptions())
    assert [(table.kind, table.source.name) for table in tables] == [
        ("items", "i.csv"),
        ("items", "j.csv"),
        ("users", "u.csv"),
        ("events", "e.csv"),
    ]


def test_paths_may_be_strings_and_sequences_of_them(shop, write):
    path = str(write("e.csv", "user,item", "u,i"))
    for given in (path, [path], (path,)):
        assert len(plan_inputs(shop, {"events": given}, IngestOptions())) == 1
    with pytest.raises(DataError, match="nothing to ingest"):
        plan_inputs(shop, {"events": [], "items": None}, IngestOptions())


def test_an_override_goes_to_every_table_that_has_its_column(shop):
    options = IngestOptions(columns=parse_map(["item=code", "user=who"], shop))
    sources = [("items", frame("code", "item")), ("events", frame("who", "code", "item", "ts"))]
    items, events = plan_sources(shop, sources, options)
    assert items.columns.columns == {ITEM: "code"}
    assert items.columns.fields == {"item": "item"}
    assert events.columns.columns == {USER: "who", ITEM: "code", TIME: "ts"}
    assert events.columns.unused == ("item",)


def test_an_override_may_serve_one_table_and_leave_the_other_to_the_guess(shop):
    options = IngestOptions(columns={ITEM: "code"})
    items, events = plan_sources(
        shop, [("items", frame("item_id")), ("events", frame("user", "code"))], options
    )
    assert items.columns.columns == {ITEM: "item_id"}
    assert events.columns.columns == {USER: "user", ITEM: "code"}


def test_an_override_that_serves_none_is_named_with_all_columns(shop):
    sources = [("items", frame("a", "item")), ("events", frame("user", "item"))]
    with pytest.raises(DataError, match="column 'code' .*found: a, item, user"):
        plan_sources(shop, sources, IngestOptions(columns={ITEM: "code"}))


def test_the_first_table_without_a_needed_column_is_named(shop):
    sources = [("items", frame("item")), ("events", frame("when", "what"))]
    with pytest.raises(DataError, match="table: no column for the user of the events"):
        plan_sources(shop, sources, IngestOptions())


def test_options_for_reading_are_passed_on(shop, tmp_path):
    path = tmp_path / "e.csv"
    path.write_bytes("user#item\nJosé#i\n".encode("latin-1"))
    options = IngestOptions(encoding="latin-1", delimiter="#", chunk_rows=7)
    (table,) = plan_inputs(shop, {"events": path}, options)
    assert [chunk.frame["user"].tolist() for chunk in table.source.chunks()] == [["José"]]
    assert options.reading("events").chunk_rows == 7
