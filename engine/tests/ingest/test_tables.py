"""pandas tables in place of files: the same rules, the same report."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.ingest import IngestOptions, ingest_files


def events(**columns):
    return pd.DataFrame({"user_id": ["u", "u", "v"], "item_id": [1, 2, 1], **columns})


def test_a_table_is_read_like_the_file_that_it_would_be(shop, workspace, tmp_path, stored):
    table = events(timestamp=[30, -1, 10], action=["view", "view", "purchase"])
    table.to_csv(tmp_path / "events.csv", index=False)
    of_file = ingest_files(tmp_path / "other", shop, events=tmp_path / "events.csv")
    of_table = ingest_files(workspace, shop, events=table)
    one, other = (report.table("events") for report in (of_file, of_table))
    assert one.bad["negative time"].lines == [3], "line 1 is the header"
    assert other.bad["negative time"].lines == [2], "the first row is row 1"
    for name in ("columns", "rows", "good", "new", "unused"):
        assert getattr(one, name) == getattr(other, name), name
    assert of_file.totals == of_table.totals
    assert stored(workspace, shop) == [
        ("u", "1", "view", 30.0, 1.0),
        ("v", "1", "purchase", 10.0, 5.0),
    ]
    assert ingest_files(workspace, shop, events=tmp_path / "events.csv").table("events").new == 0


def test_tables_and_files_go_together(shop, workspace, write):
    items = pd.DataFrame({"item_id": [1, 2], "title": ["One", None], "price": [1.5, None]})
    users = pd.DataFrame({"user_id": ["u"], "consents": [["mail", "ads"]]})
    path = write("events.csv", "user_id,item_id", "u,1")
    report = ingest_files(workspace, shop, items=items, users=users, events=[str(path)])
    assert [table.name for table in report.tables] == ["items", "users", "events.csv"]
    assert workspace.store().users("shop")[1] == {"u": {"consents": ["mail", "ads"]}}


def test_types_that_only_tables_have(shop, workspace, stored):
    table = pd.DataFrame(
        {
            "user_id": pd.Series(["u", "v", None], dtype="string"),
            "item_id": pd.array([1, 2, 3], dtype="Int64"),
            "event_type": pd.Categorical(["view", "rating", "view"]),
            "value": pd.array([None, 5, None], dtype="Int64"),
            "time": pd.to_datetime([10, 20, 30], unit="s", utc=True),
        }
    ).set_axis([7, 7, 7])
    report = ingest_files(workspace, shop, events=table).table("events")
    assert {cause: tally.lines for cause, tally in report.bad.items()} == {"missing user": [3]}
    assert [row[:4] for row in stored(workspace, shop)] == [
        ("u", "1", "view", 10.0),
        ("v", "2", "rating", 20.0),
    ]


def test_the_caller_keeps_the_table_as_it_was(shop, workspace):
    table = events(time=[1, 2, 3])
    before = table.copy()
    ingest_files(workspace, shop, events=table, options=IngestOptions(chunk_rows=2))
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (pd.DataFrame({"user_id": ["u"]}), "events: no column for the item"),
        (pd.DataFrame([["u", 1, 2]], columns=["user_id", "item_id", "item_id"]),
         "events: two columns are called 'item_id': rename one"),
        ({"user_id": ["u"]}, "events: give a path, a list of paths or a pandas DataFrame, not d"),
        ([events()], "events: give a path, a list of paths or a pandas DataFrame, not list"),
        (np.zeros(3), "events: give a path, .*, not ndarray"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_one_line(shop, workspace, given, complaint):
    with pytest.raises(DataError, match=complaint):
        ingest_files(workspace, shop, events=given)
    assert workspace.store().scenarios() == []


def test_pandas_is_not_imported_to_find_out_what_was_given():
    code = (
        "import sys; from crossrec.ingest.options import plan_inputs, IngestOptions; "
        "from crossrec.errors import DataError\n"
        "try: plan_inputs(None, {'events': 'none.csv'}, IngestOptions())\n"
        "except DataError as error: print(error)\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["there is no file none.csv", "False"]
