import csv
import json
from pathlib import Path

import pytest
from crossrec.ingest.report import ADVICE, IngestReport, RejectedWriter, TableReport, Tally


def test_a_tally_keeps_the_first_lines_only():
    tally = Tally()
    tally.add(3, [2, 4, 6])
    tally.add(4, [8, 10, 12, 14])
    assert (tally.count, tally.lines) == (7, [2, 4, 6, 8, 10])
    assert str(tally) == "7 (lines 2, 4, 6, 8, 10, ...)"


def test_a_tally_in_words():
    assert str(Tally(1, [9])) == "1 (line 9)"
    assert str(Tally(1_200)) == "1,200"


@pytest.fixture
def report():
    table = TableReport("events", "e.csv", {"user": "uid"}, ["extra"], rows=10, good=8, new=5)
    table.reject("missing user", [3])
    table.reject("future time", [4])
    table.notice("kept", 2, [5, 6])
    table.notice("never", 0)
    table.notes = ["time: unix seconds"]
    table.rejected = Path("rejected/e.csv")
    totals = {"users": 3, "items": 4, "known_items": 2, "events": 5}
    return IngestReport("shop", [table], totals, has_clock=True, note="a sample")


def test_the_report_in_lines(report):
    assert report.lines() == [
        "a sample",
        "events: e.csv",
        "  columns: user=uid",
        "  not used: extra",
        "  time: unix seconds",
        "  rows: 10 read, 8 good (5 new, 3 already there), 2 bad",
        "  bad: missing user: 1 (line 3)",
        f"  bad: future time: 1 (line 4); {ADVICE['future time']}",
        "  notice: kept: 2 (lines 5, 6)",
        "  bad rows are in rejected/e.csv",
        "shop now holds 3 users, 4 items, 5 events",
    ]
    report.has_clock = False
    assert report.lines()[-1].endswith("5 events (in order, without times)")


def test_the_report_as_json(report):
    found = json.loads(json.dumps(report.to_dict()))
    assert found["totals"]["events"] == 5
    assert found["tables"][0]["bad"]["missing user"] == {"count": 1, "lines": [3]}
    assert found["tables"][0]["notices"] == {"kept": {"count": 2, "lines": [5, 6]}}
    assert found["tables"][0]["rejected"] == "rejected/e.csv"
    assert report.n_bad == 2
    assert report.table("events").n_bad == 2


def test_rejected_rows_are_written_as_they_were(tmp_path):
    writer = RejectedWriter(tmp_path / "deep" / "r.csv", ["user", "time"])
    writer.write([])
    assert not writer.path.exists()
    writer.write([(3, "missing user", ["", 1_700_000_000.0]), (4, "x", ["a\nb", float("nan")])])
    writer.write([(9, "y", [None, 2.5])])
    assert writer.close() == writer.path
    rows = list(csv.reader(writer.path.open(newline="")))
    assert rows == [
        ["rejected_line", "rejected_cause", "user", "time"],
        ["3", "missing user", "", "1700000000"],
        ["4", "x", "a\nb", ""],
        ["9", "y", "", "2.5"],
    ]


def test_what_was_rejected_before_is_gone_once_all_is_good(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("old")
    assert RejectedWriter(path, ["user"]).close() is None
    assert not path.exists()


def test_a_rejected_cell_is_shown_with_the_way_to_say_its_format():
    table = TableReport("events", "e.csv", rows=2)
    table.reject("unparsable time", [3], "soon")
    table.reject("unparsable time", [4], "later")
    assert table.described("unparsable time") == (
        "unparsable time: 2 (lines 3, 4), such as 'soon'; say how times are written, such as "
        "--time-format '%d/%m/%Y %H:%M'"
    )
    assert table.to_dict()["bad"]["unparsable time"]["example"] == "soon"
