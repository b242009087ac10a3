"""Ingesting again: the same file, a longer one, an overlapping one."""

import pytest
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions, ingest_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEAD = "user,item,time"
ROWS = ("u,a,10", "u,b,20", "v,a,20", "u,a,10", "u,a,10")


def new(report):
    return report.table("events").new


def test_the_same_file_again_changes_nothing(shop, workspace, write, stored):
    path = write("e.csv", HEAD, *ROWS)
    first = ingest_files(workspace, shop, events=path)
    assert new(first) == 5
    before = stored(workspace, shop)
    database = (workspace.path / "crossrec.db").read_bytes()
    again = ingest_files(workspace, shop, events=path)
    assert new(again) == 0
    assert again.totals == first.totals
    assert stored(workspace, shop) == before
    assert len(database) == (workspace.path / "crossrec.db").stat().st_size


def test_real_repeats_within_a_file_survive(shop, workspace, write):
    ingest_files(workspace, shop, events=write("e.csv", HEAD, *ROWS))
    assert workspace.store().user_events(shop, "u").item_ids == ("a", "a", "a", "b")


def test_overlapping_exports_meet_row_by_row(shop, workspace, write):
    ingest_files(workspace, shop, events=write("monday.csv", HEAD, *ROWS))
    tuesday = write("tuesday.csv", HEAD, *ROWS[2:], "w,a,30", "u,a,40")
    assert new(ingest_files(workspace, shop, events=tuesday)) == 2
    assert workspace.store().counts("shop").events == 7


def test_the_order_of_columns_and_the_name_of_an_event_do_not_matter(shop, workspace, write):
    ingest_files(workspace, shop, events=write("a.csv", "user,item,event,time", "u,a,click,10"))
    again = write("b.csv", "time;action;item;user", "1970-01-01T00:00:10Z;view;a;u")
    assert new(ingest_files(workspace, shop, events=again)) == 0


def test_a_longer_version_without_a_clock_is_appended(shop, workspace, write):
    lines = ["user,item", "u,a", "u,b", "u,a"]
    ingest_files(workspace, shop, events=write("e.csv", *lines))
    longer = write("e.csv", *lines, "u,c", "u,a")
    assert new(ingest_files(workspace, shop, events=longer)) == 2
    events = workspace.store().user_events(shop, "u")
    assert events.item_ids == tuple("abaca")
    assert events.times.tolist() == [1, 2, 3, 4, 5]
    assert new(ingest_files(workspace, shop, events=longer)) == 0


def test_an_event_id_decides_by_itself(shop, workspace, write):
    lines = ("event_id,user,item,time", "e1,u,a,10", "e1,u,b,20", "e2,u,a,10")
    report = ingest_files(workspace, shop, events=write("e.csv", *lines))
    assert new(report) == 2
    assert "3 good (2 new, 1 already there)" in "\n".join(report.lines())
    corrected = write("f.csv", "event_id,user,item,time", "e2,u,a,99", "e3,u,a,10")
    assert new(ingest_files(workspace, shop, events=corrected)) == 1


def test_items_again_change_nothing_and_new_fields_win(shop, workspace, write):
    path = write("i.csv", "id,title,price", "a,A,1", "b,B,2")
    assert ingest_files(workspace, shop, items=path).table("items").new == 2
    assert ingest_files(workspace, shop, items=path).table("items").new == 0
    ingest_files(workspace, shop, items=write("j.csv", "id,title,colour", "b,Bee,red", "c,C,"))
    assert workspace.store().items("shop")[1] == {
        "a": {"title": "A", "price": 1},
        "b": {"title": "Bee", "price": 2, "colour": "red"},
        "c": {"title": "C"},
    }


def test_a_clock_cannot_be_added_or_lost_later(shop, workspace, write):
    ingest_files(workspace, shop, events=write("a.csv", HEAD, *ROWS))
    with pytest.raises(DataError, match="holds events with times.*--map time=COLUMN"):
        ingest_files(workspace, shop, events=write("b.csv", "user,item", "u,a"))
    assert workspace.store().counts("shop").events == 5


rows = st.lists(st.sampled_from(["u,a,1", "u,b,1", "v,a,2", "v,b,3"]), min_size=1, max_size=15)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows, st.integers(1, 6), st.integers(1, 6))
def test_however_it_is_cut_the_result_is_the_same(shop, tmp_path_factory, lines, size, other):
    folder = tmp_path_factory.mktemp("again")
    path = folder / "e.csv"
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    for name, chunk_rows in (("a", size), ("b", other), ("a", other)):
        options = IngestOptions(chunk_rows=chunk_rows)
        report = ingest_files(folder / name, shop, events=path, options=options)
        assert report.totals["events"] == len(lines)
